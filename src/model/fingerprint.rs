//! Identities of failures, and the hashes they are written with. Layer 0.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Says that a text is no identity of a failure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not written like {prefix} and 26 characters of a-z and 2-7")]
pub struct FingerprintError {
    text: String,
    prefix: &'static str,
}

fn check(text: &str, prefix: &'static str) -> Result<String, FingerprintError> {
    let body = text.strip_prefix(prefix);
    let legal = body.is_some_and(|body| {
        body.len() == 26 && body.bytes().all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b))
    });
    if legal { Ok(text.to_owned()) } else { Err(FingerprintError { text: text.chars().take(80).collect(), prefix }) }
}

/// The exact identity of a failure: `hf1:` and 26 characters of lower-case base32 (130 bits of SHA-256).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = r"^hf1:[a-z2-7]{26}$"))]
pub struct Fingerprint(String);

/// The identity of a family of near duplicates: `hff1:` and 26 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = r"^hff1:[a-z2-7]{26}$"))]
pub struct Family(String);

impl Fingerprint {
    /// The version of the algorithm, part of the hash and of the written form.
    pub const ALGORITHM: &'static str = "hf1";

    /// Makes the identity of the canonical bytes.
    pub fn of(canonical: &[u8]) -> Self {
        Self(format!("hf1:{}", &base32_lower(&Sha256::digest(canonical))[..26]))
    }

    /// Returns the whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the sixteen characters after the prefix, which name branches and files.
    pub fn fp16(&self) -> &str {
        &self.0[4..20]
    }
}

impl Family {
    /// Makes the identity of the canonical bytes.
    pub fn of(canonical: &[u8]) -> Self {
        Self(format!("hff1:{}", &base32_lower(&Sha256::digest(canonical))[..26]))
    }

    /// Returns the whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text_form {
    ($name:ident, $prefix:literal) => {
        impl FromStr for $name {
            type Err = FingerprintError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                check(text, $prefix).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = FingerprintError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
text_form!(Fingerprint, "hf1:");
text_form!(Family, "hff1:");

/// Writes bytes in lower-case base32 (RFC 4648, alphabet `a-z2-7`, no padding).
pub fn base32_lower(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[(buffer >> bits) as usize & 31]));
        }
    }
    if bits > 0 {
        text.push(char::from(ALPHABET[(buffer << (5 - bits)) as usize & 31]));
    }
    text
}

/// Returns the SHA-256 of bytes in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// Returns the SHA-256 over length-prefixed parts, so that no two lists of parts can collide by their borders (V-101).
pub fn sha256_prefixed(parts: &[&str]) -> String {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(part.len().to_string().as_bytes());
        bytes.push(b':');
        bytes.extend_from_slice(part.as_bytes());
        bytes.push(b'\n');
    }
    sha256_hex(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_follows_the_vectors_of_rfc_4648() {
        for (plain, coded) in
            [("", ""), ("f", "my"), ("fo", "mzxq"), ("foo", "mzxw6"), ("foob", "mzxw6yq"), ("foobar", "mzxw6ytboi")]
        {
            assert_eq!(base32_lower(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn v_101_parts_with_other_borders_hash_differently() {
        assert_ne!(sha256_prefixed(&["ab", "c"]), sha256_prefixed(&["a", "bc"]));
    }

    #[test]
    fn a_written_fingerprint_is_read_back_and_anything_else_refused() {
        let id = Fingerprint::of(b"x");
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        assert_eq!(id.fp16().len(), 16);
        for bad in [
            "hf1:short",
            "hf2:aaaaaaaaaaaaaaaaaaaaaaaaaa",
            "hf1:AAAAAAAAAAAAAAAAAAAAAAAAAA",
            "hf1:aaaaaaaaaaaaaaaaaaaaaaaaa1",
        ] {
            assert!(bad.parse::<Fingerprint>().is_err(), "{bad}");
        }
    }
}
