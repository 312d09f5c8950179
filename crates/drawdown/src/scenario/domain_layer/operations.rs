//! The operation that each command is.

use app::operation::Operation;
use app::operations::add_member::AddMember;
use app::operations::assign_discount::AssignDiscount;
use app::operations::capture_hold::CaptureHold;
use app::operations::change_payment_method::ChangePaymentMethod;
use app::operations::change_profile::ChangeProfile;
use app::operations::change_role::ChangeRole;
use app::operations::claim_coupon::ClaimCoupon;
use app::operations::close_organization::CloseOrganization;
use app::operations::create_coupon::CreateCoupon;
use app::operations::create_organization::CreateOrganization;
use app::operations::create_platform::CreatePlatform;
use app::operations::create_price::CreatePrice;
use app::operations::create_resource::CreateResource;
use app::operations::create_sku::CreateSku;
use app::operations::decide_arrival::DecideArrival;
use app::operations::give_grant::GiveGrant;
use app::operations::make_commitment::MakeCommitment;
use app::operations::offer_commitment::OfferCommitment;
use app::operations::place_hold::PlaceHold;
use app::operations::record_request::RecordRequest;
use app::operations::record_usage::RecordUsage;
use app::operations::redeploy_resource::RedeployResource;
use app::operations::relate_sku::RelateSku;
use app::operations::release_freeze::ReleaseFreeze;
use app::operations::release_hold::ReleaseHold;
use app::operations::remove_limit::RemoveLimit;
use app::operations::remove_member::RemoveMember;
use app::operations::report_beat::ReportBeat;
use app::operations::report_bounce::ReportBounce;
use app::operations::report_dispute::ReportDispute;
use app::operations::report_ready::ReportReady;
use app::operations::report_refund::ReportRefund;
use app::operations::resize_run::ResizeRun;
use app::operations::resume_resource::ResumeResource;
use app::operations::reverse_usage::{ReverseUsage, reversal_key};
use app::operations::save_payment_method::SavePaymentMethod;
use app::operations::set_auto_top_up::SetAutoTopUp;
use app::operations::set_limit::SetLimit;
use app::operations::set_notices::SetNotices;
use app::operations::set_party::SetParty;
use app::operations::set_tax_rate::SetTaxRate;
use app::operations::set_user_limit::SetUserLimit;
use app::operations::settle_deposit::SettleDeposit;
use app::operations::settle_refund::SettleRefund;
use app::operations::start_deposit::StartDeposit;
use app::operations::start_refund::{RailAnswers, StartRefund};
use app::operations::start_run::StartRun;
use app::operations::stop_run::StopRun;
use app::operations::void_grant::VoidGrant;
use domain::coupon::CouponCode;
use domain::deposit::{Payment, PaymentOutcome};
use domain::label::Labels;
use domain::ledger::EventKey;
use domain::{Id, Kind, OrgId, Timestamp};
use payments::sandbox;

use super::fnv_64;
use crate::scenario::layer::{
    Assigned, Campaign, Command, NewPrice, RailAnswer, Told, TopUpRule, Usage,
};

/// The source of all usage events of a scenario.
const SOURCE: &str = "scenario";

/// Hashes organization, source and id of a usage event.
pub type HashOf<'a> = &'a dyn Fn(OrgId, &str, &str) -> u64;

pub(super) fn hash_of(org: OrgId, source: &str, id: &str) -> u64 {
    fnv_64(&[&org.get().to_le_bytes(), source.as_bytes(), id.as_bytes()])
}

/// The operation that `command` is; `drawn` is the id of an organization that it makes.
pub fn operation_of(command: &Command, drawn: OrgId, hash_of: HashOf<'_>) -> Box<dyn Operation> {
    match command.clone() {
        Command::CreatePlatform { name, profile, settings, clock } => {
            let test_clock = Some(clock);
            Box::new(CreatePlatform { org: drawn, name, profile, settings, test_clock })
        }
        Command::ChangeProfile { platform, settings, effective_from } => {
            Box::new(ChangeProfile { platform, settings, effective_from })
        }
        Command::CreateOrganization { platform, name, zone } => {
            Box::new(CreateOrganization { org: drawn, platform, name, zone })
        }
        Command::CreateSku { platform, code, class, facts } => {
            Box::new(CreateSku { platform, label: code.clone(), code, class, facts })
        }
        Command::OfferCommitment { platform, sku, terms } => {
            Box::new(OfferCommitment { platform, sku, terms })
        }
        Command::MakeCommitment { org, sku, quantity } => {
            Box::new(MakeCommitment { org, sku, quantity })
        }
        Command::RelateSku { platform, sku, alternative, other } => {
            Box::new(RelateSku { platform, sku, alternative, other })
        }
        Command::CreatePrice(price) => Box::new(create_price(price)),
        other => resource_operation_of(other, hash_of),
    }
}

/// The same for what is about money and grants.
fn money_operation_of(command: Command) -> Box<dyn Operation> {
    let rail = sandbox::RAIL.to_string();
    match command {
        Command::AssignDiscount(assigned) => Box::new(assign_discount(assigned)),
        Command::GiveGrant { org, amount, priority, given, effective_at, expires_at, scope } => {
            let grant = GiveGrant { priority, given, ..GiveGrant::promotion(org, amount) };
            let scope = scope.map(|(_, scope)| scope);
            Box::new(GiveGrant { effective_at, expires_at, scope, ..grant })
        }
        Command::CreateCoupon(campaign) => Box::new(create_coupon(campaign)),
        Command::Redeem { platform, org, code } => Box::new(claim(platform, org, code)),
        Command::VoidGrant { org, grant } => Box::new(VoidGrant { org, grant }),
        Command::SetLimit { org, scope, window, cap } => {
            Box::new(SetLimit { org, scope, window, cap })
        }
        Command::RemoveLimit { org, limit } => Box::new(RemoveLimit { org, limit }),
        Command::AddMember { org, name, role } => {
            Box::new(AddMember { org, member_name: name, role })
        }
        Command::ChangeRole { org, member, role } => Box::new(ChangeRole { org, member, role }),
        Command::SetParty { org, party } => Box::new(SetParty { org, party }),
        Command::RemoveMember { org, member } => Box::new(RemoveMember { org, member }),
        Command::StartDeposit { org, amount, paid_with, member } => {
            Box::new(StartDeposit { org, amount, rail, paid_with, member })
        }
        Command::SettleDeposit { org, deposit, answer, paid_at, told } => {
            let payment = (paid_at, told);
            Box::new(SettleDeposit {
                org,
                deposit,
                outcome: outcome(org, deposit, answer, payment),
            })
        }
        Command::DecideArrival { org, arrival, decision } => {
            Box::new(DecideArrival { org, arrival, decision })
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
        Command::CloseOrganization { org } => Box::new(CloseOrganization { org }),
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
        Command::SetAutoTopUp { org, is_on, rule, method } => {
            let TopUpRule { threshold, amount, caps } = rule;
            Box::new(SetAutoTopUp { org, enabled: is_on, threshold, amount, method, caps })
        }
        Command::SetTaxRate { org, bps } => Box::new(SetTaxRate { org, bps }),
        Command::SetUserLimit { org, member, limit } => {
            Box::new(SetUserLimit { org, member, limit })
        }
        Command::SetNotices { org, muted } => Box::new(SetNotices { org, muted }),
        Command::ReportBounce { org, reason } => Box::new(ReportBounce { org, reason }),
        other => unreachable!("{other:?} is not about money"),
    }
}

pub(super) fn claim(platform: OrgId, claimant: OrgId, code: CouponCode) -> ClaimCoupon {
    ClaimCoupon { platform, code, claimant }
}

/// The same for what is about resources, holds and use.
fn resource_operation_of(command: Command, hash_of: HashOf<'_>) -> Box<dyn Operation> {
    match command {
        Command::CreateResource { org, label, sku, labels } => {
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
        Command::PlaceHold { org, sku, amount, seconds, labels } => {
            let (expires_in_seconds, note) = (seconds, String::new());
            let sku = sku.map(|(_, number)| number);
            Box::new(PlaceHold { org, amount, sku, expires_in_seconds, note, labels })
        }
        Command::CaptureHold { org, hold, amount } => Box::new(CaptureHold { org, hold, amount }),
        Command::ReleaseHold { org, hold } => Box::new(ReleaseHold { org, hold }),
        Command::RecordUsage { org, usage } => Box::new(record_usage(org, usage, hash_of)),
        Command::RecordRequest { org, id, resource, occurred_at, busy_milliseconds } => {
            let said =
                format!("{resource} {busy_milliseconds} {:?}", occurred_at.map(Timestamp::micros));
            let (key, hash, fingerprint) = identity(org, id, &said, hash_of);
            Box::new(RecordRequest {
                org,
                key,
                hash,
                fingerprint,
                resource,
                occurred_at,
                busy_milliseconds,
                labels: Labels::default(),
            })
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

fn create_price(price: NewPrice) -> CreatePrice {
    CreatePrice {
        platform: price.platform,
        sku: price.sku,
        dimension: price.dimension,
        amount: price.amount,
        per_units: price.per_units,
        effective_from: price.effective_from,
        applies_to: price.applies_to,
    }
}

fn assign_discount(assigned: Assigned) -> AssignDiscount {
    AssignDiscount {
        org: assigned.org,
        sku: assigned.sku,
        bps: assigned.bps,
        effective_from: assigned.effective_from,
        effective_until: assigned.effective_until,
        applies_to: assigned.applies_to,
    }
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
    org: OrgId,
    deposit: i64,
    answer: RailAnswer,
    (paid_at, told): (Option<Timestamp>, Told),
) -> PaymentOutcome {
    let id = Id::new(Kind::Deposit, org, deposit).to_string();
    match answer {
        RailAnswer::Succeeded => {
            let Told { amount, currency, fee, conversion, payment } = told;
            let named = payment.map(|name| sandbox::another(&id, &name));
            let payment = named.unwrap_or_else(|| sandbox::payment(&id));
            PaymentOutcome::Succeeded(Payment {
                paid_at,
                amount,
                currency,
                fee,
                conversion,
                ..payment
            })
        }
        RailAnswer::Seen => PaymentOutcome::Seen,
        RailAnswer::Declined => sandbox::declined(),
        RailAnswer::NeedsAuthentication => PaymentOutcome::NeedsAuthentication,
    }
}

fn record_usage(org: OrgId, usage: Usage, hash_of: HashOf<'_>) -> RecordUsage {
    let Usage { id, sku, occurred_at, quantities, labels } = usage;
    let said = format!("{sku} {quantities:?} {:?} {labels}", occurred_at.map(Timestamp::micros));
    let (key, hash, fingerprint) = identity(org, id, &said, hash_of);
    RecordUsage { org, key, hash, fingerprint, sku, occurred_at, quantities, labels }
}

/// Key, hash and fingerprint of an event that says `said`.
fn identity(org: OrgId, id: String, said: &str, hash_of: HashOf<'_>) -> (EventKey, u64, i64) {
    let key = EventKey { source: SOURCE.to_string(), id };
    let hash = hash_of(org, &key.source, &key.id);
    (key, hash, fnv_64(&[said.as_bytes()]).cast_signed())
}
