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

/// How one SKU can take the place of another (requirements D15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alternative {
    /// Less of the same, for what does not use all of it.
    Smaller,
    /// What is served in a smaller format runs on it.
    Quantized,
}

impl Alternative {
    pub const ALL: [Alternative; 2] = [Alternative::Smaller, Alternative::Quantized];

    pub const fn name(self) -> &'static str {
        match self {
            Alternative::Smaller => "smaller",
            Alternative::Quantized => "quantized",
        }
    }

    pub fn from_name(name: &str) -> Option<Alternative> {
        Alternative::ALL.into_iter().find(|alternative| alternative.name() == name)
    }
}

/// At what price a SKU is to be had for a term that is paid ahead (requirements N27).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitmentTerms {
    /// What the list price is lowered by.
    pub bps: i64,
    pub days: i64,
}

impl CommitmentTerms {
    /// Three years.
    pub const DAYS_MAX: i64 = 1_096;
}

/// What can be bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sku {
    pub number: i64,
    /// The operator's name for it in requests; unique per platform.
    pub code: String,
    pub name: String,
    pub class: ResourceClass,
    /// GPUs that one of it has, so that lists can say what one costs (requirements C10).
    pub gpu_count: Option<i64>,
    /// The SKU that this one is a load profile of (rulings R25).
    pub variant_of: Option<i64>,
    /// SKUs that can take its place, by number.
    pub smaller: Option<i64>,
    pub quantized: Option<i64>,
    pub commitment: Option<CommitmentTerms>,
    pub created_at: Timestamp,
}

impl Sku {
    pub const fn alternative(&self, alternative: Alternative) -> Option<i64> {
        match alternative {
            Alternative::Smaller => self.smaller,
            Alternative::Quantized => self.quantized,
        }
    }
}

/// What a price, or a discount, applies to from its effect on (requirements N16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppliesTo {
    /// What starts, or happens, from then on.
    NewRuns,
    /// And what runs by then: it goes on at the new price (rulings R15).
    Running,
}

impl AppliesTo {
    pub const ALL: [AppliesTo; 2] = [AppliesTo::NewRuns, AppliesTo::Running];

    pub const fn code(self) -> i64 {
        match self {
            AppliesTo::NewRuns => 0,
            AppliesTo::Running => 1,
        }
    }

    pub fn from_code(code: i64) -> Option<AppliesTo> {
        AppliesTo::ALL.into_iter().find(|it| it.code() == code)
    }

    pub const fn name(self) -> &'static str {
        match self {
            AppliesTo::NewRuns => "new_runs",
            AppliesTo::Running => "running",
        }
    }

    pub fn from_name(name: &str) -> Option<AppliesTo> {
        AppliesTo::ALL.into_iter().find(|it| it.name() == name)
    }
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
    pub applies_to: AppliesTo,
    /// When every organization with a run of it had been told; only of one that applies to what
    /// runs.
    pub told_at: Option<Timestamp>,
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

    /// What an hour of one GPU costs at `rate` of `price`, where that is a price of time and its
    /// SKU says how many it has (requirements C10).
    pub fn gpu_hour(&self, price: &Price, rate: Rate) -> Option<Amount> {
        let gpu_count = self.sku(price.sku)?.gpu_count?;
        let is_time = price.dimension == TIME_DIMENSION;
        is_time.then(|| rate.shown_gpu_hour_round_half_even(gpu_count))
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

    /// The price of that number.
    pub fn price(&self, sku: i64, dimension: &str, number: i64) -> Option<&Price> {
        self.versions(sku, dimension).iter().find(|price| price.number == number)
    }

    /// The latest price that applies to what runs and took effect by `at`: after `since`, or in
    /// that second where what runs since then began at the price of that number, an older one.
    pub fn announced(
        &self,
        (sku, dimension): (i64, &str),
        since: (Timestamp, i64),
        at: Timestamp,
    ) -> Option<&Price> {
        let announced = self.announcements(sku, dimension);
        let is_after = |it: &&Price| since < (it.effective_from, it.number);
        announced.filter(|it| is_after(it) && it.effective_from <= at).last()
    }

    /// When the next price after `after` takes effect that applies to what runs;
    /// [`Timestamp::NEVER`] when there is none.
    pub fn next_change(&self, sku: i64, dimension: &str, after: Timestamp) -> Timestamp {
        let ahead = self.announcements(sku, dimension).map(|it| it.effective_from);
        ahead.filter(|&at| at > after).min().unwrap_or(Timestamp::NEVER)
    }

    fn announcements(&self, sku: i64, dimension: &str) -> impl Iterator<Item = &Price> {
        let all = self.versions(sku, dimension).iter();
        all.filter(|price| price.applies_to == AppliesTo::Running)
    }

    fn versions(&self, sku: i64, dimension: &str) -> &[Price] {
        let prices = self.prices.get(&sku).and_then(|prices| prices.get(dimension));
        prices.map_or(&[], Vec::as_slice)
    }

    /// The price in force at `at`: the latest that had taken effect.
    pub fn price_at(&self, sku: i64, dimension: &str, at: Timestamp) -> Option<&Price> {
        let prices = self.versions(sku, dimension);
        let after = prices.partition_point(|price| price.effective_from <= at);
        prices[..after].last()
    }
}
