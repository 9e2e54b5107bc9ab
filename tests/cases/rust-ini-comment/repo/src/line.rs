/// What one line of a document says.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    Blank,
    Section(&'a str),
    Pair(&'a str, &'a str),
    Junk,
}

/// Understands one line; comments start with `#` or `;`.
pub fn understand(raw: &str) -> Line<'_> {
    let text = raw.trim();
    if text.is_empty() || text.starts_with('#') {
        return Line::Blank;
    }
    if let Some(name) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return Line::Section(name.trim());
    }
    match text.split_once('=') {
        Some((key, value)) => Line::Pair(key.trim(), value.trim()),
        None => Line::Junk,
    }
}
