//! Plays the steps of a scenario on a layer: names become numbers, rows become text.
//!
//! A command line runs steps 1–3 of rulings R5 at its instant and then itself; a listing, and every
//! move of the clock, applies everything that is due.

use std::collections::{BTreeMap, BTreeSet};

use domain::calendar::Zone;
use domain::dispute::DisputeState;
use domain::refund::AskedBy;
use domain::roll_forward::Month;
use domain::run::Rest;
use domain::{Amount, OrgId, Timestamp};

use crate::scenario::layer::{
    Campaign, Command, Done, Failure, Layer, LedgerRow, RailAnswer, RunRow,
};
use crate::scenario::parse::{
    Assign, Fate, List, NewCoupon, NewGrant, Part, PriceOf, RefundBy, Says, Start, Use,
};
use crate::scenario::show::{self, Names};
use crate::scenario::when::When;

/// What a step printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub lines: Vec<String>,
    pub is_refusal: bool,
}

/// A row that has a name.
#[derive(Clone, Copy, Debug)]
struct Named {
    org: OrgId,
    number: i64,
}

/// Numbers start at 1: what has no row is asked for as 0, so that the layer says so.
const NOBODY: Named = Named { org: OrgId::from_stored(0), number: 0 };

#[derive(Debug)]
struct Wallet {
    org: OrgId,
    /// What the profile calls a run that ended.
    ended: String,
    auto_top_ups: usize,
    returned: usize,
}

/// The state of one scenario.
pub struct Player<'a> {
    layer: &'a mut dyn Layer,
    now: Option<Timestamp>,
    platforms: Vec<(OrgId, String)>,
    wallets: BTreeMap<String, Wallet>,
    skus: BTreeMap<(OrgId, String), i64>,
    rows: BTreeMap<String, Named>,
    /// The grants that deposits became, by the name of the deposit.
    bought: BTreeMap<String, Named>,
    /// The names of refunds.
    refunds: BTreeSet<String>,
    /// The last run of each resource.
    runs: BTreeMap<(OrgId, i64), i64>,
    methods: BTreeMap<OrgId, i64>,
    rules: BTreeMap<OrgId, (Amount, Amount)>,
    /// How much of a list has been shown before.
    seen: BTreeMap<(OrgId, &'static str), usize>,
    events: usize,
    names: Names,
}

type Lines = Result<Vec<String>, Failure>;

fn line(text: impl Into<String>) -> Lines {
    Ok(vec![text.into()])
}

fn broken<T>(message: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Broken(message.into()))
}

impl<'a> Player<'a> {
    pub fn new(layer: &'a mut dyn Layer) -> Player<'a> {
        Player {
            layer,
            now: None,
            platforms: Vec::new(),
            wallets: BTreeMap::new(),
            skus: BTreeMap::new(),
            rows: BTreeMap::new(),
            bought: BTreeMap::new(),
            refunds: BTreeSet::new(),
            runs: BTreeMap::new(),
            methods: BTreeMap::new(),
            rules: BTreeMap::new(),
            seen: BTreeMap::new(),
            events: 0,
            names: Names::default(),
        }
    }

    /// Plays one step. The text error is of a layer that cannot go on, or of a scenario that asks
    /// for something out of order.
    pub fn play(&mut self, says: &Says) -> Result<Output, String> {
        if let Says::Repeat { each } = says {
            return self.repeat(each);
        }
        match self.obey(says) {
            Ok(lines) => Ok(Output { lines, is_refusal: false }),
            Err(Failure::Refused(refused)) => {
                let lines = vec![show::refused(&refused, &self.names)];
                Ok(Output { lines, is_refusal: true })
            }
            Err(Failure::Broken(message)) => Err(message),
        }
    }

    /// Prints how often each output came, in the order of first appearance.
    fn repeat(&mut self, each: &[Says]) -> Result<Output, String> {
        let mut counts: Vec<(String, usize)> = Vec::new();
        let mut is_refusal = false;
        for says in each {
            let output = self.play(says)?;
            is_refusal |= output.is_refusal;
            let text = output.lines.join("; ");
            match counts.iter_mut().find(|(other, _)| *other == text) {
                Some((_, count)) => *count += 1,
                None => counts.push((text, 1)),
            }
        }
        let lines = counts.iter().map(|(text, count)| format!("{count} x {text}")).collect();
        Ok(Output { lines, is_refusal })
    }

    fn obey(&mut self, says: &Says) -> Lines {
        match says {
            Says::Clock(at) => self.clock(*at),
            Says::Platform { profile, settings } => self.platform(profile, settings),
            Says::Sku { code, class, prices } => {
                let (platform, code, class) = (self.current_platform(), code.clone(), *class);
                let made = Command::CreateSku { platform, code: code.clone(), class };
                let number = self.row(made)?;
                self.skus.insert((platform, code.clone()), number);
                for price in prices {
                    self.price(&code, price, None)?;
                }
                line("made")
            }
            Says::Price { code, price, from } => self.price(code, price, *from),
            Says::Wallet { name, zone } => self.wallet(name, zone),
            Says::Discount(assign) => self.discount(assign),
            Says::Deposit { name, wallet, amount, fate } => {
                self.deposit(name, wallet, *amount, *fate)
            }
            Says::Dispute { name, deposit, state, withdrawn } => {
                self.dispute(name, deposit, *state, *withdrawn)
            }
            Says::Refund { name, deposit, amount, by } => {
                self.refund(name, deposit, *amount, *by).and_then(line)
            }
            Says::Settle { name, answer, paid_at } => {
                let (Named { org, number }, paid_at) = (self.named(name), self.instant(*paid_at)?);
                if self.refunds.contains(name) {
                    let is_paid = *answer == RailAnswer::Succeeded;
                    let settled = Command::SettleRefund { org, refund: number, is_paid };
                    return self.refunded(name, settled).and_then(line);
                }
                self.settle(name, org, number, (*answer, paid_at)).and_then(line)
            }
            Says::Grant(grant) => self.grant(grant),
            Says::Coupon(coupon) => self.coupon(coupon),
            Says::Redeem { wallet, code } => {
                let (platform, org) = (self.current_platform(), self.org(wallet));
                let command = Command::Redeem { platform, org, code: code.clone() };
                match self.layer.run(&command)? {
                    Done::Redeemed(state) => line(state),
                    other => broken(format!("expected a redemption, got {other:?}")),
                }
            }
            Says::Void { name } => {
                let bought = self.bought.get(name).copied();
                let Named { org, number: grant } = bought.unwrap_or_else(|| self.named(name));
                self.layer.run(&Command::VoidGrant { org, grant })?;
                line("voided")
            }
            Says::Start(start) => self.start(start),
            Says::Stop { resource, at, rest } => self.stop(resource, *at, *rest),
            Says::Ready { .. }
            | Says::Beat { .. }
            | Says::Resize { .. }
            | Says::Resume { .. }
            | Says::Redeploy { .. } => self.go_on(says),
            Says::Use(usage) => self.usage(usage),
            Says::Move(when) => self.advance(*when),
            Says::Repeat { .. } => broken("repeat inside repeat"),
            said if said.is_listing() => self.listing(said),
            other => self.obey_holds_and_rules(other),
        }
    }

    fn obey_holds_and_rules(&mut self, says: &Says) -> Lines {
        match says {
            Says::Hold { name, wallet, amount, seconds } => {
                let (org, amount, seconds) = (self.org(wallet), *amount, *seconds);
                let Done::Hold(hold) =
                    self.layer.run(&Command::PlaceHold { org, amount, seconds })?
                else {
                    return broken("placing a hold made no hold");
                };
                self.remember(name, org, hold.number);
                line(format!("held until {}", self.names.time(hold.expires_at)))
            }
            Says::Capture { name, amount } => {
                let Named { org, number: hold } = self.named(name);
                let amount = *amount;
                let Done::Hold(row) =
                    self.layer.run(&Command::CaptureHold { org, hold, amount })?
                else {
                    return broken("capturing a hold made no hold");
                };
                let captured = row.captured.unwrap_or_default();
                let released = row.amount.minus(captured).or_zero();
                line(format!("captured {captured} released {released}"))
            }
            Says::Release { name } => {
                let Named { org, number: hold } = self.named(name);
                let Done::Hold(row) = self.layer.run(&Command::ReleaseHold { org, hold })? else {
                    return broken("releasing a hold made no hold");
                };
                line(format!("released {}", row.amount))
            }
            Says::Card { wallet, behaviour } => {
                let (org, behaviour) = (self.org(wallet), *behaviour);
                let command = match self.methods.get(&org) {
                    Some(&method) => Command::ChangePaymentMethod { org, method, behaviour },
                    None => Command::SavePaymentMethod { org, behaviour },
                };
                let method = self.row(command)?;
                self.methods.insert(org, method);
                line("saved")
            }
            Says::Reverse { wallet, id } => {
                let (org, id) = (self.org(wallet), id.clone());
                self.charge(&Command::ReverseUsage { org, id })
            }
            Says::ReleaseFreeze { wallet } => {
                let org = self.org(wallet);
                self.layer.run(&Command::ReleaseFreeze { org })?;
                line("released")
            }
            Says::AutoTopUp { wallet, rule } => self.auto_top_up(wallet, *rule),
            Says::Alert { wallet, below } => {
                let (org, limit) = (self.org(wallet), *below);
                self.layer.run(&Command::SetUserLimit { org, limit })?;
                line(if limit.is_some() { "on" } else { "off" })
            }
            _ => broken("this command cannot be played"),
        }
    }

    fn clock(&mut self, at: Timestamp) -> Lines {
        if self.now.is_some() {
            return broken("the clock is set once; `at` and `advance` move it");
        }
        self.now = Some(at);
        self.names.start = at;
        line("set")
    }

    fn present(&self) -> Result<Timestamp, Failure> {
        self.now.map_or_else(|| broken("a scenario begins with `clock`"), Ok)
    }

    fn instant(&self, when: Option<When>) -> Result<Option<Timestamp>, Failure> {
        let now = self.present()?;
        Ok(when.map(|when| when.instant(self.names.start, now)))
    }

    fn platform(&mut self, profile: &str, settings: &str) -> Lines {
        let (name, clock) = (profile.to_string(), self.present()?);
        let (profile, settings) = (profile.to_string(), settings.to_string());
        let ended = app::profiles::built_in(&profile).ok().map(|profile| profile.label_stopped);
        let made = Command::CreatePlatform { name, profile, settings, clock };
        let Done::Organization(org) = self.layer.run(&made)? else {
            return broken("making a platform made no organization");
        };
        self.platforms.push((org, ended.unwrap_or_default()));
        line("made")
    }

    fn current_platform(&self) -> OrgId {
        self.platforms.last().map_or(NOBODY.org, |&(org, _)| org)
    }

    fn wallet(&mut self, name: &str, zone: &Zone) -> Lines {
        let platform = self.current_platform();
        if self.wallets.contains_key(name) {
            return broken(format!("there is a wallet named {name} already"));
        }
        let zone = zone.clone();
        let made = Command::CreateOrganization { platform, name: name.to_string(), zone };
        let Done::Organization(org) = self.layer.run(&made)? else {
            return broken("making a wallet made no organization");
        };
        let ended = self.platforms.last().map(|(_, ended)| ended.clone()).unwrap_or_default();
        let wallet = Wallet { org, ended, auto_top_ups: 0, returned: 0 };
        self.wallets.insert(name.to_string(), wallet);
        line("made")
    }

    fn org(&self, wallet: &str) -> OrgId {
        self.wallets.get(wallet).map_or(NOBODY.org, |wallet| wallet.org)
    }

    fn named(&self, name: &str) -> Named {
        let somebody = self.wallets.values().next().map_or(NOBODY.org, |wallet| wallet.org);
        self.rows.get(name).copied().unwrap_or(Named { org: somebody, ..NOBODY })
    }

    fn remember(&mut self, name: &str, org: OrgId, number: i64) {
        self.rows.insert(name.to_string(), Named { org, number });
        self.names.give(org, number, name);
    }

    fn row(&mut self, command: Command) -> Result<i64, Failure> {
        match self.layer.run(&command)? {
            Done::Row(number) => Ok(number),
            other => broken(format!("expected a row, got {other:?}")),
        }
    }

    fn price(&mut self, code: &str, price: &PriceOf, from: Option<When>) -> Lines {
        let platform = self.current_platform();
        let sku = self.skus.get(&(platform, code.to_string())).copied().unwrap_or(0);
        let effective_from = self.instant(from)?;
        let PriceOf { dimension, amount, per_units } = price.clone();
        let command =
            Command::CreatePrice { platform, sku, dimension, amount, per_units, effective_from };
        self.row(command)?;
        line("set")
    }

    fn discount(&mut self, assign: &Assign) -> Lines {
        let platform = self.current_platform();
        let number = |code: &String| self.skus.get(&(platform, code.clone())).copied().unwrap_or(0);
        let command = Command::AssignDiscount {
            org: self.org(&assign.wallet),
            sku: assign.sku.as_ref().map(number),
            bps: assign.bps,
            effective_from: self.instant(assign.from)?,
            effective_until: self.instant(assign.until)?,
        };
        self.row(command)?;
        line("assigned")
    }

    fn coupon(&mut self, coupon: &NewCoupon) -> Lines {
        let platform = self.current_platform();
        self.row(Command::CreateCoupon(Campaign {
            platform,
            code: coupon.code.clone(),
            gift: coupon.gift.clone(),
            starts_at: self.instant(coupon.from)?,
            ends_at: self.instant(coupon.until)?,
            redemptions_max: coupon.most,
            first_purchase_only: coupon.first,
        }))?;
        line("made")
    }

    fn grant(&mut self, grant: &NewGrant) -> Lines {
        let org = self.org(&grant.wallet);
        let number = self.row(Command::GiveGrant {
            org,
            amount: grant.amount,
            priority: grant.priority,
            given: grant.given,
            effective_at: self.instant(grant.from)?,
            expires_at: self.instant(grant.expires)?,
        })?;
        self.remember(&grant.name, org, number);
        line("given")
    }

    fn deposit(&mut self, name: &str, wallet: &str, amount: Amount, fate: Fate) -> Lines {
        let org = self.org(wallet);
        let Done::Deposit(row) = self.layer.run(&Command::StartDeposit { org, amount })? else {
            return broken("starting a deposit made no deposit");
        };
        self.remember(name, org, row.number);
        let settle =
            |player: &mut Player<'a>, answer| player.settle(name, org, row.number, (answer, None));
        match fate {
            Fate::Pending => line("pending"),
            Fate::Answered(answer) => settle(self, answer).and_then(line),
            Fate::Twice => {
                let first = settle(self, RailAnswer::Succeeded)?;
                let second = settle(self, RailAnswer::Succeeded)?;
                line(format!("{first}, again {second}"))
            }
        }
    }

    fn settle(
        &mut self,
        name: &str,
        org: OrgId,
        deposit: i64,
        (answer, paid_at): (RailAnswer, Option<Timestamp>),
    ) -> Result<String, Failure> {
        let Done::Deposit(row) =
            self.layer.run(&Command::SettleDeposit { org, deposit, answer, paid_at })?
        else {
            return broken("settling a deposit made no deposit");
        };
        if let Some(grant) = row.grant {
            self.names.give(org, grant, name);
            self.bought.insert(name.to_string(), Named { org, number: grant });
        }
        Ok(show::deposit_state(&row))
    }

    fn refund(
        &mut self,
        name: &str,
        deposit: &str,
        amount: Option<Amount>,
        by: RefundBy,
    ) -> Result<String, Failure> {
        let Named { org, number: deposit } = self.named(deposit);
        let command = match (by, amount) {
            (RefundBy::Provider, Some(amount)) => {
                Command::ReportRefund { org, deposit, external: name.to_string(), amount }
            }
            _ => {
                let waits = by == RefundBy::UsPending;
                let is_customer = by == RefundBy::Customer;
                let asked_by = if is_customer { AskedBy::Customer } else { AskedBy::Operator };
                Command::StartRefund { org, deposit, amount, waits, asked_by }
            }
        };
        self.refunded(name, command)
    }

    fn dispute(
        &mut self,
        name: &str,
        deposit: &str,
        state: DisputeState,
        withdrawn: Amount,
    ) -> Lines {
        let Named { org, number: deposit } = self.named(deposit);
        let external = name.to_string();
        let reported = Command::ReportDispute { org, deposit, external, state, withdrawn };
        let Done::Dispute(row) = self.layer.run(&reported)? else {
            return broken("reporting a dispute made no dispute");
        };
        self.remember(name, org, row.number);
        line(format!("{}, withdrawn {}", row.state, row.withdrawn))
    }

    fn refunded(&mut self, name: &str, command: Command) -> Result<String, Failure> {
        let Done::Refund(row) = self.layer.run(&command)? else {
            return broken("refunding made no refund");
        };
        if let Command::StartRefund { org, .. } | Command::ReportRefund { org, .. } = command {
            self.remember(name, org, row.number);
            self.refunds.insert(name.to_string());
        }
        Ok(format!("{} {}", row.amount, show::refund_state(&row)))
    }

    fn start(&mut self, start: &Start) -> Lines {
        let Start { resource: name, wallet, sku, labels, at, .. } = start;
        let (org, started_at) = (self.org(wallet), self.instant(*at)?);
        let (waits, heartbeat_seconds) = (start.waits, start.heartbeat_seconds);
        let resource = match self.rows.get(name) {
            Some(named) => named.number,
            None => {
                let (label, sku, labels) = (name.clone(), sku.clone(), labels.clone());
                let resource = self.row(Command::CreateResource { org, label, sku, labels })?;
                self.remember(name, org, resource);
                resource
            }
        };
        let run =
            self.run(Command::StartRun { org, resource, started_at, waits, heartbeat_seconds })?;
        self.remember_run(name, org, &run);
        line(if waits { "admitted" } else { "started" })
    }

    fn remember_run(&mut self, name: &str, org: OrgId, run: &RunRow) {
        self.runs.insert((org, run.resource), run.number);
        self.names.give(org, run.number, name);
    }

    /// The run that a resource has now, or had last.
    fn run_of(&mut self, name: &str) -> Result<(OrgId, i64), Failure> {
        let Named { org, number } = self.named(name);
        // The engine opens runs too: where a size changes with the next block.
        let runs = if number == 0 { Vec::new() } else { self.layer.runs(org)? };
        for run in runs.iter().filter(|run| run.resource == number) {
            self.remember_run(name, org, run);
        }
        Ok((org, self.runs.get(&(org, number)).copied().unwrap_or(0)))
    }

    fn stop(&mut self, name: &str, at: Option<When>, rest: Option<Rest>) -> Lines {
        let ((org, run), stopped_at) = (self.run_of(name)?, self.instant(at)?);
        let run = self.run(Command::StopRun { org, run, stopped_at, rest })?;
        line(format!("{}, cost {}", rest.unwrap_or(Rest::Stopped).name(), run.cost))
    }

    /// What happens to a resource between its start and its stop.
    fn go_on(&mut self, says: &Says) -> Lines {
        match says {
            Says::Ready { resource, at } => {
                let ((org, run), at) = (self.run_of(resource)?, self.instant(*at)?);
                self.run(Command::ReportReady { org, run, at })?;
                line("ready")
            }
            Says::Beat { resource, at } => {
                let ((org, run), at) = (self.run_of(resource)?, self.instant(*at)?);
                self.run(Command::ReportBeat { org, run, at })?;
                line("beats")
            }
            Says::Resize { resource, sku } => {
                let ((org, before), sku) = (self.run_of(resource)?, sku.clone());
                let run = self.run(Command::ResizeRun { org, run: before, sku })?;
                self.remember_run(resource, org, &run);
                line(if run.number == before { "with the next block" } else { "now" })
            }
            Says::Resume { resource } => {
                let Named { org, number } = self.named(resource);
                let run = self.run(Command::ResumeResource { org, resource: number })?;
                self.remember_run(resource, org, &run);
                line("resumed")
            }
            Says::Redeploy { resource, again } => {
                let Named { org, number } = self.named(resource);
                let made = self.row(Command::RedeployResource { org, resource: number })?;
                self.remember(again, org, made);
                line("made again")
            }
            _ => broken("this is not about a run"),
        }
    }

    fn run(&mut self, command: Command) -> Result<RunRow, Failure> {
        match self.layer.run(&command)? {
            Done::Run(run) => Ok(run),
            other => broken(format!("expected a run, got {other:?}")),
        }
    }

    fn usage(&mut self, usage: &Use) -> Lines {
        self.events += 1;
        let id = usage.id.clone().unwrap_or_else(|| format!("use-{}", self.events));
        let command = Command::RecordUsage {
            org: self.org(&usage.wallet),
            id,
            sku: usage.sku.clone(),
            occurred_at: self.instant(usage.at)?,
            quantities: usage.quantities.clone(),
        };
        self.charge(&command)
    }

    fn charge(&mut self, command: &Command) -> Lines {
        let Done::Charge { amount, absorbed, debt, is_duplicate } = self.layer.run(command)? else {
            return broken("usage made no charge");
        };
        let mut text = format!("charged {amount}");
        if !absorbed.is_zero() {
            text.push_str(&format!(", absorbed {absorbed}"));
        }
        if !debt.is_zero() {
            text.push_str(&format!(", debt {debt}"));
        }
        if is_duplicate {
            text.push_str(", recorded before");
        }
        line(text)
    }

    fn auto_top_up(&mut self, wallet: &str, rule: Option<(Amount, Amount)>) -> Lines {
        let org = self.org(wallet);
        let method = self.methods.get(&org).copied().unwrap_or(0);
        let known = self.rules.get(&org).copied().unwrap_or_default();
        let (threshold, amount) = rule.unwrap_or(known);
        let is_on = rule.is_some();
        self.layer.run(&Command::SetAutoTopUp { org, is_on, threshold, amount, method })?;
        self.rules.insert(org, (threshold, amount));
        line(if is_on { "on" } else { "off" })
    }

    fn advance(&mut self, when: When) -> Lines {
        let to = when.instant(self.names.start, self.present()?);
        self.advance_all(to)?;
        self.now = Some(to);
        line(self.names.time(to))
    }

    fn advance_all(&mut self, to: Timestamp) -> Result<(), Failure> {
        for (platform, _) in &self.platforms {
            self.layer.advance(*platform, to)?;
        }
        Ok(())
    }

    fn listing(&mut self, says: &Says) -> Lines {
        let now = self.present()?;
        self.advance_all(now)?;
        match says {
            Says::Balance { wallet, parts } => self.balance(wallet, parts),
            Says::List { wallet, list } => {
                let lines = self.list(wallet, *list)?;
                if lines.is_empty() { line("none") } else { Ok(lines) }
            }
            Says::Report { wallet, by, days } => {
                let org = self.org(wallet);
                let report = self.layer.costs(org, by, *days)?;
                Ok(show::report(org, &report, by, &self.names))
            }
            Says::RollForward { month } => {
                let month = month.or_else(|| Month::of(now));
                let Some(month) = month else { return broken("the clock is in no month") };
                let report = self.layer.roll_forward(self.current_platform(), month)?;
                let lines = show::roll_forward(&report);
                if lines.is_empty() { line("none") } else { Ok(lines) }
            }
            Says::Dearest { wallet, days } => {
                let requests = self.layer.dearest(self.org(wallet), *days)?;
                let lines = requests.iter().map(|row| show::request(row, &self.names));
                let lines: Vec<String> = lines.collect();
                if lines.is_empty() { line("none") } else { Ok(lines) }
            }
            Says::Coupons => {
                let rows = self.layer.coupons(self.current_platform())?;
                Ok(rows.iter().map(show::coupon).collect())
            }
            _ => self.books(),
        }
    }

    fn balance(&mut self, wallet: &str, parts: &[Part]) -> Lines {
        let row = self.layer.balance(self.org(wallet))?;
        line(show::balance(&row, parts))
    }

    fn list(&mut self, wallet: &str, list: List) -> Lines {
        let org = self.org(wallet);
        self.name_what_came_by_itself(wallet)?;
        let names = &self.names;
        match list {
            List::Ledger => {
                let rows = self.layer.ledger(org)?;
                let rows = unseen(&mut self.seen, org, "ledger", &rows);
                Ok(rows.iter().flat_map(|row| show::ledger(org, row, names)).collect())
            }
            List::Spans => {
                let rows = self.layer.ledger(org)?;
                let rows = unseen(&mut self.seen, org, "ledger", &rows);
                Ok(rows.iter().map(|row| show::span(org, row, names)).collect())
            }
            List::Prices => {
                let rows = self.layer.prices(org)?;
                Ok(rows.iter().map(show::price).collect())
            }
            List::Deposits => {
                let rows = self.layer.deposits(org)?;
                Ok(rows.iter().map(|row| show::deposit(org, row, names)).collect())
            }
            List::Refunds => {
                let rows = self.layer.refunds(org)?;
                Ok(rows.iter().map(|row| show::refund(org, row, names)).collect())
            }
            List::Disputes => {
                let rows = self.layer.disputes(org)?;
                Ok(rows.iter().map(|row| show::dispute(org, row, names)).collect())
            }
            List::Grants => {
                let rows = self.layer.grants(org)?;
                Ok(rows.iter().map(|row| show::grant(org, row, names)).collect())
            }
            List::Holds => {
                let rows = self.layer.holds(org)?;
                Ok(rows.iter().map(|row| show::hold(org, row, names)).collect())
            }
            List::Runs => self.runs(wallet),
            List::Resources => {
                let rows = self.layer.resources(org)?;
                Ok(rows.iter().map(|row| show::resource(org, row, names)).collect())
            }
            List::Runway => line(show::runway(&self.layer.balance(org)?, names)),
            List::Projection => Ok(show::projection(&self.layer.projection(org)?, names)),
            List::Mails => {
                let rows = self.layer.events(org)?;
                let rows = unseen(&mut self.seen, org, "mails", &rows);
                let mails = rows.iter().filter(|row| row.is_mailed);
                Ok(mails.map(|row| show::event(org, row, names)).collect())
            }
            List::Events => {
                let rows = self.layer.events(org)?;
                let rows = unseen(&mut self.seen, org, "events", &rows);
                Ok(rows.iter().map(|row| show::event(org, row, names)).collect())
            }
        }
    }

    /// Usage analytics: what each run costs by itself, and what rounding makes of the sum.
    fn runs(&mut self, wallet: &str) -> Lines {
        let org = self.org(wallet);
        let now = self.present()?;
        let rows = self.layer.runs(org)?;
        let ended = self.wallets.get(wallet).map(|wallet| wallet.ended.as_str()).unwrap_or("");
        let names = &self.names;
        let mut lines: Vec<String> =
            rows.iter().map(|row| show::run(org, row, now, ended, names)).collect();
        if !lines.is_empty() {
            let sum: Amount = rows.iter().map(|row| row.cost).sum();
            let ledger = self.layer.ledger(org)?;
            const OF_TIME: [&str; 4] = ["settlement", "correction", "block", "block_reversal"];
            let is_time = |row: &&LedgerRow| OF_TIME.contains(&row.kind.as_str());
            let posted: Amount = ledger.iter().filter(is_time).map(|row| row.amount).sum();
            let total = posted.plus(self.layer.balance(org)?.accrued);
            lines.push(format!("rounding {}, total {total}", total.minus(sum)));
        }
        Ok(lines)
    }

    /// Auto top-ups come from the engine: they and their grants are named `auto-1`, `auto-2`, ….
    /// So do grants of money that had paid a debt which was none: `returned-1`, ….
    fn name_what_came_by_itself(&mut self, wallet: &str) -> Result<(), Failure> {
        let Some(wallet) = self.wallets.get_mut(wallet) else { return Ok(()) };
        let org = wallet.org;
        for row in self.layer.deposits(org)? {
            if row.is_auto_top_up && !self.names.has(org, row.number) {
                wallet.auto_top_ups += 1;
                let name = format!("auto-{}", wallet.auto_top_ups);
                self.names.give(org, row.number, &name);
            }
            if let Some(grant) = row.grant {
                let name = self.names.of(org, row.number);
                self.names.give(org, grant, &name);
            }
        }
        for run in self.layer.runs(org)? {
            let name = self.names.of(org, run.resource);
            self.names.give(org, run.number, &name);
        }
        for row in self.layer.grants(org)? {
            if !self.names.has(org, row.number) {
                let deposit = row.deposit.filter(|_| row.kind == "bonus");
                let of_deposit = deposit.map(|deposit| self.names.of(org, deposit));
                let name = match (of_deposit, row.note.as_str()) {
                    (Some(deposit), "") => format!("{deposit}-bonus"),
                    (Some(deposit), code) => format!("{deposit}-{code}"),
                    (None, "") => {
                        wallet.returned += 1;
                        format!("returned-{}", wallet.returned)
                    }
                    (None, code) => code.to_string(),
                };
                self.names.give(org, row.number, &name);
            }
        }
        Ok(())
    }

    fn books(&mut self) -> Lines {
        let accounts = self.layer.books()?;
        let sum: Amount = accounts.iter().map(|&(_, credit)| credit).sum();
        let accounts = accounts.iter().filter(|(_, credit)| !credit.is_zero());
        let mut lines: Vec<String> = accounts
            .map(|(name, credit)| {
                let side = if credit.is_negative() { "dr" } else { "cr" };
                format!("{name} {} {side}", (*credit).max(credit.negated()))
            })
            .collect();
        lines.push(format!("sum {sum}"));
        Ok(lines)
    }
}

/// The rows that have not been shown under `list` before.
fn unseen<'r, T>(
    seen: &mut BTreeMap<(OrgId, &'static str), usize>,
    org: OrgId,
    list: &'static str,
    rows: &'r [T],
) -> &'r [T] {
    let before = seen.insert((org, list), rows.len()).unwrap_or(0);
    rows.get(before..).unwrap_or_default()
}
