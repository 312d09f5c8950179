//! The frame around every page of the console: who and where one is, and the money that is left.
//!
//! Law: the balance stands in the same place on every page and leads to adding more.

use domain::{Amount, Id, Timestamp};
use maud::{DOCTYPE, Markup, html};

use super::parts::{self, Icon, Level, icon};
use super::{Presentation, assets, paths, show};

/// What the frame needs to know.
#[derive(Clone, Debug)]
pub struct Shell {
    pub presentation: Presentation,
    /// Title of the window, without the product's name.
    pub title: String,
    /// The platform the reader is on, when there is one.
    pub platform: Option<String>,
    /// Money here is not real: everything says TEST.
    pub test: bool,
    pub wallet: Option<WalletButton>,
    /// The version shown in the footer.
    pub version: String,
    /// Help at the same place on every page: text and address.
    pub help: Vec<(String, String)>,
}

/// The balance in the top bar and what opens under it.
#[derive(Clone, Debug)]
pub struct WalletButton {
    pub wallet: Id,
    /// The organization's name.
    pub name: String,
    pub available: Amount,
    pub held: Amount,
    pub promotional: Amount,
    pub promotional_expires_at: Option<Timestamp>,
    pub runway_seconds: Option<i64>,
    pub frozen: bool,
    /// None when the profile has no such thing.
    pub auto_top_up_on: Option<bool>,
}

/// Wraps `main` into a whole document.
pub fn page(shell: &Shell, main: &Markup) -> Markup {
    document(
        &shell.title,
        &html! {
            (top_bar(shell))
            main id="main" tabindex="-1" { (main) }
            (footer(shell))
        },
    )
}

/// A document without the console's frame. The script is not deferred: it sets the chosen theme
/// before anything is painted.
pub fn document(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Drawdown" }
                link rel="icon" href=(*assets::MARK_PATH) type="image/svg+xml";
                link rel="stylesheet" href=(*assets::STYLESHEET_PATH);
                script src=(*assets::SCRIPT_PATH) {}
            }
            body {
                a class="skip" href="#main" { "Skip to content" }
                (body)
            }
        }
    }
}

/// The product's mark: a balance that goes down in steps, and its name. It leads to `home`.
pub fn mark(home: &str) -> Markup {
    html! {
        a class="mark" href=(home) {
            svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" {
                rect class="mark-ground" width="32" height="32" rx="7" {}
                path class="mark-steps" d="M6 8h5v5h5v5h5v6h5" {}
            }
            span { "Drawdown" }
        }
    }
}

/// The button that changes the theme; it appears only where the script runs.
pub fn theme_button() -> Markup {
    html! {
        button type="button" class="quiet square" data-theme-toggle hidden
            aria-label="Switch between light and dark" { (icon(Icon::Theme)) }
    }
}

fn top_bar(shell: &Shell) -> Markup {
    html! {
        header class="top-bar" {
            div class="top-bar-inner" {
                (mark(paths::HOME))
                div class="place" {
                    @if let Some(platform) = &shell.platform {
                        span class="platform" { (platform) }
                    }
                    @if let Some(wallet) = &shell.wallet {
                        span class="separator" aria-hidden="true" { "/" }
                        a href=(paths::wallet(wallet.wallet)) { (wallet.name) }
                    }
                    @if shell.test { span class="test-badge" { "Test" } }
                }
                @if let Some(wallet) = &shell.wallet {
                    (wallet_button(&shell.presentation, wallet))
                }
                (theme_button())
            }
        }
    }
}

fn wallet_button(presentation: &Presentation, wallet: &WalletButton) -> Markup {
    let labels = &presentation.labels;
    let level = Level::of(wallet.available, wallet.runway_seconds, None);
    let runway = match wallet.runway_seconds {
        _ if wallet.frozen => "frozen".to_owned(),
        _ if level == Level::Empty => "empty".to_owned(),
        Some(seconds) => format!("{} left", show::left(seconds)),
        None => "no running costs".to_owned(),
    };
    let page = paths::wallet(wallet.wallet);
    html! {
        details class="wallet-menu" {
            summary class={ "wallet-button " (level.class()) } {
                (icon(Icon::Wallet)) (parts::hidden("Wallet: "))
                span data-live-text="available" {
                    (parts::balance(labels.unit, wallet.available))
                }
                span class="runway-short" {
                    span aria-hidden="true" { " · " } span data-live-text="runway" { (runway) }
                }
            }
            div class="menu" {
                dl {
                    div { dt { "Available" } dd {
                        (parts::balance(labels.unit, wallet.available))
                    } }
                    div { dt { "Held" } dd { (parts::balance(labels.unit, wallet.held)) } }
                    div {
                        dt {
                            "Promotional"
                            @if let Some(at) = wallet.promotional_expires_at {
                                small { " expires " (presentation.zone.day(at)) }
                            }
                        }
                        dd { (parts::balance(labels.unit, wallet.promotional)) }
                    }
                }
                a class="button primary" href={ (page) "#add-credits" } { (labels.add_credits) }
                a href={ (page) "#deposits" } { (labels.history) }
                a href={ (page) "#start" } { "Pricing" }
                @if let Some(on) = wallet.auto_top_up_on {
                    a href={ (page) "#auto-top-up" } {
                        (labels.auto_top_up) " is " (if on { "on" } else { "off" })
                    }
                }
            }
        }
    }
}

fn footer(shell: &Shell) -> Markup {
    html! {
        footer class="footer" {
            p {
                @if shell.test {
                    strong { "Test data." } " No card is charged and no machine runs. "
                }
                "You are never charged past your balance. Every amount opens into how it was "
                "computed."
            }
            nav aria-label="Help" {
                @for (text, address) in &shell.help { a href=(address) { (text) } }
                span { "Drawdown " (shell.version) }
            }
        }
    }
}
