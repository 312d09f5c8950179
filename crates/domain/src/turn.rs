//! The turn: a wallet goes on under another version of its platform's profile (requirements C23).
//!
//! Laws: what ran until a version takes effect is settled by the one before, so that no line is by
//! two; a wallet that hears of it late turns as of the same instant; what had been agreed stays as
//! it was agreed: prices, discounts and terms of runs, holds, what was granted and bought.

use crate::digest::turn_tally;
use crate::event::EventKind;
use crate::settle::{settle_to, tell};
use crate::wake::move_to;
use crate::wallet::Wallet;
use crate::workset::{Platform, Workset};
use crate::{OrgId, Refusal, Timestamp};

/// When `wallet` turns next; the platform's own organization buys nothing, and does not.
pub fn next_turn(platform: &Platform, wallet: &Wallet) -> Timestamp {
    if wallet.org == wallet.platform {
        return Timestamp::NEVER;
    }
    platform.profiles.next_change(wallet.now)
}

/// Lets the version hold that takes effect by `now`, if the wallet has not turned yet.
pub(crate) fn turn_by(ws: &mut Workset, org: OrgId, now: Timestamp) -> Result<(), Refusal> {
    let wallet = ws.wallet(org)?;
    let at = next_turn(ws.platform(wallet.platform)?, wallet);
    if at <= now { turn(ws, org, at) } else { Ok(()) }
}

/// Lets the version that takes effect at `at` hold for the wallet of `org`, which has not come to
/// that instant yet. What follows from it at once follows from the review of that instant.
pub(crate) fn turn(ws: &mut Workset, org: OrgId, at: Timestamp) -> Result<(), Refusal> {
    let before = ws.profile_of(org)?;
    settle_to(ws, org, &before, at)?;
    move_to(ws, org, at)?;
    let after = ws.profile_of(org)?;
    turn_tally(ws, org, (before.digest, after.digest), at)?;
    let wallet = ws.wallet_mut(org)?;
    wallet.review_due = true;
    if after.retention_days.is_none() && wallet.retention.take().is_some() {
        tell(ws, org, EventKind::RetentionEnded, at, Vec::new())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::profile::Version;
    use crate::testkit::{at, founded_with, org};

    /// A platform of its own, so that the wallet is not its house.
    fn platform(ws: &Workset, settings: &str) -> Platform {
        let mut platform = ws.platform(org()).unwrap().clone();
        let mut profile = (**platform.profiles.first()).clone();
        profile.apply(settings).unwrap();
        platform.profiles.push(Version {
            effective_from: at(100),
            created_at: at(0),
            told_at: None,
            profile: Arc::new(profile),
        });
        platform
    }

    #[test]
    fn a_wallet_turns_once_and_the_platforms_own_never() {
        let ws = founded_with("");
        let platform = platform(&ws, "stop_lead_seconds=60");
        let house = ws.wallet(org()).unwrap();
        assert_eq!(next_turn(&platform, house), Timestamp::NEVER);
        let other = OrgId::new(2, 1 << 60);
        for (now, turns_at) in [(0, at(100)), (99, at(100)), (100, Timestamp::NEVER)] {
            let wallet = Wallet::new(other, org(), at(now));
            assert_eq!(next_turn(&platform, &wallet), turns_at, "at {now}");
        }
    }
}
