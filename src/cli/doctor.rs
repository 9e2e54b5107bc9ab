//! `doctor`: what of token, settings, rules and machine keeps Homeostat from its work. Layer 5.
//!
//! It changes nothing but labels that are missing, and those only with `--fix`.

use crate::cli::args::{DoctorArgs, Global};
use crate::cli::failure::Outcome;
use crate::cli::output::{Output, say};
use crate::cli::session::{self, Privilege};
use crate::doctor::Severity;
use crate::engine::doctor::{Look, Looked, look};
use crate::report::ExitClass;

/// Carries the command out.
pub(crate) async fn doctor(args: &DoctorArgs, global: &Global, output: &Output) -> Outcome {
    let env = session::environment();
    let named = match &args.repo {
        Some(repo) => vec![repo.clone()],
        None => session::repositories_of(&args.place.forge)?,
    };
    let session = session::open_for(&args.place, Privilege::Look, &named)?;
    for warning in &session.loaded.warnings {
        say(&format!("warning: {warning}"));
    }
    session.knows(args.repo.as_ref())?;
    let on_github = session::is_github(&args.place);
    let set = |name: &str| env.get(name).filter(|value| !value.is_empty());
    let server = set("GITHUB_SERVER_URL").map_or("https://github.com", |url| url.trim_end_matches('/'));
    // A folder stands in for an operator's repository that nobody named.
    let operator = (on_github && session.state_folder().is_none()).then(|| session.operator.clone());
    let sight = Look {
        forge: session.forge(),
        settings: session.settings(),
        system: &session.system,
        config: &session.loaded.config,
        only: args.repo.as_ref(),
        own: set("GITHUB_REPOSITORY").and_then(|slug| slug.parse().ok()),
        operator,
        workflow: set("GITHUB_WORKFLOW_REF").map(|name| file_of(name)),
        machine: session::machine().await,
        server,
        public: session::is_in_actions(&env),
    };
    let Looked { checkup, failed, held_back } = look(&sight, args.fix, session.run.dry_run).await;
    let checkup = checkup.redacted(&session.redactor);
    for failure in &failed {
        say(&format!("warning: {}", session.redactor.redact(failure).as_str()));
    }
    if let Err(error) = session.runner.write_summary(&checkup.summary(&session.run.version, &session.redactor)) {
        say(&format!("warning: the step summary could not be written ({error})"));
    }
    output.document(global.format, &checkup, &checkup.in_text())?;
    if held_back > 0 && session.run.dry_run {
        say(&format!("{held_back} label(s) would be made."));
        session.say_held_back();
    } else if held_back > 0 {
        say(&format!(
            "{held_back} label(s) were not made: nothing is written in mode observe and to archived repositories."
        ));
    }
    Ok(class_of(checkup.worst(), global.strict))
}

fn class_of(worst: Severity, strict: bool) -> ExitClass {
    match worst {
        Severity::Problem => ExitClass::Finding,
        Severity::Warning if strict => ExitClass::Finding,
        _ => ExitClass::Ok,
    }
}

/// Returns the file of a workflow, as in `owner/name/.github/workflows/ci.yml@refs/heads/main`.
fn file_of(name: &str) -> &str {
    let path = name.split('@').next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_findings_and_warnings_are_only_where_they_are_asked_to_be() {
        assert_eq!(class_of(Severity::Problem, false), ExitClass::Finding);
        assert_eq!(class_of(Severity::Warning, true), ExitClass::Finding);
        assert_eq!(class_of(Severity::Warning, false), ExitClass::Ok);
        assert_eq!(class_of(Severity::Note, true), ExitClass::Ok);
    }

    #[test]
    fn the_file_of_a_workflow_is_read_from_its_reference() {
        assert_eq!(file_of("o/app/.github/workflows/homeostat.yml@refs/heads/main"), "homeostat.yml");
        assert_eq!(file_of(""), "");
    }
}
