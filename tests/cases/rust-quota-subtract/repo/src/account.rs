use crate::units::human;

/// How full a project is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Fine,
    Tight,
    Full,
}

/// One project's quota and use, in bytes.
#[derive(Debug, Clone)]
pub struct Account {
    pub project: String,
    quota: u64,
    used: u64,
}

impl Account {
    pub fn new(project: &str, quota: u64) -> Self {
        Self { project: project.to_owned(), quota, used: 0 }
    }

    pub fn add(&mut self, bytes: u64) {
        self.used += bytes;
    }

    /// Lowers or raises the quota; what is stored already stays stored.
    pub fn set_quota(&mut self, quota: u64) {
        self.quota = quota;
    }

    /// Bytes that may still be written.
    pub fn remaining(&self) -> u64 {
        self.quota - self.used
    }

    pub fn level(&self) -> Level {
        match self.remaining() {
            0 => Level::Full,
            left if left < self.quota / 10 => Level::Tight,
            _ => Level::Fine,
        }
    }

    pub fn line(&self) -> String {
        format!("{}: {} of {} left", self.project, human(self.remaining()), human(self.quota))
    }
}
