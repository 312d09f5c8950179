//! The instrument at the top of the wallet page: what is left, how fast it goes, the exact second
//! it is gone, and what stops at that second.
//!
//! Laws: the big figure is floored and its exact value stands beside it; the burn rate shown is
//! the one the run-out is computed from; every figure says as of when.

use domain::{Amount, Timestamp};
use maud::{Markup, html};

use super::Context;
use crate::charts::{self, BurnDown};
use crate::pages::parts::{self, Icon, Level, icon};
use crate::pages::show;

/// The balance and its future.
#[derive(Clone, Debug)]
pub struct Hero {
    pub as_of: Timestamp,
    /// On the profile's balance basis (rulings R4).
    pub available: Amount,
    /// What all that runs costs in an hour, storage included.
    pub burn_per_hour: Amount,
    pub runs_out: Option<RunsOut>,
    /// Spendable before holds, without what has accrued.
    pub purchased: Amount,
    pub promotional: Amount,
    pub promotional_expires_at: Option<Timestamp>,
    pub held: Amount,
    pub debt: Amount,
    /// Under windows: what has run since the last settlement, and when it settles.
    pub accruing: Option<(Amount, Timestamp)>,
    pub alert_limit: Option<Amount>,
    pub curve: BurnDown,
    /// No money ever came in: the first steps are shown instead of a curve.
    pub fresh: bool,
    /// A payment is disputed: nothing may start.
    pub frozen: bool,
    /// Time passes and the basis is live: the figure may count down between two answers.
    pub ticks: bool,
}

/// The projected end.
#[derive(Clone, Debug)]
pub struct RunsOut {
    pub at: Timestamp,
    /// What stops at that second, in the order the run-out decides (rulings R10).
    pub stops: Vec<String>,
    /// Something earlier than the run-out: "$5.00 promotional credit expires first, on 1 Feb".
    pub before: Option<String>,
}

impl Hero {
    /// An empty wallet is an alarm only where there was money.
    fn level(&self) -> Level {
        match Level::of(self.available, self.seconds_left(), self.alert_limit) {
            _ if self.frozen => Level::Frozen,
            Level::Empty if self.fresh => Level::New,
            level => level,
        }
    }

    fn seconds_left(&self) -> Option<i64> {
        self.runs_out.as_ref().map(|end| end.at.seconds_since(self.as_of).max(0))
    }
}

/// Draws the hero.
pub(crate) fn view(context: Context<'_>, hero: &Hero) -> Markup {
    let level = hero.level();
    html! {
        section id="hero" class={ "hero " (level.class()) } aria-labelledby="hero-heading"
            data-swap {
            div class="hero-figures" {
                div {
                    h2 id="hero-heading" class="eyebrow" { "Available" }
                    (figure(context, hero))
                    (as_of(context, hero))
                }
                (burn(context, hero, level))
            }
            (runway(context, hero, level))
            @if level == Level::New { (first_steps(context)) } @else {
                (curve(context, hero, level))
                @if level != Level::Empty || hero.debt.is_positive() { (made_of(context, hero)) }
            }
        }
    }
}

/// The big figure: floored, with the digits below a cent small beside it where it ticks.
fn figure(context: Context<'_>, hero: &Hero) -> Markup {
    let unit = context.unit();
    let shown = unit.balance(hero.available);
    let (number, word) = shown.split_once(' ').unwrap_or((&shown, ""));
    let (whole, cents) = match number.split_once('.') {
        Some((whole, cents)) => (whole, format!(".{cents}")),
        None => (number, String::new()),
    };
    let dollars = unit == show::Unit::Dollars;
    html! {
        p class="figure" title={ "exactly " (unit.exact(hero.available)) }
            data-figure[dollars]
            data-available-nanos=(hero.available.nanos())
            data-burn-nanos-per-second=[
                hero.ticks.then(|| show::nanos_per_second(hero.burn_per_hour))
            ]
            data-as-of=(hero.as_of) {
            (parts::hidden(&format!("{shown}, exactly {}", unit.exact(hero.available))))
            span aria-hidden="true" {
                span class="figure-whole" { (whole) }
                span class="figure-cents" { (cents) }
                span class="figure-fine" {
                    // Below zero it is floored, and no digits go on from there.
                    @if !dollars { (word) }
                    @else if !hero.available.is_negative() { (below_cents(hero.available)) }
                }
            }
        }
    }
}

/// The four digits after the cents: `93.8275` gives `7500`.
fn below_cents(amount: Amount) -> String {
    let digits = amount.nanos().rem_euclid(10_000_000) / 1_000;
    format!("{digits:04}")
}

fn as_of(context: Context<'_>, hero: &Hero) -> Markup {
    let zone = &context.presentation.zone;
    html! {
        p class="as-of" {
            "as of "
            time datetime=(hero.as_of)
                data-clock=[hero.ticks.then(|| zone.clock(hero.as_of))] {
                (zone.clock(hero.as_of))
            }
            " " (zone.name(hero.as_of))
            span class="live" data-live-mark hidden { (icon(Icon::Dot)) "live" }
            @if let Some((amount, at)) = hero.accruing {
                span class="accruing" {
                    "· accruing " (parts::usage(context.unit(), amount)) ", settles "
                    (parts::time(at, &zone.clock(at)))
                }
            }
        }
    }
}

fn burn(context: Context<'_>, hero: &Hero, level: Level) -> Markup {
    html! {
        dl class="hero-stats" {
            div {
                dt class="eyebrow" { "Burn rate" }
                dd { (context.unit().rate(hero.burn_per_hour)) }
            }
            div {
                dt class="eyebrow" { "Runway" }
                dd data-live-text="runway-long" {
                    @match hero.seconds_left() {
                        _ if matches!(level, Level::Empty | Level::Frozen | Level::New) => "none",
                        Some(seconds) => (show::left_exactly(seconds)),
                        None => "unlimited",
                    }
                }
            }
            div class="hero-level" {
                dt class="hidden-text" { "State" }
                dd { (parts::level_chip(level)) }
            }
        }
    }
}

/// The sentence the product is for.
fn runway(context: Context<'_>, hero: &Hero, level: Level) -> Markup {
    let zone = &context.presentation.zone;
    html! {
        p class="runway" {
            @match &hero.runs_out {
                _ if level == Level::New => {
                    strong { "No credit yet." } " Three steps to the first charged second:"
                }
                _ if level == Level::Frozen => {
                    strong { "A disputed payment has frozen this wallet." }
                    " Nothing can start until it is decided. Credits you add "
                    (if hero.debt.is_positive() { "pay what is owed first." }
                    else { "are kept for you." })
                }
                _ if level == Level::Empty => {
                    strong { "Nothing is left, so nothing can start." }
                    " Credits you add are usable the moment the payment is confirmed."
                }
                Some(end) => {
                    "At this rate your credit runs out "
                    strong { (parts::time(end.at, &zone.second(end.at))) }
                    ". "
                    @if end.stops.is_empty() { "What is kept at zero goes on, and nothing stops." }
                    @else {
                        "At that second "
                        strong { (show::names(&end.stops)) }
                        (if end.stops.len() == 1 { " is " } else { " are " })
                        (context.presentation.labels.stopped) "."
                    }
                    @if let Some(before) = &end.before { " " (before) "." }
                }
                None => {
                    strong { "No running costs." }
                    " Your balance stays as it is until you start something."
                }
            }
        }
    }
}

fn first_steps(context: Context<'_>) -> Markup {
    let add_credits = &context.presentation.labels.add_credits;
    html! {
        ol class="first-steps" {
            li { a href="#add-credits" { (add_credits) } " and choose how the payment ends." }
            li {
                a href="#start" { "Start a machine" }
                " and see the exact second your credit lasts until."
            }
            li { "Stop it, and open the line under " a href="#activity" { "Activity" }
                " to see how it was computed." }
        }
    }
}

fn curve(context: Context<'_>, hero: &Hero, level: Level) -> Markup {
    let (unit, zone) = (context.unit(), &context.presentation.zone);
    let now = unit.balance(hero.available);
    let sentence = match &hero.runs_out {
        Some(end) => format!("Balance falls from {now} now to zero on {}.", zone.second(end.at)),
        None => format!("Balance stays at {now}: no running costs."),
    };
    html! {
        figure class="curve" {
            (charts::burn_down(&hero.curve, &sentence))
            figcaption aria-hidden="true" {
                span class="curve-now" { b { "now" } }
                span class="curve-end" {
                    @match &hero.runs_out {
                        Some(end) => {
                            b { (unit.balance(Amount::ZERO)) } " · " (zone.minute(end.at))
                        }
                        None if matches!(level, Level::Empty | Level::Frozen) => {}
                        None => "no projected end",
                    }
                }
            }
        }
    }
}

fn made_of(context: Context<'_>, hero: &Hero) -> Markup {
    let (unit, zone) = (context.unit(), &context.presentation.zone);
    let free = hero.purchased.minus(hero.held.min(hero.purchased));
    let held_promotional = hero.held.minus(hero.held.min(hero.purchased));
    let promotional = hero.promotional.minus(held_promotional.min(hero.promotional));
    let sentence = format!(
        "Purchased {}, promotional {}, of which {} is held.",
        unit.balance(hero.purchased),
        unit.balance(hero.promotional),
        unit.balance(hero.held)
    );
    let bar = [("purchased", free), ("promotional", promotional), ("held", hero.held)];
    html! {
        div class="made-of" {
            (charts::composition(&bar, &sentence))
            ul class="legend" {
                li { span class="swatch purchased" {} "Purchased "
                    b { (parts::balance(unit, hero.purchased)) } }
                @if hero.promotional.is_positive() {
                    li { span class="swatch promotional" {} "Promotional "
                        b { (parts::balance(unit, hero.promotional)) }
                        @if let Some(at) = hero.promotional_expires_at {
                            span class="aside" { "expires " (parts::time(at, &zone.day(at))) }
                        }
                    }
                }
                @if hero.held.is_positive() {
                    li { span class="swatch held" {} "Held "
                        b { "−" (parts::usage(unit, hero.held)) }
                    }
                }
                @if hero.debt.is_positive() {
                    li { span class="swatch debt" {} "Owed "
                        b { (parts::balance(unit, hero.debt.negated())) }
                    }
                }
            }
        }
    }
}
