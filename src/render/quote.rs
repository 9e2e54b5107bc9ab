//! Quoting by construction: text that cannot end its own quotes. Layer 1.

/// Quotes text as a fenced code block: the fence is one backtick longer than the longest run in the text, so that nothing
/// in it can close it (V-27).
pub fn code_block(language: &str, text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    let body = text.trim_end_matches('\n');
    format!("{fence}{language}\n{body}\n{fence}")
}

/// Quotes text as a code span on one line; nothing in it is a mention, a link or a command.
pub fn code_span(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return "_nothing_".to_owned();
    }
    let ticks = "`".repeat(longest_run(&line) + 1);
    let pad = if line.starts_with('`') || line.ends_with('`') { " " } else { "" };
    format!("{ticks}{pad}{line}{pad}{ticks}")
}

/// Quotes text for a table's cell: a code span whose pipes do not end the cell (V-28).
pub fn table_cell(text: &str) -> String {
    code_span(text).replace('|', "\\|")
}

fn longest_run(text: &str) -> usize {
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v_27_text_cannot_close_its_fence() {
        for hostile in ["```\n@everyone", "````", &"`".repeat(40), "a\r```\rb", "~~~~"] {
            let quoted = code_block("", hostile);
            let fence: String = quoted.chars().take_while(|c| *c == '`').collect();
            let inside = &quoted[fence.len() + 1..quoted.len() - fence.len()];
            assert!(!inside.contains(&fence), "{hostile:?}");
        }
    }

    #[test]
    fn v_28_a_cell_stays_one_cell_on_one_line() {
        assert_eq!(table_cell("a | b\nc"), "`a \\| b c`");
        assert_eq!(code_span("x `y` z"), "``x `y` z``");
    }
}
