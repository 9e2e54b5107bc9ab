//! The outside of the program in workflows: `action.yml` says what the program says, and every workflow keeps to the house.
//!
//! One judge for the workflows of this repository, the examples and the action; each of its rules is shown to catch a
//! bad file. Refuses to judge expressions and shell: linters in `.ci/run` do.

use std::collections::BTreeSet;
use std::path::PathBuf;

use homeostat::actions::interface::{INPUTS, OUTPUTS};
use serde_json::{Map, Value};

/// How this project is called in examples; nobody can know the commit of a text before it is made.
const OURS: &str = "OWNER/homeostat";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    let text = std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.replace("\r\n", "\n")
}

/// Reads YAML as GitHub does: `on` is a word.
fn yaml(path: &str, text: &str) -> Value {
    let options = serde_yaml::options! { strict_booleans: true };
    serde_yaml::from_str_with_options(text, options).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// Every workflow: those that run here, those that are called, and those to be copied.
fn workflows() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in [".github/workflows", "docs/guides/workflows"] {
        for entry in std::fs::read_dir(root().join(folder)).expect("the folder can be read").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(".yml") {
                found.push((format!("{folder}/{name}"), read(&format!("{folder}/{name}"))));
            }
        }
    }
    found.sort();
    found
}

/// Everything that is wrong with one workflow.
fn judge(path: &str, text: &str) -> Vec<String> {
    let workflow = yaml(path, text);
    let events = match &workflow["on"] {
        Value::String(one) => BTreeSet::from([one.clone()]),
        other => object(other).keys().cloned().collect(),
    };
    let mut wrong = Vec::new();
    if workflow["permissions"] != Value::Object(Map::new()) {
        wrong.push("`permissions: {}` does not stand at the top".to_owned());
    }
    if events != BTreeSet::from(["workflow_call".to_owned()]) && workflow["concurrency"].is_null() {
        wrong.push("has no concurrency group".to_owned());
    }
    for one in workflow["on"]["schedule"].as_array().into_iter().flatten() {
        let cron = one["cron"].as_str().unwrap_or_default();
        // Schedules of half the world begin at these minutes, and wait for each other.
        if ["0", "00", "5", "10", "15", "30", "45", "*"].contains(&cron.split(' ').next().unwrap_or_default()) {
            wrong.push(format!("the schedule {cron:?} begins when everybody's does"));
        }
    }
    for (name, job) in object(&workflow["jobs"]) {
        if job["permissions"].is_null() {
            wrong.push(format!("job {name} does not say its permissions"));
        }
        if job["uses"].is_null() && job["timeout-minutes"].is_null() {
            wrong.push(format!("job {name} has no timeout"));
        }
        wrong.extend(job["uses"].as_str().and_then(judge_uses));
        let steps = job["steps"].as_array().cloned().unwrap_or_default();
        wrong.extend(steps.iter().flat_map(|step| judge_step(&name, step)));
        let uploads = |step: &Value| {
            let keeps = step["with"]["path"].as_str().is_some_and(|path| path.starts_with("artifacts"));
            step["uses"].as_str().is_some_and(|uses| uses.starts_with("actions/upload-artifact@")) && keeps
        };
        if steps.iter().any(runs_homeostat) && !steps.iter().any(|step| uploads(step) && step["if"] == "always()") {
            wrong.push(format!("job {name} does not keep `artifacts/` with `if: always()`"));
        }
        // Before anything else, or the first test runs without its namespaces.
        let proves = |step: &Value| {
            let command = step["with"]["command"].as_str().unwrap_or("run");
            runs_homeostat(step) && (command == "run" || command == "propose")
        };
        let opens = |step: &Value| {
            step["run"].as_str().is_some_and(|run| run.contains("apparmor_restrict_unprivileged_userns=0"))
        };
        if steps.iter().any(proves) != steps.first().is_some_and(opens) {
            wrong.push(format!("job {name} opens namespaces first if and only if it runs tests: it does not"));
        }
        if steps.iter().any(|step| step["with"]["command"] == "propose") {
            let text = Value::Array(steps.clone()).to_string();
            if text.contains("APP_KEY") || job["permissions"].to_string().contains("write") {
                wrong.push(format!("job {name} runs code of repositories and could write"));
            }
        }
    }
    wrong.extend(unreasoned(path, text));
    wrong
}

fn runs_homeostat(step: &Value) -> bool {
    let uses = step["uses"].as_str().unwrap_or_default();
    uses == "./" || uses == "./.homeostat-action" || uses.starts_with(&format!("{OURS}@"))
}

fn judge_step(job: &str, step: &Value) -> Vec<String> {
    let mut wrong: Vec<String> = step["uses"].as_str().and_then(judge_uses).into_iter().collect();
    if step["run"].as_str().is_some_and(|run| run.contains("${{")) {
        wrong.push(format!("job {job} puts an expression into a shell: {}", step["run"]));
    }
    // Its job may have been taken over; as `args` it could say any option of a job that writes.
    if step["with"].to_string().contains("needs.propose.") {
        wrong.push(format!("job {job} takes what `propose` said, unread"));
    }
    let checkout = step["uses"].as_str().is_some_and(|uses| uses.starts_with("actions/checkout@"));
    if checkout && step["with"]["persist-credentials"] != Value::Bool(false) {
        wrong.push(format!("job {job} leaves its token in the checkout"));
    }
    wrong
}

/// An action is named by its commit, or lies here.
fn judge_uses(uses: &str) -> Option<String> {
    let (name, version) = uses.split_once('@').unwrap_or((uses, ""));
    let commit = version.len() == 40 && version.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let ours = name == OURS || name.starts_with(&format!("{OURS}/"));
    (!(uses.starts_with("./") || commit || ours && version.starts_with('v')))
        .then(|| format!("{uses} is not named by its commit"))
}

/// Grants without a reason beside them; in examples one line may hold them all.
fn unreasoned(path: &str, text: &str) -> Vec<String> {
    let access =
        |line: &str| line.split(" #").next().is_some_and(|line| line.ends_with(": read") || line.ends_with(": write"));
    text.lines()
        .filter(|line| path.starts_with(".github/") && access(line) && !line.contains(" # "))
        .map(|line| format!("{} has no reason beside it", line.trim()))
        .collect()
}

#[test]
fn every_workflow_keeps_to_the_house() {
    let mut wrong = Vec::new();
    for (path, text) in workflows() {
        wrong.extend(judge(&path, &text).into_iter().map(|sentence| format!("{path}: {sentence}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(workflows().len() > 8, "workflows are missing");
}

const GOOD: &str = "\
on:
  schedule: [{ cron: '23 * * * *' }]
permissions: {}
concurrency: x
jobs:
  one:
    timeout-minutes: 5
    permissions:
      contents: read # to look
    steps:
      - run: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683
        with: { persist-credentials: false }
      - uses: OWNER/homeostat@v0
      - if: always()
        uses: actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02
        with: { path: artifacts/ }
";

#[test]
fn each_rule_of_the_house_catches_a_bad_workflow() {
    let path = ".github/workflows/x.yml";
    assert_eq!(judge(path, GOOD), Vec::<String>::new());
    let bad = [
        ("permissions: {}\n", "", "at the top"),
        ("concurrency: x\n", "", "concurrency"),
        ("'23 ", "'0 ", "everybody"),
        ("    timeout-minutes: 5\n", "", "timeout"),
        ("    permissions:\n      contents: read # to look\n", "", "its permissions"),
        (" # to look", "", "no reason"),
        ("checkout@11bd71901bbe5b1630ceea73d27597364c9af683", "checkout@v4", "by its commit"),
        ("uses: OWNER/homeostat@v0", "uses: other/homeostat@v0", "by its commit"),
        ("{ persist-credentials: false }", "{ fetch-depth: 1 }", "leaves its token"),
        ("@v0", "@v0\n        with: { args: '${{ needs.propose.outputs.digest }}' }", "unread"),
        ("userns=0", "userns=0 ${{ github.event.issue.title }}", "into a shell"),
        ("if: always()", "if: success()", "does not keep"),
        ("path: artifacts/", "path: target/", "does not keep"),
        ("      - run: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0\n", "", "namespaces"),
        (
            "contents: read # to look\n    steps:\n      - run: sudo",
            "contents: write # to look\n    steps:\n      - run: sudo",
            "could write",
        ),
    ];
    for (from, to, word) in bad {
        let mut text = GOOD.to_owned();
        if word == "could write" {
            text = text.replace("OWNER/homeostat@v0", "OWNER/homeostat@v0\n        with: { command: propose }");
        }
        let changed = text.replace(from, to);
        assert_ne!(changed, text, "{from:?} is not in the good one");
        let wrong = judge(path, &changed);
        assert!(wrong.iter().any(|sentence| sentence.contains(word)), "{word}: {wrong:?}\n{changed}");
    }
}

#[test]
fn only_what_is_meant_for_this_repository_starts_by_itself_in_it() {
    let started: Vec<String> = workflows()
        .into_iter()
        .filter(|(path, text)| path.starts_with(".github/") && yaml(path, text)["on"] != Value::Null)
        .filter(|(path, text)| object(&yaml(path, text)["on"]).keys().any(|event| event != "workflow_call"))
        .map(|(path, _)| path.trim_start_matches(".github/workflows/").to_owned())
        .collect();
    assert_eq!(started, ["ci.yml", "multi-repo-orchestrator.yml", "release.yml"]);
    let text = read(".github/workflows/multi-repo-orchestrator.yml");
    let orchestrator = yaml("orchestrator", &text);
    let condition = orchestrator["jobs"]["fleet"]["if"].as_str().expect("a condition");
    assert!(condition.contains("vars.HOMEOSTAT_SCHEDULE == 'true'"), "{condition}");
    let inputs = object(&orchestrator["on"]["workflow_dispatch"]["inputs"]);
    let inputs: Vec<&str> = inputs.keys().map(String::as_str).collect();
    assert_eq!(inputs, ["dry-run", "environment", "issue", "repository"]);
}

#[test]
fn the_action_takes_and_gives_what_the_program_says() {
    let text = read("action.yml");
    let action = yaml("action.yml", &text);
    let inputs = object(&action["inputs"]);
    assert_eq!(inputs.len(), INPUTS.len());
    for input in INPUTS {
        let written = &inputs[input.name];
        assert_eq!(written["description"], input.meaning, "{}", input.name);
        assert_eq!(written["default"], input.default, "{}", input.name);
        assert_eq!(written["required"], false, "{}", input.name);
    }
    let outputs = object(&action["outputs"]);
    assert_eq!(outputs.len(), OUTPUTS.len());
    for output in OUTPUTS {
        let written = &outputs[output.name];
        assert_eq!(written["description"], output.meaning, "{}", output.name);
        let value = written["value"].as_str().unwrap_or_default();
        assert!(value.starts_with(&format!("${{{{ steps.run.outputs.{}", output.name)), "{value}");
    }
    let order = |names: Vec<&str>| names.iter().map(|name| text.find(&format!("\n  {name}:\n"))).collect::<Vec<_>>();
    assert!(order(INPUTS.iter().map(|one| one.name).collect()).is_sorted(), "inputs in another order");
}

#[test]
fn every_step_of_the_action_is_plain_bash_and_every_input_reaches_it() {
    let action = yaml("action.yml", &read("action.yml"));
    let steps = action["runs"]["steps"].as_array().cloned().unwrap_or_default();
    assert_eq!(steps.len(), 2);
    for step in &steps {
        assert_eq!(step["shell"], "bash");
        assert!(step["uses"].is_null() && !step["run"].as_str().unwrap_or("${{").contains("${{"), "{step}");
    }
    let used: String = steps.iter().map(|step| step["env"].to_string()).collect();
    for input in INPUTS {
        let variable = format!("HOMEOSTAT_INPUT_{}", input.name.to_ascii_uppercase().replace('-', "_"));
        assert!(used.contains(&format!("\"{variable}\":\"${{{{ inputs.{} }}}}\"", input.name)), "{}", input.name);
        let launcher = read(".github/launcher/launch.sh");
        assert!(launcher.contains(&format!("${{{variable}:-")), "the launcher does not read {variable}");
    }
    // Whatever builds or downloads has nothing to steal.
    let first = steps[0]["env"].to_string();
    assert!(!first.contains("token") && !first.contains("app-key"), "{first}");
}

#[test]
fn the_page_about_the_action_names_every_input_and_output() {
    let page = read("docs/guides/workflows.md");
    let mut missing = Vec::new();
    for input in INPUTS {
        let default = if input.default.is_empty() { String::new() } else { format!("`{}`", input.default) };
        missing.push(format!("| `{}` | {default} | {} |", input.name, input.meaning));
    }
    missing.extend(OUTPUTS.iter().map(|output| format!("| `{}` | {} |", output.name, output.meaning)));
    missing.retain(|row| !page.contains(row.as_str()));
    assert!(missing.is_empty(), "docs/guides/workflows.md lacks\n{}", missing.join("\n"));
}

#[test]
fn the_workflows_on_the_pages_are_the_files_that_are_linted() {
    for (page, files) in [
        ("docs/guides/quickstart.md", vec!["single"]),
        ("docs/guides/workflows.md", vec!["four-jobs", "fleet", "issue-command", "outcomes"]),
        ("docs/guides/feature-branches.md", vec!["feature-branch"]),
    ] {
        let text = read(page);
        for file in files {
            let wanted = format!("```yaml\n{}```", read(&format!("docs/guides/workflows/{file}.yml")));
            assert!(text.contains(&wanted), "{page} does not show {file}.yml as it is");
        }
    }
}

#[test]
fn the_list_of_digests_can_be_read() {
    let mut seen = BTreeSet::new();
    for line in read(".github/launcher/digests.txt").lines().filter(|line| !line.starts_with('#')) {
        let (digest, archive) = line.split_once("  ").expect("a digest, two blanks, an archive");
        assert!(digest.len() == 64 && digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{line}");
        assert!(archive.starts_with("homeostat-") && archive.ends_with(".tar.gz"), "{line}");
        assert!(seen.insert(archive.to_owned()), "{archive} stands there twice");
    }
}

#[test]
fn v_87_no_cache_leaves_a_job_that_ran_code_of_others_and_none_enters_a_release() {
    for (path, text) in workflows() {
        for (name, job) in object(&yaml(&path, &text)["jobs"]) {
            let caches = job["steps"].to_string().contains("actions/cache");
            // Tests of this repository alone may remember what they built; what is handed out is built from nothing.
            let may = path.ends_with("/ci.yml") && !["build", "emulator", "act"].contains(&name.as_str());
            assert!(may || !caches, "{path}: job {name} uses a cache");
        }
    }
}

/// Answers every request on loopback with the same bytes, as often as somebody asks.
#[cfg(unix)]
#[expect(clippy::disallowed_types, reason = "a server of releases, which no adapter of ours is")]
fn serve(content: Vec<u8>) -> u16 {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port of loopback");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut asked = [0; 4096];
            let _request = stream.read(&mut asked);
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", content.len());
            let _answered = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&content));
        }
    });
    port
}

/// `tests/launcher/run` has the other ways to be wrong; this one is the promise.
#[test]
#[cfg(unix)]
fn p_27_v_89_an_archive_with_one_flipped_bit_is_not_run_and_nothing_is_built_in_its_place() {
    use std::fs;
    use std::process::Command;
    let shell = |words: &str| Command::new("bash").args(["-c", words]).status().is_ok_and(|status| status.success());
    if !shell("command -v curl && command -v tar && test \"$(uname -sm)\" = 'Linux x86_64'") {
        eprintln!("skipped: bash, curl and tar on Linux x86-64 are needed");
        return;
    }
    let world = tempfile::tempdir().expect("a folder");
    let place = |name: &str| world.path().join(name);
    let (name, ran) = ("homeostat-7.8.9-x86_64-linux", place("ran").display().to_string());
    fs::create_dir_all(place(name)).expect("a folder");
    fs::write(place(name).join("homeostat"), format!("#!/bin/sh\ntouch {ran}\n")).expect("a program");
    let pack = format!("cd {} && chmod +x {name}/homeostat && tar -czf good.tar.gz {name}", world.path().display());
    assert!(shell(&pack), "tar");
    let good = fs::read(place("good.tar.gz")).expect("an archive");
    let launcher = place("action/.github/launcher");
    fs::create_dir_all(&launcher).expect("a folder");
    fs::copy(root().join(".github/launcher/launch.sh"), launcher.join("launch.sh")).expect("the launcher");
    fs::write(place("action/Cargo.toml"), "version = \"7.8.9\"\n").expect("a version");
    let digest = homeostat::model::sha256_hex(&good);
    fs::write(launcher.join("digests.txt"), format!("{digest}  {name}.tar.gz\n")).expect("a list");
    // A compiler that says so if it is asked.
    fs::create_dir_all(place("bin")).expect("a folder");
    fs::write(place("bin/cargo"), format!("#!/bin/sh\ntouch {ran}\n")).expect("a stub");
    assert!(shell(&format!("chmod +x {}", place("bin/cargo").display())));
    let path = format!("{}:{}", place("bin").display(), std::env::var("PATH").expect("a path"));
    let get = |content: Vec<u8>, output: &str| {
        let mut command = Command::new("bash");
        command.arg(launcher.join("launch.sh")).arg("get").env_clear().env("PATH", &path).env("HOME", world.path());
        command.env("RUNNER_TEMP", world.path()).env("GITHUB_OUTPUT", place(output));
        command.env("HOMEOSTAT_RELEASE_URL", format!("http://127.0.0.1:{}", serve(content)));
        let ended = command.output().expect("bash starts");
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        (ended.status.code(), fs::read_to_string(place(output)).unwrap_or_default(), said)
    };
    // Behind the last block nothing is unpacked: an archive that is as good as ever, but for one bit.
    for at in [9, good.len() / 2, good.len() - 1] {
        let mut flipped = good.clone();
        flipped[at] ^= 1;
        let (code, outputs, said) = get(flipped, &format!("output-{at}"));
        assert_eq!(code, Some(1), "{said}");
        assert_eq!(outputs, "exit-class=finding\n", "{said}");
        assert!(said.contains("is not the file that was released") && !place("ran").exists(), "{said}");
    }
    let (code, outputs, said) = get(good, "output");
    let program = outputs.trim().strip_prefix("program=").unwrap_or_default().to_owned();
    assert!(code == Some(0) && Command::new(&program).status().is_ok() && place("ran").exists(), "{outputs}{said}");
}
