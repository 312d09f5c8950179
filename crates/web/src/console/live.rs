//! `/w/{wallet}/live`: says that something changed, so that the page looks again.
//!
//! Time that merely goes by is no change: the page counts it down by itself. Changes are told at
//! most four times a second, however many there were (rulings A5).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response};
use bytes::Bytes;
use domain::profile::BalanceBasis;
use domain::wallet::Wallet;
use domain::{Kind, OrgId, Timestamp};
use http_body_util::channel::{Channel, Sender};
use store::StoreError;

use super::Console;
use super::wallet::org_of;
use crate::error::Fault;

const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Looks between two signs of life, so that a reader who left is noticed.
const LOOKS_PER_SIGN: u32 = 60;
/// A clock that went further than this between two looks was moved.
const JUMP_SECONDS: i64 = 3;

/// What a page was made from, apart from the time.
#[derive(PartialEq)]
struct Seen {
    wallet: Wallet,
    /// The last closed period, where the shown balance only changes with it.
    period: Timestamp,
}

/// Begins to follow a wallet.
///
/// Errors: `not_found`.
pub async fn follow(console: &Arc<Console>, wallet: &str) -> Result<Response<Body>, Fault> {
    let org = org_of(wallet)?;
    let (seen, now) = look(console, org).await?.ok_or(Fault::missing(Kind::Wallet))?;
    let (sender, body) = Channel::<Bytes, Infallible>::new(4);
    tokio::spawn(tell(Arc::clone(console), org, seen, now, sender));
    let mut response = Response::new(Body::new(body));
    let stream = HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(CONTENT_TYPE, stream);
    Ok(response)
}

async fn tell(
    console: Arc<Console>,
    org: OrgId,
    mut seen: Seen,
    mut at: Timestamp,
    mut sender: Sender<Bytes, Infallible>,
) {
    let mut stopping = console.demo.stopping.clone();
    let mut looks = 0_u32;
    loop {
        let told = if looks.is_multiple_of(LOOKS_PER_SIGN) { ": here\n\n" } else { "" };
        if !told.is_empty() && sender.send_data(Bytes::from(told)).await.is_err() {
            return;
        }
        tokio::select! {
            _ = stopping.wait_for(|&stopping| stopping) => return,
            () = tokio::time::sleep(LOOK_EVERY) => looks = looks.wrapping_add(1),
        }
        let Ok(Some((fresh, now))) = look(&console, org).await else { continue };
        let is_jump = now.seconds_since(at) > JUMP_SECONDS;
        at = now;
        if fresh == seen && !is_jump {
            continue;
        }
        seen = fresh;
        let event = Bytes::from_static(b"event: changed\ndata: {}\n\n");
        if sender.send_data(event).await.is_err() {
            return;
        }
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
