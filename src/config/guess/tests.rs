//! Cases of the guesses: what files say, what runners want.

use std::collections::BTreeMap;

use super::{commands, one_test, selector, selects};

/// Guesses for files given as `name` or `name=text`; a name without a slash is a manifest too.
fn guess(files: &[&str]) -> (Option<String>, Option<String>) {
    let mut manifests = BTreeMap::new();
    let mut paths = Vec::new();
    for file in files {
        let (name, text) = file.split_once('=').unwrap_or((file, ""));
        if !name.contains('/') {
            manifests.insert(name.to_owned(), text.to_owned());
        }
        paths.push(name.to_owned());
    }
    let guessed = commands(&manifests, &paths);
    assert!(!guessed.said.is_empty(), "a guess says why: {files:?}");
    (guessed.setup, guessed.test)
}

#[test]
fn every_guess_follows_from_the_files() {
    let jest = r#"package.json={"scripts":{"test":"jest"}}"#;
    let bare = "package.json={}";
    let nothing = r#"package.json={"scripts":{"test":"echo \"Error: no test specified\" && exit 1"}}"#;
    let venv = "python3 -m venv .venv && .venv/bin/python -m pip install -r requirements.txt";
    for (files, setup, test) in [
        (&[jest][..], None, Some("npm test")),
        (&[jest, "package-lock.json"], Some("npm ci"), Some("npm test")),
        (&[jest, "pnpm-lock.yaml"], Some("pnpm install --frozen-lockfile"), Some("pnpm test")),
        (&[jest, "yarn.lock"], Some("yarn install --frozen-lockfile"), Some("yarn test")),
        (&[jest, "yarn.lock", ".yarnrc.yml"], Some("yarn install --immutable"), Some("yarn test")),
        (&[bare, "test/cart.js"], None, Some("node --test")),
        (&[bare, "src/cart.test.mjs"], None, Some("node --test")),
        (&[nothing, "cart.test.js", "package-lock.json"], Some("npm ci"), Some("node --test")),
        (&["cart.test.js"], None, Some("node --test")),
        (&[nothing], None, None),
        (&[bare, "node_modules/x/test/a.js"], None, None),
        (&["package.json={"], None, None),
        (&["Cargo.toml", "Cargo.lock"], None, Some("cargo test")),
        (&["go.mod"], None, Some("go test ./... -v")),
        (&["test_cart.py"], None, Some("python3 -m unittest -v")),
        (&["tests/test_cart.py"], None, Some("python3 -m unittest discover -s tests -v")),
        (&["tests/test_cart.py", "tests/__init__.py"], None, Some("python3 -m unittest -v")),
        (&["requirements.txt=pytest>=8", "test_cart.py"], None, Some("python3 -m pytest -v")),
        (&["requirements.txt=pytest==8.1", "test_cart.py"], Some(venv), Some(".venv/bin/python -m pytest -v")),
        (&["requirements.txt=pytest-mock>=3", "test_cart.py"], None, Some("python3 -m unittest -v")),
        (&["pyproject.toml=[tool.pytest.ini_options]"], None, Some("python3 -m pytest -v")),
        (
            &["pyproject.toml=dev = [\"pytest\"]", "uv.lock"],
            Some("uv sync --frozen"),
            Some("uv run --no-sync python -m pytest -v"),
        ),
        (&["pyproject.toml=[project]"], None, None),
        (&["setup.py", "tests/conftest.py"], None, Some("python3 -m pytest -v")),
        (&["pom.xml"], None, Some("mvn -B test")),
        (&["pom.xml", "mvnw"], None, Some("./mvnw -B test")),
        (&["build.gradle.kts", "gradlew"], None, Some("./gradlew test --console=plain")),
        (&["build.gradle"], None, Some("gradle test --console=plain")),
        (&["Makefile=all: x\n\ntest: all\n\t./run"], None, Some("make test")),
        (&["Makefile=test := 1\n\ttest: x"], None, None),
        (&["Makefile=test:\n\tcargo test", "Cargo.toml"], None, Some("cargo test")),
        (&["README.md"], None, None),
    ] {
        let expected = (setup.map(str::to_owned), test.map(str::to_owned));
        assert_eq!(guess(files), expected, "{files:?}");
    }
}

#[test]
fn a_second_language_at_the_root_is_named() {
    let manifests = BTreeMap::from([
        ("Cargo.toml".to_owned(), String::new()),
        ("package.json".to_owned(), r#"{"scripts":{"test":"jest"}}"#.to_owned()),
    ]);
    let guessed = commands(&manifests, &[]);
    assert_eq!(guessed.test.as_deref(), Some("cargo test"));
    assert!(guessed.said.iter().any(|line| line.contains("JavaScript")), "{:?}", guessed.said);
}

#[test]
fn common_runners_can_run_one_test_alone() {
    for (command, template) in [
        ("cargo test", "cargo test -- --exact {test}"),
        ("cargo test --lib -- --nocapture", "cargo test --lib -- --nocapture --exact {test}"),
        ("cargo nextest run", "cargo nextest run -- --exact {test}"),
        ("pytest", "pytest {test}"),
        ("python3 -m pytest -v", "python3 -m pytest -v {test}"),
        ("pytest -q -n 2 tests/", "pytest -q -n 2 {test}"),
        ("uv run --no-sync python -m pytest -v", "uv run --no-sync python -m pytest -v {test}"),
        ("python3 -m unittest -v", "python3 -m unittest -v -k {test}"),
        ("node --test", "node --test --test-name-pattern {test}"),
        ("node --test test/a.js", "node --test --test-name-pattern {test} test/a.js"),
        ("go test ./... -v", "go test ./... -run {test} -v"),
        ("CGO_ENABLED=0 go test ./...", "CGO_ENABLED=0 go test ./... -run {test} -v"),
        ("npx jest --ci", "npx jest --ci -t {test}"),
        ("./node_modules/.bin/vitest run", "./node_modules/.bin/vitest run -t {test}"),
        ("yarn mocha", "yarn mocha -g {test}"),
        ("mvn -B test", "mvn -B test -Dtest={test} -Dsurefire.failIfNoSpecifiedTests=false"),
        ("./gradlew test", "./gradlew test --tests {test}"),
    ] {
        assert_eq!(one_test(command).as_deref(), Some(template), "{command}");
    }
}

#[test]
fn nothing_is_guessed_where_a_command_is_not_plain() {
    for command in [
        "",
        "   ",
        "npm test",
        "make test",
        "cargo build && cargo test",
        "cd x; pytest",
        "pytest | tee log",
        "pytest &",
        "FOO=$BAR cargo test",
        "pytest # all",
        "cargo build",
        "pytest -k cart",
        "go test ./... -run TestA",
        "gradle build",
        "node run.js --test",
        "python3 run.py",
        "env",
        "A=1",
    ] {
        assert_eq!(one_test(command), None, "{command}");
    }
}

#[test]
fn a_reported_name_becomes_what_its_runner_wants() {
    for (command, name, wanted) in [
        ("cargo test", "cart::tests::total", "cart::tests::total"),
        ("cargo test", "cart::tests::total (2)", "cart::tests::total"),
        ("cargo test", "src/lib.rs - cart (line 3)", "src/lib.rs - cart (line 3)"),
        ("cargo nextest run", "shop::it cart::total", "cart::total"),
        ("pytest", "tests/test_cart.py::TestCart::test_total[1-2]", "tests/test_cart.py::TestCart::test_total[1-2]"),
        ("python3 -m unittest -v", "test_total (test_cart.Cart.test_total)", "test_total"),
        ("python3 -m unittest -v", "test_total (test_cart.Cart)", "test_total"),
        ("python3 -m unittest -v", "test_cart.Cart.test_total", "test_cart.Cart.test_total"),
        ("node --test", "adds (2) items", "adds \\(2\\) items$"),
        ("node --test", "Cart > adds", "adds$"),
        ("go test ./... -v", "TestX/sub_case", "^TestX$/^sub_case$"),
        ("go test ./... -v", "TestX/a+b", "^TestX$/^a\\+b$"),
        ("go test ./... -v", "example.com/shop/cart.TestX", "^TestX$"),
        ("jest", "Cart › total › adds 1.5", "Cart total adds 1\\.5$"),
        ("vitest run", "src/cart.test.ts > Cart > adds", "Cart adds$"),
        ("mocha", "Cart > adds?", "Cart adds\\?$"),
        ("mvn test", "com.acme.CartTest.total", "com.acme.CartTest#total"),
        ("mvn test", "total(com.acme.CartTest)", "com.acme.CartTest#total"),
        ("mvn test", "CartTest.total:23", "CartTest#total"),
        ("mvn test", "com.acme.CartTest#total(int)[1]", "com.acme.CartTest#total"),
        ("gradle test", "CartTest > total() FAILED", "CartTest.total"),
        ("gradle test", "com.acme.CartTest.total", "com.acme.CartTest.total"),
    ] {
        let template = one_test(command).expect("a known runner");
        assert_eq!(selector(&template, name), wanted, "{command}: {name}");
    }
    assert_eq!(selector("./check {test}", "a › b"), "a › b", "an unknown runner gets the name as it is");
    assert_eq!(selector("npm test -- -t {test}", "a › b"), "a b$", "a script is known by its flag");
}

#[test]
fn a_doc_test_cannot_be_chosen_by_its_exact_name() {
    assert!(selects("cargo test -- --exact {test}", "cart::tests::total"));
    assert!(!selects("cargo test -- --exact {test}", "src/lib.rs - Cart::total"));
    assert!(selects("cargo test -- {test}", "src/lib.rs - Cart::total"));
    assert!(selects("npx jest -t {test}", "Cart - total"));
    assert!(!selects("npx jest -t {test}", ""));
}

#[test]
fn hostile_names_and_commands_never_panic() {
    for text in
        ["", " ", "(", ")", "()", "›", " › ", "ä(ö)", "{test}", "a(B)", "#", ".", "Test", "xTest", "äTest", "\0"]
    {
        for command in
            ["cargo test", "pytest", "python3 -m unittest", "node --test", "go test", "jest", "mvn test", "gradle test"]
        {
            let template = one_test(command).unwrap_or_default();
            assert!(selector(&template, text).len() < 64);
        }
        let _template = one_test(text);
        assert!(selector(text, text).len() < 64);
    }
}
