//! How manifests name packages and where they come from. Layer 1.
//!
//! Refuses to know every key: what could be a package counts as one.

use std::sync::LazyLock;

use regex::Regex;

/// How a manifest is read.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// By keys and values, wherever lines end.
    Json,
    /// Line by line; the first group of each shape is a name.
    Lines(&'static [&'static LazyLock<Regex>]),
}

fn compiled(shape: &str) -> Regex {
    Regex::new(shape).expect("internal error: a manifest's shape does not compile")
}

macro_rules! shape {
    ($name:ident, $text:expr) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| compiled($text));
    };
}

// A key with an object or a text behind, or the end of an object.
shape!(JSON, r#""((?:[^"\\]|\\.){1,214})"\s*:\s*(?:(?<open>\{)|"(?<value>(?:[^"\\]|\\.){0,2000})")|(?<close>\})"#);
// A version or a range of them.
shape!(VERSION, r"^\s*(?:workspace:)?[\^~<>=v\s]*(?:[0-9*x]|$)");
// An address, an alias, a folder, a repository of a forge.
shape!(
    SOURCE,
    r"^(?:npm:|jsr:|git|https?:|ssh:|file:|link:|portal:|patch:|github:|gitlab:|bitbucket:|gist:|\.{1,2}/|[\w.-]+/[\w.-]+(?:#.*)?$)"
);
shape!(TOML_KEY, r#"(?:^|[\s{,.\['"])([A-Za-z0-9][\w-]*)["']?\s*=\s*(?:["'{]|true)"#);
shape!(TOML_DOTTED, r#"([A-Za-z0-9][\w-]*)["']?\.(?:workspace|version|git|path|package)\s*="#);
shape!(TOML_HEADER, r#"^\s*\[.*(?:dependencies|packages)\.["']?([\w-]+)["']?\s*\]"#);
shape!(TOML_SOURCE, r#"\b((?:package|git|path|registry|registry-index|url|index)\s*=\s*["'][^"']*["'])"#);
shape!(POETRY, r#"^\s*["']?([A-Za-z0-9][\w.-]*)["']?\s*=\s*(?:["'](?:[\^~<>=!*]|[0-9])|\{)"#);
shape!(
    QUOTED,
    r#"(?:^\s*|[\[,(]\s*)["']([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*(?:(?:===?|~=|!=|<=?|>=?|@|;)[^"']*)?["']"#
);
shape!(
    REQUIREMENT,
    r#"^\s*["']?([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*(?:(?:===?|~=|!=|<=?|>=?|@|;).*|["']?,?\s*\\?\s*(?:#.*)?)$"#
);
shape!(REQUIREMENT_ADDRESS, r"^\s*(?:-e\s+|--editable[\s=]+)?((?:git\+|https?:|file:|\.{0,2}/)\S+)");
shape!(REQUIREMENT_AT, r#"@\s*((?:git\+|https?:|file:)[^\s"']+)"#);
shape!(
    REQUIREMENT_OPTION,
    r"^\s*((?:-[rcifIe]|--(?:requirement|constraint|index-url|extra-index-url|find-links|trusted-host|editable|pre))(?:[\s=]+\S+)?)"
);
shape!(CONDA, r"^\s*-\s*((?:[\w-]+::)?[A-Za-z0-9][\w.-]*)\s*(?:[=<>!~ ].*)?$");
shape!(GO, r#"^\s*(?:require\s+|replace\s+.*=>\s*)?"?([\w-]+(?:\.[\w-]+)+(?:/[^\s"]+)?)"?\s+v[0-9]"#);
shape!(GO_PLACE, r#"=>\s*("?\.{0,2}/\S+)"#);
shape!(GO_TOOL, r"^\s*(tool\s+\S+)");
shape!(GEM, r#"^\s*(?:gem|\w+\.add_\w*dependency)[\s(]+["']([\w.-]+)["']"#);
shape!(GEM_PLACE, r#"\b((?:git|github|path|source|gist|gitlab|bitbucket)(?::|\s*=>|\s)\s*["'][^"']+)"#);
shape!(MAVEN, r"(<(?:artifactId|groupId|url)>\s*[^<\s]+)");
shape!(
    GRADLE,
    r#"(?i)\b\w*(?:implementation|api|compileOnly|runtimeOnly|classpath|kapt|ksp|annotationProcessor|platform)\s*\(?\s*["']([\w.-]+:[\w.-]+)"#
);
shape!(GRADLE_PLACE, r#"(?i)\b((?:url|uri|from|files|flatDir|includeBuild|id)\s*[=(]?\s*(?:uri\()?["'][^"']+)"#);
shape!(
    NUGET,
    r#"<(?:Package(?:Reference|Version)|ProjectReference|Reference)\b[^>]*\b(?:Include|Update)\s*=\s*"([^"]+)""#
);
// What a program says of its own packages, or of code that it takes from a server.
shape!(
    PROGRAM,
    r#"^\s*#\s*dependencies\s*=|^\s*//\s*DEPS\s|^\s*#:package\s|@Grab(?:Resolver)?\(|\b(?:from|import|require|importScripts)\s*\(?\s*["'](?:npm:|jsr:|https?:)"#
);
shape!(
    INSTALLED,
    r#"["'](?:pip3?|pipx|npm|pnpm|yarn|gem|cargo|go|apt-get|apt|apk|conda|poetry|uv)["']\s*,\s*["'](?:install|add|i|get)["']|\b(?:system|run|call|exec\w*|check_\w+|popen|Popen|spawn\w*|sh|shell|Command)\s*\(\s*[frb]?["'`][^"'`]*\b(?:pip3?|npm|pnpm|yarn|gem|cargo|go|apt-get|apk)\s+(?:install|add|i|get)\b"#
);
shape!(
    SHELL,
    r"(?:^|[;&|]|\bsudo|\b-m)\s*(?:pip3?|pipx|npm|pnpm|yarn|gem|cargo|go|apt-get|apt|apk|brew|conda|poetry|uv)\s+(?:install|add|i|get)\s+[^-\s]"
);

static CARGO: &[&LazyLock<Regex>] = &[&TOML_KEY, &TOML_DOTTED, &TOML_HEADER, &TOML_SOURCE];
static PYPROJECT: &[&LazyLock<Regex>] = &[&QUOTED, &POETRY, &TOML_HEADER, &TOML_SOURCE, &REQUIREMENT, &REQUIREMENT_AT];
static REQUIREMENTS: &[&LazyLock<Regex>] = &[&REQUIREMENT, &REQUIREMENT_ADDRESS, &REQUIREMENT_AT, &REQUIREMENT_OPTION];
static SETUP_PY: &[&LazyLock<Regex>] = &[&QUOTED, &REQUIREMENT_AT];
static SETUP_CFG: &[&LazyLock<Regex>] = &[&REQUIREMENT, &REQUIREMENT_AT];
static ENVIRONMENT: &[&LazyLock<Regex>] = &[&CONDA];
static GO_MOD: &[&LazyLock<Regex>] = &[&GO, &GO_PLACE, &GO_TOOL];
static GEMS: &[&LazyLock<Regex>] = &[&GEM, &GEM_PLACE];
static POM: &[&LazyLock<Regex>] = &[&MAVEN];
static GRADLES: &[&LazyLock<Regex>] = &[&GRADLE, &GRADLE_PLACE];
static NUGETS: &[&LazyLock<Regex>] = &[&NUGET];

/// Returns how a file is read, by its name in lower case; `None` where it is no manifest.
pub(super) fn shape(name: &str) -> Option<Shape> {
    let ends = |end: &str| std::path::Path::new(name).extension().is_some_and(|e| e.eq_ignore_ascii_case(end));
    Some(Shape::Lines(match name {
        "package.json" | "composer.json" | "deno.json" | "deno.jsonc" | "bower.json" => return Some(Shape::Json),
        "cargo.toml" | "pipfile" | "libs.versions.toml" => CARGO,
        "pyproject.toml" => PYPROJECT,
        "setup.py" => SETUP_PY,
        "setup.cfg" => SETUP_CFG,
        "environment.yml" | "environment.yaml" => ENVIRONMENT,
        "go.mod" | "go.work" => GO_MOD,
        "gemfile" => GEMS,
        "pom.xml" => POM,
        "build.gradle" | "build.gradle.kts" | "settings.gradle" | "settings.gradle.kts" => GRADLES,
        "directory.packages.props" | "directory.build.props" => NUGETS,
        _ if (name.starts_with("requirements") || name.starts_with("constraints")) && (ends("txt") || ends("in")) => {
            REQUIREMENTS
        }
        _ if ends("gemspec") => GEMS,
        _ if ends("csproj") || ends("fsproj") || ends("vbproj") => NUGETS,
        _ => return None,
    }))
}

/// Keys of manifests that are no packages.
const KEYS: &[&str] = &[
    "version",
    "name",
    "edition",
    "rust-version",
    "description",
    "license",
    "readme",
    "repository",
    "homepage",
    "documentation",
    "node",
    "npm",
    "main",
    "module",
    "types",
    "type",
    "author",
    "path",
    "default",
    "resolver",
    "authors",
    "publish",
    "requires-python",
    "python",
    "engines",
    "opt-level",
    "lto",
    "debug",
    "strip",
    "panic",
    "include",
    "exclude",
    "build",
    "links",
    "workspace",
    "project",
    "php",
    "optional",
    "default-features",
    "features",
    "branch",
    "tag",
    "rev",
    "rustflags",
    "crate-type",
    "url",
    "bugs",
    "funding",
    "email",
];

/// A line so long is no list of packages, and a bound keeps every search short.
const LONGEST: usize = 2000;

/// Returns what lines name, with the number of each.
pub(super) fn lines(shapes: &[&LazyLock<Regex>], side: &[(u32, String)]) -> Vec<(u32, String)> {
    let mut named = Vec::new();
    for (number, line) in side {
        let line = &line[..line.floor_char_boundary(LONGEST)];
        for shape in shapes {
            let found = shape.captures_iter(line).filter_map(|captures| captures.get(1));
            let names = found.map(|name| name.as_str().to_ascii_lowercase());
            named.extend(names.filter(|name| !KEYS.contains(&name.as_str())).map(|name| (*number, name)));
        }
    }
    named
}

/// Sections of a manifest in which every key is a package.
fn holds_packages(section: &str) -> bool {
    let section = section.to_ascii_lowercase();
    section.ends_with("dependencies")
        || matches!(section.as_str(), "overrides" | "resolutions" | "require" | "require-dev" | "imports" | "catalog")
}

/// Returns what keys and values name; a part of a manifest is enough, and so is one line.
pub(super) fn json(side: &[(u32, String)]) -> Vec<(u32, String)> {
    let mut text = String::new();
    let mut starts = Vec::with_capacity(side.len());
    for (_, line) in side {
        starts.push(text.len());
        text.push_str(line);
        text.push('\n');
    }
    let mut sections: Vec<&str> = Vec::new();
    let mut named = Vec::new();
    for captures in JSON.captures_iter(&text) {
        if captures.name("close").is_some() {
            sections.pop();
            continue;
        }
        let Some(key) = captures.get(1) else { continue };
        if captures.name("open").is_some() {
            sections.push(key.as_str());
            continue;
        }
        let value = captures.name("value").map_or("", |value| value.as_str());
        let inside = sections.iter().any(|section| holds_packages(section));
        let (version, source) = (VERSION.is_match(value), SOURCE.is_match(value));
        let name = key.as_str().to_ascii_lowercase();
        let could_be = inside || sections.is_empty() && (version || source) && !KEYS.contains(&name.as_str());
        if !could_be {
            continue;
        }
        let line = side[starts.partition_point(|start| *start <= key.start()) - 1].0;
        named.push((line, name.clone()));
        if !version {
            let from = value.split('#').next().unwrap_or_default();
            named.push((line, format!("{name} from {from}")));
        }
    }
    named
}

/// Returns the sign by which a line of a program brings a package of its own.
pub(super) fn program(line: &str, shell: bool) -> Option<String> {
    let line = &line[..line.floor_char_boundary(LONGEST)];
    let found = PROGRAM.is_match(line) || INSTALLED.is_match(line) || shell && SHELL.is_match(line);
    found.then(|| line.trim().to_owned())
}
