//! From a failure and places in the code to ranked candidates. Layer 1.
//!
//! The rank is `bound * relation * specificity * agreement` (the design's ranking): the confidence; how near the match
//! is to what was reported; how much the pattern fixes; and one over the number of different candidates that stand as
//! high. Equal results of different patterns are one candidate. The same input gives the same list, always.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::model::{Failure, Language, RepoPath, Timestamp};
use crate::pattern::checked::Pattern;
use crate::pattern::confidence::Statistics;
use crate::pattern::library::Library;
use crate::pattern::placeholders::fill_words;
use crate::pattern::problem::{Place, Problem};
use crate::pattern::record::Reach;
use crate::pattern::rewrite::{CompileError, Compiled, Hit, Source, Unsafe, Window};
use crate::pattern::signature::Captures;
use crate::pattern::syntax::{self, Function, SyntaxError};

/// The most patterns whose rules are tried for one failure, the most trusted first.
const MAX_PATTERNS_TRIED: usize = 64;
/// The most places that are looked at for one failure.
const MAX_SPOTS: usize = 10;
/// The most matches of one pattern at one place that are tried, the nearest first; each is parsed again.
const MAX_NEAR: usize = 10;
/// The most candidates that are returned.
const MAX_PROPOSALS: usize = 50;
/// What each further place, and each further match at one place, is worth against the one before.
const FURTHER: f64 = 0.9;

/// A place in the code that the failure points at, the most telling first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The file.
    pub path: RepoPath,
    /// The line in this version of the file, from 1; `None` where the report's line means another version, so that only
    /// the function can be trusted.
    pub line: Option<u32>,
    /// The column in Unicode scalars, from 1.
    pub column: Option<u32>,
    /// The function's name as the trace writes it.
    pub function: Option<String>,
}

/// What decides besides the failure and the code.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// Whether a target test is red on the base.
    pub red_target: bool,
    /// The confidence below which nothing is proposed.
    pub draft_threshold: f64,
    /// What was seen of patterns.
    pub statistics: &'a Statistics,
    /// The moment that statistics are decayed to.
    pub now: Timestamp,
}

/// One candidate: a file as it would be after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Proposal {
    /// The pattern's id.
    pub pattern: String,
    /// Its digest.
    pub digest: String,
    /// Its title.
    pub title: String,
    /// Why, in plain words, with what the message gave; it may quote the report.
    pub why: String,
    /// The file.
    pub path: RepoPath,
    /// Its text before.
    pub before: String,
    /// Its text after.
    pub after: String,
    /// The first line that changes, from 1.
    pub line: u32,
    /// The lower bound of the pattern's posterior.
    pub confidence: f64,
    /// The rank, for ordering alone.
    pub score: f64,
    /// How many nodes the pattern fits in the function around the place (in the file for a pattern that may match
    /// anywhere in it).
    pub hits: usize,
    /// Whether that is exactly one, and none was left untried (PROTOCOL.md, 6 (2)).
    pub unique: bool,
    /// Other patterns with the same result.
    pub also: Vec<String>,
}

/// A match that became no candidate, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Refused {
    /// The pattern.
    pub pattern: String,
    /// The file.
    pub path: RepoPath,
    /// The line of the match.
    pub line: u32,
    /// Why.
    pub why: Unsafe,
}

/// All that the library has to say of a failure.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Proposed {
    /// Candidates, the best first.
    pub proposals: Vec<Proposal>,
    /// Patterns that fit the failure and are trusted too little.
    pub low_confidence: Vec<String>,
    /// Patterns that fit the failure and need a red target test.
    pub needs_red_target: Vec<String>,
    /// Matches that became no candidate.
    pub refused: Vec<Refused>,
    /// Files that could not be read as code.
    pub unread: Vec<(RepoPath, SyntaxError)>,
    /// Rules that turned out wrong with this failure's captures.
    pub problems: Vec<Problem>,
}

/// Proposes changes for a failure at the given places; `text_of` gives a file's text, `None` where there is none.
pub fn propose(
    library: &Library,
    failure: &Failure,
    text_of: &dyn Fn(&RepoPath) -> Option<String>,
    spots: &[Spot],
    options: &Options<'_>,
) -> Proposed {
    let mut proposed = Proposed::default();
    let fitting = fitting(library, failure, options, &mut proposed);
    if fitting.is_empty() {
        return proposed;
    }
    let mut sources: BTreeMap<&RepoPath, Option<Source>> = BTreeMap::new();
    let mut rules: BTreeMap<(&str, Language), Vec<Compiled>> = BTreeMap::new();
    let mut best: BTreeMap<(RepoPath, String), Proposal> = BTreeMap::new();
    for (depth, spot) in (0_i32..).zip(spots.iter().take(MAX_SPOTS)) {
        let source = sources.entry(&spot.path).or_insert_with(|| read(&spot.path, text_of, &mut proposed));
        let Some(source) = source else { continue };
        for fit in fitting.iter().filter(|fit| fit.pattern.covers(&spot.path)) {
            if !fit.pattern.record().languages.contains(&source.language()) {
                continue;
            }
            let rules = rules
                .entry((fit.pattern.id(), source.language()))
                .or_insert_with(|| fit.compile(source.language(), &mut proposed.problems));
            let Some(found) = matches(fit, rules, source, spot) else { continue };
            let mut rank = 0;
            for (compiled, hit) in &found.near {
                let after = match compiled.apply(source, hit, fit.pattern.record().limits) {
                    Ok(after) => after,
                    Err(why) => {
                        let (line, _) = syntax::position(source.text(), hit.node.start);
                        let pattern = fit.pattern.id().to_owned();
                        proposed.refused.push(Refused { pattern, path: spot.path.clone(), line, why });
                        continue;
                    }
                };
                let relation = FURTHER.powi(depth) * FURTHER.powi(rank);
                rank += 1;
                let proposal = Proposal {
                    hits: found.hits,
                    unique: found.hits == 1 && found.complete,
                    ..fit.proposal(spot, source, hit, &after, relation)
                };
                merge(&mut best, proposal);
            }
        }
    }
    proposed.refused.sort();
    proposed.refused.dedup();
    proposed.proposals = ranked(best.into_values().collect());
    proposed
}

/// A pattern whose signature fits, with what it captured and how far it is trusted.
struct Fit<'a> {
    pattern: &'a Pattern,
    captures: Captures,
    confidence: f64,
}

impl Fit<'_> {
    fn weight(&self) -> f64 {
        self.confidence * (1.0 - (-f64::from(self.pattern.specificity()) / 6.0).exp())
    }

    /// Compiles the rewrites for what the message gave; those that need more are left out.
    fn compile(&self, language: Language, problems: &mut Vec<Problem>) -> Vec<Compiled> {
        let names = self.pattern.capture_names();
        let mut rules = Vec::new();
        for (at, rewrite) in self.pattern.record().rewrite.iter().enumerate() {
            match Compiled::new(rewrite, language, &self.captures, &names) {
                Ok(compiled) => rules.push(compiled),
                Err(CompileError::Unfit) => {}
                Err(CompileError::Rule(why)) => {
                    let message = format!("Rewrite {} cannot be compiled for this failure: {why}.", at + 1);
                    let place = Place { file: self.pattern.file().map(str::to_owned), ..Place::default() };
                    problems.push(Problem::error(Some(self.pattern.id().to_owned()), "pattern-rule", message, place));
                }
            }
        }
        rules
    }

    fn proposal(&self, spot: &Spot, source: &Source, hit: &Hit, after: &str, relation: f64) -> Proposal {
        let record = self.pattern.record();
        let changed = source.text().bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
        let (line, _) = syntax::position(source.text(), floor(source.text(), changed.max(hit.edit.start)));
        Proposal {
            pattern: record.id.clone(),
            digest: self.pattern.digest().to_owned(),
            title: record.title.trim().to_owned(),
            why: fill_words(&record.why, &self.captures, &self.pattern.capture_names()),
            path: spot.path.clone(),
            before: source.text().to_owned(),
            after: after.to_owned(),
            line,
            confidence: self.confidence,
            score: self.weight() * relation,
            hits: 1,
            unique: false,
            also: Vec::new(),
        }
    }
}

fn floor(text: &str, mut byte: usize) -> usize {
    byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    byte
}

/// Returns the patterns whose signature fits one exception of the chain, the most trusted and specific first.
fn fitting<'a>(
    library: &'a Library,
    failure: &Failure,
    options: &Options<'_>,
    proposed: &mut Proposed,
) -> Vec<Fit<'a>> {
    let mut fits: BTreeMap<&str, Fit<'a>> = BTreeMap::new();
    // The root cause comes first and its captures count.
    for exception in failure.chain.iter().take(8) {
        for (pattern, captures) in library.matching(exception) {
            if fits.contains_key(pattern.id()) {
                continue;
            }
            let prior = pattern.record().confidence.prior;
            let confidence = options.statistics.confidence(prior, pattern.id(), pattern.digest(), options.now);
            if let Some(confidence) = confidence {
                fits.insert(pattern.id(), Fit { pattern, captures, confidence });
            }
        }
    }
    let mut fits: Vec<Fit<'a>> = fits
        .into_values()
        .filter(|fit| {
            let id = fit.pattern.id().to_owned();
            if fit.confidence < options.draft_threshold {
                proposed.low_confidence.push(id);
                return false;
            }
            if fit.pattern.record().signature.requires_red_target && !options.red_target {
                proposed.needs_red_target.push(id);
                return false;
            }
            true
        })
        .collect();
    fits.sort_by(|a, b| b.weight().total_cmp(&a.weight()).then_with(|| a.pattern.id().cmp(b.pattern.id())));
    fits.truncate(MAX_PATTERNS_TRIED);
    fits
}

fn read(path: &RepoPath, text_of: &dyn Fn(&RepoPath) -> Option<String>, proposed: &mut Proposed) -> Option<Source> {
    let language = Language::of_path(path.as_str())?;
    let text = text_of(path)?;
    match Source::new(language, &text) {
        Ok(source) => Some(source),
        Err(error) => {
            proposed.unread.push((path.clone(), error));
            None
        }
    }
}

/// Matches near a place, the nearest first, and how many there are around it.
struct Found {
    near: Vec<(Compiled, Hit)>,
    hits: usize,
    complete: bool,
}

/// What orders matches at one place: distance to the column, lines spanned, number of the rewrite, size, position.
type Nearness = (usize, u32, usize, usize, usize);

fn matches(fit: &Fit<'_>, rules: &[Compiled], source: &Source, spot: &Spot) -> Option<Found> {
    let (near, around) = windows(fit.pattern.record().place.anchor, source, spot)?;
    let mut found: Vec<(Nearness, Compiled, Hit)> = Vec::new();
    let mut nodes = BTreeSet::new();
    let mut complete = true;
    for (order, compiled) in rules.iter().enumerate() {
        let hits = compiled.hits(source, &near);
        let wider = if around == near { None } else { Some(compiled.hits(source, &around)) };
        for hits in std::iter::once(&hits).chain(&wider) {
            complete &= hits.complete;
            nodes.extend(hits.found.iter().map(|hit| (hit.node.start, hit.node.end)));
        }
        for hit in hits.found {
            let key = (distance(source, spot, &hit), hit.lines.1 - hit.lines.0, order, hit.node.len(), hit.node.start);
            found.push((key, compiled.clone(), hit));
        }
    }
    found.sort_by_key(|(key, ..)| *key);
    found.truncate(MAX_NEAR);
    let near = found.into_iter().map(|(_, compiled, hit)| (compiled, hit)).collect();
    Some(Found { near, hits: nodes.len(), complete })
}

/// Returns where a match must lie, and the wider part in which it must be alone to be unique.
fn windows(reach: Reach, source: &Source, spot: &Spot) -> Option<(Window, Window)> {
    let whole = Window::Bytes(0..source.text().len());
    if reach == Reach::File {
        return Some((whole.clone(), whole));
    }
    let bytes = |function: &Function| Window::Bytes(function.bytes.clone());
    if let Some(line) = spot.line {
        let around = spot
            .function
            .as_deref()
            .and_then(|name| {
                let named = syntax::named(source.functions(), name);
                named.into_iter().filter(|f| f.lines.contains(&line)).max_by_key(|f| f.depth)
            })
            .or_else(|| syntax::enclosing(source.functions(), line))
            .map_or(whole, bytes);
        Some(if reach == Reach::Line { (Window::Line(line), around) } else { (around.clone(), around) })
    } else {
        // Without a line only a name that one function has says where to look.
        let named = syntax::named(source.functions(), spot.function.as_deref()?);
        let [function] = named.as_slice() else { return None };
        Some((bytes(function), bytes(function)))
    }
}

/// Returns how far a match is from the reported column; 0 where the column is inside or not known.
fn distance(source: &Source, spot: &Spot, hit: &Hit) -> usize {
    let (Some(line), Some(column)) = (spot.line, spot.column) else { return 0 };
    let Some(byte) = offset(source.text(), line, column) else { return 0 };
    if hit.edit.start <= byte && byte <= hit.edit.end {
        0
    } else if hit.node.start <= byte && byte <= hit.node.end {
        1
    } else {
        2 + hit.node.start.abs_diff(byte).min(hit.node.end.abs_diff(byte))
    }
}

fn offset(text: &str, line: u32, column: u32) -> Option<usize> {
    let start = match line {
        0 => return None,
        1 => 0,
        line => memchr::memchr_iter(b'\n', text.as_bytes()).nth(line as usize - 2)? + 1,
    };
    let line = text[start..].split('\n').next()?;
    let within = line.char_indices().nth((column as usize).saturating_sub(1)).map_or(line.len(), |(at, _)| at);
    Some(start + within)
}

/// Keeps the better of two ways to the same text, and names the other.
fn merge(best: &mut BTreeMap<(RepoPath, String), Proposal>, proposal: Proposal) {
    match best.entry((proposal.path.clone(), proposal.after.clone())) {
        std::collections::btree_map::Entry::Vacant(slot) => {
            slot.insert(proposal);
        }
        std::collections::btree_map::Entry::Occupied(mut slot) => {
            let known = slot.get();
            let better =
                proposal.score > known.score || (proposal.score >= known.score && proposal.pattern < known.pattern);
            let (mut kept, other) = if better { (proposal, known.clone()) } else { (known.clone(), proposal) };
            kept.also.extend(other.also);
            kept.also.push(other.pattern);
            kept.also.retain(|id| *id != kept.pattern);
            kept.also.sort();
            kept.also.dedup();
            slot.insert(kept);
        }
    }
}

fn ranked(mut proposals: Vec<Proposal>) -> Vec<Proposal> {
    let top = proposals.iter().map(|proposal| proposal.score).fold(0.0, f64::max);
    let level = proposals.iter().filter(|proposal| proposal.score >= 0.9 * top).count().max(1);
    for proposal in &mut proposals {
        proposal.score /= f64::from(u32::try_from(level).unwrap_or(u32::MAX));
    }
    proposals.sort_by(|a, b| {
        b.score.total_cmp(&a.score).then_with(|| (&a.pattern, &a.path, &a.after).cmp(&(&b.pattern, &b.path, &b.after)))
    });
    proposals.truncate(MAX_PROPOSALS);
    proposals
}

#[cfg(test)]
mod tests;
