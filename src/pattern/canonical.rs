//! Canonical JSON: one text for one value, whatever the order in which it was written. Layer 1.

use serde_json::Value;

/// Writes a value with sorted keys and no white space.
///
/// Recursive; callers bound the depth of what they pass.
pub(crate) fn canonical_json(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(map) => {
            let mut keys: Vec<_> = map.iter().collect();
            keys.sort_by_key(|(key, _)| *key);
            text.push('{');
            for (at, (key, item)) in keys.into_iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write(&Value::String(key.clone()), text);
                text.push(':');
                write(item, text);
            }
            text.push('}');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_at_every_depth() -> Result<(), serde_json::Error> {
        let value: Value = serde_json::from_str(r#"{"b": [ {"d": 1, "c": "ü\n"} ], "a": null}"#)?;
        assert_eq!(canonical_json(&value), r#"{"a":null,"b":[{"c":"ü\n","d":1}]}"#);
        Ok(())
    }
}
