//! How far a run is: a bar on a terminal, grouped lines in Actions, plain ones elsewhere. Layer 5.

use std::io::IsTerminal as _;
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressStyle};

use crate::actions::{self, Runner};
use crate::cli::output::{command, say};
use crate::engine::Progress;

/// Shows progress on standard error.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    bar: Mutex<Option<ProgressBar>>,
    stage: Mutex<String>,
    runner: Runner,
    plain: bool,
    quiet: bool,
}

impl Shown {
    /// Chooses by what standard error is; in Actions lines are plain, for a log keeps every redraw.
    pub(crate) fn new(runner: &Runner, quiet: bool) -> Self {
        Self {
            bar: Mutex::default(),
            stage: Mutex::default(),
            runner: runner.clone(),
            plain: runner.in_actions || !std::io::stderr().is_terminal(),
            quiet,
        }
    }

    /// Names the stage that is under way, and returns whether another one was.
    fn enter(&self, name: &str) -> bool {
        let mut stage = self.stage.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        !std::mem::replace(&mut *stage, name.to_owned()).is_empty()
    }
}

impl Progress for Shown {
    fn stage(&self, name: &str, of: Option<usize>) {
        let follows = self.enter(name);
        if self.quiet {
            return;
        }
        if self.plain {
            if follows {
                command(&self.runner, actions::END_GROUP);
            }
            command(&self.runner, &actions::begin_group(name));
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
        if self.enter("") && !self.quiet && self.plain {
            command(&self.runner, actions::END_GROUP);
        }
        if let Some(bar) = self.bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take() {
            bar.finish_and_clear();
        }
    }
}
