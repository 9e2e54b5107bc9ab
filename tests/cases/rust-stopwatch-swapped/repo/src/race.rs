use crate::boat::Boat;

/// A boat that came home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Result {
    pub boat: String,
    pub seconds: u32,
    pub corrected: u32,
}

/// One race with a common start.
#[derive(Debug)]
pub struct Race {
    start: u32,
    finishes: Vec<(Boat, u32)>,
}

impl Race {
    pub fn starting_at(start: u32) -> Self {
        Self { start, finishes: Vec::new() }
    }

    pub fn finish(&mut self, boat: Boat, at: u32) {
        self.finishes.push((boat, at));
    }

    fn sailed(&self, at: u32) -> u32 {
        self.start - at
    }

    /// All boats by corrected time.
    pub fn results(&self) -> Vec<Result> {
        let mut results: Vec<Result> = self
            .finishes
            .iter()
            .map(|(boat, at)| {
                let seconds = self.sailed(*at);
                Result { boat: boat.name.clone(), seconds, corrected: boat.corrected(seconds) }
            })
            .collect();
        results.sort_by_key(|result| result.corrected);
        results
    }
}
