//! Files that whoever started the program left open, and how the command does not get them. Layer 3.
//!
//! Our own files close by themselves. A foreign one cannot be closed by its bare number without `unsafe`, so a shell
//! does it on the way to the command.

use std::fs;
use std::path::Path;

use rustix::fs::OFlags;

/// What is executed, with the command as its last argument.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) shell: &'static str,
    /// The script that closes files and goes on; `None` when nothing is to be closed.
    pub(super) script: Option<String>,
    /// Whether every foreign file will be closed.
    pub(super) clean: bool,
}

/// Plans the way to the command for the files that are open now.
pub(super) fn start() -> Start {
    plan(&open_beyond_standard(), Path::new("/bin/bash").exists())
}

fn plan(open: &[u32], bash: bool) -> Start {
    // A small shell takes only one digit for a file; a larger number would be a word to it.
    let closable: Vec<u32> = open.iter().copied().filter(|fd| bash || *fd <= 9).collect();
    let clean = closable.len() == open.len();
    if closable.is_empty() {
        return Start { shell: "/bin/sh", script: None, clean };
    }
    let closing: Vec<String> = closable.iter().map(|fd| format!("{fd}>&-")).collect();
    let script = format!("exec {}; exec /bin/sh -c \"$0\"", closing.join(" "));
    Start { shell: if bash { "/bin/bash" } else { "/bin/sh" }, script: Some(script), clean }
}

/// Returns the files beyond the three standard ones that stay open when a program is executed; nothing without `/proc`.
fn open_beyond_standard() -> Vec<u32> {
    let mut open = Vec::new();
    for entry in fs::read_dir("/proc/self/fdinfo").into_iter().flatten().flatten() {
        let Some(fd) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let info = fs::read_to_string(entry.path()).unwrap_or_default();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
        if fd > 2 && flags.is_some_and(|flags| flags & OFlags::CLOEXEC.bits() == 0) {
            open.push(fd);
        }
    }
    open.sort_unstable();
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_files_are_closed_on_the_way_to_the_command() {
        assert_eq!(plan(&[], true), Start { shell: "/bin/sh", script: None, clean: true });
        let both = plan(&[3, 251], true);
        assert_eq!((both.shell, both.clean), ("/bin/bash", true));
        assert_eq!(both.script.as_deref(), Some("exec 3>&- 251>&-; exec /bin/sh -c \"$0\""));
        let without = plan(&[3, 251], false);
        assert_eq!((without.shell, without.clean), ("/bin/sh", false));
        assert_eq!(without.script.as_deref(), Some("exec 3>&-; exec /bin/sh -c \"$0\""));
        assert_eq!(plan(&[251], false), Start { shell: "/bin/sh", script: None, clean: false });
    }
}
