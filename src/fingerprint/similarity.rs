//! Near duplicates: how alike two failures are that are not equal.
//!
//! FaST (Rodrigues and others, 2022) with the weights measured best in PATTERNS.md, A1: linear after a sort, no
//! alignment. It refuses to join across languages, root types, or traces that share none of their top frames. Layer 1.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::model::{Sketch, sha256_hex};

use super::components::{Components, Shape};
use super::normalise::error_type;

/// How fast the weight of a frame falls with its place.
const ALPHA: f64 = 1.0;
/// How fast the weight of a frame falls with how common it is.
const BETA: f64 = 0.01;
/// How fast agreement falls with the distance between two places.
const GAMMA: f64 = 0.05;

/// From this score on two failures are of one family (PATTERNS.md, A2).
pub const JOIN_THRESHOLD: f64 = 0.40;
/// From this score on a failure is worth a link.
const RELATED_THRESHOLD: f64 = 0.15;

/// Frames of a sketch; deeper ones weigh next to nothing.
const MOST_FRAMES: usize = 48;
/// Words of a sketch; a message that says more says it in its first ones.
const MOST_WORDS: usize = 64;

/// Shortens a name to what a sketch keeps of it.
fn short(name: &str) -> String {
    let mut hash = sha256_hex(name.as_bytes());
    hash.truncate(12);
    hash
}

impl Sketch {
    /// Makes the sketch of a failure's parts.
    pub fn of(parts: &Components) -> Self {
        let speaking =
            parts.frames.iter().filter(|frame| !frame.module_or_path.is_empty() || !frame.function.is_empty());
        let of_types = || parts.types.first().map(String::as_str).unwrap_or_default();
        let root = if parts.shape == Shape::Ci { parts.code.as_deref().unwrap_or_else(of_types) } else { of_types() };
        let words = parts.template.split(' ').filter(|word| !word.is_empty()).take(MOST_WORDS);
        Self {
            language: parts.language.clone(),
            error_type: short(root),
            generic: parts.generic || error_type(root, "", None).generic,
            frames: (1_u32..)
                .zip(speaking.take(MOST_FRAMES))
                .map(|(place, frame)| (short(&frame.key()), place))
                .collect(),
            top: parts.frames.iter().filter(|frame| frame.is_app()).take(5).map(|frame| short(&frame.key())).collect(),
            words: words.map(|word| short(&word.to_lowercase())).collect(),
        }
    }
}

/// In how many sketches each frame occurs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frequencies {
    sketches: u32,
    of: BTreeMap<String, u32>,
}

impl Frequencies {
    /// Counts a sketch.
    pub fn add(&mut self, sketch: &Sketch) {
        self.sketches += 1;
        let distinct: BTreeSet<&str> = sketch.frames.iter().map(|(frame, _)| frame.as_str()).collect();
        for frame in distinct {
            *self.of.entry(frame.to_owned()).or_insert(0) += 1;
        }
    }

    /// Returns the share of sketches that have a frame, in 0..=1; 0 where nothing was counted.
    fn share(&self, frame: &str) -> f64 {
        if self.sketches == 0 {
            0.0
        } else {
            f64::from(self.of.get(frame).copied().unwrap_or(0)) / f64::from(self.sketches)
        }
    }

    /// Returns the three rarest frames of a sketch that any counted one has, to find candidates by.
    pub fn rarest<'a>(&self, sketch: &'a Sketch) -> Vec<&'a str> {
        let known = |frame: &'a str| self.of.get(frame).map(|count| (*count, frame));
        let frames: BTreeSet<(u32, &str)> = sketch.frames.iter().filter_map(|(frame, _)| known(frame)).collect();
        frames.into_iter().take(3).map(|(_, frame)| frame).collect()
    }
}

/// How alike two failures are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Score {
    /// 0.8 of `fast` and 0.2 of `words`, or `fast` alone where neither has words; 0 with a veto.
    pub value: f64,
    /// Agreement of the frames, in -1..=1.
    pub fast: f64,
    /// Agreement of the messages' words, in 0..=1.
    pub words: f64,
    /// Why the two cannot be of one family, whatever the score.
    pub veto: Option<&'static str>,
}

/// What a score means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// One family.
    Family,
    /// Worth a link.
    Related,
    /// Nothing.
    Apart,
}

/// Says what a score means.
pub fn relation(value: f64) -> Relation {
    if value >= JOIN_THRESHOLD {
        Relation::Family
    } else if value >= RELATED_THRESHOLD {
        Relation::Related
    } else {
        Relation::Apart
    }
}

/// Scores two failures.
pub fn family_score(one: &Sketch, other: &Sketch, frequencies: &Frequencies) -> Score {
    let fast = fast(&one.frames, &other.frames, frequencies);
    let words = jaccard(&one.words, &other.words);
    let veto = veto(one, other);
    // Two failures without a message do not agree by saying nothing.
    let silent = one.words.is_empty() && other.words.is_empty();
    let value = if silent { fast } else { 0.8 * fast + 0.2 * words };
    Score { value: if veto.is_some() { 0.0 } else { value }, fast, words, veto }
}

/// Scores a failure against the members of a group: half the best, half the mean of the best five.
pub fn group_score(scores: &[f64]) -> f64 {
    let mut best: Vec<f64> = scores.iter().copied().filter(|score| score.is_finite()).collect();
    best.sort_by(|one, other| other.total_cmp(one));
    best.truncate(5);
    let Some(first) = best.first() else { return 0.0 };
    let mean = best.iter().sum::<f64>() / f64::from(u32::try_from(best.len()).unwrap_or(1));
    0.5 * first + 0.5 * mean
}

fn veto(one: &Sketch, other: &Sketch) -> Option<&'static str> {
    if one.language != other.language {
        return Some("other languages");
    }
    if !one.top.is_empty() && !other.top.is_empty() && !one.top.iter().any(|frame| other.top.contains(frame)) {
        return Some("no frame of the repository in common among the first five");
    }
    if one.error_type != other.error_type && !one.generic && !other.generic {
        return Some("other root types");
    }
    None
}

/// Returns FaST's agreement of two traces, in -1..=1: shared frames add their weights, others take theirs off.
pub fn fast(one: &[(String, u32)], other: &[(String, u32)], frequencies: &Frequencies) -> f64 {
    let sorted = |frames: &[(String, u32)]| {
        let mut weighed: Vec<(String, u32, f64)> = frames
            .iter()
            .map(|(frame, place)| {
                let weight = f64::from((*place).max(1)).powf(-ALPHA) * (-BETA * 100.0 * frequencies.share(frame)).exp();
                (frame.clone(), *place, weight)
            })
            .collect();
        weighed.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        weighed
    };
    let (one, other) = (sorted(one), sorted(other));
    let whole: f64 = one.iter().chain(&other).map(|(.., weight)| weight).sum();
    if whole <= 0.0 {
        return 0.0;
    }
    let (mut at, mut to, mut agreement) = (0, 0, 0.0);
    while at < one.len() && to < other.len() {
        let ((a, a_place, a_weight), (b, b_place, b_weight)) = (&one[at], &other[to]);
        match a.cmp(b) {
            std::cmp::Ordering::Less => {
                agreement -= a_weight;
                at += 1;
            }
            std::cmp::Ordering::Greater => {
                agreement -= b_weight;
                to += 1;
            }
            std::cmp::Ordering::Equal => {
                agreement += (a_weight + b_weight) * (-GAMMA * f64::from(a_place.abs_diff(*b_place))).exp();
                at += 1;
                to += 1;
            }
        }
    }
    agreement -= one[at..].iter().chain(&other[to..]).map(|(.., weight)| weight).sum::<f64>();
    agreement / whole
}

/// Returns the share of words that two messages have in common; 1 where neither has any.
pub fn jaccard(one: &BTreeSet<String>, other: &BTreeSet<String>) -> f64 {
    let common = one.intersection(other).count();
    let all = one.len() + other.len() - common;
    let count = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    if all == 0 { 1.0 } else { count(common) / count(all) }
}
