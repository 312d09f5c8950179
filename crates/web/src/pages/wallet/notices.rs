//! What the wallet says by itself: alerts, the mails they sent, and orders to the cloud.

use domain::{Amount, Timestamp};
use maud::{Markup, html};

use super::Context;
use crate::pages::parts::{self, Icon, Tone, icon};

/// The rules that watch the balance.
#[derive(Clone, Debug)]
pub struct Alerts {
    pub rules: Vec<AlertRule>,
    /// The reader's own limit in currency, none when it is off.
    pub limit: Option<Amount>,
    pub refusal: Option<String>,
}

/// One rule as a sentence.
#[derive(Clone, Debug)]
pub struct AlertRule {
    /// "E-mail when less than 12 h of runtime is left".
    pub sentence: String,
    pub state: AlertState,
}

/// A rule fires once per crossing and is armed again when the balance recovers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertState {
    Armed,
    Fired(Timestamp),
    Off,
}

/// A mail in the built-in mailbox.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Tells mails of one wallet apart.
    pub number: i64,
    pub at: Timestamp,
    pub to: String,
    /// The subject carries the number: "Balance $28.60, about 11 h left at $2.40/h".
    pub subject: String,
    pub body: String,
}

/// Something the simulated cloud was told or did.
#[derive(Clone, Debug)]
pub struct FeedEvent {
    pub at: Timestamp,
    pub icon: Icon,
    /// "Stop of train-h100 ordered for 16:11:40".
    pub text: String,
}

/// Draws the rules and the form for the reader's own limit. Posts `limit`, empty for off.
pub(crate) fn alerts(context: Context<'_>, alerts: &Alerts) -> Markup {
    let zone = &context.presentation.zone;
    let body = html! {
        ul class="plain-list" id="alerts-body" data-swap {
            @for rule in &alerts.rules {
                li {
                    (icon(Icon::Bell))
                    span class="cell-name" {
                        span { (rule.sentence) }
                        @if let AlertState::Fired(at) = rule.state {
                            small { "sent " (parts::time(at, &zone.minute(at))) }
                        }
                    }
                    @match rule.state {
                        AlertState::Armed => (parts::chip(Tone::Good, "Armed")),
                        AlertState::Fired(_) => (parts::chip(Tone::Waiting, "Sent")),
                        AlertState::Off => (parts::chip(Tone::Quiet, "Off")),
                    }
                }
            }
        }
        form method="post" action=(context.form("alerts")) {
            (parts::attempt(context.attempt_key, "alerts"))
            div class="field" {
                label for="alert-limit" { "E-mail me when available is below" }
                div class="with-button" {
                    div class="money-input" {
                        span aria-hidden="true" { "$" }
                        input id="alert-limit" name="limit" inputmode="decimal" autocomplete="off"
                            placeholder="off" value=[alerts.limit.map(|limit| limit.to_string())]
                            aria-describedby=[alerts.refusal.as_ref().map(|_| "alert-refusal")];
                    }
                    button { "Save" (parts::hidden(" alert limit")) }
                }
                @if let Some(refusal) = &alerts.refusal {
                    p class="refusal" id="alert-refusal" { (icon(Icon::Warning)) (refusal) }
                }
            }
        }
    };
    parts::card("alerts", "Alerts", html! {}, body)
}

/// Draws the mails that were sent, newest first.
pub(crate) fn mailbox(context: Context<'_>, mails: &[Mail]) -> Markup {
    let zone = &context.presentation.zone;
    let body = html! {
        div id="mailbox-body" data-swap {
            @if mails.is_empty() {
                (parts::nothing(Icon::Mail, "No mail was sent yet."))
            } @else {
                ul class="mailbox" {
                    @for mail in mails { li {
                        details id={ "mail-" (mail.number) } {
                            summary {
                                (icon(Icon::Mail))
                                span class="cell-name" {
                                    b { (mail.subject) }
                                    small { (parts::time(mail.at, &zone.minute(mail.at))) }
                                }
                            }
                            p class="mail-to" { "to " (mail.to) }
                            p class="mail-body" { (mail.body) }
                        }
                    } }
                }
            }
        }
    };
    parts::card("mailbox", "Mailbox", parts::tally(mails.len()), body)
}

/// Draws what the cloud was told, newest first.
pub(crate) fn feed(context: Context<'_>, events: &[FeedEvent]) -> Markup {
    let zone = &context.presentation.zone;
    let aside = html! { span class="aside" { "simulated cloud" } };
    let body = html! {
        div id="feed-body" data-swap {
            @if events.is_empty() {
                (parts::nothing(Icon::Dot, "No orders yet."))
            } @else {
                ol class="feed" {
                    @for event in events { li {
                        (icon(event.icon))
                        span { (event.text) }
                        small { (parts::time(event.at, &zone.short(event.at))) }
                    } }
                }
            }
        }
    };
    parts::card("feed", "Events", aside, body)
}
