use inboxd::{listing, parse, preview};

#[test]
fn headers_are_found_without_case() {
    let message = parse("Subject: x\nFROM: ada@example.org\n\nhello\n").unwrap();
    assert_eq!((message.from.as_str(), message.body.as_str()), ("ada@example.org", "hello"));
}

#[test]
fn a_message_needs_a_body() {
    assert_eq!(parse("From: ada@example.org"), None);
}

#[test]
fn short_lines_are_shown_whole() {
    assert_eq!(preview("see you at noon\nbring cake"), "see you at noon");
}

#[test]
fn long_lines_are_cut() {
    let message = parse("From: bo\n\nthe quick brown fox jumps over it").unwrap();
    let lines = listing(&[("0123456789abcdef".to_owned(), message)]);
    assert_eq!(lines, ["01234567 bo: the quick brown fox jump…"]);
}

#[test]
fn long_lines_with_umlauts_are_cut_between_letters() {
    let line = preview("Grüße aus Köln und für euch alle");
    assert!(line.starts_with("Grüße aus Köln und f") && line.ends_with('…'), "{line}");
    assert!(line.chars().count() <= 25, "{line}");
}
