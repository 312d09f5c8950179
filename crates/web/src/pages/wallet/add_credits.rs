//! Adding money: choose an amount, go to the hosted payment page.
//!
//! Laws: limits, expiry and what the amount buys are said before paying (ux, promise 4); nothing
//! here ever asks for a card; a second click is the same attempt.

use domain::Amount;
use maud::{Markup, html};

use super::Context;
use crate::pages::parts::{self, Icon, icon};
use crate::pages::show::{self, Unit};

/// The offer of the profile.
#[derive(Clone, Debug)]
pub struct AddCredits {
    pub presets: Vec<Preset>,
    pub min: Amount,
    pub max: Amount,
    /// What was typed before a refusal or a cancelled payment, kept as it was.
    pub custom: Option<String>,
    /// Why the last amount was refused, with amount and limit.
    pub refusal: Option<String>,
    /// "Never expires", "Valid for 3 months; any recharge renews the whole balance".
    pub expiry: String,
    /// "Unused credit can be refunded: contact us".
    pub refund: String,
    /// Used to say how long the chosen preset lasts; zero when nothing runs.
    pub burn_per_hour: Amount,
}

/// One amount on offer.
#[derive(Clone, Debug)]
pub struct Preset {
    pub amount: Amount,
    /// "Recommended", "Production".
    pub tagline: Option<String>,
    pub chosen: bool,
}

/// Draws the form. Posts `preset`, `custom_amount` (which wins when it is not empty) and
/// `attempt_key`.
pub(crate) fn view(context: Context<'_>, offer: &AddCredits) -> Markup {
    let labels = &context.presentation.labels;
    html! {
        section class="card pay" id="add-credits" aria-labelledby="add-credits-heading" {
            h2 id="add-credits-heading" { (labels.add_credits) }
            form method="post" action=(context.form("add-credits")) {
                (parts::attempt(context.attempt_key, "add-credits"))
                @if !offer.presets.is_empty() { (presets(context, offer)) }
                (custom(offer))
                button class="primary wide" { "Go to checkout" (icon(Icon::Arrow)) }
                ul class="fine-print" {
                    @if let Unit::Credits { value } = labels.unit {
                        li { "1 credit = " (Unit::Dollars.usage(value)) }
                    }
                    li { (offer.expiry) }
                    li { (offer.refund) }
                    li { "You confirm the amount on the payment page; nothing is charged before." }
                }
            }
        }
    }
}

fn presets(context: Context<'_>, offer: &AddCredits) -> Markup {
    let unit = context.unit();
    html! {
        fieldset class="presets" {
            legend { "Amount" }
            @for preset in &offer.presets {
                @let text = preset.amount.to_string();
                label class="pill" {
                    input type="radio" name="preset" value=(text) checked[preset.chosen];
                    span class="pill-body" {
                        b { (Unit::Dollars.usage(preset.amount).replace(".00", "")) }
                        @if unit != Unit::Dollars { small { (unit.balance(preset.amount)) } }
                        @if let Some(tagline) = &preset.tagline { small { (tagline) } }
                        @if let Some(lasts) = lasts(preset.amount, offer.burn_per_hour) {
                            small class="lasts" { "+" (lasts) }
                        }
                    }
                }
            }
        }
    }
}

/// How long an amount lasts at a burn rate, rounded down.
fn lasts(amount: Amount, per_hour: Amount) -> Option<String> {
    if !per_hour.is_positive() {
        return None;
    }
    let seconds = i128::from(amount.nanos()) * 3_600 / i128::from(per_hour.nanos());
    i64::try_from(seconds).ok().map(show::left)
}

fn custom(offer: &AddCredits) -> Markup {
    let limits = format!(
        "min {} · max {}",
        Unit::Dollars.usage(offer.min).replace(".00", ""),
        Unit::Dollars.usage(offer.max).replace(".00", "")
    );
    let refused = offer.refusal.is_some();
    html! {
        div class="field" {
            label for="custom-amount" {
                (if offer.presets.is_empty() { "Amount" } else { "Other amount" })
            }
            div class="money-input" {
                span aria-hidden="true" { "$" }
                input id="custom-amount" name="custom_amount" inputmode="decimal" autocomplete="off"
                    pattern="[0-9]+([.][0-9]{1,2})?" placeholder="0.00" data-custom-amount
                    required[offer.presets.is_empty()]
                    value=[offer.custom.as_deref()] aria-invalid=[refused.then_some("true")]
                    aria-describedby=(if refused { "amount-refusal amount-limits" }
                        else { "amount-limits" });
            }
            @if let Some(refusal) = &offer.refusal {
                p class="refusal" id="amount-refusal" { (icon(Icon::Warning)) (refusal) }
            }
            p class="hint" id="amount-limits" {
                (limits)
                @if !offer.presets.is_empty() { ", in US dollars; used instead when filled in" }
                @else { ", in US dollars" }
            }
        }
    }
}
