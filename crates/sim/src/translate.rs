//! Actions as operations of the product, and its answers as words.

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
use app::operations::create_sku::{CreateSku, SkuFacts};
use app::operations::give_grant::GiveGrant;
use app::operations::move_clock::MoveClock;
use app::operations::place_hold::PlaceHold;
use app::operations::record_usage::RecordUsage;
use app::operations::redeem_coupon::RedeemCoupon;
use app::operations::release_freeze::ReleaseFreeze;
use app::operations::release_hold::ReleaseHold;
use app::operations::remove_limit::RemoveLimit;
use app::operations::report_beat::ReportBeat;
use app::operations::report_dispute::ReportDispute;
use app::operations::report_ready::ReportReady;
use app::operations::report_refund::ReportRefund;
use app::operations::resize_run::ResizeRun;
use app::operations::resume_resource::ResumeResource;
use app::operations::reverse_usage::{ReverseUsage, reversal_key};
use app::operations::save_payment_method::SavePaymentMethod;
use app::operations::set_auto_top_up::SetAutoTopUp;
use app::operations::set_limit::SetLimit;
use app::operations::set_tax_rate::SetTaxRate;
use app::operations::set_user_limit::SetUserLimit;
use app::operations::settle_deposit::SettleDeposit;
use app::operations::settle_refund::SettleRefund;
use app::operations::start_deposit::StartDeposit;
use app::operations::start_refund::{RailAnswers, StartRefund};
use app::operations::start_run::StartRun;
use app::operations::stop_run::StopRun;
use app::operations::void_grant::VoidGrant;
use domain::calendar::Zone;
use domain::coupon::{BonusSlabs, ClaimState, Coupon, CouponCode, CouponGift, RedemptionState};
use domain::deposit::{Behaviour, Payment, PaymentOutcome};
use domain::dispute::DisputeState;
use domain::label::Labels;
use domain::ledger::EventKey;
use domain::limit::{LimitScope, LimitWindow};
use domain::price::AppliesTo;
use domain::refund::AskedBy;
use domain::run::ResourceClass;
use domain::top_up::Caps;
use domain::{Amount, Id, Kind, OrgId, Refusal, Timestamp};
use payments::sandbox;
use store::keys::KeyHasher;

use crate::auditor::Said;
use crate::command::{Action, Gift, Rail};

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
        // The workload saves no method whose answers get lost.
        Behaviour::TimesOutCharged | Behaviour::TimesOutUncharged => Rail::Asks,
    }
}

fn outcome(
    rail: Rail,
    (paid_at, fee): (Option<Timestamp>, Option<i64>),
    org: OrgId,
    deposit: i64,
) -> PaymentOutcome {
    let id = Id::new(Kind::Deposit, org, deposit).to_string();
    match rail {
        Rail::Pays => {
            let fee = fee.map(Amount::from_nanos);
            PaymentOutcome::Succeeded(Payment { paid_at, fee, ..sandbox::payment(&id) })
        }
        _ => sandbox::charge(behaviour(rail), &id),
    }
}

fn labels(label: Option<&str>) -> Labels {
    Labels::new(label.and_then(|label| label.split_once('='))).expect("a label")
}

fn scope(label: Option<&str>) -> LimitScope {
    match label.and_then(|label| label.split_once('=')) {
        None => LimitScope::Organization,
        Some(("member", value)) => LimitScope::Member(value.to_owned()),
        Some(("api_key", value)) => LimitScope::ApiKey(value.to_owned()),
        Some((_, value)) => LimitScope::Project(value.to_owned()),
    }
}

/// The operation that an action stands for.
pub fn operation(action: &Action, hasher: &KeyHasher) -> Box<dyn Operation> {
    let nanos = Amount::from_nanos;
    let rail = || sandbox::RAIL.to_owned();
    match action.clone() {
        Action::CreatePlatform { org, profile, settings, clock } => {
            let (name, profile) = ("cloud".into(), profile.to_owned());
            Box::new(CreatePlatform { org, name, profile, settings, test_clock: clock })
        }
        Action::CreateOrganization { org, platform, zone } => {
            let (name, zone) = ("customer".into(), Zone::named(zone).expect("a zone"));
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
        Action::Give { org, amount, priority, from, expires } => Box::new(GiveGrant {
            priority,
            effective_at: from,
            expires_at: expires,
            ..GiveGrant::promotion(org, nanos(amount))
        }),
        Action::Void { org, grant } => Box::new(VoidGrant { org, grant }),
        Action::Discount { org, sku, bps, from, until } => Box::new(AssignDiscount {
            org,
            sku,
            bps,
            effective_from: from,
            effective_until: until,
            applies_to: AppliesTo::NewRuns,
        }),
        Action::CreateCoupon { .. }
        | Action::Claim { .. }
        | Action::Redeem { .. }
        | Action::Conclude { .. } => coupon_operation(action.clone()),
        Action::SaveMethod { org, answers } => Box::new(SavePaymentMethod {
            org,
            rail: rail(),
            behaviour: behaviour(answers),
            label: "card".into(),
        }),
        Action::ChangeMethod { org, method, answers } => {
            Box::new(ChangePaymentMethod { org, method, behaviour: behaviour(answers) })
        }
        Action::AutoTopUp { org, enabled, threshold, amount, method, daily, monthly } => {
            let (threshold, amount) = (nanos(threshold), nanos(amount));
            Box::new(SetAutoTopUp {
                org,
                enabled,
                threshold,
                amount,
                method,
                caps: Caps { daily_attempts_max: daily, monthly_amount_max: monthly.map(nanos) },
            })
        }
        Action::Limit { org, limit } => {
            Box::new(SetUserLimit { org, member: None, limit: limit.map(nanos) })
        }
        Action::Tax { org, bps } => Box::new(SetTaxRate { org, bps }),
        Action::Cap { org, label, monthly, most } => {
            let window = if monthly { LimitWindow::Month } else { LimitWindow::Day };
            Box::new(SetLimit { org, scope: scope(label), window, cap: nanos(most) })
        }
        Action::Uncap { org, limit } => Box::new(RemoveLimit { org, limit }),
        Action::StartDeposit { org, amount } => {
            Box::new(StartDeposit::by_card(org, nanos(amount), &rail()))
        }
        Action::SettleDeposit { org, deposit, outcome: rail, paid, fee } => {
            let outcome = outcome(rail, (paid, fee), org, deposit);
            Box::new(SettleDeposit { org, deposit, outcome })
        }
        Action::Move { platform, to, arrival } => {
            Box::new(MoveClock { platform, to, is_arrival: arrival })
        }
        other => use_operation(other, hasher),
    }
}

fn coupon_gift(gift: &Gift) -> CouponGift {
    match gift {
        Gift::Credit(amount, expires_in_seconds) => CouponGift::Credit {
            amount: Amount::from_nanos(*amount),
            expires_in_seconds: *expires_in_seconds,
        },
        Gift::Bonus(slabs) => CouponGift::Bonus(BonusSlabs::parse(slabs).expect("slabs")),
    }
}

fn coupon_operation(action: Action) -> Box<dyn Operation> {
    let coupon_code = |code: String| CouponCode::parse(&code).expect("a code");
    match action {
        Action::CreateCoupon { platform, code, gift, from, until, most, first_only } => {
            Box::new(CreateCoupon {
                platform,
                code: coupon_code(code),
                gift: coupon_gift(&gift),
                starts_at: from,
                ends_at: until,
                redemptions_max: most,
                first_purchase_only: first_only,
            })
        }
        Action::Claim { platform, code, claimant } => {
            Box::new(ClaimCoupon { platform, code: coupon_code(code), claimant })
        }
        // Of a coupon that was claimed only these decide.
        Action::Redeem { org, coupon, code, gift, first_only } => {
            let coupon = Coupon {
                number: coupon,
                code: coupon_code(code),
                gift: coupon_gift(&gift),
                starts_at: Timestamp::from_micros(0),
                ends_at: Timestamp::NEVER,
                redemptions_max: i64::MAX,
                first_purchase_only: first_only,
                claimed: 0,
                created_at: Timestamp::from_micros(0),
            };
            Box::new(RedeemCoupon { org, coupon })
        }
        Action::Conclude { platform, claim, outcome } => {
            let states = RedemptionState::ALL.into_iter();
            let outcome = states.into_iter().find(|it| it.name() == outcome).expect("a state");
            Box::new(ConcludeClaim { platform, claim, outcome })
        }
        other => panic!("{other:?} is not about coupons"),
    }
}

/// Money that goes back, and charges that are taken back.
fn return_operation(action: Action, hasher: &KeyHasher) -> Box<dyn Operation> {
    let (nanos, rail) = (Amount::from_nanos, || sandbox::RAIL.to_owned());
    match action {
        Action::Refund { org, deposit, amount, by_customer } => {
            let asked_by = if by_customer { AskedBy::Customer } else { AskedBy::Operator };
            let (amount, rail) = (amount.map(nanos), RailAnswers::AtOnce);
            Box::new(StartRefund { org, deposit, amount, asked_by, rail })
        }
        Action::SettleRefund { org, refund, paid } => {
            let id = Id::new(Kind::Refund, org, refund).to_string();
            let outcome = if paid { sandbox::refunded(&id) } else { sandbox::refund_failed() };
            Box::new(SettleRefund { org, refund, outcome })
        }
        Action::ReportRefund { org, deposit, external, amount } => {
            let (rail, amount) = (rail(), nanos(amount));
            Box::new(ReportRefund { org, deposit, rail, external, amount })
        }
        Action::Dispute { org, deposit, external, state, withdrawn } => {
            let state = DisputeState::from_name(state).expect("a state of disputes");
            let (rail, withdrawn) = (rail(), nanos(withdrawn));
            Box::new(ReportDispute { org, deposit, rail, external, state, withdrawn })
        }
        Action::ReleaseFreeze { org } => Box::new(ReleaseFreeze { org }),
        Action::Reverse { org, id } => {
            let key = EventKey { source: SOURCE.into(), id };
            let hash = |key: &EventKey| hasher.hash(org.get(), &key.source, &key.id).bits();
            let (hash, reversal_hash) = (hash(&key), hash(&reversal_key(&key)));
            Box::new(ReverseUsage { org, key, hash, reversal_hash })
        }
        other => panic!("{other:?} has no operation"),
    }
}

fn use_operation(action: Action, hasher: &KeyHasher) -> Box<dyn Operation> {
    let nanos = Amount::from_nanos;
    match action {
        Action::CreateResource { org, sku, label } => {
            Box::new(CreateResource { org, label: "thing".into(), sku, labels: labels(label) })
        }
        Action::Resume { org, resource } => Box::new(ResumeResource { org, resource }),
        Action::StartRun { org, resource, at, waits, silence } => Box::new(StartRun {
            org,
            resource,
            started_at: at,
            waits_for_ready: waits,
            heartbeat_seconds: silence,
        }),
        Action::Resize { org, run, sku } => Box::new(ResizeRun { org, run, sku: sku.to_owned() }),
        Action::Ready { org, run, at } => Box::new(ReportReady { org, run, at }),
        Action::Beat { org, run, at } => Box::new(ReportBeat { org, run, at }),
        Action::StopRun { org, run, at } => {
            Box::new(StopRun { stopped_at: at, ..StopRun::now(org, run) })
        }
        Action::Usage { org, id, sku, at, quantities, label } => {
            let said = format!("{sku} {at:?} {quantities:?} {label:?}");
            let fingerprint = hasher.hash(0, "fingerprint", &said).bits();
            Box::new(RecordUsage {
                org,
                hash: hasher.hash(org.get(), SOURCE, &id).bits(),
                key: EventKey { source: SOURCE.into(), id },
                fingerprint: i64::try_from(fingerprint >> 1).unwrap(),
                sku,
                occurred_at: at,
                quantities,
                labels: labels(label),
            })
        }
        Action::Hold { org, amount, seconds, label } => Box::new(PlaceHold {
            org,
            amount: nanos(amount),
            sku: None,
            expires_in_seconds: seconds,
            note: String::new(),
            labels: labels(label),
        }),
        Action::Capture { org, hold, amount } => {
            Box::new(CaptureHold { org, hold, amount: amount.map(nanos) })
        }
        Action::Release { org, hold } => Box::new(ReleaseHold { org, hold }),
        other => return_operation(other, hasher),
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
                Refusal::LimitReached { left, required, .. } => {
                    format!(" {} {}", left.nanos(), required.nanos())
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
        Answer::Limit(_, limit, _) => format!("{} 0 spend_limit", limit.number),
        Answer::Permitted => "0 0 permitted".into(),
        Answer::Sku(_, sku) => format!("{} 0 sku", sku.number),
        Answer::Price(_, it) => format!("{} 0 price {}", it.number, it.effective_from.micros()),
        Answer::Discount(_, _, it) => format!("{} 0 discount {}", it.number, it.bps),
        Answer::Grant(_, _, grant) => format!("{} 0 grant {}", grant.number, grant.amount.nanos()),
        Answer::Deposit(_, it) => format!(
            "{} {} deposit {} {}",
            it.number,
            it.grant.unwrap_or(0),
            it.amount.nanos(),
            it.state.name()
        ),
        Answer::Arrival(_, it) => {
            format!("{} 0 arrival {} {}", it.number, it.amount.nanos(), it.state.name())
        }
        Answer::Refund(_, it) => {
            format!("{} 0 refund {} {}", it.number, it.amount.nanos(), it.state.name())
        }
        Answer::Dispute(_, it) => {
            format!("{} 0 dispute {} {}", it.number, it.withdrawn.nanos(), it.state.name())
        }
        Answer::Released(_) => "0 0 released".into(),
        Answer::PaymentMethod(_, method) => format!("{} 0 method", method.number),
        Answer::Coupon(_, coupon) => format!("{} 0 coupon", coupon.number),
        Answer::Claim(claim, coupon) => {
            let state = match claim.state {
                ClaimState::Open => "open",
                ClaimState::Redeemed => "redeemed",
                ClaimState::GivenBack => "given_back",
            };
            format!("{} {} claim {state} {}", claim.number, coupon.number, coupon.claimed)
        }
        Answer::Redemption(_, it) => {
            format!("{} {} redemption {}", it.number, it.grant.unwrap_or(0), it.state.name())
        }
        Answer::Document(_, it) => format!("{} 0 document", it.number),
        Answer::Party(..) => "0 0 party".into(),
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
