//! Whole texts as snapshots: what a reader sees is reviewed like code.

use homeostat::model::{EvidenceKind, Exception, Frame, Language, MicroUsd, Reason, Source, Tokens};
use homeostat::redact::Redactor;
use homeostat::render::{
    PullReport, RefusalReport, RepositoryReport, RunReport, SkippedReport, SummaryFacts, Totals, awaiting_pr_comment,
    commit_message, duplicate_comment, marker, summary,
};

use super::text_of;
use crate::sample;

fn frame(module: Option<&str>, function: Option<&str>, path: &str, line: u32) -> Frame {
    Frame {
        module: module.map(str::to_owned),
        function: function.map(str::to_owned),
        path: Some(path.to_owned()),
        line: Some(line),
        column: None,
    }
}

#[test]
fn a_pull_request_for_a_red_green_pattern_fix() {
    let candidate = sample::candidate();
    let text = text_of(&candidate, &sample::passed(), &[]);
    assert_eq!(
        text.title,
        format!("fix: ZeroDivisionError in stats.py (homeostat {})", &candidate.fingerprint.fp16()[..8])
    );
    assert_eq!(marker::read(&text.body), Some(candidate.state_after.clone()));
    insta::assert_snapshot!("pull_red_green", text.body);
    insta::assert_snapshot!("commit_message", commit_message(&candidate));
}

#[test]
fn a_green_only_pull_request_says_so_first() {
    let mut candidate = sample::candidate();
    candidate.evidence.kind = EvidenceKind::GreenOnly;
    candidate.evidence.before.counts.failed = 0;
    candidate.evidence.targets.clear();
    candidate.evidence.sandbox.weaknesses = vec!["the kernel has no Landlock".to_owned()];
    candidate.failure.breadcrumbs.clear();
    let text = text_of(&candidate, &sample::passed(), &["no test showed the failure before the change"]);
    assert!(text.body.lines().nth(1).is_some_and(|line| line == "> [!WARNING]"));
    insta::assert_snapshot!("pull_green_only", text.body);
}

#[test]
fn a_failure_that_came_back_says_so_first() {
    let mut candidate = sample::candidate();
    (candidate.regression, candidate.episode, candidate.state_after.episode) = (true, 2, 2);
    candidate.failure.language = Some(Language::Java);
    candidate.failure.chain = vec![
        Exception {
            type_name: "java.lang.NullPointerException".to_owned(),
            message: "Cannot invoke \"java.lang.Integer.intValue()\" because the return value of \"java.util.Map.get(Object)\" is null".into(),
            frames: vec![
                frame(Some("parcels.Dispatch"), Some("summary"), "Dispatch.java", 25),
                frame(Some("parcels.Main"), Some("main"), "Main.java", 14),
            ],
        },
        Exception {
            type_name: "java.util.concurrent.ExecutionException".to_owned(),
            message: "summary failed".into(),
            frames: vec![frame(Some("java.util.concurrent.FutureTask"), Some("get"), "FutureTask.java", 122)],
        },
    ];
    let text = text_of(&candidate, &sample::passed(), &[]);
    assert!(text.body.lines().nth(1).is_some_and(|line| line == "> [!IMPORTANT]"));
    insta::assert_snapshot!("pull_regression", text.body);
}

#[test]
fn a_pull_request_that_mends_two_failures_and_is_flagged_with_an_alternative() {
    let mut candidate = sample::candidate();
    candidate.also_fixes = vec![sample::also()];
    candidate.related = sample::related();
    candidate.alternative = Some(
        "--- a/stats.py\n+++ b/stats.py\n@@ -1 +1 @@\n-return total / n\n+return total / n if n else None\n".to_owned(),
    );
    candidate.evidence.still_failing = vec!["tests/test_cli.py::test_`help`".to_owned()];
    candidate.evidence.named = false;
    candidate.run_url = None;
    let reasons = ["a second, different change passes the same tests", "a guardrail asks for a person's look"];
    insta::assert_snapshot!("pull_flagged", text_of(&candidate, &sample::flagged(), &reasons).body);
}

#[test]
fn traces_are_written_in_the_habit_of_their_language() {
    let mut all = String::new();
    for (language, kind, message, frames) in [
        (
            Language::JavaScript,
            "TypeError",
            "Cannot read properties of undefined (reading 'name')",
            vec![frame(None, Some("describe"), "src/stock.js", 12), frame(None, None, "src/server.js", 20)],
        ),
        (
            Language::Python,
            "KeyError",
            "'id'",
            vec![frame(None, Some("read"), "app/read.py", 3), frame(None, Some("<module>"), "app/main.py", 9)],
        ),
        (
            Language::Rust,
            "panic",
            "index out of bounds: the len is 3 but the index is 3",
            vec![frame(None, None, "src/batch.rs", 17), frame(None, Some("shipper::batch::next"), "src/batch.rs", 17)],
        ),
        (
            Language::Go,
            "panic",
            "assignment to entry in nil map",
            vec![frame(Some("example.org/limiter/policy"), Some("Parse"), "policy/policy.go", 34)],
        ),
        (Language::Kotlin, "java.lang.IllegalStateException", "", vec![frame(Some("a.B"), Some("c"), "B.kt", 2)]),
        (Language::CSharp, "System.Exception", "no", vec![frame(Some("A.B"), Some("Run"), "B.cs", 4)]),
        (
            Language::Ruby,
            "NoMethodError",
            "undefined method 'x' for nil",
            vec![frame(None, Some("call"), "lib/a.rb", 1), frame(None, Some("<main>"), "bin/a", 2)],
        ),
        (Language::Php, "TypeError", "no", vec![frame(Some("A"), Some("run"), "src/a.php", 4)]),
    ] {
        let mut candidate = sample::candidate();
        candidate.failure.language = Some(language);
        candidate.failure.chain = vec![Exception { type_name: kind.to_owned(), message: message.into(), frames }];
        let body = text_of(&candidate, &sample::passed(), &[]).body;
        let trace =
            body.split("<summary>Stack trace</summary>").nth(1).and_then(|rest| rest.split("</details>").next());
        all.extend([language.as_str(), "\n", trace.unwrap_or_default().trim(), "\n"]);
    }
    insta::assert_snapshot!("traces", all);
}

#[test]
fn v_20_a_duplicates_comment_links_and_closes_nothing() {
    insta::assert_snapshot!(duplicate_comment(7, 12).expect("a template"), @r"
    <!-- homeostat:duplicate 7 -->
    This is the same failure as #7; it is handled in #12.
    ");
}

#[test]
fn f_43_the_comment_on_a_fix_that_waits_for_its_pull_request_has_links_where_there_are_pages() {
    let candidate = sample::candidate();
    let branch = "homeostat/k3u7qz4mfw5t2abc".parse().expect("legal");
    let text = awaiting_pr_comment(&candidate, &branch, "https://github.com/acme/parcels").expect("a template");
    insta::assert_snapshot!("awaiting_pr", text);
    let local = awaiting_pr_comment(&candidate, &branch, "/srv/fleet/acme/parcels.git").expect("a template");
    assert!(!local.contains("/srv/") && local.contains("make a pull request"), "{local}");
}

fn facts(dry_run: bool) -> SummaryFacts {
    SummaryFacts {
        started_at: sample::moment(0),
        seconds: 12.34,
        run_url: Some("https://github.com/acme/bots/actions/runs/42".to_owned()),
        version: "0.1.0".to_owned(),
        config_hash: "c0ffee".repeat(10),
        environment: "production".to_owned(),
        dry_run,
        one_process: true,
        limits: vec![
            ("money in this run".to_owned(), "$0.00".to_owned(), "$5.00".to_owned()),
            ("new pull requests today".to_owned(), "2".to_owned(), "20".to_owned()),
        ],
        oldest_backlog: Some(sample::moment(-90)),
        reasons: Some("https://github.com/acme/homeostat/blob/v1/docs/reasons.md".to_owned()),
    }
}

/// A run over a small fleet in which everything happened.
pub(crate) fn fleet() -> RunReport {
    let pull = |number: Option<u64>, state: &str, draft| PullReport {
        number,
        url: number.map(|n| format!("https://github.com/acme/parcels/pull/{n}")),
        branch: "homeostat/abcdefghijklmnop".to_owned(),
        fingerprint: sample::candidate().fingerprint.to_string(),
        episode: 1,
        state: state.to_owned(),
        source: Some(Source::Pattern),
        draft,
        evidence: Some(EvidenceKind::RedGreen),
        warnings: Vec::new(),
        runs_wait: false,
    };
    let parcels = RepositoryReport {
        slug: "acme/parcels".to_owned(),
        issues_processed: 5,
        pull_requests: vec![
            pull(Some(12), "created", false),
            pull(Some(13), "updated", true),
            pull(None, "planned", false),
        ],
        skipped: vec![SkippedReport {
            report: "issue #8".to_owned(),
            reason: Reason::CoolingDown,
            message: Reason::CoolingDown.sentence().to_owned(),
        }],
        refusals: vec![RefusalReport {
            fingerprint: sample::candidate().fingerprint.to_string(),
            rule: Reason::DiffLines,
            message: "The change has 501 lines, and limits.max_diff_lines is 500; @octocat, split src/big.py."
                .to_owned(),
        }],
        cooldowns: 1,
        backlog: [("cooling-down".to_owned(), 1)].into(),
        patterns_used: vec!["py-zero-division-empty-length".to_owned()],
        zero_cost_fixes: 1,
        ..RepositoryReport::default()
    };
    let broken = RepositoryReport {
        slug: "acme/gone".to_owned(),
        error: Some(
            "acme/gone cannot be read: the branch `main` does not exist | look at <https://evil.example>".to_owned(),
        ),
        ..RepositoryReport::default()
    };
    RunReport {
        run_id: "20251009T085320Z-1a2b3c4d".to_owned(),
        repositories: vec![parcels, broken],
        totals: Totals {
            processed: 5,
            prs_created: 1,
            prs_updated: 1,
            cooldowns: 1,
            refusals: 1,
            cost_usd: "0.00".to_owned(),
            budget_remaining: "5.00".to_owned(),
            patterns_total: 64,
            patterns_used: 1,
            zero_cost_fixes: 1,
            backlog: 1,
            exit_class: "refused".to_owned(),
            ..Totals::default()
        },
        actions: Vec::new(),
        writes: 7,
        asked: None,
    }
}

#[test]
fn a_summary_of_a_fleet_where_everything_happened() {
    insta::assert_snapshot!("summary_fleet", summary(&fleet(), &facts(false), &Redactor::new(&[])));
}

#[test]
fn a_summary_of_a_run_with_nothing_to_do() {
    let idle = |slug: &str| RepositoryReport { slug: slug.to_owned(), ..RepositoryReport::default() };
    let report = RunReport {
        run_id: "20251009T085320Z-1a2b3c4d".to_owned(),
        repositories: vec![idle("acme/parcels"), idle("acme/invoices")],
        totals: Totals { cost_usd: "0.00".to_owned(), patterns_total: 64, ..Totals::default() },
        ..RunReport::default()
    };
    let facts = SummaryFacts { oldest_backlog: None, one_process: false, run_url: None, ..facts(false) };
    insta::assert_snapshot!("summary_idle", summary(&report, &facts, &Redactor::new(&[])));
}

#[test]
fn a_summary_of_a_dry_run() {
    let mut report = fleet();
    report.repositories.truncate(1);
    report.repositories[0].pull_requests.retain(|pull| pull.state == "planned");
    report.repositories[0].refusals.clear();
    report.repositories[0].skipped.clear();
    report.repositories[0].cost_microusd = MicroUsd(12_000);
    report.repositories[0].tokens = Tokens { input: 100, ..Tokens::default() };
    insta::assert_snapshot!("summary_dry_run", summary(&report, &facts(true), &Redactor::new(&[])));
}

#[test]
fn v_47_a_summary_stays_below_the_limit_and_says_what_it_leaves_out() {
    let mut report = fleet();
    let one = report.repositories[0].clone();
    report.repositories = vec![one; 6_000];
    let text = summary(&report, &facts(false), &Redactor::new(&[]));
    assert!(text.len() <= 900 << 10, "{}", text.len());
    assert!(text.contains("… and ") && text.contains("**Backlog**"));
}

#[test]
fn v_48_a_secret_in_a_message_is_not_in_the_summary() {
    let mut report = fleet();
    let key = format!("ghp_{}", "Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb3d");
    report.repositories[1].error = Some(format!("could not use {key}"));
    let known = homeostat::model::Secret::new("correct-horse-battery-staple");
    report.repositories[0].refusals[0].message = "token correct-horse-battery-staple".to_owned();
    let text = summary(&report, &facts(false), &Redactor::new(&[known]));
    assert!(!text.contains(&key) && !text.contains("horse"), "{text}");
}
