use crate::reading::Reading;

const DRY: u8 = 30;

/// The channels whose valve must open.
pub fn thirsty(log: &str) -> Vec<u32> {
    let mut channels: Vec<u32> = log
        .lines()
        .filter_map(Reading::parse)
        .filter(|reading| reading.moisture < DRY)
        .filter_map(|reading| reading.channel())
        .collect();
    channels.sort_unstable();
    channels.dedup();
    channels
}
