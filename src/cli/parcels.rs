//! Finds what jobs handed over: a folder of one part, several folders, or one with a folder for each artifact. Layer 5.
//!
//! Reads files of our own names alone and follows no link (P-26); what they hold is checked by `engine::delivery`.

#![expect(clippy::disallowed_methods, reason = "faces read files, and pass bytes")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::cli::failure::Failure;
use crate::cli::session::read_capped;
use crate::engine::Reservation;
use crate::engine::delivery::Parcel;
use crate::report::ExitClass;

/// What a stage's file may weigh.
const FILE_CAP: u64 = 256 << 20;
/// More folders than any run has parts are a mistake.
const MOST_FOLDERS: usize = 256;

/// What lies in the folders.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) parcels: Vec<Parcel>,
    pub(crate) reservation: Option<Ordered>,
}

/// A reservation with its file's bytes.
#[derive(Debug)]
pub(crate) struct Ordered {
    pub(crate) reservation: Reservation,
    pub(crate) bytes: Vec<u8>,
}

/// Reads every part in these folders, and in the folders directly below them.
pub(crate) fn find(inputs: &[PathBuf]) -> Result<Found, Failure> {
    let mut found = Found::default();
    for folder in folders(inputs)? {
        if is_file(&folder.join("manifest.json")) {
            found.parcels.push(parcel(&folder)?);
        }
        let path = folder.join("reservation.json");
        if is_file(&path) {
            let bytes = read_capped(&path, FILE_CAP)?;
            match &found.reservation {
                Some(known) if known.bytes != bytes => {
                    let message = format!(
                        "{} is another one than the first that was found; take the artifacts of the same run.",
                        path.display()
                    );
                    return Err(Failure::of(ExitClass::Refused, message));
                }
                Some(_) => {}
                None => found.reservation = Some(ordered(&path, bytes)?),
            }
        }
    }
    Ok(found)
}

/// Reads the reservation in a folder, or in one directly below it.
pub(crate) fn reservation(input: &Path) -> Result<Ordered, Failure> {
    let found = folders(std::slice::from_ref(&input.to_owned()))?;
    let path = found.iter().map(|folder| folder.join("reservation.json")).find(|path| is_file(path));
    let path = path.unwrap_or_else(|| input.join("reservation.json"));
    let bytes = read_capped(&path, FILE_CAP)?;
    ordered(&path, bytes)
}

fn ordered(path: &Path, bytes: Vec<u8>) -> Result<Ordered, Failure> {
    let reservation = serde_json::from_slice(&bytes)
        .map_err(|e| Failure::config(format!("{} is not what `reserve` writes ({e}).", path.display())))?;
    Ok(Ordered { reservation, bytes })
}

fn parcel(folder: &Path) -> Result<Parcel, Failure> {
    let mut files = BTreeMap::new();
    for name in candidate_names(folder)? {
        files.insert(name.clone(), read_capped(&folder.join(&name), FILE_CAP)?);
    }
    let manifest = read_capped(&folder.join("manifest.json"), FILE_CAP)?;
    Ok(Parcel { place: folder.display().to_string(), manifest, files })
}

/// Names the plain files in a folder that are called like a candidate's.
pub(crate) fn candidate_names(folder: &Path) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for entry in entries(folder)? {
        let Some(name) = entry.file_name().and_then(|name| name.to_str()) else { continue };
        let named = name.starts_with("candidate-") && Path::new(name).extension().is_some_and(|end| end == "json");
        if named && is_file(&entry) {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// Lists the given folders, each followed by those directly below it, in the order of their names.
fn folders(inputs: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut all: Vec<PathBuf> = Vec::new();
    let mut add = |folder: PathBuf| {
        if !all.contains(&folder) {
            all.push(folder);
        }
    };
    for input in inputs {
        add(input.clone());
        for below in
            entries(input)?.into_iter().filter(|path| std::fs::symlink_metadata(path).is_ok_and(|m| m.is_dir()))
        {
            add(below);
        }
    }
    if all.len() > MOST_FOLDERS {
        return Err(Failure::config(format!(
            "There are more than {MOST_FOLDERS} folders; name those of one run with --in."
        )));
    }
    Ok(all)
}

/// Lists a folder in the order of names; one that is not there has nothing, which is said where something is missed.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let cannot = |e: std::io::Error| Failure::config(format!("{} cannot be read: {e}.", folder.display()));
    let listed = match std::fs::read_dir(folder) {
        Ok(listed) => listed,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(cannot(error)),
    };
    let mut paths =
        listed.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>().map_err(cannot)?;
    paths.sort();
    Ok(paths)
}

fn is_file(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}
