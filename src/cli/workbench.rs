//! What one command works through: its session's doors with their writes counted, its progress, its veil. Layer 5.

use crate::cli::args::Format;
use crate::cli::progress::Shown;
use crate::cli::session::{Around, Session};
use crate::engine::counted::Counted;
use crate::engine::{Context, Recorder, Veil};
use crate::forge::Forge;

/// A session at work.
pub(crate) struct Workbench<'a> {
    session: &'a Session,
    pub(crate) forge: Counted<'a>,
    state_folder: Option<Counted<'a>>,
    progress: Shown,
    pub(crate) veil: Veil,
}

/// How much a command changed.
#[derive(Clone, Copy)]
pub(crate) struct Writes {
    /// On the forge.
    pub(crate) forge: u64,
    /// There, and in the folder that stands in for an operator's repository.
    pub(crate) all: u64,
}

impl<'a> Workbench<'a> {
    /// Sets a session up; with `read_only` nothing can be written.
    pub(crate) fn new(session: &'a Session, format: Format, read_only: bool, veil: Veil) -> Self {
        Self {
            session,
            forge: Counted::new(session.forge(), read_only),
            state_folder: session.state_folder().map(|folder| Counted::new(folder, read_only)),
            progress: Shown::new(&session.runner, format == Format::Json),
            veil,
        }
    }

    /// Returns everything that the engine works with.
    pub(crate) fn context<'b>(&'b self, recorder: &'b dyn Recorder) -> Context<'b> {
        self.session.context(Around {
            forge: &self.forge,
            state_forge: self.state_folder.as_ref().map(|folder| folder as &dyn Forge),
            progress: &self.progress,
            recorder,
            veil: &self.veil,
        })
    }

    /// Ends the work: progress makes room for what is printed.
    pub(crate) fn finish(self) -> Writes {
        let forge = self.forge.writes();
        Writes { forge, all: forge + self.state_folder.as_ref().map_or(0, Counted::writes) }
    }
}
