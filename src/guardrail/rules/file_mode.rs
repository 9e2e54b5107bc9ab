//! `file-mode`: no symbolic links, no submodules, no change of an executable bit (V-51, V-56, V-57). Layer 1.
//!
//! Refuses modes that git does not have.

use crate::guardrail::change::{Change, ModeSeen};
use crate::guardrail::paths::fold;
use crate::guardrail::rule::{Context, Findings, Rule};
use crate::model::{FileMode, Reason};

pub(super) struct FileModeRule;

impl Rule for FileModeRule {
    fn id(&self) -> Reason {
        Reason::FileMode
    }

    fn check(&self, change: &Change, _: &Context<'_>, findings: &mut Findings) {
        for file in &change.files {
            let modes = [&file.old_mode, &file.new_mode];
            let any = |mode: FileMode| modes.contains(&&ModeSeen::Known(mode));
            if any(FileMode::Symlink) {
                findings.file(file, "The change creates, alters or removes a symbolic link.");
            }
            if any(FileMode::Gitlink) || fold(&file.path).rsplit('/').next() == Some(".gitmodules") {
                findings.file(file, "The change creates, alters or removes a submodule.");
            }
            for mode in modes {
                if let ModeSeen::Odd(mode) = mode {
                    let mode: String = mode.chars().take(20).collect();
                    findings.file(file, format!("The mode {mode:?} is none that git keeps."));
                }
            }
            match (&file.old_mode, &file.new_mode) {
                (ModeSeen::Absent, ModeSeen::Known(FileMode::Executable)) => {
                    findings.file(file, "The change creates an executable file.");
                }
                (ModeSeen::Known(FileMode::Plain), ModeSeen::Known(FileMode::Executable)) => {
                    findings.file(file, "The change makes the file executable.");
                }
                (ModeSeen::Known(FileMode::Executable), ModeSeen::Known(FileMode::Plain)) => {
                    findings.file(file, "The change takes the executable bit away.");
                }
                _ => {}
            }
        }
    }
}
