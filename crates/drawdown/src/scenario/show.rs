//! What rows look like in a scenario: one line each, exact decimals, names for ids.

use std::collections::BTreeMap;

use domain::discount::percent;
use domain::hours::{HourUse, WEEKDAYS, Week};
use domain::operator_report::Report;
use domain::price::TIME_DIMENSION;
use domain::profile::Profile;
use domain::report::{Basis, CostReport, Dimension, Request};
use domain::roll_forward::{Movement, RollForward};
use domain::top_up::Preview;
use domain::{Amount, OrgId, Timestamp};

use crate::scenario::layer::{
    ArrivalRow, BalanceRow, CouponRow, DepositRow, DisputeRow, DocumentRow, EventRow, GrantRow,
    HoldRow, LedgerRow, LimitRow, MemberRow, PriceRow, ProjectionRow, RefundRow, Refused,
    ResourceRow, RunRow, StatementRow, SuggestionRow, UseRow,
};
use crate::scenario::parse::Part;
use crate::scenario::when::{clock_face, shown, unit_of};

/// The names that a scenario has given, by what they name.
#[derive(Debug, Default)]
pub struct Names {
    pub start: Timestamp,
    names: BTreeMap<(OrgId, i64), String>,
}

impl Names {
    pub fn give(&mut self, org: OrgId, number: i64, name: &str) {
        self.names.insert((org, number), name.to_string());
    }

    pub fn has(&self, org: OrgId, number: i64) -> bool {
        self.names.contains_key(&(org, number))
    }

    pub fn of(&self, org: OrgId, number: i64) -> String {
        self.names.get(&(org, number)).cloned().unwrap_or_else(|| format!("unnamed-{number}"))
    }

    pub fn time(&self, at: Timestamp) -> String {
        shown(at, self.start)
    }

    fn time_or_never(&self, at: Option<Timestamp>) -> String {
        at.map_or("never".to_string(), |at| self.time(at))
    }
}

fn signed(amount: Amount) -> String {
    if amount.is_negative() { amount.to_string() } else { format!("+{amount}") }
}

/// `refused insufficient_credit available=10.00 required=12.00`.
pub fn refused(refused: &Refused, names: &Names) -> String {
    let mut line = format!("refused {}", refused.code);
    for (name, value) in &refused.fields {
        line.push_str(&format!(" {name}={}", quoted(timed(value, names))));
    }
    line
}

fn quoted(value: String) -> String {
    if value.contains(' ') { format!("\"{value}\"") } else { value }
}

/// Times on the wire are dates; scenarios read them as they are written there.
fn timed(value: &str, names: &Names) -> String {
    Timestamp::parse(value).map_or_else(|| value.to_string(), |at| names.time(at))
}

/// `20.00`, or `20.00 and 4.00 tax`.
fn with_tax(amount: Amount, tax: Amount) -> String {
    if tax.is_zero() { amount.to_string() } else { format!("{amount} and {tax} tax") }
}

pub fn balance(row: &BalanceRow, parts: &[Part]) -> String {
    let part = |part: &Part| {
        let amount = match part {
            Part::Posted => row.posted,
            Part::Accrued => row.accrued,
            Part::Held => row.held,
            Part::Available => row.available,
            Part::Shown => row.shown,
        };
        format!("{}={amount}", part.name())
    };
    parts.iter().map(part).collect::<Vec<_>>().join(" ")
}

pub fn runway(row: &BalanceRow, names: &Names) -> String {
    let runs_out = names.time_or_never(row.runs_out_at);
    format!("{} per hour, runs out {runs_out}", row.burn_per_hour)
}

/// `charges now, up to 3 of 15.00, 5 minutes apart`; `later` when nothing leads to a charge as
/// things stand.
pub fn preview(preview: &Preview, now: Timestamp, names: &Names) -> String {
    let first = match preview.first_at {
        Timestamp::NEVER => "later".to_string(),
        at if at <= now && preview.charges_max > 0 => "now".to_string(),
        at => names.time(at),
    };
    let apart = match preview.every_seconds {
        seconds if seconds % 60 == 0 => format!("{} minutes", seconds / 60),
        seconds => format!("{seconds} seconds"),
    };
    format!("charges {first}, up to {} of {}, {apart} apart", preview.charges_max, preview.charge)
}

/// This month in money, then in resources (requirements C16).
pub fn projection(row: &ProjectionRow, names: &Names) -> Vec<String> {
    let (until, burn) = (names.time(row.until), row.burn_per_hour);
    vec![
        format!("spent {}, to come {} at {burn} per hour until {until}", row.spent, row.to_come),
        format!("projected {}", row.projected),
        format!(
            "resources {} this month, {} in all, {} running",
            row.resources_this_month, row.resources_in_all, row.running_count
        ),
    ]
}

/// `h100 1.80 per hour, was 2.00, -10%`.
pub fn price(row: &PriceRow) -> String {
    let dimension = match row.dimension.as_str() {
        TIME_DIMENSION => String::new(),
        dimension => format!(" {dimension}"),
    };
    let per = match unit_of(row.per_units).filter(|_| dimension.is_empty()) {
        Some(unit) => unit.to_string(),
        None => row.per_units.to_string(),
    };
    let was = match row.discount_bps {
        0 => String::new(),
        bps => format!(", was {}, -{}%", row.list, percent(bps)),
    };
    let gpu = row.gpu_hour.map(|amount| format!(", {amount} per GPU-hour")).unwrap_or_default();
    let base = row.variant_of.as_ref().map(|base| format!(", variant of {base}"));
    let base = base.unwrap_or_default();
    format!("{}{dimension} {} per {per}{was}{gpu}{base}", row.sku, row.price)
}

pub fn deposit(org: OrgId, row: &DepositRow, names: &Names) -> String {
    let label = if row.is_auto_top_up { "auto top-up" } else { "deposit" };
    let (at, name) = (names.time(row.created_at), names.of(org, row.number));
    let by = row.paid_by.as_ref().map(|name| format!(" by {name}")).unwrap_or_default();
    let amount = with_tax(row.amount, row.tax);
    let asked = row.asked.map(|asked| format!(", asked {asked}")).unwrap_or_default();
    let until = row.quote_until.map(|until| format!(", quoted until {}", names.time(until)));
    let seen = row.seen_at.map(|seen| format!(", seen {}", names.time(seen)));
    let quote = format!("{}{}", until.unwrap_or_default(), seen.unwrap_or_default());
    let fee = row.fee.map(|fee| format!(", fee {fee}")).unwrap_or_default();
    let converted = row.conversion.as_ref().map(|it| format!(", {it}")).unwrap_or_default();
    format!(
        "{at} {name} {label} {amount} {}{by} {}{asked}{quote}{fee}{converted}",
        row.rail,
        deposit_state(row)
    )
}

/// `team project alpha 10.00 per day: spent 2.00, held 0.00, left 8.00, until TIME`, and when what
/// runs within it is stopped.
pub fn limit(org: OrgId, row: &LimitRow, names: &Names) -> String {
    let stops = row.stops_at.map(|at| format!(", stops at {}", names.time(at)));
    format!(
        "{} {} {} per {}: spent {}, held {}, left {}, until {}{}",
        names.of(org, row.number),
        row.scope,
        row.cap,
        row.window,
        row.spent,
        row.held,
        row.left,
        names.time(row.resets_at),
        stops.unwrap_or_default()
    )
}

pub fn member(row: &MemberRow) -> String {
    let removed = if row.is_present { "" } else { ", removed" };
    format!("{} {}{removed}", row.name, row.role)
}

/// A row of the list of deposits as pages show it: its type is said in the profile's words
/// (requirements C15, S12d).
pub fn payment(org: OrgId, row: &DepositRow, words: &Profile, names: &Names) -> String {
    let label = if row.is_auto_top_up { words.label_auto_top_up.as_str() } else { "Manual" };
    let (at, name) = (names.time(row.created_at), names.of(org, row.number));
    format!("{at} {name} {} {label}, {}", row.amount, deposit_state(row))
}

/// `succeeded`, or `failed: card declined`.
pub fn deposit_state(row: &DepositRow) -> String {
    if row.reason.is_empty() { row.state.clone() } else { format!("{}: {}", row.state, row.reason) }
}

/// `+00:10:00 d1-arrival of d1 19.00 underpaid, ignored: dust`.
pub fn arrival(org: OrgId, row: &ArrivalRow, names: &Names) -> String {
    let (at, name) = (names.time(row.created_at), names.of(org, row.number));
    let deposit = names.of(org, row.deposit);
    let note = if row.note.is_empty() { String::new() } else { format!(": {}", row.note) };
    let became = row.became.map(|it| format!(" as {}", names.of(org, it))).unwrap_or_default();
    let fee = row.fee.map(|fee| format!(", fee {fee}")).unwrap_or_default();
    let converted = row.conversion.as_ref().map(|it| format!(", {it}")).unwrap_or_default();
    let state = format!("{}, {}{became}{note}", row.reason, row.state);
    format!("{at} {name} of {deposit} {} {state}{fee}{converted}", row.amount)
}

pub fn refund(org: OrgId, row: &RefundRow, names: &Names) -> String {
    let (at, name) = (names.time(row.created_at), names.of(org, row.number));
    let deposit = names.of(org, row.deposit);
    let amount = with_tax(row.amount, row.tax);
    format!("{at} {name} of {deposit} {amount} {} {}", row.rail, refund_state(row))
}

pub fn dispute(org: OrgId, row: &DisputeRow, names: &Names) -> String {
    let (at, name) = (names.time(row.created_at), names.of(org, row.number));
    let tax = match row.withdrawn_tax {
        Amount::ZERO => String::new(),
        tax => format!(", {tax} of it tax"),
    };
    let deposit = names.of(org, row.deposit);
    format!("{at} {name} of {deposit} {}, withdrawn {}{tax}", row.state, row.withdrawn)
}

/// `succeeded`, or `failed: card closed`.
pub fn refund_state(row: &RefundRow) -> String {
    if row.reason.is_empty() { row.state.clone() } else { format!("{}: {}", row.state, row.reason) }
}

pub fn grant(org: OrgId, row: &GrantRow, names: &Names) -> String {
    let name = names.of(org, row.number);
    let expires = names.time_or_never(row.expires_at);
    let from = row.effective_at.map(|at| format!("from {}, ", names.time(at))).unwrap_or_default();
    let reserved = if row.reserved.is_zero() {
        String::new()
    } else {
        format!(", {} of it held", row.reserved)
    };
    let scope = row.scope.as_ref().map(|(platform, scope)| {
        let classes = scope.classes().iter().map(|class| class.name().to_string());
        let skus = scope.skus().iter().map(|&sku| names.of(*platform, sku));
        format!("on {}, ", classes.chain(skus).collect::<Vec<_>>().join(","))
    });
    format!(
        "{name} {} {}, priority {}, {}{from}expires {expires}, left {}{reserved}",
        row.kind,
        row.amount,
        row.priority,
        scope.unwrap_or_default(),
        row.remaining
    )
}

pub fn coupon(row: &CouponRow) -> String {
    format!("{} {}, redeemed {} of {}", row.code, row.gift, row.redeemed, row.redemptions_max)
}

pub fn hold(org: OrgId, row: &HoldRow, names: &Names) -> String {
    let (name, until) = (names.of(org, row.number), names.time(row.expires_at));
    let captured = row.captured.map(|amount| format!(" {amount}")).unwrap_or_default();
    format!("{name} {} {}{captured}, until {until}", row.amount, row.state)
}

/// One line of usage analytics. `ended` is what the profile calls a run that ended.
pub fn run(org: OrgId, row: &RunRow, now: Timestamp, ended: &str, names: &Names) -> String {
    let until = row.stopped_at.unwrap_or(now).max(row.started_at);
    let length = clock_face(until.seconds_since(row.started_at));
    let status = match (&row.stopped_at, &row.stop_reason) {
        (Some(_), Some(reason)) => format!("{ended} {reason}"),
        _ if row.waits => "waiting".to_string(),
        _ => "active".to_string(),
    };
    let paid = row.paid_until.filter(|_| row.stopped_at.is_none());
    let paid = paid.map_or(String::new(), |until| format!(", paid until {}", names.time(until)));
    let (name, started) = (names.of(org, row.resource), names.time(row.started_at));
    format!("{name} {} {started} for {length} {status} {}{paid}", row.sku, row.cost)
}

/// `gpu-2 gpu_m paused, made again from gpu-1`.
pub fn resource(org: OrgId, row: &ResourceRow, names: &Names) -> String {
    let again = row.redeployed_from.map(|from| names.of(org, from));
    let again = again.map_or(String::new(), |from| format!(", made again from {from}"));
    format!("{} {} {}{again}", names.of(org, row.number), row.sku, row.status)
}

/// The order in which the fields of an event are printed.
const FIELDS: &[&str] = &[
    "run",
    "resource",
    "refund",
    "dispute",
    "previous",
    "deletes_at",
    "document",
    "arrival",
    "deposit",
    "grant",
    "hold",
    "member",
    "role",
    "sku",
    "spend_limit",
    "scope",
    "amount",
    "tax",
    "per_units",
    "effective_from",
    "bonus",
    "cap",
    "from",
    "until",
    "spent",
    "resets_at",
    "by_sku",
    "balance",
    "limit",
    "needed",
    "burn_per_hour",
    "runs_out_at",
    "coupon",
    "gift",
    "expiring",
    "expires_at",
    "valid_until",
    "stop_at",
    "sequence",
    "action",
    "stopped_at",
    "reason",
    "method",
    "mailed",
];

pub fn event(org: OrgId, row: &EventRow, names: &Names) -> String {
    let mut line = format!("{} {}", names.time(row.at), row.kind);
    let mut fields: Vec<&(String, String)> = row.fields.iter().collect();
    // An object has no order of its own on the wire.
    fields.sort_by_key(|(field, _)| FIELDS.iter().position(|known| known == field));
    for (field, value) in fields {
        let is_row = matches!(
            field.as_str(),
            "refund"
                | "dispute"
                | "arrival"
                | "deposit"
                | "grant"
                | "hold"
                | "run"
                | "resource"
                | "previous"
                | "member"
                | "spend_limit"
        );
        let value = match value.parse::<i64>() {
            Ok(number) if is_row => names.of(org, number),
            _ => timed(value, names),
        };
        line.push_str(&format!(" {field}={}", quoted(value)));
    }
    line
}

/// One line for a whole ledger transaction.
pub fn span(org: OrgId, row: &LedgerRow, names: &Names) -> String {
    let mut parts = vec![head(org, row, names)];
    if row.periods.len() > 1 {
        parts.push(format!("{} periods", row.periods.len()));
    }
    if !row.tax.is_zero() {
        parts.push(format!("tax {}", row.tax));
    }
    parts.extend(
        row.postings
            .iter()
            .map(|&(grant, change)| format!("{} {}", names.of(org, grant), signed(change))),
    );
    parts.extend(beyond(row.absorbed, row.debt));
    parts.push(format!("balance {}", row.balance));
    parts.join(", ")
}

fn head(org: OrgId, row: &LedgerRow, names: &Names) -> String {
    let run = row.run.map(|run| format!(" {}", names.of(org, run))).unwrap_or_default();
    let event = row.event.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
    let late = match row.occurred_at {
        Some(at) if row.periods.is_empty() => format!(" of {}", names.time(at)),
        _ => String::new(),
    };
    format!("{} {}{run}{event}{late} {}", names.time(row.at), row.kind, row.amount)
}

fn beyond(absorbed: Amount, debt: Amount) -> Vec<String> {
    let mut parts = Vec::new();
    if !absorbed.is_zero() {
        parts.push(format!("absorbed {absorbed}"));
    }
    if !debt.is_zero() {
        parts.push(format!("debt {}", signed(debt)));
    }
    parts
}

/// One line for each period of a settlement, one for any other ledger transaction.
pub fn ledger(org: OrgId, row: &LedgerRow, names: &Names) -> Vec<String> {
    if row.periods.len() < 2 {
        return vec![span(org, row, names)];
    }
    let changed: Amount = row.postings.iter().map(|&(_, change)| change).sum();
    let mut balance = row.balance.minus(changed).plus(row.debt);
    let (mut so_far, mut before) = (Amount::ZERO, Drawn::of(row, Amount::ZERO));
    let mut lines = Vec::new();
    for &(until, amount) in &row.periods {
        so_far = so_far.plus(amount);
        let after = Drawn::of(row, so_far);
        let mut parts = vec![format!("{} {} {amount}", names.time(until), row.kind)];
        for ((&(grant, _), old), new) in row.postings.iter().zip(&before.grants).zip(&after.grants)
        {
            let part = new.minus(*old);
            balance = balance.minus(part);
            if !part.is_zero() {
                parts.push(format!("{} {}", names.of(org, grant), signed(part.negated())));
            }
        }
        let debt = after.debt.minus(before.debt);
        balance = balance.minus(debt);
        parts.extend(beyond(after.absorbed.minus(before.absorbed), debt));
        parts.push(format!("balance {balance}"));
        lines.push(parts.join(", "));
        before = after;
    }
    if let Some(last) = lines.last_mut().filter(|_| !row.tax.is_zero()) {
        last.push_str(&format!(", tax {} in all", row.tax));
    }
    lines
}

/// Where the first `so_far` of a settlement went: grants in burn order, then debt, then absorbed.
struct Drawn {
    grants: Vec<Amount>,
    debt: Amount,
    absorbed: Amount,
}

impl Drawn {
    fn of(row: &LedgerRow, so_far: Amount) -> Drawn {
        let mut left = so_far.or_zero();
        let mut take = |limit: Amount| {
            let part = limit.min(left);
            left = left.minus(part);
            part
        };
        let grants = row.postings.iter().map(|&(_, change)| take(change.negated())).collect();
        let debt = take(row.debt);
        Drawn { grants, debt, absorbed: take(row.absorbed) }
    }
}

/// `h100, train 2.40`: a line for each group, then what else the total is made of.
pub fn report(org: OrgId, report: &CostReport, by: &[Dimension], names: &Names) -> Vec<String> {
    let value = |(by, value): (&Dimension, &Option<String>)| match (by, value) {
        (_, None) => "none".to_string(),
        (Dimension::Resource, Some(number)) => {
            number.parse().map_or_else(|_| number.clone(), |number| names.of(org, number))
        }
        (_, Some(value)) => value.clone(),
    };
    let mut lines = Vec::new();
    for row in &report.rows {
        let values: Vec<String> = by.iter().zip(&row.values).map(value).collect();
        lines.push(format!("{} {}", values.join(", "), row.total));
    }
    if !report.rounding.is_zero() {
        lines.push(format!("rounding {}", report.rounding));
    }
    if !report.reported_late.is_zero() {
        lines.push(format!("reported late {}", report.reported_late));
    }
    let days: Vec<String> = report.days.iter().map(Amount::to_string).collect();
    lines.push(format!("days {}", days.join(" ")));
    lines.push(format!("total {}, not posted {}", report.total, report.accrued));
    lines
}

/// `+00:10:00 use-1 llm 0.0018`.
pub fn request(row: &Request, names: &Names) -> String {
    let event = row.event.as_deref().unwrap_or("capture");
    let sku = row.sku.as_ref().map(|sku| format!(" {sku}")).unwrap_or_default();
    let basis = match row.basis {
        Basis::Charged => String::new(),
        Basis::Attributed { busy_milliseconds, .. } => {
            format!(" busy {busy_milliseconds}ms, attributed")
        }
    };
    format!("{} {event}{sku}{basis} {}", names.time(row.at), row.amount)
}

/// `chat gpu_s ran 01:00:00, busy 60000ms of 3600000ms, 3 requests 0.01, idle 0.59, cost 0.60`.
pub fn use_of(org: OrgId, row: &UseRow, names: &Names) -> String {
    let sum = row.attribution;
    let mut parts = vec![
        format!(
            "{} {} ran {}",
            names.of(org, row.resource),
            row.sku,
            clock_face(row.running_seconds)
        ),
        format!("busy {}ms of {}ms", sum.busy_milliseconds, sum.paid_milliseconds),
        format!("{} requests {}", row.requests, sum.requests),
        format!("idle {}", sum.idle),
    ];
    let rest = [("to come", sum.to_come), ("rounding", sum.rounding)];
    for (name, amount) in rest.into_iter().filter(|(_, amount)| !amount.is_zero()) {
        parts.push(format!("{name} {amount}"));
    }
    parts.push(format!("cost {}", sum.cost));
    parts.join(", ")
}

/// `chat gpu_m right_size to gpu_s, busy 11% of 168:00:00: 302.40 - 100.80 = 201.60, at least 66%`.
pub fn suggestion(org: OrgId, row: &SuggestionRow, names: &Names) -> String {
    let to = row.alternative.as_ref().map(|sku| format!(" to {sku}")).unwrap_or_default();
    let (resource, ran) = (names.of(org, row.resource), clock_face(row.paid_milliseconds / 1_000));
    let (sku, advice, busy) = (&row.sku, &row.advice, row.busy_percent);
    let sums = format!("{} - {} = {}", row.cost, row.instead, row.saves);
    let percent = row.saves_percent;
    format!("{resource} {sku} {advice}{to}, busy {busy}% of {ran}: {sums}, at least {percent}%")
}

/// `monday 9 to 12 ran 01:00:00 each, busy 60000ms`: hours in a row that say the same are one line.
pub fn week(week: &Week) -> Vec<String> {
    let mut lines = Vec::new();
    for (weekday, hours) in WEEKDAYS.into_iter().zip(week) {
        let mut from = 0;
        while from < hours.len() {
            let cell = hours[from];
            let more = hours[from..].iter().take_while(|other| **other == cell).count();
            if cell != HourUse::default() {
                let hour = clock_face(cell.running_seconds);
                let (until, busy) = (from + more, cell.busy_milliseconds);
                lines.push(format!("{weekday} {from} to {until} ran {hour} each, busy {busy}ms"));
            }
            from += more;
        }
    }
    lines
}

/// `purchased: opening 0.00, purchased +20.00, drawn -3.38, closing 16.62`.
pub fn roll_forward(report: &RollForward) -> Vec<String> {
    let mut lines = Vec::new();
    for row in &report.lines {
        let mut parts = vec![format!("{}: opening {}", row.kind.name(), row.opening)];
        for (movement, change) in Movement::ALL.into_iter().zip(row.changes) {
            if !change.is_zero() {
                parts.push(format!("{} {}", movement.name(), signed(change)));
            }
        }
        if parts.len() > 1 || !row.opening.is_zero() {
            parts.push(format!("closing {}", row.closing));
            lines.push(parts.join(", "));
        }
    }
    lines
}

/// `expired 1.00, forfeited 2.00`; what is nothing is left out.
pub fn columns(report: Report, amounts: &[Amount]) -> String {
    let named = report.columns().iter().zip(amounts);
    let parts = named.filter(|(_, amount)| !amount.is_zero());
    let parts: Vec<String> = parts.map(|(name, amount)| format!("{name} {amount}")).collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

/// `used gpu -9.435, shown -9.43`; what is shown is left out where it is the amount.
pub fn statement(row: &StatementRow) -> Vec<String> {
    let shown = |amount: &str, shown: &str| match amount {
        amount if amount.trim_start_matches('+') == shown => amount.to_string(),
        amount => format!("{amount}, shown {shown}"),
    };
    let money = |name: &str, (amount, cents): &(Amount, String)| {
        format!("{name} {}", shown(&amount.to_string(), cents))
    };
    let mut lines = vec![money("opening", &row.opening)];
    for (item, sku, amount, cents) in &row.lines {
        let sku = sku.as_ref().map(|sku| format!(" {sku}")).unwrap_or_default();
        lines.push(format!("{item}{sku} {}", shown(&signed(*amount), cents)));
    }
    let of_use = [("used in all", &row.used), ("tax in it", &row.tax)];
    let others = [("tax on top", &row.tax_on_top)];
    for (name, part) in of_use.into_iter().chain(others) {
        if !part.0.is_zero() {
            lines.push(money(name, part));
        }
    }
    lines.push(money("closing", &row.closing));
    lines
}

/// `+00:00:00 R-2026-000001 receipt of A: 20.00, Halide to Acme, paid by alice`.
pub fn document(org: OrgId, row: &DocumentRow, names: &Names) -> String {
    let about = row.number.map_or_else(|| row.about.clone(), |number| names.of(org, number));
    let (at, kind, amount) =
        (names.time(row.issued_at), row.kind.replace('_', " "), with_tax(row.net, row.tax));
    let total = if row.tax.is_zero() { String::new() } else { format!(", {} in all", row.gross) };
    let mut line = format!("{at} {} {kind} of {about}: {amount}{total}", row.reference);
    line.push_str(&format!(", {} to {}", row.seller, row.buyer));
    if !row.paid_by.is_empty() {
        line.push_str(&format!(", paid by {}", row.paid_by));
    }
    if let Some(conversion) = &row.conversion {
        line.push_str(&format!(", {conversion}"));
    }
    if let Some(corrects) = &row.corrects {
        line.push_str(&format!(", lowers {corrects}"));
    }
    line
}
