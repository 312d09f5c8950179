//! Coupons: campaigns of a platform, and what an organization got of them (requirements D09, N21).
//!
//! Laws: a code is one coupon of its platform, whatever its case; a coupon is claimed at most so
//! often as its platform says, by each organization once; what it gives is decided when it is
//! redeemed and never changes.
//!
//! The counter belongs to the platform, the credit to the organization, and they are decided in
//! different lanes (rulings A12). So a redemption is a **claim** in the platform's lane, which
//! counts, then a **redemption** in the organization's, which gives or refuses, then the
//! conclusion of the claim. Each step can be repeated: coupon and organization are its key.

use std::fmt::{self, Display};

use crate::rate::{BPS_PER_ONE, amount_round_half_even};
use crate::{Amount, OrgId, Refusal, Timestamp};

/// Steps of a bonus by the size of the deposit.
pub const SLABS_MAX: usize = 8;
/// A bonus is at most ten times its deposit.
pub const BONUS_BPS_MAX: i64 = 100_000;
const CODE_LENGTH: std::ops::RangeInclusive<usize> = 3..=40;

/// The code that people type, in capitals.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CouponCode(String);

impl CouponCode {
    /// Reads a code whatever its case; nothing when it is not 3 to 40 letters, digits, `-` and `_`.
    pub fn parse(text: &str) -> Option<CouponCode> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let fits = CODE_LENGTH.contains(&text.len()) && text.bytes().all(is_plain);
        fits.then(|| CouponCode(text.to_ascii_uppercase()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How much is given on top of a deposit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BonusRate {
    /// Parts of ten thousand of the deposit.
    Bps(i64),
    Fixed(Amount),
}

/// What deposits of `from` or more get, until the next slab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slab {
    pub from: Amount,
    pub rate: BonusRate,
}

/// A bonus by the size of the deposit; slabs ascend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BonusSlabs(Vec<Slab>);

impl BonusSlabs {
    /// Slabs in any order; nothing when there are too many, two begin alike, or one gives nothing
    /// or too much.
    pub fn of(mut slabs: Vec<Slab>) -> Option<BonusSlabs> {
        slabs.sort_by_key(|slab| slab.from);
        let is_sound = |slab: &Slab| match slab.rate {
            BonusRate::Bps(bps) => (1..=BONUS_BPS_MAX).contains(&bps),
            BonusRate::Fixed(amount) => amount.is_positive(),
        };
        let ascends = slabs.windows(2).all(|pair| pair[0].from < pair[1].from);
        let fits = slabs.len() <= SLABS_MAX && ascends && slabs.iter().all(is_sound);
        let starts = slabs.first().is_none_or(|slab| !slab.from.is_negative());
        (fits && starts).then_some(BonusSlabs(slabs))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Slab> {
        self.0.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bonus of a deposit, rounded once half to even; nothing for one that is too small.
    pub fn bonus_round_half_even(&self, deposit: Amount) -> Amount {
        let slab = self.0.iter().rfind(|slab| slab.from <= deposit);
        match slab.map(|slab| slab.rate) {
            None => Amount::ZERO,
            Some(BonusRate::Fixed(amount)) => amount,
            Some(BonusRate::Bps(bps)) => {
                let exact = i128::from(deposit.nanos()) * i128::from(bps);
                amount_round_half_even(exact, i128::from(BPS_PER_ONE)).unwrap_or(Amount::MAX)
            }
        }
    }

    /// Reads what [`BonusSlabs`] displays as: `100:5%,500:12.5%,1000:75.00`.
    pub fn parse(text: &str) -> Option<BonusSlabs> {
        let slab = |text: &str| {
            let (from, rate) = text.split_once(':')?;
            let rate = match rate.strip_suffix('%') {
                Some(percent) => {
                    // A percent of a nano-unit's scale: 10⁷ nanos are one basis point.
                    let nanos = Amount::parse(percent).ok()?.nanos();
                    (nanos % NANOS_PER_BPS == 0).then_some(BonusRate::Bps(nanos / NANOS_PER_BPS))?
                }
                None => BonusRate::Fixed(Amount::parse(rate).ok()?),
            };
            Some(Slab { from: Amount::parse(from).ok()?, rate })
        };
        if text.is_empty() {
            return Some(BonusSlabs::default());
        }
        BonusSlabs::of(text.split(',').map(slab).collect::<Option<Vec<Slab>>>()?)
    }
}

const NANOS_PER_BPS: i64 = 10_000_000;

impl Display for BonusSlabs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, slab) in self.0.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            match slab.rate {
                BonusRate::Bps(bps) => {
                    let percent = Amount::from_nanos(bps.saturating_mul(NANOS_PER_BPS));
                    write!(f, "{comma}{}:{percent}%", slab.from)?;
                }
                BonusRate::Fixed(amount) => write!(f, "{comma}{}:{amount}", slab.from)?,
            }
        }
        Ok(())
    }
}

/// What a coupon gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CouponGift {
    /// Promotional credit at once, which expires so long after it was redeemed.
    Credit { amount: Amount, expires_in_seconds: Option<i64> },
    /// A bonus on the next deposit that is large enough; it shares the fate of that purchase.
    Bonus(BonusSlabs),
}

impl CouponGift {
    /// How it is stored.
    pub fn text(&self) -> String {
        match self {
            CouponGift::Credit { amount, expires_in_seconds: None } => format!("credit {amount}"),
            CouponGift::Credit { amount, expires_in_seconds: Some(seconds) } => {
                format!("credit {amount} {seconds}")
            }
            CouponGift::Bonus(slabs) => format!("bonus {slabs}"),
        }
    }

    /// Reads what [`CouponGift::text`] wrote.
    pub fn parse(text: &str) -> Option<CouponGift> {
        match text.split(' ').collect::<Vec<&str>>().as_slice() {
            ["credit", amount] => {
                let amount = Amount::parse(amount).ok()?;
                Some(CouponGift::Credit { amount, expires_in_seconds: None })
            }
            ["credit", amount, seconds] => {
                let expires_in_seconds = Some(seconds.parse().ok()?);
                let amount = Amount::parse(amount).ok()?;
                Some(CouponGift::Credit { amount, expires_in_seconds })
            }
            ["bonus", slabs] => BonusSlabs::parse(slabs).map(CouponGift::Bonus),
            _ => None,
        }
    }
}

/// A campaign of a platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coupon {
    pub number: i64,
    pub code: CouponCode,
    pub gift: CouponGift,
    /// `[starts_at, ends_at)`.
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    pub redemptions_max: i64,
    /// Only for who has never paid yet.
    pub first_purchase_only: bool,
    /// Claims that were not given back.
    pub claimed: i64,
    pub created_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimState {
    /// Counted; the organization has not answered yet.
    Open,
    Redeemed,
    /// The organization could not have it: given back, and never claimed again.
    GivenBack,
}

impl ClaimState {
    pub const fn code(self) -> i64 {
        match self {
            ClaimState::Open => 1,
            ClaimState::Redeemed => 2,
            ClaimState::GivenBack => 3,
        }
    }

    pub const fn from_code(code: i64) -> Option<ClaimState> {
        match code {
            1 => Some(ClaimState::Open),
            2 => Some(ClaimState::Redeemed),
            3 => Some(ClaimState::GivenBack),
            _ => None,
        }
    }
}

/// One organization's place in the count of a coupon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub number: i64,
    pub coupon: i64,
    pub claimant: OrgId,
    pub state: ClaimState,
    pub created_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedemptionState {
    /// The credit was given.
    Given,
    /// The bonus waits for a deposit.
    Waiting,
    /// It was for a first purchase, and this organization had paid before.
    NotFirstPurchase,
    /// As many bonuses as a wallet has room for were waiting.
    TooManyWait,
    /// Its organization was closed meanwhile.
    Closed,
}

impl RedemptionState {
    pub const ALL: [RedemptionState; 5] = [
        RedemptionState::Given,
        RedemptionState::Waiting,
        RedemptionState::NotFirstPurchase,
        RedemptionState::TooManyWait,
        RedemptionState::Closed,
    ];

    pub const fn code(self) -> i64 {
        match self {
            RedemptionState::Given => 1,
            RedemptionState::Waiting => 2,
            RedemptionState::NotFirstPurchase => 3,
            RedemptionState::TooManyWait => 4,
            RedemptionState::Closed => 5,
        }
    }

    pub fn from_code(code: i64) -> Option<RedemptionState> {
        RedemptionState::ALL.into_iter().find(|state| state.code() == code)
    }

    pub const fn name(self) -> &'static str {
        match self {
            RedemptionState::Given => "given",
            RedemptionState::Waiting => "waiting",
            RedemptionState::NotFirstPurchase => "not_first_purchase",
            RedemptionState::TooManyWait => "too_many_wait",
            RedemptionState::Closed => "closed",
        }
    }

    /// Why it could not be had.
    pub const fn refusal(self) -> Option<Refusal> {
        match self {
            RedemptionState::Given | RedemptionState::Waiting => None,
            RedemptionState::NotFirstPurchase => Some(Refusal::NotFirstPurchase),
            RedemptionState::TooManyWait => Some(Refusal::TooManyWaiting),
            RedemptionState::Closed => Some(Refusal::OrganizationClosed),
        }
    }

    /// Whether the organization has, or will have, what the coupon gives.
    pub const fn is_redeemed(self) -> bool {
        matches!(self, RedemptionState::Given | RedemptionState::Waiting)
    }
}

/// What became of a coupon in one organization; its number is the coupon's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redemption {
    pub number: i64,
    pub code: CouponCode,
    pub gift: CouponGift,
    pub state: RedemptionState,
    pub grant: Option<i64>,
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_same_in_any_case() {
        let code = |text| CouponCode::parse(text).map(|code| code.as_str().to_owned());
        assert_eq!(code("welcome-10"), Some("WELCOME-10".to_owned()));
        assert_eq!(code("Welcome-10"), code("WELCOME-10"));
        for text in ["", "ab", "with space", "ümlaut", "a;b", &"x".repeat(41)] {
            assert_eq!(code(text), None, "{text}");
        }
    }

    fn check_bonus(slabs: &str, deposit: &str, bonus: &str) {
        let slabs = BonusSlabs::parse(slabs).unwrap();
        let amount = |text| Amount::parse(text).unwrap();
        assert_eq!(
            slabs.bonus_round_half_even(amount(deposit)),
            amount(bonus),
            "{slabs} {deposit}"
        );
        assert_eq!(BonusSlabs::parse(&slabs.to_string()), Some(slabs));
    }

    #[test]
    fn the_largest_slab_that_a_deposit_reaches_decides() {
        let slabs = "100:5%,500:10%,1000:150.00";
        check_bonus(slabs, "99.99", "0");
        check_bonus(slabs, "100.00", "5.00");
        check_bonus(slabs, "499.99", "24.9995");
        check_bonus(slabs, "500.00", "50.00");
        check_bonus(slabs, "5000.00", "150.00");
        check_bonus("0:12.5%", "0.01", "0.00125");
        check_bonus("", "100.00", "0");
    }

    #[test]
    fn slabs_that_make_no_sense_are_none() {
        for text in
            ["100", "100:", "100:5%,100:6%", "0:0%", "0:0.00", "-1:5%", "0:0.001%", "0:1001%"]
        {
            assert_eq!(BonusSlabs::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_gift_survives_its_text() {
        for text in ["credit 5.00", "credit 5.00 86400", "bonus 0.00:10.00%"] {
            assert_eq!(CouponGift::parse(text).unwrap().text(), text);
        }
        assert_eq!(CouponGift::parse("credit"), None);
    }

    #[test]
    fn states_are_stored_and_named() {
        let claims = [ClaimState::Open, ClaimState::Redeemed, ClaimState::GivenBack];
        for (state, code) in claims.into_iter().zip(1..) {
            assert_eq!((state.code(), ClaimState::from_code(code)), (code, Some(state)));
        }
        assert_eq!(ClaimState::from_code(4), None);
        for (state, code) in RedemptionState::ALL.into_iter().zip(1..) {
            assert_eq!((state.code(), RedemptionState::from_code(code)), (code, Some(state)));
            assert_eq!(state.is_redeemed(), state.refusal().is_none(), "{state:?}");
        }
        assert_eq!(RedemptionState::from_code(6), None);
        let names: Vec<&str> = RedemptionState::ALL.map(RedemptionState::name).to_vec();
        assert_eq!((names[0], names[1]), ("given", "waiting"));
        assert!(RedemptionState::Given.is_redeemed() && RedemptionState::Waiting.is_redeemed());
        assert!(!RedemptionState::NotFirstPurchase.is_redeemed());
        assert!(!RedemptionState::TooManyWait.is_redeemed());
        assert!(!RedemptionState::Closed.is_redeemed());
    }

    #[test]
    fn slabs_are_walked_in_order_and_empty_without_any() {
        let slabs = BonusSlabs::parse("100:5%,500:50.00").unwrap();
        assert_eq!(
            slabs.iter().map(|slab| slab.from).collect::<Vec<_>>(),
            [Amount::from_units(100), Amount::from_units(500),]
        );
        assert!(!slabs.is_empty() && BonusSlabs::default().is_empty());
    }
}
