//! `/w/{wallet}/live`: says that something changed, so that the page looks again.
//!
//! Time that merely goes by is no change: the page counts it down by itself.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Response;
use domain::profile::BalanceBasis;
use domain::wallet::Wallet;
use domain::{Kind, OrgId, Timestamp};
use store::StoreError;

use super::Console;
use super::wallet::org_of;
use crate::error::Fault;
use crate::stream::{self, Look, Source};

/// A clock that went further than this between two looks was moved.
const JUMP_SECONDS: i64 = 3;

/// What a page was made from, apart from the time.
#[derive(PartialEq)]
struct Seen {
    wallet: Wallet,
    /// The last closed period, where the shown balance only changes with it.
    period: Timestamp,
}

/// A wallet that a page shows.
struct Followed {
    console: Arc<Console>,
    org: OrgId,
    seen: Seen,
    at: Timestamp,
}

/// Begins to follow a wallet.
///
/// Errors: `not_found`.
pub async fn follow(console: &Arc<Console>, wallet: &str) -> Result<Response<Body>, Fault> {
    let org = org_of(wallet)?;
    let (seen, at) = look(console, org).await?.ok_or(Fault::missing(Kind::Wallet))?;
    let stopping = console.web.config.stopping.clone();
    let followed = Followed { console: Arc::clone(console), org, seen, at };
    Ok(stream::response(stream::follow(followed, stopping)))
}

impl Source for Followed {
    async fn look(&mut self) -> Look {
        let Ok(Some((fresh, now))) = look(&self.console, self.org).await else {
            return Look::Nothing;
        };
        let is_jump = now.seconds_since(self.at) > JUMP_SECONDS;
        self.at = now;
        if fresh == self.seen && !is_jump {
            return Look::Nothing;
        }
        self.seen = fresh;
        Look::Tell("event: changed\ndata: {}\n\n".into())
    }
}

async fn look(console: &Console, org: OrgId) -> Result<Option<(Seen, Timestamp)>, StoreError> {
    let mut snapshot = console.web.app.store.snapshot().await?;
    let Some(mut wallet) = store::read::access::wallet(&mut snapshot, org).await? else {
        return Ok(None);
    };
    let platform = store::read::access::platform(&mut snapshot, wallet.platform).await?;
    let Some(platform) = platform else { return Ok(None) };
    let now = console.web.now_at(platform.clock).max(wallet.now);
    let profile = platform.profiles.at(now);
    let period = match profile.balance_basis {
        BalanceBasis::Live => Timestamp::ZERO,
        BalanceBasis::Settled => now.floor_to_multiple(profile.settle_every_seconds),
    };
    wallet.now = Timestamp::ZERO;
    Ok(Some((Seen { wallet, period }, now)))
}
