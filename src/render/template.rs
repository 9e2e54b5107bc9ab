//! The one way in which templates are filled in: strict about names, tidy about block lines. Layer 1.

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value};

/// Fills in a template; the error says what is wrong with it, in words.
pub(crate) fn fill(template: &str, values: Value) -> Result<String, String> {
    let in_words = |error: minijinja::Error| format!("{error:#}");
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).build().map_err(in_words)?;
    environment.set_syntax(syntax);
    environment.add_template("text", template).map_err(in_words)?;
    environment.get_template("text").and_then(|text| text.render(values)).map_err(in_words)
}
