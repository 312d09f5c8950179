//! Grants, payments, what is given back, and what is told.

use app::operations::give_grant::Given;
use domain::Amount;
use domain::coupon::{BonusSlabs, CouponCode, CouponGift};
use domain::deposit::Behaviour;
use domain::discount::bps_of_percent;
use domain::dispute::DisputeState;
use domain::document::Party;

use super::says::{Assign, Fate, NewCoupon, NewGrant, RefundBy, Says};
use crate::scenario::layer::RailAnswer;
use crate::scenario::when::{duration, when};
use crate::scenario::words::{ParseError, Words};

/// `discount acme 10% on h100 from +01:00:00 until +02:00:00`; what is left out is everything, now
/// and for good.
pub(super) fn discount(words: &mut Words) -> Result<Says, ParseError> {
    let wallet = words.name("a wallet's name")?;
    let percent = |word: &str| bps_of_percent(word.strip_suffix('%')?);
    let bps = words.read("a percentage, such as 10% or 12.5%", percent)?;
    let sku = if words.take_keyword("on") { Some(words.name("a SKU's code")?) } else { None };
    let from = if words.take_keyword("from") { Some(when(words)?) } else { None };
    let until = if words.take_keyword("until") { Some(when(words)?) } else { None };
    Ok(Says::Discount(Assign { wallet, bps, sku, from, until }))
}

/// `tax acme 19%`, or `tax acme off`.
pub(super) fn tax(words: &mut Words) -> Result<Says, ParseError> {
    let wallet = words.name("a wallet's name")?;
    let percent = |word: &str| match word {
        "off" => Some(0),
        word => word.strip_suffix('%').and_then(|word| {
            bps_of_percent(word).or_else(|| word.parse::<i64>().ok()?.checked_mul(100))
        }),
    };
    let bps = words.read("a percentage, such as 19% or 7.7%, or `off`", percent)?;
    Ok(Says::Tax { wallet, bps })
}

/// `party acme Acme_Labs DE123`, or `party platform Halide_Ltd GB1`: a name, and a tax id.
pub(super) fn party(words: &mut Words) -> Result<Says, ParseError> {
    let wallet = words.name("a wallet's name, or `platform`")?;
    let name = words.name("a legal name")?;
    let tax_id = match words.peek() {
        None => String::new(),
        Some(_) => words.name("a tax id")?,
    };
    let party = Party { name, address: String::new(), tax_id };
    Ok(Says::Party { wallet: Some(wallet).filter(|name| name != "platform"), party })
}

pub(super) fn deposit(words: &mut Words) -> Result<Says, ParseError> {
    let name = words.name("a name for the deposit")?;
    let wallet = words.name("a wallet's name")?;
    let amount = words.amount()?;
    let fate = if words.peek().is_none() {
        Fate::Answered(RailAnswer::Succeeded)
    } else {
        words.read(
            "`declined`, `needs_authentication`, `pending` or `twice`",
            |word| match word {
                "pending" => Some(Fate::Pending),
                "twice" => Some(Fate::Twice),
                "succeeded" => None,
                other => RailAnswer::from_name(other).map(Fate::Answered),
            },
        )?
    };
    Ok(Says::Deposit { name, wallet, amount, fate })
}

pub(super) fn settle(words: &mut Words) -> Result<Says, ParseError> {
    let name = words.name("a deposit's name")?;
    let expected = "`succeeded`, `declined` or `needs_authentication`";
    let answer = words.read(expected, RailAnswer::from_name)?;
    let paid_at = if words.take_keyword("paid") { Some(when(words)?) } else { None };
    Ok(Says::Settle { name, answer, paid_at })
}

pub(super) fn refund(words: &mut Words) -> Result<Says, ParseError> {
    let name = words.name("a name for the refund")?;
    let deposit = words.name("a deposit's name")?;
    let is_amount = words.peek().is_some_and(|word| Amount::parse(word).is_ok());
    let amount = if is_amount { Some(words.amount()?) } else { None };
    let by = if words.peek().is_none() {
        RefundBy::Us
    } else {
        words.read("an amount, `pending`, `by_customer` or `at_provider`", |word| match word {
            "pending" => Some(RefundBy::UsPending),
            "by_customer" => Some(RefundBy::Customer),
            "at_provider" if is_amount => Some(RefundBy::Provider),
            _ => None,
        })?
    };
    Ok(Says::Refund { name, deposit, amount, by })
}

pub(super) fn dispute(words: &mut Words) -> Result<Says, ParseError> {
    let name = words.name("a name for the dispute")?;
    let deposit = words.name("a deposit's name")?;
    let state = words.read("`inquiry`, `open`, `won` or `lost`", DisputeState::from_name)?;
    words.keyword("withdrawn")?;
    Ok(Says::Dispute { name, deposit, state, withdrawn: words.amount()? })
}

pub(super) fn grant(words: &mut Words) -> Result<Says, ParseError> {
    let name = words.name("a name for the grant")?;
    let wallet = words.name("a wallet's name")?;
    let amount = words.amount()?;
    let given = if words.take_keyword("trial") { Given::Trial } else { Given::Promotional };
    let from = if words.take_keyword("from") { Some(when(words)?) } else { None };
    let expires = if words.take_keyword("expires") { Some(when(words)?) } else { None };
    let priority = if words.take_keyword("priority") {
        words.count("a priority")?
    } else {
        domain::grant::PRIORITY_DEFAULT
    };
    Ok(Says::Grant(NewGrant { name, wallet, amount, given, from, expires, priority }))
}

pub(super) fn coupon_code(words: &mut Words) -> Result<CouponCode, ParseError> {
    words.read("a coupon's code, such as WELCOME-10", CouponCode::parse)
}

/// `coupon WELCOME credit 5.00 expires 30 days until TIME max 10`, `coupon PLUS bonus 0:10%`.
pub(super) fn coupon(words: &mut Words) -> Result<Says, ParseError> {
    let code = coupon_code(words)?;
    let gift = if words.take_keyword("credit") {
        let amount = words.amount()?;
        let expires = words.take_keyword("expires");
        let expires_in_seconds = if expires { Some(duration(words)?) } else { None };
        CouponGift::Credit { amount, expires_in_seconds }
    } else {
        words.read("`credit AMOUNT` or `bonus SLABS`", |word| (word == "bonus").then_some(()))?;
        let slabs = words.read("bonuses by size, such as 0:10% or 100:5.00", BonusSlabs::parse)?;
        CouponGift::Bonus(slabs)
    };
    let from = if words.take_keyword("from") { Some(when(words)?) } else { None };
    let until = if words.take_keyword("until") { Some(when(words)?) } else { None };
    let most = if words.take_keyword("max") { words.count("a number")? } else { 1_000 };
    let first = words.take_keyword("first");
    Ok(Says::Coupon(NewCoupon { code, gift, from, until, most, first }))
}

pub(super) fn card(words: &mut Words) -> Result<Says, ParseError> {
    let wallet = words.name("a wallet's name")?;
    let expected = "`succeeds`, `declines` or `needs_authentication`";
    let behaviour = words.read(expected, |word| match word {
        "succeeds" => Some(Behaviour::Succeeds),
        "declines" => Some(Behaviour::Declines),
        "needs_authentication" => Some(Behaviour::NeedsAuthentication),
        _ => None,
    })?;
    Ok(Says::Card { wallet, behaviour })
}

pub(super) fn auto_top_up(words: &mut Words) -> Result<Says, ParseError> {
    let wallet = words.name("a wallet's name")?;
    if words.take_keyword("off") {
        return Ok(Says::AutoTopUp { wallet, rule: None });
    }
    words.read("`below AMOUNT charge AMOUNT` or `off`", |word| (word == "below").then_some(()))?;
    let threshold = words.amount()?;
    words.keyword("charge")?;
    Ok(Says::AutoTopUp { wallet, rule: Some((threshold, words.amount()?)) })
}

pub(super) fn alert(words: &mut Words) -> Result<Says, ParseError> {
    let wallet = words.name("a wallet's name")?;
    let member = if words.take_keyword("of") { Some(words.name("a member's name")?) } else { None };
    if words.take_keyword("off") {
        return Ok(Says::Alert { wallet, member, below: None });
    }
    words.read("`below AMOUNT` or `off`", |word| (word == "below").then_some(()))?;
    Ok(Says::Alert { wallet, member, below: Some(words.amount()?) })
}
