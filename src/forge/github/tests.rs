//! The adapter against a socket that says what a test tells it: what octocrab, HTTP and GitHub do behind one's back.
//!
//! Refuses to be a GitHub: scenarios run over the test forge's own HTTP door. Each trap has a test here.

mod operations;
mod proxy;
mod server;
mod tokens;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use self::server::{Heard, Reply, Server};
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
