//! Reads unified diffs exactly. Layer 1.
//!
//! Refuses every guess: no fuzz, no missing prefixes, no two readings of one name, nothing allocated from a number in a
//! header (V-64). What this reader accepts, it reads as git would.

use std::collections::BTreeSet;

use crate::guardrail::change::{Change, FileDiff, Hunk, Line, LineKind, MalformedDiff, ModeSeen};
use crate::model::FileMode;

/// Line numbers and counts beyond this are no file's.
const MOST_LINES: u64 = 1_000_000_000;

pub(crate) fn parse(bytes: &[u8]) -> Result<Change, MalformedDiff> {
    let mut reader = Reader { bytes, at: 0, line: 0 };
    let mut files: Vec<FileDiff> = Vec::new();
    // Before the first file stands a mail's head, after `-- ` its signature; between files nothing does.
    let mut prose = true;
    while let Some(line) = reader.peek() {
        if line.starts_with(b"diff --git ") {
            git_file(&mut reader, &mut files)?;
            prose = false;
        } else if line.starts_with(b"--- ") && reader.peek_second().is_some_and(|next| next.starts_with(b"+++ ")) {
            let start = reader.line + 1;
            let header = Header { start, ..Header::default() };
            finish(&mut reader, header, &mut files)?;
            prose = false;
        } else if line.starts_with(b"@@ ") || line.starts_with(b"+++ ") || line.starts_with(b"GIT binary patch") {
            return reader.fail_next("a hunk or a name stands outside any file");
        } else if line.starts_with(b"diff --cc ") || line.starts_with(b"diff --combined ") {
            return reader.fail_next("a diff of a merge has more than two sides; make it against one parent");
        } else if prose
            || line.is_empty()
            || line.starts_with(b"diff ")
            || line.starts_with(b"Index: ")
            || line.starts_with(b"====")
        {
            reader.next();
        } else if line.starts_with(b"-- ") || line == b"--" {
            prose = true;
            reader.next();
        } else {
            return reader.fail_next("this line belongs to no file and no hunk");
        }
    }
    let mut seen = BTreeSet::new();
    for file in &files {
        if !seen.insert(file.path.as_str()) {
            return Err(MalformedDiff {
                line: file.line,
                why: format!("{:?} is named twice; make the diff with --no-renames", short(&file.path)),
            });
        }
    }
    Ok(Change { files })
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u32,
}

impl<'a> Reader<'a> {
    fn line_at(&self, at: usize) -> Option<(&'a [u8], usize)> {
        if at >= self.bytes.len() {
            return None;
        }
        let rest = &self.bytes[at..];
        Some(memchr::memchr(b'\n', rest).map_or((rest, self.bytes.len()), |n| (&rest[..n], at + n + 1)))
    }

    fn peek(&self) -> Option<&'a [u8]> {
        self.line_at(self.at).map(|(line, _)| line)
    }

    fn peek_second(&self) -> Option<&'a [u8]> {
        let (_, next) = self.line_at(self.at)?;
        self.line_at(next).map(|(line, _)| line)
    }

    fn next(&mut self) -> Option<&'a [u8]> {
        let (line, next) = self.line_at(self.at)?;
        self.at = next;
        self.line = self.line.saturating_add(1);
        Some(line)
    }

    /// Takes the next line if it begins so, and returns the rest of it.
    fn take(&mut self, prefix: &[u8]) -> Option<&'a [u8]> {
        let rest = self.peek()?.strip_prefix(prefix)?;
        self.next();
        Some(rest)
    }

    fn fail<T>(&self, why: impl Into<String>) -> Result<T, MalformedDiff> {
        Err(MalformedDiff { line: self.line.max(1), why: why.into() })
    }

    fn fail_next<T>(&mut self, why: &str) -> Result<T, MalformedDiff> {
        self.next();
        self.fail(why)
    }
}

/// What stands before a file's hunks.
#[derive(Default)]
struct Header {
    start: u32,
    /// The one name that `diff --git` gives twice, where it can be told.
    named: Option<String>,
    old_mode: Option<String>,
    new_mode: Option<String>,
    index_mode: Option<String>,
    created: bool,
    deleted: bool,
    from: Option<(String, bool)>,
    to: Option<String>,
    git: bool,
}

fn git_file(reader: &mut Reader<'_>, files: &mut Vec<FileDiff>) -> Result<(), MalformedDiff> {
    let names = reader.take(b"diff --git ").unwrap_or_default();
    let mut header = Header { start: reader.line, git: true, ..Header::default() };
    if names.ends_with(b"\r") {
        return reader.fail("the diff's own lines end in CRLF; something converted it");
    }
    header.named = same_name(names);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    loop {
        if let Some(mode) = reader.take(b"old mode ") {
            header.old_mode = Some(text(mode));
        } else if let Some(mode) = reader.take(b"new mode ") {
            header.new_mode = Some(text(mode));
        } else if let Some(mode) = reader.take(b"deleted file mode ") {
            (header.deleted, header.old_mode) = (true, Some(text(mode)));
        } else if let Some(mode) = reader.take(b"new file mode ") {
            (header.created, header.new_mode) = (true, Some(text(mode)));
        } else if let Some(name) = reader.take(b"rename from ") {
            header.from = Some((whole_name(reader, name)?, true));
        } else if let Some(name) = reader.take(b"copy from ") {
            header.from = Some((whole_name(reader, name)?, false));
        } else if let Some(name) = reader.take(b"rename to ").or_else(|| reader.take(b"copy to ")) {
            header.to = Some(whole_name(reader, name)?);
        } else if let Some(index) = reader.take(b"index ") {
            header.index_mode = text(index).split_once(' ').map(|(_, mode)| mode.to_owned());
        } else if reader.take(b"similarity index ").is_none() && reader.take(b"dissimilarity index ").is_none() {
            break;
        }
    }
    if header.from.is_some() != header.to.is_some()
        || header.created && header.deleted
        || header.from.is_some() && (header.created || header.deleted)
    {
        return reader.fail("the file's header lines contradict each other");
    }
    finish(reader, header, files)
}

/// Reads names and hunks, or a binary mark, and adds what the file becomes.
fn finish(reader: &mut Reader<'_>, mut header: Header, files: &mut Vec<FileDiff>) -> Result<(), MalformedDiff> {
    let mut binary = false;
    let mut hunks = Vec::new();
    let mut named = header.named.clone();
    if reader.peek().is_some_and(|line| line.starts_with(b"--- ")) {
        let old = side_name(reader, b"--- ", header.git)?;
        let new = side_name(reader, b"+++ ", header.git)?;
        if !header.git {
            (header.created, header.deleted) = (old.is_none(), new.is_none());
        }
        let (old, new) = match (old, new) {
            (None, None) => return reader.fail("both names are /dev/null"),
            (Some(old), Some(new)) => {
                let (Some(old), Some(new)) = (old.strip_prefix("a/"), new.strip_prefix("b/")) else {
                    return reader
                        .fail("the names do not begin with a/ and b/; make the diff with git's default prefixes");
                };
                (Some(old.to_owned()), Some(new.to_owned()))
            }
            (old, new) => {
                let strip =
                    |name: Option<String>, prefix| name.map(|name| name.strip_prefix(prefix).map(str::to_owned));
                match (strip(old, "a/"), strip(new, "b/")) {
                    (Some(None), _) | (_, Some(None)) => {
                        return reader
                            .fail("the names do not begin with a/ and b/; make the diff with git's default prefixes");
                    }
                    (old, new) => (old.flatten(), new.flatten()),
                }
            }
        };
        if header.created != old.is_none() || header.deleted != new.is_none() {
            return reader.fail("the names and the header do not agree whether the file is created or deleted");
        }
        match (&header.from, &header.to) {
            (Some((from, _)), Some(to)) if old.as_ref() != Some(from) || new.as_ref() != Some(to) => {
                return reader.fail("the names are not those that the rename or copy gives");
            }
            (None, None) if old.is_some() && new.is_some() && old != new => {
                return reader
                    .fail("the two names are different files, and the diff does not say that one was renamed");
            }
            _ => {}
        }
        let name = new.or(old);
        if header.from.is_none() && named.is_some() && name != named {
            return reader.fail("the names are not those of the line `diff --git`");
        }
        named = name;
        hunks = read_hunks(reader, header.created, header.deleted)?;
    } else if reader.take(b"GIT binary patch").is_some() {
        binary = true;
        while reader.peek().is_some_and(|line| !line.starts_with(b"diff --git ") && line != b"-- ") {
            reader.next();
        }
    } else if reader.peek().is_some_and(|line| line.starts_with(b"Binary files ")) {
        binary = true;
        reader.next();
    }
    let created = ModeSeen::Absent;
    let index = header.index_mode.take();
    let old_mode = header.old_mode.take().or_else(|| index.clone()).map_or(ModeSeen::Unsaid, mode);
    let new_mode = header.new_mode.take().or(index).map_or_else(|| old_mode.clone(), mode);
    let file = |path: String, old_mode, new_mode| FileDiff {
        path,
        old_mode,
        new_mode,
        binary,
        hunks: Vec::new(),
        whole: None,
        copied_from: None,
        untold: false,
        line: header.start,
    };
    if let (Some((from, renamed)), Some(to)) = (header.from, header.to) {
        if renamed {
            files.push(FileDiff { untold: true, ..file(from.clone(), old_mode, ModeSeen::Absent) });
        }
        files.push(FileDiff { hunks, copied_from: Some(from), ..file(to, created, new_mode) });
        return Ok(());
    }
    let Some(path) = named else {
        return reader.fail("the file's name cannot be told; quote it, or give it in --- and +++");
    };
    let plain = |mode: ModeSeen| if mode == ModeSeen::Unsaid { ModeSeen::Known(FileMode::Plain) } else { mode };
    files.push(match (header.created, header.deleted) {
        (true, _) => FileDiff { hunks, ..file(path, ModeSeen::Absent, plain(new_mode)) },
        (_, true) => FileDiff { hunks, ..file(path, plain(old_mode), ModeSeen::Absent) },
        _ => FileDiff { hunks, ..file(path, old_mode, new_mode) },
    });
    Ok(())
}

fn mode(text: String) -> ModeSeen {
    FileMode::parse(&text).map_or(ModeSeen::Odd(text), ModeSeen::Known)
}

/// Reads a name that fills its line, quoted or not.
fn whole_name(reader: &Reader<'_>, bytes: &[u8]) -> Result<String, MalformedDiff> {
    match bytes.first() {
        None => reader.fail("a name is empty"),
        Some(b'"') => match unquote(bytes) {
            Some((name, [])) => Ok(name),
            _ => reader.fail("a quoted name is not closed, or has an unknown escape"),
        },
        Some(_) => Ok(String::from_utf8_lossy(bytes).into_owned()),
    }
}

/// Reads the name behind `---` or `+++`; `None` is `/dev/null`.
fn side_name(reader: &mut Reader<'_>, prefix: &[u8], git: bool) -> Result<Option<String>, MalformedDiff> {
    let Some(rest) = reader.take(prefix) else { return reader.fail("a `+++` line must follow `---`") };
    // A tab ends the name; what follows is a time. Without git's head, some programs end names with spaces and a time.
    let end = memchr::memchr(b'\t', rest).unwrap_or(rest.len());
    let name = if rest.starts_with(b"\"") { rest } else { &rest[..end] };
    if !git && name.ends_with(b"\r") {
        return reader.fail("the diff's own lines end in CRLF; something converted it");
    }
    if name == b"/dev/null" {
        return Ok(None);
    }
    if name.starts_with(b"\"") {
        return match unquote(name) {
            Some((name, rest)) if rest.is_empty() || rest.starts_with(b"\t") => Ok(Some(name)),
            _ => reader.fail("a quoted name is not closed, or has an unknown escape"),
        };
    }
    whole_name(reader, name).map(Some)
}

/// Returns the one name in `a/NAME b/NAME`, where both are the same.
fn same_name(bytes: &[u8]) -> Option<String> {
    let (first, second) = if bytes.starts_with(b"\"") {
        let (first, rest) = unquote(bytes)?;
        let rest = rest.strip_prefix(b" ")?;
        let second = if rest.starts_with(b"\"") {
            unquote(rest).filter(|(_, end)| end.is_empty())?.0
        } else {
            String::from_utf8_lossy(rest).into_owned()
        };
        (first, second)
    } else {
        // Both names have one length, so the space between them lies in the middle.
        let middle = bytes.len().checked_sub(1)? / 2;
        if bytes.len().is_multiple_of(2) || bytes.get(middle) != Some(&b' ') {
            return None;
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&bytes[..middle]), text(&bytes[middle + 1..]))
    };
    let (first, second) = (first.strip_prefix("a/")?, second.strip_prefix("b/")?);
    (first == second).then(|| first.to_owned())
}

/// Undoes git's quotes; returns the name and what follows the closing quote.
fn unquote(bytes: &[u8]) -> Option<(String, &[u8])> {
    let mut name = Vec::new();
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some((String::from_utf8_lossy(&name).into_owned(), &bytes[at + 1..])),
            b'\\' => {
                let c = *bytes.get(at + 1)?;
                let plain = match c {
                    b'a' => 7,
                    b'b' => 8,
                    b't' => b'\t',
                    b'n' => b'\n',
                    b'v' => 11,
                    b'f' => 12,
                    b'r' => b'\r',
                    b'"' | b'\\' => c,
                    b'0'..=b'3' => {
                        let digits = bytes.get(at + 1..at + 4)?;
                        let value = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()?;
                        name.push(value);
                        at += 4;
                        continue;
                    }
                    _ => return None,
                };
                name.push(plain);
                at += 2;
            }
            b => {
                name.push(*b);
                at += 1;
            }
        }
    }
}

fn read_hunks(reader: &mut Reader<'_>, created: bool, deleted: bool) -> Result<Vec<Hunk>, MalformedDiff> {
    let mut hunks: Vec<Hunk> = Vec::new();
    // Where the next hunk may begin, and by how many lines the sides have moved apart.
    let (mut next_old, mut next_new) = (1_u64, 1_u64);
    let mut closed = false;
    while let Some(rest) = reader.take(b"@@ ") {
        let Some(((old, old_count), (new, new_count))) = hunk_header(rest) else {
            return reader.fail("the hunk's header is not `@@ -N,N +N,N @@` with numbers in range");
        };
        if closed {
            return reader.fail("a hunk follows a line that the file ended with");
        }
        if old < next_old || old - next_old != new.wrapping_sub(next_new) {
            return reader.fail("the hunk overlaps the one before, or its two line numbers do not fit together");
        }
        if created && old_count > 0 || deleted && new_count > 0 {
            return reader.fail("a file that is created has no old lines, and one that is deleted no new ones");
        }
        let mut hunk = Hunk { old_start: old, new_start: new, lines: Vec::new() };
        let (mut old_left, mut new_left) = (old_count, new_count);
        // Nothing may follow a line without an end on its own side.
        let (mut old_open, mut new_open) = (true, true);
        while old_left > 0 || new_left > 0 {
            let Some(line) = reader.next() else { return reader.fail("the diff ends inside a hunk") };
            let (kind, text) = match line.split_first() {
                // Some programs take the space of an empty line away.
                None => (LineKind::Context, line),
                Some((b' ', text)) => (LineKind::Context, text),
                Some((b'+', text)) => (LineKind::Added, text),
                Some((b'-', text)) => (LineKind::Removed, text),
                Some(_) => return reader.fail("a line of a hunk begins with ' ', '+' or '-'"),
            };
            let (on_old, on_new) = (kind != LineKind::Added, kind != LineKind::Removed);
            if on_old && (old_left == 0 || !old_open) || on_new && (new_left == 0 || !new_open) {
                return reader.fail("the hunk has more lines than its header says");
            }
            old_left -= u64::from(on_old);
            new_left -= u64::from(on_new);
            let ended = reader.take(b"\\ ").is_none();
            if !ended {
                old_open &= !on_old;
                new_open &= !on_new;
            }
            hunk.lines.push(Line { kind, text: text.to_vec(), ended });
        }
        closed = !old_open || !new_open;
        next_old = old + old_count;
        next_new = new + new_count;
        hunks.push(hunk);
    }
    Ok(hunks)
}

type Range = (u64, u64);

/// Reads `-A,B +C,D @@`; starts become the line at which a side's part lies or would lie.
fn hunk_header(rest: &[u8]) -> Option<(Range, Range)> {
    let end = memchr::memmem::find(rest, b" @@")?;
    if !matches!(rest.get(end + 3), None | Some(b' ')) {
        return None;
    }
    let text = std::str::from_utf8(&rest[..end]).ok()?;
    let (old, new) = text.split_once(' ')?;
    let range = |text: &str| {
        let (start, count) = text.split_once(',').unwrap_or((text, "1"));
        let number = |text: &str| {
            let digits = !text.is_empty() && text.len() <= 12 && text.bytes().all(|b| b.is_ascii_digit());
            text.parse::<u64>().ok().filter(|n| digits && *n <= MOST_LINES)
        };
        let (start, count) = (number(start)?, number(count)?);
        match (start, count) {
            (start, 0) => Some((start + 1, 0)),
            (0, _) => None,
            range => Some(range),
        }
    };
    Some((range(old.strip_prefix('-')?)?, range(new.strip_prefix('+')?)?))
}

fn short(path: &str) -> String {
    path.chars().take(200).collect()
}
