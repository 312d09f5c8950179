//! The wallet page: what is left, until when, what stops then, and how every cent got there.
//!
//! Read from top to bottom it answers, in this order: how much and how long, how to add more, what
//! is running, where the money went. Each section is a pure function of its own struct.

pub mod activity;
pub mod add_credits;
pub mod auto_top_up;
pub mod deposits;
pub mod grants;
pub mod hero;
pub mod notices;
pub mod running;

use domain::{Amount, Id, Timestamp};
use maud::{Markup, html};

use super::clock::{self, TestClock};
use super::layout::{self, Shell};
use super::parts::{self, Icon, icon};
use super::{Presentation, paths, show};
use crate::charts::{self, StackedBars};

/// Everything the page shows, from one read snapshot (rulings A11).
#[derive(Clone, Debug)]
pub struct WalletPage {
    pub shell: Shell,
    pub wallet: Id,
    /// The organization's name.
    pub name: String,
    /// How this platform bills, one sentence.
    pub terms: String,
    pub clock: Option<TestClock>,
    /// What the last form did, shown once.
    pub notice: Option<Notice>,
    pub zero: Option<ZeroNotice>,
    pub hero: hero::Hero,
    pub add_credits: add_credits::AddCredits,
    pub running: running::RunningNow,
    pub query: Option<running::QueryOffer>,
    pub holds: Vec<grants::Hold>,
    pub spend: StackedBars,
    pub activity: activity::Activity,
    pub deposits: Vec<deposits::Deposit>,
    pub grants: Vec<grants::Grant>,
    pub auto_top_up: Option<auto_top_up::AutoTopUp>,
    pub alerts: notices::Alerts,
    pub mailbox: Vec<notices::Mail>,
    pub feed: Vec<notices::FeedEvent>,
    /// Minted for each rendering; every form of the page adds its own suffix.
    pub attempt_key: String,
}

/// The answer of the last form, above the page.
#[derive(Clone, Debug)]
pub struct Notice {
    pub refused: bool,
    /// Money and time first: "Balance $0.30, this needs $0.60. Add $0.30 or more."
    pub text: String,
}

/// What is said across the page once nothing is left.
#[derive(Clone, Debug)]
pub struct ZeroNotice {
    pub at: Timestamp,
    /// Names of what was stopped at that second.
    pub stopped: Vec<String>,
    /// What still costs money: "2 volumes, $0.004/h, kept until 8 Jan".
    pub still_costs: Option<String>,
    pub debt: Amount,
    /// How to go on after adding credits: "then start your machines again".
    pub resume: String,
}

/// What every section needs beside its own struct.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub presentation: &'a Presentation,
    pub wallet: Id,
    pub attempt_key: &'a str,
    pub now: Timestamp,
    /// Figures may tick between two answers of the server.
    pub ticks: bool,
}

impl Context<'_> {
    fn unit(&self) -> show::Unit {
        self.presentation.labels.unit
    }

    fn form(&self, name: &str) -> String {
        paths::wallet_form(self.wallet, name)
    }
}

/// Renders the wallet page.
pub fn view(page: &WalletPage) -> Markup {
    let context = Context {
        presentation: &page.shell.presentation,
        wallet: page.wallet,
        attempt_key: &page.attempt_key,
        now: page.hero.as_of,
        ticks: page.hero.ticks,
    };
    layout::page(
        &page.shell,
        &html! {
            div class="page" data-live=(paths::live(page.wallet)) {
                div class="page-head" {
                    div { h1 { (page.name) } p class="terms" { (page.terms) } }
                    (sections(page))
                }
                @if let Some(clock) = &page.clock {
                    (clock::bar(&page.shell.presentation.zone, clock))
                }
                div id="notices" data-swap {
                    @if let Some(notice) = &page.notice { (notice_bar(notice)) }
                    @if let Some(zero) = &page.zero { (zero_banner(context, zero)) }
                }
                p class="hidden-text" aria-live="polite" data-announce {}
                div class="lead" {
                    (hero::view(context, &page.hero))
                    (add_credits::view(context, &page.add_credits))
                }
                (body(context, page))
            }
        },
    )
}

fn body(context: Context<'_>, page: &WalletPage) -> Markup {
    html! {
        div class="columns" {
            div class="column" {
                (running::view(context, &page.running))
                (spend(context, &page.spend))
                (activity::view(context, &page.activity))
                (deposits::view(context, &page.deposits))
            }
            div class="column side" {
                @if let Some(query) = &page.query { (running::query(context, query)) }
                @if let Some(rule) = &page.auto_top_up { (auto_top_up::view(context, rule)) }
                (grants::view(context, &page.grants))
                @if !page.holds.is_empty() { (grants::holds(context, &page.holds)) }
                (notices::alerts(context, &page.alerts))
                (notices::mailbox(context, &page.mailbox))
                (notices::feed(context, &page.feed))
            }
        }
    }
}

fn sections(page: &WalletPage) -> Markup {
    let labels = &page.shell.presentation.labels;
    html! {
        nav class="sections" aria-label="On this page" {
            a href="#running" { "Running" }
            a href="#spend" { "Spend" }
            a href="#activity" { "Activity" }
            a href="#deposits" { (labels.history) }
            @if page.auto_top_up.is_some() { a href="#auto-top-up" { (labels.auto_top_up) } }
            a href="#alerts" { "Alerts" }
        }
    }
}

fn notice_bar(notice: &Notice) -> Markup {
    let (class, shape) = if notice.refused { ("low", Icon::Warning) } else { ("ok", Icon::Check) };
    html! { p class={ "notice " (class) } role="status" { (icon(shape)) span { (notice.text) } } }
}

fn zero_banner(context: Context<'_>, zero: &ZeroNotice) -> Markup {
    let (unit, labels) = (context.unit(), &context.presentation.labels);
    html! {
        section class="zero" aria-labelledby="zero-heading" {
            (icon(Icon::Stop))
            div {
                h2 id="zero-heading" {
                    "Balance reached " (unit.balance(Amount::ZERO)) " on "
                    (parts::time(zero.at, &context.presentation.zone.second(zero.at)))
                }
                p {
                    @if zero.stopped.is_empty() {
                        "Nothing was running."
                    } @else {
                        strong { (show::names(&zero.stopped)) }
                        (if zero.stopped.len() == 1 { " was " } else { " were " })
                        (labels.stopped) " at that second."
                    }
                    @if zero.debt.is_positive() {
                        " You owe " (parts::usage(unit, zero.debt)) "; the next deposit pays it "
                        "first."
                    } @else { " You owe nothing." }
                    @if let Some(costs) = &zero.still_costs { " Still costs money: " (costs) "." }
                }
                p { "Add credits, " (zero.resume) "." }
            }
            a class="button primary" href="#add-credits" { (labels.add_credits) }
        }
    }
}

fn spend(context: Context<'_>, chart: &StackedBars) -> Markup {
    let empty = chart.days.iter().all(|day| day.amounts.iter().all(|amount| amount.is_zero()));
    let body = if empty {
        parts::nothing(Icon::Pulse, "Bars appear after the first charged minute.")
    } else {
        html! {
            p class="sentence" { (chart.sentence) }
            (charts::stacked_bars(context.unit(), &context.presentation.zone, chart))
        }
    };
    let aside = html! { span class="aside" { (chart.days.len()) " days" } };
    parts::card("spend", "Spend", aside, html! { div id="spend-body" data-swap { (body) } })
}
