//! Reads many objects of one repository through one long-lived `cat-file --batch`. Layer 3.
//!
//! A process for each object costs milliseconds, a line to a running one microseconds.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};

use super::runner::named;
use super::{Git, GitError};

const ARGS: &[&str] = &["cat-file", "--batch"];

/// One object as git stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitObject {
    /// `blob`, `tree`, `commit` or `tag`.
    pub kind: String,
    /// The content without the header.
    pub data: Vec<u8>,
}

/// A running `cat-file --batch`; after any error it must be thrown away.
#[derive(Debug)]
pub struct CatFile {
    git: Git,
    _child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    time_limit: Duration,
    size_limit: u64,
}

impl CatFile {
    /// Starts the reader.
    ///
    /// # Errors
    /// When git cannot be started.
    pub fn start(git: &Git) -> Result<Self, GitError> {
        let mut child = git.spawn(ARGS)?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(git.unexpected(ARGS, "a pipe is missing"));
        };
        // Nobody reads standard error; closing it keeps a talkative git from blocking.
        drop(child.stderr.take());
        Ok(Self {
            git: git.clone(),
            _child: child,
            stdin,
            stdout: BufReader::new(stdout),
            time_limit: git.time_limit,
            size_limit: git.output_limit as u64,
        })
    }

    /// Reads objects by full id, in order; nothing where one is missing.
    ///
    /// # Errors
    /// When the process died, answers nonsense, or an object is larger than the output limit.
    pub async fn read(&mut self, ids: &[&str]) -> Result<Vec<Option<GitObject>>, GitError> {
        let limit = self.time_limit;
        match tokio::time::timeout(limit, self.exchange(ids)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(GitError::Timeout { command: named(ARGS), place: self.git.place(), limit }),
        }
    }

    async fn exchange(&mut self, ids: &[&str]) -> Result<Vec<Option<GitObject>>, GitError> {
        let mut found = Vec::with_capacity(ids.len());
        // Few enough at once that neither pipe can fill while nobody reads the other.
        for id in ids {
            if id.is_empty() || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(self.git.unexpected(ARGS, "asked for something that is no object id"));
            }
            found.push(self.one(id).await?);
        }
        Ok(found)
    }

    async fn one(&mut self, id: &str) -> Result<Option<GitObject>, GitError> {
        let io = |git: &Git, source| GitError::Io { command: named(ARGS), place: git.place(), source };
        let request = format!("{id}\n");
        self.stdin.write_all(request.as_bytes()).await.map_err(|e| io(&self.git, e))?;
        self.stdin.flush().await.map_err(|e| io(&self.git, e))?;
        let mut header = String::new();
        (&mut self.stdout).take(400).read_line(&mut header).await.map_err(|e| io(&self.git, e))?;
        let header = header.trim_end();
        if header.ends_with(" missing") {
            return Ok(None);
        }
        let mut parts = header.split(' ');
        let (Some(_), Some(kind), Some(Ok(size))) = (parts.next(), parts.next(), parts.next().map(str::parse::<u64>))
        else {
            return Err(self.git.unexpected(ARGS, header));
        };
        if size > self.size_limit {
            return Err(GitError::TooMuchOutput {
                command: named(ARGS),
                place: self.git.place(),
                limit: usize::try_from(self.size_limit).unwrap_or(usize::MAX),
            });
        }
        let mut data = Vec::new();
        (&mut self.stdout).take(size).read_to_end(&mut data).await.map_err(|e| io(&self.git, e))?;
        let mut end = [0_u8; 1];
        self.stdout.read_exact(&mut end).await.map_err(|e| io(&self.git, e))?;
        if data.len() as u64 != size || end != *b"\n" {
            return Err(self.git.unexpected(ARGS, "an object was cut short"));
        }
        Ok(Some(GitObject { kind: kind.to_owned(), data }))
    }
}
