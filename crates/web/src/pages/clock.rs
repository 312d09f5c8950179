//! The bar that moves a test clock, so that days of billing can be watched in a minute.
//!
//! A test clock never goes back and says while it is moving (rulings R21).

use domain::Timestamp;
use maud::{Markup, html};

use super::parts::{self, Icon, icon};
use super::show::Zone;

/// The steps offered: the value of the form field `advance`, and the words of the button.
pub const STEPS: [(&str, &str); 4] =
    [("1h", "+1 h"), ("12h", "+12 h"), ("1d", "+1 day"), ("1month", "+1 month")];

/// A test clock as the reader may move it.
#[derive(Clone, Debug)]
pub struct TestClock {
    /// Where the form is posted to.
    pub action: String,
    pub now: Timestamp,
    /// Real time moves it too, so it may be counted on between two answers.
    pub flows: bool,
    pub advancing: bool,
    /// The page to come back to.
    pub return_to: String,
    pub attempt_key: String,
}

/// Draws the bar: the virtual time and one button for each step.
pub fn bar(zone: &Zone, clock: &TestClock) -> Markup {
    html! {
        form class="clock-bar" method="post" action=(clock.action) aria-label="Test clock" {
            div class="clock-now" {
                (icon(Icon::Clock))
                span class="eyebrow" { "Test clock" }
                span class="clock-time" data-live-text="test-clock" {
                    (zone.date(clock.now)) ", "
                    time datetime=(clock.now)
                        data-clock=[clock.flows.then(|| zone.clock(clock.now))] {
                        (zone.clock(clock.now))
                    }
                    " " (zone.name(clock.now))
                }
                @if clock.advancing {
                    (parts::chip(parts::Tone::Waiting, "Moving"))
                }
            }
            input type="hidden" name="return_to" value=(clock.return_to);
            (parts::attempt(&clock.attempt_key, "clock"))
            div class="clock-steps" role="group" aria-label="Move the clock forward" {
                @for (value, words) in STEPS {
                    button name="advance" value=(value) disabled[clock.advancing] { (words) }
                }
            }
        }
    }
}
