//! Time passing in a wallet, as the auditor sees it: from one instant at which anything changes to
//! the next, and in between second by second, skipping seconds only where the value can but fall.

use super::purse::{Credit, NEVER, Purse, Running, SECOND, second_of};
use super::terms::Terms;

const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;
/// People are reminded so many days before credit expires.
const REMINDER_DAYS: [i64; 3] = [14, 7, 1];

/// What a wallet has to ask others: what the outside world would answer at once, on a test clock,
/// and what its platform says.
pub trait Outside {
    /// Charges a saved method; true when it paid, nothing when the bank has to be asked.
    fn charge(&mut self, method: i64) -> Option<bool>;

    /// What the time of a SKU costs at an instant: nanos for so many seconds.
    fn price(&self, sku: i64, at: i64) -> Option<(i128, i64)>;
}

impl Purse {
    /// Lets time pass up to the instant `until`. `real` is the clock on the wall, which attempts to
    /// charge a card are counted by where nobody can answer in virtual time (rulings R7).
    pub fn pass(&mut self, terms: &Terms, until: i64, real: i64, outside: &mut dyn Outside) {
        if until < self.now {
            return;
        }
        loop {
            let ordered = self.stop_at.filter(|_| !terms.live).unwrap_or(NEVER);
            let target = until.min(ordered);
            let at = if self.changed { self.now } else { self.next_instant(terms, target) };
            if at <= target {
                self.live_through(terms, at, real, outside);
            } else if ordered > target || !self.obey(terms, ordered, outside) {
                break;
            }
        }
        if self.runs.iter().any(|run| run.stop.is_none()) {
            self.now = until;
        }
    }

    /// Whether a change is looked at as soon as its batch is decided; with nothing to stop, charge
    /// or warn of it waits until the wallet is woken, for the same instant.
    pub fn is_watched(&self, terms: &Terms) -> bool {
        let is_open = |run: &Running| run.stop.is_none();
        self.stop_at.is_some()
            || self.limit.is_some()
            || self.caps.iter().any(|cap| !cap.removed)
            || terms.horizon.is_some()
            || self.refill.as_ref().is_some_and(|rule| rule.enabled || rule.in_flight)
            || self
                .runs
                .iter()
                .any(|run| is_open(run) && (run.compute || terms.kept_days.is_some()))
    }

    /// Everything that is due at one instant.
    fn live_through(&mut self, terms: &Terms, at: i64, real: i64, outside: &mut dyn Outside) {
        self.now = at;
        let before = self.traces();
        self.fall_due(terms, at);
        self.look(terms, at, real, outside);
        if self.traces() != before {
            self.decided = at;
        }
    }

    /// What anything that happens leaves behind.
    fn traces(&self) -> (usize, usize, [i64; 2], [i128; 2]) {
        let blocks = self.posted_by_kind.get("block").copied().unwrap_or(0);
        let times = [self.settled, self.reminded];
        (self.told.len(), self.attempts.len(), times, [self.time_posted, blocks])
    }

    /// Everything before `now`, then what falls due at `now` before a command (rulings R5, 1-3).
    pub fn catch_up(&mut self, terms: &Terms, now: i64, outside: &mut dyn Outside) -> i64 {
        let now = now.max(self.now);
        self.pass(terms, now - 1, now, outside);
        self.now = now;
        self.decided = now;
        let to = self.settles_to(terms, now);
        self.settle(terms, to);
        self.expire(terms, now);
        self.reset_caps(terms, now);
        now
    }

    pub fn settles_to(&self, terms: &Terms, at: i64) -> i64 {
        let t = second_of(at);
        if terms.windows { t - t.rem_euclid(terms.every) } else { t }
    }

    fn fall_due(&mut self, terms: &Terms, at: i64) {
        if self.asides.iter().any(|aside| aside.state == "open" && aside.expires <= at) {
            let to = self.settles_to(terms, at);
            self.settle(terms, to);
        }
        self.expire(terms, at);
        self.reset_caps(terms, at);
        let day = second_of(at) - second_of(at).rem_euclid(DAY);
        if self.is_running() && self.settled < day {
            self.settle(terms, day);
        }
        self.give_up(terms, at);
    }

    fn expire(&mut self, terms: &Terms, at: i64) {
        let due: Vec<usize> = (0..self.asides.len())
            .filter(|&it| self.asides[it].state == "open" && self.asides[it].expires <= at)
            .collect();
        for it in due {
            self.asides[it].state = "expired";
            let parts = self.asides[it].parts.clone();
            self.free(&parts);
            self.told.push(("hold.expired", at));
            self.changed = true;
        }
        self.offset();
        self.expire_credits(terms, at);
        self.begin_due(terms, at);
    }

    pub fn free(&mut self, parts: &[(i64, i128)]) {
        for &(number, part) in parts {
            self.credit(number).set_aside -= part;
        }
    }

    pub fn expire_credits(&mut self, terms: &Terms, at: i64) {
        let is_due = |purse: &Purse| {
            let due = |credit: &&Credit| purse.lapses(credit) <= at && credit.free() > 0;
            purse.credits.iter().filter(due).map(|credit| credit.number).collect::<Vec<i64>>()
        };
        if is_due(self).is_empty() {
            return;
        }
        self.settle(terms, second_of(at));
        for number in is_due(self) {
            self.remember_lapse(number, at);
            self.end(number, "expiry");
            self.told.push(("grant.expired", at));
        }
    }

    /// Stops, top-up and alerts at one instant (rulings R5, 5-8).
    fn look(&mut self, terms: &Terms, at: i64, real: i64, outside: &mut dyn Outside) {
        self.changed = false;
        self.looked = at;
        self.look_at_stops(terms, at);
        self.look_at_caps(terms, at);
        self.look_at_blocks(terms, at, outside);
        self.changed = false;
        let asked = self.look_at_refill(terms, at, real);
        self.look_at_limit(terms, at);
        self.look_at_forecast(terms, at);
        self.look_at_expiry(at);
        if asked && !terms.live {
            self.answer_refill(terms, outside);
        }
    }

    /// The first second that everything running cannot be paid for any more.
    fn is_spent(&self, terms: &Terms, at: i64) -> bool {
        let until = second_of(at) + terms.lead + 1;
        let mut lows = self.lows(second_of(self.now));
        lows.retain(|&low| low < until);
        lows.push(until);
        let is_short = || lows.iter().any(|&second| self.worth(second) < 0);
        self.stoppable() > 0 && (self.frozen.is_some() || is_short())
    }

    /// The last second that can be paid, not before `from`; never, when nothing has to stop.
    fn runs_out(&self, from: i64) -> i64 {
        if self.stoppable() == 0 {
            return NEVER;
        }
        if self.frozen.is_some() {
            return from;
        }
        let paid = |t: i64| self.worth(t) >= 0;
        let (mut low, lows) = (from, self.lows(from));
        let unpaid = lows.iter().copied().find(|&second| !paid(second));
        // Grants that begin in time carry on from where the others leave off.
        low = lows.into_iter().take_while(|&second| Some(second) != unpaid).last().unwrap_or(low);
        let mut high = low + 1;
        while unpaid.is_none() && paid(high) {
            high = low + 2 * (high - low);
            if high - low > 40_000_000_000 {
                return NEVER;
            }
        }
        high = unpaid.unwrap_or(high);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if paid(middle) { low = middle } else { high = middle }
        }
        low
    }

    /// Orders a stop when it is due. An order for a second that is not the right one any more is
    /// taken back, and where a stop is still due another one takes its place.
    fn look_at_stops(&mut self, terms: &Terms, at: i64) {
        if let Some(stop_at) = self.stop_at {
            let this = second_of(at) * SECOND;
            let right = self.runs_out(second_of(at)).saturating_mul(SECOND);
            if stop_at < this || stop_at == right {
                return;
            }
            self.stop_at = None;
            self.told.push(("run.stop_cancelled", at));
        }
        if !self.is_spent(terms, at) || at < self.patience() {
            return;
        }
        self.stop_at = Some(self.runs_out(second_of(at)) * SECOND);
        for _ in 0..self.stoppable() {
            self.told.push(("run.stop_requested", at));
        }
    }

    fn look_at_limit(&mut self, terms: &Terms, at: i64) {
        let Some((limit, fired)) = self.limit else { return };
        let low = self.shown(terms, second_of(at)) < limit;
        if low != fired {
            self.limit = Some((limit, low));
            self.told.push((if low { "balance.low" } else { "balance.recovered" }, at));
        }
    }

    fn need(&self, terms: &Terms, at: i64) -> i128 {
        let horizon = terms.horizon.unwrap_or(0);
        let hour = second_of(at).div_euclid(HOUR);
        let recent = |&&(spent, _): &&(i64, i128)| spent < hour && spent >= hour - horizon / HOUR;
        let per_use: i128 = self.per_use.iter().filter(recent).map(|spent| spent.1).sum();
        self.burn(horizon) + per_use
    }

    /// Whether the next hours cannot be paid from what will not have lapsed by then.
    fn is_forecast_low(&self, terms: &Terms, at: i64) -> bool {
        let horizon = terms.horizon.unwrap_or(0);
        let need = self.need(terms, at);
        let shown = self.shown(terms, second_of(at));
        (need > 0 && shown - self.lapsing(terms, at, horizon) < need)
            || (self.forecast_fired && shown <= 0)
    }

    /// What the balance that is looked at loses to expiry within the horizon, after the time in it
    /// has drawn its part.
    fn lapsing(&self, terms: &Terms, at: i64, horizon: i64) -> i128 {
        let t = second_of(at);
        let closed = if terms.windows { t - t.rem_euclid(terms.every) } else { t };
        let mut owed =
            if terms.windows && closed <= self.settled { 0 } else { self.accrued(closed) };
        let mut lapsing = 0;
        for place in self.order() {
            let credit = &self.credits[place];
            let part = owed.min(credit.free());
            owed -= part;
            if self.lapses(credit) <= (closed + horizon) * SECOND {
                lapsing += credit.left - part;
            }
        }
        lapsing
    }

    fn look_at_forecast(&mut self, terms: &Terms, at: i64) {
        if terms.horizon.is_none() {
            return;
        }
        let low = self.is_forecast_low(terms, at);
        if low != self.forecast_fired {
            self.forecast_fired = low;
            let kind = if low { "balance.forecast_low" } else { "balance.forecast_recovered" };
            self.told.push((kind, at));
        }
    }

    /// The reminders of a credit that were not given yet.
    fn reminders(&self, credit: &Credit) -> Vec<i64> {
        let lapse = self.lapses(credit);
        if lapse == NEVER || credit.free() <= 0 {
            return Vec::new();
        }
        let ahead = REMINDER_DAYS.iter().map(|days| lapse - days * DAY * SECOND);
        ahead.filter(|&at| at > self.reminded).collect()
    }

    /// One reminder a day, of everything that is due on it and not used up by what runs.
    fn look_at_expiry(&mut self, at: i64) {
        let is_due = |credit: &Credit| self.reminders(credit).iter().any(|&due| due <= at);
        if !self.credits.iter().any(is_due) {
            return;
        }
        let day_end = self.day_end(at);
        let (mut owed, mut told) = (self.accrued(second_of(at)), 0);
        for place in self.order() {
            let credit = &self.credits[place];
            let free = credit.free();
            let part = owed.min(free);
            owed -= part;
            if self.reminders(credit).iter().any(|&due| due < day_end) {
                told += free - part;
            }
        }
        self.reminded = day_end - 1;
        if told > 0 {
            self.told.push(("credit.expiring", at));
        }
    }

    /// An agent on a test clock stops everything at the ordered second, and what was to begin later
    /// never runs. False when there was nothing to stop.
    fn obey(&mut self, terms: &Terms, stop_at: i64, outside: &mut dyn Outside) -> bool {
        let open: Vec<(i64, i64)> = self
            .runs
            .iter()
            .filter(|run| run.stop.is_none() && run.compute && run.accrues())
            .map(|run| (run.number, run.start * SECOND))
            .collect();
        for &(number, start) in &open {
            let now = self.catch_up(terms, stop_at, outside);
            self.stop(terms, number, stop_at.max(start), now);
        }
        !open.is_empty()
    }

    /// The next instant after now at which anything can change, at most just after `until`; or now
    /// itself, when a command that changed nothing came at the very instant.
    fn next_instant(&self, terms: &Terms, until: i64) -> i64 {
        let mut next = until.saturating_add(1);
        let from = if self.looked < self.now { self.now } else { self.now + 1 };
        let mut consider = |at: i64| {
            if at >= from && at < next {
                next = at;
            }
        };
        for aside in self.asides.iter().filter(|aside| aside.state == "open") {
            consider(aside.expires);
        }
        self.upcoming.iter().for_each(|&(begins, _)| consider(begins));
        self.resets().for_each(&mut consider);
        self.silences().for_each(&mut consider);
        for credit in &self.credits {
            let lapse = self.lapses(credit);
            if lapse != NEVER && credit.free() > 0 {
                consider(lapse.max(self.now + 1));
            }
            for due in self.reminders(credit) {
                consider(due.max(self.now + 1));
            }
        }
        if self.is_running() {
            consider((second_of(self.now).div_euclid(DAY) + 1) * DAY * SECOND);
        }
        if !self.per_use.is_empty() && terms.horizon.is_some() {
            consider((second_of(self.now).div_euclid(HOUR) + 1) * HOUR * SECOND);
        }
        let next_block = self.runs.iter().map(|run| run.next_block()).min().unwrap_or(NEVER);
        if next_block != NEVER {
            consider(next_block * SECOND);
            consider((next_block - terms.ahead) * SECOND);
        }
        consider(self.patience());
        self.given_up().into_iter().for_each(&mut consider);
        consider(self.cooled());
        let runs = self.is_running() || self.stoppable() > 0;
        let can_change = runs || terms.horizon.is_some() || next_block != NEVER;
        if can_change { self.first_change(terms, next) } else { next }
    }

    /// The first second before `next` at which a stop, a top-up or an alert is due: values only
    /// fall between two instants, so halves without any are skipped whole.
    fn first_change(&self, terms: &Terms, next: i64) -> i64 {
        let (mut low, mut high) = (second_of(self.now), second_of(next - 1));
        let due = |t: i64| {
            let at = t * SECOND;
            (self.stop_at.is_none() && at >= self.patience() && self.is_spent(terms, at))
                || self.is_cap_due(t)
                || (at >= self.cooled() && self.wants_refill(terms, t))
                || self.limit.is_some_and(|(limit, fired)| !fired && self.shown(terms, t) < limit)
                || (terms.horizon.is_some()
                    && !self.forecast_fired
                    && self.is_forecast_low(terms, at))
        };
        if high <= low || !due(high) {
            return next;
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if due(middle) { high = middle } else { low = middle }
        }
        high * SECOND
    }
}
