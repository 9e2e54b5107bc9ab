//! The client that the program uses, pointed at a door.

use std::sync::Arc;
use std::time::Duration;

use homeostat::forge::github::{Credentials, GithubForge, Settings};
use homeostat::forge::rules::ManualClock;
use homeostat::model::{RepoSlug, Secret};

use super::door::{Door, TOKEN};
use crate::stories::StillSystem;

/// How long a client waits that is to run out of patience.
const SHORT: Duration = Duration::from_millis(150);

/// Makes a client with a good token that waits by this clock, for these repositories.
pub(crate) fn client(door: &Door, clock: ManualClock, repositories: &[&str]) -> GithubForge {
    client_with(door, clock, repositories, Credentials::token(Secret::new(TOKEN.to_owned())), None)
}

/// Makes one that gives up soon where nothing comes.
pub(crate) fn impatient(door: &Door, clock: ManualClock, repositories: &[&str]) -> GithubForge {
    client(door, clock, repositories).with_patience(SHORT)
}

/// Makes one that is somebody else, or that has to end at a moment of the monotonic clock.
pub(crate) fn client_with(
    door: &Door,
    clock: ManualClock,
    repositories: &[&str],
    credentials: Credentials,
    deadline: Option<Duration>,
) -> GithubForge {
    let slugs: Vec<RepoSlug> = repositories.iter().map(|slug| slug.parse().expect("a slug")).collect();
    GithubForge::new(Settings {
        api_url: door.url().to_owned(),
        graphql_url: None,
        server_url: "https://github.com".to_owned(),
        credentials,
        version: "0.0.0".to_owned(),
        system: Arc::new(StillSystem(clock)),
        deadline,
        repositories: slugs,
        operator: None,
        governor: None,
    })
    .expect("an address on loopback")
}
