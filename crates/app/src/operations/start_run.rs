//! Starts a run: from here on a resource costs money, if the wallet can afford to let it.

use domain::block::blocks_started;
use domain::lifecycle::{Opening, open_run, price_of, rate_of};
use domain::limit::require_left_for;
use domain::member::Permission;
use domain::price::Price;
use domain::profile::{Admission, Profile};
use domain::rate::Rate;
use domain::reprice::go_on;
use domain::run::{Heartbeat, ResourceClass, Rest};
use domain::scope::Purpose;
use domain::time::SECONDS_PER_DAY;
use domain::wake::catch_up;
use domain::wallet::Wallet;
use domain::{Amount, Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation, require_reported};

/// What runs in one wallet costs at most so much in so long, which is longer than time can stay
/// unposted: it is settled daily, and reported three days late at most. So no accrual can leave the
/// range of an amount.
pub const BURN_MAX: Amount = Amount::from_units(1_000_000_000);
const BURN_SECONDS: i64 = 5 * SECONDS_PER_DAY;
/// How long a run may be silent before it is given up.
pub const HEARTBEAT_SECONDS_MIN: i64 = 10;
pub const HEARTBEAT_SECONDS_MAX: i64 = SECONDS_PER_DAY;

#[derive(Debug)]
pub struct StartRun {
    pub org: OrgId,
    pub resource: i64,
    /// When it was ready; now, when none is given.
    pub started_at: Option<Timestamp>,
    /// It is admitted now and costs nothing until it is reported to be ready.
    pub waits_for_ready: bool,
    /// Without a beat for so long it is taken to have ended at the last one.
    pub heartbeat_seconds: Option<i64>,
}

impl StartRun {
    /// A start that costs money from now on.
    pub fn now(org: OrgId, resource: i64) -> StartRun {
        let (started_at, heartbeat_seconds) = (None, None);
        StartRun { org, resource, started_at, waits_for_ready: false, heartbeat_seconds }
    }
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

    fn permission(&self, _: &Workset, _: i64) -> Option<Permission> {
        Some(Permission::StartAndStop)
    }

    /// Refusals, in order: `not_found`, `already_running`, `wallet_frozen`, `resource_paused`,
    /// `resource_terminated`, `too_far_ahead`, `too_long_ago`, `setting_invalid` (the heartbeat),
    /// `price_missing`, `amount_out_of_range` (the burn of five days), `insufficient_credit`,
    /// `limit_reached`.
    ///
    /// Price, discount and terms are snapshot here (requirements N16, S13). Available credit is
    /// decided on less what runs already will burn before it could be stopped (rulings R14). A
    /// start that is reported late is decided on as if it had been reported on time, and needs
    /// credit for all that has run until now (rulings R1, R8); under block terms for every block
    /// that has started. Where an announced price took effect since, it goes on at that.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let now = catch_up(ws, self.org, now)?;
        let profile = ws.profile_of(self.org)?;
        let resource = ws.resources.find(Kind::Resource, self.org, self.resource)?;
        if resource.run.is_some() {
            return Err(Refusal::AlreadyRunning);
        }
        if ws.wallet(self.org)?.is_frozen() {
            return Err(Refusal::WalletFrozen);
        }
        match resource.rest {
            Rest::Stopped => {}
            Rest::Paused => return Err(Refusal::ResourcePaused),
            Rest::Terminated => return Err(Refusal::ResourceTerminated),
        }
        let sku = resource.sku;
        let started_at = self.started_at.unwrap_or(now).floor_to_second();
        require_reported(started_at, now, profile.late_window_seconds)?;
        require_heartbeat(self.heartbeat_seconds)?;
        let price = price_of(ws, self.org, sku, started_at)?;
        let class = class_of(ws, self.org, sku)?;
        let heartbeat = |timeout_seconds| Heartbeat { timeout_seconds, beat_at: started_at };
        let opening = Opening {
            resource: self.resource,
            class,
            block_seconds: profile.block_seconds_of(class),
            started_at,
            is_waiting: self.waits_for_ready,
            heartbeat: self.heartbeat_seconds.map(heartbeat),
            paid_until: None,
            previous: None,
            origin: None,
        };
        admit(ws, self.org, &profile, &price, &opening, now)?;
        // After this line the operation must succeed.
        let run = open_run(ws, self.org, &price, &opening, now)?;
        let run = go_on(ws, self.org, &profile, run.number, now)?;
        Ok(Answer::Run(self.org, run))
    }
}

fn require_heartbeat(seconds: Option<i64>) -> Result<(), Refusal> {
    let range = HEARTBEAT_SECONDS_MIN..=HEARTBEAT_SECONDS_MAX;
    if seconds.is_none_or(|seconds| range.contains(&seconds)) {
        return Ok(());
    }
    let message = "a heartbeat times out after 10 seconds to one day".to_owned();
    Err(Refusal::SettingInvalid { message })
}

/// The class of a SKU of the platform that `org` lives on.
pub(super) fn class_of(ws: &Workset, org: OrgId, sku: i64) -> Result<ResourceClass, Refusal> {
    let book = ws.book(ws.wallet(org)?.platform).and_then(|book| book.sku(sku));
    book.map(|sku| sku.class).ok_or(Refusal::NotFound { kind: Kind::Sku })
}

/// Refuses what would make a wallet burn more than an amount can hold.
pub(super) fn require_burn(
    wallet: &Wallet,
    rate: Rate,
    block_seconds: Option<i64>,
) -> Result<(), Refusal> {
    let room = BURN_MAX.minus(wallet.burn_round_half_even(BURN_SECONDS)).or_zero();
    let longest = block_seconds.unwrap_or(0).max(BURN_SECONDS);
    if rate.charge_round_half_even(longest).is_none_or(|burn| burn > room) {
        return Err(Refusal::AmountOutOfRange { min: Amount::ZERO, max: room });
    }
    Ok(())
}

/// Decides whether a run may be opened. One whose block is paid already needs nothing more.
pub(super) fn admit(
    ws: &Workset,
    org: OrgId,
    profile: &Profile,
    price: &Price,
    opening: &Opening,
    now: Timestamp,
) -> Result<(), Refusal> {
    let rate = rate_of(ws, org, price, opening.started_at, now)?;
    let wallet = ws.wallet(org)?;
    require_burn(wallet, rate, opening.block_seconds)?;
    if opening.paid_until.is_some() {
        return Ok(());
    }
    let purpose = Purpose { sku: price.sku, class: opening.class };
    let available = available_to_start(wallet, profile, purpose, now);
    let cost = |seconds| rate.charge_round_half_even(seconds).unwrap_or(Amount::MAX);
    let ran_seconds = now.floor_to_second().seconds_since(opening.started_at).max(0);
    let required = match (opening.block_seconds, profile.admission) {
        (Some(seconds), _) => blocks_charge(rate, seconds, opening.started_at, now),
        (None, Admission::MinAvailable(amount)) => amount.max(cost(ran_seconds)),
        // The launch hold is used up by its own run first, so what has run is a part of it.
        (None, Admission::HoldSeconds(seconds)) => cost(seconds.max(ran_seconds)),
    };
    if available < required || !available.is_positive() {
        return Err(Refusal::InsufficientCredit { available, required });
    }
    // What has to be there to start something is not spent by it.
    let spends = match (opening.block_seconds, profile.admission) {
        (None, Admission::MinAvailable(_)) => cost(ran_seconds),
        _ => required,
    };
    require_left_for(ws, org, opening.resource, spends, now)
}

/// What a new run can count on: what is available for it, less what runs already will burn before
/// it could be stopped (rulings R14).
fn available_to_start(
    wallet: &Wallet,
    profile: &Profile,
    purpose: Purpose,
    now: Timestamp,
) -> Amount {
    let lead_seconds = profile.stop_lead_seconds;
    if wallet.is_scoped() {
        return wallet.available_for(profile, now.plus_seconds(lead_seconds), Some(purpose));
    }
    wallet.available(profile, now).minus(wallet.meters.burn_round_half_even(lead_seconds))
}

/// What the blocks cost that have started since `from`, the first one however far ahead.
pub(super) fn blocks_charge(
    rate: Rate,
    block_seconds: i64,
    from: Timestamp,
    now: Timestamp,
) -> Amount {
    let block = rate.charge_round_half_even(block_seconds).unwrap_or(Amount::MAX);
    let blocks = blocks_started(block_seconds, from, now);
    block.nanos().checked_mul(blocks).map_or(Amount::MAX, Amount::from_nanos)
}
