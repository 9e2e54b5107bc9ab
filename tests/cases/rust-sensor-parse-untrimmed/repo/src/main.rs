use std::io::Read;

fn main() {
    let mut log = String::new();
    std::io::stdin().read_to_string(&mut log).expect("standard input is text");
    for channel in greenhouse::valve::thirsty(&log) {
        println!("open {channel}");
    }
}
