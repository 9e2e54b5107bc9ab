use crate::message::Message;

const PREVIEW_LETTERS: usize = 24;
const ID_DIGITS: usize = 8;

/// The start of a message's first line, at most `PREVIEW_LETTERS` long.
pub fn preview(body: &str) -> String {
    let first = body.lines().next().unwrap_or_default();
    if first.chars().count() <= PREVIEW_LETTERS {
        return first.to_owned();
    }
    let cut = &first[..PREVIEW_LETTERS];
    format!("{}…", cut.trim_end())
}

fn short_id(digest: &str) -> &str {
    &digest[..ID_DIGITS]
}

/// One line for each message, with the start of its digest.
pub fn listing(messages: &[(String, Message)]) -> Vec<String> {
    messages
        .iter()
        .map(|(digest, message)| {
            format!("{} {}: {}", short_id(digest), message.from, preview(&message.body))
        })
        .collect()
}
