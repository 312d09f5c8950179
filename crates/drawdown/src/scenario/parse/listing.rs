//! What is shown: balances, lists and reports.

use domain::attribution::IdleCost;
use domain::dormancy;
use domain::history::Filter;
use domain::operator_report::Report;
use domain::report::{DAYS_MAX, Dimension};
use domain::roll_forward::Month;

use super::says::{List, Part, Says};
use super::work::resource;
use crate::scenario::words::{ParseError, Words};

/// Days that a report looks back over when it does not say.
const REPORT_DAYS: i64 = 7;

/// What a command shows; nothing when it is none that only shows.
pub(super) fn shown(command: &str, words: &mut Words) -> Result<Option<Says>, ParseError> {
    Ok(Some(match command {
        "balance" => balance(words)?,
        "report" => report(words)?,
        "rollforward" => Says::RollForward { month: month(words)? },
        "dormant" => dormant(words)?,
        "statement" => {
            let wallet = words.name("a wallet's name")?;
            Says::Statement { wallet, month: month(words)? }
        }
        "dearest" => {
            let wallet = words.name("a wallet's name")?;
            Says::Dearest { wallet, days: over(words)?, idle: idle(words)? }
        }
        "uses" => {
            let wallet = words.name("a wallet's name")?;
            Says::Uses { wallet, days: over(words)?, idle: idle(words)? }
        }
        "suggestions" => {
            let wallet = words.name("a wallet's name")?;
            Says::Suggestions { wallet, days: over(words)? }
        }
        "week" => Says::Week { resource: resource(words)?, days: over(words)? },
        "history" => history(words)?,
        "coupons" => Says::Coupons,
        "price_page" => Says::PricePage,
        "test_clock" => Says::TestClock,
        "books" => Says::Books,
        other => match Report::from_name(other) {
            Some(report) => Says::OperatorReport { report, since: month(words)? },
            None => return list(other, words),
        },
    }))
}

fn list(command: &str, words: &mut Words) -> Result<Option<Says>, ParseError> {
    let Some(list) = list_named(command) else { return Ok(None) };
    Ok(Some(Says::List { wallet: words.name("a wallet's name")?, list }))
}

/// `dormant 365 days`.
fn dormant(words: &mut Words) -> Result<Says, ParseError> {
    let days = words.read("how many days, 0 to 36525", |word| {
        word.parse().ok().filter(|days| (0..=dormancy::DAYS_MAX).contains(days))
    })?;
    words.keyword("days")?;
    Ok(Says::Dormant { days })
}

fn list_named(command: &str) -> Option<List> {
    match command {
        "ledger" => Some(List::Ledger),
        "spans" => Some(List::Spans),
        "prices" => Some(List::Prices),
        "limits" => Some(List::Limits),
        "members" => Some(List::Members),
        "deposits" => Some(List::Deposits),
        "payments" => Some(List::Payments),
        "arrivals" => Some(List::Arrivals),
        "refunds" => Some(List::Refunds),
        "disputes" => Some(List::Disputes),
        "documents" => Some(List::Documents),
        "grants" => Some(List::Grants),
        "holds" => Some(List::Holds),
        "runs" => Some(List::Runs),
        "resources" => Some(List::Resources),
        "runway" => Some(List::Runway),
        "projection" => Some(List::Projection),
        "mails" => Some(List::Mails),
        "events" => Some(List::Events),
        _ => None,
    }
}

fn report(words: &mut Words) -> Result<Says, ParseError> {
    let wallet = words.name("a wallet's name")?;
    words.keyword("by")?;
    let expected = "what to group by, such as model or model,resource";
    let by = words.read(expected, |word| {
        word.split(',').map(Dimension::from_name).collect::<Option<Vec<Dimension>>>()
    })?;
    Ok(Says::Report { wallet, by, days: over(words)? })
}

/// `history acme usage`; all of it when nothing is said.
fn history(words: &mut Words) -> Result<Says, ParseError> {
    let wallet = words.name("a wallet's name")?;
    let filter = match words.peek() {
        None => Filter::All,
        Some(_) => words.read(
            "`all`, `purchases`, `usage`, `grants`, `expired` or `fees`",
            Filter::from_name,
        )?,
    };
    Ok(Says::History { wallet, filter })
}

/// A month, or the present one.
fn month(words: &mut Words) -> Result<Option<Month>, ParseError> {
    match words.peek() {
        None => Ok(None),
        Some(_) => words.read("a month, such as 2026-01", Month::parse).map(Some),
    }
}

/// `over N days`, or a week.
fn over(words: &mut Words) -> Result<i64, ParseError> {
    if !words.take_keyword("over") {
        return Ok(REPORT_DAYS);
    }
    let days = words.read("how many days, 1 to 366", |word| {
        word.parse::<i64>().ok().filter(|days| (1..=DAYS_MAX).contains(days))
    })?;
    words.keyword("days")?;
    Ok(days)
}

/// `with idle`: requests bear what was idle of the time that they are attributed.
fn idle(words: &mut Words) -> Result<IdleCost, ParseError> {
    if !words.take_keyword("with") {
        return Ok(IdleCost::Apart);
    }
    words.keyword("idle")?;
    Ok(IdleCost::Included)
}

fn balance(words: &mut Words) -> Result<Says, ParseError> {
    let wallet = words.name("a wallet's name")?;
    let mut parts = Vec::new();
    while words.peek().is_some() {
        let part = |word: &str| Part::ALL.into_iter().find(|part| part.name() == word);
        parts.push(words.read("`posted`, `accrued`, `held`, `available` or `shown`", part)?);
    }
    if parts.is_empty() {
        parts.extend(Part::ALL);
    }
    Ok(Says::Balance { wallet, parts })
}
