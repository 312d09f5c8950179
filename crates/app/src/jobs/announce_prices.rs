//! Tells every organization that runs something of a price that was announced for it, each in its
//! own lane, and notes when all of them have been told.
//!
//! Laws: the price is the message, and who has not been told is read from the runs themselves, so
//! that a round can be cut off anywhere and repeated; what starts after an announcement knows of it
//! from the price book, and what was being started meanwhile is found by a later round, because
//! nothing is concluded within a minute; whoever is told late goes on at the price from then on.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::price::Price;
use domain::{OrgId, Timestamp};
use store::read::access;
use store::{Store, StoreError};

use crate::door::{App, Command};
use crate::operations::announce_price::AnnouncePrice;
use crate::operations::conclude_announcement::ConcludeAnnouncement;

/// Announcements that one round looks at.
const ANNOUNCEMENTS_MAX: i64 = 1_000;
/// Organizations of a lane that are told at once.
const ROUND_MAX: i64 = 1_024;
/// A batch that began before the announcement, and does not know of it, has ended by then.
const CONCLUDED_AFTER_SECONDS: i64 = 60;
/// Another process has the lanes that are not told yet: look again after this.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Tells who has not been told. Safe to run at any time, any number of times.
pub async fn run(app: &App) -> Result<usize, StoreError> {
    let mut done = 0;
    for (platform, price) in store::prices::untold(&app.store, ANNOUNCEMENTS_MAX).await? {
        let now = present(app, platform).await?;
        for lane in app.own_lanes() {
            done += tell(app, (platform, &price), now, lane).await?;
        }
        let is_settled = price.created_at.plus_seconds(CONCLUDED_AFTER_SECONDS) <= now;
        if is_settled && is_told(app, (platform, &price), now).await? {
            conclude(app, platform, &price).await;
        }
    }
    Ok(done)
}

/// Tells everybody on a test platform before its clock moves: what takes effect on the way is known
/// then, whichever process owns the lanes.
pub async fn run_ahead_of_clock(app: &App, platform: OrgId) -> Result<(), StoreError> {
    let now = present(app, platform).await?;
    for (home, price) in store::prices::untold(&app.store, ANNOUNCEMENTS_MAX).await? {
        if home != platform {
            continue;
        }
        loop {
            for lane in app.own_lanes() {
                tell(app, (platform, &price), now, lane).await?;
            }
            if is_told(app, (platform, &price), now).await? {
                break;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
    Ok(())
}

async fn present(app: &App, platform: OrgId) -> Result<Timestamp, StoreError> {
    let mut snapshot = app.store.snapshot().await?;
    let row = access::platform(&mut snapshot, platform).await?;
    Ok(row.and_then(|row| row.clock).unwrap_or_else(|| app.now()))
}

/// Tells the organizations of one lane of this process, as many as can be; answers how many.
async fn tell(
    app: &App,
    announced: (OrgId, &Price),
    now: Timestamp,
    lane: i64,
) -> Result<usize, StoreError> {
    let mut told = BTreeSet::new();
    loop {
        let of_lane = (lane, app.lane_count());
        let orgs = store::runs::untold(&app.store, announced, now, of_lane, ROUND_MAX).await?;
        let orgs: Vec<OrgId> = orgs.into_iter().filter(|org| !told.contains(org)).collect();
        let Some(&first) = orgs.first() else { return Ok(told.len()) };
        let tell = |&org: &OrgId| Command::new(AnnouncePrice { org, price: announced.1.clone() });
        if let Err(error) = app.run_all(first, orgs.iter().map(tell).collect()).await {
            tracing::warn!(%error, "an announcement is told by the next round");
            return Ok(told.len());
        }
        told.extend(orgs);
    }
}

async fn is_told(
    app: &App,
    announced: (OrgId, &Price),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (store, count): (&Store, i64) = (&app.store, app.lane_count());
    for lane in 0..count {
        if !store::runs::untold(store, announced, now, (lane, count), 1).await?.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What is not concluded now is concluded by the next round, wherever it runs.
async fn conclude(app: &App, platform: OrgId, price: &Price) {
    if app.foreign_owner(platform).is_some() {
        return;
    }
    let (sku, dimension) = (price.sku, price.dimension.clone());
    let concluded = ConcludeAnnouncement { platform, sku, dimension, price: price.number };
    if let Err(error) = app.run(Command::new(concluded)).await {
        tracing::warn!(%error, "an announcement is concluded by the next round");
    }
}
