//! What the machine has to give: git, certificates, a sandbox. Layer 1.

use super::{Check, Facts, Finding};
use crate::model::{SandboxLevel, SandboxRequirement};

const PLACE: &str = "machine";

pub(super) fn checks(facts: &Facts) -> Vec<Finding> {
    let mut all = vec![git(facts)];
    all.extend(certificates(facts));
    all.extend([sandbox(facts), models()]);
    all
}

fn git(facts: &Facts) -> Finding {
    let check = Check {
        id: "git-version",
        place: PLACE,
        why: "Repositories are fetched with git, and older versions lack safeguards against hostile repositories.",
    };
    let machine = &facts.machine;
    let version = |(major, minor, patch): (u32, u32, u32)| format!("{major}.{minor}.{patch}");
    let wanted = version(machine.git_minimum);
    let install = format!("Install git {wanted} or later, and see that it is on PATH.");
    match &machine.git {
        Err(why) => check.problem(format!("Git could not be asked for its version: {}", why.because), install),
        Ok(found) if *found < machine.git_minimum => {
            check.problem(format!("Git {} is older than {wanted}.", version(*found)), install)
        }
        Ok(found) => check.ok(format!("Git {} will do.", version(*found))),
    }
}

fn certificates(facts: &Facts) -> Option<Finding> {
    let check = Check {
        id: "ca-certificates",
        place: PLACE,
        why: "Without them no server can be told from one that only says it is GitHub.",
    };
    // A forge in a folder is reached without a network.
    facts.token.as_ref()?;
    Some(if facts.machine.certificates {
        check.ok("Root certificates are there.")
    } else {
        check.problem(
            "This machine has no root certificates.",
            "Install the package `ca-certificates`, or name a file with them in SSL_CERT_FILE.",
        )
    })
}

fn sandbox(facts: &Facts) -> Finding {
    let check = Check {
        id: "sandbox-level",
        place: PLACE,
        why: "Tests of a repository are code of others; the sandbox keeps them from your files and your network.",
    };
    let Some(level) = facts.machine.sandbox else {
        return check.problem(
            "Commands of a repository cannot be run on this platform.",
            "Run Homeostat on Linux or macOS; here `guard`, `scan`, `fingerprint` and `diagnose` work.",
        );
    };
    let least = |required: SandboxRequirement| match required {
        SandboxRequirement::Any => SandboxLevel::None,
        SandboxRequirement::Landlock => SandboxLevel::Landlock,
        SandboxRequirement::Isolated => SandboxLevel::Isolated,
    };
    let strictest = facts.targets.iter().max_by_key(|target| least(target.policy.sandbox.require));
    if let Some(target) = strictest.filter(|target| least(target.policy.sandbox.require) > level) {
        let (slug, wanted) = (&target.policy.slug, least(target.policy.sandbox.require));
        return check.problem(
            format!("This machine gives `{}`, and {slug} requires `{}`.", word(level), word(wanted)),
            "Run on Linux 5.13 or later with Landlock, for `isolated` where users may make namespaces (on Ubuntu 24.04 after \
             `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`), or lower `sandbox.require`.",
        );
    }
    match level {
        SandboxLevel::None => check.warning(
            "This machine gives no sandbox: limits and a clean environment hold, files and network are open.",
            "Run on Linux 5.13 or later with Landlock; `sandbox.require: landlock` refuses anything less.",
        ),
        level => check.ok(format!("This machine gives `{}`.", word(level))),
    }
}

const fn word(level: SandboxLevel) -> &'static str {
    match level {
        SandboxLevel::None => "none",
        SandboxLevel::Landlock => "landlock",
        SandboxLevel::Isolated => "isolated",
    }
}

fn models() -> Finding {
    Check { id: "models-unused", place: PLACE, why: "A key that is set and not used is one more that can leak." }
        .note("Models are not used by this version; no key and no price was looked at.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{Severity, sample};
    use crate::model::Unseen;

    #[test]
    fn git_that_is_missing_or_too_old_is_a_problem() {
        let mut facts = sample::facts();
        assert_eq!(git(&facts).severity, Severity::Ok);
        facts.machine.git = Ok((2, 37, 9));
        assert!(git(&facts).what.contains("older than 2.38.0"), "{:?}", git(&facts));
        facts.machine.git = Err(Unseen::because("it is not there."));
        assert_eq!(git(&facts).severity, Severity::Problem);
    }

    #[test]
    fn certificates_are_asked_for_only_where_a_server_is() {
        let mut facts = sample::facts();
        facts.machine.certificates = false;
        assert_eq!(certificates(&facts).map(|one| one.severity), Some(Severity::Problem));
        facts.token = None;
        assert_eq!(certificates(&facts), None);
    }

    #[test]
    fn a_sandbox_weaker_than_required_is_a_problem_and_none_at_all_a_warning() {
        let mut facts = sample::facts();
        assert_eq!(sandbox(&facts).severity, Severity::Ok);
        facts.machine.sandbox = Some(SandboxLevel::None);
        assert_eq!(sandbox(&facts).severity, Severity::Warning);
        facts.targets[0].policy.sandbox.require = SandboxRequirement::Landlock;
        assert!(sandbox(&facts).what.contains("acme/app requires `landlock`"), "{:?}", sandbox(&facts));
        facts.machine.sandbox = None;
        assert_eq!(sandbox(&facts).severity, Severity::Problem);
    }
}
