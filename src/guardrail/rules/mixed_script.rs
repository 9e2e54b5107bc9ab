//! `mixed-script`: no word that is added mixes letters that look alike and are not (V-33). Layer 1.
//!
//! Refuses mixtures with Latin only; words wholly in another script are a language, and words that the file already
//! had are not new.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization as _;

use crate::guardrail::change::Change;
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
                suspects.extend(words(&text(line)).filter(|word| is_mixed(word)).map(|word| (number, word.to_owned())));
            }
            if suspects.is_empty() {
                continue;
            }
            let mut known: BTreeSet<String> = BTreeSet::new();
            let mut learn =
                |line: &[u8]| known.extend(words(&text(line)).filter(|word| !word.is_ascii()).map(str::to_owned));
            file.removed().for_each(|(_, line)| learn(line));
            if let Some(before) = file.whole.as_ref().and_then(|whole| whole.before.as_ref()) {
                before.split(|b| *b == b'\n').for_each(learn);
            }
            for (number, word) in suspects.into_iter().filter(|(_, word)| !known.contains(word)) {
                let shown = shown(&word);
                findings.new_line(file, number, format!("The word {shown} mixes scripts whose letters look alike."));
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
    word.chars().any(|c| disguised(c) || latin && looks_latin(c))
}

/// Returns whether a letter of another script passes for a Latin one: Cyrillic, Greek, Armenian, Cherokee, Lisu.
const fn looks_latin(c: char) -> bool {
    matches!(c,
        '\u{0400}'..='\u{052f}'
        | '\u{0391}' | '\u{0392}' | '\u{0395}'..='\u{0397}' | '\u{0399}' | '\u{039a}' | '\u{039c}' | '\u{039d}' | '\u{039f}' | '\u{03a1}'
        | '\u{03a4}' | '\u{03a5}' | '\u{03a7}' | '\u{03b1}' | '\u{03b3}' | '\u{03b9}' | '\u{03ba}' | '\u{03bd}' | '\u{03bf}' | '\u{03c1}'
        | '\u{03c5}' | '\u{03c7}' | '\u{03f2}' | '\u{03f3}' | '\u{0531}'..='\u{0587}' | '\u{13a0}'..='\u{13ff}' | '\u{a4d0}'..='\u{a4ff}')
}
