//! A wallet: one organization's value, and everything about it that can fall due.
//!
//! Laws: posted = Σ unspent grants − debt; available = posted − accrued − held (rulings R4); all of
//! them are exact at any instant without having been written at that instant.
//!
//! An organization has one wallet, and its journal is the organization's. The wallet is small
//! whatever runs in it (rulings A6): runs and holds are rows of their own, their sums are here.

use crate::block::Blocks;
use crate::calendar::Zone;
use crate::digest::Tally;
use crate::discount::{Discount, Volume, assigned_bps, day_of, tier_bps};
use crate::grant::{OpenGrant, OpenGrants, Upcoming};
use crate::ledger::ChainTip;
use crate::meter::{Meter, Meters, last_second};
use crate::notice::Notices;
use crate::profile::{
    Admission, BalanceBasis, Overdraft, Profile, REPORTED_AHEAD_SECONDS_MAX, Versions,
};
use crate::rate::{amount_round_half_even, denominator};
use crate::retention::Retention;
use crate::run::Run;
use crate::scope::{Cover, Purpose, Scopes};
use crate::tax::TaxRate;
use crate::time::SECONDS_PER_HOUR;
use crate::top_up::AutoTopUp;
use crate::validity::Validity;
use crate::{Amount, OrgId, Timestamp};

/// A wallet is small: so many grants may wait in it.
pub const UPCOMING_MAX: usize = 16;

/// So many bonuses may wait for a deposit.
pub const WAITING_MAX: usize = 8;

/// A part of the launch holds that lapses at one second (rulings R8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    pub until: Timestamp,
    pub per_units: i64,
    pub rate: i128,
    pub cover: Cover,
}

/// "Tell me when my balance is below this."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserLimit {
    pub limit: Amount,
    /// True from a crossing until the balance has recovered.
    pub fired: bool,
}

/// So many members may have a limit of their own.
pub const MEMBER_LIMITS_MAX: usize = 16;

/// The limit of one member (rulings R22): it fires and recovers by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberLimit {
    pub member: i64,
    pub limit: UserLimit,
}

/// An order to stop what runs, sent out and not yet obeyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopOrder {
    pub stop_at: Timestamp,
    pub sequence: i64,
}

/// What runs under one cover, of what accrues, in a wallet that knows scopes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Covered {
    pub cover: Cover,
    /// Runs that are kept at zero, and those that are stopped.
    pub kept: i64,
    pub stoppable: i64,
    pub stop_order: Option<StopOrder>,
}

/// Why a wallet is frozen: disputes that are open, or one that was lost and not yet released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    pub open: i64,
    pub is_lost: bool,
}

/// The currency of every wallet (requirements N25).
pub const CURRENCY: &str = "USD";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wallet {
    pub org: OrgId,
    pub platform: OrgId,
    /// The last instant that something was decided at; never goes back (rulings R21).
    pub now: Timestamp,
    pub tip: ChainTip,
    /// Next number of anything this organization owns.
    pub next_number: i64,
    pub grants: OpenGrants,
    pub debt: Amount,
    pub meters: Meters,
    /// Time is posted up to here.
    pub settled_until: Timestamp,
    /// Runs that cost money, and those of them whose time accrues and is stopped at zero.
    pub running_count: i64,
    pub stoppable_count: i64,
    /// Those of them that pay for time ahead.
    pub blocks: Blocks,
    /// No run is given up for want of a beat before this.
    pub next_beat: Timestamp,
    /// Nothing announced changes what a run costs, whose time accrues, before this.
    pub next_reprice: Timestamp,
    /// Set while something is stored that cannot be paid for.
    pub retention: Option<Retention>,
    pub launches: Vec<Launch>,
    /// No open hold expires before this.
    pub next_hold_expiry: Timestamp,
    /// The limit of the organization itself.
    pub user_limit: Option<UserLimit>,
    /// Those of members, at most [`MEMBER_LIMITS_MAX`], by member.
    pub member_limits: Vec<MemberLimit>,
    /// Limits that there are, and when one of them is next to be looked at, at the latest.
    pub limit_count: i64,
    pub next_limit: Timestamp,
    pub forecast_fired: bool,
    /// What digests will tell; only where the platform has them, while something is done.
    pub tally: Option<Box<Tally>>,
    /// Which mails its organization gets.
    pub notices: Notices,
    /// Charges per use by whole hour since 1970, the last ones only.
    pub per_use: Vec<(i64, Amount)>,
    pub auto_top_up: Option<AutoTopUp>,
    pub stop_order: Option<StopOrder>,
    pub stop_sequence: i64,
    pub freeze: Option<Freeze>,
    /// Set when its organization was closed: nothing is asked of it any more.
    pub is_closed: bool,
    /// Discounts that the operator assigned and that can still decide something.
    pub discounts: Vec<Discount>,
    /// What was drawn lately; only where the platform has volume tiers.
    pub volume: Option<Volume>,
    /// What its organization pays in tax; nothing where it pays none.
    pub tax: Option<TaxRate>,
    /// Where its organization counts days and months.
    pub zone: Zone,
    /// Until when what was purchased is valid, under a profile where that rolls.
    pub validity: Option<Validity>,
    /// Grants that become effective later, at most [`UPCOMING_MAX`].
    pub upcoming: Vec<Upcoming>,
    /// Coupons whose bonus waits for a deposit, in the order in which they were redeemed; at most
    /// [`WAITING_MAX`].
    pub bonus_coupons: Vec<i64>,
    /// Reminders of expiry have been given up to here.
    pub reminded_until: Timestamp,
    /// The scopes of its grants, and what runs by what covers it; empty where all credit pays for
    /// everything.
    pub scopes: Scopes,
    pub covered: Vec<Covered>,
    /// True when something changed since stops, top-up and alerts were last looked at.
    pub review_due: bool,
}

/// What a wallet holds at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    pub as_of: Timestamp,
    pub posted: Amount,
    pub accrued: Amount,
    pub held: Amount,
    pub available: Amount,
    /// The balance people are shown, by the profile's basis.
    pub shown: Amount,
    /// What everything that runs costs per hour.
    pub burn_per_hour: Amount,
    /// The second at which what runs will be stopped.
    pub runs_out_at: Timestamp,
}

/// Which value a look ahead may count on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usable {
    /// Leaves out what is reserved for holds: what running resources can be paid from.
    Unreserved,
    /// Counts it, because a hold never triggers an alert or a card charge (rulings R4).
    All,
}

impl Wallet {
    pub fn new(org: OrgId, platform: OrgId, now: Timestamp) -> Wallet {
        Wallet {
            org,
            platform,
            now,
            tip: ChainTip::default(),
            next_number: 2,
            grants: OpenGrants::default(),
            debt: Amount::ZERO,
            meters: Meters { meters: Vec::new(), accrued_until: now.floor_to_second() },
            settled_until: now.floor_to_second(),
            running_count: 0,
            stoppable_count: 0,
            blocks: Blocks::default(),
            next_beat: Timestamp::NEVER,
            next_reprice: Timestamp::NEVER,
            retention: None,
            launches: Vec::new(),
            next_hold_expiry: Timestamp::NEVER,
            user_limit: None,
            member_limits: Vec::new(),
            limit_count: 0,
            next_limit: Timestamp::NEVER,
            forecast_fired: false,
            tally: None,
            notices: Notices::default(),
            per_use: Vec::new(),
            auto_top_up: None,
            stop_order: None,
            stop_sequence: 0,
            freeze: None,
            is_closed: false,
            discounts: Vec::new(),
            volume: None,
            tax: None,
            zone: Zone::UTC,
            validity: None,
            upcoming: Vec::new(),
            bonus_coupons: Vec::new(),
            reminded_until: Timestamp::ZERO,
            scopes: Scopes::default(),
            covered: Vec::new(),
            review_due: false,
        }
    }

    /// Number of the wallet itself, so that it has a public id. Other rows count from 2.
    pub const NUMBER: i64 = 1;

    /// Takes the next number of this organization.
    pub fn take_number(&mut self) -> i64 {
        let number = self.next_number;
        self.next_number += 1;
        number
    }

    /// Every limit below which somebody is told, each with its member; nobody's is the
    /// organization's.
    pub fn told_limits(&self) -> impl Iterator<Item = (Option<i64>, &UserLimit)> {
        let of_members = self.member_limits.iter().map(|it| (Some(it.member), &it.limit));
        self.user_limit.iter().map(|limit| (None, limit)).chain(of_members)
    }

    /// Whether a dispute forbids everything but money coming in.
    pub fn is_frozen(&self) -> bool {
        self.freeze.is_some()
    }

    /// What the list price of `sku` is lowered by at `at`: the higher of what was assigned and what
    /// volume has earned, never the sum (requirements S13).
    pub fn discount_bps(&self, profile: &Profile, sku: i64, at: Timestamp, now: Timestamp) -> i64 {
        if self.discounts.is_empty() && (self.volume.is_none() || !profile.discounts) {
            return 0;
        }
        // The present day is not over: what is reported ahead of it counts as of now.
        let day = day_of(at.min(now));
        let volume = self.volume.as_ref().filter(|_| profile.discounts);
        let earned = volume.map(|volume| volume.drawn_before(day));
        let earned = earned.map_or(0, |drawn| tier_bps(&profile.volume_tiers, drawn));
        let assigned = self.discounts.iter().filter(|it| it.counts_under(profile));
        assigned_bps(assigned, sku, at).max(earned)
    }

    /// Until when what was purchased is valid.
    pub fn purchased_until(&self) -> Timestamp {
        self.validity.as_ref().map_or(Timestamp::NEVER, |validity| validity.until)
    }

    /// A grant that is not used up, effective or not.
    pub fn find_grant(&self, number: i64) -> Option<&OpenGrant> {
        let upcoming = || self.upcoming.iter().map(|it| &it.grant);
        self.grants.get(number).or_else(|| upcoming().find(|grant| grant.number == number))
    }

    /// When the next grant becomes effective.
    pub fn next_effective(&self) -> Timestamp {
        self.upcoming.iter().map(|it| it.effective_at).min().unwrap_or(Timestamp::NEVER)
    }

    /// Lets reminders begin with something that expires and was given at `at`: those that would
    /// have come before are not caught up on.
    pub fn arm_reminders(&mut self, at: Timestamp) {
        let before = Timestamp::from_micros(at.micros() - 1);
        self.reminded_until = self.reminded_until.max(before);
    }

    /// Unspent grants less debt.
    pub fn posted(&self) -> Amount {
        self.grants.remaining().minus(self.debt)
    }

    /// What is set aside: reserved for holds, and not yet used of launch holds.
    pub fn held(&self, at: Timestamp) -> Amount {
        self.grants.reserved().plus(self.launch_held_round_half_even(at))
    }

    fn launch_held_round_half_even(&self, at: Timestamp) -> Amount {
        self.meters.meters.iter().map(|meter| self.launch_held_for(meter, at)).sum()
    }

    /// What launch holds set aside for time that `meter` counts.
    fn launch_held_for(&self, meter: &Meter, at: Timestamp) -> Amount {
        let at = at.floor_to_second();
        let is_of = |launch: &&Launch| {
            launch.per_units == meter.per_units && launch.cover == meter.cover && launch.until > at
        };
        let launches = self.launches.iter().filter(is_of);
        let exact = launches.map(|launch| launch.rate * i128::from(launch.until.seconds_since(at)));
        let held = amount_round_half_even(exact.sum(), denominator(meter.per_units));
        held.unwrap_or(Amount::MAX)
    }

    /// By cover: what launch holds set aside.
    pub(crate) fn launch_held_by_cover(
        &self,
        at: Timestamp,
    ) -> impl Iterator<Item = (Cover, Amount)> {
        self.meters.meters.iter().map(move |meter| (meter.cover, self.launch_held_for(meter, at)))
    }

    /// Sets aside the launch hold of a run that starts (rulings R8). A run that is reported some
    /// seconds ahead of the clock has run for a negative time until then: the same hold covers
    /// that, so that nothing else is promised this value.
    pub fn begin_launch(&mut self, run: &Run, profile: &Profile, now: Timestamp) {
        let launch = self.launch_of(run, profile);
        if launch.until > now.floor_to_second() {
            self.launches.push(launch);
        }
    }

    /// Where the launch hold of `run` is, by the version of the profile under which it started.
    pub(crate) fn place_of_launch(
        &self,
        run: &Run,
        cover: Cover,
        profiles: &Versions,
    ) -> Option<usize> {
        if self.launches.is_empty() {
            return None;
        }
        // What was reported ahead was decided by a version that may have ended before it began.
        let reported_at = run.started_at.plus_seconds(-REPORTED_AHEAD_SECONDS_MAX);
        profiles.between(reported_at, run.started_at).find_map(|profile| {
            let launch = Launch { cover, ..self.launch_of(run, profile) };
            self.launches.iter().position(|other| *other == launch)
        })
    }

    fn launch_of(&self, run: &Run, profile: &Profile) -> Launch {
        let seconds = match profile.admission {
            Admission::HoldSeconds(seconds) => seconds,
            Admission::MinAvailable(_) => 0,
        };
        Launch {
            until: run.started_at.plus_seconds(seconds),
            per_units: run.rate.per_units,
            rate: run.rate.numerator(),
            cover: self.scopes.cover(Some(Purpose::of(run))),
        }
    }

    /// Lets the time of `run` accrue under another cover from now on.
    pub(crate) fn move_accrual(
        &mut self,
        run: &Run,
        launch: Option<usize>,
        (old, new): (Cover, Cover),
    ) {
        if old == new {
            return;
        }
        let (per_units, rate, now) =
            (run.rate.per_units, run.rate.numerator(), self.meters.accrued_until);
        self.meters.change_rate((old, per_units), -rate, now);
        self.meters.change_rate((new, per_units), rate, now);
        if let Some(place) = launch {
            self.launches[place].cover = new;
        }
    }

    /// Posted − accrued − held, at a live instant. Below zero only where the profile lets debt be
    /// carried: what would be absorbed is nobody's to pay.
    pub fn available(&self, profile: &Profile, at: Timestamp) -> Amount {
        let available =
            self.posted().minus(self.meters.accrued(at.floor_to_second())).minus(self.held(at));
        self.clamped(profile, available.plus(self.absorbed_until(profile, at)))
    }

    fn clamped(&self, profile: &Profile, value: Amount) -> Amount {
        match profile.overdraft {
            Overdraft::Absorb => value.max(self.debt.negated()),
            Overdraft::Carry | Overdraft::Cap(_) => value,
        }
    }

    /// The instant whose accrual the profile's basis looks at.
    fn basis_instant(&self, profile: &Profile, at: Timestamp) -> Timestamp {
        match profile.balance_basis {
            BalanceBasis::Live => at.floor_to_second(),
            BalanceBasis::Settled => at.floor_to_multiple(profile.settle_every_seconds),
        }
    }

    /// The balance that is shown and decides alerts and auto top-up (rulings R4).
    pub fn shown(&self, profile: &Profile, at: Timestamp) -> Amount {
        let accrued = self.basis_accrued(profile, at);
        let mut shown = self.posted().minus(accrued);
        if accrued.is_positive() {
            shown = shown.plus(self.absorbed_until(profile, self.basis_instant(profile, at)));
        }
        self.clamped(profile, shown)
    }

    fn basis_accrued(&self, profile: &Profile, at: Timestamp) -> Amount {
        let instant = self.basis_instant(profile, at);
        if instant <= self.settled_until && profile.closed_windows_only() {
            Amount::ZERO
        } else {
            self.meters.accrued(instant)
        }
    }

    /// The part of the shown balance that expires within `horizon_seconds`, after accrued time has
    /// drawn its part of it.
    pub fn lapsing_within(&self, profile: &Profile, at: Timestamp, horizon_seconds: i64) -> Amount {
        let until = self.basis_instant(profile, at).plus_seconds(horizon_seconds);
        let unpaid = self.basis_accrued(profile, at);
        let mut drawn = self.draws_of(unpaid, self.basis_instant(profile, at));
        let mut lapsing = Amount::ZERO;
        for grant in self.grants.iter() {
            let part = drawn(grant);
            if grant.lapses_at(self.purchased_until()) <= until {
                lapsing = lapsing.plus(grant.remaining).minus(part);
            }
        }
        lapsing
    }

    /// What the `accrued` time until `at` draws of each grant, asked for in burn order.
    pub(crate) fn draws_of(
        &self,
        accrued: Amount,
        at: Timestamp,
    ) -> impl FnMut(&OpenGrant) -> Amount + use<> {
        let is_scoped = self.is_scoped() && accrued.is_positive();
        let by_cover = is_scoped.then(|| self.drawn_until(at));
        let mut unpaid = accrued;
        move |grant| {
            let pool = grant.unreserved().min(unpaid);
            let part = by_cover.as_ref().map_or(pool, |drawn| drawn.of(grant.number));
            unpaid = unpaid.minus(part);
            part
        }
    }

    pub fn balance(&self, profile: &Profile, at: Timestamp) -> Balance {
        Balance {
            as_of: at,
            posted: self.posted(),
            accrued: self.meters.accrued(at.floor_to_second()),
            held: self.held(at),
            available: self.available(profile, at),
            shown: self.shown(profile, at),
            burn_per_hour: self.burn_round_half_even(SECONDS_PER_HOUR),
            runs_out_at: self.run_out().min(self.block_out()),
        }
    }

    /// What `seconds` of everything that runs cost, blocks on the average.
    pub fn burn_round_half_even(&self, seconds: i64) -> Amount {
        let burn = self.meters.burn_round_half_even(seconds);
        if self.blocks.is_empty() {
            return burn;
        }
        burn.checked_add(self.blocks.burn_round_half_even(seconds)).unwrap_or(Amount::MAX)
    }

    /// The last whole second that everything which accrues can be paid for (rulings R3, R10);
    /// this very second while the wallet is frozen (rulings R18); [`Timestamp::NEVER`] when nothing
    /// that zero stops is accruing. Blocks to come do not count: the one that is not payable then
    /// is not started.
    pub fn run_out(&self) -> Timestamp {
        if self.stoppable_count == 0 {
            return Timestamp::NEVER;
        }
        if self.is_scoped() {
            return self.first_stop();
        }
        if self.is_frozen() {
            return self.now.floor_to_second();
        }
        self.last_second_at_or_above(Amount::ZERO, Usable::Unreserved, 0)
    }

    /// The last whole second at which the shown balance is not below `floor`, when everything goes
    /// on as it does now and grants go `horizon_seconds` before they expire.
    pub(crate) fn last_second_shown(
        &self,
        profile: &Profile,
        floor: Amount,
        horizon_seconds: i64,
    ) -> Timestamp {
        if self.is_scoped() {
            let is_owed = profile.overdraft != Overdraft::Absorb;
            return self.last_second_above(floor, is_owed, horizon_seconds);
        }
        self.last_second_at_or_above(floor, Usable::All, horizon_seconds)
    }

    /// The last whole second at which grants − debt − accrued is at least `floor`, drawing in burn
    /// order and letting grants go `horizon_seconds` before they expire.
    pub fn last_second_at_or_above(
        &self,
        floor: Amount,
        usable: Usable,
        horizon_seconds: i64,
    ) -> Timestamp {
        let outlook = Outlook::new(self, usable, horizon_seconds);
        let spent = |at| self.meters.accrued(at);
        outlook.last_second(floor, spent, |limit| self.meters.last_second_within(limit))
    }

    /// The first block start that cannot be paid when everything goes on as it does now (rulings
    /// R10); [`Timestamp::NEVER`] when there is none. With more phases than a wallet keeps apart,
    /// it may be up to a block too early, never too late.
    pub fn block_out(&self) -> Timestamp {
        if self.blocks.is_empty() {
            return Timestamp::NEVER;
        }
        if self.is_scoped() {
            return self.first_unpaid_block();
        }
        let from = self.meters.accrued_until.max(self.now.floor_to_second());
        let spent = |at: Timestamp| self.meters.accrued(at).plus(self.blocks.cost_until(at));
        let outlook = Outlook::new(self, Usable::Unreserved, 0);
        let last = outlook
            .last_second(Amount::ZERO, spent, |limit| last_second(from, |at| spent(at) <= limit));
        if last == Timestamp::NEVER { last } else { self.blocks.first_start_after(last, |_| true) }
    }

    /// What can be spent at `at`, an instant to come, if nothing but time goes by until then.
    pub fn payable_at(&self, at: Timestamp) -> Amount {
        let mut outlook = Outlook::new(self, Usable::Unreserved, 0);
        let spent = |at: Timestamp| self.meters.accrued(at.floor_to_second());
        while let Some(turn) = Some(outlook.next_turn()).filter(|&turn| turn <= at) {
            outlook.pass(turn, spent(turn));
        }
        outlook.limit(Amount::ZERO).minus(spent(at)).minus(self.launch_held_round_half_even(at))
    }
}

/// A wallet looked at ahead of time: its grants as running time draws them, expiry takes them and
/// later ones begin (rulings R10).
struct Outlook<'a> {
    wallet: &'a Wallet,
    /// In burn order.
    grants: Vec<Ahead>,
    /// Accrued time that lapsed grants and the ones above have paid for.
    drawn: Amount,
}

/// A grant looked at ahead of time.
struct Ahead {
    /// Until then it pays for nothing; [`Timestamp::ZERO`] when it has begun.
    begins: Timestamp,
    lapses: Timestamp,
    left: Amount,
    /// The part of `left` that running time may draw: not what holds have set aside.
    free: Amount,
}

impl<'a> Outlook<'a> {
    fn new(wallet: &'a Wallet, usable: Usable, horizon_seconds: i64) -> Outlook<'a> {
        let left = |grant: &OpenGrant| match usable {
            Usable::Unreserved => grant.unreserved(),
            Usable::All => grant.remaining,
        };
        let purchased_until = wallet.purchased_until();
        let lapses = |grant: &OpenGrant| match grant.lapses_at(purchased_until) {
            Timestamp::NEVER => Timestamp::NEVER,
            at => at.plus_seconds(-horizon_seconds).max(wallet.now),
        };
        let ahead = |begins: Timestamp, grant: &OpenGrant| Ahead {
            begins,
            lapses: lapses(grant),
            left: left(grant),
            free: grant.unreserved(),
        };
        let open = wallet.grants.iter().map(|grant| (Timestamp::ZERO, grant));
        let mut grants: Vec<Ahead> = Vec::with_capacity(wallet.grants.len());
        if wallet.upcoming.is_empty() {
            grants.extend(open.map(|(begins, grant)| ahead(begins, grant)));
        } else {
            let upcoming = wallet.upcoming.iter().map(|it| (it.effective_at, &it.grant));
            let mut all: Vec<(Timestamp, &OpenGrant)> = open.chain(upcoming).collect();
            all.sort_by_key(|(_, grant)| grant.burn_key());
            grants.extend(all.into_iter().map(|(begins, grant)| ahead(begins, grant)));
        }
        Outlook { wallet, grants, drawn: Amount::ZERO }
    }

    /// How much time may have accrued in all before less than `floor` is left.
    fn limit(&self, floor: Amount) -> Amount {
        let begun = self.grants.iter().filter(|grant| grant.begins == Timestamp::ZERO);
        let left: Amount = begun.map(|grant| grant.left).sum();
        self.drawn.plus(left).minus(self.wallet.debt).minus(floor)
    }

    /// When the next grant begins or lapses.
    fn next_turn(&self) -> Timestamp {
        let turn = |grant: &Ahead| match grant.begins {
            Timestamp::ZERO => grant.lapses,
            begins => begins,
        };
        self.grants.iter().map(turn).min().unwrap_or(Timestamp::NEVER)
    }

    /// The last whole second at which no more than the limit is `spent`, which `last_within`
    /// answers for a limit that does not change.
    fn last_second(
        mut self,
        floor: Amount,
        spent: impl Fn(Timestamp) -> Amount,
        last_within: impl Fn(Amount) -> Timestamp,
    ) -> Timestamp {
        loop {
            let last = last_within(self.limit(floor));
            let turn = self.next_turn();
            // What begins within the first second that the others do not pay pays for it.
            if turn == Timestamp::NEVER || last.plus_seconds(1) <= turn {
                return last;
            }
            let spent = spent(turn.floor_to_second());
            self.pass(turn, spent);
            if self.limit(floor) < spent {
                // Crossings are whole seconds (rulings R1), also when a grant expires within one.
                return Timestamp::from_micros(turn.micros() - 1).floor_to_second();
            }
        }
    }

    /// Draws what was `spent` in all until `turn`, then lets go what lapses and takes up what
    /// begins.
    fn pass(&mut self, turn: Timestamp, spent: Amount) {
        let mut unpaid = spent.minus(self.drawn);
        for grant in self.grants.iter_mut().filter(|grant| grant.begins == Timestamp::ZERO) {
            let part = grant.free.min(unpaid).or_zero();
            grant.left = grant.left.minus(part);
            grant.free = grant.free.minus(part);
            unpaid = unpaid.minus(part);
            self.drawn = self.drawn.plus(part);
        }
        self.grants.retain(|grant| grant.lapses > turn);
        for grant in self.grants.iter_mut().filter(|grant| grant.begins <= turn) {
            grant.begins = Timestamp::ZERO;
        }
    }
}
