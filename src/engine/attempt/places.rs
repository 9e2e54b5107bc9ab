//! Ties a report to places in the base (PROTOCOL.md, 6). Layer 4.

use super::{Ending, Shown, Story};
use crate::engine::baseline::Baseline;
use crate::engine::fixers::Place;
use crate::fingerprint;
use crate::guardrail;
use crate::model::{Anchor, Failure, Language, Reason, RepoPath};
use crate::proof::{self, Target};
use crate::workspace::WorkspaceError;

/// Frames of a trace that are looked at.
const MAX_FRAMES: usize = 8;
/// Source files searched where a red test names no product frame.
const MAX_SOURCES: usize = 60;

impl Story<'_> {
    /// Ties the report to places in the base (PROTOCOL.md, 6).
    pub(super) async fn places(&self, baseline: &Baseline, shown: &Shown) -> Result<Vec<Place>, Ending> {
        if let Some((_, files)) = shown.check.as_ref().and_then(|check| check.format.as_ref()) {
            return Ok(files.iter().map(whole_file).collect());
        }
        let target = &shown.target;
        let files: Vec<RepoPath> = self.checkout.files().iter().map(|file| file.path.clone()).collect();
        let allowed = |path: &RepoPath| guardrail::may_touch(self.means.policy, path);
        let mut places: Vec<Place> = Vec::new();
        let mut moved = false;
        let mut add = |place: Place| {
            if allowed(&place.path) && !places.iter().any(|p| p.path == place.path && p.line == place.line) {
                places.push(place);
            }
        };
        if *target != Target::None {
            // (0) The red target's own trace gives the line on the base.
            for failure in &shown.seen {
                for frame in app_frames(failure).iter().take(MAX_FRAMES) {
                    if let Some(path) = fingerprint::localise_frame(frame, &files) {
                        add(place(path, frame, Anchor::RedTarget));
                    }
                }
            }
        }
        for frame in app_frames(&self.work.failure).iter().take(MAX_FRAMES) {
            let Some(path) = fingerprint::localise_frame(frame, &files) else { continue };
            let found = match &self.work.failure.commit {
                Some(commit) => self.mapped(commit, &path, frame).await?,
                None if *target == Target::None => Some(without_line(path, frame)),
                None => Some(place(path, frame, Anchor::RedTarget)),
            };
            moved |= found.is_none();
            found.into_iter().for_each(&mut add);
        }
        if places.is_empty() && *target != Target::None {
            places = self.sources(baseline, &files).await?;
        }
        match (places.is_empty(), moved) {
            (false, _) => Ok(places),
            (true, true) => Err(Reason::CodeMoved.into()),
            (true, false) => Err(Reason::FrameNotFound.into()),
        }
    }

    /// Lists source files where a failing assertion has its only frame in the test: the test itself will tell right from
    /// wrong. Files that the test's own text names come first.
    async fn sources(&self, baseline: &Baseline, files: &[RepoPath]) -> Result<Vec<Place>, Ending> {
        let seen = baseline.observation.failures.iter().map(|(_, failure)| failure).chain([&self.work.failure]);
        let mut tests: Vec<RepoPath> = seen
            .flat_map(|failure| fingerprint::normal_frames(failure).all)
            .filter(|frame| frame.in_test)
            .filter_map(|frame| frame.path.as_deref().and_then(|path| fingerprint::localise(path, files)))
            .collect();
        tests.sort();
        tests.dedup();
        let mut told = String::new();
        for path in tests.iter().take(MAX_FRAMES) {
            if let Some(file) = self.checkout.read(path).await? {
                told.push_str(&String::from_utf8_lossy(&file.content));
            }
        }
        let language = self.work.failure.language.map(Language::family);
        let is_source = |path: &&RepoPath| {
            let known = Language::of_path(path.as_str()).map(Language::family);
            guardrail::may_touch(self.means.policy, path)
                && known.is_some()
                && (language.is_none() || known == language)
        };
        let mut sources: Vec<&RepoPath> = files.iter().filter(is_source).take(MAX_SOURCES).collect();
        let stem = |path: &RepoPath| path.file_name().split('.').next().unwrap_or_default().to_owned();
        sources.sort_by_key(|path| !told.contains(&stem(path)));
        Ok(sources.into_iter().map(whole_file).collect())
    }

    /// (1) Maps a line of the reported commit through the diff to the base; inside a changed hunk there is none.
    async fn mapped(
        &self,
        commit: &crate::model::ObjectId,
        path: &RepoPath,
        frame: &fingerprint::NormalFrame,
    ) -> Result<Option<Place>, Ending> {
        let then = match self.checkout.read_at(commit, path).await {
            Ok(Some(file)) => file,
            // The commit is not at hand: the place is as good as one without a commit.
            Ok(None) | Err(WorkspaceError::Missing(_)) => {
                return Ok(Some(without_line(path.clone(), frame)));
            }
            Err(error) => return Err(error.into()),
        };
        let Some(now) = self.checkout.read(path).await? else { return Ok(None) };
        let Some(line) = frame.line else { return Ok(Some(without_line(path.clone(), frame))) };
        let (then, now) = (String::from_utf8_lossy(&then.content), String::from_utf8_lossy(&now.content));
        Ok(proof::line_through_diff(&then, &now, line)
            .map(|line| Place { line: Some(line), ..place(path.clone(), frame, Anchor::Commit) }))
    }
}

/// Makes a place of a file in which a red target will tell right from wrong.
fn whole_file(path: &RepoPath) -> Place {
    Place { path: path.clone(), line: None, column: None, function: None, anchor: Anchor::RedTarget }
}

/// (2) Makes a place of a frame whose line means some unknown version: only its function can be trusted.
fn without_line(path: RepoPath, frame: &fingerprint::NormalFrame) -> Place {
    Place { line: None, ..place(path, frame, Anchor::UniqueNode) }
}

/// Makes a place of a frame.
fn place(path: RepoPath, frame: &fingerprint::NormalFrame, anchor: Anchor) -> Place {
    let function = (!frame.function.is_empty()).then(|| frame.function.clone());
    Place { path, line: frame.line, column: None, function, anchor }
}

/// Returns the frames of the repository's own code, innermost first; those of tests are not the product's.
pub(crate) fn app_frames(failure: &Failure) -> Vec<fingerprint::NormalFrame> {
    fingerprint::normal_frames(failure).all.into_iter().filter(|frame| frame.is_app() && !frame.in_test).collect()
}
