//! The sandbox rail: a rail of our own on which everything can be tried without real money.

use domain::deposit::{Behaviour, Payment, PaymentOutcome};
use domain::refund::RefundOutcome;

/// The name of the rail.
pub const RAIL: &str = "sandbox";

/// What charging a saved payment method of this behaviour answers. `deposit` is the public id of
/// the deposit and becomes part of the rail's own id, so that charging twice is the same money.
pub fn charge(behaviour: Behaviour, deposit: &str) -> PaymentOutcome {
    match behaviour {
        Behaviour::Succeeds => paid(deposit),
        Behaviour::Declines => declined(),
        Behaviour::NeedsAuthentication => PaymentOutcome::NeedsAuthentication,
        Behaviour::TimesOutCharged | Behaviour::TimesOutUncharged => PaymentOutcome::Unknown,
    }
}

/// What reading a payment back answers that was asked for and not answered. The rail remembers
/// nothing: the behaviour of the method says whether it was made.
pub fn read_back(behaviour: Behaviour, deposit: &str) -> PaymentOutcome {
    match behaviour {
        Behaviour::TimesOutCharged => paid(deposit),
        Behaviour::TimesOutUncharged => PaymentOutcome::NotMade,
        other => charge(other, deposit),
    }
}

/// The payer paid on the hosted page.
pub fn paid(deposit: &str) -> PaymentOutcome {
    PaymentOutcome::Succeeded(payment(deposit))
}

/// The money of a deposit, about which nothing else is said yet.
pub fn payment(deposit: &str) -> Payment {
    Payment { external: format!("sandbox_{deposit}"), ..Payment::default() }
}

/// Another payment of the same deposit: `name` tells it from the others.
pub fn another(deposit: &str, name: &str) -> Payment {
    Payment { external: format!("sandbox_{deposit}_{name}"), ..Payment::default() }
}

/// The payer's card was declined.
pub fn declined() -> PaymentOutcome {
    PaymentOutcome::Declined { reason: "card declined".into() }
}

/// The refund with this public id has been paid.
pub fn refunded(refund: &str) -> RefundOutcome {
    RefundOutcome::Succeeded { external: format!("sandbox_{refund}") }
}

/// The refund could not be paid.
pub fn refund_failed() -> RefundOutcome {
    RefundOutcome::Failed { reason: "card closed".into() }
}
