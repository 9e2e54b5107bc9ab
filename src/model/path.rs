//! Paths inside a repository that cannot escape it. Layer 0.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Says why a path was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} is not a path inside the repository: {why}")]
pub struct PathError {
    path: String,
    why: &'static str,
}

/// A relative, normalised path with `/` between components; never empty, absolute, or above the root (V-54, V-60).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct RepoPath(String);

impl RepoPath {
    /// Returns the path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the last component.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// Returns the text after the last dot of the file name, if any.
    pub fn extension(&self) -> Option<&str> {
        self.file_name().rsplit_once('.').map(|(_, extension)| extension)
    }

    /// Returns whether the path lies in `folder` or is it.
    pub fn is_within(&self, folder: &Self) -> bool {
        self.0 == folder.0 || self.0.strip_prefix(&folder.0).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Returns the path below `self` that `relative` names.
    ///
    /// # Errors
    /// When the result would not be a path inside the repository.
    pub fn join(&self, relative: &str) -> Result<Self, PathError> {
        format!("{}/{relative}", self.0).parse()
    }
}

impl FromStr for RepoPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = |why| Err(PathError { path: text.chars().take(200).collect(), why });
        if text.is_empty() {
            return refuse("it is empty");
        }
        if text.len() > 4096 {
            return refuse("it is longer than 4096 bytes");
        }
        if text.chars().any(char::is_control) {
            return refuse("it has a control character");
        }
        if text.contains('\\') {
            return refuse("it has a backslash");
        }
        if text.contains(':') {
            return refuse("it has a colon, which names a drive or a stream on some systems");
        }
        if text.starts_with('/') {
            return refuse("it is absolute");
        }
        for component in text.split('/') {
            match component {
                "" => return refuse("it has an empty component"),
                "." | ".." => return refuse("it has a '.' or '..' component"),
                c if c.ends_with(['.', ' ']) => return refuse("a component ends with a dot or a space"),
                c if is_device_name(c) => return refuse("a component is a device name on some systems"),
                _ => {}
            }
        }
        Ok(Self(text.to_owned()))
    }
}

/// Returns whether Windows takes the component for a device, whatever its extension.
fn is_device_name(component: &str) -> bool {
    let stem = component.split('.').next().unwrap_or(component).to_ascii_lowercase();
    matches!(stem.as_str(), "con" | "prn" | "aux" | "nul")
        || (stem.len() == 4
            && (stem.starts_with("com") || stem.starts_with("lpt"))
            && stem.as_bytes()[3].is_ascii_digit()
            && stem.as_bytes()[3] != b'0')
}

impl TryFrom<String> for RepoPath {
    type Error = PathError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RepoPath> for String {
    fn from(path: RepoPath) -> Self {
        path.0
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v_54_paths_that_leave_the_root_on_any_system_are_refused() {
        let bad = [
            "../../x",
            "/etc/passwd",
            "C:\\x",
            "\\\\srv\\x",
            "a/../../b",
            "a//b",
            "a/",
            "a. ",
            "a/b.",
            "NUL",
            "con.txt",
            "a:stream",
            "",
            ".",
            "a\nb",
            "lpt1.log",
        ];
        for text in bad {
            assert!(text.parse::<RepoPath>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn ordinary_paths_keep_their_text() {
        for text in ["src/main.rs", ".github/x.yml", "a b/c-d.e", "com0.txt", "ünï/x"] {
            assert_eq!(text.parse::<RepoPath>().map(|p| p.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn within_means_component_by_component() -> Result<(), PathError> {
        let folder: RepoPath = "src/a".parse()?;
        assert!("src/a/b.rs".parse::<RepoPath>()?.is_within(&folder));
        assert!(!"src/ab.rs".parse::<RepoPath>()?.is_within(&folder));
        Ok(())
    }
}
