//! Pays the refunds that wait in the outbox, and settles each by what its rail answered. The rail's
//! own id of the money comes from the refund, so that asking twice is the same payment.

use domain::refund::RefundState;
use domain::{Id, Kind};
use store::{StoreError, outbox};

use crate::door::{App, Command};
use crate::operations::settle_refund::SettleRefund;

const ROUND_MAX: i64 = 1_000;

/// Does what waits in the outbox. Safe to run at any time, any number of times.
pub async fn run(app: &App) -> Result<usize, StoreError> {
    let mut done = 0;
    let mut waiting = Vec::new();
    for lane in app.own_lanes() {
        let rows = outbox::pending(&app.store, lane, app.lane_count(), ROUND_MAX).await?;
        let refunds = rows.into_iter().filter(|&(.., kind, _)| kind == outbox::PAY_REFUND);
        waiting.extend(refunds.map(|(org, number, ..)| (org, number)));
    }
    for (org, number) in waiting {
        let mut snapshot = app.store.snapshot().await?;
        let found = store::read::lists::refund(&mut snapshot, org, number).await?;
        drop(snapshot);
        if found.is_none_or(|refund| refund.state != RefundState::Pending) {
            continue;
        }
        let outcome = payments::sandbox::refunded(&Id::new(Kind::Refund, org, number).to_string());
        match app.run(Command::new(SettleRefund { org, refund: number, outcome })).await {
            Ok(_) => done += 1,
            Err(error) => tracing::warn!(%error, "a refund is settled by the next round"),
        }
    }
    Ok(done)
}
