//! Finds the places of a file that a rewrite fits, near an anchor, and makes the text after each. Layer 1.
//!
//! This is the only module that speaks to ast-grep. A match becomes a candidate only if the text after still parses,
//! keeps every comment, stays within the limits, and would not be changed a second time at the same place.

use std::ops::Range;
use std::sync::Arc;

use ast_grep_config::{GlobalRules, RuleConfig, SerializableRuleConfig};
use ast_grep_core::matcher::MatcherExt;
use ast_grep_core::replacer::Replacer;
use ast_grep_core::tree_sitter::StrDoc;
use ast_grep_core::{AstGrep, Matcher};
use ast_grep_language::SupportLang;
use serde::Serialize;
use serde_json::{Map, Value};
use tree_sitter::Node;

use crate::model::Language;
use crate::pattern::checked::Pattern;
use crate::pattern::placeholders::{self, Unfit};
use crate::pattern::problem::{Place, Problem};
use crate::pattern::record::{EditLimits, Rewrite};
use crate::pattern::signature::Captures;
use crate::pattern::syntax::{self, Descend, Flaw, Function, SyntaxError};

/// The deepest tree that rules are matched against; rules look up and down from every node.
const MAX_TREE_DEPTH: usize = 400;
/// The most nodes that one rewrite is tried on at one anchor.
const MAX_TRIES: usize = 5000;
/// The most steps that those tries may cost together, where each looks at every node of the file (V-94).
const MAX_STEPS: usize = 10_000_000;
/// The most matches of one rewrite that are looked at.
const MAX_MATCHES: usize = 50;

/// A parsed file, ready to be matched.
pub(crate) struct Source {
    language: Language,
    text: String,
    grep: AstGrep<StrDoc<SupportLang>>,
    functions: Vec<Function>,
    flaws: Vec<Flaw>,
    comments: Vec<Range<usize>>,
    nodes: usize,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source")
            .field("language", &self.language)
            .field("bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}

fn support(language: Language) -> Option<SupportLang> {
    Some(match language {
        Language::JavaScript => SupportLang::JavaScript,
        Language::TypeScript => SupportLang::TypeScript,
        Language::Tsx => SupportLang::Tsx,
        Language::Python => SupportLang::Python,
        Language::Rust => SupportLang::Rust,
        Language::Go => SupportLang::Go,
        Language::Java => SupportLang::Java,
        _ => return None,
    })
}

impl Source {
    /// Parses a file.
    ///
    /// # Errors
    /// As [`syntax::parse`], and when the tree is deeper than rules can look through in reasonable time.
    pub(crate) fn new(language: Language, text: &str) -> Result<Self, SyntaxError> {
        let lang = support(language).ok_or(SyntaxError::NoGrammar(language))?;
        let tree = syntax::parse(language, text)?;
        let (mut deepest, mut nodes) = (0, 0);
        let mut comments = Vec::new();
        tree.walk(|node, ancestors| {
            nodes += 1;
            deepest = deepest.max(ancestors.len());
            if syntax::is_comment(node.kind()) {
                comments.push(node.byte_range());
                return Descend::Past;
            }
            if deepest > MAX_TREE_DEPTH { Descend::Stop } else { Descend::Into }
        });
        if deepest > MAX_TREE_DEPTH {
            return Err(SyntaxError::TooDeep);
        }
        let functions = syntax::functions_of(&tree);
        let flaws = syntax::flaws(&tree);
        let (src, tree) = tree.into_parts();
        let grep = AstGrep::doc(StrDoc { src, lang, tree });
        Ok(Self { language, text: text.to_owned(), grep, functions, flaws, comments, nodes })
    }

    pub(crate) const fn language(&self) -> Language {
        self.language
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn functions(&self) -> &[Function] {
        &self.functions
    }

    pub(crate) fn is_flawed(&self) -> bool {
        !self.flaws.is_empty()
    }
}

/// The part of a file in which a match must lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Window {
    /// The node covers the line, from 1.
    Line(u32),
    /// The node lies within the bytes.
    Bytes(Range<usize>),
    /// The node shares a byte with them, or a border.
    Touching(Range<usize>),
}

impl Window {
    fn admits(&self, node: Node<'_>) -> bool {
        match self {
            Self::Line(line) => touches(node, *line),
            Self::Bytes(bytes) => bytes.start <= node.start_byte() && node.end_byte() <= bytes.end,
            Self::Touching(bytes) => node.start_byte() <= bytes.end && bytes.start <= node.end_byte(),
        }
    }

    /// Returns whether a node inside this one could be admitted.
    fn reaches(&self, node: Node<'_>) -> bool {
        match self {
            Self::Line(line) => touches(node, *line),
            Self::Bytes(bytes) => {
                node.start_byte() < bytes.end && bytes.start < node.end_byte().max(node.start_byte() + 1)
            }
            Self::Touching(_) => self.admits(node),
        }
    }
}

fn touches(node: Node<'_>, line: u32) -> bool {
    let Some(row) = line.checked_sub(1) else { return false };
    let row = row as usize;
    node.start_position().row <= row && row <= node.end_position().row
}

/// A match, and what would be put in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hit {
    /// The matched node.
    pub node: Range<usize>,
    /// Its lines, from 1, both ends in.
    pub lines: (u32, u32),
    /// What is replaced.
    pub edit: Range<usize>,
    /// What is put there.
    pub inserted: String,
}

/// The matches of a rewrite in a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hits {
    /// In the order of the text, outer before inner.
    pub found: Vec<Hit>,
    /// Whether every node of the window was tried; if not, there may be more.
    pub complete: bool,
}

/// Says why a match is no candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unsafe {
    /// The text after is the text before.
    NoChange,
    /// It changes more than the pattern's limits allow.
    OverLimit,
    /// A comment would be lost.
    CommentLost,
    /// The text after has a syntax error that was not there before.
    SyntaxError,
    /// It would change the same place again.
    NotIdempotent,
}

/// A rewrite with the captures of one message, compiled for one language.
#[derive(Clone)]
pub(crate) struct Compiled {
    config: Arc<RuleConfig<SupportLang>>,
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiled").finish_non_exhaustive()
    }
}

/// Says why a rewrite could not be compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CompileError {
    /// The message gives no value that the rule needs; the rewrite is not for it.
    Unfit,
    /// The rule is wrong.
    Rule(String),
}

impl From<Unfit> for CompileError {
    fn from(_: Unfit) -> Self {
        Self::Unfit
    }
}

impl Compiled {
    /// Compiles a rewrite; `all` names every capture of the pattern.
    pub(crate) fn new(
        rewrite: &Rewrite,
        language: Language,
        captures: &Captures,
        all: &[&str],
    ) -> Result<Self, CompileError> {
        let lang =
            support(language).ok_or_else(|| CompileError::Rule(format!("there is no grammar for {language}")))?;
        let mut config = Map::new();
        config.insert("id".to_owned(), "pattern".into());
        config.insert("language".to_owned(), lang.to_string().to_ascii_lowercase().into());
        let parts = [
            ("rule", Some(&rewrite.rule)),
            ("constraints", rewrite.constraints.as_ref()),
            ("utils", rewrite.utils.as_ref()),
            ("transform", rewrite.transform.as_ref()),
            ("fix", Some(&rewrite.fix)),
        ];
        for (key, value) in parts {
            if let Some(value) = value {
                config.insert(key.to_owned(), placeholders::fill(value, captures, all)?);
            }
        }
        let config: SerializableRuleConfig<SupportLang> =
            serde_json::from_value(Value::Object(config)).map_err(|error| CompileError::Rule(error.to_string()))?;
        let config =
            RuleConfig::try_from(config, &GlobalRules::default()).map_err(|error| CompileError::Rule(chain(&error)))?;
        if config.fixer.len() != 1 {
            return Err(CompileError::Rule("`fix` is neither a text nor one template".to_owned()));
        }
        Ok(Self { config: Arc::new(config) })
    }

    /// Returns the matches in a window.
    pub(crate) fn hits(&self, source: &Source, window: &Window) -> Hits {
        let Some(fixer) = self.config.fixer.first() else { return Hits { found: Vec::new(), complete: true } };
        let most = (MAX_STEPS / source.nodes.max(1)).clamp(20, MAX_TRIES);
        let matcher = &self.config.matcher;
        let kinds = matcher.potential_kinds();
        let root = source.grep.root().get_inner_node();
        let mut hits = Vec::new();
        let (mut tries, mut complete) = (0, true);
        syntax::walk(root, |node, _| {
            if !window.reaches(node) {
                return Descend::Past;
            }
            let wanted = kinds.as_ref().is_none_or(|kinds| kinds.contains(usize::from(node.kind_id())));
            if wanted && window.admits(node) {
                if tries >= most || hits.len() >= MAX_MATCHES {
                    complete = false;
                    return Descend::Stop;
                }
                tries += 1;
                if let Some(found) = matcher.match_node(source.grep.adopt(node)) {
                    let edit = fixer.get_replaced_range(&found, matcher);
                    let bytes = fixer.generate_replacement(&found);
                    let row = |row: usize| u32::try_from(row + 1).unwrap_or(u32::MAX);
                    if let Ok(inserted) = String::from_utf8(bytes)
                        && source.text.get(edit.clone()).is_some()
                    {
                        let lines = (row(found.start_pos().line()), row(found.end_pos().line()));
                        let hit = Hit { node: found.range(), lines, edit, inserted: as_in(&source.text, inserted) };
                        if hits.last() != Some(&hit) {
                            hits.push(hit);
                        }
                    }
                }
            }
            Descend::Into
        });
        Hits { found: hits, complete }
    }

    /// Returns the text after a hit, if it is safe.
    pub(crate) fn apply(&self, source: &Source, hit: &Hit, limits: EditLimits) -> Result<String, Unsafe> {
        let old = source.text.get(hit.edit.clone()).unwrap_or_default();
        if old == hit.inserted {
            return Err(Unsafe::NoChange);
        }
        within(old, &hit.inserted, limits)?;
        let inside = source.comments.iter().filter(|c| hit.edit.start <= c.start && c.end <= hit.edit.end);
        for comment in inside {
            let text = source.text.get(comment.clone()).unwrap_or_default();
            if !hit.inserted.contains(text.trim_end()) {
                return Err(Unsafe::CommentLost);
            }
        }
        let mut after = source.text.clone();
        after.replace_range(hit.edit.clone(), &hit.inserted);
        let parsed = Source::new(source.language, &after).map_err(|_| Unsafe::SyntaxError)?;
        if !syntax::new_flaws(&source.text, &source.flaws, &after, parsed.flaws.clone()).is_empty() {
            return Err(Unsafe::SyntaxError);
        }
        if self.fits_again(source, hit, &parsed) {
            return Err(Unsafe::NotIdempotent);
        }
        Ok(after)
    }

    /// Returns whether the place of a hit, once rewritten, would be changed a second time.
    fn fits_again(&self, source: &Source, hit: &Hit, after: &Source) -> bool {
        let place = hit.edit.start..hit.edit.start + hit.inserted.len();
        let Hits { found: mut again, complete } = self.hits(after, &Window::Touching(place.clone()));
        if !complete {
            return true;
        }
        again.retain(|again| {
            let touches = again.edit.start < place.end.max(place.start + 1)
                && place.start < again.edit.end.max(again.edit.start + 1);
            touches && after.text.get(again.edit.clone()) != Some(again.inserted.as_str())
        });
        if again.is_empty() {
            return false;
        }
        // Matches that were there before keep their right to their own place, moved by this edit.
        let mut others = self.hits(source, &Window::Touching(hit.edit.clone())).found;
        others.retain(|other| other.node != hit.node);
        let moved = |at: usize| if at < hit.edit.end { at } else { at + place.end - hit.edit.end };
        again.iter().any(|again| {
            let text = after.text.get(again.node.clone());
            !others.iter().any(|other| {
                let inside = hit.edit.start <= other.node.start && other.node.end <= hit.edit.end;
                if inside {
                    source.text.get(other.node.clone()) == text
                } else {
                    moved(other.node.start) == again.node.start
                }
            })
        })
    }
}

impl Pattern {
    /// Returns the names of every capture that a message can give.
    pub(crate) fn capture_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.templates().iter().flat_map(|t| t.holes()).map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Returns what keeps its rules from compiling, in any of its languages.
    pub(crate) fn rule_problems(&self) -> Vec<Problem> {
        let names = self.capture_names();
        let samples: Captures = names.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect();
        let mut problems = Vec::new();
        for (at, rewrite) in self.record().rewrite.iter().enumerate() {
            for language in &self.record().languages {
                if let Err(CompileError::Rule(why)) = Compiled::new(rewrite, *language, &samples, &names) {
                    let message = format!("Rewrite {} cannot be compiled for {language}: {why}.", at + 1);
                    let place = Place { file: self.file().map(str::to_owned), ..Place::default() };
                    problems.push(Problem::error(Some(self.id().to_owned()), "pattern-rule", message, place));
                    break;
                }
            }
        }
        problems
    }
}

/// Checks bytes and number of separate places that differ.
fn within(old: &str, new: &str, limits: EditLimits) -> Result<(), Unsafe> {
    let head = old.bytes().zip(new.bytes()).take_while(|(a, b)| a == b).count();
    let room = old.len().min(new.len()) - head;
    let tail = old.bytes().rev().zip(new.bytes().rev()).take(room).take_while(|(a, b)| a == b).count();
    let bytes = old.len().max(new.len()) - head - tail;
    if bytes > limits.max_bytes as usize {
        return Err(Unsafe::OverLimit);
    }
    let diff = similar::TextDiff::from_lines(old, new);
    let places = diff.ops().iter().filter(|op| op.tag() != similar::DiffTag::Equal).count();
    if places > limits.max_edits as usize { Err(Unsafe::OverLimit) } else { Ok(()) }
}

/// Gives the new text the line ends of the file.
fn as_in(text: &str, inserted: String) -> String {
    if inserted.contains('\n') && text.contains("\r\n") {
        inserted.replace("\r\n", "\n").replace('\n', "\r\n")
    } else {
        inserted
    }
}

/// Writes an error with its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
