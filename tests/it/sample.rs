//! Whole values of the types that leave the program, for tests of texts and of schemas.

use homeostat::model::{
    Actor, ActorKind, AlsoFixes, Anchor, AttemptRecord, CANDIDATE_SCHEMA, Candidate, CandidateFile, Counts, Evidence,
    EvidenceKind, Exception, Failure, FailureState, Family, FileMode, Fingerprint, Frame, Kind, Lane, Language,
    MicroUsd, NetworkAccess, ObjectId, Policy, Reason, Related, ReportId, Resources, Ruling, SandboxLevel,
    SandboxReport, Source, Status, Tally, Timestamp, Tokens, Untrusted, Verdict, Violation,
};

use homeostat::redact::SecretPlace;
use homeostat::render::preflight::{
    BaseSaid, CheckCompared, Judgement, NotRun, Preflight, ProjectProof, Proof, SettingsSaid, SuiteCompared,
};

fn sha(digit: char) -> ObjectId {
    digit.to_string().repeat(40).parse().expect("forty digits")
}

/// A moment of the samples.
pub(crate) fn moment(minutes: i64) -> Timestamp {
    Timestamp::from_millis(1_760_000_000_000 + minutes * 60_000)
}

/// The built-in settings.
pub(crate) fn policy() -> Policy {
    Policy::built_in("acme/parcels".parse().expect("a slug"))
}

/// What an issue says of a Python failure.
pub(crate) fn failure() -> Failure {
    let frame = |path: &str, line, function: &str| Frame {
        path: Some(path.to_owned()),
        line: Some(line),
        function: Some(function.to_owned()),
        ..Frame::default()
    };
    Failure {
        language: Some(Language::Python),
        chain: vec![Exception {
            type_name: "ZeroDivisionError".to_owned(),
            message: Untrusted::new("division by zero"),
            frames: vec![
                frame("/usr/lib/python3.11/statistics.py", 327, "mean"),
                frame("invoice_kit/stats.py", 31, "average_amount"),
                frame("invoice_kit/__main__.py", 12, "main"),
            ],
        }],
        tool: Some("pytest".to_owned()),
        lane: Some(Lane::Code),
        kind: Some(Kind::Runtime),
        tests: vec!["tests/test_stats.py::StatsTest::test_no_invoices".to_owned()],
        commit: Some(sha('c')),
        job: Some("nightly report".to_owned()),
        breadcrumbs: vec!["09:00 report started".into(), "09:00 read 0 invoices".into()],
        context: [("environment".to_owned(), Untrusted::new("production"))].into(),
        hint: Some("abc".to_owned()),
        ..Failure::default()
    }
}

/// The state of a failure after its first attempt.
pub(crate) fn state() -> FailureState {
    let fingerprint = Fingerprint::of(b"sample");
    FailureState {
        reports: vec![
            ReportId::Issue { number: 7 },
            ReportId::Run { workflow: "ci.yml".to_owned(), job: "test (3.11)".to_owned() },
        ],
        tier: Some("pattern".to_owned()),
        attempts: 1,
        last_attempt_at: Some(moment(2)),
        backoff_until: Some(moment(62)),
        source: Some(Source::Pattern),
        status: Some(Status::Fixed),
        pattern: Some("py-zero-division-empty-length".to_owned()),
        confidence: Some(0.93),
        base_sha: Some(sha('a')),
        tree: Some(sha('b')),
        config_hash: Some("5f".repeat(32)),
        input_hash: Some("60".repeat(32)),
        words_used: vec!["comment-12".to_owned()],
        rejected_trees: vec![sha('d')],
        attempts_log: vec![AttemptRecord {
            at: moment(2),
            tier: Some("pattern".to_owned()),
            status: Status::Fixed,
            failure_signature: Some("hf1:x".to_owned()),
            reason: None,
        }],
        ..FailureState::new(fingerprint, Family::of(b"sample"), 1)
    }
}

/// A proven patch of a pattern, red before and green after.
pub(crate) fn candidate() -> Candidate {
    let state = state();
    let tally = |failed, seconds| Tally { counts: Counts { run: 14, failed, skipped: 0 }, seconds };
    Candidate {
        schema: CANDIDATE_SCHEMA.to_owned(),
        run_id: "20251009T085320Z-1a2b3c4d".to_owned(),
        run_url: Some("https://github.com/acme/bots/actions/runs/42".to_owned()),
        version: "0.1.0".to_owned(),
        repository_id: 99,
        slug: "acme/parcels".parse().expect("a slug"),
        base_branch: "main".parse().expect("a branch"),
        base_sha: sha('a'),
        tree: sha('b'),
        files: vec![CandidateFile {
            path: "invoice_kit/stats.py".parse().expect("a path"),
            mode: Some(FileMode::Plain),
            content: Some("cHJpbnQoMSkK".to_owned()),
        }],
        fingerprint: state.fingerprint.clone(),
        family: state.family.clone(),
        episode: 1,
        regression: false,
        report: ReportId::Issue { number: 7 },
        report_url: "https://github.com/acme/parcels/issues/7".to_owned(),
        author: Some(Actor { id: 5, login: "ada".to_owned(), kind: ActorKind::User }),
        body_hash: "0a".repeat(32),
        failure: failure(),
        evidence: Evidence {
            kind: EvidenceKind::RedGreen,
            before: tally(1, 0.412),
            after: tally(0, 0.398),
            targets: vec!["tests/test_stats.py::StatsTest::test_no_invoices".to_owned()],
            check: None,
            repetitions: 3,
            still_failing: Vec::new(),
            named: true,
            command: "python -m unittest -v".to_owned(),
            checks: vec![("ruff check .".to_owned(), 0, 0)],
            sandbox: SandboxReport {
                level: SandboxLevel::Landlock,
                network: NetworkAccess::None,
                weaknesses: Vec::new(),
            },
            resources: Resources { cpu_s: 2.31, peak_memory: 48 << 20, wall_s: 3.02, output_bytes: 9_120 },
        },
        anchor: Anchor::RedTarget,
        source: Source::Pattern,
        pattern: Some("py-zero-division-empty-length".to_owned()),
        confidence: Some(0.93),
        tier: None,
        title: "Division by the length of something empty".to_owned(),
        hypothesis: "The divisor is the length of `invoices`, which is zero when nothing was read; the function answers zero then."
            .to_owned(),
        alternative: None,
        also_fixes: Vec::new(),
        replaces: None,
        related: Vec::new(),
        attempt: 1,
        cost: MicroUsd::ZERO,
        tokens: Tokens::default(),
        state_after: state,
        config_hash: "5f".repeat(32),
        expires_at: moment(7 * 24 * 60),
        started_at: moment(0),
        completed_at: moment(2),
        logs: vec!["logs/x-99-abc-before.log.zst".to_owned()],
    }
}

/// A verdict without a breach.
pub(crate) fn passed() -> Verdict {
    Verdict {
        verdict: Ruling::Pass,
        violations: Vec::new(),
        not_checked: Vec::new(),
        measured: vec![(Reason::DiffLines, 2, 500), (Reason::DiffFiles, 1, 10)],
    }
}

/// A verdict that asks for a person's look.
pub(crate) fn flagged() -> Verdict {
    Verdict {
        verdict: Ruling::Flag,
        violations: vec![Violation {
            rule: Reason::TestWeakened,
            ruling: Ruling::Flag,
            path: Some("tests/test_stats.py".to_owned()),
            line: Some(3),
            side: None,
            message: "tests/test_stats.py removes an assertion; look whether the test still says what it said."
                .to_owned(),
        }],
        ..passed()
    }
}

/// Failures that resemble it: an issue and a workflow's job.
pub(crate) fn related() -> Vec<Related> {
    let job = ReportId::Run { workflow: "ci.yml".to_owned(), job: "test".to_owned() };
    let of = |name: &[u8], report| Related { fingerprint: Fingerprint::of(name), report };
    vec![of(b"near", ReportId::Issue { number: 4 }), of(b"far", job)]
}

/// A preflight in which everything was found that can be.
pub(crate) fn preflight() -> Preflight {
    let evidence = candidate().evidence;
    let check = CheckCompared {
        command: "make lint".to_owned(),
        before: 0,
        after: 2,
        worse: true,
        output: Some("too long".to_owned()),
    };
    let suite = SuiteCompared {
        command: evidence.command,
        before: evidence.before,
        after: evidence.after,
        named: true,
        newly_failing: vec!["a".to_owned()],
        skipped: vec!["b".to_owned()],
        gone: vec!["c".to_owned()],
        still_failing: vec!["d".to_owned()],
        turned_green: vec!["e".to_owned()],
        reason: Some(Reason::TestsBroken),
        output: Some("not ok 1 - a".to_owned()),
        sandbox: evidence.sandbox,
    };
    let proof = Proof { lint: Some(check), typecheck: None, tests: Some(suite) };
    let report = Preflight {
        verdict: Judgement::Pass,
        base: BaseSaid { name: "main".to_owned(), commit: sha('b').to_string(), why: "it was asked for".to_owned() },
        settings: SettingsSaid { from: "built-in".to_owned(), repository: "acme/parcels".to_owned(), said: Vec::new() },
        files: vec!["src/stats.py".to_owned()],
        guard: flagged(),
        limits_of_fixes: vec![Reason::DiffLines],
        secrets: vec![SecretPlace {
            path: "src/stats.py".to_owned(),
            line: 3,
            column: 5,
            end_line: 3,
            end_column: 25,
            rule: "aws-access-key".to_owned(),
            redacted: "k = <SECRET>".to_owned(),
        }],
        proof: proof.clone(),
        projects: vec![ProjectProof { path: "api".to_owned(), proof }],
        not_run: vec![NotRun { what: "typecheck".to_owned(), why: "There is none.".to_owned(), unproven: false }],
    };
    report.judge()
}

/// The second failure that a patch turns green.
pub(crate) fn also() -> AlsoFixes {
    AlsoFixes { fingerprint: Fingerprint::of(b"other"), report: ReportId::Issue { number: 9 } }
}
