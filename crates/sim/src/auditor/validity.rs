//! How long what was bought is valid (rulings R12), and who is told when it ends.

use super::calendar::Zone;
use super::purse::{NEVER, Purse, SECOND, Sort};
use super::terms::{Bought, Terms};

/// A payment confirmed so long after the date still brings back what ended at it.
const LATE: i64 = 30 * 86_400 * SECOND;

/// One date for all that was bought.
#[derive(Clone, Debug)]
pub struct Validity {
    pub until: i64,
    /// The last date that came without a payment.
    pub ended: Option<i64>,
    /// What ended at it: grant and amount.
    pub lapsed: Vec<(i64, i128)>,
}

impl Validity {
    fn end(&mut self) {
        if self.ended != Some(self.until) {
            self.ended = Some(self.until);
            self.lapsed.clear();
        }
    }
}

impl Purse {
    fn local(&self) -> Zone {
        self.zone.unwrap_or(Zone("UTC"))
    }

    /// When the local day of an instant is over.
    pub fn day_end(&self, at: i64) -> i64 {
        self.local().day_end(at)
    }

    /// When the local month of an instant is over.
    pub fn month_end(&self, at: i64) -> i64 {
        self.local().month_end(at)
    }

    /// A payment made at `paid_at` and confirmed now moves the date.
    pub fn renew(&mut self, terms: &Terms, paid_at: i64, now: i64) {
        let Bought::Months(months) = terms.bought else { return };
        let until = self.local().plus_months(paid_at, months);
        self.reminded = self.reminded.max(now - 1);
        let Some(validity) = &mut self.validity else {
            self.validity = Some(Validity { until, ended: None, lapsed: Vec::new() });
            return;
        };
        if paid_at >= validity.until {
            validity.end();
            let ended = std::mem::replace(&mut validity.until, until);
            self.redate(|expires| expires == NEVER, ended);
            self.redate(|expires| expires > now, NEVER);
            return;
        }
        validity.until = validity.until.max(until);
        let back = validity.ended.filter(|&ended| paid_at < ended);
        let lapsed = back.map(|_| std::mem::take(&mut validity.lapsed)).unwrap_or_default();
        validity.ended = validity.ended.filter(|_| back.is_none());
        self.redate(|expires| expires > now, NEVER);
        let Some(ended) = back else { return };
        self.redate(|expires| expires == ended, NEVER);
        if now <= ended + LATE {
            lapsed.into_iter().for_each(|(number, amount)| self.bring_back(number, amount, now));
        }
    }

    /// Gives what was bought, and the bonus on it, another date.
    fn redate(&mut self, which: impl Fn(i64) -> bool, expires: i64) {
        for credit in self.credits.iter_mut().filter(|it| it.sort != Sort::Given) {
            if which(credit.expires) {
                credit.expires = expires;
            }
        }
    }

    /// What ended at the date is valid again.
    fn bring_back(&mut self, number: i64, amount: i128, now: i64) {
        let is_paid = self.known[&number].sort.is_paid();
        self.reopen(number, amount);
        self.book(if is_paid { "breakage" } else { "promotions_unspent" }, -amount);
        *self.posted_by_kind.entry("renewal").or_default() += amount;
        self.told.push(("grant.renewed", now));
    }

    /// What lapses because of the date may come back.
    pub fn remember_lapse(&mut self, number: i64, at: i64) {
        let Some(credit) = self.credits.iter().find(|it| it.number == number) else { return };
        let (free, sort, expires) = (credit.free(), credit.sort, credit.expires);
        let Some(validity) = &mut self.validity else { return };
        let is_of_date = expires == NEVER || validity.ended == Some(expires);
        if sort == Sort::Given || !is_of_date {
            return;
        }
        if validity.until <= at {
            validity.end();
        }
        match validity.lapsed.iter_mut().find(|other| other.0 == number) {
            Some(other) => other.1 += free,
            None => validity.lapsed.push((number, free)),
        }
    }
}
