//! Charges saved payment methods for the deposits that wait in the outbox, and settles each by what
//! its rail answered. The rail's own id of the money comes from the deposit, so that asking twice
//! is the same payment. One that was not answered is read back and never charged again.

use domain::deposit::DepositState;
use domain::{Id, Kind};
use store::{StoreError, outbox};

use crate::door::{App, Command};
use crate::operations::settle_deposit::SettleDeposit;

const ROUND_MAX: i64 = 1_000;

/// Does what waits in the outbox. Safe to run at any time, any number of times.
pub async fn run(app: &App) -> Result<usize, StoreError> {
    let mut done = 0;
    let mut waiting = Vec::new();
    for lane in app.own_lanes() {
        let rows = outbox::pending(&app.store, lane, app.lane_count(), ROUND_MAX).await?;
        let of_method = |kind| kind == outbox::CHARGE_METHOD || kind == outbox::READ_PAYMENT;
        let asked = rows.into_iter().filter(|&(.., kind, _)| of_method(kind));
        waiting.extend(asked.map(|(org, number, kind, _)| (org, number, kind)));
    }
    for (org, number, kind) in waiting {
        let found = store::deposits::with_method(&app.store, org, number).await?;
        let Some((deposit, Some(method))) = found else { continue };
        let id = Id::new(Kind::Deposit, org, number).to_string();
        let outcome = match (deposit.state, kind) {
            (DepositState::Pending, outbox::CHARGE_METHOD) => {
                payments::sandbox::charge(method.behaviour, &id)
            }
            (DepositState::Unknown, outbox::READ_PAYMENT) => {
                payments::sandbox::read_back(method.behaviour, &id)
            }
            _ => continue,
        };
        match app.run(Command::new(SettleDeposit { org, deposit: number, outcome })).await {
            Ok(_) => done += 1,
            Err(error) => tracing::warn!(%error, "a deposit is settled by the next round"),
        }
    }
    Ok(done)
}
