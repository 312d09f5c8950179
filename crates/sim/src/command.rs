//! What the simulator asks of the product: plain data, understood alike by the engine's world and
//! by the auditor, who never see each other's types.

use domain::{OrgId, Timestamp};

use crate::auditor::Said;

/// One command of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    CreatePlatform {
        org: OrgId,
        profile: &'static str,
        settings: String,
        clock: Option<Timestamp>,
    },
    CreateOrganization {
        org: OrgId,
        platform: OrgId,
        zone: &'static str,
    },
    CreateSku {
        platform: OrgId,
        code: String,
        class: &'static str,
    },
    CreatePrice {
        platform: OrgId,
        sku: i64,
        dimension: String,
        amount: i64,
        per: i64,
        from: Option<Timestamp>,
    },
    Give {
        org: OrgId,
        amount: i64,
        priority: i64,
        /// When it begins, if not at once.
        from: Option<Timestamp>,
        expires: Option<Timestamp>,
    },
    Void {
        org: OrgId,
        grant: i64,
    },
    /// What one thing, or everything, costs an organization less: parts of ten thousand.
    Discount {
        org: OrgId,
        sku: Option<i64>,
        bps: i64,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    },
    CreateCoupon {
        platform: OrgId,
        code: String,
        gift: Gift,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
        most: i64,
        first_only: bool,
    },
    /// An organization takes a place in a coupon's count.
    Claim {
        platform: OrgId,
        code: String,
        claimant: OrgId,
    },
    /// The wallet gives what was claimed.
    Redeem {
        org: OrgId,
        coupon: i64,
        code: String,
        gift: Gift,
        first_only: bool,
    },
    /// The platform hears what became of a claim.
    Conclude {
        platform: OrgId,
        claim: i64,
        outcome: String,
    },
    SaveMethod {
        org: OrgId,
        answers: Rail,
    },
    ChangeMethod {
        org: OrgId,
        method: i64,
        answers: Rail,
    },
    AutoTopUp {
        org: OrgId,
        enabled: bool,
        threshold: i64,
        amount: i64,
        method: i64,
        /// Attempts in a day, money in a month.
        daily: Option<i64>,
        monthly: Option<i64>,
    },
    /// The rate of tax of an organization, in parts of ten thousand.
    Tax {
        org: OrgId,
        bps: i64,
    },
    Limit {
        org: OrgId,
        limit: Option<i64>,
    },
    /// What an organization, or what carries a label in it, may spend in a day or a month. Labels
    /// read `name=value`.
    Cap {
        org: OrgId,
        label: Option<&'static str>,
        monthly: bool,
        most: i64,
    },
    Uncap {
        org: OrgId,
        limit: i64,
    },
    StartDeposit {
        org: OrgId,
        amount: i64,
    },
    SettleDeposit {
        org: OrgId,
        deposit: i64,
        outcome: Rail,
        /// When it was paid, if the rail says so.
        paid: Option<Timestamp>,
        /// What the provider kept, if it says so.
        fee: Option<i64>,
    },
    Refund {
        org: OrgId,
        deposit: i64,
        amount: Option<i64>,
        by_customer: bool,
    },
    SettleRefund {
        org: OrgId,
        refund: i64,
        paid: bool,
    },
    /// A refund that was made at the provider.
    ReportRefund {
        org: OrgId,
        deposit: i64,
        external: String,
        amount: i64,
    },
    /// How a dispute stands at its rail.
    Dispute {
        org: OrgId,
        deposit: i64,
        external: String,
        state: &'static str,
        withdrawn: i64,
    },
    ReleaseFreeze {
        org: OrgId,
    },
    /// Takes back the charge for a usage event.
    Reverse {
        org: OrgId,
        id: String,
    },
    CreateResource {
        org: OrgId,
        sku: String,
        label: Option<&'static str>,
    },
    StartRun {
        org: OrgId,
        resource: i64,
        at: Option<Timestamp>,
        /// It costs nothing until it is ready.
        waits: bool,
        /// Seconds without a sign of life after which it is given up.
        silence: Option<i64>,
    },
    /// It goes on as another SKU.
    Resize {
        org: OrgId,
        run: i64,
        sku: &'static str,
    },
    Ready {
        org: OrgId,
        run: i64,
        at: Option<Timestamp>,
    },
    /// A sign of life.
    Beat {
        org: OrgId,
        run: i64,
        at: Option<Timestamp>,
    },
    Resume {
        org: OrgId,
        resource: i64,
    },
    StopRun {
        org: OrgId,
        run: i64,
        at: Option<Timestamp>,
    },
    Usage {
        org: OrgId,
        id: String,
        sku: String,
        at: Option<Timestamp>,
        quantities: Vec<(String, i64)>,
        label: Option<&'static str>,
    },
    Hold {
        org: OrgId,
        amount: i64,
        seconds: Option<i64>,
        label: Option<&'static str>,
    },
    Capture {
        org: OrgId,
        hold: i64,
        amount: Option<i64>,
    },
    Release {
        org: OrgId,
        hold: i64,
    },
    Move {
        platform: OrgId,
        to: Timestamp,
        arrival: bool,
    },
}

/// What a coupon gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gift {
    /// Credit, for so many seconds or for good.
    Credit(i64, Option<i64>),
    /// Slabs of a bonus on a deposit.
    Bonus(&'static str),
}

/// What a rail answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rail {
    Pays,
    Declines,
    Asks,
}

/// One thing that happens in the simulated world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Commands that are queued together.
    Batch(Vec<Action>),
    /// The wall clock moves; back, when negative.
    Tick { micros: i64 },
    /// The lane does what has fallen due.
    Wake,
    /// A test clock is advanced.
    Advance { platform: OrgId, to: Timestamp },
    /// The process is stopped and started again.
    Restart,
    /// Keys are sealed and the journal is indexed.
    Behind,
}

/// An action with the key that makes sending it twice harmless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub key: u64,
    pub action: Action,
}

impl Action {
    pub fn org(&self) -> OrgId {
        match self {
            Action::CreatePlatform { org, .. }
            | Action::CreateOrganization { org, .. }
            | Action::Give { org, .. }
            | Action::Void { org, .. }
            | Action::Discount { org, .. }
            | Action::Redeem { org, .. }
            | Action::SaveMethod { org, .. }
            | Action::ChangeMethod { org, .. }
            | Action::AutoTopUp { org, .. }
            | Action::Tax { org, .. }
            | Action::Limit { org, .. }
            | Action::Cap { org, .. }
            | Action::Uncap { org, .. }
            | Action::StartDeposit { org, .. }
            | Action::SettleDeposit { org, .. }
            | Action::Refund { org, .. }
            | Action::SettleRefund { org, .. }
            | Action::ReportRefund { org, .. }
            | Action::Dispute { org, .. }
            | Action::ReleaseFreeze { org }
            | Action::Reverse { org, .. }
            | Action::CreateResource { org, .. }
            | Action::StartRun { org, .. }
            | Action::Resize { org, .. }
            | Action::Ready { org, .. }
            | Action::Beat { org, .. }
            | Action::Resume { org, .. }
            | Action::StopRun { org, .. }
            | Action::Usage { org, .. }
            | Action::Hold { org, .. }
            | Action::Capture { org, .. }
            | Action::Release { org, .. } => *org,
            Action::CreateSku { platform, .. }
            | Action::CreatePrice { platform, .. }
            | Action::CreateCoupon { platform, .. }
            | Action::Claim { platform, .. }
            | Action::Conclude { platform, .. }
            | Action::Move { platform, .. } => *platform,
        }
    }

    /// Whether it left its wallet changed, when it was answered so.
    pub fn changes_wallet(&self, said: &Said) -> bool {
        let is_elsewhere = matches!(self, Action::ChangeMethod { .. });
        !is_elsewhere && !said.words.starts_with("refused") && !said.words.ends_with(" again")
    }
}
