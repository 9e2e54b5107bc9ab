//! Reads the records of runs out of a workflow's artifact: a zip that anybody may have made. Layer 1.
//!
//! Takes `run-<id>.jsonl` and `summary-<id>.md` of its top folder and nothing else; names are made again from the id.
//! Refuses what is encrypted, damaged, there twice or a link under such a name, and more than so many entries and bytes.
//! Whatever a zip says of its sizes, only what comes out is counted.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive, ZipFileHeaderRecord, ZipSliceArchive};

use super::run_id_of;

/// Entries of one artifact; a run of a thousand repositories leaves a few thousand logs.
pub const MOST_ENTRIES: usize = 20_000;
/// Bytes of one record, unpacked.
pub const RECORD_BYTES: usize = 64 << 20;
/// Bytes of one summary, unpacked; GitHub shows a mebibyte.
pub const SUMMARY_BYTES: usize = 2 << 20;
/// Bytes of everything that is taken out of one artifact.
pub const ALL_BYTES: usize = 128 << 20;

/// Why an artifact is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// It is no zip, or none that can be read.
    #[error("it is no zip that can be read ({0})")]
    Damaged(String),
    /// It has more entries than anybody looks through.
    #[error("it has more than {MOST_ENTRIES} entries")]
    TooManyEntries,
    /// An entry, or all together, unpack to more than is read.
    #[error("{0} unpacks to more than is read")]
    TooLarge(String),
    /// An entry is encrypted.
    #[error("{0} is encrypted")]
    Encrypted(String),
    /// An entry is packed in a way that runners do not use.
    #[error("{0} is packed in a way that is not read")]
    Method(String),
    /// Two entries have one name: which of them is meant is anybody's guess.
    #[error("{0} is there twice")]
    Twice(String),
    /// An entry is a link.
    #[error("{0} is a link")]
    Link(String),
}

/// What an artifact has of runs, by their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// Their lines.
    pub records: BTreeMap<String, Vec<u8>>,
    /// Their summaries.
    pub summaries: BTreeMap<String, Vec<u8>>,
}

impl Unpacked {
    /// Returns how many bytes it has.
    pub fn bytes(&self) -> usize {
        self.records.values().chain(self.summaries.values()).map(Vec::len).sum()
    }
}

/// One of the two files that are taken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Wanted {
    Record(String),
    Summary(String),
}

impl Wanted {
    /// Reads an entry's name; one in a folder is none.
    fn of(name: &[u8]) -> Option<Self> {
        let name = std::str::from_utf8(name).ok()?;
        if let Some(rest) = name.strip_prefix("summary-") {
            let id = rest.strip_suffix(".md")?;
            return run_id_of(&format!("run-{id}.jsonl")).map(|id| Self::Summary(id.to_owned()));
        }
        let id = name.starts_with("run-").then(|| run_id_of(name))??;
        Some(Self::Record(id.to_owned()))
    }

    fn name(&self) -> String {
        match self {
            Self::Record(id) => format!("run-{id}.jsonl"),
            Self::Summary(id) => format!("summary-{id}.md"),
        }
    }

    const fn most(&self) -> usize {
        match self {
            Self::Record(_) => RECORD_BYTES,
            Self::Summary(_) => SUMMARY_BYTES,
        }
    }
}

/// Reads the records and summaries of an artifact.
///
/// # Errors
/// When it cannot be read, or is not as a runner would have made it.
pub fn unpack(zip: &[u8]) -> Result<Unpacked, ArchiveError> {
    let archive = ZipArchive::from_slice(zip).map_err(|error| damaged(&error))?;
    let mut entries = archive.entries();
    let mut seen = BTreeSet::new();
    let mut unpacked = Unpacked::default();
    let mut room = ALL_BYTES;
    let mut count = 0_usize;
    while let Some(entry) = entries.next_entry().map_err(|error| damaged(&error))? {
        count += 1;
        if count > MOST_ENTRIES {
            return Err(ArchiveError::TooManyEntries);
        }
        let Some(wanted) = Wanted::of(entry.file_path().as_bytes()) else { continue };
        if !seen.insert(wanted.clone()) {
            return Err(ArchiveError::Twice(wanted.name()));
        }
        let bytes = read(&archive, &entry, &wanted, room)?;
        room -= bytes.len();
        match wanted {
            Wanted::Record(id) => unpacked.records.insert(id, bytes),
            Wanted::Summary(id) => unpacked.summaries.insert(id, bytes),
        };
    }
    if count as u64 != archive.entries_hint() {
        return Err(ArchiveError::Damaged("its directory is cut off".to_owned()));
    }
    Ok(unpacked)
}

/// Unpacks one entry, as far as there is room.
fn read(
    archive: &ZipSliceArchive<&[u8]>,
    entry: &ZipFileHeaderRecord<'_>,
    wanted: &Wanted,
    room: usize,
) -> Result<Vec<u8>, ArchiveError> {
    let name = || wanted.name();
    if entry.flags().is_encrypted() {
        return Err(ArchiveError::Encrypted(name()));
    }
    if entry.mode().is_symlink() {
        return Err(ArchiveError::Link(name()));
    }
    let found = archive.get_entry(entry.wayfinder()).map_err(|error| damaged(&error))?;
    let packed = found.data();
    let most = wanted.most().min(room);
    let bytes = match entry.compression_method() {
        CompressionMethod::STORE => capped(packed, most),
        CompressionMethod::DEFLATE => capped(DeflateDecoder::new(packed), most),
        _ => return Err(ArchiveError::Method(name())),
    };
    let bytes = bytes.map_err(|error| ArchiveError::Damaged(format!("{}: {error}", name())))?;
    let bytes = bytes.ok_or_else(|| ArchiveError::TooLarge(name()))?;
    // Its length and its checksum are what the directory says.
    let mut checked = found.verifying_reader(bytes.as_slice());
    std::io::copy(&mut checked, &mut std::io::sink())
        .map_err(|_| ArchiveError::Damaged(format!("{} is not what the directory says", name())))?;
    Ok(bytes)
}

/// Reads all of it; nothing where there is more than `most`.
fn capped(reader: impl Read, most: usize) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    reader.take(most as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= most).then_some(bytes))
}

fn damaged(error: &rawzip::Error) -> ArchiveError {
    ArchiveError::Damaged(error.to_string())
}

#[cfg(test)]
mod tests;
