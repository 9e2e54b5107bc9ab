//! How far a run is: a bar on a terminal, plain lines elsewhere. Layer 5.

use std::io::IsTerminal as _;
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::output::say;
use crate::engine::Progress;

/// Shows progress on standard error.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    bar: Mutex<Option<ProgressBar>>,
    stage: Mutex<String>,
    plain: bool,
    quiet: bool,
}

impl Shown {
    /// Chooses by what standard error is; in Actions lines are plain, for a log keeps every redraw.
    pub(crate) fn new(in_actions: bool, quiet: bool) -> Self {
        Self {
            bar: Mutex::default(),
            stage: Mutex::default(),
            plain: in_actions || !std::io::stderr().is_terminal(),
            quiet,
        }
    }
}

impl Progress for Shown {
    fn stage(&self, name: &str, of: Option<usize>) {
        name.clone_into(&mut self.stage.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        if self.quiet || self.plain {
            return;
        }
        let bar = ProgressBar::new(of.unwrap_or(0) as u64);
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}") {
            bar.set_style(style);
        }
        bar.set_message(name.to_owned());
        let mut slot = self.bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(old) = slot.replace(bar) {
            old.finish_and_clear();
        }
    }

    fn step(&self, what: &str) {
        if self.quiet {
            return;
        }
        if self.plain {
            let stage = self.stage.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            say(&format!("{stage}: {what}"));
            return;
        }
        if let Some(bar) = self.bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner).as_ref() {
            bar.inc(1);
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take() {
            bar.finish_and_clear();
        }
    }
}
