/// A message as far as the listing needs it.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    pub from: String,
    pub body: String,
}

/// Splits headers from body at the first empty line; header names are matched without case.
pub fn parse(raw: &str) -> Option<Message> {
    let (head, body) = raw.split_once("\n\n")?;
    let from = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("from").then(|| value.trim().to_owned())
    })?;
    Some(Message { from, body: body.trim().to_owned() })
}
