//! The rows of the fault matrix that are about HTTP, by their names: each ends as its row says, and a clean run after it.

use std::sync::Arc;
use std::time::Duration;

use homeostat::engine::Selection;
use homeostat::forge::github::{Credentials, GithubForge};
use homeostat::forge::rules::{JobRecord, ManualClock, NewIssue, RunRecord, Settings, actor};
use homeostat::forge::{Conclusion, Forge, ForgeError, NewPull};
use homeostat::model::{ObjectId, RepoSlug, Secret, Timestamp};
use serde_json::Value;

use super::faults::{Then, after_the_fault, lines};
use super::faults_http::{Http, slugs};
use super::program::{Bug, bug, mend, source};
use super::world::{Options, Ran, World};
use crate::http::{Auth, Door, Fault, Kind, TOKEN, Token, client, client_with, impatient};

const TOTAL: Bug = bug("src/shop.py", "total");
const MANY: usize = 99;
const REFS: &str = "/repos/acme/shop/git/refs";
const PULLS: &str = "/repos/acme/shop/pulls";

/// One failure in one repository, behind a door.
struct Story {
    world: World,
    slug: RepoSlug,
    http: Http,
    main: ObjectId,
    begun: Timestamp,
}

impl Story {
    async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    async fn with(settings: Settings) -> Self {
        let mut world = World::with(vec![TOTAL], settings);
        let slug = world.repository("shop", &[("src/shop.py", &source(&["total"]))]).await;
        world.report(&slug, &TOTAL).await;
        let main = world.forge.world(&slug).await.expect("a repository").refs["main"].clone();
        let http = Http::open(&world).await;
        let begun = world.clock.now();
        Self { world, slug, http, main, begun }
    }

    async fn run(&self, faults: Vec<Fault>) -> Ran {
        self.http.with_faults(&self.world, faults).await
    }

    /// Returns how many seconds went by since the story began.
    fn seconds(&self) -> u64 {
        self.world.clock.now().since(self.begun).as_secs()
    }

    /// Requires that a clean run brings one pull request, and that then nothing is written.
    async fn ends_well(&self, what: &str) {
        after_the_fault(&self.world, &self.slug, 1, &self.main, &self.http, Then::TwoHoursPass, what).await;
    }

    async fn open_pulls(&self) -> usize {
        self.world.open_pulls(&self.slug).await.len()
    }

    /// Returns how many branches there are beside the base.
    async fn branches(&self) -> usize {
        self.world.forge.world(&self.slug).await.expect("a repository").refs.len() - 1
    }
}

fn class(ran: &Ran) -> u8 {
    ran.class.code()
}

/// Asserts that a run made its pull request and ended well.
async fn made(story: &Story, ran: &Ran, what: &str) {
    assert_eq!(class(ran), 0, "{what}: {:?}\n{}", ran.report, lines(ran));
    assert_eq!((story.open_pulls().await, story.branches().await), (1, 1), "{what}\n{}", lines(ran));
}

/// Asserts that a run has to be tried again, and wrote nothing to the target.
async fn untouched(story: &Story, ran: &Ran, code: u8, what: &str) {
    assert_eq!(class(ran), code, "{what}: {:?}\n{}", ran.report, lines(ran));
    assert_eq!((story.open_pulls().await, story.branches().await), (0, 0), "{what}");
}

#[tokio::test]
async fn f_02_a_bad_token_ends_the_run_with_no_storm_of_retries() {
    let story = Story::new().await;
    story.http.door.set_token(TOKEN, None);
    let ran = story.run(Vec::new()).await;
    assert_eq!(class(&ran), 2, "{:?}", ran.class);
    assert!(story.http.door.requests() <= 2, "{:?}", story.http.door.journal());
    assert!(lines(&ran).contains("bad-credentials"), "{}", lines(&ran));
    story.http.door.set_token(TOKEN, Some(Token::Personal("homeostat[bot]".to_owned())));
    story.ends_well("with a good token").await;
}

#[tokio::test]
async fn f_03_a_missing_permission_is_named_and_not_waited_for() {
    let story = Story::new().await;
    let body = r#"{"message":"Resource not accessible by integration","documentation_url":"x","status":"403"}"#;
    let needs = [("x-accepted-github-permissions", "issues=read")];
    let ran = story.run(vec![Fault::reply("GET", "/acme/shop/issues", MANY, 403, &needs, body)]).await;
    untouched(&story, &ran, 3, "denied").await;
    assert!(format!("{:?}", ran.report).contains("issues=read"), "{:?}", ran.report);
    assert!(story.seconds() < 5, "{} s", story.seconds());
    story.ends_well("f_03").await;
}

#[tokio::test]
async fn f_04_a_list_that_fails_twice_is_asked_for_a_third_time() {
    let story = Story::new().await;
    let ran = story.run(vec![Fault::on("GET", "/acme/shop/issues?", 2, Kind::ServerError)]).await;
    made(&story, &ran, "f_04").await;
    story.ends_well("f_04").await;
}

/// Three issues on pages of one.
async fn three_pages() -> Story {
    let mut story = Story::new().await;
    for title in ["a wish", "another wish"] {
        let new = NewIssue { title: title.into(), labels: vec!["robot".into()], ..NewIssue::default() };
        story.world.forge.open_issue(&story.slug, &new).await.expect("an issue");
    }
    let door = Door::open(story.world.forge.clone(), story.world.clock.clone(), 1).await;
    story.http = Http { door };
    story
}

#[tokio::test]
async fn f_05_a_page_that_never_comes_leaves_the_list_incomplete_and_the_run_to_be_tried_again() {
    let story = three_pages().await;
    let ran = story.run(vec![Fault::on("GET", "page=2", MANY, Kind::ServerError)]).await;
    assert_eq!(class(&ran), 4, "{:?}", ran.report);
    assert!(story.open_pulls().await <= 1);
    story.ends_well("f_05").await;
}

#[tokio::test]
async fn f_06_a_list_that_leads_back_to_itself_is_noticed() {
    let story = three_pages().await;
    let url = format!("{}/repos/acme/shop/issues", story.http.door.url());
    let link = format!("<{url}?page=2>; rel=\"next\"");
    let headers = [("link", link.as_str())];
    let ran = story.run(vec![Fault::reply("GET", "/issues?", MANY, 200, &headers, "[]")]).await;
    assert!(story.http.door.requests() < 60, "{} requests", story.http.door.requests());
    assert!([2, 3, 4].contains(&class(&ran)), "{:?}", ran.class);
    story.ends_well("f_06").await;
}

#[tokio::test]
async fn f_07_a_list_that_is_none_is_tried_again_by_the_next_run() {
    for kind in [Kind::Truncated, Kind::Html, Kind::Empty] {
        let story = Story::new().await;
        let ran = story.run(vec![Fault::on("GET", "/acme/shop/issues?", MANY, kind)]).await;
        untouched(&story, &ran, 4, &format!("{kind:?}")).await;
        story.ends_well(&format!("{kind:?}")).await;
    }
    for body in ["{}", "null", "[7]", "{\"message\": []}", "[{\"number\": -1}]"] {
        let story = Story::new().await;
        let ran = story.run(vec![Fault::reply("GET", "/acme/shop/issues?", MANY, 200, &[], body)]).await;
        untouched(&story, &ran, 4, body).await;
        story.ends_well(body).await;
    }
}

#[tokio::test]
async fn f_08_nothing_that_a_creation_rests_on_is_asked_for_by_a_copy() {
    let story = Story::new().await;
    let ran = story.run(Vec::new()).await;
    made(&story, &ran, "f_08").await;
    for entry in story.http.door.journal() {
        let decides = entry.target.contains("/pulls") || entry.target.contains("/git/ref/");
        assert!(!(decides && entry.conditional), "{entry}");
    }
    story.ends_well("f_08").await;
}

#[tokio::test]
async fn f_09_a_403_that_says_when_to_come_back_is_waited_for() {
    let story = Story::new().await;
    let ran = story.run(vec![Fault::on("GET", "/acme/shop/issues?", 1, Kind::Secondary)]).await;
    made(&story, &ran, "f_09").await;
    assert!(story.seconds() >= 7, "{} s", story.seconds());
    story.ends_well("f_09").await;
}

#[tokio::test]
async fn f_10_an_hour_that_is_used_up_ends_the_run_and_no_sleep_goes_past_its_deadline() {
    let story = Story::new().await;
    let reset = (story.begun.as_millis() / 1_000 + 3_000).to_string();
    let headers = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset.as_str())];
    let body = r#"{"message":"API rate limit exceeded for user ID 1."}"#;
    story.http.door.set_faults(vec![Fault::reply("GET", "/acme/shop", MANY, 403, &headers, body)]);
    let slugs = slugs(&story.world);
    let slugs: Vec<&str> = slugs.iter().map(String::as_str).collect();
    let deadline = story.begun.since(Timestamp::default()) + Duration::from_mins(10);
    let credentials = Credentials::token(Secret::new(TOKEN.to_owned()));
    let forge = client_with(&story.http.door, story.world.clock.clone(), &slugs, credentials, Some(deadline));
    let ran = story.world.run_on(Arc::new(forge), Options::default()).await;
    untouched(&story, &ran, 4, "f_10").await;
    assert!(story.seconds() <= 600, "{} s", story.seconds());
    story.ends_well("f_10").await;
}

#[tokio::test]
async fn f_11_a_429_without_a_word_is_waited_for_a_minute_then_longer_then_no_more() {
    let story = Story::new().await;
    let ran = story.run(vec![Fault::on("GET", "/acme/shop/issues?", 1, Kind::TooMany)]).await;
    made(&story, &ran, "once").await;
    assert!(story.seconds() >= 60, "{} s", story.seconds());
    let story = Story::new().await;
    let ran = story.run(vec![Fault::on("GET", "/acme/shop/issues?", MANY, Kind::TooMany)]).await;
    untouched(&story, &ran, 4, "always").await;
    assert!(story.seconds() >= 180, "{} s", story.seconds());
    assert!(story.http.door.count("GET", "/acme/shop/issues?") < 20);
    story.ends_well("f_11").await;
}

#[tokio::test]
async fn f_12_a_403_without_a_limit_is_not_tried_again() {
    let story = Story::new().await;
    let body = r#"{"message":"Forbidden"}"#;
    let ran = story.run(vec![Fault::reply("GET", "/acme/shop/issues?", MANY, 403, &[], body)]).await;
    untouched(&story, &ran, 3, "f_12").await;
    assert_eq!(story.http.door.count("GET", "/acme/shop/issues?"), 1);
    story.ends_well("f_12").await;
}

#[tokio::test]
async fn f_13_a_retry_after_of_any_sort_is_read_or_taken_for_a_minute() {
    for (said, least, most) in
        [("date", 30, 120), ("-5", 60, 600), ("abc", 60, 600), ("", 60, 600), ("1000000000000", 0, 4 * 3_600)]
    {
        let story = Story::new().await;
        let date = crate::http::http_date(story.begun.after(Duration::from_secs(45)));
        let headers = [("retry-after", if said == "date" { date.as_str() } else { said })];
        let body = r#"{"message":"You have exceeded a secondary rate limit."}"#;
        let ran = story.run(vec![Fault::reply("GET", "/acme/shop/issues?", 1, 403, &headers, body)]).await;
        assert!([0, 4].contains(&class(&ran)), "{said}: {:?}", ran.class);
        let waited = story.seconds();
        assert!((least..=most).contains(&waited), "{said}: {waited} s");
        story.ends_well(said).await;
    }
}

#[tokio::test]
async fn f_14_waits_are_by_the_servers_clock_whatever_the_runner_believes() {
    for hours in [-3_i64, 3] {
        let story = Story::new().await;
        let wrong = Timestamp::from_millis(story.begun.as_millis() + hours * 3_600_000);
        let clock = ManualClock::at(wrong);
        story.http.door.set_faults(vec![Fault::on("GET", "/acme/shop/issues?", 1, Kind::Primary)]);
        let forge = client(&story.http.door, clock.clone(), &["acme/shop"]);
        let answer = forge.issues(&story.slug, &homeostat::forge::IssueQuery::default(), None).await;
        assert!(answer.is_ok(), "{answer:?}");
        let waited = clock.now().since(wrong).as_secs();
        assert!((40..=60).contains(&waited), "{hours} h off: {waited} s");
        let drift = forge.now().await.expect("a time").since(story.begun).as_secs();
        assert!(drift <= 60, "{drift} s");
    }
}

/// Runs for one issue alone, as after an event about it.
async fn for_issue(story: &Story, faults: Vec<Fault>) -> Ran {
    story.http.door.set_faults(faults);
    let slugs = slugs(&story.world);
    let slugs: Vec<&str> = slugs.iter().map(String::as_str).collect();
    let forge = Arc::new(client(&story.http.door, story.world.clock.clone(), &slugs));
    let selection = Selection { only: Some(story.slug.clone()), issue: Some(1), ..Selection::default() };
    story.world.run_on(forge, Options { selection, ..Options::default() }).await
}

#[tokio::test]
async fn f_15_an_issue_that_stays_away_gets_nothing() {
    let story = Story::new().await;
    let ran = for_issue(&story, vec![Fault::on("GET", "/acme/shop/issues/1", MANY, Kind::Lag)]).await;
    untouched(&story, &ran, 0, "gone").await;
    assert!(ran.has_reason("gone"), "{:?}", ran.reasons());
    assert!(story.seconds() >= 7);
    story.ends_well("gone").await;
    let story = Story::new().await;
    let ran = for_issue(&story, vec![Fault::on("GET", "/acme/shop/issues/1", 2, Kind::Lag)]).await;
    made(&story, &ran, "a replica that caught up").await;
}

#[tokio::test]
async fn f_16_a_repository_that_became_another_one_is_left_alone() {
    let story = Story::new().await;
    let elsewhere: RepoSlug = "acme/other".parse().expect("a slug");
    story.world.forge.create_repository(&elsewhere, &[("src/shop.py", &source(&["total"]))]).await.expect("another");
    let before = story.world.forge.world(&elsewhere).await.expect("another");
    let place = format!("{}/repositories/999/issues", story.http.door.url());
    let headers = [("location", place.as_str())];
    let body = r#"{"message":"Moved Permanently"}"#;
    let ran = story.run(vec![Fault::reply("GET", "/repos/acme/shop/issues", MANY, 301, &headers, body)]).await;
    assert_ne!(class(&ran), 0, "{:?}", ran.report);
    assert_eq!(story.open_pulls().await, 0);
    assert!(before == story.world.forge.world(&elsewhere).await.expect("another"), "never in another repository");
    let gone = Fault::reply("GET", "/acme/shop/issues", MANY, 410, &[], r#"{"message":"Issues are disabled"}"#);
    let ran = story.run(vec![gone]).await;
    assert_eq!(story.open_pulls().await, 0, "{:?}", ran.class);
    story.ends_well("f_16").await;
}

#[tokio::test]
async fn f_16_f_47_a_repository_that_was_renamed_is_followed_by_its_number() {
    let story = Story::new().await;
    let id = story.world.forge.repository(&story.slug).await.expect("a repository").id;
    let place = format!("{}/repositories/{id}/issues?state=open", story.http.door.url());
    let headers = [("location", place.as_str())];
    let body = r#"{"message":"Moved Permanently"}"#;
    let ran = story.run(vec![Fault::reply("GET", "/repos/acme/shop/issues?", MANY, 301, &headers, body)]).await;
    made(&story, &ran, "the same repository").await;
    story.ends_well("the same repository").await;
}

/// A failed run with one log.
async fn logged(story: &Story, log: &[u8]) {
    let at = story.world.clock.now();
    let job =
        JobRecord { name: "t".into(), conclusion: Conclusion::Failure, runner_labels: Vec::new(), steps: Vec::new() };
    let run = RunRecord {
        workflow: "ci.yml".into(),
        name: "CI".into(),
        branch: "main".into(),
        commit: story.main.clone(),
        event: "push".into(),
        actor: None,
        fork: false,
        attempt: 1,
        conclusion: Conclusion::Failure,
        created_at: at,
        completed_at: at,
        jobs: vec![job],
    };
    story.world.forge.add_run(&story.slug, &run, &[log.to_vec()]).await.expect("a run");
}

#[tokio::test]
async fn f_17_an_address_of_a_log_that_has_run_out_is_asked_for_once_more() {
    let story = Story::new().await;
    logged(&story, b"it broke\n").await;
    let expired = format!("{}/logs/acme/shop/1000", story.http.door.logs());
    let away =
        |times| Fault::reply("GET", "/actions/jobs/1000/logs", times, 302, &[("location", expired.as_str())], "");
    let forge = client(&story.http.door, story.world.clock.clone(), &["acme/shop"]);
    story.http.door.set_faults(vec![away(1)]);
    let log = forge.job_log(&story.slug, 1_000, 100).await.expect("the second address is good");
    assert_eq!(log.bytes, b"it broke\n");
    story.http.door.set_faults(vec![away(MANY)]);
    let gone = forge.job_log(&story.slug, 1_000, 100).await;
    assert!(matches!(gone, Err(ForgeError::NotFound(_))), "{gone:?}");
}

#[tokio::test]
async fn f_18_logs_that_are_gone_empty_or_huge_are_taken_for_what_they_are() {
    let story = Story::new().await;
    logged(&story, b"").await;
    logged(&story, &b"noise\n".repeat(600_000)).await;
    let forge = client(&story.http.door, story.world.clock.clone(), &["acme/shop"]);
    let empty = forge.job_log(&story.slug, 1_000, 100).await.expect("an empty log");
    assert_eq!((empty.bytes.len(), empty.cut), (0, false));
    let huge = forge.job_log(&story.slug, 2_000, 1_200).await.expect("the end of a log");
    assert_eq!((huge.bytes.len(), huge.cut), (1_200, true));
    let body = r#"{"message":"Server Error: gone"}"#;
    story.http.door.set_faults(vec![Fault::reply("GET", "/actions/jobs/1000/logs", 1, 410, &[], body)]);
    let gone = forge.job_log(&story.slug, 1_000, 100).await;
    assert!(matches!(gone, Err(ForgeError::NotFound(_))), "{gone:?}");
}

#[tokio::test]
async fn f_28_objects_that_cannot_be_stored_leave_nothing_that_shows() {
    for path in ["blobs", "trees", "commits"] {
        let story = Story::new().await;
        let target = format!("/repos/acme/shop/git/{path}");
        let ran = story.run(vec![Fault::on("POST", &target, MANY, Kind::ServerError)]).await;
        untouched(&story, &ran, 4, path).await;
        story.ends_well(path).await;
    }
}

#[tokio::test]
async fn f_29_a_branch_that_was_not_made_is_made_by_one_more_request() {
    for kind in [Kind::ServerError, Kind::BadGateway, Kind::ResetBefore] {
        let story = Story::new().await;
        let ran = story.run(vec![Fault::on("POST", REFS, 1, kind)]).await;
        made(&story, &ran, &format!("{kind:?}")).await;
        assert_eq!(story.http.door.count("POST", REFS), 2, "{kind:?}");
        story.ends_well(&format!("{kind:?}")).await;
    }
}

#[tokio::test]
async fn f_30_a_branch_that_was_made_is_not_made_again() {
    for kind in [Kind::BadGatewayApplied, Kind::ResetAfter, Kind::Truncated] {
        let story = Story::new().await;
        let ran = story.run(vec![Fault::on("POST", REFS, 1, kind)]).await;
        made(&story, &ran, &format!("{kind:?}")).await;
        assert_eq!(story.http.door.count("POST", REFS), 1, "{kind:?}");
        story.ends_well(&format!("{kind:?}")).await;
    }
}

fn text(body: Option<&Value>, name: &str) -> String {
    body.and_then(|body| body[name].as_str()).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn f_31_a_branch_that_another_run_of_ours_made_is_taken_over() {
    let story = Story::new().await;
    let slug = story.slug.clone();
    story.http.door.before("POST", REFS, move |forge, body| async move {
        let branch = text(body.as_ref(), "ref").replace("refs/heads/", "").parse().expect("a branch");
        let sha = text(body.as_ref(), "sha").parse().expect("a commit");
        forge.create_branch(&slug, &branch, &sha).await.expect("the other run's branch");
    });
    let ran = story.run(Vec::new()).await;
    made(&story, &ran, "f_31").await;
    story.ends_well("f_31").await;
}

#[tokio::test]
async fn f_32_a_branch_of_our_name_with_foreign_content_is_left_alone() {
    let story = Story::new().await;
    let slug = story.slug.clone();
    story.http.door.before("POST", REFS, move |forge, body| async move {
        let branch = text(body.as_ref(), "ref").replace("refs/heads/", "").parse().expect("a branch");
        let files = [("theirs.txt", Some("theirs"))];
        forge.commit_files(&slug, "mallory", &branch, &files, "theirs\n").await.expect("a foreign branch");
    });
    let ran = story.run(Vec::new()).await;
    assert!(ran.has_reason("foreign-branch"), "{:?}\n{}", ran.reasons(), lines(&ran));
    assert_eq!(story.open_pulls().await, 0);
    let before = story.world.forge.world(&story.slug).await.expect("a repository");
    story.world.hours(2);
    let again = story.run(Vec::new()).await;
    assert_eq!(story.open_pulls().await, 0, "{:?}", again.reasons());
    assert!(before == story.world.forge.world(&story.slug).await.expect("a repository"), "untouched");
}

#[tokio::test]
async fn f_33_a_branch_that_stands_where_our_folder_would_be_is_told_of() {
    let story = Story::new().await;
    let branch = "homeostat".parse().expect("a branch");
    story.world.forge.create_branch(&story.slug, &branch, &story.main).await.expect("a branch");
    let ran = story.run(Vec::new()).await;
    assert_eq!(class(&ran), 2, "{:?}\n{}", ran.class, lines(&ran));
    let told = format!("{:?}", ran.report);
    assert!(ran.has_reason("branch-in-the-way") && told.contains("while homeostat exists"), "{told}");
    assert_eq!((story.open_pulls().await, story.branches().await), (0, 1));
    story.world.forge.force_branch(&story.slug, "alice", &branch, None).await.expect("a deletion");
    story.ends_well("f_33").await;
}

#[tokio::test]
async fn f_34_a_rule_that_forbids_the_branch_is_named() {
    let story = Story::new().await;
    let body =
        r#"{"message":"Repository rule violations found: Cannot create ref due to creations being restricted."}"#;
    let ran = story.run(vec![Fault::reply("POST", REFS, MANY, 422, &[], body)]).await;
    untouched(&story, &ran, 3, "f_34").await;
    assert!(format!("{:?}", ran.report).contains("creations being restricted"), "{:?}", ran.report);
    assert_eq!(story.http.door.count("POST", REFS), 1);
    story.ends_well("f_34").await;
}

#[tokio::test]
async fn f_35_a_branch_without_its_pull_request_is_adopted_by_the_next_run() {
    let story = Story::new().await;
    let dead = |method| Fault::on(method, PULLS, MANY, Kind::ResetBefore);
    let ran = story.run(vec![Fault::spare("GET", PULLS, 4), dead("GET"), dead("POST")]).await;
    assert_eq!((class(&ran), story.open_pulls().await, story.branches().await), (4, 0, 1), "{}", lines(&ran));
    let before = story.world.forge.world(&story.slug).await.expect("a repository").refs;
    story.ends_well("f_35").await;
    let after = story.world.forge.world(&story.slug).await.expect("a repository").refs;
    assert!(before.keys().eq(after.keys()), "no second branch: {after:?}");
}

#[tokio::test]
async fn f_36_a_pull_request_that_was_not_opened_is_opened_by_one_more_request() {
    let story = Story::new().await;
    let ran = story.run(vec![Fault::on("POST", PULLS, 1, Kind::BadGateway)]).await;
    made(&story, &ran, "f_36").await;
    assert_eq!(story.http.door.count("POST", "/pulls"), 2);
    assert!(story.seconds() >= 20, "it was looked for at 0, 2, 5, 10 and 20 s");
    story.ends_well("f_36").await;
}

#[tokio::test]
async fn f_37_a_pull_request_that_was_opened_and_shows_late_is_found_and_its_branch_stays() {
    let story = Story::with(Settings { pull_lag: Duration::from_secs(13), ..Settings::default() }).await;
    let ran = story.run(vec![Fault::on("POST", PULLS, 1, Kind::BadGatewayApplied)]).await;
    made(&story, &ran, "f_37").await;
    assert_eq!(story.http.door.count("POST", "/pulls"), 1);
    story.ends_well("f_37").await;
}

#[tokio::test]
async fn f_38_a_pull_request_that_shows_too_late_is_never_opened_twice() {
    let story = Story::with(Settings { pull_lag: Duration::from_secs(90), ..Settings::default() }).await;
    story.http.door.set_faults(vec![Fault::on("POST", PULLS, 1, Kind::TimeoutApplied)]);
    let slugs = slugs(&story.world);
    let slugs: Vec<&str> = slugs.iter().map(String::as_str).collect();
    let forge = Arc::new(impatient(&story.http.door, story.world.clock.clone(), &slugs));
    let ran = story.world.run_on(forge, Options::default()).await;
    assert!([0, 4].contains(&class(&ran)), "{:?}\n{}", ran.class, lines(&ran));
    story.ends_well("f_38").await;
    assert_eq!(story.world.pulls(&story.slug).await.len(), 1);
}

#[tokio::test]
async fn f_39_a_pull_request_that_another_run_opened_is_adopted() {
    let story = Story::new().await;
    let slug = story.slug.clone();
    story.http.door.before("POST", PULLS, move |forge, body| async move {
        let new = NewPull {
            title: text(body.as_ref(), "title"),
            body: text(body.as_ref(), "body"),
            head: text(body.as_ref(), "head").parse().expect("a branch"),
            base: text(body.as_ref(), "base").parse().expect("a branch"),
            draft: false,
        };
        forge.open_pull(&slug, &new, &actor("homeostat[bot]")).await.expect("the other run's");
    });
    let ran = story.run(Vec::new()).await;
    made(&story, &ran, "f_39").await;
    assert_eq!(ran.pulls("adopted"), 1, "{:?}", ran.report());
    story.ends_well("f_39").await;
}

#[tokio::test]
async fn f_40_f_41_a_pull_request_that_can_never_be_leaves_no_branch() {
    let refusals = [
        (
            r#"{"message":"Validation Failed","errors":[{"resource":"PullRequest","code":"custom","message":"No commits between main and homeostat/x"}]}"#,
            0,
        ),
        (
            r#"{"message":"Validation Failed","errors":[{"resource":"PullRequest","code":"custom","field":"body","message":"body is too long"}]}"#,
            3,
        ),
    ];
    for (body, code) in refusals {
        let story = Story::new().await;
        let ran = story.run(vec![Fault::reply("POST", PULLS, 1, 422, &[], body)]).await;
        assert_eq!((class(&ran), story.open_pulls().await, story.branches().await), (code, 0, 0), "{}", lines(&ran));
    }
}

#[tokio::test]
async fn f_42_a_head_that_a_replica_does_not_see_yet_is_waited_for() {
    let story = Story::with(Settings { ref_lag: Duration::from_secs(3), ..Settings::default() }).await;
    let ran = story.run(Vec::new()).await;
    made(&story, &ran, "f_42").await;
    story.ends_well("f_42").await;
}

#[tokio::test]
async fn f_43_a_switch_that_forbids_pull_requests_keeps_the_branch_for_later() {
    let story = Story::new().await;
    let body = r#"{"message":"GitHub Actions is not permitted to create or approve pull requests."}"#;
    let ran = story.run(vec![Fault::reply("POST", PULLS, MANY, 403, &[], body)]).await;
    assert_eq!((class(&ran), story.open_pulls().await, story.branches().await), (3, 0, 1), "{}", lines(&ran));
    story.ends_well("f_43").await;
}

#[tokio::test]
async fn f_44_a_secondary_limit_on_a_pull_request_is_waited_for_and_never_a_loop() {
    let story = Story::new().await;
    let ran = story.run(vec![Fault::on("POST", PULLS, 1, Kind::Secondary)]).await;
    made(&story, &ran, "once").await;
    assert!(story.seconds() >= 7);
    let story = Story::new().await;
    let ran = story.run(vec![Fault::on("POST", PULLS, MANY, Kind::Secondary)]).await;
    assert_eq!((class(&ran), story.branches().await), (4, 1), "{}", lines(&ran));
    assert!(story.http.door.count("POST", PULLS) < 10);
    story.ends_well("f_44").await;
}

/// A client that is an App.
fn app(story: &Story) -> GithubForge {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/forge/github/test_key.txt");
    let key = std::fs::read_to_string(path).expect("a key that opens nothing");
    let key = key.trim();
    let pem = if key.contains("BEGIN") {
        key.to_owned()
    } else {
        format!("-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n")
    };
    let credentials = Credentials::app("4711", &Secret::new(pem)).expect("a key");
    story.http.door.set_token("app", Some(Token::App("homeostat[bot]".to_owned())));
    let slugs = slugs(&story.world);
    let slugs: Vec<&str> = slugs.iter().map(String::as_str).collect();
    client_with(&story.http.door, story.world.clock.clone(), &slugs, credentials, None)
}

#[tokio::test]
async fn f_45_a_token_that_ran_out_is_minted_again_once_where_there_is_a_key() {
    let story = Story::new().await;
    story.http.door.set_faults(vec![Fault::on("POST", PULLS, 1, Kind::Unauthorized)]);
    let ran = story.world.run_on(Arc::new(app(&story)), Options::default()).await;
    made(&story, &ran, "with a key").await;
    assert_eq!(story.http.door.count("POST", PULLS), 2);
    story.ends_well("with a key").await;
    let story = Story::new().await;
    let ran = story.run(vec![Fault::on("POST", PULLS, MANY, Kind::Unauthorized)]).await;
    assert_eq!((class(&ran), story.branches().await), (4, 1), "{}", lines(&ran));
    story.ends_well("without a key").await;
}

#[tokio::test]
async fn f_46_an_answer_that_stops_in_the_middle_is_unclear_and_looked_after() {
    let story = Story::new().await;
    let ran = story.run(vec![Fault::on("POST", PULLS, 1, Kind::Truncated)]).await;
    made(&story, &ran, "f_46").await;
    assert_eq!(story.http.door.count("POST", PULLS), 1);
    story.ends_well("f_46").await;
}

#[tokio::test]
async fn f_47_a_repository_that_is_gone_gets_no_pull_request() {
    let story = Story::new().await;
    let ran = story.run(vec![Fault::on("POST", PULLS, MANY, Kind::Lag)]).await;
    assert_eq!(class(&ran), 3, "{:?}\n{}", ran.class, lines(&ran));
    assert_eq!((story.open_pulls().await, story.http.door.count("POST", PULLS)), (0, 1));
    story.ends_well("f_47").await;
}

#[tokio::test]
async fn f_48_labels_that_do_not_stick_are_put_on_by_the_next_run() {
    let body = r#"{"message":"Validation Failed","errors":[{"resource":"Label","code":"invalid"}]}"#;
    let all = [
        Fault::on("POST", "/labels", MANY, Kind::ServerError),
        Fault::on("POST", "/labels", MANY, Kind::Lag),
        Fault::reply("POST", "/labels", MANY, 422, &[], body),
    ];
    for fault in all {
        let story = Story::new().await;
        let what = format!("{fault:?}");
        let ran = story.run(vec![fault]).await;
        assert_eq!(class(&ran), 0, "{what}: {:?}\n{}", ran.class, lines(&ran));
        assert_eq!(story.open_pulls().await, 1, "{what}: the pull request stays");
        story.ends_well(&what).await;
    }
}

/// A second report of the same failure, which gets one comment.
async fn with_a_duplicate() -> (Story, u64) {
    let story = Story::new().await;
    let second = story.world.report(&story.slug, &TOTAL).await;
    (story, second)
}

#[tokio::test]
async fn f_49_a_comment_that_was_written_is_not_written_again() {
    for kind in [Kind::BadGatewayApplied, Kind::ResetAfter, Kind::BadGateway] {
        let (story, second) = with_a_duplicate().await;
        let ran = story.run(vec![Fault::on("POST", "/comments", 1, kind)]).await;
        assert!([0, 4].contains(&class(&ran)), "{kind:?}: {:?}\n{}", ran.class, lines(&ran));
        story.ends_well(&format!("{kind:?}")).await;
        let comments = story.world.forge.comments(&story.slug, second, None).await.expect("comments").items;
        assert_eq!(comments.len(), 1, "{kind:?}: {comments:?}");
    }
}

#[tokio::test]
async fn f_50_an_issue_that_is_locked_is_a_warning_and_no_more() {
    let (story, second) = with_a_duplicate().await;
    story.world.forge.set_locked(&story.slug, second, true).await.expect("a lock");
    let ran = story.run(Vec::new()).await;
    made(&story, &ran, "f_50").await;
}

#[tokio::test]
async fn f_51_a_branch_on_which_a_person_works_is_theirs() {
    let story = Story::new().await;
    let ran = story.run(Vec::new()).await;
    made(&story, &ran, "f_51").await;
    let head = story.world.open_pulls(&story.slug).await.remove(0).head;
    let files = [("src/more.py", Some("more\n"))];
    story.world.forge.commit_files(&story.slug, "alice", &head, &files, "mine\n").await.expect("a push");
    story.world.hours(48);
    let before = story.world.everything().await;
    let again = story.run(Vec::new()).await;
    assert_eq!(class(&again), 0, "{:?}", again.class);
    assert!(before == story.world.everything().await, "nothing is written over a person's work");
}

#[tokio::test]
async fn f_52_a_pull_request_that_a_person_closed_stays_closed() {
    let story = Story::new().await;
    let ran = story.run(Vec::new()).await;
    made(&story, &ran, "f_52").await;
    let number = story.world.open_pulls(&story.slug).await.remove(0).number;
    story.world.forge.close_thread(&story.slug, number, "alice").await.expect("a close");
    story.world.hours(48);
    let again = story.run(Vec::new()).await;
    assert_eq!((class(&again), again.writes), (0, 0), "{:?}\n{}", again.class, lines(&again));
    assert_eq!(story.open_pulls().await, 0);
}

#[tokio::test]
async fn f_58_what_was_surely_not_sent_is_no_unclear_answer() {
    let story = Story::new().await;
    let main = story.main.clone();
    let branch = "homeostat/x".parse().expect("a branch");
    // Nobody listens there; no TLS there.
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = closed.local_addr().expect("an address").port();
    drop(closed);
    let plain = story.http.door.url().replace("http://", "https://");
    for url in [format!("http://127.0.0.1:{port}"), plain] {
        let forge = GithubForge::new(homeostat::forge::github::Settings {
            api_url: url.clone(),
            graphql_url: None,
            server_url: "https://github.com".to_owned(),
            credentials: Credentials::token(Secret::new("ghs_any".to_owned())),
            version: "0.0.0".to_owned(),
            system: Arc::new(super::StillSystem(story.world.clock.clone())),
            deadline: None,
            repositories: vec![story.slug.clone()],
            operator: None,
            governor: None,
        })
        .expect("an address");
        let answer = forge.create_branch(&story.slug, &branch, &main).await;
        assert!(matches!(answer, Err(ForgeError::Transient(_))), "{url}: {answer:?}");
    }
    let proxied = Fault::reply("POST", REFS, 1, 407, &[], "");
    story.http.door.set_faults(vec![proxied]);
    let forge = client(&story.http.door, story.world.clock.clone(), &["acme/shop"]);
    let answer = forge.create_branch(&story.slug, &branch, &main).await;
    assert!(answer.is_err(), "{answer:?}");
    assert_eq!(story.branches().await, 0);
    let ran = story.run(vec![Fault::at(0, Kind::Refuse), Fault::at(3, Kind::Refuse)]).await;
    made(&story, &ran, "reads are asked again").await;
    story.ends_well("f_58").await;
}

/// Two processes over HTTP, their requests in one order; `apart` gives the second another patch.
async fn race(order: &[usize], apart: bool) {
    const TOKENS: [&str; 2] = ["ghp_of-the-first-process", "ghp_of-the-second-process"];
    let story = Story::new().await;
    let door = &story.http.door;
    for token in TOKENS {
        door.set_token(token, Some(Token::Personal("homeostat[bot]".to_owned())));
    }
    let mut other = World::new(vec![TOTAL]);
    other.clock = story.world.clock.clone();
    other.forge = story.world.forge.clone();
    other.workspace = story.world.workspace.clone();
    other.config = story.world.config.clone();
    other.number_runs_from(100);
    if apart {
        other.fixers = vec![mend("repaired")];
    }
    door.take_turns(order.iter().map(|who| TOKENS[*who].to_owned()));
    let process = |world: &World, who: usize| {
        let slugs = slugs(world);
        let slugs: Vec<&str> = slugs.iter().map(String::as_str).collect();
        let credentials = Credentials::token(Secret::new(TOKENS[who].to_owned()));
        Arc::new(client_with(door, world.clock.clone(), &slugs, credentials, None))
    };
    let (one, two) = (process(&story.world, 0), process(&other, 1));
    let first = async {
        let ran = story.world.run_on(one, Options::default()).await;
        door.give_up_turns(TOKENS[0]);
        ran
    };
    let second = async {
        let ran = other.run_on(two, Options::default()).await;
        door.give_up_turns(TOKENS[1]);
        ran
    };
    let (first, second) = tokio::join!(first, second);
    for ran in [&first, &second] {
        assert!(matches!(class(ran), 0 | 4), "{order:?}: {:?}\n{}", ran.class, lines(ran));
    }
    assert!(story.world.pulls(&story.slug).await.len() <= 1, "{order:?}");
    story.ends_well(&format!("{order:?}")).await;
}

/// Orders that are the same each time: who is asked next follows from the seed alone.
fn orders(seed: u64, count: usize) -> Vec<Vec<usize>> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 60 & 1).unwrap_or_default()
    };
    (0..count).map(|_| (0..150).map(|_| next()).collect()).collect()
}

#[tokio::test]
async fn f_53_two_processes_at_the_same_instant_make_one_pull_request() {
    for order in orders(1, 12) {
        Box::pin(race(&order, false)).await;
    }
}

#[tokio::test]
async fn f_54_two_processes_with_different_patches_keep_the_first() {
    for order in orders(2, 12) {
        Box::pin(race(&order, true)).await;
    }
}

#[tokio::test]
async fn the_whole_road_runs_as_an_app_on_an_enterprise_server_and_shows_each_token_where_it_belongs() {
    let mut story = Story::new().await;
    let (forge, clock) = (story.world.forge.clone(), story.world.clock.clone());
    story.http = Http { door: Door::open_at(forge, clock, 2, "/api/v3").await };
    let ran = story.world.run_on(Arc::new(app(&story)), Options::default()).await;
    made(&story, &ran, "an App").await;
    for entry in story.http.door.journal() {
        let own = entry.target.ends_with("/installation") || entry.target.contains("/app");
        let public = entry.target.contains("/users/");
        let expected = if own { Auth::App } else { Auth::Token("homeostat[bot]".to_owned()) };
        assert!(entry.auth == expected || public, "{entry}: {:?}", entry.auth);
    }
    // A bot's commit names nobody, so that GitHub signs it.
    let commits = story.http.door.journal().into_iter().filter(|entry| entry.target.ends_with("/git/commits"));
    let named = commits.filter(|entry| entry.body.as_ref().is_some_and(|body| body.get("author").is_some())).count();
    assert_eq!(named, 0);
    story.ends_well("an App").await;
}

#[tokio::test]
async fn f_59_one_repository_that_fails_hard_keeps_no_other_from_its_pull_request() {
    let mut story = Story::new().await;
    let mut others = Vec::new();
    for name in ["a", "b", "c"] {
        let slug = story.world.repository(name, &[("src/shop.py", &source(&["total"]))]).await;
        story.world.report(&slug, &TOTAL).await;
        others.push(slug);
    }
    let ran = story.run(vec![Fault::on("GET", "/repos/acme/b", MANY, Kind::ServerError)]).await;
    assert_eq!(class(&ran), 4, "{:?}", ran.class);
    for (place, slug) in others.iter().enumerate() {
        assert_eq!(story.world.open_pulls(slug).await.len(), usize::from(place != 1), "{slug}");
    }
    assert_eq!(story.open_pulls().await, 1);
}
