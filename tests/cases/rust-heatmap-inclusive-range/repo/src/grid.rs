pub const DAYS: usize = 7;

/// Commits by week and weekday, weeks in order.
#[derive(Debug, Default)]
pub struct Grid {
    weeks: Vec<[u32; DAYS]>,
}

impl Grid {
    /// Counts one commit on day `n` since the start of the first week.
    pub fn add(&mut self, day: usize) {
        let week = day / DAYS;
        while self.weeks.len() <= week {
            self.weeks.push([0; DAYS]);
        }
        self.weeks[week][day % DAYS] += 1;
    }

    pub fn weeks(&self) -> &[[u32; DAYS]] {
        &self.weeks
    }

    /// Sums of each weekday over all weeks.
    pub fn by_weekday(&self) -> [u32; DAYS] {
        let mut sums = [0; DAYS];
        for day in 0..DAYS {
            for week in 0..=self.weeks.len() {
                sums[day] += self.weeks[week][day];
            }
        }
        sums
    }
}
