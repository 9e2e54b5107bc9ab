//! A pattern whose record is sound: every problem of a record is collected with its place. Layer 1.
//!
//! Nothing half-checked leaves this module. Whether the rules compile is asked separately (`rewrite`), so that a program
//! that needs no rule compiles none.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

use crate::model::{RepoPath, sha256_hex};
use crate::pattern::canonical::canonical_json;
use crate::pattern::placeholders;
use crate::pattern::problem::{Place, Problem};
use crate::pattern::record::{Examples, PATTERN_SCHEMA, Record, Rewrite, Signature};
use crate::pattern::signature::{HoleKind, Template};
use crate::pattern::syntax::has_grammar;

/// The largest file of one pattern, in bytes.
pub const MAX_FILE: usize = 256 << 10;
/// The largest rewrite, as JSON, in bytes.
const MAX_REWRITE: usize = 64 << 10;
/// The deepest nesting of a rule.
const MAX_DEPTH: usize = 48;

/// A checked pattern: its templates and globs are sound, and its rules use no capture that no message gives.
#[derive(Debug, Clone)]
pub struct Pattern {
    record: Record,
    digest: String,
    file: Option<String>,
    templates: Vec<Arc<Template>>,
    everywhere: bool,
    globs: OnceLock<Option<(GlobSet, GlobSet)>>,
    specificity: u32,
}

impl Pattern {
    /// Reads a pattern from its YAML file.
    ///
    /// # Errors
    /// With every problem of the record, or the one that kept it from being read.
    pub fn from_yaml(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let place = Place { file: Some(file.to_owned()), ..Place::default() };
        if text.len() > MAX_FILE {
            let message = format!("The file has {} bytes; a pattern may have {MAX_FILE}.", text.len());
            return Err(vec![Problem::error(None, "pattern-too-large", message, place)]);
        }
        // The same reading of scalars as ast-grep's own: `no` and `on` are text.
        let options = serde_yaml::options! {
            strict_booleans: true,
            merge_keys: serde_yaml::MergeKeyPolicy::AsOrdinary,
            reject_unsupported_tags: true,
        };
        let record: Record = serde_yaml::from_str_with_options(text, options).map_err(|error| {
            let at = error.location();
            let number = |n: u64| u32::try_from(n).ok();
            let place = Place {
                line: at.and_then(|at| number(at.line())),
                column: at.and_then(|at| number(at.column())),
                ..place.clone()
            };
            let id = top_level(text, "id").map(|(_, value)| value.to_owned());
            let message = format!("The file cannot be read: {}.", first_line(&error.to_string()));
            vec![Problem::error(id, "pattern-unreadable", message, place)]
        })?;
        Self::checked(record, Some((file, text)))
    }

    /// Checks a record.
    ///
    /// # Errors
    /// With every problem of the record.
    pub fn from_record(record: Record) -> Result<Self, Vec<Problem>> {
        Self::checked(record, None)
    }

    fn checked(record: Record, source: Option<(&str, &str)>) -> Result<Self, Vec<Problem>> {
        let mut check = Check { id: record.id.clone(), source, problems: Vec::new() };
        check.words(&record);
        let templates = check.signature(&record.signature);
        check.globs(&record.place.paths.include, "include");
        check.globs(&record.place.paths.exclude, "exclude");
        let holes: BTreeMap<&str, HoleKind> = templates.iter().flat_map(|template| template.holes()).collect();
        check.rewrites(&record.rewrite, &holes);
        check.examples(&record.examples);
        if !check.problems.is_empty() {
            return Err(check.problems);
        }
        let content = serde_json::to_value(&record).map_err(|error| {
            vec![Problem::error(Some(record.id.clone()), "pattern-unreadable", error.to_string(), Place::default())]
        })?;
        let digest = format!("sha256:{}", sha256_hex(canonical_json(&content).as_bytes()));
        let specificity = specificity(&record, &templates);
        let file = source.map(|(file, _)| file.to_owned());
        Ok(Self { record, digest, file, templates, everywhere: false, globs: OnceLock::new(), specificity })
    }

    /// Returns the slug that names it.
    pub fn id(&self) -> &str {
        &self.record.id
    }

    /// Returns `sha256:` and the hash of its canonical JSON.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Returns the record as written.
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// Returns the file it was read from, where it was.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// Returns the message templates.
    pub(crate) fn templates(&self) -> &[Arc<Template>] {
        &self.templates
    }

    /// Returns how specific it is: what it fixes, less twice what it leaves open; at least 1.
    pub const fn specificity(&self) -> u32 {
        self.specificity
    }

    /// Returns the same without globs, so that an example needs no path that they allow.
    pub(crate) fn anywhere(&self) -> Self {
        Self { everywhere: true, ..self.clone() }
    }

    /// Returns whether it may change the file.
    pub fn covers(&self, path: &RepoPath) -> bool {
        if self.everywhere {
            return true;
        }
        let paths = &self.record.place.paths;
        let globs = self.globs.get_or_init(|| Some((glob_set(&paths.include)?, glob_set(&paths.exclude)?)));
        // Globs that cannot be used together allow nothing.
        let Some((include, exclude)) = globs else { return false };
        (paths.include.is_empty() || include.is_match(path.as_str())) && !exclude.is_match(path.as_str())
    }
}

fn glob(text: &str) -> Result<Glob, globset::Error> {
    GlobBuilder::new(text).literal_separator(true).build()
}

/// Compiles globs, which costs more than all else in reading a pattern; those that are wrong were refused before.
fn glob_set(globs: &[String]) -> Option<GlobSet> {
    let mut builder = GlobSetBuilder::new();
    for text in globs {
        builder.add(glob(text).ok()?);
    }
    builder.build().ok()
}

/// Counts what a pattern fixes (kinds, expressions, literal words) and leaves open (meta variables).
fn specificity(record: &Record, templates: &[Arc<Template>]) -> u32 {
    let (mut fixed, mut open) = (0_usize, 0_usize);
    if let Some(first) = record.rewrite.first() {
        placeholders::strings(&first.rule, &mut |key, text| match key {
            "pattern" | "context" => {
                let words = text.split(|c: char| !(c.is_alphanumeric() || c == '$' || c == '_'));
                for word in words.filter(|word| !word.is_empty()) {
                    if word.starts_with('$') { open += 1 } else { fixed += 1 }
                }
            }
            "kind" | "regex" | "field" | "matches" => fixed += 1,
            _ => {}
        });
    }
    let words = templates.iter().map(|template| template.words()).min().unwrap_or(0);
    let types = usize::from(!record.signature.exception.is_empty());
    let count = (fixed + words + types).saturating_sub(2 * open.min(fixed / 4 + 1)).clamp(1, 100);
    u32::try_from(count).unwrap_or(100)
}

/// Returns what is wrong from a rendered error: its first line, without the place, which is said beside it, and without
/// advice to programmers.
fn first_line(rendered: &str) -> &str {
    let line = rendered.lines().next().unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    let line = match line.split_once(": ") {
        Some((place, rest)) if place.starts_with("line ") => rest,
        _ => line,
    };
    line.split(", set ").next().unwrap_or(line).trim_end_matches('.')
}

/// Finds a key at the top of a YAML file: its line, from 1, and what stands behind it.
fn top_level<'a>(text: &'a str, key: &str) -> Option<(u32, &'a str)> {
    text.lines().zip(1..).find_map(|(line, number)| {
        let value = line.strip_prefix(key)?.strip_prefix(':')?;
        Some((number, value.trim()))
    })
}

struct Check<'a> {
    id: String,
    source: Option<(&'a str, &'a str)>,
    problems: Vec<Problem>,
}

impl Check<'_> {
    fn say(&mut self, key: &str, code: &'static str, message: String) {
        let place = Place {
            file: self.source.map(|(file, _)| file.to_owned()),
            line: self.source.and_then(|(_, text)| top_level(text, key)).map(|(line, _)| line),
            column: None,
        };
        let id: String = self.id.chars().take(80).collect();
        self.problems.push(Problem::error(Some(id), code, message, place));
    }

    fn words(&mut self, record: &Record) {
        let id_ok = (3..=80).contains(&record.id.len())
            && record.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && record.id.starts_with(|c: char| c.is_ascii_lowercase())
            && !record.id.ends_with('-')
            && !record.id.contains("--");
        if !id_ok {
            self.say(
                "id",
                "pattern-id",
                "The id is no slug: write 3 to 80 small letters, digits and single '-'.".to_owned(),
            );
        }
        if record.schema != PATTERN_SCHEMA {
            self.say("schema", "pattern-schema", format!("The schema is not {PATTERN_SCHEMA}."));
        }
        if record.title.trim().is_empty() || record.title.contains('\n') || record.title.chars().count() > 100 {
            self.say("title", "pattern-title", "The title is not one line of 1 to 100 characters.".to_owned());
        }
        if record.why.trim().is_empty() || record.why.chars().count() > 1000 {
            self.say("why", "pattern-why", "The explanation `why` does not have 1 to 1000 characters.".to_owned());
        }
        if record.languages.is_empty() {
            self.say("languages", "pattern-language", "No language is named.".to_owned());
        }
        for language in record.languages.iter().filter(|language| !has_grammar(**language)) {
            self.say("languages", "pattern-language", format!("There is no grammar for {language}."));
        }
        let (alpha, beta) = record.confidence.prior;
        if ![alpha, beta].iter().all(|weight| (0.01..=100.0).contains(weight)) {
            self.say("confidence", "pattern-prior", "The weights of the prior are not within 0.01 and 100.".to_owned());
        }
        let limits = record.limits;
        if !(1..=10).contains(&limits.max_edits) || !(1..=20_000).contains(&limits.max_bytes) {
            let message = "The limits are not within 1 and 10 edits, 1 and 20000 bytes.".to_owned();
            self.say("limits", "pattern-limits", message);
        }
    }

    fn signature(&mut self, signature: &Signature) -> Vec<Arc<Template>> {
        // A red target test proves what the pattern does, so it may be the whole signature.
        if signature.exception.is_empty() && signature.message.is_empty() && !signature.requires_red_target {
            let message = "The signature names neither an exception nor a message and would fit every failure; name \
                one, or require a red target."
                .to_owned();
            self.say("signature", "pattern-signature", message);
        }
        if signature.exception.len() > 20 || signature.message.len() > 50 {
            self.say(
                "signature",
                "pattern-signature",
                "The signature has more than 20 exceptions or 50 messages.".to_owned(),
            );
            return Vec::new();
        }
        for name in &signature.exception {
            if name.is_empty() || name.len() > 200 || name.contains(['.', ':', '\\', ' ']) {
                let message = format!("The exception {name:?} is not the last segment of a type's name.");
                self.say("signature", "pattern-signature", message);
            }
        }
        let mut templates = Vec::new();
        for text in &signature.message {
            match Template::new(text) {
                Ok(template) => templates.push(Arc::new(template)),
                Err(why) => self.say("signature", "pattern-message", format!("The signature is wrong: {why}.")),
            }
        }
        templates
    }

    fn globs(&mut self, globs: &[String], name: &str) {
        if globs.len() > 100 {
            self.say("where", "pattern-paths", format!("paths.{name} has more than 100 globs."));
            return;
        }
        for text in globs {
            if let Err(error) = glob(text) {
                self.say("where", "pattern-paths", format!("paths.{name} is wrong: {error}."));
            }
        }
    }

    fn rewrites(&mut self, rewrites: &[Rewrite], holes: &BTreeMap<&str, HoleKind>) {
        if !(1..=20).contains(&rewrites.len()) {
            self.say("rewrite", "pattern-rewrite", "There is not between 1 and 20 rewrites.".to_owned());
            return;
        }
        for (at, rewrite) in rewrites.iter().enumerate() {
            let value = match serde_json::to_value(rewrite) {
                Ok(value) => value,
                Err(error) => {
                    self.say("rewrite", "pattern-rewrite", format!("Rewrite {} is wrong: {error}.", at + 1));
                    continue;
                }
            };
            if placeholders::depth(&value) > MAX_DEPTH || canonical_json(&value).len() > MAX_REWRITE {
                let message =
                    format!("Rewrite {} nests deeper than {MAX_DEPTH} or is larger than {MAX_REWRITE} bytes.", at + 1);
                self.say("rewrite", "pattern-rewrite", message);
                continue;
            }
            let mut faults = placeholders::capture_faults(&value, holes);
            // A bundle was checked when it was made; compiling all its expressions again would cost every start.
            if self.source.is_some() {
                faults.extend(placeholders::regex_faults(&value, holes));
            }
            for why in faults {
                self.say("rewrite", "pattern-rule", format!("Rewrite {} is wrong: {why}.", at + 1));
            }
        }
    }

    fn examples(&mut self, examples: &Examples) {
        let count = examples.positive.len() + examples.negative.len() + examples.valid.len();
        let code = |text: &String| !text.is_empty() && text.len() <= 64 << 10;
        let sizes = examples.positive.iter().all(|e| code(&e.before) && code(&e.after))
            && examples.negative.iter().all(|e| code(&e.code))
            && examples.valid.iter().all(code);
        if count > 100 || !sizes {
            let message = "There are more than 100 examples, or one is empty or larger than 64 KiB.".to_owned();
            self.say("examples", "pattern-examples", message);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
