//! Grants, payments, what is given back, and what is told.

use app::operations::give_grant::Given;
use domain::Amount;
use domain::arrival::Decision;
use domain::conversion::Conversion;
use domain::coupon::{BonusSlabs, CouponCode, CouponGift};
use domain::deposit::{Behaviour, PaidWith};
use domain::discount::bps_of_percent;
use domain::dispute::DisputeState;
use domain::document::Party;
use domain::limit::{LimitScope, LimitWindow};
use domain::price::{AppliesTo, CommitmentTerms};
use domain::roll_forward::Month;
use domain::top_up::Caps;

use super::says::{Assign, Fate, NewCoupon, NewGrant, RefundBy, Says};
use crate::scenario::layer::{RailAnswer, Told, TopUpRule};
use crate::scenario::when::{duration, when};
use crate::scenario::words::{ParseError, Words};

/// Reads what comes after a command about payments.
pub(super) type Reader = fn(&mut Words) -> Result<Says, ParseError>;

/// The reader of a command about payments.
pub(super) fn money_named(command: &str) -> Option<Reader> {
    match command {
        "deposit" => Some(deposit),
        "settle" => Some(settle),
        "arrival" => Some(arrival),
        "refund" => Some(refund),
        "dispute" => Some(dispute),
        "card" => Some(card),
        "auto_top_up" => Some(auto_top_up),
        "preview" => Some(preview),
        "tax" => Some(tax),
        "party" => Some(party),
        "invoice" => Some(invoice),
        _ => None,
    }
}

/// `discount acme 10% on h100 from +01:00:00 until +02:00:00`; what is left out is everything, now
/// and for good.
pub(super) fn discount(words: &mut Words) -> Result<Says, ParseError> {
    let wallet = words.name("a wallet's name")?;
    let bps = percentage(words)?;
    let sku = if words.take_keyword("on") { Some(words.name("a SKU's code")?) } else { None };
    let from = if words.take_keyword("from") { Some(when(words)?) } else { None };
    let until = if words.take_keyword("until") { Some(when(words)?) } else { None };
    let applies_to = applies_to(words);
    Ok(Says::Discount(Assign { wallet, bps, sku, from, until, applies_to }))
}

/// `reserved h100 40% for 30 days`, or `reserved h100 off`.
pub(super) fn reserved(words: &mut Words) -> Result<Says, ParseError> {
    let code = words.name("a SKU's code")?;
    if words.take_keyword("off") {
        return Ok(Says::OfferCommitment { code, terms: None });
    }
    let bps = percentage(words)?;
    words.keyword("for")?;
    let days = words.count("a number of days")?;
    words.keyword("days")?;
    Ok(Says::OfferCommitment { code, terms: Some(CommitmentTerms { bps, days }) })
}

/// `commit c1 acme 2 h100`: two machines for the whole term.
pub(super) fn commit(words: &mut Words) -> Result<Says, ParseError> {
    let name = words.name("a name for the grant")?;
    let wallet = words.name("a wallet's name")?;
    let quantity = words.count("a number of machines")?;
    Ok(Says::Commit { name, wallet, quantity, code: words.name("a SKU's code")? })
}

fn percentage(words: &mut Words) -> Result<i64, ParseError> {
    let percent = |word: &str| bps_of_percent(word.strip_suffix('%')?);
    words.read("a percentage, such as 10% or 12.5%", percent)
}

/// `running` at the end: for what runs by then as well.
pub(super) fn applies_to(words: &mut Words) -> AppliesTo {
    if words.take_keyword("running") { AppliesTo::Running } else { AppliesTo::NewRuns }
}

/// `tax acme 19%`, or `tax acme off`.
fn tax(words: &mut Words) -> Result<Says, ParseError> {
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
fn party(words: &mut Words) -> Result<Says, ParseError> {
    let wallet = words.name("a wallet's name, or `platform`")?;
    let name = words.name("a legal name")?;
    let tax_id = match words.peek() {
        None => String::new(),
        Some(_) => words.name("a tax id")?,
    };
    let party = Party { name, address: String::new(), tax_id };
    Ok(Says::Party { wallet: Some(wallet).filter(|name| name != "platform"), party })
}

fn invoice(words: &mut Words) -> Result<Says, ParseError> {
    let wallet = words.name("a wallet's name")?;
    let month = words.read("a month, such as 2026-01", Month::parse)?;
    Ok(Says::Invoice { wallet, month })
}

fn deposit(words: &mut Words) -> Result<Says, ParseError> {
    let name = words.name("a name for the deposit")?;
    let wallet = words.name("a wallet's name")?;
    let amount = words.amount()?;
    let paid_with = if words.take_keyword("crypto") { PaidWith::Crypto } else { PaidWith::Card };
    let told = told(words)?;
    let fate = if words.peek().is_none() {
        Fate::Answered(RailAnswer::Succeeded)
    } else {
        words.read("`seen`, `declined`, `needs_authentication`, `pending` or `twice`", |word| {
            match word {
                "pending" => Some(Fate::Pending),
                "twice" => Some(Fate::Twice),
                "succeeded" => None,
                other => RailAnswer::from_name(other).map(Fate::Answered),
            }
        })?
    };
    Ok(Says::Deposit { name, wallet, amount, paid_with, fate, told })
}

/// `arrival d1-arrival credit`, `return`, or `ignore` with a word that says why.
fn arrival(words: &mut Words) -> Result<Says, ParseError> {
    let name = words.name("an arrival's name")?;
    let expected = "`credit`, `return` or `ignore WHY`";
    let mut decision = words.read(expected, |word| match word {
        "credit" => Some(Decision::Credit),
        "return" => Some(Decision::Return),
        "ignore" => Some(Decision::Ignore { note: String::new() }),
        _ => None,
    })?;
    if let Decision::Ignore { note } = &mut decision {
        *note = words.name("a word that says why")?;
    }
    Ok(Says::Arrival { name, decision })
}

/// `50.02 USDC at 0.9996`: what a provider settled, and what one of it is worth.
fn conversion(words: &mut Words) -> Result<Conversion, ParseError> {
    let amount = words.name("an amount of another currency")?;
    let currency = words.name("a currency, such as USDC")?;
    words.keyword("at")?;
    let parse = |rate: &str| Conversion::parse(&format!("{amount} {currency} at {rate}"));
    words.read("a rate, after an amount of another currency", parse)
}

/// `amount 20.00 in USD fee 0.88 converted 18.50 EUR at 1.0811`: what else the rail says of the
/// money that it confirms.
fn told(words: &mut Words) -> Result<Told, ParseError> {
    let amount = if words.take_keyword("amount") { Some(words.amount()?) } else { None };
    let currency =
        if words.take_keyword("in") { Some(words.name("a currency, such as EUR")?) } else { None };
    let fee = if words.take_keyword("fee") { Some(words.amount()?) } else { None };
    let converted = words.take_keyword("converted");
    let conversion = if converted { Some(conversion(words)?) } else { None };
    let again = words.take_keyword("as");
    let payment = if again { Some(words.name("a name for the payment")?) } else { None };
    Ok(Told { amount, currency, fee, conversion, payment })
}

fn settle(words: &mut Words) -> Result<Says, ParseError> {
    let name = words.name("a deposit's name")?;
    let expected = "`succeeded`, `seen`, `declined` or `needs_authentication`";
    let answer = words.read(expected, RailAnswer::from_name)?;
    let paid_at = if words.take_keyword("paid") { Some(when(words)?) } else { None };
    Ok(Says::Settle { name, answer, paid_at, told: told(words)? })
}

fn refund(words: &mut Words) -> Result<Says, ParseError> {
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

fn dispute(words: &mut Words) -> Result<Says, ParseError> {
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
    let scope = if words.take_keyword("on") { scope(words)? } else { Vec::new() };
    Ok(Says::Grant(NewGrant { name, wallet, amount, given, from, expires, priority, scope }))
}

/// `h100,storage`: SKUs by their codes, and classes.
pub(super) fn scope(words: &mut Words) -> Result<Vec<String>, ParseError> {
    let is_name = |name: &str| {
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        !name.is_empty() && name.chars().all(is_letter)
    };
    words.read("SKUs or classes joined by commas, such as h100,storage", |word| {
        let names: Vec<String> = word.split(',').map(str::to_string).collect();
        names.iter().all(|name| is_name(name)).then_some(names)
    })
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

fn card(words: &mut Words) -> Result<Says, ParseError> {
    let wallet = words.name("a wallet's name")?;
    let expected = "`succeeds`, `declines`, `needs_authentication`, `times_out_charged` or \
        `times_out_uncharged`";
    let behaviour = words.read(expected, Behaviour::from_name)?;
    Ok(Says::Card { wallet, behaviour })
}

fn auto_top_up(words: &mut Words) -> Result<Says, ParseError> {
    let wallet = words.name("a wallet's name")?;
    if words.take_keyword("off") {
        return Ok(Says::AutoTopUp { wallet, rule: None });
    }
    words.read("`below AMOUNT charge AMOUNT` or `off`", |word| (word == "below").then_some(()))?;
    Ok(Says::AutoTopUp { wallet, rule: Some(top_up_rule(words)?) })
}

/// `preview acme below 20.00 charge 100.00 daily 3 monthly 500.00`.
fn preview(words: &mut Words) -> Result<Says, ParseError> {
    let wallet = words.name("a wallet's name")?;
    words.keyword("below")?;
    Ok(Says::Preview { wallet, rule: top_up_rule(words)? })
}

fn top_up_rule(words: &mut Words) -> Result<TopUpRule, ParseError> {
    let threshold = words.amount()?;
    words.keyword("charge")?;
    let amount = words.amount()?;
    let daily = words.take_keyword("daily");
    let daily_attempts_max = if daily { Some(words.count("a number")?) } else { None };
    let monthly = words.take_keyword("monthly");
    let monthly_amount_max = if monthly { Some(words.amount()?) } else { None };
    let caps = Caps { daily_attempts_max, monthly_amount_max };
    Ok(TopUpRule { threshold, amount, caps })
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

/// `limit NAME WALLET AMOUNT per day|month [project|member|api_key VALUE]`.
pub(super) fn limit(words: &mut Words) -> Result<Says, ParseError> {
    let name = words.name("a name for the limit")?;
    let (wallet, cap) = (words.name("a wallet's name")?, words.amount()?);
    words.keyword("per")?;
    let window = words.read("`day` or `month`", LimitWindow::from_name)?;
    let kind = words.take();
    let scope = match kind.as_deref() {
        None => LimitScope::Organization,
        Some("project") => LimitScope::Project(words.name("a project")?),
        Some("member") => LimitScope::Member(words.name("a member")?),
        Some("api_key") => LimitScope::ApiKey(words.name("an API key")?),
        Some(_) => return Err(words.wrong("`project`, `member` or `api_key` before this")),
    };
    Ok(Says::Limit { name, wallet, scope, window, cap })
}
