//! Auto top-up: the rule that charges a saved payment method when the balance is low (rulings R13).
//!
//! Laws: at most one attempt is in flight, and one whose outcome is not known counts as one; what
//! is asked for in a day and in a month of the organization stays within the caps (requirements
//! N14); what a rule will ask for is what its preview said (requirements C20).

use std::fmt::Display;

use crate::block::NextBlock;
use crate::deposit::{Deposit, DepositLabel, DepositState, decline};
use crate::event::{EventKind, Request};
use crate::profile::{Profile, TopUpSize};
use crate::settle::tell;
use crate::tax::on_deposit;
use crate::wake::crossing;
use crate::wallet::Wallet;
use crate::workset::Workset;
use crate::{Amount, Kind, OrgId, Refusal, Timestamp};

const NANOS_PER_CENT: i64 = 10_000_000;

/// The rule of a wallet, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutoTopUp {
    /// Asks when the shown balance is below this.
    pub threshold: Amount,
    /// What is charged, or what the balance is brought to, by the size of the profile.
    pub amount: Amount,
    pub method: i64,
    pub enabled: bool,
    /// The customer's own caps; those of the profile hold beside them.
    pub caps: Caps,
    /// The attempt that has not ended yet.
    pub in_flight: Option<i64>,
    /// When the attempt in flight is looked at by itself: its payer has had time enough to confirm
    /// it, or its rail is asked what became of it.
    pub in_flight_due: Option<Timestamp>,
    /// When the last attempt was made; cooldowns count from here.
    pub attempted_at: Option<Timestamp>,
    pub asked: Asked,
    /// Until when a cap keeps the rule from asking; people have been told.
    pub paused_until: Option<Timestamp>,
}

/// How much a rule may ask for; nothing said means no end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    pub daily_attempts_max: Option<i64>,
    pub monthly_amount_max: Option<Amount>,
}

/// What was asked for in the day and the month of the last attempt, in the organization's zone.
/// What a rail declined counts as an attempt and not as money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    pub day_end: Timestamp,
    pub day_attempts: i64,
    pub month_end: Timestamp,
    pub month_amount: Amount,
}

/// Which cap keeps a rule from asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cap {
    DailyAttempts,
    MonthlyAmount,
}

impl Cap {
    pub const fn name(self) -> &'static str {
        match self {
            Cap::DailyAttempts => "daily_attempts",
            Cap::MonthlyAmount => "monthly_amount",
        }
    }
}

/// The most attempts in a day that a rule can be capped at.
const DAILY_ATTEMPTS_MAX: i64 = 288;
/// No cap of a month is above this.
const MONTHLY_AMOUNT_MAX: Amount = Amount::from_units(1_000_000);

/// What saving a rule will do (requirements C20).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preview {
    /// When it asks first if everything goes on as now; never, when nothing brings it there.
    pub first_at: Timestamp,
    /// What it asks for then; from an empty wallet, when it is not asked for now.
    pub charge: Amount,
    /// So many charges in a row bring the balance to the threshold, at most.
    pub charges_max: i64,
    /// What lies between two of them.
    pub every_seconds: i64,
}

impl Caps {
    /// Both caps at once: the tighter of each.
    pub fn and(self, other: Caps) -> Caps {
        fn tighter<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
            one.into_iter().chain(other).min()
        }
        Caps {
            daily_attempts_max: tighter(self.daily_attempts_max, other.daily_attempts_max),
            monthly_amount_max: tighter(self.monthly_amount_max, other.monthly_amount_max),
        }
    }
}

impl Asked {
    /// The same, as far as it counts at `at`.
    fn at(self, wallet: &Wallet, at: Timestamp) -> Asked {
        let (day, month) = (at < self.day_end, at < self.month_end);
        Asked {
            day_end: if day { self.day_end } else { wallet.zone.day_end(at) },
            day_attempts: if day { self.day_attempts } else { 0 },
            month_end: if month { self.month_end } else { wallet.zone.month_end(at) },
            month_amount: if month { self.month_amount } else { Amount::ZERO },
        }
    }
}

impl AutoTopUp {
    /// A rule that has not done anything yet.
    pub fn new(threshold: Amount, amount: Amount, method: i64, enabled: bool) -> AutoTopUp {
        AutoTopUp {
            threshold,
            amount,
            method,
            enabled,
            caps: Caps::default(),
            in_flight: None,
            in_flight_due: None,
            attempted_at: None,
            asked: Asked::default(),
            paused_until: None,
        }
    }

    /// The same settings in place of those of `before`: what was asked for goes on counting, and
    /// what is in flight stays there.
    pub fn replacing(self, before: Option<AutoTopUp>) -> AutoTopUp {
        let Some(before) = before else { return self };
        AutoTopUp {
            in_flight: before.in_flight,
            in_flight_due: before.in_flight_due,
            attempted_at: before.attempted_at,
            asked: before.asked,
            ..self
        }
    }

    /// Refuses settings that the profile does not let a rule have, by their names.
    ///
    /// Errors, in order: `not_in_profile`, `setting_out_of_range` (threshold, amount, daily
    /// attempts, monthly amount), `amount_too_precise`.
    pub fn require_allowed(&self, profile: &Profile) -> Result<(), Refusal> {
        let bounds = profile.auto_top_up_bounds();
        let bounds = bounds.ok_or(Refusal::NotInProfile { feature: "auto top-up" })?;
        let caps = profile.auto_top_up_caps();
        require_within("threshold", self.threshold, bounds.threshold_min, bounds.threshold_max)?;
        let (mut min, mut max) = (bounds.amount_min, bounds.amount_max);
        match profile.auto_top_up_size {
            // A charge that no month has room for would never be made.
            TopUpSize::Fixed => max = caps.monthly_amount_max.map_or(max, |most| most.min(max)),
            // A target that is not above the threshold would never end it.
            TopUpSize::ToTarget => {
                min = min.max(ceil_to_cents(self.threshold.plus(Amount::from_nanos(1))));
            }
        }
        require_within("amount", self.amount, min, max)?;
        if let Some(most) = self.caps.daily_attempts_max {
            let max = caps.daily_attempts_max.unwrap_or(DAILY_ATTEMPTS_MAX);
            require_within("daily_attempts_max", most, 1, max)?;
        }
        if let Some(most) = self.caps.monthly_amount_max {
            let min = match profile.auto_top_up_size {
                TopUpSize::Fixed => self.amount,
                TopUpSize::ToTarget => profile.deposit_min,
            };
            let max = caps.monthly_amount_max.unwrap_or(MONTHLY_AMOUNT_MAX);
            require_within("monthly_amount_max", most, min, max)?;
        }
        let is_whole = self.amount.nanos() % NANOS_PER_CENT == 0;
        if is_whole { Ok(()) } else { Err(Refusal::AmountTooPrecise) }
    }

    /// What an attempt asks for when the balance is `shown`.
    pub fn charge(&self, profile: &Profile, shown: Amount) -> Amount {
        match profile.auto_top_up_size {
            TopUpSize::Fixed => self.amount,
            TopUpSize::ToTarget => {
                let missing = self.amount.checked_sub(shown).unwrap_or(Amount::MAX);
                ceil_to_cents(missing.min(profile.deposit_max)).max(profile.deposit_min)
            }
        }
    }

    fn caps(&self, profile: &Profile) -> Caps {
        self.caps.and(profile.auto_top_up_caps())
    }

    /// The cap that an attempt at `at` for `charge` would break, and when it begins anew.
    fn reached(
        &self,
        wallet: &Wallet,
        profile: &Profile,
        charge: Amount,
        at: Timestamp,
    ) -> Option<(Cap, Timestamp)> {
        let (caps, asked) = (self.caps(profile), self.asked.at(wallet, at));
        let sum = asked.month_amount.checked_add(with_tax(wallet, charge)).unwrap_or(Amount::MAX);
        if caps.monthly_amount_max.is_some_and(|most| sum > most) {
            return Some((Cap::MonthlyAmount, asked.month_end));
        }
        let is_spent = caps.daily_attempts_max.is_some_and(|most| asked.day_attempts >= most);
        is_spent.then_some((Cap::DailyAttempts, asked.day_end))
    }
}

fn require_within<T: Ord + Display>(
    setting: &'static str,
    value: T,
    min: T,
    max: T,
) -> Result<(), Refusal> {
    if (&min..=&max).contains(&&value) {
        return Ok(());
    }
    Err(Refusal::SettingOutOfRange { setting, min: min.to_string(), max: max.to_string() })
}

/// What a payment method is asked for: credit, and the tax that is due on it (rulings R19).
fn with_tax(wallet: &Wallet, credit: Amount) -> Amount {
    credit.checked_add(on_deposit(wallet.tax, credit).amount).unwrap_or(Amount::MAX)
}

fn ceil_to_cents(amount: Amount) -> Amount {
    let over = amount.nanos().rem_euclid(NANOS_PER_CENT);
    let more = if over == 0 { 0 } else { NANOS_PER_CENT - over };
    amount.checked_add(Amount::from_nanos(more)).unwrap_or(amount)
}

/// When the rule of `wallet` does something by itself next.
pub(crate) fn due(wallet: &Wallet, profile: &Profile) -> Timestamp {
    let Some(rule) = &wallet.auto_top_up else { return Timestamp::NEVER };
    if rule.in_flight.is_some() {
        return rule.in_flight_due.map_or(Timestamp::NEVER, |due| due.max(wallet.now));
    }
    // Under a profile without auto top-up a rule rests (requirements C23).
    if !rule.enabled || !profile.auto_top_up {
        return Timestamp::NEVER;
    }
    let wanted = wanted_at(wallet, profile, rule);
    rule.paused_until.map_or(wanted, |until| wanted.max(until))
}

/// When the balance will be low enough, and the cooldown over.
fn wanted_at(wallet: &Wallet, profile: &Profile, rule: &AutoTopUp) -> Timestamp {
    let cooled = match rule.attempted_at {
        Some(at) => at.plus_seconds(profile.auto_top_up_cooldown_seconds),
        None => wallet.now,
    };
    if wallet.shown(profile, wallet.now) < rule.threshold {
        return cooled.max(wallet.now);
    }
    let short = block_shortfall(wallet, profile);
    if !wallet.meters.is_running() {
        return short.max(cooled);
    }
    crossing(wallet, profile, rule.threshold, 0).min(short).max(cooled)
}

/// When it is time to ask for money, because the next block cannot be paid (rulings R13).
fn block_shortfall(wallet: &Wallet, profile: &Profile) -> Timestamp {
    let is_short = |next: NextBlock| match wallet.is_scoped() {
        true => wallet.block_out() <= next.at,
        false => wallet.payable_at(next.at.max(wallet.now)) < next.amount,
    };
    match wallet.blocks.next {
        Some(next) if is_short(next) => {
            next.at.plus_seconds(-profile.block_lookahead_seconds).max(wallet.now)
        }
        _ => Timestamp::NEVER,
    }
}

/// Does what is due at `at`: asks for money, asks what became of an attempt, or gives up on a payer
/// who did not confirm. What is asked of a rail is asked at `asked_at`, after an outage the real
/// present (rulings R7).
pub(crate) fn review(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    at: Timestamp,
    asked_at: Timestamp,
) -> Result<(), Refusal> {
    let wallet = ws.wallet(org)?;
    let Some(rule) = wallet.auto_top_up.as_ref().filter(|_| due(wallet, profile) <= at) else {
        return Ok(());
    };
    if let Some(deposit) = rule.in_flight {
        return tend(ws, org, profile, deposit, (at, asked_at));
    }
    let charge = rule.charge(profile, wallet.shown(profile, at));
    match rule.reached(wallet, profile, charge, asked_at) {
        Some((cap, until)) => pause(ws, org, cap, until, at),
        None => ask(ws, org, charge, asked_at),
    }
}

/// Looks at an attempt that nobody has answered in time (requirements N13, rulings R23).
fn tend(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    number: i64,
    (at, asked_at): (Timestamp, Timestamp),
) -> Result<(), Refusal> {
    let deposit = ws.deposits.find(Kind::Deposit, org, number)?.clone();
    if deposit.state == DepositState::NeedsAuthentication {
        return decline(ws, org, deposit, "authentication timed out".into(), at).map(|_| ());
    }
    if let Some(rule) = &mut ws.wallet_mut(org)?.auto_top_up {
        rule.in_flight_due = Some(asked_at.plus_seconds(profile.payment_read_back_seconds));
    }
    ws.append_request(Request::ReadPayment { org, deposit: number });
    Ok(())
}

/// Stops asking until a cap begins anew, and says so once.
fn pause(
    ws: &mut Workset,
    org: OrgId,
    cap: Cap,
    until: Timestamp,
    at: Timestamp,
) -> Result<(), Refusal> {
    if let Some(rule) = &mut ws.wallet_mut(org)?.auto_top_up {
        rule.paused_until = Some(until);
    }
    let fields = vec![("cap", cap.name().to_owned()), ("until", until.to_string())];
    tell(ws, org, EventKind::AutoTopUpPaused, at, fields)
}

/// Makes an attempt: a deposit that waits, and the request to charge it.
fn ask(ws: &mut Workset, org: OrgId, charge: Amount, at: Timestamp) -> Result<(), Refusal> {
    let wallet = ws.wallet(org)?;
    let Some(mut rule) = wallet.auto_top_up.clone() else { return Ok(()) };
    let asked = rule.asked.at(wallet, at);
    let rail = ws.methods.find(Kind::PaymentMethod, org, rule.method)?.rail.clone();
    let wallet = ws.wallet_mut(org)?;
    let number = wallet.take_number();
    rule.in_flight = Some(number);
    rule.in_flight_due = None;
    rule.attempted_at = Some(at);
    rule.paused_until = None;
    let tax = on_deposit(wallet.tax, charge);
    let charged = charge.checked_add(tax.amount).unwrap_or(Amount::MAX);
    let month_amount = asked.month_amount.checked_add(charged).unwrap_or(Amount::MAX);
    rule.asked = Asked { day_attempts: asked.day_attempts + 1, month_amount, ..asked };
    let method = Some(rule.method);
    wallet.auto_top_up = Some(rule);
    let label = DepositLabel::AutoTopUp;
    let deposit = Deposit { tax, label, method, ..Deposit::pending(number, charge, rail, at) };
    ws.deposits.put(org, number, deposit);
    ws.append_request(Request::ChargeMethod { org, deposit: number });
    Ok(())
}

/// How an attempt in flight is left waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// For its payer.
    ForAuthentication,
    /// For a rail that has not said what became of it.
    ForOutcome,
}

/// Keeps an attempt in flight, so that nothing is charged twice, and notes when it is looked at
/// again.
pub fn wait(
    ws: &mut Workset,
    org: OrgId,
    deposit: i64,
    waiting: Waiting,
    now: Timestamp,
) -> Result<(), Refusal> {
    let profile = ws.profile_of(org)?;
    let seconds = match waiting {
        Waiting::ForAuthentication => profile.authentication_timeout_seconds,
        Waiting::ForOutcome => profile.payment_read_back_seconds,
    };
    if let Some(rule) = &mut ws.wallet_mut(org)?.auto_top_up
        && rule.in_flight == Some(deposit)
    {
        rule.in_flight_due = Some(now.plus_seconds(seconds));
    }
    Ok(())
}

/// Notes that `deposit` has ended: its attempt is not in flight any more. The day goes on counting
/// it; the month does not count money that its rail has refused to move.
pub(crate) fn end_attempt(wallet: &mut Wallet, before: DepositState, deposit: &Deposit) {
    let same_month = wallet.zone.month_end(deposit.created_at);
    let Some(rule) = &mut wallet.auto_top_up else { return };
    if rule.in_flight == Some(deposit.number) {
        (rule.in_flight, rule.in_flight_due) = (None, None);
    }
    if deposit.label != DepositLabel::AutoTopUp || same_month != rule.asked.month_end {
        return;
    }
    // A payment that nobody confirmed in time may still be confirmed: it goes on counting.
    let may_come = before == DepositState::NeedsAuthentication;
    if deposit.state == DepositState::Failed && !may_come {
        rule.asked.month_amount = rule.asked.month_amount.minus(deposit.charged()).or_zero();
    }
}

/// Says what saving `rule` in `wallet` will do at `at` (requirements C20). A charge in a row comes
/// when the cooldown of the one before is over and the balance is still below the threshold.
pub fn preview(wallet: &Wallet, profile: &Profile, rule: AutoTopUp, at: Timestamp) -> Preview {
    let now = wallet.now.max(at);
    let rule = AutoTopUp { enabled: true, paused_until: None, ..rule };
    let wallet = Wallet { auto_top_up: Some(rule.clone()), now, ..wallet.clone() };
    // Nobody knows what comes before an attempt in flight has ended.
    let is_free = rule.in_flight.is_none();
    let mut first_at = if is_free { due(&wallet, profile) } else { Timestamp::NEVER };
    let shown = wallet.shown(profile, now);
    let floor = if shown < rule.threshold { shown } else { Amount::ZERO };
    let charge = rule.charge(profile, floor);
    if first_at != Timestamp::NEVER
        && let Some((_, until)) = rule.reached(&wallet, profile, charge, first_at)
    {
        first_at = first_at.max(until);
    }
    let from = if first_at == Timestamp::NEVER { now } else { first_at };
    let (caps, asked) = (rule.caps(profile), rule.asked.at(&wallet, from));
    let missing = i128::from(rule.threshold.nanos()) - i128::from(floor.nanos());
    let size = i128::from(charge.nanos()).max(1);
    let mut most = ((missing + size - 1) / size).max(1);
    if let Some(attempts) = caps.daily_attempts_max {
        most = most.min(i128::from(attempts - asked.day_attempts));
    }
    if let Some(amount) = caps.monthly_amount_max {
        let left = i128::from(amount.nanos()) - i128::from(asked.month_amount.nanos());
        most = most.min(left / i128::from(with_tax(&wallet, charge).nanos()).max(1));
    }
    Preview {
        first_at,
        charge,
        charges_max: i64::try_from(most.max(0)).unwrap_or(i64::MAX),
        every_seconds: profile.auto_top_up_cooldown_seconds,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::{GrantKind, OpenGrant, PRIORITY_DEFAULT};

    fn units(units: i64) -> Amount {
        Amount::from_units(units)
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn wallet(left: i64) -> Wallet {
        let org = OrgId::new(1, 1 << 60);
        let mut wallet = Wallet::new(org, org, at("2026-01-31T22:00:00Z"));
        wallet.grants.insert(OpenGrant {
            number: 2,
            kind: GrantKind::Purchased,
            priority: PRIORITY_DEFAULT,
            expires_at: Timestamp::NEVER,
            purchase: None,
            remaining: units(left),
            reserved: Amount::ZERO,
            scope: None,
        });
        wallet
    }

    fn capped(attempts: Option<i64>, amount: Option<i64>) -> Profile {
        Profile {
            auto_top_up_daily_attempts_max: attempts,
            auto_top_up_monthly_amount_max: amount.map(units),
            ..Profile::default()
        }
    }

    fn rule(threshold: i64, amount: i64) -> AutoTopUp {
        AutoTopUp::new(units(threshold), units(amount), 3, true)
    }

    #[test]
    fn settings_are_refused_by_name() {
        let check = |profile: &Profile, rule: AutoTopUp, refused: Option<&str>| {
            let refusal = rule.require_allowed(profile).err();
            let setting = refusal.as_ref().map(|refusal| match refusal {
                Refusal::SettingOutOfRange { setting, .. } => *setting,
                other => other.code(),
            });
            assert_eq!(setting, refused, "{rule:?}");
        };
        let free = Profile::default();
        let with = |rule: AutoTopUp, attempts: Option<i64>, amount: Option<i64>| AutoTopUp {
            caps: Caps {
                daily_attempts_max: attempts,
                monthly_amount_max: amount.map(Amount::from_units),
            },
            ..rule
        };
        check(&free, rule(5, 5), None);
        check(&free, rule(500, 5_000), None);
        check(&free, rule(4, 4), Some("threshold"));
        check(&free, rule(501, 5), Some("threshold"));
        check(&free, rule(5, 4), Some("amount"));
        check(&capped(None, Some(50)), rule(5, 51), Some("amount"));
        check(&free, with(rule(5, 20), Some(0), None), Some("daily_attempts_max"));
        check(&free, with(rule(5, 20), Some(288), Some(20)), None);
        check(&capped(Some(2), None), with(rule(5, 20), Some(3), None), Some("daily_attempts_max"));
        check(&free, with(rule(5, 20), None, Some(19)), Some("monthly_amount_max"));
        check(
            &capped(None, Some(50)),
            with(rule(5, 20), None, Some(51)),
            Some("monthly_amount_max"),
        );
        let thin = AutoTopUp { amount: Amount::from_nanos(5_000_000_001), ..rule(5, 5) };
        check(&free, thin, Some("amount_too_precise"));
        let target = Profile { auto_top_up_size: TopUpSize::ToTarget, ..free };
        check(&target, rule(20, 20), Some("amount"));
        check(&target, rule(20, 21), None);
        let off = Profile { auto_top_up: false, ..Profile::default() };
        check(&off, rule(5, 5), Some("not_in_profile"));
    }

    #[test]
    fn a_target_is_reached_in_whole_cents_and_with_no_less_than_a_deposit() {
        let profile = Profile { auto_top_up_size: TopUpSize::ToTarget, ..Profile::default() };
        let check = |shown: i64, expected: i64| {
            let charge = rule(20, 50).charge(&profile, Amount::from_nanos(shown));
            assert_eq!(charge, Amount::from_nanos(expected), "{shown}");
        };
        check(19_990_000_000, 30_010_000_000);
        check(19_995_000_000, 30_010_000_000);
        check(0, 50_000_000_000);
        check(-1, 50_010_000_000);
        check(49_999_999_999, 1_000_000_000);
        check(60_000_000_000, 1_000_000_000);
        check(i64::MIN + 1, 10_000_000_000_000);
    }

    #[test]
    fn caps_count_in_the_day_and_month_of_the_organization() {
        let (mut wallet, zone) = (wallet(1), crate::calendar::Zone::named("Europe/Berlin"));
        wallet.zone = zone.unwrap();
        let asked = Asked {
            day_end: at("2026-01-31T23:00:00Z"),
            day_attempts: 2,
            month_end: at("2026-01-31T23:00:00Z"),
            month_amount: units(40),
        };
        let check = |profile: &Profile, now: &str, expected: Option<(Cap, &str)>| {
            let rule = AutoTopUp { asked, ..rule(20, 15) };
            let found = rule.reached(&wallet, profile, units(15), at(now));
            assert_eq!(found, expected.map(|(cap, until)| (cap, at(until))), "{now}");
        };
        let (last, first) = ("2026-01-31T22:59:59Z", "2026-01-31T23:00:00Z");
        check(&capped(None, None), last, None);
        check(&capped(Some(3), Some(55)), last, None);
        check(&capped(Some(2), None), last, Some((Cap::DailyAttempts, first)));
        check(&capped(Some(2), None), first, None);
        check(&capped(None, Some(54)), last, Some((Cap::MonthlyAmount, first)));
        check(&capped(None, Some(54)), first, None);
        check(&capped(None, Some(14)), first, Some((Cap::MonthlyAmount, "2026-02-28T23:00:00Z")));
    }

    #[test]
    fn a_preview_says_when_how_much_and_how_often() {
        let check = |left, profile: &Profile, rule: AutoTopUp, expected: (bool, i64, i64)| {
            let wallet = wallet(left);
            let found = preview(&wallet, profile, rule, wallet.now);
            let now = found.first_at == wallet.now;
            let charge = units(expected.1);
            assert_eq!((now, found.charge, found.charges_max), (expected.0, charge, expected.2));
        };
        let free = Profile::default();
        // At the threshold is not below it: nothing now, and from zero so many.
        check(20, &free, rule(20, 15), (false, 15, 2));
        check(19, &free, rule(20, 15), (true, 15, 1));
        check(1, &free, rule(500, 15), (true, 15, 34));
        check(1, &capped(Some(3), None), rule(500, 15), (true, 15, 3));
        check(1, &capped(None, Some(100)), rule(500, 15), (true, 15, 6));
        let target = Profile { auto_top_up_size: TopUpSize::ToTarget, ..free.clone() };
        check(1, &target, rule(20, 50), (true, 49, 1));
        check(30, &target, rule(20, 50), (false, 50, 1));
        let flying = AutoTopUp { in_flight: Some(9), ..rule(20, 15) };
        check(1, &free, flying, (false, 15, 2));
    }
}
