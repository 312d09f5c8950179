//! Rolling validity: one date for everything that a wallet has purchased (rulings R12, requirements
//! P03, C21).
//!
//! Laws: any confirmed payment that was made strictly before the date moves it, whoever paid; at
//! the date the whole purchased balance expires; what expired comes back when a payment made in
//! time is confirmed late. The date never goes back: it is the latest that any payment made, and
//! not always that of the latest payment, because months end on different days.
//!
//! Purchased grants have no expiry of their own then, but for what a dispute returned after the
//! date: it is good for 30 days (rulings R18), and a payment within them renews it like the rest. A
//! bonus shares the fate of its purchase; promotional grants keep their own expiry.

use crate::event::EventKind;
use crate::grant::{OpenGrant, Posting};
use crate::ledger::TransactionKind;
use crate::profile::{Expiry, Profile};
use crate::settle::{Draft, post, tell};
use crate::time::SECONDS_PER_DAY;
use crate::workset::Workset;
use crate::{Amount, OrgId, Refusal, Timestamp};

/// A payment that is confirmed so long after the date still renews what expired at it.
pub const LATE_CONFIRMATION_SECONDS: i64 = 30 * SECONDS_PER_DAY;

/// Until when purchased value is valid, and what was not valid any longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validity {
    pub until: Timestamp,
    /// The date that was last reached without a renewal; nothing purchased before is valid.
    pub lapsed_at: Option<Timestamp>,
    /// What expired at that date, for a payment made in time and confirmed late.
    pub lapsed: Vec<OpenGrant>,
}

impl Validity {
    /// When there is nothing to give back any more.
    pub fn forgotten_at(&self) -> Timestamp {
        match self.lapsed_at {
            Some(at) if !self.lapsed.is_empty() => at.plus_seconds(LATE_CONFIRMATION_SECONDS),
            _ => Timestamp::NEVER,
        }
    }

    /// Notes that the date has come without a renewal.
    fn reach(&mut self) {
        if self.lapsed_at != Some(self.until) {
            self.lapsed_at = Some(self.until);
            self.lapsed.clear();
        }
    }

    /// Remembers `grant`, whose unreserved rest expired at `at`, if that was because of the date.
    pub(crate) fn lapse(&mut self, grant: &OpenGrant, at: Timestamp) {
        let is_ended = self.lapsed_at == Some(grant.expires_at);
        let shares = grant.expires_at == Timestamp::NEVER;
        if !grant.kind.is_bought() || !(is_ended || shares) {
            return;
        }
        if self.until <= at {
            self.reach();
        }
        let rest = OpenGrant {
            remaining: grant.unreserved(),
            reserved: Amount::ZERO,
            expires_at: Timestamp::NEVER,
            ..grant.clone()
        };
        match self.lapsed.iter_mut().find(|other| other.number == rest.number) {
            Some(other) => other.remaining = other.remaining.plus(rest.remaining),
            None => self.lapsed.push(rest),
        }
    }
}

/// Takes a payment made at `paid_at` and confirmed at `at` into account.
///
/// Idempotency: the caller renews once for each payment; the date is the latest in any order.
pub fn renew(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    paid_at: Timestamp,
    at: Timestamp,
) -> Result<(), Refusal> {
    let Expiry::Rolling(months) = profile.purchased_expiry else { return Ok(()) };
    let wallet = ws.wallet_mut(org)?;
    let until = wallet.zone.plus_months(paid_at, months);
    wallet.arm_reminders(at);
    let Some(old) = &mut wallet.validity else {
        wallet.validity = Some(Validity { until, lapsed_at: None, lapsed: Vec::new() });
        return Ok(());
    };
    if paid_at >= old.until {
        // What holds still have set aside of the old balance ends with it when they give it back.
        old.reach();
        let lapsed_at = std::mem::replace(&mut old.until, until);
        wallet.grants.end_purchased(lapsed_at);
        wallet.grants.renew_purchased(at);
        return Ok(());
    }
    wallet.grants.renew_purchased(at);
    old.until = old.until.max(until);
    if old.lapsed_at.is_none_or(|lapsed_at| paid_at >= lapsed_at) {
        return Ok(());
    }
    let lapsed_at = old.lapsed_at.take();
    let lapsed = std::mem::take(&mut old.lapsed);
    wallet.grants.revive_purchased(lapsed_at.unwrap_or(at));
    for rest in lapsed {
        give_back(ws, org, rest, at)?;
    }
    Ok(())
}

/// Takes breakage back into the grant that it came from.
fn give_back(ws: &mut Workset, org: OrgId, rest: OpenGrant, at: Timestamp) -> Result<(), Refusal> {
    let (grant, amount) = (rest.number, rest.remaining);
    let posting = Posting { grant, change: amount };
    let wallet = ws.wallet_mut(org)?;
    if !wallet.grants.apply(posting) {
        wallet.grants.insert(rest);
    }
    let draft = Draft {
        subject: grant,
        postings: vec![posting],
        ..Draft::new(TransactionKind::Renewal, at, amount)
    };
    post(ws, org, draft)?;
    let fields = vec![("grant", grant.to_string()), ("amount", amount.to_string())];
    tell(ws, org, EventKind::GrantRenewed, at, fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{at, events, founded_with, left, org, units};
    use crate::wake::expire_grants;

    const DAY: i64 = SECONDS_PER_DAY;

    /// A wallet whose purchases are valid for a month after a payment at second 0: 31 days.
    fn founded() -> Workset {
        let mut ws = founded_with("purchased_expiry=rolling(1mo)");
        pay(&mut ws, 0, 0);
        ws
    }

    fn pay(ws: &mut Workset, paid_at: i64, confirmed: i64) {
        let profile = ws.profile_of(org()).unwrap();
        renew(ws, org(), &profile, at(paid_at), at(confirmed)).unwrap();
    }

    fn expire(ws: &mut Workset, now: i64) {
        let profile = ws.profile_of(org()).unwrap();
        expire_grants(ws, org(), &profile, at(now)).unwrap();
    }

    fn validity(ws: &Workset) -> &Validity {
        ws.wallet(org()).unwrap().validity.as_ref().unwrap()
    }

    #[test]
    fn a_payment_before_the_date_moves_it_and_never_back() {
        let mut ws = founded();
        assert_eq!(validity(&ws).until, at(31 * DAY));
        pay(&mut ws, 30 * DAY, 30 * DAY);
        let later = validity(&ws).until;
        assert_eq!(later, at((31 + 27) * DAY));
        pay(&mut ws, DAY, 30 * DAY);
        assert_eq!(validity(&ws).until, later);
        assert_eq!((validity(&ws).lapsed_at, left(&ws).len()), (None, 4));
    }

    #[test]
    fn without_rolling_validity_nothing_is_renewed() {
        let mut ws = founded_with("");
        pay(&mut ws, 0, 0);
        assert_eq!(ws.wallet(org()).unwrap().validity, None);
    }

    #[test]
    fn at_the_date_all_that_was_bought_ends() {
        let mut ws = founded();
        expire(&mut ws, 31 * DAY - 1);
        assert_eq!(left(&ws).len(), 4);
        expire(&mut ws, 31 * DAY);
        assert_eq!(left(&ws), [(4, units(5))]);
        assert_eq!(events(&ws), [EventKind::GrantExpired; 3]);
        assert_eq!(validity(&ws).lapsed_at, Some(at(31 * DAY)));
        assert_eq!(validity(&ws).lapsed.len(), 3);
        assert_eq!(validity(&ws).forgotten_at(), at(61 * DAY));
    }

    #[test]
    fn a_payment_made_in_time_and_confirmed_late_brings_all_of_it_back() {
        let mut ws = founded();
        expire(&mut ws, 31 * DAY);
        pay(&mut ws, 31 * DAY - 1, 40 * DAY);
        assert_eq!(left(&ws), [(1, units(20)), (2, units(4)), (3, units(10)), (4, units(5))]);
        let renewed = ws.journal().iter().filter(|row| row.kind == TransactionKind::Renewal);
        let sums: Vec<(i64, Amount)> = renewed.map(|row| (row.subject, row.amount)).collect();
        assert_eq!(sums, [(1, units(20)), (2, units(4)), (3, units(10))]);
        assert_eq!(&events(&ws)[3..], [EventKind::GrantRenewed; 3]);
        assert_eq!((validity(&ws).lapsed_at, validity(&ws).lapsed.len()), (None, 0));
        assert_eq!(validity(&ws).forgotten_at(), Timestamp::NEVER);
    }

    #[test]
    fn a_payment_at_the_date_begins_anew() {
        let mut ws = founded();
        pay(&mut ws, 31 * DAY, 31 * DAY);
        assert_eq!(validity(&ws).until, at(59 * DAY));
        assert_eq!(validity(&ws).lapsed_at, Some(at(31 * DAY)));
        expire(&mut ws, 31 * DAY);
        assert_eq!(left(&ws), [(4, units(5))]);
        pay(&mut ws, 31 * DAY - 1, 32 * DAY);
        assert_eq!(left(&ws).len(), 4);
    }

    /// What a hold had set aside at the date ends with it, and comes back with the rest.
    #[test]
    fn what_a_hold_outlived_ends_when_it_is_given_back() {
        let mut ws = founded();
        let parts = ws.wallet_mut(org()).unwrap().grants.reserve(units(8), None).unwrap();
        expire(&mut ws, 31 * DAY);
        assert_eq!(left(&ws), [(1, units(3)), (4, units(5))]);
        pay(&mut ws, 33 * DAY, 33 * DAY);
        ws.wallet_mut(org()).unwrap().grants.unreserve(&parts);
        expire(&mut ws, 34 * DAY);
        assert_eq!(left(&ws), [(4, units(5))]);
        pay(&mut ws, 30 * DAY, 35 * DAY);
        assert!(left(&ws).contains(&(1, units(20))));
    }
}
