//! Erases closed organizations whose last refund was paid and whose last document was issued since.
//!
//! Law: the row that was closed and not erased is what is intended and not done yet; erasing
//! decides by itself whether it can be, so that asking too early or twice changes nothing.

use domain::{OrgId, Timestamp};
use store::StoreError;

use crate::door::{App, Command, Outcome};
use crate::operation::Answer;
use crate::operations::erase_organization::EraseOrganization;

const ROWS_AT_ONCE: i64 = 1_000;

/// Looks at every organization that waits. Safe to run at any time, any number of times; says how
/// many were erased.
pub async fn run(app: &App) -> Result<usize, StoreError> {
    let mut erased = 0;
    let mut after = (Timestamp::ZERO, OrgId::from_stored(-1));
    loop {
        let waiting = store::organizations::to_erase(&app.store, after, ROWS_AT_ONCE).await?;
        let Some(&last) = waiting.last() else { return Ok(erased) };
        after = last;
        for (_, org) in waiting {
            if app.foreign_owner(org).is_some() {
                continue;
            }
            match app.run(Command::new(EraseOrganization { org })).await {
                Ok(Outcome::Decided(Ok(Answer::Organization(_, row)))) => {
                    erased += usize::from(row.erased_at.is_some());
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "an organization is erased by the next round"),
            }
        }
    }
}
