//! A set of patterns, and the index that finds those for one failure. Layer 1.
//!
//! Nothing is read, compiled or indexed before it is needed; ten thousand patterns cost one failure a scan of its
//! message.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use aho_corasick::AhoCorasick;

use crate::model::Exception;
use crate::pattern::bundle::read_bundle;
use crate::pattern::checked::Pattern;
use crate::pattern::problem::{Place, Problem};
use crate::pattern::signature::{Captures, Template, cut, last_segment};

/// The most patterns of one library (V-98).
pub const MAX_PATTERNS: usize = 10_000;

/// The bundle that the program carries, generated from `shared/patterns/`.
const EMBEDDED: &str = include_str!("../../shared/patterns/library.json");

/// Patterns by id, in one order.
#[derive(Clone, Default)]
pub struct Library {
    patterns: Vec<Arc<Pattern>>,
    /// Whether every rule is known to compile.
    compiles: bool,
    index: OnceLock<Arc<Index>>,
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Library").field("patterns", &self.patterns.len()).finish_non_exhaustive()
    }
}

impl Library {
    /// Returns the library that the program carries; it is read on the first call.
    pub fn builtin() -> &'static Self {
        static BUILTIN: OnceLock<Library> = OnceLock::new();
        BUILTIN.get_or_init(|| Self::from_bundle(EMBEDDED).expect("internal error: the embedded library is sound"))
    }

    /// Reads YAML files, each with its path; the order of files does not matter.
    ///
    /// # Errors
    /// With every problem of every file, rules that do not compile included; each names its pattern.
    pub fn from_files(files: &[(String, String)]) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        if files.len() > MAX_PATTERNS {
            let message = format!("There are {} pattern files; a library may have {MAX_PATTERNS}.", files.len());
            return Err(vec![Problem::error(None, "too-many-patterns", message, Place::default())]);
        }
        let mut read = Vec::new();
        for (path, text) in files {
            match Pattern::from_yaml(path, text) {
                Ok(pattern) => {
                    problems.extend(pattern.rule_problems());
                    read.push(pattern);
                }
                Err(found) => problems.extend(found),
            }
        }
        let library = Self { compiles: true, ..Self::from_patterns(read, &mut problems) };
        problems.sort();
        if problems.is_empty() { Ok(library) } else { Err(problems) }
    }

    /// Reads a bundle.
    ///
    /// # Errors
    /// With every problem of every record in it. Whether rules compile is not asked; `lint` does.
    pub fn from_bundle(text: &str) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut read = Vec::new();
        for (record, digest) in read_bundle(text).map_err(|problem| vec![problem])? {
            match Pattern::from_record(record) {
                Ok(pattern) if digest.is_some_and(|digest| digest != pattern.digest()) => {
                    let (id, message) = (pattern.id().to_owned(), "The digest is not that of the content.".to_owned());
                    problems.push(Problem::error(Some(id), "bundle", message, Place::default()));
                }
                Ok(pattern) => read.push(pattern),
                Err(found) => problems.extend(found),
            }
        }
        let library = Self::from_patterns(read, &mut problems);
        if problems.is_empty() { Ok(library) } else { Err(problems) }
    }

    fn from_patterns(read: Vec<Pattern>, problems: &mut Vec<Problem>) -> Self {
        let mut patterns: BTreeMap<String, Arc<Pattern>> = BTreeMap::new();
        for pattern in read {
            let place = Place { file: pattern.file().map(str::to_owned), ..Place::default() };
            let id = pattern.id().to_owned();
            if patterns.insert(id.clone(), Arc::new(pattern)).is_some() {
                let message = "Another pattern of this library has the same id.".to_owned();
                problems.push(Problem::error(Some(id), "pattern-duplicate", message, place));
            }
        }
        Self { patterns: patterns.into_values().collect(), compiles: false, index: OnceLock::new() }
    }

    /// Returns this library with another on top: of one id the other's pattern counts, all are ranked together.
    #[must_use]
    pub fn merged(&self, other: &Self) -> Self {
        let both = self.patterns.iter().chain(&other.patterns);
        let patterns: BTreeMap<&str, &Arc<Pattern>> = both.map(|pattern| (pattern.id(), pattern)).collect();
        Self { patterns: patterns.into_values().cloned().collect(), compiles: false, index: OnceLock::new() }
    }

    /// Returns the patterns, by id.
    pub fn patterns(&self) -> impl ExactSizeIterator<Item = &Pattern> {
        self.patterns.iter().map(AsRef::as_ref)
    }

    /// Returns a pattern.
    pub fn get(&self, id: &str) -> Option<&Pattern> {
        self.patterns.binary_search_by(|pattern| pattern.id().cmp(id)).ok().map(|at| self.patterns[at].as_ref())
    }

    /// Returns what keeps rules from compiling; nothing where that was asked when the library was read.
    pub(crate) fn rule_problems(&self) -> Vec<Problem> {
        if self.compiles { Vec::new() } else { self.patterns().flat_map(Pattern::rule_problems).collect() }
    }

    /// Returns a library of this one pattern, to see what it does alone.
    pub(crate) fn alone(pattern: &Pattern) -> Self {
        Self { patterns: vec![Arc::new(pattern.clone())], compiles: false, index: OnceLock::new() }
    }

    /// Returns the patterns whose signature fits an exception, by id, with what their first fitting template captures.
    pub fn matching(&self, exception: &Exception) -> Vec<(&Pattern, Captures)> {
        let index = self.index.get_or_init(|| Arc::new(Index::new(&self.patterns)));
        index.matching(&self.patterns, exception)
    }
}

/// One template, with the patterns that have it and its place in the list of each.
struct Entry {
    template: Arc<Template>,
    owners: Vec<(usize, usize)>,
}

/// Finds patterns by the literal texts of their templates and the types of their exceptions.
struct Index {
    /// Each different template once.
    templates: Vec<Entry>,
    literals: Option<AhoCorasick>,
    /// Templates by the place of their literal in `literals`.
    by_literal: Vec<Vec<usize>>,
    /// Patterns without templates, by exception.
    by_exception: BTreeMap<String, Vec<usize>>,
    /// Patterns with neither, which lean on a red target alone.
    by_target: Vec<usize>,
}

impl Index {
    fn new(patterns: &[Arc<Pattern>]) -> Self {
        let mut interned: BTreeMap<&str, usize> = BTreeMap::new();
        let mut templates: Vec<Entry> = Vec::new();
        let mut by_exception: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut by_target = Vec::new();
        for (at, pattern) in patterns.iter().enumerate() {
            for (order, template) in pattern.templates().iter().enumerate() {
                let slot = *interned.entry(template.as_str()).or_insert_with(|| {
                    templates.push(Entry { template: Arc::clone(template), owners: Vec::new() });
                    templates.len() - 1
                });
                templates[slot].owners.push((at, order));
            }
            if pattern.templates().is_empty() {
                if pattern.record().signature.exception.is_empty() {
                    by_target.push(at);
                }
                for name in &pattern.record().signature.exception {
                    by_exception.entry(name.clone()).or_default().push(at);
                }
            }
        }
        let mut literals: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (slot, entry) in templates.iter().enumerate() {
            literals.entry(entry.template.literal().to_owned()).or_default().push(slot);
        }
        let (texts, by_literal): (Vec<String>, Vec<Vec<usize>>) = literals.into_iter().unzip();
        // Bounded by the caps on patterns and templates; without it, every template would be tried.
        let automaton = AhoCorasick::new(&texts).ok();
        Self { templates, literals: automaton, by_literal, by_exception, by_target }
    }

    fn matching<'a>(&self, patterns: &'a [Arc<Pattern>], exception: &Exception) -> Vec<(&'a Pattern, Captures)> {
        let name = last_segment(&exception.type_name);
        let message = cut(exception.message.as_str());
        let mut slots: Vec<usize> = match &self.literals {
            Some(literals) => {
                let mut seen = vec![false; self.by_literal.len()];
                for found in literals.find_overlapping_iter(message) {
                    seen[found.pattern().as_usize()] = true;
                }
                self.by_literal
                    .iter()
                    .zip(seen)
                    .filter(|(_, seen)| *seen)
                    .flat_map(|(slots, _)| slots.iter().copied())
                    .collect()
            }
            None => (0..self.templates.len()).collect(),
        };
        slots.sort_unstable();
        let mut found: BTreeMap<usize, (usize, Captures)> = BTreeMap::new();
        for slot in slots {
            let Entry { template, owners } = &self.templates[slot];
            let wanted: Vec<_> = owners.iter().filter(|(at, _)| takes(&patterns[*at], name)).collect();
            if wanted.is_empty() {
                continue;
            }
            let Some(captures) = template.captures(message) else { continue };
            for (at, order) in wanted {
                if found.get(at).is_none_or(|(known, _)| order < known) {
                    found.insert(*at, (*order, captures.clone()));
                }
            }
        }
        for at in self.by_exception.get(name).into_iter().flatten().chain(&self.by_target) {
            found.entry(*at).or_default();
        }
        found.into_iter().map(|(at, (_, captures))| (patterns[at].as_ref(), captures)).collect()
    }
}

fn takes(pattern: &Pattern, exception: &str) -> bool {
    let names = &pattern.record().signature.exception;
    names.is_empty() || names.iter().any(|name| name == exception)
}

#[cfg(test)]
mod tests;
