//! Deposit history under the profile's name for it: what came in, how, by whom, and what became
//! of it.

use domain::{Amount, Id, Timestamp};
use maud::{Markup, html};

use super::Context;
use crate::pages::parts::{self, Icon, Tone, cell};
use crate::pages::show::Unit;

/// One payment in.
#[derive(Clone, Debug)]
pub struct Deposit {
    pub deposit: Id,
    pub at: Timestamp,
    /// What was paid, in currency.
    pub amount: Amount,
    /// "Visa •••• 4242", "USDC".
    pub method: String,
    pub automatic: bool,
    pub paid_by: Option<String>,
    pub state: State,
    /// In plain words, for what failed: "the card was declined by its bank; no money moved".
    pub explanation: Option<String>,
    /// What the reader can do: text and address.
    pub next: Option<(String, String)>,
}

/// Where a deposit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Pending,
    Succeeded,
    Failed,
    NeedsAuthentication,
    /// The rail did not answer: being read back, never charged again.
    Unknown,
    Refunded,
    Disputed,
}

impl State {
    fn chip(self) -> Markup {
        match self {
            State::Pending => parts::chip(Tone::Waiting, "Pending"),
            State::Succeeded => parts::chip(Tone::Good, "Succeeded"),
            State::Failed => parts::chip(Tone::Bad, "Failed"),
            State::NeedsAuthentication => parts::chip(Tone::Waiting, "Confirm with bank"),
            State::Unknown => parts::chip(Tone::Waiting, "Being checked"),
            State::Refunded => parts::chip(Tone::Quiet, "Refunded"),
            State::Disputed => parts::chip(Tone::Bad, "Disputed"),
        }
    }
}

const HEADS: [(&str, &str); 5] =
    [("Date", ""), ("Amount", "number"), ("Method", ""), ("Type", ""), ("Status", "")];

/// Draws the table.
pub(crate) fn view(context: Context<'_>, deposits: &[Deposit]) -> Markup {
    let labels = &context.presentation.labels;
    let body = html! {
        div id="deposits-body" data-swap {
            @if deposits.is_empty() {
                (parts::nothing(Icon::Deposit, "No payments yet."))
            } @else {
                (parts::table(&labels.history, &HEADS, html! {
                    @for deposit in deposits { (row(context, deposit)) }
                }))
            }
        }
    };
    parts::card("deposits", &labels.history, parts::tally(deposits.len()), body)
}

fn row(context: Context<'_>, deposit: &Deposit) -> Markup {
    let (labels, zone) = (&context.presentation.labels, &context.presentation.zone);
    html! {
        tr role="row" {
            (cell("Date", "", parts::time(deposit.at, &zone.short(deposit.at))))
            (cell("Amount", "number", html! { b { (Unit::Dollars.usage(deposit.amount)) } }))
            (cell("Method", "", html! {
                span class="cell-name" {
                    span { (deposit.method) }
                    @if let Some(by) = &deposit.paid_by { small { "paid by " (by) } }
                }
            }))
            (cell("Type", "", html! {
                @if deposit.automatic { (labels.auto_top_up) } @else { "Manual" }
            }))
            (cell("Status", "status", html! {
                span class="cell-name" {
                    (deposit.state.chip())
                    @if let Some(why) = &deposit.explanation { small { (why) } }
                    @if let Some((text, address)) = &deposit.next {
                        small { a href=(address) {
                            (text) (parts::hidden(&format!(" {}", zone.short(deposit.at))))
                        } }
                    }
                }
            }))
        }
    }
}
