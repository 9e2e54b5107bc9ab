//! What `outcomes` says: the document, the page of the run, and what the tracking issue tells people. Layer 1.
//!
//! Fixed sentences and names; words of people stand only in quotes.

use serde::Serialize;

use crate::model::{Failure, ObjectId, PullOutcome};
use crate::redact::Redactor;
use crate::render::quote::Quoter;
use crate::render::{code_span, prose, table_cell};

/// The title of the one issue that Homeostat keeps in a repository.
pub const TRACKING_TITLE: &str = "Homeostat";
/// What that issue is found by; whoever writes it must also be us.
pub const TRACKING_MARKER: &str = "<!-- homeostat:tracking -->";
/// What a comment on a failing schedule is found by.
pub const SCHEDULE_MARKER: &str = "<!-- homeostat:schedule-failing -->";
/// The label that pauses a repository while it is on the tracking issue.
pub const PAUSED_LABEL: &str = "homeostat:paused";

/// Characters of a title that a revert repeats, and files that its body names.
const MOST_TITLE: usize = 120;
const MOST_PATHS: usize = 20;

/// What `outcomes` found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct OutcomesReport {
    /// The run.
    pub run_id: String,
    /// Each repository, in the order of the configuration.
    pub repositories: Vec<RepositoryOutcomes>,
    /// What was found of the schedule that starts this workflow; nothing outside a workflow.
    pub schedule: Option<ScheduleHealth>,
    /// Changes of any forge, the state branch too.
    pub writes: u64,
}

/// What became of one repository's pull requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct RepositoryOutcomes {
    /// The repository.
    pub slug: String,
    /// What was not told before.
    pub outcomes: Vec<PullOutcome>,
    /// Merged branches of ours that were deleted, or would be.
    pub deleted: Vec<String>,
    /// Merged branches of our name that stay, with the reason in a whole sentence.
    pub kept: Vec<KeptBranch>,
    /// Whether the repository is paused.
    pub paused: bool,
    /// Merges of ours with which a workflow of the base turned red.
    pub red: Vec<RedMerge>,
    /// What was done besides or is to be known, in whole sentences.
    pub notes: Vec<String>,
    /// What went wrong, in words.
    pub error: Option<String>,
    /// Whether trying again may help.
    pub retryable: bool,
}

/// A merged branch of our name that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct KeptBranch {
    /// The branch.
    pub branch: String,
    /// Why, in a whole sentence.
    pub why: String,
}

/// A merge of ours with which a workflow of the base turned red.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct RedMerge {
    /// The pull request that was merged.
    pub number: u64,
    /// The workflow's file.
    pub workflow: String,
    /// Where a person can look at the failed run.
    pub run: String,
    /// The pull request that takes it back, where there is one.
    pub revert: Option<u64>,
}

/// What the pull request of a revert tells.
#[derive(Debug)]
pub struct RevertView<'a> {
    /// The pull request that was merged.
    pub number: u64,
    /// The commit that merged it.
    pub merge: &'a ObjectId,
    /// The workflow that turned red.
    pub workflow: &'a str,
    /// Where a person can look at its run.
    pub run: &'a str,
    /// What its log says.
    pub failure: Option<&'a Failure>,
    /// The files that are brought back.
    pub paths: &'a [String],
    /// Takes secrets out of what the log says.
    pub redactor: &'a Redactor,
}

/// How the schedule that starts a workflow does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct ScheduleHealth {
    /// The workflow's file.
    pub workflow: String,
    /// How many of its scheduled runs failed in a row, as far as was read.
    pub failed_in_a_row: u64,
    /// What was said about it on the tracking issue in this run, in a whole sentence.
    pub said: Option<String>,
}

impl OutcomesReport {
    /// Counts outcomes of one kind.
    pub fn count(&self, end: crate::model::PullEnd) -> usize {
        self.repositories.iter().flat_map(|one| &one.outcomes).filter(|one| one.outcome == end).count()
    }

    /// Writes it for a terminal.
    pub fn in_text(&self) -> String {
        let mut lines = Vec::new();
        for one in &self.repositories {
            lines.push(format!("{}{}", one.slug, if one.paused { " (paused)" } else { "" }));
            if one.outcomes.is_empty() && one.deleted.is_empty() && one.notes.is_empty() && one.error.is_none() {
                lines.push("  nothing new".to_owned());
            }
            for outcome in &one.outcomes {
                lines.push(format!("  #{} {}{}", outcome.number, outcome.outcome.as_str(), about(outcome)));
            }
            lines.extend(one.deleted.iter().map(|branch| format!("  branch {branch} deleted")));
            lines.extend(one.kept.iter().map(|kept| format!("  branch {} stays: {}", kept.branch, kept.why)));
            lines.extend(one.notes.iter().map(|note| format!("  {note}")));
            lines.extend(one.error.iter().map(|error| format!("  error: {error}")));
        }
        lines.extend(self.schedule.iter().filter_map(|schedule| schedule.said.clone()));
        lines.join("\n")
    }

    /// Writes it for the run's page.
    pub fn summary(&self, version: &str, redactor: &Redactor) -> String {
        use std::fmt::Write as _;
        let mut page = format!("**Homeostat** {version} · what became of our pull requests\n\n");
        let rows: Vec<(&RepositoryOutcomes, &PullOutcome)> =
            self.repositories.iter().flat_map(|one| one.outcomes.iter().map(move |outcome| (one, outcome))).collect();
        if rows.is_empty() {
            page.push_str("Nothing new.\n");
        } else {
            page.push_str(
                "| repository | pull request | outcome | by | lines on top | words |\n|---|---|---|---|---|---|\n",
            );
            for (one, outcome) in rows {
                let words = outcome.words.as_deref().unwrap_or_default();
                let _infallible = writeln!(
                    page,
                    "| {} | #{} | {} | {} | {} | {} |",
                    table_cell(&one.slug),
                    outcome.number,
                    outcome.outcome.as_str(),
                    table_cell(outcome.by.as_deref().unwrap_or("–")),
                    outcome.lines_on_top.map_or_else(|| "–".to_owned(), |lines| lines.to_string()),
                    table_cell(&redactor.redact(words).into_string()),
                );
            }
        }
        for one in &self.repositories {
            let said = one.deleted.iter().map(|branch| format!("branch {} deleted", code_span(branch)));
            let kept =
                one.kept.iter().map(|kept| format!("branch {} stays: {}", code_span(&kept.branch), prose(&kept.why)));
            let rest = one.notes.iter().chain(&one.error).map(|text| prose(&redactor.redact(text).into_string()));
            for line in said.chain(kept).chain(rest) {
                let _infallible = writeln!(page, "\n- {}: {line}", code_span(&one.slug));
            }
            if one.paused {
                let _infallible = writeln!(page, "\n- {} is **paused**.", code_span(&one.slug));
            }
        }
        for said in self.schedule.iter().filter_map(|schedule| schedule.said.as_ref()) {
            let _infallible = writeln!(page, "\n{}", prose(said));
        }
        page
    }
}

fn about(outcome: &PullOutcome) -> String {
    let by = outcome.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    let lines = match outcome.lines_on_top {
        Some(lines) if lines > 0 => format!(", {lines} line(s) changed on top"),
        _ => String::new(),
    };
    let words = outcome.words.as_ref().and_then(|words| words.lines().next()).map(|words| format!(": {words}"));
    format!("{by}{lines}{}", words.unwrap_or_default())
}

/// Writes the body of a tracking issue.
pub fn tracking_body() -> String {
    format!(
        "{TRACKING_MARKER}\nThis is the one issue that Homeostat keeps in this repository. When a person has to know \
         something, a comment below says it; whoever does not want to hear it may close the issue.\n"
    )
}

/// Writes the comment that says that a repository is paused, and how to resume.
pub fn paused_comment(last: u64, pulls: &[u64]) -> String {
    let named: Vec<String> = pulls.iter().map(|number| format!("#{number}")).collect();
    format!(
        "<!-- homeostat:paused {last} -->\n**Homeostat is paused here.** {} pull requests of ours were closed without a \
         merge, one after the other ({}), so the next ones would hardly be welcome. Nothing is proposed in this \
         repository while this issue has the label {}.\n\nTo resume, take the label off. A comment on a closed pull \
         request that says what was wrong with it helps the most.\n",
        pulls.len(),
        named.join(", "),
        code_span(PAUSED_LABEL)
    )
}

/// Writes the title of the pull request of a revert, and the first line of its commit.
pub fn revert_title(number: u64, title: &str) -> String {
    format!("revert: {} (#{number})", first_characters(title, MOST_TITLE))
}

/// Writes the message of a revert's commit, in git's own words.
pub fn revert_message(title: &str, merge: &ObjectId) -> String {
    format!("Revert \"{}\"\n\nThis reverts commit {merge}.\n", first_characters(title, MOST_TITLE))
}

/// Writes the body of the pull request of a revert.
pub fn revert_body(view: &RevertView<'_>) -> String {
    let quoter = Quoter::new(view.redactor, 1);
    let mut body = format!(
        "<!-- homeostat:revert {} -->\nThis takes back #{}, which Homeostat opened and a person merged as {}.\n\n\
         The workflow {} passed before that commit, [failed on it]({}), and has not passed since. The failure was not known \
         before.\n",
        view.number,
        view.number,
        view.merge,
        quoter.span(view.workflow, MOST_TITLE),
        view.run,
    );
    if let Some(failure) = view.failure {
        let text = format!("{}: {}", failure.error_type(), failure.message());
        body.push_str(&format!("\n{}\n", quoter.block("text", text.trim_end_matches([':', ' ']), 12, 1_200)));
    }
    body.push_str("\nThese files are brought back, byte for byte, to what they were:\n\n");
    for path in view.paths.iter().take(MOST_PATHS) {
        body.push_str(&format!("- {}\n", quoter.span(path, 200)));
    }
    if view.paths.len() > MOST_PATHS {
        body.push_str(&format!("- and {} more\n", view.paths.len() - MOST_PATHS));
    }
    body.push_str(
        "\nNobody ran its tests: the checks of this repository will say whether it helps. Close it if another way is better; \
         it is proposed once.\n",
    );
    body
}

fn first_characters(text: &str, most: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(most).collect()
}

/// Writes the comment that says that the schedule fails.
pub fn schedule_failing(times: usize, workflow: &str, run: &str) -> String {
    format!(
        "{SCHEDULE_MARKER}\nThe scheduled run of {} failed {times} times in a row, last in {run}. Nothing is repaired while \
         it does. The summary of that run says why, and docs/guides/troubleshooting.md what to do.\n",
        code_span(workflow)
    )
}

/// What a comment on a schedule says once it works again.
const WORKS: &str = "works again";

/// Writes what takes the place of that comment once the schedule works again.
pub fn schedule_works(workflow: &str) -> String {
    format!(
        "{SCHEDULE_MARKER}\nThe schedule of {} had failed several times in a row; it {WORKS}.\n",
        code_span(workflow)
    )
}

/// Returns whether a text says that the schedule fails, and not that it works again.
pub fn says_schedule_fails(text: &str) -> bool {
    text.contains(SCHEDULE_MARKER) && !text.contains(WORKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_comment_of_a_pause_says_why_and_how_to_resume() {
        let text = paused_comment(9, &[4, 7, 9]);
        assert!(text.starts_with("<!-- homeostat:paused 9 -->\n") && text.contains("#4, #7, #9"), "{text}");
        assert!(text.contains("take the label off") && text.contains("`homeostat:paused`"), "{text}");
    }

    #[test]
    fn a_comment_on_the_schedule_is_told_from_the_one_that_takes_it_back() {
        assert!(says_schedule_fails(&schedule_failing(3, "homeostat.yml", "https://example.com/1")));
        assert!(!says_schedule_fails(&schedule_works("homeostat.yml")));
        assert!(!says_schedule_fails("The schedule failed"));
    }
}
