//! The layer table: which module lies where, what it may import and which outside crates it may name.
//!
//! This is the one place to edit when a module or a dependency is added, and the review of that line is
//! the review of the decision. Refuses to guess: a module or a crate that is not named here fails.

use Layer::{Adapters, Engine, Faces, Nouns, Ports, Pure};

/// A layer of the house, from the nouns at the bottom to the faces at the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Layer {
    /// Types and their laws.
    Nouns,
    /// Decisions without effects.
    Pure,
    /// Traits towards the world outside.
    Ports,
    /// What keeps a port's promise with files, processes, network or clock.
    Adapters,
    /// The story of one failure, over ports alone.
    Engine,
    /// What people and other programs see.
    Faces,
    /// `lib.rs` and `main.rs`, which only name and start.
    Root,
}

/// One row of the layer table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Module path; `*` stands for any one module, which a lower-case name tells from a type.
    pub(super) module: &'static str,
    pub(super) layer: Layer,
}

const fn row(module: &'static str, layer: Layer) -> Place {
    Place { module, layer }
}

/// Every module; within the pure layer, a module may import those above it.
pub(super) const PLACES: &[Place] = &[
    row("model", Nouns),
    row("redact", Pure),
    row("template", Pure),
    row("config", Pure),
    row("intake", Pure),
    row("fingerprint", Pure),
    row("pattern", Pure),
    row("ai", Pure),
    row("guardrail", Pure),
    row("budget", Pure),
    row("gate", Pure),
    row("proof", Pure),
    row("plan", Pure),
    row("doctor", Pure),
    row("render", Pure),
    row("event", Pure),
    row("history", Pure),
    row("forge", Ports),
    row("forge::port", Ports),
    row("forge::rules", Ports),
    row("llm", Ports),
    row("llm::port", Ports),
    row("workspace", Ports),
    row("workspace::port", Ports),
    row("system", Ports),
    row("system::port", Ports),
    row("git", Adapters),
    row("forge::local", Adapters),
    row("forge::memory", Adapters),
    row("forge::faults", Adapters),
    row("forge::github", Adapters),
    row("llm::*", Adapters),
    row("workspace::git", Adapters),
    row("workspace::sandbox", Adapters),
    row("system::os", Adapters),
    row("engine", Engine),
    row("cli", Faces),
    row("actions", Faces),
    row("report", Faces),
    row("serve", Faces),
    row("mcp", Faces),
];

/// Where an outside crate may be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// In these layers.
    Layers(&'static [Layer]),
    /// In these modules and below them.
    Modules(&'static [&'static str]),
}

const EVERYWHERE: Reach = Reach::Layers(&[Nouns, Pure, Ports, Adapters, Engine, Faces]);
const ABOVE_NOUNS: Reach = Reach::Layers(&[Pure, Ports, Adapters, Engine, Faces]);
const EFFECTS: Reach = Reach::Layers(&[Ports, Adapters, Engine, Faces]);
const RUNTIME: Reach = Reach::Layers(&[Adapters, Engine, Faces]);
const OUTSIDE: Reach = Reach::Layers(&[Adapters, Faces]);
const SYSTEM_CALLS: Reach = Reach::Layers(&[Adapters]);
const SYNTAX: Reach = Reach::Modules(&["pattern"]);
const GITHUB: Reach = Reach::Modules(&["forge::github"]);
const CONNECTIONS: Reach = Reach::Modules(&["forge::github", "cli::telemetry"]);
const TRACES: Reach = Reach::Modules(&["cli::telemetry"]);
const FACES: Reach = Reach::Layers(&[Faces]);

/// Every outside crate of `[dependencies]`, by the name that Rust code uses.
pub(super) const CRATES: &[(&str, Reach)] = &[
    ("aho_corasick", ABOVE_NOUNS),
    ("ast_grep_config", SYNTAX),
    ("ast_grep_core", SYNTAX),
    ("ast_grep_language", SYNTAX),
    ("async_trait", EFFECTS),
    ("backoff", RUNTIME),
    ("base64", EVERYWHERE),
    ("clap", FACES),
    ("clap_complete", FACES),
    ("clap_mangen", FACES),
    // Logs of CI systems and artifacts come compressed.
    ("flate2", ABOVE_NOUNS),
    // Streams of bounded concurrency, nothing else of it.
    ("futures_util", EFFECTS),
    ("getrandom", SYSTEM_CALLS),
    ("globset", ABOVE_NOUNS),
    ("http", GITHUB),
    ("http_body_util", CONNECTIONS),
    ("hyper_rustls", GITHUB),
    ("hyper_util", CONNECTIONS),
    ("ignore", ABOVE_NOUNS),
    ("indicatif", FACES),
    ("landlock", SYSTEM_CALLS),
    // Constants of system calls that no safe crate names.
    ("libc", SYSTEM_CALLS),
    ("memchr", ABOVE_NOUNS),
    ("minijinja", ABOVE_NOUNS),
    ("octocrab", GITHUB),
    ("opentelemetry", TRACES),
    ("opentelemetry_http", TRACES),
    ("opentelemetry_otlp", TRACES),
    ("opentelemetry_sdk", TRACES),
    ("rawzip", Reach::Modules(&["history"])),
    ("regex", ABOVE_NOUNS),
    ("rustix", SYSTEM_CALLS),
    // Schemas are published from the type that defines them, and some of those are nouns.
    ("schemars", EVERYWHERE),
    ("seccompiler", SYSTEM_CALLS),
    ("serde", EVERYWHERE),
    ("serde_json", EVERYWHERE),
    ("serde_yaml", ABOVE_NOUNS),
    // Ids of git objects, where no git program makes them.
    ("sha1", Reach::Modules(&["forge::memory"])),
    ("sha2", EVERYWHERE),
    ("similar", ABOVE_NOUNS),
    ("tempfile", OUTSIDE),
    ("thiserror", EVERYWHERE),
    ("tokio", RUNTIME),
    ("tower_service", GITHUB),
    ("tracing", EFFECTS),
    ("tracing_opentelemetry", TRACES),
    ("tracing_subscriber", FACES),
    ("tree_sitter", SYNTAX),
    ("tree_sitter_go", SYNTAX),
    ("tree_sitter_java", SYNTAX),
    ("tree_sitter_javascript", SYNTAX),
    ("tree_sitter_python", SYNTAX),
    ("tree_sitter_rust", SYNTAX),
    ("tree_sitter_typescript", SYNTAX),
    ("unicode_normalization", ABOVE_NOUNS),
    ("zstd", RUNTIME),
];

/// The layers that hold no effect of their own: they are told, they do not look.
pub(super) const EFFECT_FREE: &[Layer] = &[Nouns, Pure, Ports, Engine];

/// What an effect-free layer does not name.
pub(super) const EFFECT_PATHS: &[&str] = &[
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread::sleep",
    "std::time::Instant",
    "std::time::SystemTime",
    "tokio::fs",
    "tokio::net",
    "tokio::process",
    "tokio::time::Instant",
];

/// Finds the row of a module path: the longest prefix that the table names.
pub(super) fn place_of(module: &[String]) -> Option<&'static Place> {
    PLACES
        .iter()
        .filter(|place| covers(place.module, module))
        // A name beats a star of the same length: `llm::port` is no `llm::*`.
        .max_by_key(|place| (place.module.split("::").count(), !place.module.contains('*')))
}

/// Tells whether `prefix` names `module` or one of its parents.
pub(super) fn covers(prefix: &str, module: &[String]) -> bool {
    let wanted: Vec<&str> = prefix.split("::").collect();
    wanted.len() <= module.len()
        && wanted
            .iter()
            .zip(module)
            .all(|(want, have)| want == have || (*want == "*" && have.starts_with(|first: char| first.is_lowercase())))
}
