//! Types of exceptions: how they are compared, and which of them say too little to stand alone. Layer 1.

/// The type of an exception, normalised and judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::fingerprint) struct ErrorType {
    /// The type without decoration.
    pub name: String,
    /// Says too little: thousands of different bugs share it, so the message must speak too.
    pub generic: bool,
    /// Speaks of symbols: two names in the message are two bugs.
    pub symbolic: bool,
    /// Only carries another exception; says nothing when it is not the root.
    pub wrapper: bool,
}

/// Types that the authors of a language or a test runner throw for anything at all, or for any null.
///
/// Last part of the name, any language: the sets of the languages do not contradict each other.
const GENERIC: &[&str] = &[
    // Anybody's `throw new Error(..)`.
    "Error",
    "Exception",
    "RuntimeException",
    "RuntimeError",
    "StandardError",
    "Throwable",
    "BaseException",
    "SystemError",
    "ApplicationException",
    "SystemException",
    "ErrorException",
    "InternalError",
    "unknown",
    "Unknown",
    // Every panic of a language has one type.
    "panic",
    "PanicException",
    "fatal error",
    "Fatal error",
    "Warning",
    "Notice",
    "Deprecated",
    "error",
    "errorString",
    "wrapError",
    "IllegalStateException",
    "IllegalArgumentException",
    "InvalidOperationException",
    "LogicException",
    "InvalidArgumentException",
    "DomainException",
    "UnexpectedValueException",
    // Every assertion of a runner has one type.
    "AssertionError",
    "AssertionFailedError",
    "AssertFailedException",
    "AssertionFailedException",
    "XunitException",
    "ExpectationFailedException",
    "ExpectationNotMetError",
    "ComparisonFailure",
    "AssertionException",
    "JestAssertionError",
    "Failed",
    "Failure",
    "EqualException",
    "MultipleFailuresError",
    "FAIL",
    // Every null of a language has one type.
    "NullPointerException",
    "NullReferenceException",
    "KotlinNullPointerException",
    "UninitializedPropertyAccessException",
    // Signals.
    "SIGSEGV",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGILL",
    "EXC_BAD_ACCESS",
];

/// Types whose message names a symbol of the program.
const SYMBOLIC: &[&str] = &[
    "NameError",
    "UnboundLocalError",
    "AttributeError",
    "ImportError",
    "ModuleNotFoundError",
    "ReferenceError",
    "TypeError",
    "NoMethodError",
    "NotImplementedError",
    "UndefinedMethodError",
    "UndefVarError",
    "NoSuchMethodError",
    "NoSuchFieldError",
    "NoSuchMethodException",
    "NoSuchFieldException",
    "ClassNotFoundException",
    "NoClassDefFoundError",
    "AbstractMethodError",
    "MissingMethodException",
    "MissingFieldException",
    "TypeLoadException",
    "RuntimeBinderException",
    "NullPointerException",
    "UninitializedPropertyAccessException",
    "ArgumentNullException",
    "BadMethodCallException",
    "BadFunctionCallException",
    "MissingPropertyException",
    "NoSuchBeanDefinitionException",
    "LoadError",
];

/// Codes of tools whose message names a symbol.
const SYMBOLIC_CODES: &[&str] = &[
    "TS2304",
    "TS2305",
    "TS2307",
    "TS2339",
    "TS2551",
    "TS2552",
    "TS2552",
    "TS2693",
    "TS2724",
    "TS2741",
    "E0412",
    "E0422",
    "E0423",
    "E0425",
    "E0432",
    "E0433",
    "E0405",
    "E0407",
    "E0416",
    "E0424",
    "E0426",
    "E0428",
    "E0463",
    "E0531",
    "E0560",
    "E0599",
    "E0609",
    "E0610",
    "F401",
    "F811",
    "F821",
    "F822",
    "F823",
    "F841",
    "no-undef",
    "no-unused-vars",
    "name-defined",
    "attr-defined",
    "import-not-found",
    "CS0103",
    "CS0117",
    "CS0246",
    "CS1061",
    "MODULE_NOT_FOUND",
    "ERR_MODULE_NOT_FOUND",
    "undefined-variable",
    "no-member",
    "E0602",
    "E1101",
    "reportUndefinedVariable",
    "reportAttributeAccessIssue",
];

/// Types that only carry another: transports, reflection, futures, containers.
const WRAPPERS: &[&str] = &[
    "RuntimeException",
    "Exception",
    "Error",
    "RuntimeError",
    "StandardError",
    "ExecutionException",
    "CompletionException",
    "InvocationTargetException",
    "UndeclaredThrowableException",
    "ServletException",
    "NestedServletException",
    "BeanCreationException",
    "BeanInstantiationException",
    "UnsatisfiedDependencyException",
    "IllegalStateException",
    "IllegalArgumentException",
    "ExceptionInInitializerError",
    "UncheckedIOException",
    "UncheckedExecutionException",
    "PrivilegedActionException",
    "HandlerDispatchFailed",
    "AggregateError",
    "AggregateException",
    "TargetInvocationException",
    "TypeInitializationException",
    "ExceptionGroup",
    "BaseExceptionGroup",
    "wrapError",
    "error",
    "Error:",
    "ErrorException",
    "ApplicationException",
    "InvalidOperationException",
    "Throwable",
    "LogicException",
    "SystemExit",
    "unknown",
];

/// Names of one thing in different engines and versions: the first is used.
const SAME: &[(&str, &str)] = &[
    ("RangeError", "InternalError: too much recursion"),
    ("panic", "panicked"),
    ("panic", "Panic"),
    ("panic", "rust panic"),
    ("OSError", "IOError"),
    ("OSError", "EnvironmentError"),
    ("SIGSEGV", "Segmentation fault"),
    ("SIGSEGV", "SEGV"),
];

/// Types that mean that a stack or a depth ran out, with the words that say so where the type does not.
const DEPTH: &[&str] = &[
    "RecursionError",
    "StackOverflowError",
    "StackOverflowException",
    "SystemStackError",
    "InsufficientExecutionStackException",
    "Maximum call stack",
    "too much recursion",
    "maximum recursion depth",
    "stack overflow",
    "stack level too deep",
    "goroutine stack exceeds",
    "Maximum function nesting level",
    "has overflowed its stack",
    "InternalError: too much",
];

/// Packages that a type may carry or not, depending on who wrote the report.
const OWN_PACKAGES: &[&str] = &["java.lang.", "kotlin.", "builtins.", "exceptions.", "System."];

/// Words that decorate a type in some outputs.
const DECORATIONS: &[&str] =
    &["Uncaught ", "Unhandled ", "(in promise) ", "Caused by: ", "PHP ", "Error: Uncaught ", "Exception: "];

/// Lists what decides here, for the hash of the rules.
pub(super) fn table() -> Vec<&'static str> {
    let mut all = Vec::new();
    for list in [GENERIC, SYMBOLIC, SYMBOLIC_CODES, WRAPPERS, DEPTH, OWN_PACKAGES, DECORATIONS] {
        all.extend(list);
    }
    all.extend(SAME.iter().flat_map(|(one, other)| [*one, *other]));
    all
}

/// Normalises and judges the type of an exception; `code` is the tool's own, where there is one.
pub(in crate::fingerprint) fn error_type(written: &str, message: &str, code: Option<&str>) -> ErrorType {
    let mut name = written.trim().trim_end_matches(':').trim();
    while let Some(rest) = DECORATIONS.iter().find_map(|word| name.strip_prefix(word)) {
        name = rest;
    }
    if let Some(end) = name.find(['\n', '<', '[', '(']).filter(|end| *end > 0) {
        name = name[..end].trim_end();
    }
    let mut name: String = name.chars().take(200).collect();
    if let Some((same, _)) = SAME.iter().find(|(_, other)| {
        *other == name || other.split_once(": ").is_some_and(|(t, m)| t == name && message.starts_with(m))
    }) {
        (*same).clone_into(&mut name);
    }
    if let Some(bare) =
        OWN_PACKAGES.iter().find_map(|package| name.strip_prefix(package)).filter(|bare| !bare.contains('.'))
    {
        name = bare.to_owned();
    }
    let last = last_part(&name);
    ErrorType {
        generic: name.is_empty() || GENERIC.contains(&last),
        symbolic: SYMBOLIC.contains(&last) || code.is_some_and(|code| SYMBOLIC_CODES.contains(&code)),
        wrapper: WRAPPERS.contains(&last),
        name,
    }
}

/// Returns whether the type or the message says that a stack ran out.
pub(in crate::fingerprint) fn is_depth_limit(type_name: &str, message: &str) -> bool {
    let start: String = message.chars().take(200).collect();
    DEPTH.iter().any(|word| last_part(type_name) == *word || start.contains(word))
}

/// Returns whether two normalised types are one, where either report may have left the package out.
pub(in crate::fingerprint) fn types_agree(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let qualified = |name: &str| last_part(name).len() < name.len();
    last_part(one) == last_part(other) && (!qualified(one) || !qualified(other))
}

fn last_part(name: &str) -> &str {
    name.rsplit(['.', ':', '\\', '/']).next().unwrap_or(name)
}
