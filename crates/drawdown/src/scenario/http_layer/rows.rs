//! Answers of the API, read into the rows that every layer shows.

use domain::Amount;
use domain::attribution::{Attribution, IdleCost};
use domain::conversion::{Conversion, Decimal};
use domain::hours::{WEEKDAYS, Week};
use domain::report::Basis;
use domain::run::ResourceClass;
use domain::scope::Scope;
use domain::{Id, OrgId};
use serde_json::Value;

use super::{amount, broken, number, opt_amount, opt_number, opt_time, text, time};
use crate::scenario::layer::{
    ArrivalRow, DepositRow, DisputeRow, DocumentRow, Done, Failure, HoldRow, LimitRow, PriceRow,
    RailAnswer, RefundRow, StatementRow, SuggestionRow, UseRow,
};

pub(super) fn deposit_row(value: &Value) -> Result<DepositRow, Failure> {
    Ok(DepositRow {
        number: number(value, "id")?,
        amount: amount(value, "amount")?,
        asked: opt_amount(value, "asked")?,
        tax: amount(value, "tax")?,
        fee: opt_amount(value, "fee")?,
        conversion: conversion(value),
        rail: text(value, "rail")?.to_owned(),
        state: text(value, "state")?.to_owned(),
        is_auto_top_up: text(value, "label")? == "auto_top_up",
        created_at: time(value, "created_at")?,
        quote_until: opt_time(value, "quote_until")?,
        seen_at: opt_time(value, "seen_at")?,
        grant: opt_number(value, "grant")?,
        paid_by: value["member_name"].as_str().map(str::to_owned),
        reason: value["reason"].as_str().unwrap_or_default().to_owned(),
    })
}

fn conversion(value: &Value) -> Option<Conversion> {
    let part = |name: &str| value["conversion"][name].as_str();
    let (currency, amount) = (part("currency")?, Decimal::parse(part("amount")?)?);
    Conversion::new(currency, amount, Decimal::parse(part("rate")?)?)
}

pub(super) fn arrival_row(value: &Value) -> Result<ArrivalRow, Failure> {
    Ok(ArrivalRow {
        number: number(value, "id")?,
        deposit: number(value, "deposit")?,
        amount: amount(value, "amount")?,
        reason: text(value, "reason")?.to_owned(),
        state: text(value, "state")?.to_owned(),
        became: opt_number(value, "became")?,
        fee: opt_amount(value, "fee")?,
        conversion: conversion(value),
        note: value["note"].as_str().unwrap_or_default().to_owned(),
        created_at: time(value, "created_at")?,
    })
}

/// A row of the price page.
pub(super) fn public_price(value: &Value) -> Result<PriceRow, Failure> {
    let list = amount(value, "amount")?;
    Ok(PriceRow {
        sku: text(value, "sku")?.to_owned(),
        dimension: text(value, "dimension")?.to_owned(),
        list,
        price: list,
        discount_bps: 0,
        gpu_hour: None,
        variant_of: None,
        per_units: value["per_units"].as_i64().unwrap_or(-1),
    })
}

pub(super) fn refund_row(value: &Value) -> Result<RefundRow, Failure> {
    Ok(RefundRow {
        number: number(value, "id")?,
        deposit: number(value, "deposit")?,
        amount: amount(value, "amount")?,
        tax: amount(value, "tax")?,
        rail: text(value, "rail")?.to_owned(),
        state: text(value, "state")?.to_owned(),
        created_at: time(value, "created_at")?,
        reason: value["reason"].as_str().unwrap_or_default().to_owned(),
    })
}

pub(super) fn dispute_row(value: &Value) -> Result<DisputeRow, Failure> {
    Ok(DisputeRow {
        number: number(value, "id")?,
        deposit: number(value, "deposit")?,
        state: text(value, "state")?.to_owned(),
        withdrawn: amount(value, "withdrawn")?,
        withdrawn_tax: amount(value, "withdrawn_tax")?,
        created_at: time(value, "created_at")?,
    })
}

pub(super) fn document_row(
    value: &Value,
    corrects: Option<String>,
) -> Result<DocumentRow, Failure> {
    let party = |name: &str| {
        let (party, tax_id) = (&value[name], value[name]["tax_id"].as_str().unwrap_or(""));
        let name = party["name"].as_str().unwrap_or("");
        if tax_id.is_empty() { name.to_owned() } else { format!("{name} {tax_id}") }
    };
    Ok(DocumentRow {
        reference: text(value, "reference")?.to_owned(),
        kind: text(value, "kind")?.to_owned(),
        about: value["month"].as_str().unwrap_or("").to_owned(),
        number: opt_number(value, "subject")?,
        corrects,
        issued_at: time(value, "issued_at")?,
        seller: party("seller"),
        buyer: party("buyer"),
        paid_by: value["paid_by"].as_str().unwrap_or("").to_owned(),
        conversion: conversion(value),
        net: amount(value, "net")?,
        tax: amount(value, "tax")?,
        gross: amount(value, "gross")?,
    })
}

fn money_shown(value: &Value, name: &str) -> Result<(Amount, String), Failure> {
    Ok((amount(&value[name], "amount")?, text(&value[name], "shown")?.to_owned()))
}

pub(super) fn statement_row(value: &Value) -> Result<StatementRow, Failure> {
    let mut lines = Vec::new();
    for line in value["lines"].as_array().into_iter().flatten() {
        let (item, sku) = (text(line, "item")?.to_owned(), line["sku"].as_str());
        let shown = text(line, "shown")?.to_owned();
        lines.push((item, sku.map(str::to_owned), amount(line, "amount")?, shown));
    }
    Ok(StatementRow {
        opening: money_shown(value, "opening")?,
        lines,
        used: money_shown(value, "used")?,
        tax: money_shown(value, "tax")?,
        tax_on_top: money_shown(value, "tax_on_top")?,
        closing: money_shown(value, "closing")?,
    })
}

pub(super) fn charge(value: &Value) -> Result<Done, Failure> {
    Ok(Done::Charge {
        amount: amount(value, "amount")?,
        absorbed: amount(value, "absorbed")?,
        debt: amount(value, "debt")?,
        limit: opt_number(value, "limit")?,
        is_duplicate: value["status"] == "duplicate",
    })
}

pub(super) fn limit_row(value: &Value) -> Result<LimitRow, Failure> {
    let of = |label: &str| value[label].as_str().map(|value| format!("{label} {value}"));
    let scope = of("project").or_else(|| of("member")).or_else(|| of("api_key"));
    Ok(LimitRow {
        number: number(value, "id")?,
        scope: scope.unwrap_or_else(|| "organization".to_owned()),
        window: text(value, "window")?.to_owned(),
        cap: amount(value, "amount")?,
        spent: amount(value, "spent")?,
        held: amount(value, "held")?,
        left: amount(value, "left")?,
        resets_at: time(value, "resets_at")?,
        stops_at: opt_time(value, "stops_at")?,
    })
}

pub(super) fn hold_row(value: &Value) -> Result<HoldRow, Failure> {
    Ok(HoldRow {
        number: number(value, "id")?,
        amount: amount(value, "amount")?,
        captured: opt_amount(value, "captured")?,
        state: text(value, "state")?.to_owned(),
        expires_at: time(value, "expires_at")?,
    })
}

pub(super) fn outcome_name(answer: RailAnswer) -> &'static str {
    match answer {
        RailAnswer::Succeeded => "succeeded",
        RailAnswer::Seen => "seen",
        RailAnswer::Declined => "declined",
        RailAnswer::NeedsAuthentication => "needs_authentication",
    }
}

/// What a grant can pay for, with the platform whose SKUs are named; nobody's, when none are.
pub(super) fn scope_of(value: &Value) -> Option<(OrgId, Scope)> {
    let texts = |name: &str| {
        let all = value[name].as_array().into_iter().flatten();
        all.filter_map(Value::as_str).collect::<Vec<&str>>()
    };
    let skus: Vec<Id> = texts("skus").into_iter().filter_map(|text| text.parse().ok()).collect();
    let classes = texts("classes").into_iter().filter_map(ResourceClass::from_name).collect();
    let platform = skus.first().map_or(OrgId::new(0, 0), |id| id.org);
    let scope = Scope::new(skus.iter().map(|id| id.number).collect(), classes);
    scope.map(|scope| (platform, scope))
}

pub(super) const fn idle_name(idle: IdleCost) -> &'static str {
    match idle {
        IdleCost::Apart => "apart",
        IdleCost::Included => "included",
    }
}

/// How much a request costs.
pub(super) fn basis(value: &Value) -> Result<Basis, Failure> {
    if value["is_attributed"] == false {
        return Ok(Basis::Charged);
    }
    let busy_milliseconds = value["busy_milliseconds"].as_i64().unwrap_or(-1);
    Ok(Basis::Attributed { resource: number(value, "resource")?, busy_milliseconds })
}

pub(super) fn use_row(value: &Value) -> Result<UseRow, Failure> {
    let whole = |name: &str| value[name].as_i64().unwrap_or(-1);
    Ok(UseRow {
        resource: number(value, "resource")?,
        sku: text(value, "sku")?.to_owned(),
        running_seconds: whole("running_seconds"),
        requests: whole("requests"),
        attribution: Attribution {
            cost: amount(value, "cost")?,
            requests: amount(value, "requests_cost")?,
            idle: amount(value, "idle_cost")?,
            to_come: amount(value, "to_come")?,
            rounding: amount(value, "rounding")?,
            paid_milliseconds: whole("paid_milliseconds"),
            busy_milliseconds: whole("busy_milliseconds"),
        },
    })
}

pub(super) fn suggestion_row(value: &Value) -> Result<SuggestionRow, Failure> {
    let whole = |name: &str| value[name].as_i64().unwrap_or(-1);
    Ok(SuggestionRow {
        resource: number(value, "resource")?,
        advice: text(value, "advice")?.to_owned(),
        sku: text(value, "sku")?.to_owned(),
        alternative: value["alternative"].as_str().map(str::to_owned),
        cost: amount(value, "cost")?,
        instead: amount(value, "instead")?,
        saves: amount(value, "saves")?,
        saves_percent: whole("saves_percent"),
        paid_milliseconds: whole("paid_milliseconds"),
        busy_percent: whole("busy_percent"),
    })
}

pub(super) fn week(report: &Value) -> Result<Week, Failure> {
    let mut week = Week::default();
    for row in report["rows"].as_array().into_iter().flatten() {
        let name = text(row, "weekday")?;
        let weekday = WEEKDAYS.iter().position(|weekday| *weekday == name);
        let hour = row["hour"].as_u64().and_then(|hour| usize::try_from(hour).ok());
        let found = weekday.zip(hour).and_then(|(day, hour)| week[day].get_mut(hour));
        let Some(cell) = found else { return Err(broken(format!("no hour in {row}"))) };
        cell.running_seconds = row["running_seconds"].as_i64().unwrap_or(-1);
        cell.busy_milliseconds = row["busy_milliseconds"].as_i64().unwrap_or(-1);
    }
    Ok(week)
}
