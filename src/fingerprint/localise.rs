//! Which file of a checkout a frame means: the longest end of its path that exists there.
//!
//! It refuses to guess: what fits two files equally well is no answer. Layer 1.

use crate::model::RepoPath;

use super::frames::NormalFrame;
use super::normalise::{Origin, normal_path};

/// Returns the file of the checkout that a frame's path means, if exactly one fits best.
///
/// Linear in the number of files. Paths of installed packages and of languages' own libraries mean no file.
pub fn localise(frame_path: &str, files: &[RepoPath]) -> Option<RepoPath> {
    let normal = normal_path(frame_path);
    if normal.origin != Origin::Repository || normal.minified || normal.text.is_empty() {
        return None;
    }
    // What was cut as a machine's may be a folder of the repository: the path as written is longer.
    let written = frame_path.trim().replace('\\', "/");
    let path = if written.contains("://") || written.contains("..") || !written.ends_with(&normal.text) {
        &normal.text
    } else {
        &written
    };
    best(path, files, &[])
}

/// Returns the file of the checkout that a normalised frame means; package, class or crate help where paths are short.
pub fn localise_frame(frame: &NormalFrame, files: &[RepoPath]) -> Option<RepoPath> {
    if !frame.is_app() || frame.minified {
        return None;
    }
    let Some(path) = frame.path.as_deref() else {
        // A class without a file: its name is the file's in Java and, by habit, in C#, PHP and Ruby.
        let class = frame.module.as_deref()?.split('$').next()?.replace(['.', '\\'], "/");
        let by = |name: &str| {
            ["java", "kt", "cs", "php", "rb"]
                .iter()
                .find_map(|extension| unique_tail(&format!("{name}.{extension}"), files))
        };
        return by(&class).or_else(|| by(class.rsplit('/').next()?));
    };
    // The JVM names only the file; the class says the folders.
    let jvm = matches!(path.rsplit_once('.'), Some((_, "java" | "kt" | "scala")));
    if jvm && !path.contains('/') {
        let package = frame.module.as_deref()?.rsplit_once('.').map(|(package, _)| package.replace('.', "/"));
        if let Some(found) = package.and_then(|package| unique_tail(&format!("{package}/{path}"), files)) {
            return Some(found);
        }
    }
    best(path, files, &frame.module.as_deref().map(hints).unwrap_or_default())
}

/// Names of folders that a module's name may stand for: `shop_core::cart` may lie in `crates/shop-core`.
fn hints(module: &str) -> Vec<String> {
    let mut hints = Vec::new();
    for part in module.split(['.', ':', '/', '\\']).filter(|part| !part.is_empty()) {
        hints.push(part.replace('_', "-").to_ascii_lowercase());
    }
    hints
}

fn unique_tail(tail: &str, files: &[RepoPath]) -> Option<RepoPath> {
    let mut fitting = files
        .iter()
        .filter(|file| file.as_str().strip_suffix(tail).is_some_and(|rest| rest.is_empty() || rest.ends_with('/')));
    let first = fitting.next()?;
    fitting.next().is_none().then(|| first.clone())
}

/// How well a file fits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    /// Components that agree, from the end.
    shared: usize,
    /// One of the two is used up, so that nothing contradicts, whatever lies above the checkout.
    whole: bool,
    /// Both are used up.
    equal: bool,
    /// Folders that the module names.
    hinted: usize,
}

fn best(path: &str, files: &[RepoPath], hints: &[String]) -> Option<RepoPath> {
    let wanted: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let name = *wanted.last()?;
    let mut best: Option<(Fit, &RepoPath)> = None;
    let mut tied = false;
    for file in files.iter().filter(|file| file.file_name() == name) {
        let shared =
            file.as_str().rsplit('/').zip(wanted.iter().rev()).take_while(|(have, want)| have == *want).count();
        let length = file.as_str().split('/').count();
        // Only the name agrees and the folders contradict: that is another file.
        if shared == 1 && length > 1 && wanted.len() > 1 {
            continue;
        }
        let folders = || file.as_str().split('/').rev().skip(shared);
        let hinted = folders().filter(|folder| hints.contains(&folder.replace('_', "-").to_ascii_lowercase())).count();
        let fit = Fit {
            shared,
            whole: shared == length || shared == wanted.len(),
            equal: shared == length && shared == wanted.len(),
            hinted,
        };
        match &best {
            Some((other, _)) if fit < *other => {}
            Some((other, _)) if fit == *other => tied = true,
            _ => {
                best = Some((fit, file));
                tied = false;
            }
        }
    }
    best.filter(|_| !tied).map(|(_, file)| file.clone())
}
