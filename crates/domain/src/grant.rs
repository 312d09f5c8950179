//! Credit grants: value given to a wallet, and the order in which it is drawn down.
//!
//! Laws: grants are never edited, only drawn, restored, voided or expired; a draw takes from as few
//! grants as the burn order allows; what is reserved for a hold is not drawn by anything else.
//! Burn order (rulings R11): priority, soonest expiry, promotional before purchased, narrowest
//! scope, oldest; a bonus directly after its own purchase.

use std::sync::Arc;

use crate::scope::{Purpose, Scope};
use crate::{Amount, Timestamp};

/// Priority of a grant that names none: 0 burns first, 100 last.
pub const PRIORITY_DEFAULT: i64 = 50;
pub const PRIORITY_MAX: i64 = 100;

/// Where the value of a grant came from, which decides its books (rulings R16).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GrantKind {
    /// Given by the operator; expires per grant.
    Promotional,
    /// Paid for by a deposit.
    Purchased,
    /// Given on top of a purchase, whose fate it shares.
    Bonus,
    /// Given by the operator so that somebody can try (requirements D17); a promotion in the books.
    Trial,
}

impl GrantKind {
    pub const fn code(self) -> i64 {
        match self {
            GrantKind::Promotional => 1,
            GrantKind::Purchased => 2,
            GrantKind::Bonus => 3,
            GrantKind::Trial => 4,
        }
    }

    pub const fn from_code(code: i64) -> Option<GrantKind> {
        match code {
            1 => Some(GrantKind::Promotional),
            2 => Some(GrantKind::Purchased),
            3 => Some(GrantKind::Bonus),
            4 => Some(GrantKind::Trial),
            _ => None,
        }
    }

    /// Everything but a purchase was never paid for: it can be voided and never refunded.
    pub const fn is_given(self) -> bool {
        !matches!(self, GrantKind::Purchased)
    }

    /// Came with a purchase, and is valid as long as what was purchased.
    pub const fn is_bought(self) -> bool {
        matches!(self, GrantKind::Purchased | GrantKind::Bonus)
    }

    pub const fn name(self) -> &'static str {
        match self {
            GrantKind::Promotional => "promotional",
            GrantKind::Purchased => "purchased",
            GrantKind::Bonus => "bonus",
            GrantKind::Trial => "trial",
        }
    }
}

/// A grant as it was given. Nothing of it changes but that it can be voided, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub number: i64,
    pub kind: GrantKind,
    pub amount: Amount,
    pub priority: i64,
    pub expires_at: Timestamp,
    /// The purchase that a bonus came with.
    pub purchase: Option<i64>,
    pub deposit: Option<i64>,
    pub note: String,
    /// From when on it can be drawn; its ledger transaction is posted then.
    pub effective_at: Timestamp,
    pub created_at: Timestamp,
    /// When the operator ended it.
    pub voided_at: Option<Timestamp>,
    /// What it can pay for; everything, when none is given.
    pub scope: Option<Arc<Scope>>,
}

impl Grant {
    /// When its value ends: by its terms, or because it was voided.
    pub fn ends_at(&self) -> Timestamp {
        self.voided_at.map_or(self.expires_at, |at| at.min(self.expires_at))
    }

    /// The grant with all of its value still in it.
    pub fn opened(&self) -> OpenGrant {
        OpenGrant {
            number: self.number,
            kind: self.kind,
            priority: self.priority,
            expires_at: self.ends_at(),
            purchase: self.purchase,
            remaining: self.amount,
            reserved: Amount::ZERO,
            scope: self.scope.clone(),
        }
    }
}

/// What is left of a grant, inside its wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenGrant {
    pub number: i64,
    pub kind: GrantKind,
    pub priority: i64,
    pub expires_at: Timestamp,
    pub purchase: Option<i64>,
    pub remaining: Amount,
    /// The part of `remaining` that open holds have set aside.
    pub reserved: Amount,
    pub scope: Option<Arc<Scope>>,
}

impl OpenGrant {
    /// What anything but its holds may draw.
    pub fn unreserved(&self) -> Amount {
        self.remaining.minus(self.reserved)
    }

    /// Paid for, so that it can be refunded and pays debt; given value never does.
    pub fn is_purchased(&self) -> bool {
        self.kind == GrantKind::Purchased
    }

    /// Whether it can be spent on `purpose`; without one, only credit for everything can.
    pub fn pays_for(&self, purpose: Option<Purpose>) -> bool {
        match &self.scope {
            None => true,
            Some(scope) => purpose.is_some_and(|purpose| scope.covers(purpose)),
        }
    }

    /// When it expires in a wallet whose purchased value is valid until `purchased_until`: what was
    /// bought, and the bonus on it, share that date unless they have their own (rulings R12).
    pub fn lapses_at(&self, purchased_until: Timestamp) -> Timestamp {
        let shares = self.kind.is_bought() && self.expires_at == Timestamp::NEVER;
        if shares { purchased_until } else { self.expires_at }
    }

    pub(crate) fn burn_key(&self) -> impl Ord + use<> {
        let anchor = self.purchase.unwrap_or(self.number);
        let width = self.scope.as_ref().map_or((usize::MAX, usize::MAX), |scope| scope.width());
        let (is_bought, is_bonus) = (self.kind.is_bought(), self.kind == GrantKind::Bonus);
        (self.priority, self.expires_at, is_bought, width, anchor, is_bonus)
    }
}

/// A grant that was given and is not effective yet: worth nothing until then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upcoming {
    pub effective_at: Timestamp,
    pub grant: OpenGrant,
}

/// A change of what is left of one grant: negative when drawn, positive when given or restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    pub grant: i64,
    pub change: Amount,
}

/// The grants of a wallet that still hold value, in burn order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenGrants(Vec<OpenGrant>);

impl OpenGrants {
    /// Takes grants as they were stored.
    pub fn from_stored(mut grants: Vec<OpenGrant>) -> OpenGrants {
        grants.sort_by_key(OpenGrant::burn_key);
        OpenGrants(grants)
    }

    pub fn iter(&self) -> impl Iterator<Item = &OpenGrant> {
        self.0.iter()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn get(&self, number: i64) -> Option<&OpenGrant> {
        self.0.iter().find(|grant| grant.number == number)
    }

    pub fn remaining(&self) -> Amount {
        self.0.iter().map(|grant| grant.remaining).sum()
    }

    pub fn reserved(&self) -> Amount {
        self.0.iter().map(|grant| grant.reserved).sum()
    }

    /// What is left of purchased grants.
    pub fn purchased(&self) -> Amount {
        let purchased = self.0.iter().filter(|grant| grant.kind == GrantKind::Purchased);
        purchased.map(|grant| grant.remaining).sum()
    }

    pub fn unreserved(&self) -> Amount {
        self.0.iter().map(OpenGrant::unreserved).sum()
    }

    /// Adds a grant at its place in the burn order.
    pub fn insert(&mut self, grant: OpenGrant) {
        let key = grant.burn_key();
        let place = self.0.partition_point(|other| other.burn_key() <= key);
        self.0.insert(place, grant);
    }

    /// Draws at most `amount` from unreserved value in burn order, one posting per grant touched.
    /// Returns what was missing. Grants left empty are closed.
    pub fn draw_down(&mut self, amount: Amount, postings: &mut Vec<Posting>) -> Amount {
        self.draw_from(amount, postings, |_| true)
    }

    /// As [`OpenGrants::draw_down`], from those grants alone that `is_drawn` names.
    pub fn draw_from(
        &mut self,
        amount: Amount,
        postings: &mut Vec<Posting>,
        is_drawn: impl Fn(&OpenGrant) -> bool,
    ) -> Amount {
        let mut missing = amount;
        for grant in &mut self.0 {
            if !missing.is_positive() {
                break;
            }
            if !is_drawn(grant) {
                continue;
            }
            let part = grant.unreserved().min(missing);
            if part.is_positive() {
                grant.remaining = grant.remaining.minus(part);
                missing = missing.minus(part);
                postings.push(Posting { grant: grant.number, change: part.negated() });
            }
        }
        self.close_empty();
        missing
    }

    /// Sets aside `amount` in burn order for a hold on `purpose` and names the parts (rulings R9);
    /// nothing is changed when the unreserved value that pays for it is less.
    pub fn reserve(&mut self, amount: Amount, purpose: Option<Purpose>) -> Option<Vec<Posting>> {
        let paying = self.0.iter().filter(|grant| grant.pays_for(purpose));
        if paying.map(OpenGrant::unreserved).sum::<Amount>() < amount {
            return None;
        }
        let mut missing = amount;
        let mut parts = Vec::new();
        for grant in self.0.iter_mut().filter(|grant| grant.pays_for(purpose)) {
            let part = grant.unreserved().min(missing);
            if part.is_positive() {
                grant.reserved = grant.reserved.plus(part);
                missing = missing.minus(part);
                parts.push(Posting { grant: grant.number, change: part });
            }
        }
        Some(parts)
    }

    /// Gives back what a hold had set aside.
    pub fn unreserve(&mut self, parts: &[Posting]) {
        for part in parts {
            if let Some(grant) = self.0.iter_mut().find(|grant| grant.number == part.grant) {
                grant.reserved = grant.reserved.minus(part.change);
                assert!(!grant.reserved.is_negative(), "reserved below zero");
            }
        }
        self.close_empty();
    }

    /// Takes exactly `change` (negative: out, positive: back in) from or to one open grant.
    /// False when the grant is not open.
    pub fn apply(&mut self, posting: Posting) -> bool {
        let Some(grant) = self.0.iter_mut().find(|grant| grant.number == posting.grant) else {
            return false;
        };
        grant.remaining = grant.remaining.plus(posting.change);
        assert!(!grant.unreserved().is_negative(), "drawn below what is reserved");
        self.close_empty();
        true
    }

    /// Ends a hold: gives back `parts` and draws `postings` out of the very same grants.
    pub fn release_and_draw(&mut self, parts: &[Posting], postings: &[Posting]) {
        for grant in &mut self.0 {
            let of_grant = |part: &&Posting| part.grant == grant.number;
            let freed: Amount = parts.iter().filter(of_grant).map(|part| part.change).sum();
            let drawn: Amount = postings.iter().filter(of_grant).map(|part| part.change).sum();
            grant.reserved = grant.reserved.minus(freed);
            grant.remaining = grant.remaining.plus(drawn);
            assert!(!grant.reserved.is_negative(), "reserved below zero");
            assert!(!grant.unreserved().is_negative(), "drawn below what is reserved");
        }
        self.close_empty();
    }

    /// Removes the unreserved rest of the next grant that expires at or before `at`, and returns
    /// the grant as it was. One at a time, so that each ledger transaction leaves the balance it
    /// states.
    pub fn expire_next(&mut self, at: Timestamp, purchased_until: Timestamp) -> Option<OpenGrant> {
        let is_due = |grant: &&mut OpenGrant| grant.lapses_at(purchased_until) <= at;
        let mut due = self.0.iter_mut().filter(is_due);
        let grant = due.find(|grant| grant.unreserved().is_positive())?;
        let before = grant.clone();
        grant.remaining = grant.reserved;
        self.close_empty();
        Some(before)
    }

    /// Lets what was bought and has no date of its own end at `at`, so that no later purchase
    /// renews it.
    pub fn end_purchased(&mut self, at: Timestamp) {
        self.expire_purchased_at(|grant| grant.expires_at == Timestamp::NEVER, at);
    }

    /// Lets what was bought and is good beyond `at` share the one date again.
    pub fn renew_purchased(&mut self, at: Timestamp) {
        // A commitment has its own term.
        let is_good = |grant: &OpenGrant| grant.expires_at > at && grant.scope.is_none();
        self.expire_purchased_at(is_good, Timestamp::NEVER);
    }

    /// Takes the end of what was bought back where it was the date `at`.
    pub fn revive_purchased(&mut self, at: Timestamp) {
        self.expire_purchased_at(|grant| grant.expires_at == at, Timestamp::NEVER);
    }

    fn expire_purchased_at(&mut self, which: impl Fn(&OpenGrant) -> bool, at: Timestamp) {
        for grant in self.0.iter_mut().filter(|grant| grant.kind.is_bought() && which(grant)) {
            grant.expires_at = at;
        }
        self.0.sort_by_key(OpenGrant::burn_key);
    }

    /// Lets an open grant end at `at`: what its holds give back from now on expires with it.
    pub fn end(&mut self, number: i64, at: Timestamp) {
        if let Some(place) = self.0.iter().position(|grant| grant.number == number) {
            let mut grant = self.0.remove(place);
            grant.expires_at = grant.expires_at.min(at);
            self.insert(grant);
        }
    }

    /// Lets an open grant go on until `until`, whatever its terms say.
    pub fn extend(&mut self, number: i64, until: Timestamp) {
        if let Some(place) = self.0.iter().position(|grant| grant.number == number) {
            let grant = self.0.remove(place);
            self.insert(OpenGrant { expires_at: until, ..grant });
        }
    }

    fn close_empty(&mut self) {
        if self.0.iter().any(|grant| grant.remaining.is_zero()) {
            self.0.retain(|grant| !grant.remaining.is_zero());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(number: i64, kind: GrantKind, amount: i64) -> OpenGrant {
        OpenGrant {
            number,
            kind,
            priority: PRIORITY_DEFAULT,
            expires_at: Timestamp::NEVER,
            purchase: None,
            remaining: Amount::from_units(amount),
            reserved: Amount::ZERO,
            scope: None,
        }
    }

    fn order(grants: Vec<OpenGrant>) -> Vec<i64> {
        OpenGrants::from_stored(grants).iter().map(|grant| grant.number).collect()
    }

    #[test]
    fn grants_burn_in_the_stated_order() {
        let soon = Timestamp::from_seconds(100);
        let grants = vec![
            open(1, GrantKind::Purchased, 1),
            open(2, GrantKind::Promotional, 1),
            OpenGrant { expires_at: soon, ..open(3, GrantKind::Purchased, 1) },
            OpenGrant { expires_at: soon, ..open(4, GrantKind::Promotional, 1) },
            OpenGrant { priority: 90, ..open(5, GrantKind::Promotional, 1) },
            OpenGrant { priority: 0, ..open(6, GrantKind::Purchased, 1) },
            open(7, GrantKind::Purchased, 1),
            OpenGrant { purchase: Some(1), ..open(8, GrantKind::Bonus, 1) },
        ];
        assert_eq!(order(grants), [6, 4, 3, 2, 1, 8, 7, 5]);
    }

    #[test]
    fn a_draw_touches_each_grant_once_and_says_what_is_missing() {
        let mut grants = OpenGrants::from_stored(vec![
            open(1, GrantKind::Purchased, 20),
            open(2, GrantKind::Promotional, 5),
        ]);
        let mut postings = Vec::new();
        assert_eq!(grants.draw_down(Amount::from_units(7), &mut postings), Amount::ZERO);
        let change = Amount::from_units;
        assert_eq!(
            postings,
            [Posting { grant: 2, change: change(-5) }, Posting { grant: 1, change: change(-2) }]
        );
        assert_eq!(grants.len(), 1);
        assert_eq!(grants.draw_down(Amount::from_units(20), &mut postings), Amount::from_units(2));
        assert!(grants.is_empty());
    }

    #[test]
    fn what_is_reserved_is_not_drawn_and_outlives_its_expiry() {
        let soon = Timestamp::from_seconds(100);
        let mut grants = OpenGrants::from_stored(vec![OpenGrant {
            expires_at: soon,
            ..open(1, GrantKind::Promotional, 10)
        }]);
        let parts = grants.reserve(Amount::from_units(4), None).unwrap();
        assert_eq!(grants.reserve(Amount::from_units(7), None), None);
        let never = Timestamp::NEVER;
        assert_eq!(grants.expire_next(soon, never).unwrap().unreserved(), Amount::from_units(6));
        assert_eq!(grants.expire_next(soon, never), None);
        assert_eq!(grants.draw_down(Amount::from_units(1), &mut Vec::new()), Amount::from_units(1));
        grants.unreserve(&parts);
        assert_eq!(grants.expire_next(soon, never).unwrap().unreserved(), Amount::from_units(4));
        assert!(grants.is_empty());
    }
}
