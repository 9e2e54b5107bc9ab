/// A boat and its yardstick; a slow boat has a high one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boat {
    pub name: String,
    pub yardstick: u32,
}

impl Boat {
    pub fn new(name: &str, yardstick: u32) -> Self {
        Self { name: name.to_owned(), yardstick }
    }

    /// Sailed time, corrected by the yardstick.
    pub fn corrected(&self, seconds: u32) -> u32 {
        seconds * 100 / self.yardstick
    }
}
