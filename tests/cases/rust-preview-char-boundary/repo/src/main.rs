use std::io::Read;

fn main() -> std::io::Result<()> {
    let mut raw = String::new();
    std::io::stdin().read_to_string(&mut raw)?;
    match inboxd::parse(&raw) {
        Some(message) => println!("{}: {}", message.from, inboxd::preview(&message.body)),
        None => eprintln!("not a message"),
    }
    Ok(())
}
