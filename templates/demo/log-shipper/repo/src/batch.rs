//! Cuts text into batches of whole lines.

/// One request's worth of lines.
#[derive(Debug, PartialEq, Eq)]
pub struct Batch<'a> {
    pub lines: Vec<&'a str>,
    /// Bytes that the lines take in the file, line ends included.
    pub bytes: u64,
}

/// Splits text into batches of at most `limit` bytes; a longer line is a batch of its own. A last line without an
/// end is left for the next time, since its writer is not done with it.
pub fn split(text: &str, limit: u64) -> Vec<Batch<'_>> {
    let mut batches: Vec<Batch<'_>> = Vec::new();
    for raw in text.split_inclusive('\n') {
        let Some(line) = raw.strip_suffix('\n') else { break };
        let size = raw.len() as u64;
        match batches.last_mut() {
            Some(last) if last.bytes + size <= limit => {
                last.lines.push(line);
                last.bytes += size;
            }
            _ => batches.push(Batch { lines: vec![line], bytes: size }),
        }
    }
    batches
}
