//! What a thousand fixes will cost, from the price table and a stated mix, where nothing is recorded yet. Layer 1.
//!
//! Every number that goes in is stated and printed; none is measured. As soon as there are events, they are counted
//! instead.

use serde::Serialize;

use crate::ai::{Price, PriceTable};
use crate::model::{MicroUsd, ModelName, Tier, Tokens};

/// Of a hundred fixes by models, how many each tier makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Mix {
    /// In the simple tier.
    pub simple: u64,
    /// In the medium tier.
    pub medium: u64,
    /// In the complex tier.
    pub complex: u64,
}

impl Default for Mix {
    fn default() -> Self {
        Self { simple: 70, medium: 25, complex: 5 }
    }
}

impl Mix {
    /// Returns the share of a tier.
    pub const fn of(&self, tier: Tier) -> u64 {
        match tier {
            Tier::Simple => self.simple,
            Tier::Medium => self.medium,
            Tier::Complex => self.complex,
        }
    }
}

/// What a fix takes of one tier, by assumption: the prompt of a small function with its test and the report, an answer of
/// one block, and one try in three made twice; for the complex tier, more code and an answer that is thought about.
pub const fn assumed(tier: Tier) -> Tokens {
    let (input, output) = match tier {
        Tier::Simple => (6_000, 800),
        Tier::Medium => (9_000, 1_500),
        Tier::Complex => (20_000, 4_000),
    };
    Tokens { input, output, cache_read: 0, cache_write: 0, reasoning: 0 }
}

/// What a review takes, by assumption: the same prompt with the change, and a line for an answer.
pub const REVIEW: Tokens = Tokens { input: 8_000, output: 200, cache_read: 0, cache_write: 0, reasoning: 0 };

/// What one tier asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asks {
    /// The tier.
    pub tier: Tier,
    /// The model that writes.
    pub model: ModelName,
    /// The model that reviews.
    pub reviewer: Option<ModelName>,
}

/// What a fix of one tier costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TierCost {
    /// The tier.
    pub tier: Tier,
    /// Its share of a hundred fixes.
    pub share: u64,
    /// The model that writes.
    pub model: String,
    /// The model that reviews.
    pub reviewer: Option<String>,
    /// One fix, in millionths of a dollar.
    pub per_fix_microusd: MicroUsd,
}

/// A projection with all that it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Projection {
    /// By tier.
    pub tiers: Vec<TierCost>,
    /// A thousand fixes in this mix.
    pub per_thousand_microusd: MicroUsd,
    /// A thousand fixes if all went to the complex tier.
    pub all_complex_microusd: MicroUsd,
}

/// Projects; a share of a tier that is not asked goes to the next dearer one that is.
///
/// # Errors
/// With the model that has no price.
pub fn project(asks: &[Asks], mix: Mix, prices: &PriceTable) -> Result<Projection, ModelName> {
    let price = |model: &ModelName| prices.get(&model.to_string()).ok_or_else(|| model.clone());
    let mut tiers = Vec::new();
    let mut carried = 0;
    for tier in Tier::ALL {
        carried += mix.of(*tier);
        let Some(ask) = asks.iter().find(|ask| ask.tier == *tier) else { continue };
        let review = match &ask.reviewer {
            Some(model) => price(model)?.of(REVIEW),
            None => MicroUsd::ZERO,
        };
        let writes: Price = price(&ask.model)?;
        tiers.push(TierCost {
            tier: *tier,
            share: std::mem::take(&mut carried),
            model: ask.model.to_string(),
            reviewer: ask.reviewer.as_ref().map(ModelName::to_string),
            per_fix_microusd: writes.of(assumed(*tier)).plus(review),
        });
    }
    // What is left over belongs to a tier dearer than any that is asked.
    if let Some(last) = tiers.last_mut() {
        last.share += carried;
    }
    let parts =
        tiers.iter().map(|tier| u128::from(tier.per_fix_microusd.0) * u128::from(tier.share) * 10).sum::<u128>();
    let hundredths = u128::from((mix.simple + mix.medium + mix.complex).max(1));
    let sum = MicroUsd(u64::try_from((parts * 100).div_ceil(hundredths)).unwrap_or(u64::MAX));
    let dearest = tiers.iter().map(|tier| tier.per_fix_microusd).max().unwrap_or_default();
    Ok(Projection { tiers, per_thousand_microusd: sum, all_complex_microusd: MicroUsd(dearest.0.saturating_mul(1000)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(all: &[(Tier, &str, Option<&str>)]) -> Vec<Asks> {
        let name = |text: &str| text.parse().expect("a model");
        all.iter()
            .map(|(tier, model, reviewer)| Asks { tier: *tier, model: name(model), reviewer: reviewer.map(name) })
            .collect()
    }

    fn prices() -> PriceTable {
        let own = [("a/s", Price::plain(100_000, 500_000)), ("a/l", Price::plain(2_000_000, 10_000_000))];
        PriceTable::built_in().overridden(own.map(|(model, price)| (model.to_owned(), price)))
    }

    #[test]
    fn a_thousand_fixes_cost_what_the_shares_of_the_tiers_cost() {
        let asks =
            asks(&[(Tier::Simple, "a/s", None), (Tier::Medium, "a/s", Some("a/s")), (Tier::Complex, "a/l", None)]);
        let told = project(&asks, Mix::default(), &prices()).expect("a projection");
        // 6,000 at 0.10 and 800 at 0.50 dollars a million; 9,000, 1,500 and a review; 20,000 at 2 and 4,000 at 10.
        let each: Vec<u64> = told.tiers.iter().map(|tier| tier.per_fix_microusd.0).collect();
        assert_eq!(each, [1_000, 1_650 + 900, 80_000]);
        assert_eq!(told.per_thousand_microusd, MicroUsd(700 * 1_000 + 250 * 2_550 + 50 * 80_000));
        assert_eq!(told.all_complex_microusd, MicroUsd(80_000_000));
    }

    #[test]
    fn a_tier_that_is_not_asked_is_another_ones_work_and_a_model_without_a_price_is_named() {
        let one = project(&asks(&[(Tier::Medium, "a/s", None)]), Mix::default(), &prices()).expect("a projection");
        assert_eq!((one.tiers.len(), one.tiers[0].share), (1, 100));
        assert_eq!(one.per_thousand_microusd, MicroUsd(1_650_000));
        let none = project(&[], Mix::default(), &prices()).expect("a projection");
        assert_eq!(none.per_thousand_microusd, MicroUsd::ZERO);
        let unknown = project(&asks(&[(Tier::Simple, "a/x", None)]), Mix::default(), &prices());
        assert_eq!(unknown.map_err(|model| model.to_string()), Err("a/x".to_owned()));
    }
}
