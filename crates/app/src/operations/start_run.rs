//! Starts a run: from here on a resource costs money, if the wallet can afford to let it.

use domain::event::EventKind;
use domain::price::TIME_DIMENSION;
use domain::profile::{Admission, Profile};
use domain::rate::Rate;
use domain::run::Run;
use domain::settle::tell;
use domain::time::SECONDS_PER_DAY;
use domain::wake::catch_up;
use domain::{Amount, Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation, require_reported};

/// What runs in one wallet costs at most so much in so long, which is longer than time can stay
/// unposted: it is settled daily, and reported three days late at most. So no accrual can leave the
/// range of an amount.
pub const BURN_MAX: Amount = Amount::from_units(1_000_000_000);
const BURN_SECONDS: i64 = 5 * SECONDS_PER_DAY;

#[derive(Debug)]
pub struct StartRun {
    pub org: OrgId,
    pub resource: i64,
    /// When it was ready; now, when none is given.
    pub started_at: Option<Timestamp>,
}

impl Operation for StartRun {
    fn name(&self) -> &'static str {
        "start_run"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.resources.push((self.org, self.resource));
    }

    /// Refusals, in order: `not_found`, `already_running`, `wallet_frozen`, `too_far_ahead`,
    /// `too_long_ago`, `price_missing`, `amount_out_of_range` (the burn of five days),
    /// `insufficient_credit`.
    ///
    /// The price and the discount are snapshot here (requirements N16, S13); available credit is
    /// decided on less what runs already will burn before it could be stopped (rulings R14). A
    /// start that is reported late is decided on as if it had been reported on time, and needs
    /// credit for all that has run until now (rulings R1, R8).
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let profile = ws.profile_of(self.org)?;
        let now = catch_up(ws, self.org, now)?;
        let mut resource = ws.resources.find(Kind::Resource, self.org, self.resource)?.clone();
        if resource.run.is_some() {
            return Err(Refusal::AlreadyRunning);
        }
        if ws.wallet(self.org)?.is_frozen() {
            return Err(Refusal::WalletFrozen);
        }
        let started_at = self.started_at.unwrap_or(now).floor_to_second();
        require_reported(started_at, now, profile.late_window_seconds)?;
        let platform = ws.wallet(self.org)?.platform;
        let missing = |sku: String| Refusal::PriceMissing { sku, dimension: TIME_DIMENSION.into() };
        let book = ws.book(platform).cloned().unwrap_or_default();
        let sku = book.sku(resource.sku).ok_or(Refusal::NotFound { kind: Kind::Sku })?;
        let price = book
            .price_at(sku.number, TIME_DIMENSION, started_at.max(Timestamp::ZERO))
            .ok_or_else(|| missing(sku.code.clone()))?;
        let wallet = ws.wallet(self.org)?;
        let discount_bps = wallet.discount_bps(&profile, sku.number, started_at, now);
        let rate = price.rate(discount_bps);
        let ran_seconds = now.floor_to_second().seconds_since(started_at).max(0);
        admit(ws, self.org, &profile, rate, ran_seconds, now)?;
        // After this line the operation must succeed.
        let wallet = ws.wallet_mut(self.org)?;
        let number = wallet.take_number();
        wallet.meters.accrue_to(now);
        wallet.meters.change_rate(rate.per_units, rate.numerator(), started_at);
        wallet.running_count += 1;
        wallet.stoppable_count += i64::from(sku.class.is_stopped_at_zero());
        wallet.review_due = true;
        let run = Run {
            number,
            resource: resource.number,
            sku: sku.number,
            price: price.number,
            rate,
            class: sku.class,
            started_at,
            stopped_at: None,
            stop_reason: None,
        };
        wallet.begin_launch(&run, &profile, now);
        resource.run = Some(number);
        ws.resources.put(self.org, self.resource, resource);
        ws.runs.put(self.org, number, run.clone());
        let fields = vec![("run", number.to_string()), ("resource", self.resource.to_string())];
        tell(ws, self.org, EventKind::RunStarted, now, fields)?;
        Ok(Answer::Run(self.org, run))
    }
}

fn admit(
    ws: &Workset,
    org: OrgId,
    profile: &Profile,
    rate: Rate,
    ran_seconds: i64,
    now: Timestamp,
) -> Result<(), Refusal> {
    let wallet = ws.wallet(org)?;
    let burns = wallet.meters.burn_round_half_even(BURN_SECONDS);
    let room = BURN_MAX.minus(burns).or_zero();
    if rate.charge_round_half_even(BURN_SECONDS).is_none_or(|burn| burn > room) {
        return Err(Refusal::AmountOutOfRange { min: Amount::ZERO, max: room });
    }
    let lead = wallet.meters.burn_round_half_even(profile.stop_lead_seconds);
    let available = wallet.available(profile, now).minus(lead);
    let cost = |seconds| rate.charge_round_half_even(seconds).unwrap_or(Amount::MAX);
    let required = match profile.admission {
        Admission::MinAvailable(amount) => amount.max(cost(ran_seconds)),
        // The launch hold is used up by its own run first, so what has run is a part of it.
        Admission::HoldSeconds(seconds) => cost(seconds.max(ran_seconds)),
    };
    if available < required || !available.is_positive() {
        return Err(Refusal::InsufficientCredit { available, required });
    }
    Ok(())
}
