//! The hosted payment page of the sandbox rail: a checkout on which the payer also plays the bank
//! and the network, and the page one returns to.
//!
//! Law: nothing is added because a browser came back; only the rail's own event adds credit.

use domain::{Amount, Id};
use maud::{Markup, html};

use super::layout::{self, Shell};
use super::parts::{self, Icon, icon};
use super::show::{self, Unit};
use super::{Presentation, paths};

/// The hosted page.
#[derive(Clone, Debug)]
pub struct SandboxCheckout {
    pub presentation: Presentation,
    /// The address of this page with its token: every form is posted to it.
    pub address: String,
    pub wallet: Id,
    /// Who is paid: the platform's name.
    pub merchant: String,
    /// Whose wallet it is for.
    pub organization: String,
    /// The credit that is bought.
    pub amount: Amount,
    /// What is paid on top of it.
    pub tax: Amount,
    /// What is credited on top of the amount.
    pub bonus: Amount,
    pub expiry: String,
    pub burn_per_hour: Amount,
    pub stage: Stage,
    pub attempt_key: String,
}

impl SandboxCheckout {
    /// Credit and tax, as they are paid.
    fn due(&self) -> String {
        Unit::Dollars.usage(self.amount.plus(self.tax))
    }
}

/// What the payer is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    Pay,
    /// The attempt was declined; another may follow.
    Declined,
    /// The bank asks for a confirmation.
    Authenticate,
    /// Nothing can be done here any more: "This payment was made on 5 Jan".
    Closed(String),
}

/// The page that the rail sends the payer back to.
#[derive(Clone, Debug)]
pub struct CheckoutReturn {
    pub shell: Shell,
    pub wallet: Id,
    /// The address of this page with its token, to look again.
    pub address: String,
    pub amount: Amount,
    pub outcome: ReturnOutcome,
}

/// What is known when the payer comes back.
#[derive(Clone, Debug)]
pub enum ReturnOutcome {
    /// The event has not arrived.
    Waiting,
    /// Added: the balance now, and how long it lasts.
    Added {
        available: Amount,
        runway_seconds: Option<i64>,
    },
    /// In plain words: "the bank declined the card".
    Failed(String),
    Cancelled,
}

/// What the payer may play: field value, words, explanation.
const OUTCOMES: [(&str, &str, &str); 5] = [
    ("succeed", "Succeed", "The bank approves and the event is delivered once."),
    ("decline", "Decline", "The bank refuses. No money moves."),
    ("authenticate", "Needs authentication", "The bank asks the payer to confirm first."),
    (
        "webhook_twice",
        "Deliver the webhook twice",
        "Paid once, reported twice. Credit is added once.",
    ),
    ("never_return", "Never return", "Paid, but the browser never comes back."),
];

/// Renders the hosted page. Every button posts `outcome` and `attempt_key` to its own address.
pub fn view(page: &SandboxCheckout) -> Markup {
    layout::document(
        &format!("Pay {} to {}", page.due(), page.merchant),
        &html! {
            header class="test-stripe" {
                strong { "Test payment." } " No card is charged. You play the bank."
            }
            main id="main" class="checkout" tabindex="-1" {
                (summary(page))
                section class="checkout-pay" aria-labelledby="checkout-heading" {
                    @match &page.stage {
                        Stage::Closed(words) => {
                            h2 id="checkout-heading" { "Nothing left to pay" }
                            p { (words) }
                            a class="button primary wide" href=(paths::wallet(page.wallet)) {
                                "Back to the wallet"
                            }
                        }
                        Stage::Authenticate => (authenticate(page)),
                        Stage::Pay | Stage::Declined => (pay(page)),
                    }
                }
            }
        },
    )
}

fn summary(page: &SandboxCheckout) -> Markup {
    let unit = page.presentation.labels.unit;
    let credited = page.amount.plus(page.bonus);
    html! {
        section class="checkout-order" aria-label="Your order" {
            p class="merchant" { (icon(Icon::Wallet)) (page.merchant) }
            h1 {
                span class="eyebrow" { "Pay" }
                span class="checkout-amount" { (page.due()) }
            }
            dl {
                div { dt { "For" } dd { (page.organization) } }
                div { dt { "You get" } dd { b { (parts::balance(unit, credited)) } } }
                @if page.bonus.is_positive() {
                    div { dt { "of which bonus" } dd { (parts::balance(unit, page.bonus)) } }
                }
                @if page.burn_per_hour.is_positive() {
                    div { dt { "Lasts" } dd {
                        "about " (lasts(credited, page.burn_per_hour)) " at "
                        (unit.rate(page.burn_per_hour))
                    } }
                }
                div { dt { "Expiry" } dd { (page.expiry) } }
                @if page.tax.is_positive() {
                    div { dt { "Tax" } dd { (Unit::Dollars.usage(page.tax)) } }
                }
                div class="total" { dt { "Due now" } dd { (page.due()) } }
            }
            p class="fine-print" {
                "You return to " (page.merchant) " afterwards. Credit is added once, when the "
                "payment is confirmed, whether or not you return."
            }
        }
    }
}

fn lasts(amount: Amount, per_hour: Amount) -> String {
    let seconds = i128::from(amount.nanos()) * 3_600 / i128::from(per_hour.nanos().max(1));
    show::left(i64::try_from(seconds).unwrap_or(i64::MAX))
}

fn pay(page: &SandboxCheckout) -> Markup {
    // A decline was a decision: the next attempt pays, or is declined again.
    let is_open = page.stage == Stage::Pay;
    let offered = OUTCOMES.iter().filter(|(value, ..)| is_open || *value != "authenticate");
    html! {
        h2 id="checkout-heading" { "Payment method" }
        @if page.stage == Stage::Declined {
            p class="notice critical" role="status" {
                (icon(Icon::Warning))
                span { "The card was declined. No money moved. Try again or go back." }
            }
        }
        div class="test-card" {
            span class="test-card-chip" aria-hidden="true" {}
            span class="test-card-number" { "•••• •••• •••• 4242" }
            span class="test-card-name" { "Test card" }
            span class="test-card-brand" { "Sandbox" }
        }
        form method="post" action=(page.address) class="outcomes" {
            (parts::attempt(&page.attempt_key, "pay"))
            @for (place, (value, words, explanation)) in offered.enumerate() {
                button name="outcome" value=(value)
                    class=(if place == 0 { "outcome primary" } else { "outcome" }) {
                    b {
                        (words)
                        @if place == 0 { " · pay " (page.due()) }
                    }
                    small { (explanation) }
                }
            }
        }
        p class="fine-print" {
            a href=(paths::wallet(page.wallet)) { "Cancel and go back" }
            ". Nothing is charged."
        }
    }
}

fn authenticate(page: &SandboxCheckout) -> Markup {
    html! {
        h2 id="checkout-heading" { "Your bank asks you to confirm" }
        p {
            "Test Bank wants to know that it is you before it pays "
            b { (page.due()) } " to " (page.merchant)
            ". Nothing is charged until you confirm."
        }
        form method="post" action=(page.address) class="outcomes" {
            (parts::attempt(&page.attempt_key, "authenticate"))
            button class="outcome primary" name="outcome" value="authenticated" {
                b { "Confirm the payment" }
                small { "The bank approves and the event is delivered once." }
            }
            button class="outcome" name="outcome" value="authentication_failed" {
                b { "Refuse" }
                small { "The payment fails. No money moves." }
            }
        }
    }
}

/// Renders the page one returns to.
pub fn returned(page: &CheckoutReturn) -> Markup {
    let amount = Unit::Dollars.usage(page.amount);
    let wallet = paths::wallet(page.wallet);
    layout::page(
        &page.shell,
        &html! {
            div class="narrow returned" id="returned"
                data-poll[matches!(page.outcome, ReturnOutcome::Waiting)] {
                @match &page.outcome {
                    ReturnOutcome::Waiting => {
                        p class="big-icon low" { (icon(Icon::Hourglass)) }
                        h1 { "Payment received. Adding credits…" }
                        p role="status" {
                            (amount) " is added when the payment provider confirms it, usually "
                            "within two seconds. You can leave this page."
                        }
                        p { a class="button primary" href=(page.address) {
                            "Check again"
                        } }
                        p { a href=(wallet) { "Go to the wallet" } }
                    }
                    ReturnOutcome::Added { available, runway_seconds } => {
                        (added(page, *available, *runway_seconds))
                    }
                    ReturnOutcome::Failed(why) => {
                        p class="big-icon critical" { (icon(Icon::Warning)) }
                        h1 { (amount) " was not paid" }
                        p { (why) ". No money moved." }
                        p { a class="button primary" href={ (wallet) "#add-credits" } {
                            "Try again"
                        } }
                    }
                    ReturnOutcome::Cancelled => {
                        p class="big-icon idle" { (icon(Icon::Return)) }
                        h1 { "You went back without paying" }
                        p { "No money moved. The amount is kept for you." }
                        p { a class="button primary" href={ (wallet) "#add-credits" } {
                            "Back to the amount"
                        } }
                    }
                }
            }
        },
    )
}

fn added(page: &CheckoutReturn, available: Amount, runway_seconds: Option<i64>) -> Markup {
    let unit = page.shell.presentation.labels.unit;
    html! {
        p class="big-icon ok" { (icon(Icon::Check)) }
        h1 { "+" (Unit::Dollars.usage(page.amount)) " added" }
        p role="status" {
            "Available is now " b { (parts::balance(unit, available)) }
            @if let Some(seconds) = runway_seconds {
                ", about " b { (show::left(seconds)) } " at the current rate"
            }
            "."
        }
        p { a class="button primary" href=(paths::wallet(page.wallet)) { "Go to the wallet" } }
    }
}
