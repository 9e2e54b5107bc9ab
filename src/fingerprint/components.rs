//! What is hashed: the parts of a failure before the hash, and the hash of the parts.
//!
//! Parts are stored with a failure's state, so that a later algorithm can compute its own identity without the text.
//! No line, column, host or version is among them. Layer 1.

use serde::{Deserialize, Serialize};

use crate::model::{Failure, Family, Fingerprint};

use super::frames::{Frames, MOST_FRAMES, NormalFrame, language_family, normal_frames};
use super::normalise::{error_type, message_class, normal_path, ruleset};

/// What kind of evidence the identity rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// A stack trace.
    Trace,
    /// An error without a trace.
    Bare,
    /// A diagnostic or failing test in a tool's output.
    Ci,
}

/// The types of a chain that enter the hash, the root cause first.
const MOST_TYPES: usize = 3;

/// Frames of one kind that are stored, beyond those that are hashed: for families, and for later algorithms.
const MOST_STORED: usize = 24;

/// The parts of a failure before the hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Components {
    /// The algorithm that chose them.
    pub algorithm: String,
    /// The hash of the normalisation tables; recorded, not hashed.
    pub ruleset: String,
    /// What the identity rests on.
    pub shape: Shape,
    /// The family of languages.
    pub language: String,
    /// Types, the root cause first, without those that only carry another.
    pub types: Vec<String>,
    /// The root's type says too little to stand alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub generic: bool,
    /// The root's type, or the tool's code, speaks of symbols of the program.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub symbolic: bool,
    /// The root's message without what changes from run to run.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub template: String,
    /// Symbols that the message named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub symbols: Vec<String>,
    /// A stack or depth ran out: contributing frames are a set.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub depth_limit: bool,
    /// Frames, innermost first: the first of the repository and the first of others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<NormalFrame>,
    /// The tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The tool's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The file that the report names where it has no trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The failing test, without parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
}

impl Components {
    /// Reads the parts of a failure.
    pub fn of(failure: &Failure) -> Self {
        Self::from_frames(failure, &normal_frames(failure))
    }

    /// Reads the parts of a failure whose frames are known.
    pub(super) fn from_frames(failure: &Failure, frames: &Frames) -> Self {
        let language = language_family(failure);
        let code = failure.code.as_deref();
        let root = error_type(failure.error_type(), failure.message(), code);
        let mut types = vec![root.name.clone()];
        for outer in failure.chain.iter().skip(1).take(16) {
            let judged = error_type(&outer.type_name, outer.message.as_str(), None);
            // Whoever only wraps says nothing about the bug, and wraps today what was bare yesterday.
            if !judged.wrapper && types.last() != Some(&judged.name) && types.len() < 8 {
                types.push(judged.name);
            }
        }
        let class = message_class(language, failure.message());
        let mut stored = (0, 0);
        let kept = frames.all.iter().filter(|frame| {
            let count = if frame.is_app() { &mut stored.0 } else { &mut stored.1 };
            *count += 1;
            frame.contributes || *count <= MOST_STORED
        });
        let kept: Vec<NormalFrame> = kept.map(|frame| NormalFrame { line: None, ..frame.clone() }).collect();
        let shape = if failure.tool.is_some() {
            Shape::Ci
        } else if kept.iter().any(|frame| frame.contributes) {
            Shape::Trace
        } else {
            Shape::Bare
        };
        Self {
            algorithm: Fingerprint::ALGORITHM.to_owned(),
            ruleset: ruleset().to_owned(),
            shape,
            language: language.to_owned(),
            types,
            generic: root.generic,
            symbolic: root.symbolic || class.symbolic,
            template: class.template,
            symbols: class.symbols,
            depth_limit: frames.depth_limit,
            file: file_of(failure, frames),
            frames: kept,
            tool: failure.tool.as_deref().map(|tool| tool.trim().to_ascii_lowercase()),
            code: failure.code.clone(),
            test: first_test(failure),
        }
    }

    /// Returns the contributing frames as they enter the hash.
    pub fn contributing(&self) -> Vec<String> {
        let mut keys: Vec<String> =
            self.frames.iter().filter(|frame| frame.contributes).map(NormalFrame::key).take(MOST_FRAMES).collect();
        if self.depth_limit {
            keys.sort();
        }
        // Files of a bundle have no function left; the same file twice says nothing more.
        keys.dedup();
        keys
    }

    /// Returns whether the message enters the hash, and why.
    pub fn message_counts(&self) -> (bool, &'static str) {
        let app = self.frames.iter().filter(|frame| frame.contributes && frame.is_app() && !frame.minified).count();
        match self.shape {
            Shape::Ci => (true, "a diagnostic is told by its message"),
            Shape::Bare => (true, "there is no frame to tell it by"),
            Shape::Trace if self.depth_limit => (false, "a stack that ran out is told by its cycle"),
            Shape::Trace if self.symbolic => (true, "the type speaks of symbols: two names are two bugs"),
            Shape::Trace if self.generic => (true, "the type is shared by too many bugs"),
            Shape::Trace if app == 0 => (true, "no frame of the repository is known by name"),
            Shape::Trace if app < 2 => (true, "fewer than two frames of the repository"),
            Shape::Trace => (false, "type and frames say enough, and messages carry data"),
        }
    }

    /// Returns the fields of the canonical form of the exact identity, in order, each with its name.
    pub fn canonical(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![("algorithm", self.algorithm.clone())];
        let symbols =
            || if self.symbolic || self.shape == Shape::Bare { self.symbols.join("\n") } else { String::new() };
        match self.shape {
            Shape::Ci => {
                fields.push(("kind", "ci".to_owned()));
                fields.push(("tool", self.tool.clone().unwrap_or_default()));
                fields.push(("code-or-type", self.code_or_type()));
                fields.push(("message", self.template.clone()));
                fields.push(("symbols", symbols()));
                fields.push(("file", self.file.clone().unwrap_or_default()));
                fields.push(("test", self.test.clone().unwrap_or_default()));
            }
            Shape::Trace => {
                fields.push(("language", self.language.clone()));
                fields.push(("types", self.types[..self.types.len().min(MOST_TYPES)].join("\n")));
                let counts = self.message_counts().0;
                fields.push(("message", if counts { self.template.clone() } else { String::new() }));
                fields.push(("symbols", if counts { symbols() } else { String::new() }));
                fields.extend(self.contributing().into_iter().map(|key| ("frame", key)));
            }
            Shape::Bare => {
                fields.push(("language", self.language.clone()));
                fields.push(("types", self.types[..self.types.len().min(MOST_TYPES)].join("\n")));
                fields.push(("message", self.template.clone()));
                fields.push(("symbols", symbols()));
                fields.push(("code", self.code.clone().unwrap_or_default()));
                fields.push(("file", self.file.clone().unwrap_or_default()));
                fields.push(("test", self.test.clone().unwrap_or_default()));
            }
        }
        fields
    }

    /// Returns the fields of the canonical form of the family, in order.
    pub fn canonical_family(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![("algorithm", format!("{}/family", self.algorithm))];
        if self.shape == Shape::Ci {
            fields.push(("kind", "ci".to_owned()));
            fields.push(("tool", self.tool.clone().unwrap_or_default()));
            fields.push(("code-or-type", self.code_or_type()));
            fields.push(("message", self.template.clone()));
            return fields;
        }
        fields.push(("language", self.language.clone()));
        fields.push(("type", self.types.first().cloned().unwrap_or_default()));
        let frames = self.contributing();
        if frames.is_empty() {
            // The type alone would join everything that is an `Error`.
            fields.push(("message", self.template.clone()));
        }
        fields.extend(frames.into_iter().take(3).map(|key| ("frame", key)));
        fields
    }

    /// Computes the exact identity; a pure function of the parts.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&joined(&self.canonical()))
    }

    /// Computes the family; a pure function of the parts.
    pub fn family(&self) -> Family {
        Family::of(&joined(&self.canonical_family()))
    }

    fn code_or_type(&self) -> String {
        self.code.clone().or_else(|| self.types.first().cloned()).unwrap_or_default()
    }
}

/// Joins fields with their lengths, so that no two lists of fields have one text.
fn joined(fields: &[(&'static str, String)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in fields {
        bytes.extend_from_slice(format!("{}:{name}={}:{value}\n", name.len(), value.len()).as_bytes());
    }
    bytes
}

/// Fields of a report that name the file, where there is no frame.
const FILE_FIELDS: &[&str] = &["file", "location", "path", "source"];

fn file_of(failure: &Failure, frames: &Frames) -> Option<String> {
    let framed = || {
        let with_file = || frames.all.iter().filter(|frame| frame.path.is_some());
        with_file().find(|frame| frame.is_app()).or_else(|| with_file().next())?.path.clone()
    };
    let named = || {
        let text = FILE_FIELDS.iter().find_map(|name| failure.context.get(*name))?.as_str();
        let text = text.split_whitespace().next()?.trim_matches(['`', '"', '\'', '(', ')']);
        let mut path = text;
        // `src/a.rs:12:5` names line and column as well.
        for _ in 0..2 {
            if let Some((before, number)) = path.rsplit_once(':')
                && !number.is_empty()
                && number.bytes().all(|b| b.is_ascii_digit() || b == b'-')
            {
                path = before;
            }
        }
        Some(path).filter(|path| path.contains('.')).map(|path| normal_path(path).text)
    };
    framed().or_else(named).filter(|file| !file.is_empty()).map(|file| normal_path(&file).identity)
}

/// Returns the first failing test in the order of names, for runners report in the order in which tests happened to end.
fn first_test(failure: &Failure) -> Option<String> {
    failure
        .tests
        .iter()
        .map(|test| without_parameters(test, failure.tool.as_deref()))
        .filter(|test| !test.is_empty())
        .min()
}

/// Takes the parameters off the name of a test.
fn without_parameters(test: &str, tool: Option<&str>) -> String {
    let test: String = test.trim().chars().take(400).collect();
    let mut name = test.split(" with data set ").next().unwrap_or_default();
    if let Some(at) = name.find(['[', '{', '(']).filter(|at| *at > 0) {
        // `unittest` writes the class in brackets after a space: that is no parameter.
        if !name[..at].ends_with(' ') {
            name = &name[..at];
        }
    }
    if tool.is_some_and(|tool| tool.to_ascii_lowercase().starts_with("go")) {
        name = name.split('/').next().unwrap_or(name);
    }
    match name.split_once("::") {
        Some((file, rest)) if file.contains('/') || file.contains('.') => {
            format!("{}::{rest}", normal_path(file).identity)
        }
        _ => name.trim_end().to_owned(),
    }
}
