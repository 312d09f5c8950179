//! The journal: one append-only row per ledger transaction, numbered without gaps and chained.
//!
//! Laws: a transaction belongs to one organization and never changes; its entries sum to zero
//! ([`crate::chart::entries`]); `hash` covers the transaction before it and every field but its
//! place in the store, so all stores agree on it (rulings A3, A4).
//!
//! A transaction holds what it did to each grant; the other legs follow from its kind. That keeps
//! a charge to one row, and entries are a view.

use sha2::{Digest, Sha256};

use crate::grant::Posting;
use crate::tax::Tax;
use crate::{Amount, OrgId, Timestamp};

/// The version of the encoding that is hashed; part of the hash.
pub const ENCODING_VERSION: i64 = 1;

/// A link of the hash chain: SHA-256, cut to 16 bytes.
pub type ChainHash = [u8; 16];

/// Why a transaction was written. Codes are stored and only ever added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransactionKind {
    /// Confirmed money came in and became a purchased grant.
    Deposit,
    /// The operator gave a promotional or bonus grant.
    Grant,
    /// A usage event was rated.
    Charge,
    /// Time that resources ran was posted.
    Settlement,
    /// A hold was captured.
    Capture,
    /// Too much was posted for time, because a stop was reported late.
    Correction,
    /// The rest of a grant expired.
    Expiry,
    /// The operator ended a promotional grant.
    Void,
    /// Unspent credit left for a refund.
    Refund,
    /// The rail paid a refund.
    RefundPaid,
    /// The rail could not pay a refund: the credit is back.
    RefundFailed,
    /// A provider kept something of a payment for itself.
    Fee,
    /// Money came that is not what was asked for: nobody is credited yet.
    Arrival,
    /// It became purchased credit, by the decision of an operator.
    ArrivalCredited,
    /// It went back to its payer.
    ArrivalReturned,
    /// A bonus followed its purchase out; negative when it came back with it.
    BonusVoid,
    /// Purchased credit that came free paid debt.
    Offset,
    /// The provider took money back for a dispute.
    Withdrawal,
    /// The provider returned it.
    Reinstatement,
    /// A usage event was taken back.
    Reversal,
    /// Breakage was taken back, because a payment made in time was confirmed late.
    Renewal,
    /// A block of a run was paid at its start.
    Block,
    /// A block was taken back, because its run had ended before it started.
    BlockReversal,
    /// Purchased credit became a commitment: its value stays in the wallet.
    Commitment,
    /// A resource served a request in time that is paid for: it charges nothing.
    Request,
    /// Paid credit that no refund returns was left when its organization was closed.
    Forfeiture,
}

impl TransactionKind {
    pub const ALL: [TransactionKind; 26] = [
        TransactionKind::Deposit,
        TransactionKind::Grant,
        TransactionKind::Charge,
        TransactionKind::Settlement,
        TransactionKind::Capture,
        TransactionKind::Correction,
        TransactionKind::Expiry,
        TransactionKind::Void,
        TransactionKind::Forfeiture,
        TransactionKind::Refund,
        TransactionKind::RefundPaid,
        TransactionKind::RefundFailed,
        TransactionKind::Fee,
        TransactionKind::Arrival,
        TransactionKind::ArrivalCredited,
        TransactionKind::ArrivalReturned,
        TransactionKind::BonusVoid,
        TransactionKind::Offset,
        TransactionKind::Withdrawal,
        TransactionKind::Reinstatement,
        TransactionKind::Renewal,
        TransactionKind::Reversal,
        TransactionKind::Block,
        TransactionKind::BlockReversal,
        TransactionKind::Commitment,
        TransactionKind::Request,
    ];

    pub const fn code(self) -> i64 {
        match self {
            TransactionKind::Deposit => 1,
            TransactionKind::Grant => 2,
            TransactionKind::Charge => 3,
            TransactionKind::Settlement => 4,
            TransactionKind::Capture => 5,
            TransactionKind::Correction => 6,
            TransactionKind::Expiry => 7,
            TransactionKind::Void => 8,
            TransactionKind::Refund => 9,
            TransactionKind::RefundPaid => 10,
            TransactionKind::RefundFailed => 11,
            TransactionKind::BonusVoid => 12,
            TransactionKind::Offset => 13,
            TransactionKind::Withdrawal => 14,
            TransactionKind::Reinstatement => 15,
            TransactionKind::Reversal => 16,
            TransactionKind::Renewal => 17,
            TransactionKind::Block => 18,
            TransactionKind::BlockReversal => 19,
            TransactionKind::Fee => 22,
            TransactionKind::Arrival => 24,
            TransactionKind::ArrivalCredited => 25,
            TransactionKind::ArrivalReturned => 26,
            TransactionKind::Commitment => 34,
            TransactionKind::Request => 40,
            TransactionKind::Forfeiture => 46,
        }
    }

    /// Whether its amount is use at price, which grants, debt and what is absorbed pay for.
    pub const fn is_charged(self) -> bool {
        matches!(
            self,
            TransactionKind::Charge
                | TransactionKind::Settlement
                | TransactionKind::Capture
                | TransactionKind::Correction
                | TransactionKind::Reversal
                | TransactionKind::Block
                | TransactionKind::BlockReversal
        )
    }

    /// Whether it takes a charge back.
    pub const fn gives_back(self) -> bool {
        matches!(
            self,
            TransactionKind::Correction
                | TransactionKind::Reversal
                | TransactionKind::BlockReversal
        )
    }

    pub fn from_code(code: i64) -> Option<TransactionKind> {
        TransactionKind::ALL.into_iter().find(|kind| kind.code() == code)
    }

    pub const fn name(self) -> &'static str {
        match self {
            TransactionKind::Deposit => "deposit",
            TransactionKind::Grant => "grant",
            TransactionKind::Charge => "charge",
            TransactionKind::Settlement => "settlement",
            TransactionKind::Capture => "capture",
            TransactionKind::Correction => "correction",
            TransactionKind::Expiry => "expiry",
            TransactionKind::Void => "void",
            TransactionKind::Forfeiture => "forfeiture",
            TransactionKind::Refund => "refund",
            TransactionKind::RefundPaid => "refund_paid",
            TransactionKind::RefundFailed => "refund_failed",
            TransactionKind::Fee => "fee",
            TransactionKind::Arrival => "arrival",
            TransactionKind::ArrivalCredited => "arrival_credited",
            TransactionKind::ArrivalReturned => "arrival_returned",
            TransactionKind::BonusVoid => "bonus_void",
            TransactionKind::Offset => "offset",
            TransactionKind::Withdrawal => "withdrawal",
            TransactionKind::Reinstatement => "reinstatement",
            TransactionKind::Reversal => "reversal",
            TransactionKind::Renewal => "renewal",
            TransactionKind::Block => "block",
            TransactionKind::BlockReversal => "block_reversal",
            TransactionKind::Commitment => "commitment",
            TransactionKind::Request => "request",
        }
    }
}

/// One priced dimension of a usage event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub price: i64,
    pub quantity: i64,
    pub amount: Amount,
}

/// What a settlement covers: `[from, at)` in periods that end at multiples of `every_seconds`; or a
/// block: `every_seconds` from `from` on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub from: Timestamp,
    pub every_seconds: i64,
    /// The meters at `from`, when their rates did not change inside the span.
    pub meters: Vec<SpanMeter>,
}

/// A meter as it stood at the start of a span: enough to recompute each period (rulings A8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanMeter {
    pub per_units: i64,
    pub sum: i128,
    pub rate: i128,
}

/// The client's name of a usage event: unique per organization and source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventKey {
    pub source: String,
    pub id: String,
}

/// The end of an organization's chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChainTip {
    /// Number of the last transaction; the first one is 1.
    pub number: i64,
    /// Its position in the journal of its store, 0 when there is none.
    pub position: i64,
    pub hash: ChainHash,
}

/// One row of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerTransaction {
    pub org: OrgId,
    pub number: i64,
    /// Where the row stands in its store; given by the lane, not hashed.
    pub position: i64,
    /// Position of the transaction before it in the same organization; not hashed.
    pub prev: i64,
    pub kind: TransactionKind,
    /// When it was posted.
    pub at: Timestamp,
    /// When what it charges happened, if that was earlier.
    pub occurred_at: Option<Timestamp>,
    /// Number of the deposit, grant, hold, run, resource, refund or dispute it is about; 0 when it
    /// is about none.
    pub subject: i64,
    /// Number of the set of labels of the use that it charges or gives back; 0 when it has none.
    pub labels: i64,
    /// Number of the limit that its use went beyond; 0 when none.
    pub limit: i64,
    /// Its size: money in or out, value given, charge at price, value expired. Negative for a
    /// correction or a reversal.
    pub amount: Amount,
    pub postings: Vec<Posting>,
    /// Use past zero that the operator bears.
    pub absorbed: Amount,
    /// Change of the debt: positive when use past zero is owed, negative when money in pays it.
    pub debt: Amount,
    /// Inside the amount of a charge; on top of the amount of money that moved (rulings R19).
    pub tax: Tax,
    /// Posted balance of the wallet afterwards.
    pub balance: Amount,
    /// Hash of the client's request, to tell a repetition from a conflict.
    pub fingerprint: i64,
    pub event: Option<EventKey>,
    pub lines: Vec<Line>,
    /// What the prices of its lines were lowered by.
    pub discount_bps: i64,
    pub span: Option<Span>,
    pub hash: ChainHash,
}

impl LedgerTransaction {
    /// What the column of subjects holds: a charge is about nothing numbered, so that its labels
    /// have room there and cost an event without any no byte.
    pub const fn subject_or_labels(&self) -> i64 {
        match self.kind {
            TransactionKind::Charge => self.labels,
            _ => self.subject,
        }
    }

    /// What belongs to no column of its own, as one line of text: `key=value` joined by `;`, lists
    /// joined by `,`, parts by `:`. Empty for an ordinary charge.
    pub fn rest(&self) -> String {
        let mut rest = String::new();
        let mut field = |name: &str, value: String| {
            if !rest.is_empty() {
                rest.push(';');
            }
            rest.push_str(name);
            rest.push('=');
            rest.push_str(&value);
        };
        let join = |parts: Vec<String>| parts.join(",");
        if self.postings.len() > POSTING_COLUMNS {
            let more = &self.postings[POSTING_COLUMNS..];
            let text = |part: &Posting| format!("{}:{}", part.grant, part.change.nanos());
            field("postings", join(more.iter().map(text).collect()));
        }
        if !self.absorbed.is_zero() {
            field("absorbed", self.absorbed.nanos().to_string());
        }
        if !self.debt.is_zero() {
            field("debt", self.debt.nanos().to_string());
        }
        if !self.tax.is_none() {
            field("tax", format!("{}:{}", self.tax.amount.nanos(), self.tax.bps));
        }
        if self.lines.len() > 1 {
            let text =
                |line: &Line| format!("{}:{}:{}", line.price, line.quantity, line.amount.nanos());
            field("lines", join(self.lines.iter().map(text).collect()));
        }
        if self.labels != 0 && self.kind != TransactionKind::Charge {
            field("labels", self.labels.to_string());
        }
        if self.limit != 0 {
            field("limit", self.limit.to_string());
        }
        if self.discount_bps != 0 {
            field("discount", self.discount_bps.to_string());
        }
        if let Some(span) = &self.span {
            field("every", span.every_seconds.to_string());
            if !span.meters.is_empty() {
                let text =
                    |meter: &SpanMeter| format!("{}:{}:{}", meter.per_units, meter.sum, meter.rate);
                field("meters", join(span.meters.iter().map(text).collect()));
            }
        }
        rest
    }

    /// Price and quantity of an event with one priced dimension, which have columns of their own.
    pub fn single_line(&self) -> Option<&Line> {
        match self.lines.as_slice() {
            [line] => Some(line),
            _ => None,
        }
    }

    /// When it counts: a settlement at the very end of a day or a month is of the one that ended.
    pub fn counted_at(&self) -> Timestamp {
        match self.kind {
            TransactionKind::Settlement => self.at.plus_seconds(-1),
            _ => self.at,
        }
    }

    /// The hash of this transaction after `before`.
    pub fn chained_after(&self, before: &ChainHash) -> ChainHash {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(before);
        let mut number = |value: i64| bytes.extend_from_slice(&value.to_le_bytes());
        number(ENCODING_VERSION);
        number(self.org.get());
        number(self.number);
        number(self.kind.code());
        number(self.at.micros());
        number(self.occurred_at.map_or(i64::MIN, Timestamp::micros));
        number(self.subject_or_labels());
        number(self.amount.nanos());
        for posting in self.postings.iter().take(POSTING_COLUMNS) {
            number(posting.grant);
            number(posting.change.nanos());
        }
        number(self.balance.nanos());
        number(self.fingerprint);
        let line = self.single_line();
        number(line.map_or(i64::MIN, |line| line.price));
        number(line.map_or(i64::MIN, |line| line.quantity));
        let mut text = |text: &str| {
            bytes.extend_from_slice(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        };
        if let Some(event) = &self.event {
            text(&event.source);
            text(&event.id);
        }
        let rest = self.rest();
        if !rest.is_empty() {
            text(&rest);
        }
        let digest = Sha256::digest(&bytes);
        let mut hash = ChainHash::default();
        hash.copy_from_slice(&digest[..16]);
        hash
    }
}

/// Postings that have columns of their own; further ones are in [`LedgerTransaction::rest`].
pub const POSTING_COLUMNS: usize = 3;

/// The parts of [`LedgerTransaction::rest`], read back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rest {
    pub postings: Vec<Posting>,
    pub absorbed: Amount,
    pub debt: Amount,
    pub tax: Tax,
    pub lines: Vec<Line>,
    pub labels: i64,
    pub limit: i64,
    pub discount_bps: i64,
    pub every_seconds: Option<i64>,
    pub meters: Vec<SpanMeter>,
}

impl Rest {
    /// Reads what [`LedgerTransaction::rest`] wrote; nothing when the text is anything else.
    pub fn parse(text: &str) -> Option<Rest> {
        let mut rest = Rest::default();
        for field in text.split(';').filter(|field| !field.is_empty()) {
            let (name, value) = field.split_once('=')?;
            match name {
                "postings" => {
                    for part in value.split(',') {
                        let (grant, change) = part.split_once(':')?;
                        let change = Amount::from_nanos(change.parse().ok()?);
                        rest.postings.push(Posting { grant: grant.parse().ok()?, change });
                    }
                }
                "absorbed" => rest.absorbed = Amount::from_nanos(value.parse().ok()?),
                "debt" => rest.debt = Amount::from_nanos(value.parse().ok()?),
                "tax" => {
                    let (amount, bps) = value.split_once(':')?;
                    let amount = Amount::from_nanos(amount.parse().ok()?);
                    rest.tax = Tax { amount, bps: bps.parse().ok()? };
                }
                "lines" => {
                    for part in value.split(',') {
                        let [price, quantity, amount] = three(part)?;
                        rest.lines.push(Line {
                            price: price.parse().ok()?,
                            quantity: quantity.parse().ok()?,
                            amount: Amount::from_nanos(amount.parse().ok()?),
                        });
                    }
                }
                "labels" => rest.labels = value.parse().ok()?,
                "limit" => rest.limit = value.parse().ok()?,
                "discount" => rest.discount_bps = value.parse().ok()?,
                "every" => rest.every_seconds = Some(value.parse().ok()?),
                "meters" => {
                    for part in value.split(',') {
                        let [per_units, sum, rate] = three(part)?;
                        rest.meters.push(SpanMeter {
                            per_units: per_units.parse().ok()?,
                            sum: sum.parse().ok()?,
                            rate: rate.parse().ok()?,
                        });
                    }
                }
                _ => return None,
            }
        }
        Some(rest)
    }
}

fn three(text: &str) -> Option<[&str; 3]> {
    let mut parts = text.split(':');
    let three = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(three)
}
