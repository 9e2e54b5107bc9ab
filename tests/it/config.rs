//! The configuration: files under `tests/data/config/` with everything that is said about each.
//!
//! `HOMEOSTAT_BLESS=1` rewrites the expected texts; look at the difference before it is committed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use homeostat::config::guess::Guessed;
use homeostat::config::{self, Flags, InitRepo, LoadInput, Loaded, ProblemCode, Problems};
use homeostat::model::{Allowance, MicroUsd, Mode, Policy, RepoSlug};

fn read(name: &str, text: &[u8], env: &[(&str, &str)], flags: Flags) -> Result<Loaded, Problems> {
    let env: BTreeMap<String, String> = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let templates = [
        ("pull-request.md.j2", "{{ title }}\n"),
        ("feature.md.j2", "# {{ title }}\n"),
        ("broken.md.j2", "{% if %}"),
        ("strange.md.j2", "{{ colour }}"),
    ];
    let beside: BTreeMap<String, Vec<u8>> =
        templates.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
    config::load(&LoadInput { file_name: name, text, env: &env, flags: &flags, beside: &beside })
}

fn plain(text: &str) -> Result<Loaded, Problems> {
    read("repos.yml", text.as_bytes(), &[], Flags::default())
}

fn files(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/config").join(kind);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "yml"))
        .collect();
    files.sort();
    files
}

/// Compares with the text beside a file, or writes it.
fn expect(path: &Path, actual: &str) {
    let expected = path.with_extension("txt");
    if std::env::var_os("HOMEOSTAT_BLESS").is_some() {
        std::fs::write(&expected, actual).expect("the expectation can be written");
    }
    let wanted = std::fs::read_to_string(&expected).unwrap_or_default();
    assert_eq!(actual, wanted, "{} (HOMEOSTAT_BLESS=1 rewrites it)", expected.display());
}

fn name(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}

#[test]
fn every_invalid_file_is_answered_with_all_its_problems() {
    let mut seen = std::collections::BTreeSet::new();
    for path in files("invalid") {
        let bytes = std::fs::read(&path).expect("a readable file");
        let problems = read(&name(&path), &bytes, &[], Flags::default()).expect_err("an invalid file");
        for problem in &problems.problems {
            seen.insert(serde_json::to_string(&problem.code).expect("a code"));
        }
        expect(&path, &format!("{problems}\n"));
    }
    // The other codes need what no small file can show; they have tests of their own below.
    assert_eq!(seen.len(), 18, "{seen:?}");
}

#[test]
fn every_valid_file_is_read_and_its_settings_name_their_origin() {
    for path in files("valid") {
        let bytes = std::fs::read(&path).expect("a readable file");
        let loaded = read(&name(&path), &bytes, &[], Flags::default()).unwrap_or_else(|p| panic!("{p}"));
        expect(&path, &config::show(&loaded));
    }
}

#[test]
fn a_setting_of_a_repository_wins_over_defaults_and_those_over_built_in_ones() {
    let loaded = plain(
        "version: 1\ndefaults: { max_open_prs: 7, limits: { max_files: 4 } }\nrepositories:\n  - slug: a/b\n    \
         limits: { max_attempts: 1 }\n  - slug: a/c\n    max_open_prs: 1\n",
    )
    .expect("a valid file");
    let [first, second] = loaded.config.repositories.as_slice() else { panic!("two repositories") };
    assert_eq!((first.max_open_prs, first.limits.max_files, first.limits.max_attempts), (7, 4, 1));
    assert_eq!((second.max_open_prs, second.limits.max_files, second.limits.max_attempts), (1, 4, 3));
    let own = loaded.effective(first);
    let from = |key: &str| own[key].from.as_str();
    assert_eq!(from("max_open_prs"), "defaults, line 2");
    assert_eq!(from("limits.max_attempts"), "repositories[0], line 5");
    assert_eq!(from("limits.cooldown"), "built-in");
}

#[test]
fn every_key_that_is_ready_reaches_its_setting() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/config/valid/complete.yml");
    let bytes = std::fs::read(path).expect("a readable file");
    let loaded = read("complete.yml", &bytes, &[], Flags::default()).expect("a valid file");
    let built_in = Policy::built_in("acme/none".parse().expect("a slug"));
    let untouched = loaded.effective(&built_in);
    for (key, origin) in &untouched {
        let moved = loaded.config.repositories.iter().any(|policy| loaded.effective(policy)[key].value != origin.value);
        assert!(moved, "{key}");
    }
    let empty = Loaded::built_in(&[], &BTreeMap::new(), Flags::default()).expect("valid");
    for (key, origin) in empty.effective_settings() {
        let moved = loaded.effective_settings()[&key].value != origin.value;
        assert!(moved || key == "mode", "{key}");
    }
}

const SMALL: &str = "version: 1\nrepositories:\n  - slug: a/b\n    limits: { max_files: 5 }\n";

#[test]
fn a_limit_from_the_environment_can_only_tighten() {
    let env = [
        ("MAX_FILES", "3"),
        ("MAX_DIFF_LINES", "9000"),
        ("HOMEOSTAT_CONFIDENCE_THRESHOLD", "0.9"),
        ("CONFIDENCE_THRESHOLD", "0.1"),
        ("MAX_ATTEMPTS", "2"),
        ("MAX_RUN_COST", "0.25"),
    ];
    let loaded = read("repos.yml", SMALL.as_bytes(), &env, Flags::default()).expect("a valid file");
    let policy = &loaded.config.repositories[0];
    assert_eq!((policy.limits.max_files, policy.limits.max_diff_lines, policy.limits.max_attempts), (3, 500, 2));
    assert!((policy.confidence_threshold - 0.9).abs() < 1e-9);
    assert_eq!(loaded.config.budget.run, Allowance::Cap(MicroUsd(250_000)));
    assert_eq!(loaded.effective(policy)["limits.max_files"].from, "environment MAX_FILES");
    assert_eq!(loaded.effective(policy)["confidence_threshold"].from, "environment HOMEOSTAT_CONFIDENCE_THRESHOLD");
    assert_eq!(loaded.effective_settings()["budget.run"].from, "environment MAX_RUN_COST");
    assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);
    assert!(loaded.warnings[0].contains("MAX_DIFF_LINES"));
    for (variable, value) in [("MAX_RUN_COST", "unlimited"), ("MAX_RUN_COST", "5")] {
        let loaded = read("repos.yml", SMALL.as_bytes(), &[(variable, value)], Flags::default()).expect("valid");
        assert_eq!(loaded.config.budget.run, Allowance::Cap(MicroUsd(1_000_000)), "{value}");
    }
}

#[test]
fn the_mode_in_force_is_the_lowest_that_is_given() {
    let ready = Flags { mode: Some(Mode::Ready), dry_run: false };
    let draft = Flags { mode: Some(Mode::Draft), dry_run: false };
    let dry = Flags { mode: Some(Mode::Ready), dry_run: true };
    let auto = Flags { mode: Some(Mode::Auto), dry_run: false };
    let none = Flags::default();
    let text =
        |top: &str, own: &str| format!("version: 1\nmode: {top}\nrepositories:\n  - slug: a/b\n    mode: {own}\n");
    for (top, own, env, flags, mode, from) in [
        ("ready", "ready", None, none, Mode::Ready, "repositories[0], line 5"),
        ("draft", "ready", None, none, Mode::Draft, "top of the file, line 2"),
        ("ready", "draft", None, ready, Mode::Draft, "repositories[0], line 5"),
        ("ready", "ready", None, draft, Mode::Draft, "flag --mode"),
        ("ready", "ready", None, dry, Mode::Observe, "flag --dry-run"),
        ("observe", "ready", None, draft, Mode::Observe, "top of the file, line 2"),
        ("ready", "ready", Some(("HOMEOSTAT_STOP", "1")), none, Mode::Observe, "environment HOMEOSTAT_STOP"),
        ("ready", "ready", Some(("HOMEOSTAT_DRY_RUN", "true")), none, Mode::Observe, "environment HOMEOSTAT_DRY_RUN"),
        ("ready", "ready", Some(("HOMEOSTAT_DRY_RUN", "0")), none, Mode::Ready, "repositories[0], line 5"),
        ("ready", "ready", Some(("APPLY_MODE", "propose")), none, Mode::Observe, "environment APPLY_MODE"),
        ("ready", "ready", Some(("APPLY_MODE", "commit")), none, Mode::Ready, "repositories[0], line 5"),
        ("auto", "auto", None, none, Mode::Auto, "repositories[0], line 5"),
        ("ready", "auto", None, none, Mode::Ready, "top of the file, line 2"),
        ("auto", "auto", None, ready, Mode::Ready, "flag --mode"),
        ("auto", "ready", None, auto, Mode::Ready, "repositories[0], line 5"),
    ] {
        let env: Vec<_> = env.into_iter().collect();
        let loaded = read("repos.yml", text(top, own).as_bytes(), &env, flags).expect("a valid file");
        let policy = &loaded.config.repositories[0];
        assert_eq!((policy.mode, loaded.effective(policy)["mode"].from.as_str()), (mode, from), "{top} {own} {env:?}");
        assert!(policy.mode <= loaded.config.mode);
    }
    let alone = "version: 1\nrepositories:\n  - slug: a/b\n    mode: auto\n  - slug: a/c\n";
    let loaded = read("repos.yml", alone.as_bytes(), &[], auto).expect("a valid file");
    let modes: Vec<Mode> = loaded.config.repositories.iter().map(|policy| policy.mode).collect();
    assert_eq!(
        (modes.as_slice(), loaded.config.mode),
        (&[Mode::Auto, Mode::Ready][..], Mode::Auto),
        "a flag raises none"
    );
}

#[test]
fn learning_happens_in_production_alone() {
    for (stage, switch, learning) in [
        (None, None, Some(false)),
        (Some("dev"), None, Some(false)),
        (Some("test"), Some("false"), Some(false)),
        (Some("production"), None, Some(true)),
        (Some("production"), Some("false"), Some(false)),
        (Some("production"), Some("true"), Some(true)),
        (Some("test"), Some("true"), None),
        (None, Some("true"), None),
    ] {
        let mut env = Vec::new();
        env.extend(stage.map(|value| ("HOMEOSTAT_ENV", value)));
        env.extend(switch.map(|value| ("LEARNING_ENABLED", value)));
        match (read("repos.yml", SMALL.as_bytes(), &env, Flags::default()), learning) {
            (Ok(loaded), Some(learning)) => {
                assert_eq!(loaded.learning, learning, "{env:?}");
                assert_eq!(loaded.environment, stage.unwrap_or("dev"));
            }
            (Err(problems), None) => {
                assert_eq!(problems.problems[0].code, ProblemCode::LearningOutsideProduction, "{env:?}");
            }
            (other, _) => panic!("{env:?}: {other:?}"),
        }
    }
}

#[test]
fn an_environment_that_cannot_be_read_is_a_problem_beside_those_of_the_file() {
    let env = [
        ("HOMEOSTAT_ENV", "prod"),
        ("HOMEOSTAT_STOP", "maybe"),
        ("APPLY_MODE", "merge"),
        ("MAX_FILES", "many"),
        ("MAX_RUN_COST", "$5"),
        ("CONFIDENCE_THRESHOLD", "NaN"),
        ("LEARNING_ENABLED", "perhaps"),
    ];
    let problems = read("repos.yml", b"version: 3\n", &env, Flags::default()).expect_err("all wrong");
    let text = problems.to_string();
    for name in env.iter().map(|(name, _)| *name).chain(["repos.yml:1:10: version", "repositories"]) {
        assert!(text.contains(name), "{name} is missing in\n{text}");
    }
    assert!(text.ends_with("9 problems"), "{text}");
    let json = serde_json::to_value(&problems).expect("serialisable");
    assert_eq!(json["problems"][0]["place"]["line"], 1);
    assert_eq!(json["problems"][0]["code"], "missing-key");
}

/// Returns the codes of a file's problems.
fn codes(text: &str) -> Vec<ProblemCode> {
    plain(text).err().map(|found| found.problems.into_iter().map(|one| one.code).collect()).unwrap_or_default()
}

#[test]
fn p_08_a_policy_that_is_not_known_is_no_policy_and_its_absence_is_the_strictest() {
    // Every place where a word chooses how careful Homeostat is.
    let places = [
        "mode: {}\nrepositories: [{ slug: a/b }]",
        "repositories: [{ slug: a/b, mode: {} }]",
        "defaults: { mode: {} }\nrepositories: [{ slug: a/b }]",
        "repositories: [{ slug: a/b, trust: {} }]",
        "repositories: [{ slug: a/b, evidence: {} }]",
        "repositories: [{ slug: a/b, sandbox: { require: {} } }]",
        "repositories: [{ slug: a/b, sandbox: { network: {} } }]",
        "repositories: [{ slug: a/b, sandbox: { setup_network: {} } }]",
        "repositories: [{ slug: a/b, rules: { test-weakened: {} } }]",
        "repositories: [{ slug: a/b, rules: { dependency-added: {} } }]",
        "repositories: [{ slug: a/b, rules: { rewrite-ratio: {} } }]",
    ];
    let known = [
        "observe",
        "draft",
        "ready",
        "approve",
        "auto",
        "any",
        "write",
        "triage",
        "admin",
        "maintain",
        "read",
        "none",
        "registries",
        "all",
        "full",
        "refuse",
        "flag",
        "allow",
        "red-green",
        "green-only",
        "proven",
        "everyone",
    ];
    for place in places {
        let read = |value: &str| plain(&format!("version: 1\n{}\n", place.replace("{}", value)));
        // No spelling but the exact one: not another case, not another type, not a word from another list.
        for value in [
            "everything",
            "REFUSE",
            "Allow",
            "off",
            "on",
            "no",
            "yes",
            "true",
            "false",
            "0",
            "1",
            "-1",
            "~",
            "\"\"",
            "[]",
            "[allow]",
            "{ allow: true }",
            "allow-all",
            "\" allow\"",
            "\"allow \"",
            "\"READY\"",
            "rea\u{0434}y",
            "al\u{200b}low",
        ] {
            let outcome = read(value);
            let unset = value == "~" && outcome.is_ok();
            assert!(outcome.is_err() || unset, "{place}: {value} is taken: {outcome:?}");
        }
        let taken = known.iter().filter(|value| read(value).is_ok()).count();
        assert!((1..=5).contains(&taken), "{place}: {taken} of the known words are taken");
    }
    // A rule that no list knows cannot be switched off, nor one that is no setting.
    for rule in ["secret", "protected-path", "unsafe-path", "binary", "everything", "Test-Weakened"] {
        assert!(
            plain(&format!("version: 1\nrepositories: [{{ slug: a/b, rules: {{ {rule}: allow }} }}]\n")).is_err(),
            "{rule}"
        );
    }
    // What nobody says is the careful choice.
    let loaded = plain("version: 1\nrepositories: [{ slug: a/b }]\n").expect("a valid file");
    let policy = &loaded.config.repositories[0];
    for reason in [homeostat::model::Reason::TestWeakened, homeostat::model::Reason::DependencyAdded] {
        assert_eq!(policy.rule(reason), homeostat::model::RuleSetting::Refuse, "{reason}");
    }
    assert_eq!(policy.sandbox.network, homeostat::model::NetworkAccess::None);
    for (name, value) in
        [("HOMEOSTAT_STOP", "of course"), ("HOMEOSTAT_DRY_RUN", "2"), ("APPLY_MODE", "yes"), ("HOMEOSTAT_ENV", "live")]
    {
        assert!(read("repos.yml", SMALL.as_bytes(), &[(name, value)], Flags::default()).is_err(), "{name}={value}");
    }
}

#[test]
fn v_96_nothing_that_is_nested_without_end_exhausts_the_stack_or_the_clock() {
    let began = std::time::Instant::now();
    let deep = 100_000;
    for text in [
        "[".repeat(deep),
        "{a: ".repeat(deep / 2),
        "[{a: ".repeat(deep / 4),
        "- ".repeat(deep),
        "? ".repeat(deep),
        "a: [".repeat(deep / 4),
        (0..2_000).fold(String::new(), |text, depth| text + &" ".repeat(depth % 400) + "a:\n"),
        (0..400).fold(String::new(), |text, depth| text + &" ".repeat(depth) + "a:\n"),
        format!("{}x{}", "[".repeat(deep), "]".repeat(deep)),
        format!("a: &a {}", "[".repeat(deep)),
        "!!map ".repeat(deep / 4),
        format!("\"{}\": 1", "[".repeat(deep)),
    ] {
        for text in
            [format!("version: 1\nrepositories: {text}\n"), format!("version: 1\nrepositories:\n  {text}\n"), text]
        {
            let problems = read("repos.yml", text.as_bytes(), &[], Flags::default()).expect_err("no configuration");
            assert!(problems.to_string().len() < 100_000);
        }
    }
    assert!(began.elapsed() < std::time::Duration::from_secs(30), "{:?}", began.elapsed());
}

#[test]
fn v_97_a_key_stands_once_and_a_word_is_never_a_switch() {
    // The second of two keys would win silently in one reader and the first in another.
    for text in [
        "version: 1\nversion: 1\nrepositories: [{ slug: a/b }]",
        "version: 1\nmode: observe\nrepositories: [{ slug: a/b }]\nmode: ready",
        "version: 1\nrepositories: [{ slug: a/b, slug: c/d }]",
        "version: 1\nrepositories: [{ slug: a/b, \"slug\": c/d }]",
        "version: 1\nrepositories: [{ slug: a/b, 'sl\u{75}g': c/d }]",
        "version: 1\nrepositories:\n  - slug: a/b\n    limits: { max_files: 1 }\n    limits: { max_files: 99 }",
        "version: 1\nrepositories:\n  - slug: a/b\n    rules: { test-weakened: refuse, test-weakened: allow }",
    ] {
        assert!(codes(text).contains(&ProblemCode::DuplicateKey), "{text}: {:?}", plain(text));
    }
    // A key by way of a merge is a key that nobody sees.
    let merged = "version: 1\ndefaults: &d { mode: ready }\nrepositories:\n  - <<: *d\n    slug: a/b\n";
    assert!(plain(merged).is_err());
    // Words of another standard stay words, and are no switch where one is asked for.
    for word in ["no", "NO", "No", "off", "OFF", "n", "N", "yes", "on", "y", "Y"] {
        let text =
            format!("version: 1\nrepositories:\n  - slug: acme/{word}\n    branch: {word}\n    labels: [{word}]\n");
        let loaded = plain(&text).unwrap_or_else(|problems| panic!("{word}: {problems}"));
        let policy = &loaded.config.repositories[0];
        assert_eq!(policy.slug.name(), word);
        assert_eq!(policy.branch.as_ref().map(|branch| branch.as_str().to_owned()).as_deref(), Some(word));
        assert_eq!(policy.labels, [word]);
        let switch = format!("version: 1\npatterns: {{ builtin: {word} }}\nrepositories: [{{ slug: a/b }}]\n");
        assert!(codes(&switch).contains(&ProblemCode::WrongType), "{word}: {:?}", codes(&switch));
        let number = format!("version: 1\nrepositories: [{{ slug: a/b, max_open_prs: {word} }}]\n");
        assert!(plain(&number).is_err(), "{word}");
    }
    for (number, taken) in [
        ("5", true),
        ("05", false),
        ("0x5", false),
        ("0o5", false),
        ("5.0", false),
        ("1e1", false),
        ("1_0", false),
        ("+5", false),
        ("\"5\"", false),
    ] {
        let text = format!("version: 1\nrepositories: [{{ slug: a/b, max_open_prs: {number} }}]\n");
        assert_eq!(plain(&text).is_ok(), taken, "{number}");
    }
}

#[test]
fn b_13_a_cap_of_nothing_is_none_and_one_without_end_has_to_be_spelled() {
    let budget = |key: &str, value: &str| {
        plain(&format!("version: 1\nbudget: {{ {key}: {value} }}\nrepositories: [{{ slug: a/b }}]\n"))
            .map(|loaded| loaded.config.budget)
    };
    let built_in = plain(SMALL).expect("a valid file").config.budget;
    assert_eq!(built_in.run, Allowance::Cap(MicroUsd(1_000_000)));
    for key in ["run", "day", "attempt", "author_day"] {
        let of = |budget: &homeostat::config::Budget| match key {
            "run" => budget.run,
            "day" => budget.day,
            "attempt" => budget.attempt,
            _ => budget.author_day,
        };
        for (value, wanted) in [
            ("0", Allowance::Cap(MicroUsd(0))),
            ("0.00", Allowance::Cap(MicroUsd(0))),
            ("0.000001", Allowance::Cap(MicroUsd(1))),
            ("unlimited", Allowance::Unlimited),
        ] {
            assert_eq!(budget(key, value).map(|budget| of(&budget)).ok(), Some(wanted), "{key}: {value}");
        }
        // What nobody says is the built-in cap, never none and never without end.
        let other = if key == "run" { "day" } else { "run" };
        assert_eq!(budget(other, "0").map(|budget| of(&budget)).ok(), Some(of(&built_in)), "{key}");
        for value in [
            "-1",
            "-0.01",
            "1e30",
            "1e3",
            "1E2",
            "inf",
            ".inf",
            "-.inf",
            "nan",
            ".nan",
            "Unlimited",
            "UNLIMITED",
            "infinite",
            "none",
            "0x10",
            "1_000",
            "99999999999999999999999999",
            "0.0000001",
            "$5",
            "\"\"",
            "[1]",
            "{ cap: 1 }",
            "true",
            "1,00",
            "+1",
            "\u{0661}",
        ] {
            assert!(budget(key, value).is_err(), "{key}: {value} is taken: {:?}", budget(key, value));
        }
    }
    // Every other cap: at least nothing, at most its bound, and a whole number.
    for (line, least, most) in [
        ("run: { max_prs_per_day: {} }\nrepositories: [{ slug: a/b }]", "0", "10000"),
        ("repositories: [{ slug: a/b, max_prs_per_run: {} }]", "0", "1000"),
        ("repositories: [{ slug: a/b, max_open_prs: {} }]", "0", "1000"),
        ("repositories: [{ slug: a/b, limits: { max_files: {} } }]", "1", "10000"),
        ("repositories: [{ slug: a/b, limits: { max_diff_lines: {} } }]", "1", "100000"),
        ("repositories: [{ slug: a/b, limits: { max_attempts: {} } }]", "1", "100"),
    ] {
        let taken = |value: &str| plain(&format!("version: 1\n{}\n", line.replacen("{}", value, 1))).is_ok();
        assert!(taken(least), "{line}: {least}");
        for value in ["-1", "1e30", "1.5", "unlimited", ".inf", "99999999999999999999", "18446744073709551616"] {
            assert!(!taken(value), "{line}: {value} is taken");
        }
        assert!(!taken(&format!("{most}000000")), "{line}: far beyond {most}");
    }
}

#[test]
fn a_file_that_is_too_large_is_refused_by_its_size_alone() {
    let large = vec![b'#'; config::MAX_BYTES + 1];
    let problems = read("repos.yml", &large, &[], Flags::default()).expect_err("too large");
    assert_eq!(problems.problems[0].code, ProblemCode::Unreadable);
}

#[test]
fn ten_thousand_repositories_are_read_and_one_more_is_refused() {
    let text = |count: usize| {
        let mut text = "version: 1\nrepositories:\n".to_owned();
        for at in 0..count {
            writeln!(text, "  - slug: acme/r{at}").expect("text grows");
        }
        text
    };
    assert_eq!(plain(&text(10_000)).expect("as many as allowed").config.repositories.len(), 10_000);
    let problems = plain(&text(10_001)).expect_err("one too many");
    assert_eq!(problems.problems[0].code, ProblemCode::TooManyRepositories);
}

#[test]
fn many_problems_are_listed_up_to_a_bound_and_counted_beyond() {
    let mut text = "version: 1\nrepositories: [{ slug: a/b }]\n".to_owned();
    // Nearly as many as the size of a file allows: this also has to end soon.
    for at in 0..60_000 {
        writeln!(text, "colour{at}: red").expect("text grows");
    }
    let problems = plain(&text).expect_err("all unknown");
    assert_eq!((problems.problems.len(), problems.more), (200, 59_800));
    assert!(problems.to_string().ends_with("60000 problems"));
}

#[test]
fn a_configuration_without_a_file_has_the_built_in_settings() {
    let slugs: Vec<RepoSlug> = vec!["a/b".parse().expect("a slug"), "a/c".parse().expect("a slug")];
    let loaded = Loaded::built_in(&slugs, &BTreeMap::new(), Flags::default()).expect("valid");
    let expected: Vec<Policy> = slugs.iter().cloned().map(Policy::built_in).collect();
    assert_eq!(loaded.config.repositories, expected);
    let dry = Flags { mode: None, dry_run: true };
    let loaded = Loaded::built_in(&slugs, &BTreeMap::new(), dry).expect("valid");
    assert_eq!(loaded.config.repositories[1].mode, Mode::Observe);
}

#[test]
fn a_first_configuration_is_valid_whatever_was_guessed() {
    let repo = |slug: &str, branch: Option<&str>, setup: Option<&str>, test: Option<&str>| InitRepo {
        slug: slug.parse().expect("a slug"),
        branch: branch.map(str::to_owned),
        guessed: Guessed {
            setup: setup.map(str::to_owned),
            test: test.map(str::to_owned),
            said: vec!["Cargo.toml is there.\nmode: auto".to_owned()],
        },
    };
    let repos = [
        repo("acme/shop", Some("main"), Some("npm ci"), Some("npm test")),
        repo("acme/null", Some("null"), None, None),
        repo("acme/1", Some("no"), Some("a: b # c"), Some("POETRY=\"x\" run 'a' && b\t{test}")),
        repo("acme/dots", None, None, Some("./mvnw -B test")),
    ];
    let loaded = plain(&config::first_config(&repos)).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(loaded.config.mode, Mode::Draft);
    for (policy, repo) in loaded.config.repositories.iter().zip(&repos) {
        assert_eq!(policy.slug, repo.slug);
        assert_eq!(policy.branch.as_ref().map(|branch| branch.as_str().to_owned()), repo.branch);
        assert_eq!((&policy.commands.setup, &policy.commands.test), (&repo.guessed.setup, &repo.guessed.test));
    }
    plain(&config::first_config(&[])).expect("the empty one can be filled in");
}

proptest::proptest! {
    #[test]
    fn arbitrary_bytes_are_answered_and_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
        let _answer = read("repos.yml", &bytes, &[], Flags::default());
    }

    #[test]
    fn arbitrary_yaml_like_text_is_answered_and_never_panics(
        words in proptest::collection::vec(proptest::sample::select(vec![
            "version", ": ", "1", "\n", "  ", "- ", "slug", "a/b", "repositories", "[", "]", "{", "}", "&a ", "*a", "!!str ",
            "|", ">", "'", "\"", "limits", "max_files", "labels", "é", "\u{feff}", "\r\n", "---", "...", "? ", "#", ",", "<<",
        ]), 0..60)
    ) {
        let _answer = plain(&words.concat());
    }
}
