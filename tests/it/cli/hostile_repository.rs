//! Tests that write where they should not, print what a runner obeys, and people whose git does strange things: what is
//! published is what was proven, and nothing else is touched.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::world::{World, ended, files};

/// Returns the one pull request's text, and what its branch changes.
fn published(world: &World) -> (String, String) {
    let name = world.pulls("acme/shop").pop().expect("a pull request");
    let text = fs::read_to_string(world.path(&format!("fleet/acme/shop/pulls/{name}"))).expect("it can be read");
    let branch = world.branches("acme/shop").pop().expect("a branch");
    let bare = world.path("fleet/acme/shop.git");
    (text, world.git(&bare, &["diff", &format!("main...{branch}")]))
}

/// Returns the text of every file that a run left behind, test logs unpacked.
fn left_behind(world: &World) -> Vec<(String, String)> {
    let all = files(&world.path("artifacts")).into_iter().chain(files(&world.path("fleet")));
    let all = all.chain(files(&world.path("state")));
    let read = all.map(|(path, bytes)| {
        let bytes = zstd::decode_all(bytes.as_slice()).unwrap_or(bytes);
        (path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned())
    });
    read.collect()
}

#[test]
fn f_25_what_tests_do_to_files_to_git_and_to_our_state_reaches_no_branch() {
    let plain = World::new();
    plain.run(&[]).ends_with(0);
    let world = World::new();
    // Every run of the tests adds to the very file that is mended, to others, to git's folder, and to what is ours.
    let comment = if world.case.fixed_file.ends_with(".py") { "#" } else { "//" };
    let command = format!(
        "echo '{comment} evil' >> {file}; echo evil > evil.txt; mkdir -p .git/hooks .github/workflows; \
         printf '#!/bin/sh\\necho evil > {canary}\\n' > .git/hooks/post-checkout; chmod +x .git/hooks/*; \
         echo '[core] fsmonitor = .git/hooks/post-checkout' > .git/config; echo evil > .github/workflows/evil.yml; \
         for place in {fleet}/acme/shop/pulls {fleet}/.homeostat {fleet}/acme/shop.git/hooks {state} {artifacts}; do \
         mkdir -p $place && echo evil > $place/evil; done; rm -rf {fleet}/acme/shop/issues; {test}",
        file = world.case.fixed_file,
        canary = world.text("canary"),
        fleet = world.text("fleet"),
        state = world.text("state"),
        artifacts = world.text("artifacts"),
        test = world.test_command(),
    );
    world.configure_command(&command, "");
    let report = world.run(&["--format", "json"]).ends_with(0).says(&[]).json();
    assert_eq!(report["repositories"][0]["pull_requests"][0]["state"], "created", "{report}");
    let (_, change) = published(&world);
    // The same change as that of tests which keep to themselves, to the byte.
    assert_eq!(change, published(&plain).1);
    assert!(!change.contains("evil"), "{change}");
    let events = world.events();
    let attempt = events.iter().find(|event| event["type"] == "attempt.finished").expect("an attempt");
    let strong = attempt["sandbox"]["weaknesses"].as_array().is_some_and(Vec::is_empty);
    if strong {
        assert!(world.path("fleet/acme/shop/issues/1.md").is_file(), "the forge was touched");
        let planted: Vec<_> = left_behind(&world).into_iter().filter(|(path, _)| path.ends_with("/evil")).collect();
        assert!(planted.is_empty(), "{planted:?}");
    }
    assert!(!world.path("canary").exists(), "a hook of the tests ran");
    let again = world.run(&["--format", "json"]).ends_with(0).json();
    assert_eq!(again["repositories"][0]["pull_requests"][0]["state"], "kept", "{again}");
}

#[test]
fn v_41_masks_that_tests_print_blank_nothing() {
    let world = World::new();
    let noise = "for c in a e i o 1 homeostat created; do echo \"::add-mask::$c\"; echo \"x ##[add-mask]$c\"; \
                 echo \"  ::add-mask::$c\" >&2; printf 'y\\r::add-mask::%s\\r\\n' $c; done; echo ::stop-commands::x";
    world.configure_command(&format!("{noise}; {}", world.test_command()), "");
    let mut command = world.run_command(&[]);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", world.path("summary"));
    let done = ended(command).ends_with(0);
    assert_eq!(world.pulls("acme/shop").len(), 1, "{done:?}");
    for line in done.stdout.split(['\n', '\r']).chain(done.stderr.split(['\n', '\r'])) {
        let spoken = line.trim_start().starts_with("::") && !line.trim_start().starts_with("::group::");
        let allowed = ["::endgroup::", "::warning", "::notice", "::error"];
        assert!(!spoken || allowed.iter().any(|own| line.trim_start().starts_with(own)), "{line:?}");
        assert!(!line.contains("add-mask") && !line.contains("stop-commands") && !line.contains("##["), "{line:?}");
    }
    assert!(done.stdout.contains("acme/shop") || done.stderr.contains("acme/shop"), "{done:?}");
}

#[test]
fn v_61_v_68_a_persons_git_configuration_leads_nothing_astray() {
    let plain = World::new();
    plain.run(&[]).ends_with(0);
    let world = World::new();
    let canary = world.path("canary");
    let script = world.write("evil.sh", format!("#!/bin/sh\necho \"$0 $*\" >> '{}'\ncat\n", canary.display()));
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("it can be set");
    let evil = script.display();
    // A repository that would take everything.
    let thief = world.path("thief.git");
    fs::create_dir_all(&thief).expect("it can be made");
    world.git(&thief, &["init", "--quiet", "--bare", "--initial-branch=main"]);
    let config = format!(
        "[core]\n\tfsmonitor = {evil}\n\thooksPath = {home}\n\tpager = {evil}\n\tquotePath = true\n\tautocrlf = true\n\teol = crlf\n\
         \tattributesFile = {home}/attributes\n\tsshCommand = {evil}\n\tgitProxy = {evil}\n\taskPass = {evil}\n\
         [diff]\n\tnoprefix = true\n\tmnemonicPrefix = true\n\texternal = {evil}\n\trenames = copies\n\tcontext = 0\n\talgorithm = patience\n\
         [diff \"evil\"]\n\ttextconv = {evil}\n\tcommand = {evil}\n\
         [filter \"evil\"]\n\tclean = {evil}\n\tsmudge = {evil}\n\tprocess = {evil}\n\trequired = true\n\
         [url \"{thief}\"]\n\tinsteadOf = {origin}\n\tinsteadOf = {fleet}/acme/shop.git\n\tpushInsteadOf = {fleet}/acme/shop.git\n\
         [credential]\n\thelper = !{evil}\n[init]\n\ttemplateDir = {home}\n\tdefaultBranch = evil\n\
         [transfer]\n\tfsckObjects = false\n[protocol \"ext\"]\n\tallow = always\n[i18n]\n\tcommitEncoding = utf-16\n\
         [user]\n\tname = evil\n\temail = evil@example.org\n[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = {evil}\n\
         [uploadpack]\n\tpackObjectsHook = {evil}\n[color]\n\tui = always\n",
        home = world.text("home"),
        thief = thief.display(),
        origin = format_args!("file://{}/acme/shop.git", world.text("fleet")),
        fleet = world.text("fleet"),
    );
    world.write("home/.gitconfig", &config);
    world.write("home/.config/git/config", &config);
    world.write("home/attributes", "* diff=evil filter=evil text eol=crlf\n");
    world.write("home/.config/git/attributes", "* diff=evil filter=evil text eol=crlf\n");
    for hook in ["reference-transaction", "post-checkout", "post-index-change", "pre-push", "update"] {
        fs::copy(&script, world.path("home").join(hook)).expect("it can be copied");
    }
    let mut command = world.run_command(&["--format", "json"]);
    command
        .env("GIT_CONFIG_GLOBAL", world.path("home/.gitconfig"))
        .env("GIT_CONFIG_SYSTEM", world.path("home/.gitconfig"))
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", format!("url.{}.insteadOf", thief.display()))
        .env("GIT_CONFIG_VALUE_0", format!("{}/acme/shop.git", world.text("fleet")))
        .env("GIT_CONFIG_PARAMETERS", "'diff.noprefix=true'")
        .env("GIT_EXTERNAL_DIFF", &script)
        .env("GIT_SSH_COMMAND", &script)
        .env("GIT_ASKPASS", &script)
        .env("GIT_TEMPLATE_DIR", world.path("home"))
        .env("GIT_DIR", &thief)
        .env("GIT_WORK_TREE", world.path("home"))
        .env("GIT_INDEX_FILE", world.path("home/index"))
        .env("GIT_OBJECT_DIRECTORY", thief.join("objects"))
        .env("GIT_EXEC_PATH", world.path("home"))
        .env("GIT_PAGER", &script)
        .env("GIT_AUTHOR_NAME", "evil");
    let report = ended(command).ends_with(0).says(&[]).json();
    assert_eq!(report["repositories"][0]["pull_requests"][0]["state"], "created", "{report}");
    let ((text, change), (_, wanted)) = (published(&world), published(&plain));
    assert_eq!(change, wanted);
    assert!(!text.contains("evil"), "{text}");
    assert_eq!(world.git(&thief, &["for-each-ref"]), "", "something was pushed elsewhere");
    assert!(!canary.exists(), "{}", fs::read_to_string(&canary).unwrap_or_default());
}

#[test]
fn p_05_all_that_is_published_says_by_which_run_version_and_configuration_and_for_which_failure() {
    let world = World::new();
    let mut command = world.run_command(&["--format", "json"]);
    command.env("GITHUB_SERVER_URL", "https://forge.example").env("GITHUB_REPOSITORY", "acme/bots");
    command.env("GITHUB_RUN_ID", "4711").env("GITHUB_STEP_SUMMARY", world.path("summary"));
    let report = ended(command).ends_with(0).json();
    let events = world.events();
    let event = |kind: &str| events.iter().find(|event| event["type"] == kind).unwrap_or_else(|| panic!("no {kind}"));
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (run_id, version) = (word(&report["run_id"]), env!("CARGO_PKG_VERSION"));
    let url = "https://forge.example/acme/bots/actions/runs/4711";
    let fingerprint = word(&event("attempt.finished")["fingerprint"]);
    let whole = word(&event("run.started")["config_hash"]);
    assert!(fingerprint.starts_with("hf1:") && whole.len() == 64 && run_id.len() > 10);
    assert_eq!(word(&event("run.started")["version"]), version);
    assert!(events.iter().all(|event| word(&event["run_id"]) == run_id && word(&event["schema"]).ends_with("/1")));

    let candidates = world.artifacts(".json");
    let candidate = candidates.iter().find(|path| path.to_string_lossy().contains("candidate-")).expect("a candidate");
    let candidate: Value = serde_json::from_slice(&fs::read(candidate).expect("it can be read")).expect("JSON");
    let config = word(&candidate["config_hash"]);
    for (key, wanted) in [("run_id", &*run_id), ("run_url", url), ("version", version), ("fingerprint", &*fingerprint)]
    {
        assert_eq!(word(&candidate[key]), wanted, "{key}");
    }
    let (text, _) = published(&world);
    for part in [&*run_id, url, version, &fingerprint, &config] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
    let summary = fs::read_to_string(world.path("summary")).expect("a summary");
    let short = &fingerprint[..12];
    for part in [&*run_id, url, version, short, &whole[..12]] {
        assert!(summary.contains(part), "{part} is missing: {summary}");
    }
    let branch = world.branches("acme/shop").pop().expect("a branch");
    let message = world.git(&world.path("fleet/acme/shop.git"), &["log", "-1", "--format=%B", &branch]);
    assert!(message.contains(&fingerprint) && branch.contains(&fingerprint[4..20]), "{branch}: {message}");
}

#[test]
fn p_25_a_value_that_the_program_holds_is_in_nothing_that_it_leaves_whoever_wrote_it_there() {
    // No shape gives it away; only its value does.
    let value = "lilac-Meadow.quiet!harbour";
    let world = World::new();
    let issue = world.path("fleet/acme/shop/issues/1.md");
    let body = fs::read_to_string(&issue).expect("an issue");
    world.write("fleet/acme/shop/issues/1.md", format!("{body}\n\nI ran it with {value}, by the way.\n"));
    let backwards: String = value.chars().rev().collect();
    let hex: String = value.bytes().map(|b| format!("{b:02x}")).collect();
    // In quotes of the shell, where nothing is expanded.
    world.configure_command(
        &format!("echo 'a {value} b'; echo '{backwards}'; echo {hex}; {}", world.test_command()),
        "",
    );
    let mut command = world.run_command(&["--format", "json"]);
    command.env("GITHUB_TOKEN", value).env("GITHUB_STEP_SUMMARY", world.path("summary"));
    command.env("GITHUB_OUTPUT", world.path("output"));
    let done = ended(command).ends_with(0);
    assert_eq!(world.pulls("acme/shop").len(), 1, "{done:?}");
    let mut texts = left_behind(&world);
    texts.retain(|(path, _)| !path.ends_with("issues/1.md"));
    assert!(
        texts.iter().any(|(path, text)| path.ends_with(".log.zst") && text.contains("a <SECRET_1> b")),
        "{texts:?}"
    );
    for name in ["summary", "output"] {
        texts.push((name.to_owned(), fs::read_to_string(world.path(name)).expect("it was written")));
    }
    texts.push(("standard output".to_owned(), done.stdout));
    texts.push(("standard error".to_owned(), done.stderr));
    for (path, text) in texts {
        for form in [value, &backwards, &hex, &value[..14]] {
            assert!(!text.contains(form), "{path} has {form}");
        }
    }
}
