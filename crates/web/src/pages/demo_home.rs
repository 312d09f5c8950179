//! What a newcomer sees at `/` of `drawdown demo`: two clouds, their wallets, and a way to move
//! time and to charge with one copied line.

use domain::{Amount, Id, Timestamp};
use maud::{Markup, html};

use super::clock::{self, TestClock};
use super::layout::{self, Shell};
use super::parts::{self, Icon, Level, icon};
use super::{Presentation, paths, show};
use crate::charts::{self, BurnDown};

/// The front page of the demo.
#[derive(Clone, Debug)]
pub struct DemoHome {
    pub shell: Shell,
    pub clock: TestClock,
    pub platforms: Vec<DemoPlatform>,
}

/// One cloud with its wallets.
#[derive(Clone, Debug)]
pub struct DemoPlatform {
    /// Used in ids on the page: lowercase letters and dashes.
    pub slug: String,
    /// "Ion Cloud".
    pub name: String,
    /// "GPU cloud, billed per second, in Spheron's profile".
    pub profile: String,
    pub presentation: Presentation,
    pub wallets: Vec<WalletCard>,
    pub snippets: Vec<Snippet>,
}

/// A wallet in a few figures.
#[derive(Clone, Debug)]
pub struct WalletCard {
    pub wallet: Id,
    pub name: String,
    pub as_of: Timestamp,
    pub available: Amount,
    pub burn_per_hour: Amount,
    pub frozen: bool,
    pub runs_out_at: Option<Timestamp>,
    /// Names of what stops then.
    pub stops: Vec<String>,
    pub curve: BurnDown,
}

/// A command line to copy, with a real key of the demo.
#[derive(Clone, Debug)]
pub struct Snippet {
    /// "Charge a query of 1,200 input tokens".
    pub title: String,
    pub command: String,
}

/// Renders the front page of the demo.
pub fn view(page: &DemoHome) -> Markup {
    layout::page(
        &page.shell,
        &html! {
            div class="page home" {
                div class="intro" {
                    h1 { "Prepaid credit, to the second." }
                    p {
                        "Five clouds run here on simulated machines. Start something, add credits, "
                        "move the clock, and see what is charged, when it runs out and what stops."
                    }
                }
                (clock::bar(&page.shell.presentation.zone, &page.clock))
                @for platform in &page.platforms { (platform_section(platform)) }
                (promises())
            }
        },
    )
}

fn platform_section(platform: &DemoPlatform) -> Markup {
    let heading = format!("{}-heading", platform.slug);
    html! {
        section class="platform-block" aria-labelledby=(heading) {
            header {
                h2 id=(heading) { (platform.name) }
                p class="terms" { (platform.profile) }
            }
            ul class="wallet-cards" id={ (platform.slug) "-wallets" } data-swap {
                @for wallet in &platform.wallets {
                    li { (wallet_card(&platform.presentation, wallet)) }
                }
            }
            (snippets(platform))
        }
    }
}

fn wallet_card(presentation: &Presentation, card: &WalletCard) -> Markup {
    let (labels, zone) = (&presentation.labels, &presentation.zone);
    let seconds = card.runs_out_at.map(|at| at.seconds_since(card.as_of));
    let level = match Level::of(card.available, seconds, None) {
        _ if card.frozen => Level::Frozen,
        level => level,
    };
    html! {
        article class={ "wallet-card " (level.class()) } {
            div class="card-head" {
                h3 { a href=(paths::wallet(card.wallet)) { (card.name) } }
                (parts::level_chip(level))
            }
            div class="wallet-card-figures" {
                p class="wallet-card-available" { (parts::balance(labels.unit, card.available)) }
                (charts::sparkline(&card.curve))
            }
            p class="wallet-card-rate" {
                @if card.burn_per_hour.is_positive() {
                    b { (labels.unit.rate(card.burn_per_hour)) }
                    @if let Some(seconds) = seconds { " · " b { (show::left(seconds)) " left" } }
                } @else { "no running costs" }
            }
            p class="wallet-card-end" {
                @match card.runs_out_at {
                    _ if card.frozen => "A payment is disputed: nothing can start.",
                    _ if level == Level::Empty => "Add credits to start again.",
                    Some(at) => {
                        b { (parts::until(zone, at)) } ": " (show::names(&card.stops))
                        (if card.stops.len() == 1 { " is " } else { " are " }) (labels.stopped)
                    }
                    None => "Nothing stops by itself.",
                }
            }
        }
    }
}

fn snippets(platform: &DemoPlatform) -> Markup {
    html! {
        details class="snippets" {
            summary { (icon(Icon::Arrow)) "Charge " (platform.name) " from a terminal" }
            @for (place, snippet) in platform.snippets.iter().enumerate() {
                @let id = format!("{}-snippet-{place}", platform.slug);
                div class="snippet" {
                    div class="snippet-head" {
                        p { (snippet.title) }
                        button type="button" class="quiet" data-copy=(id) hidden {
                            span data-copy-word { "Copy" }
                            (parts::hidden(&format!(": {}", snippet.title)))
                        }
                    }
                    pre tabindex="0" role="region"
                        aria-label={ (platform.name) ": " (snippet.title) } {
                        code id=(id) { (snippet.command) }
                    }
                }
            }
        }
    }
}

fn promises() -> Markup {
    let promises = [
        (
            "Never charged past the balance",
            "The decision to start, go on or stop is made inside the ledger.",
        ),
        ("The exact second", "Runway is computed, not polled: you see when, and what, stops."),
        (
            "Every cent explains itself",
            "Open any line of a wallet's activity to see how it was computed.",
        ),
    ];
    html! {
        ul class="promises" {
            @for (title, text) in promises { li { h2 { (title) } p { (text) } } }
        }
    }
}
