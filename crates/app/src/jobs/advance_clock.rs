//! Advances the test clock of a platform: every wallet is woken up to the target, then the clock
//! arrives there.
//!
//! Law: an advance that was interrupted goes on where it was, because the target is stored before
//! any wallet moves and a wallet that has arrived is not due any more (rulings R21).

use std::collections::BTreeMap;
use std::time::Duration;

use domain::{OrgId, Refusal, Timestamp};
use store::StoreError;

use crate::door::{App, AppError, Command, Outcome};
use crate::jobs::{announce_prices, change_profiles};
use crate::operation::Answer;
use crate::operations::move_clock::MoveClock;
use crate::operations::wake_wallet::WakeWallet;

/// Wallets woken by one round.
const ROUND_WALLETS_MAX: i64 = 4_096;
/// Another process has the lanes that are still behind: look again after this.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Why a clock did not arrive.
#[derive(Debug)]
pub enum AdvanceError {
    /// The clock may not go there; nothing moved.
    Refused(Refusal),
    /// Not decided; the target stands, and advancing again goes on.
    App(AppError),
    Store(StoreError),
}

impl From<AppError> for AdvanceError {
    fn from(error: AppError) -> AdvanceError {
        AdvanceError::App(error)
    }
}

impl From<StoreError> for AdvanceError {
    fn from(error: StoreError) -> AdvanceError {
        AdvanceError::Store(error)
    }
}

/// Advances the clock of `platform` to `to` and answers when it has arrived.
pub async fn advance(app: &App, platform: OrgId, to: Timestamp) -> Result<Timestamp, AdvanceError> {
    move_clock(app, platform, to, false).await?;
    announce_prices::run_ahead_of_clock(app, platform).await?;
    change_profiles::run_ahead_of_clock(app, platform).await?;
    loop {
        let due =
            store::wakes::due_on_test_clock(&app.store, platform, to, ROUND_WALLETS_MAX).await?;
        if due.is_empty() {
            break;
        }
        if !wake_own(app, due, to).await? {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
    move_clock(app, platform, to, true).await?;
    Ok(to)
}

/// Wakes those of `due` whose lanes this process owns, and says whether there were any.
pub async fn wake_own(app: &App, due: Vec<OrgId>, to: Timestamp) -> Result<bool, AdvanceError> {
    let mut lanes: BTreeMap<usize, Vec<OrgId>> = BTreeMap::new();
    for org in due.into_iter().filter(|&org| app.foreign_owner(org).is_none()) {
        lanes.entry(app.lane_of(org)).or_default().push(org);
    }
    let is_any = !lanes.is_empty();
    for orgs in lanes.into_values() {
        let wake = |&org: &OrgId| Command::new(WakeWallet { org, until: Some(to) });
        for outcome in app.run_all(orgs[0], orgs.iter().map(wake).collect()).await? {
            match outcome? {
                Outcome::Decided(Ok(Answer::Woken(due))) if due <= to => {
                    return Err(AdvanceError::App(AppError::Internal));
                }
                Outcome::Decided(Err(refusal)) => return Err(AdvanceError::Refused(refusal)),
                _ => {}
            }
        }
    }
    Ok(is_any)
}

async fn move_clock(
    app: &App,
    platform: OrgId,
    to: Timestamp,
    is_arrival: bool,
) -> Result<(), AdvanceError> {
    let command = Command::new(MoveClock { platform, to, is_arrival });
    match app.run(command).await? {
        Outcome::Decided(Err(refusal)) => Err(AdvanceError::Refused(refusal)),
        _ => Ok(()),
    }
}

/// Goes on with every advance that was interrupted, or that another process leads: wakes the
/// wallets of this process's lanes that are behind a target.
pub async fn tend(app: &App) -> Result<(), AdvanceError> {
    for (platform, target) in store::platforms::advancing(&app.store).await? {
        let due = store::wakes::due_on_test_clock(&app.store, platform, target, ROUND_WALLETS_MAX);
        wake_own(app, due.await?, target).await?;
    }
    Ok(())
}
