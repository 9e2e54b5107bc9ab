//! Caps on pull requests: for one run, for what is open, for a day of the fleet. Layer 1.

use crate::model::Reason;

/// What the caps allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// New pull requests of one repository in one run.
    pub per_run: u32,
    /// Open pull requests of ours in one repository.
    pub open: u32,
    /// New pull requests of the whole fleet in one day.
    pub per_day: u32,
}

/// What is used of the caps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Openings {
    /// New in this run, in this repository.
    pub this_run: u32,
    /// Open in this repository, those of this run included.
    pub open: u32,
    /// New today in the fleet.
    pub today: u32,
}

impl Caps {
    /// Decides whether one more pull request may be opened.
    ///
    /// # Errors
    /// [`Reason::Capped`].
    pub fn admit(&self, used: &Openings) -> Result<(), Reason> {
        let room = used.this_run < self.per_run && used.open < self.open && used.today < self.per_day;
        if room { Ok(()) } else { Err(Reason::Capped) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_03_each_cap_refuses_by_itself() {
        let caps = Caps { per_run: 2, open: 3, per_day: 20 };
        assert_eq!(caps.admit(&Openings { this_run: 1, open: 2, today: 19 }), Ok(()));
        for full in [
            Openings { this_run: 2, ..Openings::default() },
            Openings { open: 3, ..Openings::default() },
            Openings { today: 20, ..Openings::default() },
        ] {
            assert_eq!(caps.admit(&full), Err(Reason::Capped));
        }
    }
}
