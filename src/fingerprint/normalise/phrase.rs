//! Whole sentences that engines and versions word differently though they mean one thing. Layer 1.

use std::sync::{LazyLock, OnceLock};

use regex::{Captures, Regex};

use super::ascii_regex;

/// A phrase: the family of languages (empty: any), what is looked for, what is written instead, and which groups are symbols.
///
/// `<sym>` in the template marks where a symbol stood. Expressions are anchored, so that each is tried once.
struct Phrase {
    family: &'static str,
    pattern: &'static str,
    template: &'static str,
}

const READ_UNDEFINED: &str = "Cannot read properties of undefined (reading '<sym>')";
const READ_NULL: &str = "Cannot read properties of null (reading '<sym>')";
const SET_UNDEFINED: &str = "Cannot set properties of undefined (setting '<sym>')";
const SET_NULL: &str = "Cannot set properties of null (setting '<sym>')";
const NOT_JSON: &str = "invalid JSON";

const PHRASES: &[Phrase] = &[
    // V8 now and before version 9.3, SpiderMonkey, JavaScriptCore.
    js(r"^Cannot read properties of undefined \(reading '(?P<sym>[^']*)'\)", READ_UNDEFINED),
    js(r"^Cannot read properties of null \(reading '(?P<sym>[^']*)'\)", READ_NULL),
    js(r"^Cannot read property '(?P<sym>[^']*)' of undefined", READ_UNDEFINED),
    js(r"^Cannot read property '(?P<sym>[^']*)' of null", READ_NULL),
    js(r#"^can't access property "?(?P<sym>[^",]*)"?(?:,.*| of .*)? is undefined"#, READ_UNDEFINED),
    js(r#"^can't access property "?(?P<sym>[^",]*)"?(?:,.*| of .*)? is null"#, READ_NULL),
    js(r#"^can't access property "?(?P<sym>[^", ]*)"? of undefined"#, READ_UNDEFINED),
    js(r#"^can't access property "?(?P<sym>[^", ]*)"? of null"#, READ_NULL),
    js(r"^undefined is not an object \(evaluating '(?P<path>[^'=]*?) = .*'\)", SET_UNDEFINED),
    js(r"^null is not an object \(evaluating '(?P<path>[^'=]*?) = .*'\)", SET_NULL),
    js(r"^undefined is not an object \(evaluating '(?P<path>[^']*)'\)", READ_UNDEFINED),
    js(r"^null is not an object \(evaluating '(?P<path>[^']*)'\)", READ_NULL),
    js(r"^Cannot set properties of undefined \(setting '(?P<sym>[^']*)'\)", SET_UNDEFINED),
    js(r"^Cannot set properties of null \(setting '(?P<sym>[^']*)'\)", SET_NULL),
    js(r"^Cannot set property '(?P<sym>[^']*)' of undefined", SET_UNDEFINED),
    js(r"^Cannot set property '(?P<sym>[^']*)' of null", SET_NULL),
    js(r"^(?P<path>\S.{0,200}?) is not a function\b", "<sym> is not a function"),
    js(r"^(?P<path>\S.{0,200}?) is not a constructor\b", "<sym> is not a constructor"),
    js(r"^(?P<path>\S{1,200}) is not iterable\b", "<sym> is not iterable"),
    js(r"^(?P<sym>\S{1,200}) is not defined\b", "<sym> is not defined"),
    js(r"^Can't find variable: (?P<sym>\S+)", "<sym> is not defined"),
    js(r"^Cannot access '(?P<sym>[^']*)' before initialization", "Cannot access '<sym>' before initialization"),
    js(
        r"^can't access lexical declaration '(?P<sym>[^']*)' before initialization",
        "Cannot access '<sym>' before initialization",
    ),
    js(r"^Assignment to constant variable", "Assignment to constant variable"),
    js(r"^invalid assignment to const '[^']*'", "Assignment to constant variable"),
    js(r"^(?:Maximum call stack size exceeded|too much recursion)", "Maximum call stack size exceeded"),
    js(
        r"^(?:Unexpected token .* in JSON at position|Unexpected (?:token|end|non-whitespace).*JSON|JSON\.parse: |JSON Parse error: |Unterminated string in JSON|Expected .* in JSON)",
        NOT_JSON,
    ),
    js(r"^(?:Failed to fetch|NetworkError when attempting to fetch resource|Load failed|fetch failed)", "fetch failed"),
    // Classes that are keyed by what they are; the rest of the sentence names a build or a visit.
    js(r"^Loading (?:CSS )?chunk \S+ failed", "Loading chunk failed"),
    js(
        r"^(?:Failed to fetch dynamically imported module|error loading dynamically imported module|Importing a module script failed)",
        "Failed to import a module",
    ),
    js(r"^ResizeObserver loop", "ResizeObserver loop"),
    js(
        r"^(?:Hydration failed|Text content does not match server-rendered HTML|There was an error while hydrating)",
        "Hydration failed",
    ),
    js(r"^Cannot find (?:module|package) '(?P<module>[^']*)'", "Cannot find module '<sym>'"),
    // Python: suggestions came with 3.10, qualified names with 3.10, wording of missing keys with libraries.
    py(r"^name '(?P<sym>[^']*)' is not defined", "name '<sym>' is not defined"),
    py(r"^'(?P<sym>[^']*)' object has no attribute '(?P<sym2>[^']*)'", "'<sym>' object has no attribute '<sym>'"),
    py(
        r"^type object '(?P<sym>[^']*)' has no attribute '(?P<sym2>[^']*)'",
        "type object '<sym>' has no attribute '<sym>'",
    ),
    py(r"^module '(?P<sym>[^']*)' has no attribute '(?P<sym2>[^']*)'", "module '<sym>' has no attribute '<sym>'"),
    py(
        r"^partially initialized module '(?P<sym>[^']*)' has no attribute '(?P<sym2>[^']*)'",
        "module '<sym>' has no attribute '<sym>'",
    ),
    py(
        r"^(?:local variable '(?P<sym>[^']*)' referenced before assignment|cannot access local variable '(?P<sym2>[^']*)')",
        "cannot access local variable '<sym>'",
    ),
    py(r"^No module named '?(?P<sym>[\w.]+)'?", "No module named '<sym>'"),
    py(
        r"^cannot import name '(?P<sym>[^']*)' from (?:partially initialized module )?'(?P<sym2>[^']*)'",
        "cannot import name '<sym>' from '<sym>'",
    ),
    py(r"^cannot import name '(?P<sym>[^']*)'", "cannot import name '<sym>'"),
    py(
        r"^(?:[\w<>]+\.)*(?P<sym>\w+)\(\) missing \d+ required (?P<word>positional|keyword-only) arguments?: '(?P<sym2>[^']*)'",
        "<sym>() missing required arguments: '<sym>'",
    ),
    py(
        r"^(?:[\w<>]+\.)*(?P<sym>\w+)\(\) got an unexpected keyword argument '(?P<sym2>[^']*)'",
        "<sym>() got an unexpected keyword argument '<sym>'",
    ),
    py(
        r"^(?:[\w<>]+\.)*(?P<sym>\w+)\(\) takes .* positional arguments? but .* given",
        "<sym>() takes other positional arguments than were given",
    ),
    py(r"^maximum recursion depth exceeded", "maximum recursion depth exceeded"),
    // Ruby: 3.4 changed quotes and stopped printing receivers.
    rb(r"^undefined method [`'](?P<sym>[^'`]*)' for (?:nil:NilClass|nil)\b", "undefined method '<sym>' for nil"),
    rb(
        r"^undefined method [`'](?P<sym>[^'`]*)' for (?:an instance of )?(?:#<)?(?P<sym2>[A-Z][\w:]*)",
        "undefined method '<sym>' for <sym>",
    ),
    rb(r"^undefined local variable or method [`'](?P<sym>[^'`]*)'", "undefined local variable or method '<sym>'"),
    rb(r"^uninitialized constant (?P<sym>[\w:]+)", "uninitialized constant <sym>"),
    // PHP: 8.0 turned notices into warnings and exceptions.
    php(r"^(?:Undefined variable:? \$?(?P<sym>\w+))", "Undefined variable $<sym>"),
    php(r"^Undefined (?:index|array key):? [\x22']?(?P<sym>\w+)[\x22']?", "Undefined array key <sym>"),
    php(
        r"^(?:Undefined property|Attempt to read property):? [\x22']?(?P<sym>[\w:\\$]+)[\x22']?.*",
        "Undefined property <sym>",
    ),
    php(
        r"^Call to (?:a )?(?P<word>undefined|member|private|protected) (?:function|method) (?P<sym>[\w:\\>-]+)\(\)(?: on (?P<sym2>\w+))?",
        "Call to undefined function <sym>()",
    ),
    // JVM: names that the compiler makes up where debug data is missing.
    jvm(
        r#"^Cannot invoke "(?P<sym>[\w.$<>]+)\([^"]*\)" because (?:the return value of )?"(?P<sym2>[^"]*)" is null"#,
        "Cannot invoke \"<sym>\" because \"<sym>\" is null",
    ),
    jvm(
        r#"^Cannot read field "(?P<sym>[^"]+)" because (?:the return value of )?"(?P<sym2>[^"]*)" is null"#,
        "Cannot read field \"<sym>\" because \"<sym>\" is null",
    ),
    jvm(
        r"^(?:class )?(?P<sym>[\w.$]+) cannot be cast to (?:class )?(?P<sym2>[\w.$]+)",
        "<sym> cannot be cast to <sym>",
    ),
    jvm(
        r"^(?:lateinit property )(?P<sym>\w+) has not been initialized",
        "lateinit property <sym> has not been initialized",
    ),
    // Go: the bounds are data.
    go(r"^(?:runtime error: )?index out of range", "runtime error: index out of range"),
    go(r"^(?:runtime error: )?slice bounds out of range", "runtime error: slice bounds out of range"),
    go(
        r"^(?:runtime error: )?invalid memory address or nil pointer dereference",
        "runtime error: invalid memory address or nil pointer dereference",
    ),
    go(
        r"^interface conversion: (?:interface \{\}|any|\S+) is (?P<sym>\S+?), not (?P<sym2>\S+)",
        "interface conversion: <sym>, not <sym>",
    ),
];

const fn js(pattern: &'static str, template: &'static str) -> Phrase {
    Phrase { family: "js", pattern, template }
}
const fn py(pattern: &'static str, template: &'static str) -> Phrase {
    Phrase { family: "python", pattern, template }
}
const fn rb(pattern: &'static str, template: &'static str) -> Phrase {
    Phrase { family: "ruby", pattern, template }
}
const fn php(pattern: &'static str, template: &'static str) -> Phrase {
    Phrase { family: "php", pattern, template }
}
const fn jvm(pattern: &'static str, template: &'static str) -> Phrase {
    Phrase { family: "jvm", pattern, template }
}
const fn go(pattern: &'static str, template: &'static str) -> Phrase {
    Phrase { family: "go", pattern, template }
}

/// Tails that newer releases add to old sentences.
const SUGGESTION: &str =
    r"(?:[.,;]? ?Did you (?:mean|forget)[^?]*\?)+\s*$|\s+\(most likely due to a circular import\)[^)]*\)?$";

/// Compiled when a failure of their language is first seen: a run meets one language or two.
static COMPILED: LazyLock<Vec<OnceLock<Regex>>> = LazyLock::new(|| PHRASES.iter().map(|_| OnceLock::new()).collect());

static SUGGESTIONS: LazyLock<Regex> = LazyLock::new(|| ascii_regex(SUGGESTION));

/// Lists what decides here, for the hash of the rules.
pub(super) fn table() -> Vec<&'static str> {
    PHRASES.iter().flat_map(|phrase| [phrase.family, phrase.pattern, phrase.template]).chain([SUGGESTION]).collect()
}

/// Answers a well-known sentence with its template and the symbols that stood in it.
pub(super) fn known_phrase(family: &str, message: &str) -> Option<(&'static str, Vec<String>)> {
    PHRASES.iter().zip(COMPILED.iter()).filter(|(phrase, _)| phrase.family == family).find_map(|(phrase, pattern)| {
        let pattern = pattern.get_or_init(|| ascii_regex(phrase.pattern));
        let found = pattern.captures(message)?;
        Some((phrase.template, symbols(&found)))
    })
}

/// Takes off the suggestions that newer releases append.
pub(super) fn without_suggestion(message: &str) -> &str {
    if !message.contains("Did you") && !message.contains("circular import") {
        return message;
    }
    SUGGESTIONS.find(message).map_or(message, |found| &message[..found.start()])
}

fn symbols(found: &Captures<'_>) -> Vec<String> {
    let mut symbols = Vec::new();
    for (name, whole) in [("sym", true), ("sym2", true), ("path", false), ("module", true)] {
        let Some(text) = found.name(name).map(|group| group.as_str()) else { continue };
        // Of an expression only the last member counts: what stands before it differs between engines and builds.
        let text = if whole { text } else { last_member(text) };
        let text = text.trim_matches(['\'', '"', '`', ' ', ':', ';']);
        if !text.is_empty() && !text.contains("<sym>") && !text.starts_with("<local") && text.len() <= 120 {
            symbols.push(text.to_owned());
        }
    }
    symbols
}

fn last_member(expression: &str) -> &str {
    let expression = expression.trim_end_matches("()").trim();
    let cut = expression.rfind(['.', '?', ' ']).map_or(0, |at| at + 1);
    &expression[cut..]
}
