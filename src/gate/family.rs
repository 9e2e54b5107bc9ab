//! Families: which failures are near duplicates of one, and whether one of them is to be waited for (PATTERNS.md, A2).
//!
//! Over-grouping is the worse error: a near duplicate only waits, and is judged on its own afterwards. Layer 1.

use std::collections::{BTreeMap, BTreeSet};

use crate::fingerprint::{Frequencies, Relation, family_score, group_score, relation};
use crate::model::{Family, Fingerprint, ReportId, Sketch};

/// Below so many sketches, how often a frame occurs says nothing: every frame that two of them share looks common.
const ENOUGH_TO_COUNT: usize = 20;
/// Members of one family that are looked at; the best five decide, and the rest of a huge family says the same.
const MOST_MEMBERS: usize = 64;
/// Relatives that are told.
const MOST_KIN: usize = 8;

/// One failure of the repository.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// The failure.
    pub fingerprint: &'a Fingerprint,
    /// Its family by hash: what a group is kept under.
    pub family: &'a Family,
    /// What it is compared by.
    pub sketch: &'a Sketch,
    /// Its canonical report, for people.
    pub report: Option<&'a ReportId>,
}

/// A relative of a failure.
#[derive(Debug, Clone, PartialEq)]
pub struct Kin {
    /// The relative.
    pub fingerprint: Fingerprint,
    /// Its canonical report.
    pub report: Option<ReportId>,
    /// Of one family, or only worth a link.
    pub relation: Relation,
    /// How near the two are by themselves, in 0..=1.
    pub score: f64,
}

/// The failures of one repository, ready to be asked for relatives.
#[derive(Debug)]
pub struct Kindred<'a> {
    members: Vec<Member<'a>>,
    frequencies: Frequencies,
    having: BTreeMap<&'a str, Vec<usize>>,
    families: BTreeMap<&'a Family, Vec<usize>>,
}

impl<'a> Kindred<'a> {
    /// Takes up the failures of a repository; of two with one fingerprint the first counts.
    pub fn new(members: impl IntoIterator<Item = Member<'a>>) -> Self {
        let mut kindred = Self {
            members: Vec::new(),
            frequencies: Frequencies::default(),
            having: BTreeMap::new(),
            families: BTreeMap::new(),
        };
        let mut seen = BTreeSet::new();
        for member in members.into_iter().filter(|member| seen.insert(member.fingerprint)) {
            let place = kindred.members.len();
            kindred.frequencies.add(member.sketch);
            let frames: BTreeSet<&str> = member.sketch.frames.iter().map(|(frame, _)| frame.as_str()).collect();
            for frame in frames {
                kindred.having.entry(frame).or_default().push(place);
            }
            kindred.families.entry(member.family).or_default().push(place);
            kindred.members.push(member);
        }
        kindred
    }

    /// Finds the relatives of a failure, the nearest first.
    ///
    /// Candidates are those that share one of its rarest frames: words alone relate nothing, for two reports without a
    /// trace that both say "not found" have only that in common. A family is judged as a whole; of its members those are
    /// named that no veto keeps apart.
    pub fn of(&self, fingerprint: &Fingerprint, sketch: &Sketch) -> Vec<Kin> {
        let uncounted = Frequencies::default();
        let counted = self.members.len() >= ENOUGH_TO_COUNT;
        let frequencies = if counted { &self.frequencies } else { &uncounted };
        let families: BTreeSet<&Family> = self
            .frequencies
            .rarest(sketch)
            .iter()
            .filter_map(|frame| self.having.get(frame))
            .flatten()
            .map(|place| self.members[*place].family)
            .collect();
        let mut kin = Vec::new();
        for family in families {
            let members = self.families.get(family).into_iter().flatten().map(|place| &self.members[*place]);
            let others = members.filter(|member| member.fingerprint != fingerprint).take(MOST_MEMBERS);
            let scored: Vec<(&Member<'_>, f64)> = others
                .map(|member| {
                    let score = family_score(sketch, member.sketch, frequencies);
                    (member, if score.fast > 0.0 { score.value } else { 0.0 })
                })
                .collect();
            let values: Vec<f64> = scored.iter().map(|(_, value)| *value).collect();
            let relation_to_all = relation(group_score(&values));
            if relation_to_all == Relation::Apart {
                continue;
            }
            // A veto made the value nothing.
            kin.extend(scored.into_iter().filter(|(_, value)| relation(*value) != Relation::Apart).map(
                |(member, score)| Kin {
                    fingerprint: member.fingerprint.clone(),
                    report: member.report.cloned(),
                    relation: relation_to_all,
                    score,
                },
            ));
        }
        kin.sort_by(|one, other| {
            other.score.total_cmp(&one.score).then_with(|| one.fingerprint.cmp(&other.fingerprint))
        });
        kin.truncate(MOST_KIN);
        kin
    }
}

/// How a failure is being worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnderWay {
    /// Its pull request is open.
    PullRequest(u64),
    /// Its proven candidate waits to be published.
    Candidate,
    /// Another run has it.
    Leased,
    /// It is older, and this run takes it.
    ThisRun,
}

/// A near duplicate that is waited for.
#[derive(Debug, Clone, PartialEq)]
pub struct Deferral {
    /// The near duplicate.
    pub sibling: Kin,
    /// How it is being worked on.
    pub under_way: UnderWay,
}

impl Deferral {
    /// Says in a whole sentence what is waited for.
    pub fn sentence(&self) -> String {
        let report = self.sibling.report.as_ref().map(|report| format!("{report}, ")).unwrap_or_default();
        let sibling = format!("The near duplicate {report}{}", self.sibling.fingerprint);
        let stands = match self.under_way {
            UnderWay::PullRequest(number) => format!("has pull request #{number} open"),
            UnderWay::Candidate => "has a proven candidate that waits to be published".to_owned(),
            UnderWay::Leased => "is being worked on by another run".to_owned(),
            UnderWay::ThisRun => "is older and goes first".to_owned(),
        };
        format!("{sibling} {stands}; this failure is judged on its own afterwards.")
    }
}

/// Decides whether a failure waits for one of its family: for the nearest that is under way, and for none that is only
/// related.
pub fn deferred(kin: &[Kin], under_way: &BTreeMap<Fingerprint, UnderWay>) -> Option<Deferral> {
    let mut family = kin.iter().filter(|kin| kin.relation == Relation::Family);
    family.find_map(|sibling| {
        let under_way = *under_way.get(&sibling.fingerprint)?;
        Some(Deferral { sibling: sibling.clone(), under_way })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sketch of Python with one letter a frame, all of the repository.
    fn sketch(error_type: &str, frames: &str) -> Sketch {
        let frames: Vec<String> = frames.chars().map(String::from).collect();
        Sketch {
            language: "python".to_owned(),
            error_type: error_type.to_owned(),
            generic: false,
            top: frames.iter().take(5).cloned().collect(),
            frames: frames.into_iter().zip(1..).collect(),
            words: BTreeSet::from(["missing".to_owned()]),
        }
    }

    struct Known(Fingerprint, Family, Sketch);

    /// A failure that is a family of its own.
    fn known(name: &str, error_type: &str, frames: &str) -> Known {
        Known(Fingerprint::of(name.as_bytes()), Family::of(name.as_bytes()), sketch(error_type, frames))
    }

    fn kin_of(asking: &Known, known: &[&Known]) -> Vec<Kin> {
        let members =
            known.iter().map(|one| Member { fingerprint: &one.0, family: &one.1, sketch: &one.2, report: None });
        Kindred::new(members).of(&asking.0, &asking.2)
    }

    fn relations(kin: &[Kin]) -> Vec<Relation> {
        kin.iter().map(|kin| kin.relation).collect()
    }

    #[test]
    fn from_four_tenths_on_two_failures_are_of_one_family_and_from_fifteen_hundredths_related() {
        let asking = known("asking", "KeyError", "abcd");
        let near = known("near", "KeyError", "abce");
        assert_eq!(relations(&kin_of(&asking, &[&near])), [Relation::Family]);
        // Two of four frames, one of them elsewhere, and no word: (2 + 5/6 e^-0.05 - 4/3) / (25/6) of 0.8.
        let mut far = known("far", "KeyError", "acxy");
        far.2.words = BTreeSet::from(["found".to_owned()]);
        let related = kin_of(&asking, &[&far]);
        assert_eq!(relations(&related), [Relation::Related]);
        assert!((related[0].score - 0.28).abs() < 0.01, "{related:?}");
        assert_eq!(kin_of(&asking, &[&known("strange", "KeyError", "axyz")]), [], "more apart than alike");
    }

    #[test]
    fn another_language_another_root_type_or_no_shared_frame_of_the_repository_is_no_family() {
        let asking = known("asking", "KeyError", "abcd");
        let mut other = known("other", "KeyError", "abcd");
        assert_eq!(relations(&kin_of(&asking, &[&other])), [Relation::Family]);
        other.2.error_type = "ValueError".to_owned();
        assert_eq!(kin_of(&asking, &[&other]), [], "another root type");
        other.2.generic = true;
        assert_eq!(kin_of(&asking, &[&other]).len(), 1, "a generic type parts nothing");
        other.2.language = "ruby".to_owned();
        assert_eq!(kin_of(&asking, &[&other]), [], "another language");
        let mut outside = known("outside", "KeyError", "abcd");
        outside.2.top = vec!["z".to_owned()];
        assert_eq!(kin_of(&asking, &[&outside]), [], "no frame of the repository in common");
    }

    #[test]
    fn a_family_is_judged_as_a_whole_and_strangers_in_it_take_from_the_score() {
        let asking = known("asking", "KeyError", "abcd");
        let near = known("near", "KeyError", "abxy");
        let strangers: Vec<Known> =
            (0..4).map(|n| Known(Fingerprint::of(&[n]), near.1.clone(), sketch("KeyError", "awxy"))).collect();
        let mut all: Vec<&Known> = vec![&near];
        let alone = kin_of(&asking, &all);
        all.extend(&strangers);
        let crowd = kin_of(&asking, &all);
        assert_eq!((alone[0].relation, crowd[0].relation), (Relation::Family, Relation::Related), "{crowd:?}");
        assert_eq!(crowd.len(), 1, "only those that are near by themselves are named");
    }

    #[test]
    fn words_alone_relate_nothing() {
        let (one, other) = (known("one", "Error", ""), known("other", "Error", ""));
        assert_eq!(kin_of(&one, &[&other]), []);
    }

    #[test]
    fn a_failure_is_no_relative_of_itself() {
        let one = known("one", "KeyError", "abcd");
        assert_eq!(kin_of(&one, &[&one]), []);
    }

    #[test]
    fn only_family_that_is_under_way_is_waited_for() {
        let kin = |name: &str, relation, score| Kin {
            fingerprint: Fingerprint::of(name.as_bytes()),
            report: Some(ReportId::Issue { number: 3 }),
            relation,
            score,
        };
        let all = [
            kin("quiet", Relation::Family, 0.9),
            kin("busy", Relation::Family, 0.5),
            kin("related", Relation::Related, 0.3),
        ];
        let at = |name: &str, way| BTreeMap::from([(Fingerprint::of(name.as_bytes()), way)]);
        assert_eq!(deferred(&all, &BTreeMap::new()), None);
        assert_eq!(deferred(&all, &at("related", UnderWay::PullRequest(7))), None);
        let deferral = deferred(&all, &at("busy", UnderWay::PullRequest(7))).expect("it waits");
        assert_eq!(deferral.sibling.fingerprint, Fingerprint::of(b"busy"));
        assert!(deferral.sentence().contains("issue #3") && deferral.sentence().contains("pull request #7"));
    }
}
