//! The product's operations over one workset that is never flushed: no store, no faults, no time
//! lost on either.
//!
//! It does by hand what a lane does around a decision: what is refused is undone, live wallets that
//! changed are reviewed at the end of a batch, and a wallet is woken only when it said so.

use std::collections::{BTreeMap, BTreeSet};

use app::operation::{Answer, Operation};
use app::operations::wake_wallet::WakeWallet;
use domain::deposit::DepositState;
use domain::grant::GrantKind;
use domain::refund::RefundState;
use domain::wake::{is_watched, next_wake_on};
use domain::{OrgId, Refusal, Timestamp, Workset};
use store::keys::KeyHasher;

use super::{Died, Look, StopOrder, Sums, Waiting, World, made, open_runs, seen, told_name};
use crate::auditor::{Said, Seen, Whole};
use crate::command::Sent;
use crate::translate::{operation, parse, rail_of, render};

pub struct DomainWorld {
    now: Timestamp,
    ws: Workset,
    orgs: BTreeSet<OrgId>,
    hasher: KeyHasher,
    /// Totals of the journal, and how far it has been added up.
    sums: BTreeMap<OrgId, Sums>,
    summed: usize,
}

impl DomainWorld {
    pub fn new(now: Timestamp) -> DomainWorld {
        DomainWorld {
            now,
            ws: Workset::default(),
            orgs: BTreeSet::new(),
            hasher: KeyHasher::new([3; 16]),
            sums: BTreeMap::new(),
            summed: 0,
        }
    }

    fn now_of(&self, org: OrgId) -> Timestamp {
        let platform = self.ws.wallet(org).and_then(|wallet| self.ws.platform(wallet.platform));
        platform.ok().and_then(|platform| platform.clock).unwrap_or(self.now)
    }

    fn decide(&mut self, operation: &dyn Operation) -> Result<Answer, Refusal> {
        let now = self.now_of(operation.org());
        let decided = operation.decide(&mut self.ws, now);
        match decided {
            Ok(_) => self.ws.keep_command(),
            Err(_) => self.ws.undo_command(),
        }
        decided
    }

    /// Stops, top-up and alerts of the live wallets that a batch changed.
    fn review(&mut self, changed: BTreeSet<OrgId>) {
        for org in changed {
            let (Ok(wallet), Ok(profile)) = (self.ws.wallet(org), self.ws.profile_of(org)) else {
                continue;
            };
            if !wallet.review_due || self.is_on_test_clock(wallet.platform) {
                continue;
            }
            if is_watched(wallet, &profile) {
                let _ = self.decide(&WakeWallet { org, until: None });
            } else {
                self.ws.skip_review(org);
            }
        }
    }

    fn is_on_test_clock(&self, platform: OrgId) -> bool {
        self.ws.platform(platform).is_ok_and(|platform| platform.clock.is_some())
    }

    /// Wallets whose moment has come at `until`, under the clock of `platform`, or the one on the
    /// wall.
    fn due(&self, platform: Option<OrgId>, until: Timestamp) -> Vec<OrgId> {
        let is_due = |org: &&OrgId| {
            let Ok(wallet) = self.ws.wallet(**org) else { return false };
            let is_asked = match platform {
                Some(platform) => wallet.platform == platform,
                None => !self.is_on_test_clock(wallet.platform),
            };
            is_asked
                && self
                    .ws
                    .platform(wallet.platform)
                    .is_ok_and(|it| next_wake_on(it, wallet) <= until)
        };
        self.orgs.iter().filter(is_due).copied().collect()
    }

    fn kind_of(&self, org: OrgId, grant: i64) -> GrantKind {
        self.ws.grants.get(org, grant).map_or(GrantKind::Purchased, |grant| grant.kind)
    }

    fn add_up(&mut self) {
        let mut sums = std::mem::take(&mut self.sums);
        for row in &self.ws.journal()[self.summed..] {
            sums.entry(row.org).or_default().add(row, |grant| self.kind_of(row.org, grant));
        }
        self.summed = self.ws.journal().len();
        self.sums = sums;
    }

    fn whole(&self, org: OrgId, at: i64) -> Whole {
        let mut whole = Whole::default();
        self.sums.get(&org).cloned().unwrap_or_default().fill(&mut whole);
        for event in self.ws.events().iter().filter(|event| event.org == org) {
            let is_forecast = event.fields.iter().any(|(name, _)| *name == "needed");
            whole.told.push((told_name(event.kind, is_forecast), event.at.micros()));
        }
        whole.holds = self.ws.holds.of(org).map(|(number, it)| (number, it.state.name())).collect();
        whole.limits = super::limits(self.ws.limits.of(org).map(|(_, limit)| limit), at);
        let deposits = self.ws.deposits.of(org).map(|(_, deposit)| deposit);
        whole.attempts = super::attempts(deposits);
        whole
    }
}

impl World for DomainWorld {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn tick(&mut self, micros: i64) {
        self.now = Timestamp::from_micros(self.now.micros() + micros);
    }

    fn batch(&mut self, sent: &[Sent]) -> Result<Vec<Said>, Died> {
        let (mut said, mut changed) = (Vec::with_capacity(sent.len()), BTreeSet::new());
        for sent in sent {
            let operation = operation(&sent.action, &self.hasher);
            let answer = self.decide(operation.as_ref());
            let answered = parse(&render(&answer).1);
            if answer.is_ok() {
                if operation.makes_organization() {
                    self.orgs.insert(operation.org());
                }
                if sent.action.changes_wallet(&answered) {
                    changed.insert(operation.org());
                }
            }
            said.push(answered);
        }
        self.review(changed);
        self.add_up();
        Ok(said)
    }

    fn wake(&mut self) -> Result<(), Died> {
        for org in self.due(None, self.now) {
            let woken = self.decide(&WakeWallet { org, until: None });
            assert!(woken.is_ok(), "a wake of {org:?} was refused: {woken:?}");
        }
        self.add_up();
        Ok(())
    }

    fn wake_on_test_clock(&mut self, platform: OrgId, to: Timestamp) -> Result<(), Died> {
        for round in 0.. {
            let due = self.due(Some(platform), to);
            if due.is_empty() {
                break;
            }
            assert!(round < 10_000, "wallets stay due on the test clock: {due:?}");
            for org in due {
                let woken = self.decide(&WakeWallet { org, until: Some(to) });
                assert!(woken.is_ok(), "a wake of {org:?} was refused: {woken:?}");
            }
        }
        self.add_up();
        Ok(())
    }

    /// Nothing is written, so nothing is written behind.
    fn behind(&mut self) -> Result<(), Died> {
        Ok(())
    }

    /// Nothing would be left.
    fn restart(&mut self) {}

    fn compared_every(&self) -> usize {
        1
    }

    fn waiting(&self) -> Vec<(OrgId, Waiting)> {
        let mut waiting = Vec::new();
        for &org in &self.orgs {
            let mut of_org = Vec::new();
            for (number, deposit) in self.ws.deposits.of(org) {
                let method = deposit.method.and_then(|method| self.ws.methods.get(org, method));
                if let Some(method) = method
                    && deposit.state == DepositState::Pending
                {
                    of_org.push((number, Waiting::Charge(number, rail_of(method.behaviour))));
                }
            }
            for (number, refund) in self.ws.refunds.of(org) {
                if refund.state == RefundState::Pending {
                    of_org.push((number, Waiting::Refund(number)));
                }
            }
            of_org.sort_by_key(|it| it.0);
            waiting.extend(of_org.into_iter().map(|it| (org, it.1)));
        }
        // As the outbox has them.
        waiting.sort_by_key(|(org, _)| (org.bucket(), org.get()));
        waiting
    }

    fn stop_orders(&self, orgs: &[OrgId]) -> Vec<StopOrder> {
        let order = |org: &OrgId| {
            let stop_at = self.ws.wallet(*org).ok()?.stop_order.as_ref()?.stop_at;
            let runs = self.ws.runs.of(*org).filter(|(_, run)| run.is_stopped_by_order());
            let mut open: Vec<i64> = runs.map(|(number, _)| number).collect();
            open.reverse();
            Some((*org, stop_at, open))
        };
        orgs.iter().filter_map(order).collect()
    }

    fn see(&self, looks: &[Look], whole: bool) -> Vec<Seen> {
        let see = |look: &Look| {
            let wallet = self.ws.wallet(look.org).expect("a wallet that was made");
            let platform = self.ws.platform(look.platform).expect("a platform that was made");
            let made = made(self.ws.grants.of(look.org).map(|(_, grant)| grant));
            let whole = whole.then(|| self.whole(look.org, look.at));
            let open = open_runs(self.ws.runs.of(look.org).map(|(_, run)| run));
            Seen { made, open, whole, ..seen(wallet, &platform.profiles, look.at) }
        };
        looks.iter().map(see).collect()
    }

    fn tips(&self, orgs: &[OrgId]) -> Vec<[u8; 16]> {
        let tip = |org: &OrgId| self.ws.wallet(*org).expect("a wallet that was made").tip.hash;
        orgs.iter().map(tip).collect()
    }

    /// There are no rows to be recomputed.
    fn verify(&self) -> Result<(), String> {
        Ok(())
    }
}
