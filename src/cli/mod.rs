//! The command line: reads what is asked, wires adapters, prints what came of it. Layer 5.

mod annotate;
mod args;
mod configure;
mod cost;
mod demo;
mod diagnose;
mod doctor;
mod eval;
mod explain;
mod failure;
mod fleet;
mod guard;
mod help;
mod hub;
mod init;
mod open_pr;
mod outcomes;
mod output;
mod parcels;
mod patterns;
mod preflight;
mod progress;
mod pull;
mod record;
mod run;
mod runs;
mod scan;
mod session;
mod stages;
mod telemetry;
mod workbench;
mod workshop;

use std::io::IsTerminal as _;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::Layer as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use args::{Cli, Command};
use failure::{Failure, Outcome};
use output::{LogLines, Output, say};
use telemetry::Telemetry;

use crate::redact::Redactor;
use crate::report::ExitClass;
use crate::system::System as _;
use crate::system::os::OsSystem;

pub use crate::git::askpass::entry as askpass_entry;
pub use crate::workspace::sandbox::entry as sandbox_entry;

/// Runs the program on the process's own arguments.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _printed = error.print();
            return ExitCode::from(u8::from(error.use_stderr()) * 2);
        }
    };
    let telemetry = start_log(cli.global.verbose);
    std::panic::set_hook(Box::new(|panic| say(&format!("error: {}", broken(panic)))));
    let outcome = in_a_span(&cli, &telemetry);
    if let Some(why) = telemetry.finish() {
        say(&format!("warning: {why}"));
    }
    let failure = match outcome {
        Ok(class) => return ExitCode::from(class.code()),
        Err(failure) => failure,
    };
    if failure.class != ExitClass::Internal || failure.message != BROKEN {
        say(&format!("error: {}", failure.message));
    }
    if !failure.told {
        annotate::failure(&failure.message);
    }
    if cli.command.is_part_of_a_run() {
        run::summarise_failure(&failure);
    }
    ExitCode::from(failure.class.code())
}

/// What the summary says of a panic; what standard error says besides may hold anything.
const BROKEN: &str = "Homeostat broke an assumption of its own. The next run goes on from what is there; please report \
                      this with the words on standard error.";

/// Carries work out as the root of the process's trace.
fn in_a_span(cli: &Cli, telemetry: &Telemetry) -> Outcome {
    let name = cli.command.name();
    let root = tracing::debug_span!(
        "command",
        otel.name = name,
        otel.status_code = tracing::field::Empty,
        homeostat.command = name,
        homeostat.exit_class = tracing::field::Empty
    );
    telemetry.adopt(&root, &|name| session::environment().remove(name));
    let outcome = root.in_scope(|| guarded(|| carry_out(cli)));
    let class = outcome.as_ref().map_or_else(|failure| failure.class, |class| *class);
    root.record("homeostat.exit_class", class.as_str());
    if !matches!(class, ExitClass::Ok | ExitClass::Finding) {
        root.record("otel.status_code", "ERROR");
    }
    outcome
}

/// Carries work out; a panic ends it as any failure does, after everything was put away.
fn guarded(work: impl FnOnce() -> Outcome) -> Outcome {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_told_by_the_hook| Err(Failure::internal(BROKEN)))
}

/// Says what broke and where, and asks for a report.
fn broken(panic: &PanicHookInfo<'_>) -> String {
    let what = panic.payload_as_str().unwrap_or("no words");
    let place = panic.location().map(|place| format!(" at {place}")).unwrap_or_default();
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "Homeostat {version} broke an assumption of its own{place}: {what}. This is our mistake, not yours; please report \
         it with this line and the run's record."
    )
}

fn carry_out(cli: &Cli) -> Outcome {
    let (global, output) = (&cli.global, &Output);
    match &cli.command {
        Command::Fingerprint(args) => explain::fingerprint(args, global, output),
        Command::Diagnose(args) => diagnose::diagnose(args, global, output),
        Command::Guard(args) => guard::guard(args, global, output),
        Command::Scan(args) => scan::scan(args, global, output),
        Command::Preflight(args) => on_runtime(preflight::preflight(args, global, output)),
        Command::Pattern(command) => patterns::pattern(command, global, output),
        Command::Config(command) => configure::config(command, global, output),
        Command::Init(args) => on_runtime(init::init(args, global, output)),
        Command::Demo(args) => on_runtime(demo::demo(args, global, output)),
        Command::Run(args) => on_runtime(run::run(args, global, output)),
        Command::Reserve(args) => on_runtime(stages::reserve(args, global, output)),
        Command::Propose(args) => on_runtime(stages::propose(args, global, output)),
        Command::Record(args) => on_runtime(stages::record(args, global, output)),
        Command::Publish(args) => on_runtime(stages::publish(args, global, output)),
        Command::Completions(args) => help::completions(args, output),
        Command::Man => help::man(output),
        Command::Runs(command) => on_runtime(runs::runs(command, global, output)),
        Command::Cost(args) => cost::cost(args, global, output),
        Command::Doctor(args) => on_runtime(doctor::doctor(args, global, output)),
        Command::OpenPr(args) => on_runtime(open_pr::open_pr(args, global, output)),
        Command::Outcomes(args) => on_runtime(outcomes::outcomes(args, global, output)),
        Command::Eval(args) => on_runtime(eval::eval(args, global, output)),
    }
}

/// Runs asynchronous work; only commands that need it pay for a runtime.
fn on_runtime(work: impl Future<Output = Outcome>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Failure::internal(format!("The runtime cannot be started ({e}).")))?;
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = work => outcome,
            signal = stopped() => Err(Failure::of(
                ExitClass::Retryable,
                format!(
                    "{signal} stopped this run. What was done until then is on record, and the next run goes on from there."
                ),
            )),
        }
    });
    // What blocks a thread, a child that is being killed say, keeps nobody waiting (F-55).
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    outcome
}

/// Waits for a signal that asks the program to end, and names it; the runner sends one and kills ten seconds later.
async fn stopped() -> &'static str {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        if let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = kinds.map(signal) {
            return tokio::select! {
                _ = interrupt.recv() => "SIGINT",
                _ = terminate.recv() => "SIGTERM",
                _ = hangup.recv() => "SIGHUP",
            };
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
    "An interrupt"
}

/// Sends what happens inside to standard error, as much of it as was asked for, and to a collector where one is named.
fn start_log(verbose: u8) -> Telemetry {
    let level = match verbose {
        0 => "homeostat=warn",
        1 => "homeostat=info",
        2 => "homeostat=debug",
        _ => "homeostat=trace",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("HOMEOSTAT_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    let env = session::environment();
    let colour = std::io::stderr().is_terminal() && env.get("NO_COLOR").is_none_or(String::is_empty);
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(colour)
        .log_internal_errors(false)
        .with_writer(|| LogLines)
        .with_target(false)
        .without_time()
        .with_filter(filter);
    let get = |name: &str| env.get(name).cloned();
    let trace = telemetry::trace_id(&get, &|| OsSystem::new().random());
    // A proxy that cannot be used is told of by whoever needs it.
    let means = || (Redactor::new(&session::secrets(&env)), hub::proxies(&env).ok().flatten());
    let (telemetry, sink, why) = Telemetry::start(&get, &trace, means);
    let _already = tracing_subscriber::registry().with(lines).with(sink).try_init();
    if let Some(why) = why {
        say(&format!("warning: {why}"));
    }
    telemetry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_as_an_internal_failure_that_asks_for_a_report() {
        let class = guarded(|| panic!("out of cheese")).map_err(|failure| (failure.class.code(), failure.message));
        assert_eq!(class, Err((70, BROKEN.to_owned())));
        assert!(BROKEN.contains("please report"));
    }
}
