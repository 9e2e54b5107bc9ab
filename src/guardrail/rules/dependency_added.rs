//! `dependency-added`: no manifest names a package that it did not name before (V-77). Layer 1.
//!
//! Refuses new names only; another version of a known package is the protected path's business. Reads line by line,
//! so that part of a manifest is enough.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use crate::guardrail::change::Change;
use crate::guardrail::rule::{Context, Findings, Rule, text};
use crate::model::Reason;

pub(super) struct DependencyAdded;

impl Rule for DependencyAdded {
    fn id(&self) -> Reason {
        Reason::DependencyAdded
    }

    fn check(&self, change: &Change, _: &Context<'_>, findings: &mut Findings) {
        for file in &change.files {
            let name = file.path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
            let Some(shape) = shape(&name) else { continue };
            let mut known: BTreeSet<String> =
                file.removed().filter_map(|(_, line)| dependency(shape, &text(line))).collect();
            if let Some(before) = file.whole.as_ref().and_then(|whole| whole.before.as_ref()) {
                known.extend(before.split(|b| *b == b'\n').filter_map(|line| dependency(shape, &text(line))));
            }
            for (number, line) in file.added() {
                if let Some(name) = dependency(shape, &text(line)).filter(|name| !known.contains(name)) {
                    findings.new_line(
                        file,
                        number,
                        format!("The change adds the dependency {name:?}. A person decides on new dependencies."),
                    );
                }
            }
        }
    }
}

fn compiled(shape: &str) -> Regex {
    Regex::new(shape).expect("internal error: a manifest's shape does not compile")
}

/// `"name": "^1.2"`, with a version, a range or an address behind.
static JSON: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r#"^\s*[{,]?\s*"(@?[A-Za-z0-9][\w./-]*)"\s*:\s*"(?:[\^~<>=v]*\s*[0-9*x]|latest|next|git|http|file:|npm:|workspace:|github:|link:)"#,
    )
});
static TOML: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r#"^\s*(?:\[[\w.-]*dependencies\.)?"?([A-Za-z0-9][\w-]*)"?(?:\.(?:workspace|version|git|path))?\s*(?:\]\s*$|=\s*(?:["{]|true))"#,
    )
});
static REQUIREMENT: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r#"^\s*["']?([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*(?:(?:===?|~=|!=|<=?|>=?|@|;).*|["']?,?\s*(?:#.*)?)$"#)
});
static REQUIREMENT_ADDRESS: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"^\s*(?:-e\s+|--editable\s+)?((?:git\+|https?:|file:|\.{1,2}/)\S+)"));
static GO: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"^\s*(?:require\s+|replace\s+.*=>\s*)?([\w-]+(?:\.[\w-]+)+(?:/\S+)?)\s+v[0-9]"));
static GEM: LazyLock<Regex> =
    LazyLock::new(|| compiled(r#"^\s*(?:gem|\w+\.add_\w*dependency)[\s(]+["']([\w.-]+)["']"#));
static MAVEN: LazyLock<Regex> = LazyLock::new(|| compiled(r"<artifactId>\s*([\w.-]+)\s*</artifactId>"));
static GRADLE: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r#"(?i)\b\w*(?:implementation|api|compileOnly|runtimeOnly|classpath|kapt|ksp|annotationProcessor|platform)\s*\(?\s*["']([\w.-]+:[\w.-]+)"#,
    )
});
static NUGET: LazyLock<Regex> = LazyLock::new(|| compiled(r#"<Package(?:Reference|Version)\s+Include="([\w.-]+)""#));

fn shape(name: &str) -> Option<&'static LazyLock<Regex>> {
    let ends = |end: &str| std::path::Path::new(name).extension().is_some_and(|e| e.eq_ignore_ascii_case(end));
    Some(match name {
        "package.json" | "composer.json" | "deno.json" => &JSON,
        "cargo.toml" | "pipfile" | "libs.versions.toml" => &TOML,
        "pyproject.toml" => &REQUIREMENT,
        "go.mod" => &GO,
        "gemfile" => &GEM,
        "pom.xml" => &MAVEN,
        "build.gradle" | "build.gradle.kts" => &GRADLE,
        _ if (name.starts_with("requirements") || name.starts_with("constraints")) && (ends("txt") || ends("in")) => {
            &REQUIREMENT
        }
        _ if ends("gemspec") => &GEM,
        _ if ends("csproj") || name == "directory.packages.props" => &NUGET,
        _ => return None,
    })
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
];

fn dependency(shape: &'static LazyLock<Regex>, line: &str) -> Option<String> {
    // A line so long is no list of packages, and a bound keeps every search short.
    let line = line.get(..2000).unwrap_or(line);
    if std::ptr::eq(shape, &raw const REQUIREMENT)
        && let Some(captures) = REQUIREMENT_ADDRESS.captures(line)
    {
        return captures.get(1).map(|name| name.as_str().to_owned());
    }
    let name = shape.captures(line)?.get(1)?.as_str().to_ascii_lowercase();
    (!KEYS.contains(&name.as_str())).then_some(name)
}
