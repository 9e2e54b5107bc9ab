//! Money in integers and counted tokens. Layer 0.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An amount in millionths of a US dollar; sums saturate upwards, so that an overflow can only stop spending.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct MicroUsd(pub u64);

impl MicroUsd {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// Adds without wrapping.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Subtracts, never below zero.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for MicroUsd {
    /// Prints US dollars with as many decimals as the amount needs, at least two.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 1_000_000, self.0 % 1_000_000);
        let mut decimals = format!("{rest:06}");
        while decimals.len() > 2 && decimals.ends_with('0') {
            decimals.pop();
        }
        write!(f, "${whole}.{decimals}")
    }
}

impl FromStr for MicroUsd {
    type Err = String;

    /// Reads `1`, `1.00` or `0.000001` US dollars, without floating point.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || format!("{text:?} is not an amount in US dollars (write 0.50, say, with at most six decimals)");
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || decimals.len() > 6 || whole.len() > 12 {
            return Err(refuse());
        }
        let whole: u64 = whole.parse().map_err(|_| refuse())?;
        let micros: u64 = format!("{decimals:0<6}").parse().map_err(|_| refuse())?;
        Ok(Self(whole.saturating_mul(1_000_000).saturating_add(micros)))
    }
}

/// What may be spent: a cap, or `unlimited`, which must be spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Allowance {
    /// At most this much; zero means none.
    Cap(MicroUsd),
    /// No cap.
    Unlimited,
}

/// Tokens of a model call, as the provider counted them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Tokens {
    /// Tokens of the prompt that no cache served.
    pub input: u64,
    /// Tokens of the answer, reasoning included.
    pub output: u64,
    /// Prompt tokens read from the provider's cache.
    pub cache_read: u64,
    /// Prompt tokens written to the provider's cache.
    pub cache_write: u64,
    /// The part of the output that was reasoning.
    pub reasoning: u64,
}

impl Tokens {
    /// Adds field by field.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            cache_write: self.cache_write.saturating_add(other.cache_write),
            reasoning: self.reasoning.saturating_add(other.reasoning),
        }
    }

    /// Returns all tokens, reasoning counted once.
    pub fn total(self) -> u64 {
        self.input.saturating_add(self.output).saturating_add(self.cache_read).saturating_add(self.cache_write)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_read_and_printed_without_floating_point() {
        for (text, micros, printed) in [
            ("1", 1_000_000, "$1.00"),
            ("0.5", 500_000, "$0.50"),
            ("0.000001", 1, "$0.000001"),
            ("12.34", 12_340_000, "$12.34"),
        ] {
            assert_eq!(text.parse(), Ok(MicroUsd(micros)));
            assert_eq!(MicroUsd(micros).to_string(), printed);
        }
        for bad in ["-1", "1e3", "", ".5", "1.", "0.0000001", "NaN"] {
            assert!(bad.parse::<MicroUsd>().is_err(), "{bad:?}");
        }
    }
}
