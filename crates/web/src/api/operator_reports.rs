//! Reports over the books of a platform: ageing, breakage, promotions and revenue.
//!
//! Law: the lines of a report add up to ledger accounts, and each says where its entries are listed
//! (requirements N23).

use std::collections::BTreeMap;

use domain::operator_report::{Line, Report, totals};
use domain::roll_forward::Month;
use domain::{Amount, Id, Kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::read::operator::report;
use store::read::reports::NotRolled;

use crate::csv::{Cell, line};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::wire::{IdText, MoneyText, TimeText};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatorReportQuery {
    /// Whose books; only the operator has to say.
    pub platform: Option<IdText>,
    /// The first month, such as `2026-01`; the present one when none is given. Months are of UTC.
    pub since: Option<String>,
    /// `json` or `csv`; `Accept: text/csv` asks for the same.
    pub format: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct OperatorReportOut {
    /// When the first month began.
    pub since: TimeText,
    pub until: TimeText,
    pub rows: Vec<OperatorReportRow>,
    /// The sums of all rows, by name of the amount.
    pub totals: BTreeMap<String, MoneyText>,
    /// The ledger account that amounts add up to, by their names; several may make up one.
    pub accounts: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct OperatorReportRow {
    pub organization: IdText,
    /// A kind of grant and its age, a month, a campaign, or a SKU.
    pub group: String,
    pub amounts: BTreeMap<String, MoneyText>,
    /// The request that lists what the row is made of.
    pub entries: String,
}

/// Reports what is unspent now, by kind of grant and age.
pub async fn ageing(call: Call) -> Result<Reply, Fault> {
    answer(call, Report::Ageing).await
}

/// Reports paid credit that nobody used, by month.
pub async fn breakage(call: Call) -> Result<Reply, Fault> {
    answer(call, Report::Breakage).await
}

/// Reports given credit, by campaign.
pub async fn promotions(call: Call) -> Result<Reply, Fault> {
    answer(call, Report::Promotions).await
}

/// Reports what was earned, by SKU and customer.
pub async fn revenue(call: Call) -> Result<Reply, Fault> {
    answer(call, Report::Revenue).await
}

/// Errors, in order: `malformed`, `parameter_invalid`, `not_found`, `parameter_invalid` (too much).
async fn answer(call: Call, asked: Report) -> Result<Reply, Fault> {
    let query: OperatorReportQuery = call.query()?;
    let is_csv = call.wants_csv(query.format.as_deref())?;
    let platform = call.platform(query.platform.as_ref()).await?;
    let mut snapshot = call.snapshot().await?;
    let row = store::read::access::platform(&mut snapshot, platform).await?;
    let now = call.web.now_at(row.and_then(|row| row.clock));
    let since = match &query.since {
        Some(text) => Month::parse(text),
        None => Month::of(now),
    };
    let since = since.ok_or_else(|| Fault::param("since", "not a month such as 2026-01"))?;
    let out_of_range = || Fault::param("since", "a sum is beyond the range of an amount");
    let lines = report(&mut snapshot, platform, asked, (since, now)).await;
    let lines = lines.map_err(|error| match error {
        NotRolled::TooMuch => Fault::param("since", "too much has happened since: ask for less"),
        NotRolled::OutOfRange => out_of_range(),
        NotRolled::Store(error) => Fault::from(error),
    })?;
    if is_csv {
        return Ok(Reply::csv(csv(asked, &lines)));
    }
    let sums = totals(asked, &lines).ok_or_else(out_of_range)?;
    let out = OperatorReportOut {
        since: since.start.into(),
        until: now.into(),
        rows: lines.iter().map(|line| row_of(asked, line)).collect(),
        totals: named(asked, &sums),
        accounts: accounts(asked),
    };
    Reply::json(200, &out)
}

fn named(report: Report, amounts: &[Amount]) -> BTreeMap<String, MoneyText> {
    let names = report.columns().iter().map(|name| (*name).to_owned());
    names.zip(amounts.iter().map(|&amount| amount.into())).collect()
}

fn accounts(report: Report) -> BTreeMap<String, String> {
    let columns = report.columns().iter().enumerate();
    let account = |(at, name): (usize, &&str)| {
        report.account(at).map(|account| ((*name).to_owned(), account.to_owned()))
    };
    columns.filter_map(account).collect()
}

fn row_of(report: Report, line: &Line) -> OperatorReportRow {
    OperatorReportRow {
        organization: IdText::organization(line.org),
        group: line.group.clone(),
        amounts: named(report, &line.amounts),
        entries: entries_of(report, line),
    }
}

fn entries_of(report: Report, line: &Line) -> String {
    let of =
        |path: &str| format!("{path}organization={}", Id::new(Kind::Organization, line.org, 0));
    match report {
        Report::Ageing => of("/v1/grants?"),
        Report::Breakage => of("/v1/ledger?show=expired&"),
        Report::Promotions => of("/v1/ledger?"),
        Report::Revenue => of("/v1/ledger?show=usage&"),
    }
}

fn csv(report: Report, lines: &[Line]) -> String {
    let mut table = String::new();
    let mut head = vec![Cell::Text("organization"), Cell::Text("group")];
    head.extend(report.columns().iter().map(|name| Cell::Text(name)));
    head.push(Cell::Text("entries"));
    line(&mut table, &head);
    for row in lines {
        let organization = Id::new(Kind::Organization, row.org, 0).to_string();
        let mut cells = vec![Cell::Plain(organization), Cell::Text(&row.group)];
        cells.extend(row.amounts.iter().map(|amount| Cell::Plain(amount.to_string())));
        cells.push(Cell::Plain(entries_of(report, row)));
        line(&mut table, &cells);
    }
    table
}
