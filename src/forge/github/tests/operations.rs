//! What the port's operations ask for, and what they make of answers that GitHub gives in ways of its own.

use super::*;

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

#[tokio::test]
async fn f_06_a_list_without_an_end_or_to_another_server_ends_as_an_error_and_never_as_a_whole_list() {
    let endless = Server::start(|heard| {
        let at: u32 = heard.query.rsplit_once("page=").and_then(|(_, page)| page.parse().ok()).unwrap_or(1);
        let host = heard.all("host").remove(0);
        let next = format!("<http://{host}/repositories/7/issues?page={}>; rel=\"next\"", at + 1);
        Reply::new(200, &[("link", &next)], "[]")
    })
    .await;
    // No limit on the minute is what this is about.
    let (_, settings) = settings(&endless, Credentials::token(Secret::new(TOKEN)));
    let forge = GithubForge::new(Settings { deadline: None, ..settings }).expect("a forge");
    let mut token = None;
    let mut pages = 0;
    let ended = loop {
        match forge.issues(&slug(), &IssueQuery::default(), token.as_deref()).await {
            Ok(page) => {
                pages += 1;
                assert!(page.next.is_some() && pages < 2_000);
                token = page.next;
            }
            Err(error) => break error,
        }
    };
    assert!(matches!(&ended, ForgeError::Transient(why) if why.contains("more pages")), "{pages}: {ended:?}");

    let elsewhere = Server::start(|_| Reply::json(200, &json!([]))).await;
    let target = elsewhere.url("/repos/owner/app/issues?page=2");
    let luring = Server::start(move |_| {
        let next = format!("<{target}>; rel=\"next\"");
        Reply::new(200, &[("link", &next)], "[]")
    })
    .await;
    let answer = self::forge(&luring).issues(&slug(), &IssueQuery::default(), None).await;
    assert!(matches!(&answer, Err(ForgeError::Transient(why)) if why.contains("another")), "{answer:?}");
    assert!(elsewhere.heard().is_empty(), "no page and no token go there");
}
