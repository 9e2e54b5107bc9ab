//! No life of a repository breaks the rules.

use super::*;

/// One step of a life of a repository, each by Homeostat or by a person.
#[derive(Debug, Clone, Copy)]
enum Step {
    Push(u8),
    Open(u8, u8),
    Close(u8),
    Reopen(u8),
    Merge(u8),
    Delete(u8),
    Rewind(u8),
}

fn steps() -> impl proptest::strategy::Strategy<Value = Vec<Step>> {
    use proptest::prelude::*;
    let step = (0_u8..7, 0_u8..3, 0_u8..2).prop_map(|(what, which, base)| match what {
        0 => Step::Push(which),
        1 => Step::Open(which, base),
        2 => Step::Close(which),
        3 => Step::Reopen(which),
        4 => Step::Merge(which),
        5 => Step::Delete(which),
        _ => Step::Rewind(which),
    });
    proptest::collection::vec(step, 0..40)
}

async fn take(stage: &Stage<homeostat::forge::memory::MemoryStorage>, step: Step, turn: usize) {
    let (f, slug) = (&stage.people, &stage.slug);
    let head = |which: u8| branch(&format!("homeostat/{which}"));
    // What the rules refuse is part of the life: only the world afterwards counts.
    match step {
        Step::Push(which) => {
            let content = format!("{turn}\n");
            f.commit_files(slug, "us", &head(which), &[("src/a.txt", Some(&content))], "x\n").await.map(drop)
        }
        Step::Open(which, base) => {
            let base = if base == 0 { branch("main") } else { branch("release") };
            f.create_pull(slug, &NewPull { base, ..pull(&format!("homeostat/{which}")) }).await.map(drop)
        }
        Step::Close(number) => f.close_thread(slug, u64::from(number) + 1, "alice").await,
        Step::Reopen(number) => f.reopen_thread(slug, u64::from(number) + 1, "alice").await,
        Step::Merge(number) => f.merge_pull(slug, u64::from(number) + 1, "alice", MergeStyle::Merge).await.map(drop),
        Step::Delete(which) => f.force_branch(slug, "alice", &head(which), None).await,
        Step::Rewind(which) => {
            let main = stage.main().await;
            f.force_branch(slug, "alice", &head(which), Some(&main)).await
        }
    }
    .ok();
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_sequence_of_calls_leaves_two_open_pull_requests_for_one_head_and_base(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let clock = start();
            let stage = Stage::new(MemoryForge::new(clock.clock()), clock).await;
            let main = stage.main().await;
            stage.forge.create_branch(&stage.slug, &branch("release"), &main).await.expect("a branch");
            let mut merged = std::collections::BTreeSet::new();
            for (turn, step) in steps.into_iter().enumerate() {
                stage.clock.advance(Duration::from_secs(1));
                take(&stage, step, turn).await;
                let pulls = stage.forge.pulls(&stage.slug, &PullQuery::default(), None).await.expect("a list");
                let mut open = std::collections::BTreeSet::new();
                for seen in pulls.items {
                    if seen.state == PullState::Open {
                        assert!(open.insert((seen.head, seen.base)), "two open ones after {step:?}");
                    }
                    let is_merged = seen.state == PullState::Merged;
                    assert!(is_merged || !merged.contains(&seen.number), "#{} was merged", seen.number);
                    if is_merged {
                        merged.insert(seen.number);
                    }
                }
            }
        });
    }
}
