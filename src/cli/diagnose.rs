//! `diagnose`: what is understood of a CI log. Layer 5.
//!
//! Logs are read as they come, compressed or not, of which only the end is kept: a log that unfolds without end is cut
//! where the limit is, and said to be.

#![expect(clippy::disallowed_methods, reason = "faces read the files that they are given")]

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use flate2::read::MultiGzDecoder;

use crate::cli::args::{DiagnoseArgs, Format, Global};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::{Output, say};
use crate::cli::session;
use crate::fingerprint;
use crate::intake::log::{self, DiagnosisDocument, LogText, Tail};
use crate::redact::Redactor;
use crate::report::ExitClass;

/// What one log may weigh, unfolded.
const LOG_CAP: u64 = 512 << 20;
/// The most logs of a folder.
const MOST_LOGS: usize = 100_000;

/// Carries the command out.
pub(crate) fn diagnose(args: &DiagnoseArgs, global: &Global, output: &Output) -> Outcome {
    let redactor = Redactor::new(&session::secrets(&session::environment()));
    if let Some(folder) = &args.batch {
        return batch(folder, &redactor, global, output);
    }
    let (text, cut) = match args.file.as_str() {
        "-" => read(std::io::stdin().lock(), false),
        file => read_file(Path::new(file)),
    }
    .map_err(|e| Failure::config(format!("{} cannot be read ({e}).", args.file)))?;
    if cut {
        say(&too_long(&args.file));
    }
    print(&understand(&text, &redactor), global.format, output)?;
    Ok(ExitClass::Ok)
}

/// Reads every log of a folder, as many at once as there are cores, and answers in the order of their names.
fn batch(folder: &Path, redactor: &Redactor, global: &Global, output: &Output) -> Outcome {
    let logs = logs(folder)?;
    let answers: Mutex<Vec<Option<Result<DiagnosisDocument, String>>>> = Mutex::new(vec![None; logs.len()]);
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some((name, path)) = logs.get(at) else { return };
            let answer = match read_file(path) {
                Ok((text, cut)) => {
                    if cut {
                        say(&too_long(name));
                    }
                    let mut document = understand(&text, redactor);
                    document.file = Some(name.clone());
                    Ok(document)
                }
                Err(error) => Err(format!("{name} cannot be read ({error}).")),
            };
            if let Ok(mut answers) = answers.lock() {
                answers[at] = Some(answer);
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(logs.len().max(1));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let answers = answers.into_inner().map_err(|_| Failure::internal("A log broke its reader."))?;
    let mut class = ExitClass::Ok;
    for answer in answers.into_iter().flatten() {
        match answer {
            Ok(document) => print(&document, global.format, output)?,
            Err(message) => {
                say(&format!("error: {message}"));
                class = ExitClass::Config;
            }
        }
    }
    Ok(class)
}

/// Prints one answer; with JSON on one line, in which no old form of a workflow command can be read (V-40).
fn print(document: &DiagnosisDocument, format: Format, output: &Output) -> Result<(), Failure> {
    match format {
        Format::Json => {
            let json = serde_json::to_string(document).map_err(|e| Failure::internal(e.to_string()))?;
            output.line(&json.replace("##[", "#\\u0023["))
        }
        Format::Text => output.line(&document.to_text()),
    }
}

/// Lists the logs of a folder by name.
fn logs(folder: &Path) -> Result<Vec<(String, PathBuf)>, Failure> {
    let cannot = |e: std::io::Error| Failure::config(format!("{} cannot be read ({e}).", folder.display()));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".log") || name.ends_with(".log.gz") {
            found.push((name, entry.path()));
        }
        if found.len() > MOST_LOGS {
            return Err(Failure::config(format!(
                "{} holds more than {MOST_LOGS} logs; split the folder.",
                folder.display()
            )));
        }
    }
    found.sort();
    Ok(found)
}

fn understand(text: &LogText, redactor: &Redactor) -> DiagnosisDocument {
    let diagnosis = log::diagnose(text);
    let identity = diagnosis.failure.as_ref().map(|failure| fingerprint::identify(failure).fingerprint);
    diagnosis.document(identity, redactor)
}

fn read_file(path: &Path) -> std::io::Result<(LogText, bool)> {
    let zipped = path.extension().is_some_and(|extension| extension == "gz");
    read(File::open(path)?, zipped)
}

/// Reads a log to its end or to the limit; says whether it was cut.
fn read(source: impl Read, zipped: bool) -> std::io::Result<(LogText, bool)> {
    if zipped { unfold(MultiGzDecoder::new(source), LOG_CAP) } else { unfold(source, LOG_CAP) }
}

fn unfold(mut source: impl Read, cap: u64) -> std::io::Result<(LogText, bool)> {
    let mut tail = Tail::default();
    let mut buffer = vec![0; 64 << 10];
    let mut seen = 0;
    loop {
        let read = match source.read(&mut buffer) {
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if read == 0 {
            return Ok((tail.finish(), false));
        }
        let room = usize::try_from(cap - seen).unwrap_or(usize::MAX);
        tail.push(&buffer[..read.min(room)]);
        seen += read as u64;
        if seen > cap {
            return Ok((tail.finish(), true));
        }
    }
}

fn too_long(name: &str) -> String {
    format!("warning: {name} is longer than {} MiB and was read up to there (log-truncated).", LOG_CAP >> 20)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn v_91_a_log_that_unfolds_without_end_is_cut_at_the_limit() -> std::io::Result<()> {
        let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        for _ in 0..64 {
            zip.write_all(&vec![0; 1 << 20])?;
        }
        let bomb = zip.finish()?;
        let (text, cut) = unfold(MultiGzDecoder::new(bomb.as_slice()), 8 << 20)?;
        assert!(cut);
        assert!(text.text.len() <= 8 * 1024 + 1, "a line without end is cut as well");
        assert!(unfold(MultiGzDecoder::new(&bomb[..bomb.len() / 2]), 1 << 30).is_err(), "half a file is no log");
        Ok(())
    }
}
