//! The ledger of an organization: every movement, with settlements opened into their periods.
//!
//! Laws: a page is one snapshot; its opening balance and the changes of its rows add up to its
//! closing balance, and the next page closes where this one opens (rulings A8, A11); the periods of
//! a settlement add up to what was posted for it, to the nano.

use std::collections::BTreeMap;

use domain::history::{Filter, Reader};
use domain::label::Labels;
use domain::ledger::{LedgerTransaction, Line, TransactionKind};
use domain::span::{Period, periods};
use domain::{Amount, Kind, OrgId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::read::ledger::walk_shown;

use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::page::{self, Page};
use crate::wire::{IdText, MoneyText, TimeText};

/// A page of a ledger.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LedgerQuery {
    /// Whose rows; a key of an organization may leave it out.
    pub organization: Option<IdText>,
    /// `all`, or one part of the history: `purchases`, `usage`, `grants`, `expired`, or `fees`,
    /// which only the operator sees.
    pub show: Option<String>,
    /// Rows of the page, 1 to 100; 20 when none is given. Where not all are shown, a page may have
    /// fewer although there are more.
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct LedgerOut {
    /// Newest first.
    pub data: Vec<LedgerRow>,
    pub has_more: bool,
    pub next_cursor: Option<String>,
    /// Posted balance before the oldest row of this page; only where all movements are shown.
    pub opening_balance: Option<MoneyText>,
    /// Posted balance after the newest row of this page; only where all movements are shown.
    pub closing_balance: Option<MoneyText>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct LedgerRow {
    /// The ledger transaction; the periods of one settlement share it.
    pub transaction: IdText,
    /// Counts without gaps within the organization.
    pub number: i64,
    /// `deposit`, `grant`, `charge`, `settlement`, `capture`, `correction`, `expiry`, `void`,
    /// `refund`, `refund_paid`, `refund_failed`, `fee`, `arrival`, `arrival_credited`,
    /// `arrival_returned`, `bonus_void`, `offset`, `withdrawal`,
    /// `reinstatement`, `reversal`, `block`, `block_reversal` or `request`.
    pub kind: String,
    /// When it was posted; of a settlement's period, when the period ended.
    pub at: TimeText,
    /// When what it charges began or happened, if that was earlier.
    pub occurred_at: Option<TimeText>,
    /// The size of the movement: money in, value given, charge at price.
    pub amount: MoneyText,
    /// The tax in a charge, or on top of money that moved; of a settlement, for all of its periods.
    pub tax: MoneyText,
    /// What it did to the posted balance; less than a charge where the rest was absorbed.
    pub change: MoneyText,
    /// Posted balance afterwards.
    pub balance: MoneyText,
    /// The deposit, refund, dispute, grant, hold or run it is about.
    pub subject: Option<IdText>,
    /// Of a charge for usage: the event's id and source.
    pub event: Option<EventRef>,
    /// Labels that the usage event, or the hold that is captured, was given.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The limit that this use went beyond.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<IdText>,
    /// Of a charge for usage: what was used, by the price that it was charged at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LineOut>,
    /// What was drawn of which grant, or put into it; of a settlement, for all of its periods.
    pub postings: Vec<PostingOut>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct EventRef {
    pub source: String,
    pub id: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct LineOut {
    pub price: IdText,
    pub quantity: i64,
    pub amount: MoneyText,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct PostingOut {
    pub grant: IdText,
    pub change: MoneyText,
}

/// One period of a transaction, or all of a transaction that has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    from: Option<Timestamp>,
    until: Timestamp,
    amount: Amount,
    change: Amount,
    balance: Amount,
}

/// What a transaction did to the posted balance.
fn change_of(row: &LedgerTransaction) -> Amount {
    let drawn: Amount = row.postings.iter().map(|posting| posting.change).sum();
    drawn.minus(row.debt)
}

/// The parts of a transaction, oldest first: the periods of a settlement, or all of it.
fn parts(row: &LedgerTransaction) -> Vec<Part> {
    let change = change_of(row);
    let periods = periods(row);
    if periods.len() < 2 {
        let (amount, balance) = (row.amount, row.balance);
        return vec![Part { from: row.occurred_at, until: row.at, amount, change, balance }];
    }
    let mut balance = row.balance.minus(change);
    let mut left = change;
    let last = periods.len() - 1;
    let part = |(place, period): (usize, Period)| {
        // What is absorbed is absorbed at the end: until then every period is paid for.
        let is_last = place == last;
        let change = if is_last { left } else { period.amount.negated().max(left) };
        left = left.minus(change);
        balance = balance.plus(change);
        let (from, until, amount) = (Some(period.from), period.until, period.amount);
        Part { from, until, amount, change, balance }
    };
    periods.into_iter().enumerate().map(part).collect()
}

fn subject(row: &LedgerTransaction) -> Option<IdText> {
    let kind = match row.kind {
        TransactionKind::Deposit | TransactionKind::Fee | TransactionKind::ArrivalCredited => {
            Kind::Deposit
        }
        TransactionKind::Arrival | TransactionKind::ArrivalReturned => Kind::Arrival,
        TransactionKind::Grant
        | TransactionKind::Expiry
        | TransactionKind::Void
        | TransactionKind::Forfeiture
        | TransactionKind::BonusVoid
        | TransactionKind::Commitment
        | TransactionKind::Renewal => Kind::Grant,
        TransactionKind::Refund | TransactionKind::RefundPaid | TransactionKind::RefundFailed => {
            Kind::Refund
        }
        TransactionKind::Withdrawal => Kind::Dispute,
        TransactionKind::Reinstatement => {
            let made = row.postings.iter().any(|posting| posting.grant == row.subject);
            if made { Kind::Grant } else { Kind::Dispute }
        }
        TransactionKind::Capture => Kind::Hold,
        TransactionKind::Block | TransactionKind::BlockReversal => Kind::Run,
        TransactionKind::Request => Kind::Resource,
        TransactionKind::Charge
        | TransactionKind::Settlement
        | TransactionKind::Correction
        | TransactionKind::Reversal
        | TransactionKind::Offset => return None,
    };
    (row.subject != 0).then(|| IdText::new(kind, row.org, row.subject))
}

fn view(
    row: &LedgerTransaction,
    part: Part,
    platform: OrgId,
    sets: &BTreeMap<i64, Labels>,
) -> LedgerRow {
    let line = |line: &Line| LineOut {
        price: IdText::new(Kind::Price, platform, line.price),
        quantity: line.quantity,
        amount: line.amount.into(),
    };
    let labels = sets.get(&row.labels).into_iter().flat_map(Labels::iter);
    let posting = |posting: &domain::grant::Posting| PostingOut {
        grant: IdText::new(Kind::Grant, row.org, posting.grant),
        change: posting.change.into(),
    };
    LedgerRow {
        transaction: IdText::new(Kind::LedgerTransaction, row.org, row.number),
        number: row.number,
        kind: row.kind.name().to_owned(),
        at: part.until.into(),
        occurred_at: part.from.map(TimeText::from),
        amount: part.amount.into(),
        tax: row.tax.amount.into(),
        change: part.change.into(),
        balance: part.balance.into(),
        subject: subject(row),
        event: row
            .event
            .as_ref()
            .map(|event| EventRef { source: event.source.clone(), id: event.id.clone() }),
        labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        limit: (row.limit != 0).then(|| IdText::new(Kind::Limit, row.org, row.limit)),
        // What a request took in time that is paid is no charge, and has no price.
        lines: row.lines.iter().filter(|line| line.price != 0).map(line).collect(),
        postings: row.postings.iter().map(posting).collect(),
    }
}

/// One row of the page: a transaction and one of its parts.
type Shown<'a> = (&'a LedgerTransaction, Part);

/// The page of `rows` that begins after `skip` parts of the first transaction, and where the next
/// one begins.
fn page_of<'a>(
    rows: &'a [LedgerTransaction],
    skip: i64,
    page: &Page,
) -> (Vec<Shown<'a>>, Option<String>) {
    let wanted = usize::try_from(page.rows).unwrap_or(0);
    let mut shown = Vec::new();
    let mut skip = usize::try_from(skip).unwrap_or(usize::MAX);
    for row in rows {
        for (place, part) in parts(row).into_iter().rev().enumerate().skip(skip) {
            if shown.len() == wanted {
                let place = i64::try_from(place).unwrap_or(i64::MAX);
                return (shown, Some(page::encode(row.position, place)));
            }
            shown.push((row, part));
        }
        skip = 0;
    }
    (shown, None)
}

/// Opening and closing balance of a page; `rest` is both of an empty one.
fn balances(shown: &[Shown<'_>], rest: Amount) -> (Amount, Amount) {
    match (shown.last(), shown.first()) {
        (Some((_, oldest)), Some((_, newest))) => {
            (oldest.balance.minus(oldest.change), newest.balance)
        }
        _ => (rest, rest),
    }
}

/// Lists movements, newest first: all of them, or one part of the history (requirements C11).
pub async fn list(call: Call) -> Result<Reply, Fault> {
    let query: LedgerQuery = call.query()?;
    let home = call.organization(query.organization.as_ref()).await?;
    let filter = query.show.as_deref().map_or(Some(Filter::All), Filter::from_name);
    let filter = filter.ok_or_else(|| {
        Fault::param("show", "takes all, purchases, usage, grants, expired or fees")
    })?;
    let page = Page::read(query.limit, query.cursor.as_deref())?;
    let mut snapshot = call.snapshot().await?;
    let wallet = store::read::access::wallet(&mut snapshot, home.org).await?;
    let wallet = wallet.ok_or(Fault::missing(Kind::Wallet))?;
    let (position, skip) = page.after.unwrap_or((wallet.tip.position, 0));
    let wanted = page.rows_to_read();
    let shows = (filter, call.reader());
    let found = walk_shown(&mut snapshot, home.org, position, shows, wanted).await?;
    if !found.is_known && page.after.is_some() {
        return Err(Fault::param("cursor", "not a cursor of this list"));
    }
    let rows = &found.rows;
    let sets = store::read::reports::label_sets_of(&mut snapshot, home.org, rows).await?;
    let (shown, next_cursor) = page_of(&found.rows, skip, &page);
    let next_cursor = match next_cursor {
        // The walk ended before the page was full.
        None if shows != (Filter::All, Reader::Operator) && found.next > 0 => {
            Some(page::encode(found.next, 0))
        }
        next => next,
    };
    let is_whole = filter == Filter::All;
    let (opening, closing) = balances(&shown, wallet.posted());
    let out = LedgerOut {
        data: shown.into_iter().map(|(row, part)| view(row, part, home.platform, &sets)).collect(),
        has_more: next_cursor.is_some(),
        next_cursor,
        opening_balance: is_whole.then(|| opening.into()),
        closing_balance: is_whole.then(|| closing.into()),
    };
    Reply::json(200, &out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::grant::Posting;
    use domain::ledger::{Span, SpanMeter};
    use domain::tax::Tax;

    fn amount(text: &str) -> Amount {
        Amount::parse(text).unwrap()
    }

    /// Two resources at 3.10 and 0.01 an hour, from 00:02:30 to `until`, after which 5 is left.
    fn settlement(posted: &str, drawn: &str, until: i64) -> LedgerTransaction {
        let rate = (3_100_000_000_i128 + 10_000_000) * 10_000;
        let meters = vec![SpanMeter { per_units: 3_600, sum: 7, rate }];
        let from = Timestamp::from_seconds(150);
        LedgerTransaction {
            org: OrgId::new(1, 1 << 60),
            number: 4,
            position: 9,
            prev: 0,
            kind: TransactionKind::Settlement,
            at: Timestamp::from_seconds(until),
            occurred_at: Some(from),
            subject: 0,
            labels: 0,
            limit: 0,
            amount: amount(posted),
            postings: vec![Posting { grant: 2, change: amount(drawn).negated() }],
            absorbed: amount(posted).minus(amount(drawn)),
            debt: Amount::ZERO,
            tax: Tax::default(),
            balance: amount("5"),
            fingerprint: 0,
            event: None,
            lines: Vec::new(),
            discount_bps: 0,
            span: Some(Span { from, every_seconds: 300, meters }),
            hash: [0; 16],
        }
    }

    fn adds_up(row: &LedgerTransaction) -> Vec<Part> {
        let parts = parts(row);
        assert_eq!(parts.iter().map(|part| part.amount).sum::<Amount>(), row.amount);
        assert_eq!(parts.iter().map(|part| part.change).sum::<Amount>(), change_of(row));
        assert_eq!(parts.last().unwrap().balance, row.balance);
        for pair in parts.windows(2) {
            assert_eq!(pair[0].balance.plus(pair[1].change), pair[1].balance);
            assert_eq!(Some(pair[0].until), pair[1].from);
        }
        parts
    }

    #[test]
    fn law_periods_add_up_to_their_settlement() {
        let parts = adds_up(&settlement("0.647916667", "0.647916667", 900));
        let ends: Vec<i64> = parts.iter().map(|part| part.until.seconds()).collect();
        assert_eq!(ends, [300, 600, 900]);
        assert_eq!(parts[1].amount, amount("0.259166667"));
        assert_eq!(adds_up(&settlement("0.05", "0.05", 200)).len(), 1);
    }

    #[test]
    fn what_is_absorbed_is_absorbed_at_the_end() {
        let parts = adds_up(&settlement("0.647916667", "0.30", 900));
        assert_eq!(parts[0].change, parts[0].amount.negated());
        assert_eq!(parts[1].change.plus(parts[0].change), amount("-0.30"));
        assert_eq!(parts[2].change, Amount::ZERO);
    }

    #[test]
    fn pages_meet_at_their_balances() {
        let rows = [settlement("0.647916667", "0.647916667", 900)];
        let page = Page::read(Some(2), None).unwrap();
        let (first, next) = page_of(&rows, 0, &page);
        let (_, skip) = Page::read(None, next.as_deref()).unwrap().after.unwrap();
        let (second, end) = page_of(&rows, skip, &page);
        assert_eq!((first.len(), second.len(), end), (2, 1, None));
        assert_eq!(balances(&first, Amount::ZERO).0, balances(&second, Amount::ZERO).1);
    }
}
