//! Faults do what they say, the log holds every effect, and a schedule decides every race.

use super::*;
use crate::forge::memory::MemoryForge;
use crate::forge::rules::ManualClock;
use crate::model::{BranchName, ObjectId, RepoSlug};

type Outcome = Result<(), Box<dyn std::error::Error>>;

async fn forge() -> Result<(Arc<MemoryForge>, RepoSlug, ObjectId), Box<dyn std::error::Error>> {
    let forge = Arc::new(MemoryForge::new(ManualClock::at(Timestamp::default()).clock()));
    let slug: RepoSlug = "owner/app".parse()?;
    let main = forge.create_repository(&slug, &[("a.txt", "one\n")]).await?;
    Ok((forge, slug, main))
}

#[tokio::test]
async fn each_fault_does_to_a_write_what_it_says() -> Outcome {
    for kind in FaultKind::all() {
        let (inner, slug, main) = forge().await?;
        let faulty = Faulty::new(inner.clone(), vec![Fault { call_index: 1, kind }]);
        let b: BranchName = "homeostat/x".parse()?;
        faulty.now().await?;
        let answer = faulty.create_branch(&slug, &b, &main).await;
        let applied = inner.branch(&slug, &b).await?.is_some();
        let expected = matches!(kind, FaultKind::AppliedThenLost);
        assert_eq!((applied, faulty.writes()), (expected, usize::from(expected)), "{kind:?}");
        let fits = match kind {
            FaultKind::Refused => matches!(answer, Err(ForgeError::Invalid(_))),
            FaultKind::Transient => matches!(answer, Err(ForgeError::Transient(_))),
            FaultKind::AppliedThenLost | FaultKind::NotAppliedThenLost => {
                matches!(answer, Err(ForgeError::Ambiguous(_)))
            }
            FaultKind::RateLimited { .. } => matches!(answer, Err(ForgeError::RateLimited { .. })),
            FaultKind::Denied => matches!(answer, Err(ForgeError::Denied(_))),
            FaultKind::Lag => matches!(answer, Err(ForgeError::NotFound(_))),
        };
        assert!(fits, "{kind:?} {answer:?}");
        assert_eq!((faulty.calls(), faulty.faults_met()), (2, 1));
    }
    Ok(())
}

#[tokio::test]
async fn a_late_replica_shows_nothing_yet() -> Outcome {
    let (inner, slug, main) = forge().await?;
    let lag = |call_index| Fault { call_index, kind: FaultKind::Lag };
    let faulty = Faulty::new(inner, vec![lag(0), lag(1), lag(2)]);
    assert_eq!(faulty.branch(&slug, &"main".parse()?).await, Ok(None));
    assert!(faulty.branches(&slug, "").await?.is_empty());
    assert!(matches!(faulty.commit(&slug, &main).await, Err(ForgeError::NotFound(_))));
    assert!(faulty.commit(&slug, &main).await.is_ok());
    Ok(())
}

#[tokio::test]
async fn after_a_crash_nothing_happens_any_more() -> Outcome {
    let (inner, slug, main) = forge().await?;
    let faulty = Faulty::new(inner.clone(), Vec::new()).crashing_after(1);
    faulty.create_branch(&slug, &"one".parse()?, &main).await?;
    let dead = faulty.create_branch(&slug, &"two".parse()?, &main).await;
    assert!(matches!(dead, Err(ForgeError::Transient(_))), "{dead:?}");
    assert_eq!(inner.branch(&slug, &"two".parse()?).await?, None);
    assert_eq!(faulty.writes(), 1);
    Ok(())
}

#[tokio::test]
async fn every_effect_is_claimed_once() -> Outcome {
    let (inner, slug, main) = forge().await?;
    let faulty = Faulty::new(inner, Vec::new());
    faulty.create_branch(&slug, &"one".parse()?, &main).await?;
    faulty.branch(&slug, &"one".parse()?).await?;
    assert!(faulty.create_branch(&slug, &"one".parse()?, &main).await.is_err(), "a refusal is no effect");
    assert_eq!(faulty.unclaimed(), ["create_branch owner/app one"]);
    assert!(!faulty.claim("create_pull", ""));
    assert!(faulty.claim("create_branch", "one"));
    assert!(!faulty.claim("create_branch", "one"));
    faulty.create_blob(&slug, b"x").await?;
    faulty.create_blob(&slug, b"y").await?;
    assert_eq!(faulty.claim_all("create_blob"), 2);
    assert!(faulty.unclaimed().is_empty());
    Ok(())
}

/// Creates a branch after a look, as two runners would, and says whether this one made it.
async fn look_then_create(forge: TurnClient, slug: RepoSlug, main: ObjectId) -> Result<(bool, bool), ForgeError> {
    let b: BranchName = "homeostat/x".parse().map_err(|e| ForgeError::Invalid(format!("{e}")))?;
    let seen = forge.branch(&slug, &b).await?.is_some();
    let made = !seen && forge.create_branch(&slug, &b, &main).await.is_ok();
    Ok((seen, made))
}

#[tokio::test]
async fn a_schedule_decides_who_wins_a_race() -> Outcome {
    for (order, expected) in [
        (vec![0, 0, 1], ((false, true), (true, false))),
        (vec![0, 1, 1, 0], ((false, false), (false, true))),
        (vec![1, 0, 0, 1], ((false, true), (false, false))),
        (vec![1, 1], ((true, false), (false, true))),
        // Turns of a client that is gone are passed over.
        (vec![0, 0, 0, 0, 0, 1], ((false, true), (true, false))),
    ] {
        let (inner, slug, main) = forge().await?;
        let turns = Turns::new(inner, order.clone());
        let (zero, one) = (turns.client(0), turns.client(1));
        let (first, second) = tokio::join!(
            look_then_create(zero, slug.clone(), main.clone()),
            look_then_create(one, slug.clone(), main.clone())
        );
        assert_eq!((first?, second?), expected, "{order:?}");
    }
    Ok(())
}
