//! Reads how an open pull request of ours stands, for the gate and again right before it is written to. Layer 4.
//!
//! The rule is `gate`'s; here is only what has to be read for it, and in which order, so that little is read.

use crate::engine::{Context, retry};
use crate::forge::{Checks, ForgeError};
use crate::gate::{self, PullFacts, PullLook, Signal, Wear};
use crate::model::{ObjectId, RepoSlug};

/// Says how an open pull request stands whose head is, or was a moment ago, `head`; `base` is the head of its base.
pub(crate) async fn wear(
    context: &Context<'_>,
    slug: &RepoSlug,
    number: u64,
    head: &ObjectId,
    base: &ObjectId,
) -> Result<Wear, ForgeError> {
    let (forge, system) = (context.forge, context.system);
    let standing = retry(system, async || forge.standing(slug, number).await).await?;
    if standing.head != *head {
        // What is said is said of another head.
        return Ok(Wear::Unclear);
    }
    let mut facts = PullFacts { mergeable: standing.mergeable, reviewed: standing.reviewed, head: None, base: None };
    loop {
        match gate::worn(facts) {
            PullLook::Done(wear) => return Ok(wear),
            PullLook::AtHead => {
                facts.head = Some(signal(retry(system, async || forge.checks(slug, head).await).await?));
            }
            PullLook::AtBase => {
                facts.base = Some(signal(retry(system, async || forge.checks(slug, base).await).await?));
            }
        }
    }
}

/// Says the same in the gate's words.
const fn signal(checks: Checks) -> Signal {
    match checks {
        Checks::None => Signal::None,
        Checks::Pending => Signal::Pending,
        Checks::Passing => Signal::Green,
        Checks::Failing => Signal::Red,
    }
}
