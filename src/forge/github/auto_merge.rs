//! GitHub's own auto-merge, which only GraphQL knows. Layer 3.
//!
//! It lets GitHub merge when its own rules allow that. Refuses to merge, to approve, to take a draft out of its state, and
//! to say yes to another head than the one that was proven (V-90).

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::GithubForge;
use super::classify::Operation;
use crate::forge::{ForgeError, ForgeResult};
use crate::model::{MergeMethod, ObjectId, RepoSlug};

const ENABLE: &str = "mutation($pull:ID!,$method:PullRequestMergeMethod!,$head:GitObjectID!){\
enablePullRequestAutoMerge(input:{pullRequestId:$pull,mergeMethod:$method,expectedHeadOid:$head}){clientMutationId}}";

/// What has to be known of a pull request first.
#[derive(Debug, Deserialize)]
struct PullShape {
    node_id: String,
    head: HeadShape,
    auto_merge: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
struct HeadShape {
    sha: ObjectId,
}

impl GithubForge {
    pub(super) async fn let_merge(
        &self,
        slug: &RepoSlug,
        number: u64,
        method: MergeMethod,
        expected: &ObjectId,
    ) -> ForgeResult<()> {
        let pull: PullShape = self.one(slug, &format!("/pulls/{number}")).await?;
        if pull.head.sha != *expected {
            let (now, then) = (pull.head.sha.short(), expected.short());
            return Err(ForgeError::Conflict(format!("the head of {slug}#{number} is {now}, not {then}")));
        }
        if pull.auto_merge.is_some() {
            return Ok(());
        }
        let what = format!("letting {slug}#{number} merge by itself");
        // The head stands in the very request: whatever is pushed in between is not what was allowed.
        let variables = json!({ "pull": pull.node_id, "method": name(method), "head": expected.as_str() });
        let answer = self.client.graphql(slug.owner(), Operation::Idempotent, ENABLE, &variables, &what).await?;
        match answer.errors.first() {
            None => Ok(()),
            Some(error) => Err(error.to_error(&what, Operation::Idempotent)),
        }
    }
}

/// Returns GitHub's word for a method.
const fn name(method: MergeMethod) -> &'static str {
    match method {
        MergeMethod::Squash => "SQUASH",
        MergeMethod::Merge => "MERGE",
        MergeMethod::Rebase => "REBASE",
    }
}
