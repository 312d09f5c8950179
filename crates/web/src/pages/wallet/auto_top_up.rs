//! Auto top-up: one sentence that says what will happen, and the form that changes it.
//!
//! Laws: off until someone switches it on; what saving would charge at once is said on the button;
//! the amount charged is exactly the one configured (rulings R13).

use domain::{Amount, Timestamp};
use maud::{Markup, html};

use super::Context;
use crate::pages::parts::{self, Icon, Tone, icon};
use crate::pages::show::Unit;

/// The rule and what the profile allows.
#[derive(Clone, Debug)]
pub struct AutoTopUp {
    pub state: State,
    pub threshold: Amount,
    pub amount: Amount,
    pub monthly_cap: Option<Amount>,
    /// Charged by this rule in the running month.
    pub used_this_month: Amount,
    /// "Visa •••• 4242".
    pub method: String,
    pub threshold_range: (Amount, Amount),
    pub amount_range: (Amount, Amount),
    /// Available is already under the threshold: saving with the rule on charges now.
    pub charges_on_save: bool,
    /// So many charges in a row then, at most.
    pub charges_max: i64,
    /// "At $36.00/h this charges about every 2 h 47 min".
    pub pace: Option<String>,
    pub refusal: Option<String>,
}

/// Where the rule stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Off,
    On,
    /// An attempt is in flight since then.
    Charging(Timestamp),
    /// The bank asks for a confirmation at this address.
    NeedsAuthentication(String),
    /// The last attempt was declined, which switched the rule off.
    Declined(Timestamp),
    /// The rail did not answer: being read back.
    Unknown,
}

/// Draws the card. Posts `enabled` (present or absent), `threshold`, `amount`, `attempt_key`, and
/// `monthly_cap` where there is one.
pub(crate) fn view(context: Context<'_>, rule: &AutoTopUp) -> Markup {
    let (tone, word) = match rule.state {
        State::Off => (Tone::Quiet, "Off"),
        State::On => (Tone::Good, "On"),
        State::Charging(_) => (Tone::Waiting, "Charging"),
        State::NeedsAuthentication(_) => (Tone::Waiting, "Confirm with bank"),
        State::Declined(_) => (Tone::Bad, "Off, declined"),
        State::Unknown => (Tone::Waiting, "Being checked"),
    };
    let body = html! {
        p class="sentence" data-live-text="auto-top-up-status" { (status(context, rule)) }
        @if let State::NeedsAuthentication(address) = &rule.state {
            p { a class="button primary" href=(address) { "Confirm the payment" } }
        }
        details class="settings" open[rule.refusal.is_some()] {
            summary { (icon(Icon::Sliders)) "Change" }
            (form(context, rule))
        }
    };
    parts::card(
        "auto-top-up",
        &context.presentation.labels.auto_top_up,
        parts::chip(tone, word),
        body,
    )
}

fn status(context: Context<'_>, rule: &AutoTopUp) -> Markup {
    let zone = &context.presentation.zone;
    let amount = Unit::Dollars.usage(rule.amount);
    html! {
        @match &rule.state {
            State::Off => {
                "Nothing is charged automatically. When on, " b { (amount) } " is charged to "
                (rule.method) " whenever available drops below "
                b { (Unit::Dollars.usage(rule.threshold)) } "."
            }
            State::On => {
                b { (amount) } " is charged to " (rule.method) " when available drops below "
                b { (Unit::Dollars.usage(rule.threshold)) } ", at most once in 5 minutes"
                @if let Some(cap) = rule.monthly_cap {
                    " and " b { (Unit::Dollars.usage(cap)) } " a month; "
                    (Unit::Dollars.usage(rule.used_this_month)) " used this month"
                }
                "."
            }
            State::Charging(at) => {
                b { (amount) } " is being charged to " (rule.method) " since "
                (parts::time(*at, &zone.clock(*at))) ". It is added once the payment is confirmed."
            }
            State::NeedsAuthentication(_) => {
                "The bank of " (rule.method) " asks you to confirm " b { (amount) }
                ". Nothing is charged until you do."
            }
            State::Declined(at) => {
                b { (amount) } " was declined on " (parts::time(*at, &zone.minute(*at)))
                "; no money moved. It was switched off and an e-mail was sent."
            }
            State::Unknown => {
                "The payment provider has not answered about " b { (amount) }
                ". We are asking and will not charge it twice."
            }
        }
    }
}

fn form(context: Context<'_>, rule: &AutoTopUp) -> Markup {
    let on = !matches!(rule.state, State::Off | State::Declined(_));
    html! {
        form method="post" action=(context.form("auto-top-up")) {
            (parts::attempt(context.attempt_key, "auto-top-up"))
            label class="switch" {
                input type="checkbox" name="enabled" value="yes" role="switch" checked[on];
                span { "Top up automatically" }
            }
            @if let Some(refusal) = &rule.refusal {
                p class="refusal" id="top-up-refusal" { (icon(Icon::Warning)) (refusal) }
            }
            div class="fields" {
                (field("threshold", "When below", rule.threshold, Some(rule.threshold_range)))
                (field("amount", "Charge", rule.amount, Some(rule.amount_range)))
            }
            @if let Some(cap) = rule.monthly_cap { (monthly_cap(cap)) }
            @if let Some(pace) = &rule.pace { p class="hint" { (pace) "." } }
            @if rule.charges_on_save {
                p class="warning" {
                    (icon(Icon::Warning))
                    "Available is already below the threshold: saving with the switch on charges "
                    (Unit::Dollars.usage(rule.amount)) " now"
                    @if rule.charges_max > 1 {
                        ", up to " (rule.charges_max) " times, 5 minutes apart"
                    }
                    "."
                }
            }
            button class="wide" { "Save" }
            p class="hint" { "If a charge is declined we switch this off and e-mail you." }
        }
    }
}

fn monthly_cap(cap: Amount) -> Markup {
    html! {
        div class="field" {
            label for="top-up-cap" { "At most in a month" }
            div class="money-input" {
                span aria-hidden="true" { "$" }
                input id="top-up-cap" name="monthly_cap" inputmode="decimal" autocomplete="off"
                    placeholder="no cap" value=(cap);
            }
        }
    }
}

fn field(name: &str, label: &str, value: Amount, range: Option<(Amount, Amount)>) -> Markup {
    let id = format!("top-up-{name}");
    let hint_id = format!("{id}-range");
    html! {
        div class="field" {
            label for=(id) { (label) }
            div class="money-input" {
                span aria-hidden="true" { "$" }
                input id=(id) name=(name) inputmode="decimal" autocomplete="off" required
                    value=(value) aria-describedby=[range.map(|_| hint_id.as_str())];
            }
            @if let Some((min, max)) = range {
                p class="hint" id=(hint_id) {
                    (Unit::Dollars.usage(min).replace(".00", "")) "–"
                    (Unit::Dollars.usage(max).replace(".00", ""))
                }
            }
        }
    }
}
