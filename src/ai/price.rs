//! What a call may cost at most, and what it did cost. Layer 1.
//!
//! Integers throughout: millionths of a dollar for a million tokens. A model that the table does not have is refused,
//! never guessed; every sum rounds up (THREATS.md, budget accounting).

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::model::{MicroUsd, Timestamp, Tokens};

/// How old the built-in table may be before a warning says so.
pub const MAX_AGE: Duration = Duration::from_hours(90 * 24);

/// Tokens that a provider adds around a body's own: roles and the marks between messages. Published counts are below ten
/// a message.
pub const OVERHEAD_TOKENS: u64 = 64;

/// The schema of the price table.
const SCHEMA: &str = "homeostat.prices/1";

/// What a million tokens of a model cost, in millionths of a dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// Of the prompt.
    pub input: u64,
    /// Of the answer, reasoning included.
    pub output: u64,
    /// Of the prompt, where the provider's cache had it.
    pub cache_read: u64,
    /// Of the prompt, where it was written to the provider's cache.
    pub cache_write: u64,
}

impl Price {
    /// Makes a price in which the cache is neither dearer nor cheaper.
    pub const fn plain(input: u64, output: u64) -> Self {
        Self { input, output, cache_read: input, cache_write: input }
    }

    /// Returns the most that a call can cost: every byte of the body may be a token, all of them may be written to the
    /// cache, and the answer may use all that it is allowed.
    pub fn upper(&self, body_bytes: usize, max_output: u32) -> MicroUsd {
        let input = u64::try_from(body_bytes).unwrap_or(u64::MAX).saturating_add(OVERHEAD_TOKENS);
        let dearest = self.input.max(self.cache_write).max(self.cache_read);
        part(input, dearest).plus(part(u64::from(max_output), self.output))
    }

    /// Returns what counted tokens cost.
    pub fn of(&self, tokens: Tokens) -> MicroUsd {
        part(tokens.input, self.input)
            .plus(part(tokens.cache_read, self.cache_read))
            .plus(part(tokens.cache_write, self.cache_write))
            .plus(part(tokens.output, self.output))
    }

    /// Returns the dearer of both, part by part (F-22).
    #[must_use]
    pub fn or_dearer(self, other: Self) -> Self {
        Self {
            input: self.input.max(other.input),
            output: self.output.max(other.output),
            cache_read: self.cache_read.max(other.cache_read),
            cache_write: self.cache_write.max(other.cache_write),
        }
    }
}

/// Returns what some tokens cost at one price, rounded up.
fn part(tokens: u64, per_million: u64) -> MicroUsd {
    let exact = (u128::from(tokens) * u128::from(per_million)).div_ceil(1_000_000);
    MicroUsd(u64::try_from(exact).unwrap_or(u64::MAX))
}

/// What is wrong with a price table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// It is no table at all.
    #[error("the price table cannot be read: {0}")]
    Unreadable(String),
    /// A price is missing, zero or no amount.
    #[error("the price of {model} for {part} is {why}")]
    Bad {
        /// The model.
        model: String,
        /// Which of its prices.
        part: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

/// Prices by `provider/model`, with their day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceTable {
    date: String,
    as_of: Timestamp,
    prices: BTreeMap<String, Price>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableFile {
    schema: String,
    date: String,
    #[serde(rename = "note")]
    _note: String,
    models: BTreeMap<String, Row>,
}

/// Dollars for a million tokens, as text: a number would have been rounded by whoever read it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    input: String,
    output: String,
    cache_read: Option<String>,
    cache_write: Option<String>,
}

impl PriceTable {
    /// Returns the table that the program was built with.
    pub fn built_in() -> Self {
        Self::parse(include_bytes!("../../shared/prices.json"))
            .expect("internal error: the built-in price table is not one")
    }

    /// Reads a table.
    ///
    /// # Errors
    /// [`PriceError`], with the model whose price is wrong (B-08).
    pub fn parse(bytes: &[u8]) -> Result<Self, PriceError> {
        let unreadable = |why: String| PriceError::Unreadable(why);
        let file: TableFile = serde_json::from_slice(bytes).map_err(|e| unreadable(e.to_string()))?;
        if file.schema != SCHEMA {
            return Err(unreadable(format!("its schema is not {SCHEMA}")));
        }
        let as_of = format!("{}T00:00:00Z", file.date).parse();
        let as_of = as_of.map_err(|_| unreadable("its date is no day such as 2026-01-31".to_owned()))?;
        let mut prices = BTreeMap::new();
        for (model, row) in file.models {
            let read = |part: &'static str, text: &str| {
                let bad = |why: String| PriceError::Bad { model: model.clone(), part, why };
                match text.parse::<MicroUsd>().map_err(bad)? {
                    MicroUsd::ZERO => Err(bad("zero, and nothing that is free needs a table".to_owned())),
                    MicroUsd(amount) => Ok(amount),
                }
            };
            let (input, output) = (read("input", &row.input)?, read("output", &row.output)?);
            let cache_read = row.cache_read.as_deref().map_or(Ok(input), |text| read("cache_read", text))?;
            let cache_write = row.cache_write.as_deref().map_or(Ok(input), |text| read("cache_write", text))?;
            prices.insert(model, Price { input, output, cache_read, cache_write });
        }
        Ok(Self { date: file.date, as_of, prices })
    }

    /// Puts an operator's own prices over the table's.
    #[must_use]
    pub fn overridden(mut self, own: impl IntoIterator<Item = (String, Price)>) -> Self {
        self.prices.extend(own);
        self
    }

    /// Returns the price of `provider/model`; none is no free model.
    pub fn get(&self, model: &str) -> Option<Price> {
        self.prices.get(model).copied()
    }

    /// Returns the price by which a call is settled: that of the model asked, or, where another one answered, the dearer
    /// of both; none where nobody knows what the other one costs (F-22, B-07).
    pub fn settling(&self, asked: &str, answered: Option<&str>) -> Option<Price> {
        let price = self.get(asked)?;
        let (provider, name) = asked.split_once('/')?;
        match answered {
            Some(other) if !same_model(name, other) => {
                self.get(&format!("{provider}/{other}")).map(|other| price.or_dearer(other))
            }
            _ => Some(price),
        }
    }

    /// Returns the day of the table, as written.
    pub fn date(&self) -> &str {
        &self.date
    }

    /// Returns whether the table is older than [`MAX_AGE`].
    pub fn is_old(&self, now: Timestamp) -> bool {
        now.since(self.as_of) > MAX_AGE
    }

    /// Returns every model with its price.
    pub fn models(&self) -> impl Iterator<Item = (&str, Price)> {
        self.prices.iter().map(|(model, price)| (model.as_str(), *price))
    }
}

/// Tells whether a provider's longer name is the model asked for: its release, `gpt-5` as `gpt-5-2025-08-07`, or its
/// place, `gemini-2.5-pro` as `models/gemini-2.5-pro`.
fn same_model(asked: &str, answered: &str) -> bool {
    let answered = answered.rsplit_once("models/").map_or(answered, |(_, name)| name);
    let release = answered.strip_prefix(asked).map(|rest| rest.trim_start_matches(['-', '@', ':']));
    release.is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit() || b == b'-'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(row: &str) -> Result<PriceTable, PriceError> {
        let text = format!(r#"{{"schema":"{SCHEMA}","date":"2026-01-31","note":"n","models":{{"a/m":{row}}}}}"#);
        PriceTable::parse(text.as_bytes())
    }

    #[test]
    fn the_built_in_table_is_one_and_the_cache_is_never_dearer_to_read() {
        let table = PriceTable::built_in();
        assert!(table.models().count() >= 10);
        for (model, price) in table.models() {
            assert!(model.contains('/') && price.cache_read <= price.input && price.input <= price.output, "{model}");
        }
    }

    #[test]
    fn b_08_a_price_that_is_zero_missing_or_no_amount_is_named() {
        for (row, part) in [
            (r#"{"input":"0","output":"1"}"#, "input"),
            (r#"{"input":"1","output":"0.00"}"#, "output"),
            (r#"{"input":"-1","output":"1"}"#, "input"),
            (r#"{"input":"1e3","output":"1"}"#, "input"),
            (r#"{"input":"1","output":"1","cache_read":"x"}"#, "cache_read"),
        ] {
            let error = table(row).expect_err(row);
            assert!(
                matches!(&error, PriceError::Bad { model, part: p, .. } if model == "a/m" && *p == part),
                "{error}"
            );
        }
        for row in [r#"{"input":"1"}"#, r#"{"input":1,"output":2}"#, r#"{"input":"1","output":"2","inptu":"3"}"#] {
            assert!(matches!(table(row), Err(PriceError::Unreadable(_))), "{row}");
        }
        assert!(PriceTable::parse(br#"{"schema":"x","date":"2026-01-31","note":"","models":{}}"#).is_err());
        assert!(PriceTable::parse(br#"{"schema":"homeostat.prices/1","date":"soon","note":"","models":{}}"#).is_err());
    }

    #[test]
    fn b_07_f_22_an_unknown_model_has_no_price_and_another_that_answered_costs_the_dearer() {
        let table = table(r#"{"input":"1","output":"2"}"#)
            .expect("a table")
            .overridden([("a/big".to_owned(), Price::plain(3_000_000, 1_000_000))]);
        assert_eq!((table.get("a/x"), table.get("auto"), table.settling("a/x", None)), (None, None, None));
        let own = table.get("a/m");
        for same in [None, Some("m"), Some("m-2026-01-31"), Some("models/m")] {
            assert_eq!(table.settling("a/m", same), own, "{same:?}");
        }
        assert_eq!(table.settling("a/m", Some("big")), Some(Price { output: 2_000_000, ..Price::plain(3_000_000, 0) }));
        assert_eq!(table.settling("a/m", Some("m-mini")), None);
    }

    #[test]
    fn an_old_table_is_known_to_be_old() {
        let table = table(r#"{"input":"1","output":"2"}"#).expect("a table");
        let at = |text: &str| text.parse().expect("a time");
        assert!(!table.is_old(at("2026-04-01T00:00:00Z")) && table.is_old(at("2026-06-01T00:00:00Z")));
    }

    proptest! {
        #[test]
        fn b_09_the_upper_bound_is_never_below_what_any_count_of_tokens_costs(
            prices in (1_u64..100_000_000, 1_u64..100_000_000, 1_u64..100_000_000, 1_u64..100_000_000),
            bytes in 0_usize..2_000_000, max_output in 0_u32..200_000,
            shares in (0_u64..=100, 0_u64..=100, 0_u64..=100),
        ) {
            let price = Price { input: prices.0, output: prices.1, cache_read: prices.2, cache_write: prices.3 };
            let all = bytes as u64;
            let read = all * shares.0 / 100;
            let write = (all - read) * shares.1 / 100;
            let tokens = Tokens {
                input: all - read - write, cache_read: read, cache_write: write,
                output: u64::from(max_output) * shares.2 / 100, reasoning: 0,
            };
            prop_assert!(price.of(tokens) <= price.upper(bytes, max_output));
        }

        #[test]
        fn b_03_no_count_overflows(input: u64, output: u64, price: u64) {
            let cost = Price::plain(price, price).of(Tokens { input, output, ..Tokens::default() });
            let of_input = Price::plain(price, 0).of(Tokens { input, ..Tokens::default() });
            prop_assert!(cost >= of_input);
        }
    }
}
