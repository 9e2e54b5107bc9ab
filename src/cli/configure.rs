//! `config`: what holds, and where it comes from. Layer 5.

use crate::cli::annotate;
use crate::cli::args::{ConfigArgs, ConfigCommand, Format, Global};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::{Output, say};
use crate::cli::session;
use crate::config::{self, Flags, LoadInput, Loaded};
use crate::report::ExitClass;

/// Carries `config` out.
pub(crate) fn config(command: &ConfigCommand, global: &Global, output: &Output) -> Outcome {
    match command {
        ConfigCommand::Schema => output.document(Format::Json, &config::schema(), "")?,
        ConfigCommand::Show(args) => {
            let loaded = read(args)?;
            output.document(global.format, &config::show_json(&loaded), &config::show(&loaded))?;
        }
        ConfigCommand::Check(args) => return check(args, global, output),
    }
    Ok(ExitClass::Ok)
}

fn read(args: &ConfigArgs) -> Result<Loaded, Failure> {
    session::load(&args.config, &session::environment(), Flags { mode: None, dry_run: false })
}

/// Says everything that is wrong with a configuration, also as JSON.
fn check(args: &ConfigArgs, global: &Global, output: &Output) -> Outcome {
    let text = session::read_capped(&args.config, config::MAX_BYTES as u64)?;
    let (file_name, env) = (args.config.display().to_string(), session::environment());
    let flags = Flags { mode: None, dry_run: false };
    let beside = session::FolderOf::file(&args.config);
    match config::load(&LoadInput { file_name: &file_name, text: &text, env: &env, flags: &flags, beside: &beside }) {
        Err(problems) => {
            output.document(global.format, &problems, &problems.to_string())?;
            annotate::problems(&problems);
            Ok(ExitClass::Config)
        }
        Ok(loaded) => {
            for warning in &loaded.warnings {
                say(&format!("warning: {warning}"));
            }
            let count = loaded.config.repositories.len();
            let answer = serde_json::json!({ "problems": [], "warnings": loaded.warnings, "repositories": count });
            let plural = if count == 1 { "y" } else { "ies" };
            output.document(
                global.format,
                &answer,
                &format!("{file_name}: {count} repositor{plural}, no problems."),
            )?;
            let strict = global.strict && !loaded.warnings.is_empty();
            Ok(if strict { ExitClass::Config } else { ExitClass::Ok })
        }
    }
}
