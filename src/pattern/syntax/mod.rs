//! The one door to syntax trees: parses a text in one of the languages that have a grammar here.
//!
//! It refuses texts that are too large, nested too deeply or too slow to parse, with a code, so that no caller meets a
//! stack overflow or a stall. It knows nothing of patterns; guardrails use it too. Layer 1.

mod errors;
mod scope;

use std::ops::ControlFlow;

use tree_sitter::{Node, ParseOptions, Parser};

use crate::model::Language;

pub use errors::{Flaw, error_nodes, new_errors};
pub(crate) use errors::{flaws, new_flaws};
pub use scope::{Function, enclosing_function, function_named, functions, is_comment_or_string};
pub(crate) use scope::{enclosing, functions_of, is_comment, named};

/// The largest text that is parsed, in bytes.
pub const MAX_SOURCE: usize = 1 << 20;
/// The deepest nesting of brackets that is parsed; people's code stays below a hundred.
pub const MAX_NESTING: usize = 1000;
/// Calls of the parser's progress callback that are allowed for each byte of the text; ordinary code needs far below one.
const PROGRESS_PER_BYTE: usize = 4;

/// Says why a text has no syntax tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxError {
    /// No grammar for the language is built in.
    #[error("there is no grammar for {0}")]
    NoGrammar(Language),
    /// The text is larger than [`MAX_SOURCE`].
    #[error("the text has {0} bytes, more than the {MAX_SOURCE} that are parsed")]
    TooLarge(usize),
    /// Brackets nest deeper than [`MAX_NESTING`].
    #[error("the text nests deeper than the {MAX_NESTING} levels that are parsed")]
    TooDeep,
    /// The parser did not end within its bound.
    #[error("the text takes too long to parse")]
    TooSlow,
}

impl SyntaxError {
    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoGrammar(_) => "no-grammar",
            Self::TooLarge(_) => "source-too-large",
            Self::TooDeep => "source-too-deep",
            Self::TooSlow => "source-too-slow",
        }
    }
}

/// A syntax tree together with the text it was made from.
#[derive(Debug, Clone)]
pub struct Tree {
    language: Language,
    text: String,
    tree: tree_sitter::Tree,
}

impl Tree {
    /// Returns the language.
    pub const fn language(&self) -> Language {
        self.language
    }

    /// Returns the text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Gives text and tree away, for the matcher.
    pub(crate) fn into_parts(self) -> (String, tree_sitter::Tree) {
        (self.text, self.tree)
    }

    /// Visits every node, as [`walk`].
    pub(crate) fn walk<'tree>(&'tree self, visit: impl FnMut(Node<'tree>, &[Node<'tree>]) -> Descend) {
        walk(self.tree.root_node(), visit);
    }
}

/// Visits a node and all below it from the outside in, each with its ancestors from the first node down, until the
/// visitor breaks off; the visitor says whether a node's children are visited. No recursion: any depth is safe.
pub(crate) fn walk<'tree>(root: Node<'tree>, mut visit: impl FnMut(Node<'tree>, &[Node<'tree>]) -> Descend) {
    let mut cursor = root.walk();
    let mut ancestors: Vec<Node<'tree>> = Vec::new();
    loop {
        let node = cursor.node();
        match visit(node, &ancestors) {
            Descend::Stop => return,
            Descend::Into if cursor.goto_first_child() => {
                ancestors.push(node);
                continue;
            }
            Descend::Into | Descend::Past => {}
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
            ancestors.pop();
        }
    }
}

/// What a visitor of a tree wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Descend {
    /// The node's children.
    Into,
    /// What follows the node.
    Past,
    /// Nothing more.
    Stop,
}

/// Returns whether texts of the language can be parsed.
pub const fn has_grammar(language: Language) -> bool {
    matches!(
        language,
        Language::JavaScript
            | Language::TypeScript
            | Language::Tsx
            | Language::Python
            | Language::Rust
            | Language::Go
            | Language::Java
    )
}

fn grammar(language: Language) -> Option<tree_sitter::Language> {
    Some(match language {
        Language::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
        Language::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
        Language::Tsx => tree_sitter_typescript::LANGUAGE_TSX.into(),
        Language::Python => tree_sitter_python::LANGUAGE.into(),
        Language::Rust => tree_sitter_rust::LANGUAGE.into(),
        Language::Go => tree_sitter_go::LANGUAGE.into(),
        Language::Java => tree_sitter_java::LANGUAGE.into(),
        _ => return None,
    })
}

/// Parses a text.
///
/// # Errors
/// When the language has no grammar, or the text is past one of the bounds of this module.
pub fn parse(language: Language, text: &str) -> Result<Tree, SyntaxError> {
    let grammar = grammar(language).ok_or(SyntaxError::NoGrammar(language))?;
    if text.len() > MAX_SOURCE {
        return Err(SyntaxError::TooLarge(text.len()));
    }
    if nesting(text) > MAX_NESTING {
        return Err(SyntaxError::TooDeep);
    }
    let mut parser = Parser::new();
    parser.set_language(&grammar).map_err(|_| SyntaxError::NoGrammar(language))?;
    let mut left = text.len().saturating_mul(PROGRESS_PER_BYTE).saturating_add(10_000);
    let mut progress = |_: &tree_sitter::ParseState| {
        left = left.saturating_sub(1);
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let bytes = text.as_bytes();
    let tree = parser
        .parse_with_options(
            &mut |at, _| bytes.get(at..).unwrap_or_default(),
            None,
            Some(ParseOptions::new().progress_callback(&mut progress)),
        )
        .ok_or(SyntaxError::TooSlow)?;
    Ok(Tree { language, text: text.to_owned(), tree })
}

/// Returns the deepest nesting of brackets, strings and comments not told apart: an upper bound that needs no tree.
fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Returns line and column of a byte offset, both from 1, columns in Unicode scalars.
pub(crate) fn position(text: &str, byte: usize) -> (u32, u32) {
    let before = text.get(..byte).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = memchr::memchr_iter(b'\n', before.as_bytes()).count() + 1;
    let column = before[start..].chars().count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_grammar_parses_a_line_of_its_language() {
        for (language, text) in [
            (Language::JavaScript, "const a = <b>{c?.d}</b>;"),
            (Language::TypeScript, "const a: number = b!;"),
            (Language::Tsx, "const a: X = <b/>;"),
            (Language::Python, "def f(a=[]):\n    return a\n"),
            (Language::Rust, "fn f() -> u8 { 1 }"),
            (Language::Go, "package a\nfunc f() {}\n"),
            (Language::Java, "class A { void f() {} }"),
        ] {
            assert!(has_grammar(language));
            assert_eq!(error_nodes(language, text), Ok(Vec::new()), "{language}");
        }
        assert_eq!(parse(Language::Ruby, "x").map(|_| ()), Err(SyntaxError::NoGrammar(Language::Ruby)));
    }

    #[test]
    fn a_hundred_thousand_open_brackets_are_refused_and_do_not_overflow_the_stack() {
        for open in ["(", "[", "{"] {
            assert_eq!(parse(Language::JavaScript, &open.repeat(100_000)).map(|_| ()), Err(SyntaxError::TooDeep));
        }
        assert_eq!(
            parse(Language::Python, &" ".repeat(MAX_SOURCE + 1)).map(|_| ()),
            Err(SyntaxError::TooLarge(MAX_SOURCE + 1))
        );
    }

    #[test]
    fn deep_trees_without_brackets_are_walked_without_recursion() {
        let text = format!("x = {}1", "-".repeat(50_000));
        let Ok(tree) = parse(Language::Python, &text) else { return };
        let mut deepest = 0;
        tree.walk(|_, ancestors| {
            deepest = deepest.max(ancestors.len());
            Descend::Into
        });
        assert!(deepest > 10_000, "{deepest}");
    }

    #[test]
    fn positions_count_lines_and_unicode_scalars_from_one() {
        assert_eq!(position("äb\nc", 2), (1, 2));
        assert_eq!(position("äb\nc", 4), (2, 1));
        assert_eq!(position("a", 99), (1, 2));
    }
}
