//! Which level of sandbox this machine can give, and the refusal of what it cannot. Layer 3.
//!
//! Landlock answers when asked. Namespaces are tried for real, once, by running a command that does nothing: too many parts
//! of a system can forbid them to believe any setting of it.

use std::fs;

use super::{Host, Sandbox, SandboxExec};
use crate::model::{SandboxLevel, SandboxRequirement};
use crate::workspace::WorkspaceError;

/// Settings that forbid namespaces to users: the file, the value that forbids, and how to allow them.
const SETTINGS: [(&str, &str, &str); 3] = [
    ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "kernel.apparmor_restrict_unprivileged_userns=0"),
    ("/proc/sys/kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
    ("/proc/sys/user/max_user_namespaces", "0", "user.max_user_namespaces=10000"),
];

/// Returns the best level that this machine can give to this very program, by trying.
pub fn probe() -> SandboxLevel {
    Sandbox::new(SandboxExec::this_program(), Host::default()).level()
}

impl Sandbox {
    /// Returns the best level that this machine can give; the first call runs a command that does nothing.
    pub fn level(&self) -> SandboxLevel {
        match (has_landlock(), self.isolation()) {
            (true, Ok(())) => SandboxLevel::Isolated,
            (true, Err(_)) => SandboxLevel::Landlock,
            (false, _) => SandboxLevel::None,
        }
    }

    /// Refuses what cannot be had before anything of a repository is started.
    ///
    /// # Errors
    /// [`WorkspaceError::SandboxTooWeak`], with what to do.
    pub fn check(&self, require: SandboxRequirement) -> Result<(), WorkspaceError> {
        let refuse = |text: &str| Err(WorkspaceError::SandboxTooWeak(format!("sandbox-too-weak: {text}")));
        match require {
            SandboxRequirement::Any => Ok(()),
            SandboxRequirement::Landlock if has_landlock() => Ok(()),
            SandboxRequirement::Landlock => refuse(
                "`sandbox.require` is `landlock` and this kernel has none; run on Linux 5.13 or later, or require `any`.",
            ),
            SandboxRequirement::Isolated => match self.isolation() {
                Ok(()) => Ok(()),
                Err(why) => refuse(&format!(
                    "`sandbox.require` is `isolated` and this machine does not give it: {why}. {}",
                    advice(|file| fs::read_to_string(file).ok())
                )),
            },
        }
    }

    fn isolation(&self) -> Result<(), String> {
        self.isolation.get_or_init(|| self.try_isolation()).clone()
    }

    fn try_isolation(&self) -> Result<(), String> {
        if !has_landlock() {
            return Err("the kernel has no Landlock".to_owned());
        }
        #[cfg(target_os = "linux")]
        return super::parent::try_isolation(self);
        #[cfg(not(target_os = "linux"))]
        Err("namespaces are a thing of Linux".to_owned())
    }
}

fn has_landlock() -> bool {
    #[cfg(target_os = "linux")]
    return super::files::generation() > 0;
    #[cfg(not(target_os = "linux"))]
    false
}

/// Says what to change so that namespaces can be had.
fn advice(read: impl Fn(&str) -> Option<String>) -> String {
    let forbids = |file: &str, value: &str| read(file).is_some_and(|text| text.trim() == value);
    match SETTINGS.iter().find(|(file, value, _)| forbids(file, value)) {
        Some((_, _, setting)) => format!("Run `sudo sysctl -w {setting}` first, or require `landlock` or `any`."),
        None => "Run outside of a container, on a Linux where users may make namespaces and with Landlock, or require \
                 `landlock` or `any`."
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_names_the_setting_that_forbids() {
        let ubuntu = |file: &str| Some(if file.contains("apparmor") { "1\n" } else { "1000\n" }.to_owned());
        assert!(advice(ubuntu).contains("sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"));
        assert!(advice(|_| None).contains("outside of a container"));
    }
}
