//! The one way in which templates are filled in: strict about names, tidy about block lines. Layer 1.

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value};

/// A text that could not be made.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the template {template} could not be filled in: {why}")]
pub struct RenderError {
    template: &'static str,
    why: String,
}

/// Instructions of one filling in; a summary of ten thousand repositories needs far fewer.
const FUEL: u64 = 2_000_000;

/// Fills in a template, which the error names and whose mistake it tells.
pub(crate) fn fill(name: &'static str, template: &str, values: Value) -> Result<String, RenderError> {
    let in_words = |error: minijinja::Error| RenderError { template: name, why: format!("{error:#}") };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).build().map_err(in_words)?;
    environment.set_syntax(syntax);
    // An operator's own template is bounded like everything else that is not ours.
    environment.set_fuel(Some(FUEL));
    environment.add_template("text", template).map_err(in_words)?;
    environment.get_template("text").and_then(|text| text.render(values)).map_err(in_words)
}
