//! What happens, made from a seed: customers, operators, rails, agents and clocks, at their worst.

mod coupons;

use std::collections::BTreeMap;

use domain::{OrgId, Timestamp};

use crate::auditor::{Auditor, Said};
use crate::chance::Chance;
use crate::command::{Action, Rail, Step};
use crate::platforms;
use crate::world::{Waiting, World};

const UNIT: i64 = 1_000_000_000;
const SECOND: i64 = 1_000_000;

#[derive(Clone, Debug, Default)]
struct Customer {
    platform: Option<OrgId>,
    resources: Vec<i64>,
    runs: Vec<i64>,
    holds: Vec<i64>,
    grants: Vec<i64>,
    methods: Vec<i64>,
    deposits: Vec<i64>,
    refunds: Vec<i64>,
    caps: Vec<i64>,
    /// Its claims, by coupon.
    claims: BTreeMap<i64, i64>,
    events: Vec<Action>,
}

#[derive(Clone, Debug)]
struct Cloud {
    org: OrgId,
    live: bool,
    clock: Timestamp,
    skus: Vec<i64>,
    coupons: Vec<coupons::Known>,
}

/// What the world shows a workload besides the answers.
pub struct Sight<'a> {
    pub world: &'a dyn World,
    pub auditor: &'a Auditor,
}

impl Sight<'_> {
    fn now(&self) -> Timestamp {
        self.world.now()
    }
}

pub struct Workload {
    chance: Chance,
    clouds: Vec<Cloud>,
    customers: BTreeMap<OrgId, Customer>,
    event_count: i64,
    queue: Vec<Step>,
    outage: i64,
}

impl Workload {
    pub fn new(seed: u64) -> Workload {
        Workload {
            chance: Chance::new(seed),
            clouds: Vec::new(),
            customers: BTreeMap::new(),
            event_count: 0,
            queue: Vec::new(),
            outage: 0,
        }
    }

    /// The founding: clouds, what they sell, and their customers.
    pub fn setup(&mut self, now: Timestamp, clouds: usize) -> Vec<Step> {
        let mut steps = Vec::new();
        for _ in 0..clouds {
            let platforms::Platform { profile, settings, .. } = platforms::draw(&mut self.chance);
            let org = self.draw_org();
            let is_test = self.chance.one_in(2);
            let clock = is_test.then(|| now.plus_seconds(self.chance.between(-90_000, 90_000)));
            self.clouds.push(Cloud {
                org,
                live: clock.is_none(),
                clock: clock.unwrap_or(now),
                skus: Vec::new(),
                coupons: Vec::new(),
            });
            steps.push(Step::Batch(vec![Action::CreatePlatform { org, profile, settings, clock }]));
            steps.push(Step::Batch(self.skus(org)));
            for _ in 0..3 {
                let customer = self.draw_org();
                let platform = org;
                let zone = *self.chance.pick(&platforms::ZONES).expect("there are some");
                steps.push(Step::Batch(vec![Action::CreateOrganization {
                    org: customer,
                    platform,
                    zone,
                }]));
                let known = Customer { platform: Some(platform), ..Customer::default() };
                self.customers.insert(customer, known);
            }
        }
        steps
    }

    fn draw_org(&mut self) -> OrgId {
        let bucket = self.chance.below(1_024);
        OrgId::new(bucket, self.chance.next())
    }

    fn skus(&self, platform: OrgId) -> Vec<Action> {
        let sku = |(code, class): &(&str, &'static str)| Action::CreateSku {
            platform,
            code: (*code).to_owned(),
            class,
        };
        SKUS.iter().map(sku).collect()
    }

    /// Learns the numbers of what was made.
    pub fn learn(&mut self, action: &Action, said: &Said) {
        if let Action::StartRun { org, resource, .. } = action
            && said.words == "refused resource_paused"
        {
            let (org, resource) = (*org, *resource);
            self.queue.push(Step::Batch(vec![Action::Resume { org, resource }]));
        }
        if said.words.starts_with("refused") {
            return;
        }
        if let Action::CreateSku { platform, .. } = action {
            let cloud = self.clouds.iter_mut().find(|cloud| cloud.org == *platform).unwrap();
            cloud.skus.push(said.number);
            if cloud.skus.len() == SKUS.len() {
                let (platform, skus) = (cloud.org, cloud.skus.clone());
                let prices = self.first_prices(platform, &skus);
                self.queue.push(Step::Batch(prices));
            }
        }
        if let Action::Move { platform, to, .. } = action {
            let cloud = self.clouds.iter_mut().find(|cloud| cloud.org == *platform).unwrap();
            cloud.clock = *to;
        }
        self.learn_coupon(action, said);
        let Some(customer) = self.customers.get_mut(&action.org()) else { return };
        match action {
            Action::Give { .. } => customer.grants.push(said.number),
            Action::Cap { .. } => customer.caps.push(said.number),
            Action::SaveMethod { .. } => customer.methods.push(said.number),
            Action::StartDeposit { .. } => customer.deposits.push(said.number),
            Action::CreateResource { .. } => customer.resources.push(said.number),
            Action::StartRun { .. } | Action::Resume { .. } => customer.runs.push(said.number),
            Action::Resize { .. } if !customer.runs.contains(&said.number) => {
                customer.runs.push(said.number);
            }
            Action::StopRun { run, .. } => customer.runs.retain(|other| other != run),
            Action::Hold { .. } => customer.holds.push(said.number),
            Action::Refund { .. } | Action::ReportRefund { .. } => {
                customer.refunds.push(said.number);
            }
            Action::SettleDeposit { deposit, .. } if !customer.deposits.contains(deposit) => {
                customer.deposits.push(*deposit);
            }
            _ => {}
        }
    }

    fn first_prices(&mut self, platform: OrgId, skus: &[i64]) -> Vec<Action> {
        let mut prices = Vec::new();
        for (&sku, (code, _)) in skus.iter().zip(SKUS) {
            let dimensions: &[(&str, i64)] = match *code {
                "gpu" => &[("seconds", 3_600)],
                "cpu" => &[("seconds", 60), ("calls", 1_000)],
                "disk" => &[("seconds", 86_400)],
                _ => &[("tokens_in", 1_000_000), ("tokens_out", 1_000_000)],
            };
            for &(dimension, per) in dimensions {
                let most = if dimension == "seconds" { 3 } else { 40 };
                let amount = self.chance.between(1, most * UNIT);
                let dimension = dimension.to_owned();
                prices.push(Action::CreatePrice {
                    platform,
                    sku,
                    dimension,
                    amount,
                    per,
                    from: None,
                });
            }
        }
        prices
    }

    /// The next thing that happens.
    pub fn next(&mut self, sight: &Sight<'_>) -> Step {
        if let Some(step) = self.queue.pop() {
            return step;
        }
        match self.chance.below(100) {
            0..=54 => self.batch(sight),
            55..=72 => self.time(),
            73..=82 => self.advance(),
            83..=90 => self.answers(sight),
            91..=95 => self.prices(sight),
            96 | 97 => Step::Behind,
            _ => Step::Restart,
        }
    }

    /// The wall clock moves; the lane wakes unless there is an outage.
    fn time(&mut self) -> Step {
        let micros = match self.chance.below(20) {
            0 => -self.chance.between(1, 600 * SECOND),
            1 => self.chance.between(1, 3 * 86_400) * SECOND,
            2..=4 => self.chance.between(1, 20_000 * SECOND),
            5..=9 => self.chance.between(1, 3_600) * SECOND,
            10 => self.chance.between(1, 999_999),
            _ => self.chance.between(1, 90) * SECOND,
        };
        if self.outage > 0 {
            self.outage -= 1;
        } else if self.chance.one_in(12) {
            self.outage = self.chance.between(1, 4);
        } else {
            self.queue.push(Step::Wake);
        }
        Step::Tick { micros }
    }

    fn advance(&mut self) -> Step {
        let tests: Vec<Cloud> = self.clouds.iter().filter(|cloud| !cloud.live).cloned().collect();
        let Some(cloud) = self.chance.pick(&tests).cloned() else { return self.time() };
        let micros = match self.chance.below(10) {
            0 => self.chance.between(1, 4 * 86_400) * SECOND,
            1..=3 => self.chance.between(1, 20_000 * SECOND),
            4 => 0,
            _ => self.chance.between(1, 3_600) * SECOND,
        };
        let to = Timestamp::from_micros(cloud.clock.micros() + micros);
        Step::Advance { platform: cloud.org, to }
    }

    /// Rails and agents answer: in any order, twice, with second thoughts, or late.
    fn answers(&mut self, sight: &Sight<'_>) -> Step {
        let mut batch = Vec::new();
        for (org, waiting) in sight.world.waiting() {
            if !self.chance.one_in(4) {
                let settle = match waiting {
                    Waiting::Charge(deposit, outcome) => {
                        Action::SettleDeposit { org, deposit, outcome, paid: None, fee: self.fee() }
                    }
                    Waiting::Refund(refund) => {
                        Action::SettleRefund { org, refund, paid: !self.chance.one_in(4) }
                    }
                };
                if self.chance.one_in(4) {
                    batch.push(settle.clone());
                }
                batch.push(settle);
            }
        }
        for (org, stop_at, runs) in sight.world.stop_orders(&sight.auditor.orgs()) {
            if stop_at <= sight.now() && !self.chance.one_in(3) {
                let stop = |run| Action::StopRun { org, run, at: Some(stop_at) };
                batch.extend(runs.into_iter().map(stop));
            }
        }
        if batch.is_empty() { self.batch(sight) } else { Step::Batch(batch) }
    }

    fn prices(&mut self, sight: &Sight<'_>) -> Step {
        let cloud = self.chance.pick(&self.clouds).unwrap().clone();
        let Some(&sku) = self.chance.pick(&cloud.skus) else { return self.batch(sight) };
        let now = if cloud.live { sight.now() } else { cloud.clock };
        let (dimension, per) = *self
            .chance
            .pick(&[
                ("seconds", 3_600),
                ("seconds", 7),
                ("tokens_in", 1_000),
                ("calls", 1),
                ("calls", 2),
            ])
            .unwrap();
        let from = match self.chance.below(4) {
            0 => None,
            1 => Some(now.plus_seconds(-self.chance.between(0, 90_000))),
            _ => Some(now.plus_seconds(self.chance.between(0, 90_000))),
        };
        let amount = self.chance.between(0, 3 * UNIT) / if per < 100 { 300 } else { 1 };
        let (platform, dimension) = (cloud.org, dimension.to_owned());
        Step::Batch(vec![Action::CreatePrice { platform, sku, dimension, amount, per, from }])
    }

    fn batch(&mut self, sight: &Sight<'_>) -> Step {
        let orgs: Vec<OrgId> = self.customers.keys().copied().collect();
        let count = if self.chance.one_in(3) { self.chance.between(2, 7) } else { 1 };
        let mut org = *self.chance.pick(&orgs).unwrap();
        let mut batch = Vec::new();
        for _ in 0..count {
            if self.chance.one_in(3) {
                org = *self.chance.pick(&orgs).unwrap();
            }
            batch.push(self.action(org, sight));
        }
        Step::Batch(batch)
    }

    /// A reported time: mostly now, sometimes early, late, or too far off.
    fn reported(&mut self, now: Timestamp) -> Option<Timestamp> {
        let seconds = match self.chance.below(12) {
            0..=4 => return None,
            5 | 6 => -self.chance.between(1, 300),
            7 | 8 => -self.chance.between(1, 20_000),
            9 => -self.chance.between(1, 80 * 3_600),
            10 => 0,
            _ => self.chance.between(1, 320),
        };
        let micros = if self.chance.one_in(3) { self.chance.below(SECOND) } else { 0 };
        Some(Timestamp::from_micros(now.plus_seconds(seconds).micros() + micros))
    }

    fn money(&mut self, units: i64) -> i64 {
        let nanos = self.chance.between(1, units * UNIT);
        if self.chance.one_in(2) { nanos - nanos % 10_000_000 + 10_000_000 } else { nanos }
    }

    fn action(&mut self, org: OrgId, sight: &Sight<'_>) -> Action {
        let mut known = self.customers[&org].clone();
        // Runs that went on for others when a block was due.
        let open = sight.auditor.open_runs(org);
        known.runs.extend(open.into_iter().filter(|run| !self.customers[&org].runs.contains(run)));
        let cloud = self.clouds.iter().find(|it| Some(it.org) == known.platform).unwrap();
        let now = if cloud.live { sight.now() } else { cloud.clock };
        let cloud = cloud.clone();
        let chosen = match self.chance.below(64) {
            0..=3 => Some(self.give(org, now)),
            4 => self.chance.pick(&known.grants).map(|&grant| Action::Void { org, grant }),
            5..=8 => Some(self.pay(org, &known, now)),
            9 | 10 => Some(self.method(org, &known)),
            11 | 12 => self.refill(org, &known),
            13 => {
                let limit = (!self.chance.one_in(5)).then(|| self.money(60));
                Some(Action::Limit { org, limit })
            }
            14..=16 => self.start(org, &known, now),
            44..=47 => {
                let run = self.chance.pick(&known.runs).copied();
                run.map(|run| self.life(org, run, now))
            }
            51 => {
                let bps = *self.chance.pick(&[0, 725, 1_900, 2_000, 10_000, 10_001]).unwrap();
                Some(Action::Tax { org, bps })
            }
            48..=50 => {
                let (sku, _) = *self.chance.pick(SKUS).unwrap();
                let run = self.chance.pick(&known.runs).copied();
                run.map(|run| Action::Resize { org, run, sku })
            }
            17..=20 => {
                let run = self.chance.pick(&known.runs).copied();
                run.map(|run| Action::StopRun { org, run, at: self.reported(now) })
            }
            21..=24 => {
                let seconds = (!self.chance.one_in(3)).then(|| self.chance.between(1, 8_000));
                let (amount, label) = (self.money(12), self.label());
                Some(Action::Hold { org, amount, seconds, label })
            }
            25..=27 => self.resolve(org, &known),
            28..=33 => self.money_back(org, &known),
            34 | 35 => self.reverse(org, &known),
            36 | 37 => Some(self.discount(org, &cloud.skus, now)),
            38..=40 => Some(self.cap(org, &known)),
            41..=43 => Some(self.coupon(org, &cloud, now)),
            _ => Some(self.usage(org, &known, now)),
        };
        chosen.unwrap_or_else(|| self.start(org, &known, now).unwrap_or_else(|| self.resource(org)))
    }

    /// A promotion: half of them begin later, mostly soon, and some do not begin before they end.
    fn give(&mut self, org: OrgId, now: Timestamp) -> Action {
        let micros = if self.chance.one_in(3) { self.chance.below(SECOND) } else { 0 };
        let seconds = match self.chance.below(8) {
            0..=3 => None,
            4 => Some(self.chance.between(-600, 600)),
            5 | 6 => Some(self.chance.between(0, 9_000)),
            _ => Some(self.chance.between(0, 200_000)),
        };
        let from = seconds.map(|it| Timestamp::from_micros(now.plus_seconds(it).micros() + micros));
        let expires = match self.chance.below(4) {
            0 => None,
            1 => Some(now.plus_seconds(self.chance.between(-2, 4_000))),
            2 => {
                Some(Timestamp::from_micros(now.micros() + self.chance.between(1, 90_000 * SECOND)))
            }
            _ => Some(now.plus_seconds(self.chance.between(1, 400_000))),
        };
        let priority = *self.chance.pick(&[50, 50, 50, 10, 90]).unwrap();
        Action::Give { org, amount: self.money(25), priority, from, expires }
    }

    /// A discount for one thing or for everything, from now on or from later, for good or for a
    /// while; some of them cannot be.
    fn discount(&mut self, org: OrgId, skus: &[i64], now: Timestamp) -> Action {
        let sku = match self.chance.below(10) {
            0..=4 => None,
            5 => Some(1),
            _ => self.chance.pick(skus).copied(),
        };
        let bps = match self.chance.below(16) {
            0 | 1 => 0,
            2 => 10_000,
            3 => 10_001,
            _ => self.chance.between(1, 6_000),
        };
        let micros = self.chance.below(SECOND);
        let plus =
            |seconds: i64| Timestamp::from_micros(now.plus_seconds(seconds).micros() + micros);
        let from = self.chance.one_in(2).then(|| plus(self.chance.between(-1, 40_000)));
        let until = self.chance.one_in(2).then(|| plus(self.chance.between(0, 90_000)));
        Action::Discount { org, sku, bps, from, until }
    }

    fn label(&mut self) -> Option<&'static str> {
        let labels = [
            None,
            Some("project=alpha"),
            Some("project=beta"),
            Some("member=alpha"),
            Some("api_key=gamma"),
        ];
        *self.chance.pick(&labels).expect("there are some")
    }

    /// A cap for the day or the month, of all or of a label; now and then one is removed.
    fn cap(&mut self, org: OrgId, known: &Customer) -> Action {
        if self.chance.one_in(5)
            && let Some(&limit) = self.chance.pick(&known.caps)
        {
            return Action::Uncap { org, limit };
        }
        let most = match self.chance.below(12) {
            0 => -1,
            1 => 0,
            _ => self.money(80),
        };
        let monthly = self.chance.one_in(2);
        Action::Cap { org, label: self.label(), monthly, most }
    }

    fn pay(&mut self, org: OrgId, known: &Customer, now: Timestamp) -> Action {
        if !known.deposits.is_empty() && !self.chance.one_in(3) {
            // The newest twice as often, but old ones are heard of again too.
            let newest = *known.deposits.last().unwrap();
            let any = *self.chance.pick(&known.deposits).unwrap();
            let deposit = if self.chance.one_in(2) { newest } else { any };
            let rails = [Rail::Pays, Rail::Pays, Rail::Pays, Rail::Declines, Rail::Asks];
            let outcome = *self.chance.pick(&rails).unwrap();
            let paid = self.chance.one_in(3).then(|| self.paid_before(now));
            let fee = self.fee();
            return Action::SettleDeposit { org, deposit, outcome, paid, fee };
        }
        let cents = self.chance.between(1_400, 9_000);
        let odd = if self.chance.one_in(10) { 1 } else { 0 };
        Action::StartDeposit { org, amount: cents * 10_000_000 + odd }
    }

    /// What the provider kept of it: mostly told later, and by some told differently.
    fn fee(&mut self) -> Option<i64> {
        let fees = [0, UNIT / 2, UNIT / 2, 29_000_001, -1, 100 * UNIT];
        if self.chance.one_in(3) { self.chance.pick(&fees).copied() } else { None }
    }

    /// When the money was paid that is confirmed now.
    fn paid_before(&mut self, now: Timestamp) -> Timestamp {
        let seconds = match self.chance.below(3) {
            0 => self.chance.between(-600, 600),
            1 => self.chance.between(0, 90_000),
            _ => self.chance.between(0, 40 * 86_400),
        };
        now.plus_seconds(-seconds)
    }

    /// Refunds, disputes, and what operators and rails say about them.
    fn money_back(&mut self, org: OrgId, known: &Customer) -> Option<Action> {
        let deposit = *self.chance.pick(&known.deposits)?;
        let cents = self.chance.between(-1, 4_000);
        let odd = if self.chance.one_in(20) { 3 } else { 0 };
        let amount = cents * 10_000_000 + odd;
        Some(match self.chance.below(12) {
            0..=3 => {
                let amount = self.chance.one_in(2).then_some(amount);
                let by_customer = self.chance.one_in(2);
                Action::Refund { org, deposit, amount, by_customer }
            }
            4 => {
                let refund = *self.chance.pick(&known.refunds)?;
                Action::SettleRefund { org, refund, paid: self.chance.one_in(2) }
            }
            5 => {
                let external = format!("r{}", self.chance.below(30));
                Action::ReportRefund { org, deposit, external, amount }
            }
            6 => Action::ReleaseFreeze { org },
            _ => {
                // Most reports are about the dispute of this deposit, some mix deposits up.
                let external = if self.chance.one_in(12) { 7 } else { deposit };
                let states = ["open", "open", "open", "won", "lost", "inquiry"];
                let state = *self.chance.pick(&states).expect("there are some");
                let withdrawn = if self.chance.one_in(3) { 0 } else { amount };
                Action::Dispute { org, deposit, external: format!("d{external}"), state, withdrawn }
            }
        })
    }

    fn reverse(&mut self, org: OrgId, known: &Customer) -> Option<Action> {
        let Action::Usage { id, .. } = self.chance.pick(&known.events)? else { return None };
        Some(Action::Reverse { org, id: id.clone() })
    }

    fn rail(&mut self) -> Rail {
        *self
            .chance
            .pick(&[Rail::Pays, Rail::Pays, Rail::Pays, Rail::Declines, Rail::Asks])
            .unwrap()
    }

    fn method(&mut self, org: OrgId, known: &Customer) -> Action {
        let answers = self.rail();
        match self.chance.pick(&known.methods) {
            Some(&method) if !self.chance.one_in(4) => {
                Action::ChangeMethod { org, method, answers }
            }
            _ => Action::SaveMethod { org, answers },
        }
    }

    fn refill(&mut self, org: OrgId, known: &Customer) -> Option<Action> {
        let method = *self.chance.pick(&known.methods)?;
        let enabled = !self.chance.one_in(6);
        let threshold = self.chance.between(5, 40) * UNIT;
        let amount = self.chance.between(15, 60) * UNIT;
        let daily = self.chance.one_in(4).then(|| self.chance.between(0, 3));
        let monthly = self.chance.one_in(4).then(|| self.chance.between(10, 200) * UNIT);
        Some(Action::AutoTopUp { org, enabled, threshold, amount, method, daily, monthly })
    }

    fn resource(&mut self, org: OrgId) -> Action {
        let (sku, _) = *self.chance.pick(&SKUS[..3]).unwrap();
        Action::CreateResource { org, sku: sku.to_owned(), label: self.label() }
    }

    fn start(&mut self, org: OrgId, known: &Customer, now: Timestamp) -> Option<Action> {
        if known.resources.len() < 4 && !self.chance.one_in(3) {
            return Some(self.resource(org));
        }
        let resource = *self.chance.pick(&known.resources)?;
        let silence = match self.chance.below(30) {
            0 => Some(9),
            1..=6 => Some(*self.chance.pick(&[10, 600, 4_000, 20_000, 86_400]).unwrap()),
            _ => None,
        };
        let (at, waits) = (self.reported(now), self.chance.one_in(6));
        Some(Action::StartRun { org, resource, at, waits, silence })
    }

    /// A run is ready, or shows that it runs.
    fn life(&mut self, org: OrgId, run: i64, now: Timestamp) -> Action {
        let at = self.reported(now);
        match self.chance.one_in(3) {
            true => Action::Ready { org, run, at },
            false => Action::Beat { org, run, at },
        }
    }

    fn resolve(&mut self, org: OrgId, known: &Customer) -> Option<Action> {
        let recent = &known.holds[known.holds.len().saturating_sub(3)..];
        let hold = *self.chance.pick(recent)?;
        Some(match self.chance.below(4) {
            0 => Action::Release { org, hold },
            1 => Action::Capture { org, hold, amount: None },
            _ => Action::Capture { org, hold, amount: Some(self.money(10)) },
        })
    }

    /// A usage event: new, the same again, or another one under an old name.
    fn usage(&mut self, org: OrgId, known: &Customer, now: Timestamp) -> Action {
        if self.chance.one_in(5)
            && let Some(again) = self.chance.pick(&known.events).cloned()
        {
            if !self.chance.one_in(3) {
                return again;
            }
            let Action::Usage { id, .. } = again else { return again };
            return self.event(org, id, now);
        }
        self.event_count += 1;
        let event = self.event(org, format!("e{}", self.event_count), now);
        self.customers.get_mut(&org).unwrap().events.push(event.clone());
        event
    }

    fn event(&mut self, org: OrgId, id: String, now: Timestamp) -> Action {
        let (sku, first, second) = *self
            .chance
            .pick(&[
                ("llm", "tokens_in", "tokens_out"),
                ("llm", "tokens_in", "tokens_out"),
                ("cpu", "calls", "calls"),
                ("disk", "seconds", "tokens_in"),
                ("nothing", "calls", "calls"),
            ])
            .unwrap();
        let mut quantities = vec![(first.to_owned(), self.chance.between(0, 300_000))];
        if second != first && self.chance.one_in(2) {
            quantities.push((second.to_owned(), self.chance.between(0, 90_000)));
        }
        let (at, label) = (self.reported(now), self.label());
        Action::Usage { org, id, sku: sku.to_owned(), at, quantities, label }
    }
}

const SKUS: &[(&str, &str)] =
    &[("gpu", "compute"), ("cpu", "compute"), ("disk", "storage"), ("llm", "model")];
