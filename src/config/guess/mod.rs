//! Guesses how a project is set up and tested from its manifests, and says why. Layer 1.
//!
//! A guess is made only where the files speak plainly; otherwise there is none, and the words say what is missing. It
//! runs nothing and installs nothing that no lockfile pins.

mod checks;
mod runner;

use std::collections::BTreeMap;

pub use checks::{GuessedChecks, checks};
pub use runner::{one_test, selector, selects};

/// What was guessed for one project, and why, in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guessed {
    /// Prepares the tree; `None` where no lockfile says how.
    pub setup: Option<String>,
    /// Runs all tests; `None` where no manifest says how.
    pub test: Option<String>,
    /// The reasons, one sentence each.
    pub said: Vec<String>,
}

impl Guessed {
    fn new(setup: Option<&str>, test: &str, why: &str) -> Self {
        Self { setup: setup.map(str::to_owned), test: Some(test.to_owned()), said: vec![why.to_owned()] }
    }
}

/// The files at the root of a project, and the paths of all files below it.
struct Files<'a> {
    manifests: &'a BTreeMap<String, String>,
    paths: &'a [String],
}

impl Files<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.manifests.get(name).map(String::as_str)
    }

    fn has(&self, name: &str) -> bool {
        self.manifests.contains_key(name) || self.paths.iter().any(|path| path == name)
    }
}

/// A language's way to guess; `None` where the project is none of its.
type Way = fn(&Files<'_>) -> Option<Guessed>;

/// Guesses the setup and the test command of a project.
///
/// `manifests` are the texts of the files at its root by name, `paths` all its files, relative to that root. Where two
/// languages share a root the first that has a test command wins, and the others are named in `said`.
pub fn commands(manifests: &BTreeMap<String, String>, paths: &[String]) -> Guessed {
    let files = Files { manifests, paths };
    let ways: [(&str, Way); 7] = [
        ("Cargo", cargo),
        ("Go", go),
        ("JavaScript", javascript),
        ("Python", python),
        ("Maven", maven),
        ("Gradle", gradle),
        ("make", make),
    ];
    let mut chosen: Option<Guessed> = None;
    let mut silent = Vec::new();
    for (name, way) in ways {
        let Some(guess) = way(&files) else { continue };
        match (&mut chosen, guess.test.is_some()) {
            (Some(first), true) if name != "make" => {
                first.said.push(format!("There is a {name} project at the same root too; its tests are not run."));
            }
            (Some(_), _) => {}
            (None, true) => chosen = Some(guess),
            (None, false) => silent.extend(guess.said),
        }
    }
    let mut guessed = chosen.unwrap_or_default();
    if guessed.test.is_none() {
        guessed.said = silent;
        guessed.said.push("No manifest says how the tests run; set `test_command`.".to_owned());
    }
    guessed
}

fn cargo(files: &Files<'_>) -> Option<Guessed> {
    files.text("Cargo.toml")?;
    Some(Guessed::new(None, "cargo test", "Cargo.toml is there, so the tests run with cargo."))
}

fn go(files: &Files<'_>) -> Option<Guessed> {
    files.text("go.mod")?;
    Some(Guessed::new(None, "go test ./... -v", "go.mod is there, so the tests of all packages run with go."))
}

/// The text that `npm init` writes where a project has no tests.
const NO_TEST: &str = "no test specified";

fn javascript(files: &Files<'_>) -> Option<Guessed> {
    let Some(text) = files.text("package.json") else {
        let tests = files.paths.iter().any(|path| is_node_test(path));
        return tests
            .then(|| Guessed::new(None, "node --test", "Test files in JavaScript are there without a package.json."));
    };
    let Ok(package) = serde_json::from_str::<serde_json::Value>(text) else {
        let said = vec!["package.json cannot be read as JSON.".to_owned()];
        return Some(Guessed { said, ..Guessed::default() });
    };
    let (manager, setup, lockfile) = package_manager(files, &package);
    let script = package["scripts"]["test"].as_str().filter(|script| !script.contains(NO_TEST));
    let mut guess = match script {
        Some(_) => Guessed::new(setup, &format!("{manager} test"), "package.json has a test script."),
        None if files.paths.iter().any(|path| is_node_test(path)) => Guessed::new(
            setup,
            "node --test",
            "package.json has no test script, but there are test files that node finds by itself.",
        ),
        None => Guessed {
            said: vec!["package.json has no test script, and there are no test files.".to_owned()],
            ..Guessed::default()
        },
    };
    guess.said.push(match lockfile {
        Some(name) => format!("{name} pins the dependencies."),
        None => "There is no lockfile, so nothing is installed.".to_owned(),
    });
    Some(guess)
}

/// Returns the package manager, the command that installs what its lockfile pins, and that lockfile.
fn package_manager(
    files: &Files<'_>,
    package: &serde_json::Value,
) -> (&'static str, Option<&'static str>, Option<&'static str>) {
    let declared = package["packageManager"].as_str().unwrap_or_default();
    if files.has("pnpm-lock.yaml") {
        return ("pnpm", Some("pnpm install --frozen-lockfile"), Some("pnpm-lock.yaml"));
    }
    if files.has("yarn.lock") {
        // Yarn 2 and later dropped the old flag for another one.
        let modern = files.has(".yarnrc.yml") || declared.starts_with("yarn@") && !declared.starts_with("yarn@1");
        let setup = if modern { "yarn install --immutable" } else { "yarn install --frozen-lockfile" };
        return ("yarn", Some(setup), Some("yarn.lock"));
    }
    for lockfile in ["package-lock.json", "npm-shrinkwrap.json"] {
        if files.has(lockfile) {
            return ("npm", Some("npm ci"), Some(lockfile));
        }
    }
    match declared.split('@').next() {
        Some("pnpm") => ("pnpm", None, None),
        Some("yarn") => ("yarn", None, None),
        _ => ("npm", None, None),
    }
}

/// Tells whether `node --test` finds a file by itself.
fn is_node_test(path: &str) -> bool {
    if path.split('/').any(|part| part == "node_modules") {
        return false;
    }
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let Some((stem, "js" | "mjs" | "cjs")) = name.rsplit_once('.') else { return false };
    let in_test_folder = folder.split('/').any(|part| part == "test");
    let ends = [".test", "-test", "_test"].iter().any(|end| stem.ends_with(end));
    in_test_folder || ends || stem == "test" || stem.starts_with("test-")
}

fn python(files: &Files<'_>) -> Option<Guessed> {
    let tests: Vec<&str> = files.paths.iter().map(String::as_str).filter(|path| is_python_test(path)).collect();
    let manifest = ["pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "pytest.ini", "requirements.txt"]
        .into_iter()
        .find(|name| files.has(name));
    let pytest = pytest_reason(files);
    if manifest.is_none() && tests.is_empty() && pytest.is_none() {
        return None;
    }
    let (setup, python, installed) = python_environment(files);
    let (test, why) = match (pytest, tests.is_empty()) {
        (Some(why), _) => (format!("{python} -m pytest -v"), why.to_owned()),
        (None, false) => {
            (unittest(files, python, &tests), "There are Python tests, and nothing names pytest.".to_owned())
        }
        (None, true) => {
            let said = vec!["There are no Python tests, and nothing names pytest.".to_owned()];
            return Some(Guessed { said, ..Guessed::default() });
        }
    };
    let mut guess = Guessed::new(setup, &test, &why);
    guess.said.push(installed.to_owned());
    Some(guess)
}

/// Tells whether unittest's discovery takes a file for a test.
fn is_python_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with("test") && matches!(name.rsplit_once('.'), Some((_, "py")))
}

/// Returns why pytest is the runner, where a file configures or lists it.
fn pytest_reason(files: &Files<'_>) -> Option<&'static str> {
    let says = |name: &str, what: &str| files.text(name).is_some_and(|text| text.contains(what));
    if files.has("pytest.ini") || files.has(".pytest.ini") {
        return Some("pytest.ini configures pytest.");
    }
    if says("pyproject.toml", "[tool.pytest") || says("setup.cfg", "[tool:pytest]") || says("tox.ini", "[pytest]") {
        return Some("The project's settings configure pytest.");
    }
    if files.paths.iter().any(|path| path.rsplit('/').next() == Some("conftest.py")) {
        return Some("conftest.py belongs to pytest.");
    }
    let listed = files.manifests.iter().any(|(name, text)| {
        let list =
            name.starts_with("requirements") || matches!(name.as_str(), "pyproject.toml" | "setup.cfg" | "tox.ini");
        list && lists_pytest(text)
    });
    listed.then_some("pytest is among the dependencies.")
}

/// Tells whether a list of dependencies names pytest itself, not only a plug-in of it.
fn lists_pytest(text: &str) -> bool {
    text.lines().filter(|line| !line.trim_start().starts_with('#')).any(|line| {
        line.match_indices("pytest").any(|(at, word)| {
            let part_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
            let before = line[..at].chars().next_back();
            let after = line[at + word.len()..].chars().next();
            !before.is_some_and(part_of_name) && !after.is_some_and(part_of_name)
        })
    })
}

/// Returns the setup command, the interpreter that sees what it installs, and the reason.
fn python_environment(files: &Files<'_>) -> (Option<&'static str>, &'static str, &'static str) {
    if files.has("uv.lock") {
        return (Some("uv sync --frozen"), "uv run --no-sync python", "uv.lock pins the dependencies.");
    }
    if files.has("poetry.lock") {
        // In the tree, so that the copy in which the tests run has it too.
        let setup = "POETRY_VIRTUALENVS_IN_PROJECT=true poetry install --no-interaction";
        return (Some(setup), ".venv/bin/python", "poetry.lock pins the dependencies.");
    }
    match files.text("requirements.txt").map(requirements_pinned) {
        Some(Some(true)) => (
            Some("python3 -m venv .venv && .venv/bin/python -m pip install -r requirements.txt"),
            ".venv/bin/python",
            "requirements.txt pins every dependency.",
        ),
        Some(Some(false)) => (
            None,
            "python3",
            "requirements.txt does not pin every dependency, so nothing is installed; set `setup_command`.",
        ),
        _ => (None, "python3", "There is no lockfile, so nothing is installed."),
    }
}

/// Tells whether a list of requirements pins each; `None` where it lists nothing.
fn requirements_pinned(text: &str) -> Option<bool> {
    let mut lines = text
        .lines()
        .map(|line| line.split(" #").next().unwrap_or(line).trim())
        .filter(|line| !line.is_empty() && !line.starts_with(['#', '-']))
        .peekable();
    lines.peek()?;
    Some(lines.all(|line| line.contains("==")))
}

/// Returns the unittest command that finds the tests where they lie.
fn unittest(files: &Files<'_>, python: &str, tests: &[&str]) -> String {
    let reached = |path: &&str| match path.split_once('/') {
        None => true,
        Some((folder, _)) => files.paths.iter().any(|other| *other == format!("{folder}/__init__.py")),
    };
    if tests.iter().any(reached) {
        return format!("{python} -m unittest -v");
    }
    // Discovery from the root does not enter a folder that is no package; it has to be named.
    match tests.first().and_then(|path| path.split_once('/')) {
        Some((folder, _)) if folder.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')) => {
            format!("{python} -m unittest discover -s {folder} -v")
        }
        _ => format!("{python} -m unittest -v"),
    }
}

fn maven(files: &Files<'_>) -> Option<Guessed> {
    files.text("pom.xml")?;
    let (command, why) = if files.has("mvnw") {
        ("./mvnw -B test", "pom.xml is there, with Maven's wrapper.")
    } else {
        ("mvn -B test", "pom.xml is there.")
    };
    Some(Guessed::new(None, command, why))
}

fn gradle(files: &Files<'_>) -> Option<Guessed> {
    let script = ["build.gradle", "build.gradle.kts"].into_iter().find(|name| files.has(name))?;
    let (command, with) = if files.has("gradlew") {
        ("./gradlew test --console=plain", ", with Gradle's wrapper")
    } else {
        ("gradle test --console=plain", "")
    };
    Some(Guessed::new(None, command, &format!("{script} is there{with}.")))
}

fn make(files: &Files<'_>) -> Option<Guessed> {
    let (name, text) = ["GNUmakefile", "makefile", "Makefile"].into_iter().find_map(|n| Some((n, files.text(n)?)))?;
    let target = text.lines().any(|line| {
        line.split_once(':').is_some_and(|(targets, rest)| {
            !rest.starts_with('=')
                && !line.starts_with('\t')
                && targets.split_whitespace().any(|target| target == "test")
        })
    });
    target.then(|| Guessed::new(None, "make test", &format!("{name} has the target `test`.")))
}

#[cfg(test)]
mod tests;
