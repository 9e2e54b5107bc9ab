use log_shipper::{batch, positions};
use std::{env, fs, process::ExitCode};

const BATCH_BYTES: u64 = 64 * 1024;

fn run(args: &[String]) -> std::io::Result<bool> {
    let [command, flag, store, files @ ..] = args else { return Ok(false) };
    if flag != "--positions" {
        return Ok(false);
    }
    let mut known = positions::parse(&fs::read_to_string(store).unwrap_or_default());
    for name in files {
        let text = fs::read_to_string(name)?;
        let cursor = known.entry(name.clone()).or_default();
        match command.as_str() {
            "status" => println!("{}", cursor.status(name, text.len() as u64)),
            "ship" => {
                let start = usize::try_from(cursor.offset()).unwrap_or(0).min(text.len());
                for part in batch::split(&text[start..], BATCH_BYTES) {
                    part.lines.iter().for_each(|line| println!("{line}"));
                    cursor.accept(&part);
                }
            }
            _ => return Ok(false),
        }
    }
    fs::write(store, positions::render(&known))?;
    Ok(true)
}

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    match run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("usage: log-shipper status|ship --positions FILE LOG...");
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("log-shipper: {error}");
            ExitCode::FAILURE
        }
    }
}
