//! Holding what the engine wrote against what the auditor expects.

use std::collections::BTreeMap;
use std::fmt::Debug;

use domain::{OrgId, Timestamp};

use super::Auditor;
use super::limits::Cap;
pub use super::purse::Sort;
use super::purse::{Credit, Purse, Source, UNNAMED, second_of};

/// What the engine says of one wallet, read back from its store.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// How far the engine says this wallet's time has come.
    pub now: i64,
    pub posted: i128,
    pub debt: i128,
    /// Number, what is left, what is set aside.
    pub credits: Vec<(i64, i128, i128)>,
    /// At the instant asked for: accrued, available, shown.
    pub at: i64,
    pub accrued: i128,
    pub available: i128,
    pub shown: i128,
    /// Numbers of all grants, with whether they were bought, a bonus, or given.
    pub made: Vec<(i64, Sort)>,
    /// Number and resource of each run that is open, in order.
    pub open: Vec<(i64, i64)>,
    /// The rest is read now and then only.
    pub whole: Option<Whole>,
}

#[derive(Clone, Debug, Default)]
pub struct Whole {
    pub books: BTreeMap<&'static str, i128>,
    pub by_kind: BTreeMap<&'static str, i128>,
    pub told: Vec<(&'static str, i64)>,
    pub holds: Vec<(i64, &'static str)>,
    pub attempts: Vec<(i64, i128)>,
    /// Number, spent and held of each limit, at the instant asked for.
    pub limits: Vec<(i64, i128, i128)>,
}

impl Auditor {
    /// Wallets that the auditor knows.
    pub fn orgs(&self) -> Vec<OrgId> {
        self.purses.keys().copied().collect()
    }

    /// The runs of a wallet that are open, as far as their numbers are known.
    pub fn open_runs(&self, org: OrgId) -> Vec<i64> {
        let Some(purse) = self.purses.get(&org) else { return Vec::new() };
        let open = purse.runs.iter().filter(|run| run.stop.is_none() && run.number < UNNAMED);
        open.map(|run| run.number).collect()
    }

    /// The platform of a wallet.
    pub fn home(&self, org: OrgId) -> OrgId {
        self.homes[&org]
    }

    /// The clock of a wallet's platform.
    pub fn clock(&self, org: OrgId, wall: Timestamp) -> i64 {
        self.shops[&self.homes[&org]].clock.unwrap_or(wall.micros())
    }

    /// The instant at which the auditor has a wallet, for balances to be compared at.
    pub fn instant(&self, org: OrgId) -> i64 {
        self.purses[&org].now
    }

    /// Compares one wallet.
    ///
    /// Errors: the first difference, in words.
    pub fn compare(&mut self, org: OrgId, seen: &Seen) -> Result<(), String> {
        let terms = &self.shops[&self.homes[&org]].terms;
        let purse = self.purses.get_mut(&org).unwrap();
        purse.learn_numbers(&seen.made);
        purse.learn_runs(&seen.open);
        if seen.now < purse.decided {
            let (org, now) = (org.get(), seen.now);
            return Err(format!("time of {org} is {now}, before {}", purse.decided));
        }
        purse.now = seen.now;
        purse.take_back_windows();
        let t = second_of(seen.at);
        let mut credits: Vec<(i64, i128, i128)> =
            purse.credits.iter().map(|it| (it.number, it.left, it.set_aside)).collect();
        credits.sort_unstable();
        same(org, "grants", &seen.credits, &credits)?;
        let open = purse.runs.iter().chain(&purse.waits).filter(|run| run.stop.is_none());
        let mut open: Vec<(i64, i64)> = open.map(|run| (run.number, run.resource)).collect();
        open.sort_unstable();
        same(org, "runs", &seen.open, &open)?;
        same(org, "debt", &seen.debt, &purse.debt)?;
        same(org, "posted", &seen.posted, &purse.posted())?;
        same(org, "accrued", &seen.accrued, &purse.accrued(t))?;
        same(org, "available", &seen.available, &purse.available(terms, t))?;
        same(org, "shown", &seen.shown, &purse.shown(terms, t))?;
        if purse.debt < 0 {
            return Err(format!("debt of {} is {}", org.get(), purse.debt));
        }
        let is_free = |credit: &Credit| credit.sort == Sort::Bought && credit.free() > 0;
        if purse.debt > 0 && purse.credits.iter().any(is_free) {
            return Err(format!("beside of {}: debt and what was bought", org.get()));
        }
        let Some(whole) = &seen.whole else { return Ok(()) };
        purse.books.retain(|_, sum| *sum != 0);
        purse.posted_by_kind.retain(|_, sum| *sum != 0);
        same_told(org, &whole.told, &purse.told)?;
        same(org, "kinds", &whole.by_kind, &purse.posted_by_kind)?;
        same(org, "books", &whole.books, &purse.books)?;
        let holds: Vec<(i64, &str)> = purse.asides.iter().map(|it| (it.number, it.state)).collect();
        same(org, "holds", &whole.holds, &holds)?;
        let counted = |cap: &Cap| (cap.number, cap.spent(t), purse.held(cap));
        let limits = purse.caps.iter().filter(|cap| !cap.removed).map(counted).collect();
        same(org, "limits", &whole.limits, &limits)?;
        let attempts = purse.attempts.iter().map(|it| (it.at, it.amount)).collect();
        same(org, "top-ups", &whole.attempts, &attempts)
    }
}

fn same<T: PartialEq + Debug>(
    org: OrgId,
    what: &str,
    engine: &T,
    auditor: &T,
) -> Result<(), String> {
    if engine == auditor {
        return Ok(());
    }
    Err(format!("{what} of {}: engine {engine:?}, auditor {auditor:?}", org.get()))
}

/// Compares what was told, in order of instant and kind.
fn same_told(org: OrgId, engine: &[(&str, i64)], auditor: &[(&str, i64)]) -> Result<(), String> {
    let mut engine: Vec<(i64, &str)> = engine.iter().map(|it| (it.1, it.0)).collect();
    let mut auditor: Vec<(i64, &str)> = auditor.iter().map(|it| (it.1, it.0)).collect();
    engine.sort_unstable();
    auditor.sort_unstable();
    let place = engine.iter().zip(&auditor).position(|(one, other)| one != other);
    let place = match place {
        Some(place) => place,
        None if engine.len() == auditor.len() => return Ok(()),
        None => engine.len().min(auditor.len()),
    };
    Err(format!(
        "events of {} from the {place}th on: engine {:?}, auditor {:?}",
        org.get(),
        &engine[place..engine.len().min(place + 3)],
        &auditor[place..auditor.len().min(place + 3)]
    ))
}

impl Purse {
    /// Gives grants that nobody told of the numbers that the engine gave them, in order.
    fn learn_numbers(&mut self, made: &[(i64, Sort)]) {
        let unnamed: Vec<i64> = self.known.range(UNNAMED..).map(|it| *it.0).collect();
        if unnamed.is_empty() {
            return;
        }
        let mut fresh: Vec<(i64, Sort)> =
            made.iter().copied().filter(|it| !self.known.contains_key(&it.0)).collect();
        fresh.sort_unstable_by_key(|it| it.0);
        for old in unnamed {
            let sort = self.known[&old].sort;
            let Some(place) = fresh.iter().position(|it| it.1 == sort) else { continue };
            self.rename(old, fresh.remove(place).0);
        }
    }

    /// The same for runs that went on for others when a block was due.
    fn learn_runs(&mut self, open: &[(i64, i64)]) {
        for run in self.runs.iter_mut().filter(|run| run.number >= UNNAMED && run.stop.is_none()) {
            let known = open.iter().find(|it| it.1 == run.resource);
            let Some(&(number, _)) = known else { continue };
            let caps = self.caps.iter_mut();
            caps.for_each(|cap| cap.rename_run(run.number, number));
            run.number = number;
        }
    }

    fn rename(&mut self, old: i64, new: i64) {
        let what = self.known.remove(&old).expect("a grant that was made");
        self.known.insert(new, what);
        self.renamed.insert(old, new);
        let rename = |number: &mut i64| {
            if *number == old {
                *number = new;
            }
        };
        for credit in &mut self.credits {
            rename(&mut credit.number);
            credit.with.as_mut().into_iter().for_each(rename);
        }
        self.known.values_mut().filter_map(|it| it.with.as_mut()).for_each(rename);
        let asides = self.asides.iter_mut().flat_map(|it| &mut it.parts);
        let blocks = self.runs.iter_mut().filter_map(|run| run.paid.as_mut());
        let blocks = blocks.flat_map(|paid| &mut paid.blocks).flatten();
        let refunds = self.refunds.values_mut();
        let refunds = refunds.flat_map(|it| it.taken.iter_mut().chain(&mut it.voided));
        let disputes = self.disputes.iter_mut();
        let disputes = disputes.flat_map(|it| it.taken.iter_mut().chain(&mut it.voided));
        let lapsed = self.validity.iter_mut().flat_map(|it| &mut it.lapsed);
        let parts = asides.chain(blocks).chain(refunds).chain(disputes).chain(lapsed);
        parts.for_each(|part| rename(&mut part.0));
        for source in &mut self.drawn_for_time {
            if let Source::Credit(number, _) = source {
                rename(number);
            }
        }
    }
}
