//! Limits recomputed: what counts against each in its present window, from the journal, the runs
//! and the open holds.

use std::collections::{BTreeMap, BTreeSet};

use domain::hold::Hold;
use domain::label::Labels;
use domain::ledger::{LedgerTransaction, TransactionKind};
use domain::limit::Limit;
use domain::profile::REPORTED_AHEAD_SECONDS_MAX;
use domain::run::Run;
use domain::wallet::Wallet;
use domain::{Amount, OrgId, Timestamp};
use store::Snapshot;
use store::read::verify as scan;

use super::tables::{each_row, homeless};
use super::{Books, Lie, Unverified, same};

/// A limit, and what was found to count against it.
#[derive(Debug)]
struct Counted {
    limit: Limit,
    charged: Amount,
    held: Amount,
    stoppable: i64,
    /// Numerator per second, and exact sum, by the seconds that prices are for.
    time: BTreeMap<i64, (i128, i128)>,
    /// What runs that were reported ahead of the clock over the end of a window may make of it.
    uncertain: BTreeMap<i64, i128>,
}

/// What one organization's limits are recomputed from.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    counted: Vec<Counted>,
    /// Every limit that there is or was.
    numbers: BTreeSet<i64>,
    /// Labels of resources; only where there are limits.
    resources: BTreeMap<i64, Labels>,
    /// The resources of runs under block terms.
    of_blocks: BTreeMap<i64, i64>,
}

impl Books {
    /// Learns the limits of each organization, and the labels of the resources that they cover.
    pub(crate) async fn limits(&mut self, snapshot: &mut Snapshot) -> Result<(), Unverified> {
        let mut has_limits = false;
        each_row!(snapshot, limits, row, {
            let (org, number, limit) = row;
            let chain = self.chains.get_mut(&org);
            let chain = chain.ok_or_else(|| homeless("limits", org, number))?;
            chain.limits.numbers.insert(number);
            if limit.removed_at.is_none() {
                has_limits = true;
                chain.limits.counted.push(Counted {
                    limit,
                    charged: Amount::ZERO,
                    held: Amount::ZERO,
                    stoppable: 0,
                    time: BTreeMap::new(),
                    uncertain: BTreeMap::new(),
                });
            }
            self.report.other_rows += 1;
        });
        if !has_limits {
            return Ok(());
        }
        each_row!(snapshot, resources, row, {
            let (org, number, resource) = row;
            let chain = self.chains.get_mut(&org);
            if let Some(chain) = chain.filter(|chain| !chain.limits.counted.is_empty()) {
                chain.limits.resources.insert(number, resource.labels);
            }
        });
        Ok(())
    }

    /// Compares every limit with what was found to count against it.
    pub(crate) fn check_limits(&self) -> Result<(), Lie> {
        for chain in self.chains.values() {
            chain.limits.counted.iter().try_for_each(|it| it.check(chain.org))?;
        }
        Ok(())
    }
}

impl Limits {
    /// Counts a run that costs, or has cost, money by its time.
    pub(crate) fn add_run(&mut self, run: &Run) {
        if self.counted.is_empty() || run.is_waiting {
            return;
        }
        if run.paid.is_some() {
            self.of_blocks.insert(run.number, run.resource);
            return;
        }
        let none = Labels::NONE;
        let labels = self.resources.get(&run.resource).unwrap_or(&none);
        for counted in self.counted.iter_mut().filter(|it| it.limit.scope.covers(labels)) {
            counted.add_run(run);
        }
    }

    /// Counts a transaction that charges use, or gives it back.
    pub(crate) fn add(
        &mut self,
        row: &LedgerTransaction,
        label_sets: &BTreeMap<i64, Labels>,
    ) -> Result<(), Lie> {
        if row.limit != 0 && !self.numbers.contains(&row.limit) {
            let what = format!("there is no limit {}", row.limit);
            let number = format!("transaction {}", row.number);
            return Err(Lie { table: "journal", org: row.org, row: number, what });
        }
        if self.counted.is_empty() {
            return Ok(());
        }
        let (used_at, labels) = match row.kind {
            TransactionKind::Charge | TransactionKind::Capture | TransactionKind::Reversal => {
                (row.occurred_at.unwrap_or(row.at), label_sets.get(&row.labels))
            }
            TransactionKind::Block | TransactionKind::BlockReversal => {
                let resource = self.of_blocks.get(&row.subject);
                let began = row.span.as_ref().map_or(row.at, |span| span.from);
                (began, resource.and_then(|number| self.resources.get(number)))
            }
            _ => return Ok(()),
        };
        let none = Labels::NONE;
        let labels = labels.unwrap_or(&none);
        for counted in self.counted.iter_mut().filter(|it| it.limit.scope.covers(labels)) {
            let limit = &counted.limit;
            if row.number > limit.set_after && used_at.min(row.at) >= limit.since {
                counted.charged = counted.charged.plus(row.amount);
            }
        }
        Ok(())
    }

    /// Counts an open hold.
    pub(crate) fn add_hold(&mut self, hold: &Hold, label_sets: &BTreeMap<i64, Labels>) {
        let none = Labels::NONE;
        let labels = label_sets.get(&hold.labels).unwrap_or(&none);
        for counted in self.counted.iter_mut().filter(|it| it.limit.scope.covers(labels)) {
            counted.held = counted.held.plus(hold.amount);
        }
    }

    /// The wallet knows how many limits there are, and when to look at them.
    pub(crate) fn check_wallet(&self, wallet: &Wallet) -> Result<(), Lie> {
        let at = || ("wallets", wallet.org, || "its limits".to_owned());
        let count = i64::try_from(self.counted.len()).unwrap_or(i64::MAX);
        same(at(), "their number", &wallet.limit_count, &count)?;
        let due = self.counted.iter().map(|it| it.limit.due()).min().unwrap_or(Timestamp::NEVER);
        same(at(), "when they are next due", &wallet.next_limit, &due)
    }
}

impl Counted {
    fn add_run(&mut self, run: &Run) {
        let since = self.limit.since;
        let numerator = run.rate.numerator();
        let sum = self.time.entry(run.rate.per_units).or_default();
        let from = run.started_at.max(since);
        match run.stopped_at {
            None => {
                sum.0 += numerator;
                sum.1 += numerator * i128::from(self.limit.time.accrued_until.seconds_since(from));
                self.stoppable += i64::from(run.class.is_stopped_at_zero());
            }
            Some(stop) => sum.1 += numerator * i128::from(stop.max(since).seconds_since(from)),
        }
        for turn in [Some(run.started_at), run.stopped_at].into_iter().flatten() {
            let ahead = turn.seconds_since(since);
            if (1..=REPORTED_AHEAD_SECONDS_MAX).contains(&ahead) {
                let uncertain = self.uncertain.entry(run.rate.per_units).or_default();
                *uncertain += numerator * i128::from(ahead);
            }
        }
    }

    fn check(&self, org: OrgId) -> Result<(), Lie> {
        let limit = &self.limit;
        let at = || ("limits", org, || format!("limit {}", limit.number));
        same(at(), "what was charged in its window", &limit.charged, &self.charged)?;
        same(at(), "what is held", &limit.held, &self.held)?;
        same(at(), "the number of runs it stops", &limit.stoppable_count, &self.stoppable)?;
        let written: BTreeMap<i64, (i128, i128)> = limit
            .time
            .meters
            .iter()
            .map(|meter| (meter.per_units, (meter.rate, meter.sum)))
            .collect();
        for per_units in written.keys().chain(self.time.keys()) {
            let of = |sums: &BTreeMap<i64, (i128, i128)>| {
                sums.get(per_units).copied().unwrap_or_default()
            };
            let ((rate, sum), (should_rate, should)) = (of(&written), of(&self.time));
            let name = |what: &str| format!("{what} per {per_units} seconds");
            same(at(), &name("the rate"), &rate, &should_rate)?;
            let uncertain = self.uncertain.get(per_units).copied().unwrap_or_default();
            if (sum - should).abs() > uncertain {
                same(at(), &name("the exact sum of price × time"), &sum, &should)?;
            }
        }
        Ok(())
    }
}
