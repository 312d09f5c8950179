//! `/clock`: moves test clocks ahead, so that days of billing pass in a moment.

use app::jobs::advance_clock::advance as advance_to;
use domain::time::SECONDS_PER_HOUR;
use domain::{OrgId, Timestamp};
use jiff::ToSpan;
use jiff::tz::TimeZone;

use super::Console;
use super::form::{Fields, Sent};
use super::wallet::org_of;
use crate::error::Fault;
use crate::pages::paths;

/// Moves the clocks that the page shows by one of the steps offered, once for each attempt.
///
/// Errors: `malformed`, `not_found`, `clock_goes_back`, and those of the door.
pub async fn advance(console: &Console, sent: Sent) -> Result<String, Fault> {
    let fields = Fields::read(sent, || console.mint())?;
    let back = fields.text("return_to");
    let platforms = platforms_of(console, back).await?;
    let step = fields.text("advance");
    if !console.feedback.is_first(format!("clock {}", fields.attempt())) {
        return Ok(local(back));
    }
    for platform in platforms {
        let mut snapshot = console.web.app.store.snapshot().await?;
        let row = store::read::access::platform(&mut snapshot, platform).await?;
        drop(snapshot);
        let Some(now) = row.and_then(|row| row.clock) else { continue };
        let to = after(now, step)
            .ok_or(Fault::Malformed { message: "this step is not offered".into(), param: None })?;
        advance_to(&console.web.app, platform, to).await?;
    }
    Ok(local(back))
}

/// The demo's platforms move together, so that they stay at one time; any other moves alone.
async fn platforms_of(console: &Console, back: &str) -> Result<Vec<OrgId>, Fault> {
    let demo: Vec<OrgId> = console.demo.platforms.iter().map(|known| known.platform).collect();
    let Some(wallet) = back.strip_prefix("/w/") else { return Ok(demo) };
    let org = org_of(wallet)?;
    let home = console.web.directory.home(&console.web.app, org).await?;
    Ok(match home {
        Some(home) if !demo.contains(&home.platform) => vec![home.platform],
        _ => demo,
    })
}

/// The page to come back to: one of ours, never an address that somebody put into a form.
fn local(back: &str) -> String {
    match back.strip_prefix("/w/").and_then(|wallet| wallet.parse().ok()) {
        Some(wallet) => paths::wallet(wallet),
        None => paths::HOME.to_owned(),
    }
}

/// Where a step leads; nothing when it is not one of those offered.
fn after(now: Timestamp, step: &str) -> Option<Timestamp> {
    match step {
        "1h" => Some(now.plus_seconds(SECONDS_PER_HOUR)),
        "12h" => Some(now.plus_seconds(12 * SECONDS_PER_HOUR)),
        "1d" => Some(now.plus_seconds(24 * SECONDS_PER_HOUR)),
        "1month" => {
            let instant = jiff::Timestamp::from_microsecond(now.micros()).ok()?;
            let next = instant.to_zoned(TimeZone::UTC).checked_add(1.month()).ok()?;
            Some(Timestamp::from_micros(next.timestamp().as_microsecond()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::clock::STEPS;
    use domain::{Id, Kind};

    #[test]
    fn every_step_offered_is_known_and_no_other() {
        let now = Timestamp::parse("2026-01-31T12:00:00Z").unwrap();
        assert!(STEPS.iter().all(|(step, _)| after(now, step).is_some_and(|to| to > now)));
        assert_eq!(after(now, "1month").unwrap().to_string(), "2026-02-28T12:00:00Z");
        assert_eq!(after(now, "-1d"), None);
    }

    #[test]
    fn one_comes_back_to_a_page_of_ours() {
        let wallet = Id::new(Kind::Wallet, OrgId::new(1, 1 << 40), 1);
        assert_eq!(local(&format!("/w/{wallet}")), format!("/w/{wallet}"));
        for elsewhere in ["", "//evil.example", "https://evil.example", "/w/../../x", "/clock"] {
            assert_eq!(local(elsewhere), "/");
        }
    }
}
