//! A world in which the product lives: a clock that only the simulator moves, commands sent in
//! batches, wakes when they are due, and a look at what came of it.
//!
//! There are two. [`on_domain`] is the product's operations over rows in memory, which is fast;
//! [`on_store`] is a lane over a real SQLite file that can be made to die at any statement. A seed
//! plays the same in both.

pub mod on_domain;
pub mod on_store;

use std::collections::BTreeMap;

use domain::chart::entries;
use domain::deposit::{Deposit, DepositLabel};
use domain::event::EventKind;
use domain::grant::{Grant, GrantKind};
use domain::ledger::LedgerTransaction;
use domain::limit::Limit;
use domain::profile::Versions;
use domain::run::Run;
use domain::wallet::Wallet;
use domain::{Amount, OrgId, Timestamp};

use crate::auditor::{Said, Seen, Sort, Whole};
use crate::command::{Rail, Sent};

/// A step that the simulated process did not survive.
#[derive(Debug, PartialEq, Eq)]
pub struct Died;

/// Something that the outside world was asked for and has not answered yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// A deposit by a saved method, and what the method's rail will say.
    Charge(i64, Rail),
    /// A refund that has to be paid.
    Refund(i64),
}

/// Whose wallet is looked at, and for which instant.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub org: OrgId,
    pub platform: OrgId,
    pub at: i64,
}

/// Runs that were ordered to stop: wallet, when, which.
pub type StopOrder = (OrgId, Timestamp, Vec<i64>);

pub trait World {
    fn now(&self) -> Timestamp;

    /// Moves the wall clock; back, when negative.
    fn tick(&mut self, micros: i64);

    /// Sends commands as one batch. Every one is answered, or the process died.
    fn batch(&mut self, sent: &[Sent]) -> Result<Vec<Said>, Died>;

    /// Does what is due on the wall clock.
    fn wake(&mut self) -> Result<(), Died>;

    /// Wakes the wallets that a test clock on its way to `to` has not reached yet.
    fn wake_on_test_clock(&mut self, platform: OrgId, to: Timestamp) -> Result<(), Died>;

    /// Seals keys and writes the index behind.
    fn behind(&mut self) -> Result<(), Died>;

    /// Ends the process as a crash does and starts another one, which meets no fault any more when
    /// the planned one has come to pass.
    fn restart(&mut self);

    /// Wallets are compared after so many steps, and after each wake.
    fn compared_every(&self) -> usize;

    /// What the outside world was asked for, in order of organization and number.
    fn waiting(&self) -> Vec<(OrgId, Waiting)>;

    /// The stop orders of these wallets.
    fn stop_orders(&self, orgs: &[OrgId]) -> Vec<StopOrder>;

    /// Wallets as they were last written.
    fn see(&self, looks: &[Look], whole: bool) -> Vec<Seen>;

    /// The ends of all chains: what a run of the same seed has to arrive at again.
    fn tips(&self, orgs: &[OrgId]) -> Vec<[u8; 16]>;

    /// `drawdown verify` over what is there.
    fn verify(&self) -> Result<(), String>;
}

/// What a wallet says of itself.
fn seen(wallet: &Wallet, profiles: &Versions, at: i64) -> Seen {
    let at = Timestamp::from_micros(at);
    let balance = wallet.balance(profiles.at(at), at);
    let mut credits: Vec<(i64, i128, i128)> = wallet
        .grants
        .iter()
        .map(|grant| (grant.number, wide(grant.remaining), wide(grant.reserved)))
        .collect();
    credits.sort_unstable();
    Seen {
        now: wallet.now.micros(),
        posted: wide(balance.posted),
        debt: wide(wallet.debt),
        credits,
        at: at.micros(),
        accrued: wide(balance.accrued),
        available: wide(balance.available),
        shown: wide(balance.shown),
        made: Vec::new(),
        open: Vec::new(),
        whole: None,
    }
}

/// The numbers of grants, and what sort each is.
fn made<'a>(grants: impl Iterator<Item = &'a Grant>) -> Vec<(i64, Sort)> {
    let sort = |kind| match kind {
        GrantKind::Purchased => Sort::Bought,
        GrantKind::Bonus => Sort::Bonus,
        GrantKind::Promotional | GrantKind::Trial => Sort::Given,
    };
    grants.map(|grant| (grant.number, sort(grant.kind))).collect()
}

/// Number and resource of the runs that are open, in order.
fn open_runs<'a>(runs: impl Iterator<Item = &'a Run>) -> Vec<(i64, i64)> {
    let open = runs.filter(|run| run.is_open());
    let mut open: Vec<(i64, i64)> = open.map(|run| (run.number, run.resource)).collect();
    open.sort_unstable();
    open
}

fn wide(amount: Amount) -> i128 {
    i128::from(amount.nanos())
}

/// Totals of a wallet's journal.
#[derive(Clone, Debug, Default)]
struct Sums {
    books: BTreeMap<&'static str, i128>,
    by_kind: BTreeMap<&'static str, i128>,
}

impl Sums {
    fn add(&mut self, row: &LedgerTransaction, kind_of: impl Fn(i64) -> GrantKind) {
        for entry in entries(row, kind_of) {
            // There is one rail here.
            let name = entry.account.name();
            let name = name.strip_suffix(":sandbox").unwrap_or(name);
            *self.books.entry(name).or_default() += wide(entry.credit);
        }
        *self.by_kind.entry(row.kind.name()).or_default() += wide(row.amount);
    }

    fn fill(self, whole: &mut Whole) {
        let is_some = |_: &&'static str, sum: &mut i128| *sum != 0;
        (whole.books, whole.by_kind) = (self.books, self.by_kind);
        whole.books.retain(is_some);
        whole.by_kind.retain(is_some);
    }
}

/// Limit and forecast recover by the same event; what it says tells them apart.
fn told_name(kind: EventKind, is_forecast: bool) -> &'static str {
    match kind {
        EventKind::BalanceRecovered if is_forecast => "balance.forecast_recovered",
        kind => kind.name(),
    }
}

/// What counts against each limit at an instant, in order.
fn limits<'a>(limits: impl Iterator<Item = &'a Limit>, at: i64) -> Vec<(i64, i128, i128)> {
    let at = Timestamp::from_micros(at);
    let present = limits.filter(|limit| limit.removed_at.is_none());
    let mut limits: Vec<(i64, i128, i128)> =
        present.map(|it| (it.number, wide(it.spent(at)), wide(it.held))).collect();
    limits.sort_unstable();
    limits
}

/// When auto top-up charged how much, in order.
fn attempts<'a>(deposits: impl Iterator<Item = &'a Deposit>) -> Vec<(i64, i128)> {
    let auto = deposits.filter(|deposit| deposit.label == DepositLabel::AutoTopUp);
    let mut attempts: Vec<(i64, i64, i128)> =
        auto.map(|it| (it.number, it.created_at.micros(), wide(it.amount))).collect();
    attempts.sort_unstable();
    attempts.into_iter().map(|it| (it.1, it.2)).collect()
}
