//! Single words of a message: a number, an identifier that a machine made, a symbol of the program, or just a word. Layer 1.

/// What a word without spaces, quotes and separators is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// Digits only.
    Number,
    /// A digest of a well-known length.
    Hash,
    /// Hexadecimal of another length.
    Hex,
    /// Made by a machine to be unique.
    Id,
    /// A temporary name.
    Temporary,
    /// A word of a language, natural or not.
    Plain,
}

impl Word {
    /// Returns the placeholder, or nothing for a plain word.
    fn placeholder(self) -> Option<&'static str> {
        match self {
            Self::Number => Some("<int>"),
            Self::Hash => Some("<hash>"),
            Self::Hex => Some("<hex>"),
            Self::Id => Some("<id>"),
            Self::Temporary => Some("<tmp>"),
            Self::Plain => None,
        }
    }
}

/// Judges a word made of letters, digits, `_` and `$`.
fn judge(word: &str) -> Word {
    if !word.is_ascii() || word.is_empty() {
        return Word::Plain;
    }
    let bytes = word.as_bytes();
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    if digits == 0 {
        return Word::Plain;
    }
    if digits == bytes.len() {
        return Word::Number;
    }
    let upper = bytes.iter().filter(|b| b.is_ascii_uppercase()).count();
    let lower = bytes.iter().filter(|b| b.is_ascii_lowercase()).count();
    let hexadecimal = bytes.iter().all(u8::is_ascii_hexdigit) && (upper == 0 || lower == 0);
    if hexadecimal && matches!(bytes.len(), 32 | 40 | 56 | 64 | 96 | 128) {
        return Word::Hash;
    }
    // Seven is git's short form; there one digit is too little, for `add1bed` may be a word.
    if hexadecimal && (8..=128).contains(&bytes.len()) || (hexadecimal && bytes.len() == 7 && digits >= 2) {
        return Word::Hex;
    }
    if (word.starts_with("tmp") || word.starts_with("temp")) && (7..=16).contains(&word.len()) && digits >= 1 {
        return Word::Temporary;
    }
    if is_prefixed_id(word) || is_random(bytes, digits, upper, lower) { Word::Id } else { Word::Plain }
}

/// `cus_9s6XKzkNRiz8i3`: a short lower-case prefix, then a long tail of letters and digits.
fn is_prefixed_id(word: &str) -> bool {
    let Some((prefix, tail)) = word.rsplit_once('_') else { return false };
    (2..=16).contains(&prefix.len())
        && prefix.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        && tail.len() >= 14
        && tail.bytes().all(|b| b.is_ascii_alphanumeric())
        && tail.bytes().filter(u8::is_ascii_digit).count() >= 2
}

/// Tells ULIDs, KSUIDs, nanoids and their like by how often the class of character changes.
fn is_random(bytes: &[u8], digits: usize, upper: usize, lower: usize) -> bool {
    let length = bytes.len();
    if length < 10 || digits + upper + lower < length - 2 {
        return false;
    }
    let class = |b: u8| {
        if b.is_ascii_digit() {
            0
        } else if b.is_ascii_uppercase() {
            1
        } else {
            2
        }
    };
    let changes = bytes.windows(2).filter(|pair| class(pair[0]) != class(pair[1])).count();
    let two_cases = upper > 0 && lower > 0;
    // Random letters and digits of both cases change class at three places of five; camel case at two of five.
    if two_cases {
        changes * 2 >= length - 1 && digits >= 2
    } else {
        length >= 16 && digits * 5 >= length && changes * 4 >= length
    }
}

/// Returns whether a text reads like a symbol of a program: a name, perhaps qualified, perhaps with a call's brackets.
pub(super) fn is_symbol(text: &str) -> bool {
    let text = text.strip_suffix("()").unwrap_or(text);
    if text.is_empty() || text.len() > 100 || !text.is_ascii() {
        return false;
    }
    let text = text.trim_start_matches(['#', '@', '$', '&', '*']);
    let mut parts = 0;
    for part in text.split(['.', ':', '#', '\\', '-', '/']).filter(|part| !part.is_empty()) {
        let named = part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'$' || b == b'?' || b == b'!')
            && part.bytes().any(|b| b.is_ascii_alphabetic() || b == b'_')
            && judge(part) == Word::Plain;
        if !named {
            return false;
        }
        parts += 1;
    }
    parts > 0 && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// Writes the words of a text that separators hold together, each judged alone.
pub(super) fn write_words(text: &str, out: &mut String) {
    let mut before_digit = false;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        // `python3.11`, `lang3.2`: a short number that goes on from a name is part of the name.
        let kept = before_digit && word.len() <= 2 && out.ends_with('.');
        match judge(word).placeholder() {
            Some(placeholder) if !kept => out.push_str(placeholder),
            _ => out.push_str(word),
        }
        before_digit =
            word.ends_with(|c: char| c.is_ascii_digit()) && word.starts_with(|c: char| c.is_ascii_alphabetic());
        let separator = after.chars().next();
        if let Some(c) = separator {
            out.push(c);
        }
        rest = &after[separator.map_or(0, char::len_utf8)..];
    }
}
