//! What was told: alerts, the mails they make, and the orders to the simulated cloud.

use std::collections::BTreeMap;

use domain::event::EventKind;
use domain::time::SECONDS_PER_HOUR;
use domain::{Amount, Timestamp};
use store::read::lists::ToldEvent;

use super::Read;
use crate::pages::parts::Icon;
use crate::pages::show::{self, Unit};
use crate::pages::wallet::notices::{AlertRule, AlertState, Alerts, FeedEvent, Mail};

const MAILS_MAX: usize = 8;
const FEED_MAX: usize = 12;

/// The texts of an event by name.
struct Fields(BTreeMap<String, String>);

impl Fields {
    fn of(event: &ToldEvent) -> Fields {
        Fields(serde_json::from_str(&event.body).unwrap_or_default())
    }

    fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    fn amount(&self, name: &str) -> Amount {
        Amount::parse(self.text(name)).unwrap_or_default()
    }

    fn time(&self, name: &str) -> Option<Timestamp> {
        Timestamp::parse(self.text(name))
    }

    fn number(&self, name: &str) -> i64 {
        self.text(name).parse().unwrap_or(0)
    }
}

fn last(read: &Read, kind: EventKind) -> Option<&ToldEvent> {
    read.rows.events.iter().find(|event| event.kind == kind)
}

/// When everything was last stopped because nothing was left.
pub fn last_depletion(read: &Read) -> Option<Timestamp> {
    let event = last(read, EventKind::BalanceDepleted)?;
    Some(Fields::of(event).time("stopped_at").unwrap_or(event.at))
}

/// The rules that watch the balance.
pub fn alerts(read: &Read, refusal: Option<String>) -> Alerts {
    let (wallet, profile) = (&read.rows.wallet, read.rows.profile());
    let state = |fired: bool, kind: EventKind| match (fired, last(read, kind)) {
        (true, event) => AlertState::Fired(event.map_or(wallet.now, |event| event.at)),
        (false, _) => AlertState::Armed,
    };
    let mut rules = Vec::new();
    if let Some(horizon) = profile.forecast_horizon_seconds {
        let hours = horizon / SECONDS_PER_HOUR;
        rules.push(AlertRule {
            sentence: format!("E-mail when less than {hours} h of runtime is left"),
            state: state(wallet.forecast_fired, EventKind::BalanceForecastLow),
        });
    }
    let limit = wallet.user_limit.as_ref();
    rules.push(match limit {
        Some(rule) => AlertRule {
            sentence: format!("E-mail when available is below {}", Unit::Dollars.usage(rule.limit)),
            state: state(rule.fired, EventKind::BalanceLow),
        },
        None => AlertRule {
            sentence: "E-mail when available is below a limit of yours".into(),
            state: AlertState::Off,
        },
    });
    Alerts { rules, limit: limit.map(|rule| rule.limit), refusal }
}

/// The mails of this wallet, newest first.
pub fn mailbox(read: &Read) -> Vec<Mail> {
    let is_sent = |event: &&ToldEvent| {
        event.kind.is_mailed() && Fields::of(event).text(domain::settle::MAILED) != "no"
    };
    let mailed = read.rows.events.iter().filter(is_sent);
    let to = format!("billing contacts of {}", read.rows.organization.name);
    let mail = |event: &ToldEvent| {
        let (subject, body) = letter(read, event);
        Mail { number: event.number, at: event.at, to: to.clone(), subject, body }
    };
    mailed.take(MAILS_MAX).map(mail).collect()
}

/// Subject and body; the subject carries the number.
fn letter(read: &Read, event: &ToldEvent) -> (String, String) {
    let fields = Fields::of(event);
    let unit = read.presentation.labels.unit;
    let low = &read.rows.profile().label_low_balance;
    let balance = unit.balance(fields.amount("balance"));
    let amount = Unit::Dollars.usage(fields.amount("amount"));
    let zone = &read.presentation.zone;
    match event.kind {
        EventKind::BalanceLow => (
            format!("{low}: balance {balance}, below {}", unit.usage(fields.amount("limit"))),
            format!("Your balance went below your limit on {}.", zone.second(event.at)),
        ),
        EventKind::BalanceForecastLow => forecast_letter(read, event, &fields),
        EventKind::BalanceDepleted => (
            format!("Balance {balance}: what ran has stopped"),
            format!(
                "It was {} at {}. You owe nothing for what came after. Add credits, then start \
                 what you need again.",
                read.presentation.labels.stopped,
                zone.second(fields.time("stopped_at").unwrap_or(event.at))
            ),
        ),
        EventKind::AutoTopUpDisabled if fields.number("dispute") != 0 => (
            format!("{} is off", read.presentation.labels.auto_top_up),
            "A disputed payment has frozen your wallet, so no card is charged by itself.".into(),
        ),
        EventKind::AutoTopUpDisabled => (
            format!("{} of {amount} was declined and is off", read.presentation.labels.auto_top_up),
            "No money moved. Check the card, then switch it on again.".into(),
        ),
        EventKind::AutoTopUpPaused => (
            format!("{} has reached its cap", read.presentation.labels.auto_top_up),
            format!(
                "Nothing is charged by itself before {}. Add credits, or raise the cap.",
                zone.second(fields.time("until").unwrap_or(event.at))
            ),
        ),
        EventKind::DepositNeedsAuthentication => (
            format!("Confirm a payment of {amount} with your bank"),
            "Nothing is charged until you confirm it. Open the payment from your deposits.".into(),
        ),
        EventKind::RefundSucceeded => (
            format!("Refund of {amount} is on its way to you"),
            "It goes back to where the payment came from. Your bank decides when you see it."
                .into(),
        ),
        EventKind::WalletFrozen => (
            "A disputed payment has frozen your wallet".to_owned(),
            "What ran was stopped and nothing can start. Ask your bank to withdraw the dispute if \
             it was a mistake. Deposits are accepted."
                .into(),
        ),
        EventKind::WalletReleased => (
            "Your wallet can be used again".to_owned(),
            "Start again what you need. Auto top-up stays off until you switch it on.".into(),
        ),
        EventKind::RefundFailed => (
            format!("Refund of {amount} could not be paid"),
            "The credit is back where it was, on its original terms.".into(),
        ),
        EventKind::CreditExpiring => {
            let first = zone.second(fields.time("expires_at").unwrap_or(event.at));
            (
                format!("{amount} of credit expires soon"),
                format!("The first of it expires on {first}, if it is not used before."),
            )
        }
        _ => quiet_letter(read, event, &fields),
    }
}

/// What a day or a week has cost.
fn digest_letter(read: &Read, event: &ToldEvent, fields: &Fields) -> (String, String) {
    let (unit, zone) = (read.presentation.labels.unit, &read.presentation.zone);
    let (spent, balance) = (fields.amount("spent"), fields.amount("balance"));
    let span = if event.kind == EventKind::DigestDaily { "Yesterday" } else { "Last week" };
    let left = match fields.time("runs_out_at") {
        Some(at) => format!("At this rate it lasts until {}.", zone.second(at)),
        None => "Nothing takes it away by itself.".to_owned(),
    };
    (
        format!("{span}: {} spent, {} left", unit.usage(spent), unit.balance(balance)),
        format!("Since {}. {left}", zone.second(fields.time("from").unwrap_or(event.at))),
    )
}

/// What is no matter of the balance: digests, documents, and storage that nobody pays for.
fn quiet_letter(read: &Read, event: &ToldEvent, fields: &Fields) -> (String, String) {
    let zone = &read.presentation.zone;
    match event.kind {
        EventKind::RetentionStarted | EventKind::RetentionEnding => (
            format!("Storage is kept until {} only", zone.second(deletes_at(event, fields))),
            "Nothing is left to pay for it. Add credits before, and it stays as it is; after that \
             it is deleted for good."
                .into(),
        ),
        EventKind::DeletionOrdered => (
            format!("{} is deleted", read.resource_name(fields.number("resource"))),
            "It had been kept unpaid for as long as this platform keeps it.".into(),
        ),
        EventKind::DigestDaily | EventKind::DigestWeekly => digest_letter(read, event, fields),
        EventKind::DocumentIssued => (
            format!(
                "{} for {}",
                fields.text("document"),
                Unit::Dollars.usage(fields.amount("amount"))
            ),
            "It stays as it was issued, and stands with your other documents.".into(),
        ),
        other => (other.name().to_owned(), String::new()),
    }
}

fn deletes_at(event: &ToldEvent, fields: &Fields) -> Timestamp {
    fields.time("deletes_at").unwrap_or(event.at)
}

fn forecast_letter(read: &Read, event: &ToldEvent, fields: &Fields) -> (String, String) {
    let unit = read.presentation.labels.unit;
    let (balance, burn) = (fields.amount("balance"), fields.amount("burn_per_hour"));
    let seconds = match burn.is_positive() {
        true => i128::from(balance.nanos()) * 3_600 / i128::from(burn.nanos()),
        false => 0,
    };
    let left = show::left(i64::try_from(seconds).unwrap_or(i64::MAX));
    let (balance, rate) = (unit.balance(balance), unit.rate(burn));
    let needed = unit.balance(fields.amount("needed"));
    (
        format!("Balance {balance}, about {left} left at {rate}"),
        format!(
            "On {} the next 12 h were expected to take {needed}, more than what is usable then. \
             Credit that expires before is not counted.",
            read.presentation.zone.second(event.at)
        ),
    )
}

/// What the cloud was told and did, and what money did, newest first.
pub fn feed(read: &Read) -> Vec<FeedEvent> {
    read.rows.events.iter().take(FEED_MAX).map(|event| fed(read, event)).collect()
}

fn fed(read: &Read, event: &ToldEvent) -> FeedEvent {
    let fields = Fields::of(event);
    let name = read.resource_name(fields.number("resource"));
    let amount = Unit::Dollars.usage(fields.amount("amount"));
    let at = |field: &str| read.presentation.zone.clock(fields.time(field).unwrap_or(event.at));
    let reason = fields.text("reason");
    let top_up = &read.presentation.labels.auto_top_up;
    let (icon, text) = match event.kind {
        EventKind::RunAdmitted => (Icon::Hourglass, format!("{name} is admitted, not ready yet")),
        EventKind::PriceAnnounced => (Icon::Bell, format!("A price of {amount} is announced")),
        EventKind::RetentionStarted => {
            (Icon::Hourglass, format!("Unpaid storage is kept until {}", at("deletes_at")))
        }
        EventKind::RetentionEnding => {
            (Icon::Warning, format!("Storage is deleted at {} unless paid", at("deletes_at")))
        }
        EventKind::RetentionEnded => (Icon::Check, "Storage is paid for again".to_owned()),
        EventKind::DeletionOrdered => (Icon::Stop, format!("Cloud told to delete {name}")),
        EventKind::RunStarted => (Icon::Play, format!("{name} is ready, billing starts")),
        EventKind::RunStopped if reason == "out_of_credit" => {
            (Icon::Stop, format!("{name} stopped at {}, out of credit", at("stopped_at")))
        }
        EventKind::RunStopped if reason == "frozen" => {
            (Icon::Lock, format!("{name} stopped at {}, the wallet is frozen", at("stopped_at")))
        }
        EventKind::RunStopped if reason == "limit_reached" => (
            Icon::Stop,
            format!("{name} stopped at {}, a spend limit is reached", at("stopped_at")),
        ),
        EventKind::RunStopped => (Icon::Pause, format!("{name} stopped, billing ends")),
        EventKind::StopRequested => {
            (Icon::Warning, format!("Cloud told to stop {name} at {}", at("stop_at")))
        }
        EventKind::StopCancelled => (Icon::Return, "Order to stop taken back".to_owned()),
        EventKind::DepositSucceeded => (Icon::Deposit, format!("{amount} confirmed and added")),
        EventKind::DepositFailed => (Icon::Warning, format!("{amount} was not paid")),
        EventKind::DepositNeedsAuthentication => (Icon::Lock, format!("{amount} waits for a bank")),
        EventKind::DepositSeen => (Icon::Hourglass, format!("{amount} is on its way")),
        EventKind::ArrivalReceived => (Icon::Warning, format!("{amount} came and is reviewed")),
        EventKind::ArrivalCredited => (Icon::Deposit, format!("{amount} reviewed and added")),
        EventKind::ArrivalReturned => (Icon::Return, format!("{amount} went back")),
        EventKind::ArrivalIgnored => (Icon::Check, format!("{amount} was not added")),
        EventKind::DepositUnknown => (Icon::Hourglass, format!("{amount} is being checked")),
        EventKind::DocumentIssued => (Icon::Deposit, format!("{} issued", fields.text("document"))),
        EventKind::AutoTopUpDisabled => (Icon::Repeat, format!("{top_up} switched off")),
        EventKind::AutoTopUpPaused => (Icon::Repeat, format!("{top_up} waits for its cap")),
        EventKind::MemberAdded | EventKind::MemberRoleChanged | EventKind::MemberRemoved => {
            (Icon::Check, "Members changed".to_owned())
        }
        EventKind::LimitReached => (Icon::Warning, "A spend limit is reached".to_owned()),
        EventKind::BalanceLow => (Icon::Bell, "Balance went below the limit".to_owned()),
        EventKind::BalanceForecastLow => (Icon::Bell, "Little runtime is left".to_owned()),
        EventKind::BalanceRecovered => (Icon::Check, "Balance recovered".to_owned()),
        EventKind::BalanceDepleted => (Icon::Stop, "Nothing is left".to_owned()),
        EventKind::GrantExpired => (Icon::Hourglass, format!("{amount} of credit expired")),
        EventKind::GrantEffective => (Icon::Deposit, format!("{amount} of credit has begun")),
        EventKind::CouponRedeemed => {
            (Icon::Deposit, format!("Coupon {} redeemed", fields.text("coupon")))
        }
        EventKind::GrantRenewed => (Icon::Return, format!("{amount} of credit is valid again")),
        EventKind::CreditExpiring => (Icon::Bell, format!("{amount} of credit expires soon")),
        EventKind::HoldExpired => (Icon::Lock, format!("A hold of {amount} expired unused")),
        kind => fed_besides(kind, &amount, Unit::Dollars.usage(fields.amount("spent"))),
    };
    FeedEvent { at: event.at, icon, text }
}

/// What is fed about refunds, disputes and mails.
fn fed_besides(kind: EventKind, amount: &str, spent: String) -> (Icon, String) {
    match kind {
        EventKind::OrganizationClosed => (Icon::Stop, "The organization was closed".to_owned()),
        EventKind::OrganizationErased => (Icon::Stop, "Its names were erased".to_owned()),
        EventKind::MailBounced => (Icon::Warning, "A mail came back".to_owned()),
        EventKind::DigestDaily => (Icon::Bell, format!("{spent} were spent in a day")),
        EventKind::DigestWeekly => (Icon::Bell, format!("{spent} were spent in a week")),
        EventKind::DisputeOpened => (Icon::Warning, "A payment is disputed".to_owned()),
        EventKind::DisputeFundsWithdrawn => {
            (Icon::Warning, format!("{amount} withdrawn for a dispute"))
        }
        EventKind::DisputeFundsReinstated => (Icon::Return, format!("{amount} reinstated")),
        EventKind::DisputeWon => (Icon::Check, "The dispute was won".to_owned()),
        EventKind::DisputeLost => (Icon::Warning, "The dispute was lost".to_owned()),
        EventKind::WalletFrozen => (Icon::Lock, "The wallet is frozen".to_owned()),
        EventKind::WalletReleased => (Icon::Check, "The wallet can be used again".to_owned()),
        EventKind::RefundCreated => (Icon::Return, format!("A refund of {amount} was asked for")),
        EventKind::RefundSucceeded => (Icon::Return, format!("{amount} refunded")),
        EventKind::RefundFailed => {
            (Icon::Warning, format!("A refund of {amount} failed, the credit is back"))
        }
        // Every other kind has words of its own.
        other => (Icon::Bell, other.name().to_owned()),
    }
}
