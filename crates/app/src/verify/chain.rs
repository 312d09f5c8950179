//! One organization's chain of transactions, followed from its first to its last row.

use std::collections::{BTreeMap, BTreeSet};

use domain::calendar::Zone;
use domain::chart::entries;
use domain::grant::GrantKind;
use domain::label::Labels;
use domain::ledger::{ChainTip, LedgerTransaction, TransactionKind};
use domain::rate::{denominator, divide_round_half_even};
use domain::scope::Cover;
use domain::{Amount, OrgId, Timestamp};

use super::digests::Digests;
use super::discounts::Discounts;
use super::limits::Limits;
use super::scopes::Scoped;
use super::taxes::Taxes;
use super::{Lie, same};

/// A sum over rows in any order: equal sets of rows have equal sums, and sets that differ do not
/// but by a chance of one in 2^64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally(u64);

impl Tally {
    pub(crate) fn add(&mut self, values: &[i64]) {
        let mut mixed: u64 = 0x9e37_79b9_7f4a_7c15;
        for value in values {
            mixed ^= value.cast_unsigned();
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^= mixed >> 31;
        }
        self.0 = self.0.wrapping_add(mixed);
    }

    /// Takes away what was added with the same values.
    pub(crate) fn remove(&mut self, values: &[i64]) {
        let mut one = Tally::default();
        one.add(values);
        self.0 = self.0.wrapping_sub(one.0);
    }
}

/// The exact account of an organization's runs under prices of one length.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RunSum {
    /// Numerator per second of the runs that are open.
    pub rate: i128,
    /// Σ numerator × seconds of the runs that have ended, less Σ numerator × start of the others.
    pub fixed: i128,
}

/// What blocks of open runs that start together cost, and how many runs they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BlockSum {
    pub amount: Amount,
    pub runs: i64,
}

#[derive(Debug)]
pub(crate) struct Chain {
    pub org: OrgId,
    pub platform: OrgId,
    pub tip: ChainTip,
    pub posted: Amount,
    pub debt: Amount,
    /// What is left of each grant that is not used up.
    pub remaining: BTreeMap<i64, Amount>,
    /// Everything posted for time.
    pub time: i128,
    pub grants: Tally,
    pub deposits: Tally,
    pub fees: Tally,
    pub arrivals: Tally,
    /// Deposits that an arrival keeps waiting for an operator.
    pub in_review: BTreeSet<i64>,
    pub refunds: Tally,
    /// What refunds that stand have taken of all deposits.
    pub refunded: Amount,
    /// What disputes have withdrawn of all deposits.
    pub withdrawn: Amount,
    /// Disputes that freeze the wallet while they are open.
    pub freezing: i64,
    pub captures: Tally,
    /// Blocks that were charged and not taken back: run, start, charge.
    pub blocks: Tally,
    pub index: Tally,
    pub indexed: u64,
    pub runs: BTreeMap<i64, RunSum>,
    /// What open runs under block terms cost, by length, phase and cover.
    pub groups: BTreeMap<(i64, i64, Cover), BlockSum>,
    pub scoped: Scoped,
    pub next_block: i64,
    pub next_beat: i64,
    pub next_reprice: i64,
    /// Open runs that a price was announced for which they do not know of: run, price, its effect.
    pub untold: Vec<(i64, i64, Timestamp)>,
    pub open_runs: i64,
    pub stoppable_runs: i64,
    /// What open holds have set aside of each grant.
    pub reserved: BTreeMap<i64, Amount>,
    pub next_hold_expiry: Option<i64>,
    /// When its organization was closed, whether its wallet says so, and whether it was erased.
    pub closed_at: Option<Timestamp>,
    pub is_closed: bool,
    pub is_erased: bool,
    /// Where its organization counts days and months.
    pub zone: Zone,
    /// The latest date that a payment made what was purchased valid until.
    pub valid_until: Option<Timestamp>,
    /// Kind, priority and expiry of each grant that is not used up, as it was given.
    pub terms: BTreeMap<i64, (GrantKind, i64, Timestamp)>,
    /// Grants that its wallet says are still to come, and their value.
    pub upcoming: BTreeMap<i64, Amount>,
    /// Coupons whose bonus waits for a deposit.
    pub bonuses: BTreeSet<i64>,
    /// What has expired, less what was taken back, of the grants that the wallet remembers.
    pub lapsed: BTreeMap<i64, Amount>,
    pub wake: Option<i64>,
    pub discounts: Discounts,
    pub limits: Limits,
    /// Labels that its use was charged under, by number of their set.
    pub label_sets: BTreeMap<i64, Labels>,
    /// Everybody who is or was a member.
    pub members: BTreeSet<i64>,
    pub taxes: Taxes,
    pub digests: Digests,
}

impl Chain {
    pub(crate) fn new(org: OrgId, platform: OrgId) -> Chain {
        Chain {
            org,
            platform,
            tip: ChainTip::default(),
            posted: Amount::ZERO,
            debt: Amount::ZERO,
            remaining: BTreeMap::new(),
            time: 0,
            grants: Tally::default(),
            deposits: Tally::default(),
            fees: Tally::default(),
            arrivals: Tally::default(),
            in_review: BTreeSet::new(),
            refunds: Tally::default(),
            refunded: Amount::ZERO,
            withdrawn: Amount::ZERO,
            freezing: 0,
            captures: Tally::default(),
            blocks: Tally::default(),
            index: Tally::default(),
            indexed: 0,
            runs: BTreeMap::new(),
            groups: BTreeMap::new(),
            scoped: Scoped::default(),
            next_block: i64::MAX,
            next_beat: i64::MAX,
            next_reprice: i64::MAX,
            untold: Vec::new(),
            open_runs: 0,
            stoppable_runs: 0,
            reserved: BTreeMap::new(),
            next_hold_expiry: None,
            zone: Zone::UTC,
            closed_at: None,
            is_closed: false,
            is_erased: false,
            valid_until: None,
            terms: BTreeMap::new(),
            upcoming: BTreeMap::new(),
            bonuses: BTreeSet::new(),
            lapsed: BTreeMap::new(),
            wake: None,
            discounts: Discounts::default(),
            limits: Limits::default(),
            label_sets: BTreeMap::new(),
            members: BTreeSet::new(),
            taxes: Taxes::default(),
            digests: Digests::default(),
        }
    }

    /// Takes the next transaction of this organization.
    ///
    /// Errors: what it says that does not follow from those before.
    pub(crate) fn follow(&mut self, row: &LedgerTransaction) -> Result<(), Lie> {
        let at = || ("journal", self.org, || format!("transaction {}", row.number));
        same(at(), "the number", &row.number, &(self.tip.number + 1))?;
        same(at(), "the position before", &row.prev, &self.tip.position)?;
        let hex = |hash: [u8; 16]| hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let chained: String = hex(row.chained_after(&self.tip.hash));
        same::<String>(at(), "the chain hash", &hex(row.hash), &chained)?;
        let sum: i128 = entries(row, |_| GrantKind::Purchased)
            .iter()
            .map(|entry| i128::from(entry.credit.nanos()))
            .sum();
        same(at(), "the sum of its entries", &sum, &0)?;
        let debt = self.debt.checked_add(row.debt).unwrap_or(Amount::MAX);
        if debt.is_negative() {
            let what = format!("the debt after it is {debt}, and cannot be below zero");
            return Err(self.lie(row, what));
        }
        self.debt = debt;
        self.taxes.check(row)?;
        self.discounts.add_drawn(row);
        self.digests.add(row);
        let mut change = row.debt.negated();
        for posting in &row.postings {
            change = change.plus(posting.change);
            let left = self.remaining.entry(posting.grant).or_default();
            *left = left.plus(posting.change);
            let left = *left;
            if left.is_negative() {
                let grant = posting.grant;
                return Err(self.lie(row, format!("it leaves {left} in grant {grant}")));
            }
            if left.is_zero() {
                self.remaining.remove(&posting.grant);
            }
        }
        let balance = self.posted.plus(change);
        same(at(), "the balance", &row.balance, &balance)?;
        self.posted = balance;
        self.tally(row)?;
        self.tip = ChainTip { number: row.number, position: row.position, hash: row.hash };
        Ok(())
    }

    fn lie(&self, row: &LedgerTransaction, what: String) -> Lie {
        Lie { table: "journal", org: self.org, row: format!("transaction {}", row.number), what }
    }

    fn tally(&mut self, row: &LedgerTransaction) -> Result<(), Lie> {
        let (amount, tax) = (row.amount.nanos(), row.tax.amount.nanos());
        let money = row.amount.plus(row.tax.amount);
        match row.kind {
            TransactionKind::Deposit | TransactionKind::ArrivalCredited => {
                let grant = row.postings.first().map_or(0, |posting| posting.grant);
                self.deposits.add(&[row.subject, amount, grant, tax]);
                if row.kind == TransactionKind::ArrivalCredited {
                    self.arrivals.add(&[row.kind.code(), row.subject, money.nanos()]);
                }
            }
            TransactionKind::Arrival | TransactionKind::ArrivalReturned => {
                self.arrivals.add(&[row.kind.code(), row.subject, amount]);
            }
            TransactionKind::Fee => self.fees.add(&[row.subject, amount]),
            TransactionKind::Capture => self.captures.add(&[row.subject, amount]),
            TransactionKind::Settlement => {
                self.time += i128::from(amount);
                self.check_span(row)?;
            }
            TransactionKind::Refund => {
                self.refunded = self.refunded.plus(row.amount);
                self.refunds.add(&[row.kind.code(), row.subject, amount, tax]);
            }
            TransactionKind::RefundFailed => {
                self.refunded = self.refunded.minus(row.amount);
                self.refunds.add(&[row.kind.code(), row.subject, amount, tax]);
            }
            TransactionKind::RefundPaid => {
                self.refunds.add(&[row.kind.code(), row.subject, amount, tax]);
            }
            TransactionKind::Withdrawal => self.withdrawn = self.withdrawn.plus(money),
            TransactionKind::Reinstatement => self.withdrawn = self.withdrawn.minus(money),
            TransactionKind::Correction => self.time += i128::from(amount),
            TransactionKind::Expiry | TransactionKind::Renewal => {
                if let Some(lapsed) = self.lapsed.get_mut(&row.subject) {
                    let changes = row.postings.iter().map(|posting| posting.change);
                    *lapsed = lapsed.minus(changes.sum());
                }
            }
            TransactionKind::Block | TransactionKind::BlockReversal => {
                let span = row.span.as_ref();
                let from = span.map(|span| span.from.micros()).ok_or_else(|| {
                    self.lie(row, "a block says nothing about when it starts".into())
                })?;
                match row.kind {
                    TransactionKind::Block => self.blocks.add(&[row.subject, from, amount]),
                    _ => self.blocks.remove(&[row.subject, from, -amount]),
                }
            }
            TransactionKind::Request => self.check_request(row)?,
            _ => {}
        }
        for (grant, change) in issued(row) {
            self.grants.add(&[grant, change.nanos()]);
        }
        Ok(())
    }

    /// A request was busy in time that is paid for: it moves nothing (requirements C06).
    fn check_request(&self, row: &LedgerTransaction) -> Result<(), Lie> {
        let at = || ("journal", self.org, || format!("transaction {}", row.number));
        same(at(), "the amount of a request", &row.amount, &Amount::ZERO)?;
        same(at(), "the grants that a request drew from", &row.postings.len(), &0)?;
        let is_busy = row.single_line().is_some_and(|line| line.price == 0 && line.quantity > 0);
        if is_busy && row.subject > 0 {
            return Ok(());
        }
        Err(self.lie(row, "a request says neither its resource nor how long it was busy".into()))
    }

    /// A settlement whose rates did not change inside says what it stands on: all time so far.
    fn check_span(&self, row: &LedgerTransaction) -> Result<(), Lie> {
        let Some(span) = &row.span else {
            return Err(self.lie(row, "a settlement says nothing about its span".into()));
        };
        // By cover, time that has run is kept in meters that do not run any more.
        let is_whole = span.meters.len() == self.runs.len() && self.scoped.grants.is_empty();
        if !is_whole || span.meters.is_empty() {
            return Ok(());
        }
        let seconds = i128::from(row.at.seconds_since(span.from));
        let exact = span.meters.iter().map(|meter| {
            divide_round_half_even(meter.sum + meter.rate * seconds, denominator(meter.per_units))
        });
        let at = ("journal", self.org, || format!("transaction {}", row.number));
        same(at, "all time posted up to here", &self.time, &exact.sum())
    }
}

/// The grants that a transaction issued, and their value.
pub(crate) fn issued(row: &LedgerTransaction) -> Vec<(i64, Amount)> {
    let is_issue = |grant: i64| match row.kind {
        TransactionKind::Deposit | TransactionKind::ArrivalCredited | TransactionKind::Grant => {
            true
        }
        TransactionKind::Correction
        | TransactionKind::Reinstatement
        | TransactionKind::Commitment
        | TransactionKind::Reversal => grant == row.subject,
        _ => false,
    };
    let postings = row.postings.iter().filter(|posting| is_issue(posting.grant));
    postings.map(|posting| (posting.grant, posting.change)).collect()
}
