//! Journal rows and refusals, read from answers.

use domain::grant::Posting;
use domain::ledger::{EventKey, LedgerTransaction, TransactionKind};
use domain::tax::Tax;
use domain::{Amount, OrgId};
use serde_json::Value;

use super::{amount, broken, number, opt_number, opt_time, text, time};
use crate::scenario::layer::{Failure, LedgerRow, Refused};

/// A transaction put together from the rows that share its number, oldest first.
pub(super) fn transaction(
    org: OrgId,
    parts: &[Value],
) -> Result<(LedgerTransaction, LedgerRow), Failure> {
    let (first, last) = (&parts[0], &parts[parts.len() - 1]);
    let kind = text(last, "kind")?.to_owned();
    let code = TransactionKind::ALL.into_iter().find(|known| known.name() == kind);
    let mut postings = Vec::new();
    for posting in last["postings"].as_array().into_iter().flatten() {
        postings
            .push(Posting { grant: number(posting, "grant")?, change: amount(posting, "change")? });
    }
    let (mut total, mut change, mut periods) = (Amount::ZERO, Amount::ZERO, Vec::new());
    for part in parts {
        let cost = amount(part, "amount")?;
        (total, change) = (total.plus(cost), change.plus(amount(part, "change")?));
        if kind == "settlement" {
            periods.push((time(part, "at")?, cost));
        }
    }
    let moved: Amount = postings.iter().map(|posting| posting.change).sum();
    let debt = moved.minus(change);
    let code = code.ok_or_else(|| broken(format!("a transaction of kind {kind}")))?;
    let absorbed = if code.is_charged() { total.plus(moved).minus(debt) } else { Amount::ZERO };
    // The rate is not on the wire; entries need none.
    let tax = Tax { amount: amount(last, "tax")?, bps: 0 };
    let event = last["event"]["id"].as_str();
    let is_block = matches!(code, TransactionKind::Block | TransactionKind::BlockReversal);
    let row = LedgerRow {
        number: last["number"].as_i64().unwrap_or(0),
        kind,
        at: time(last, "at")?,
        occurred_at: opt_time(first, "occurred_at")?,
        amount: total,
        tax: tax.amount,
        postings: postings.iter().map(|posting| (posting.grant, posting.change)).collect(),
        absorbed,
        debt,
        balance: amount(last, "balance")?,
        run: if is_block { opt_number(last, "subject")? } else { None },
        event: event.map(str::to_owned),
        periods,
    };
    let whole = LedgerTransaction {
        org,
        number: row.number,
        position: 0,
        prev: 0,
        kind: code,
        at: row.at,
        occurred_at: row.occurred_at,
        subject: 0,
        labels: 0,
        limit: 0,
        amount: total,
        postings,
        absorbed,
        debt,
        tax,
        balance: row.balance,
        fingerprint: 0,
        event: event.map(|id| EventKey { source: String::new(), id: id.to_owned() }),
        lines: Vec::new(),
        discount_bps: 0,
        span: None,
        hash: Default::default(),
    };
    Ok((whole, row))
}

/// What a client reads of a refusal: the code, and the numbers beside it.
pub(super) fn refused(problem: &Value) -> Refused {
    const NAMES: &[&str] = &[
        "kind",
        "setting",
        "min",
        "max",
        "latest",
        "earliest",
        "sku",
        "dimension",
        "scope",
        "left",
        "available",
        "required",
        "resets_at",
        "stopped_at",
        "started_at",
        "state",
        "held",
        "class",
        "refundable",
        "currency",
        "asked",
        "paid",
        "fee",
        "open",
        "conversion",
        "count",
        "debt",
        "external",
        "name",
        "feature",
        "now",
        "most",
        "from",
        "until",
        "role",
        "permission",
    ];
    let code = problem["code"].as_str().unwrap_or_default().to_owned();
    let field = |name: &str| match problem[name].as_str()? {
        // Some requests name the organization by its wallet.
        "wallet" if name == "kind" => Some((name.to_owned(), "organization".to_owned())),
        value => Some((name.to_owned(), value.to_owned())),
    };
    Refused { code, fields: NAMES.iter().copied().filter_map(field).collect() }
}
