//! Lists the demo fleet's files for embedding; runs nothing and fetches nothing.

#![expect(clippy::disallowed_methods, reason = "a build script reads the tree that it belongs to")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let fleet = root.join("templates/demo");
    println!("cargo:rerun-if-changed={}", fleet.display());
    let mut files = Vec::new();
    collect(&fleet, &mut files)?;
    files.sort();
    let mut table = String::from("&[\n");
    for file in files {
        let name = file.strip_prefix(&fleet).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        let _infallible = writeln!(table, "    ({name:?}, include_bytes!({:?})),", file.display().to_string());
    }
    table.push_str("]\n");
    fs::write(PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("demo_files.rs"), table)
}

/// Collects files below a folder; what a build may have left in one is no part of the fleet.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if matches!(name.as_str(), "target" | "node_modules" | "__pycache__" | "build") {
            continue;
        }
        println!("cargo:rerun-if-changed={}", path.display());
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
