//! Records one usage event: dedupes it, rates it, draws it down.

use domain::digest::note_sku;
use domain::label::{self, Labels};
use domain::ledger::{EventKey, Line, TransactionKind};
use domain::limit::{count_charge, require_left};
use domain::profile::{ModelZeroAction, Profile};
use domain::run::ResourceClass;
use domain::scope::Purpose;
use domain::settle::{Draft, draw_with_overdraft, post};
use domain::time::SECONDS_PER_HOUR;
use domain::wake::catch_up;
use domain::workset::EventHash;
use domain::{Amount, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation, require_reported};

/// One event costs at most so much: beyond it a unit is wrong, and sums could leave their range.
pub const CHARGE_MAX: Amount = Amount::from_units(10_000_000);
/// What an hour counts for in a forecast at most, so that twelve of them can be added.
const SPEND_PER_HOUR_MAX: Amount = Amount::from_units(500_000_000);
/// Carried debt grows at most to this.
const DEBT_MAX: Amount = Amount::from_units(1_000_000_000);

#[derive(Debug)]
pub struct RecordUsage {
    pub org: OrgId,
    pub key: EventKey,
    /// Keyed hash of organization, source and id.
    pub hash: EventHash,
    /// Hash of what the event says, to tell a repetition from a conflict.
    pub fingerprint: i64,
    pub sku: String,
    /// When it happened; now, when none is given.
    pub occurred_at: Option<Timestamp>,
    /// Quantity by dimension.
    pub quantities: Vec<(String, i64)>,
    /// What its cost is grouped by.
    pub labels: Labels,
}

impl Operation for RecordUsage {
    fn name(&self) -> &'static str {
        "record_usage"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.want_labels(self.org, &self.labels);
    }

    fn event(&self) -> Option<EventHash> {
        Some(self.hash)
    }

    /// Refusals, in order: `not_found`, `event_conflict`, `quantity_not_positive`, `too_far_ahead`,
    /// `too_long_ago`, `unknown_sku`, `price_missing`, `amount_out_of_range`, `insufficient_credit`
    /// and `limit_reached` (where the profile refuses models at zero), `setting_invalid` (labels).
    ///
    /// Use that happened is never refused for credit otherwise: it draws to zero, the rest goes the
    /// way of the profile's overdraft (rulings R14), and its row names the limit it went beyond. A
    /// late event costs what it cost then and is posted now (requirements N07).
    ///
    /// Idempotency: the same id with the same content answers with the charge that was made.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let platform = ws.wallet(self.org)?.platform;
        if let Some(prior) = ws.prior(self.org, self.hash, &self.key) {
            if prior.fingerprint != self.fingerprint {
                return Err(Refusal::EventConflict);
            }
            return Ok(Answer::Charge { transaction: prior.clone(), is_duplicate: true });
        }
        let is_empty = self.quantities.iter().all(|&(_, quantity)| quantity == 0);
        if is_empty || self.quantities.iter().any(|&(_, quantity)| quantity < 0) {
            return Err(Refusal::QuantityNotPositive);
        }
        let now = catch_up(ws, self.org, now)?;
        let profile = ws.profile_of(self.org)?;
        let occurred_at = self.occurred_at.unwrap_or(now);
        require_reported(occurred_at, now, profile.late_window_seconds)?;
        let (lines, discount_bps, purpose) = if occurred_at < now {
            // What is late costs what it cost then (requirements N07, C23).
            let then = ws.profile_at(self.org, occurred_at)?;
            self.rated(ws, &then, platform, occurred_at)?
        } else {
            self.rated(ws, &profile, platform, occurred_at)?
        };
        let total = lines.iter().try_fold(Amount::ZERO, |sum, line| sum.checked_add(line.amount));
        let amount = total.filter(|&amount| amount <= CHARGE_MAX).ok_or_else(beyond)?;
        let owed = ws.wallet(self.org)?.debt.checked_add(amount);
        owed.filter(|&owed| owed <= DEBT_MAX).ok_or_else(beyond)?;
        if profile.model_zero_action == ModelZeroAction::RejectNew {
            self.require_credit(ws, &profile, (amount, purpose), now)?;
        }
        let labels = label::intern(ws, self.org, &self.labels)?;
        // After this line the operation must succeed.
        let limit = count_charge(ws, self.org, &self.labels, occurred_at, amount)?;
        let wallet = ws.wallet_mut(self.org)?;
        let (postings, absorbed, debt) =
            draw_with_overdraft(wallet, &profile, amount, Some(purpose));
        remember_spend(&mut wallet.per_use, &profile, now, amount);
        let draft = Draft {
            occurred_at: Some(occurred_at).filter(|&at| at != now),
            labels,
            limit,
            postings,
            absorbed,
            debt,
            fingerprint: self.fingerprint,
            event: Some(self.key.clone()),
            lines,
            discount_bps,
            ..Draft::new(TransactionKind::Charge, now, amount)
        };
        self.note_spent(ws, platform, amount)?;
        let transaction = post(ws, self.org, draft)?.clone();
        ws.remember_event(self.hash);
        Ok(Answer::Charge { transaction, is_duplicate: false })
    }
}

fn beyond() -> Refusal {
    Refusal::AmountOutOfRange { min: Amount::ZERO, max: CHARGE_MAX }
}

impl RecordUsage {
    /// Notes what the charge is for, where a digest will tell.
    fn note_spent(&self, ws: &mut Workset, platform: OrgId, amount: Amount) -> Result<(), Refusal> {
        if ws.wallet(self.org)?.tally.is_none() {
            return Ok(());
        }
        let sku = ws.book(platform).and_then(|book| book.sku_by_code(&self.sku));
        let Some(sku) = sku.map(|sku| sku.number) else { return Ok(()) };
        note_sku(ws, self.org, sku, amount)
    }

    /// Refuses the use of a model when nothing is available, or a limit leaves nothing
    /// (requirements C08).
    fn require_credit(
        &self,
        ws: &Workset,
        profile: &Profile,
        (required, purpose): (Amount, Purpose),
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if purpose.class != ResourceClass::Model {
            return Ok(());
        }
        let available = ws.wallet(self.org)?.available_for(profile, now, Some(purpose));
        if !available.is_positive() {
            return Err(Refusal::InsufficientCredit { available, required });
        }
        require_left(ws, self.org, &self.labels, Amount::ZERO, 0, now)
    }

    /// The priced dimensions, the discount in force when the event happened, and what it is spent
    /// on.
    fn rated(
        &self,
        ws: &Workset,
        profile: &Profile,
        platform: OrgId,
        occurred_at: Timestamp,
    ) -> Result<(Vec<Line>, i64, Purpose), Refusal> {
        let unknown = || Refusal::UnknownSku { code: self.sku.clone() };
        let book = ws.book(platform).ok_or_else(unknown)?;
        let sku = book.sku_by_code(&self.sku).ok_or_else(unknown)?;
        let wallet = ws.wallet(self.org)?;
        let discount_bps = wallet.discount_bps(profile, sku.number, occurred_at, wallet.now);
        let mut lines = Vec::with_capacity(self.quantities.len());
        for (dimension, quantity) in self.quantities.iter().filter(|(_, quantity)| *quantity > 0) {
            let price = book.price_at(sku.number, dimension, occurred_at).ok_or_else(|| {
                Refusal::PriceMissing { sku: self.sku.clone(), dimension: dimension.clone() }
            })?;
            let rate = price.rate(discount_bps);
            let amount = rate.charge_round_half_even(*quantity).ok_or_else(beyond)?;
            lines.push(Line { price: price.number, quantity: *quantity, amount });
        }
        Ok((lines, discount_bps, Purpose { sku: sku.number, class: sku.class }))
    }
}

/// Keeps the spend of the last whole hours, where the profile forecasts from it (rulings R22).
fn remember_spend(
    per_use: &mut Vec<(i64, Amount)>,
    profile: &Profile,
    now: Timestamp,
    amount: Amount,
) {
    let Some(horizon) = profile.forecast_horizon_seconds else { return };
    let hour = now.seconds().div_euclid(SECONDS_PER_HOUR);
    per_use.retain(|&(other, _)| other >= hour - horizon / SECONDS_PER_HOUR);
    match per_use.last_mut() {
        Some((last, spent)) if *last == hour => {
            *spent = spent.plus(amount).min(SPEND_PER_HOUR_MAX);
        }
        _ => per_use.push((hour, amount)),
    }
}
