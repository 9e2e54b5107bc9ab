//! Who asks: a token is sent to its server, once when it is wrong, and an App's is made, kept and renewed.

use super::*;
use crate::forge::github::auth::tests::test_key;

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
async fn v_105_the_token_stays_on_its_server() {
    let other = Server::start(|_| Reply::json(200, &json!({}))).await;
    let elsewhere = other.url("/repos/owner/app");
    let server = Server::start(move |_| Reply::moved(301, &elsewhere)).await;
    let answer = forge(&server).repository(&slug()).await;
    assert!(matches!(answer, Err(ForgeError::NotFound(_))), "{answer:?}");
    assert_eq!(other.heard().len(), 0);
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
