//! Holds: credit set aside before work, drawn or given back when the work is done.
//!
//! Laws: a hold reserves named grants in burn order when it is placed and is drawn from exactly
//! those (rulings R9); it is resolved once; it always has an expiry.

use crate::grant::Posting;
use crate::{Amount, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldState {
    Open,
    Captured,
    Released,
    Expired,
}

impl HoldState {
    pub const ALL: [HoldState; 4] =
        [HoldState::Open, HoldState::Captured, HoldState::Released, HoldState::Expired];

    pub const fn code(self) -> i64 {
        match self {
            HoldState::Open => 1,
            HoldState::Captured => 2,
            HoldState::Released => 3,
            HoldState::Expired => 4,
        }
    }

    pub fn from_code(code: i64) -> Option<HoldState> {
        HoldState::ALL.into_iter().find(|state| state.code() == code)
    }

    pub const fn name(self) -> &'static str {
        match self {
            HoldState::Open => "open",
            HoldState::Captured => "captured",
            HoldState::Released => "released",
            HoldState::Expired => "expired",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub number: i64,
    pub amount: Amount,
    pub captured: Option<Amount>,
    pub state: HoldState,
    /// What is reserved of which grant.
    pub parts: Vec<Posting>,
    /// What the work is, so that credit for it alone is set aside as well.
    pub sku: Option<i64>,
    pub note: String,
    /// Number of the set of labels that its capture will be charged under; 0 when it has none.
    pub labels: i64,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub resolved_at: Option<Timestamp>,
}

impl Hold {
    /// Splits the parts into what a capture of `amount` draws (as negative changes, in burn order)
    /// and what is missing beyond the hold.
    pub fn drawn_by(&self, amount: Amount) -> (Vec<Posting>, Amount) {
        let mut missing = amount;
        let mut postings = Vec::new();
        for part in &self.parts {
            let drawn = part.change.min(missing);
            if drawn.is_positive() {
                postings.push(Posting { grant: part.grant, change: drawn.negated() });
                missing = missing.minus(drawn);
            }
        }
        (postings, missing)
    }
}
