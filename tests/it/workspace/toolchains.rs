//! The toolchains of this machine do their work inside the sandbox, without network; a missing one is passed over.

use homeostat::model::Patch;

use super::sandbox::spec;
use super::world::World;

/// Runs a command on a small program in the sandbox, if the toolchain is on this machine.
#[expect(clippy::print_stderr, reason = "a test that is passed over says so")]
async fn passes(tool: &str, files: &[(&str, &str)], command: &str) {
    let (world, commit) = World::with(files);
    let checkout = world.open(&commit).await.expect("a checkout");
    let (snapshot, _) = checkout.snapshot(None).await.expect("a snapshot");
    let there = spec(&format!("command -v {tool} >/dev/null"));
    if !snapshot.run(&Patch::new(), &there).await.expect("an execution").succeeded() {
        eprintln!("{tool}: skipped, it is not on this machine");
        return;
    }
    let mut spec = spec(command);
    spec.timeout = std::time::Duration::from_mins(5);
    spec.processes = 512;
    spec.memory = 4 << 30;
    let done = snapshot.run(&Patch::new(), &spec).await.expect("an execution");
    assert!(done.succeeded(), "{tool}: {:?}\n{}", done.exit, done.output);
}

#[tokio::test]
async fn cargo_test_passes_in_the_sandbox() {
    let files = [
        ("Cargo.toml", "[package]\nname = \"small\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
        ("src/lib.rs", "#[test]\nfn one() {\n    assert_eq!(1 + 1, 2);\n}\n"),
    ];
    passes("cargo", &files, "cargo test --offline").await;
}

#[tokio::test]
async fn python_unittest_passes_in_the_sandbox() {
    let test =
        "import unittest\n\nclass T(unittest.TestCase):\n    def test_one(self):\n        self.assertEqual(1 + 1, 2)\n";
    passes("python3", &[("test_one.py", test)], "python3 -m unittest -v && python3 -m venv --without-pip .venv").await;
}

#[tokio::test]
async fn node_test_passes_in_the_sandbox() {
    let test = "const test = require('node:test');\nconst cp = require('node:child_process');\n\
                test('one', () => { cp.execFileSync(process.execPath, ['-e', '0']); });\n";
    passes("node", &[("one.test.js", test)], "node --test").await;
}

#[tokio::test]
async fn go_test_passes_in_the_sandbox() {
    let test =
        "package small\n\nimport \"testing\"\n\nfunc TestOne(t *testing.T) {\n\tif 1+1 != 2 {\n\t\tt.Fatal()\n\t}\n}\n";
    passes("go", &[("go.mod", "module small\n\ngo 1.20\n"), ("one_test.go", test)], "go test ./...").await;
}

#[tokio::test]
async fn java_compiles_and_runs_in_the_sandbox() {
    let main = "public class Main {\n    public static void main(String[] a) {\n        assert 1 + 1 == 2;\n    }\n}\n";
    passes("javac", &[("Main.java", main)], "javac Main.java && java -ea Main").await;
}
