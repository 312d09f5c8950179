//! The small pieces every page is made of: amounts, times, chips, tables, icons.
//!
//! Law: a status is an icon and a word, never a colour alone; a shown amount that was cut carries
//! the exact one.

use domain::{Amount, Timestamp};
use maud::{Markup, html};

use super::show::{self, Unit, Zone};

/// How urgent the money of a wallet is; also the class of everything that shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// No money ever came in.
    New,
    /// Nothing runs: the balance stands still.
    Idle,
    /// Twelve hours or more.
    Ok,
    /// Less than twelve hours, or under the reader's own limit.
    Low,
    /// Less than one hour.
    Critical,
    /// Nothing left.
    Empty,
    /// A payment is disputed: nothing may start.
    Frozen,
}

const CENT: Amount = Amount::from_nanos(10_000_000);
const LOW_SECONDS: i64 = 12 * 3_600;
const CRITICAL_SECONDS: i64 = 3_600;

impl Level {
    /// The level of a wallet with `available` that lasts `runway_seconds`, none when nothing runs.
    pub fn of(available: Amount, runway_seconds: Option<i64>, limit: Option<Amount>) -> Level {
        // Less than a cent is what a stop at the last whole second leaves.
        if !available.is_positive() || (runway_seconds.is_none() && available < CENT) {
            return Level::Empty;
        }
        match runway_seconds {
            Some(..CRITICAL_SECONDS) => Level::Critical,
            Some(..LOW_SECONDS) => Level::Low,
            _ if limit.is_some_and(|limit| available < limit) => Level::Low,
            Some(_) => Level::Ok,
            None => Level::Idle,
        }
    }

    pub fn class(self) -> &'static str {
        match self {
            Level::New | Level::Idle => "idle",
            Level::Ok => "ok",
            Level::Low => "low",
            Level::Critical => "critical",
            Level::Empty | Level::Frozen => "empty",
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Level::New => "New",
            Level::Idle => "Nothing running",
            Level::Ok => "On course",
            Level::Low => "Low",
            Level::Critical => "Critical",
            Level::Empty => "Empty",
            Level::Frozen => "Frozen",
        }
    }

    pub fn icon(self) -> Icon {
        match self {
            Level::New => Icon::Dot,
            Level::Idle => Icon::Pause,
            Level::Ok => Icon::Check,
            Level::Low => Icon::Hourglass,
            Level::Critical => Icon::Warning,
            Level::Empty => Icon::Stop,
            Level::Frozen => Icon::Lock,
        }
    }
}

/// A level as a chip.
pub fn level_chip(level: Level) -> Markup {
    html! { span class={ "chip " (level.class()) } { (icon(level.icon())) (level.word()) } }
}

/// How a status is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Good,
    Waiting,
    Bad,
    Quiet,
}

/// A status as icon and word.
pub fn chip(tone: Tone, word: &str) -> Markup {
    let (class, shape) = match tone {
        Tone::Good => ("ok", Icon::Check),
        Tone::Waiting => ("low", Icon::Hourglass),
        Tone::Bad => ("critical", Icon::Warning),
        Tone::Quiet => ("idle", Icon::Dot),
    };
    html! { span class={ "chip " (class) } { (icon(shape)) (word) } }
}

/// A balance: floored, with the exact amount on hover when something was cut.
pub fn balance(unit: Unit, amount: Amount) -> Markup {
    data(&unit.balance(amount), unit, amount)
}

/// A charge: up to six decimals, with the exact amount on hover when something was cut.
pub fn usage(unit: Unit, amount: Amount) -> Markup {
    data(&unit.usage(amount), unit, amount)
}

/// A movement with its sign.
pub fn signed(unit: Unit, amount: Amount) -> Markup {
    html! {
        span class=(if amount.is_positive() { "in" } else { "out" }) {
            (data(&unit.signed(amount), unit, amount))
        }
    }
}

fn data(shown: &str, unit: Unit, amount: Amount) -> Markup {
    let exact = unit.exact(amount);
    let cut = shown.trim_start_matches('+') != exact;
    html! {
        data class="money" value=(amount) title=[cut.then(|| format!("exactly {exact}"))] {
            (shown)
        }
    }
}

/// A time as `text`, with the instant in UTC for machines and on hover.
pub fn time(at: Timestamp, text: &str) -> Markup {
    html! { time datetime=(at) title=(Zone::utc().second(at)) { (text) } }
}

/// A deadline that is also said as time left: `Wed 7 Jan, 16:11 −03`.
pub fn until(zone: &Zone, at: Timestamp) -> Markup {
    time(at, &zone.minute(at))
}

/// The hidden key that makes a second click, a retry or a reload the same attempt.
pub fn attempt(key: &str, what: &str) -> Markup {
    html! { input type="hidden" name="attempt_key" value={ (key) ":" (what) }; }
}

/// What a list shows when it has nothing: one line.
pub fn nothing(shape: Icon, line: &str) -> Markup {
    html! { p class="nothing" { (icon(shape)) span { (line) } } }
}

/// Only for screen readers.
pub fn hidden(text: &str) -> Markup {
    html! { span class="hidden-text" { (text) } }
}

/// A table that becomes a list of cards on a phone. The roles are written out because browsers
/// drop a table's own when its display changes. `heads` are column name and class.
pub fn table(caption: &str, heads: &[(&str, &str)], rows: Markup) -> Markup {
    html! {
        table role="table" {
            caption class="hidden-text" { (caption) }
            thead role="rowgroup" {
                tr role="row" {
                    @for (head, class) in heads {
                        th role="columnheader" scope="col" class=(class) {
                            @if *class == "action" { (hidden(head)) } @else { (head) }
                        }
                    }
                }
            }
            tbody role="rowgroup" { (rows) }
        }
    }
}

/// One cell; `head` repeats its column's name where the table is shown as cards.
pub fn cell(head: &str, class: &str, content: Markup) -> Markup {
    html! { td role="cell" data-head=(head) class=(class) { (content) } }
}

/// A section of a page with its heading, linked from the navigation of the page by `id`.
pub fn card(id: &str, heading: &str, aside: Markup, body: Markup) -> Markup {
    let heading_id = format!("{id}-heading");
    html! {
        section class="card" id=(id) aria-labelledby=(heading_id) {
            header class="card-head" {
                h2 id=(heading_id) { (heading) }
                span class="card-aside" data-live-text={ (id) "-aside" } { (aside) }
            }
            (body)
        }
    }
}

/// `count` of something as text beside a heading.
pub fn tally(number: usize) -> Markup {
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    html! { span class="tally" { (show::count(number)) } }
}

/// The icons of the product; each is drawn on a 16 px grid with one stroke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    Wallet,
    Deposit,
    Repeat,
    Gift,
    Pulse,
    Return,
    Hourglass,
    Sliders,
    Lock,
    Play,
    Stop,
    Pause,
    Check,
    Warning,
    Dot,
    Mail,
    Bell,
    Clock,
    Theme,
    Arrow,
}

/// Draws an icon; it is hidden from screen readers because a word always stands beside it.
pub fn icon(shape: Icon) -> Markup {
    let path = match shape {
        Icon::Wallet => "M8 1.5 14.5 8 8 14.5 1.5 8Z M8 5.5 10.5 8 8 10.5 5.5 8Z",
        Icon::Deposit => "M8 2v8 M4.5 6.5 8 10l3.5-3.5 M2.5 13.5h11",
        Icon::Repeat => {
            "M3 7a5 5 0 0 1 9-2l1 1.5 M13 3v3.5H9.5 M13 9a5 5 0 0 1-9 2L3 9.5 M3 13V9.5h3.5"
        }
        Icon::Gift => {
            "M2.5 6h11v3h-11z M3.5 9v5h9V9 M8 6v8 \
             M8 6C6 6 4.5 5 5 3.5S7.5 3 8 6c.5-3 2.5-4 3-2.5S10 6 8 6"
        }
        Icon::Pulse => "M1.5 8.5h3L6.5 3l3 10 2-4.5h3",
        Icon::Return => "M6 3 2.5 6.5 6 10 M2.5 6.5h7a4 4 0 0 1 0 7H6",
        Icon::Hourglass => "M4 2h8 M4 14h8 M5 2c0 4 6 4 6 12 M11 2c0 4-6 4-6 12",
        Icon::Sliders => "M2 5h7 M12 5h2 M2 11h2 M7 11h7 M10.5 3.5v3 M5.5 9.5v3",
        Icon::Lock => "M3.5 7.5h9v6h-9z M5.5 7.5v-2a2.5 2.5 0 0 1 5 0v2",
        Icon::Play => "M5 3l8 5-8 5z",
        Icon::Stop => "M4 4h8v8H4z",
        Icon::Pause => "M5.5 3.5v9 M10.5 3.5v9",
        Icon::Check => "M3 8.5 6.5 12 13 4.5",
        Icon::Warning => "M8 2 14.5 13.5h-13z M8 6.5v3.5 M8 11.8v.2",
        Icon::Dot => "M8 7.5v1",
        Icon::Mail => "M2 3.5h12v9H2z M2 4.5 8 9l6-4.5",
        Icon::Bell => "M3.5 12h9L11.5 10V7a3.5 3.5 0 0 0-7 0v3z M7 14h2",
        Icon::Clock => "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13 M8 4.5V8l2.5 1.5",
        Icon::Theme => "M8 1.5a6.5 6.5 0 1 0 0 13z M8 1.5a6.5 6.5 0 0 1 0 13",
        Icon::Arrow => "M3 8h10 M9 4l4 4-4 4",
    };
    html! {
        svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" {
            path d=(path) {}
        }
    }
}
