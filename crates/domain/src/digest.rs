//! Digests: what was spent in a day or a week, told at the hour that the profile names
//! (requirements N20, D12b).
//!
//! Laws: every charge is of exactly one day and one week, by when it was posted; local midnight is
//! a settlement instant, so time is of the day in which it ran (rulings R22); the SKUs of a digest
//! and what is `other` add up to what was spent. A wallet that did nothing is told nothing, and has
//! nothing to remember. After an outage the digests that were missed are one; on a test clock none
//! is missed, so each comes at its own hour (rulings R7).

use crate::calendar::Zone;
use crate::event::EventKind;
use crate::profile::{Digest, Profile};
use crate::run::Run;
use crate::settle::{Draft, settle_to, tell};
use crate::time::SECONDS_PER_HOUR;
use crate::wake::settled_by_others;
use crate::wallet::Wallet;
use crate::workset::Workset;
use crate::{Amount, OrgId, Refusal, Timestamp};

/// A digest names so many SKUs at most: a wallet is small. The rest is `other`.
pub const SKUS_MAX: usize = 6;
/// With more open runs a day is not told by what ran: they would all be read at midnight.
pub const RUNS_MAX: i64 = 1_000;

/// What was charged, and for which SKUs as far as they have room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    pub total: Amount,
    /// By number of the SKU, in the order in which they were first used.
    pub skus: Vec<(i64, Amount)>,
}

impl Spent {
    fn note(&mut self, sku: i64, amount: Amount) {
        if let Some((_, spent)) = self.skus.iter_mut().find(|(other, _)| *other == sku) {
            *spent = spent.plus(amount);
        } else if self.skus.len() < SKUS_MAX && !amount.is_zero() {
            self.skus.push((sku, amount));
        }
    }

    fn add(&mut self, other: &Spent) {
        self.total = self.total.plus(other.total);
        other.skus.iter().for_each(|&(sku, amount)| self.note(sku, amount));
    }
}

/// A digest of `[from, until)` that waits for its hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub from: Timestamp,
    pub until: Timestamp,
    pub tell_at: Timestamp,
    /// It is of the ledger transactions after one number, up to and with another: those of midnight
    /// itself are told apart by that.
    pub after: i64,
    pub through: i64,
    pub spent: Spent,
}

/// What a wallet remembers for its digests, while it does something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// The local day that is being counted.
    pub day_from: Timestamp,
    pub day_end: Timestamp,
    /// The ledger transaction before it.
    pub day_after: i64,
    pub day: Spent,
    /// The days of the present week that are over; weeks begin on Monday.
    pub week_from: Timestamp,
    pub week_after: i64,
    pub week: Spent,
    pub daily: Option<Waiting>,
    pub weekly: Option<Waiting>,
}

impl Tally {
    fn begin(zone: &Zone, at: Timestamp, after: i64) -> Tally {
        Tally {
            day_from: zone.day_start(at),
            day_end: zone.day_end(at),
            day_after: after,
            day: Spent::default(),
            week_from: zone.week_start(at),
            week_after: after,
            week: Spent::default(),
            daily: None,
            weekly: None,
        }
    }

    /// Counts a charge that was posted.
    pub fn count(&mut self, amount: Amount) {
        self.day.total = self.day.total.plus(amount);
    }

    fn turn(&mut self, before: Digest, after: Digest) {
        if !after.is_daily() {
            self.daily = None;
        }
        if !after.is_weekly() || !before.is_weekly() {
            self.weekly = None;
            (self.week_from, self.week_after) = (self.day_from, self.day_after);
            self.week = Spent::default();
        }
    }

    fn is_idle(&self) -> bool {
        let is_empty = |spent: &Spent| spent.total.is_zero();
        self.daily.is_none() && self.weekly.is_none() && is_empty(&self.day) && is_empty(&self.week)
    }
}

/// When a day ends, or a digest is told.
pub fn next_digest(wallet: &Wallet) -> Timestamp {
    let Some(tally) = &wallet.tally else { return Timestamp::NEVER };
    let waiting = [&tally.daily, &tally.weekly].into_iter().flatten();
    waiting.map(|it| it.tell_at).min().unwrap_or(Timestamp::NEVER).min(tally.day_end)
}

/// Lets a wallet of a platform with digests count from now on.
pub(crate) fn begin_tally(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    at: Timestamp,
) -> Result<(), Refusal> {
    if profile.digest != Digest::Off && ws.wallet(org)?.tally.is_none() {
        let wallet = ws.wallet_mut(org)?;
        wallet.tally = Some(Box::new(Tally::begin(&wallet.zone, at, wallet.tip.number)));
    }
    Ok(())
}

/// Lets a wallet count under another setting from `at` on: what was to be told under the one before
/// only is not told any more, and what runs is counted from now on (requirements C23).
pub(crate) fn turn_tally(
    ws: &mut Workset,
    org: OrgId,
    (before, after): (Digest, Digest),
    at: Timestamp,
) -> Result<(), Refusal> {
    if before == after {
        return Ok(());
    }
    let wallet = ws.wallet_mut(org)?;
    if after == Digest::Off {
        wallet.tally = None;
    }
    if let Some(tally) = &mut wallet.tally {
        tally.turn(before, after);
    } else if after != Digest::Off && wallet.running_count > 0 {
        let begun = Tally::begin(&wallet.zone, at, wallet.tip.number);
        wallet.tally = Some(Box::new(Tally { day_from: at, week_from: at, ..begun }));
    }
    Ok(())
}

/// Notes that `amount` of what is charged is for a SKU, where the wallet counts.
pub fn note_sku(ws: &mut Workset, org: OrgId, sku: i64, amount: Amount) -> Result<(), Refusal> {
    if ws.wallet(org)?.tally.is_some()
        && let Some(tally) = &mut ws.wallet_mut(org)?.tally
    {
        tally.day.note(sku, amount);
    }
    Ok(())
}

/// Notes what a usage event, or its reversal, is for: all lines of one are of one SKU.
pub(crate) fn note_priced(ws: &mut Workset, org: OrgId, draft: &Draft) -> Result<(), Refusal> {
    let wallet = ws.wallet(org)?;
    let (Some(_), Some(line)) = (&wallet.tally, draft.lines.first()) else { return Ok(()) };
    let book = ws.book(wallet.platform);
    let price = book.and_then(|book| book.prices().find(|price| price.number == line.price));
    let Some(sku) = price.map(|price| price.sku) else { return Ok(()) };
    note_sku(ws, org, sku, draft.amount)
}

/// Notes what a run whose time accrues has cost up to `until` in the day that is being counted.
pub(crate) fn note_run(
    ws: &mut Workset,
    org: OrgId,
    run: &Run,
    until: Timestamp,
) -> Result<(), Refusal> {
    let Some(tally) = &ws.wallet(org)?.tally else { return Ok(()) };
    let cost = run.cost_round_half_even(until).minus(run.cost_before(tally.day_from));
    note_sku(ws, org, run.sku, cost)
}

/// Notes what a run has cost before the day in which its start was reported.
pub(crate) fn note_late_start(ws: &mut Workset, org: OrgId, run: &Run) -> Result<(), Refusal> {
    let Some(tally) = &ws.wallet(org)?.tally else { return Ok(()) };
    let before = run.cost_before(tally.day_from);
    note_sku(ws, org, run.sku, before)
}

/// Ends the local days that are over at `at`: their time is settled, and they become what the next
/// digests tell. A movement of midnight itself is of the day that begins.
pub(crate) fn close_days(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    at: Timestamp,
) -> Result<(), Refusal> {
    while let Some(tally) = ws.wallet(org)?.tally.as_ref().filter(|tally| tally.day_end <= at) {
        let end = tally.day_end;
        settle_to(ws, org, profile, settled_by_others(profile, end))?;
        if ws.wallet(org)?.running_count <= RUNS_MAX {
            let accrues = |run: &&Run| run.is_billed() && run.paid.is_none();
            let open: Vec<Run> =
                ws.runs.of(org).map(|(_, run)| run).filter(accrues).cloned().collect();
            open.iter().try_for_each(|run| note_run(ws, org, run, end))?;
        }
        let wallet = ws.wallet_mut(org)?;
        let Some(tally) = &mut wallet.tally else { break };
        close_day(tally, &wallet.zone, profile, wallet.tip.number);
        if tally.is_idle() && wallet.running_count == 0 {
            wallet.tally = None;
        }
    }
    Ok(())
}

/// `through` is the last ledger transaction of the day.
fn close_day(tally: &mut Tally, zone: &Zone, profile: &Profile, through: i64) {
    let (from, until) = (tally.day_from, tally.day_end);
    let day = std::mem::take(&mut tally.day);
    let tell_at = zone.at_hour(until, profile.digest_hour);
    if profile.digest.is_weekly() {
        tally.week.add(&day);
    }
    if profile.digest.is_daily() {
        let after = tally.day_after;
        let over = Waiting { from, until, tell_at, after, through, spent: day };
        hand_over(&mut tally.daily, over);
    }
    let week_from = zone.week_start(until);
    if week_from == until {
        let (from, spent) = (tally.week_from, std::mem::take(&mut tally.week));
        let after = std::mem::replace(&mut tally.week_after, through);
        hand_over(&mut tally.weekly, Waiting { from, until, tell_at, after, through, spent });
    }
    (tally.day_from, tally.day_end) = (until, zone.day_end(until));
    (tally.week_from, tally.day_after) = (week_from, through);
}

/// Lets what is over wait for its hour, together with what was not told before.
fn hand_over(waiting: &mut Option<Waiting>, over: Waiting) {
    match waiting {
        Some(before) => {
            (before.until, before.through) = (over.until, over.through);
            before.spent.add(&over.spent);
        }
        None if over.spent.total.is_zero() => {}
        None => *waiting = Some(over),
    }
}

/// Tells the digests whose hour has come. One whose next has come as well by `asked_from`, because
/// nobody was there to wake the wallet, waits and becomes part of it.
pub(crate) fn review_digests(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    at: Timestamp,
    asked_from: Timestamp,
) -> Result<(), Refusal> {
    if next_digest(ws.wallet(org)?) > at {
        return Ok(());
    }
    for (kind, days) in [(EventKind::DigestDaily, 1), (EventKind::DigestWeekly, 7)] {
        let wallet = ws.wallet_mut(org)?;
        let (zone, Some(tally)) = (wallet.zone.clone(), &mut wallet.tally) else { break };
        let place = if days == 1 { &mut tally.daily } else { &mut tally.weekly };
        let Some(waiting) = place.as_mut().filter(|waiting| waiting.tell_at <= at) else {
            continue;
        };
        let next = zone.at_hour(zone.plus_days(waiting.until, days), profile.digest_hour);
        if next <= asked_from && next > waiting.tell_at {
            waiting.tell_at = next;
            continue;
        }
        if let Some(told) = place.take() {
            tell_digest(ws, org, profile, kind, &told, at)?;
        }
    }
    let wallet = ws.wallet_mut(org)?;
    if wallet.running_count == 0 && wallet.tally.as_ref().is_some_and(|tally| tally.is_idle()) {
        wallet.tally = None;
    }
    Ok(())
}

fn tell_digest(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    kind: EventKind,
    told: &Waiting,
    at: Timestamp,
) -> Result<(), Refusal> {
    let wallet = ws.wallet(org)?;
    let mut fields = vec![
        ("from", told.from.to_string()),
        ("until", told.until.to_string()),
        ("spent", told.spent.total.to_string()),
        ("by_sku", by_sku(ws, wallet.platform, &told.spent)),
        ("balance", wallet.shown(profile, at).to_string()),
    ];
    let burn = wallet.burn_round_half_even(SECONDS_PER_HOUR);
    if burn.is_positive() {
        fields.push(("burn_per_hour", burn.to_string()));
    }
    let runs_out_at = wallet.run_out().min(wallet.block_out());
    if runs_out_at != Timestamp::NEVER {
        fields.push(("runs_out_at", runs_out_at.to_string()));
    }
    tell(ws, org, kind, at, fields)
}

/// `gpu 7.20, llm 0.50, other 0.30`: dearest first; what has no SKU, or no room, is `other`.
fn by_sku(ws: &Workset, platform: OrgId, spent: &Spent) -> String {
    let mut skus: Vec<(i64, Amount)> =
        spent.skus.iter().copied().filter(|(_, amount)| !amount.is_zero()).collect();
    skus.sort_by_key(|&(sku, amount)| (std::cmp::Reverse(amount), sku));
    let named: Amount = skus.iter().map(|&(_, amount)| amount).sum();
    let book = ws.book(platform);
    let code = |sku: i64| book.and_then(|book| book.sku(sku)).map_or("other", |sku| &sku.code);
    let mut parts: Vec<String> =
        skus.iter().map(|&(sku, amount)| format!("{} {amount}", code(sku))).collect();
    let other = spent.total.minus(named);
    if !other.is_zero() {
        parts.push(format!("other {other}"));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Amount {
        Amount::parse(text).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn what_was_counted_for_another_setting_is_forgotten() {
        use Digest::{Daily, DailyAndWeekly, Weekly};
        let zone = Zone::UTC;
        let counted = || {
            let spent = Spent { total: amount("1"), skus: Vec::new() };
            let day = at("2026-01-08T00:00:00Z");
            let waiting = Waiting {
                from: day,
                until: day,
                tell_at: day,
                after: 3,
                through: 5,
                spent: spent.clone(),
            };
            let (daily, weekly) = (Some(waiting.clone()), Some(waiting));
            let (week, day_after) = (spent, 5);
            Tally { week, day_after, daily, weekly, ..Tally::begin(&zone, day, 2) }
        };
        for (before, after, daily, weekly, week_after) in [
            (DailyAndWeekly, Daily, true, false, 5),
            (DailyAndWeekly, Weekly, false, true, 2),
            (Weekly, DailyAndWeekly, true, true, 2),
            (Daily, DailyAndWeekly, true, false, 5),
        ] {
            let mut tally = counted();
            tally.turn(before, after);
            let kept = (tally.daily.is_some(), tally.weekly.is_some(), tally.week_after);
            assert_eq!(kept, (daily, weekly, week_after), "{before:?} to {after:?}");
            assert_eq!(tally.week.total.is_zero(), week_after == 5, "{before:?} to {after:?}");
        }
    }

    #[test]
    fn more_skus_than_there_is_room_for_are_other() {
        let mut spent = Spent::default();
        for sku in 1..=10 {
            spent.note(sku, amount("1"));
            spent.total = spent.total.plus(amount("1"));
        }
        spent.note(1, amount("0.50"));
        assert_eq!((spent.skus.len(), spent.skus[0]), (SKUS_MAX, (1, amount("1.50"))));
        let mut two = spent.clone();
        two.add(&spent);
        assert_eq!((two.total, two.skus[0]), (amount("20"), (1, amount("3"))));
    }

    #[test]
    fn a_day_is_handed_over_at_its_end_and_a_week_at_its_monday() {
        let zone = Zone::named("Europe/Berlin").unwrap();
        let mut profile = Profile::default();
        profile.set("digest", "daily_and_weekly").unwrap();
        // The clocks go forward in the night to Sunday, 29 March.
        let mut tally = Tally::begin(&zone, at("2026-03-28T12:00:00Z"), 4);
        assert_eq!(tally.week_from, at("2026-03-22T23:00:00Z"));
        tally.count(amount("3"));
        close_day(&mut tally, &zone, &profile, 7);
        let daily = tally.daily.take().unwrap();
        assert_eq!((daily.from, daily.until), (at("2026-03-27T23:00:00Z"), tally.day_from));
        assert_eq!(daily.tell_at, at("2026-03-29T06:00:00Z"));
        assert_eq!((tally.day_end, &tally.weekly), (at("2026-03-29T22:00:00Z"), &None));
        close_day(&mut tally, &zone, &profile, 8);
        let weekly = tally.weekly.clone().unwrap();
        assert_eq!((weekly.until, weekly.spent.total), (at("2026-03-29T22:00:00Z"), amount("3")));
        let numbers = (daily.after, daily.through, weekly.after, weekly.through);
        assert_eq!((numbers, tally.day_after, tally.week_after), ((4, 7, 4, 8), 8, 8));
        assert_eq!((tally.daily, tally.week.total), (None, Amount::ZERO));
    }

    #[test]
    fn days_that_were_not_told_become_one() {
        let waiting = |from: &str, until: &str, total: &str| Waiting {
            from: at(from),
            until: at(until),
            tell_at: at("2026-01-08T08:00:00Z"),
            after: 0,
            through: 0,
            spent: Spent { total: amount(total), skus: Vec::new() },
        };
        let mut place = None;
        hand_over(&mut place, waiting("2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z", "0"));
        assert_eq!(place, None);
        hand_over(&mut place, waiting("2026-01-06T00:00:00Z", "2026-01-07T00:00:00Z", "1"));
        hand_over(&mut place, waiting("2026-01-07T00:00:00Z", "2026-01-08T00:00:00Z", "2"));
        assert_eq!(place, Some(waiting("2026-01-06T00:00:00Z", "2026-01-08T00:00:00Z", "3")));
    }
}
