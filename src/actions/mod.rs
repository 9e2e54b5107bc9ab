//! The runner's surface: outputs, step summary, log groups and workflow commands, escaped in one place. Layer 5.
//!
//! Nothing that a child prints passes through here unescaped (THREATS.md, 3.4). Outside Actions every function does
//! nothing.

pub mod annotation;
pub mod command_files;
pub mod credentials;
pub mod interface;
pub mod trigger;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::model::Secret;

/// What a step summary may hold; GitHub refuses one above 1 MiB (V-47).
const SUMMARY_CAP: usize = 900 * 1024;

/// What is shorter is no key, and would blank words of a log.
const SHORTEST_MASK: usize = 8;

/// The files and switches that the runner hands over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runner {
    /// Whether this is GitHub Actions.
    pub in_actions: bool,
    /// `$GITHUB_OUTPUT`.
    pub output: Option<PathBuf>,
    /// `$GITHUB_STEP_SUMMARY`.
    pub summary: Option<PathBuf>,
    /// Where the files of this action can be read, at the commit or tag that is used.
    pub files: Option<String>,
}

impl Runner {
    /// Reads the runner's variables.
    pub fn from_env(get: &dyn Fn(&str) -> Option<String>) -> Self {
        let path = |name: &str| get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self {
            in_actions: get("GITHUB_ACTIONS").as_deref() == Some("true"),
            output: path("GITHUB_OUTPUT"),
            summary: path("GITHUB_STEP_SUMMARY"),
            files: files(get),
        }
    }

    /// Returns the address of one of this action's own pages.
    pub fn page(&self, path: &str) -> Option<String> {
        self.files.as_ref().map(|files| format!("{files}/{path}"))
    }

    /// Appends outputs, each between delimiters that nobody can guess (V-42).
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_outputs(&self, outputs: &[(&str, String)], random: &dyn Fn() -> [u8; 16]) -> std::io::Result<()> {
        let Some(path) = &self.output else { return Ok(()) };
        let mut text = String::new();
        for (name, value) in outputs {
            let mut delimiter = delimiter(random());
            while value.contains(&delimiter) {
                delimiter = self::delimiter(random());
            }
            let _infallible = write!(text, "{name}<<{delimiter}\n{value}\n{delimiter}\n");
        }
        append(path, &text)
    }

    /// Appends the step summary, cut with a notice where it is too long.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_summary(&self, summary: &str) -> std::io::Result<()> {
        let Some(path) = &self.summary else { return Ok(()) };
        append(path, &capped(summary))
    }
}

/// Returns where the action's files are; nothing for one that lies in the workflow's own checkout.
fn files(get: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let plain = |name: &str| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':');
        get(name).filter(|value| !value.is_empty() && value.chars().all(is_plain))
    };
    let server = plain("GITHUB_SERVER_URL").filter(|server| server.starts_with("https://"))?;
    Some(format!("{server}/{}/blob/{}", plain("GITHUB_ACTION_REPOSITORY")?, plain("GITHUB_ACTION_REF")?))
}

/// The command that begins a group of log lines.
pub fn begin_group(title: &str) -> String {
    format!("::group::{}", escape(title))
}

/// The command that ends a group of log lines.
pub const END_GROUP: &str = "::endgroup::";

/// The command by which the runner learns what it must not show; nothing for what is too short or has lines: the runner
/// would blank every place where such a piece stands (V-41).
pub fn mask(secret: &Secret) -> Option<String> {
    let value = secret.expose();
    (value.len() >= SHORTEST_MASK && !value.contains(['\n', '\r'])).then(|| format!("::add-mask::{}", escape(value)))
}

/// Escapes a workflow command's message.
fn escape(message: &str) -> String {
    message.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Returns text in which no line is a workflow command: neither `::name::` at a line's start, which the runner finds
/// behind white space too, nor the older `##[name]`, which it finds anywhere (V-39, V-40).
pub fn inert(text: &str) -> Cow<'_, str> {
    let begins = |line: &str| line.trim_start().starts_with("::");
    if !text.contains("##[") && !text.split(['\n', '\r']).any(begins) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for line in text.split_inclusive(['\n', '\r']) {
        if begins(line) {
            out.push_str(&line.replacen("::", ": :", 1));
        } else {
            out.push_str(line);
        }
    }
    Cow::Owned(out.replace("##[", "# #["))
}

/// Returns the same JSON document in which no line is a workflow command; outside strings it has no `#`.
pub fn inert_json(json: String) -> String {
    if json.contains("##[") { json.replace("##[", "#\\u0023[") } else { json }
}

fn delimiter(random: [u8; 16]) -> String {
    random.iter().fold("ghadelimiter_".to_owned(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// Cuts a summary at a line's end, with a notice.
fn capped(summary: &str) -> String {
    if summary.len() <= SUMMARY_CAP {
        return summary.to_owned();
    }
    let end = summary.floor_char_boundary(SUMMARY_CAP);
    let end = summary[..end].rfind('\n').map_or(end, |newline| newline + 1);
    format!("{}\n_The summary was cut here; the run's artifact has all of it._\n", &summary[..end])
}

#[expect(clippy::disallowed_methods, reason = "the runner's own files are this module's business")]
fn append(path: &Path, text: &str) -> std::io::Result<()> {
    std::fs::OpenOptions::new().create(true).append(true).open(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make and read the runner's files")]
mod tests {
    use super::*;

    #[test]
    fn pages_of_the_action_are_named_as_they_are_used_and_only_where_that_is_known() {
        let set = [
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_ACTION_REPOSITORY", "acme/homeostat"),
            ("GITHUB_ACTION_REF", "v1"),
        ];
        let page = |set: &[(&str, &str)]| {
            let get = |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            Runner::from_env(&get).page("docs/reasons.md")
        };
        assert_eq!(page(&set).as_deref(), Some("https://github.com/acme/homeostat/blob/v1/docs/reasons.md"));
        assert_eq!(page(&set[..2]), None);
        assert_eq!(page(&[set[0], set[1], ("GITHUB_ACTION_REF", "v1) [x](javascript:")]), None);
    }

    #[test]
    fn v_41_a_mask_is_one_escaped_line_of_some_length() {
        let of = |value: &str| mask(&Secret::new(value));
        assert_eq!(of("ghp_50%off\t1").as_deref(), Some("::add-mask::ghp_50%25off\t1"));
        for none in ["", "e", "short", "two lines\nof a key"] {
            assert_eq!(of(none), None, "{none:?}");
        }
    }

    #[test]
    fn v_42_a_value_cannot_make_another_output() -> std::io::Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        let runner = Runner { output: Some(file.path().to_owned()), ..Runner::default() };
        let hostile = "ok\nEOF\npr_url=https://evil".to_owned();
        runner.write_outputs(&[("run-id", hostile)], &|| [7; 16])?;
        let delimiter = format!("ghadelimiter_{}", "07".repeat(16));
        let expected = format!("run-id<<{delimiter}\nok\nEOF\npr_url=https://evil\n{delimiter}\n");
        assert_eq!(std::fs::read_to_string(file.path())?, expected);
        Ok(())
    }

    #[test]
    fn v_47_a_summary_is_cut_at_a_line_with_a_notice() {
        let long = "é line\n".repeat(200_000);
        let cut = capped(&long);
        assert!(cut.len() < 1024 * 1024 && cut.contains("was cut here"));
        assert_eq!(capped("short"), "short");
    }

    #[test]
    fn v_39_v_40_v_41_no_line_of_others_is_a_command() {
        let hostile = "ok\n  ::add-mask::e\r::error::x\nnoise ##[add-mask]e\nfine ::group::";
        let shown = inert(hostile);
        assert_eq!(shown, "ok\n  : :add-mask::e\r: :error::x\nnoise # #[add-mask]e\nfine ::group::");
        assert_eq!(inert(&shown), shown);
        let json = inert_json(serde_json::json!({ "a": "##[error]x", "b": "###[x" }).to_string());
        assert!(!json.contains("##["), "{json}");
        let read: serde_json::Value = serde_json::from_str(&json).unwrap_or_default();
        assert_eq!((read["a"].as_str(), read["b"].as_str()), (Some("##[error]x"), Some("###[x")));
    }

    #[test]
    fn a_message_cannot_end_its_command() {
        assert_eq!(escape("a\n::set-output name=x::y"), "a%0A::set-output name=x::y");
    }
}
