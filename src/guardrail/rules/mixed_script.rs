//! `mixed-script`: no word that is added mixes letters that look alike and are not (V-33). Layer 1.
//!
//! Refuses mixtures with Latin, and words wholly in look-alikes that read as a name which the file has; other words in
//! another script are a language, and words that the file already had are not new.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization as _;

use crate::guardrail::change::{Change, LineKind};
use crate::guardrail::rule::{Context, Findings, Rule, text};
use crate::model::Reason;

pub(super) struct MixedScript;

impl Rule for MixedScript {
    fn id(&self) -> Reason {
        Reason::MixedScript
    }

    fn check(&self, change: &Change, _: &Context<'_>, findings: &mut Findings) {
        for file in &change.files {
            let mut suspects: Vec<(u32, String)> = Vec::new();
            for (number, line) in file.added().filter(|(_, line)| !line.is_ascii()) {
                let line = text(line);
                suspects.extend(
                    words(&line)
                        .filter(|word| is_mixed(word) || reads_as(word).is_some())
                        .map(|word| (number, word.to_owned())),
                );
            }
            if suspects.is_empty() {
                continue;
            }
            let mut known: BTreeSet<String> = BTreeSet::new();
            let mut learn = |line: &[u8]| known.extend(words(&text(line)).map(str::to_owned));
            file.hunks
                .iter()
                .flat_map(|hunk| &hunk.lines)
                .filter(|line| line.kind != LineKind::Added)
                .for_each(|line| learn(&line.text));
            if let Some(before) = file.whole.as_ref().and_then(|whole| whole.before.as_ref()) {
                before.split(|b| *b == b'\n').for_each(learn);
            }
            for (number, word) in suspects.into_iter().filter(|(_, word)| !known.contains(word)) {
                let shown = shown(&word);
                if is_mixed(&word) {
                    findings.new_line(
                        file,
                        number,
                        format!("The word {shown} mixes scripts whose letters look alike."),
                    );
                } else if let Some(other) = reads_as(&word).filter(|other| known.contains(other)) {
                    findings.new_line(file, number, format!("The word {shown} looks like {other:?} and is another."));
                }
            }
        }
    }
}

/// Writes what is not ASCII by its number, since it is made to be misread.
fn shown(word: &str) -> String {
    let write = |c: char| if c.is_ascii() { c.to_string() } else { format!("\\u{{{:X}}}", u32::from(c)) };
    word.chars().take(60).map(write).collect()
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty())
}

fn is_mixed(word: &str) -> bool {
    let latin = word.chars().any(|c| c.is_ascii_alphabetic());
    // Full-width and mathematical letters are Latin in disguise, alone or not.
    let disguised = |c: char| {
        !c.is_ascii() && matches!(u32::from(c), 0xff21..=0xff5a | 0x1d400..=0x1d7ff) && c.nfkc().all(|c| c.is_ascii())
    };
    word.chars().any(|c| disguised(c) || latin && (looks_latin(c) || is_variant(c)))
}

/// Returns whether a letter is a Latin one in another dress, which some languages read as the plain one: ligatures,
/// numerals, signs of units. Ordinals and powers stand beside letters in good faith.
fn is_variant(c: char) -> bool {
    !c.is_ascii()
        && !matches!(c, '\u{aa}' | '\u{ba}' | '\u{2b0}'..='\u{2ff}' | '\u{1d2c}'..='\u{1d6a}' | '\u{2070}'..='\u{209f}')
        && c.is_alphanumeric()
        && c.nfkc().all(|c| c.is_ascii_alphabetic())
}

/// Returns whether a letter of another script passes for a Latin one: Cyrillic, Greek, Armenian, Cherokee, Lisu, Coptic,
/// the syllabics of Canada, Deseret, and the alphabet of phonetics.
const fn looks_latin(c: char) -> bool {
    matches!(c,
        '\u{0400}'..='\u{052f}'
        | '\u{0391}' | '\u{0392}' | '\u{0395}'..='\u{0397}' | '\u{0399}' | '\u{039a}' | '\u{039c}' | '\u{039d}' | '\u{039f}' | '\u{03a1}'
        | '\u{03a4}' | '\u{03a5}' | '\u{03a7}' | '\u{03b1}' | '\u{03b3}' | '\u{03b9}' | '\u{03ba}' | '\u{03bd}' | '\u{03bf}' | '\u{03c1}'
        | '\u{03c5}' | '\u{03c7}' | '\u{03f2}' | '\u{03f3}' | '\u{0531}'..='\u{0587}' | '\u{13a0}'..='\u{13ff}' | '\u{a4d0}'..='\u{a4ff}'
        | '\u{2c80}'..='\u{2cff}' | '\u{1400}'..='\u{167f}' | '\u{10400}'..='\u{1044f}' | '\u{0250}'..='\u{02af}' | '\u{1d00}'..='\u{1d2b}')
}

/// Letters that look exactly like a Latin one, in pairs (Unicode's table of confusables, for the scripts in use).
const TWINS: &[(&str, &str)] = &[
    (
        "\u{430}\u{435}\u{43e}\u{440}\u{441}\u{443}\u{445}\u{455}\u{456}\u{458}\u{4bb}\u{501}\u{51b}\u{51d}",
        "aeopcyxsijhdqw",
    ),
    (
        "\u{410}\u{412}\u{415}\u{41a}\u{41c}\u{41d}\u{41e}\u{420}\u{421}\u{422}\u{425}\u{405}\u{406}\u{408}\u{4ae}",
        "ABEKMHOPCTXSIJY",
    ),
    (
        "\u{391}\u{392}\u{395}\u{396}\u{397}\u{399}\u{39a}\u{39c}\u{39d}\u{39f}\u{3a1}\u{3a4}\u{3a5}\u{3a7}",
        "ABEZHIKMNOPTYX",
    ),
    ("\u{3bf}\u{3bd}\u{3c1}\u{3b1}\u{3b9}\u{3f2}\u{3f3}\u{3c5}", "ovpaicju"),
    ("\u{131}\u{237}\u{585}\u{578}\u{57d}\u{570}", "ijonuh"),
];

/// Returns the ASCII name that a word reads as, where it has letters that look exactly like others and none besides.
fn reads_as(word: &str) -> Option<String> {
    if word.is_ascii() || word.chars().nth(1).is_none() {
        return None;
    }
    let twin = |c: char| {
        if c.is_ascii() {
            return Some(c);
        }
        TWINS.iter().find_map(|(those, these)| those.chars().zip(these.chars()).find(|(a, _)| *a == c).map(|(_, b)| b))
    };
    word.chars().map(twin).collect()
}
