//! The page shown instead of another: what happened, whether money moved, what to do.

use maud::{Markup, html};

use super::layout::{self, Shell};
use super::parts::{Icon, icon};

/// An error in the reader's words.
#[derive(Clone, Debug)]
pub struct ErrorPage {
    pub shell: Shell,
    pub status: u16,
    /// What happened: "This wallet does not exist".
    pub what: String,
    pub money: MoneyMoved,
    /// What the reader can do, one sentence.
    pub advice: String,
    /// Where to go on: text and address.
    pub next: Option<(String, String)>,
    pub request_id: String,
}

/// The answer to the first question of anyone who sees an error beside money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MoneyMoved {
    No,
    /// Said in a sentence: "$100.00 was charged once and will be added."
    Yes(String),
    /// The outcome is being read back, never repeated (rulings R7).
    Unknown,
}

/// Renders the error page.
pub fn view(page: &ErrorPage) -> Markup {
    let (class, shape, money) = match &page.money {
        MoneyMoved::No => ("ok", Icon::Check, "No money moved.".to_owned()),
        MoneyMoved::Yes(sentence) => ("low", Icon::Deposit, sentence.clone()),
        MoneyMoved::Unknown => (
            "low",
            Icon::Hourglass,
            "We do not know yet whether money moved. We are asking the payment provider and will \
             not charge a second time."
                .to_owned(),
        ),
    };
    layout::page(
        &page.shell,
        &html! {
            div class="narrow" {
                p class="eyebrow" { "Error " (page.status) }
                h1 { (page.what) }
                p class={ "verdict " (class) } { (icon(shape)) strong { (money) } }
                p { (page.advice) }
                @if let Some((text, address)) = &page.next {
                    p { a class="button primary" href=(address) { (text) } }
                }
                p class="fine-print" {
                    "Quote this when you ask for help: "
                    code { (page.request_id) }
                }
            }
        },
    )
}
