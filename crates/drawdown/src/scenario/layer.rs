//! What a scenario can ask of the product, whatever the product is made of.
//!
//! A layer takes commands and answers rows as plain data; names, times and texts are the business
//! of [`crate::scenario::play`] and [`crate::scenario::show`], which are the same for all layers.
//! Rows carry numbers where clients see ids, because numbers are what all layers agree on (rulings
//! A3).

use std::collections::BTreeMap;

use app::operations::give_grant::Given;
use domain::calendar::Zone;
use domain::coupon::{Coupon, CouponCode, CouponGift};
use domain::deposit::Behaviour;
use domain::dispute::DisputeState;
use domain::grant::Grant;
use domain::projection::Projection;
use domain::refund::AskedBy;
use domain::report::{CostReport, Dimension, Request};
use domain::roll_forward::{Month, RollForward};
use domain::run::{ResourceClass, Rest};
use domain::wallet::{Balance, Wallet};
use domain::{Amount, OrgId, Refusal, Timestamp};

/// A command, in the words of the API.
#[derive(Clone, Debug)]
pub enum Command {
    CreatePlatform {
        name: String,
        profile: String,
        settings: String,
        clock: Timestamp,
    },
    CreateOrganization {
        platform: OrgId,
        name: String,
        zone: Zone,
    },
    CreateSku {
        platform: OrgId,
        code: String,
        class: ResourceClass,
    },
    CreatePrice {
        platform: OrgId,
        sku: i64,
        dimension: String,
        amount: Amount,
        per_units: i64,
        effective_from: Option<Timestamp>,
    },
    AssignDiscount {
        org: OrgId,
        sku: Option<i64>,
        bps: i64,
        effective_from: Option<Timestamp>,
        effective_until: Option<Timestamp>,
    },
    GiveGrant {
        org: OrgId,
        amount: Amount,
        priority: i64,
        given: Given,
        effective_at: Option<Timestamp>,
        expires_at: Option<Timestamp>,
    },
    CreateCoupon(Campaign),
    Redeem {
        platform: OrgId,
        org: OrgId,
        code: CouponCode,
    },
    VoidGrant {
        org: OrgId,
        grant: i64,
    },
    StartDeposit {
        org: OrgId,
        amount: Amount,
    },
    SettleDeposit {
        org: OrgId,
        deposit: i64,
        answer: RailAnswer,
        paid_at: Option<Timestamp>,
    },
    StartRefund {
        org: OrgId,
        deposit: i64,
        amount: Option<Amount>,
        /// True when the rail answers only once the scenario settles the refund.
        waits: bool,
        asked_by: AskedBy,
    },
    ReportRefund {
        org: OrgId,
        deposit: i64,
        external: String,
        amount: Amount,
    },
    ReportDispute {
        org: OrgId,
        deposit: i64,
        external: String,
        state: DisputeState,
        withdrawn: Amount,
    },
    ReverseUsage {
        org: OrgId,
        id: String,
    },
    ReleaseFreeze {
        org: OrgId,
    },
    SettleRefund {
        org: OrgId,
        refund: i64,
        is_paid: bool,
    },
    SavePaymentMethod {
        org: OrgId,
        behaviour: Behaviour,
    },
    ChangePaymentMethod {
        org: OrgId,
        method: i64,
        behaviour: Behaviour,
    },
    SetAutoTopUp {
        org: OrgId,
        is_on: bool,
        threshold: Amount,
        amount: Amount,
        method: i64,
    },
    SetUserLimit {
        org: OrgId,
        limit: Option<Amount>,
    },
    CreateResource {
        org: OrgId,
        label: String,
        sku: String,
        labels: BTreeMap<String, String>,
    },
    StartRun {
        org: OrgId,
        resource: i64,
        started_at: Option<Timestamp>,
        waits: bool,
        heartbeat_seconds: Option<i64>,
    },
    StopRun {
        org: OrgId,
        run: i64,
        stopped_at: Option<Timestamp>,
        rest: Option<Rest>,
    },
    ReportReady {
        org: OrgId,
        run: i64,
        at: Option<Timestamp>,
    },
    ReportBeat {
        org: OrgId,
        run: i64,
        at: Option<Timestamp>,
    },
    ResizeRun {
        org: OrgId,
        run: i64,
        sku: String,
    },
    ResumeResource {
        org: OrgId,
        resource: i64,
    },
    RedeployResource {
        org: OrgId,
        resource: i64,
    },
    PlaceHold {
        org: OrgId,
        amount: Amount,
        seconds: Option<i64>,
    },
    CaptureHold {
        org: OrgId,
        hold: i64,
        amount: Option<Amount>,
    },
    ReleaseHold {
        org: OrgId,
        hold: i64,
    },
    RecordUsage {
        org: OrgId,
        id: String,
        sku: String,
        occurred_at: Option<Timestamp>,
        quantities: Vec<(String, i64)>,
    },
}

/// A coupon to be made.
#[derive(Clone, Debug)]
pub struct Campaign {
    pub platform: OrgId,
    pub code: CouponCode,
    pub gift: CouponGift,
    pub starts_at: Option<Timestamp>,
    pub ends_at: Option<Timestamp>,
    pub redemptions_max: i64,
    pub first_purchase_only: bool,
}

/// What the sandbox rail says about a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RailAnswer {
    Succeeded,
    Declined,
    NeedsAuthentication,
}

impl RailAnswer {
    pub fn from_name(name: &str) -> Option<RailAnswer> {
        match name {
            "succeeded" => Some(RailAnswer::Succeeded),
            "declined" => Some(RailAnswer::Declined),
            "needs_authentication" => Some(RailAnswer::NeedsAuthentication),
            _ => None,
        }
    }
}

/// What a command did, as far as it is printed or referred to later.
#[derive(Clone, Debug)]
pub enum Done {
    /// A platform or an organization was made.
    Organization(OrgId),
    /// Anything else was made or changed; its number.
    Row(i64),
    Deposit(DepositRow),
    Refund(RefundRow),
    Dispute(DisputeRow),
    Run(RunRow),
    Hold(HoldRow),
    /// A coupon was redeemed: `given` or `waiting`.
    Redeemed(String),
    Charge {
        amount: Amount,
        absorbed: Amount,
        debt: Amount,
        is_duplicate: bool,
    },
}

/// Why a command was refused, as a client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub code: String,
    /// The numbers of the refusal by name; amounts and times as on the wire.
    pub fields: Vec<(String, String)>,
}

/// Why a layer cannot go on: the layer is broken, the command is not refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    Refused(Refused),
    Broken(String),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        Failure::Refused(Refused::from(&refusal))
    }
}

#[derive(Clone, Debug)]
pub struct BalanceRow {
    pub posted: Amount,
    pub accrued: Amount,
    pub held: Amount,
    pub available: Amount,
    pub shown: Amount,
    pub burn_per_hour: Amount,
    /// Nothing, when nothing that zero stops is running.
    pub runs_out_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub struct DepositRow {
    pub number: i64,
    pub amount: Amount,
    pub rail: String,
    pub state: String,
    pub is_auto_top_up: bool,
    pub created_at: Timestamp,
    pub grant: Option<i64>,
    pub reason: String,
}

#[derive(Clone, Debug)]
pub struct RefundRow {
    pub number: i64,
    pub deposit: i64,
    pub amount: Amount,
    pub rail: String,
    pub state: String,
    pub created_at: Timestamp,
    pub reason: String,
}

#[derive(Clone, Debug)]
pub struct DisputeRow {
    pub number: i64,
    pub deposit: i64,
    pub state: String,
    pub withdrawn: Amount,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct GrantRow {
    pub number: i64,
    pub kind: String,
    pub amount: Amount,
    pub remaining: Amount,
    pub reserved: Amount,
    pub priority: i64,
    pub note: String,
    pub deposit: Option<i64>,
    /// When it could be drawn first, if that was later than it was given.
    pub effective_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub struct CouponRow {
    pub code: String,
    pub gift: String,
    pub redeemed: i64,
    pub redemptions_max: i64,
}

impl From<&Coupon> for CouponRow {
    fn from(coupon: &Coupon) -> CouponRow {
        CouponRow {
            code: coupon.code.as_str().to_owned(),
            gift: coupon.gift.text(),
            redeemed: coupon.claimed,
            redemptions_max: coupon.redemptions_max,
        }
    }
}

#[derive(Clone, Debug)]
pub struct HoldRow {
    pub number: i64,
    pub amount: Amount,
    pub captured: Option<Amount>,
    pub state: String,
    pub expires_at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct RunRow {
    pub number: i64,
    pub resource: i64,
    pub sku: String,
    pub started_at: Timestamp,
    pub stopped_at: Option<Timestamp>,
    pub stop_reason: Option<String>,
    pub waits: bool,
    /// Under block terms: until when it is paid.
    pub paid_until: Option<Timestamp>,
    /// R(price × time) up to now, of this run alone.
    pub cost: Amount,
}

impl From<Balance> for BalanceRow {
    fn from(balance: Balance) -> BalanceRow {
        BalanceRow {
            posted: balance.posted,
            accrued: balance.accrued,
            held: balance.held,
            available: balance.available,
            shown: balance.shown,
            burn_per_hour: balance.burn_per_hour,
            runs_out_at: Some(balance.runs_out_at).filter(|&at| at != Timestamp::NEVER),
        }
    }
}

impl GrantRow {
    pub fn of(grant: &Grant, wallet: &Wallet) -> GrantRow {
        let open = wallet.find_grant(grant.number);
        let expires_at =
            open.map_or(grant.expires_at, |open| open.lapses_at(wallet.purchased_until()));
        GrantRow {
            number: grant.number,
            kind: grant.kind.name().to_string(),
            amount: grant.amount,
            remaining: open.map_or(Amount::ZERO, |open| open.remaining),
            reserved: open.map_or(Amount::ZERO, |open| open.reserved),
            priority: grant.priority,
            note: grant.note.clone(),
            deposit: grant.deposit,
            effective_at: Some(grant.effective_at).filter(|&at| at > grant.created_at),
            expires_at: Some(expires_at).filter(|&at| at != Timestamp::NEVER),
        }
    }
}

/// A month of a wallet, and its resources.
#[derive(Clone, Debug)]
pub struct ProjectionRow {
    pub until: Timestamp,
    pub spent: Amount,
    pub burn_per_hour: Amount,
    pub to_come: Amount,
    pub projected: Amount,
    pub resources_this_month: i64,
    pub resources_in_all: i64,
    pub running_count: i64,
}

impl ProjectionRow {
    /// `resources`: made this month, and in all.
    pub fn of(projection: &Projection, resources: (i64, i64), running_count: i64) -> ProjectionRow {
        ProjectionRow {
            until: projection.month.end,
            spent: projection.spent,
            burn_per_hour: projection.burn_per_hour,
            to_come: projection.to_come,
            projected: projection.projected,
            resources_this_month: resources.0,
            resources_in_all: resources.1,
            running_count,
        }
    }
}

/// What something costs one organization now.
#[derive(Clone, Debug)]
pub struct PriceRow {
    pub sku: String,
    pub dimension: String,
    /// Before and after the discount.
    pub list: Amount,
    pub price: Amount,
    pub discount_bps: i64,
    pub per_units: i64,
}

#[derive(Clone, Debug)]
pub struct ResourceRow {
    pub number: i64,
    pub sku: String,
    pub status: String,
    pub redeployed_from: Option<i64>,
}

/// One ledger transaction.
#[derive(Clone, Debug)]
pub struct LedgerRow {
    pub number: i64,
    pub kind: String,
    pub at: Timestamp,
    pub occurred_at: Option<Timestamp>,
    pub amount: Amount,
    /// Changes of grants, in the order in which they were drawn.
    pub postings: Vec<(i64, Amount)>,
    pub absorbed: Amount,
    pub debt: Amount,
    pub balance: Amount,
    /// The run whose block it is.
    pub run: Option<i64>,
    /// The client's id of a usage event.
    pub event: Option<String>,
    /// The periods of a settlement: when each ended and what it cost.
    pub periods: Vec<(Timestamp, Amount)>,
}

#[derive(Clone, Debug)]
pub struct EventRow {
    pub number: i64,
    pub kind: String,
    pub at: Timestamp,
    pub is_mailed: bool,
    /// `deposit`, `refund`, `dispute`, `grant`, `hold`, `run` and `resource` by number.
    pub fields: Vec<(String, String)>,
}

/// The product, as one scenario sees it. Lists are complete and in ascending order of number.
pub trait Layer {
    /// Decides one command at the present instant of its platform's test clock.
    fn run(&mut self, command: &Command) -> Result<Done, Failure>;

    /// Moves the test clock of `platform` to `to`, with everything that falls due until then. To
    /// the present instant, it applies what is due now.
    fn advance(&mut self, platform: OrgId, to: Timestamp) -> Result<(), Failure>;

    fn balance(&mut self, org: OrgId) -> Result<BalanceRow, Failure>;
    fn ledger(&mut self, org: OrgId) -> Result<Vec<LedgerRow>, Failure>;
    fn projection(&mut self, org: OrgId) -> Result<ProjectionRow, Failure>;

    /// What is sold, by number of the price.
    fn prices(&mut self, org: OrgId) -> Result<Vec<PriceRow>, Failure>;
    fn deposits(&mut self, org: OrgId) -> Result<Vec<DepositRow>, Failure>;
    fn refunds(&mut self, org: OrgId) -> Result<Vec<RefundRow>, Failure>;
    fn disputes(&mut self, org: OrgId) -> Result<Vec<DisputeRow>, Failure>;
    fn grants(&mut self, org: OrgId) -> Result<Vec<GrantRow>, Failure>;
    fn holds(&mut self, org: OrgId) -> Result<Vec<HoldRow>, Failure>;
    fn coupons(&mut self, platform: OrgId) -> Result<Vec<CouponRow>, Failure>;
    fn runs(&mut self, org: OrgId) -> Result<Vec<RunRow>, Failure>;
    fn resources(&mut self, org: OrgId) -> Result<Vec<ResourceRow>, Failure>;
    fn events(&mut self, org: OrgId) -> Result<Vec<EventRow>, Failure>;

    /// What was used in the last `days` days, grouped; resources are told by number.
    fn costs(&mut self, org: OrgId, by: &[Dimension], days: i64) -> Result<CostReport, Failure>;

    /// The dearest single requests of the last `days` days.
    fn dearest(&mut self, org: OrgId, days: i64) -> Result<Vec<Request>, Failure>;

    /// The deferred revenue of `platform` over `month`, by kind of grant.
    fn roll_forward(&mut self, platform: OrgId, month: Month) -> Result<RollForward, Failure>;

    /// The sum of each ledger account over all organizations; credits are positive.
    fn books(&mut self) -> Result<Vec<(String, Amount)>, Failure>;
}

impl From<&Refusal> for Refused {
    fn from(refusal: &Refusal) -> Refused {
        let mut fields = Vec::new();
        let mut field = |name: &str, value: String| fields.push((name.to_string(), value));
        match refusal {
            Refusal::NotFound { kind } => field("kind", kind.noun().to_string()),
            Refusal::AmountOutOfRange { min, max } => {
                field("min", min.to_string());
                field("max", max.to_string());
            }
            Refusal::TooFarAhead { latest, .. } | Refusal::ClockTooFar { latest } => {
                field("latest", latest.to_string());
            }
            Refusal::TooLongAgo { earliest, .. } => field("earliest", earliest.to_string()),
            Refusal::UnknownSku { code } => field("sku", code.clone()),
            Refusal::PriceMissing { sku, dimension } => {
                field("sku", sku.clone());
                field("dimension", dimension.clone());
            }
            Refusal::InsufficientCredit { available, required }
            | Refusal::RunwayTooShort { available, required } => {
                field("available", available.to_string());
                field("required", required.to_string());
            }
            Refusal::RunEnded { stopped_at } => field("stopped_at", stopped_at.to_string()),
            Refusal::StopBeforeStart { started_at } => field("started_at", started_at.to_string()),
            Refusal::HoldResolved { state }
            | Refusal::DepositDecided { state }
            | Refusal::DepositNotPaid { state }
            | Refusal::DisputeDecided { state }
            | Refusal::RefundDecided { state } => field("state", (*state).to_string()),
            Refusal::AboveRefundable { refundable } => field("refundable", refundable.to_string()),
            Refusal::NotReversible { kind } => field("kind", (*kind).to_string()),
            Refusal::DisputeOpen { count } => field("count", count.to_string()),
            Refusal::DebtUnpaid { debt } => field("debt", debt.to_string()),
            Refusal::RefundTooLate { until } => field("until", until.to_string()),
            Refusal::ExternalIdTaken { external } => field("external", external.clone()),
            Refusal::CaptureAboveHold { held } => field("held", held.to_string()),
            Refusal::NameTaken { name } => field("name", name.clone()),
            Refusal::ClassDiffers { class } => field("class", (*class).to_string()),
            Refusal::NotInProfile { feature } => field("feature", (*feature).to_string()),
            Refusal::CouponNotValid { from, until } => {
                field("from", from.to_string());
                field("until", until.to_string());
            }
            Refusal::CouponUsedUp { most } => field("most", most.to_string()),
            Refusal::TooManyUpcoming { most } => field("most", most.to_string()),
            Refusal::ClockGoesBack { now } => field("now", now.to_string()),
            // The others say nothing but their code; what one layer left out, another would show.
            _ => {}
        }
        Refused { code: refusal.code().to_string(), fields }
    }
}
