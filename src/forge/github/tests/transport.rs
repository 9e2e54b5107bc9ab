//! What octocrab and HTTP do behind one's back: redirects, copies, limits, lost and broken answers.

use super::*;
use crate::forge::github::transport;

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
async fn v_105_an_artifact_is_fetched_without_the_token_and_no_further_than_its_limit() {
    let store = Server::start(|_| Reply::text(200, "PK and more")).await;
    let target = store.url("/zip?sig=secret");
    let server = Server::start(move |_| Reply::moved(302, &target)).await;
    assert_eq!(forge(&server).artifact(&slug(), 9, 11).await.expect("a zip"), b"PK and more");
    assert_eq!(store.heard()[0].all("authorization"), Vec::<String>::new());
    assert_eq!(server.lines(), ["GET /repos/owner/app/actions/artifacts/9/zip"]);
    let larger = forge(&server).artifact(&slug(), 9, 10).await;
    assert!(matches!(&larger, Err(ForgeError::Invalid(why)) if why.contains("10 bytes")), "{larger:?}");
}

#[tokio::test]
async fn f_17_an_artifact_whose_address_ran_out_is_asked_for_once_more_and_one_that_expired_is_gone() {
    let store = Server::start(|heard| match heard.count {
        0 => Reply::text(403, "AuthenticationFailed"),
        _ => Reply::text(200, "PK"),
    })
    .await;
    let target = store.url("/zip");
    let server = Server::start(move |_| Reply::moved(302, &target)).await;
    assert_eq!(forge(&server).artifact(&slug(), 9, 100).await.expect("a zip"), b"PK");
    let server = Server::start(|_| Reply::json(410, &json!({ "message": "Artifact has expired" }))).await;
    let gone = forge(&server).artifact(&slug(), 9, 100).await;
    assert!(matches!(gone, Err(ForgeError::NotFound(_))), "{gone:?}");
    assert_eq!(server.heard().len(), 1);
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
