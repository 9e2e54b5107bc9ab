//! Who is on call: everybody in turn, and the next one where somebody is away.

use crate::away::Away;

/// The people who take turns.
#[derive(Debug, Clone)]
pub struct Rota {
    people: Vec<String>,
}

impl Rota {
    /// Makes a rota of people, in the order of their turns.
    pub fn of(people: &[&str]) -> Self {
        Self {
            people: people.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    /// Says whose turn a week is; nobody's where nobody is left.
    pub fn on_call(&self, week: u32, away: &Away) -> Option<&str> {
        let count = self.people.len();
        let first = usize::try_from(week).ok()?.checked_rem(count)?;
        let turns = (0..count).map(|step| self.people[(first + step) % count].as_str());
        turns.into_iter().find(|name| !away.is_away(name,week))
    }

    /// Lists whose turns the weeks from one to another are.
    pub fn plan(&self, from: u32, to: u32, away: &Away) -> Vec<(u32, Option<&str>)> {
        (from..=to).map(|week|(week, self.on_call(week, away))).collect()
    }
}
