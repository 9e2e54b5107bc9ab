//! What only files can do: folders made by hand, edits by hand, broken files, looks that change nothing.

#![expect(clippy::disallowed_methods, reason = "tests make and break files as a person would")]

use std::fs;
use std::time::Duration;

use super::*;
use crate::forge::rules::{ManualClock, NewIssue, actor};
use crate::forge::{Forge, IssueEventKind, IssueQuery, NewPull, Page, PullQuery, PullRequest, PullState};
use crate::model::{Timestamp, sha256_hex};

type Outcome = Result<(), Box<dyn std::error::Error>>;

struct Place {
    folder: tempfile::TempDir,
    forge: LocalForge,
    clock: ManualClock,
    slug: RepoSlug,
}

impl Place {
    async fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let clock = ManualClock::at("2026-11-01T00:00:00Z".parse()?);
        let forge = LocalForge::open(folder.path(), clock.clock())?;
        let slug: RepoSlug = "owner/app".parse()?;
        forge.create_repository(&slug, &[("a.txt", "one\n")]).await?;
        Ok(Self { folder, forge, clock, slug })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("owner/app").join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Outcome {
        let path = self.path(name);
        fs::create_dir_all(path.parent().ok_or("no parent")?)?;
        Ok(fs::write(path, content)?)
    }

    fn edit(&self, name: &str, from: &str, to: &str) -> Outcome {
        let text = fs::read_to_string(self.path(name))?;
        assert!(text.contains(from), "{from:?} is not in\n{text}");
        self.write(name, text.replacen(from, to, 1))
    }

    async fn pull(&self) -> Result<PullRequest, Box<dyn std::error::Error>> {
        let head: BranchName = "homeostat/x".parse()?;
        self.forge.commit_files(&self.slug, "homeostat[bot]", &head, &[("a.txt", Some("two\n"))], "fix\n").await?;
        let new = NewPull { title: "Fix".into(), body: "Body".into(), head, base: "main".parse()?, draft: false };
        Ok(self.forge.create_pull(&self.slug, &new).await?)
    }

    async fn kinds(&self, number: u64) -> Result<Vec<(IssueEventKind, String)>, ForgeError> {
        let events = self.forge.issue_events(&self.slug, number, None).await?.items;
        Ok(events.into_iter().map(|e| (e.kind, e.actor.map(|a| a.login).unwrap_or_default())).collect())
    }
}

/// Returns the digest of every file with its name, and every folder.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                all.insert(path.clone(), "folder".to_owned());
                open.push(path);
            } else {
                let at = entry.metadata().and_then(|m| m.modified()).ok();
                all.insert(path.clone(), format!("{} {at:?}", sha256_hex(&fs::read(&path).unwrap_or_default())));
            }
        }
    }
    all
}

/// Reads everything that the port can read.
async fn read_all(forge: &dyn Forge, slug: &RepoSlug) -> Result<(), ForgeError> {
    let repository = forge.repository(slug).await?;
    forge.permission(slug, &actor("someone")).await?;
    for issue in forge.issues(slug, &IssueQuery::default(), None).await?.items {
        forge.issue(slug, issue.number).await?;
        forge.comments(slug, issue.number, None).await?;
        forge.issue_events(slug, issue.number, None).await?;
    }
    for pull in forge.pulls(slug, &PullQuery::default(), None).await?.items {
        forge.pull(slug, pull.number).await?;
        forge.comments(slug, pull.number, None).await?;
        forge.is_ancestor(slug, &pull.head_sha, &pull.head_sha).await?;
    }
    for (_, tip) in forge.branches(slug, "").await? {
        forge.commit(slug, &tip).await?;
        for entry in forge.tree(slug, &tip).await? {
            forge.blob(slug, &entry.id).await?;
        }
    }
    forge.branch(slug, &repository.default_branch).await.map(|_| ())
}

#[tokio::test]
async fn a_folder_made_by_hand_is_a_forge() -> Outcome {
    let place = Place::new().await?;
    place.write("issues/3.md", "---\ntitle: It breaks\n---\nTraceback\n")?;
    place.write(
        "issues/4.md",
        "---\r\ntitle: \"With: a colon\"\r\nauthor: alice\r\nstate: closed\r\nlabels: [homeostat, bug]\r\n\
         created_at: 2026-10-01\r\n---\r\n\r\nBody\r\n",
    )?;
    place.write("issues/3/1.md", "Just words\n")?;
    place
        .write("issues/3/2.md", "---\nauthor: bob\ncreated_at: 2026-10-02T10:00:00+02:00\n---\n\n/homeostat retry\n")?;
    place.write("issues/README.md", "not an issue")?;
    place.write("people.yml", "bob: write\n")?;
    let issues = place.forge.issues(&place.slug, &IssueQuery::default(), None).await?;
    assert_eq!(issues.broken, Vec::<String>::new());
    let [first, second] = issues.items.as_slice() else { return Err(format!("{issues:?}").into()) };
    assert_eq!((first.number, first.title.as_str(), first.body.as_str()), (3, "It breaks", "Traceback\n"));
    assert!(first.open && first.author.is_none() && first.labels.is_empty());
    assert_eq!((second.title.as_str(), second.body.as_str(), second.open), ("With: a colon", "Body\r\n", false));
    assert_eq!(second.author, Some(actor("alice")));
    assert_eq!(second.created_at, "2026-10-01T00:00:00Z".parse::<Timestamp>()?);
    assert_eq!(place.forge.permission(&place.slug, &actor("bob")).await?, Permission::Write);
    let comments = place.forge.comments(&place.slug, 3, None).await?.items;
    assert_eq!(comments.iter().map(|c| c.body.as_str()).collect::<Vec<_>>(), ["Just words\n", "/homeostat retry\n"]);
    let owner = || "owner".to_owned();
    let labeled = |label: &str| (IssueEventKind::Labeled(label.into()), owner());
    assert_eq!(place.kinds(4).await?, [labeled("bug"), labeled("homeostat"), (IssueEventKind::Closed, owner())]);
    Ok(())
}

#[tokio::test]
async fn looking_changes_no_byte_and_no_time() -> Outcome {
    let place = Place::new().await?;
    place.write("issues/9.md", "---\ntitle: By hand\nlabels: [homeostat]\n---\nx\n")?;
    let new = NewIssue { title: "t".into(), labels: vec!["bug".into()], ..NewIssue::default() };
    let number = place.forge.open_issue(&place.slug, &new).await?;
    place.forge.comment_as(&place.slug, number, "bob", "words").await?;
    place.pull().await?;
    place.edit(&format!("issues/{number}.md"), "bug", "homeostat")?;
    let state: RepoSlug = STATE_SLUG.parse()?;
    let before = snapshot(place.folder.path());
    for _ in 0..3 {
        read_all(&place.forge, &place.slug).await?;
        read_all(&place.forge, &state).await?;
    }
    assert_eq!(snapshot(place.folder.path()), before);
    assert!(!place.folder.path().join(".homeostat/state.git").exists());
    Ok(())
}

#[tokio::test]
async fn an_edit_by_hand_is_an_act_of_the_owner() -> Outcome {
    let place = Place::new().await?;
    let new = NewIssue {
        author: Some("alice".into()),
        title: "t".into(),
        body: "words".into(),
        labels: vec!["homeostat".into(), "bug".into()],
    };
    let number = place.forge.open_issue(&place.slug, &new).await?;
    let file = format!("issues/{number}.md");
    let at_first = place.forge.issue(&place.slug, number).await?.updated_at;
    // An editor that adds a line end has changed nothing.
    place.edit(&file, "words", "words\n")?;
    assert_eq!(place.kinds(number).await?.len(), 2);
    place.edit(&file, "bug, homeostat", "homeostat, help")?;
    place.edit(&file, "state: open", "state: closed")?;
    let owner = || "owner".to_owned();
    let expected = [
        (IssueEventKind::Unlabeled("bug".into()), owner()),
        (IssueEventKind::Labeled("help".into()), owner()),
        (IssueEventKind::Closed, owner()),
    ];
    assert_eq!(place.kinds(number).await?[2..], expected);
    let seen = place.forge.issue(&place.slug, number).await?;
    assert!(!seen.open && seen.updated_at > at_first, "{seen:?}");
    let ids = place.forge.issue_events(&place.slug, number, None).await?.items;
    // The next write records what was done by hand, once and under the same ids.
    place.forge.label_as(&place.slug, number, "bob", "later").await?;
    let after = place.forge.issue_events(&place.slug, number, None).await?.items;
    assert_eq!(after[..5], ids);
    assert_eq!((after.len(), after[5].actor.clone()), (6, Some(actor("bob"))));
    assert!(!place.forge.issue(&place.slug, number).await?.open);
    place.edit(&file, "state: closed", "state: open")?;
    assert_eq!(place.kinds(number).await?[6..], [(IssueEventKind::Reopened, owner())]);
    Ok(())
}

#[tokio::test]
async fn a_pull_request_closed_or_merged_by_hand_is_closed_or_merged() -> Outcome {
    let place = Place::new().await?;
    let number = place.pull().await?.number;
    place.edit(&format!("pulls/{number}.md"), "state: open", "state: closed")?;
    let seen = place.forge.pull(&place.slug, number).await?;
    assert!(seen.state == PullState::Closed && seen.closed_at.is_some());
    place.edit(&format!("pulls/{number}.md"), "state: closed", "state: merged")?;
    let seen = place.forge.pull(&place.slug, number).await?;
    assert!(seen.state == PullState::Merged && seen.merged_at.is_some());
    Ok(())
}

#[tokio::test]
async fn branches_made_and_merged_with_git_are_seen() -> Outcome {
    let place = Place::new().await?;
    let pull = place.pull().await?;
    let git = Git::new(place.forge.git_dir(&place.slug));
    // V-10: a branch of our name made by somebody else, and names outside our grammar.
    git.run(&["update-ref", "refs/heads/homeostat/foreign", "refs/heads/main"]).await?;
    git.run(&["update-ref", "refs/heads/Ünlaut@x", "refs/heads/main"]).await?;
    let names: Vec<_> = place.forge.branches(&place.slug, "").await?.into_iter().map(|(n, _)| n.to_string()).collect();
    assert_eq!(names, ["homeostat/foreign", "homeostat/x", "main"]);
    let foreign: BranchName = "homeostat/foreign".parse()?;
    let mine = place.forge.create_branch(&place.slug, &foreign, &pull.head_sha).await;
    assert!(matches!(mine, Err(ForgeError::Conflict(_))), "{mine:?}");
    git.run(&["pack-refs", "--all", "--prune"]).await?;
    git.run(&["update-ref", "refs/heads/main", pull.head_sha.as_str()]).await?;
    git.run(&["symbolic-ref", "refs/heads/alias", "refs/heads/main"]).await?;
    assert_eq!(place.forge.branch(&place.slug, &"alias".parse()?).await?, Some(pull.head_sha.clone()));
    let seen = place.forge.pull(&place.slug, pull.number).await?;
    assert_eq!((seen.state, seen.merge_sha), (PullState::Merged, Some(pull.head_sha)));
    Ok(())
}

#[tokio::test]
async fn one_broken_file_is_named_and_the_others_still_work() -> Outcome {
    let place = Place::new().await?;
    place.write("issues/1.md", "---\ntitle: Good\n---\n")?;
    let bombs = format!("---\ntitle: x\nlabels: {}\n---\n", "[".repeat(50_000));
    let alias = "---\na: &a [x, x]\nb: &b [*a, *a, *a, *a]\ntitle: *b\n---\n";
    let broken: [(&str, &[u8], &str); 8] = [
        ("2", b"\xff\xfe\x00", "not UTF-8"),
        ("3", b"---\ntitle: cut", "front matter"),
        ("4", b"just words", "front matter"),
        ("5", b"---\nlables: [x]\ntitle: x\n---\n", "lables"),
        ("6", b"---\nauthor: x\n---\n", "title"),
        ("7", bombs.as_bytes(), "7.md"),
        ("8", b"---\ntitle: x\ncreated_at: yesterday\n---\n", "yesterday"),
        ("9", alias.as_bytes(), "9.md"),
    ];
    for (number, content, _) in &broken {
        place.write(&format!("issues/{number}.md"), content)?;
    }
    let page: Page<_> = place.forge.issues(&place.slug, &IssueQuery::default(), None).await?;
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.broken.len(), broken.len(), "{:#?}", page.broken);
    for ((number, _, word), why) in broken.iter().zip(&page.broken) {
        assert!(why.contains(&format!("{number}.md")) && why.contains(word), "{number} {why}");
        assert!(why.len() < 400, "a message is no dump: {}", why.len());
        let alone = place.forge.issue(&place.slug, number.parse()?).await;
        assert!(matches!(&alone, Err(ForgeError::Invalid(text)) if text == why), "{alone:?}");
    }
    assert_eq!(place.forge.open_issue(&place.slug, &NewIssue { title: "t".into(), ..NewIssue::default() }).await?, 10);
    Ok(())
}

#[tokio::test]
async fn an_unreadable_pull_request_stops_the_opening_of_another() -> Outcome {
    let place = Place::new().await?;
    let number = place.pull().await?.number;
    let path = place.path(&format!("pulls/{number}.md"));
    let whole = fs::read_to_string(&path)?;
    fs::write(&path, &whole[..20])?;
    let listed = place.forge.pulls(&place.slug, &PullQuery::default(), None).await;
    assert!(matches!(&listed, Err(ForgeError::Invalid(why)) if why.contains(&format!("{number}.md"))), "{listed:?}");
    let new = NewPull {
        title: "t".into(),
        body: String::new(),
        head: "homeostat/x".parse()?,
        base: "main".parse()?,
        draft: false,
    };
    let second = place.forge.create_pull(&place.slug, &new).await;
    assert!(matches!(second, Err(ForgeError::Invalid(_))), "{second:?}");
    fs::write(&path, whole)?;
    assert!(matches!(place.forge.create_pull(&place.slug, &new).await, Err(ForgeError::Conflict(_))));
    Ok(())
}

#[tokio::test]
async fn a_crash_between_the_files_of_one_write_reads_as_no_persons_edit() -> Outcome {
    let place = Place::new().await?;
    let number = place.forge.open_issue(&place.slug, &NewIssue { title: "t".into(), ..NewIssue::default() }).await?;
    let file = place.path(&format!("issues/{number}.md"));
    let before = fs::read_to_string(&file)?;
    place.forge.label_as(&place.slug, number, "bob", "bug").await?;
    let after = fs::read_to_string(&file)?;
    // The thread was not replaced any more, though its events and sidecar were.
    fs::write(&file, before)?;
    assert_eq!(place.kinds(number).await?, [(IssueEventKind::Labeled("bug".into()), "bob".to_owned())]);
    fs::write(&file, after)?;
    assert_eq!(place.kinds(number).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn any_text_survives_the_way_to_a_file_and_back() -> Outcome {
    let place = Place::new().await?;
    let odd = [
        "a: b",
        "- x",
        "true",
        "\"q\" \\ 'z'",
        "# no comment",
        "ünï\u{1F600}\u{7f}\u{85}\u{2028}\u{feff}",
        "x\ty",
        "1",
        "~",
        "[",
        "&a *a !t %d @x `y`",
        "a #b",
        "trailing ",
    ];
    for title in odd {
        let new = NewIssue {
            title: title.into(),
            body: format!("\n---\n{title}\n---\n\r\n"),
            labels: vec![title.into()],
            ..NewIssue::default()
        };
        let number = place.forge.open_issue(&place.slug, &new).await?;
        let seen = place.forge.issue(&place.slug, number).await?;
        assert_eq!((&seen.title, &seen.body, &seen.labels), (&new.title, &new.body, &new.labels));
        let comment = place.forge.comment_as(&place.slug, number, "bob", &new.body).await?;
        assert_eq!(place.forge.comments(&place.slug, number, None).await?.items, [comment]);
    }
    Ok(())
}

#[tokio::test]
async fn two_forges_over_one_folder_open_one_pull_request() -> Outcome {
    let place = Place::new().await?;
    let head: BranchName = "homeostat/x".parse()?;
    place.forge.commit_files(&place.slug, "us", &head, &[("a.txt", Some("two\n"))], "fix\n").await?;
    let other = LocalForge::open(place.folder.path(), place.clock.clock())?;
    let new = NewPull { title: "t".into(), body: String::new(), head, base: "main".parse()?, draft: false };
    let (a, b) = tokio::join!(place.forge.create_pull(&place.slug, &new), other.create_pull(&place.slug, &new));
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
    assert!(matches!(a.and(b), Err(ForgeError::Conflict(_))));
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn a_place_that_cannot_be_written_says_so() -> Outcome {
    let place = Place::new().await?;
    // A file where a folder has to be stops even root.
    fs::remove_dir_all(place.folder.path().join(".homeostat"))?;
    fs::write(place.folder.path().join(".homeostat"), "in the way")?;
    let new = NewIssue { title: "t".into(), ..NewIssue::default() };
    let refused = place.forge.open_issue(&place.slug, &new).await;
    assert!(matches!(&refused, Err(ForgeError::Invalid(why)) if why.contains(".homeostat")), "{refused:?}");
    let file = LocalForge::open(place.folder.path().join(".homeostat"), place.clock.clock());
    assert!(matches!(file, Err(ForgeError::Invalid(_))));
    Ok(())
}

#[tokio::test]
async fn an_unborn_branch_and_a_missing_repository_have_clear_answers() -> Outcome {
    let place = Place::new().await?;
    let unborn: RepoSlug = "owner/unborn".parse()?;
    Git::new(place.forge.git_dir(&unborn)).run(&["init", "--bare", "--quiet", "--initial-branch=trunk"]).await?;
    let seen = place.forge.repository(&unborn).await?;
    assert_eq!(seen.default_branch.as_str(), "trunk");
    assert_eq!(place.forge.branch(&unborn, &seen.default_branch).await?, None);
    let none = place.forge.repository(&"owner/none".parse()?).await;
    assert!(matches!(&none, Err(ForgeError::NotFound(why)) if why.contains("none.git")), "{none:?}");
    assert_eq!(place.forge.repositories()?, [place.slug.clone(), unborn]);
    Ok(())
}

#[tokio::test]
async fn a_fleet_in_which_nothing_is_new_starts_no_process() -> Outcome {
    let place = Place::new().await?;
    place.pull().await?;
    place.write("issues/7.md", "---\ntitle: x\nlabels: [homeostat]\n---\ntrace\n")?;
    place.clock.advance(Duration::from_hours(1));
    // A folder that is no repository to git any more, but still has refs and files: only a process would notice.
    fs::remove_dir_all(place.folder.path().join("owner/app.git/objects"))?;
    let issues = place.forge.issues(&place.slug, &IssueQuery::default(), None).await?;
    assert_eq!(issues.items.len(), 1);
    let pulls = place.forge.pulls(&place.slug, &PullQuery::default(), None).await?;
    assert_eq!(pulls.items[0].state, PullState::Open);
    assert_eq!(place.forge.branches(&place.slug, "homeostat/").await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_repository_is_private_where_its_file_says_so_and_a_misspelt_key_is_an_error() -> Outcome {
    let place = Place::new().await?;
    assert!(!place.forge.repository(&place.slug).await?.private);
    place.write("repository.yml", "private: true\n")?;
    assert!(place.forge.repository(&place.slug).await?.private);
    place.write("repository.yml", "privat: true\n")?;
    assert!(matches!(place.forge.repository(&place.slug).await, Err(ForgeError::Invalid(_))));
    let own: RepoSlug = crate::forge::STATE_SLUG.parse()?;
    assert!(place.forge.repository(&own).await?.private, "the forge's own state is its owner's");
    Ok(())
}
