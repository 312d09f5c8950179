//! What a scenario can ask of the product, whatever the product is made of.
//!
//! A layer takes commands and answers rows as plain data; names, times and texts are the business
//! of [`crate::scenario::play`] and [`crate::scenario::show`], which are the same for all layers.
//! Rows carry numbers where clients see ids, because numbers are what all layers agree on (rulings
//! A3).

use app::operations::create_sku::SkuFacts;
use app::operations::give_grant::Given;
use domain::arrival::Decision;
use domain::attribution::IdleCost;
use domain::calendar::Zone;
use domain::conversion::Conversion;
use domain::coupon::{CouponCode, CouponGift};
use domain::deposit::{Behaviour, PaidWith};
use domain::dispute::DisputeState;
use domain::document::Party;
use domain::dormancy::Dormant;
use domain::history::Filter;
use domain::hours::Week;
use domain::label::Labels;
use domain::limit::{LimitScope, LimitWindow};
use domain::member::MemberRole;
use domain::notice::Topic;
use domain::operator_report::{Line, Report};
use domain::price::{Alternative, AppliesTo, CommitmentTerms};
use domain::refund::AskedBy;
use domain::report::{CostReport, Dimension, Request};
use domain::roll_forward::{Month, RollForward};
use domain::run::{ResourceClass, Rest};
use domain::scope::Scope;
use domain::top_up::{Caps, Preview};
use domain::{Amount, OrgId, Refusal, Timestamp};

mod keyed;
mod refused;
mod rows;

pub use keyed::{Keyed, reused};

pub use rows::{
    ArrivalRow, BalanceRow, CouponRow, DepositRow, DisputeRow, DocumentRow, EventRow, GrantRow,
    HoldRow, LedgerRow, LimitRow, MemberRow, PricePageRow, PriceRow, ProjectionRow, RefundRow,
    ResourceRow, RunRow, StatementRow, SuggestionRow, UseRow, says_not_mailed,
};

/// A command, in the words of the API.
#[derive(Clone, Debug)]
pub enum Command {
    CreatePlatform {
        name: String,
        profile: String,
        settings: String,
        clock: Timestamp,
    },
    ChangeProfile {
        platform: OrgId,
        settings: String,
        effective_from: Option<Timestamp>,
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
        facts: SkuFacts,
    },
    CreatePrice(NewPrice),
    AssignDiscount(Assigned),
    OfferCommitment {
        platform: OrgId,
        sku: i64,
        terms: Option<CommitmentTerms>,
    },
    MakeCommitment {
        org: OrgId,
        sku: i64,
        quantity: i64,
    },
    RelateSku {
        platform: OrgId,
        sku: i64,
        alternative: Alternative,
        other: Option<i64>,
    },
    GiveGrant {
        org: OrgId,
        amount: Amount,
        priority: i64,
        given: Given,
        effective_at: Option<Timestamp>,
        expires_at: Option<Timestamp>,
        /// SKUs of the platform, which is named for layers that ask for whole ids.
        scope: Option<(OrgId, Scope)>,
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
    SetLimit {
        org: OrgId,
        scope: LimitScope,
        window: LimitWindow,
        cap: Amount,
    },
    RemoveLimit {
        org: OrgId,
        limit: i64,
    },
    AddMember {
        org: OrgId,
        name: String,
        role: MemberRole,
    },
    ChangeRole {
        org: OrgId,
        member: i64,
        role: MemberRole,
    },
    RemoveMember {
        org: OrgId,
        member: i64,
    },
    SetParty {
        org: OrgId,
        party: Party,
    },
    IssueInvoice {
        org: OrgId,
        month: Month,
    },
    StartDeposit {
        org: OrgId,
        amount: Amount,
        paid_with: PaidWith,
        /// Who pays, where it is said.
        member: Option<i64>,
    },
    SettleDeposit {
        org: OrgId,
        deposit: i64,
        answer: RailAnswer,
        paid_at: Option<Timestamp>,
        told: Told,
    },
    DecideArrival {
        org: OrgId,
        arrival: i64,
        decision: Decision,
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
    CloseOrganization {
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
        rule: TopUpRule,
        method: i64,
    },
    SetTaxRate {
        org: OrgId,
        bps: i64,
    },
    SetUserLimit {
        org: OrgId,
        member: Option<i64>,
        limit: Option<Amount>,
    },
    SetNotices {
        org: OrgId,
        muted: Vec<Topic>,
    },
    ReportBounce {
        org: OrgId,
        reason: String,
    },
    CreateResource {
        org: OrgId,
        label: String,
        sku: String,
        labels: Labels,
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
        /// Of the platform that is named.
        sku: Option<(OrgId, i64)>,
        amount: Amount,
        seconds: Option<i64>,
        labels: Labels,
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
        usage: Usage,
    },
    RecordRequest {
        org: OrgId,
        id: String,
        resource: i64,
        occurred_at: Option<Timestamp>,
        busy_milliseconds: i64,
    },
}

/// A usage event.
#[derive(Clone, Debug)]
pub struct Usage {
    pub id: String,
    pub sku: String,
    pub occurred_at: Option<Timestamp>,
    pub quantities: Vec<(String, i64)>,
    pub labels: Labels,
}

/// A price that is set.
#[derive(Clone, Debug)]
pub struct NewPrice {
    pub platform: OrgId,
    pub sku: i64,
    pub dimension: String,
    pub amount: Amount,
    pub per_units: i64,
    pub effective_from: Option<Timestamp>,
    pub applies_to: AppliesTo,
}

/// A discount that is assigned.
#[derive(Clone, Debug)]
pub struct Assigned {
    pub org: OrgId,
    pub sku: Option<i64>,
    pub bps: i64,
    pub effective_from: Option<Timestamp>,
    pub effective_until: Option<Timestamp>,
    pub applies_to: AppliesTo,
}

/// An auto top-up rule, as far as people set it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TopUpRule {
    pub threshold: Amount,
    pub amount: Amount,
    pub caps: Caps,
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
    Seen,
    Declined,
    NeedsAuthentication,
}

impl RailAnswer {
    pub fn from_name(name: &str) -> Option<RailAnswer> {
        match name {
            "succeeded" => Some(RailAnswer::Succeeded),
            "seen" => Some(RailAnswer::Seen),
            "declined" => Some(RailAnswer::Declined),
            "needs_authentication" => Some(RailAnswer::NeedsAuthentication),
            _ => None,
        }
    }
}

/// What else a rail says of money that it confirms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub amount: Option<Amount>,
    pub currency: Option<String>,
    pub fee: Option<Amount>,
    pub conversion: Option<Conversion>,
    /// Which payment it is, where a deposit is paid more than once.
    pub payment: Option<String>,
}

/// What a command did, as far as it is printed or referred to later.
#[derive(Clone, Debug)]
pub enum Done {
    /// A platform or an organization was made.
    Organization(OrgId),
    /// An organization was closed, and its names were erased or not yet.
    Closed {
        is_erased: bool,
    },
    /// Anything else was made or changed; its number.
    Row(i64),
    Deposit(DepositRow),
    Arrival(ArrivalRow),
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
        /// The limit that it went beyond.
        limit: Option<i64>,
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

/// The product, as one scenario sees it. Lists are complete and in ascending order of number.
pub trait Layer {
    /// Decides one command at the present instant of its platform's test clock.
    fn run(&mut self, command: &Command) -> Result<Done, Failure>;

    /// Decides the commands that follow as `member` asks for them, or nobody in particular.
    fn act_as(&mut self, member: Option<(OrgId, i64)>);

    /// Moves the test clock of `platform` to `to`, with everything that falls due until then. To
    /// the present instant, it applies what is due now.
    fn advance(&mut self, platform: OrgId, to: Timestamp) -> Result<(), Failure>;

    /// Sends the next command under this idempotency key; later ones of the same line have keys of
    /// their own (rulings R20).
    fn set_key(&mut self, key: Option<&str>);

    /// `ready` or `advancing`, and where the test clock of `platform` stands.
    fn test_clock(&mut self, platform: OrgId) -> Result<(&'static str, Timestamp), Failure>;

    /// What anyone may read of the prices of `platform`.
    fn price_page(&mut self, platform: OrgId) -> Result<PricePageRow, Failure>;

    /// The ledger transactions that a part of the billing history shows.
    fn history(&mut self, org: OrgId, filter: Filter) -> Result<Vec<LedgerRow>, Failure>;
    /// Time goes on to `to` while the engine is down: nothing is decided and nobody is woken. Then
    /// it starts again over what it had stored, and catches up with what fell due.
    fn outage(&mut self, platforms: &[OrgId], to: Timestamp) -> Result<(), Failure>;

    fn balance(&mut self, org: OrgId) -> Result<BalanceRow, Failure>;
    fn ledger(&mut self, org: OrgId) -> Result<Vec<LedgerRow>, Failure>;
    fn projection(&mut self, org: OrgId) -> Result<ProjectionRow, Failure>;

    /// What saving an auto top-up rule would do.
    fn preview(&mut self, org: OrgId, rule: TopUpRule) -> Result<Preview, Failure>;

    /// What is sold, by number of the price.
    fn prices(&mut self, org: OrgId) -> Result<Vec<PriceRow>, Failure>;
    fn deposits(&mut self, org: OrgId) -> Result<Vec<DepositRow>, Failure>;
    /// Limits that there are, as they stand now.
    fn limits(&mut self, org: OrgId) -> Result<Vec<LimitRow>, Failure>;
    fn members(&mut self, org: OrgId) -> Result<Vec<MemberRow>, Failure>;
    fn arrivals(&mut self, org: OrgId) -> Result<Vec<ArrivalRow>, Failure>;
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
    fn dearest(&mut self, org: OrgId, days: i64, idle: IdleCost) -> Result<Vec<Request>, Failure>;

    /// How each resource was used in the last `days` days, dearest first.
    fn uses(&mut self, org: OrgId, days: i64, idle: IdleCost) -> Result<Vec<UseRow>, Failure>;

    /// What could have been cheaper in the last `days` days, the largest saving first.
    fn suggestions(&mut self, org: OrgId, days: i64) -> Result<Vec<SuggestionRow>, Failure>;

    /// The hours of the week in which a resource ran in the last `days` days.
    fn week(&mut self, org: OrgId, resource: i64, days: i64) -> Result<Week, Failure>;

    /// What came in, was used and is left of a month.
    fn statement(&mut self, org: OrgId, month: Month) -> Result<StatementRow, Failure>;

    /// Does what is due of documents: they are issued, and told.
    fn issue_documents(&mut self) -> Result<(), Failure>;

    /// Documents of an organization, in the order in which they were issued.
    fn documents(&mut self, org: OrgId) -> Result<Vec<DocumentRow>, Failure>;

    /// The deferred revenue of `platform` over `month`, by kind of grant.
    fn roll_forward(&mut self, platform: OrgId, month: Month) -> Result<RollForward, Failure>;

    /// Who of `platform` holds paid credit and has been silent for `days`, in no promised order.
    fn dormant(&mut self, platform: OrgId, days: i64) -> Result<Vec<(OrgId, Dormant)>, Failure>;

    /// An operator's report since a month began, organizations in no promised order.
    fn operator_report(
        &mut self,
        platform: OrgId,
        report: Report,
        since: Month,
    ) -> Result<Vec<Line>, Failure>;

    /// The sum of each ledger account over all organizations; credits are positive.
    fn books(&mut self) -> Result<Vec<(String, Amount)>, Failure>;
}
