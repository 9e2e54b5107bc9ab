//! The program: hands the command line to the library and ends with its exit code. Layer 5.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else: as the shell of a sandbox this process must have one thread and nothing open.
    if let Some(code) = homeostat::cli::sandbox_entry() {
        return code;
    }
    if let Some(code) = homeostat::cli::askpass_entry() {
        return code;
    }
    homeostat::cli::main()
}
