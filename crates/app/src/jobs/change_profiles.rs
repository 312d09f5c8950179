//! Tells the wallets of a platform when its profile changes next, each in its own lane, so that
//! they wake in time, and notes when all of them have been told.
//!
//! Laws: the version is the message, and who has not been told is read from the wallets and their
//! wakes, so that a round can be cut off anywhere and repeated; nothing is concluded within a
//! minute, because a wallet that was written meanwhile may not know; whoever is told late, or only
//! by a command of its own, turns as of the same instant.

use std::time::Duration;

use domain::profile::ANNOUNCED_AHEAD_SECONDS;
use domain::workset::Platform;
use domain::{OrgId, Timestamp};
use store::{Store, StoreError};

use crate::door::{App, Command};
use crate::operations::conclude_profile::ConcludeProfile;
use crate::operations::note_profile::NoteProfile;

/// Wallets of a lane that are told at once.
const ROUND_MAX: i64 = 1_024;
/// Another process has the lanes that are not told yet: look again after this.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Tells who has not been told. Safe to run at any time, any number of times.
pub async fn run(app: &App) -> Result<usize, StoreError> {
    let mut done = 0;
    for (org, platform) in store::platforms::with_versions(&app.store).await? {
        let now = platform.clock.unwrap_or_else(|| app.now());
        for version in platform.profiles.later().iter().filter(|it| it.told_at.is_none()) {
            let effective_from = version.effective_from;
            done += tell(app, org, effective_from).await?;
            let is_settled = version.created_at.plus_seconds(ANNOUNCED_AHEAD_SECONDS) <= now;
            if is_settled && is_told(app, org, effective_from).await? {
                conclude(app, org, effective_from).await;
            }
        }
    }
    Ok(done)
}

/// Tells everybody on a test platform before its clock moves: what takes effect on the way is known
/// then, whichever process owns the lanes.
pub async fn run_ahead_of_clock(app: &App, org: OrgId) -> Result<(), StoreError> {
    let platforms = store::platforms::with_versions(&app.store).await?;
    let is_it = |(other, _): &(OrgId, Platform)| *other == org;
    let Some((_, platform)) = platforms.into_iter().find(is_it) else { return Ok(()) };
    for effective_from in platform.profiles.untold() {
        loop {
            tell(app, org, effective_from).await?;
            if is_told(app, org, effective_from).await? {
                break;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
    Ok(())
}

/// Tells the wallets of a platform in the lanes of this process; answers how many.
async fn tell(app: &App, platform: OrgId, effective_from: Timestamp) -> Result<usize, StoreError> {
    let mut told = 0;
    for lane in app.own_lanes() {
        let mut last = None;
        loop {
            let of_lane = (lane, app.lane_count());
            let (store, at) = (&app.store, effective_from);
            let orgs = store::wakes::asleep_at(store, platform, at, of_lane, ROUND_MAX).await?;
            let Some(&first) = orgs.first() else { break };
            let note = |&org: &OrgId| Command::new(NoteProfile { org });
            let outcome = app.run_all(first, orgs.iter().map(note).collect()).await;
            // Who is still asleep after being told is left to the next round.
            if let Err(error) = outcome {
                tracing::warn!(%error, "a version of a profile is told by the next round");
                break;
            }
            if last == Some(first) {
                break;
            }
            (told, last) = (told + orgs.len(), Some(first));
        }
    }
    Ok(told)
}

async fn is_told(
    app: &App,
    platform: OrgId,
    effective_from: Timestamp,
) -> Result<bool, StoreError> {
    let (store, count): (&Store, i64) = (&app.store, app.lane_count());
    for lane in 0..count {
        let of_lane = (lane, count);
        let asleep = store::wakes::asleep_at(store, platform, effective_from, of_lane, 1).await?;
        if !asleep.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What is not concluded now is concluded by the next round, wherever it runs.
async fn conclude(app: &App, platform: OrgId, effective_from: Timestamp) {
    if app.foreign_owner(platform).is_some() {
        return;
    }
    let concluded = ConcludeProfile { platform, effective_from };
    if let Err(error) = app.run(Command::new(concluded)).await {
        tracing::warn!(%error, "a version of a profile is concluded by the next round");
    }
}
