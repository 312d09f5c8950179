//! What costs money now, what can be started, and a query to pay for once.
//!
//! Law: a price is always shown with its unit before anything is started.

use domain::{Amount, Id, Timestamp};
use maud::{Markup, html};

use super::Context;
use crate::pages::parts::{self, Icon, cell, icon};
use crate::pages::show;

/// The running resources and the offers of the price book.
#[derive(Clone, Debug)]
pub struct RunningNow {
    pub resources: Vec<Running>,
    pub offers: Vec<Offer>,
    /// The rule under which a start is admitted, one sentence.
    pub admission: String,
}

/// A resource that runs.
#[derive(Clone, Debug)]
pub struct Running {
    pub resource: Id,
    pub name: String,
    /// "H100 · eu-north".
    pub sku: String,
    pub per_hour: Amount,
    pub since: Timestamp,
    /// What this run has cost as of the page's instant, accrued part included.
    pub cost: Amount,
    /// A stop was ordered and is not confirmed.
    pub stopping: bool,
}

/// Something that can be started.
#[derive(Clone, Debug)]
pub struct Offer {
    pub sku: Id,
    pub name: String,
    /// "1 × 80 GB, per second".
    pub detail: String,
    pub per_hour: Amount,
    /// Before the discount, struck through, with the discount: "−10%".
    pub list: Option<(Amount, String)>,
    /// Why it cannot be started now: "needs $3.00, you have $0.30".
    pub refused: Option<String>,
}

/// A use that is paid once: a model query.
#[derive(Clone, Debug)]
pub struct QueryOffer {
    pub sku: Id,
    pub model: String,
    /// "$0.50 per 1,000,000 input tokens".
    pub prices: Vec<String>,
    /// Proposed quantities: field name, label, value.
    pub quantities: Vec<(String, String, i64)>,
    /// What the proposed quantities cost.
    pub cost: Amount,
}

const HEADS: [(&str, &str); 5] = [
    ("Name", ""),
    ("Rate", "number"),
    ("Running for", "number"),
    ("Cost so far", "number"),
    ("Stop", "action"),
];

/// Draws what runs and what can be started. Posts `resource` to `stop` and `sku` to `start`.
pub(crate) fn view(context: Context<'_>, running: &RunningNow) -> Markup {
    let body = html! {
        div id="running-body" data-swap {
            @if running.resources.is_empty() {
                (parts::nothing(Icon::Pause, "Nothing is running, so nothing is being charged."))
            } @else {
                (parts::table("Running now", &HEADS, html! {
                    @for resource in &running.resources { (row(context, resource)) }
                }))
            }
        }
        (offers(context, running))
    };
    parts::card("running", "Running now", parts::tally(running.resources.len()), body)
}

fn row(context: Context<'_>, running: &Running) -> Markup {
    let unit = context.unit();
    let burns = context.ticks && !running.stopping;
    let seconds = context.now.seconds_since(running.since);
    html! {
        tr role="row" {
            (cell("Name", "name", html! {
                span class="cell-name" { b { (running.name) } small { (running.sku) } }
            }))
            (cell("Rate", "number", html! { (unit.rate(running.per_hour)) }))
            (cell("Running for", "number", html! {
                span data-seconds=[burns.then_some(seconds)] { (show::ran_for(seconds)) }
            }))
            (cell("Cost so far", "number", html! {
                span data-cost-nanos=[(burns && unit == show::Unit::Dollars)
                        .then(|| running.cost.nanos())]
                    data-rate-nanos-per-second=(show::nanos_per_second(running.per_hour)) {
                    (parts::usage(unit, running.cost))
                }
            }))
            (cell("Stop", "action", html! {
                @if running.stopping { (parts::chip(parts::Tone::Waiting, "Stopping")) } @else {
                    form method="post" action=(context.form("stop")) {
                        (parts::attempt(context.attempt_key, &format!("stop-{}", running.resource)))
                        button class="quiet danger" name="resource" value=(running.resource) {
                            (icon(Icon::Stop)) "Stop" (parts::hidden(&format!(" {}", running.name)))
                        }
                    }
                }
            }))
        }
    }
}

fn offers(context: Context<'_>, running: &RunningNow) -> Markup {
    html! {
        div class="offers" id="start" {
            h3 { "Start a machine" }
            p class="hint" { (running.admission) }
            ul class="offer-list" {
                @for offer in &running.offers { li { (offer_row(context, offer)) } }
            }
        }
    }
}

fn offer_row(context: Context<'_>, offer: &Offer) -> Markup {
    let unit = context.unit();
    html! {
        form method="post" action=(context.form("start")) {
            (parts::attempt(context.attempt_key, &format!("start-{}", offer.sku)))
            span class="cell-name" { b { (offer.name) } small { (offer.detail) } }
            span class="price" {
                @if let Some((list, _)) = &offer.list {
                    s { (parts::hidden("was ")) (unit.usage(*list)) } " "
                }
                b { (unit.rate(offer.per_hour)) }
                @if let Some((_, discount)) = &offer.list {
                    " " span class="discount" { (discount) }
                }
            }
            button name="sku" value=(offer.sku) disabled[offer.refused.is_some()] {
                (icon(Icon::Play)) "Start" (parts::hidden(&format!(" {}", offer.name)))
            }
            @if let Some(reason) = &offer.refused { p class="hint" { (reason) } }
        }
    }
}

/// Draws the form that posts one usage event: `sku`, `attempt_key` and the quantities.
pub(crate) fn query(context: Context<'_>, offer: &QueryOffer) -> Markup {
    let aside = html! { span class="aside" { (offer.model) } };
    parts::card(
        "query",
        "Run a query",
        aside,
        html! {
            form method="post" action=(context.form("query")) {
                (parts::attempt(context.attempt_key, "query"))
                input type="hidden" name="sku" value=(offer.sku);
                div class="fields" {
                    @for (field, label, value) in &offer.quantities {
                        @let id = format!("query-{field}");
                        div class="field" {
                            label for=(id) { (label) }
                            input id=(id) name=(field) type="number" min="0" max="1000000000"
                                required value=(value);
                        }
                    }
                }
                p class="hint" {
                    @for (place, price) in offer.prices.iter().enumerate() {
                        @if place > 0 { br; }
                        (price)
                    }
                }
                button class="wide" {
                    (icon(Icon::Pulse)) "Run a query for "
                    (context.unit().usage(offer.cost))
                }
            }
        },
    )
}
