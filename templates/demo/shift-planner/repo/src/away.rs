//! Who is away, and when.

use std::collections::BTreeSet;

/// Weeks in which people are away.
#[derive(Debug, Clone, Default)]
pub struct Away {
    weeks: BTreeSet<(String, u32)>,
}

impl Away {
    /// Notes that somebody is away in a week.
    pub fn note(&mut self, name: &str, week: u32) {
        self.weeks.insert((name.to_owned(), week));
    }

    pub fn is_away(&self, name: &str, week: u32) -> bool {
        self.weeks.contains(&(name.to_owned(), week))
    }

    /// Reads one line for each absence: a name and a week. Lines that are neither mean nothing.
    pub fn parse(text: &str) -> Self {
        let mut away = Self::default();
        for line in text.lines() {
            if let Some((name, week)) = line
                .split_once(' ')
                .and_then(|(name, week)| Some((name, week.trim().parse().ok()?)))
            {
                away.note(name, week);
            }
        }
        away
    }
}
