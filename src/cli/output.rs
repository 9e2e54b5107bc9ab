//! Standard output and error: data on the one, words for people on the other. Layer 5.

use std::borrow::Cow;
use std::io::Write as _;

use serde::Serialize;

use crate::actions::{self, Runner};
use crate::cli::args::Format;
use crate::cli::failure::Failure;

/// Where data goes.
#[derive(Debug, Default)]
pub(crate) struct Output;

impl Output {
    /// Prints one JSON document, or the text for people.
    pub(crate) fn document<T: Serialize>(&self, format: Format, value: &T, text: &str) -> Result<(), Failure> {
        match format {
            Format::Json => {
                let json = serde_json::to_string_pretty(value).map_err(|e| Failure::internal(e.to_string()))?;
                self.line(&actions::inert_json(json))
            }
            Format::Text => self.line(&for_people(text.trim_end())),
        }
    }

    /// Prints one line; a reader that went away is no failure.
    #[expect(clippy::unused_self, reason = "standard output is the caller's to hand on, like any other sink")]
    pub(crate) fn line(&self, text: &str) -> Result<(), Failure> {
        match writeln!(std::io::stdout().lock(), "{text}") {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(Failure::internal(format!("Standard output cannot be written ({error}).")))
            }
            _ => Ok(()),
        }
    }
}

/// Says something to people; where nobody listens, nothing is lost but words.
pub(crate) fn say(text: &str) {
    let _nobody_listens = writeln!(std::io::stderr().lock(), "{}", for_people(text));
}

/// Gives the runner a workflow command; elsewhere nothing is said. The only way in which one leaves this program.
pub(crate) fn command(runner: &Runner, command: &str) {
    if runner.in_actions {
        let _nobody_listens = writeln!(std::io::stderr().lock(), "{command}");
    }
}

/// Returns words as they may be shown: in Actions no line of them can be a command (V-39, V-40).
fn for_people(text: &str) -> Cow<'_, str> {
    #[expect(clippy::disallowed_methods, reason = "a face asks the environment who is listening")]
    let in_actions = std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true");
    if in_actions { actions::inert(text) } else { Cow::Borrowed(text) }
}

/// Standard error for log lines, which hold words of others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogLines;

impl std::io::Write for LogLines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        std::io::stderr().lock().write_all(for_people(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().lock().flush()
    }
}
