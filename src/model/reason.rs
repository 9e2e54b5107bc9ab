//! The one closed list of reasons for a skip, a refusal or a flag. Layer 0.
//!
//! Each has a stable kebab-case code, a class, a sentence for people and a page in `docs/reasons.md`, which a test
//! keeps complete.

use crate::model::taxonomy::closed_list;

/// What a reason does to the work it is given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReasonClass {
    /// A guardrail's rule on a change.
    Rule,
    /// Work that this run leaves alone; counted as backlog.
    Backlog,
    /// A report that nothing can be done about as it is.
    Report,
    /// The repository or its tests cannot be used as they are.
    Repository,
    /// A try that came to nothing.
    Attempt,
    /// The forge or a policy refused.
    Forge,
}

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[$doc:meta])* $item:ident = $text:literal, $class:ident, $sentence:literal;)+) => {
        closed_list! {
            /// Why something was skipped, refused or flagged.
            Reason { $($(#[$doc])* $item = $text),+ }
        }

        impl Reason {
            /// Returns what the reason does to the work it is given for.
            pub const fn class(self) -> ReasonClass {
                match self { $(Self::$item => ReasonClass::$class),+ }
            }

            /// Returns a whole sentence: what happened and what a person can do.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$item => $sentence),+ }
            }
        }
    };
}

reasons! {
    // Guardrails.
    /// Too many lines.
    DiffLines = "diff-lines", Rule, "The change has more lines than limits.max_diff_lines allows.";
    /// Too many files.
    DiffFiles = "diff-files", Rule, "The change touches more files than limits.max_files allows.";
    /// Too many bytes.
    PatchBytes = "patch-bytes", Rule, "The change, or a file in it, is larger than limits.max_patch_bytes or limits.max_file_bytes allows.";
    /// Outside the path filters.
    PathFilter = "path-filter", Rule, "The change touches a file that path_filters do not allow.";
    /// A protected path.
    ProtectedPath = "protected-path", Rule, "The change touches a protected file; protected_paths.lift and an allowing path filter are both needed to permit it.";
    /// A path that is not legal everywhere.
    UnsafePath = "unsafe-path", Rule, "The change names a path that leaves the repository, hides git's own files, or means something else on another system.";
    /// A file mode.
    FileMode = "file-mode", Rule, "The change creates or alters a symbolic link, a submodule or an executable bit.";
    /// Binary content.
    Binary = "binary", Rule, "The change has binary content or a line longer than 4 KiB of encoded data.";
    /// A secret.
    Secret = "secret", Rule, "The change contains what looks like a secret.";
    /// Weaker tests.
    TestWeakened = "test-weakened", Rule, "The change deletes, skips or weakens tests or assertions.";
    /// Broken syntax.
    SyntaxError = "syntax-error", Rule, "A touched file has a syntax error that it did not have before.";
    /// A rewrite rather than a fix.
    RewriteRatio = "rewrite-ratio", Rule, "The change rewrites most of a file, which is more than a fix needs.";
    /// A new dependency.
    DependencyAdded = "dependency-added", Rule, "The change adds a dependency.";
    /// A dependency from elsewhere.
    LockfileSourceChanged = "lockfile-source-changed", Rule, "The change moves a locked dependency to another source.";
    /// Workflow expressions.
    ExpressionInjection = "expression-injection", Rule, "The change adds a workflow expression that could read secrets.";
    /// Bidirectional controls.
    BidiControl = "bidi-control", Rule, "The change adds invisible or bidirectional control characters.";
    /// Look-alike letters.
    MixedScript = "mixed-script", Rule, "The change adds an identifier that mixes scripts which look alike.";
    /// Line endings.
    LineEndings = "line-endings", Rule, "The change rewrites line endings, which hides what it really does.";
    /// Two files that only some systems can tell apart.
    CaseCollision = "case-collision", Rule, "The change creates a file whose name differs from another only by case or accents.";
    /// Silenced diagnostics.
    SuppressionAdded = "suppression-added", Rule, "The change silences a checker or swallows errors instead of mending them.";
    /// Special treatment of tests.
    TestSpecialCase = "test-special-case", Rule, "The change makes the program behave differently under test.";
    /// Malformed diff.
    MalformedDiff = "malformed-diff", Rule, "The diff cannot be read exactly.";
    /// An empty change.
    Empty = "empty", Rule, "The change changes nothing.";

    // Backlog: not this run's to do.
    /// Another run has it.
    Leased = "leased", Backlog, "Another run is working on this failure.";
    /// Cooling down.
    CoolingDown = "cooling-down", Backlog, "The last attempt is too recent; Homeostat waits before it tries again.";
    /// No attempts left.
    GaveUp = "gave-up", Backlog, "Every allowed attempt was made; `/homeostat retry` asks for more.";
    /// Too many pull requests in this run.
    Capped = "capped", Backlog, "max_prs_per_run, max_open_prs or run.max_prs_per_day is reached.";
    /// Budget.
    Budget = "budget", Backlog, "The money allowed is spent or reserved.";
    /// Run deadline.
    Deadline = "deadline", Backlog, "The run's deadline came before this could be tried.";
    /// Closed by a person.
    HumanClosed = "human-closed", Backlog, "A person closed the pull request for this failure; `/homeostat retry` or a trigger label put on again asks for another.";
    /// Reverted by a person.
    Reverted = "reverted", Backlog, "The fix for this failure was reverted; `/homeostat retry` asks for another.";
    /// Merged and still open.
    Merged = "merged", Backlog, "The fix for this failure is merged; nothing says that it came back.";
    /// A pull request is open.
    PullRequestOpen = "pull-request-open", Backlog, "A pull request for this failure is open.";
    /// Opt-out label.
    DoNotFix = "do-not-fix", Backlog, "The issue carries the label do-not-fix.";
    /// Repository paused.
    Paused = "paused", Backlog, "The repository's tracking issue carries the label homeostat:paused.";
    /// Author not trusted.
    UntrustedAuthor = "untrusted-author", Backlog, "The author may not cause work here; a person with write access can put a trigger label on.";
    /// Permission not known.
    PermissionUnknown = "permission-unknown", Backlog, "The forge did not say what the author may do, which counts as no.";
    /// Waiting for approval.
    AwaitingApproval = "awaiting-approval", Backlog, "A proven candidate waits for `/homeostat approve`.";
    /// Waiting to be published.
    AwaitingPublish = "awaiting-publish", Backlog, "A proven candidate waits to be published.";
    /// Branch there, pull request not permitted.
    AwaitingPr = "awaiting-pr", Backlog, "The branch exists; the forge does not let this token open a pull request.";
    /// Nothing changed.
    Unchanged = "unchanged", Backlog, "Nothing that an attempt depends on has changed since the last one.";
    /// Another report of the same failure.
    Duplicate = "duplicate", Backlog, "Another report of the same failure is handled instead.";
    /// A near duplicate whose pull request is open.
    FamilyDeferred = "family-deferred", Backlog, "A near duplicate of this failure has an open pull request; this one is judged on its own afterwards.";
    /// Another patch turns it green.
    Subsumed = "subsumed", Backlog, "The fix of another failure mends this one too.";
    /// The same change is open already.
    SameChange = "same-change", Backlog, "An open pull request of ours makes the same change, or changes the same lines.";
    /// Only looking.
    Observe = "observe", Backlog, "The mode is observe: nothing is written.";

    // Reports.
    /// Nothing to act on.
    NothingToActOn = "nothing-to-act-on", Report, "The report has no error message or stack trace to act on; add the full trace in a code fence.";
    /// Our own.
    SelfAuthored = "self-authored", Report, "Homeostat wrote this itself.";
    /// A pull request, not an issue.
    NotAnIssue = "not-an-issue", Report, "This number is a pull request.";
    /// Too large.
    ReportTooLarge = "report-too-large", Report, "The report is larger than 1 MiB; only its beginning and end were read, and nothing to act on was found.";
    /// Body changed after it was approved.
    ContentChanged = "content-changed-since-approval", Report, "The report's text changed after a person approved it; put the trigger label on again.";
    /// No branch that gets a pull request of its own.
    NotAFeatureBranch = "not-a-feature-branch", Report, "open_pr.branches does not name this branch.";
    /// Gone.
    Gone = "gone", Report, "The report cannot be found any more.";
    /// Somebody stopped the run.
    Cancelled = "cancelled", Report, "The workflow run was cancelled, which says nothing about the code.";
    /// A fork's run.
    ForkRun = "fork-run", Report, "The workflow ran a commit of a fork; its log is an outsider's word.";
    /// No log any more.
    LogUnavailable = "log-unavailable", Report, "The log of the failed job cannot be read any more; run the job again to have a new one.";
    /// Settings, secrets or permissions.
    Configuration = "configuration", Report, "The workflow's settings, secrets or permissions failed, which no change of code can mend.";
    /// Another failure of the same run.
    SameRun = "same-run", Backlog, "A pull request for another failure of this workflow run is under way; what is left of the run is judged after it.";
    /// Built or minified code.
    MinifiedFrames = "minified-frames", Report, "The trace points into built files, and no source map of that commit is at hand.";

    // Repositories.
    /// No test command.
    NoTestCommand = "no-test-command", Repository, "No test command is configured and none could be guessed; set test_command.";
    /// Setup failed on the base.
    SetupFailed = "setup-failed", Repository, "The setup command fails on the unchanged base, so nothing can be proved; mend setup_command.";
    /// The formatter is missing.
    FormatterMissing = "formatter-missing", Repository, "The repository's formatter is not there where its tests run; install it in setup_command, or on this machine.";
    /// No tests ran on the base.
    NoTests = "no-tests", Repository, "The test command ran no test on the unchanged base, so nothing can be proved.";
    /// The base is red for other reasons.
    BaselineRed = "baseline-red", Repository, "The tests fail on the base for reasons other than the report, and the output names no tests to compare.";
    /// Time limit on the base.
    BaselineTimeout = "baseline-timeout", Repository, "The tests exceed limits.test_timeout on the unchanged base.";
    /// The repository is missing.
    RepositoryMissing = "repository-missing", Repository, "The repository does not exist, or this token cannot see it.";
    /// The branch is missing.
    BranchMissing = "branch-missing", Repository, "The configured branch does not exist.";
    /// Credentials left behind.
    PersistedCredentials = "persisted-credentials", Repository, "The checkout keeps credentials where tests could read them.";
    /// Tests reached for the runner.
    RunnerTamper = "runner-tamper", Repository, "While tests ran, files changed by which a step speaks to the runner; what was proved there counts for nothing.";
    /// Sandbox too weak.
    SandboxTooWeak = "sandbox-too-weak", Repository, "This machine cannot shut repository code in as firmly as the configuration asks.";
    /// Platform.
    UnsupportedPlatform = "unsupported-platform", Repository, "Proving works on Linux and macOS only.";

    // Attempts.
    /// No fixer knows it.
    NoFixer = "no-fixer", Attempt, "No native fixer and no pattern fits this failure, and no model may be asked.";
    /// Below the draft threshold.
    LowConfidence = "low-confidence", Attempt, "The best pattern's confidence is below draft_threshold.";
    /// More than one candidate, no test to choose by.
    Ambiguous = "ambiguous", Attempt, "Several places fit the report and no failing test tells them apart.";
    /// The reported line changed since.
    CodeMoved = "code-moved", Attempt, "The reported code has changed since the report; there is nothing left to point at.";
    /// Frame not in the repository.
    FrameNotFound = "frame-not-found", Attempt, "No frame of the trace lies in a file of this repository.";
    /// Never red.
    NotReproduced = "not-reproduced", Attempt, "The target tests pass on the base: the failure does not show here.";
    /// Red only elsewhere.
    Platform = "platform", Attempt, "The failure was seen on another operating system and does not show on this one.";
    /// Red and green.
    Flaky = "flaky", Attempt, "The target tests are red in some runs and green in others on one commit.";
    /// Still red after.
    TargetStillRed = "target-still-red", Attempt, "The target tests still fail with the change.";
    /// Something else broke.
    TestsBroken = "tests-broken", Attempt, "The change makes tests fail that passed before.";
    /// Tests vanished.
    TestsSkipped = "tests-skipped", Attempt, "With the change, tests are skipped or missing that ran before.";
    /// The tests hang.
    TestTimeout = "test-timeout", Attempt, "The tests exceed limits.test_timeout with the change.";
    /// Out of resources.
    TestResource = "test-resource", Attempt, "The tests exceed the limits on memory, processes or output.";
    /// Lint or types got worse.
    ChecksWorse = "checks-worse", Attempt, "lint_command or typecheck_command is worse after the change.";
    /// Only green.
    NeedsReproduction = "needs-reproduction", Attempt, "No test shows the failure, and evidence: red-green asks for one.";
    /// A tree that people turned down.
    RejectedTree = "rejected-tree", Attempt, "The same change was closed or reverted before.";
    /// Reported by infrastructure.
    Infrastructure = "infrastructure", Attempt, "Machines or services failed, not code.";
    /// Same failure twice.
    Deterministic = "deterministic", Attempt, "Two attempts in a row ended with the same failure.";
    /// A model said nothing usable.
    ModelOutputInvalid = "model-output-invalid", Attempt, "The model's answer is not in the form asked for.";

    // Forge and policy.
    /// Base moved.
    BaseMoved = "base-moved", Forge, "The base branch changed the same files since the proof; the candidate is proved again.";
    /// Branch of somebody else.
    ForeignBranch = "foreign-branch", Forge, "A branch with the name that we would use holds something that is not ours.";
    /// A person's commit.
    HumanOwned = "human-owned", Forge, "A person committed to the branch; Homeostat leaves it alone.";
    /// Expired.
    Expired = "expired", Forge, "The candidate waited longer than seven days.";
    /// Policy changed between propose and publish.
    PolicyChanged = "policy-changed", Forge, "The configuration changed between proof and publishing; the candidate is proved again.";
    /// Candidate file not the one announced.
    DigestMismatch = "digest-mismatch", Forge, "The candidate file is not the one that was announced.";
    /// Fingerprint collision by name.
    NameCollision = "name-collision", Forge, "Two different failures share the first sixteen characters of their fingerprint.";
    /// A branch where our folder of branches would be.
    BranchInTheWay = "branch-in-the-way", Forge, "A branch has the name of the folder in which Homeostat's branches lie, and git cannot hold both; rename or delete it.";
    /// Denied.
    Denied = "denied", Forge, "The forge refused the token.";
    /// State could not be written.
    StateUnavailable = "state-unavailable", Forge, "The state branch cannot be read or written.";
    /// Try again.
    ForgeUnavailable = "forge-unavailable", Forge, "The forge did not answer reliably; the next run tries again.";
    /// Private into public.
    Visibility = "visibility", Forge, "The target is less visible than the operator's repository; set state.private: opaque.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_kebab_case_and_sentences_are_whole() {
        for reason in Reason::ALL {
            let code = reason.as_str();
            assert!(code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{code}");
            assert!(reason.sentence().ends_with('.'), "{code}");
            assert_eq!(code.parse(), Ok(*reason));
        }
    }
}
