//! Rows of the domain as a scenario reads them.

use std::collections::BTreeMap;

use app::operation::Answer;
use domain::arrival::Arrival;
use domain::deposit::{Deposit, DepositLabel};
use domain::dispute::Dispute;
use domain::event::Event;
use domain::hold::Hold;
use domain::ledger::{LedgerTransaction, TransactionKind};
use domain::member::Member;
use domain::price::{Price, PriceBook};
use domain::profile::Profile;
use domain::refund::Refund;
use domain::run::{Resource, Run};
use domain::top_up::{AutoTopUp, Preview};
use domain::wallet::Wallet;
use domain::workset::Platform;
use domain::{Kind, Refusal, Timestamp, span, top_up};

use crate::scenario::layer::{
    ArrivalRow, DepositRow, DisputeRow, Done, EventRow, Failure, HoldRow, LedgerRow, MemberRow,
    PricePageRow, PriceRow, RefundRow, ResourceRow, RunRow, TopUpRule, says_not_mailed,
};

pub(in crate::scenario) fn price_rows(
    book: &PriceBook,
    wallet: &Wallet,
    profile: &Profile,
    now: Timestamp,
) -> Vec<PriceRow> {
    let row = |price: &Price| {
        let discount_bps = wallet.discount_bps(profile, price.sku, now, now);
        let (sku, rate) = (book.sku(price.sku), price.rate(discount_bps));
        let base = sku.and_then(|sku| book.sku(sku.variant_of?));
        PriceRow {
            sku: sku.map(|sku| sku.code.clone()).unwrap_or_default(),
            dimension: price.dimension.clone(),
            list: price.amount,
            price: rate.shown_price_round_half_even(),
            discount_bps,
            per_units: price.per_units,
            gpu_hour: book.gpu_hour(price, rate),
            variant_of: base.map(|base| base.code.clone()),
        }
    };
    book.in_force(now).into_iter().map(row).collect()
}

/// What anyone may read of a platform's prices, as the price page of the API has it.
pub(in crate::scenario) fn price_page_row(
    platform: &Platform,
    book: &PriceBook,
) -> Result<PricePageRow, Failure> {
    let profile = platform.profiles.at(platform.clock.unwrap_or(Timestamp::ZERO));
    if !profile.price_page {
        return Err(Failure::from(Refusal::NotFound { kind: Kind::Platform }));
    }
    let row = |price: &Price| PriceRow {
        sku: book.sku(price.sku).map(|sku| sku.code.clone()).unwrap_or_default(),
        dimension: price.dimension.clone(),
        list: price.amount,
        price: price.amount,
        discount_bps: 0,
        per_units: price.per_units,
        gpu_hour: None,
        variant_of: None,
    };
    let in_force = book.in_force(platform.clock.unwrap_or(Timestamp::ZERO));
    Ok(PricePageRow {
        name: profile.label_platform.clone(),
        discount_contact: profile.discount_contact.clone(),
        prices: in_force.into_iter().map(row).collect(),
    })
}

pub(in crate::scenario) fn hold_row(hold: &Hold) -> HoldRow {
    HoldRow {
        number: hold.number,
        amount: hold.amount,
        captured: hold.captured,
        state: hold.state.name().to_string(),
        expires_at: hold.expires_at,
    }
}

pub(in crate::scenario) fn deposit_row(deposit: &Deposit) -> DepositRow {
    DepositRow {
        number: deposit.number,
        amount: deposit.amount,
        asked: deposit.asked,
        tax: deposit.tax.amount,
        fee: deposit.fee,
        conversion: deposit.conversion.clone(),
        rail: deposit.rail.clone(),
        state: deposit.state.name().to_string(),
        is_auto_top_up: deposit.label == DepositLabel::AutoTopUp,
        created_at: deposit.created_at,
        quote_until: deposit.quote_until,
        seen_at: deposit.seen_at,
        grant: deposit.grant,
        paid_by: None,
        reason: deposit.reason.clone(),
    }
}

pub(in crate::scenario) fn refund_row(refund: &Refund) -> RefundRow {
    RefundRow {
        number: refund.number,
        deposit: refund.deposit,
        amount: refund.amount,
        tax: refund.tax.amount,
        rail: refund.rail.clone(),
        state: refund.state.name().to_string(),
        created_at: refund.created_at,
        reason: refund.reason.clone(),
    }
}

pub(in crate::scenario) fn arrival_row(arrival: &Arrival) -> ArrivalRow {
    ArrivalRow {
        number: arrival.number,
        deposit: arrival.deposit,
        amount: arrival.amount,
        reason: arrival.reason.name().to_string(),
        state: arrival.state.name().to_string(),
        became: arrival.became,
        fee: arrival.fee,
        conversion: arrival.conversion.clone(),
        note: arrival.note.clone(),
        created_at: arrival.created_at,
    }
}

pub(in crate::scenario) fn dispute_row(dispute: &Dispute) -> DisputeRow {
    DisputeRow {
        number: dispute.number,
        deposit: dispute.deposit,
        state: dispute.state.name().to_string(),
        withdrawn: dispute.withdrawn,
        withdrawn_tax: dispute.withdrawn_tax,
        created_at: dispute.created_at,
    }
}

pub(in crate::scenario) fn ledger_row(row: &LedgerTransaction) -> LedgerRow {
    let periods = span::periods(row);
    let is_block = matches!(row.kind, TransactionKind::Block | TransactionKind::BlockReversal);
    LedgerRow {
        number: row.number,
        kind: row.kind.name().to_string(),
        at: row.at,
        occurred_at: row.occurred_at,
        amount: row.amount,
        tax: row.tax.amount,
        postings: row.postings.iter().map(|posting| (posting.grant, posting.change)).collect(),
        absorbed: row.absorbed,
        debt: row.debt,
        balance: row.balance,
        run: is_block.then_some(row.subject),
        event: row.event.as_ref().map(|key| key.id.clone()),
        periods: periods.iter().map(|period| (period.until, period.amount)).collect(),
    }
}

pub(super) fn event_row(event: &Event) -> EventRow {
    let fields = event.fields.iter();
    let fields: Vec<(String, String)> =
        fields.map(|(name, value)| ((*name).to_string(), value.clone())).collect();
    EventRow {
        number: event.number,
        kind: event.kind.name().to_string(),
        at: event.at,
        is_mailed: event.kind.is_mailed() && !says_not_mailed(&fields),
        fields,
    }
}

/// What an answer is to a scenario: rows at the instant `now`, SKUs by their codes.
pub(in crate::scenario) fn done(
    answer: Answer,
    now: Timestamp,
    codes: &BTreeMap<i64, String>,
) -> Done {
    match answer {
        Answer::Organization(_, row) if row.closed_at.is_some() => {
            Done::Closed { is_erased: row.erased_at.is_some() }
        }
        Answer::Platform(org, _) | Answer::Organization(org, _) => Done::Organization(org),
        Answer::ApiKey(_, row) => Done::Row(row.number),
        Answer::Member(_, row, _) => Done::Row(row.number),
        Answer::Limit(_, row, _) => Done::Row(row.number),
        Answer::Sku(_, row) => Done::Row(row.number),
        Answer::Price(_, row) => Done::Row(row.number),
        Answer::Discount(_, _, row) => Done::Row(row.number),
        Answer::Grant(_, _, row) => Done::Row(row.number),
        Answer::Document(_, row) => Done::Row(row.number),
        Answer::PaymentMethod(_, row) => Done::Row(row.number),
        Answer::Resource(_, row) => Done::Row(row.number),
        Answer::AutoTopUp(..)
        | Answer::UserLimit(..)
        | Answer::TaxRate(..)
        | Answer::Notices(..)
        | Answer::Party(..)
        | Answer::Released(_)
        | Answer::Permitted
        | Answer::Woken(_) => Done::Row(0),
        Answer::Deposit(_, row) => Done::Deposit(deposit_row(&row)),
        Answer::Dispute(_, row) => Done::Dispute(dispute_row(&row)),
        Answer::Arrival(_, row) => Done::Arrival(arrival_row(&row)),
        Answer::Refund(_, row) => Done::Refund(refund_row(&row)),
        Answer::Run(_, row) => Done::Run(run_row(&row, now, codes)),
        Answer::Coupon(_, row) | Answer::Claim(_, row) => Done::Row(row.number),
        Answer::Redemption(_, row) => Done::Redeemed(row.state.name().to_owned()),
        Answer::Hold(_, row) => Done::Hold(hold_row(&row)),
        Answer::Charge { transaction, is_duplicate } => Done::Charge {
            amount: transaction.amount,
            absorbed: transaction.absorbed,
            debt: transaction.debt,
            limit: Some(transaction.limit).filter(|&limit| limit != 0),
            is_duplicate,
        },
    }
}

pub(in crate::scenario) fn run_row(
    run: &Run,
    now: Timestamp,
    codes: &BTreeMap<i64, String>,
) -> RunRow {
    RunRow {
        number: run.number,
        resource: run.resource,
        sku: codes.get(&run.sku).cloned().unwrap_or_default(),
        started_at: run.started_at,
        stopped_at: run.stopped_at,
        stop_reason: run.stop_reason.map(|reason| reason.name().to_string()),
        waits: run.is_waiting,
        paid_until: run.paid.map(|paid| paid.until).filter(|&until| until != Timestamp::NEVER),
        cost: run.cost_round_half_even(now),
    }
}

pub(in crate::scenario) fn member_row(member: &Member, name: Option<String>) -> MemberRow {
    MemberRow {
        number: member.number,
        name: name.unwrap_or_default(),
        role: member.role.name().to_owned(),
        is_present: member.is_present(),
    }
}

pub(in crate::scenario) fn resource_row(
    resource: &Resource,
    codes: &BTreeMap<i64, String>,
) -> ResourceRow {
    ResourceRow {
        number: resource.number,
        sku: codes.get(&resource.sku).cloned().unwrap_or_default(),
        status: resource.status().to_string(),
        redeployed_from: resource.redeployed_from,
    }
}

/// What saving `rule` would do.
pub(in crate::scenario) fn preview_of(
    wallet: &Wallet,
    profile: &Profile,
    rule: TopUpRule,
    now: Timestamp,
) -> Result<Preview, Failure> {
    let TopUpRule { threshold, amount, caps } = rule;
    let saved = AutoTopUp { caps, ..AutoTopUp::new(threshold, amount, 0, true) };
    saved.require_allowed(profile)?;
    Ok(top_up::preview(wallet, profile, saved.replacing(wallet.auto_top_up.clone()), now))
}
