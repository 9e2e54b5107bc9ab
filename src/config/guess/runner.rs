//! Knows how common runners run one test, and how each wants that test named. Layer 1.
//!
//! It refuses commands that a shell would take apart: what is appended to those might reach another program.

/// A runner whose way of choosing one test is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Runner {
    Cargo,
    Nextest,
    Pytest,
    Unittest,
    Node,
    Go,
    Jest,
    Vitest,
    Mocha,
    Maven,
    Gradle,
}

/// Characters with which a command becomes more than one plain program call.
const SHELL: &[char] = &['&', ';', '|', '<', '>', '`', '$', '(', ')', '#', '\n', '\\', '"', '\'', '{', '}', '*'];

/// Words that only start another program.
const STARTERS: &[&[&str]] = &[
    &["npx", "--no-install"],
    &["npx"],
    &["pnpm", "exec"],
    &["pnpm"],
    &["yarn"],
    &["bunx"],
    &["uv", "run", "--no-sync"],
    &["uv", "run", "--frozen"],
    &["uv", "run"],
    &["poetry", "run"],
    &["pipenv", "run"],
    &["env"],
];

/// Returns a template with `{test}` that runs one test by a known runner; `None` where unsure.
pub fn one_test(test_command: &str) -> Option<String> {
    let command = test_command.trim();
    if command.contains(SHELL) {
        return None;
    }
    let words: Vec<&str> = command.split_whitespace().collect();
    let (runner, at) = recognise(&words)?;
    let rest = &words[at..];
    match runner {
        Runner::Cargo | Runner::Nextest => {
            let separator = if rest.contains(&"--") { "" } else { " --" };
            Some(format!("{command}{separator} --exact {{test}}"))
        }
        Runner::Pytest => {
            let options = pytest_options(rest)?;
            Some(format!("{}{options} {{test}}", words[..at].join(" ")))
        }
        Runner::Unittest if rest.contains(&"-k") => None,
        Runner::Unittest => Some(format!("{command} -k {{test}}")),
        // Options have to stand before the files: node hands what follows to the tests.
        Runner::Node => {
            let mut call = words[..at].to_vec();
            call.extend(["--test-name-pattern", "{test}"]);
            call.extend(rest);
            Some(call.join(" "))
        }
        Runner::Go if rest.iter().any(|word| matches!(*word, "-run" | "-args" | "--args")) => None,
        Runner::Go => {
            let mut call = words[..at].to_vec();
            call.extend(rest.iter().filter(|word| **word != "-v"));
            call.extend(["-run", "{test}", "-v"]);
            Some(call.join(" "))
        }
        Runner::Jest | Runner::Vitest if rest.contains(&"-t") => None,
        Runner::Jest | Runner::Vitest => Some(format!("{command} -t {{test}}")),
        Runner::Mocha if rest.iter().any(|word| matches!(*word, "-g" | "-f" | "--grep" | "--fgrep")) => None,
        Runner::Mocha => Some(format!("{command} -g {{test}}")),
        Runner::Maven if rest.iter().any(|word| word.starts_with("-Dtest=")) => None,
        // Other modules have no such test, and that is no failure.
        Runner::Maven => Some(format!("{command} -Dtest={{test}} -Dsurefire.failIfNoSpecifiedTests=false")),
        Runner::Gradle if rest.contains(&"--tests") => None,
        Runner::Gradle => Some(format!("{command} --tests {{test}}")),
    }
}

/// Returns the runner of a command and the index of the word after its name.
fn recognise(words: &[&str]) -> Option<(Runner, usize)> {
    let mut at = 0;
    loop {
        let assignment = words
            .get(at)?
            .split_once('=')
            .is_some_and(|(name, _)| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
        let starter = STARTERS.iter().find(|starter| words[at..].starts_with(starter));
        match (assignment, starter) {
            (true, _) => at += 1,
            (false, Some(starter)) => at += starter.len(),
            (false, None) => break,
        }
    }
    let name = words[at].rsplit('/').next()?;
    let next = |n: usize| words.get(at + n).copied();
    match name {
        "cargo" if next(1) == Some("nextest") && next(2) == Some("run") => Some((Runner::Nextest, at + 3)),
        "cargo" if matches!(next(1), Some("test" | "t")) => Some((Runner::Cargo, at + 2)),
        "pytest" | "py.test" => Some((Runner::Pytest, at + 1)),
        "python" | "python3" if next(1) == Some("-m") => match next(2)? {
            "pytest" => Some((Runner::Pytest, at + 3)),
            "unittest" => Some((Runner::Unittest, at + 3)),
            _ => None,
        },
        "node" if words[at..].contains(&"--test") => {
            let test = words.iter().position(|word| *word == "--test")?;
            // A script before the flag would get it as an argument.
            words[at + 1..test].iter().all(|word| word.starts_with('-')).then_some((Runner::Node, test + 1))
        }
        "go" if next(1) == Some("test") => Some((Runner::Go, at + 2)),
        "jest" => Some((Runner::Jest, at + 1)),
        "vitest" => Some((Runner::Vitest, at + 1)),
        "mocha" => Some((Runner::Mocha, at + 1)),
        "mvn" | "mvnw" if words[at..].iter().any(|word| matches!(*word, "test" | "verify")) => {
            Some((Runner::Maven, at + 1))
        }
        // `--tests` belongs to the task before it, so that has to be the tests.
        "gradle" | "gradlew" => {
            let task = words[at + 1..].iter().rfind(|word| !word.starts_with('-'))?;
            (*task == "test" || task.ends_with(":test")).then_some((Runner::Gradle, at + 1))
        }
        _ => None,
    }
}

/// Returns the options of a pytest call without its paths, which would run besides the one test.
fn pytest_options(words: &[&str]) -> Option<String> {
    const WITH_VALUE: &[&str] =
        &["-n", "-p", "-o", "-c", "-W", "--tb", "--timeout", "--maxfail", "--rootdir", "--color", "--dist"];
    let mut kept = String::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if matches!(*word, "-k" | "-m" | "--pyargs" | "--") || word.starts_with("--deselect") {
            return None;
        }
        if word.starts_with('-') {
            kept.push(' ');
            kept.push_str(word);
            if WITH_VALUE.contains(word) {
                kept.push(' ');
                kept.push_str(words.next()?);
            }
        }
    }
    Some(kept)
}

/// Turns the name under which a runner reported a test into what its template wants for `{test}`, unquoted.
///
/// A template of an unknown runner gets the reported name as it is.
pub fn selector(template: &str, test_name: &str) -> String {
    let words: Vec<&str> = template.split_whitespace().collect();
    let name = test_name.trim();
    let Some(runner) = recognise(&words).map(|(runner, _)| runner).or_else(|| by_flag(&words)) else {
        return name.to_owned();
    };
    match runner {
        Runner::Cargo => without_count(name).to_owned(),
        Runner::Pytest => name.to_owned(),
        Runner::Nextest => name.rsplit(' ').next().unwrap_or(name).to_owned(),
        // `-k` looks for its text in the whole dotted name; of `test_total (test_cart.Cart)` only the method is sure.
        Runner::Unittest => match name.split_once(" (") {
            Some((method, _)) if !method.contains(' ') => method.to_owned(),
            _ => name.to_owned(),
        },
        Runner::Node => format!("{}$", escape(titles(name).last().copied().unwrap_or(name))),
        Runner::Go => go_pattern(name),
        // The runners join the titles by spaces. The start stays open, as a report may leave the outer titles out.
        Runner::Jest | Runner::Vitest | Runner::Mocha => format!("{}$", escape(&titles(name).join(" "))),
        Runner::Maven => method_name(name, '#'),
        Runner::Gradle => method_name(&titles(name).join("."), '.'),
    }
}

/// Tells whether a template can choose a test by its reported name; where it cannot, all tests have to run.
///
/// The names of doc tests end in a line number, which reports leave out as it changes, and which cargo insists on.
pub fn selects(template: &str, test_name: &str) -> bool {
    let words: Vec<&str> = template.split_whitespace().collect();
    let exact = matches!(recognise(&words), Some((Runner::Cargo, _))) && words.contains(&"--exact");
    let named = !test_name.trim().is_empty();
    named && (!exact || !test_name.contains(" - "))
}

/// Drops the ` (2)` that tells tests of one name in several binaries apart; cargo runs them all under that name.
fn without_count(name: &str) -> &str {
    let counted = name.strip_suffix(')').and_then(|text| text.rsplit_once(" ("));
    match counted {
        Some((own, count)) if !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit()) => own,
        _ => name,
    }
}

/// Recognises the runner behind a script by the flag that chooses the test.
fn by_flag(words: &[&str]) -> Option<Runner> {
    let flag = words.iter().position(|word| word.contains("{test}"))?;
    let before = flag.checked_sub(1).map(|at| words[at]).unwrap_or_default();
    let own = words[flag];
    match before {
        "--test-name-pattern" => Some(Runner::Node),
        "--testNamePattern" | "-t" => Some(Runner::Jest),
        "-g" | "--grep" => Some(Runner::Mocha),
        "-run" => Some(Runner::Go),
        "--tests" => Some(Runner::Gradle),
        _ if own.starts_with("--test-name-pattern=") => Some(Runner::Node),
        _ if own.starts_with("--testNamePattern=") => Some(Runner::Jest),
        _ if own.starts_with("-Dtest=") => Some(Runner::Maven),
        _ if own.starts_with("-run=") => Some(Runner::Go),
        _ => None,
    }
}

/// Splits a reported name into its titles, outermost first, without the file that some reporters put before them.
fn titles(name: &str) -> Vec<&str> {
    let mut parts: Vec<&str> =
        name.split(" › ").flat_map(|part| part.split(" > ")).map(str::trim).filter(|part| !part.is_empty()).collect();
    let is_file = |part: &str| {
        !part.contains(' ')
            && part
                .rsplit_once('.')
                .is_some_and(|(_, end)| matches!(end, "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx"))
    };
    if parts.len() > 1 && is_file(parts[0]) {
        parts.remove(0);
    }
    parts
}

/// Escapes what JavaScript and Go read as a pattern; both take the escaped character literally.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if matches!(c, '\\' | '^' | '$' | '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '/') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Returns the pattern of a Go test and its subtests: one anchored expression a level.
fn go_pattern(name: &str) -> String {
    let name = name.rsplit(' ').next().unwrap_or(name);
    // A package path may stand before the test: `example.com/shop/cart.TestTotal/empty`.
    let test = name
        .match_indices("Test")
        .map(|(at, _)| at)
        .find(|at| *at == 0 || matches!(name.as_bytes()[at - 1], b'.' | b'/'));
    let own = &name[test.unwrap_or(0)..];
    own.split('/').map(|part| format!("^{}$", escape(part))).collect::<Vec<_>>().join("/")
}

/// Returns `Class<separator>method` of a Java test, whichever way it was reported.
fn method_name(name: &str, separator: char) -> String {
    // `total(com.acme.CartTest)`: the old reporter puts the class behind.
    let behind = name.strip_suffix(')').and_then(|text| text.split_once('(')).filter(|(method, class)| {
        !method.is_empty() && !method.contains(['.', '#', ' ']) && class.contains(|c: char| c.is_ascii_uppercase())
    });
    let (class, method) = if let Some((method, class)) = behind {
        (class, method)
    } else {
        // `CartTest.total:23` has the line behind, `total(int)[1]` the parameters.
        let plain = name.split(['(', '[', ' ', '{', ':']).next().unwrap_or(name);
        match plain.rsplit_once(['#', '.']) {
            Some((class, method)) => (class, method),
            None => return plain.to_owned(),
        }
    };
    // `com.acme.CartTest` alone is a class, all of whose tests run.
    if method.starts_with(|c: char| c.is_ascii_uppercase()) {
        return format!("{class}.{method}");
    }
    format!("{class}{separator}{method}")
}
