//! Formatters as they are: each mends a failed run of itself, on this machine's own version; a missing one is passed over.

use std::process::{Command, Stdio};

use super::world::{World, ended};

/// A formatter, a file that it does not like, and what its check prints about it in a job.
struct Case {
    tool: &'static str,
    check: &'static str,
    file: &'static str,
    text: &'static str,
    tidy: &'static str,
    log: &'static str,
}

const CASES: [Case; 5] = [
    Case {
        tool: "rustfmt",
        check: "cargo fmt --check",
        file: "src/lib.rs",
        text: "pub fn add(a: u8,b: u8) -> u8 {\n    a + b\n}\n",
        tidy: "pub fn add(a: u8, b: u8) -> u8 {\n    a + b\n}\n",
        log: "Diff in /home/runner/work/shop/shop/src/lib.rs:1:\n-pub fn add(a: u8,b: u8) -> u8 {\n+pub fn add(a: u8, b: u8) -> u8 {\n     a + b\n }\n",
    },
    Case {
        tool: "gofmt",
        check: "gofmt -l .",
        file: "shop/add.go",
        text: "package shop\n\nfunc Add(a, b int) int {\n  return a+b\n}\n",
        tidy: "package shop\n\nfunc Add(a, b int) int {\n\treturn a + b\n}\n",
        log: "shop/add.go\n",
    },
    Case {
        tool: "black",
        check: "black --check .",
        file: "shop/add file.py",
        text: "def add(a,b):\n    return a+b\n",
        tidy: "def add(a, b):\n    return a + b\n",
        log: "would reformat /home/runner/work/shop/shop/shop/add file.py\n\nOh no! 💥 💔 💥\n1 file would be reformatted.\n",
    },
    Case {
        tool: "ruff",
        check: "ruff format --check .",
        file: "shop/add.py",
        text: "def add(a,b):\n    return a+b\n",
        tidy: "def add(a, b):\n    return a + b\n",
        log: "Would reformat: shop/add.py\n1 file would be reformatted\n",
    },
    Case {
        tool: "prettier",
        check: "npx prettier --check .",
        file: "src/[id].js",
        text: "export const add = (a,b) => a+b\n",
        tidy: "export const add = (a, b) => a + b;\n",
        log: "Checking formatting...\n[warn] src/[id].js\n[warn] Code style issues found in the above file. Run Prettier with --write to fix.\n",
    },
];

/// Returns whether a tool starts here; a stand-in of a version manager that leads nowhere does not.
fn starts(tool: &str) -> bool {
    let arg = if tool == "gofmt" { "-l" } else { "--version" };
    let mut command = Command::new(tool);
    command.arg(arg).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[test]
fn a_formatter_that_is_here_mends_a_failed_run_of_itself() {
    for case in &CASES {
        if !starts(case.tool) {
            eprintln!("{}: skipped, it is not on this machine", case.tool);
            continue;
        }
        mends(case);
    }
}

#[expect(clippy::print_stderr, reason = "a test that is passed over says so")]
fn mends(case: &Case) {
    let world = World::empty();
    let source = world.path("source");
    world.write(&format!("source/{}", case.file), case.text);
    if case.tool == "rustfmt" {
        world.write("source/Cargo.toml", "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\n");
    }
    world.git(&source, &["init", "--quiet", "--initial-branch=main"]);
    world.git(&source, &["add", "--all"]);
    world.git(&source, &["commit", "--quiet", "--message=The program as it is"]);
    std::fs::create_dir_all(world.path("fleet/acme")).expect("the test world holds it");
    let bare = world.text("fleet/acme/shop.git");
    world.git(&source, &["clone", "--quiet", "--bare", "--no-hardlinks", ".", &bare]);
    let log = format!(
        "##[group]Run {}\n##[endgroup]\n{}##[error]Process completed with exit code 1.\n",
        case.check, case.log
    );
    world.write("fleet/acme/shop/runs/1/format.log", log);
    world.write("fleet/acme/shop/runs/1/run.yml", "workflow: ci.yml\nname: CI\n");
    world.configure_command("printf 'TAP version 13\\nok 1 - it adds\\n1..1\\n'", "");
    let run = || {
        let mut command = world.run_command(&["--format", "json"]);
        let home = std::path::PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
        for (name, folder) in [("RUSTUP_HOME", ".rustup"), ("CARGO_HOME", ".cargo")] {
            command.env(name, std::env::var_os(name).unwrap_or_else(|| home.join(folder).into()));
        }
        ended(command).ends_with(0).json()
    };
    let report = run();
    if report["repositories"][0]["refusals"][0]["rule"] == "formatter-missing" {
        eprintln!("{}: skipped, it is where the sandbox lets no program start", case.tool);
        return;
    }
    let pull = &report["repositories"][0]["pull_requests"][0];
    assert_eq!((&pull["state"], &pull["source"]), (&"created".into(), &"native".into()), "{}: {report}", case.tool);
    assert_eq!((&pull["evidence"], &pull["draft"]), (&"red-green".into(), &false.into()), "{}: {report}", case.tool);
    let bare = world.path("fleet/acme/shop.git");
    let branch = pull["branch"].as_str().expect("the test world holds it");
    assert_eq!(world.git(&bare, &["show", &format!("{branch}:{}", case.file)]), case.tidy, "{}", case.tool);
    let changed = world.git(&bare, &["-c", "core.quotepath=off", "diff", "--name-only", &format!("main...{branch}")]);
    assert_eq!(changed.trim(), case.file, "{}", case.tool);
    assert_eq!(run()["writes"], 0, "{}", case.tool);
}
