//! The four privileges as commands of their own, with files between them. Layer 5.

#![expect(clippy::disallowed_methods, reason = "faces read and write files, and pass bytes")]

use std::collections::BTreeSet;
use std::path::Path;

use crate::cli::annotate;
use crate::cli::args::{Global, InArgs, ProposeArgs, ReserveArgs};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::{Output, say};
use crate::cli::parcels::{self, Found, Ordered};
use crate::cli::record::RunRecord;
use crate::cli::session::{self, Privilege, Session};
use crate::cli::workbench::Workbench;
use crate::cli::workshop;
use crate::engine::delivery::{self, Delivery, DeliveryError};
use crate::engine::fixers::{Fixer, NativeFixer, PatternFixer};
use crate::engine::shards::Shard;
use crate::engine::state::encode;
use crate::engine::{Recorder as _, Reservation, Selection, Veil};
use crate::event::{Event, RunFinished};
use crate::model::{Manifest, Reason, sha256_hex};
use crate::report::{self, ExitClass, Stages};
use crate::system::System as _;
use crate::{engine, render};

/// `reserve`: leaves `reservation.json`.
pub(crate) async fn reserve(args: &ReserveArgs, global: &Global, output: &Output) -> Outcome {
    let session = session::open(&args.place, Privilege::Reserve)?;
    session.knows(args.repo.as_ref())?;
    let record = RunRecord::open(&args.place.artifacts, &session.run.id, &session.system)?;
    let selection = Selection { only: args.repo.clone(), issue: None, ..Selection::default() };
    let bench = Workbench::new(&session, global.format, session.run.dry_run, Veil::apart());
    let context = bench.context(&record);
    let mut reservation = engine::reserve::reserve_in_parts(&context, &selection, args.shards).await?;
    unnamed(&mut reservation);
    let bytes = encode(&reservation);
    write(&args.out, "reservation.json", &bytes)?;
    let shards: Vec<u32> = reservation.dealt().iter().map(|shard| shard.index).collect();
    let parts = reservation.shards.as_ref().map(|_| format!(" in {} shard(s)", shards.len())).unwrap_or_default();
    let text = format!("{} failure(s) reserved{parts} for run {}.", reservation.works.len(), reservation.run_id);
    let mut outputs = vec![("run-id", reservation.run_id.clone()), ("digest", named_digest(&bytes))];
    if reservation.shards.is_some() {
        outputs.push(("shards", serde_json::json!(shards).to_string()));
    }
    write_outputs(&session, &outputs)?;
    output.document(global.format, &reservation, &text)?;
    let problems = || reservation.repositories.iter().filter_map(|view| view.error.as_ref());
    Ok(if problems().any(|problem| problem.reason == Reason::Visibility) {
        ExitClass::Config
    } else if problems().any(|problem| problem.retryable) {
        ExitClass::Retryable
    } else {
        ExitClass::Ok
    })
}

/// `propose`: leaves candidates and `manifest.json`; the forge is read only here, whatever the token may.
pub(crate) async fn propose(args: &ProposeArgs, global: &Global, output: &Output) -> Outcome {
    let Ordered { reservation: whole, bytes } = parcels::reservation(&args.input)?;
    let shard = chosen(&whole, args.shard)?;
    let mut session = session::open(&args.place, Privilege::Propose)?;
    if shard.is_some() {
        // Its siblings read at the same time, from the same limits.
        session.divide(u32::try_from(whole.dealt().len()).unwrap_or(1));
    }
    let reservation = shard.map_or_else(|| whole.clone(), |shard| whole.part(shard));
    session.run.id.clone_from(&reservation.run_id);
    tidy(&args.out, shard, &whole)?;
    let record = RunRecord::open(&args.place.artifacts, &session.run.id, &session.system)?;
    let bench = Workbench::new(&session, global.format, true, Veil::apart());
    let context = bench.context(&record);
    let fixer = PatternFixer::new(&session.library, reservation.made_at);
    let fixers: [&dyn Fixer; 2] = [&NativeFixer, &fixer];
    if shard.is_some() {
        let facts = super::run::Facts { intent: args.place.intent.clone(), tags: args.place.tags.clone() };
        super::run::journal(&record, super::run::started(&session, &facts, Some(&whole.run_id)))?;
    }
    let mut proposals = workshop::propose(&context, &args.place.artifacts, &reservation, &fixers).await;
    proposals.manifest.reservation = Some(sha256_hex(&bytes));
    if let Some(shard) = shard {
        proposals.manifest.shard = Some(shard.index);
        proposals.manifest.parent_run_id = Some(whole.run_id.clone());
        super::run::journal(&record, finished(&session, &reservation, &proposals.manifest))?;
        let lines = record.kept();
        proposals.manifest.events = lines.iter().filter_map(|line| serde_json::to_value(line).ok()).collect();
    }
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
    let numbered = shard.map(|shard| format!("digest-{}", shard.index));
    let mut outputs = vec![("run-id", reservation.run_id.clone()), ("digest", named_digest(&manifest))];
    // Jobs of one matrix share their outputs' names; what each announces must not hide what another does.
    outputs.extend(numbered.as_deref().map(|name| (name, named_digest(&manifest))));
    write_outputs(&session, &outputs)?;
    output.document(global.format, &proposals.manifest, &text)?;
    Ok(ExitClass::Ok)
}

/// `record`: settles on the state branch.
pub(crate) async fn record(args: &InArgs, global: &Global, output: &Output) -> Outcome {
    let mut session = session::open(&args.place, Privilege::Record)?;
    let Delivered { delivery, reservation, run_id } = deliver(args, false)?;
    session.run.id = run_id;
    let record = RunRecord::open(&args.place.artifacts, &session.run.id, &session.system)?;
    let bench = Workbench::new(&session, global.format, session.run.dry_run, Veil::apart());
    let context = bench.context(&record);
    let Delivery { manifests, candidates, lost } = &delivery;
    let written = engine::record::record(&context, manifests, candidates, reservation.as_ref()).await?;
    let text = if written { "Recorded." } else { "Nothing to record." };
    let told = serde_json::json!({ "recorded": written, "lost": lost, "writes": bench.forge.writes() });
    output.document(global.format, &told, text)?;
    Ok(ExitClass::Ok)
}

/// `publish`: checks every candidate again and reconciles.
pub(crate) async fn publish(args: &InArgs, global: &Global, output: &Output) -> Outcome {
    let mut session = session::open(&args.place, Privilege::Publish)?;
    let began = session.system.monotonic();
    let Delivered { delivery, reservation, run_id } = deliver(args, session.runner.in_actions)?;
    let mut reservation = reservation.ok_or_else(|| missing(args, "reservation.json"))?;
    reservation.miss(&delivery.lost);
    session.run.id = run_id;
    let record = RunRecord::open(&args.place.artifacts, &session.run.id, &session.system)?;
    let bench = Workbench::new(&session, global.format, session.run.dry_run, Veil::apart());
    let context = bench.context(&record);
    let wanted = engine::publish::Wanted { only: reservation.only.as_ref(), approved: None };
    let manifest = delivery::joined(&session.run.id, &delivery.manifests);
    let aside = engine::publish::Aside::of(&reservation, &manifest.settled);
    let publications = engine::publish::publish(&context, &delivery.candidates, aside, wanted).await?;
    let stages = Stages {
        run_id: &session.run.id,
        reservation: Some(&reservation),
        manifest: Some(&manifest),
        publications: Some(&publications),
        patterns_total: session.library.patterns().len() as u64,
        budget: None,
        writes: bench.forge.writes(),
    };
    let (report, class) = report::build(&stages);
    let digests: Vec<String> = delivery.manifests.iter().map(|manifest| named_digest(&encode(manifest))).collect();
    let took = session.system.monotonic().saturating_sub(began);
    super::run::summarise(&session, &report, &reservation, &record, took, false);
    super::run::write_outputs(&session, &report, &record, &digests.join(" "))?;
    annotate::report(&report);
    let text = super::run::in_short(&report, session.run.dry_run);
    let report: &render::RunReport = &report;
    output.document(global.format, report, &text)?;
    Ok(class)
}

/// What was handed over, opened.
struct Delivered {
    delivery: Delivery,
    reservation: Option<Reservation>,
    /// The whole run's id, whatever its parts are called.
    run_id: String,
}

/// Opens what lies in the folders; every file must be the one announced (P-02, V-88).
fn deliver(args: &InArgs, must_be_announced: bool) -> Result<Delivered, Failure> {
    let digests = digests(&args.digest)?;
    let Found { parcels, reservation } = parcels::find(&args.input)?;
    if digests.is_empty() && must_be_announced {
        return Err(Failure::config(
            "Inside Actions `publish` takes only what was announced to it, since an artifact may be replaced on its way; \
             give --digest the output `digest` of the job that proposed (of shards `digest-1`, `digest-2` and so on, each \
             with a --digest; where no shard had work, the output `digest` of `reserve`).",
        ));
    }
    if digests.is_empty() {
        say("warning: without --digest the files are taken as they lie there.");
    }
    let divided = reservation.as_ref().is_some_and(|ordered| ordered.reservation.shards.is_some());
    if parcels.is_empty() && !divided {
        return Err(missing(args, "manifest.json"));
    }
    let order =
        reservation.as_ref().map(|known| delivery::Ordered { reservation: &known.reservation, bytes: &known.bytes });
    let delivery = delivery::open(&parcels, order, &digests).map_err(|error| {
        let class = match &error {
            DeliveryError::Unreadable { .. } => ExitClass::Config,
            _ => ExitClass::Refused,
        };
        Failure::of(class, format!("{error}."))
    })?;
    for index in &delivery.lost {
        say(&format!(
            "warning: shard {index} left nothing; what it leased stays leased until its deadline, and the others go on."
        ));
    }
    let reservation = reservation.map(|ordered| ordered.reservation);
    let run_id = match (&reservation, delivery.manifests.first()) {
        (Some(reservation), _) => reservation.run_id.clone(),
        (None, manifest) => manifest.map(|manifest| manifest.run_id.clone()).unwrap_or_default(),
    };
    Ok(Delivered { delivery, reservation, run_id })
}

fn missing(args: &InArgs, name: &str) -> Failure {
    let folders: Vec<String> = args.input.iter().map(|folder| folder.join(name).display().to_string()).collect();
    Failure::config(format!("{} cannot be read: it is not there.", folders.join(", ")))
}

/// Reads digests as outputs of jobs give them: with or without `sha256:`, several in one word list, and empty for a job
/// that announced none.
fn digests(given: &[String]) -> Result<BTreeSet<String>, Failure> {
    let words = given.iter().flat_map(|text| text.split(|c: char| c.is_whitespace() || c == ','));
    let mut digests = BTreeSet::new();
    for word in words.filter(|word| !word.is_empty()) {
        let digest = word.strip_prefix("sha256:").unwrap_or(word);
        if digest.len() != 64 || !digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(Failure::config(format!(
                "--digest {word} is none; a digest is sha256: and 64 digits of 0-9 and a-f."
            )));
        }
        digests.insert(digest.to_owned());
    }
    Ok(digests)
}

/// Chooses the part that this process is to work on.
fn chosen(reservation: &Reservation, index: Option<u32>) -> Result<Option<&Shard>, Failure> {
    let shards = reservation.dealt();
    let last = shards.len();
    match (index, &reservation.shards) {
        (None, None) => Ok(None),
        (Some(index), None) => Err(Failure::config(format!(
            "--shard {index} asks for a part, and the reservation was not divided; `reserve --shards N` divides it."
        ))),
        (Some(index), Some(_)) => shards.iter().find(|shard| shard.index == index).map(Some).ok_or_else(|| {
            Failure::config(format!("There is no shard {index}: the reservation has {last}, counted from 1."))
        }),
        (None, Some(_)) => Err(Failure::config(format!(
            "The reservation has {last} shard(s); say which with --shard, counted from 1."
        ))),
    }
}

/// Makes room for what this process leaves: candidates of an earlier one would be no part of it. Another shard's stay.
fn tidy(out: &Path, shard: Option<&Shard>, reservation: &Reservation) -> Result<(), Failure> {
    let manifest = std::fs::read(out.join("manifest.json")).ok();
    let before = manifest.and_then(|bytes| serde_json::from_slice::<Manifest>(&bytes).ok());
    let sibling = before.filter(|before| {
        before.parent_run_id.as_ref() == Some(&reservation.run_id) && before.shard != shard.map(|shard| shard.index)
    });
    if let Some(index) = sibling.and_then(|sibling| sibling.shard) {
        return Err(Failure::config(format!(
            "{} has what shard {index} left; give each shard another folder with --out.",
            out.display()
        )));
    }
    for name in parcels::candidate_names(out)? {
        let path = out.join(name);
        std::fs::remove_file(&path)
            .map_err(|e| Failure::internal(format!("{} of an earlier run cannot be removed ({e}).", path.display())))?;
    }
    Ok(())
}

/// Makes the event that ends a shard; what becomes of its candidates is told by `publish`.
fn finished(session: &Session, reservation: &Reservation, manifest: &Manifest) -> Event {
    let stages = Stages {
        run_id: &session.run.id,
        reservation: Some(reservation),
        manifest: Some(manifest),
        publications: None,
        patterns_total: session.library.patterns().len() as u64,
        budget: None,
        writes: 0,
    };
    let (report, class) = report::build(&stages);
    Event::RunFinished(Box::new(RunFinished {
        totals: serde_json::to_value(&report.totals).unwrap_or_default(),
        exit_class: class.as_str().to_owned(),
    }))
}

fn named_digest(bytes: &[u8]) -> String {
    format!("sha256:{}", sha256_hex(bytes))
}

fn write_outputs(session: &Session, outputs: &[(&str, String)]) -> Result<(), Failure> {
    session
        .runner
        .write_outputs(outputs, &|| session.system.random())
        .map_err(|e| Failure::internal(format!("The action's outputs cannot be written ({e}).")))
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
