//! The smaller sections: payments in, grants, holds and the auto top-up rule.

use domain::deposit::{Deposit, DepositLabel, DepositState};
use domain::top_up::{self, AutoTopUp as AutoTopUpRule};
use domain::{Amount, Kind, Timestamp};

use super::Read;
use super::activity::{grant_name, method_name};
use super::offers::sentence_case;
use crate::console::Console;
use crate::console::sandbox_checkout::address_of;
use crate::pages::show::{self, Unit};
use crate::pages::wallet::auto_top_up::{AutoTopUp, State};
use crate::pages::wallet::{deposits, grants};

/// What a new rule begins with.
const THRESHOLD: Amount = Amount::from_units(20);
const AMOUNT: Amount = Amount::from_units(100);

/// Deposit history, newest first.
pub fn deposits(console: &Console, read: &Read) -> Vec<deposits::Deposit> {
    read.rows.deposits.iter().map(|row| deposit(console, read, row)).collect()
}

fn deposit(console: &Console, read: &Read, row: &Deposit) -> deposits::Deposit {
    let id = read.id(Kind::Deposit, row.number);
    let pay = |words: &str| Some((words.to_owned(), address_of(console, id)));
    let (state, next) = match row.state {
        DepositState::Pending if row.method.is_none() => (deposits::State::Pending, pay("Pay now")),
        DepositState::Pending | DepositState::Unknown | DepositState::InReview => {
            (deposits::State::Pending, None)
        }
        DepositState::Succeeded => (deposits::State::Succeeded, None),
        DepositState::Failed => {
            (deposits::State::Failed, Some(("Try again".into(), "#add-credits".into())))
        }
        DepositState::NeedsAuthentication => {
            (deposits::State::NeedsAuthentication, pay("Confirm with the bank"))
        }
    };
    // What came was looked at, and went back or was left.
    let moved = if row.external.is_some() { "" } else { "; no money moved" };
    let why = (!row.reason.is_empty()).then(|| format!("{}{moved}", sentence_case(&row.reason)));
    deposits::Deposit {
        deposit: id,
        at: row.created_at,
        amount: row.amount,
        method: method_name(read, row.method),
        automatic: row.label == DepositLabel::AutoTopUp,
        paid_by: None,
        state,
        explanation: why.filter(|_| row.state == DepositState::Failed),
        next,
    }
}

/// Open grants in burn order, with what is left once accrued time is paid.
pub fn grants(read: &Read) -> Vec<grants::Grant> {
    let open = read.figures.grants.iter().filter(|(_, left)| left.is_positive());
    let until = read.rows.wallet.purchased_until();
    let shown = open.map(|(grant, left)| {
        let given = read.rows.grants.get(&grant.number).map(|row| row.amount);
        grants::Grant {
            grant: read.id(Kind::Grant, grant.number),
            name: grant_name(read, grant.number),
            promotional: grant.kind.is_given(),
            amount: given.unwrap_or(grant.remaining),
            remaining: *left,
            expires_at: Some(grant.lapses_at(until)).filter(|&at| at != Timestamp::NEVER),
            scope: None,
        }
    });
    shown.collect()
}

/// What is set aside: holds, and the first seconds of what was just started.
pub fn holds(read: &Read) -> Vec<grants::Hold> {
    let wallet = &read.rows.wallet;
    let mut shown: Vec<grants::Hold> = read
        .rows
        .holds
        .iter()
        .map(|hold| grants::Hold {
            hold: read.id(Kind::Hold, hold.number),
            what: if hold.note.is_empty() { "Hold".into() } else { sentence_case(&hold.note) },
            amount: hold.amount,
            expires_at: hold.expires_at,
        })
        .collect();
    let launching = read.figures.balance.held.minus(wallet.grants.reserved());
    let until = wallet.launches.iter().map(|launch| launch.until).max();
    if let (true, Some(expires_at)) = (launching.is_positive(), until) {
        shown.push(grants::Hold {
            hold: read.id(Kind::Hold, 0),
            what: "First seconds of what was just started".into(),
            amount: launching,
            expires_at,
        });
    }
    shown
}

/// The auto top-up rule, where the profile has one.
pub fn auto_top_up(console: &Console, read: &Read, refusal: Option<String>) -> Option<AutoTopUp> {
    let bounds = read.rows.profile().auto_top_up_bounds()?;
    let rule = read.rows.wallet.auto_top_up.as_ref();
    let state = state(console, read);
    let threshold = rule.map_or(THRESHOLD, |rule| rule.threshold);
    let amount = rule.map_or(AMOUNT, |rule| rule.amount);
    let is_off = matches!(state, State::Off | State::Declined(_));
    let saved = AutoTopUpRule::new(threshold, amount, 0, true).replacing(rule.cloned());
    let preview = top_up::preview(&read.rows.wallet, read.rows.profile(), saved, read.rows.now);
    Some(AutoTopUp {
        threshold,
        amount,
        monthly_cap: rule.and_then(|rule| rule.caps.monthly_amount_max),
        used_this_month: rule.map_or(Amount::ZERO, |rule| {
            let is_this_month = read.rows.now < rule.asked.month_end;
            if is_this_month { rule.asked.month_amount } else { Amount::ZERO }
        }),
        method: rule.map_or_else(
            || read.rows.methods.first().map_or("the test card".into(), |row| row.label.clone()),
            |rule| method_name(read, Some(rule.method)),
        ),
        threshold_range: (bounds.threshold_min, bounds.threshold_max),
        amount_range: (bounds.amount_min, bounds.amount_max),
        charges_on_save: is_off && preview.first_at <= read.rows.now,
        charges_max: preview.charges_max,
        pace: pace(amount, read.figures.balance.burn_per_hour),
        refusal,
        state,
    })
}

fn state(console: &Console, read: &Read) -> State {
    let Some(rule) = read.rows.wallet.auto_top_up.as_ref() else { return State::Off };
    let of_rule = |row: &&Deposit| row.label == DepositLabel::AutoTopUp;
    let last = read.rows.deposits.iter().find(of_rule);
    if let Some(number) = rule.in_flight {
        return match last.filter(|row| row.number == number).map(|row| row.state) {
            Some(DepositState::NeedsAuthentication) => {
                State::NeedsAuthentication(address_of(console, read.id(Kind::Deposit, number)))
            }
            Some(DepositState::Unknown) => State::Unknown,
            _ => State::Charging(rule.attempted_at.unwrap_or(read.rows.now)),
        };
    }
    match last.filter(|row| row.state == DepositState::Failed) {
        _ if rule.enabled => State::On,
        Some(row) => State::Declined(row.decided_at.unwrap_or(row.created_at)),
        None => State::Off,
    }
}

fn pace(amount: Amount, per_hour: Amount) -> Option<String> {
    if !per_hour.is_positive() {
        return None;
    }
    let seconds = i128::from(amount.nanos()) * 3_600 / i128::from(per_hour.nanos());
    let every = show::left(i64::try_from(seconds).unwrap_or(i64::MAX));
    Some(format!("At {} this charges about every {every}", Unit::Dollars.rate(per_hour)))
}
