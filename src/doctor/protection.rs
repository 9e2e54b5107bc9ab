//! What branches ask: classic protection and rulesets, taken together. Layer 1.
//!
//! Either of the two can ask for something, so that "nobody asks" is known only where both were seen.

use super::{Check, Facts, Finding, Target};
use crate::model::{BranchRules, Hosted, MergeMethod, Mode, Seen, TokenSort};

pub(super) fn checks(facts: &Facts, target: &Target) -> Vec<Finding> {
    let Some(hosted) = &target.seen.hosted else { return Vec::new() };
    let place = target.policy.slug.to_string();
    let view = View { facts, target, hosted, place: &place };
    vec![
        view.required_checks(),
        view.approvals(),
        view.conversations(),
        view.force_pushes(),
        view.linear(),
        view.signatures(),
        view.own_branches(),
    ]
}

struct View<'a> {
    facts: &'a Facts,
    target: &'a Target,
    hosted: &'a Hosted,
    place: &'a str,
}

impl View<'_> {
    fn check(&self, id: &'static str, why: &'static str) -> Check<'_> {
        Check { id, place: self.place, why }
    }

    fn page(&self) -> String {
        self.facts.page(&self.target.policy.slug, "settings/rules")
    }

    /// Returns whether protection or a ruleset asks for something; `false` only where both were seen.
    fn asks(&self, of: impl Fn(&BranchRules) -> bool) -> Seen<bool> {
        let classic = self.hosted.classic.as_ref().map(|rules| rules.as_ref().is_some_and(&of));
        let rulesets = self.hosted.rulesets.as_ref().map(&of);
        match (classic, rulesets) {
            (Ok(true), _) | (_, Ok(true)) => Ok(true),
            (Err(why), _) | (_, Err(why)) => Err(why.clone()),
            (Ok(false), Ok(false)) => Ok(false),
        }
    }

    /// Returns every rule that was seen.
    fn seen(&self) -> impl Iterator<Item = &BranchRules> {
        let classic = self.hosted.classic.as_ref().ok().and_then(Option::as_ref);
        classic.into_iter().chain(self.hosted.rulesets.as_ref().ok())
    }

    fn is_person(&self) -> bool {
        let sort = self.facts.token.as_ref().map(|token| token.sort);
        matches!(sort, Some(TokenSort::Classic | TokenSort::FineGrained | TokenSort::Other))
    }

    fn required_checks(&self) -> Finding {
        let check =
            self.check("required-checks", "A required check keeps a pull request that turned red from being merged.");
        let mut names: Vec<&str> = self.seen().flat_map(|rules| rules.checks.iter().map(String::as_str)).collect();
        names.sort_unstable();
        names.dedup();
        let mend = format!("Add a rule \"Require status checks to pass\" for the base branch on {}.", self.page());
        match self.asks(|rules| !rules.checks.is_empty()) {
            Ok(true) => {
                let shown = names.iter().take(5).copied().collect::<Vec<_>>().join(", ");
                let more = if names.len() > 5 { format!(" and {} more", names.len() - 5) } else { String::new() };
                check.ok(format!("Required before a merge: {shown}{more}."))
            }
            Ok(false) if self.target.policy.mode == Mode::Auto => check
                .problem("Mode `auto` is configured, and no check is required: a merge would wait for nothing.", mend),
            Ok(false) => check.warning("No check is required before a merge.", mend),
            Err(why) => check.unknown("Whether checks are required", &why),
        }
    }

    fn approvals(&self) -> Finding {
        let check =
            self.check("required-approvals", "Homeostat approves and merges nothing; whoever does is a person.");
        let most = self.seen().filter_map(|rules| rules.approvals).max().unwrap_or_default();
        let owners = self.seen().any(|rules| rules.code_owners);
        let owners = if owners { ", owners of the code among them" } else { "" };
        match self.asks(|rules| rules.approvals.is_some_and(|count| count > 0) || rules.code_owners) {
            Ok(true) if self.target.policy.mode == Mode::Auto => {
                check.note(format!("A merge needs {most} approval(s){owners}; in mode `auto` it waits for them too."))
            }
            Ok(true) => check.ok(format!("A merge needs {most} approval(s){owners}.")),
            Ok(false) => check.note(format!("A merge needs no approval; {} can ask for one.", self.page())),
            Err(why) => check.unknown("Whether approvals are required", &why),
        }
    }

    fn conversations(&self) -> Finding {
        let check = self.check(
            "conversation-resolution",
            "An open conversation on a pull request of ours is a person's to resolve; Homeostat resolves none.",
        );
        match self.asks(|rules| rules.conversations) {
            Ok(true) => check.note("Every conversation has to be resolved before a merge."),
            Ok(false) => check.ok("Open conversations do not keep a pull request from being merged."),
            Err(why) => check.unknown("Whether conversations have to be resolved", &why),
        }
    }

    fn force_pushes(&self) -> Finding {
        let check = self.check(
            "force-pushes",
            "Proofs name the base commit that they were made on; one that vanishes takes them with it.",
        );
        // Allowed only where nothing forbids it: a ruleset without a word, or protection that allows it, is not enough.
        let forbids = self.asks(|rules| !rules.force_pushes);
        match forbids {
            Ok(true) => check.ok("The base branch cannot be moved but forward."),
            Ok(false) => check.warning(
                "The base branch can be moved anywhere (force pushes are not blocked).",
                format!("Add a rule \"Block force pushes\" for it on {}.", self.page()),
            ),
            Err(why) => check.unknown("Whether force pushes are blocked", &why),
        }
    }

    fn linear(&self) -> Finding {
        let check =
            self.check("linear-history", "With a linear history a pull request is squashed or rebased, never merged.");
        let merges = self.target.policy.auto_merge.method == MergeMethod::Merge;
        match self.asks(|rules| rules.linear) {
            Ok(true) if merges && self.target.policy.mode == Mode::Auto => check.problem(
                "The base branch requires a linear history, and `auto_merge.method` is `merge`.",
                "Set `auto_merge.method` to `squash` or `rebase`.",
            ),
            Ok(true) => check.ok("The base branch requires a linear history; each of our commits is one by itself."),
            Ok(false) => check.ok("Any way of merging is allowed."),
            Err(why) => check.unknown("Whether a linear history is required", &why),
        }
    }

    fn signatures(&self) -> Finding {
        let check = self.check(
            "signed-commits",
            "GitHub signs the commits of Apps and workflows, and not those of a person's token.",
        );
        let signs = "Give the run an App (HOMEOSTAT_APP_ID, HOMEOSTAT_APP_KEY), whose commits GitHub signs.";
        match self.asks(|rules| rules.signatures) {
            Ok(true) if self.is_person() => check.problem(
                "The base branch requires signed commits, and commits of this token are unsigned: they cannot be merged.",
                signs,
            ),
            Ok(true) => check.ok("Signed commits are required, and GitHub signs ours."),
            Ok(false) => check.ok("Signed commits are not required."),
            Err(why) => check.unknown("Whether signed commits are required", &why),
        }
    }

    fn own_branches(&self) -> Finding {
        let check = self.check("own-branches", "A fix is a branch `homeostat/…` before it is a pull request.");
        let page = self.page();
        match &self.hosted.own_branches {
            Err(why) => check.unknown("Whether branches of ours may be made", why),
            Ok(rules) if rules.no_creation => check.problem(
                "A ruleset keeps branches `homeostat/…` from being made.",
                format!("Except `homeostat/**` from the ruleset, or let the token's account bypass it, on {page}."),
            ),
            Ok(rules) if rules.signatures && self.is_person() => check.problem(
                "A ruleset wants signed commits on `homeostat/…`, and commits of this token are unsigned.",
                "Give the run an App (HOMEOSTAT_APP_ID, HOMEOSTAT_APP_KEY), whose commits GitHub signs.",
            ),
            Ok(rules) => match &rules.name_pattern {
                Some(pattern) => check.warning(
                    format!("A ruleset says what branches are called ({pattern}), and it holds for `homeostat/…`."),
                    format!("See that the pattern fits, or except `homeostat/**` from it, on {page}."),
                ),
                None => check.ok("Nothing keeps branches `homeostat/…` from being made."),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{Severity, examine, sample};
    use crate::model::Unseen;

    /// Judges the sample after a change of its rules, and returns the severity and words of one check.
    fn of(id: &str, change: impl FnOnce(&mut Facts, &mut Hosted)) -> (Severity, String) {
        let mut facts = sample::facts();
        let mut hosted = facts.targets[0].seen.hosted.take().expect("hosted");
        change(&mut facts, &mut hosted);
        facts.targets[0].seen.hosted = Some(hosted);
        let found = examine(&facts).into_iter().find(|one| one.id == id && one.place == "acme/app");
        let found = found.unwrap_or_else(|| panic!("{id} says nothing"));
        (found.severity, format!("{} {}", found.what, found.mend.unwrap_or_default()))
    }

    /// Nothing protects the branch.
    fn bare(hosted: &mut Hosted) {
        hosted.classic = Ok(None);
        hosted.rulesets = Ok(BranchRules { force_pushes: true, ..BranchRules::default() });
    }

    fn unseen() -> Unseen {
        Unseen::because("of rights.")
    }

    #[test]
    fn a_rule_of_either_kind_counts_and_none_is_known_only_where_both_were_seen() {
        for rules_are_classic in [true, false] {
            let rules = BranchRules { checks: vec!["ci".to_owned()], ..BranchRules::default() };
            let (severity, said) = of("required-checks", |_, hosted| {
                (hosted.classic, hosted.rulesets) =
                    if rules_are_classic { (Ok(Some(rules)), Err(unseen())) } else { (Err(unseen()), Ok(rules)) };
            });
            assert_eq!(severity, Severity::Ok);
            assert!(said.contains("ci"), "{said}");
        }
        for id in
            ["required-checks", "required-approvals", "conversation-resolution", "linear-history", "signed-commits"]
        {
            let half = of(id, |_, hosted| {
                bare(hosted);
                hosted.classic = Err(unseen());
            });
            assert_eq!(half.0, Severity::Note, "{id}");
            assert!(half.1.contains("could not be seen"), "{id}: {}", half.1);
        }
    }

    #[test]
    fn no_required_check_is_a_warning_and_under_auto_merge_a_problem() {
        assert_eq!(of("required-checks", |_, hosted| bare(hosted)).0, Severity::Warning);
        let auto = of("required-checks", |facts, hosted| {
            bare(hosted);
            facts.targets[0].policy.mode = Mode::Auto;
        });
        assert_eq!(auto.0, Severity::Problem);
    }

    #[test]
    fn approvals_and_conversations_are_told() {
        let (severity, said) = of("required-approvals", |_, hosted| {
            hosted.rulesets = Ok(BranchRules { approvals: Some(2), code_owners: true, ..BranchRules::default() });
        });
        assert!(severity == Severity::Ok && said.contains("2 approval(s), owners"), "{said}");
        assert_eq!(of("required-approvals", |_, hosted| bare(hosted)).0, Severity::Note);
        let conversations = of("conversation-resolution", |_, hosted| {
            hosted.rulesets = Ok(BranchRules { conversations: true, ..BranchRules::default() });
        });
        assert_eq!(conversations.0, Severity::Note);
    }

    #[test]
    fn a_base_branch_that_can_be_moved_anywhere_is_a_warning() {
        assert_eq!(of("force-pushes", |_, hosted| bare(hosted)).0, Severity::Warning);
        let protected = of("force-pushes", |_, hosted| {
            bare(hosted);
            hosted.classic = Ok(Some(BranchRules::default()));
        });
        assert_eq!(protected.0, Severity::Ok);
        let ruled = of("force-pushes", |_, hosted| {
            hosted.classic = Err(unseen());
            hosted.rulesets = Ok(BranchRules::default());
        });
        assert_eq!(ruled.0, Severity::Ok, "one that forbids it is enough");
    }

    #[test]
    fn a_linear_history_is_a_problem_for_merges_alone() {
        let linear = |method: MergeMethod, mode: Mode| {
            of("linear-history", |facts, hosted| {
                hosted.rulesets = Ok(BranchRules { linear: true, ..BranchRules::default() });
                facts.targets[0].policy.auto_merge.method = method;
                facts.targets[0].policy.mode = mode;
            })
            .0
        };
        assert_eq!(linear(MergeMethod::Merge, Mode::Auto), Severity::Problem);
        assert_eq!(linear(MergeMethod::Squash, Mode::Auto), Severity::Ok);
        assert_eq!(linear(MergeMethod::Merge, Mode::Ready), Severity::Ok);
    }

    #[test]
    fn signed_commits_are_a_problem_for_a_persons_token() {
        for id in ["signed-commits", "own-branches"] {
            let signed = |sort: TokenSort| {
                of(id, |facts, hosted| {
                    let rules = BranchRules { signatures: true, ..BranchRules::default() };
                    (hosted.rulesets, hosted.own_branches) = (Ok(rules.clone()), Ok(rules));
                    facts.token.as_mut().expect("a token").sort = sort;
                })
                .0
            };
            assert_eq!(signed(TokenSort::FineGrained), Severity::Problem, "{id}");
            assert_eq!(signed(TokenSort::App), Severity::Ok, "{id}");
        }
    }

    #[test]
    fn a_ruleset_that_keeps_our_branches_from_being_made_is_a_problem() {
        let made = |rules: BranchRules| of("own-branches", |_, hosted| hosted.own_branches = Ok(rules));
        assert_eq!(made(BranchRules { no_creation: true, ..BranchRules::default() }).0, Severity::Problem);
        let (severity, said) =
            made(BranchRules { name_pattern: Some("starts with team/".to_owned()), ..BranchRules::default() });
        assert!(severity == Severity::Warning && said.contains("team/"), "{said}");
        let hidden = of("own-branches", |_, hosted| hosted.own_branches = Err(unseen()));
        assert_eq!(hidden.0, Severity::Note);
    }
}
