//! Grants in the order they burn, and the holds that set parts of them aside.
//!
//! Law: expiry stands beside the amount it ends, never in small print (ux, promise 4).

use domain::{Amount, Id, Timestamp};
use maud::{Markup, html};

use super::Context;
use crate::charts;
use crate::pages::parts::{self, Icon, icon};
use crate::pages::show;

/// An open grant.
#[derive(Clone, Debug)]
pub struct Grant {
    pub grant: Id,
    /// "Deposit 5 Jan", "Welcome credit".
    pub name: String,
    pub promotional: bool,
    pub amount: Amount,
    pub remaining: Amount,
    pub expires_at: Option<Timestamp>,
    /// What it may be spent on, when not on everything.
    pub scope: Option<String>,
}

/// Credit set aside before work.
#[derive(Clone, Debug)]
pub struct Hold {
    pub hold: Id,
    /// "Launch of train-h100".
    pub what: String,
    pub amount: Amount,
    pub expires_at: Timestamp,
}

/// Draws the grants, next to burn first.
pub(crate) fn view(context: Context<'_>, grants: &[Grant]) -> Markup {
    let body = html! {
        div id="grants-body" data-swap {
            @if grants.is_empty() {
                (parts::nothing(Icon::Gift, "No credit is left. What you add appears here."))
            } @else {
                ol class="grants" { @for grant in grants { li { (row(context, grant)) } } }
            }
        }
    };
    let aside = html! { span class="aside" { "in burn order" } };
    parts::card("grants", "Grants", aside, body)
}

fn row(context: Context<'_>, grant: &Grant) -> Markup {
    let (unit, zone) = (context.unit(), &context.presentation.zone);
    let class = if grant.promotional { "promotional" } else { "purchased" };
    let spent = grant.amount.minus(grant.remaining).or_zero();
    let sentence =
        format!("{} left of {}", unit.balance(grant.remaining), unit.balance(grant.amount));
    html! {
        div class="grant-line" {
            b { (grant.name) }
            span { (parts::balance(unit, grant.remaining)) }
        }
        (charts::composition(&[(class, grant.remaining), ("spent", spent)], &sentence))
        div class="grant-line" {
            small {
                (if grant.promotional { "Promotional" } else { "Purchased" })
                @if let Some(scope) = &grant.scope { " · only for " (scope) }
                " · of " (unit.balance(grant.amount))
            }
            small {
                @match grant.expires_at {
                    Some(at) => {
                        "expires " (parts::time(at, &zone.date(at)))
                    }
                    None => "never expires",
                }
            }
        }
    }
}

/// Draws the open holds.
pub(crate) fn holds(context: Context<'_>, holds: &[Hold]) -> Markup {
    let (unit, zone) = (context.unit(), &context.presentation.zone);
    let body = html! {
        p class="hint" { "Set aside, not charged. What is not captured comes back by itself." }
        ul class="plain-list" id="holds-body" data-swap {
            @for hold in holds {
                li {
                    (icon(Icon::Lock))
                    span class="cell-name" {
                        b { (hold.what) }
                        small {
                            "until " (parts::time(hold.expires_at, &zone.clock(hold.expires_at)))
                        }
                    }
                    span class="number" { (parts::usage(unit, hold.amount)) }
                }
            }
        }
    };
    let number = show::count(i64::try_from(holds.len()).unwrap_or(i64::MAX));
    parts::card("holds", "Holds", html! { span class="tally" { (number) } }, body)
}
