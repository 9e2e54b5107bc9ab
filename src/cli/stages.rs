//! The four privileges as commands of their own, with files between them. Layer 5.

#![expect(clippy::disallowed_methods, reason = "faces read and write files, and pass bytes")]

use std::collections::BTreeMap;
use std::path::Path;

use crate::cli::args::{Global, InArgs, ProposeArgs, ReserveArgs};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::{Output, say};
use crate::cli::progress::Shown;
use crate::cli::record::RunRecord;
use crate::cli::session::{self, Privilege, owner_is_gone, read_capped};
use crate::engine::counted::Counted;
use crate::engine::fixers::{Fixer, NativeFixer, PatternFixer};
use crate::engine::state::encode;
use crate::engine::{Context, Reservation, Selection, Veil};
use crate::forge::Forge;
use crate::model::{Candidate, Manifest, Reason, sha256_hex};
use crate::report::{self, ExitClass, Stages};
use crate::system::System as _;
use crate::{engine, render};

/// What a stage's file may weigh.
const FILE_CAP: u64 = 256 << 20;

/// Runs one stage with everything it may use.
macro_rules! with_context {
    ($session:ident, $record:ident, $global:ident, $read_only:expr, |$context:ident, $forge:ident| $work:block) => {{
        let $forge = Counted::new($session.forge(), $read_only);
        let state_folder = $session.state_folder().map(|folder| Counted::new(folder, $read_only));
        let progress = Shown::new(&$session.runner, $global.format == crate::cli::args::Format::Json);
        let veil = Veil::apart();
        let $context = Context {
            forge: &$forge,
            state_forge: state_folder.as_ref().map_or(&$forge as &dyn Forge, |folder| folder),
            workspace: &$session.workspace,
            system: &$session.system,
            config: &$session.loaded.config,
            operator: &$session.operator,
            run: &$session.run,
            library_digest: &$session.library_digest,
            owner_is_gone: &owner_is_gone,
            progress: &progress,
            redactor: &$session.redactor,
            recorder: &$record,
            veil: &veil,
        };
        $work
    }};
}

/// `reserve`: leaves `reservation.json`.
pub(crate) async fn reserve(args: &ReserveArgs, global: &Global, output: &Output) -> Outcome {
    let session = session::open(&args.place, Privilege::Reserve)?;
    session.knows(args.repo.as_ref())?;
    let record = RunRecord::open(&args.place.artifacts, &session.run.id, &session.system)?;
    let selection = Selection { only: args.repo.clone(), issue: None, ..Selection::default() };
    with_context!(session, record, global, session.run.dry_run, |context, forge| {
        let mut reservation = engine::reserve::reserve(&context, &selection).await?;
        unnamed(&mut reservation);
        write(&args.out, "reservation.json", &encode(&reservation))?;
        let text = format!("{} failure(s) reserved for run {}.", reservation.works.len(), reservation.run_id);
        output.document(global.format, &reservation, &text)?;
        let problems = || reservation.repositories.iter().filter_map(|view| view.error.as_ref());
        Ok(if problems().any(|problem| problem.reason == Reason::Visibility) {
            ExitClass::Config
        } else if problems().any(|problem| problem.retryable) {
            ExitClass::Retryable
        } else {
            ExitClass::Ok
        })
    })
}

/// `propose`: leaves candidates and `manifest.json`; the forge is read only here, whatever the token may.
pub(crate) async fn propose(args: &ProposeArgs, global: &Global, output: &Output) -> Outcome {
    let mut session = session::open(&args.place, Privilege::Propose)?;
    let reservation = read_reservation(&args.input)?;
    session.run.id.clone_from(&reservation.run_id);
    let record = RunRecord::open(&args.place.artifacts, &session.run.id, &session.system)?;
    with_context!(session, record, global, true, |context, forge| {
        let fixer = PatternFixer::new(&session.library, reservation.made_at);
        let fixers: [&dyn Fixer; 2] = [&NativeFixer, &fixer];
        let proposals = engine::propose::propose(&context, &reservation, &fixers).await;
        for (name, bytes) in &proposals.files {
            write(&args.out, name, bytes)?;
        }
        let manifest = encode(&proposals.manifest);
        write(&args.out, "manifest.json", &manifest)?;
        for (name, text) in &proposals.logs {
            record.write_log(name, text, &session.redactor);
        }
        let text = format!(
            "{} candidate(s), {} other end(s); digest {}",
            proposals.files.len(),
            proposals.manifest.settled.len(),
            sha256_hex(&manifest)
        );
        let outputs = [("run-id", reservation.run_id.clone()), ("digest", format!("sha256:{}", sha256_hex(&manifest)))];
        session
            .runner
            .write_outputs(&outputs, &|| session.system.random())
            .map_err(|e| Failure::internal(format!("The action's outputs cannot be written ({e}).")))?;
        output.document(global.format, &proposals.manifest, &text)?;
        Ok(ExitClass::Ok)
    })
}

/// `record`: settles on the state branch.
pub(crate) async fn record(args: &InArgs, global: &Global, output: &Output) -> Outcome {
    let mut session = session::open(&args.place, Privilege::Record)?;
    let (manifest, candidates) = read_manifest(args)?;
    session.run.id.clone_from(&manifest.run_id);
    let record = RunRecord::open(&args.place.artifacts, &session.run.id, &session.system)?;
    with_context!(session, record, global, session.run.dry_run, |context, forge| {
        // How attempts ended is told with what they were about, where that is at hand.
        let reservation =
            args.input.join("reservation.json").is_file().then(|| read_reservation(&args.input)).transpose()?;
        let written = engine::record::record(&context, &manifest, &candidates, reservation.as_ref()).await?;
        let text = if written { "Recorded." } else { "Nothing to record." };
        output.document(global.format, &serde_json::json!({ "recorded": written, "writes": forge.writes() }), text)?;
        Ok(ExitClass::Ok)
    })
}

/// `publish`: checks every candidate again and reconciles.
pub(crate) async fn publish(args: &InArgs, global: &Global, output: &Output) -> Outcome {
    let mut session = session::open(&args.place, Privilege::Publish)?;
    let began = session.system.monotonic();
    let (manifest, candidates) = read_manifest(args)?;
    session.run.id.clone_from(&manifest.run_id);
    let reservation = read_reservation(&args.input)?;
    let record = RunRecord::open(&args.place.artifacts, &session.run.id, &session.system)?;
    with_context!(session, record, global, session.run.dry_run, |context, forge| {
        let wanted = engine::publish::Wanted { only: reservation.only.as_ref(), approved: None };
        let publications = engine::publish::publish(&context, &candidates, &reservation.duplicates, wanted).await?;
        let stages = Stages {
            run_id: &manifest.run_id,
            reservation: Some(&reservation),
            manifest: Some(&manifest),
            publications: Some(&publications),
            patterns_total: session.library.patterns().len() as u64,
            budget: None,
            writes: forge.writes(),
        };
        let (report, class) = report::build(&stages);
        let digest = sha256_hex(&encode(&manifest));
        let took = session.system.monotonic().saturating_sub(began);
        super::run::summarise(&session, &report, &reservation, &record, took, false);
        super::run::write_outputs(&session, &report, &record, &digest)?;
        let text = super::run::in_short(&report, session.run.dry_run);
        let report: &render::RunReport = &report;
        output.document(global.format, report, &text)?;
        Ok(class)
    })
}

/// Takes the names of private repositories out of a reservation; there is no work of theirs in it (V-107).
fn unnamed(reservation: &mut Reservation) {
    for view in reservation.repositories.iter_mut().filter(|view| view.hidden) {
        if let Some(slug) = view.id.and_then(|id| format!("private/{id}").parse().ok()) {
            view.slug = slug;
        }
    }
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(folder.join(name), bytes))
        .map_err(|e| Failure::internal(format!("{} cannot be written ({e}).", folder.join(name).display())))
}

fn read_reservation(folder: &Path) -> Result<Reservation, Failure> {
    let path = folder.join("reservation.json");
    let bytes = read_capped(&path, FILE_CAP)?;
    serde_json::from_slice(&bytes)
        .map_err(|e| Failure::config(format!("{} is not what `reserve` writes ({e}).", path.display())))
}

/// Reads a manifest and its candidates; every file must be the one announced (V-88).
fn read_manifest(args: &InArgs) -> Result<(Manifest, Vec<Candidate>), Failure> {
    let path = args.input.join("manifest.json");
    let bytes = read_capped(&path, FILE_CAP)?;
    let refused = |message: String| Failure { class: ExitClass::Refused, message };
    if let Some(digest) = &args.digest {
        if sha256_hex(&bytes) != digest.trim_start_matches("sha256:") {
            return Err(refused(format!("{} is not the file that `propose` announced.", path.display())));
        }
    } else {
        say("warning: without --digest the manifest is taken as it lies there.");
    }
    let manifest: Manifest = serde_json::from_slice(&bytes)
        .map_err(|e| Failure::config(format!("{} is not what `propose` writes ({e}).", path.display())))?;
    let mut files = BTreeMap::new();
    for name in manifest.digests.keys() {
        files.insert(name.clone(), read_capped(&args.input.join(name), FILE_CAP)?);
    }
    let candidates = engine::record::read_candidates(&manifest, &files).map_err(|e| refused(e.to_string()))?;
    Ok((manifest, candidates))
}
