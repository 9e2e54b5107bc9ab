//! Brings the events of past runs home from the artifacts of workflow runs. Layer 4.
//!
//! An artifact is taken only if it comes from a run of the operator's own repository, on its default branch: there people
//! with write access say what runs. What is left is counted and said why; one that cannot be read keeps none of the
//! others. Refuses to read what no run of ours is named after, and more than so many bytes.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt as _};
use serde::Serialize;

use crate::engine::pages::{self, once};
use crate::engine::{Context, retry, shards};
use crate::event::{Event, Line};
use crate::forge::{Artifact, ForgeError, Repository};
use crate::history::archive::{Unpacked, unpack};
use crate::history::joined;
use crate::model::Timestamp;

/// How the ready-made workflows name what they upload, before the id of the workflow run.
const PREFIX: &str = "homeostat-run-";
/// Pages of a hundred artifacts that are looked through.
const PAGES: usize = 30;
/// Bytes of one zip; test logs and candidates are in it too.
const ZIP_BYTES: usize = 64 << 20;
/// Artifacts that are on their way at one time: each is small, and each takes two requests.
const AT_ONCE: usize = 4;
/// Bytes of everything that is unpacked.
const ALL_BYTES: usize = 512 << 20;

/// Why an artifact is left where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Left {
    /// Its time is over.
    Expired,
    /// The commit that was run came from a fork.
    Fork,
    /// A branch was run that is not the default one.
    OtherBranch,
    /// The forge does not say which run left it.
    OriginUnknown,
    /// It is larger than is read, alone or with those before it.
    TooLarge,
    /// It is gone since it was listed.
    Gone,
    /// It is no zip as a runner makes it.
    Unreadable,
    /// The forge did not hand it out this time.
    Unfetched,
}

/// One artifact that was not brought home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftArtifact {
    /// Its name, which is whatever a workflow said.
    pub artifact: String,
    /// Why.
    pub reason: Left,
    /// In words.
    pub why: String,
}

/// Why artifacts were not read, or not all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unread {
    /// In words.
    pub why: String,
    /// Whether the token may not, which no second try mends.
    pub denied: bool,
}

/// What the artifacts had.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FromArtifacts {
    /// The lines of each run, put together.
    pub records: BTreeMap<String, Vec<u8>>,
    /// The newest summary of each run.
    pub summaries: BTreeMap<String, Vec<u8>>,
    /// How many artifacts were read.
    pub read: u64,
    /// Those that were not, the newest first.
    pub left: Vec<LeftArtifact>,
    /// What kept them from being read.
    pub unread: Option<Unread>,
}

/// Reads the events that workflow runs since a moment left in artifacts of the operator's repository.
pub async fn bring_artifacts(context: &Context<'_>, since: Timestamp) -> FromArtifacts {
    let mut home = FromArtifacts::default();
    let (forge, slug) = (context.state_forge, context.operator);
    let repository = match retry(context.system, async || forge.repository(slug).await).await {
        Ok(repository) => repository,
        Err(error) => {
            home.unread = Some(unread(&error));
            return home;
        }
    };
    let read = async |page: Option<&str>| {
        let mut page = forge.artifacts(slug, page).await?;
        // The newest come first: behind a page of old ones there are older ones.
        if page.items.iter().all(|artifact| artifact.created_at < since) {
            page.next = None;
        }
        Ok(page)
    };
    let mut listed = pages::all(context.system, PAGES, read).await;
    let found = once(std::mem::take(&mut listed.items), |artifact| artifact.id);
    home.unread = listed.whole().err().map(|error| unread(&error));
    let repository = &repository;
    let ours = |artifact: &&Artifact| artifact.name.starts_with(PREFIX) && artifact.created_at >= since;
    let work = found.iter().filter(ours).map(|artifact| async move {
        let content = match judge(artifact, repository) {
            Ok(()) => fetch(context, artifact).await,
            Err((reason, why)) => Err(Kept::Left(reason, why)),
        };
        (artifact, content)
    });
    let mut answers = stream::iter(work).buffered(AT_ONCE);
    let mut room = ALL_BYTES;
    while let Some((artifact, content)) = answers.next().await {
        let (reason, why) = match content {
            Ok(content) if content.bytes() <= room => {
                room -= content.bytes();
                home.read += 1;
                home.take(content);
                continue;
            }
            Ok(_) => (Left::TooLarge, "those before it were large enough; bring less at once with --since".to_owned()),
            Err(Kept::Left(reason, why)) => (reason, why),
            Err(Kept::All(error)) => {
                // What is refused for one is refused for all.
                home.unread = Some(unread(&error));
                break;
            }
        };
        home.left.push(LeftArtifact { artifact: artifact.name.clone(), reason, why });
    }
    drop(answers);
    home.fold_shards();
    home
}

fn unread(error: &ForgeError) -> Unread {
    Unread { why: error.to_string(), denied: matches!(error, ForgeError::Denied(_) | ForgeError::NotFound(_)) }
}

/// Says whether an artifact is one that people of the repository answer for.
fn judge(artifact: &Artifact, repository: &Repository) -> Result<(), (Left, String)> {
    let Some(origin) = &artifact.origin else {
        return Err((Left::OriginUnknown, "the forge does not say which run left it".to_owned()));
    };
    match origin.head_repository {
        None => return Err((Left::OriginUnknown, "the forge does not say whose commit was run".to_owned())),
        Some(id) if id != repository.id => return Err((Left::Fork, "a fork's commit was run".to_owned())),
        Some(_) => {}
    }
    if origin.branch != repository.default_branch.as_str() {
        return Err((Left::OtherBranch, format!("the branch {} was run", origin.branch)));
    }
    if artifact.expired {
        return Err((Left::Expired, "its time is over".to_owned()));
    }
    if artifact.size > ZIP_BYTES as u64 {
        return Err((Left::TooLarge, format!("it has {} MiB", artifact.size >> 20)));
    }
    Ok(())
}

/// Why an artifact was not fetched.
enum Kept {
    /// For a reason of its own.
    Left(Left, String),
    /// For one that holds for all of them.
    All(ForgeError),
}

async fn fetch(context: &Context<'_>, artifact: &Artifact) -> Result<Unpacked, Kept> {
    let (forge, slug) = (context.state_forge, context.operator);
    let zip = retry(context.system, async || forge.artifact(slug, artifact.id, ZIP_BYTES).await).await;
    let zip = zip.map_err(|error| match error {
        ForgeError::NotFound(why) => Kept::Left(Left::Gone, why),
        ForgeError::Invalid(why) => Kept::Left(Left::TooLarge, why),
        ForgeError::Denied(_) | ForgeError::RateLimited { .. } => Kept::All(error),
        error => Kept::Left(Left::Unfetched, error.to_string()),
    })?;
    unpack(&zip).map_err(|error| Kept::Left(Left::Unreadable, error.to_string()))
}

impl FromArtifacts {
    /// Adds what one artifact has; each job of a workflow leaves its own part of a run's record.
    fn take(&mut self, content: Unpacked) {
        for (run_id, lines) in content.records {
            let record = self.records.entry(run_id).or_default();
            if let Some(whole) = joined(record, &lines) {
                *record = whole;
            }
        }
        self.records.retain(|_, record| !record.is_empty());
        for (run_id, summary) in content.summaries {
            self.summaries.entry(run_id).or_insert(summary);
        }
    }

    /// Puts what shards told to the run that they are parts of, as `record` does on the state branch.
    fn fold_shards(&mut self) {
        let parts: Vec<(String, String)> = self
            .records
            .iter()
            .filter_map(|(run_id, lines)| Some((run_id.clone(), whole_of(run_id, lines)?)))
            .collect();
        for (part, whole) in parts {
            let Some(lines) = self.records.remove(&part) else { continue };
            let record = self.records.entry(whole).or_default();
            if let Some(joined) = joined(record, &lines) {
                *record = joined;
            }
        }
    }
}

/// Returns the run that a shard is a part of, as its first line says; that the ids fit is checked.
fn whole_of(run_id: &str, lines: &[u8]) -> Option<String> {
    let started =
        lines.split(|byte| *byte == b'\n').find_map(|line| match serde_json::from_slice::<Line>(line).ok()?.event {
            Event::RunStarted(started) => Some(started),
            _ => None,
        })?;
    let whole = started.parent_run_id?;
    (whole != run_id && shards::is_of(run_id, &whole)).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sha256_hex;

    const WHOLE: &str = "20261123T100000Z-0a1b2c3d";

    fn line(run_id: &str, second: u32, rest: &str) -> String {
        let (trace, span) = ("0".repeat(32), sha256_hex(format!("{run_id}{second}{rest}").as_bytes()));
        let span = &span[..16];
        format!(
            r#"{{"schema":"homeostat.event/1","time":"2026-11-23T10:00:{second:02}.000Z","run_id":"{run_id}","trace_id":"{trace}","span_id":"{span}",{rest}}}"#
        ) + "\n"
    }

    fn started(run_id: &str, parent: &str) -> String {
        let rest = r#""type":"run.started","triggered_by":"schedule","intent":null,"tags":[],"metadata":{},"version":"1","config_hash":"c","environment":"production","dry_run":false"#;
        line(run_id, 1, &format!(r#"{rest},"parent_run_id":{parent}"#))
    }

    fn part(index: u32) -> String {
        let unique = sha256_hex(format!("{}:{WHOLE}\nshard {index}", WHOLE.len()).as_bytes());
        format!("20261123T100000Z-{}", &unique[..8])
    }

    fn content(records: &[(&str, &str)]) -> Unpacked {
        let records = records.iter().map(|(id, lines)| ((*id).to_owned(), lines.as_bytes().to_vec())).collect();
        Unpacked { records, ..Unpacked::default() }
    }

    #[test]
    fn jobs_of_one_run_and_its_shards_make_one_record() {
        let mut home = FromArtifacts::default();
        let (first, second) = (part(1), part(2));
        let finished = r#""type":"run.finished","totals":{},"exit_class":"ok""#;
        let of_shard = |id: &str| started(id, &format!("\"{WHOLE}\""));
        let (reserve, publish) = (started(WHOLE, "null"), line(WHOLE, 9, finished));
        home.take(content(&[(WHOLE, &publish)]));
        home.take(content(&[(&second, &of_shard(&second))]));
        home.take(content(&[(&first, &of_shard(&first))]));
        home.take(content(&[(WHOLE, &reserve)]));
        home.fold_shards();
        let [(run_id, lines)] = home.records.iter().collect::<Vec<_>>()[..] else {
            panic!("{:?}", home.records.keys())
        };
        let text = String::from_utf8_lossy(lines);
        assert_eq!((run_id.as_str(), text.lines().count()), (WHOLE, 4), "{text}");
        assert!(text.ends_with(&publish), "{text}");
    }

    #[test]
    fn a_run_that_only_says_that_it_is_a_part_stays_its_own() {
        let mut home = FromArtifacts::default();
        let stranger = "20261123T100000Z-ffffffff";
        home.take(content(&[(stranger, &started(stranger, &format!("\"{WHOLE}\"")))]));
        home.take(content(&[("empty", ""), ("junk", "<html>\n")]));
        home.fold_shards();
        assert_eq!(home.records.keys().collect::<Vec<_>>(), [stranger]);
    }

    #[test]
    fn the_newest_summary_of_a_run_stays() {
        let mut home = FromArtifacts::default();
        for text in ["of publish", "of reserve"] {
            let summaries = [(WHOLE.to_owned(), text.as_bytes().to_vec())].into();
            home.take(Unpacked { summaries, ..Unpacked::default() });
        }
        assert_eq!(home.summaries.get(WHOLE).map(Vec::as_slice), Some(&b"of publish"[..]));
    }

    #[test]
    fn only_what_people_of_the_repository_answer_for_is_taken() {
        let origin = |branch: &str, head_repository| {
            Some(crate::forge::Origin { run: 1, branch: branch.to_owned(), head_repository })
        };
        let artifact = |origin, expired, size| Artifact {
            id: 1,
            name: "homeostat-run-1".to_owned(),
            size,
            expired,
            created_at: Timestamp::default(),
            origin,
        };
        let repository = Repository {
            id: 7,
            slug: "acme/ops".parse().expect("a slug"),
            default_branch: "main".parse().expect("a branch"),
            private: false,
            url: String::new(),
        };
        let says = |one: &Artifact| judge(one, &repository).err().map(|(reason, _)| reason);
        assert_eq!(says(&artifact(origin("main", Some(7)), false, 9)), None);
        for (one, reason) in [
            (artifact(None, false, 9), Left::OriginUnknown),
            (artifact(origin("main", None), false, 9), Left::OriginUnknown),
            (artifact(origin("main", Some(8)), false, 9), Left::Fork),
            (artifact(origin("main", Some(8)), true, 9), Left::Fork),
            (artifact(origin("fix", Some(7)), false, 9), Left::OtherBranch),
            (artifact(origin("main", Some(7)), true, 9), Left::Expired),
            (artifact(origin("main", Some(7)), false, (ZIP_BYTES as u64) + 1), Left::TooLarge),
        ] {
            assert_eq!(says(&one), Some(reason), "{one:?}");
        }
    }
}
