//! Activity: every movement of the ledger, each opening into how it was computed.
//!
//! Law: amounts and balances after them add up on the page, newest first (rulings A11).

use domain::{Amount, Timestamp};
use maud::{Markup, html};

use super::Context;
use crate::pages::parts::{self, Icon, icon};
use crate::pages::show;

/// A page of the ledger.
#[derive(Clone, Debug)]
pub struct Activity {
    pub movements: Vec<Movement>,
    /// Address of the page of older movements.
    pub older: Option<String>,
}

/// One ledger transaction.
#[derive(Clone, Debug)]
pub struct Movement {
    /// The gapless number of the transaction in this organization.
    pub number: i64,
    pub at: Timestamp,
    pub kind: Kind,
    /// "train-h100", "Visa •••• 4242", "A100 query".
    pub label: String,
    pub by: Option<String>,
    pub amount: Amount,
    pub balance_after: Amount,
    pub working: Vec<Working>,
    /// Grants touched: name and amount taken or given.
    pub grants: Vec<(String, Amount)>,
}

/// One line of how an amount came to be.
#[derive(Clone, Debug)]
pub enum Working {
    /// `12,345 s × $1.80/h = $6.1725`.
    Time {
        seconds: i64,
        per_hour: Amount,
        cost: Amount,
    },
    /// `1,200 input tokens × $0.50 per 1,000,000 = $0.0006`.
    Quantity {
        quantity: i64,
        what: String,
        price: Amount,
        per: i64,
        cost: Amount,
    },
    /// The difference between the total and the sum of its lines (rulings R3).
    Rounding(Amount),
    Words(String),
}

/// What a movement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Deposit,
    AutoTopUp,
    Coupon,
    Grant,
    Usage,
    Refund,
    Expired,
    Adjustment,
}

impl Kind {
    fn icon(self) -> Icon {
        match self {
            Kind::Deposit => Icon::Deposit,
            Kind::AutoTopUp => Icon::Repeat,
            Kind::Coupon | Kind::Grant => Icon::Gift,
            Kind::Usage => Icon::Pulse,
            Kind::Refund => Icon::Return,
            Kind::Expired => Icon::Hourglass,
            Kind::Adjustment => Icon::Sliders,
        }
    }

    fn word(self, auto_top_up: &str) -> &str {
        match self {
            Kind::Deposit => "Deposit",
            Kind::AutoTopUp => auto_top_up,
            Kind::Coupon => "Coupon",
            Kind::Grant => "Grant",
            Kind::Usage => "Usage",
            Kind::Refund => "Refund",
            Kind::Expired => "Expired",
            Kind::Adjustment => "Adjustment",
        }
    }
}

/// Draws the list.
pub(crate) fn view(context: Context<'_>, activity: &Activity) -> Markup {
    let aside = html! { span class="aside" { "Open a line to see how it was computed" } };
    let body = html! {
        div id="activity-body" data-swap {
            @if activity.movements.is_empty() {
                (parts::nothing(Icon::Pulse, "No movement yet. Add credits to begin."))
            } @else {
                ol class="ledger" {
                    @for movement in &activity.movements { li { (line(context, movement)) } }
                }
            }
            @if let Some(address) = &activity.older {
                p class="older" { a href=(address) { "Older movements" } }
            }
        }
    };
    parts::card("activity", "Activity", aside, body)
}

fn line(context: Context<'_>, movement: &Movement) -> Markup {
    let (unit, zone) = (context.unit(), &context.presentation.zone);
    let preposition = if movement.amount.is_positive() { "To " } else { "From " };
    let word = movement.kind.word(&context.presentation.labels.auto_top_up);
    html! {
        details id={ "movement-" (movement.number) } {
            summary {
                span class=(if movement.amount.is_positive() { "kind in" } else { "kind" }) {
                    (icon(movement.kind.icon()))
                }
                span class="what" {
                    b { (movement.label) }
                    small {
                        (word) " · " (parts::time(movement.at, &zone.short(movement.at)))
                        @if let Some(by) = &movement.by { " · " (by) }
                    }
                }
                span class="moved" {
                    (parts::signed(unit, movement.amount))
                    small {
                        (parts::hidden("balance after "))
                        (parts::balance(unit, movement.balance_after))
                    }
                }
            }
            div class="explained" {
                @if !movement.working.is_empty() {
                    ul class="working" {
                        @for step in &movement.working { li { (working(context, step)) } }
                    }
                }
                dl {
                    @for (grant, amount) in &movement.grants {
                        div {
                            dt { (preposition) (grant) }
                            dd { (parts::usage(unit, *amount)) }
                        }
                    }
                    div {
                        dt { "Balance after, exact" }
                        dd { (unit.exact(movement.balance_after)) }
                    }
                    div { dt { "Ledger transaction" } dd {
                        "no. " (show::count(movement.number)) ", "
                        (parts::time(movement.at, &zone.second(movement.at)))
                    } }
                }
            }
        }
    }
}

fn working(context: Context<'_>, step: &Working) -> Markup {
    let unit = context.unit();
    match step {
        Working::Time { seconds, per_hour, cost } => html! {
            (show::count(*seconds)) " s × " (unit.rate(*per_hour)) " = " b { (unit.exact(*cost)) }
        },
        Working::Quantity { quantity, what, price, per, cost } => html! {
            (show::count(*quantity)) " " (what) " × " (unit.usage(*price)) " per "
            (show::count(*per)) " = " b { (unit.exact(*cost)) }
        },
        Working::Rounding(amount) => html! {
            "rounding to whole nano-units = " b { (unit.exact(*amount)) }
        },
        Working::Words(words) => html! { (words) },
    }
}
