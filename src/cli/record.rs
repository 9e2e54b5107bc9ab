//! The run's record in `artifacts/`: JSON lines, test logs, refused patches. Layer 5.

#![expect(clippy::disallowed_methods, reason = "the run's own files are this module's business")]

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::cli::failure::Failure;
use crate::cli::session;
use crate::cli::telemetry::trace_id;
use crate::engine::Recorder;
use crate::event::{EVENT_SCHEMA, Event, Line};
use crate::model::{Timestamp, sha256_hex};
use crate::redact::Redactor;
use crate::system::System;

/// What is kept of one test log, in bytes before compression.
const LOG_CAP: usize = 4 << 20;

/// The record of one run.
pub(crate) struct RunRecord<'a> {
    system: &'a dyn System,
    run_id: String,
    trace_id: String,
    folder: PathBuf,
    file: Mutex<File>,
    kept: Mutex<Vec<Line>>,
}

impl<'a> RunRecord<'a> {
    /// Opens the record; a run whose record cannot be opened writes nothing anywhere (V-102).
    pub(crate) fn open(folder: &Path, run_id: &str, system: &'a dyn System) -> Result<Self, Failure> {
        let path = folder.join(format!("run-{run_id}.jsonl"));
        let file = std::fs::create_dir_all(folder)
            .and_then(|()| OpenOptions::new().create(true).append(true).open(&path))
            .map_err(|e| {
                Failure::internal(format!(
                    "The run's record {} cannot be written ({e}), so nothing was started; name another folder with --artifacts.",
                    path.display()
                ))
            })?;
        Ok(Self {
            system,
            run_id: run_id.to_owned(),
            trace_id: trace_id(&|name| session::environment().remove(name), &|| system.random()),
            folder: folder.to_owned(),
            file: Mutex::new(file),
            kept: Mutex::default(),
        })
    }

    /// Returns the record's path.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join(format!("run-{}.jsonl", self.run_id))
    }

    /// Writes a test log, redacted, capped and compressed. A log that cannot be written costs nothing but itself.
    pub(crate) fn write_log(&self, name: &str, text: &str, redactor: &Redactor) {
        let from = text.ceil_char_boundary(text.len().saturating_sub(LOG_CAP));
        let clean = redactor.redact(&text[from..]);
        let path = self.folder.join(name);
        let written = path
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| zstd::encode_all(clean.as_str().as_bytes(), 3))
            .and_then(|bytes| std::fs::write(&path, bytes));
        if let Err(error) = written {
            tracing::warn!(path = %path.display(), %error, "a test log was not kept");
        }
    }

    /// Writes any other file of the run.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        let path = self.folder.join(name);
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        std::fs::write(path, bytes)
    }
}

impl Recorder for RunRecord<'_> {
    fn line(&self, event: Event) -> Line {
        Line {
            schema: EVENT_SCHEMA.to_owned(),
            time: self.system.now(),
            run_id: self.run_id.clone(),
            trace_id: self.trace_id.clone(),
            span_id: sha256_hex(format!("{event:?}").as_bytes())[..16].to_owned(),
            event,
        }
    }

    fn keep(&self, line: Line) -> Result<(), String> {
        let intent = matches!(&line.event, Event::Write(write) if write.phase == "intent");
        let text = line.to_json_line().map_err(|e| e.to_string())?;
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // One write a line, so that no line is ever torn by another process of the same run.
        file.write_all(text.as_bytes()).map_err(|e| e.to_string())?;
        let synced = if intent { file.sync_data().map_err(|e| e.to_string()) } else { Ok(()) };
        self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(line);
        synced
    }

    fn kept(&self) -> Vec<Line> {
        self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

/// Keeps nothing: for what only reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unrecorded;

impl Recorder for Unrecorded {
    fn line(&self, event: Event) -> Line {
        let (time, nobody) = (Timestamp::default(), String::new());
        Line {
            schema: EVENT_SCHEMA.to_owned(),
            time,
            run_id: nobody.clone(),
            trace_id: nobody.clone(),
            span_id: nobody,
            event,
        }
    }

    fn keep(&self, _line: Line) -> Result<(), String> {
        Err("this command writes nothing".to_owned())
    }

    fn kept(&self) -> Vec<Line> {
        Vec::new()
    }
}
