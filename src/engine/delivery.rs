//! Opens what `propose` left, in one part or in several, and refuses what is not exactly that (PROTOCOL.md, 9; P-02, V-88).
//!
//! Digests come by another way than the files. What is refused is refused whole: of a delivery with one wrong byte
//! nothing is recorded and nothing published. Layer 4.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Reservation;
use crate::engine::record::{CandidateError, read_candidates};
use crate::engine::shards::Shard;
use crate::model::{Candidate, Fingerprint, MANIFEST_SCHEMA, Manifest, RepoSlug, sha256_hex};

/// The files of one `propose`, as they were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parcel {
    /// Where, for messages.
    pub place: String,
    /// The manifest's bytes.
    pub manifest: Vec<u8>,
    /// Every file there that is named like a candidate's.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// A reservation with the bytes of its file.
#[derive(Debug, Clone, Copy)]
pub struct Ordered<'a> {
    /// What it says.
    pub reservation: &'a Reservation,
    /// Its file.
    pub bytes: &'a [u8],
}

/// What was opened.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Delivery {
    /// Manifests in the order of their shards.
    pub manifests: Vec<Manifest>,
    /// All candidates.
    pub candidates: Vec<Candidate>,
    /// Shards that left nothing.
    pub lost: Vec<u32>,
}

/// Why a delivery is not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// Its digest is not among those that were announced.
    #[error("{0} is not the file that was announced (digest-mismatch); take the artifacts of the same run")]
    Unannounced(String),
    /// It is no manifest.
    #[error("{place} is not what `propose` writes ({why})")]
    Unreadable {
        /// The file.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// A candidate file is not the announced one.
    #[error("{place}: {error}")]
    Candidate {
        /// The folder.
        place: String,
        /// Which, and why.
        error: CandidateError,
    },
    /// It belongs to another run, another part, or another order.
    #[error("{place} {why}; take the artifacts of the same run")]
    Foreign {
        /// The file.
        place: String,
        /// What it is.
        why: String,
    },
}

/// Opens parcels against announced digests (none: they are taken as they lie there) and against the order they answer to.
///
/// # Errors
/// For the first thing that is not as it was announced or ordered.
pub fn open(
    parcels: &[Parcel],
    ordered: Option<Ordered<'_>>,
    digests: &BTreeSet<String>,
) -> Result<Delivery, DeliveryError> {
    let mut opened: BTreeMap<u32, (Manifest, Vec<Candidate>)> = BTreeMap::new();
    for parcel in parcels {
        let place = format!("{}/manifest.json", parcel.place);
        if !digests.is_empty() && !digests.contains(&sha256_hex(&parcel.manifest)) {
            return Err(DeliveryError::Unannounced(place));
        }
        let manifest = read(&place, &parcel.manifest)?;
        let candidates = read_candidates(&manifest, &parcel.files)
            .map_err(|error| DeliveryError::Candidate { place: parcel.place.clone(), error })?;
        let foreign = |why: String| DeliveryError::Foreign { place: place.clone(), why };
        match ordered {
            Some(ordered) => answers(&manifest, &candidates, ordered).map_err(foreign)?,
            None if manifest.shard.is_some() || !opened.is_empty() => {
                return Err(foreign("is one of several parts, and reservation.json is not beside them".to_owned()));
            }
            None => {}
        }
        let part = manifest.shard.unwrap_or_default();
        if opened.insert(part, (manifest, candidates)).is_some() {
            return Err(foreign(if part == 0 {
                "is a second one".to_owned()
            } else {
                format!("is a second one of shard {part}")
            }));
        }
    }
    if let Some(ordered) = ordered
        && !digests.is_empty()
        && !is_announced(ordered, &opened, digests)
    {
        return Err(DeliveryError::Unannounced("reservation.json".to_owned()));
    }
    let shards = ordered.map_or(&[][..], |ordered| ordered.reservation.dealt());
    let lost = shards.iter().map(|shard| shard.index).filter(|index| !opened.contains_key(index)).collect();
    let (manifests, candidates): (Vec<_>, Vec<_>) = opened.into_values().unzip();
    Ok(Delivery { manifests, candidates: candidates.into_iter().flatten().collect(), lost })
}

/// Returns whether the order is the one that an announced manifest answers to, or was announced itself.
fn is_announced(
    ordered: Ordered<'_>,
    opened: &BTreeMap<u32, (Manifest, Vec<Candidate>)>,
    digests: &BTreeSet<String>,
) -> bool {
    let digest = sha256_hex(ordered.bytes);
    digests.contains(&digest) || opened.values().any(|(manifest, _)| manifest.reservation.as_ref() == Some(&digest))
}

fn read(place: &str, bytes: &[u8]) -> Result<Manifest, DeliveryError> {
    let unreadable = |why: String| DeliveryError::Unreadable { place: place.to_owned(), why };
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(|e| unreadable(e.to_string()))?;
    if manifest.schema != MANIFEST_SCHEMA {
        return Err(unreadable(format!("its schema is not {MANIFEST_SCHEMA}")));
    }
    Ok(manifest)
}

/// Checks that a manifest is the answer to this order: the run, the part, and nothing that was not asked for.
fn answers(manifest: &Manifest, candidates: &[Candidate], ordered: Ordered<'_>) -> Result<(), String> {
    let reservation = ordered.reservation;
    if manifest.reservation.as_ref().is_some_and(|digest| *digest != sha256_hex(ordered.bytes)) {
        return Err("answers to another reservation.json than the one beside it".to_owned());
    }
    let (run_id, shard) = match (reservation.shards.is_some(), manifest.shard) {
        (false, None) => (&reservation.run_id, None),
        (false, Some(index)) => return Err(format!("is of shard {index}, and the run was not divided")),
        (true, None) => return Err("is of no shard, and the run was divided".to_owned()),
        (true, Some(index)) => {
            let shard = reservation.dealt().iter().find(|shard| shard.index == index);
            let shard = shard.ok_or_else(|| format!("is of shard {index}, which this run does not have"))?;
            (&shard.run_id, Some(shard))
        }
    };
    if manifest.run_id != *run_id {
        return Err(format!("is of run {}, not of {run_id}", manifest.run_id));
    }
    let asked = |slug: &RepoSlug, id: u64, fingerprint: &Fingerprint| {
        let mine = shard.is_none_or(|shard: &Shard| shard.repositories.contains(slug));
        let same = reservation
            .works
            .iter()
            .any(|work| (&work.slug, work.repository_id, &work.fingerprint) == (slug, id, fingerprint));
        if mine && same {
            Ok(())
        } else {
            Err(format!("speaks of {fingerprint} in {slug}, which it was not asked for"))
        }
    };
    for settled in &manifest.settled {
        asked(&settled.slug, settled.repository_id, &settled.fingerprint)?;
    }
    for candidate in candidates {
        asked(&candidate.slug, candidate.repository_id, &candidate.fingerprint)?;
        if candidate.run_id != *run_id {
            return Err(format!("has a candidate of run {}", candidate.run_id));
        }
    }
    Ok(())
}

/// Joins what the parts of a run left, for one report over all of them.
pub fn joined(run_id: &str, manifests: &[Manifest]) -> Manifest {
    let mut all = Manifest { schema: MANIFEST_SCHEMA.to_owned(), run_id: run_id.to_owned(), ..Manifest::default() };
    for one in manifests {
        all.digests.extend(one.digests.clone());
        all.settled.extend(one.settled.iter().cloned());
        all.cost = all.cost.plus(one.cost);
        all.tokens = all.tokens.plus(one.tokens);
        all.events.extend(one.events.iter().cloned());
    }
    all
}
