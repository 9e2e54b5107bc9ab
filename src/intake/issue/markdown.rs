//! Splits an issue's Markdown into sections of text and code.
//!
//! It knows as much of Markdown as reports need: headings, fences, quotes, HTML comments, folds. Comments vanish,
//! with whatever markers stand in them. Layer 1.

use std::borrow::Cow;

/// A part of a section, in order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// One line of text.
    Text(Cow<'a, str>),
    /// The lines of a fence, and what stands behind its opening.
    Code(&'a str, Vec<&'a str>),
}

/// A heading, or nothing at the start, and what follows it.
#[derive(Debug, Default)]
pub(super) struct Section<'a> {
    /// The heading in its simple form: lower-case words.
    pub(super) key: String,
    /// What stands in it.
    pub(super) pieces: Vec<Piece<'a>>,
}

/// A fence that is open.
struct Fence<'a> {
    mark: u8,
    length: usize,
    indent: usize,
    quoted: bool,
    info: &'a str,
    lines: Vec<&'a str>,
}

/// Reads cleaned text into sections.
pub(super) fn sections(text: &str) -> Vec<Section<'_>> {
    let mut all = vec![Section::default()];
    let mut fence: Option<Fence<'_>> = None;
    let mut in_comment = false;
    for raw in text.lines() {
        if let Some(open) = fence.as_mut() {
            let line = if open.quoted { unquote(raw) } else { raw };
            if closes(open, line) {
                if let Some(done) = fence.take() {
                    push(&mut all, Piece::Code(done.info, done.lines));
                }
            } else {
                open.lines.push(strip_indent(line, open.indent));
            }
            continue;
        }
        let unquoted = unquote(raw);
        if !in_comment && let Some(open) = opens(unquoted, unquoted.len() != raw.len()) {
            fence = Some(open);
            continue;
        }
        let line = without_comments(unquoted, &mut in_comment);
        if let Some(title) = heading(&line) {
            all.push(Section { key: simple(title), pieces: Vec::new() });
            continue;
        }
        let (line, summary) = without_tags(line);
        if let Some(summary) = summary {
            all.push(Section { key: simple(&summary), pieces: Vec::new() });
        }
        push(&mut all, Piece::Text(line));
    }
    if let Some(open) = fence {
        push(&mut all, Piece::Code(open.info, open.lines));
    }
    all
}

fn push<'a>(all: &mut [Section<'a>], piece: Piece<'a>) {
    if let Some(last) = all.last_mut() {
        last.pieces.push(piece);
    }
}

fn unquote(line: &str) -> &str {
    match line.strip_prefix('>') {
        Some(inner) => inner.strip_prefix(' ').unwrap_or(inner),
        None => line,
    }
}

fn opens(line: &str, quoted: bool) -> Option<Fence<'_>> {
    let inner = line.trim_start();
    let mark = *inner.as_bytes().first().filter(|b| matches!(b, b'`' | b'~'))?;
    let length = inner.bytes().take_while(|b| *b == mark).count();
    let info = inner[length..].trim();
    // Three back-ticks that close on the same line are code in the text.
    let is_fence = length >= 3 && !(mark == b'`' && info.contains('`'));
    is_fence.then(|| Fence { mark, length, indent: line.len() - inner.len(), quoted, info, lines: Vec::new() })
}

fn closes(open: &Fence<'_>, line: &str) -> bool {
    let inner = line.trim();
    inner.len() >= open.length && inner.bytes().all(|b| b == open.mark)
}

/// A fence in a list is indented with the list.
fn strip_indent(line: &str, indent: usize) -> &str {
    let spaces = line.bytes().take(indent).take_while(|b| *b == b' ').count();
    &line[spaces..]
}

/// Removes HTML comments; one that is never closed hides the rest, as it does on the page.
fn without_comments<'a>(line: &'a str, inside: &mut bool) -> Cow<'a, str> {
    if !*inside && !line.contains("<!--") {
        return line.into();
    }
    let mut kept = String::new();
    let mut rest = line;
    loop {
        if *inside {
            match rest.split_once("-->") {
                Some((_, after)) => rest = after,
                None => break,
            }
            *inside = false;
        }
        if let Some((before, after)) = rest.split_once("<!--") {
            kept.push_str(before);
            rest = after;
            *inside = true;
        } else {
            kept.push_str(rest);
            break;
        }
    }
    kept.into()
}

fn heading(line: &str) -> Option<&str> {
    let trimmed = line.trim();
    let level = trimmed.bytes().take_while(|b| *b == b'#').count();
    if (1..=6).contains(&level) {
        let title = trimmed[level..].strip_prefix(' ')?;
        return Some(title.trim().trim_end_matches('#').trim());
    }
    // A line in bold with nothing after it is a heading too.
    let inner = trimmed.strip_prefix("**")?;
    let inner = inner.strip_suffix("**").or_else(|| inner.strip_suffix("**:"))?;
    (!inner.is_empty() && !inner.contains("**") && !inner.trim_end_matches(':').contains(':')).then_some(inner)
}

/// Removes the tags of folds and plain formatting; what is no known tag, as `List<String>`, stays.
fn without_tags(line: Cow<'_, str>) -> (Cow<'_, str>, Option<String>) {
    const TAGS: [&str; 22] = [
        "details",
        "summary",
        "pre",
        "code",
        "p",
        "br",
        "b",
        "strong",
        "i",
        "em",
        "div",
        "span",
        "samp",
        "kbd",
        "tt",
        "ul",
        "ol",
        "li",
        "h2",
        "h3",
        "h4",
        "blockquote",
    ];
    if !line.contains(['<', '&']) {
        return (line, None);
    }
    let mut kept = String::new();
    let mut rest: &str = &line;
    let mut summary: Option<usize> = None;
    let mut title = None;
    while let Some(at) = rest.find('<') {
        kept.push_str(&rest[..at]);
        let inner = &rest[at + 1..];
        let closing = inner.starts_with('/');
        let name_start = usize::from(closing);
        let name_length = inner[name_start..].bytes().take(12).take_while(u8::is_ascii_alphanumeric).count();
        let name = inner[name_start..name_start + name_length].to_ascii_lowercase();
        let after = &inner[name_start + name_length..];
        let known = TAGS.contains(&name.as_str()) && after.starts_with(['>', ' ', '/']);
        if let Some(end) = after.find('>').filter(|end| known && *end < 200) {
            if name == "summary" {
                if closing {
                    title = summary.take().map(|from| kept.split_off(from.min(kept.len())));
                } else {
                    summary = Some(kept.len());
                }
            }
            rest = &after[end + 1..];
        } else {
            kept.push('<');
            rest = inner;
        }
    }
    kept.push_str(rest);
    if kept.contains('&') {
        for (entity, text) in
            [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")]
        {
            kept = kept.replace(entity, text);
        }
    }
    (kept.into(), title.filter(|t| !t.trim().is_empty()))
}

/// Brings a heading or a field's name into its simple form: `**Error Type:**` becomes `error type`.
pub(super) fn simple(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().take(200) {
        if c.is_alphanumeric() {
            out.extend(c.to_lowercase());
        } else if !out.is_empty() && !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(body: &str) -> String {
        let mut all = String::new();
        for section in sections(body) {
            all.push_str(&format!("[{}]", section.key));
            for piece in section.pieces {
                match piece {
                    Piece::Text(line) => all.push_str(&format!("({line})")),
                    Piece::Code(info, lines) => all.push_str(&format!("{{{info}:{}}}", lines.join(","))),
                }
            }
        }
        all
    }

    #[test]
    fn comments_vanish_outside_fences_and_stay_inside() {
        assert_eq!(texts("a<!-- x -->b<!-- y\n# z\n-->c"), "[](ab)()(c)");
        assert_eq!(texts("```\n<!-- x -->\n```"), "[]{:<!-- x -->}");
        assert_eq!(texts("<!-- never closed\nhidden"), "[]()()");
    }

    #[test]
    fn fences_of_all_kinds_are_read() {
        assert_eq!(texts("~~~py\na\n```\n~~~\n"), "[]{py:a,```}");
        assert_eq!(texts("> ```\n> a\n> ```"), "[]{:a}");
        assert_eq!(texts("1. x\n   ```\n     a\n   ```"), "[](1. x){:  a}");
        assert_eq!(texts("```\nopen"), "[]{:open}");
    }

    #[test]
    fn headings_folds_and_tags_are_read() {
        assert_eq!(texts("## 🐛 Error Details ##\n**Stack Trace:**\nx"), "[][error details][stack trace](x)");
        assert_eq!(texts("<details><summary>Logs</summary>\nVec<String> &lt;a&gt;"), "[][logs]()(Vec<String> <a>)");
    }
}
