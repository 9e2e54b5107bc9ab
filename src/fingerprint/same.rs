//! Is what a test shows the failure that was reported? (PROTOCOL.md, 5.2.)
//!
//! Root type, message class and innermost frame of the repository agree; callers may differ. It refuses to call two
//! failures one where nothing but a generic type speaks for it. Layer 1.

use serde::{Deserialize, Serialize};

use crate::model::Failure;

use super::frames::{NormalFrame, innermost_app_frame, language_family};
use super::normalise::{error_type, message_class, types_agree};

/// How one part of two failures compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Agreement {
    /// The part is the same.
    Agrees,
    /// The part is another.
    Differs,
    /// One of the two does not say.
    Unknown,
}

/// Whether two failures are one, and why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sameness {
    /// They are one failure.
    pub same: bool,
    /// The root exception type.
    pub error_type: Agreement,
    /// The message class.
    pub message: Agreement,
    /// The innermost frame in the repository.
    pub frame: Agreement,
    /// Whole sentences on what differs or is missing; empty where all agree.
    pub reason: String,
}

/// Compares what was reported with what was seen.
pub fn same_failure(reported: &Failure, seen: &Failure) -> Sameness {
    let (family, other) = (language_family(reported), language_family(seen));
    let mut reasons = Vec::new();
    let one = error_type(reported.error_type(), reported.message(), reported.code.as_deref());
    let two = error_type(seen.error_type(), seen.message(), seen.code.as_deref());
    let error_type = if family != other && family != "any" && other != "any" {
        reasons.push(format!("The report is about {family} and this is about {other}."));
        Agreement::Differs
    } else if types_agree(&one.name, &two.name) {
        Agreement::Agrees
    } else {
        reasons.push(format!("The report has {} at its root and this has {}.", one.name, two.name));
        Agreement::Differs
    };
    // Both messages are read by the grammar of the language that is known.
    let family = if family == "any" { other } else { family };
    let (said, shown) = (message_class(family, reported.message()), message_class(family, seen.message()));
    let message = if said.template.is_empty() && shown.template.is_empty() {
        Agreement::Agrees
    } else if said.template.is_empty() || shown.template.is_empty() {
        reasons.push("One of the two has no message to compare.".to_owned());
        Agreement::Unknown
    } else if said.template != shown.template {
        reasons
            .push(format!("The messages differ: `{}` was reported and `{}` was seen.", said.template, shown.template));
        Agreement::Differs
    } else if (one.symbolic || two.symbolic || said.symbolic) && said.symbols != shown.symbols {
        reasons.push(format!(
            "The messages name other symbols: {} was reported and {} was seen.",
            said.symbols.join(", "),
            shown.symbols.join(", ")
        ));
        Agreement::Differs
    } else {
        Agreement::Agrees
    };
    let frame = match (innermost_app_frame(reported), innermost_app_frame(seen)) {
        (Some(reported), Some(seen)) if frames_agree(&reported, &seen) => Agreement::Agrees,
        (Some(reported), Some(seen)) => {
            reasons.push(format!(
                "The innermost frame of the repository differs: {} was reported and {} was seen.",
                reported.key(),
                seen.key()
            ));
            Agreement::Differs
        }
        (None, _) => {
            reasons.push("The report names no frame of the repository.".to_owned());
            Agreement::Unknown
        }
        (_, None) => {
            reasons.push("What was seen names no frame of the repository.".to_owned());
            Agreement::Unknown
        }
    };
    // Without a frame only a type that is not everybody's, together with its message, may speak.
    let same = error_type == Agreement::Agrees
        && match frame {
            Agreement::Agrees => message == Agreement::Agrees || (message == Agreement::Unknown && !one.generic),
            Agreement::Unknown => {
                message == Agreement::Agrees && !said.template.is_empty() && !one.generic && !two.generic
            }
            Agreement::Differs => false,
        };
    Sameness { same, error_type, message, frame, reason: reasons.join(" ") }
}

/// Returns whether two frames are one function; where a trace names no function, the file decides.
pub(crate) fn frames_agree(one: &NormalFrame, other: &NormalFrame) -> bool {
    let functions = one.function.is_empty() || other.function.is_empty() || one.function == other.function;
    let files = match (&one.path, &other.path) {
        (Some(one), Some(other)) => Some(is_tail(one, other) || is_tail(other, one)),
        _ => None,
    };
    let modules = match (&one.module, &other.module) {
        (Some(one), Some(other)) => Some(one == other),
        _ => None,
    };
    let named = !one.function.is_empty() && !other.function.is_empty();
    functions
        && match (files, modules) {
            (Some(files), Some(modules)) => files && (modules || !named),
            (Some(agree), None) | (None, Some(agree)) => agree,
            (None, None) => named && one.module_or_path == other.module_or_path,
        }
}

/// Returns whether the shorter path is the end of the longer, folder by folder.
fn is_tail(longer: &str, shorter: &str) -> bool {
    longer.strip_suffix(shorter).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}
