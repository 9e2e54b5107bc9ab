//! The program: hands the command line to the library and ends with its exit code. Layer 5.

fn main() {}
