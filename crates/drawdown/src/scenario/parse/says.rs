//! What a line can say.

use app::operations::create_sku::SkuFacts;
use app::operations::give_grant::Given;
use domain::arrival::Decision;
use domain::attribution::IdleCost;
use domain::calendar::Zone;
use domain::coupon::{CouponCode, CouponGift};
use domain::deposit::{Behaviour, PaidWith};
use domain::dispute::DisputeState;
use domain::document::Party;
use domain::history::Filter;
use domain::label::Labels;
use domain::limit::{LimitScope, LimitWindow};
use domain::member::MemberRole;
use domain::notice::Topic;
use domain::price::{Alternative, AppliesTo, CommitmentTerms};
use domain::report::Dimension;
use domain::roll_forward::Month;
use domain::run::{ResourceClass, Rest};
use domain::{Amount, Timestamp, operator_report};

use crate::scenario::layer::{RailAnswer, Told, TopUpRule};
use crate::scenario::when::When;

/// One command and what it is expected to print.
#[derive(Clone, Debug)]
pub struct Step {
    /// The line of the command, counted from 1.
    pub line: usize,
    /// The command as it was written.
    pub text: String,
    pub says: Says,
    /// What it must print, with runs of spaces made one; nothing, when the text does not say.
    pub expected: Option<Vec<String>>,
}

/// What one dimension costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceOf {
    pub dimension: String,
    pub amount: Amount,
    pub per_units: i64,
}

/// A part of a balance that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Posted,
    Accrued,
    Held,
    Available,
    Shown,
}

impl Part {
    pub const ALL: [Part; 5] =
        [Part::Posted, Part::Accrued, Part::Held, Part::Available, Part::Shown];

    pub const fn name(self) -> &'static str {
        match self {
            Part::Posted => "posted",
            Part::Accrued => "accrued",
            Part::Held => "held",
            Part::Available => "available",
            Part::Shown => "shown",
        }
    }
}

/// Lists that are asked for by wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// Journal lines since last asked, settlements period by period.
    Ledger,
    /// Journal lines since last asked, one per ledger transaction.
    Spans,
    Prices,
    Limits,
    Members,
    Deposits,
    /// The same as pages name them.
    Payments,
    Arrivals,
    Refunds,
    Disputes,
    Documents,
    Grants,
    Holds,
    Runs,
    Resources,
    Runway,
    Projection,
    Mails,
    Events,
}

/// How a deposit goes when it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing is heard of it yet.
    Pending,
    Answered(RailAnswer),
    /// The rail confirms it twice.
    Twice,
}

/// How a refund comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundBy {
    /// It is asked for here, and the rail answers at once.
    Us,
    /// It is asked for here, and settled later.
    UsPending,
    /// A customer asks for it, and the rail answers at once.
    Customer,
    /// It was made at the provider.
    Provider,
}

/// What a line says.
#[derive(Clone, Debug)]
pub enum Says {
    Clock(Timestamp),
    Platform {
        profile: String,
        settings: String,
    },
    Profile {
        settings: String,
        from: Option<When>,
    },
    Sku {
        code: String,
        class: ResourceClass,
        facts: SkuFacts,
        prices: Vec<PriceOf>,
    },
    Price {
        code: String,
        price: PriceOf,
        from: Option<When>,
        applies_to: AppliesTo,
    },
    Alternative {
        code: String,
        alternative: Alternative,
        other: Option<String>,
    },
    OfferCommitment {
        code: String,
        terms: Option<CommitmentTerms>,
    },
    Commit {
        name: String,
        wallet: String,
        quantity: i64,
        code: String,
    },
    Wallet {
        name: String,
        zone: Zone,
    },
    Discount(Assign),
    Party {
        wallet: Option<String>,
        party: Party,
    },
    Invoice {
        wallet: String,
        month: Month,
    },
    Tax {
        wallet: String,
        bps: i64,
    },
    Limit {
        name: String,
        wallet: String,
        scope: LimitScope,
        window: LimitWindow,
        cap: Amount,
    },
    Unlimit {
        name: String,
    },
    Member {
        name: String,
        wallet: String,
        role: MemberRole,
    },
    Role {
        member: String,
        role: MemberRole,
    },
    Remove {
        member: String,
    },
    /// What a member asks for.
    As {
        member: String,
        says: Box<Says>,
    },
    Deposit {
        name: String,
        wallet: String,
        amount: Amount,
        paid_with: PaidWith,
        fate: Fate,
        told: Told,
    },
    Arrival {
        name: String,
        decision: Decision,
    },
    Dispute {
        name: String,
        deposit: String,
        state: DisputeState,
        withdrawn: Amount,
    },
    Reverse {
        wallet: String,
        id: String,
    },
    /// An organization is closed for good.
    Close {
        wallet: String,
    },
    ReleaseFreeze {
        wallet: String,
    },
    Refund {
        name: String,
        deposit: String,
        amount: Option<Amount>,
        by: RefundBy,
    },
    Settle {
        name: String,
        answer: RailAnswer,
        paid_at: Option<When>,
        told: Told,
    },
    Grant(NewGrant),
    Coupon(NewCoupon),
    Redeem {
        wallet: String,
        code: CouponCode,
    },
    Coupons,
    Void {
        name: String,
    },
    Start(Start),
    Stop {
        resource: String,
        at: Option<When>,
        rest: Option<Rest>,
    },
    Ready {
        resource: String,
        at: Option<When>,
    },
    Beat {
        resource: String,
        at: Option<When>,
    },
    Resize {
        resource: String,
        sku: String,
    },
    Resume {
        resource: String,
    },
    Redeploy {
        resource: String,
        again: String,
    },
    Hold(NewHold),
    Capture {
        name: String,
        amount: Option<Amount>,
    },
    Release {
        name: String,
    },
    Use(Use),
    Request(Served),
    Card {
        wallet: String,
        behaviour: Behaviour,
    },
    AutoTopUp {
        wallet: String,
        rule: Option<TopUpRule>,
    },
    Preview {
        wallet: String,
        rule: TopUpRule,
    },
    Alert {
        wallet: String,
        member: Option<String>,
        below: Option<Amount>,
    },
    Move(When),
    /// The engine is down for so many seconds.
    Down(i64),
    Balance {
        wallet: String,
        parts: Vec<Part>,
    },
    List {
        wallet: String,
        list: List,
    },
    History {
        wallet: String,
        filter: Filter,
    },
    /// The first command to the product is sent under an idempotency key.
    Keyed {
        key: String,
        command: Box<Says>,
    },
    /// What is not mailed.
    Mute {
        wallet: String,
        muted: Vec<Topic>,
    },
    Bounce {
        wallet: String,
    },
    Lint {
        profile: String,
        settings: String,
    },
    PricePage,
    TestClock,
    Report {
        wallet: String,
        by: Vec<Dimension>,
        days: i64,
    },
    Dearest {
        wallet: String,
        days: i64,
        idle: IdleCost,
    },
    Uses {
        wallet: String,
        days: i64,
        idle: IdleCost,
    },
    Suggestions {
        wallet: String,
        days: i64,
    },
    Week {
        resource: String,
        days: i64,
    },
    RollForward {
        month: Option<Month>,
    },
    /// Who has been silent for so long.
    Dormant {
        days: i64,
    },
    OperatorReport {
        report: operator_report::Report,
        since: Option<Month>,
    },
    Statement {
        wallet: String,
        month: Option<Month>,
    },
    Books,
    Repeat {
        each: Vec<Says>,
    },
}

/// A discount that is assigned.
#[derive(Clone, Debug)]
pub struct Assign {
    pub wallet: String,
    pub bps: i64,
    pub sku: Option<String>,
    pub from: Option<When>,
    pub until: Option<When>,
    pub applies_to: AppliesTo,
}

/// A resource that begins to run.
#[derive(Clone, Debug)]
pub struct Start {
    pub resource: String,
    pub wallet: String,
    pub sku: String,
    pub labels: Labels,
    pub at: Option<When>,
    pub waits: bool,
    pub heartbeat_seconds: Option<i64>,
}

/// Promotional credit.
#[derive(Clone, Debug)]
pub struct NewGrant {
    pub name: String,
    pub wallet: String,
    pub amount: Amount,
    pub given: Given,
    pub from: Option<When>,
    pub expires: Option<When>,
    pub priority: i64,
    /// SKUs by their codes, and classes; everything, when none is named.
    pub scope: Vec<String>,
}

/// Credit set aside, for work on a SKU if one is named.
#[derive(Clone, Debug)]
pub struct NewHold {
    pub name: String,
    pub wallet: String,
    pub amount: Amount,
    pub labels: Labels,
    pub seconds: Option<i64>,
    pub sku: Option<String>,
}

/// A campaign.
#[derive(Clone, Debug)]
pub struct NewCoupon {
    pub code: CouponCode,
    pub gift: CouponGift,
    pub from: Option<When>,
    pub until: Option<When>,
    pub most: i64,
    pub first: bool,
}

/// A usage event.
#[derive(Clone, Debug)]
pub struct Use {
    pub wallet: String,
    pub sku: String,
    pub quantities: Vec<(String, i64)>,
    pub labels: Labels,
    pub id: Option<String>,
    pub at: Option<When>,
}

/// A request that a resource served.
#[derive(Clone, Debug)]
pub struct Served {
    pub resource: String,
    pub busy_milliseconds: i64,
    pub id: Option<String>,
    pub at: Option<When>,
}

impl Says {
    /// True for what only shows: its output has to be stated.
    pub fn is_listing(&self) -> bool {
        matches!(
            self,
            Says::Balance { .. }
                | Says::List { .. }
                | Says::History { .. }
                | Says::Lint { .. }
                | Says::PricePage
                | Says::TestClock
                | Says::Preview { .. }
                | Says::Report { .. }
                | Says::Dearest { .. }
                | Says::Uses { .. }
                | Says::Suggestions { .. }
                | Says::Week { .. }
                | Says::RollForward { .. }
                | Says::Dormant { .. }
                | Says::OperatorReport { .. }
                | Says::Statement { .. }
                | Says::Books
                | Says::Coupons
        )
    }
}
