//! The rule that asks for money by itself (rulings R13): its cooldown, its caps, and what nobody
//! confirms in time (requirements N13, N14).

use super::purse::{COOLDOWN, GRACE, Purse, SECOND, second_of};
use super::terms::Terms;
use super::time::Outside;

/// How much a rule may ask for: attempts in a day, money in a month.
#[derive(Clone, Copy, Debug, Default)]
pub struct Most {
    pub daily: Option<i64>,
    pub monthly: Option<i128>,
}

impl Most {
    /// Both at once.
    pub fn and(self, other: Most) -> Most {
        let daily = self.daily.into_iter().chain(other.daily).min();
        Most { daily, monthly: self.monthly.into_iter().chain(other.monthly).min() }
    }
}

#[derive(Clone, Debug)]
pub struct Refill {
    pub enabled: bool,
    pub threshold: i128,
    pub amount: i128,
    pub method: i64,
    pub most: Most,
    pub in_flight: bool,
    /// The deposit in flight, once somebody named it.
    pub flight: Option<i64>,
    /// When a payer who has to confirm it has had time enough.
    pub given_up: Option<i64>,
    pub attempted: Option<i64>,
    /// Until when a cap keeps it from asking.
    pub paused: Option<i64>,
}

/// Money that a rule asked for.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    pub at: i64,
    pub amount: i128,
    /// What comes on top of it.
    pub tax: i128,
    /// Its rail said at once that there is none.
    pub refused: bool,
}

impl Purse {
    /// Until when a stop waits for the answer to a top-up.
    pub fn patience(&self) -> i64 {
        match &self.refill {
            Some(Refill { in_flight: true, attempted: Some(at), .. }) => at + GRACE * SECOND,
            _ => i64::MIN,
        }
    }

    pub fn wants_refill(&self, terms: &Terms, t: i64) -> bool {
        self.refill.as_ref().is_some_and(|rule| {
            let is_low = self.shown(terms, t) < rule.threshold;
            rule.enabled && !rule.in_flight && (is_low || self.is_block_short(terms, t))
        })
    }

    /// When the cooldown is over, and a cap that was reached begins anew.
    pub fn cooled(&self) -> i64 {
        let Some(rule) = &self.refill else { return i64::MIN };
        let cooled = rule.attempted.map_or(i64::MIN, |at| at + COOLDOWN * SECOND);
        cooled.max(rule.paused.unwrap_or(i64::MIN))
    }

    /// When a payer is not waited for any more.
    pub fn given_up(&self) -> Option<i64> {
        self.refill.as_ref().and_then(|rule| rule.given_up)
    }

    pub fn look_at_refill(&mut self, terms: &Terms, at: i64, real: i64) -> bool {
        if self.given_up().is_some_and(|due| due <= at) {
            self.give_up_payer(at);
            return false;
        }
        if !self.wants_refill(terms, second_of(at)) || at < self.cooled() {
            return false;
        }
        let asked_at = if terms.live { real.max(at) } else { at };
        if let Some(until) = self.capped(terms, asked_at) {
            self.refill.as_mut().unwrap().paused = Some(until);
            self.told.push(("auto_top_up.paused", at));
            return false;
        }
        let rule = self.refill.as_mut().unwrap();
        rule.in_flight = true;
        rule.attempted = Some(asked_at);
        rule.paused = None;
        let amount = rule.amount;
        let tax = self.tax_on(amount);
        let attempt = Attempt { at: asked_at, amount, tax, refused: false };
        self.asked.push(attempt);
        self.attempts.push(attempt);
        true
    }

    /// When the cap begins anew that one more attempt at an instant would go beyond. Where the
    /// clock went back, the day and the month of the last attempt go on.
    fn capped(&self, terms: &Terms, at: i64) -> Option<i64> {
        let rule = self.refill.as_ref()?;
        let most = rule.most.and(terms.most);
        let last = self.attempts.last().map_or(at, |attempt| attempt.at.max(at));
        let (day, month) = (self.day_end(last), self.month_end(last));
        let in_month = self.attempts.iter().filter(|it| self.month_end(it.at) == month);
        let asked: i128 = in_month.filter(|it| !it.refused).map(|it| it.amount + it.tax).sum();
        let more = rule.amount + self.tax_on(rule.amount);
        if most.monthly.is_some_and(|most| asked + more > most) {
            return Some(month);
        }
        let in_day = self.attempts.iter().filter(|it| self.day_end(it.at) == day).count();
        let in_day = i64::try_from(in_day).unwrap();
        most.daily.is_some_and(|most| in_day >= most).then_some(day)
    }

    /// A payer who did not confirm in time counts as one who declined.
    fn give_up_payer(&mut self, at: i64) {
        let rule = self.refill.as_mut().expect("a rule whose payer is waited for");
        rule.given_up = None;
        rule.in_flight = false;
        match rule.flight.take() {
            Some(deposit) => self.given_up_on.push((deposit, at)),
            // Nobody has named it, and nobody can any more.
            None => drop(self.asked.pop()),
        }
        self.declined(at, true);
    }

    /// The payer has to confirm what is in flight.
    pub fn await_payer(&mut self, terms: &Terms, now: i64) {
        if let Some(rule) = &mut self.refill {
            rule.given_up = Some(now + terms.confirm * SECOND);
        }
    }

    pub fn answer_refill(&mut self, terms: &Terms, outside: &mut dyn Outside) {
        let (method, amount) = self.refill.as_ref().map(|rule| (rule.method, rule.amount)).unwrap();
        let now = self.catch_up(terms, self.now, outside);
        match outside.charge(method) {
            Some(true) => {
                let attempt = self.asked.pop().expect("the attempt");
                self.take_tax(attempt.tax);
                self.paid(terms, amount, None, second_of(now) * SECOND, now);
                self.refill.as_mut().unwrap().in_flight = false;
            }
            Some(false) => {
                self.asked.pop();
                self.attempts.last_mut().expect("the attempt").refused = true;
                self.declined(now, true);
                self.refill.as_mut().unwrap().in_flight = false;
            }
            None => {
                self.told.push(("deposit.needs_authentication", now));
                self.await_payer(terms, now);
            }
        }
    }
}
