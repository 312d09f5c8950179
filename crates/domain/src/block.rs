//! Block terms: time paid ahead, a whole block at its start (requirements D07, C04).
//!
//! Laws: a block is charged when it starts and nothing accrues between (rulings R4); a block that
//! cannot be paid is not started, so block terms never take a wallet below zero; of the blocks that
//! start at one instant the lowest run number comes first, and later ones are still tried (rulings
//! R5); a block whose run turns out to have ended at or before its start is taken back.
//!
//! Runs are rows of their own, of which only those are looked at whose block starts. What a wallet
//! knows of all of them is bounded: how much a block of everything costs, by length and phase, and
//! when the next one starts.

use std::sync::Arc;

use crate::correct::restore_all;
use crate::digest::note_sku;
use crate::event::EventKind;
use crate::grant::{OpenGrant, Posting};
use crate::ledger::{LedgerTransaction, Span, TransactionKind};
use crate::lifecycle::{Ending, close_run, succeed, tell_end};
use crate::limit::{count_block, end_beyond, require_left_for};
use crate::profile::Profile;
use crate::rate::amount_round_half_even;
use crate::reprice::{change_of, next_block_charge, pass, repriced_at};
use crate::run::{Paid, Rest, Run, StopReason};
use crate::scope::{Cover, Purpose};
use crate::settle::{Draft, post, settle_to, tell};
use crate::tax::Tax;
use crate::wake::settled_by_others;
use crate::wallet::Wallet;
use crate::workset::Workset;
use crate::{Amount, Kind, OrgId, Refusal, Timestamp};

/// Groups that a wallet keeps apart; beyond them all blocks of one length are one group.
const GROUPS_MAX: usize = 16;

/// What starts next under block terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextBlock {
    /// No block starts before.
    pub at: Timestamp,
    /// What starts then, in all.
    pub amount: Amount,
}

/// Open runs whose blocks have one length and one cover and start at the same moments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockGroup {
    pub block_seconds: i64,
    /// Seconds past a multiple of the length at which blocks start; nothing when it is not known
    /// any more, because there were too many.
    pub phase: Option<i64>,
    /// What one block of all of them costs.
    pub amount: Amount,
    pub runs: i64,
    /// What of the credit for some SKUs only pays for them.
    pub cover: Cover,
}

/// What a wallet knows about its open runs under block terms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blocks {
    pub groups: Vec<BlockGroup>,
    pub next: Option<NextBlock>,
}

impl Blocks {
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// How many runs are open under block terms.
    pub fn run_count(&self) -> i64 {
        self.groups.iter().map(|group| group.runs).sum()
    }

    /// The instant before which no block starts.
    pub fn next_at(&self) -> Timestamp {
        self.next.map_or(Timestamp::NEVER, |next| next.at)
    }

    /// What `seconds` of everything cost on the average, rounded once per group.
    pub fn burn_round_half_even(&self, seconds: i64) -> Amount {
        let burn = |group: &BlockGroup| {
            let exact = i128::from(group.amount.nanos()) * i128::from(seconds);
            amount_round_half_even(exact, i128::from(group.block_seconds)).unwrap_or(Amount::MAX)
        };
        self.groups
            .iter()
            .fold(Amount::ZERO, |sum, group| sum.checked_add(burn(group)).unwrap_or(Amount::MAX))
    }

    /// Counts a run that begins to be billed, or whose next block has moved; that one costs `next`.
    pub(crate) fn add(&mut self, run: &Run, cover: Cover, next: Amount) {
        let Some(paid) = run.paid else { return };
        let (charge, phase) = (run.block_charge(), phase_of(paid));
        let place = self.place(paid.block_seconds, phase, cover);
        match place {
            Some(place) => {
                let group = &mut self.groups[place];
                group.amount = group.amount.plus(charge);
                group.runs += 1;
            }
            None => {
                self.groups.push(BlockGroup {
                    block_seconds: paid.block_seconds,
                    phase: Some(phase),
                    amount: charge,
                    runs: 1,
                    cover,
                });
                self.groups.sort_by_key(|group| (group.block_seconds, group.phase, group.cover));
                self.merge_beyond_max();
            }
        }
        self.await_block(paid.until, next);
    }

    /// Forgets a run, as it stood when it was added. Which block is next then is for
    /// [`find_next_block`] to say.
    pub(crate) fn remove(&mut self, run: &Run, cover: Cover) {
        let Some(paid) = run.paid else { return };
        let charge = run.block_charge();
        if let Some(place) = self.place(paid.block_seconds, phase_of(paid), cover) {
            let group = &mut self.groups[place];
            group.amount = group.amount.minus(charge);
            group.runs -= 1;
            self.groups.retain(|group| group.runs > 0);
        }
        if self.groups.is_empty() {
            self.next = None;
            return;
        }
        let Some(next) = &mut self.next else { return };
        if next.at == paid.until {
            next.amount = next.amount.minus(charge).or_zero();
        }
    }

    fn place(&self, block_seconds: i64, phase: i64, cover: Cover) -> Option<usize> {
        let is_it = |group: &BlockGroup| {
            group.block_seconds == block_seconds
                && group.cover == cover
                && group.phase.is_none_or(|other| other == phase)
        };
        self.groups.iter().position(is_it)
    }

    /// Says anew what covers what, where different covers may have become the same.
    pub(crate) fn recover(&mut self, becomes: impl Fn(Cover) -> Cover) {
        let mut groups: Vec<BlockGroup> = Vec::with_capacity(self.groups.len());
        for group in self.groups.drain(..) {
            let cover = becomes(group.cover);
            let same = |other: &&mut BlockGroup| {
                (other.block_seconds, other.phase) == (group.block_seconds, group.phase)
                    && other.cover == cover
            };
            match groups.iter_mut().find(same) {
                Some(other) => {
                    other.amount = other.amount.plus(group.amount);
                    other.runs += group.runs;
                }
                None => groups.push(BlockGroup { cover, ..group }),
            }
        }
        groups.sort_by_key(|group| (group.block_seconds, group.phase, group.cover));
        self.groups = groups;
    }

    fn merge_beyond_max(&mut self) {
        if self.groups.len() <= GROUPS_MAX {
            return;
        }
        let mut merged: Vec<BlockGroup> = Vec::new();
        for group in self.groups.drain(..) {
            let same = |other: &&mut BlockGroup| {
                other.block_seconds == group.block_seconds && other.cover == group.cover
            };
            match merged.iter_mut().find(same) {
                Some(other) => {
                    other.phase = None;
                    other.amount = other.amount.plus(group.amount);
                    other.runs += group.runs;
                }
                None => merged.push(group),
            }
        }
        self.groups = merged;
    }

    fn await_block(&mut self, at: Timestamp, charge: Amount) {
        match &mut self.next {
            Some(next) if next.at < at => {}
            Some(next) if next.at == at => next.amount = next.amount.plus(charge),
            _ => self.next = Some(NextBlock { at, amount: charge }),
        }
    }

    /// What all blocks cost that start from the next one until `at`, with it; at most half of what
    /// an amount can be. Where a group has no phase any more, its blocks are taken to start as
    /// early as the next one.
    pub fn cost_until(&self, at: Timestamp) -> Amount {
        let nanos = self.nanos_until(at, |_| true);
        // Half the range is beyond any balance, and leaves room to add to it.
        Amount::from_nanos(i64::try_from(nanos.min(i128::from(i64::MAX / 2))).unwrap_or(i64::MAX))
    }

    /// The same in nano-units, of the groups that `is_counted` names.
    pub(crate) fn nanos_until(
        &self,
        at: Timestamp,
        is_counted: impl Fn(&BlockGroup) -> bool,
    ) -> i128 {
        let Some(next) = self.next.filter(|next| next.at <= at) else { return 0 };
        let cost = |group: &BlockGroup| {
            let first = first_of(group, next.at);
            if first > at {
                return 0;
            }
            let starts = at.seconds_since(first) / group.block_seconds + 1;
            i128::from(group.amount.nanos()) * i128::from(starts)
        };
        self.groups.iter().filter(|group| is_counted(group)).map(cost).sum()
    }

    /// The first instant after `at` at which a block starts of the groups that `is_counted` names;
    /// never before the next one.
    pub(crate) fn first_start_after(
        &self,
        at: Timestamp,
        is_counted: impl Fn(&BlockGroup) -> bool,
    ) -> Timestamp {
        let Some(next) = self.next else { return Timestamp::NEVER };
        let from = next.at.max(at.floor_to_second().plus_seconds(1));
        let starts = self.groups.iter().filter(|group| is_counted(group)).map(|group| {
            let first = first_of(group, next.at);
            let late = from.seconds_since(first).max(0);
            let blocks = (late + group.block_seconds - 1).div_euclid(group.block_seconds);
            first.plus_seconds(blocks * group.block_seconds)
        });
        starts.min().unwrap_or(Timestamp::NEVER)
    }
}

fn phase_of(paid: Paid) -> i64 {
    paid.until.seconds().rem_euclid(paid.block_seconds)
}

/// The first start of a group's blocks, not before the next one of all.
fn first_of(group: &BlockGroup, next_at: Timestamp) -> Timestamp {
    let Some(phase) = group.phase else { return next_at };
    let seconds = (phase - next_at.seconds()).rem_euclid(group.block_seconds);
    next_at.plus_seconds(seconds)
}

/// The blocks of a run that has been billed from `from` until `now`: those that have started, and
/// the first one however far ahead of the clock it was reported.
pub fn blocks_started(block_seconds: i64, from: Timestamp, now: Timestamp) -> i64 {
    now.seconds_since(from).max(0).div_euclid(block_seconds) + 1
}

/// Charges the next block of `run`, which the caller has found to be payable, as of `at`.
pub(crate) fn charge_block(
    ws: &mut Workset,
    org: OrgId,
    run: &mut Run,
    at: Timestamp,
) -> Result<(), Refusal> {
    let charge = run.block_charge();
    let Some(paid) = &mut run.paid else { return Ok(()) };
    let (start, every_seconds) = (paid.until, paid.block_seconds);
    paid.until = start.plus_seconds(every_seconds);
    paid.blocks += 1;
    if charge.is_zero() {
        return Ok(());
    }
    let mut postings = Vec::with_capacity(1);
    let purpose = Some(Purpose::of(run));
    let pays = |grant: &OpenGrant| grant.pays_for(purpose);
    let missing = ws.wallet_mut(org)?.grants.draw_from(charge, &mut postings, pays);
    assert!(missing.is_zero(), "a block of run {} was started unpaid", run.number);
    let draft = Draft {
        occurred_at: Some(start).filter(|&start| start != at),
        subject: run.number,
        postings,
        span: Some(Span { from: start, every_seconds, meters: Vec::new() }),
        ..Draft::new(TransactionKind::Block, at, charge)
    };
    note_sku(ws, org, run.sku, charge)?;
    post(ws, org, draft)?;
    count_block(ws, org, run, start, charge)
}

/// Takes back the blocks of `run` that started at `stopped_at` or later (rulings R5).
///
/// # Panics
/// When a block is neither in the journal of the batch nor in [`Workset::history`].
pub(crate) fn take_back_blocks(
    ws: &mut Workset,
    org: OrgId,
    run: &mut Run,
    stopped_at: Timestamp,
    at: Timestamp,
) -> Result<(), Refusal> {
    let charge = run.block_charge();
    while let Some(paid) = &mut run.paid {
        let start = paid.until.plus_seconds(-paid.block_seconds);
        if paid.blocks == 0 || start < stopped_at {
            break;
        }
        paid.until = start;
        paid.blocks -= 1;
        if charge.is_zero() {
            continue;
        }
        let every_seconds = paid.block_seconds;
        let (postings, tax) = drawn_for(ws, org, run.number, start);
        let draft = Draft {
            occurred_at: Some(start).filter(|&start| start != at),
            subject: run.number,
            postings,
            tax: tax.negated(),
            span: Some(Span { from: start, every_seconds, meters: Vec::new() }),
            ..Draft::new(TransactionKind::BlockReversal, at, charge.negated())
        };
        note_sku(ws, org, run.sku, charge.negated())?;
        restore_all(ws, org, draft)?;
        count_block(ws, org, run, start, charge.negated())?;
    }
    Ok(())
}

/// What would undo the draws of a run's block, last drawn first, and the tax in it.
fn drawn_for(ws: &Workset, org: OrgId, run: i64, start: Timestamp) -> (Vec<Posting>, Tax) {
    let is_it = |row: &LedgerTransaction| {
        row.kind == TransactionKind::Block
            && row.subject == run
            && row.span.as_ref().is_some_and(|span| span.from == start)
    };
    let recent = ws.journal().iter().rev().map(Arc::as_ref).filter(|row| row.org == org);
    let mut rows = recent.chain(ws.history.get(&org).into_iter().flatten());
    let Some(row) = rows.find(|row| is_it(row)) else {
        panic!("the block of run {run} at {start} is in no journal");
    };
    let back = |posting: &Posting| Posting { change: posting.change.negated(), ..*posting };
    (row.postings.iter().rev().map(back).collect(), row.tax)
}

/// Starts the blocks that are due at `at`, lowest run number first; a run whose block cannot be
/// paid gets its zero action exactly at the boundary, and the runs after it are still tried
/// (rulings R5, step 6). Where a top-up is unanswered until `patience`, what cannot be paid waits.
pub(crate) fn start_blocks(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    at: Timestamp,
    patience: Option<Timestamp>,
) -> Result<(), Refusal> {
    if ws.wallet(org)?.blocks.next_at() > at {
        return Ok(());
    }
    let is_due = |run: &Run| run.next_block() <= at;
    let due: Vec<i64> =
        ws.runs.of(org).filter(|(_, run)| is_due(run)).map(|(number, _)| number).collect();
    for number in due {
        let run = ws.runs.find(Kind::Run, org, number)?.clone();
        if run.next_sku.is_some() && grow_smaller(ws, org, profile, &run, at)? {
            continue;
        }
        start_block(ws, org, profile, run, at, patience)?;
    }
    find_next_block(ws, org, profile, 0)
}

fn start_block(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    mut run: Run,
    at: Timestamp,
    patience: Option<Timestamp>,
) -> Result<(), Refusal> {
    while run.next_block() <= at {
        let start = run.next_block();
        let change = match run.is_repriced_by(start) {
            true => change_of(ws, org, &run, start)?,
            false => None,
        };
        let rate = change.as_ref().map_or(run.rate, |(_, rate)| *rate);
        let charge = (run.block_charge_at(rate), Purpose::of(&run));
        let is_paid = is_payable(ws.wallet(org)?, profile, charge, at);
        if !is_paid && patience.is_some_and(|until| at < until) {
            break;
        }
        // What ran until now is not paid from what the block leaves.
        settle_to(ws, org, profile, settled_by_others(profile, at))?;
        if !is_paid {
            return end_unpaid(ws, org, profile, run.number, start, at);
        }
        let charge = run.block_charge_at(rate);
        if let Err(refusal) = require_within(ws, org, &run, charge, at) {
            return end_beyond(ws, org, profile, (run.number, start), &refusal, at);
        }
        if let Some((price, _)) = change {
            run = succeed(ws, org, profile, &run, &price, repriced_at(start), at)?;
            continue;
        }
        if run.is_repriced_by(start) {
            run = pass(ws, org, run, start)?;
        }
        let cover = ws.wallet(org)?.scopes.cover(Some(Purpose::of(&run)));
        ws.wallet_mut(org)?.blocks.remove(&run, cover);
        charge_block(ws, org, &mut run, at)?;
        let next = next_block_charge(ws, org, &run)?;
        ws.wallet_mut(org)?.blocks.add(&run, cover, next);
        ws.runs.put(org, run.number, run.clone());
    }
    Ok(())
}

/// Whether a block may start: it costs nothing or can be paid, and nothing is frozen (rulings R18).
/// Beside what accrues, where a version of the profile has changed the terms, it is new spending:
/// it leaves what is used until a stop could be ordered (rulings R14).
fn is_payable(
    wallet: &Wallet,
    profile: &Profile,
    (charge, purpose): (Amount, Purpose),
    at: Timestamp,
) -> bool {
    let lead_seconds = if wallet.stoppable_count > 0 { profile.stop_lead_seconds } else { 0 };
    let available = || match wallet.is_scoped() {
        true => wallet.available_for(profile, at.plus_seconds(lead_seconds), Some(purpose)),
        false => {
            let burn = wallet.meters.burn_round_half_even(lead_seconds);
            wallet.available(profile, at).minus(burn)
        }
    };
    !wallet.is_frozen() && (charge.is_zero() || available() >= charge)
}

/// Refuses a block that does not fit into every limit.
fn require_within(
    ws: &Workset,
    org: OrgId,
    run: &Run,
    charge: Amount,
    at: Timestamp,
) -> Result<(), Refusal> {
    if charge.is_zero() { Ok(()) } else { require_left_for(ws, org, run.resource, charge, at) }
}

/// The zero action of a run whose next block, at `start`, cannot be paid.
pub fn end_unpaid(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    number: i64,
    start: Timestamp,
    at: Timestamp,
) -> Result<(), Refusal> {
    tell_end(ws, org, profile, (number, start), at)?;
    let is_frozen = ws.wallet(org)?.is_frozen();
    let reason = if is_frozen { StopReason::Frozen } else { StopReason::OutOfCredit };
    let rest = profile.compute_zero_action.rest();
    close_run(ws, org, profile, number, Ending { stopped_at: start, reason, rest }, at)?;
    let wallet = ws.wallet(org)?;
    if is_frozen || !wallet.blocks.is_empty() || wallet.stoppable_count > 0 {
        return Ok(());
    }
    // What is left is less than a block, and not always nothing.
    let shown = wallet.shown(profile, at);
    let fields = vec![("balance", shown.to_string()), ("stopped_at", start.to_string())];
    tell(ws, org, EventKind::BalanceDepleted, at, fields)
}

/// Lets a run go on at the smaller size that it was given, if the block can be paid (rulings R15).
/// False when it cannot: then it ends at the size it has.
fn grow_smaller(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    run: &Run,
    at: Timestamp,
) -> Result<bool, Refusal> {
    let Some(sku) = run.next_sku else { return Ok(false) };
    let start = run.next_block();
    let price = crate::lifecycle::price_of(ws, org, sku, start)?;
    let block_seconds = run.paid.map_or(1, |paid| paid.block_seconds);
    let rate = crate::lifecycle::rate_of(ws, org, &price, start, at)?;
    let charge = rate.charge_round_half_even(block_seconds).unwrap_or(Amount::MAX);
    let purpose = Purpose { sku, class: run.class };
    let is_payable = is_payable(ws.wallet(org)?, profile, (charge, purpose), at);
    if !is_payable || require_within(ws, org, run, charge, at).is_err() {
        return Ok(false);
    }
    settle_to(ws, org, profile, settled_by_others(profile, at))?;
    let ending = Ending { stopped_at: start, reason: StopReason::Resized, rest: Rest::Stopped };
    succeed(ws, org, profile, run, &price, ending, at)?;
    Ok(true)
}

/// Looks up which block starts next, among the runs that are loaded, `without` one that is about to
/// end: all are whose block starts before the workset's horizon.
pub(crate) fn find_next_block(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    without: i64,
) -> Result<(), Refusal> {
    let wallet = ws.wallet(org)?;
    if wallet.blocks.is_empty() {
        return Ok(());
    }
    let (soon, horizon) = (wallet.now.floor_to_second().plus_seconds(1), ws.horizon(org).blocks);
    let starts = ws.runs.of(org).filter(|&(number, run)| {
        let start = run.next_block();
        number != without && start <= horizon && start != Timestamp::NEVER
    });
    let starts: Vec<&Run> = starts.map(|(_, run)| run).collect();
    let next = match starts.iter().map(|run| run.next_block()).min() {
        Some(at) => {
            let mut amount = Amount::ZERO;
            for run in starts.iter().filter(|run| run.next_block() == at) {
                amount = amount.plus(next_block_charge(ws, org, run)?);
            }
            NextBlock { at, amount }
        }
        // Nothing is known beyond the horizon: in time for all that can be due then, a wake will.
        None => {
            let at = horizon.plus_seconds(-profile.block_lookahead_seconds).max(soon);
            NextBlock { at, amount: Amount::ZERO }
        }
    };
    let wallet = ws.wallet_mut(org)?;
    if wallet.blocks.next != Some(next) {
        wallet.blocks.next = Some(next);
        wallet.review_due = true;
    }
    Ok(())
}
