//! Paths of frames: machine, user, version and build taken out, so that one file has one text.
//!
//! Refuses to guess which repository a file belongs to; [`Origin`] says only what the text itself shows. Layer 1.

use std::sync::LazyLock;

use regex::Regex;

/// Where a file comes from, as far as its path tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Nothing speaks against the repository itself.
    Repository,
    /// A package that somebody installed.
    Dependency,
    /// The language's own library.
    Standard,
    /// The engine that runs the program.
    Runtime,
    /// A browser extension.
    Extension,
}

/// A path without machine, user, version or line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NormalPath {
    /// The path as a repository would write it, as far as the text tells; empty where the trace names no file.
    pub text: String,
    /// The part that enters an identity: from the first folder that usually opens a source tree.
    pub identity: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Built or minified: names of functions in it mean nothing.
    pub minified: bool,
}

/// Folders below which a checkout lies, tried in order on a path that starts with `/`; the first that matches is cut.
const ROOTS: &[&str] = &[
    r"/(?:[^/]+/)*execroot/_?[a-z]+/",
    r"/nix/store/[a-z0-9]{32}-[^/]+/",
    r"/var/lib/docker/overlay2/[0-9a-z-]+/(?:diff|merged)/",
    r"/github/workspace/",
    r"/(?:home|Users)/runner/work/[^/]+/[^/]+/",
    r"/home/vsts/work/\d+/s/",
    r"/home/travis/build/[^/]+/[^/]+/",
    r"/home/circleci/(?:project|repo)/",
    r"/__w/[^/]+/[^/]+/",
    r"/a/[^/]+/[^/]+/",
    r"/(?:[^/]+/)?_work/\d+/s/",
    r"/builds/[^/]+/[^/]+/",
    r"/var/(?:lib/jenkins|jenkins_home)/workspace/[^/]+/",
    r"/codebuild/output/src\d+/src/(?:[^/]+\.[a-z]+/[^/]+/[^/]+/)?",
    r"/bitbucket/pipelines/agent/build/",
    r"/opt/build/repo/",
    r"/opt/atlassian/pipelines/agent/build/",
    r"/vercel/path\d/",
    r"/var/task/",
    r"/workspaces?/(?:[^/]+/)?",
    r"/usr/src/app/",
    r"/app/",
    r"/code/",
    r"/project/",
    r"/var/www/(?:html/)?(?:[^/]+/)?",
    r"/srv/[^/]+/",
    r"/opt/[^/]+/",
    r"/(?:private/)?var/folders/[^/]+/[^/]+/[TC0]/",
    r"/(?:private/)?tmp/[^/]+/(?:pytest-\d+/)?",
    r"/Users/[^/]+/AppData/Local/Temp/[^/]+/",
    r"/[Tt]emp/[^/]+/",
];

/// Homes: below them a person's own folders come first, then the checkout's.
const HOMES: &[&str] = &[r"/(?:home|Users)/[^/]+/", r"/root/", r"/Documents and Settings/[^/]+/"];

/// Folders in which people keep their checkouts.
const WORK_FOLDERS: &[&str] = &[
    "Code",
    "Desktop",
    "Dev",
    "Developer",
    "Development",
    "Documents",
    "IdeaProjects",
    "Projects",
    "PycharmProjects",
    "RustroverProjects",
    "Sites",
    "WebstormProjects",
    "checkout",
    "checkouts",
    "code",
    "coding",
    "dev",
    "development",
    "git",
    "github",
    "go",
    "gitlab",
    "programming",
    "proj",
    "projects",
    "repo",
    "repos",
    "source",
    "src",
    "work",
    "workspace",
    "workspaces",
    "www",
];

/// Folders that usually open a source tree; an identity starts at the first of them.
const SOURCE_FOLDERS: &[&str] = &[
    "apps",
    "benches",
    "bin",
    "cmd",
    "components",
    "crates",
    "examples",
    "internal",
    "lib",
    "libs",
    "modules",
    "packages",
    "pages",
    "pkg",
    "scripts",
    "server",
    "services",
    "spec",
    "specs",
    "src",
    "test",
    "tests",
    "tools",
];

/// Signs of installed packages: what follows the last of them is the package's own path.
const DEPENDENCY_MARKS: &[&str] = &[
    "/node_modules/",
    "/bower_components/",
    "/site-packages/",
    "/dist-packages/",
    "/.cargo/registry/src/",
    "/cargo/registry/src/",
    "/.cargo/git/checkouts/",
    "/pkg/mod/",
    "/gems/",
    "/bundler/gems/",
    "/.m2/repository/",
    "/.nuget/packages/",
    "/.pub-cache/hosted/",
    "/vendor/",
];

/// Signs of a language's own library: what follows is the library's own path.
const STANDARD_MARKS: &[&str] = &[
    r"^/rustc/[0-9a-f]+/(?:library|src)/",
    r"/lib/rustlib/src/rust/(?:library|src)/",
    r"/(?:lib|Lib|lib64)/python\d(?:\.\d+)?/",
    r"/(?i:python[0-9.\-]*)/[Ll]ib/",
    r"^/usr/(?:local|lib)/go(?:-[\d.]+)?/src/",
    r"/(?:go|golang|Go)[0-9./a-z-]*/(?:x64/)?src/(?:runtime|testing|net|os|fmt|sync|encoding|internal|reflect|io|time|strings|strconv|context|database|bytes|bufio|sort|errors|syscall)/",
    r"/lib/ruby/(?:site_ruby/|vendor_ruby/)?\d+\.\d+\.\d+/",
    r"/lib/ruby/\d+\.\d+\.\d+/",
    r"^<internal:",
    r"^<frozen ",
];

/// Signs of the engine itself.
const RUNTIME_MARKS: &[&str] = &[
    "node:",
    "internal/process/",
    "internal/modules/",
    "internal/timers",
    "internal/bootstrap/",
    "internal/main/",
    "internal/streams/",
    "(native",
    "native",
    "[native code]",
    "<anonymous>",
    "v8/",
    "bun:",
    "deno:",
    "ext:deno",
    "electron/js2c/",
    "eval code",
    "evalmachine.",
    "resource://",
    "chrome://",
    "self-hosted",
];

/// Texts that stand where a file would, and name none.
const NO_FILE: &[&str] = &[
    "?",
    "??",
    "<generated>",
    "<unknown>",
    "unknown",
    "Unknown Source",
    "Native Method",
    "unknown file",
    "<compiler-generated>",
];

/// A version that is a folder's or a package's own: `foo@1.2.3`, `foo-1.2.3`, `foo-v2`, `serde-1.0.219`.
const VERSIONED: &str =
    r"(?P<name>[A-Za-z0-9_.+-]*[A-Za-z_+])(?:@v?|-v?)\d+(?:\.\d+)+(?:[-+.][0-9A-Za-z.+-]+)?(?:_[^/]*)?(?P<end>/|$)";

/// A content hash in the name of a bundle: `main.3f2a9c1b.chunk.js`, `index-BX3k9sQa.js`.
const HASHED: &str = r"(?P<stem>[A-Za-z0-9_\[\]$.-]*?[A-Za-z0-9_\]$]+)[.-](?P<hash>[0-9a-f]{7,40}|[A-Za-z0-9_-]{8})(?P<rest>(?:\.(?:chunk|bundle|min|esm|module|entry))*\.(?:js|mjs|cjs|css))$";

struct Tables {
    roots: Regex,
    homes: Regex,
    standard: Regex,
    versioned: Regex,
    hashed: Regex,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let regex = |text: &str| Regex::new(text).expect("internal error: a path table does not compile");
    Tables {
        roots: regex(&format!("^(?:{})", ROOTS.join("|"))),
        homes: regex(&format!("^(?:{})", HOMES.join("|"))),
        standard: regex(&STANDARD_MARKS.join("|")),
        versioned: regex(VERSIONED),
        hashed: regex(HASHED),
    }
});

/// Lists what decides here, for the hash of the rules.
pub(super) fn table() -> Vec<&'static str> {
    let mut all = vec![VERSIONED, HASHED];
    for list in [ROOTS, HOMES, WORK_FOLDERS, SOURCE_FOLDERS, DEPENDENCY_MARKS, STANDARD_MARKS, RUNTIME_MARKS, NO_FILE] {
        all.extend(list);
    }
    all
}

/// The longest path that is looked at; a longer one is cut from the left, where nothing names the file.
const LONGEST: usize = 1024;

/// Normalises the path of a frame, as the trace writes it.
pub fn normal_path(written: &str) -> NormalPath {
    let mut text = written.trim();
    while text.len() > LONGEST {
        let mut from = text.len() - LONGEST;
        while !text.is_char_boundary(from) {
            from += 1;
        }
        text = text[from..].trim();
    }
    let nothing = |origin| NormalPath { text: String::new(), identity: String::new(), origin, minified: false };
    if text.is_empty() || NO_FILE.contains(&text) {
        return nothing(Origin::Repository);
    }
    if let Some(url) = from_url(text) {
        return match url {
            Url::File(path) => finish(&path, false),
            Url::Web(path) => finish(&path, true),
            Url::Extension(path) => {
                NormalPath { identity: path.clone(), text: path, origin: Origin::Extension, minified: false }
            }
            Url::NoFile => nothing(Origin::Runtime),
        };
    }
    finish(text, false)
}

enum Url {
    /// A file of a build, a bundler or a disk.
    File(String),
    /// A file that a server sent.
    Web(String),
    /// A file of a browser extension, `ext:/path`.
    Extension(String),
    /// Code without a file.
    NoFile,
}

fn from_url(text: &str) -> Option<Url> {
    let lower = text.get(..30.min(text.len())).unwrap_or(text).to_ascii_lowercase();
    if lower.starts_with("blob:") || lower.starts_with("data:") || lower.starts_with("javascript:") {
        return Some(Url::NoFile);
    }
    let (scheme, rest) = text.split_once("://")?;
    if scheme.is_empty() || !scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')) {
        return None;
    }
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let below_host = || rest.split_once('/').map_or("", |(_, path)| path);
    Some(match scheme.to_ascii_lowercase().as_str() {
        "file" => Url::File(format!("/{}", rest.trim_start_matches('/'))),
        // The part before `./` is a namespace or a layer: `webpack://shop/./src/a.ts`, `webpack-internal:///(rsc)/./src/a.ts`.
        "webpack" | "webpack-internal" | "turbopack" | "rollup" | "ng" | "parcel" => {
            let path = match rest.split_once("/./") {
                Some((_, path)) => path,
                None => below_host().trim_start_matches('/'),
            };
            let path = path.strip_prefix('(').and_then(|p| p.split_once(")/")).map_or(path, |(_, p)| p);
            let path = path.strip_prefix("[project]/").unwrap_or(path);
            Url::File(path.to_owned())
        }
        scheme if scheme.ends_with("-extension") => Url::Extension(format!("ext:/{}", below_host())),
        "app" | "capacitor" | "ionic" | "tauri" | "http" | "https" => {
            let path = below_host();
            match path.strip_prefix("@fs/") {
                Some(disk) => Url::File(format!("/{disk}")),
                None => Url::Web(path.trim_start_matches('/').to_owned()),
            }
        }
        _ => Url::File(rest.trim_start_matches('/').to_owned()),
    })
}

fn finish(written: &str, web: bool) -> NormalPath {
    let tables = &*TABLES;
    let mut path = written.replace('\\', "/");
    if let Some(query) = path.find('?') {
        path.truncate(query);
    }
    for prefix in ["//?/", "//./"] {
        if let Some(rest) = path.strip_prefix(prefix) {
            path = rest.to_owned();
        }
    }
    if path.len() > 2
        && path.as_bytes()[1] == b':'
        && path.as_bytes()[2] == b'/'
        && path.as_bytes()[0].is_ascii_alphabetic()
    {
        path = path[2..].to_owned();
    }
    if let Some((_, inside)) = path.split_once(".jar!/") {
        path = inside.to_owned();
    }
    path = fold_dots(&path);
    let origin = origin(&path);
    if matches!(origin, Origin::Runtime) {
        return NormalPath { identity: path.clone(), text: path, origin, minified: false };
    }
    let mut text = match origin {
        Origin::Standard => match tables.standard.find(&path) {
            // The table's Go row names the package itself: keep what it matched after `src/`.
            Some(found) => {
                let mark = found.as_str();
                let kept = mark
                    .rfind("/src/")
                    .filter(|_| mark.contains("go") || mark.contains("Go"))
                    .map(|at| &mark[at + 5..]);
                format!("{}{}", kept.unwrap_or_default(), &path[found.end()..]).trim_end_matches('>').to_owned()
            }
            None => path.clone(),
        },
        Origin::Dependency => below_mark(&path),
        _ => below_root(&path),
    };
    // Twice at most: `.pnpm` nests one versioned folder in another.
    if tables.versioned.is_match(&text) {
        text = tables.versioned.replace_all(&text, "${name}${end}").into_owned();
    }
    let mut minified = text.ends_with(".min.js") || text.ends_with(".bundle.js") || text.ends_with(".chunk.js");
    let file_start = text.rfind('/').map_or(0, |at| at + 1);
    let hashed = tables.hashed.captures(&text[file_start..]).and_then(|found| {
        // A word of eight letters is a name; a hash has a digit, or both cases.
        let hash = &found["hash"];
        let digit = hash.bytes().any(|b| b.is_ascii_digit());
        let mixed =
            hash.bytes().skip(1).any(|b| b.is_ascii_uppercase()) && hash.bytes().any(|b| b.is_ascii_lowercase());
        (digit || mixed).then(|| format!("{}.<h>{}", &found["stem"], &found["rest"]))
    });
    if let Some(name) = hashed {
        text.truncate(file_start);
        text.push_str(&name);
    }
    minified |= text.contains(".<h>.");
    // A server's folders are a matter of deployment: of a built file only the name speaks.
    let identity = if web && minified {
        text[text.rfind('/').map_or(0, |at| at + 1)..].to_owned()
    } else if origin == Origin::Repository {
        from_source_folder(&text).to_owned()
    } else {
        text.clone()
    };
    NormalPath { text, identity, origin, minified }
}

/// Removes `.` and resolves `..` without leaving the start.
fn fold_dots(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            part => kept.push(part),
        }
    }
    let joined = kept.join("/");
    if absolute { format!("/{joined}") } else { joined }
}

fn origin(path: &str) -> Origin {
    // A Go module has an `internal/` of its own.
    let is_go = matches!(path.rsplit_once('.'), Some((_, "go")));
    let runtime = RUNTIME_MARKS.iter().any(|mark| {
        path.strip_prefix(mark).is_some_and(|rest| {
            // `native` and `unknown` are whole words; the rest are prefixes.
            mark.ends_with([':', '/', '.', ']', '>'])
                || rest.is_empty()
                || !rest.starts_with(|c: char| c.is_alphanumeric() || c == '/')
        })
    });
    if runtime && !is_go {
        return Origin::Runtime;
    }
    let slashed = format!("/{path}");
    if DEPENDENCY_MARKS.iter().any(|mark| slashed.contains(mark)) {
        return Origin::Dependency;
    }
    if TABLES.standard.is_match(path) { Origin::Standard } else { Origin::Repository }
}

fn below_mark(path: &str) -> String {
    let slashed = format!("/{path}");
    let end = DEPENDENCY_MARKS.iter().filter_map(|mark| slashed.rfind(mark).map(|at| (at + mark.len(), *mark))).max();
    let Some((end, mark)) = end else { return path.to_owned() };
    let rest = &slashed[end..];
    // The registry's own folder comes before the package: `index.crates.io-6f17d22bba15001f/serde-1.0.219/src/de.rs`.
    if mark.ends_with("registry/src/") || mark.ends_with("hosted/") {
        return rest.split_once('/').map_or(rest, |(_, rest)| rest).to_owned();
    }
    rest.to_owned()
}

fn below_root(path: &str) -> String {
    let tables = &*TABLES;
    if let Some(found) = tables.roots.find(path) {
        return path[found.end()..].to_owned();
    }
    let Some(found) = tables.homes.find(path) else { return path.trim_start_matches('/').to_owned() };
    let mut rest = &path[found.end()..];
    while let Some((folder, below)) = rest.split_once('/') {
        if !WORK_FOLDERS.contains(&folder) && !folder.contains('.') {
            break;
        }
        rest = below;
    }
    // Then the checkout's own folder, unless nothing would be left.
    match rest.split_once('/') {
        Some((_, below)) => below.to_owned(),
        None => rest.to_owned(),
    }
}

fn from_source_folder(path: &str) -> &str {
    let mut at = 0;
    for part in path.split('/') {
        if at + part.len() < path.len() && SOURCE_FOLDERS.contains(&part) {
            return &path[at..];
        }
        at += part.len() + 1;
    }
    path
}

/// Returns whether a path lies where tests lie, by the habits of the common runners.
pub fn is_test_path(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let folder = path.strip_suffix(name).unwrap_or_default();
    let stem = name.split('.').next().unwrap_or(name);
    folder.split('/').any(|part| matches!(part, "test" | "tests" | "spec" | "specs" | "__tests__" | "testing"))
        || name.contains(".test.")
        || name.contains(".spec.")
        || name == "conftest.py"
        || stem.starts_with("test_")
        || stem.ends_with("_test")
        || stem.ends_with("_spec")
        || (stem.len() > 4 && (stem.ends_with("Test") || stem.ends_with("Tests") || stem.ends_with("IT")))
}
