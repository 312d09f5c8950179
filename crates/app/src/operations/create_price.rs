//! Sets what one dimension of a SKU costs from a moment on. Prices are never edited.

use std::sync::Arc;

use domain::price::{AppliesTo, Price, PriceBook, TIME_DIMENSION};
use domain::{Amount, Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Operation};

/// A unit price above this is refused, so that no accrual can leave the range of an amount.
pub const PRICE_MAX: Amount = Amount::from_units(1_000_000);
pub const PER_UNITS_MAX: i64 = 1_000_000_000_000;
/// So many announced prices of a SKU may wait for their time: a week of hours.
pub const ANNOUNCED_MAX: usize = 168;

#[derive(Debug)]
pub struct CreatePrice {
    pub platform: OrgId,
    pub sku: i64,
    pub dimension: String,
    pub amount: Amount,
    pub per_units: i64,
    /// From when on; now when none is given.
    pub effective_from: Option<Timestamp>,
    /// What runs by then goes on at it, too; organizations are told by a job.
    pub applies_to: AppliesTo,
}

impl Operation for CreatePrice {
    fn name(&self) -> &'static str {
        "create_price"
    }

    fn org(&self) -> OrgId {
        self.platform
    }

    /// Refusals, in order: `not_found` (platform, SKU), `amount_out_of_range`,
    /// `quantity_not_positive`, `too_long_ago` (a price never changes what has been charged),
    /// `setting_invalid` (only time runs; so many announcements wait for their time at most).
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let mut platform = ws.platform(self.platform)?.clone();
        platform.book_version += 1;
        let mut book = ws.book(self.platform).cloned().unwrap_or_default();
        book.sku(self.sku).ok_or(Refusal::NotFound { kind: Kind::Sku })?;
        if self.amount.is_negative() || self.amount > PRICE_MAX {
            return Err(Refusal::AmountOutOfRange { min: Amount::ZERO, max: PRICE_MAX });
        }
        if self.per_units < 1 || self.per_units > PER_UNITS_MAX {
            return Err(Refusal::QuantityNotPositive);
        }
        let is_first = book.price_at(self.sku, &self.dimension, Timestamp::NEVER).is_none();
        // Runs start on whole seconds, so one that starts in this second finds its first price.
        let present = if is_first { now.floor_to_second() } else { now };
        let effective_from = self.effective_from.unwrap_or(present);
        if effective_from < now && !is_first {
            return Err(Refusal::TooLongAgo { at: effective_from, earliest: now });
        }
        if self.applies_to == AppliesTo::Running {
            require_announced(&book, self.sku, &self.dimension, now)?;
        }
        let price = Price {
            number: ws.wallet_mut(self.platform)?.take_number(),
            sku: self.sku,
            dimension: self.dimension.clone(),
            amount: self.amount,
            per_units: self.per_units,
            effective_from,
            applies_to: self.applies_to,
            told_at: None,
            created_at: now,
        };
        Arc::make_mut(&mut book).add_price(price.clone());
        ws.set_book(self.platform, book);
        ws.platforms.put(self.platform, 0, platform);
        ws.prices.put(self.platform, price.number, price.clone());
        Ok(Answer::Price(self.platform, price))
    }
}

/// Refuses to announce what nothing runs by, or more than can be looked ahead over.
fn require_announced(
    book: &PriceBook,
    sku: i64,
    dimension: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    if dimension != TIME_DIMENSION {
        let message = format!("applies_to running is of a price of {TIME_DIMENSION}");
        return Err(Refusal::SettingInvalid { message });
    }
    let ahead = std::iter::successors(Some(now), |&after| {
        Some(book.next_change(sku, dimension, after)).filter(|&at| at != Timestamp::NEVER)
    });
    if ahead.skip(1).count() >= ANNOUNCED_MAX {
        let message = format!("a SKU has at most {ANNOUNCED_MAX} announced prices to come");
        return Err(Refusal::SettingInvalid { message });
    }
    Ok(())
}
