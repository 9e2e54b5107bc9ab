//! Names of functions and modules: what a compiler, an engine or a release adds is taken off.
//!
//! Refuses to demangle binaries: a trace that names symbols has done so. Layer 1.

use std::sync::{LazyLock, OnceLock};

use regex::Regex;

use super::ascii_regex;

/// The name of a frame in three views.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::fingerprint) struct NormalName {
    /// The class, package or crate path, in languages that name it.
    pub module: Option<String>,
    /// The function; `<anonymous>` where it has none, nothing where the trace says nothing.
    pub function: Option<String>,
    /// Module and function together, as the language writes them: what classification looks at.
    pub full: String,
}

/// The text of a function without a name.
pub(in crate::fingerprint) const ANONYMOUS: &str = "<anonymous>";

/// Rewrites of names, `(language family, expression, replacement)`, applied in order.
const REWRITES: &[(&str, &str, &str)] = &[
    // Engines mark how a function was called, not which one it is.
    ("js", r"^(?:[\w ]*\*)+", ""),
    ("js", r"^(?:async |new |bound |get |set |static )+", ""),
    ("js", r" \[as [^\]]*\]$", ""),
    ("js", r"\s*\(index \d+\)$", ""),
    ("js", r"^(?:.*/)?<+$", ANONYMOUS),
    ("js", r"/<+(?:/<*)*$", "/<anonymous>"),
    ("js", r"<+$", ""),
    ("js", r"^.*/([^/]+)$", "$1"),
    ("js", r"^(?:_?this|exports|Object|Module|Function|window|global|globalThis|self|module\.exports)\.", ""),
    ("js", r"\$\d+$", ""),
    // Rust: the hash of a monomorphisation, and closures.
    ("rust", r"::h[0-9a-f]{16}$", ""),
    (
        "rust",
        r"::(?:\{\{closure\}\}|\{closure(?:_env)?(?:#\d+)?\}|\{async_(?:block|fn)_env#\d+\}|\{\{impl\}\}|\{impl#\d+\})",
        "",
    ),
    ("rust", r"::\{shim:[^}]*\}", ""),
    // Go: literals are numbered, method values and generics marked.
    ("go", r"\[(?:\.\.\.|[^\]]*)\]", ""),
    ("go", r"%2e", "."),
    ("go", r"-fm$", ""),
    ("go", r"\.(?:func|gowrap|deferwrap|dwrap|init)\d+(?:\.\d+|\.func\d+|\.gowrap\d+|-range\d+)*$", ".func"),
    ("go", r"\.func\d+(?:\.\d+)*\.", ".func."),
    ("go", r"\(0x[^)]*\)$", ""),
    // JVM: class loaders, proxies, lambdas and accessors.
    ("jvm", r"^(?:[A-Za-z][\w.@-]*/+)+", ""),
    (
        "jvm",
        r"\$\$(?:EnhancerBySpringCGLIB|FastClassBySpringCGLIB|EnhancerByCGLIB|FastClassByCGLIB|EnhancerByGuice|SpringCGLIB|KeyFactoryByCGLIB)\$\$[0-9a-f]+",
        "",
    ),
    ("jvm", r"\$\$Lambda(?:\$\d+)?(?:/(?:0x)?[0-9a-f]+)?", "$$$$Lambda"),
    ("jvm", r"_\$\$_(?:javassist|jvst)\w*", ""),
    ("jvm", r"\$(?:MockitoMock|HibernateProxy)\$\w+", ""),
    ("jvm", r"\b((?:com\.sun\.proxy\.|jdk\.proxy\d*\.)?\$Proxy)\d+", "$1"),
    ("jvm", r"(Generated(?:Method|Constructor|SerializationConstructor)Accessor)\d+", "$1"),
    ("jvm", r"lambda\$([A-Za-z_]\w*)\$[\w$]*", "$1"),
    ("jvm", r"([A-Za-z_]\w*)\$lambda(?:[$-]\d+)+", "$1"),
    ("jvm", r"\$\$inlined\$\w+", ""),
    ("jvm", r"access\$([A-Za-z])", "$1"),
    ("jvm", r"access\$\d+", "access"),
    ("jvm", r"\$suspendImpl|\$default", ""),
    // C#: state machines, display classes, generics.
    ("csharp", r"^async |^at ", ""),
    ("csharp", r"\.?<([\w.]*)>d__\d+(?:`\d+)?\.MoveNext$", ".$1"),
    ("csharp", r"\.?<>c(?:__DisplayClass\d+_\d+)?(?:`\d+)?\.<([\w.<>$]*)>[bg]__\w*(?:\|\d+_\d+)?", ".$1"),
    ("csharp", r"\.<([\w.<>$]+)>g__(\w+)\|\d+_\d+", ".$1.$2"),
    ("csharp", r"`\d+", ""),
    ("csharp", r"\[[^\]]*\]", ""),
    ("csharp", r"\+", "."),
    // Ruby: blocks, and classes that only newer versions name.
    ("ruby", r"^(?:block \(\d+ levels\) in |block in |rescue in |ensure in )+", ""),
    ("ruby", r"(_erb|_haml|_slim|_builder)__+\d+_\d+$", "$1"),
    ("ruby", r"^[\w:]+[#.]([^#.]+)$", "$1"),
    // PHP: closures know their place from 8.4 on.
    ("php", r"\{closure:[^}]*\}", "{closure}"),
    ("php", r"class@anonymous\S*?(->|::|$)", "class@anonymous$1"),
    ("php", r"^[A-Za-z_\\]+\\(\{closure\})$", "$1"),
    ("php", r"((?:->|::))[A-Za-z_\\]+\\(\{closure\})$", "$1$2"),
    // Native: what linkers and optimisers append.
    ("native", r"^(?:__GI_+|_GI_+)", ""),
    (
        "native",
        r"(?:\.(?:part|isra|constprop|cold|lto_priv|localalias|llvm|clone|resolver)(?:\.\d+)*)+(?:\[[^\]]*\])?",
        "",
    ),
    ("native", r"@@?[A-Z][A-Z0-9_]*[0-9.]*$", ""),
    ("native", r"\(anonymous namespace\)::", ""),
    ("native", r"^<lambda_[0-9a-f]+>|\{lambda\([^)]*\)#\d+\}", "<lambda>"),
    ("python", r"^<lambda_\d+>$", "<lambda>"),
    ("", r"_closure\$\d+", "_closure"),
];

/// Names that mean: no name.
const NAMELESS: &[&str] = &[
    "",
    "?",
    "??",
    "<anonymous>",
    "(anonymous)",
    "anonymous",
    "Anonymous function",
    "(anonymous function)",
    "<unknown>",
    "unknown",
    "global code",
    "module code",
    "eval code",
    "eval",
    "<eval>",
    "[Anonymous",
    "(intermediate value)",
    "<computed>",
];

/// Compiled when a failure of their language is first seen: a run meets one language or two.
static COMPILED: LazyLock<Vec<OnceLock<Regex>>> = LazyLock::new(|| REWRITES.iter().map(|_| OnceLock::new()).collect());

/// Lists what decides here, for the hash of the rules.
pub(super) fn table() -> Vec<&'static str> {
    REWRITES.iter().flat_map(|(family, text, with)| [*family, *text, *with]).chain(NAMELESS.iter().copied()).collect()
}

/// The longest name that is looked at.
const LONGEST: usize = 512;

/// Normalises the name of a frame in one family of languages.
pub(in crate::fingerprint) fn normal_name(family: &str, function: Option<&str>, module: Option<&str>) -> NormalName {
    let function = cut(function.unwrap_or_default().trim());
    let module = cut(module.unwrap_or_default().trim());
    match family {
        "jvm" => split_at_last(&rewrite(family, &joined(module, function, ".")), "."),
        "csharp" => {
            let full = joined(module, function, ".");
            let full = full.split('(').next().unwrap_or_default();
            split_csharp(&rewrite(family, full))
        }
        "rust" => split_rust(&joined(module, function, "::")),
        "go" => split_go(&rewrite(family, &joined(module, function, "."))),
        "php" => split_php(&rewrite(family, &joined(module, function, "->"))),
        "native" => {
            let name = strip_balanced(&rewrite(family, function), '<', '>');
            let name = name.split('(').next().unwrap_or_default().trim().to_owned();
            if name.is_empty() || name == "??" {
                // A frame without a symbol is still known by its library, whatever the library's version.
                let library = module.rsplit('/').next().unwrap_or_default();
                let library: String =
                    library.chars().filter(|c| !c.is_ascii_digit()).collect::<String>().replace("..", ".");
                let library = library.trim_matches(['.', '-']).to_owned();
                let function = (!library.is_empty()).then(|| format!("??@{library}"));
                return NormalName { module: None, full: function.clone().unwrap_or_default(), function };
            }
            NormalName { module: None, full: name.clone(), function: Some(name) }
        }
        "js" => {
            let name = rewrite(family, function);
            let last = name.rsplit('.').next().unwrap_or_default().trim().to_owned();
            NormalName { module: None, full: name, function: (!function.is_empty()).then(|| named(&last)) }
        }
        _ => {
            let name = rewrite(family, function);
            let full = joined(module, &name, ".");
            let function = (!name.is_empty()).then(|| named(&name));
            NormalName { module: (!module.is_empty()).then(|| module.to_owned()), function, full }
        }
    }
}

fn named(name: &str) -> String {
    if NAMELESS.contains(&name) { ANONYMOUS.to_owned() } else { name.to_owned() }
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn rewrite(family: &str, name: &str) -> String {
    let mut name = name.to_owned();
    for ((_, text, with), regex) in
        REWRITES.iter().zip(COMPILED.iter()).filter(|((of, ..), _)| of.is_empty() || *of == family)
    {
        let regex = regex.get_or_init(|| ascii_regex(text));
        if regex.is_match(&name) {
            name = regex.replace_all(&name, *with).into_owned();
        }
    }
    name
}

/// Joins module and function, unless the function already carries the module.
fn joined(module: &str, function: &str, separator: &str) -> String {
    if module.is_empty() {
        return function.to_owned();
    }
    if function.is_empty() {
        return format!("{module}{separator}");
    }
    let carries = function.strip_prefix(module).is_some_and(|rest| rest.starts_with(['.', ':', '-', '#', '\\']));
    if carries { function.to_owned() } else { format!("{module}{separator}{function}") }
}

fn split_at_last(full: &str, separator: &str) -> NormalName {
    match full.rsplit_once(separator) {
        Some((module, function)) => {
            // Anonymous and coroutine classes are numbered by the compiler; their method is the enclosing one's.
            let mut parts =
                module.split('$').filter(|part| !part.is_empty() && !part.bytes().all(|b| b.is_ascii_digit()));
            let (class, inner) = (parts.next().unwrap_or_default(), parts.collect::<Vec<_>>());
            let (class, function) = if matches!(function, "invokeSuspend" | "invoke") && !inner.is_empty() {
                let mut inner = inner;
                let method = inner.pop().unwrap_or_default();
                (std::iter::once(class).chain(inner).collect::<Vec<_>>().join("$"), method)
            } else {
                (std::iter::once(class).chain(inner).collect::<Vec<_>>().join("$"), function)
            };
            NormalName {
                full: format!("{class}{separator}{function}"),
                module: Some(class),
                function: (!function.is_empty()).then(|| function.to_owned()),
            }
        }
        None => {
            NormalName { module: None, function: (!full.is_empty()).then(|| full.to_owned()), full: full.to_owned() }
        }
    }
}

fn split_csharp(full: &str) -> NormalName {
    // `..ctor` is the constructor's own dot.
    let (full, constructor) = match full.strip_suffix("..ctor").or_else(|| full.strip_suffix("..cctor")) {
        Some(class) => (class, true),
        None => (full, false),
    };
    if constructor {
        return NormalName {
            module: Some(full.to_owned()),
            function: Some(".ctor".to_owned()),
            full: format!("{full}..ctor"),
        };
    }
    match full.rsplit_once('.') {
        Some((module, function)) => NormalName {
            module: Some(module.to_owned()),
            function: (!function.is_empty()).then(|| function.to_owned()),
            full: full.to_owned(),
        },
        None => {
            NormalName { module: None, function: (!full.is_empty()).then(|| full.to_owned()), full: full.to_owned() }
        }
    }
}

fn split_rust(written: &str) -> NormalName {
    let name = rewrite("rust", written);
    // `<T as Trait>::f` is the trait's function on T; `<T>::f` is T's own.
    let mut of = None;
    let name = match name.strip_prefix('<').and_then(|rest| close(rest).map(|end| (&rest[..end], &rest[end + 1..]))) {
        Some((inside, rest)) => match split_as(inside) {
            Some((this, that)) => {
                of = Some(strip_balanced(this.trim_start_matches(['&', ' ']).trim_start_matches("mut "), '<', '>'));
                format!("{}{rest}", that.trim())
            }
            None => format!("{}{rest}", inside.trim()),
        },
        None => name.clone(),
    };
    let name = strip_balanced(&name, '<', '>');
    let name: Vec<&str> = name.split("::").map(str::trim).filter(|part| !part.is_empty() && *part != "_").collect();
    let full = name.join("::");
    let (module, function) = match full.rsplit_once("::") {
        Some((module, function)) => (Some(module.to_owned()), function.to_owned()),
        None => (None, full.clone()),
    };
    let function = match (&of, function.is_empty()) {
        (_, true) => None,
        (Some(of), false) => Some(format!("{function}@{of}")),
        (None, false) => Some(function),
    };
    // The implementing type tells whose code it is.
    let full =
        of.filter(|of| of.contains("::")).map_or(full, |of| format!("{of}::{}", function.clone().unwrap_or_default()));
    NormalName { module, function, full }
}

/// Finds the `>` that closes a `<` already consumed.
fn close(text: &str) -> Option<usize> {
    let mut depth = 1_u32;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '<' => depth += 1,
            // The arrow of a function type closes nothing.
            '>' if before != '-' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
        before = c;
    }
    None
}

fn split_as(inside: &str) -> Option<(&str, &str)> {
    let mut depth = 0_i32;
    for (at, c) in inside.char_indices() {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            ' ' if depth == 0 && inside[at..].starts_with(" as ") => return Some((&inside[..at], &inside[at + 4..])),
            _ => {}
        }
    }
    None
}

fn split_go(full: &str) -> NormalName {
    // `github.com/acme/shop/cart.(*Cart).Total`: the package ends at the first dot after the last slash.
    let slash = full.rfind('/').map_or(0, |at| at + 1);
    match full[slash..].find('.') {
        Some(dot) => NormalName {
            module: Some(full[..slash + dot].to_owned()),
            function: Some(full[slash + dot + 1..].to_owned()).filter(|function| !function.is_empty()),
            full: full.to_owned(),
        },
        None => {
            NormalName { module: None, function: (!full.is_empty()).then(|| full.to_owned()), full: full.to_owned() }
        }
    }
}

fn split_php(full: &str) -> NormalName {
    let full = full.split('(').next().unwrap_or_default().trim();
    let cut = full.rfind("->").or_else(|| full.rfind("::"));
    let name = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    match cut {
        Some(at) => NormalName { module: name(&full[..at]), function: name(&full[at + 2..]), full: full.to_owned() },
        None => NormalName { module: None, function: name(full), full: full.to_owned() },
    }
}

/// Removes what stands between balanced brackets, brackets included; an unbalanced text stays as it is.
fn strip_balanced(text: &str, open: char, close: char) -> String {
    if !text.contains(open) || text.contains("operator") {
        return text.to_owned();
    }
    let mut kept = String::with_capacity(text.len());
    let (mut depth, mut before) = (0_u32, ' ');
    for c in text.chars() {
        if c == open {
            depth += 1;
        } else if c == close && before != '-' {
            if depth == 0 {
                return text.to_owned();
            }
            depth -= 1;
        } else if depth == 0 {
            kept.push(c);
        }
        before = c;
    }
    if depth == 0 { kept } else { text.to_owned() }
}
