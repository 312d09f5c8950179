//! Wallets with credit for some SKUs only: what is counted by cover there, and what zero stops.
//!
//! Laws: what covers a run is what covers its SKU now, so a new scope moves what runs under it;
//! a stop ends what cannot be paid and nothing else (rulings R10); a wallet without scopes is never
//! asked for anything here.

use std::sync::Arc;

use crate::course::Spending;
use crate::event::EventKind;
use crate::profile::{Overdraft, Profile};
use crate::reprice::next_block_charge;
use crate::run::Run;
use crate::scope::{Cover, Purpose, Scope};
use crate::settle::{Payment, split_missing, tell};
use crate::wake::{patience, request_stops};
use crate::wallet::{Covered, StopOrder, Wallet};
use crate::workset::Workset;
use crate::{Amount, OrgId, Refusal, Timestamp};

impl Wallet {
    /// Whether it knows credit for some SKUs only.
    pub fn is_scoped(&self) -> bool {
        !self.scopes.is_empty()
    }

    /// Counts `by` more runs like `run` whose time accrues, and says what covers them.
    pub(crate) fn count_covered(&mut self, run: &Run, by: i64) -> Cover {
        if !self.is_scoped() {
            return Cover::NONE;
        }
        let cover = self.scopes.cover(Some(Purpose::of(run)));
        if self.covered.iter().all(|it| it.cover != cover) {
            self.covered.push(Covered { cover, kept: 0, stoppable: 0, stop_order: None });
            self.covered.sort_by_key(|it| it.cover);
        }
        for covered in self.covered.iter_mut().filter(|it| it.cover == cover) {
            match run.class.is_stopped_at_zero() {
                true => covered.stoppable += by,
                false => covered.kept += by,
            }
            if covered.stoppable == 0 {
                covered.stop_order = None;
            }
        }
        self.covered.retain(|it| it.kept > 0 || it.stoppable > 0);
        cover
    }

    /// What can be spent on `purpose`: what grants that pay for it will have once time until `at`
    /// and launch holds have drawn theirs (rulings R10). Without a purpose, only credit for
    /// everything counts.
    pub fn available_for(
        &self,
        profile: &Profile,
        at: Timestamp,
        purpose: Option<Purpose>,
    ) -> Amount {
        if !self.is_scoped() {
            return self.available(profile, at);
        }
        let mut drawn = self.drawn_until(at);
        for (cover, held) in self.launch_held_by_cover(at) {
            drawn.draw(cover, held);
        }
        let left = drawn.left_for(self.scopes.cover(purpose)).minus(self.debt);
        match profile.overdraft {
            Overdraft::Absorb => left.max(self.debt.negated()),
            Overdraft::Carry | Overdraft::Cap(_) => left.minus(drawn.missing),
        }
    }

    /// The part of the time that ran until `at` that no credit pays for, where nobody owes it.
    pub(crate) fn absorbed_until(&self, profile: &Profile, at: Timestamp) -> Amount {
        if !self.is_scoped() || profile.overdraft != Overdraft::Absorb {
            return Amount::ZERO;
        }
        self.drawn_until(at).missing
    }

    /// The last second that each cover in which zero stops something can be paid for;
    /// [`Timestamp::NEVER`] where it can for ever.
    fn stops(&self) -> Vec<(Cover, Timestamp)> {
        let outs = if self.is_frozen() { Vec::new() } else { self.outs(Spending::Time) };
        let out = |cover| match outs.iter().find(|(other, _)| *other == cover) {
            _ if self.is_frozen() => self.now.floor_to_second(),
            Some((_, at)) => *at,
            None => Timestamp::NEVER,
        };
        let stoppable = self.covered.iter().filter(|it| it.stoppable > 0);
        stoppable.map(|it| (it.cover, out(it.cover))).collect()
    }

    /// The first second at which zero stops something.
    pub(crate) fn first_stop(&self) -> Timestamp {
        self.stops().into_iter().map(|(_, at)| at).min().unwrap_or(Timestamp::NEVER)
    }

    /// The first block start that cannot be paid when everything goes on as it does now.
    pub(crate) fn first_unpaid_block(&self) -> Timestamp {
        let start =
            |(cover, last)| self.blocks.first_start_after(last, |group| group.cover == cover);
        let outs = self.outs(Spending::TimeAndBlocks).into_iter();
        outs.map(start).min().unwrap_or(Timestamp::NEVER)
    }

    /// Since when each cover in which something is stored cannot be paid for.
    pub(crate) fn kept_outs(&self) -> Vec<(Cover, Timestamp)> {
        let is_kept = |cover: Cover| self.covered.iter().any(|it| it.cover == cover && it.kept > 0);
        let mut outs = self.outs(Spending::Time);
        outs.retain(|&(cover, _)| is_kept(cover));
        outs
    }

    /// The order that `run` is to be stopped by.
    pub fn order_for(&self, run: &Run) -> Option<&StopOrder> {
        if !self.is_scoped() {
            return self.stop_order.as_ref();
        }
        let cover = self.scopes.cover(Some(Purpose::of(run)));
        self.covered.iter().find(|it| it.cover == cover)?.stop_order.as_ref()
    }

    /// Every order that is out.
    fn orders(&self) -> impl Iterator<Item = &StopOrder> {
        let by_cover = self.covered.iter().filter_map(|it| it.stop_order.as_ref());
        self.stop_order.iter().chain(by_cover)
    }

    /// The first second for which a stop was ordered; [`Timestamp::NEVER`] when none was.
    pub fn next_stop_at(&self) -> Timestamp {
        self.orders().map(|order| order.stop_at).min().unwrap_or(Timestamp::NEVER)
    }

    /// Whether a hold that makes this wallet of `before` lets something end before `until` that
    /// would have gone on longer (rulings R9).
    pub fn ends_sooner_than(&self, before: &Wallet, until: Timestamp) -> bool {
        let spending = Spending::TimeAndBlocks;
        let old = before.outs(spending);
        let was = |cover| old.iter().find(|(other, _)| *other == cover).map(|(_, at)| *at);
        let is_sooner = |cover, at| was(cover).is_none_or(|was| at < was);
        self.outs(spending).into_iter().any(|(cover, at)| at < until && is_sooner(cover, at))
    }

    /// Forgets scopes that no grant has any more, so that the wallet becomes an ordinary one again.
    /// Waits while a stop is ordered.
    pub(crate) fn forget_scopes(&mut self) {
        let (grants, upcoming) = (&self.grants, &self.upcoming);
        let is_used = |scope: &Scope| {
            let all = grants.iter().chain(upcoming.iter().map(|it| &it.grant));
            all.filter_map(|grant| grant.scope.as_deref()).any(|used| used == scope)
        };
        if self.scopes.iter().all(|scope| is_used(scope)) || self.orders().next().is_some() {
            return;
        }
        let becomes = self.scopes.retain(is_used);
        self.meters.recover(&becomes);
        self.blocks.recover(&becomes);
        self.launches.iter_mut().for_each(|launch| launch.cover = becomes(launch.cover));
        for covered in std::mem::take(&mut self.covered) {
            let cover = becomes(covered.cover);
            match self.covered.iter_mut().find(|it| it.cover == cover) {
                Some(other) => {
                    other.kept += covered.kept;
                    other.stoppable += covered.stoppable;
                }
                None => self.covered.push(Covered { cover, ..covered }),
            }
        }
        self.covered.sort_by_key(|it| it.cover);
        if self.scopes.is_empty() {
            self.covered = Vec::new();
        }
    }
}

/// Refuses a grant of `scope` when the wallet's grants have too many different ones.
///
/// Errors: [`Refusal::TooManyScopes`].
pub fn require_room(ws: &mut Workset, org: OrgId, scope: &Scope) -> Result<(), Refusal> {
    let wallet = ws.wallet_mut(org)?;
    wallet.forget_scopes();
    if !wallet.scopes.has(scope) && wallet.scopes.len() >= crate::scope::SCOPES_MAX {
        let most = i64::try_from(crate::scope::SCOPES_MAX).unwrap_or(i64::MAX);
        return Err(Refusal::TooManyScopes { most });
    }
    Ok(())
}

/// Lets a wallet know a scope that one of its grants is about to have, and moves what runs to what
/// covers it then. What has run until now stays with what covered it.
///
/// Errors: [`Refusal::TooManyScopes`].
///
/// # Panics
/// When not every run that costs money is loaded.
pub fn adopt_scope(ws: &mut Workset, org: OrgId, scope: &Arc<Scope>) -> Result<(), Refusal> {
    let wallet = ws.wallet(org)?;
    if wallet.scopes.has(scope) {
        return Ok(());
    }
    let at = wallet.now;
    let taken_back: Vec<i64> = wallet.orders().map(|order| order.sequence).collect();
    let runs: Vec<Run> =
        ws.runs.of(org).map(|(_, run)| run).filter(|run| run.is_billed()).cloned().collect();
    let running = usize::try_from(wallet.running_count).unwrap_or(usize::MAX);
    assert_eq!(runs.len(), running, "runs are missing while scopes change");
    let before = wallet.scopes.clone();
    let wallet = ws.wallet_mut(org)?;
    if !wallet.scopes.push(Arc::clone(scope)) {
        let most = i64::try_from(wallet.scopes.len()).unwrap_or(i64::MAX);
        return Err(Refusal::TooManyScopes { most });
    }
    wallet.stop_order = None;
    wallet.covered.clear();
    wallet.review_due = true;
    for run in &runs {
        let purpose = Some(Purpose::of(run));
        let covers = (before.cover(purpose), ws.wallet(org)?.scopes.cover(purpose));
        if run.paid.is_some() {
            let next = next_block_charge(ws, org, run)?;
            let blocks = &mut ws.wallet_mut(org)?.blocks;
            blocks.remove(run, covers.0);
            blocks.add(run, covers.1, next);
        } else {
            let wallet = ws.wallet(org)?;
            let profiles = &ws.platform(wallet.platform)?.profiles;
            let launch = wallet.place_of_launch(run, covers.0, profiles);
            let wallet = ws.wallet_mut(org)?;
            wallet.move_accrual(run, launch, covers);
            wallet.count_covered(run, 1);
        }
    }
    for sequence in taken_back {
        let fields = vec![("sequence", sequence.to_string())];
        tell(ws, org, EventKind::StopCancelled, at, fields)?;
    }
    Ok(())
}

/// Draws what time has used up to `to` under each cover, if that is anything: the amount, the
/// postings, and what is absorbed or owed.
pub(crate) fn draw_time(
    wallet: &mut Wallet,
    profile: &Profile,
    to: Timestamp,
) -> Option<(Amount, Payment)> {
    let drawn = wallet.drawn_until(to);
    wallet.meters.accrue_to(to);
    let spent = || drawn.spent.iter().filter(|(_, spent)| spent.is_positive());
    let amount: Amount = spent().map(|&(_, spent)| spent).sum();
    spent().for_each(|&(cover, _)| wallet.meters.mark_posted_of(cover, to));
    for &posting in &drawn.postings {
        wallet.grants.apply(posting);
    }
    let (absorbed, debt) = split_missing(wallet, profile, drawn.missing);
    amount.is_positive().then_some((amount, (drawn.postings, absorbed, debt)))
}

/// When the next order to stop goes out.
pub(crate) fn stop_due(wallet: &Wallet, profile: &Profile) -> Timestamp {
    let is_ordered =
        |cover: Cover| wallet.covered.iter().any(|it| it.cover == cover && it.stop_order.is_some());
    let unordered = wallet.stops().into_iter().filter(|&(cover, _)| !is_ordered(cover));
    let out = unordered.map(|(_, out)| out).min().unwrap_or(Timestamp::NEVER);
    let due = out.plus_seconds(-profile.stop_lead_seconds).max(wallet.now);
    patience(wallet, profile).map_or(due, |until| due.max(until))
}

/// Orders what cannot be paid to be stopped, cover by cover, and takes back what was ordered for
/// another second than it is due at now.
pub(crate) fn review_stops(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    at: Timestamp,
) -> Result<(), Refusal> {
    let this_second = at.floor_to_second();
    let wallet = ws.wallet(org)?;
    let may_order = patience(wallet, profile).is_none_or(|until| until <= at);
    for (cover, out) in wallet.stops() {
        let stop_at = out.max(this_second);
        let order = |wallet: &Wallet| {
            let covered = wallet.covered.iter().find(|it| it.cover == cover);
            covered.and_then(|it| it.stop_order.clone())
        };
        if let Some(order) = order(ws.wallet(org)?) {
            if order.stop_at < this_second || order.stop_at == stop_at {
                continue;
            }
            set_order(ws.wallet_mut(org)?, cover, None);
            let fields = vec![("sequence", order.sequence.to_string())];
            tell(ws, org, EventKind::StopCancelled, at, fields)?;
        }
        if !may_order || out.plus_seconds(-profile.stop_lead_seconds) > at {
            continue;
        }
        let wallet = ws.wallet_mut(org)?;
        wallet.stop_sequence += 1;
        let order = StopOrder { stop_at, sequence: wallet.stop_sequence };
        set_order(wallet, cover, Some(order.clone()));
        let scopes = wallet.scopes.clone();
        let is_named = |run: &Run| scopes.cover(Some(Purpose::of(run))) == cover;
        request_stops(ws, org, profile, &order, is_named, at)?;
    }
    Ok(())
}

fn set_order(wallet: &mut Wallet, cover: Cover, order: Option<StopOrder>) {
    for covered in wallet.covered.iter_mut().filter(|it| it.cover == cover) {
        covered.stop_order = order.clone();
    }
}
