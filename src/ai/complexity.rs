//! How hard a failure looks, from what is known of it before anything is spent. Layer 1.
//!
//! A sum of documented points, each of which is told, so that a person can see why a tier was chosen. The weights are a
//! first guess (no published measure fits: benchmarks of repair grade by lines of the true fix, which nobody knows
//! beforehand); what they cost and solve is what `eval` and `cost` are there to show.

use crate::model::{Kind, Tier};

/// What is known of a failure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Facts {
    /// Frames of the repository's own code.
    pub frames: usize,
    /// Files that those frames are in.
    pub files: usize,
    /// Whether a test or a check shows it.
    pub has_target: bool,
    /// What failed, where that is known.
    pub kind: Option<Kind>,
    /// Attempts of models before, in this episode.
    pub attempts: u32,
    /// A person's hint by label.
    pub hint: Option<Tier>,
}

/// One reason for a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// How many points.
    pub points: u32,
    /// For what.
    pub why: &'static str,
}

/// A score with its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complexity {
    /// The sum.
    pub score: u32,
    /// The tier that it begins with.
    pub tier: Tier,
    /// What it is made of.
    pub points: Vec<Point>,
}

/// Up to this sum a failure begins in the simple tier.
const SIMPLE: u32 = 2;
/// Up to this sum in the medium one.
const MEDIUM: u32 = 4;

/// Scores a failure. A label of a person decides the tier; earlier attempts may only move it up.
pub fn complexity(facts: &Facts) -> Complexity {
    let mut points = Vec::new();
    let mut add = |applies: bool, count: u32, why: &'static str| {
        if applies {
            points.push(Point { points: count, why });
        }
    };
    add(facts.frames == 0, 2, "no frame is in the repository");
    add(facts.frames > 8, 1, "more than eight frames are in the repository");
    add((2..=3).contains(&facts.files), 1, "its frames are in two or three files");
    add(facts.files > 3, 2, "its frames are in more than three files");
    add(!facts.has_target, 2, "no test or check shows it");
    add(
        matches!(facts.kind, Some(Kind::Timeout | Kind::Memory | Kind::Permission | Kind::Network | Kind::Disk)),
        2,
        "its cause is seldom where it shows",
    );
    let score: u32 = points.iter().map(|point| point.points).sum();
    let scored = match score {
        0..=SIMPLE => Tier::Simple,
        s if s <= MEDIUM => Tier::Medium,
        _ => Tier::Complex,
    };
    let hinted = facts.hint.unwrap_or(scored);
    let tier = (0..facts.attempts).fold(hinted, |tier, _| above(tier));
    Complexity { score, tier, points }
}

const fn above(tier: Tier) -> Tier {
    match tier {
        Tier::Simple => Tier::Medium,
        Tier::Medium | Tier::Complex => Tier::Complex,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_red_test_in_one_file_is_simple_and_what_nobody_can_place_is_not() {
        let easy = Facts { frames: 2, files: 1, has_target: true, kind: Some(Kind::Test), ..Facts::default() };
        assert_eq!((complexity(&easy).score, complexity(&easy).tier), (0, Tier::Simple));
        let unseen = Facts { has_target: false, ..easy };
        assert_eq!(complexity(&unseen).tier, Tier::Simple);
        assert_eq!(complexity(&Facts { files: 2, ..unseen }).tier, Tier::Medium);
        assert_eq!(complexity(&Facts { kind: Some(Kind::Timeout), ..unseen }).tier, Tier::Medium);
        let hard = Facts { frames: 12, files: 5, kind: Some(Kind::Memory), ..unseen };
        let told = complexity(&hard);
        assert_eq!((told.tier, told.score), (Tier::Complex, told.points.iter().map(|point| point.points).sum()));
        assert_eq!(complexity(&Facts::default()).tier, Tier::Medium);
    }

    #[test]
    fn a_person_knows_better_and_what_failed_before_moves_up() {
        let easy = Facts { frames: 1, files: 1, has_target: true, ..Facts::default() };
        assert_eq!(complexity(&Facts { hint: Some(Tier::Complex), ..easy }).tier, Tier::Complex);
        assert_eq!(complexity(&Facts { attempts: 1, ..easy }).tier, Tier::Medium);
        assert_eq!(complexity(&Facts { attempts: 9, ..easy }).tier, Tier::Complex);
        let hard = Facts { files: 9, ..Facts::default() };
        assert_eq!(complexity(&Facts { hint: Some(Tier::Simple), ..hard }).tier, Tier::Simple);
    }
}
