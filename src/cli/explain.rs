//! `fingerprint`: explains how a report is grouped. Layer 5.

#![expect(clippy::disallowed_methods, reason = "faces read standard input, and pass lines")]

use std::io::BufRead as _;

use serde::Deserialize;

use crate::cli::args::{FingerprintArgs, Global};
use crate::cli::eval::split_title;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::Output;
use crate::cli::session;
use crate::report::ExitClass;
use crate::{fingerprint, intake};

/// What one report may weigh.
const REPORT_CAP: u64 = 64 << 20;
/// What one line of a batch may weigh.
const LINE_CAP: u64 = 64 << 20;

/// One line of a batch.
#[derive(Debug, Deserialize)]
struct BatchInput {
    #[serde(default)]
    id: serde_json::Value,
    #[serde(default)]
    title: String,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    trace: Option<String>,
    #[serde(default)]
    labels: Vec<String>,
}

/// Carries the command out.
pub(crate) fn fingerprint(args: &FingerprintArgs, global: &Global, output: &Output) -> Outcome {
    if args.batch {
        return batch(&args.file, output);
    }
    let text = session::read_input(&args.file, REPORT_CAP)?;
    let (title, body) = split_title(&text);
    let failure = intake::read_text(title, body, &[]).map_err(|skip| Failure::config(skip.message))?;
    let identity = fingerprint::identify(&failure);
    output.document(global.format, &identity, &identity.explanation.to_text())?;
    Ok(ExitClass::Ok)
}

/// Answers one line for each line, in order and in constant memory.
fn batch(file: &str, output: &Output) -> Outcome {
    let cannot = |e: std::io::Error| Failure::config(format!("{file} cannot be read ({e})."));
    let mut reader: Box<dyn std::io::BufRead> = if file == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(std::io::BufReader::new(std::fs::File::open(file).map_err(cannot)?))
    };
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = std::io::Read::take(&mut reader, LINE_CAP).read_until(b'\n', &mut line).map_err(cannot)?;
        if read == 0 {
            return Ok(ExitClass::Ok);
        }
        let answer = if read as u64 == LINE_CAP && line.last() != Some(&b'\n') {
            // The rest of the line belongs to it, and is no line of its own.
            reader.skip_until(b'\n').map_err(cannot)?;
            nothing(&[], format!("longer than {} MiB", LINE_CAP >> 20))
        } else {
            match serde_json::from_slice::<BatchInput>(&line) {
                Ok(input) => answer(input),
                Err(_) if line.iter().all(u8::is_ascii_whitespace) => nothing(&[], "the line is empty"),
                Err(error) => nothing(&line, error),
            }
        };
        output.line(&serde_json::to_string(&answer).map_err(|e| Failure::internal(e.to_string()))?)?;
    }
}

/// Answers a line that is no report; who asked can still tell which, where the line says so.
fn nothing(line: &[u8], why: impl std::fmt::Display) -> fingerprint::BatchLine {
    let id = serde_json::from_slice::<serde_json::Value>(line).ok().and_then(|value| value.get("id").cloned());
    fingerprint::batch_nothing(id.unwrap_or_default(), format!("not a report: {why}"))
}

fn answer(input: BatchInput) -> fingerprint::BatchLine {
    let read = match (&input.body, &input.trace) {
        (None, Some(trace)) => intake::read_trace(trace)
            .map_or_else(|| intake::read_text(&input.title, trace, &input.labels).map_err(|skip| skip.message), Ok),
        (body, _) => intake::read_text(&input.title, body.as_deref().unwrap_or_default(), &input.labels)
            .map_err(|skip| skip.message),
    };
    match read {
        Ok(failure) => fingerprint::batch_line(input.id, &failure),
        Err(why) => fingerprint::batch_nothing(input.id, why),
    }
}
