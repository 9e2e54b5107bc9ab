//! Zips as runners make them, and as nobody should.

use std::io::Write as _;

use rawzip::ZipArchiveWriter;
use rawzip::path::EntryPath;

use super::*;

const ID: &str = "20261123T100000Z-0a1b2c3d";

/// How an entry is written.
#[derive(Clone, Copy)]
enum How {
    Stored,
    Deflated,
    Link,
}

fn zip(entries: &[(&str, &[u8], How)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut archive = ZipArchiveWriter::new(&mut bytes);
    for (name, content, how) in entries {
        let mode = if matches!(how, How::Link) { 0o120_777 } else { 0o100_644 };
        let file = archive.new_file(EntryPath::verbatim(name.as_bytes())).unix_permissions(mode);
        if matches!(how, How::Deflated) {
            let (mut entry, config) = file.compression_method(CompressionMethod::DEFLATE).start().expect("an entry");
            let encoder = flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::default());
            let mut writer = config.wrap(encoder);
            writer.write_all(content).expect("room");
            let (encoder, descriptor) = writer.finish().expect("an end");
            encoder.finish().expect("an end");
            entry.finish(descriptor).expect("an end");
        } else {
            let (mut entry, config) = file.start().expect("an entry");
            let mut writer = config.wrap(&mut entry);
            writer.write_all(content).expect("room");
            let (_, descriptor) = writer.finish().expect("an end");
            entry.finish(descriptor).expect("an end");
        }
    }
    archive.finish().expect("a directory");
    bytes
}

fn record() -> String {
    format!("run-{ID}.jsonl")
}

#[test]
fn records_and_summaries_of_a_streamed_zip_by_another_program_are_read() {
    let unpacked = unpack(include_bytes!("../../../tests/data/artifacts/streamed.zip")).expect("a zip");
    let line = unpacked.records.get(ID).expect("a record");
    assert!(line.starts_with(br#"{"schema":"homeostat.event/1","type":"run.started""#), "{line:?}");
    assert_eq!(unpacked.summaries.get(ID).map(Vec::as_slice), Some(&b"**Homeostat** did it.\n"[..]));
    assert_eq!((unpacked.records.len(), unpacked.summaries.len()), (1, 1));
    assert_eq!(unpacked.bytes(), line.len() + 22);
}

#[test]
fn stored_and_deflated_entries_are_read_and_everything_else_is_left() {
    let other = format!("run-{ID}x.jsonl");
    let bytes = zip(&[
        (&record(), b"{}\n", How::Stored),
        (&other, b"{}\n{}\n", How::Deflated),
        ("candidates/manifest.json", b"{}", How::Deflated),
        ("inner.zip", &zip(&[(&record(), b"x", How::Stored)]), How::Stored),
        ("refused/link", b"/etc/passwd", How::Link),
    ]);
    let unpacked = unpack(&bytes).expect("a zip");
    let found: Vec<(&str, usize)> = unpacked.records.iter().map(|(id, bytes)| (id.as_str(), bytes.len())).collect();
    assert_eq!(found, [(ID, 3), (&other[4..other.len() - 6], 6)]);
    assert!(unpacked.summaries.is_empty());
}

#[test]
fn a_record_whose_name_leads_elsewhere_is_none() {
    for name in [
        format!("../run-{ID}.jsonl"),
        format!("/run-{ID}.jsonl"),
        format!("logs/run-{ID}.jsonl"),
        format!("..\\run-{ID}.jsonl"),
        format!("C:run-{ID}.jsonl"),
        format!("{ID}.jsonl"),
        "run-../../x.jsonl".to_owned(),
        "run-.jsonl".to_owned(),
        format!("run-{}.jsonl", "a".repeat(65)),
        format!("run-{ID}\0.jsonl"),
        "summary-../x.md".to_owned(),
        "summary-.md".to_owned(),
    ] {
        let unpacked = unpack(&zip(&[(&name, b"{}", How::Stored)])).expect("a zip");
        assert_eq!(unpacked, Unpacked::default(), "{name}");
    }
}

#[test]
fn a_name_that_is_there_twice_and_a_link_are_refused() {
    let twice = zip(&[(&record(), b"1", How::Stored), (&record(), b"2", How::Stored)]);
    assert_eq!(unpack(&twice), Err(ArchiveError::Twice(record())));
    let link = zip(&[(&record(), b"/etc/passwd", How::Link)]);
    assert_eq!(unpack(&link), Err(ArchiveError::Link(record())));
}

#[test]
fn a_bomb_is_cut_at_its_limit_whatever_it_says_of_its_size() {
    let name = format!("summary-{ID}.md");
    let bomb = zip(&[(&name, &vec![b' '; SUMMARY_BYTES + 1], How::Deflated)]);
    assert!(bomb.len() < 10_000, "{}", bomb.len());
    assert_eq!(unpack(&bomb), Err(ArchiveError::TooLarge(name.clone())));
    let fits = zip(&[(&name, &vec![b' '; SUMMARY_BYTES], How::Deflated)]);
    assert_eq!(unpack(&fits).expect("it fits").bytes(), SUMMARY_BYTES);
}

#[test]
fn everything_together_has_a_limit() {
    let big = vec![b' '; RECORD_BYTES - 1];
    let names: Vec<String> = (0..3).map(|n| format!("run-{n}.jsonl")).collect();
    let entries: Vec<(&str, &[u8], How)> =
        names.iter().map(|name| (name.as_str(), big.as_slice(), How::Deflated)).collect();
    assert_eq!(unpack(&zip(&entries)), Err(ArchiveError::TooLarge("run-2.jsonl".to_owned())));
}

#[test]
fn too_many_entries_are_not_looked_through() {
    let names: Vec<String> = (0..=MOST_ENTRIES).map(|n| format!("logs/{n}")).collect();
    let entries: Vec<(&str, &[u8], How)> = names.iter().map(|name| (name.as_str(), &b""[..], How::Stored)).collect();
    assert_eq!(unpack(&zip(&entries)), Err(ArchiveError::TooManyEntries));
}

/// Sets two bytes behind each signature, as a tool that encrypts or packs otherwise would.
fn patched(mut bytes: Vec<u8>, local: usize, central: usize, value: u16) -> Vec<u8> {
    for (mark, offset) in [(&b"PK\x03\x04"[..], local), (&b"PK\x01\x02"[..], central)] {
        let at = bytes.windows(4).position(|window| window == mark).expect("a header") + offset;
        bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }
    bytes
}

#[test]
fn what_is_encrypted_or_packed_otherwise_is_refused() {
    let plain = zip(&[(&record(), b"{}\n", How::Stored)]);
    assert_eq!(unpack(&patched(plain.clone(), 6, 8, 1)), Err(ArchiveError::Encrypted(record())));
    assert_eq!(unpack(&patched(plain, 8, 10, 12)), Err(ArchiveError::Method(record())));
}

#[test]
fn what_is_damaged_is_refused() {
    let whole = zip(&[(&record(), b"{\"type\":\"x\"}\n", How::Deflated)]);
    for bytes in [&b""[..], b"PK", b"<html>Not here</html>", &whole[..whole.len() - 30]] {
        assert!(matches!(unpack(bytes), Err(ArchiveError::Damaged(_))), "{bytes:?}");
    }
    let mut wrong = zip(&[(&record(), b"{\"type\":\"x\"}\n", How::Stored)]);
    let at = wrong.windows(4).position(|window| window == b"type").expect("its text");
    wrong[at] = b'T';
    assert!(matches!(unpack(&wrong), Err(ArchiveError::Damaged(_))), "the checksum is another");
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        let _any = unpack(&bytes);
    }

    #[test]
    fn no_change_to_a_zip_makes_it_panic_or_read_too_much(at in 0_usize..400, value: u8, cut in 0_usize..400) {
        let mut bytes = zip(&[(&record(), b"{}\n", How::Deflated), ("summary-x.md", b"text", How::Stored)]);
        let length = bytes.len();
        bytes[at % length] = value;
        bytes.truncate(length - cut.min(length) / 8);
        if let Ok(unpacked) = unpack(&bytes) {
            proptest::prop_assert!(unpacked.bytes() <= 7);
        }
    }
}
