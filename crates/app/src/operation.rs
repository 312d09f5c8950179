//! What an operation is: which rows it needs, and what it decides over them (rulings A2).
//!
//! An operation is data. It is routed by the organization it is about, decided in the order of its
//! lane, and answered with rows as they stood then.

use std::sync::Arc;

use domain::amount::NANOS_PER_CENT;
use domain::arrival::Arrival;
use domain::coupon::{Claim, Coupon, CouponCode, Redemption};
use domain::deposit::{Deposit, PaymentMethod};
use domain::discount::Discount;
use domain::dispute::Dispute;
use domain::document::{About, Document, Party};
use domain::grant::Grant;
use domain::hold::Hold;
use domain::label::Labels;
use domain::ledger::LedgerTransaction;
use domain::limit::Limit;
use domain::member::{Member, MemberName, Permission};
use domain::notice::Notices;
use domain::price::{Price, Sku};
use domain::refund::Refund;
use domain::run::{Resource, Run};
use domain::tax::TaxRate;
use domain::top_up::AutoTopUp;
use domain::wallet::UserLimit;
use domain::workset::{ApiKey, EventHash, Key, Organization, Platform};
use domain::{Amount, Kind, OrgId, Refusal, Timestamp, Workset};

/// Money of a rail: organization, rail, and the rail's own id (rulings A12).
pub type ExternalKey = (OrgId, String, String);

/// The rows an operation decides over, besides the wallet, platform and price book of the
/// organization it is about, which are always there.
#[derive(Debug, Default)]
pub struct Keys {
    pub grants: Vec<Key>,
    /// Deposits, with the grants that they became.
    pub deposits: Vec<Key>,
    /// Arrivals, with the deposits that they were paid for.
    pub arrivals: Vec<Key>,
    /// Arrivals that were paid for these deposits.
    pub arrivals_of: Vec<Key>,
    pub refunds: Vec<Key>,
    /// Refunds of a rail by its own id of each.
    pub reported_refunds: Vec<ExternalKey>,
    /// Disputes of a rail by its own id of each.
    pub reported_disputes: Vec<ExternalKey>,
    /// Documents by platform, customer, and what they are about.
    pub documents_about: Vec<(OrgId, OrgId, About)>,
    /// Platforms whose series of documents may give a number.
    pub series: Vec<OrgId>,
    /// What documents name of these organizations.
    pub parties: Vec<OrgId>,
    /// Every grant that is open.
    pub open_grants: Vec<OrgId>,
    pub methods: Vec<Key>,
    pub resources: Vec<Key>,
    pub runs: Vec<Key>,
    pub holds: Vec<Key>,
    pub limits: Vec<Key>,
    /// Sets of labels by organization and fingerprint.
    pub label_sets: Vec<Key>,
    /// Coupons of platforms by their codes.
    pub coupons: Vec<(OrgId, CouponCode)>,
    /// Claims by platform, code of the coupon, and claimant.
    pub claimants: Vec<(OrgId, CouponCode, OrgId)>,
    /// Claims by platform and number, with their coupons.
    pub claims: Vec<Key>,
    pub redemptions: Vec<Key>,
    /// A deposit that succeeded, if there was any.
    pub purchases: Vec<OrgId>,
    pub api_keys: Vec<Key>,
    pub members: Vec<Key>,
    /// Every member, with their names.
    pub all_members: Vec<OrgId>,
    /// Organizations that are closed, with all that has to be over before.
    pub closing: Vec<OrgId>,
    /// Every run that is open.
    pub open_runs: Vec<OrgId>,
    pub open_holds: Vec<OrgId>,
    /// The journal of an organization back to an instant, with the grants it names.
    pub history: Vec<(OrgId, Timestamp)>,
    /// Platforms other than the one of the organization.
    pub platforms: Vec<OrgId>,
}

impl Keys {
    /// Asks for the set of these labels, if the organization has used them before.
    pub fn want_labels(&mut self, org: OrgId, labels: &Labels) {
        if !labels.is_empty() {
            self.label_sets.push((org, labels.fingerprint()));
        }
    }
}

/// What was decided, as it stood at that moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Platform(OrgId, Platform),
    Organization(OrgId, Organization),
    ApiKey(OrgId, ApiKey),
    Member(OrgId, Member, MemberName),
    Sku(OrgId, Sku),
    Price(OrgId, Price),
    /// Of an organization, and its platform.
    Discount(OrgId, OrgId, Discount),
    /// Of an organization, and its platform.
    Grant(OrgId, OrgId, Grant),
    Deposit(OrgId, Deposit),
    Arrival(OrgId, Arrival),
    Refund(OrgId, Refund),
    Dispute(OrgId, Dispute),
    /// Of a platform.
    Document(OrgId, Document),
    Party(OrgId, Party),
    PaymentMethod(OrgId, PaymentMethod),
    AutoTopUp(OrgId, AutoTopUp),
    /// Of the organization, or of one member.
    UserLimit(OrgId, Option<i64>, Option<UserLimit>),
    TaxRate(OrgId, Option<TaxRate>),
    Notices(OrgId, Notices),
    Resource(OrgId, Resource),
    Run(OrgId, Run),
    Hold(OrgId, Hold),
    Coupon(OrgId, Coupon),
    Claim(Claim, Coupon),
    Redemption(OrgId, Redemption),
    Charge {
        transaction: Arc<LedgerTransaction>,
        is_duplicate: bool,
    },
    /// A limit, and the instant of the answer.
    Limit(OrgId, Limit, Timestamp),
    /// A member may do what was asked.
    Permitted,
    /// A wallet is not frozen any more.
    Released(OrgId),
    /// A wallet was woken; the instant at which it wants to be woken next.
    Woken(Timestamp),
}

/// Something that can be asked of a lane.
pub trait Operation: Send + Sync {
    /// `verb_noun`, for logs and metrics.
    fn name(&self) -> &'static str;

    /// Whose lane decides it.
    fn org(&self) -> OrgId;

    /// Names the rows to load before [`Operation::decide`].
    fn needs(&self, _keys: &mut Keys) {}

    /// The event it records, for deduplication.
    fn event(&self) -> Option<EventHash> {
        None
    }

    /// An event that was recorded before and is looked back at, with the grants it drew from.
    fn looks_back(&self) -> Option<EventHash> {
        None
    }

    /// How far it lets time run; nothing when only to the present.
    fn until(&self) -> Option<Timestamp> {
        None
    }

    /// True when the operation makes its organization, so that there is no wallet to load.
    fn makes_organization(&self) -> bool {
        false
    }

    /// What `member` has to be allowed to ask for it; nothing when no member may.
    fn permission(&self, _ws: &Workset, _member: i64) -> Option<Permission> {
        None
    }

    /// Decides over `ws` at `now`. Pure; when it refuses, what it did is undone.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal>;
}

/// An operation by somebody who may only decide for the organizations of one platform. Whose the
/// organization is stands in its wallet, which is there anyway, so that nothing has to be read
/// before the command is queued. It is for operations without an idempotency key: a repeated answer
/// is given before anything is decided.
pub struct OnPlatform<O> {
    pub platform: OrgId,
    pub operation: O,
}

impl<O: Operation> Operation for OnPlatform<O> {
    fn name(&self) -> &'static str {
        self.operation.name()
    }

    fn org(&self) -> OrgId {
        self.operation.org()
    }

    fn needs(&self, keys: &mut Keys) {
        self.operation.needs(keys);
    }

    fn event(&self) -> Option<EventHash> {
        self.operation.event()
    }

    fn until(&self) -> Option<Timestamp> {
        self.operation.until()
    }

    fn makes_organization(&self) -> bool {
        self.operation.makes_organization()
    }

    /// Refusals, in order: `not_found` when the organization lives elsewhere, as if it did not
    /// exist; those of the operation.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        if ws.wallet(self.org())?.platform != self.platform {
            return Err(Refusal::NotFound { kind: Kind::Organization });
        }
        self.operation.decide(ws, now)
    }
}

/// An operation that a member asks for: their role has to allow it (requirements N19).
pub struct AsMember {
    pub member: i64,
    pub operation: Box<dyn Operation>,
}

impl Operation for AsMember {
    fn name(&self) -> &'static str {
        self.operation.name()
    }

    fn org(&self) -> OrgId {
        self.operation.org()
    }

    fn needs(&self, keys: &mut Keys) {
        keys.members.push((self.org(), self.member));
        self.operation.needs(keys);
    }

    fn event(&self) -> Option<EventHash> {
        self.operation.event()
    }

    fn looks_back(&self) -> Option<EventHash> {
        self.operation.looks_back()
    }

    fn until(&self) -> Option<Timestamp> {
        self.operation.until()
    }

    fn makes_organization(&self) -> bool {
        self.operation.makes_organization()
    }

    /// Refusals, in order: `not_found` (nobody, or removed), `role_forbids`; those of the
    /// operation.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let member = ws.members.find(Kind::Member, self.org(), self.member)?;
        if !member.is_present() {
            return Err(Refusal::NotFound { kind: Kind::Member });
        }
        let role = member.role;
        match self.operation.permission(ws, self.member) {
            Some(permission) if role.may(permission) => self.operation.decide(ws, now),
            asked => {
                let permission = asked.map_or("of_platform", Permission::name);
                Err(Refusal::RoleForbids { role: role.name(), permission })
            }
        }
    }
}

/// Refuses an amount that is not above zero.
pub fn require_positive(amount: Amount) -> Result<(), Refusal> {
    if amount.is_positive() { Ok(()) } else { Err(Refusal::AmountNotPositive) }
}

/// Refuses an amount that no rail can move.
pub fn require_whole_cents(amount: Amount) -> Result<(), Refusal> {
    if amount.nanos() % NANOS_PER_CENT == 0 { Ok(()) } else { Err(Refusal::AmountTooPrecise) }
}

/// The whole cents in an amount that is not below zero.
pub fn floor_to_whole_cents(amount: Amount) -> Amount {
    amount.minus(Amount::from_nanos(amount.nanos() % NANOS_PER_CENT))
}

/// Refuses a reported time outside what rulings R1 accepts.
pub fn require_reported(
    at: Timestamp,
    now: Timestamp,
    late_window_seconds: i64,
) -> Result<(), Refusal> {
    let latest = now.plus_seconds(domain::profile::REPORTED_AHEAD_SECONDS_MAX);
    if at > latest {
        return Err(Refusal::TooFarAhead { at, latest });
    }
    let earliest = now.plus_seconds(-late_window_seconds);
    if at < earliest {
        return Err(Refusal::TooLongAgo { at, earliest });
    }
    Ok(())
}
