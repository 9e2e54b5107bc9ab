//! Which labels a repository needs, and which of them are missing. Layer 1.

use super::{Check, Facts, Finding, Severity, Target};
use crate::gate::SHOWN_LABELS;
use crate::model::Policy;

/// A label that Homeostat or the people around it use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedLabel {
    /// Its name.
    pub name: String,
    /// Six hexadecimal digits.
    pub color: &'static str,
    /// What it means.
    pub description: &'static str,
}

/// Returns the labels that a repository needs under its settings, each once.
pub fn wanted_labels(policy: &Policy) -> Vec<WantedLabel> {
    let trigger = policy.trigger_labels.iter().map(|name| (name.as_str(), "1d76db", "Homeostat looks at this"));
    let ours = policy.labels.iter().map(|name| (name.as_str(), "0e8a16", "Opened by Homeostat"));
    let fixed = [
        ("needs-reproduction", "fbca04", "No test showed the failure before the fix"),
        ("needs-approval", "fbca04", "A guardrail flagged the change; a person decides"),
    ];
    let shown = SHOWN_LABELS.into_iter().map(|(name, description)| (name, "fbca04", description));
    let mut all: Vec<WantedLabel> = Vec::new();
    for (name, color, description) in trigger.chain(ours).chain(fixed).chain(shown) {
        if !all.iter().any(|label| label.name.eq_ignore_ascii_case(name)) {
            all.push(WantedLabel { name: name.to_owned(), color, description });
        }
    }
    all
}

/// Returns the labels that are missing, as far as labels could be seen.
pub fn missing_labels(target: &Target) -> Vec<WantedLabel> {
    let Some(Ok(labels)) = target.seen.hosted.as_ref().map(|hosted| &hosted.labels) else { return Vec::new() };
    let there = |label: &WantedLabel| labels.iter().any(|name| name.to_lowercase() == label.name.to_lowercase());
    wanted_labels(&target.policy).into_iter().filter(|label| !there(label)).collect()
}

pub(super) fn check(_: &Facts, target: &Target, place: &str) -> Option<Finding> {
    let check = Check {
        id: "labels",
        place,
        why: "People ask for a fix with a label, and find Homeostat's pull requests by one.",
    };
    let hosted = target.seen.hosted.as_ref()?;
    if let Err(why) = &hosted.labels {
        return Some(check.unknown("The labels", why));
    }
    let missing = missing_labels(target);
    if missing.is_empty() {
        return Some(check.ok("Every label is there."));
    }
    let names: Vec<&str> = missing.iter().map(|label| label.name.as_str()).collect();
    let what = format!("Missing: {}.", names.join(", "));
    let mend = format!("Run `homeostat doctor --repo {} --fix --write`, which creates them.", target.policy.slug);
    Some(Finding { fixable: true, ..check.say(Severity::Warning, what, Some(mend)) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::sample;
    use crate::model::Unseen;

    #[test]
    fn the_labels_of_the_settings_are_wanted_and_each_once() {
        let mut policy = sample::facts().targets[0].policy.clone();
        policy.labels.push("Needs-Approval".to_owned());
        let names: Vec<String> = wanted_labels(&policy).into_iter().map(|label| label.name).collect();
        assert_eq!(
            names,
            [
                "homeostat",
                "robot",
                "homeostat-fix",
                "Needs-Approval",
                "needs-reproduction",
                "homeostat:awaiting-approval",
                "homeostat:attempted",
                "homeostat:cooling-down",
                "homeostat:gave-up",
            ]
        );
    }

    #[test]
    fn missing_labels_are_named_and_can_be_made() {
        let mut facts = sample::facts();
        facts.targets[0].seen.hosted.as_mut().expect("hosted").labels =
            Ok(["HOMEOSTAT", "homeostat-fix", "needs-approval"].map(str::to_owned).to_vec());
        let found = check(&facts, &facts.targets[0], "acme/app").expect("a finding");
        assert!(found.fixable && found.what.starts_with("Missing: robot, needs-reproduction, homeostat:"), "{found:?}");
        facts.targets[0].seen.hosted.as_mut().expect("hosted").labels = Err(Unseen::because("of rights."));
        let found = check(&facts, &facts.targets[0], "acme/app").expect("a finding");
        assert!(!found.fixable && found.severity == Severity::Note, "{found:?}");
        assert!(missing_labels(&facts.targets[0]).is_empty(), "what is not seen is not made");
    }
}
