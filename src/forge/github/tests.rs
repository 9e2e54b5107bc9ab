//! The adapter against a socket that says what a test tells it: what octocrab, HTTP and GitHub do behind one's back.
//!
//! Refuses to be a GitHub: scenarios run over the test forge's own HTTP door. Each trap has a test here.

mod server;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use self::server::{Heard, Reply, Server};
use super::auth::tests::test_key;
use super::governor::tests::Virtual;
use super::*;
use crate::forge::{ForgeError, PullState};
use crate::model::{ActorKind, Secret};

const TOKEN: &str = "ghp_hunter2hunter2hunter2hunter2hunter2";

fn slug() -> RepoSlug {
    "owner/app".parse().expect("a slug")
}

fn oid(digit: &str) -> ObjectId {
    digit.repeat(40).parse().expect("an id")
}

fn branch(name: &str) -> BranchName {
    name.parse().expect("a branch")
}

fn settings(server: &Server, credentials: Credentials) -> (Arc<Virtual>, Settings) {
    let system = Arc::new(Virtual::default());
    let settings = Settings {
        api_url: server.url(""),
        graphql_url: None,
        server_url: "https://github.com".to_owned(),
        credentials,
        version: "1.2.3".to_owned(),
        system: Arc::clone(&system) as Arc<dyn System>,
        deadline: Some(Duration::from_mins(10)),
        repositories: vec![slug()],
        operator: None,
        governor: None,
    };
    (system, settings)
}

fn forge(server: &Server) -> GithubForge {
    let (_, settings) = settings(server, Credentials::token(Secret::new(TOKEN)));
    GithubForge::new(settings).expect("a forge")
}

fn repository(id: u64, name: &str) -> Value {
    json!({
        "id": id, "node_id": "R_7", "full_name": name, "default_branch": "main", "private": false,
        "html_url": format!("https://github.com/{name}"),
    })
}

fn pull(number: u64, head: &str, repo: u64) -> Value {
    json!({
        "number": number, "html_url": "https://x", "title": "t", "body": "b", "state": "open",
        "user": { "id": 5, "login": "bot", "type": "Bot" },
        "head": { "ref": head, "sha": "1".repeat(40), "repo": { "id": repo } },
        "base": { "ref": "main", "sha": "2".repeat(40), "repo": { "id": 7 } },
        "created_at": "2026-11-23T12:00:00Z", "merged_at": null, "closed_at": null, "merge_commit_sha": null,
    })
}

fn new_pull() -> NewPull {
    NewPull { title: "t".into(), body: "b".into(), head: branch("homeostat/x"), base: branch("main"), draft: true }
}

#[test]
fn the_adapter_is_made_outside_a_runtime() {
    let credentials = Credentials::token(Secret::new(TOKEN));
    let settings = Settings {
        api_url: "https://api.github.com".to_owned(),
        graphql_url: None,
        server_url: "https://github.com".to_owned(),
        credentials,
        version: "1".to_owned(),
        system: Arc::new(Virtual::default()),
        deadline: None,
        repositories: vec![slug()],
        operator: None,
        governor: None,
    };
    let forge = GithubForge::new(settings.clone()).expect("a forge");
    assert!(!format!("{forge:?} {settings:?}").contains("hunter2"));
    let plain = Settings { api_url: "http://ghe.example/api/v3".to_owned(), ..settings };
    assert!(matches!(GithubForge::new(plain), Err(SettingsError::Address(why)) if why.contains("plain HTTP")));
}

#[tokio::test]
async fn one_request_carries_one_agent_one_version_and_the_token() {
    let server = Server::start(|_| Reply::json(200, &repository(7, "owner/app"))).await;
    forge(&server).repository(&slug()).await.expect("a repository");
    let heard = &server.heard()[0];
    assert_eq!(heard.all("user-agent"), ["homeostat/1.2.3"]);
    assert_eq!(heard.all("x-github-api-version"), ["2022-11-28"]);
    assert_eq!(heard.all("authorization"), [format!("Bearer {TOKEN}")]);
    assert_eq!(heard.line, "GET /repos/owner/app");
    assert_eq!(heard.all("accept-encoding"), Vec::<String>::new());
}

#[tokio::test]
async fn a_write_is_never_redirected_into_a_read() {
    for status in [301, 302, 303] {
        let server = Server::start(move |heard| match heard.line.as_str() {
            "POST /repos/owner/app/pulls" => Reply::moved(status, "/repositories/7/pulls"),
            _ => Reply::json(200, &json!([])),
        })
        .await;
        let answer = forge(&server).create_pull(&slug(), &new_pull()).await;
        assert!(matches!(answer, Err(ForgeError::NotFound(_))), "{answer:?}");
        assert_eq!(server.lines(), ["POST /repos/owner/app/pulls"]);
    }
}

#[tokio::test]
async fn f_47_a_write_follows_a_renamed_repository_and_no_other() {
    for (id, lines) in [(7, 3), (8, 2)] {
        let server = Server::start(move |heard| match heard.line.as_str() {
            "POST /repos/owner/app/git/refs" => Reply::moved(307, &format!("/repositories/{id}/git/refs")),
            "GET /repos/owner/app" => Reply::json(200, &repository(7, "owner/renamed")),
            _ => Reply::json(201, &json!({})),
        })
        .await;
        let answer = forge(&server).create_branch(&slug(), &branch("x"), &oid("1")).await;
        let heard = server.heard();
        assert_eq!(heard.len(), lines, "{:?}", server.lines());
        if id == 7 {
            assert_eq!(answer, Ok(()));
            assert_eq!(heard[2].line, "POST /repositories/7/git/refs");
            assert_eq!(heard[2].body, heard[0].body);
        } else {
            assert!(matches!(answer, Err(ForgeError::NotFound(_))), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn f_16_a_transferred_issue_is_not_followed_into_another_repository() {
    let server = Server::start(|heard| match heard.line.as_str() {
        "GET /repos/owner/app/issues/1" => Reply::moved(301, "/repositories/99/issues/4"),
        _ => Reply::json(200, &repository(7, "owner/app")),
    })
    .await;
    let answer = forge(&server).issue(&slug(), 1).await;
    assert!(matches!(answer, Err(ForgeError::NotFound(_))), "{answer:?}");
}

#[tokio::test]
async fn redirects_end() {
    let server = Server::start(|_| Reply::moved(302, "/repos/owner/app")).await;
    let answer = forge(&server).repository(&slug()).await;
    assert!(matches!(answer, Err(ForgeError::Transient(_))), "{answer:?}");
    assert!(server.heard().len() <= 7);
}

#[tokio::test]
async fn v_105_the_token_stays_on_its_server() {
    let other = Server::start(|_| Reply::json(200, &json!({}))).await;
    let elsewhere = other.url("/repos/owner/app");
    let server = Server::start(move |_| Reply::moved(301, &elsewhere)).await;
    let answer = forge(&server).repository(&slug()).await;
    assert!(matches!(answer, Err(ForgeError::NotFound(_))), "{answer:?}");
    assert_eq!(other.heard().len(), 0);
}

#[tokio::test]
async fn v_105_a_log_is_fetched_without_the_token_and_its_end_is_kept() {
    let store = Server::start(|_| Reply::text(200, &format!("{}the end", "x".repeat(200_000)))).await;
    let target = store.url("/log?sig=secret");
    let server = Server::start(move |_| Reply::moved(302, &target)).await;
    let log = forge(&server).job_log(&slug(), 9, 7).await.expect("a log");
    assert_eq!((log.bytes.as_slice(), log.cut), (b"the end".as_slice(), true));
    let heard = store.heard();
    assert_eq!(heard[0].all("authorization"), Vec::<String>::new());
    assert_eq!(server.lines(), ["GET /repos/owner/app/actions/jobs/9/logs"]);
}

#[tokio::test]
async fn a_log_of_a_renamed_repository_is_found() {
    let store = Server::start(|_| Reply::text(200, "log")).await;
    let target = store.url("/log");
    let server = Server::start(move |heard| match heard.line.as_str() {
        "GET /repos/owner/app/actions/jobs/9/logs" => Reply::moved(301, "/repositories/7/actions/jobs/9/logs"),
        "GET /repos/owner/app" => Reply::json(200, &repository(7, "owner/renamed")),
        _ => Reply::moved(302, &target),
    })
    .await;
    assert_eq!(forge(&server).job_log(&slug(), 9, 100).await.expect("a log").bytes, b"log");
}

#[tokio::test]
async fn f_33_a_folder_in_the_way_is_named_whatever_the_server_says() {
    let server = Server::start(|heard| match heard.line.as_str() {
        "POST /repos/owner/app/git/refs" => Reply::json(422, &json!({ "message": "Reference already exists" })),
        _ => Reply::json(
            200,
            &json!([
                { "ref": "refs/heads/homeostat-state", "object": { "sha": "1".repeat(40) } },
                { "ref": "refs/heads/homeostat", "object": { "sha": "1".repeat(40) } },
            ]),
        ),
    })
    .await;
    let answer = forge(&server).create_branch(&slug(), &branch("homeostat/x"), &oid("1")).await;
    assert!(matches!(&answer, Err(ForgeError::Invalid(why)) if why.contains("folder")), "{answer:?}");
    let answer = forge(&server).create_branch(&slug(), &branch("homeostat"), &oid("1")).await;
    assert!(matches!(answer, Err(ForgeError::Conflict(_))), "{answer:?}");
}

#[tokio::test]
async fn a_server_that_is_down_is_not_asked_for_each_repository() {
    let server = Server::start(|_| Reply::json(502, &json!({}))).await;
    let query = |n: usize| GlanceQuery {
        slug: format!("owner/app{n}").parse().expect("a slug"),
        branch: None,
        labels: Vec::new(),
    };
    let queries: Vec<GlanceQuery> = (0..120).map(query).collect();
    let glances = forge(&server).glance(&queries).await.expect("answers");
    assert_eq!(glances.len(), 120);
    assert!(glances.iter().all(|glance| matches!(glance, Err(ForgeError::Transient(_)))));
    assert!(server.heard().len() <= 4, "{}", server.heard().len());
}

#[tokio::test]
async fn f_17_a_log_whose_address_ran_out_is_asked_for_once_more() {
    let store = Server::start(|heard| match heard.count {
        0 => Reply::text(403, "AuthenticationFailed"),
        _ => Reply::text(200, "log"),
    })
    .await;
    let target = store.url("/log");
    let server = Server::start(move |_| Reply::moved(302, &target)).await;
    let log = forge(&server).job_log(&slug(), 9, 100).await.expect("a log");
    assert_eq!((log.bytes.as_slice(), log.cut), (b"log".as_slice(), false));
    assert_eq!((server.heard().len(), store.heard().len()), (2, 2));
    let gone = Server::start(|_| Reply::text(404, "BlobNotFound")).await;
    let target = gone.url("/log");
    let server = Server::start(move |_| Reply::moved(302, &target)).await;
    let answer = forge(&server).job_log(&slug(), 9, 100).await;
    assert!(matches!(answer, Err(ForgeError::NotFound(_))), "{answer:?}");
    assert_eq!(gone.heard().len(), 2);
}

#[tokio::test]
async fn f_18_the_words_of_an_error_are_no_log() {
    for status in [404, 410] {
        let server = Server::start(move |_| Reply::json(status, &json!({ "message": "Gone" }))).await;
        let answer = forge(&server).job_log(&slug(), 9, 100).await;
        assert!(matches!(answer, Err(ForgeError::NotFound(_))), "{answer:?}");
        assert_eq!(server.heard().len(), 1);
    }
}

#[tokio::test]
async fn a_copy_serves_while_the_server_says_so_and_never_rides_on_a_write() {
    let server = Server::start(|heard| {
        let tag = heard.all("if-none-match");
        match (heard.line.as_str(), tag.first().map(String::as_str)) {
            ("GET /repos/owner/app", Some("\"one\"")) => Reply::new(304, &[], ""),
            ("GET /repos/owner/app", _) => {
                Reply::new(200, &[("etag", "\"one\"")], &repository(7, "owner/app").to_string())
            }
            _ => Reply::json(201, &json!({ "sha": "1".repeat(40) })),
        }
    })
    .await;
    let forge = forge(&server);
    let first = forge.repository(&slug()).await.expect("a repository");
    assert_eq!(forge.repository(&slug()).await.expect("the copy"), first);
    forge.create_blob(&slug(), b"x").await.expect("a blob");
    let heard = server.heard();
    assert_eq!(heard.len(), 3);
    assert_eq!(heard[2].all("if-none-match"), Vec::<String>::new());
}

#[tokio::test]
async fn f_08_pull_requests_are_never_read_from_a_copy() {
    let server = Server::start(|heard| match heard.line.as_str() {
        "GET /repos/owner/app" => Reply::json(200, &repository(7, "owner/app")),
        _ => Reply::new(200, &[("etag", "\"x\"")], "[]"),
    })
    .await;
    let forge = forge(&server);
    let query = PullQuery { head: Some(branch("homeostat/x")), open_only: false };
    for _ in 0..2 {
        forge.pulls(&slug(), &query, None).await.expect("a page");
        forge.branches(&slug(), "homeostat/").await.expect("branches");
    }
    assert!(server.heard().iter().all(|heard| heard.all("if-none-match").is_empty()));
}

#[tokio::test]
async fn f_02_a_bad_token_is_sent_once() {
    let server = Server::start(|_| Reply::json(401, &json!({ "message": format!("Bad {TOKEN}") }))).await;
    let forge = forge(&server);
    for _ in 0..3 {
        let answer = forge.repository(&slug()).await;
        let Err(ForgeError::Denied(why)) = answer else { panic!("{answer:?}") };
        assert!(why.contains("bad-credentials") && !why.contains("hunter2"), "{why}");
    }
    assert_eq!(server.heard().len(), 1);
}

#[tokio::test]
async fn f_45_a_token_that_ran_out_is_the_next_runs_business() {
    let server = Server::start(|heard| match heard.count {
        0 => Reply::json(200, &repository(7, "owner/app")),
        _ => Reply::json(401, &json!({ "message": "Bad credentials" })),
    })
    .await;
    let forge = forge(&server);
    forge.repository(&slug()).await.expect("a repository");
    for _ in 0..2 {
        let answer = forge.create_pull(&slug(), &new_pull()).await;
        assert!(matches!(answer, Err(ForgeError::Transient(_))), "{answer:?}");
    }
    assert_eq!(server.heard().len(), 2);
}

/// An App's server: a token for each owner, refused when it is told to.
fn app_reply(heard: &Heard, refuse: &str) -> Reply {
    match heard.line.as_str() {
        "GET /repos/owner/app/installation" => Reply::json(200, &json!({ "id": 3 })),
        "POST /app/installations/3/access_tokens" => {
            let token = format!("ghs_{}", heard.count);
            Reply::json(201, &json!({ "token": token, "expires_at": "2099-01-01T00:00:00Z" }))
        }
        _ if heard.all("authorization") == [format!("Bearer {refuse}")] => Reply::json(401, &json!({})),
        "GET /repos/owner/app/issues" => {
            let host = heard.all("host").remove(0);
            let next = format!("<http://{host}/repositories/7/issues?page=2>; rel=\"next\"");
            Reply::new(200, &[("link", &next)], "[]")
        }
        _ => Reply::json(200, &json!([])),
    }
}

#[tokio::test]
async fn an_app_makes_one_narrow_token_and_keeps_it_on_every_page() {
    let server = Server::start(|heard| app_reply(heard, "")).await;
    let app = Credentials::app("12", &test_key()).expect("an app");
    let (_, settings) = settings(&server, app);
    let forge = GithubForge::new(settings).expect("a forge");
    let page = forge.issues(&slug(), &IssueQuery::default(), None).await.expect("a page");
    let last = forge.issues(&slug(), &IssueQuery::default(), page.next.as_deref()).await.expect("a page");
    assert_eq!(last.next, None);
    let heard = server.heard();
    let lines: Vec<&str> = heard.iter().map(|heard| heard.line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "GET /repos/owner/app/installation",
            "POST /app/installations/3/access_tokens",
            "GET /repos/owner/app/issues",
            "GET /repositories/7/issues",
        ]
    );
    assert!(heard[0].all("authorization")[0].starts_with("Bearer ey"));
    assert_eq!(heard[1].json()["repositories"], json!(["app"]));
    for page in &heard[2..] {
        assert_eq!(page.all("authorization"), ["Bearer ghs_1"]);
    }
    assert_eq!(forge.client.credentials().token_kind(), TokenKind::Installation);
}

#[tokio::test]
async fn f_45_an_apps_token_is_made_anew_once() {
    let server = Server::start(|heard| app_reply(heard, "ghs_1")).await;
    let app = Credentials::app("12", &test_key()).expect("an app");
    let (_, settings) = settings(&server, app);
    let forge = GithubForge::new(settings).expect("a forge");
    forge.issues(&slug(), &IssueQuery::default(), None).await.expect("a page");
    let tokens: Vec<String> = server.heard().iter().flat_map(|heard| heard.all("authorization")).collect();
    assert_eq!(tokens.iter().filter(|token| token.as_str() == "Bearer ghs_1").count(), 1);
    assert_eq!(tokens.last().map(String::as_str), Some("Bearer ghs_4"));
}

#[tokio::test]
async fn f_14_an_apps_clock_is_put_right_by_the_first_refusal() {
    let server = Server::start(|heard| match heard.count {
        0 => Reply::new(401, &[("date", "Fri, 15 Jan 2027 08:00:00 GMT")], "{}"),
        _ => app_reply(heard, ""),
    })
    .await;
    let app = Credentials::app("12", &test_key()).expect("an app");
    let (_, settings) = settings(&server, app);
    let forge = GithubForge::new(settings).expect("a forge");
    forge.issues(&slug(), &IssueQuery::default(), None).await.expect("a page");
    assert_eq!(forge.now().await.map(Timestamp::day), Ok("2027-01-15".to_owned()));
}

#[tokio::test]
async fn a_lost_answer_is_ambiguous_for_a_write_and_transient_for_a_read() {
    let whole = "HTTP/1.1 201 Created\r\ncontent-length: 4000\r\n\r\n{\"number\":";
    for reply in [Reply::Close, Reply::Raw(whole.to_owned()), Reply::text(201, "<html>"), Reply::json(201, &json!({}))]
    {
        let sent = reply.clone();
        let server = Server::start(move |_| sent.clone()).await;
        let answer = forge(&server).create_pull(&slug(), &new_pull()).await;
        assert!(matches!(answer, Err(ForgeError::Ambiguous(_))), "{reply:?}: {answer:?}");
        let answer = forge(&server).issue(&slug(), 1).await;
        assert!(matches!(answer, Err(ForgeError::Transient(_))), "{reply:?}: {answer:?}");
        assert_eq!(server.heard().len(), 2, "nothing is sent twice: {reply:?}");
    }
}

#[tokio::test]
async fn f_58_a_refused_connection_is_transient_for_a_write() {
    let server = Server::start(|_| Reply::Close).await;
    let forge = forge(&server);
    server.stop().await;
    let answer = forge.create_pull(&slug(), &new_pull()).await;
    let Err(ForgeError::Transient(why)) = answer else { panic!("{answer:?}") };
    assert!(why.contains("no connection") && !why.contains('\n') && !why.contains("hunter2"), "{why}");
}

#[tokio::test]
async fn f_07_a_page_that_is_no_json_is_no_answer() {
    for body in ["", "<html>", "[{\"number\":1", "{\"a\":1}", "[{}]"] {
        let server = Server::start(move |_| Reply::text(200, body)).await;
        let answer = forge(&server).issues(&slug(), &IssueQuery::default(), None).await;
        let Err(ForgeError::Transient(why)) = answer else { panic!("{body}: {answer:?}") };
        assert!(body != "[{}]" || why.contains("`number`"), "{why}");
    }
}

#[tokio::test]
async fn v_106_a_body_has_a_limit() {
    let server = Server::start(|_| {
        let body = "x".repeat(100_000);
        Reply::Raw(format!("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n{body}"))
    })
    .await;
    let transport = Transport::new("1");
    let url = server.url("/");
    let outgoing = transport::Outgoing {
        method: http::Method::GET,
        url: &url,
        token: None,
        etag: None,
        body: None,
        keep: transport::Keep::All(1_000),
    };
    assert!(matches!(transport.send(&outgoing).await, Err(transport::Failure::TooLong(1_000))));
    let tail = transport::Outgoing { keep: transport::Keep::Tail { bytes: 10, most: 1_000 }, ..outgoing };
    assert!(matches!(transport.send(&tail).await, Err(transport::Failure::TooLong(1_000))));
}

#[tokio::test]
async fn f_44_a_creation_that_a_limit_refused_waits_and_is_sent_again() {
    let server = Server::start(|heard| match heard.count {
        0 => Reply::new(403, &[("retry-after", "7")], "{}"),
        _ => Reply::json(201, &pull(3, "homeostat/x", 7)),
    })
    .await;
    let (system, settings) = settings(&server, Credentials::token(Secret::new(TOKEN)));
    let forge = GithubForge::new(settings).expect("a forge");
    let made = forge.create_pull(&slug(), &new_pull()).await.expect("a pull request");
    assert_eq!((made.number, made.state), (3, PullState::Open));
    assert!(system.monotonic() >= Duration::from_secs(7));
}

#[tokio::test]
async fn f_11_a_limit_that_does_not_end_is_given_up() {
    let server = Server::start(|_| Reply::new(429, &[], "")).await;
    let (system, settings) = settings(&server, Credentials::token(Secret::new(TOKEN)));
    let forge = GithubForge::new(settings).expect("a forge");
    let answer = forge.repository(&slug()).await;
    let Err(ForgeError::RateLimited { until }) = answer else { panic!("{answer:?}") };
    assert_eq!(server.heard().len(), 3);
    assert_eq!(system.monotonic(), Duration::from_mins(3));
    assert!(until.since(system.now()) > Duration::ZERO);
}

#[tokio::test]
async fn graphql_of_an_enterprise_server_lies_beside_its_api() {
    let server = Server::start(|heard| match heard.line.as_str() {
        "POST /api/graphql" => {
            Reply::json(200, &json!({ "data": { "viewer": { "databaseId": 8, "login": "b[bot]" } } }))
        }
        _ => Reply::json(404, &json!({})),
    })
    .await;
    let (_, given) = settings(&server, Credentials::token(Secret::new("ghs_x")));
    let forge = GithubForge::new(Settings { api_url: server.url("/api/v3"), ..given }).expect("a forge");
    let us = forge.identity().await.expect("an account");
    assert_eq!((us.id, us.kind), (8, ActorKind::Bot));
    let answer = forge.branch(&slug(), &branch("main")).await;
    assert!(matches!(answer, Err(ForgeError::NotFound(_))), "{answer:?}");
    assert_eq!(
        server.lines(),
        ["POST /api/graphql", "GET /api/v3/repos/owner/app/git/ref/heads/main", "GET /api/v3/repos/owner/app"]
    );
}

#[tokio::test]
async fn a_first_look_without_graphql_asks_rest() {
    let server = Server::start(|heard| match heard.line.as_str() {
        "POST /graphql" => Reply::json(404, &json!({ "message": "Not Found" })),
        "GET /repos/owner/app" => Reply::json(200, &repository(7, "owner/app")),
        "GET /repos/owner/app/git/ref/heads/main" => {
            Reply::json(200, &json!({ "ref": "refs/heads/main", "object": { "sha": "1".repeat(40) } }))
        }
        "GET /repos/owner/app/issues" => Reply::json(200, &json!([])),
        line if line.ends_with("/status") => Reply::json(200, &json!({ "state": "pending", "total_count": 0 })),
        line if line.ends_with("/check-runs") => {
            Reply::json(200, &json!({ "check_runs": [{ "conclusion": "failure" }] }))
        }
        line => panic!("{line}"),
    })
    .await;
    let query = GlanceQuery { slug: slug(), branch: None, labels: vec!["robot".into()] };
    let glances = forge(&server).glance(&[query]).await.expect("answers");
    let glance = glances[0].as_ref().expect("a glance");
    assert_eq!(
        (glance.checks, glance.reports, glance.head.clone()),
        (crate::forge::Checks::Failing, 0, Some(oid("1")))
    );
}

#[tokio::test]
async fn times_are_asked_for_in_whole_seconds_and_pull_requests_are_no_issues() {
    let issue = |number: u64, pull: bool| {
        let mut issue = json!({
            "number": number, "html_url": "https://x", "title": "t", "body": null, "user": null, "state": "open",
            "labels": [], "created_at": "2026-11-23T12:00:00Z", "updated_at": "2026-11-23T12:00:00Z",
        });
        if pull {
            issue["pull_request"] = json!({});
        }
        issue
    };
    let page = json!([issue(1, false), issue(2, true), issue(1, false)]);
    let server = Server::start(move |_| Reply::json(200, &page)).await;
    let since = "2026-11-23T11:22:33.987Z".parse().ok();
    let query = IssueQuery { label: Some("a b&c".into()), open_only: true, since };
    let issues = forge(&server).issues(&slug(), &query, None).await.expect("a page").items;
    assert_eq!(issues.iter().map(|issue| issue.number).collect::<Vec<_>>(), [1]);
    let target = &server.heard()[0].query;
    assert!(target.contains("since=2026-11-23T11%3A22%3A33Z") && target.contains("labels=a%20b%26c"), "{target}");
}

#[tokio::test]
async fn pull_requests_of_a_head_are_those_of_this_repository_by_its_present_name() {
    let server = Server::start(|heard| match heard.line.as_str() {
        "GET /repos/owner/app" => Reply::json(200, &repository(7, "Renamed/app")),
        _ => Reply::json(200, &json!([pull(3, "homeostat/x", 8), pull(2, "homeostat/x", 7), pull(1, "other", 7)])),
    })
    .await;
    let query = PullQuery { head: Some(branch("homeostat/x")), open_only: false };
    let pulls = forge(&server).pulls(&slug(), &query, None).await.expect("a page").items;
    assert_eq!(pulls.iter().map(|pull| pull.number).collect::<Vec<_>>(), [2]);
    assert!(server.heard()[1].query.contains("head=Renamed:homeostat/x"), "{}", server.heard()[1].query);
}

#[tokio::test]
async fn a_branch_is_not_its_prefix() {
    let server = Server::start(|heard| match heard.line.as_str() {
        "GET /repos/owner/app/git/ref/heads/homeostat/x" => {
            Reply::json(200, &json!([{ "ref": "refs/heads/homeostat/x-2", "object": { "sha": "1".repeat(40) } }]))
        }
        "GET /repos/owner/app" => Reply::json(200, &repository(7, "owner/app")),
        _ => Reply::json(409, &json!({ "message": "Git Repository is empty." })),
    })
    .await;
    let forge = forge(&server);
    assert_eq!(forge.branch(&slug(), &branch("homeostat/x")).await, Ok(None));
    assert_eq!(forge.branch(&slug(), &branch("main")).await, Ok(None));
}

#[tokio::test]
async fn a_tree_that_is_too_long_is_read_folder_by_folder() {
    let blob = |path: &str| json!({ "path": path, "mode": "100644", "type": "blob", "sha": "1".repeat(40) });
    let folder = |path: &str, id: &str| json!({ "path": path, "mode": "040000", "type": "tree", "sha": id.repeat(40) });
    let server = Server::start(move |heard| {
        let id = heard.line.rsplit('/').next().unwrap_or_default().chars().next().unwrap_or_default();
        match (id, heard.query.contains("recursive")) {
            ('a' | 'c', true) => Reply::json(200, &json!({ "tree": [blob("lost")], "truncated": true })),
            ('a', false) => Reply::json(200, &json!({ "tree": [blob("z"), folder("b", "b"), folder("c", "c")] })),
            ('b', true) => Reply::json(200, &json!({ "tree": [folder("d", "d"), blob("d/e")], "truncated": false })),
            ('c', false) => Reply::json(200, &json!({ "tree": [blob("f")] })),
            other => panic!("{other:?}"),
        }
    })
    .await;
    let tree = forge(&server).tree(&slug(), &oid("a")).await.expect("a tree");
    assert_eq!(tree.iter().map(|entry| entry.path.as_str()).collect::<Vec<_>>(), ["b/d/e", "c/f", "z"]);
}

#[tokio::test]
async fn v_05_a_login_that_another_account_took_over_has_no_permission() {
    let server = Server::start(|_| {
        Reply::json(
            200,
            &json!({ "permission": "write", "role_name": "maintain", "user": { "id": 5, "login": "ada" } }),
        )
    })
    .await;
    let ada = |id| Actor { id, login: "ada".into(), kind: ActorKind::User };
    let forge = forge(&server);
    assert_eq!(forge.permission(&slug(), &ada(5)).await, Ok(Permission::Maintain));
    assert_eq!(forge.permission(&slug(), &ada(6)).await, Ok(Permission::None));
}

#[tokio::test]
async fn v_04_a_permission_that_cannot_be_looked_up_is_an_error() {
    let server = Server::start(|_| Reply::json(502, &json!({}))).await;
    let ada = Actor { id: 5, login: "ada".into(), kind: ActorKind::User };
    let answer = forge(&server).permission(&slug(), &ada).await;
    assert!(matches!(answer, Err(ForgeError::Transient(_))), "{answer:?}");
}

#[tokio::test]
async fn a_branch_is_deleted_with_the_expected_commit_in_the_request_or_not_at_all() {
    for supported in [true, false] {
        let server = Server::start(move |heard| match heard.line.as_str() {
            "GET /repos/owner/app" => Reply::json(200, &repository(7, "owner/app")),
            "POST /graphql" if supported => Reply::json(200, &json!({ "data": { "updateRefs": {} } })),
            "POST /graphql" => Reply::json(
                200,
                &json!({ "errors": [{ "message": "Field 'updateRefs' doesn't exist on type 'Mutation'" }] }),
            ),
            "GET /repos/owner/app/git/ref/heads/x" => {
                Reply::json(200, &json!({ "ref": "refs/heads/x", "object": { "sha": "1".repeat(40) } }))
            }
            line => panic!("{line}"),
        })
        .await;
        let forge = forge(&server);
        let moved = forge.delete_branch(&slug(), &branch("x"), &oid("2")).await;
        assert!(matches!(moved, Err(ForgeError::Conflict(_))), "{moved:?}");
        let answer = forge.delete_branch(&slug(), &branch("x"), &oid("1")).await;
        if supported {
            assert_eq!(answer, Ok(()));
            let heard = server.heard();
            let body = heard.last().expect("a request").json();
            assert_eq!(body["variables"]["before"], "1".repeat(40));
            assert_eq!(body["variables"]["repository"], "R_7");
        } else {
            assert!(matches!(answer, Err(ForgeError::Denied(_))), "{answer:?}");
        }
        assert!(server.lines().iter().all(|line| !line.starts_with("DELETE")));
    }
}

#[tokio::test]
async fn f_48_a_label_that_does_not_exist_is_not_made_by_the_way() {
    let server = Server::start(|heard| match heard.line.as_str() {
        "GET /repos/owner/app/labels/there" => Reply::json(200, &json!({ "name": "there" })),
        "POST /repos/owner/app/issues/1/labels" => Reply::json(200, &json!([])),
        _ => Reply::json(404, &json!({ "message": "Not Found" })),
    })
    .await;
    let forge = forge(&server);
    let answer = forge.add_labels(&slug(), 1, &["there".into(), "missing".into()]).await;
    assert!(matches!(answer, Err(ForgeError::Invalid(_))), "{answer:?}");
    forge.add_labels(&slug(), 1, &["there".into()]).await.expect("labels");
    assert_eq!(server.lines().iter().filter(|line| line.starts_with("POST")).count(), 1);
    assert_eq!(server.lines().len(), 3, "what is known to exist is not looked up again");
}

#[tokio::test]
async fn a_bots_commit_names_nobody_and_a_persons_is_the_same_when_made_again() {
    for (token, personal) in [("ghs_x", false), (TOKEN, true)] {
        let server = Server::start(|heard| match heard.line.as_str() {
            "GET /user" => Reply::json(200, &json!({ "id": 5, "login": "ada", "type": "User" })),
            "POST /repos/owner/app/git/commits" => Reply::json(201, &json!({ "sha": "9".repeat(40) })),
            _ => Reply::json(
                200,
                &json!({
                    "sha": "1".repeat(40), "tree": { "sha": "2".repeat(40) }, "parents": [], "message": "m",
                    "committer": { "date": "2026-11-23T12:00:00Z" },
                }),
            ),
        })
        .await;
        let (_, settings) = settings(&server, Credentials::token(Secret::new(token)));
        let forge = GithubForge::new(settings).expect("a forge");
        let commit = NewCommit { tree: oid("2"), parents: vec![oid("1")], message: "fix\n".into() };
        assert_eq!(forge.create_commit(&slug(), &commit).await, Ok(oid("9")));
        let body = server.heard().last().expect("a request").json();
        if personal {
            assert_eq!(body["author"], body["committer"]);
            assert_eq!(body["author"]["date"], "2026-11-23T12:00:01Z");
            assert_eq!(body["author"]["email"], "5+ada@users.noreply.github.com");
        } else {
            assert_eq!((body.get("author"), body.get("committer"), body.get("signature")), (None, None, None));
        }
    }
}

#[tokio::test]
async fn an_edit_by_another_person_is_seen_through_graphql() {
    let edit = |id: &str, at: &str| json!({ "id": id, "editedAt": at, "editor": { "__typename": "User", "login": "eve", "databaseId": 66 } });
    let edits = json!([edit("a", "2026-11-23T12:00:00Z"), edit("b", "2026-11-23T13:00:00Z"), null]);
    let answer = json!({ "data": { "repository": { "issueOrPullRequest": {
        "createdAt": "2026-11-23T12:00:00Z", "userContentEdits": { "nodes": edits },
    } } } });
    let server = Server::start(move |heard| match heard.line.as_str() {
        "POST /graphql" => Reply::json(200, &answer),
        _ => Reply::json(
            200,
            &json!([{ "id": 1, "event": "labeled", "label": { "name": "robot" }, "created_at": "2026-11-23T14:00:00Z" }]),
        ),
    })
    .await;
    let events = forge(&server).issue_events(&slug(), 1, None).await.expect("a page").items;
    assert_eq!(events.len(), 2);
    assert_eq!(events[0].kind, crate::forge::IssueEventKind::Edited);
    assert_eq!(events[0].actor.as_ref().map(|actor| actor.id), Some(66));
    assert!(events[0].id > 0);
}
