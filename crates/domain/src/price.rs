//! The price book of a platform: SKUs and their dated prices.
//!
//! Laws: the price of an event is the one in force when it happened; a missing price is not a price
//! of zero.

use std::collections::BTreeMap;

use crate::rate::Rate;
use crate::run::ResourceClass;
use crate::{Amount, Timestamp};

/// The dimension of time, priced per so many seconds.
pub const TIME_DIMENSION: &str = "seconds";

/// What can be bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sku {
    pub number: i64,
    /// The operator's name for it in requests; unique per platform.
    pub code: String,
    pub name: String,
    pub class: ResourceClass,
    pub created_at: Timestamp,
}

/// What one dimension of a SKU costs from a moment on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    pub number: i64,
    pub sku: i64,
    pub dimension: String,
    pub amount: Amount,
    pub per_units: i64,
    pub effective_from: Timestamp,
    pub created_at: Timestamp,
}

impl Price {
    /// What it costs less `discount_bps`.
    pub fn rate(&self, discount_bps: i64) -> Rate {
        Rate { list: self.amount, per_units: self.per_units, discount_bps }
    }
}

/// All SKUs and prices of one platform.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceBook {
    skus: BTreeMap<i64, Sku>,
    by_code: BTreeMap<String, i64>,
    /// By SKU and dimension, ascending by effect, then number.
    prices: BTreeMap<i64, BTreeMap<String, Vec<Price>>>,
}

impl PriceBook {
    pub fn add_sku(&mut self, sku: Sku) {
        self.by_code.insert(sku.code.clone(), sku.number);
        self.skus.insert(sku.number, sku);
    }

    pub fn add_price(&mut self, price: Price) {
        let prices = self.prices.entry(price.sku).or_default();
        let prices = prices.entry(price.dimension.clone()).or_default();
        prices.retain(|other| other.number != price.number);
        prices.push(price);
        prices.sort_by_key(|price| (price.effective_from, price.number));
    }

    pub fn sku(&self, number: i64) -> Option<&Sku> {
        self.skus.get(&number)
    }

    pub fn sku_by_code(&self, code: &str) -> Option<&Sku> {
        self.by_code.get(code).and_then(|number| self.skus.get(number))
    }

    pub fn skus(&self) -> impl Iterator<Item = &Sku> {
        self.skus.values()
    }

    pub fn prices(&self) -> impl Iterator<Item = &Price> {
        self.prices.values().flat_map(BTreeMap::values).flatten()
    }

    /// Every price in force at `at`, by number.
    pub fn in_force(&self, at: Timestamp) -> Vec<&Price> {
        let latest = |prices: &'_ Vec<Price>| {
            prices.partition_point(|price| price.effective_from <= at).checked_sub(1)
        };
        let mut found: Vec<&Price> = self
            .prices
            .values()
            .flat_map(BTreeMap::values)
            .filter_map(|prices| latest(prices).and_then(|place| prices.get(place)))
            .collect();
        found.sort_by_key(|price| price.number);
        found
    }

    /// The price in force at `at`: the latest that had taken effect.
    pub fn price_at(&self, sku: i64, dimension: &str, at: Timestamp) -> Option<&Price> {
        let prices = self.prices.get(&sku)?.get(dimension)?;
        let after = prices.partition_point(|price| price.effective_from <= at);
        prices[..after].last()
    }
}
