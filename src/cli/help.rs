//! `completions` and `man`, made from the one definition of the command line. Layer 5.

use clap::CommandFactory as _;

use crate::cli::args::{Cli, CompletionsArgs};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::Output;
use crate::report::ExitClass;

/// Prints a shell's script.
pub(crate) fn completions(args: &CompletionsArgs, output: &Output) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "homeostat", &mut script);
    output.line(String::from_utf8_lossy(&script).trim_end())?;
    Ok(ExitClass::Ok)
}

/// Prints the manual page: the program, then each command with its options.
pub(crate) fn man(output: &Output) -> Outcome {
    let mut page = Vec::new();
    let mut command = Cli::command();
    command.build();
    let cannot = |e: std::io::Error| Failure::internal(format!("The manual page cannot be made ({e})."));
    clap_mangen::Man::new(command.clone()).render(&mut page).map_err(cannot)?;
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help" && !sub.is_hide_set()) {
        let part = clap_mangen::Man::new(sub.clone());
        page.extend_from_slice(format!(".SH \"{}\"\n", sub.get_name().to_uppercase()).as_bytes());
        part.render_description_section(&mut page).map_err(cannot)?;
        part.render_options_section(&mut page).map_err(cannot)?;
    }
    output.line(String::from_utf8_lossy(&page).trim_end())?;
    Ok(ExitClass::Ok)
}
