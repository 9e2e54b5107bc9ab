//! Reads the variables that shape a run; a limit from there can only tighten. Layer 1.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::config::check::read_scalar;
use crate::config::keys::Takes;
use crate::config::problem::{ProblemCode, Problems, nearest, shown};

/// The stages a run can be in; learning happens in the last alone.
const STAGES: [&str; 3] = ["dev", "test", "production"];

/// One variable, for the reference.
#[derive(Debug, Clone, Copy)]
pub(super) struct Described {
    pub(super) name: &'static str,
    /// Whether it also has a name with our prefix.
    pub(super) prefixed: bool,
    pub(super) meaning: &'static str,
}

const fn described(name: &'static str, prefixed: bool, meaning: &'static str) -> Described {
    Described { name, prefixed, meaning }
}

/// Every variable that is read here.
pub(super) const VARIABLES: &[Described] = &[
    described("HOMEOSTAT_ENV", false, "`dev`, `test` or `production`; unset is `dev`."),
    described("LEARNING_ENABLED", true, "`false` turns learning off in production; `true` elsewhere is refused."),
    described("APPLY_MODE", true, "`propose` is mode `observe`; `commit` changes nothing."),
    described("CONFIDENCE_THRESHOLD", true, "The least `confidence_threshold` of every repository."),
    described("MAX_DIFF_LINES", true, "The most `limits.max_diff_lines` of every repository."),
    described("MAX_FILES", true, "The most `limits.max_files` of every repository."),
    described("MAX_ATTEMPTS", true, "The most `limits.max_attempts` of every repository."),
    described("MAX_RUN_COST", true, "The most `budget.run`."),
    described("HOMEOSTAT_DRY_RUN", false, "`true` is mode `observe`."),
    described("HOMEOSTAT_STOP", false, "`true` is mode `observe`, whatever else is set."),
];

/// Tokens, each of which may also be named as a file by `<name>_FILE`; faces read them, and no file of the configuration.
pub(super) const TOKENS: &[Described] = &[
    described("GITHUB_TOKEN", false, "A workflow's own token, or a person's; reads, and writes unless an App does."),
    described("HOMEOSTAT_READ_TOKEN", false, "The token of `propose`, which only reads; unset is `GITHUB_TOKEN`."),
    described(
        "HOMEOSTAT_APP_ID",
        false,
        "The id of an App, in place of `GITHUB_TOKEN`; never where repository code runs.",
    ),
    described("HOMEOSTAT_APP_KEY", false, "Its private key in PEM form; line breaks may be written as `\\n`."),
];

/// Where things are, and how they are shown; faces read these too.
pub(super) const PLACES: &[Described] = &[
    described("GITHUB_API_URL", false, "The API of an enterprise server; unset is `https://api.github.com`."),
    described("GITHUB_GRAPHQL_URL", false, "Its GraphQL, where it is not beside the API."),
    described("GITHUB_SERVER_URL", false, "What people open; unset is `https://github.com`."),
    described("HOMEOSTAT_GIT_URL", false, "Where repositories are cloned from, with `{slug}` in it."),
    described(
        "HOMEOSTAT_STATE_DIR",
        false,
        "Where clones and a person's own state lie; unset is the platform's place.",
    ),
    described("HOMEOSTAT_LOG", false, "What standard error tells of the inside, as `homeostat=debug`; wins over `-v`."),
    described("NO_COLOR", false, "Anything turns colours off."),
    described(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        false,
        "Where traces go; unset is nowhere. `docs/observability.md` has the other variables of this kind.",
    ),
    described("OTEL_EXPORTER_OTLP_HEADERS", false, "What goes with each of those requests, such as a token."),
    described("TRACEPARENT", false, "The span that this process is a child of."),
];

/// A value of the environment and the variable's name.
#[derive(Debug, Clone)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) value: Json,
}

/// What the environment says.
#[derive(Debug, Clone, Default)]
pub(super) struct Environment {
    /// `dev`, `test` or `production`.
    pub(super) stage: String,
    pub(super) learning: bool,
    /// The variable that asks for nothing to be written, where one does.
    pub(super) observe: Option<String>,
    /// Whether nothing at all may be written, state included: a stop, or a dry run.
    pub(super) hold: bool,
    pub(super) confidence: Option<Variable>,
    pub(super) max_diff_lines: Option<Variable>,
    pub(super) max_files: Option<Variable>,
    pub(super) max_attempts: Option<Variable>,
    pub(super) max_run_cost: Option<Variable>,
}

/// Reads the environment; what cannot be read is a problem, never a default.
pub(super) fn read(env: &BTreeMap<String, String>, problems: &mut Problems) -> Environment {
    let mut reader = Reader { env, problems };
    let stage = reader.stage();
    let learning = reader.learning(&stage);
    let stop = reader.switch("HOMEOSTAT_STOP").filter(|(_, on)| *on);
    let dry = reader.switch("HOMEOSTAT_DRY_RUN").filter(|(_, on)| *on);
    let propose = reader.apply_mode();
    Environment {
        learning,
        hold: stop.is_some() || dry.is_some(),
        observe: stop.or(dry).map(|(name, _)| name).or(propose),
        confidence: reader.limit("CONFIDENCE_THRESHOLD", Takes::Fraction),
        max_diff_lines: reader.limit("MAX_DIFF_LINES", Takes::Integer(0, u64::MAX)),
        max_files: reader.limit("MAX_FILES", Takes::Integer(0, u64::MAX)),
        max_attempts: reader.limit("MAX_ATTEMPTS", Takes::Integer(0, u64::from(u32::MAX))),
        max_run_cost: reader.limit("MAX_RUN_COST", Takes::Money),
        stage,
    }
}

struct Reader<'a> {
    env: &'a BTreeMap<String, String>,
    problems: &'a mut Problems,
}

impl Reader<'_> {
    /// Returns a variable by its own name with our prefix, else by its short one; an empty one is unset.
    fn text(&self, short: &str) -> Option<(String, String)> {
        let long = format!("HOMEOSTAT_{short}");
        [long.as_str(), short].into_iter().find_map(|name| {
            let text = self.env.get(name)?.trim();
            (!text.is_empty()).then(|| (name.to_owned(), text.to_owned()))
        })
    }

    fn wrong(&mut self, name: &str, message: String) {
        self.problems.add(None, name, ProblemCode::Environment, message);
    }

    fn stage(&mut self) -> String {
        let Some(text) = self.env.get("HOMEOSTAT_ENV").map(|text| text.trim()).filter(|text| !text.is_empty()) else {
            return "dev".to_owned();
        };
        if !STAGES.contains(&text) {
            let hint = match nearest(text, STAGES) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}.", STAGES.join(", ")),
            };
            self.wrong("HOMEOSTAT_ENV", format!("{} does not exist; {hint}", shown(text)));
        }
        text.to_owned()
    }

    fn learning(&mut self, stage: &str) -> bool {
        let Some((name, text)) = self.text("LEARNING_ENABLED") else { return stage == "production" };
        match switch(&text) {
            Some(true) if stage != "production" => {
                let message = "Learning happens only in production; set HOMEOSTAT_ENV=production, or leave it out.";
                self.problems.add(None, name, ProblemCode::LearningOutsideProduction, message);
                false
            }
            Some(on) => on,
            None => {
                self.wrong(&name, format!("{} is neither true nor false.", shown(&text)));
                false
            }
        }
    }

    fn apply_mode(&mut self) -> Option<String> {
        let (name, text) = self.text("APPLY_MODE")?;
        match text.as_str() {
            "propose" => return Some(name),
            "commit" => {}
            _ => self.wrong(&name, format!("{} does not exist; there are propose, commit.", shown(&text))),
        }
        None
    }

    fn switch(&mut self, name: &str) -> Option<(String, bool)> {
        let text = self.env.get(name)?.trim();
        if text.is_empty() {
            return None;
        }
        let on = switch(text);
        if on.is_none() {
            self.wrong(name, format!("{} is neither true nor false.", shown(text)));
        }
        on.map(|on| (name.to_owned(), on))
    }

    fn limit(&mut self, short: &str, takes: Takes) -> Option<Variable> {
        let (name, text) = self.text(short)?;
        match read_scalar(&text, takes) {
            Ok(value) => Some(Variable { name, value }),
            Err((_, message)) => {
                self.wrong(&name, message);
                None
            }
        }
    }
}

/// Reads a switch as people write it in an environment.
fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}
