//! pyright: `file.py:line:column - error: message (rule)`. Layer 1.

use super::{Diagnostic, Output, place};
use crate::intake::scan;
use crate::model::Kind;

pub(super) fn read(output: &Output<'_>) -> Vec<Diagnostic> {
    let rows = output.rows.iter().enumerate();
    let read = rows.filter_map(|(at, row)| {
        let (place, message) = row.line.text.split_once(" - error: ")?;
        let (file, line, column) = scan::position(place)?;
        if !place::has_extension(file, &["py", "pyi"]) {
            return None;
        }
        // The rule may stand on the last of several lines.
        let more = output.rows[at + 1..].iter().take(8).take_while(|more| more.line.indent > row.line.indent);
        let texts = std::iter::once(message).chain(more.map(|row| row.line.text));
        let rule = texts.clone().find_map(|text| text.strip_suffix(')')?.rsplit_once('(').map(|(_, rule)| rule));
        let rule = rule.filter(|rule| rule.starts_with("report"));
        let message = rule.map_or(message, |rule| message.trim_end_matches(&format!("({rule})")).trim_end());
        let mut one = Diagnostic::at(at, "pyright", Kind::Type, message).with_code(rule);
        one.rows.end = at + texts.count();
        Some(one.in_file(file, Some(line), column))
    });
    read.collect()
}
