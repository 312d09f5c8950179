//! The layer without a store: the product's own operations over one workset that is never flushed.

use std::collections::BTreeMap;

use app::operation::{Answer, Operation};
use app::operations::assign_discount::AssignDiscount;
use app::operations::capture_hold::CaptureHold;
use app::operations::change_payment_method::ChangePaymentMethod;
use app::operations::claim_coupon::ClaimCoupon;
use app::operations::conclude_claim::ConcludeClaim;
use app::operations::create_coupon::CreateCoupon;
use app::operations::create_organization::CreateOrganization;
use app::operations::create_platform::CreatePlatform;
use app::operations::create_price::CreatePrice;
use app::operations::create_resource::CreateResource;
use app::operations::create_sku::CreateSku;
use app::operations::give_grant::GiveGrant;
use app::operations::move_clock::MoveClock;
use app::operations::place_hold::PlaceHold;
use app::operations::record_usage::RecordUsage;
use app::operations::redeem_coupon::RedeemCoupon;
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
use domain::coupon::CouponCode;
use domain::deposit::{Deposit, DepositLabel, PaymentOutcome};
use domain::dispute::Dispute;
use domain::event::Event;
use domain::grant::GrantKind;
use domain::hold::Hold;
use domain::ledger::{EventKey, LedgerTransaction, TransactionKind};
use domain::price::{Price, PriceBook};
use domain::profile::Profile;
use domain::projection::Projection;
use domain::refund::Refund;
use domain::report::{self, CostReport, Days, Dimension, Request, Used};
use domain::roll_forward::{Month, RollForward};
use domain::run::{Resource, Run};
use domain::wallet::Wallet;
use domain::{Amount, Id, Kind, OrgId, Timestamp, Workset, chart, span};
use payments::sandbox;
use web::api::resources::labels_of;

use crate::scenario::layer::{
    BalanceRow, Campaign, Command, CouponRow, DepositRow, DisputeRow, Done, EventRow, Failure,
    GrantRow, HoldRow, Layer, LedgerRow, PriceRow, ProjectionRow, RailAnswer, RefundRow,
    ResourceRow, RunRow,
};

/// Rows of a list of the dearest requests.
pub(super) const DEAREST_ROWS: usize = 5;

/// One workset, and the organizations in the order in which they were made.
#[derive(Default)]
pub struct DomainLayer {
    ws: Workset,
    orgs: Vec<OrgId>,
}

/// Ids are as good as random and the same in every run.
fn spread(counter: u64) -> u64 {
    let mixed = counter.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// FNV-1a over 64 bits: stands in for the keyed hash that a store keeps, where nobody attacks.
fn fnv_64(parts: &[&[u8]]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut take = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    for part in parts {
        part.iter().copied().for_each(&mut take);
        take(0xff);
    }
    hash
}

impl DomainLayer {
    /// Organizations in the order in which they were made.
    pub fn orgs(&self) -> &[OrgId] {
        &self.orgs
    }

    /// Those that live on a platform.
    pub fn members(&self, platform: OrgId) -> Vec<OrgId> {
        let lives = |org: &&OrgId| self.ws.wallet(**org).is_ok_and(|it| it.platform == platform);
        self.orgs.iter().filter(lives).copied().collect()
    }

    fn draw_org(&self) -> OrgId {
        let random = spread(u64::try_from(self.orgs.len()).unwrap_or(0));
        OrgId::new(i64::try_from(random & 1023).unwrap_or(0), random)
    }

    /// The present instant for `org`: its platform's test clock.
    pub fn now(&self, org: OrgId) -> Timestamp {
        let platform = self.ws.wallet(org).map_or(org, |wallet| wallet.platform);
        let clock = self.ws.platform(platform).ok().and_then(|platform| platform.clock);
        clock.unwrap_or(Timestamp::ZERO)
    }

    fn decide(&mut self, operation: &dyn Operation) -> Result<Answer, Failure> {
        let now = self.now(operation.org());
        let name = operation.name();
        match operation.decide(&mut self.ws, now) {
            Ok(answer) => {
                let asked = self.ws.take_requests_of_command();
                self.ws.keep_command();
                if let Some(request) = asked.first() {
                    let message = format!("{name} left {request:?} unanswered on a test clock");
                    return Err(Failure::Broken(message));
                }
                Ok(answer)
            }
            Err(refusal) => {
                self.ws.undo_command();
                Err(Failure::from(refusal))
            }
        }
    }

    /// The steps of `app::jobs::join_coupons`, one after the other.
    fn redeem(&mut self, platform: OrgId, org: OrgId, code: CouponCode) -> Result<Done, Failure> {
        let claim = self.decide(&claim(platform, org, code))?;
        let Answer::Claim(claim, coupon) = claim else { return Err(unexpected("a claim")) };
        let redeemed = self.decide(&RedeemCoupon { org, coupon })?;
        let Answer::Redemption(_, row) = redeemed else { return Err(unexpected("a redemption")) };
        let (claim, outcome) = (claim.number, row.state);
        self.decide(&ConcludeClaim { platform, claim, outcome })?;
        match row.state.refusal() {
            Some(refusal) => Err(Failure::from(refusal)),
            None => Ok(Done::Redeemed(row.state.name().to_owned())),
        }
    }

    fn sku_codes(&self, org: OrgId) -> BTreeMap<i64, String> {
        let platform = self.ws.wallet(org).map_or(org, |wallet| wallet.platform);
        let skus = self.ws.book(platform).into_iter().flat_map(|book| book.skus());
        skus.map(|sku| (sku.number, sku.code.clone())).collect()
    }

    fn journal(&self, org: OrgId) -> Vec<LedgerTransaction> {
        let rows = self.ws.journal().iter().map(|row| &**row);
        rows.filter(|row: &&LedgerTransaction| row.org == org).cloned().collect()
    }

    /// Looks at what `org` used in the last `days` days.
    fn with_used<T>(
        &self,
        org: OrgId,
        days: i64,
        look: impl FnOnce(&Used<'_>, Days) -> T,
    ) -> Result<T, Failure> {
        let (wallet, now) = (self.ws.wallet(org)?, self.now(org));
        let days = Days::up_to(now, days);
        let days = days.ok_or_else(|| Failure::Broken("too many days".to_string()))?;
        let journal = self.journal(org);
        let runs: Vec<Run> = self.ws.runs.of(org).map(|(_, run)| run.clone()).collect();
        let labels = self.ws.resources.of(org).map(|(number, row)| (number, labels_of(row)));
        let labels: BTreeMap<i64, BTreeMap<String, String>> = labels.collect();
        let none = PriceBook::default();
        let used = Used {
            journal: &journal,
            runs: &runs,
            labels: &labels,
            book: self.ws.book(wallet.platform).map_or(&none, |book| &**book),
            meters: &wallet.meters,
            settled_until: wallet.settled_until,
            now,
        };
        Ok(look(&used, days))
    }

    fn kind_of(&self, org: OrgId, grant: i64) -> GrantKind {
        self.ws.grants.get(org, grant).map_or(GrantKind::Purchased, |grant| grant.kind)
    }
}

impl Layer for DomainLayer {
    fn run(&mut self, command: &Command) -> Result<Done, Failure> {
        if let Command::Redeem { platform, org, code } = command {
            return self.redeem(*platform, *org, code.clone());
        }
        let drawn = self.draw_org();
        let operation = operation_of(command, drawn, &hash_of);
        let answer = self.decide(operation.as_ref())?;
        if operation.makes_organization() {
            self.orgs.push(drawn);
        }
        let org = operation.org();
        Ok(done(answer, self.now(org), &self.sku_codes(org)))
    }

    fn advance(&mut self, platform: OrgId, to: Timestamp) -> Result<(), Failure> {
        self.decide(&MoveClock { platform, to, is_arrival: false })?;
        for org in self.orgs.clone() {
            if self.ws.wallet(org)?.platform == platform {
                self.decide(&WakeWallet { org, until: Some(to) })?;
            }
        }
        self.decide(&MoveClock { platform, to, is_arrival: true })?;
        Ok(())
    }

    fn balance(&mut self, org: OrgId) -> Result<BalanceRow, Failure> {
        let profile = self.ws.profile_of(org)?;
        let balance = self.ws.wallet(org)?.balance(&profile, self.now(org));
        Ok(BalanceRow::from(balance))
    }

    fn projection(&mut self, org: OrgId) -> Result<ProjectionRow, Failure> {
        let (wallet, now) = (self.ws.wallet(org)?, self.now(org));
        let runs = self.ws.runs.of(org).map(|(_, run)| run);
        let rows = self.ws.journal().iter().map(AsRef::as_ref).filter(|row| row.org == org);
        let projection = Projection::of(wallet, runs, rows, now);
        let made = self.ws.resources.of(org).map(|(_, resource)| resource.created_at);
        let made: Vec<i64> = made.map(|at| i64::from(at >= projection.month.start)).collect();
        let in_all = i64::try_from(made.len()).unwrap_or(i64::MAX);
        Ok(ProjectionRow::of(&projection, (made.iter().sum(), in_all), wallet.running_count))
    }

    fn prices(&mut self, org: OrgId) -> Result<Vec<PriceRow>, Failure> {
        let (wallet, profile) = (self.ws.wallet(org)?, self.ws.profile_of(org)?);
        let book = self.ws.book(wallet.platform).cloned().unwrap_or_default();
        Ok(price_rows(&book, wallet, &profile, self.now(org)))
    }

    fn ledger(&mut self, org: OrgId) -> Result<Vec<LedgerRow>, Failure> {
        Ok(self
            .ws
            .journal()
            .iter()
            .filter(|row| row.org == org)
            .map(|row| ledger_row(row))
            .collect())
    }

    fn deposits(&mut self, org: OrgId) -> Result<Vec<DepositRow>, Failure> {
        Ok(self.ws.deposits.of(org).map(|(_, row)| deposit_row(row)).collect())
    }

    fn refunds(&mut self, org: OrgId) -> Result<Vec<RefundRow>, Failure> {
        Ok(self.ws.refunds.of(org).map(|(_, row)| refund_row(row)).collect())
    }

    fn disputes(&mut self, org: OrgId) -> Result<Vec<DisputeRow>, Failure> {
        Ok(self.ws.disputes.of(org).map(|(_, row)| dispute_row(row)).collect())
    }

    fn grants(&mut self, org: OrgId) -> Result<Vec<GrantRow>, Failure> {
        let wallet = self.ws.wallet(org)?;
        Ok(self.ws.grants.of(org).map(|(_, grant)| GrantRow::of(grant, wallet)).collect())
    }

    fn coupons(&mut self, platform: OrgId) -> Result<Vec<CouponRow>, Failure> {
        Ok(self.ws.coupons.of(platform).map(|(_, row)| CouponRow::from(row)).collect())
    }

    fn holds(&mut self, org: OrgId) -> Result<Vec<HoldRow>, Failure> {
        Ok(self.ws.holds.of(org).map(|(_, row)| hold_row(row)).collect())
    }

    fn runs(&mut self, org: OrgId) -> Result<Vec<RunRow>, Failure> {
        let (now, codes) = (self.now(org), self.sku_codes(org));
        Ok(self.ws.runs.of(org).map(|(_, row)| run_row(row, now, &codes)).collect())
    }

    fn resources(&mut self, org: OrgId) -> Result<Vec<ResourceRow>, Failure> {
        let codes = self.sku_codes(org);
        Ok(self.ws.resources.of(org).map(|(_, row)| resource_row(row, &codes)).collect())
    }

    fn events(&mut self, org: OrgId) -> Result<Vec<EventRow>, Failure> {
        Ok(self.ws.events().iter().filter(|event| event.org == org).map(event_row).collect())
    }

    fn costs(&mut self, org: OrgId, by: &[Dimension], days: i64) -> Result<CostReport, Failure> {
        self.with_used(org, days, |used, days| report::costs(used, days, by))
    }

    fn dearest(&mut self, org: OrgId, days: i64) -> Result<Vec<Request>, Failure> {
        self.with_used(org, days, |used, days| report::dearest(used, days, DEAREST_ROWS))
    }

    fn roll_forward(&mut self, platform: OrgId, month: Month) -> Result<RollForward, Failure> {
        let mut rolled = RollForward::new(month);
        for &org in &self.orgs {
            let wallet = self.ws.wallet(org)?;
            if wallet.platform != platform {
                continue;
            }
            let journal = self.journal(org);
            let added = rolled.add(&wallet.grants, &journal, |grant| self.kind_of(org, grant));
            added.ok_or_else(|| Failure::Broken("a sum is beyond the range".to_string()))?;
        }
        Ok(rolled)
    }

    fn books(&mut self) -> Result<Vec<(String, Amount)>, Failure> {
        let mut sums = BTreeMap::<String, Amount>::new();
        for row in self.ws.journal() {
            for entry in chart::entries(row, |grant| self.kind_of(row.org, grant)) {
                let sum = sums.entry(entry.account.name().to_string()).or_default();
                *sum = sum.plus(entry.credit);
            }
        }
        Ok(sums.into_iter().collect())
    }
}

pub(super) fn price_rows(
    book: &PriceBook,
    wallet: &Wallet,
    profile: &Profile,
    now: Timestamp,
) -> Vec<PriceRow> {
    let row = |price: &Price| {
        let discount_bps = wallet.discount_bps(profile, price.sku, now, now);
        PriceRow {
            sku: book.sku(price.sku).map(|sku| sku.code.clone()).unwrap_or_default(),
            dimension: price.dimension.clone(),
            list: price.amount,
            price: price.rate(discount_bps).shown_price_round_half_even(),
            discount_bps,
            per_units: price.per_units,
        }
    };
    book.in_force(now).into_iter().map(row).collect()
}

fn unexpected(what: &str) -> Failure {
    Failure::Broken(format!("expected {what}"))
}

pub(super) fn hold_row(hold: &Hold) -> HoldRow {
    HoldRow {
        number: hold.number,
        amount: hold.amount,
        captured: hold.captured,
        state: hold.state.name().to_string(),
        expires_at: hold.expires_at,
    }
}

pub(super) fn deposit_row(deposit: &Deposit) -> DepositRow {
    DepositRow {
        number: deposit.number,
        amount: deposit.amount,
        rail: deposit.rail.clone(),
        state: deposit.state.name().to_string(),
        is_auto_top_up: deposit.label == DepositLabel::AutoTopUp,
        created_at: deposit.created_at,
        grant: deposit.grant,
        reason: deposit.reason.clone(),
    }
}

pub(super) fn refund_row(refund: &Refund) -> RefundRow {
    RefundRow {
        number: refund.number,
        deposit: refund.deposit,
        amount: refund.amount,
        rail: refund.rail.clone(),
        state: refund.state.name().to_string(),
        created_at: refund.created_at,
        reason: refund.reason.clone(),
    }
}

pub(super) fn dispute_row(dispute: &Dispute) -> DisputeRow {
    DisputeRow {
        number: dispute.number,
        deposit: dispute.deposit,
        state: dispute.state.name().to_string(),
        withdrawn: dispute.withdrawn,
        created_at: dispute.created_at,
    }
}

pub(super) fn ledger_row(row: &LedgerTransaction) -> LedgerRow {
    let periods = span::periods(row);
    let is_block = matches!(row.kind, TransactionKind::Block | TransactionKind::BlockReversal);
    LedgerRow {
        number: row.number,
        kind: row.kind.name().to_string(),
        at: row.at,
        occurred_at: row.occurred_at,
        amount: row.amount,
        postings: row.postings.iter().map(|posting| (posting.grant, posting.change)).collect(),
        absorbed: row.absorbed,
        debt: row.debt,
        balance: row.balance,
        run: is_block.then_some(row.subject),
        event: row.event.as_ref().map(|key| key.id.clone()),
        periods: periods.iter().map(|period| (period.until, period.amount)).collect(),
    }
}

fn event_row(event: &Event) -> EventRow {
    let fields = event.fields.iter();
    EventRow {
        number: event.number,
        kind: event.kind.name().to_string(),
        at: event.at,
        is_mailed: event.kind.is_mailed(),
        fields: fields.map(|(name, value)| ((*name).to_string(), value.clone())).collect(),
    }
}

/// What an answer is to a scenario: rows at the instant `now`, SKUs by their codes.
pub(super) fn done(answer: Answer, now: Timestamp, codes: &BTreeMap<i64, String>) -> Done {
    match answer {
        Answer::Platform(org, _) | Answer::Organization(org, _) => Done::Organization(org),
        Answer::ApiKey(_, row) => Done::Row(row.number),
        Answer::Sku(_, row) => Done::Row(row.number),
        Answer::Price(_, row) => Done::Row(row.number),
        Answer::Discount(_, _, row) => Done::Row(row.number),
        Answer::Grant(_, row) => Done::Row(row.number),
        Answer::PaymentMethod(_, row) => Done::Row(row.number),
        Answer::Resource(_, row) => Done::Row(row.number),
        Answer::AutoTopUp(..) | Answer::UserLimit(..) | Answer::Released(_) | Answer::Woken(_) => {
            Done::Row(0)
        }
        Answer::Deposit(_, row) => Done::Deposit(deposit_row(&row)),
        Answer::Dispute(_, row) => Done::Dispute(dispute_row(&row)),
        Answer::Refund(_, row) => Done::Refund(refund_row(&row)),
        Answer::Run(_, row) => Done::Run(run_row(&row, now, codes)),
        Answer::Coupon(_, row) | Answer::Claim(_, row) => Done::Row(row.number),
        Answer::Redemption(_, row) => Done::Redeemed(row.state.name().to_owned()),
        Answer::Hold(_, row) => Done::Hold(hold_row(&row)),
        Answer::Charge { transaction, is_duplicate } => Done::Charge {
            amount: transaction.amount,
            absorbed: transaction.absorbed,
            debt: transaction.debt,
            is_duplicate,
        },
    }
}

pub(super) fn run_row(run: &Run, now: Timestamp, codes: &BTreeMap<i64, String>) -> RunRow {
    RunRow {
        number: run.number,
        resource: run.resource,
        sku: codes.get(&run.sku).cloned().unwrap_or_default(),
        started_at: run.started_at,
        stopped_at: run.stopped_at,
        stop_reason: run.stop_reason.map(|reason| reason.name().to_string()),
        waits: run.is_waiting,
        paid_until: run.paid.map(|paid| paid.until).filter(|&until| until != Timestamp::NEVER),
        cost: run.cost_round_half_even(now),
    }
}

pub(super) fn resource_row(resource: &Resource, codes: &BTreeMap<i64, String>) -> ResourceRow {
    ResourceRow {
        number: resource.number,
        sku: codes.get(&resource.sku).cloned().unwrap_or_default(),
        status: resource.status().to_string(),
        redeployed_from: resource.redeployed_from,
    }
}

/// The source of all usage events of a scenario.
const SOURCE: &str = "scenario";

/// Hashes organization, source and id of a usage event.
pub type HashOf<'a> = &'a dyn Fn(OrgId, &str, &str) -> u64;

fn hash_of(org: OrgId, source: &str, id: &str) -> u64 {
    fnv_64(&[&org.get().to_le_bytes(), source.as_bytes(), id.as_bytes()])
}

/// The operation that `command` is; `drawn` is the id of an organization that it makes.
pub fn operation_of(command: &Command, drawn: OrgId, hash_of: HashOf<'_>) -> Box<dyn Operation> {
    match command.clone() {
        Command::CreatePlatform { name, profile, settings, clock } => {
            let test_clock = Some(clock);
            Box::new(CreatePlatform { org: drawn, name, profile, settings, test_clock })
        }
        Command::CreateOrganization { platform, name, zone } => {
            Box::new(CreateOrganization { org: drawn, platform, name, zone })
        }
        Command::CreateSku { platform, code, class } => {
            Box::new(CreateSku { platform, label: code.clone(), code, class })
        }
        Command::CreatePrice { platform, sku, dimension, amount, per_units, effective_from } => {
            Box::new(CreatePrice { platform, sku, dimension, amount, per_units, effective_from })
        }
        other => resource_operation_of(other, hash_of),
    }
}

/// The same for what is about money and grants.
fn money_operation_of(command: Command) -> Box<dyn Operation> {
    let rail = sandbox::RAIL.to_string();
    match command {
        Command::AssignDiscount { org, sku, bps, effective_from, effective_until } => {
            Box::new(AssignDiscount { org, sku, bps, effective_from, effective_until })
        }
        Command::GiveGrant { org, amount, priority, given, effective_at, expires_at } => {
            let grant = GiveGrant { priority, given, ..GiveGrant::promotion(org, amount) };
            Box::new(GiveGrant { effective_at, expires_at, ..grant })
        }
        Command::CreateCoupon(campaign) => Box::new(create_coupon(campaign)),
        Command::Redeem { platform, org, code } => Box::new(claim(platform, org, code)),
        Command::VoidGrant { org, grant } => Box::new(VoidGrant { org, grant }),
        Command::StartDeposit { org, amount } => Box::new(StartDeposit { org, amount, rail }),
        Command::SettleDeposit { org, deposit, answer, paid_at } => {
            Box::new(settle_deposit(org, deposit, answer, paid_at))
        }
        Command::StartRefund { org, deposit, amount, waits, asked_by } => {
            let rail = if waits { RailAnswers::WhenDecided } else { RailAnswers::AtOnce };
            Box::new(StartRefund { org, deposit, amount, asked_by, rail })
        }
        Command::ReportRefund { org, deposit, external, amount } => {
            Box::new(ReportRefund { org, deposit, rail, external, amount })
        }
        Command::ReportDispute { org, deposit, external, state, withdrawn } => {
            Box::new(ReportDispute { org, deposit, rail, external, state, withdrawn })
        }
        Command::ReleaseFreeze { org } => Box::new(ReleaseFreeze { org }),
        Command::SettleRefund { org, refund, is_paid } => {
            Box::new(settle_refund(org, refund, is_paid))
        }
        Command::SavePaymentMethod { org, behaviour } => {
            Box::new(SavePaymentMethod { org, rail, behaviour, label: "card".to_string() })
        }
        Command::ChangePaymentMethod { org, method, behaviour } => {
            Box::new(ChangePaymentMethod { org, method, behaviour })
        }
        Command::SetAutoTopUp { org, is_on, threshold, amount, method } => {
            Box::new(SetAutoTopUp { org, enabled: is_on, threshold, amount, method })
        }
        Command::SetUserLimit { org, limit } => Box::new(SetUserLimit { org, limit }),
        other => unreachable!("{other:?} is not about money"),
    }
}

fn claim(platform: OrgId, claimant: OrgId, code: CouponCode) -> ClaimCoupon {
    ClaimCoupon { platform, code, claimant }
}

/// The same for what is about resources, holds and use.
fn resource_operation_of(command: Command, hash_of: HashOf<'_>) -> Box<dyn Operation> {
    match command {
        Command::CreateResource { org, label, sku, labels } => {
            let labels = serde_json::json!(labels).to_string();
            Box::new(CreateResource { org, label, sku, labels })
        }
        Command::StartRun { org, resource, started_at, waits, heartbeat_seconds } => {
            let waits_for_ready = waits;
            Box::new(StartRun { org, resource, started_at, waits_for_ready, heartbeat_seconds })
        }
        Command::StopRun { org, run, stopped_at, rest } => {
            Box::new(StopRun { org, run, stopped_at, rest })
        }
        Command::ReportReady { org, run, at } => Box::new(ReportReady { org, run, at }),
        Command::ReportBeat { org, run, at } => Box::new(ReportBeat { org, run, at }),
        Command::ResizeRun { org, run, sku } => Box::new(ResizeRun { org, run, sku }),
        Command::ResumeResource { org, resource } => Box::new(ResumeResource { org, resource }),
        Command::RedeployResource { org, resource } => Box::new(RedeployResource { org, resource }),
        Command::PlaceHold { org, amount, seconds } => {
            let (expires_in_seconds, note) = (seconds, String::new());
            Box::new(PlaceHold { org, amount, expires_in_seconds, note })
        }
        Command::CaptureHold { org, hold, amount } => Box::new(CaptureHold { org, hold, amount }),
        Command::ReleaseHold { org, hold } => Box::new(ReleaseHold { org, hold }),
        Command::RecordUsage { org, id, sku, occurred_at, quantities } => {
            let said = (sku, occurred_at, quantities);
            Box::new(usage(org, id, said, hash_of))
        }
        Command::ReverseUsage { org, id } => {
            let key = EventKey { source: SOURCE.to_string(), id };
            let hash = |key: &EventKey| hash_of(org, &key.source, &key.id);
            let (event, reversal_hash) = (hash(&key), hash(&reversal_key(&key)));
            Box::new(ReverseUsage { org, key, hash: event, reversal_hash })
        }
        money => money_operation_of(money),
    }
}

fn settle_refund(org: OrgId, refund: i64, is_paid: bool) -> SettleRefund {
    let id = Id::new(Kind::Refund, org, refund).to_string();
    let outcome = if is_paid { sandbox::refunded(&id) } else { sandbox::refund_failed() };
    SettleRefund { org, refund, outcome }
}

fn settle_deposit(
    org: OrgId,
    deposit: i64,
    answer: RailAnswer,
    paid_at: Option<Timestamp>,
) -> SettleDeposit {
    SettleDeposit { org, deposit, outcome: outcome(answer, paid_at, org, deposit) }
}

fn create_coupon(campaign: Campaign) -> CreateCoupon {
    CreateCoupon {
        platform: campaign.platform,
        code: campaign.code,
        gift: campaign.gift,
        starts_at: campaign.starts_at,
        ends_at: campaign.ends_at,
        redemptions_max: campaign.redemptions_max,
        first_purchase_only: campaign.first_purchase_only,
    }
}

fn outcome(
    answer: RailAnswer,
    paid_at: Option<Timestamp>,
    org: OrgId,
    deposit: i64,
) -> PaymentOutcome {
    let id = Id::new(Kind::Deposit, org, deposit).to_string();
    match answer {
        RailAnswer::Succeeded => {
            paid_at.map_or_else(|| sandbox::paid(&id), |at| sandbox::paid_at(&id, at))
        }
        RailAnswer::Declined => sandbox::declined(),
        RailAnswer::NeedsAuthentication => PaymentOutcome::NeedsAuthentication,
    }
}

fn usage(
    org: OrgId,
    id: String,
    (sku, occurred_at, quantities): (String, Option<Timestamp>, Vec<(String, i64)>),
    hash_of: HashOf<'_>,
) -> RecordUsage {
    let source = SOURCE.to_string();
    let hash = hash_of(org, &source, &id);
    let said = format!("{sku} {quantities:?} {:?}", occurred_at.map(Timestamp::micros));
    let fingerprint = fnv_64(&[said.as_bytes()]).cast_signed();
    let key = EventKey { source, id };
    RecordUsage { org, key, hash, fingerprint, sku, occurred_at, quantities }
}
