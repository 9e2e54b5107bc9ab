//! Forms that no single log of the corpus shows.

use super::{Diagnostic, Output, read};
use crate::intake::clean;
use crate::intake::log::step::Row;
use crate::model::Kind;

fn all(log: &str) -> Vec<Diagnostic> {
    let cleaned = clean::clean(log);
    read(&Output { rows: &Row::all(&cleaned), command: &[] })
}

/// Tool, code, file, line, column and message of each complaint.
fn told(log: &str) -> Vec<String> {
    let part = |number: Option<u32>| number.map_or("-".to_owned(), |number| number.to_string());
    let one = |one: &Diagnostic| {
        let code = one.code.as_deref().unwrap_or("-");
        let file = one.file.as_deref().unwrap_or("-");
        format!("{} {code} {file} {} {} {}", one.tool, part(one.line), part(one.column), one.message)
    };
    all(log).iter().map(one).collect()
}

#[test]
fn each_form_of_a_complaint_is_read_with_its_place_and_code() {
    let rows = [
        ("src/a.ts(3,5): error TS2304: Cannot find name 'x'.", "tsc TS2304 src/a.ts 3 5 Cannot find name 'x'."),
        ("src/a.ts:3:5 - error TS2304: Cannot find name 'x'.", "tsc TS2304 src/a.ts 3 5 Cannot find name 'x'."),
        ("error TS18003: No inputs were found.", "tsc TS18003 - - - No inputs were found."),
        ("/r/a.js:3:5: Missing semicolon. [Error/semi]", "eslint semi /r/a.js 3 5 Missing semicolon."),
        ("/r/a.js: line 3, col 5, Error - Missing. (semi)", "eslint semi /r/a.js 3 5 Missing."),
        ("  /r/a.js:3:5: Extra semicolon. (semi)", "eslint semi /r/a.js 3 5 Extra semicolon."),
        (
            "pkg/a.py:3: error: Name \"x\" is not defined  [name-defined]",
            "mypy name-defined pkg/a.py 3 - Name \"x\" is not defined",
        ),
        ("pkg/a.py:3:7: error: Bad", "mypy - pkg/a.py 3 7 Bad"),
        (
            "a.py:3:5: E501 line too long (90 > 79 characters)",
            "flake8 E501 a.py 3 5 line too long (90 > 79 characters)",
        ),
        ("a.py:3:5: F401 [*] `os` imported but unused", "ruff F401 a.py 3 5 `os` imported but unused"),
        ("a.py:1:0: E1101: Module has no member (no-member)", "pylint E1101 a.py 1 0 Module has no member"),
        ("./a.go:3:5: undefined: x", "go-build - a.go 3 5 undefined: x"),
        ("vet: ./a.go:3:5: undefined: x", "go-build - a.go 3 5 undefined: x"),
        ("a.go:3:5: unused x (unused)", "golangci-lint unused a.go 3 5 unused x"),
        ("src/A.java:3: error: ';' expected", "javac - src/A.java 3 - ';' expected"),
        ("[ERROR] /r/A.java:[3,5] error: ';' expected", "javac - /r/A.java 3 5 ';' expected"),
        ("    [javac] /r/A.java:3: error: ';' expected", "javac - /r/A.java 3 - ';' expected"),
        ("[ERROR] /r/A.java:[3,5] (sizes) LineLength: Too long.", "checkstyle LineLength /r/A.java 3 5 Too long."),
        ("e: /r/a.kt: (3, 5): Unresolved reference: x", "kotlinc - /r/a.kt 3 5 Unresolved reference: x"),
        ("e: file:///r/a.kt:3:5 Unresolved reference", "kotlinc - /r/a.kt 3 5 Unresolved reference"),
        ("[error] /r/A.scala:3:5: not found: value x", "scalac - /r/A.scala 3 5 not found: value x"),
        ("a.cs(3,5): error CS0103: No x [/r/a.csproj]", "dotnet CS0103 a.cs 3 5 No x"),
        ("a.c:3:5: fatal error: x.h: No such file", "cc - a.c 3 5 x.h: No such file"),
        ("a.c:3:5: error: unused variable 'x' [-Werror,-Wunused]", "cc -Werror,-Wunused a.c 3 5 unused variable 'x'"),
        ("C:\\r\\a.c:3:5: error: no", "cc - C:\\r\\a.c 3 5 no"),
        ("Diff in /r/src/a.rs at line 3:", "rustfmt - /r/src/a.rs 3 - not formatted"),
        ("Diff in /r/src/a.rs:3:", "rustfmt - /r/src/a.rs 3 - not formatted"),
        ("would reformat a.py", "black - a.py - - not formatted"),
        ("Would reformat: a.py", "ruff - a.py - - not formatted"),
        ("diff -u a.go.orig a.go", "gofmt - a.go - - not formatted"),
        ("diff a.go.orig a.go", "gofmt - a.go - - not formatted"),
        (
            "ERROR: /r/a.py Imports are incorrectly sorted and/or formatted.",
            "isort - /r/a.py - - imports are not sorted",
        ),
        ("error: no matching package named `x` found", "cargo - - - - no matching package named `x` found"),
        ("ERROR: No matching distribution found for x", "pip - - - - No matching distribution found for x"),
        ("go: example.org/x@v1: missing go.sum entry", "go - - - - example.org/x@v1: missing go.sum entry"),
        ("##[error]the list is old", "actions - - - - the list is old"),
    ];
    for (log, expected) in rows {
        assert_eq!(told(log), [expected], "{log}");
    }
}

#[test]
fn warnings_prose_and_repetitions_are_no_complaints() {
    let rows = [
        "src/a.ts:3:5 - warning TS6133: 'x' is declared but never used.",
        "warning: unused variable: `x`\n --> src/a.rs:1:1",
        "error: aborting due to 2 previous errors",
        "error: test failed, to rerun pass `--lib`",
        "/r/a.js\n  3:5  warning  Unexpected console statement  no-console",
        "[WARNING] /r/A.java:[3,5] uses unchecked operations",
        "a.c:3:5: warning: unused variable",
        "    a_test.go:12: got 1",
        "see https://example.org:443/a.go:1:2 for more",
        "##[error]Process completed with exit code 1.",
        "at 10:30:15: E501 was said",
        "[warn] src/a.js",
        "a.go",
    ];
    for log in rows {
        assert_eq!(told(log), Vec::<String>::new(), "{log}");
    }
}

#[test]
fn what_only_repeats_that_something_failed_is_vague() {
    let rows = [
        "error: could not compile `shop` (lib) due to 1 previous error",
        "npm ERR! code ELIFECYCLE\nnpm ERR! errno 1",
        "error Command failed with exit code 1.",
        "[ERROR] Failed to execute goal a:maven-surefire-plugin:1:test on project x: There are test failures.",
        "* What went wrong:\nExecution failed for task ':test'.\n> There were failing tests. See the report.",
    ];
    for log in rows {
        assert!(all(log).iter().all(|one| one.vague) && !all(log).is_empty(), "{log}");
    }
}

#[test]
fn a_formatter_that_cannot_read_a_file_found_no_formatting() {
    for log in
        ["[error] a.js: SyntaxError: Unexpected token (1:2)", "error: cannot format a.py: Cannot parse: 3:5: def f(:"]
    {
        assert_eq!(all(log)[0].kind, Kind::Build, "{log}");
    }
}
