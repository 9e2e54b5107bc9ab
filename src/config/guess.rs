//! Stand-in. Layer 1.
use std::collections::BTreeMap;
#[derive(Debug, Default)]
pub struct Guessed {
    pub setup: Option<String>,
    pub test: Option<String>,
    pub said: Vec<String>,
}
pub fn commands(_: &BTreeMap<String, String>, _: &[String]) -> Guessed {
    Guessed::default()
}
pub fn one_test(_: &str) -> Option<String> {
    None
}
pub fn selector(_: &str, test: &str) -> String {
    test.to_owned()
}
