//! The place where repository code runs: looked at before, and put back in order afterwards. Layer 5.

#![expect(clippy::disallowed_methods, reason = "the folder of artifacts is this module's business")]

use std::collections::BTreeMap;
use std::path::Path;

use crate::actions::Runner;
use crate::actions::command_files::CommandFiles;
use crate::actions::credentials;
use crate::cli::session;
use crate::engine::fixers::Fixer;
use crate::engine::propose::{self, Proposals};
use crate::engine::{Context, Reservation, withhold};
use crate::model::Reason;

/// Attempts all reserved work, unless tests could read the checkout's credentials here (V-74); nothing counts that was
/// proved while somebody changed the runner's files (V-43).
pub(crate) async fn propose(
    context: &Context<'_>,
    artifacts: &Path,
    reservation: &Reservation,
    fixers: &[&dyn Fixer],
) -> Proposals {
    let env = session::environment();
    let get = |name: &str| env.get(name).cloned();
    if reservation.works.is_empty() || !Runner::from_env(&get).in_actions {
        return propose::propose(context, reservation, fixers).await;
    }
    if let Some(why) = left_behind(&env) {
        return withhold::nothing(context, reservation, Reason::PersistedCredentials, &why).await;
    }
    let files = CommandFiles::seal(&get);
    let mut proposals = propose::propose(context, reservation, fixers).await;
    let changed = files.restore();
    take_links_out(artifacts);
    if !changed.is_empty() {
        let why = format!("{}; put back as they were", changed.join(", "));
        withhold::all(&mut proposals.manifest, &mut proposals.files, Reason::RunnerTamper, &why);
    }
    proposals
}

/// Says which credentials the job's own checkout keeps, and how to go without.
fn left_behind(env: &BTreeMap<String, String>) -> Option<String> {
    let config = Path::new(env.get("GITHUB_WORKSPACE")?).join(".git/config");
    let bytes = session::read_capped(&config, 1 << 20).ok()?;
    let what = credentials::persisted(&String::from_utf8_lossy(&bytes))?;
    Some(format!("{} has {what}; give `actions/checkout` `persist-credentials: false`", config.display()))
}

/// Takes links out of the folder that is uploaded: whoever uploads it would follow them (P-26).
fn take_links_out(folder: &Path) {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_symlink() => {
                    let gone = std::fs::remove_file(entry.path());
                    tracing::warn!(link = %entry.path().display(), ?gone, "a link in the folder of artifacts is taken out");
                }
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                _ => {}
            }
        }
    }
}
