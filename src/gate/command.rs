//! What a person's comment asks of Homeostat: the first line that begins with `/homeostat`. Layer 1.
//!
//! Refuses to find a command in what only quotes one: code, quotations, hidden comments, a line that is not the command
//! from its first column on. Every unclear case is no command (P-22).

use crate::model::Untrusted;

/// What a command begins with.
const NAME: &str = "/homeostat";
/// Characters kept of a hint.
const HINT_CAP: usize = 1_000;
/// Characters of a digest that are looked at; a digest has 64.
const DIGEST_CAP: usize = 80;
/// Bytes of a comment that are read; GitHub's longest has four for each of its characters.
const COMMENT_CAP: usize = 4 * 65_536;

/// What a person asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Run for this report now, over label and cooldown.
    Fix {
        /// A word for whoever looks for the fix; anybody's text.
        hint: Option<Untrusted>,
    },
    /// A new episode, fresh attempts.
    Retry,
    /// Publish the waiting candidate with this digest; whatever was written stands here, in lower case.
    Approve {
        /// Hexadecimal, where it is a digest at all.
        digest: String,
    },
    /// Leave this report alone.
    Stop,
    /// Say what is known.
    Explain,
}

impl Command {
    /// Returns its name, without what follows.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Fix { .. } => "fix",
            Self::Retry => "retry",
            Self::Approve { .. } => "approve",
            Self::Stop => "stop",
            Self::Explain => "explain",
        }
    }
}

/// Where a line of Markdown stands, as far as a command must know.
#[derive(Debug, Default)]
struct Place {
    /// The fence that is open: its character and its length.
    fence: Option<(char, usize)>,
    /// What ends the hidden or preformatted text that is open.
    until: Option<&'static str>,
    /// The line goes on a quotation, with or without its sign.
    quoted: bool,
    /// Code within this paragraph has begun and not ended.
    code: bool,
}

impl Place {
    fn is_live(&self) -> bool {
        self.fence.is_none() && self.until.is_none() && !self.quoted && !self.code
    }

    /// Goes past one line.
    fn pass(&mut self, line: &str) {
        if let Some(end) = self.until {
            let Some(at) = find(line, end) else { return };
            self.until = None;
            // What follows on the same line may hide more.
            self.until = hides(&line[at + end.len()..]);
            return;
        }
        let inner = line.trim_start_matches(' ');
        let indented = line.len() - inner.len() > 3;
        if let Some((sign, length)) = self.fence {
            let run = inner.chars().take_while(|c| *c == sign).count();
            if !indented && run >= length && inner[run..].trim().is_empty() {
                self.fence = None;
            }
            return;
        }
        if line.trim().is_empty() {
            (self.quoted, self.code) = (false, false);
            return;
        }
        if !indented && let Some(fence) = opens_fence(inner) {
            (self.fence, self.quoted, self.code) = (Some(fence), false, false);
            return;
        }
        self.quoted |= !indented && inner.starts_with('>');
        // Runs of backticks come in pairs; where one is left over, what follows may be code.
        self.code ^= line
            .bytes()
            .fold((0, b' '), |(runs, last), byte| (runs + usize::from(byte == b'`' && last != b'`'), byte))
            .0
            % 2
            == 1;
        self.until = hides(line);
    }
}

fn opens_fence(line: &str) -> Option<(char, usize)> {
    let sign = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = line.chars().take_while(|c| *c == sign).count();
    let info = &line[length..];
    (length >= 3 && !(sign == '`' && info.contains('`'))).then_some((sign, length))
}

/// Returns what ends the hidden or preformatted text that a line leaves open.
fn hides(line: &str) -> Option<&'static str> {
    const PAIRS: [(&str, &str); 5] = [
        ("<!--", "-->"),
        ("<pre", "</pre>"),
        ("<script", "</script>"),
        ("<style", "</style>"),
        ("<textarea", "</textarea>"),
    ];
    let mut at = 0;
    // From sign to sign, once over the line: a comment may have nothing but signs.
    while let Some(offset) = line[at..].find('<') {
        let rest = &line[at + offset..];
        let Some((begin, end)) = PAIRS.iter().find(|(begin, _)| begins(rest, begin)) else {
            at += offset + 1;
            continue;
        };
        let inner = at + offset + begin.len();
        let Some(ended) = find(&line[inner..], end) else { return Some(end) };
        at = inner + ended + end.len();
    }
    None
}

fn begins(text: &str, what: &str) -> bool {
    text.as_bytes().get(..what.len()).is_some_and(|start| start.eq_ignore_ascii_case(what.as_bytes()))
}

/// Finds ASCII text whatever its case.
fn find(text: &str, what: &str) -> Option<usize> {
    text.as_bytes().windows(what.len()).position(|window| window.eq_ignore_ascii_case(what.as_bytes()))
}

/// Reads what a comment asks for; nothing where it asks for nothing, or for something that is no command of ours.
pub fn command(comment: &str) -> Option<Command> {
    let comment = &comment[..comment.floor_char_boundary(COMMENT_CAP)];
    let mut place = Place::default();
    for line in comment.split(['\n', '\r']) {
        if place.is_live()
            && let Some(rest) = line.strip_prefix(NAME)
            && rest.chars().next().is_none_or(char::is_whitespace)
        {
            return asked(rest.trim());
        }
        place.pass(line);
    }
    None
}

/// Reads what stands behind the name.
fn asked(rest: &str) -> Option<Command> {
    let (word, more) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let more = more.trim();
    match (word, more.is_empty()) {
        ("fix", true) => Some(Command::Fix { hint: None }),
        ("fix", false) => Some(Command::Fix { hint: Some(more.chars().take(HINT_CAP).collect::<String>().into()) }),
        ("retry", true) => Some(Command::Retry),
        ("stop", true) => Some(Command::Stop),
        ("explain", true) => Some(Command::Explain),
        ("approve", _) if !more.contains(char::is_whitespace) => {
            let digest = more.strip_prefix("sha256:").unwrap_or(more);
            Some(Command::Approve { digest: digest.chars().take(DIGEST_CAP).collect::<String>().to_ascii_lowercase() })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
