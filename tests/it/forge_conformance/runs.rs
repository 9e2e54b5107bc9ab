//! Workflow runs, their jobs and logs, and first looks.

use super::*;

/// Makes a completed run with one job for each log.
fn a_run(workflow: &str, commit: &ObjectId, conclusion: Conclusion, at: i64, jobs: &[&str]) -> RunRecord {
    let time = Timestamp::from_millis(1_800_000_000_000 + at * 1_000);
    let job = |name: &&str| JobRecord {
        name: name.to_string(),
        conclusion,
        runner_labels: vec!["ubuntu-latest".into()],
        steps: vec![JobStep { number: 1, name: "Test: all".into(), conclusion: Some(conclusion) }],
    };
    RunRecord {
        workflow: workflow.into(),
        name: format!("The {workflow}"),
        branch: "main".into(),
        commit: commit.clone(),
        event: "push".into(),
        actor: Some(actor("owner")),
        fork: false,
        attempt: 2,
        conclusion,
        created_at: time,
        completed_at: time,
        jobs: jobs.iter().map(job).collect(),
    }
}

conforms!(runs_of_a_branch_are_listed_newest_first_with_jobs_and_the_end_of_their_logs, |s| {
    let (main, slug) = (s.main().await, s.slug.clone());
    let older = a_run("ci.yml", &main, Conclusion::Success, 1, &["test"]);
    let newer = a_run("ci.yml", &main, Conclusion::Failure, 2, &["test (ubuntu, 20)", "lint"]);
    let elsewhere = RunRecord { branch: "feature".into(), ..a_run("ci.yml", &main, Conclusion::Failure, 3, &["x"]) };
    let log = b"first line\nlast line\n".to_vec();
    for run in [&older, &newer, &elsewhere] {
        s.people.add_run(&slug, run, &[log.clone(), b"lint says no\n".to_vec()]).await.expect("a run");
    }
    let listed = s.forge.runs(&slug, &branch("main"), None).await;
    let runs: Vec<_> = listed.as_ref().expect("runs").items.iter().map(|run| (run.id, run.conclusion)).collect();
    assert_eq!(runs, [(2, Conclusion::Failure), (1, Conclusion::Success)]);
    let jobs = s.forge.jobs(&slug, 2, None).await.expect("jobs").items;
    let named: Vec<_> = jobs.iter().map(|job| (job.id, job.name.as_str())).collect();
    assert_eq!(named, [(2_000, "test (ubuntu, 20)"), (2_001, "lint")]);
    let tail = s.forge.job_log(&slug, 2_000, 10).await;
    let tail = s.note("tail", tail).expect("a log");
    assert_eq!((tail.bytes.as_slice(), tail.cut), (&b"last line\n"[..], true));
    let whole = s.forge.job_log(&slug, 2_001, 1_000).await.expect("a log");
    assert_eq!((whole.bytes.as_slice(), whole.cut), (&b"lint says no\n"[..], false));
    let gone = s.forge.job_log(&slug, 9_999, 10).await;
    assert!(matches!(gone, Err(ForgeError::NotFound(_))), "{gone:?}");
    let gone = s.forge.jobs(&slug, 77, None).await;
    s.note("no run", gone);
});

conforms!(artifacts_are_listed_newest_first_and_handed_out_whole_or_not_at_all, |s| {
    let (main, slug) = (s.main().await, s.slug.clone());
    let older = a_run("ci.yml", &main, Conclusion::Success, 1, &[]);
    let newer = RunRecord { branch: "feature".into(), ..a_run("ci.yml", &main, Conclusion::Failure, 2, &[]) };
    let fork = RunRecord { fork: true, ..a_run("ci.yml", &main, Conclusion::Success, 3, &[]) };
    for run in [&older, &newer, &fork] {
        s.people.add_run(&slug, run, &[]).await.expect("a run");
    }
    let zip = b"PK\x05\x06\x00\xff\n\r not text".to_vec();
    for (run, name, bytes) in
        [(1, "logs", &zip[..]), (1, "homeostat-run-1-1", &zip), (2, "ran out", b""), (3, "a fork's", &zip)]
    {
        s.people.add_artifact(&slug, run, name, bytes).await.expect("an artifact");
    }
    for (run, name) in [(1, "../x"), (1, "a:b"), (1, ""), (9, "x")] {
        s.people.add_artifact(&slug, run, name, &zip).await.expect_err(name);
    }
    let listed = s.forge.artifacts(&slug, None).await.expect("artifacts").items;
    let here = s.forge.repository(&slug).await.expect("a repository").id;
    let told: Vec<_> = listed
        .iter()
        .map(|one| {
            let origin = one.origin.as_ref().expect("an origin");
            let own = origin.head_repository == Some(here);
            (one.id, one.name.as_str(), one.size, one.expired, origin.run, origin.branch.as_str(), own)
        })
        .collect();
    let size = zip.len() as u64;
    assert_eq!(
        told,
        [
            (3_000, "a fork's", size, false, 3, "main", false),
            (2_000, "ran out", 0, true, 2, "feature", true),
            (1_001, "logs", size, false, 1, "main", true),
            (1_000, "homeostat-run-1-1", size, false, 1, "main", true),
        ]
    );
    assert!(listed.is_sorted_by_key(|one| std::cmp::Reverse(one.created_at)), "{listed:?}");
    let whole = s.forge.artifact(&slug, 1_000, zip.len()).await;
    assert_eq!(s.note("whole", whole), Some(zip.clone()));
    let larger = s.forge.artifact(&slug, 1_000, zip.len() - 1).await;
    assert!(matches!(larger, Err(ForgeError::Invalid(_))), "{larger:?}");
    for id in [2_000, 1_007, 77] {
        let gone = s.forge.artifact(&slug, id, 100).await;
        assert!(matches!(gone, Err(ForgeError::NotFound(_))), "{id}: {gone:?}");
    }
    let none = s.forge.artifacts(&"owner/none".parse().expect("a slug"), None).await;
    s.note("no repository", none);
});

conforms!(a_list_of_artifacts_comes_in_pages, Settings { page_size: 2, ..Settings::default() }, |s| {
    let (main, slug) = (s.main().await, s.slug.clone());
    s.people.add_run(&slug, &a_run("ci.yml", &main, Conclusion::Success, 1, &[]), &[]).await.expect("a run");
    for name in ["a", "b", "c", "d", "e"] {
        s.people.add_artifact(&slug, 1, name, b"PK").await.expect("an artifact");
    }
    let (mut names, mut page) = (Vec::new(), None::<String>);
    loop {
        let listed = s.forge.artifacts(&slug, page.as_deref()).await.expect("a page");
        assert!(listed.items.len() <= 2);
        names.extend(listed.items.into_iter().map(|one| one.name));
        page = listed.next;
        if page.is_none() {
            break;
        }
    }
    assert_eq!(names, ["e", "d", "c", "b", "a"]);
});

/// Where GraphQL is absent, lists and check runs say the same.
#[tokio::test]
async fn a_first_look_without_graphql_sees_the_same() {
    let clock = start();
    let people = Arc::new(MemoryForge::new(clock.clock()));
    let door = Door::open(people.clone(), clock.clone(), 30).await;
    let forge = client(&door, start(), &["owner/app"]);
    let stage = Stage::over(people.clone(), Arc::new(forge), clock, Some(door)).await;
    let main = stage.main().await;
    let query = GlanceQuery { slug: stage.slug.clone(), branch: None, labels: vec!["homeostat".into()] };
    let door = stage.door.as_ref().expect("a door");
    for conclusion in [None, Some(Conclusion::Failure), Some(Conclusion::Success)] {
        if let Some(conclusion) = conclusion {
            let at = if conclusion == Conclusion::Success { 2 } else { 1 };
            people.add_run(&stage.slug, &a_run("ci.yml", &main, conclusion, at, &["t"]), &[]).await.expect("a run");
            people.open_issue(&stage.slug, &issue("It breaks", &["homeostat"])).await.expect("an issue");
        }
        door.set_faults(Vec::new());
        let asked = stage.forge.glance(std::slice::from_ref(&query)).await.expect("a look");
        door.set_faults(vec![Fault::on("POST", "/graphql", 9, Kind::Lag)]);
        let listed = stage.forge.glance(std::slice::from_ref(&query)).await.expect("a look");
        assert_eq!(door.faults_met(), 1);
        assert_eq!(asked, listed, "{conclusion:?}");
    }
}

conforms!(a_first_look_tells_of_reports_and_checks, |s| {
    let (main, slug) = (s.main().await, s.slug.clone());
    let query = |branch: Option<&str>| GlanceQuery {
        slug: "owner/app".parse().expect("a slug"),
        branch: branch.map(|name| name.parse().expect("a branch")),
        labels: vec!["homeostat".into(), "robot".into()],
    };
    let missing = GlanceQuery { slug: "owner/none".parse().expect("a slug"), ..query(None) };
    let quiet = s.forge.glance(&[query(None), missing]).await.expect("looks");
    let [Ok(first), Err(ForgeError::NotFound(_))] = quiet.as_slice() else { panic!("{quiet:?}") };
    assert_eq!((first.reports, first.checks, first.head.as_ref()), (0, Checks::None, Some(&main)));
    s.people.open_issue(&slug, &issue("It breaks", &["Robot"])).await.expect("an issue");
    s.people.open_issue(&slug, &issue("A wish", &["wish"])).await.expect("an issue");
    s.people.add_run(&slug, &a_run("ci.yml", &main, Conclusion::Failure, 1, &["t"]), &[]).await.expect("a run");
    let seen = s.forge.glance(&[query(Some("main"))]).await.expect("looks").remove(0).expect("a look");
    assert_eq!((seen.reports, seen.checks), (1, Checks::Failing));
    assert!(seen.newest_report.is_some());
    s.people.add_run(&slug, &a_run("ci.yml", &main, Conclusion::Success, 2, &["t"]), &[]).await.expect("a run");
    let seen = s.forge.glance(&[query(None)]).await.expect("looks").remove(0).expect("a look");
    assert_eq!(seen.checks, Checks::Passing);
});

conforms!(checks_of_a_commit_count_the_newest_run_of_each_workflow_and_what_waits_is_not_red, |s| {
    let (main, slug) = (s.main().await, s.slug.clone());
    assert_eq!(s.forge.checks(&slug, &main).await, Ok(Checks::None));
    let steps = [
        ("ci.yml", Conclusion::Failure, Checks::Failing),
        ("ci.yml", Conclusion::Success, Checks::Passing),
        ("gate.yml", Conclusion::ActionRequired, Checks::Pending),
        ("gate.yml", Conclusion::Cancelled, Checks::Passing),
        ("lint.yml", Conclusion::TimedOut, Checks::Failing),
    ];
    for (at, (workflow, conclusion, expected)) in (1..).zip(steps) {
        s.people.add_run(&slug, &a_run(workflow, &main, conclusion, at, &["t"]), &[]).await.expect("a run");
        assert_eq!(s.forge.checks(&slug, &main).await, Ok(expected), "{workflow}: {conclusion:?}");
    }
});

conforms!(a_workflow_is_started_by_dispatch_on_a_branch_and_it_can_be_seen_that_it_was, |s| {
    let slug = s.slug.clone();
    let put = async |s: &Stage<_>, parent: ObjectId, text: &str| {
        let blob = s.forge.create_blob(&s.slug, text.as_bytes()).await.expect("a blob");
        let path = ".github/workflows/ci.yml".parse().expect("a path");
        let change = TreeChange { path, entry: Some((FileMode::Plain, blob)) };
        let tree = s.forge.create_tree(&s.slug, Some(&parent), &[change]).await.expect("a tree");
        let commit = NewCommit { tree, parents: vec![parent], message: "ci\n".into() };
        s.forge.create_commit(&s.slug, &commit).await.expect("a commit")
    };
    let old = s.main().await;
    let none = s.forge.dispatch_workflow(&slug, "ci.yml", &branch("main")).await;
    assert!(matches!(none, Err(ForgeError::NotFound(_))), "{none:?}");
    let main = put(s, old.clone(), "on:\n  workflow_dispatch:\n").await;
    s.forge.advance_branch(&slug, &branch("main"), &old, &main).await.expect("a fast-forward");
    let deaf = put(s, main.clone(), "on: push\n").await;
    s.forge.create_branch(&slug, &branch("deaf"), &deaf).await.expect("a branch");
    for (name, what) in [("nowhere", "no branch"), ("deaf", "no dispatch")] {
        let refused = s.forge.dispatch_workflow(&slug, "ci.yml", &branch(name)).await;
        assert!(matches!(refused, Err(ForgeError::Invalid(_))), "{what}: {refused:?}");
    }
    let head = s.fix_branch("homeostat/x", "fixed\n").await;
    let before = s.forge.dispatched(&slug, "ci.yml", &head).await;
    assert_eq!(s.note("before", before), Some(false));
    let started = s.forge.dispatch_workflow(&slug, "ci.yml", &branch("homeostat/x")).await;
    s.note("started", started).expect("a start");
    assert_eq!(s.forge.dispatched(&slug, "ci.yml", &head).await, Ok(true));
    assert_eq!(s.forge.dispatched(&slug, "other.yml", &head).await, Ok(false));
    assert_eq!(s.forge.dispatched(&slug, "ci.yml", &main).await, Ok(false));
    assert_eq!(s.forge.checks(&slug, &head).await, Ok(Checks::Pending), "nothing has said anything yet");
});
