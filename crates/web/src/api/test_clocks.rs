//! Test clocks: the time of a test platform, which only moves when it is told to.

use std::time::Duration;

use app::jobs::advance_clock::advance;
use domain::workset::Platform;
use domain::{Kind, OrgId, Refusal, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::wire::{IdText, TimeText};

/// An advance that takes longer goes on while the answer says `advancing`.
const WAIT_MAX: Duration = Duration::from_secs(5);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdvanceIn {
    /// Where to go. Safe to repeat: arriving twice is arriving once.
    pub to: Option<TimeText>,
    /// Or how far, from where the clock stands.
    pub seconds: Option<i64>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct TestClockOut {
    pub platform: IdText,
    pub now: TimeText,
    /// `ready`, or `advancing` until every wallet has arrived at `target`.
    pub state: String,
    pub target: Option<TimeText>,
}

fn view(org: OrgId, platform: &Platform) -> Result<TestClockOut, Fault> {
    let now = platform.clock.ok_or(Fault::Refused(Refusal::NoTestClock))?;
    let target = platform.clock_target;
    Ok(TestClockOut {
        platform: IdText::new(Kind::Platform, org, 0),
        now: now.into(),
        state: platform.clock_state().to_owned(),
        target: target.map(TimeText::from),
    })
}

async fn platform(call: &Call) -> Result<(OrgId, Platform), Fault> {
    let missing = || Fault::missing(Kind::Platform);
    let id = call.path_id(Kind::Platform).await?;
    let mut snapshot = call.snapshot().await?;
    let platform = store::read::access::platform(&mut snapshot, id.org).await?;
    Ok((id.org, platform.ok_or_else(missing)?))
}

/// Shows the clock of a test platform.
pub async fn get(call: Call) -> Result<Reply, Fault> {
    let (org, platform) = platform(&call).await?;
    Reply::json(200, &view(org, &platform)?)
}

fn target(body: &AdvanceIn, now: Timestamp) -> Result<Timestamp, Fault> {
    match (&body.to, body.seconds) {
        (Some(to), None) => Ok(to.parse("to")?.floor_to_second()),
        (None, Some(seconds)) if seconds >= 0 => Ok(now.plus_seconds(seconds)),
        (None, Some(_)) => Err(Fault::param("seconds", "a clock never goes back")),
        _ => Err(Fault::param("to", "say either to or seconds")),
    }
}

/// Advances the clock: everything that falls due on the way happens at its own second.
pub async fn advance_clock(call: Call) -> Result<Reply, Fault> {
    call.sent.refuse_members("a test clock is moved by the platform, and by no member")?;
    let body: AdvanceIn = call.json()?;
    let (org, before) = platform(&call).await?;
    let now = before.clock.ok_or(Fault::Refused(Refusal::NoTestClock))?;
    let to = target(&body, now)?;
    call.own(org)?;
    let app = call.web.app.clone();
    let mut advancing = tokio::spawn(async move { advance(&app, org, to).await });
    let status = match tokio::time::timeout(WAIT_MAX, &mut advancing).await {
        Ok(Ok(arrived)) => {
            arrived?;
            200
        }
        Ok(Err(_)) => return Err(Fault::Internal),
        Err(_) => 202,
    };
    let (org, platform) = platform_after(&call, org).await?;
    Reply::json(status, &view(org, &platform)?)
}

async fn platform_after(call: &Call, org: OrgId) -> Result<(OrgId, Platform), Fault> {
    let mut snapshot = call.snapshot().await?;
    let platform = store::read::access::platform(&mut snapshot, org).await?;
    Ok((org, platform.ok_or(Fault::missing(Kind::Platform))?))
}
