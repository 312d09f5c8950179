//! Resizes what runs: its run closes and another one of the same resource takes its place, without
//! new admission (rulings R15).

use domain::lifecycle::{Ending, current_run, price_of, rate_of, succeed};
use domain::limit::require_left_for;
use domain::member::Permission;
use domain::run::{Rest, StopReason};
use domain::scope::Purpose;
use domain::wake::catch_up;
use domain::{Amount, OrgId, Refusal, Timestamp, Workset};

use super::start_run::require_burn;
use crate::operation::{Answer, Keys, Operation};

#[derive(Debug)]
pub struct ResizeRun {
    pub org: OrgId,
    pub run: i64,
    /// The code of the SKU that it goes on as.
    pub sku: String,
}

impl Operation for ResizeRun {
    fn name(&self) -> &'static str {
        "resize_run"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.runs.push((self.org, self.run));
        keys.history.push((self.org, Timestamp::NEVER));
    }

    fn permission(&self, _: &Workset, _: i64) -> Option<Permission> {
        Some(Permission::StartAndStop)
    }

    /// Refusals, in order: `not_found`, `run_ended`, `wallet_frozen`, `unknown_sku`,
    /// `class_differs`, `price_missing`, `amount_out_of_range` (the burn of five days),
    /// `insufficient_credit`, `limit_reached`.
    ///
    /// Where time accrues the new run begins now. Under block terms a dearer size begins a new
    /// block now, which has to be paid; any other size begins with the next block, and asking for
    /// the present size again takes that back.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let now = catch_up(ws, self.org, now)?;
        let profile = ws.profile_of(self.org)?;
        let mut run = current_run(ws, self.org, self.run)?;
        if let Some(stopped_at) = run.stopped_at {
            return Err(Refusal::RunEnded { stopped_at });
        }
        if ws.wallet(self.org)?.is_frozen() {
            return Err(Refusal::WalletFrozen);
        }
        let book = ws.book(ws.wallet(self.org)?.platform);
        let sku = book.and_then(|book| book.sku_by_code(&self.sku));
        let sku = sku.ok_or_else(|| Refusal::UnknownSku { code: self.sku.clone() })?;
        if sku.class != run.class {
            return Err(Refusal::ClassDiffers { class: run.class.name() });
        }
        let start = now.floor_to_second().max(run.started_at);
        let price = price_of(ws, self.org, sku.number, start)?;
        let rate = rate_of(ws, self.org, &price, start, now)?;
        let wallet = ws.wallet(self.org)?;
        if sku_of(&run) != price.sku {
            require_burn(wallet, rate, run.paid.map(|paid| paid.block_seconds))?;
        }
        if let Some(paid) = run.paid.filter(|_| run.is_billed()) {
            let charge = rate.charge_round_half_even(paid.block_seconds);
            let required = charge.unwrap_or(Amount::MAX);
            if required <= run.block_charge() {
                // After this line the operation must succeed.
                run.next_sku = Some(price.sku).filter(|&sku| sku != run.sku);
                ws.runs.put(self.org, run.number, run.clone());
                ws.wallet_mut(self.org)?;
                return Ok(Answer::Run(self.org, run));
            }
            let purpose = Purpose { sku: price.sku, class: run.class };
            let available = wallet.available_for(&profile, now, Some(purpose));
            if available < required {
                return Err(Refusal::InsufficientCredit { available, required });
            }
            require_left_for(ws, self.org, run.resource, required, now)?;
        }
        // After this line the operation must succeed.
        let ending = Ending { stopped_at: start, reason: StopReason::Resized, rest: Rest::Stopped };
        let run = succeed(ws, self.org, &profile, &run, &price, ending, now)?;
        Ok(Answer::Run(self.org, run))
    }
}

/// The size that a run has, or will have at its next block.
fn sku_of(run: &domain::run::Run) -> i64 {
    run.next_sku.unwrap_or(run.sku)
}
