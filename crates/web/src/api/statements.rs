//! The statement of a wallet for a month.
//!
//! Laws: opening and lines add up to closing, to the nano; what is `shown` is rounded for people,
//! each from its exact amount, and nothing is computed from it (rulings R23).

use domain::profile::BillRounding;
use domain::roll_forward::Month;
use domain::statement::{Statement, shown};
use domain::{Amount, Kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::read::statement::{StatementRows, rows};

use super::wallets::wallet_id;
use crate::csv::{Cell, line};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::wire::{IdText, MoneyText, TimeText};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementQuery {
    /// Such as `2026-01`; the present one when none is given. Months are of UTC.
    pub month: Option<String>,
    /// `json` or `csv`; `Accept: text/csv` asks for the same.
    pub format: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct StatementOut {
    pub organization: IdText,
    pub from: TimeText,
    pub until: TimeText,
    /// Whether the month is over and settled, so that nothing of it changes any more.
    pub is_final: bool,
    pub opening: ShownMoney,
    pub lines: Vec<StatementLine>,
    /// All that was used, at price.
    pub used: ShownMoney,
    /// The tax in what was used.
    pub tax: ShownMoney,
    /// The tax on top of what was purchased, less that of what went back.
    pub tax_on_top: ShownMoney,
    pub closing: ShownMoney,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownMoney {
    pub amount: MoneyText,
    /// In cents: balances are floored, bills are rounded by the platform's setting.
    pub shown: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct StatementLine {
    /// `purchased`, `given`, `used`, `captured`, `adjustments`, `absorbed`, `refunded`,
    /// `disputed`, `expired` or `voided`.
    pub item: String,
    /// Of what was used: the code of its SKU.
    pub sku: Option<String>,
    /// What left the wallet is negative.
    pub amount: MoneyText,
    pub shown: String,
}

fn balance(amount: Amount) -> ShownMoney {
    ShownMoney { amount: amount.into(), shown: amount.floor_to_cents() }
}

impl StatementOut {
    fn of(rows: &StatementRows, statement: &Statement) -> StatementOut {
        let rounding = rows.profile().bill_rounding;
        let bill =
            |amount: Amount| ShownMoney { amount: amount.into(), shown: shown(amount, rounding) };
        StatementOut {
            organization: IdText::organization(rows.wallet.org),
            from: statement.month.start.into(),
            until: statement.month.end.into(),
            is_final: rows.is_final(),
            opening: balance(statement.opening),
            lines: statement
                .lines
                .iter()
                .map(|(item, amount)| StatementLine {
                    item: item.name().to_owned(),
                    sku: item.sku().map(str::to_owned),
                    amount: (*amount).into(),
                    shown: shown(*amount, rounding),
                })
                .collect(),
            used: bill(statement.used()),
            tax: bill(statement.tax),
            tax_on_top: bill(statement.tax_on_top),
            closing: balance(statement.closing),
        }
    }
}

fn csv(statement: &Statement, rounding: BillRounding) -> String {
    let mut table = String::new();
    line(&mut table, &["item", "sku", "amount", "shown"].map(Cell::Text));
    let mut row = |item: &str, sku: &str, amount: Amount, shown: String| {
        let amount = Cell::Plain(amount.to_string());
        line(&mut table, &[Cell::Text(item), Cell::Text(sku), amount, Cell::Plain(shown)]);
    };
    row("opening", "", statement.opening, statement.opening.floor_to_cents());
    for (item, amount) in &statement.lines {
        row(item.name(), item.sku().unwrap_or(""), *amount, shown(*amount, rounding));
    }
    row("closing", "", statement.closing, statement.closing.floor_to_cents());
    table
}

/// Shows the statement of a month, posted until now where it is not over.
///
/// Errors, in order: `not_found`, `malformed`, `parameter_invalid` (a month, or too much for one
/// answer).
pub async fn get(call: Call) -> Result<Reply, Fault> {
    let org = wallet_id(&call).await?;
    let query: StatementQuery = call.query()?;
    let is_csv = call.wants_csv(query.format.as_deref())?;
    let named = query.month.as_deref().map(|text| {
        Month::parse(text).ok_or_else(|| Fault::param("month", "not a month such as 2026-01"))
    });
    let named = named.transpose()?;
    let mut snapshot = call.snapshot().await?;
    let month = |now| named.or_else(|| Month::of(now));
    let rows = rows(&mut snapshot, org, call.web.app.now(), month).await?;
    let rows = rows.ok_or(Fault::missing(Kind::Wallet))?;
    if rows.is_cut {
        return Err(Fault::param("month", "too much has happened since: ask a later one"));
    }
    let statement = rows.statement();
    if is_csv {
        return Ok(Reply::csv(csv(&statement, rows.profile().bill_rounding)));
    }
    Reply::json(200, &StatementOut::of(&rows, &statement))
}
