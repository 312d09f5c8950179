//! Actions as operations of the product.

use app::operation::Operation;
use app::operations::capture_hold::CaptureHold;
use app::operations::change_payment_method::ChangePaymentMethod;
use app::operations::create_organization::CreateOrganization;
use app::operations::create_platform::CreatePlatform;
use app::operations::create_price::CreatePrice;
use app::operations::create_resource::CreateResource;
use app::operations::create_sku::CreateSku;
use app::operations::give_grant::GiveGrant;
use app::operations::move_clock::MoveClock;
use app::operations::place_hold::PlaceHold;
use app::operations::record_usage::RecordUsage;
use app::operations::release_hold::ReleaseHold;
use app::operations::resume_resource::ResumeResource;
use app::operations::save_payment_method::SavePaymentMethod;
use app::operations::set_auto_top_up::SetAutoTopUp;
use app::operations::set_user_limit::SetUserLimit;
use app::operations::settle_deposit::SettleDeposit;
use app::operations::start_deposit::StartDeposit;
use app::operations::start_run::StartRun;
use app::operations::stop_run::StopRun;
use app::operations::void_grant::VoidGrant;
use domain::calendar::Zone;
use domain::deposit::{Behaviour, PaymentOutcome};
use domain::ledger::EventKey;
use domain::run::ResourceClass;
use domain::{Amount, Id, Kind, OrgId};
use store::keys::KeyHasher;

use crate::command::{Action, Rail};

const SOURCE: &str = "sim";

fn behaviour(rail: Rail) -> Behaviour {
    match rail {
        Rail::Pays => Behaviour::Succeeds,
        Rail::Declines => Behaviour::Declines,
        Rail::Asks => Behaviour::NeedsAuthentication,
    }
}

fn outcome(rail: Rail, org: OrgId, deposit: i64) -> PaymentOutcome {
    payments::sandbox::charge(behaviour(rail), &Id::new(Kind::Deposit, org, deposit).to_string())
}

/// The operation that an action stands for.
pub fn operation(action: &Action, hasher: &KeyHasher) -> Box<dyn Operation> {
    let nanos = Amount::from_nanos;
    let sandbox = || payments::sandbox::RAIL.to_owned();
    match action.clone() {
        Action::CreatePlatform { org, profile, settings, clock } => {
            let (name, profile) = ("cloud".into(), profile.to_owned());
            Box::new(CreatePlatform { org, name, profile, settings, test_clock: clock })
        }
        Action::CreateOrganization { org, platform } => {
            let (name, zone) = ("customer".into(), Zone::UTC);
            Box::new(CreateOrganization { org, platform, name, zone })
        }
        Action::CreateSku { platform, code, class } => {
            let class = ResourceClass::from_name(class).unwrap();
            Box::new(CreateSku { platform, label: code.clone(), code, class })
        }
        Action::CreatePrice { platform, sku, dimension, amount, per, from } => {
            Box::new(CreatePrice {
                platform,
                sku,
                dimension,
                amount: nanos(amount),
                per_units: per,
                effective_from: from,
            })
        }
        Action::Give { org, amount, priority, expires } => Box::new(GiveGrant {
            priority,
            expires_at: expires,
            ..GiveGrant::promotion(org, nanos(amount))
        }),
        Action::Void { org, grant } => Box::new(VoidGrant { org, grant }),
        Action::SaveMethod { org, answers } => Box::new(SavePaymentMethod {
            org,
            rail: sandbox(),
            behaviour: behaviour(answers),
            label: "card".into(),
        }),
        Action::ChangeMethod { org, method, answers } => {
            Box::new(ChangePaymentMethod { org, method, behaviour: behaviour(answers) })
        }
        Action::AutoTopUp { org, enabled, threshold, amount, method } => {
            let (threshold, amount) = (nanos(threshold), nanos(amount));
            Box::new(SetAutoTopUp { org, enabled, threshold, amount, method })
        }
        Action::Limit { org, limit } => Box::new(SetUserLimit { org, limit: limit.map(nanos) }),
        Action::StartDeposit { org, amount } => {
            Box::new(StartDeposit { org, amount: nanos(amount), rail: sandbox() })
        }
        Action::SettleDeposit { org, deposit, outcome: rail } => {
            Box::new(SettleDeposit { org, deposit, outcome: outcome(rail, org, deposit) })
        }
        Action::Move { platform, to, arrival } => {
            Box::new(MoveClock { platform, to, is_arrival: arrival })
        }
        other => use_operation(other, hasher),
    }
}

fn use_operation(action: Action, hasher: &KeyHasher) -> Box<dyn Operation> {
    let nanos = Amount::from_nanos;
    match action {
        Action::CreateResource { org, sku } => {
            Box::new(CreateResource { org, label: "thing".into(), sku, labels: "{}".into() })
        }
        Action::Resume { org, resource } => Box::new(ResumeResource { org, resource }),
        Action::StartRun { org, resource, at } => {
            Box::new(StartRun { started_at: at, ..StartRun::now(org, resource) })
        }
        Action::StopRun { org, run, at } => {
            Box::new(StopRun { stopped_at: at, ..StopRun::now(org, run) })
        }
        Action::Usage { org, id, sku, at, quantities } => {
            let said = format!("{sku} {at:?} {quantities:?}");
            let fingerprint = hasher.hash(0, "fingerprint", &said).bits();
            Box::new(RecordUsage {
                org,
                hash: hasher.hash(org.get(), SOURCE, &id).bits(),
                key: EventKey { source: SOURCE.into(), id },
                fingerprint: i64::try_from(fingerprint >> 1).unwrap(),
                sku,
                occurred_at: at,
                quantities,
            })
        }
        Action::Hold { org, amount, seconds } => Box::new(PlaceHold {
            org,
            amount: nanos(amount),
            expires_in_seconds: seconds,
            note: String::new(),
        }),
        Action::Capture { org, hold, amount } => {
            Box::new(CaptureHold { org, hold, amount: amount.map(nanos) })
        }
        Action::Release { org, hold } => Box::new(ReleaseHold { org, hold }),
        other => panic!("{other:?} has no operation"),
    }
}
