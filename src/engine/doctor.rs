//! Looks at how a fleet is set up, and makes the labels that are missing. Layer 4.
//!
//! It only gathers; `doctor` judges. Of a private repository behind an operator's repository that more people read, nothing
//! is told where they read it (V-107).

use futures_util::{StreamExt as _, stream};

use crate::config::{Config, PrivateTargets};
use crate::doctor::{Facts, Finding, Severity, Target, examine, missing_labels};
use crate::engine::ground;
use crate::forge::settings::Settings;
use crate::forge::{Forge, ForgeError, Label};
use crate::model::{BranchName, Machine, Mode, Policy, RepoSlug, RepositorySetup, Seen, Unseen};
use crate::render::doctor::{Checkup, Fixed};
use crate::system::System;

/// A branch as ours are called, to ask which rules hold for it.
const OWN_BRANCH: &str = "homeostat/aaaaaaaaaaaaaaaa";

/// What to look at, and through what.
pub struct Look<'a> {
    /// The forge, for files and labels.
    pub forge: &'a dyn Forge,
    /// The forge, for settings.
    pub settings: &'a dyn Settings,
    /// Time.
    pub system: &'a dyn System,
    /// The configuration.
    pub config: &'a Config,
    /// Only this repository.
    pub only: Option<&'a RepoSlug>,
    /// The repository whose workflow this is.
    pub own: Option<RepoSlug>,
    /// The operator's repository, where it is on a forge.
    pub operator: Option<RepoSlug>,
    /// The file of the workflow that this runs in.
    pub workflow: Option<&'a str>,
    /// The machine.
    pub machine: Machine,
    /// Where people look at repositories.
    pub server: &'a str,
    /// Whether what is printed is read by whoever reads the operator's repository.
    pub public: bool,
}

impl std::fmt::Debug for Look<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Look").field("only", &self.only).field("operator", &self.operator).finish_non_exhaustive()
    }
}

/// What came of a look.
#[derive(Debug)]
pub struct Looked {
    /// What was found and made.
    pub checkup: Checkup,
    /// Labels that could not be made, in whole sentences.
    pub failed: Vec<String>,
    /// Labels that would be made if anything were written.
    pub held_back: usize,
}

/// Looks at everything; with `fix` the missing labels are made, unless `dry`.
pub async fn look(look: &Look<'_>, fix: bool, dry: bool) -> Looked {
    let mut facts = facts(look).await;
    let mut looked = Looked { checkup: Checkup::default(), failed: Vec::new(), held_back: 0 };
    if fix {
        for target in &mut facts.targets {
            make_labels(look, target, dry, &mut looked).await;
        }
    }
    looked.checkup.findings = examine(&facts);
    if look.public {
        hide(&facts, &mut looked);
    }
    looked
}

/// Gathers everything that is judged.
async fn facts(look: &Look<'_>) -> Facts {
    let own: BranchName = OWN_BRANCH.parse().expect("internal error: the example is a legal name");
    let token = look.settings.token_setup().await;
    let policies = look.config.repositories.iter().filter(|policy| look.only.is_none_or(|only| policy.slug == *only));
    let targets = policies.map(|policy| target(look, policy, &own));
    let targets = stream::iter(targets).buffered(look.config.run.concurrency.max(1)).collect().await;
    let operator = match &look.operator {
        Some(slug) => look.settings.operator_setup(slug, look.workflow).await.map(|seen| (slug.clone(), seen)),
        None => None,
    };
    let now = look.forge.now().await.map_err(|error| Unseen::because(format!("the forge did not say ({error}).")));
    Facts {
        now,
        server: look.server.to_owned(),
        machine: look.machine.clone(),
        token,
        own: look.own.clone(),
        operator,
        max_issues: look.config.run.max_issues,
        opaque: look.config.state.private == PrivateTargets::Opaque,
        targets,
    }
}

async fn target(look: &Look<'_>, policy: &Policy, own: &BranchName) -> Target {
    let seen = look.settings.repository_setup(&policy.slug, policy.branch.as_ref(), own).await;
    let test_command = test_command(look, policy, &seen).await;
    Target { policy: policy.clone(), seen, test_command }
}

/// Guesses the test command from the files of the base branch, where none is configured.
async fn test_command(look: &Look<'_>, policy: &Policy, seen: &RepositorySetup) -> Seen<Option<String>> {
    if policy.commands.test.is_some() {
        return Ok(policy.commands.test.clone());
    }
    if let Err(why) = &seen.about {
        return Err(why.clone());
    }
    let Some(base) = &seen.base else { return Ok(None) };
    let guessed = ground::guessed(look.forge, look.system, &policy.slug, base).await;
    guessed
        .map(|guessed| guessed.test)
        .map_err(|error: ForgeError| Unseen::because(format!("its files could not be read ({error}).")))
}

/// Makes the labels that a repository lacks. One that somebody else made meanwhile is as good.
async fn make_labels(look: &Look<'_>, target: &mut Target, dry: bool, looked: &mut Looked) {
    let slug = target.policy.slug.clone();
    // What was seen of an archived repository was seen for nothing: it takes no label.
    let archived = target.seen.about.as_ref().is_ok_and(|about| about.archived);
    for wanted in missing_labels(target) {
        if dry || archived || target.policy.mode == Mode::Observe {
            looked.held_back += 1;
            continue;
        }
        let label = Label {
            name: wanted.name.clone(),
            color: wanted.color.to_owned(),
            description: wanted.description.to_owned(),
        };
        match look.forge.create_label(&slug, &label).await {
            Ok(()) => {
                looked.checkup.fixed.push(Fixed { repository: slug.to_string(), label: label.name.clone() });
                note(target, label.name);
            }
            Err(ForgeError::Conflict(_)) => note(target, label.name),
            Err(error) => {
                looked.failed.push(format!("The label {} could not be made in {slug}: {error}.", wanted.name));
            }
        }
    }
}

/// Notes that a label is there.
fn note(target: &mut Target, name: String) {
    if let Some(Ok(labels)) = target.seen.hosted.as_mut().map(|hosted| hosted.labels.as_mut()) {
        labels.push(name);
    }
}

/// Takes the words of private repositories out, where more people read what is printed than see the repository.
fn hide(facts: &Facts, looked: &mut Looked) {
    let Some((_, operator)) = &facts.operator else { return };
    if operator.about.as_ref().is_ok_and(|about| about.private) {
        return;
    }
    for target in &facts.targets {
        let Some(about) = target.seen.about.as_ref().ok().filter(|about| about.private) else { continue };
        if operator.about.as_ref().is_ok_and(|operator| operator.id == about.id) {
            continue;
        }
        let (name, stands_for) = (target.policy.slug.to_string(), format!("repository {}", about.id));
        for finding in &mut looked.checkup.findings {
            if finding.place == name {
                silence(finding, &stands_for);
            }
            finding.what = finding.what.replace(&name, &stands_for);
            finding.mend = finding.mend.take().map(|mend| mend.replace(&name, &stands_for));
        }
        for fixed in looked.checkup.fixed.iter_mut().filter(|fixed| fixed.repository == name) {
            fixed.repository.clone_from(&stands_for);
        }
        for failed in &mut looked.failed {
            *failed = failed.replace(&name, &stands_for);
        }
    }
}

fn silence(finding: &mut Finding, stands_for: &str) {
    const UNTOLD: &str =
        "Not told where more people read it than see the repository; run `homeostat doctor` from a terminal.";
    stands_for.clone_into(&mut finding.place);
    UNTOLD.clone_into(&mut finding.what);
    finding.mend = (finding.severity > Severity::Note).then(|| UNTOLD.to_owned());
}
