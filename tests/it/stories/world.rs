//! A fleet in memory, people who act on it, and one run of the whole road over it.
//!
//! Time moves only when told or slept; every forge call of a run is logged; nothing is shared between worlds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use homeostat::config::{AiSettings, Budget, Config, PatternSettings, RunSettings, StateSettings};
use homeostat::engine::command::{self, Answer, Heard, Left, Said};
use homeostat::engine::counted::Counted;
use homeostat::engine::feature::{self, Feature, Pushed};
use homeostat::engine::fixers::{Fixer, NativeFixer};
use homeostat::engine::init::{self, Proposed, Wish};
use homeostat::engine::outcomes::{self, Schedule};
use homeostat::engine::publish::Wanted;
use homeostat::engine::{
    Context, EngineError, Recorder, Reservation, RunInfo, Selection, Silent, Veil, propose, publish, record, reserve,
    state,
};
use homeostat::event::{AttemptFinished, EVENT_SCHEMA, Event, Line};
use homeostat::forge::faults::{Fault, Faulty, Logged};
use homeostat::forge::memory::MemoryForge;
use homeostat::forge::rules::{ManualClock, NewIssue, Settings, World as ForgeWorld};
use homeostat::forge::{Forge, ForgeError, PullQuery, PullRequest, PullState, STATE_SLUG};
use homeostat::model::{Manifest, Mode, Permission, Policy, RepoSlug, Timestamp};
use homeostat::redact::Redactor;
use homeostat::render::{OutcomesReport, RunReport};
use homeostat::report::{self, ExitClass, Stages};
use homeostat::system::System;

use super::program::{Bug, Scripted, mend, program};
use super::workspace::MemoryWorkspace;

/// Time that moves only by sleeping or by order, and chance that is none.
#[derive(Debug, Clone)]
pub(crate) struct StillSystem(pub(crate) ManualClock);

#[async_trait]
impl System for StillSystem {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn monotonic(&self) -> Duration {
        self.0.now().since(Timestamp::default())
    }

    async fn sleep(&self, span: Duration) {
        self.0.advance(span);
    }

    fn random(&self) -> [u8; 16] {
        [128; 16]
    }
}

/// Keeps events; may be told to fail.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub(crate) events: Mutex<Vec<Event>>,
    pub(crate) full: bool,
}

impl Recorder for Collected {
    fn line(&self, event: Event) -> Line {
        Line {
            schema: EVENT_SCHEMA.to_owned(),
            time: Timestamp::from_millis(1_800_000_000_000),
            run_id: "run".to_owned(),
            trace_id: "0".repeat(32),
            span_id: "0".repeat(16),
            event,
        }
    }

    fn keep(&self, line: Line) -> Result<(), String> {
        if self.full {
            return Err("the disk is full".to_owned());
        }
        self.events.lock().expect("no test panics while it writes").push(line.event);
        Ok(())
    }

    fn kept(&self) -> Vec<Line> {
        let events = self.events.lock().expect("no test panics while it writes").clone();
        events.into_iter().map(|event| self.line(event)).collect()
    }
}

/// Candidate files by name.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;
/// Looks at, or tampers with, what `propose` left.
pub(crate) type Between = Box<dyn Fn(&mut Manifest, &mut Files) + Send + Sync>;

/// What a run is given beyond the world.
pub(crate) struct Options {
    pub(crate) faults: Vec<Fault>,
    pub(crate) crash_after: Option<usize>,
    pub(crate) dry_run: bool,
    pub(crate) owners_gone: bool,
    pub(crate) selection: Selection,
    pub(crate) full_disk: bool,
    /// Looks at, or tampers with, what `propose` left, before `record` reads it.
    pub(crate) between: Between,
    pub(crate) record: bool,
    pub(crate) publish: bool,
    /// As four commands, each with one privilege.
    pub(crate) apart: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            faults: Vec::new(),
            crash_after: None,
            dry_run: false,
            owners_gone: false,
            selection: Selection::default(),
            full_disk: false,
            between: Box::new(|_, _| {}),
            record: true,
            publish: true,
            apart: false,
        }
    }
}

/// What one run did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) report: Option<RunReport>,
    pub(crate) class: ExitClass,
    pub(crate) events: Vec<Event>,
    pub(crate) log: Vec<Logged>,
    pub(crate) faults_met: usize,
    pub(crate) writes: u64,
    pub(crate) run_id: String,
}

impl Ran {
    pub(crate) fn attempts(&self) -> Vec<AttemptFinished> {
        let finished = |event: &Event| match event {
            Event::AttemptFinished(finished) => Some((**finished).clone()),
            _ => None,
        };
        self.events.iter().filter_map(finished).collect()
    }

    pub(crate) fn report(&self) -> &RunReport {
        self.report.as_ref().expect("the run came to its end")
    }

    /// Lists reasons of skips and refusals, with what they are about.
    pub(crate) fn reasons(&self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for one in &self.report().repositories {
            all.extend(one.skipped.iter().map(|s| (s.report.clone(), s.reason.to_string())));
            all.extend(one.refusals.iter().map(|r| (one.slug.clone(), r.rule.to_string())));
        }
        all
    }

    pub(crate) fn has_reason(&self, reason: &str) -> bool {
        self.reasons().iter().any(|(_, seen)| seen == reason)
    }

    pub(crate) fn pulls(&self, state: &str) -> usize {
        let pulls = self.report().repositories.iter().flat_map(|one| &one.pull_requests);
        pulls.filter(|pull| pull.state == state).count()
    }
}

/// A fleet, its operator's settings, and what mends its bugs.
pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) forge: Arc<MemoryForge>,
    pub(crate) config: Config,
    pub(crate) workspace: MemoryWorkspace,
    pub(crate) fixers: Vec<Scripted>,
    pub(crate) library_digest: String,
    runs: Mutex<u32>,
}

/// Who a workflow's own token acts as.
pub(crate) const JOB: &str = "github-actions[bot]";

pub(crate) fn slug(name: &str) -> RepoSlug {
    format!("acme/{name}").parse().expect("legal")
}

fn state_slug() -> RepoSlug {
    STATE_SLUG.parse().expect("legal")
}

impl World {
    /// Makes an empty fleet whose programs have these bugs.
    pub(crate) fn new(bugs: Vec<Bug>) -> Self {
        Self::with(bugs, Settings::default())
    }

    /// Makes one on a forge that behaves so.
    pub(crate) fn with(bugs: Vec<Bug>, settings: Settings) -> Self {
        let clock = ManualClock::at(Timestamp::from_millis(1_800_000_000_000));
        let forge = Arc::new(MemoryForge::new(clock.clock()).with_settings(settings));
        let workspace = MemoryWorkspace { forge: forge.clone(), program: program(bugs) };
        let config = Config {
            mode: Mode::Ready,
            budget: Budget::default(),
            run: RunSettings { concurrency: 1, ..RunSettings::default() },
            ai: AiSettings::default(),
            patterns: PatternSettings::default(),
            state: StateSettings::default(),
            repositories: Vec::new(),
        };
        let fixers = vec![mend("mended")];
        Self { clock, forge, config, workspace, fixers, library_digest: "library".to_owned(), runs: Mutex::new(0) }
    }

    /// Numbers this world's runs from elsewhere, so that two worlds over one forge do not share a name.
    pub(crate) fn number_runs_from(&self, start: u32) {
        *self.runs.lock().expect("no test panics here") = start;
    }

    /// Adds a repository with these files.
    pub(crate) async fn repository(&mut self, name: &str, files: &[(&str, &str)]) -> RepoSlug {
        let slug = slug(name);
        self.forge.create_repository(&slug, files).await.expect("a new repository");
        let mut policy = Policy::built_in(slug.clone());
        policy.commands.test = Some("run tests".to_owned());
        self.config.repositories.push(policy);
        slug
    }

    pub(crate) fn policy(&mut self, slug: &RepoSlug) -> &mut Policy {
        self.config.repositories.iter_mut().find(|policy| policy.slug == *slug).expect("a repository of this world")
    }

    /// Files an issue about a bug, by the owner.
    pub(crate) async fn report(&self, slug: &RepoSlug, bug: &Bug) -> u64 {
        self.report_by(slug, bug, None).await
    }

    pub(crate) async fn report_by(&self, slug: &RepoSlug, bug: &Bug, author: Option<&str>) -> u64 {
        self.tick();
        let issue = NewIssue {
            author: author.map(str::to_owned),
            title: format!("{} fails", bug.function),
            body: bug.body(),
            labels: vec!["robot".to_owned()],
        };
        self.forge.open_issue(slug, &issue).await.expect("an issue")
    }

    pub(crate) async fn may(&self, slug: &RepoSlug, login: &str, permission: Permission) {
        self.forge.set_permission(slug, login, permission).await.expect("a repository");
    }

    /// Lets a second go by, so that what people do has an order.
    pub(crate) fn tick(&self) {
        self.clock.advance(Duration::from_secs(1));
    }

    pub(crate) fn hours(&self, hours: u64) {
        self.clock.advance(Duration::from_secs(hours * 3600));
    }

    /// Lists every pull request of a repository.
    pub(crate) async fn pulls(&self, slug: &RepoSlug) -> Vec<PullRequest> {
        let mut pulls = self.forge.pulls(slug, &PullQuery::default(), None).await.expect("a repository").items;
        pulls.sort_by_key(|pull| pull.number);
        pulls
    }

    pub(crate) async fn open_pulls(&self, slug: &RepoSlug) -> Vec<PullRequest> {
        self.pulls(slug).await.into_iter().filter(|pull| pull.state == PullState::Open).collect()
    }

    /// Returns everything that the forge holds, the state branch too.
    pub(crate) async fn everything(&self) -> Vec<ForgeWorld> {
        let mut all = Vec::new();
        for policy in &self.config.repositories {
            all.push(self.forge.world(&policy.slug).await.expect("a repository"));
        }
        // One that was only looked at has nothing in it.
        let state = self.forge.world(&STATE_SLUG.parse().expect("legal")).await;
        all.extend(state.ok().filter(|state| !state.refs.is_empty()));
        all
    }

    /// Lists the paths on the state branch.
    pub(crate) async fn state_paths(&self) -> Vec<String> {
        let slug = self.config.state.repository.clone().unwrap_or_else(state_slug);
        match self.forge.branch(&slug, &self.config.state.branch).await {
            Ok(Some(head)) => {
                self.forge.tree(&slug, &head).await.expect("a tree").into_iter().map(|entry| entry.path).collect()
            }
            _ => Vec::new(),
        }
    }

    pub(crate) async fn run(&self) -> Ran {
        self.run_with(Options::default()).await
    }

    pub(crate) async fn run_with(&self, options: Options) -> Ran {
        self.run_on(self.forge.clone(), options).await
    }

    /// Runs the whole road over a forge that may be a client of this world's: reserve, propose, record, publish, through
    /// the same serialised bytes as the command line does it.
    pub(crate) async fn run_on(&self, forge: Arc<dyn Forge>, options: Options) -> Ran {
        // Boxed, for every story holds one of these, and some hold them inside of others.
        let road = async |context: &Context<'_>, counted: &Counted<'_>| self.road(context, counted, &options).await;
        let (ran, outcome) = Box::pin(self.within(forge, &options, road)).await;
        match outcome {
            Ok((report, class)) => Ran { report: Some(report), class, ..ran },
            Err(class) => Ran { class, ..ran },
        }
    }

    /// Hears a comment that was just written, as `run` does it under its event; the answer is for the summary.
    pub(crate) async fn hear(&self, said: &Said, options: Options) -> (Option<Result<Answer, String>>, Ran) {
        let work = async |context: &Context<'_>, _: &Counted<'_>| {
            let order = match command::hear(context, said.clone()).await.ok()? {
                Heard::Inert(why) => return Some(Err(why)),
                Heard::Order(order) => order,
            };
            let reservation = match order.selection() {
                Some(selection) => reserve::reserve(context, &selection).await.ok()?,
                None => command::nothing(context, Some(order.slug())).await.ok()?,
            };
            let (manifest, publications, _) =
                self.stages(context, &reservation, &options, order.wanted()).await.ok()?;
            let left = Left { reservation: &reservation, manifest: &manifest, publications: &publications };
            command::answer(context, &order, &left).await.ok().map(Ok)
        };
        let (ran, answer) = Box::pin(self.within(self.forge.clone(), &options, work)).await;
        (answer, ran)
    }

    /// Sees to the pull request of a pushed branch, as `open-pr` does it.
    pub(crate) async fn push(&self, slug: &RepoSlug, pushed: &Pushed, options: Options) -> (Option<Feature>, Ran) {
        let policy = self.config.repositories.iter().find(|policy| policy.slug == *slug).expect("a repository");
        let open = async |context: &Context<'_>, _: &Counted<'_>| feature::open(context, policy, pushed).await.ok();
        let (ran, opened) = Box::pin(self.within(self.forge.clone(), &options, open)).await;
        (opened, ran)
    }

    /// Sets a repository up.
    pub(crate) async fn init(&self, wish: &Wish<'_>, options: Options) -> (Option<Proposed>, Ran) {
        let propose =
            async |context: &Context<'_>, _: &Counted<'_>| init::propose(context, wish, Mode::Ready).await.ok();
        let (ran, proposed) = Box::pin(self.within(self.forge.clone(), &options, propose)).await;
        (proposed, ran)
    }

    /// Reads back what became of our pull requests, as `outcomes` does it.
    pub(crate) async fn outcomes(&self, options: Options) -> (Option<OutcomesReport>, Ran) {
        self.outcomes_of(None, options).await
    }

    /// Reads it back in a workflow with a schedule.
    pub(crate) async fn outcomes_of(
        &self,
        schedule: Option<&Schedule>,
        options: Options,
    ) -> (Option<OutcomesReport>, Ran) {
        let read = async |context: &Context<'_>, _: &Counted<'_>| {
            outcomes::read_back(context, options.selection.only.as_ref(), schedule).await.ok()
        };
        let (ran, report) = Box::pin(self.within(self.forge.clone(), &options, read)).await;
        (report, ran)
    }

    /// Does some work with everything that the engine needs, and tells what it did besides.
    async fn within<T>(
        &self,
        forge: Arc<dyn Forge>,
        options: &Options,
        work: impl AsyncFnOnce(&Context<'_>, &Counted<'_>) -> T,
    ) -> (Ran, T) {
        let number = {
            let mut runs = self.runs.lock().expect("no test panics here");
            *runs += 1;
            *runs
        };
        let mut faulty = Faulty::new(forge, options.faults.clone());
        if let Some(calls) = options.crash_after {
            faulty = faulty.crashing_after(calls);
        }
        let counted = Counted::new(&faulty, options.dry_run);
        let system = StillSystem(self.clock.clone());
        let run = RunInfo {
            id: format!("run-{number:04}"),
            version: "0.0.0".to_owned(),
            url: None,
            environment: "dev".to_owned(),
            dry_run: options.dry_run,
            owner: format!("process-{number}"),
        };
        let recorder = Collected { full: options.full_disk, ..Collected::default() };
        let redactor = Redactor::new(&[]);
        let operator = self.config.state.repository.clone().unwrap_or_else(state_slug);
        let veil = if options.apart { Veil::apart() } else { Veil::default() };
        let gone = |_: &str| options.owners_gone;
        let context = Context {
            forge: &counted,
            state_forge: &counted,
            workspace: &self.workspace,
            system: &system,
            config: &self.config,
            operator: &operator,
            run: &run,
            library_digest: &self.library_digest,
            owner_is_gone: &gone,
            progress: &Silent,
            redactor: &redactor,
            recorder: &recorder,
            veil: &veil,
        };
        let came_of_it = work(&context, &counted).await;
        let ran = Ran {
            report: None,
            class: ExitClass::Ok,
            events: recorder.kept().into_iter().map(|line| line.event).collect(),
            log: faulty.log(),
            faults_met: faulty.faults_met(),
            writes: counted.writes(),
            run_id: run.id.clone(),
        };
        (ran, came_of_it)
    }

    async fn road(
        &self,
        context: &Context<'_>,
        counted: &Counted<'_>,
        options: &Options,
    ) -> Result<(RunReport, ExitClass), ExitClass> {
        let reservation = reserve::reserve(context, &options.selection).await.map_err(|error| class_of(&error))?;
        let wanted = Wanted { only: reservation.only.as_ref(), approved: None };
        let (manifest, published, reservation) = self.stages(context, &reservation, options, Some(wanted)).await?;
        let stages = Stages {
            run_id: &context.run.id,
            reservation: Some(&reservation),
            manifest: Some(&manifest),
            publications: Some(&published),
            patterns_total: 0,
            budget: None,
            writes: counted.writes(),
        };
        Ok(report::build(&stages))
    }

    /// Proposes, records, publishes, each through the bytes that it hands on.
    async fn stages(
        &self,
        context: &Context<'_>,
        reservation: &Reservation,
        options: &Options,
        wanted: Option<Wanted<'_>>,
    ) -> Result<(Manifest, publish::Publications, Reservation), ExitClass> {
        let reservation: Reservation =
            serde_json::from_slice(&state::encode(reservation)).expect("a reservation is read as it is written");
        let scripted = self.fixers.iter().map(|fixer| fixer as &dyn Fixer);
        let fixers: Vec<&dyn Fixer> = std::iter::once(&NativeFixer as &dyn Fixer).chain(scripted).collect();
        let mut proposals = propose::propose(context, &reservation, &fixers).await;
        (options.between)(&mut proposals.manifest, &mut proposals.files);
        let manifest: Manifest =
            serde_json::from_slice(&state::encode(&proposals.manifest)).expect("a manifest is read as it is written");
        let candidates = record::read_candidates(&manifest, &proposals.files).map_err(|_| ExitClass::Refused)?;
        if options.record {
            let recorded =
                record::record(context, std::slice::from_ref(&manifest), &candidates, Some(&reservation)).await;
            recorded.map_err(|error| class_of(&error))?;
        }
        let published = match wanted.filter(|_| options.publish) {
            Some(wanted) => {
                publish::publish(context, &candidates, publish::Aside::of(&reservation, &manifest.settled), wanted)
                    .await
                    .map_err(|error| class_of(&error))?
            }
            None => publish::Publications::default(),
        };
        Ok((manifest, published, reservation))
    }
}

/// Says how the command line would end; the same table as its own.
fn class_of(error: &EngineError) -> ExitClass {
    match error {
        EngineError::Forge(error) | EngineError::State(state::StateError::Forge(error)) => match error {
            ForgeError::Denied(why) if why.starts_with("bad-credentials") => ExitClass::Config,
            ForgeError::Denied(_) => ExitClass::Refused,
            ForgeError::NotFound(_) | ForgeError::Invalid(_) => ExitClass::Config,
            _ => ExitClass::Retryable,
        },
        EngineError::State(state::StateError::Contended) => ExitClass::Retryable,
        EngineError::State(state::StateError::Broken { .. }) => ExitClass::Refused,
        _ => ExitClass::Internal,
    }
}
