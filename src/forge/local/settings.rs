//! How a repository of a folder is set up: the little that a folder can tell. Layer 3.
//!
//! No token, no rules of branches, no environments: nothing of it is made up.

use async_trait::async_trait;

use super::LocalForge;
use crate::forge::settings::Settings;
use crate::forge::{Forge as _, ForgeError};
use crate::model::{About, BranchName, OperatorSetup, RepoSlug, RepositorySetup, TokenSetup, Unseen};

#[async_trait]
impl Settings for LocalForge {
    async fn token_setup(&self) -> Option<TokenSetup> {
        None
    }

    async fn repository_setup(&self, slug: &RepoSlug, base: Option<&BranchName>, _: &BranchName) -> RepositorySetup {
        let unseen = |error: ForgeError| Unseen::because(format!("{error}."));
        let seen = match self.repository(slug).await {
            Ok(seen) => seen,
            Err(error) => {
                let why = unseen(error);
                return RepositorySetup {
                    about: Err(why.clone()),
                    base: base.cloned(),
                    base_exists: Err(why),
                    hosted: None,
                };
            }
        };
        let base = base.unwrap_or(&seen.default_branch).clone();
        let base_exists = self.branch(slug, &base).await.map(|head| head.is_some()).map_err(unseen);
        let about = About {
            id: seen.id,
            url: seen.url,
            private: seen.private,
            archived: false,
            issues: true,
            default_branch: seen.default_branch,
            may_push: None,
            auto_merge: None,
            delete_branch: None,
            secret_scanning: None,
            push_protection: None,
        };
        RepositorySetup { about: Ok(about), base: Some(base), base_exists, hosted: None }
    }

    async fn operator_setup(&self, _: &RepoSlug, _: Option<&str>) -> Option<OperatorSetup> {
        None
    }
}
