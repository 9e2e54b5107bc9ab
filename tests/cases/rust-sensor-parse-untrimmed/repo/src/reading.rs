/// One line of a sensor: `name,percent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    pub sensor: String,
    pub moisture: u8,
}

fn channel(name: &str) -> Option<u32> {
    name.rsplit('-').next()?.parse::<u32>().ok()
}

impl Reading {
    /// Parses a line; lines without a comma are noise on the wire.
    pub fn parse(line: &str) -> Option<Self> {
        let (name, value) = line.split_once(',')?;
        let moisture = value.parse::<u8>().unwrap();
        Some(Self { sensor: name.trim().to_owned(), moisture: moisture.min(100) })
    }

    /// The number at the end of the sensor's name.
    pub fn channel(&self) -> Option<u32> {
        channel(&self.sensor)
    }
}
