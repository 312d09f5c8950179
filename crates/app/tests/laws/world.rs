//! A world made from a seed: one platform with a test clock, one wallet, and commands at random.

use app::operation::{Answer, Operation};
use app::operations::announce_price::AnnouncePrice;
use app::operations::assign_discount::AssignDiscount;
use app::operations::capture_hold::CaptureHold;
use app::operations::change_payment_method::ChangePaymentMethod;
use app::operations::change_profile::ChangeProfile;
use app::operations::create_organization::CreateOrganization;
use app::operations::create_platform::CreatePlatform;
use app::operations::create_price::CreatePrice;
use app::operations::create_resource::CreateResource;
use app::operations::create_sku::{CreateSku, SkuFacts};
use app::operations::give_grant::GiveGrant;
use app::operations::move_clock::MoveClock;
use app::operations::place_hold::PlaceHold;
use app::operations::record_usage::RecordUsage;
use app::operations::redeploy_resource::RedeployResource;
use app::operations::release_freeze::ReleaseFreeze;
use app::operations::release_hold::ReleaseHold;
use app::operations::report_beat::ReportBeat;
use app::operations::report_dispute::ReportDispute;
use app::operations::report_ready::ReportReady;
use app::operations::report_refund::ReportRefund;
use app::operations::resize_run::ResizeRun;
use app::operations::resume_resource::ResumeResource;
use app::operations::reverse_usage::{ReverseUsage, reversal_key};
use app::operations::save_payment_method::SavePaymentMethod;
use app::operations::set_auto_top_up::SetAutoTopUp;
use app::operations::set_user_limit::SetUserLimit;
use app::operations::settle_deposit::SettleDeposit;
use app::operations::settle_refund::SettleRefund;
use app::operations::start_deposit::StartDeposit;
use app::operations::start_refund::{RailAnswers, StartRefund};
use app::operations::start_run::StartRun;
use app::operations::stop_run::StopRun;
use app::operations::void_grant::VoidGrant;
use app::operations::wake_wallet::WakeWallet;
use domain::calendar::Zone;
use domain::deposit::{Behaviour, Deposit, DepositState, Payment, PaymentMethod, PaymentOutcome};
use domain::dispute::{Dispute, DisputeState};
use domain::grant::{Grant, GrantKind, PRIORITY_DEFAULT, Posting};
use domain::hold::Hold;
use domain::label::Labels;
use domain::ledger::{EventKey, TransactionKind};
use domain::price::{AppliesTo, TIME_DIMENSION};
use domain::refund::{AskedBy, Refund, RefundOutcome};
use domain::run::{Resource, ResourceClass, Rest, Run};
use domain::settle::{Draft, post};
use domain::top_up::Caps;
use domain::wallet::Wallet;
use domain::workset::Platform;
use domain::{Amount, OrgId, Refusal, Timestamp, Workset};

use super::chance::Chance;
use super::profiles::PROFILES;

#[derive(Clone, Debug)]
pub enum Step {
    Grant {
        amount: Amount,
        priority: i64,
        effective_in: Option<i64>,
        expires_in: Option<i64>,
    },
    Void {
        pick: usize,
    },
    Deposit {
        amount: Amount,
        outcomes: Vec<PaymentOutcome>,
    },
    Bonus {
        pick: usize,
        amount: Amount,
    },
    Refund {
        pick: usize,
        amount: Option<Amount>,
        rail: RailAnswers,
    },
    SettleRefund {
        pick: usize,
        is_paid: bool,
    },
    ReportRefund {
        id: i64,
        pick: usize,
        amount: Amount,
    },
    Dispute {
        pick: usize,
        state: DisputeState,
        withdrawn: Amount,
    },
    ReleaseFreeze,
    /// Somebody means to pay.
    Promise {
        amount: Amount,
    },
    /// A payment is confirmed, which was made so long after it was meant to be.
    Late {
        pick: usize,
        after: i64,
    },
    Reverse {
        id: i64,
    },
    Start {
        resource: usize,
        offset: i64,
        waits: bool,
        heartbeat_seconds: Option<i64>,
    },
    Stop {
        resource: usize,
        offset: i64,
        rest: Option<Rest>,
    },
    Ready {
        resource: usize,
        offset: i64,
    },
    Beat {
        resource: usize,
        offset: i64,
    },
    Resize {
        resource: usize,
        sku: &'static str,
    },
    Hold {
        amount: Amount,
        seconds: i64,
    },
    Capture {
        pick: usize,
        amount: Option<Amount>,
    },
    Release {
        pick: usize,
    },
    Use {
        id: i64,
        quantity: i64,
        offset: i64,
    },
    Card {
        behaviour: Behaviour,
    },
    TopUp {
        enabled: bool,
        threshold: i64,
        amount: i64,
        daily_attempts_max: Option<i64>,
    },
    Limit {
        limit: Option<Amount>,
    },
    Discount {
        bps: i64,
        of_one: bool,
        from: i64,
        seconds: Option<i64>,
        applies_to: AppliesTo,
    },
    /// A price that applies to what runs.
    Announce {
        pick: usize,
        amount: Amount,
        from: i64,
    },
    /// Another version of the profile, announced so many seconds ahead.
    Turn {
        settings: &'static str,
        ahead: i64,
    },
    Advance {
        micros: i64,
    },
}

/// What a law lets happen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Manners {
    /// Anything that a client can send.
    Any,
    /// Only what cannot overspend by being reported late or ahead, and nothing that zero leaves
    /// running.
    Orderly,
}

pub const RESOURCES: usize = 5;

fn nanos(chance: &mut Chance, units: i64) -> Amount {
    let nanos = chance.below(units * 1_000_000_000) + 1;
    let cents = 10_000_000;
    Amount::from_nanos(if chance.one_in(2) { (nanos / cents + 1) * cents } else { nanos })
}

fn usage_key(id: i64) -> EventKey {
    EventKey { source: "law".into(), id: id.to_string() }
}

/// As good as random and never the same for two keys of one world.
fn usage_hash(key: &EventKey) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    key.source.bytes().chain(key.id.bytes()).fold(0xcbf2_9ce4_8422_2325, mix)
}

fn cents(chance: &mut Chance, units: i64) -> Amount {
    Amount::from_nanos((chance.below(units * 100) + 1) * 10_000_000)
}

fn paid(external: &str, paid_at: Option<Timestamp>, fee: Option<Amount>) -> PaymentOutcome {
    let external = external.into();
    PaymentOutcome::Succeeded(Payment { external, paid_at, fee, ..Payment::default() })
}

fn outcome(chance: &mut Chance) -> PaymentOutcome {
    match chance.below(6) {
        0 => PaymentOutcome::Declined { reason: "card declined".into() },
        1 => PaymentOutcome::NeedsAuthentication,
        _ => paid("sandbox_1", None, chance.one_in(4).then(|| cents(chance, 1))),
    }
}

fn offset(chance: &mut Chance, manners: Manners, ahead: i64) -> i64 {
    match (manners, chance.below(8)) {
        (Manners::Any, 0) => -chance.below(80 * 3_600),
        (Manners::Any, 1) => -chance.below(1_200),
        (_, 2) => chance.below(ahead + 1),
        _ => 0,
    }
}

pub fn steps(chance: &mut Chance, manners: Manners, count: usize) -> Vec<Step> {
    let fraction = chance.one_in(3);
    let pick = |chance: &mut Chance| usize::try_from(chance.below(64)).unwrap();
    let resource = |chance: &mut Chance| {
        let count = if manners == Manners::Any { RESOURCES } else { RESOURCES - 1 };
        // The last one twice as often: where all are, it is what is stored.
        (pick(chance) % (count + 1)).min(count - 1)
    };
    let mut steps = Vec::new();
    for id in 0..i64::try_from(count).unwrap() {
        steps.push(match chance.below(46) {
            0 | 1 => Step::Grant {
                amount: nanos(chance, 30),
                priority: [50, 50, 50, 10, 90][pick(chance) % 5],
                effective_in: Some(chance.below(86_400)).filter(|_| chance.one_in(5)),
                expires_in: if chance.one_in(2) {
                    Some(chance.below(3 * 86_400) + 1)
                } else {
                    None
                },
            },
            2 => Step::Void { pick: pick(chance) },
            3 | 4 => Step::Deposit {
                amount: Amount::from_nanos((chance.below(6_000) + 1_000) * 10_000_000),
                outcomes: (0..chance.below(3) + 1).map(|_| outcome(chance)).collect(),
            },
            5..=7 | 38 => {
                let ahead = if manners == Manners::Any { 300 } else { 0 };
                let offset = offset(chance, manners, ahead);
                let is_any = manners == Manners::Any;
                let heartbeat_seconds =
                    if is_any && chance.one_in(8) { Some(chance.below(7_200) + 10) } else { None };
                let waits = is_any && chance.one_in(8);
                Step::Start { resource: resource(chance), offset, waits, heartbeat_seconds }
            }
            8 | 9 | 39 => {
                let ahead = if manners == Manners::Any { 300 } else { 0 };
                let offset = offset(chance, manners, ahead);
                let rests = [None, None, Some(Rest::Paused), Some(Rest::Terminated)];
                Step::Stop { resource: resource(chance), offset, rest: rests[pick(chance) % 4] }
            }
            10 | 11 => Step::Hold { amount: nanos(chance, 10), seconds: chance.below(7_200) + 1 },
            12 => {
                let amount = if chance.one_in(2) { Some(nanos(chance, 8)) } else { None };
                Step::Capture { pick: pick(chance), amount }
            }
            13 => Step::Release { pick: pick(chance) },
            14 | 15 => Step::Use {
                id,
                quantity: chance.below(9_000) + 1,
                offset: offset(chance, manners, 0),
            },
            16 => Step::Card {
                behaviour: match (manners, chance.below(4)) {
                    (_, 0) => Behaviour::Declines,
                    (Manners::Any, 1) => Behaviour::ALL[2 + pick(chance) % 2],
                    _ => Behaviour::Succeeds,
                },
            },
            17 => Step::TopUp {
                enabled: !chance.one_in(4),
                threshold: chance.below(25) + 4,
                amount: chance.below(40) + 14,
                daily_attempts_max: chance.one_in(3).then(|| chance.below(3) + 1),
            },
            18 if chance.one_in(3) => Step::Discount {
                bps: chance.below(4_001),
                of_one: chance.one_in(2),
                from: if chance.one_in(2) { 0 } else { chance.below(100_000) },
                seconds: if chance.one_in(2) { Some(chance.below(200_000)) } else { None },
                applies_to: AppliesTo::ALL[pick(chance) % 2],
            },
            18 if chance.one_in(2) => Step::Announce {
                pick: pick(chance),
                amount: nanos(chance, 5),
                from: chance.below(100_000),
            },
            18 => {
                Step::Limit { limit: if chance.one_in(4) { None } else { Some(nanos(chance, 20)) } }
            }
            24 => Step::Bonus { pick: pick(chance), amount: nanos(chance, 9) },
            25 | 26 => Step::Refund {
                pick: pick(chance),
                amount: if chance.one_in(2) { Some(cents(chance, 30)) } else { None },
                rail: [RailAnswers::AtOnce, RailAnswers::WhenDecided][pick(chance) % 2],
            },
            27 | 28 => Step::SettleRefund { pick: pick(chance), is_paid: chance.one_in(3) },
            29 if manners == Manners::Any => {
                Step::ReportRefund { id, pick: pick(chance), amount: cents(chance, 20) }
            }
            30..=32 if manners == Manners::Any => Step::Dispute {
                pick: pick(chance),
                state: DisputeState::ALL[pick(chance) % 4],
                withdrawn: if chance.one_in(3) { Amount::ZERO } else { cents(chance, 20) },
            },
            33 if id % 2 == 0 => Step::ReleaseFreeze,
            33 => Step::Reverse { id: chance.below(id + 1) },
            34 | 35 => Step::Promise {
                amount: Amount::from_nanos((chance.below(6_000) + 1_500) * 10_000_000),
            },
            36 | 37 => Step::Late { pick: pick(chance), after: chance.below(20 * 86_400) },
            40 => Step::Ready { resource: resource(chance), offset: offset(chance, manners, 0) },
            42 | 43 => Step::Beat { resource: resource(chance), offset: 0 },
            41 => {
                let sku = ["gpu", "odd", "day", "disk"][pick(chance) % 4];
                Step::Resize { resource: resource(chance), sku }
            }
            _ => {
                let usual = [60, 3_600, 40_000, 200_000][pick(chance) % 4];
                let scale = if chance.one_in(7) { 3_000_000 } else { usual };
                let seconds = chance.below(scale) + 1;
                let part = if fraction { chance.below(1_000_000) } else { 0 };
                Step::Advance { micros: seconds * 1_000_000 + part }
            }
        });
    }
    steps
}

/// Everything that a refused command could have changed.
#[derive(PartialEq)]
struct Trace {
    wallets: [Option<Wallet>; 2],
    lengths: [usize; 3],
    next_position: i64,
    clock: Option<Platform>,
    grants: usize,
    deposits: Vec<Deposit>,
    refunds: Vec<Refund>,
    disputes: Vec<Dispute>,
    runs: Vec<Run>,
    resources: Vec<Resource>,
    holds: Vec<Hold>,
    methods: Vec<PaymentMethod>,
    discounts: usize,
}

pub struct World {
    pub ws: Workset,
    pub platform: OrgId,
    pub org: OrgId,
    pub clock: Timestamp,
    resources: Vec<i64>,
    method: i64,
}

impl World {
    pub fn new(seed: u64) -> World {
        let profile = PROFILES[usize::try_from(seed).unwrap() % PROFILES.len()];
        let (platform, org) = (OrgId::new(1, 0), OrgId::new(7, u64::MAX));
        let clock = Timestamp::parse("2026-01-05T00:00:00Z").unwrap();
        let (ws, resources) = (Workset::default(), Vec::new());
        let mut world = World { ws, platform, org, clock, resources, method: 0 };
        world
            .decide(&CreatePlatform {
                org: platform,
                name: "cloud".into(),
                profile: profile.0.into(),
                settings: profile.1.into(),
                test_clock: Some(clock),
            })
            .unwrap();
        world.sku("gpu", ResourceClass::Compute, "seconds", "2.40", 3_600);
        world.sku("odd", ResourceClass::Compute, "seconds", "3.333333333", 3_600);
        world.sku("day", ResourceClass::Compute, "seconds", "7.01", 86_400);
        world.sku("disk", ResourceClass::Storage, "seconds", "0.07", 3_600);
        world.sku("llm", ResourceClass::Model, "tokens", "1.37", 1_000);
        let (name, zone) = ("acme".into(), Zone::UTC);
        world.decide(&CreateOrganization { org, platform, name, zone }).unwrap();
        for sku in ["gpu", "odd", "day", "gpu", "disk"] {
            let (label, sku, labels) = (sku.to_string(), sku.to_string(), Labels::NONE);
            let made = world.decide(&CreateResource { org, label, sku, labels });
            let Ok(Answer::Resource(_, resource)) = made else { panic!("{made:?}") };
            world.resources.push(resource.number);
        }
        let (rail, label) = ("sandbox".to_string(), "card".to_string());
        let behaviour = Behaviour::Succeeds;
        let saved = world.decide(&SavePaymentMethod { org, rail, behaviour, label });
        let Ok(Answer::PaymentMethod(_, method)) = saved else { panic!("{saved:?}") };
        world.method = method.number;
        world
    }

    /// Announces a price of something that can run, and tells of it.
    fn announce(&mut self, pick: usize, amount: Amount, from: i64) -> Vec<Result<Answer, Refusal>> {
        let skus: Vec<i64> = self.ws.resources.iter().map(|(.., resource)| resource.sku).collect();
        let Some(&sku) = skus.get(pick % skus.len().max(1)) else { return Vec::new() };
        let effective_from = Some(self.clock.plus_seconds(from + 1).floor_to_second());
        let price = self.price(sku, TIME_DIMENSION, amount, 3_600);
        let applies_to = AppliesTo::Running;
        let announced = self.decide(&CreatePrice { effective_from, applies_to, ..price });
        let Ok(Answer::Price(_, price)) = &announced else { return vec![announced] };
        let told = self.decide(&AnnouncePrice { org: self.org, price: price.clone() });
        vec![announced, told]
    }

    /// A price that has always been.
    fn price(&self, sku: i64, dimension: &str, amount: Amount, per_units: i64) -> CreatePrice {
        CreatePrice {
            platform: self.platform,
            sku,
            dimension: dimension.to_string(),
            amount,
            per_units,
            effective_from: Some(Timestamp::ZERO),
            applies_to: AppliesTo::NewRuns,
        }
    }

    fn sku(&mut self, code: &str, class: ResourceClass, dimension: &str, price: &str, per: i64) {
        let (platform, label) = (self.platform, code.to_string());
        let facts = SkuFacts::default();
        let made = self.decide(&CreateSku { platform, code: code.into(), label, class, facts });
        let Ok(Answer::Sku(_, sku)) = made else { panic!("{made:?}") };
        let price = self.price(sku.number, dimension, Amount::parse(price).unwrap(), per);
        self.decide(&price).unwrap();
    }

    pub fn wallet(&self) -> &Wallet {
        self.ws.wallet(self.org).unwrap()
    }

    /// Decides a command as a lane does; a refusal must leave no trace.
    pub fn decide(&mut self, operation: &dyn Operation) -> Result<Answer, Refusal> {
        let before = self.trace();
        let result = operation.decide(&mut self.ws, self.clock);
        match &result {
            Ok(_) => {
                let asked = self.ws.take_requests_of_command();
                assert!(asked.is_empty(), "{} left {asked:?} unanswered", operation.name());
                self.ws.keep_command();
            }
            Err(_) => {
                self.ws.undo_command();
                assert!(self.trace() == before, "{} left a trace", operation.name());
            }
        }
        result
    }

    fn trace(&self) -> Trace {
        let (ws, org) = (&self.ws, self.org);
        let wallet = |org| ws.wallet(org).ok().cloned();
        Trace {
            wallets: [wallet(org), wallet(self.platform)],
            lengths: [ws.journal().len(), ws.events().len(), ws.requests_of_command().len()],
            next_position: ws.next_position(),
            clock: ws.platform(self.platform).ok().cloned(),
            grants: ws.grants.of(org).count(),
            deposits: ws.deposits.of(org).map(|(_, row)| row.clone()).collect(),
            disputes: ws.disputes.of(org).map(|(_, row)| row.clone()).collect(),
            refunds: ws.refunds.of(org).map(|(_, row)| row.clone()).collect(),
            runs: ws.runs.of(org).map(|(_, row)| row.clone()).collect(),
            resources: ws.resources.of(org).map(|(_, row)| row.clone()).collect(),
            holds: ws.holds.of(org).map(|(_, row)| row.clone()).collect(),
            discounts: ws.discounts.of(org).count(),
            methods: ws.methods.of(org).map(|(_, row)| row.clone()).collect(),
        }
    }

    /// Moves the clock with all that falls due; `to` may be now.
    pub fn advance(&mut self, to: Timestamp) {
        let platform = self.platform;
        self.decide(&MoveClock { platform, to, is_arrival: false }).unwrap();
        self.decide(&WakeWallet { org: self.org, until: Some(to) }).unwrap();
        self.decide(&MoveClock { platform, to, is_arrival: true }).unwrap();
        self.clock = to;
    }

    /// A deposit; refunds of those that were not paid are refused.
    fn deposit_at(&self, pick: usize) -> i64 {
        let rows: Vec<i64> = self.ws.deposits.of(self.org).map(|(number, _)| number).collect();
        if rows.is_empty() { 0 } else { rows[pick % rows.len()] }
    }

    /// Reports how a dispute stands.
    pub fn report(
        &mut self,
        deposit: i64,
        external: String,
        state: DisputeState,
        withdrawn: Amount,
    ) -> Result<Answer, Refusal> {
        let (org, rail) = (self.org, "sandbox".to_string());
        self.decide(&ReportDispute { org, deposit, rail, external, state, withdrawn })
    }

    fn refund_at(&self, pick: usize) -> i64 {
        let rows: Vec<i64> = self.ws.refunds.of(self.org).map(|(number, _)| number).collect();
        if rows.is_empty() { 0 } else { rows[pick % rows.len()] }
    }

    /// Gives a bonus with a purchase, as a deposit with one would.
    fn give_bonus(&mut self, pick: usize, amount: Amount) {
        let (org, at) = (self.org, self.clock);
        let deposit = self.deposit_at(pick);
        let bought = self.ws.deposits.get(org, deposit).and_then(|deposit| deposit.grant);
        let Some(purchase) = bought else { return };
        self.advance(at);
        let wallet = self.ws.wallet_mut(org).unwrap();
        let grant = Grant {
            number: wallet.take_number(),
            kind: GrantKind::Bonus,
            amount,
            priority: PRIORITY_DEFAULT,
            expires_at: Timestamp::NEVER,
            purchase: Some(purchase),
            deposit: None,
            note: String::new(),
            effective_at: at,
            created_at: at,
            voided_at: None,
            scope: None,
        };
        wallet.grants.insert(grant.opened());
        let draft = Draft {
            subject: grant.number,
            postings: vec![Posting { grant: grant.number, change: amount }],
            ..Draft::new(TransactionKind::Grant, at, amount)
        };
        self.ws.grants.put(org, grant.number, grant);
        post(&mut self.ws, org, draft).unwrap();
        self.ws.keep_command();
    }

    fn hold(&self, pick: usize) -> i64 {
        let holds: Vec<i64> = self.ws.holds.of(self.org).map(|(number, _)| number).collect();
        if holds.is_empty() { 0 } else { holds[pick % holds.len()] }
    }

    fn at(&self, offset: i64) -> Option<Timestamp> {
        if offset == 0 { None } else { Some(self.clock.plus_seconds(offset)) }
    }

    /// Plays one step; what the product refuses stays refused.
    pub fn play(&mut self, step: &Step) -> Vec<Result<Answer, Refusal>> {
        let (org, note) = (self.org, String::new());
        match step.clone() {
            Step::Grant { amount, priority, effective_in, expires_in } => {
                let after = |seconds: i64| self.clock.plus_seconds(seconds);
                let (effective_at, expires_at) = (effective_in.map(after), expires_in.map(after));
                let grant = GiveGrant::promotion(org, amount);
                vec![self.decide(&GiveGrant { priority, effective_at, expires_at, ..grant })]
            }
            Step::Void { pick } => {
                let grants: Vec<i64> = self.ws.grants.of(org).map(|(number, _)| number).collect();
                let grant = if grants.is_empty() { 0 } else { grants[pick % grants.len()] };
                vec![self.decide(&VoidGrant { org, grant })]
            }
            Step::Deposit { amount, outcomes } => self.deposit(amount, outcomes),
            Step::Bonus { pick, amount } => {
                self.give_bonus(pick, amount);
                Vec::new()
            }
            Step::Refund { pick, amount, rail } => {
                let deposit = self.deposit_at(pick);
                vec![self.decide(&StartRefund {
                    org,
                    deposit,
                    amount,
                    asked_by: AskedBy::Operator,
                    rail,
                })]
            }
            Step::SettleRefund { pick, is_paid } => {
                let refund = self.refund_at(pick);
                let outcome = match is_paid {
                    true => RefundOutcome::Succeeded { external: format!("paid-{refund}") },
                    false => RefundOutcome::Failed { reason: "card closed".into() },
                };
                vec![self.decide(&SettleRefund { org, refund, outcome })]
            }
            Step::ReportRefund { id, pick, amount } => {
                let deposit = self.deposit_at(pick);
                let (rail, external) = ("sandbox".to_string(), format!("re-{id}"));
                vec![self.decide(&ReportRefund { org, deposit, rail, external, amount })]
            }
            Step::Dispute { pick, state, withdrawn } => {
                let deposit = self.deposit_at(pick);
                vec![self.report(deposit, format!("du-{deposit}"), state, withdrawn)]
            }
            Step::Reverse { id } => {
                let key = usage_key(id);
                let (hash, reversal_hash) = (usage_hash(&key), usage_hash(&reversal_key(&key)));
                vec![self.decide(&ReverseUsage { org, key, hash, reversal_hash })]
            }
            Step::ReleaseFreeze => vec![self.decide(&ReleaseFreeze { org })],
            Step::Promise { amount } => {
                vec![self.decide(&StartDeposit::by_card(org, amount, "sandbox"))]
            }
            Step::Late { pick, after } => {
                let deposits = self.ws.deposits.of(org).map(|(_, deposit)| deposit);
                let waiting = deposits.filter(|deposit| deposit.state == DepositState::Pending);
                let waiting: Vec<(i64, Timestamp)> =
                    waiting.map(|deposit| (deposit.number, deposit.created_at)).collect();
                let Some(&(deposit, wished_at)) = waiting.get(pick % waiting.len().max(1)) else {
                    return Vec::new();
                };
                let paid_at = Some(wished_at.plus_seconds(after));
                let outcome = paid("late", paid_at, None);
                vec![self.decide(&SettleDeposit { org, deposit, outcome })]
            }
            Step::Start { resource, offset, waits, heartbeat_seconds } => {
                self.start(resource, offset, waits, heartbeat_seconds)
            }
            Step::Stop { resource, offset, rest } => {
                let (run, stopped_at) = (self.run_of(resource), self.at(offset));
                vec![self.decide(&StopRun { org, run, stopped_at, rest })]
            }
            Step::Ready { resource, offset } => {
                let (run, at) = (self.run_of(resource), self.at(offset));
                vec![self.decide(&ReportReady { org, run, at })]
            }
            Step::Beat { resource, offset } => {
                let (run, at) = (self.run_of(resource), self.at(offset));
                vec![self.decide(&ReportBeat { org, run, at })]
            }
            Step::Resize { resource, sku } => {
                let (run, sku) = (self.run_of(resource), sku.to_string());
                vec![self.decide(&ResizeRun { org, run, sku })]
            }
            Step::Hold { amount, seconds } => {
                let expires_in_seconds = Some(seconds);
                vec![self.decide(&PlaceHold {
                    org,
                    amount,
                    sku: None,
                    expires_in_seconds,
                    note,
                    labels: Labels::NONE,
                })]
            }
            Step::Capture { pick, amount } => {
                let hold = self.hold(pick);
                vec![self.decide(&CaptureHold { org, hold, amount })]
            }
            Step::Release { pick } => {
                let hold = self.hold(pick);
                vec![self.decide(&ReleaseHold { org, hold })]
            }
            Step::Use { id, quantity, offset } => vec![self.usage(id, quantity, offset)],
            Step::Card { behaviour } => {
                let method = self.method;
                vec![self.decide(&ChangePaymentMethod { org, method, behaviour })]
            }
            Step::TopUp { enabled, threshold, amount, daily_attempts_max } => {
                let (threshold, amount) =
                    (Amount::from_units(threshold), Amount::from_units(amount));
                let method = self.method;
                vec![self.decide(&SetAutoTopUp {
                    org,
                    enabled,
                    threshold,
                    amount,
                    method,
                    caps: Caps { daily_attempts_max, monthly_amount_max: None },
                })]
            }
            Step::Discount { bps, of_one, from, seconds, applies_to } => {
                let begin = self.clock.plus_seconds(from);
                let operation = AssignDiscount {
                    org,
                    sku: of_one.then(|| self.ws.resources.iter().next().map_or(0, |it| it.2.sku)),
                    bps,
                    effective_from: (from > 0).then_some(begin),
                    effective_until: seconds.map(|seconds| begin.plus_seconds(seconds)),
                    applies_to,
                };
                vec![self.decide(&operation)]
            }
            Step::Limit { limit } => vec![self.decide(&SetUserLimit { org, member: None, limit })],
            Step::Announce { pick, amount, from } => self.announce(pick, amount, from),
            Step::Turn { settings, ahead } => {
                let (platform, settings) = (self.platform, settings.to_string());
                let effective_from = Some(self.clock.plus_seconds(ahead));
                vec![self.decide(&ChangeProfile { platform, settings, effective_from })]
            }
            Step::Advance { micros } => {
                self.advance(Timestamp::from_micros(self.clock.micros() + micros));
                Vec::new()
            }
        }
    }

    fn run_of(&self, resource: usize) -> i64 {
        let resource = self.ws.resources.get(self.org, self.resources[resource]).unwrap();
        resource.run.unwrap_or(0)
    }

    /// Starts a resource; one that is paused is resumed, one that is gone is made again first.
    fn start(
        &mut self,
        place: usize,
        offset: i64,
        waits_for_ready: bool,
        heartbeat_seconds: Option<i64>,
    ) -> Vec<Result<Answer, Refusal>> {
        let (org, started_at) = (self.org, self.at(offset));
        let mut resource = self.resources[place];
        match self.ws.resources.get(org, resource).unwrap().rest {
            Rest::Paused => return vec![self.decide(&ResumeResource { org, resource })],
            Rest::Terminated => {
                let made = self.decide(&RedeployResource { org, resource });
                let Ok(Answer::Resource(_, again)) = made else { return vec![made] };
                resource = again.number;
                self.resources[place] = resource;
            }
            Rest::Stopped => {}
        }
        vec![self.decide(&StartRun {
            org,
            resource,
            started_at,
            waits_for_ready,
            heartbeat_seconds,
        })]
    }

    fn deposit(
        &mut self,
        amount: Amount,
        outcomes: Vec<PaymentOutcome>,
    ) -> Vec<Result<Answer, Refusal>> {
        let org = self.org;
        let started = self.decide(&StartDeposit::by_card(org, amount, "sandbox"));
        let Ok(Answer::Deposit(_, deposit)) = &started else { return vec![started] };
        let deposit = deposit.number;
        let settle = |outcome| self.decide(&SettleDeposit { org, deposit, outcome });
        outcomes.into_iter().map(settle).collect()
    }

    fn usage(&mut self, id: i64, quantity: i64, offset: i64) -> Result<Answer, Refusal> {
        let key = usage_key(id);
        let operation = RecordUsage {
            org: self.org,
            hash: usage_hash(&key),
            key,
            fingerprint: quantity,
            sku: "llm".into(),
            occurred_at: self.at(offset),
            quantities: vec![("tokens".into(), quantity)],
            labels: Labels::NONE,
        };
        self.decide(&operation)
    }
}
