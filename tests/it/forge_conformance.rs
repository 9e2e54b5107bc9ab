//! Every rule of the forge behind each of its doors: in memory, on disk, and through the client over HTTP. The same
//! answers, the same log, the same final world.
//!
//! Homeostat's calls go through the door; what people do goes straight to the rules. Refuses to test how a storage keeps
//! things (`forge::local` does that for files) and how the client speaks (`http` does).

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use homeostat::forge::local::LocalForge;
use homeostat::forge::memory::MemoryForge;
use homeostat::forge::rules::{
    Embedded, JobRecord, ManualClock, MergeStyle, Mergeable, NewIssue, RunRecord, Settings, Storage, World, actor,
};
use homeostat::forge::{
    Checks, Conclusion, Forge, ForgeError, GlanceQuery, IssueQuery, Label, NewCommit, NewPull, PullEdit, PullQuery,
    PullState, Reaction, STATE_SLUG, Step as JobStep, TreeChange,
};
use homeostat::model::{BranchName, FileMode, MergeMethod, ObjectId, Permission, RepoSlug, Timestamp};

use crate::http::{Door, Fault, Kind, client};

/// What one door is given: a forge, the people behind it, its clock, and a log in which every answer is written.
struct Stage<S> {
    people: Arc<Embedded<S>>,
    forge: Arc<dyn Forge>,
    clock: ManualClock,
    slug: RepoSlug,
    log: Vec<String>,
    /// Kept open while the scenario runs, and asked in the end whether all was as GitHub describes it.
    door: Option<Door>,
}

impl<S: Storage + 'static> Stage<S> {
    async fn new(people: Embedded<S>, clock: ManualClock) -> Self {
        let people = Arc::new(people);
        Self::over(people.clone(), people, clock, None).await
    }

    async fn over(people: Arc<Embedded<S>>, forge: Arc<dyn Forge>, clock: ManualClock, door: Option<Door>) -> Self {
        let slug: RepoSlug = "owner/app".parse().expect("a slug");
        let files = [("src/a.txt", "one\n"), ("src/deep/b.txt", "two\n"), ("README.md", "read\n")];
        people.create_repository(&slug, &files).await.expect("a repository");
        Self { people, forge, clock, slug, log: Vec::new(), door }
    }

    /// Whether words are GitHub's, and not those of the rules.
    fn over_http(&self) -> bool {
        self.door.is_some()
    }

    /// Writes an answer down and hands it on.
    fn note<T: Debug>(&mut self, what: &str, answer: Result<T, ForgeError>) -> Option<T> {
        match &answer {
            Ok(value) => self.log.push(format!("{what}: {value:?}")),
            // The words may name files; the kind of the refusal is the contract.
            Err(error) => self.log.push(format!("{what}: {}", kind(error))),
        }
        answer.ok()
    }

    async fn main(&self) -> ObjectId {
        self.forge.branch(&self.slug, &branch("main")).await.expect("refs").expect("main")
    }

    /// Makes a branch with one commit on main that changes a file, as Homeostat does.
    async fn fix_branch(&self, name: &str, content: &str) -> ObjectId {
        let blob = self.forge.create_blob(&self.slug, content.as_bytes()).await.expect("a blob");
        let main = self.main().await;
        let path = "src/a.txt".parse().expect("a path");
        let change = TreeChange { path, entry: Some((FileMode::Plain, blob)) };
        let tree = self.forge.create_tree(&self.slug, Some(&main), &[change]).await.expect("a tree");
        let commit = NewCommit { tree, parents: vec![main], message: "fix\n".into() };
        let id = self.forge.create_commit(&self.slug, &commit).await.expect("a commit");
        self.forge.create_branch(&self.slug, &branch(name), &id).await.expect("a branch");
        id
    }
}

fn branch(name: &str) -> BranchName {
    name.parse().expect("a branch name")
}

fn pull(head: &str) -> NewPull {
    NewPull { title: "Fix it".into(), body: "Closes #1".into(), head: branch(head), base: branch("main"), draft: true }
}

fn issue(title: &str, labels: &[&str]) -> NewIssue {
    NewIssue {
        author: Some("alice".into()),
        title: title.into(),
        body: "It breaks.\n".into(),
        labels: labels.iter().map(ToString::to_string).collect(),
    }
}

fn kind(error: &ForgeError) -> &'static str {
    match error {
        ForgeError::NotFound(_) => "NotFound",
        ForgeError::Conflict(_) => "Conflict",
        ForgeError::Invalid(_) => "Invalid",
        ForgeError::Denied(_) => "Denied",
        ForgeError::RateLimited { .. } => "RateLimited",
        ForgeError::Transient(_) => "Transient",
        ForgeError::Ambiguous(_) => "Ambiguous",
    }
}

fn start() -> ManualClock {
    ManualClock::at(Timestamp::from_millis(1_800_000_000_000))
}

/// Runs one scenario behind each door. The first argument after the name names the stage; each ends with what it expects.
macro_rules! conforms {
    ($name:ident, $settings:expr, |$stage:ident| $body:block) => {
        #[tokio::test]
        async fn $name() {
            async fn scenario<S: Storage + 'static>($stage: &mut Stage<S>) $body
            let clock = start();
            let forge = MemoryForge::new(clock.clock()).with_settings($settings);
            let mut memory = Stage::new(forge, clock).await;
            scenario(&mut memory).await;
            let folder = tempfile::tempdir().expect("a folder");
            let clock = start();
            let forge = LocalForge::open(folder.path(), clock.clock()).expect("a forge").with_settings($settings);
            let mut local = Stage::new(forge, clock).await;
            scenario(&mut local).await;
            assert_eq!(memory.log.join("\n"), local.log.join("\n"));
            let expected: World = memory.people.world(&memory.slug).await.expect("a world");
            assert_eq!(expected, local.people.world(&local.slug).await.expect("a world"));
            let clock = start();
            let people = Arc::new(MemoryForge::new(clock.clock()).with_settings($settings));
            let door = Door::open(people.clone(), clock.clone(), $settings.page_size).await;
            // The client waits by a clock of its own: the forge's stands still, and moments are the same behind each door.
            let forge = Arc::new(client(&door, start(), &["owner/app", "owner/none", STATE_SLUG]));
            let mut github = Stage::over(people, forge, clock, Some(door)).await;
            scenario(&mut github).await;
            assert_eq!(memory.log.join("\n"), github.log.join("\n"));
            assert_eq!(expected, github.people.world(&github.slug).await.expect("a world"));
        }
    };
    ($name:ident, |$stage:ident| $body:block) => {
        conforms!($name, Settings::default(), |$stage| $body);
    };
}

mod issues;
mod life;
mod pulls;
mod refs;
mod runs;
