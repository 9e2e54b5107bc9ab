//! Frames: normalised, judged whose they are, and reduced to those that say where the bug is.
//!
//! Nothing is thrown away silently: a frame that does not contribute says why. Layer 1.

mod classify;
mod recursion;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Exception, Failure, Frame, Language};

use super::normalise::{ANONYMOUS, Origin, is_depth_limit, is_test_path, normal_name, normal_path};

/// Whose frame it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrameKind {
    /// The repository's own code, as far as the text tells.
    App,
    /// An installed package.
    Dep,
    /// The language's library.
    Std,
    /// The engine, reflection, proxies.
    Runtime,
    /// Machinery that raises errors.
    Throw,
    /// A test runner.
    Test,
    /// A scheduler of asynchronous work, or the start of a thread.
    Async,
    /// No name and no file.
    Anonymous,
}

impl FrameKind {
    /// Returns the stable text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Dep => "dep",
            Self::Std => "std",
            Self::Runtime => "runtime",
            Self::Throw => "throw",
            Self::Test => "test",
            Self::Async => "async",
            Self::Anonymous => "anonymous",
        }
    }

    /// Returns whether such a frame can stand for a failure that has no frame of the repository.
    const fn is_fallback(self) -> bool {
        matches!(self, Self::Dep | Self::Std)
    }
}

/// A frame without machine, version and line, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NormalFrame {
    /// The class, package or crate path where the language names one, else the file from its source folder on.
    pub module_or_path: String,
    /// The function; `<anonymous>` without a name, empty where the trace names none or its name means nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub function: String,
    /// The module, where the trace names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Whose it is.
    pub kind: FrameKind,
    /// Enters the exact fingerprint.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub contributes: bool,
    /// Why it does not, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
    /// The file as a repository would write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The line as reported; never part of an identity, and not stored.
    #[serde(skip)]
    pub line: Option<u32>,
    /// Lies where tests lie.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_test: bool,
    /// Built or minified: its name means nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub minified: bool,
}

impl NormalFrame {
    /// Returns `module-or-path#function`, what enters the hash.
    pub fn key(&self) -> String {
        format!("{}#{}", self.module_or_path, self.function)
    }

    /// Returns whether it is the repository's own.
    pub fn is_app(&self) -> bool {
        self.kind == FrameKind::App
    }

    /// Returns whether its name or file tells it from others.
    fn speaks(&self) -> bool {
        !self.module_or_path.is_empty() || (!self.function.is_empty() && self.function != ANONYMOUS)
    }
}

/// The frames of a failure after all reductions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frames {
    /// Every frame, innermost first, each with its hint; repeated cycles included.
    pub all: Vec<NormalFrame>,
    /// A stack or depth ran out in a cycle that the trace shows: the contributing frames are a set.
    pub depth_limit: bool,
}

/// How many frames enter the exact fingerprint (PATTERNS.md, A2).
pub(super) const MOST_FRAMES: usize = 5;

/// How many frames from the outer end of a cause may be the one in which it was caught.
const JOINT_REACH: usize = 16;

/// How many frames of a trace are looked at: what lies deeper than this below the failure never enters an identity.
const LONGEST_TRACE: usize = 4000;

/// Lists what decides here, for the hash of the rules.
pub(super) fn table() -> Vec<&'static str> {
    classify::table()
}

/// Returns the family of languages of a failure: as the report says, else as its files say, else `any`.
pub fn language_family(failure: &Failure) -> &'static str {
    failure
        .language
        .or_else(|| failure.frames().iter().find_map(|frame| Language::of_path(frame.path.as_deref()?)))
        .map_or("any", Language::family)
}

/// Normalises the frames of a failure and decides which of them contribute.
pub fn normal_frames(failure: &Failure) -> Frames {
    let family = language_family(failure);
    let mut all: Vec<NormalFrame> = whole_trace(failure, family).into_iter().take(LONGEST_TRACE).collect();
    if family == "ruby" {
        drop_core_calls(&mut all);
    }
    let depth_limit = failure.chain.iter().any(|e| is_depth_limit(&e.type_name, e.message.as_str()));
    let depth_limit = decide(&mut all, depth_limit);
    Frames { all, depth_limit }
}

/// Returns the innermost frame of the repository that is no test's, else the innermost of a test.
pub fn innermost_app_frame(failure: &Failure) -> Option<NormalFrame> {
    let frames = normal_frames(failure).all;
    let app = || frames.iter().filter(|frame| frame.is_app());
    app().find(|frame| !frame.in_test).or_else(|| app().next()).cloned()
}

/// Normalises one frame of a family of languages; what contributes is decided over the whole trace.
pub fn normal_frame(family: &str, frame: &Frame) -> NormalFrame {
    let path = frame.path.as_deref().map(normal_path);
    let name = normal_name(family, frame.function.as_deref(), frame.module.as_deref());
    let text = path.as_ref().map(|p| p.text.clone()).filter(|text| !text.is_empty());
    let origin = path.as_ref().map_or(Origin::Repository, |p| p.origin);
    let minified = path.as_ref().is_some_and(|p| p.minified)
        || (family == "js"
            && frame.path.as_deref().is_some_and(|p| p.starts_with("http"))
            && name.function.as_deref().is_some_and(|f| f.len() <= 2));
    let mut function = name.function.clone().unwrap_or_default();
    if minified {
        function.clear();
    }
    let by_module = matches!(family, "jvm" | "csharp" | "rust" | "go" | "php");
    let identity = path.as_ref().map(|p| p.identity.clone()).unwrap_or_default();
    let module_or_path = match &name.module {
        Some(module) if by_module => module.clone(),
        _ if family == "native" && !function.is_empty() => String::new(),
        Some(module) if identity.is_empty() => module.clone(),
        // One class is one file: a trace that names no class is told by its file alone.
        _ => identity,
    };
    let path_text = text.as_deref().unwrap_or_default();
    // A repository may have a folder of any name; only native frames show their library's sources like their own.
    let library_path = if origin == Origin::Repository && family != "native" { "" } else { path_text };
    let (kind, hint) = match classify::by_table(family, &name.full, &function, library_path) {
        Some(FrameKind::Runtime) if function.ends_with("comp>") => {
            (FrameKind::Runtime, "a comprehension, which newer versions give no frame")
        }
        // A name that is only usual for throwing or running is the repository's own where its file lies there.
        Some(kind) if origin == Origin::Repository && named_by_habit(family, kind) && text.is_some() => {
            (FrameKind::App, "")
        }
        Some(kind) => (kind, hint_of(kind)),
        None => match origin {
            Origin::Dependency => (FrameKind::Dep, hint_of(FrameKind::Dep)),
            Origin::Standard => (FrameKind::Std, hint_of(FrameKind::Std)),
            Origin::Runtime => (FrameKind::Runtime, hint_of(FrameKind::Runtime)),
            Origin::Extension => (FrameKind::Dep, "code of a browser extension"),
            Origin::Repository if module_or_path.is_empty() && (function.is_empty() || function == ANONYMOUS) => {
                (FrameKind::Anonymous, hint_of(FrameKind::Anonymous))
            }
            Origin::Repository if family == "native" && function.starts_with("??@") => {
                (FrameKind::Dep, "a library without symbols")
            }
            Origin::Repository => (FrameKind::App, ""),
        },
    };
    NormalFrame {
        in_test: text.as_deref().is_some_and(is_test_path)
            || name.module.as_deref().is_some_and(|m| by_module && m.ends_with("Test")),
        module_or_path,
        function,
        module: name.module,
        kind,
        contributes: false,
        hint: hint.to_owned(),
        path: text,
        line: frame.line,
        minified,
    }
}

/// Tells kinds that the table knows by a common word alone, which a repository may use for its own function.
fn named_by_habit(family: &str, kind: FrameKind) -> bool {
    match family {
        "js" => matches!(kind, FrameKind::Throw | FrameKind::Async | FrameKind::Test),
        "ruby" => matches!(kind, FrameKind::Throw | FrameKind::Runtime),
        "php" => kind == FrameKind::Throw,
        _ => false,
    }
}

fn hint_of(kind: FrameKind) -> &'static str {
    match kind {
        FrameKind::App => "",
        FrameKind::Dep => "an installed package",
        FrameKind::Std => "the language's own library",
        FrameKind::Runtime => "the engine or reflection",
        FrameKind::Throw => "raises errors for everybody",
        FrameKind::Test => "a test runner",
        FrameKind::Async => "schedules work or starts a thread",
        FrameKind::Anonymous => "has neither a name nor a file",
    }
}

/// Returns the frames of the first exception that has any, completed where its trace ends at the handler that wrapped it.
///
/// Python, C# and the JVM print a cause only down to the frame that caught it; the rest stands in the trace of what
/// it caused. Joining them makes a wrapped and a bare failure equal.
fn whole_trace(failure: &Failure, family: &str) -> Vec<NormalFrame> {
    let normal = |exception: &Exception| -> Vec<NormalFrame> {
        exception.frames.iter().take(LONGEST_TRACE).map(|frame| normal_frame(family, frame)).collect()
    };
    let mut traces = failure.chain.iter().filter(|e| !e.frames.is_empty()).take(8).map(normal);
    let Some(mut whole) = traces.next() else { return Vec::new() };
    for outer in traces {
        // The handler's own frame ends the cause; a scheduler's frame may follow it, so the last few are tried.
        let joint = whole.iter().rev().take(JOINT_REACH).find_map(|frame| {
            let key = frame.key();
            outer.iter().position(|other| other.key() == key)
        });
        if let Some(at) = joint {
            whole.extend(outer.into_iter().skip(at + 1));
        }
    }
    whole
}

/// Ruby before 3.4 gives a method that is written in C the place of its caller: a name of the core at the same place as
/// the next frame is such a method, and newer versions print no file of the repository for it.
fn drop_core_calls(frames: &mut [NormalFrame]) {
    for at in 1..frames.len() {
        let (inner, outer) = (&frames[at - 1], &frames[at]);
        let same_place = inner.path.is_some() && inner.path == outer.path && inner.line == outer.line;
        if inner.is_app() && same_place && classify::by_table("ruby", "", &inner.function, "").is_some() {
            frames[at - 1].kind = FrameKind::Runtime;
            "a method of the core, at its caller's place".clone_into(&mut frames[at - 1].hint);
        }
    }
}

/// Marks the frames that contribute; answers whether they are the set of a cycle.
fn decide(frames: &mut [NormalFrame], depth_limit: bool) -> bool {
    // The same frame has the same number, so that cycles are compared by numbers.
    let mut numbers: BTreeMap<String, u64> = BTreeMap::new();
    let mut relevant: Vec<usize> = Vec::new();
    for (at, frame) in frames.iter().enumerate() {
        if (frame.is_app() || frame.kind.is_fallback()) && frame.speaks() {
            relevant.push(at);
            numbers.entry(frame.key()).or_insert(0);
        }
    }
    // Numbers follow the order of names, not of sight: a set sorted by number is sorted by name.
    for (number, value) in (1_u64..).zip(numbers.values_mut()) {
        *value = number;
    }
    let any_app = relevant.iter().any(|at| frames[*at].is_app());
    let chosen: Vec<usize> = relevant.iter().copied().filter(|at| frames[*at].is_app() == any_app).collect();
    let keys: Vec<u64> = chosen.iter().map(|at| numbers[&frames[*at].key()]).collect();
    let cycle = if depth_limit { recursion::cycle_set(&keys) } else { None };
    let kept: Vec<usize> = match &cycle {
        Some(places) => places.clone(),
        None => recursion::collapse(&keys),
    };
    let mut ranks: Vec<Option<usize>> = vec![None; chosen.len()];
    for (rank, place) in kept.iter().enumerate() {
        ranks[*place] = Some(rank);
    }
    for (at, rank) in chosen.iter().zip(ranks) {
        let frame = &mut frames[*at];
        match rank {
            Some(rank) if rank < MOST_FRAMES => {
                frame.contributes = true;
                frame.hint.clear();
            }
            Some(_) => "below the frames that count".clone_into(&mut frame.hint),
            None if cycle.is_some() => {
                "outside the cycle that ran too deep, or a further turn of it".clone_into(&mut frame.hint);
            }
            None => "a further turn of a recursion".clone_into(&mut frame.hint),
        }
    }
    for frame in frames.iter_mut().filter(|frame| frame.is_app() && !frame.speaks()) {
        "has neither a name nor a file".clone_into(&mut frame.hint);
    }
    cycle.is_some()
}
