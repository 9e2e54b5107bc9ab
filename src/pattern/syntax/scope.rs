//! What lies around a place: the function it is in, and whether it is code at all. Layer 1.

use std::ops::Range;

use tree_sitter::Node;

use crate::model::Language;
use crate::pattern::syntax::{Descend, SyntaxError, Tree, parse};

/// One function, method or closure of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name; a closure has one where it is bound to one.
    pub name: Option<String>,
    /// Its bytes, from its first keyword or name to its last bracket.
    pub bytes: Range<usize>,
    /// Its lines, from 1, the end exclusive.
    pub lines: Range<u32>,
    /// How many functions lie around it.
    pub depth: usize,
}

/// Returns every function of a text, outer ones before the ones inside.
///
/// # Errors
/// As [`parse`].
pub fn functions(language: Language, text: &str) -> Result<Vec<Function>, SyntaxError> {
    Ok(functions_of(&parse(language, text)?))
}

/// Returns the function around a line: the innermost that has a name, else the outermost without, else none.
///
/// # Errors
/// As [`parse`].
pub fn enclosing_function(language: Language, text: &str, line: u32) -> Result<Option<Function>, SyntaxError> {
    Ok(enclosing(&functions(language, text)?, line).cloned())
}

/// Returns the functions that a trace's name can mean: by the last part of the name, qualifiers left aside.
///
/// # Errors
/// As [`parse`].
pub fn function_named(language: Language, text: &str, name: &str) -> Result<Vec<Function>, SyntaxError> {
    Ok(named(&functions(language, text)?, name).into_iter().cloned().collect())
}

pub(crate) fn enclosing(functions: &[Function], line: u32) -> Option<&Function> {
    let around: Vec<&Function> = functions.iter().filter(|f| f.lines.contains(&line)).collect();
    // On a line with several functions side by side the longer one is the safer guess of what a frame means.
    let innermost = around.iter().filter(|f| f.name.is_some()).map(|f| f.depth).max();
    match innermost {
        Some(depth) => {
            around.into_iter().filter(|f| f.name.is_some() && f.depth == depth).max_by_key(|f| f.bytes.len())
        }
        None => around.into_iter().next(),
    }
}

pub(crate) fn named<'a>(functions: &'a [Function], name: &str) -> Vec<&'a Function> {
    let last = last_segment(name);
    functions.iter().filter(|f| !last.is_empty() && f.name.as_deref() == Some(last)).collect()
}

/// Returns the last part of a qualified name: `Cart.total`, `cart::Cart::total`, `main.(*Cart).Total`.
fn last_segment(name: &str) -> &str {
    let name = name.trim().trim_end_matches("()");
    name.rsplit(['.', ':', '#', '/', ' ']).next().unwrap_or(name)
}

/// Returns whether the byte lies in a comment or in the text of a string, where code is only quoted.
///
/// # Errors
/// As [`parse`].
pub fn is_comment_or_string(language: Language, text: &str, byte: usize) -> Result<bool, SyntaxError> {
    let tree = parse(language, text)?;
    let mut inside = false;
    tree.walk(|node, _| {
        if byte < node.start_byte() || byte >= node.end_byte() {
            return Descend::Past;
        }
        let kind = node.kind();
        if is_comment(kind) || is_string(kind) {
            inside = true;
        } else if is_interpolation(kind) {
            inside = false;
        }
        Descend::Into
    });
    Ok(inside)
}

pub(crate) fn is_comment(kind: &str) -> bool {
    kind.contains("comment")
}

fn is_string(kind: &str) -> bool {
    matches!(kind, "char_literal" | "character_literal" | "rune_literal" | "regex") || kind.contains("string")
}

fn is_interpolation(kind: &str) -> bool {
    matches!(kind, "interpolation" | "template_substitution" | "string_interpolation")
}

fn is_function(kind: &str) -> bool {
    matches!(
        kind,
        "function_declaration"
            | "generator_function_declaration"
            | "function_expression"
            | "generator_function"
            | "arrow_function"
            | "method_definition"
            | "function_definition"
            | "lambda"
            | "function_item"
            | "closure_expression"
            | "method_declaration"
            | "func_literal"
            | "constructor_declaration"
            | "compact_constructor_declaration"
            | "lambda_expression"
    )
}

pub(crate) fn functions_of(tree: &Tree) -> Vec<Function> {
    let mut found = Vec::new();
    tree.walk(|node, ancestors| {
        if node.is_named() && is_function(node.kind()) {
            let row = |row: usize| u32::try_from(row + 1).unwrap_or(u32::MAX);
            found.push(Function {
                name: name_of(node, ancestors, tree.text()),
                bytes: node.byte_range(),
                lines: row(node.start_position().row)..row(node.end_position().row).saturating_add(1),
                depth: ancestors.iter().filter(|a| a.is_named() && is_function(a.kind())).count(),
            });
        }
        Descend::Into
    });
    found
}

fn name_of(node: Node<'_>, ancestors: &[Node<'_>], text: &str) -> Option<String> {
    let text_of = |node: Node<'_>| text.get(node.byte_range()).map(str::to_owned);
    if let Some(name) = node.child_by_field_name("name") {
        return text_of(name);
    }
    // A function without a name of its own is called by what it is bound to: `const f = () => …`, `{ f: () => … }`.
    let parent = ancestors.last()?;
    let bound = match parent.kind() {
        "variable_declarator" => parent.child_by_field_name("name"),
        "pair" => parent.child_by_field_name("key"),
        "public_field_definition" | "field_definition" => {
            parent.child_by_field_name("name").or_else(|| parent.child_by_field_name("property"))
        }
        "assignment_expression" | "assignment" => parent.child_by_field_name("left"),
        "let_declaration" => parent.child_by_field_name("pattern"),
        _ => None,
    }?;
    text_of(bound).map(|name| last_segment(&name).to_owned()).filter(|name| name.len() <= 200 && !name.contains('\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(language: Language, text: &str, line: u32) -> Option<(Option<String>, Range<u32>)> {
        enclosing_function(language, text, line).ok().flatten().map(|f| (f.name, f.lines))
    }

    #[test]
    fn the_function_around_a_line_is_the_innermost_with_a_name() {
        let text = "class A {\n  total() {\n    return this.rows.map((row) =>\n      row.x.y);\n  }\n}\nlet z = 1;\n";
        assert_eq!(around(Language::JavaScript, text, 4), Some((Some("total".to_owned()), 2..6)));
        assert_eq!(around(Language::JavaScript, text, 7), None);
        let text = "export const f = (a) => {\n  return a;\n};\nrun(() => {\n  g();\n});\n";
        assert_eq!(around(Language::TypeScript, text, 2), Some((Some("f".to_owned()), 1..4)));
        assert_eq!(around(Language::TypeScript, text, 5), Some((None, 4..7)));
    }

    #[test]
    fn functions_are_found_in_every_language() {
        for (language, text, name) in [
            (Language::Python, "class A:\n    def f(self):\n        return 1\n", "f"),
            (Language::Rust, "impl A {\n    fn f(&self) -> u8 {\n        1\n    }\n}\n", "f"),
            (Language::Go, "package a\nfunc (c *C) f() int {\n\treturn 1\n}\n", "f"),
            (Language::Java, "class A {\n  int f() {\n    return 1;\n  }\n}\n", "f"),
        ] {
            assert_eq!(around(language, text, 3).and_then(|(name, _)| name).as_deref(), Some(name), "{language}");
        }
    }

    #[test]
    fn a_frames_qualified_name_finds_the_function_by_its_last_part() {
        let text = "package a\nfunc (c *Cart) Total() int { return 1 }\nfunc Other() {}\n";
        for name in ["main.(*Cart).Total", "Total", "cart::Total", "Cart.Total()"] {
            assert_eq!(function_named(Language::Go, text, name).map(|found| found.len()), Ok(1), "{name}");
        }
        assert_eq!(function_named(Language::Go, text, "").map(|found| found.len()), Ok(0));
    }

    #[test]
    fn comments_and_strings_are_no_code_but_what_is_interpolated_is() {
        let text = "const a = `x ${b} y`; // c\nd();";
        let at = |needle: &str| {
            let byte = text.find(needle).unwrap_or_default();
            is_comment_or_string(Language::JavaScript, text, byte)
        };
        assert_eq!(at("x $"), Ok(true));
        assert_eq!(at("b}"), Ok(false));
        assert_eq!(at("c\n"), Ok(true));
        assert_eq!(at("d()"), Ok(false));
    }
}
