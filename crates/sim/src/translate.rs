//! Actions as operations of the product, and its answers as words.

use app::operation::{Answer, Operation};
use app::operations::capture_hold::CaptureHold;
use app::operations::change_payment_method::ChangePaymentMethod;
use app::operations::create_organization::CreateOrganization;
use app::operations::create_platform::CreatePlatform;
use app::operations::create_price::CreatePrice;
use app::operations::create_resource::CreateResource;
use app::operations::create_sku::{CreateSku, SkuFacts};
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
use domain::label::Labels;
use domain::ledger::EventKey;
use domain::price::AppliesTo;
use domain::run::ResourceClass;
use domain::{Amount, Id, Kind, OrgId, Refusal};
use store::keys::KeyHasher;

use crate::auditor::Said;
use crate::command::{Action, Rail};

const SOURCE: &str = "sim";

fn behaviour(rail: Rail) -> Behaviour {
    match rail {
        Rail::Pays => Behaviour::Succeeds,
        Rail::Declines => Behaviour::Declines,
        Rail::Asks => Behaviour::NeedsAuthentication,
    }
}

/// What a saved method of this behaviour answers.
pub fn rail_of(behaviour: Behaviour) -> Rail {
    match behaviour {
        Behaviour::Succeeds => Rail::Pays,
        Behaviour::Declines => Rail::Declines,
        Behaviour::NeedsAuthentication => Rail::Asks,
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
            Box::new(CreateSku {
                platform,
                label: code.clone(),
                code,
                class,
                facts: SkuFacts::default(),
            })
        }
        Action::CreatePrice { platform, sku, dimension, amount, per, from } => {
            Box::new(CreatePrice {
                platform,
                sku,
                dimension,
                amount: nanos(amount),
                per_units: per,
                effective_from: from,
                applies_to: AppliesTo::NewRuns,
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
        Action::Limit { org, limit } => {
            Box::new(SetUserLimit { org, member: None, limit: limit.map(nanos) })
        }
        Action::StartDeposit { org, amount } => {
            Box::new(StartDeposit { org, amount: nanos(amount), rail: sandbox(), member: None })
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
            Box::new(CreateResource { org, label: "thing".into(), sku, labels: Labels::NONE })
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
                labels: Labels::NONE,
            })
        }
        Action::Hold { org, amount, seconds } => Box::new(PlaceHold {
            org,
            amount: nanos(amount),
            expires_in_seconds: seconds,
            note: String::new(),
            labels: Labels::NONE,
        }),
        Action::Capture { org, hold, amount } => {
            Box::new(CaptureHold { org, hold, amount: amount.map(nanos) })
        }
        Action::Release { org, hold } => Box::new(ReleaseHold { org, hold }),
        other => panic!("{other:?} has no operation"),
    }
}

/// An answer as one line: two numbers, then words that hold no number given out.
pub fn render(decided: &Result<Answer, Refusal>) -> (u16, String) {
    let answer = match decided {
        Ok(answer) => answer,
        Err(refusal) => {
            let amounts = match refusal {
                Refusal::InsufficientCredit { available, required }
                | Refusal::RunwayTooShort { available, required } => {
                    format!(" {} {}", available.nanos(), required.nanos())
                }
                _ => String::new(),
            };
            return (402, format!("0 0 refused {}{amounts}", refusal.code()));
        }
    };
    let text = match answer {
        Answer::Platform(..) => "0 0 platform".into(),
        Answer::Organization(..) => "0 0 organization".into(),
        Answer::ApiKey(_, key) => format!("{} 0 key", key.number),
        Answer::Member(_, member, _) => format!("{} 0 member", member.number),
        Answer::Permitted => "0 0 permitted".into(),
        Answer::Sku(_, sku) => format!("{} 0 sku", sku.number),
        Answer::Price(_, it) => format!("{} 0 price {}", it.number, it.effective_from.micros()),
        Answer::Discount(_, _, it) => format!("{} 0 discount {}", it.number, it.bps),
        Answer::Grant(_, grant) => format!("{} 0 grant {}", grant.number, grant.amount.nanos()),
        Answer::Deposit(_, it) => format!(
            "{} {} deposit {} {}",
            it.number,
            it.grant.unwrap_or(0),
            it.amount.nanos(),
            it.state.name()
        ),
        Answer::Refund(_, it) => {
            format!("{} 0 refund {} {}", it.number, it.amount.nanos(), it.state.name())
        }
        Answer::Dispute(_, it) => {
            format!("{} 0 dispute {} {}", it.number, it.withdrawn.nanos(), it.state.name())
        }
        Answer::Released(_) => "0 0 released".into(),
        Answer::PaymentMethod(_, method) => format!("{} 0 method", method.number),
        Answer::Coupon(_, coupon) => format!("{} 0 coupon", coupon.number),
        Answer::Claim(claim, _) => format!("{} 0 claim", claim.number),
        Answer::Redemption(_, redemption) => format!("{} 0 redemption", redemption.number),
        Answer::TaxRate(..) => "0 0 tax".into(),
        Answer::AutoTopUp(..) => "0 0 top_up".into(),
        Answer::UserLimit(..) => "0 0 limit".into(),
        Answer::Notices(..) => "0 0 notices".into(),
        Answer::Resource(_, resource) => format!("{} 0 resource", resource.number),
        Answer::Run(_, run) => {
            let start = run.started_at.seconds();
            let end = match (run.stopped_at, run.stop_reason) {
                (Some(stop), Some(reason)) => format!("{} {}", stop.seconds(), reason.name()),
                _ => "open".into(),
            };
            format!("{} {} run {start} {end}", run.number, run.price)
        }
        Answer::Hold(_, hold) => {
            let captured =
                hold.captured.map_or(String::new(), |amount| format!(" {}", amount.nanos()));
            let (amount, state) = (hold.amount.nanos(), hold.state.name());
            format!("{} 0 hold {amount} {state}{captured}", hold.number)
        }
        Answer::Charge { transaction: it, is_duplicate } => format!(
            "{} 0 charge {} {} {} {}{}",
            it.number,
            it.amount.nanos(),
            it.absorbed.nanos(),
            it.debt.nanos(),
            it.balance.nanos(),
            if *is_duplicate { " again" } else { "" }
        ),
        Answer::Woken(_) => "0 0 woken".into(),
    };
    (200, text)
}

/// Reads back what [`render`] wrote.
pub fn parse(body: &str) -> Said {
    let mut parts = body.splitn(3, ' ');
    let mut number = || parts.next().and_then(|text| text.parse().ok()).expect("two numbers");
    let (number, other) = (number(), number());
    Said { number, other, words: parts.next().expect("words").to_owned() }
}
