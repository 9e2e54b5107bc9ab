//! Formatters that repositories have, and how each is asked what is not formatted and to format it. Layer 4.
//!
//! Makes text for a shell and runs nothing. Paths are arguments behind `--`, each in quotes; a formatter that the
//! repository installed for itself goes before one of the machine.

use std::collections::BTreeSet;

use crate::engine::ground::shell_quote;
use crate::model::RepoPath;

/// The exit code of a shell that finds a program and may not start it, as where the sandbox keeps its folder away.
pub(crate) const NOT_EXECUTABLE: i32 = 126;
/// The exit code of a shell that does not find a program.
pub(crate) const NOT_FOUND: i32 = 127;

/// A formatter with a check mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Formatter {
    Rustfmt,
    Ruff,
    Black,
    Prettier,
    Gofmt,
}

/// What a formatter is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Job {
    Check,
    Fix,
}

/// Where a formatter runs, and over what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout<'a> {
    /// The folder that it runs in; `None` is the root.
    pub(crate) folder: Option<&'a RepoPath>,
    /// Every file of the tree.
    pub(crate) tree: &'a [RepoPath],
    /// The files that are meant.
    pub(crate) files: &'a [RepoPath],
}

/// A command as a person would write it, and as the shell is given it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) shown: String,
    pub(crate) script: String,
}

impl Formatter {
    /// Returns the formatter that a log's diagnosis names.
    pub(crate) fn of(tool: &str) -> Option<Self> {
        Some(match tool {
            "rustfmt" => Self::Rustfmt,
            "ruff" => Self::Ruff,
            "black" => Self::Black,
            "prettier" => Self::Prettier,
            "gofmt" => Self::Gofmt,
            _ => return None,
        })
    }

    /// Returns its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Rustfmt => "rustfmt",
            Self::Ruff => "ruff",
            Self::Black => "black",
            Self::Prettier => "prettier",
            Self::Gofmt => "gofmt",
        }
    }

    /// Says what to install where it is missing.
    pub(crate) const fn install(self) -> &'static str {
        match self {
            Self::Rustfmt => "rustup component add rustfmt",
            Self::Ruff => "pip install ruff",
            Self::Black => "pip install black",
            Self::Prettier => "npm install --save-dev prettier",
            Self::Gofmt => "install Go, which brings it",
        }
    }

    /// Makes the command that fails as long as one of the files is not formatted, and names those.
    pub(crate) fn check(self, layout: &Layout<'_>) -> Order {
        self.order(layout, Job::Check)
    }

    /// Makes the command that formats the files.
    pub(crate) fn fix(self, layout: &Layout<'_>) -> Order {
        self.order(layout, Job::Fix)
    }

    /// Makes the command that prints its version.
    pub(crate) fn version(self, layout: &Layout<'_>) -> String {
        match self {
            Self::Rustfmt => "cargo fmt --version".to_owned(),
            // It does not know its own.
            Self::Gofmt => "go env GOVERSION".to_owned(),
            _ => format!("{}\"$p\" --version", self.find(layout.folder)),
        }
    }

    fn order(self, layout: &Layout<'_>, job: Job) -> Order {
        let files: Vec<String> =
            layout.files.iter().map(|file| shell_quote(&relative(layout.folder, file.as_str()))).collect();
        let files = files.join(" ");
        let options = match (self, job) {
            (Self::Rustfmt, _) => return rustfmt(layout, job),
            (Self::Ruff, Job::Check) => "format --check --",
            (Self::Ruff, Job::Fix) => "format --",
            (Self::Black | Self::Prettier, Job::Check) => "--check --",
            (Self::Black, Job::Fix) => "--",
            (Self::Prettier, Job::Fix) => "--write --",
            (Self::Gofmt, Job::Check) => "-l --",
            (Self::Gofmt, Job::Fix) => "-w --",
        };
        let run = format!("\"$p\" {options} {files}");
        // What it lists is not formatted, and it calls that a success.
        let run = match (self, job) {
            (Self::Gofmt, Job::Check) => {
                format!("out=$({run}) || exit 2\n[ -z \"$out\" ] || {{ printf '%s\\n' \"$out\"; exit 1; }}")
            }
            _ => run,
        };
        Order {
            shown: format!("{} {options} {files}", self.name()),
            script: format!("{}{run}", self.find(layout.folder)),
        }
    }

    /// Makes the lines that put the program into `$p`: the repository's own, from the folder up, else the machine's.
    fn find(self, folder: Option<&RepoPath>) -> String {
        let name = self.name();
        let places: &[&str] = match self {
            Self::Ruff | Self::Black => &[".venv/bin/", "venv/bin/"],
            Self::Prettier => &["node_modules/.bin/"],
            Self::Rustfmt | Self::Gofmt => &[],
        };
        let depth = folder.map_or(0, |folder| folder.as_str().split('/').count());
        let own =
            (0..=depth).flat_map(|up| places.iter().map(move |place| format!("{}{place}{name}", "../".repeat(up))));
        let all: Vec<String> = own.chain([name.to_owned()]).collect();
        format!(
            "p=\nfor c in {}; do if command -v \"$c\" >/dev/null 2>&1; then p=$c; break; fi; done\n\
             [ -n \"$p\" ] || {{ echo '{name}: not found'; exit {NOT_FOUND}; }}\n",
            all.join(" ")
        )
    }
}

/// Rust's formatter runs crate by crate, since only the manifest tells the edition; without one the files are named.
fn rustfmt(layout: &Layout<'_>, job: Job) -> Order {
    let manifests: BTreeSet<Option<String>> =
        layout.files.iter().map(|file| manifest_of(file.as_str(), layout.tree)).collect();
    let check = if job == Job::Check { " --check" } else { "" };
    let mut commands: Vec<String> = Vec::new();
    for manifest in &manifests {
        commands.push(match manifest.as_deref().map(|manifest| relative(layout.folder, manifest)) {
            Some(manifest) if manifest == "Cargo.toml" => format!("cargo fmt --{check}"),
            Some(manifest) => format!("cargo fmt --manifest-path {} --{check}", shell_quote(&manifest)),
            None => {
                let alone = layout.files.iter().filter(|file| manifest_of(file.as_str(), layout.tree).is_none());
                let files: Vec<String> =
                    alone.map(|file| shell_quote(&relative(layout.folder, file.as_str()))).collect();
                format!("rustfmt --edition 2021{check} -- {}", files.join(" "))
            }
        });
    }
    let commands: Vec<String> = commands.iter().map(|command| command.trim_end_matches(" --").to_owned()).collect();
    let script: Vec<String> = commands.iter().map(|command| format!("{command} || s=$?")).collect();
    Order {
        shown: commands.join(" && "),
        script: format!(
            "command -v cargo >/dev/null 2>&1 || {{ echo 'cargo: not found'; exit {NOT_FOUND}; }}\n\
             cargo fmt --version >/dev/null 2>&1 || {{ echo 'rustfmt: not found'; exit {NOT_FOUND}; }}\n\
             s=0\n{}\nexit $s",
            script.join("\n")
        ),
    }
}

/// Returns the manifest of the crate that a file belongs to: the nearest one above it.
fn manifest_of(file: &str, tree: &[RepoPath]) -> Option<String> {
    let mut folder = file;
    loop {
        let above = folder.rsplit_once('/').map(|(above, _)| above);
        let manifest = above.map_or_else(|| "Cargo.toml".to_owned(), |above| format!("{above}/Cargo.toml"));
        if tree.iter().any(|path| path.as_str() == manifest) {
            return Some(manifest);
        }
        folder = above?;
    }
}

/// Writes a path of the tree as it is seen from a folder.
fn relative(folder: Option<&RepoPath>, path: &str) -> String {
    let Some(folder) = folder else { return path.to_owned() };
    match path.strip_prefix(folder.as_str()).and_then(|rest| rest.strip_prefix('/')) {
        Some(inside) => inside.to_owned(),
        None => format!("{}{path}", "../".repeat(folder.as_str().split('/').count())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(texts: &[&str]) -> Vec<RepoPath> {
        texts.iter().map(|text| text.parse().expect("a legal path")).collect()
    }

    #[test]
    fn paths_are_arguments_behind_a_dash_and_in_quotes() {
        let files = paths(&["src/a b.py", "src/it's.py"]);
        let layout = Layout { folder: None, tree: &files, files: &files };
        let check = Formatter::Ruff.check(&layout);
        assert_eq!(check.shown, r"ruff format --check -- 'src/a b.py' 'src/it'\''s.py'");
        assert!(check.script.ends_with(r#""$p" format --check -- 'src/a b.py' 'src/it'\''s.py'"#), "{}", check.script);
        assert!(check.script.contains("for c in .venv/bin/ruff venv/bin/ruff ruff;"), "{}", check.script);
    }

    #[test]
    fn a_formatter_in_a_folder_looks_upward_for_its_program_and_writes_paths_from_there() {
        let (folder, files) = ("web/app".parse().expect("a legal path"), paths(&["web/app/a.js", "b.js"]));
        let layout = Layout { folder: Some(&folder), tree: &files, files: &files };
        let fix = Formatter::Prettier.fix(&layout);
        assert_eq!(fix.shown, "prettier --write -- 'a.js' '../../b.js'");
        for place in [" node_modules/.bin/prettier ", " ../../node_modules/.bin/prettier prettier;"] {
            assert!(fix.script.contains(place), "{}", fix.script);
        }
    }

    #[test]
    fn rust_is_formatted_crate_by_crate_and_without_a_manifest_by_file() {
        let tree = paths(&["Cargo.toml", "src/lib.rs", "fuzz/Cargo.toml", "fuzz/a.rs"]);
        let of = |tree: &[RepoPath], files: &[&str]| {
            let files = paths(files);
            Formatter::Rustfmt.check(&Layout { folder: None, tree, files: &files }).shown
        };
        assert_eq!(of(&tree, &["src/lib.rs"]), "cargo fmt -- --check");
        assert_eq!(
            of(&tree, &["src/lib.rs", "fuzz/a.rs"]),
            "cargo fmt -- --check && cargo fmt --manifest-path 'fuzz/Cargo.toml' -- --check"
        );
        assert_eq!(of(&[], &["a.rs"]), "rustfmt --edition 2021 --check -- 'a.rs'");
        let files = paths(&["src/lib.rs"]);
        let fix = Formatter::Rustfmt.fix(&Layout { folder: None, tree: &tree, files: &files });
        assert_eq!(fix.shown, "cargo fmt");
    }
}
