//! The other tables, each matched with what the journal said.

use std::collections::{BTreeMap, BTreeSet};

use domain::arrival::{ArrivalReason, ArrivalState};
use domain::conversion::Conversion;
use domain::deposit::{Deposit, DepositState};
use domain::grant::{Grant, OpenGrant};
use domain::hold::HoldState;
use domain::profile::{Documents, Expiry, Versions};
use domain::rate::Rate;
use domain::run::Run;
use domain::scope::Cover;
use domain::wake::{next_wake_on, next_wake_under};
use domain::wallet::Wallet;
use domain::workset::Platform;
use domain::{Amount, OrgId, Timestamp};
use store::Snapshot;
use store::read::access;
use store::read::verify as scan;

use super::chain::{BlockSum, Chain, Tally};
use super::digests::{self, Digests};
use super::{Books, Lie, Unverified, discounts, labels, name, same, scopes, taxes};

/// Calls `each` for every row of a table.
macro_rules! each_row {
    ($snapshot:ident, $table:ident, $row:ident, $each:block) => {
        let mut after = [-1, 0, 0];
        loop {
            let rows = scan::$table($snapshot, after).await?;
            let Some(last) = rows.last() else { break };
            after = [last.0.bucket(), last.0.get(), last.1];
            for $row in rows $each
        }
    };
}

/// Calls `each` for every row of a table with one row an organization.
macro_rules! each_organization {
    ($snapshot:ident, $table:ident, $row:ident, $org:expr, $each:block) => {
        let mut after = (-1, 0);
        loop {
            let rows = scan::$table($snapshot, after).await?;
            let Some($row) = rows.last() else { break };
            after = ($org.bucket(), $org.get());
            for $row in rows $each
        }
    };
}

pub(super) use each_row;

pub(super) fn homeless(table: &'static str, org: OrgId, number: i64) -> Lie {
    let what = "its organization has no wallet".to_owned();
    Lie { table, org, row: format!("number {number}"), what }
}

impl Books {
    /// Begins a chain for every wallet.
    pub(crate) async fn wallets_exist(
        &mut self,
        snapshot: &mut Snapshot,
    ) -> Result<(), Unverified> {
        each_organization!(snapshot, wallets, row, row.org, {
            let wallet = row.read.map_err(|error| Lie {
                table: "wallets",
                org: row.org,
                row: "the wallet".into(),
                what: format!("it cannot be read: {error}"),
            })?;
            let mut chain = Chain::new(row.org, wallet.platform);
            let lapsed = wallet.validity.iter().flat_map(|validity| &validity.lapsed);
            chain.lapsed = lapsed.map(|grant| (grant.number, Amount::ZERO)).collect();
            let upcoming = wallet.upcoming.iter().map(|it| (it.grant.number, it.grant.remaining));
            chain.upcoming = upcoming.collect();
            chain.is_closed = wallet.is_closed;
            chain.bonuses = wallet.bonus_coupons.iter().copied().collect();
            chain.digests = Digests::of(&wallet);
            chain.scoped.scopes = wallet.scopes;
            self.chains.insert(row.org, chain);
        });
        for (org, zone) in scan::zones(snapshot).await? {
            if let Some(chain) = self.chains.get_mut(&org) {
                chain.zone = zone;
            }
        }
        Ok(())
    }

    /// Reads the platforms that organizations live on.
    pub(crate) async fn platforms(&mut self, snapshot: &mut Snapshot) -> Result<(), Unverified> {
        let homes: BTreeSet<OrgId> = self.chains.values().map(|chain| chain.platform).collect();
        for home in homes {
            if let Some(platform) = access::platform(snapshot, home).await? {
                self.platforms.insert(home, platform);
            }
        }
        for chain in self.chains.values_mut() {
            let platform = self.platforms.get(&chain.platform);
            let profiles = platform.map(|platform| &platform.profiles);
            let has_tiers = profiles.is_some_and(|it| it.first().has_volume_tiers());
            chain.discounts.has_tiers = has_tiers;
            let is_on_use =
                |it: &Versions| it.all().any(|it| taxes::Taxes::are_on_use(it.tax_point));
            chain.taxes.on_use = profiles.is_some_and(is_on_use);
        }
        Ok(())
    }

    /// Gives each organization its discounts.
    pub(crate) async fn discounts(&mut self, snapshot: &mut Snapshot) -> Result<(), Unverified> {
        each_row!(snapshot, discounts, row, {
            let (org, number, discount) = row;
            let chain = self.chains.get_mut(&org);
            let chain = chain.ok_or_else(|| homeless("discounts", org, number))?;
            chain.discounts.assigned.push(discount);
            self.report.other_rows += 1;
        });
        Ok(())
    }

    /// Compares the discount of each run with what was in force when it began.
    pub(crate) fn run_discounts(&self) -> Result<(), Lie> {
        for chain in self.chains.values() {
            let platform = self.platforms.get(&chain.platform);
            discounts::check_runs(chain, platform.map(|platform| &platform.profiles))?;
        }
        Ok(())
    }

    /// Adds up the runs of each organization, and compares each with the price it began at.
    pub(crate) async fn runs(&mut self, snapshot: &mut Snapshot) -> Result<(), Unverified> {
        let mut tallies: BTreeMap<OrgId, Tally> = BTreeMap::new();
        each_row!(snapshot, runs, row, {
            let (org, number, run) = row;
            let chain = self.chains.get_mut(&org).ok_or_else(|| homeless("runs", org, number))?;
            let at = || ("runs", org, || format!("run {number}"));
            let price = self.prices.find(chain.platform, run.price).ok_or_else(|| Lie {
                table: "runs",
                org,
                row: format!("run {number}"),
                what: format!("there is no price {}", run.price),
            })?;
            same(at(), "the price amount", &run.rate.list, &price.amount)?;
            same(at(), "the price's seconds", &run.rate.per_units, &price.per_units)?;
            same(at(), "the SKU", &run.sku, &price.sku)?;
            if run.stopped_at.is_some_and(|stop| stop < run.started_at) {
                let what = "it stopped before it started".to_owned();
                return Err(Lie { table: "runs", org, row: format!("run {number}"), what }.into());
            }
            let first = run.paid.and_then(|paid| paid.starts().next());
            let is_late = first.is_some_and(|first| first < run.started_at);
            same(at(), "whether a block was paid before it started", &is_late, &false)?;
            let is_whole = run.started_at == run.started_at.floor_to_second();
            same(at(), "whether it started at a whole second", &is_whole, &true)?;
            chain.discounts.add_run(&run);
            chain.untold.extend(self.prices.untold(chain.platform, &run));
            chain.scoped.learn_run(&run);
            chain.limits.add_run(&run);
            let tally = tallies.entry(org).or_default();
            for (start, charge) in charged_blocks(&run) {
                tally.add(&[number, start, charge]);
            }
            if run.is_billed() {
                add_run(chain, &run);
            } else if !run.is_waiting {
                end_run(chain, &run);
            }
            self.report.other_rows += 1;
        });
        self.charged_blocks = tallies;
        Ok(())
    }

    /// Every block that a run was charged for is in the journal, and no other.
    pub(crate) async fn blocks(&mut self, snapshot: &mut Snapshot) -> Result<(), Unverified> {
        let tallies = std::mem::take(&mut self.charged_blocks);
        match self.first_other(&tallies, |chain| chain.blocks) {
            Some(org) => Err(name::block(snapshot, org, self.tip(org)).await?.into()),
            None => Ok(()),
        }
    }

    pub(crate) async fn grants(&mut self, snapshot: &mut Snapshot) -> Result<(), Unverified> {
        let mut tallies: BTreeMap<OrgId, Tally> = BTreeMap::new();
        each_row!(snapshot, grants, row, {
            let (org, number, grant) = row;
            let chain = self.chains.get_mut(&org).ok_or_else(|| homeless("grants", org, number))?;
            if chain.upcoming.get(&number) == Some(&grant.amount) {
                // The journal does not say anything about it yet.
                chain.upcoming.remove(&number);
            } else {
                tallies.entry(org).or_default().add(&[number, grant.amount.nanos()]);
                learn_terms(chain, number, &grant);
            }
            self.report.other_rows += 1;
        });
        match self.first_other(&tallies, |chain| chain.grants) {
            Some(org) => Err(name::grant(snapshot, org, self.tip(org)).await?.into()),
            None => Ok(()),
        }
    }

    pub(crate) async fn deposits(&mut self, snapshot: &mut Snapshot) -> Result<(), Unverified> {
        let mut tallies: BTreeMap<OrgId, Tally> = BTreeMap::new();
        let mut fees: BTreeMap<OrgId, Tally> = BTreeMap::new();
        let mut refunded: BTreeMap<OrgId, Amount> = BTreeMap::new();
        let mut withdrawn: BTreeMap<OrgId, Amount> = BTreeMap::new();
        each_row!(snapshot, deposits, row, {
            let (org, number, deposit) = row;
            taxes::check_deposit((org, number), &deposit)?;
            require_conversion(
                ("deposits", org, format!("deposit {number}")),
                deposit.conversion.as_ref(),
                deposit.charged(),
            )?;
            if let Some(setting) = self.documents_setting(org, deposit.decided_at) {
                self.papers.add_deposit(org, &deposit, setting);
            }
            self.require_member(org, deposit.member, ("deposits", format!("deposit {number}")))?;
            let waits = self.chains.get(&org).is_some_and(|it| it.in_review.contains(&number));
            let is_in_review = deposit.state == DepositState::InReview;
            let at = || ("deposits", org, || format!("deposit {number}"));
            same(at(), "whether an arrival keeps it waiting", &is_in_review, &waits)?;
            if let Some(fee) = deposit.fee {
                require_fee((org, number), &deposit, fee)?;
                if fee.is_positive() {
                    fees.entry(org).or_default().add(&[number, fee.nanos()]);
                }
            }
            if deposit.state == DepositState::Succeeded {
                let tax = deposit.tax.amount.nanos();
                let grant = deposit.grant.unwrap_or(0);
                let values = [number, deposit.amount.nanos(), grant, tax];
                tallies.entry(org).or_default().add(&values);
                self.paid(org, &deposit)?;
            }
            let sum = refunded.entry(org).or_default();
            *sum = sum.plus(deposit.refunded);
            let sum = withdrawn.entry(org).or_default();
            *sum = sum.plus(deposit.withdrawn);
            self.report.other_rows += 1;
        });
        if let Some(org) = self.first_other(&tallies, |chain| chain.deposits) {
            return Err(name::deposit(snapshot, org, self.tip(org)).await?.into());
        }
        if let Some(org) = self.first_other(&fees, |chain| chain.fees) {
            return Err(name::fee(snapshot, org, self.tip(org)).await?.into());
        }
        for (org, chain) in &self.chains {
            let written = refunded.get(org).copied().unwrap_or_default();
            let at = ("deposits", *org, || "all deposits together".to_owned());
            same(at, "what was refunded", &written, &chain.refunded)?;
            let written = withdrawn.get(org).copied().unwrap_or_default();
            let at = ("deposits", *org, || "all deposits together".to_owned());
            same(at, "what disputes have withdrawn", &written, &chain.withdrawn)?;
        }
        Ok(())
    }

    /// What came and is not what was asked for; before the deposits that it was paid for.
    pub(crate) async fn arrivals(&mut self, snapshot: &mut Snapshot) -> Result<(), Unverified> {
        let mut tallies: BTreeMap<OrgId, Tally> = BTreeMap::new();
        each_row!(snapshot, arrivals, row, {
            let (org, number, it) = row;
            let at = ("arrivals", org, format!("arrival {number}"));
            require_conversion(at, it.conversion.as_ref(), it.amount)?;
            let chain =
                self.chains.get_mut(&org).ok_or_else(|| homeless("arrivals", org, number))?;
            let tally = tallies.entry(org).or_default();
            for (kind, subject, money) in name::arrival_kinds(&it) {
                tally.add(&[kind.code(), subject, money.nanos()]);
            }
            if let Some(fee) = it.fee {
                let at = ("arrivals", org, || format!("arrival {number}"));
                let is_part = !fee.is_negative() && fee <= it.amount;
                same(at, "whether the fee is a part of what came", &is_part, &true)?;
                if fee.is_positive() {
                    chain.fees.remove(&[it.deposit, fee.nanos()]);
                }
            }
            if it.state == ArrivalState::Waiting && it.reason != ArrivalReason::PaidAgain {
                chain.in_review.insert(it.deposit);
            }
            self.report.other_rows += 1;
        });
        match self.first_other(&tallies, |chain| chain.arrivals) {
            Some(org) => Err(name::arrival(snapshot, org, self.tip(org)).await?.into()),
            None => Ok(()),
        }
    }

    pub(crate) async fn refunds(&mut self, snapshot: &mut Snapshot) -> Result<(), Unverified> {
        let mut tallies: BTreeMap<OrgId, Tally> = BTreeMap::new();
        each_row!(snapshot, refunds, row, {
            let (org, number, refund) = row;
            if let Some(setting) = self.documents_setting(org, refund.decided_at) {
                self.papers.add_refund(org, &refund, setting);
            }
            let taken: Amount = refund.taken.iter().map(|part| part.change).sum();
            if taken > refund.amount {
                let what = format!("it took {taken} of grants, more than {}", refund.amount);
                let row = format!("refund {number}");
                return Err(Lie { table: "refunds", org, row, what }.into());
            }
            let tally = tallies.entry(org).or_default();
            for kind in name::refund_kinds(refund.state) {
                let (amount, tax) = (refund.amount.nanos(), refund.tax.amount.nanos());
                tally.add(&[kind.code(), number, amount, tax]);
            }
            self.report.other_rows += 1;
        });
        match self.first_other(&tallies, |chain| chain.refunds) {
            Some(org) => Err(name::refund(snapshot, org, self.tip(org)).await?.into()),
            None => Ok(()),
        }
    }

    /// Takes a payment that was confirmed into account: until when it made everything purchased
    /// valid, and when what it bought expires by itself.
    fn paid(&mut self, org: OrgId, deposit: &Deposit) -> Result<(), Unverified> {
        let lie = |what: &str| {
            let row = format!("deposit {}", deposit.number);
            Lie { table: "deposits", org, row, what: what.to_owned() }
        };
        let paid_at = deposit.paid_at.ok_or_else(|| lie("it succeeded and was never paid"))?;
        let Some(chain) = self.chains.get(&org) else {
            return Err(homeless("deposits", org, deposit.number).into());
        };
        let platform = chain.platform;
        let profiles = self.platform(platform)?.profiles;
        let Some(chain) = self.chains.get_mut(&org) else { return Ok(()) };
        // Whether it rolls, and how far, holds for the life of a platform.
        if let Expiry::Rolling(months) = profiles.first().purchased_expiry {
            let until = chain.zone.plus_months(paid_at, months);
            chain.valid_until = chain.valid_until.max(Some(until));
        }
        let bought = deposit.grant.and_then(|grant| Some((grant, chain.terms.get(&grant)?)));
        if let Some((grant, (_, _, expires_at))) = bought {
            let at = ("grants", org, || format!("grant {grant}"));
            // It is what was offered when the deposit was started.
            let offered = profiles.at(deposit.created_at);
            same(at, "the expiry", expires_at, &offered.purchase_expires_at(paid_at))?;
        }
        Ok(())
    }

    /// What the platform of an organization issues about money that moved then.
    fn documents_setting(&self, org: OrgId, decided_at: Option<Timestamp>) -> Option<Documents> {
        let platform = self.platforms.get(&self.chains.get(&org)?.platform)?;
        Some(platform.profiles.at(decided_at?).documents)
    }

    /// The platform that wallets live on.
    fn platform(&self, platform: OrgId) -> Result<Platform, Unverified> {
        let known = self.platforms.get(&platform).cloned();
        let missing = || Lie {
            table: "wallets",
            org: platform,
            row: "the platform".into(),
            what: "wallets live on it, and it is not there".into(),
        };
        Ok(known.ok_or_else(missing)?)
    }

    pub(crate) async fn disputes(&mut self, snapshot: &mut Snapshot) -> Result<(), Unverified> {
        let mut withdrawn: BTreeMap<OrgId, Amount> = BTreeMap::new();
        each_row!(snapshot, disputes, row, {
            let (org, number, dispute) = row;
            let chain =
                self.chains.get_mut(&org).ok_or_else(|| homeless("disputes", org, number))?;
            let taken: Amount = dispute.taken.iter().map(|part| part.change).sum();
            if taken > dispute.withdrawn {
                let what = format!("{taken} is missing in grants, more than was withdrawn");
                let row = format!("dispute {number}");
                return Err(Lie { table: "disputes", org, row, what }.into());
            }
            chain.freezing += i64::from(dispute.freezes);
            let sum = withdrawn.entry(org).or_default();
            *sum = sum.plus(dispute.withdrawn);
            self.report.other_rows += 1;
        });
        for (org, chain) in &self.chains {
            let written = withdrawn.get(org).copied().unwrap_or_default();
            let at = ("disputes", *org, || "all disputes together".to_owned());
            same(at, "what was withdrawn", &written, &chain.withdrawn)?;
        }
        Ok(())
    }

    pub(crate) async fn holds(&mut self, snapshot: &mut Snapshot) -> Result<(), Unverified> {
        let mut tallies: BTreeMap<OrgId, Tally> = BTreeMap::new();
        each_row!(snapshot, holds, row, {
            let (org, number, hold) = row;
            let chain = self.chains.get_mut(&org).ok_or_else(|| homeless("holds", org, number))?;
            labels::require(&chain.label_sets, hold.labels, "holds", org, || {
                format!("hold {number}")
            })?;
            let parts: Amount = hold.parts.iter().map(|part| part.change).sum();
            let at = || ("holds", org, || format!("hold {number}"));
            same(at(), "the sum of its parts", &parts, &hold.amount)?;
            let is_captured = hold.state == HoldState::Captured;
            same(
                at(),
                "whether it says what was captured",
                &hold.captured.is_some(),
                &is_captured,
            )?;
            if let Some(captured) = hold.captured {
                tallies.entry(org).or_default().add(&[number, captured.nanos()]);
            }
            if hold.state == HoldState::Open {
                chain.limits.add_hold(&hold, &chain.label_sets);
                for part in &hold.parts {
                    let reserved = chain.reserved.entry(part.grant).or_default();
                    *reserved = reserved.plus(part.change);
                }
                let expiry = hold.expires_at.micros();
                let next = chain.next_hold_expiry.map_or(expiry, |next| next.min(expiry));
                chain.next_hold_expiry = Some(next);
            }
            self.report.other_rows += 1;
        });
        match self.first_other(&tallies, |chain| chain.captures) {
            Some(org) => Err(name::hold(snapshot, org, self.tip(org)).await?.into()),
            None => Ok(()),
        }
    }

    pub(crate) async fn wakes(&mut self, snapshot: &mut Snapshot) -> Result<(), Unverified> {
        each_organization!(snapshot, wakes, row, row.0, {
            let (org, due, _) = row;
            let chain = self.chains.get_mut(&org).ok_or_else(|| homeless("wakes", org, 0))?;
            chain.wake = Some(due.micros());
        });
        Ok(())
    }

    pub(crate) async fn index(&mut self, snapshot: &mut Snapshot) -> Result<(), Unverified> {
        let mut tallies: BTreeMap<OrgId, Tally> = BTreeMap::new();
        each_row!(snapshot, index, row, {
            tallies.entry(row.0).or_default().add(&[row.1, row.2]);
            self.report.other_rows += 1;
        });
        match self.first_other(&tallies, |chain| chain.index) {
            Some(org) => Err(name::index(snapshot, org, self.tip(org)).await?.into()),
            None => Ok(()),
        }
    }

    /// The first organization whose rows do not add up to what its journal said.
    fn first_other(
        &self,
        tallies: &BTreeMap<OrgId, Tally>,
        said: impl Fn(&Chain) -> Tally,
    ) -> Option<OrgId> {
        let tally = |org: &OrgId| tallies.get(org).copied().unwrap_or_default();
        let stranger = tallies.keys().find(|org| !self.chains.contains_key(org)).copied();
        let other = self.chains.iter().find(|(org, chain)| said(chain) != tally(org));
        stranger.or(other.map(|(org, _)| *org))
    }

    fn tip(&self, org: OrgId) -> i64 {
        self.chains.get(&org).map_or(0, |chain| chain.tip.position)
    }

    /// Compares every wallet with all that was learned about it.
    pub(crate) async fn wallets(
        &mut self,
        snapshot: &mut Snapshot,
        total: u64,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<(), Unverified> {
        each_organization!(snapshot, wallets, row, row.org, {
            let lie = |what: String| Lie {
                table: "wallets",
                org: row.org,
                row: "the wallet".into(),
                what,
            };
            let wallet = row.read.map_err(|error| lie(format!("it cannot be read: {error}")))?;
            if let Some(column) = row.differs {
                let what = format!("column {column} is not what the rest of the row makes it");
                return Err(lie(what).into());
            }
            let platform = self.platform(wallet.platform)?;
            let Some(chain) = self.chains.get(&row.org) else { continue };
            check_wallet(chain, &wallet)?;
            discounts::check_wallet(chain, &wallet, platform.profiles.first())?;
            taxes::check_wallet(&wallet)?;
            digests::check_wallet(chain)?;
            chain.limits.check_wallet(&wallet)?;
            check_validity(chain, &wallet)?;
            check_wake(chain, &wallet, &platform)?;
            self.report.wallets += 1;
            progress(self.report.transactions + self.report.wallets, total);
        });
        Ok(())
    }
}

/// What a provider settled makes what was paid, at its rate (requirements N25).
pub(super) fn require_conversion(
    (table, org, row): (&'static str, OrgId, String),
    conversion: Option<&Conversion>,
    paid: Amount,
) -> Result<(), Lie> {
    let Some(conversion) = conversion.filter(|it| !it.makes(paid)) else { return Ok(()) };
    Err(Lie { table, org, row, what: format!("{conversion} does not make {paid}") })
}

/// What a provider kept is a part of money that it has confirmed (requirements C18).
fn require_fee((org, number): (OrgId, i64), deposit: &Deposit, fee: Amount) -> Result<(), Lie> {
    let at = || ("deposits", org, || format!("deposit {number}"));
    let is_paid = deposit.state == DepositState::Succeeded;
    same(at(), "whether what a fee was kept of was paid", &is_paid, &true)?;
    let is_part = !fee.is_negative() && fee <= deposit.charged();
    same(at(), "whether the fee is a part of what was paid", &is_part, &true)
}

/// Remembers what a grant was given with, while something is left of it.
fn learn_terms(chain: &mut Chain, number: i64, grant: &Grant) {
    if chain.remaining.contains_key(&number) {
        chain.terms.insert(number, (grant.kind, grant.priority, grant.expires_at));
    }
}

/// The blocks that a run was charged for: when each started and what it cost. What costs nothing is
/// not posted.
pub(super) fn charged_blocks(run: &Run) -> Vec<(i64, i64)> {
    let charge = run.block_charge().nanos();
    let Some(paid) = run.paid.filter(|_| charge != 0) else { return Vec::new() };
    paid.starts().map(|start| (start.micros(), charge)).collect()
}

/// Counts a run that costs money now.
fn add_run(chain: &mut Chain, run: &Run) {
    chain.open_runs += 1;
    chain.next_beat = chain.next_beat.min(run.beat_due().micros());
    chain.next_reprice = chain.next_reprice.min(run.reprice_due().micros());
    if let Some(paid) = run.paid {
        chain.next_block = chain.next_block.min(paid.until.micros());
        let phase = paid.until.seconds().rem_euclid(paid.block_seconds);
        let cover = chain.scoped.cover(run);
        let group = chain.groups.entry((paid.block_seconds, phase, cover)).or_default();
        group.amount = group.amount.checked_add(run.block_charge()).unwrap_or(Amount::MAX);
        group.runs += 1;
        return;
    }
    chain.stoppable_runs += i64::from(run.class.is_stopped_at_zero());
    chain.scoped.add_accruing(run);
    let sum = chain.runs.entry(run.rate.per_units).or_default();
    let numerator = Rate::numerator(run.rate);
    sum.rate += numerator;
    sum.fixed -= numerator * i128::from(run.started_at.seconds());
}

/// Adds the time of a run that has ended.
fn end_run(chain: &mut Chain, run: &Run) {
    let Some(stop) = run.stopped_at.filter(|_| run.paid.is_none()) else { return };
    let sum = chain.runs.entry(run.rate.per_units).or_default();
    sum.fixed += Rate::numerator(run.rate) * i128::from(stop.seconds_since(run.started_at));
}

/// What a wallet knows of its blocks is what its runs make it; groups without a phase stand for
/// all of their length.
fn check_blocks(chain: &Chain, wallet: &Wallet) -> Result<(), Lie> {
    let at = || ("wallets", chain.org, || "its blocks".to_owned());
    let mut runs = 0;
    for group in &wallet.blocks.groups {
        let is_in = |&(seconds, phase, cover): &(i64, i64, Cover)| {
            let is_like = (seconds, cover) == (group.block_seconds, group.cover);
            is_like && group.phase.is_none_or(|other| other == phase)
        };
        let of_group = chain.groups.iter().filter(|(key, _)| is_in(key)).map(|(_, sum)| *sum);
        let sum = of_group.fold(BlockSum::default(), |sum, part| BlockSum {
            amount: sum.amount.plus(part.amount),
            runs: sum.runs + part.runs,
        });
        let name = |what: &str| format!("{what} of {} seconds", group.block_seconds);
        same(at(), &name("what one costs"), &group.amount, &sum.amount)?;
        same(at(), &name("the number of runs with blocks"), &group.runs, &sum.runs)?;
        runs += group.runs;
    }
    let should = chain.groups.values().map(|sum| sum.runs).sum();
    same(at(), "the number of runs with blocks", &runs, &should)?;
    let latest = |name: &str, written: Timestamp, should: i64| {
        if written.micros() <= should {
            return Ok(());
        }
        let should = Timestamp::from_micros(should);
        Err(lie(chain, format!("{name} at {written}, should be {should}")))
    };
    latest("its next block starts", wallet.blocks.next_at(), chain.next_block)?;
    latest("its next run is given up", wallet.next_beat, chain.next_beat)?;
    latest("its next run is repriced", wallet.next_reprice, chain.next_reprice)?;
    // What has taken effect by now may have changed nothing, or waits for the next block.
    let ahead = chain.untold.iter().find(|(.., effective_from)| *effective_from > wallet.now);
    let Some((run, price, effective_from)) = ahead else { return Ok(()) };
    let what = format!("it does not know that price {price} takes effect at {effective_from}");
    Err(Lie { table: "runs", org: chain.org, row: format!("run {run}"), what })
}

fn check_wallet(chain: &Chain, wallet: &Wallet) -> Result<(), Lie> {
    let at = || ("wallets", chain.org, || "the wallet".to_owned());
    same(at(), "the number of its last transaction", &wallet.tip.number, &chain.tip.number)?;
    same(at(), "the position of its last transaction", &wallet.tip.position, &chain.tip.position)?;
    let hex = |hash: &[u8; 16]| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    same(at(), "the hash of its last transaction", &hex(&wallet.tip.hash), &hex(&chain.tip.hash))?;
    same(at(), "the debt", &wallet.debt, &chain.debt)?;
    for grant in wallet.grants.iter() {
        check_grant(chain, grant)?;
    }
    let open = |number: &i64| wallet.grants.get(*number).is_some();
    if let Some((number, left)) = chain.remaining.iter().find(|(number, _)| !open(number)) {
        return Err(lie(chain, format!("grant {number} is not in it, should hold {left}")));
    }
    if let Some((number, amount)) = chain.upcoming.first_key_value() {
        return Err(lie(
            chain,
            format!("grant {number} of {amount} is to come, and was not given"),
        ));
    }
    same(at(), "the posted balance", &wallet.posted(), &chain.posted)?;
    same(at(), "the number of open runs", &wallet.running_count, &chain.open_runs)?;
    same(
        at(),
        "the number of runs that zero stops",
        &wallet.stoppable_count,
        &chain.stoppable_runs,
    )?;
    check_meters(chain, wallet)?;
    scopes::check_wallet(chain, wallet)?;
    let freezing = wallet.freeze.as_ref().map_or(0, |freeze| freeze.open);
    same(at(), "the number of disputes that freeze it", &freezing, &chain.freezing)?;
    check_blocks(chain, wallet)?;
    let expiry = chain.next_hold_expiry.unwrap_or(i64::MAX);
    if wallet.next_hold_expiry.micros() > expiry {
        let (written, should) = (wallet.next_hold_expiry, Timestamp::from_micros(expiry));
        return Err(lie(chain, format!("its next hold expires at {written}, should be {should}")));
    }
    Ok(())
}

fn lie(chain: &Chain, what: String) -> Lie {
    Lie { table: "wallets", org: chain.org, row: "the wallet".into(), what }
}

fn check_grant(chain: &Chain, grant: &OpenGrant) -> Result<(), Lie> {
    let at = || ("wallets", chain.org, || format!("grant {}", grant.number));
    let left = chain.remaining.get(&grant.number).copied().unwrap_or_default();
    same(at(), "what is left", &grant.remaining, &left)?;
    let reserved = chain.reserved.get(&grant.number).copied().unwrap_or_default();
    same(at(), "what holds have set aside", &grant.reserved, &reserved)?;
    let Some((kind, priority, _)) = chain.terms.get(&grant.number) else { return Ok(()) };
    same(at(), "the kind", &grant.kind.name(), &kind.name())?;
    same(at(), "the priority", &grant.priority, priority)
}

/// What was purchased is valid as long as a payment made it (rulings R12).
fn check_validity(chain: &Chain, wallet: &Wallet) -> Result<(), Lie> {
    let at = || ("wallets", chain.org, || "the wallet".to_owned());
    same(at(), "the time zone", &wallet.zone.name(), &chain.zone.name())?;
    let until = chain.valid_until.unwrap_or(Timestamp::NEVER);
    same(at(), "the end of validity", &wallet.purchased_until(), &until)?;
    for grant in wallet.validity.iter().flat_map(|validity| &validity.lapsed) {
        let expired = chain.lapsed.get(&grant.number).copied().unwrap_or_default();
        let name = format!("what expired of grant {}", grant.number);
        same(at(), &name, &grant.remaining, &expired)?;
    }
    Ok(())
}

/// Time is exact: the sums of the wallet are those of its runs, whatever was reported when.
fn check_meters(chain: &Chain, wallet: &Wallet) -> Result<(), Lie> {
    let at = || ("wallets", chain.org, || "its meters".to_owned());
    let until = i128::from(wallet.meters.accrued_until.seconds());
    let lengths: BTreeSet<i64> = wallet.meters.meters.iter().map(|it| it.per_units).collect();
    same(at(), "the number of meters", &lengths.len(), &chain.runs.len())?;
    for per_units in lengths {
        let runs = chain.runs.get(&per_units).copied().unwrap_or_default();
        let (rate, metered) = scopes::metered(wallet, per_units);
        let name = |what: &str| format!("{what} per {per_units} seconds");
        same(at(), &name("the rate"), &rate, &runs.rate)?;
        let sum = runs.fixed + runs.rate * until;
        same(at(), &name("the exact sum of price × time"), &metered, &sum)?;
    }
    let posted: i128 = wallet.meters.meters.iter().map(|meter| meter.posted).sum();
    same(at(), "all time posted", &posted, &chain.time)
}

fn check_wake(chain: &Chain, wallet: &Wallet, platform: &Platform) -> Result<(), Lie> {
    // Who has not been told of a version yet does not wake for it.
    let due = match platform.profiles.untold().next() {
        Some(_) => next_wake_under(platform, wallet),
        None => next_wake_on(platform, wallet),
    };
    let due = due.micros();
    let stored = chain.wake.unwrap_or(i64::MAX);
    if stored <= due {
        return Ok(());
    }
    let instant = |at: i64| Timestamp::from_micros(at);
    let what = format!("it is to be woken at {}, at the latest {}", instant(stored), instant(due));
    Err(Lie { table: "wakes", org: chain.org, row: "the wake".into(), what })
}
