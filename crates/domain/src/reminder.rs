//! Reminders that credit is about to expire (requirements N09).
//!
//! Laws: each expiry is told so many days of 24 hours ahead as the profile says, once each; one
//! reminder a day tells everything of that day, and nothing is told that running time has used up;
//! a renewal moves the date, so its reminders begin anew.

use crate::event::EventKind;
use crate::grant::OpenGrant;
use crate::profile::Profile;
use crate::settle::tell;
use crate::time::SECONDS_PER_DAY;
use crate::wallet::Wallet;
use crate::workset::Workset;
use crate::{Amount, OrgId, Refusal, Timestamp};

/// When people are to be reminded next.
pub fn next_reminder(wallet: &Wallet, profile: &Profile) -> Timestamp {
    let spendable = wallet.grants.iter().filter(|grant| grant.unreserved().is_positive());
    let reminders = spendable.flat_map(|grant| reminders_of(wallet, profile, grant));
    reminders.min().unwrap_or(Timestamp::NEVER)
}

/// The reminders of one grant that have not been given yet.
fn reminders_of<'a>(
    wallet: &Wallet,
    profile: &'a Profile,
    grant: &OpenGrant,
) -> impl Iterator<Item = Timestamp> + use<'a> {
    let (expiry, given) = (grant.lapses_at(wallet.purchased_until()), wallet.reminded_until);
    let days: &[i64] = if expiry == Timestamp::NEVER { &[] } else { &profile.expiry_reminder_days };
    let ahead =
        days.iter().map(move |days| expiry.plus_seconds(days.saturating_mul(-SECONDS_PER_DAY)));
    ahead.filter(move |&at| at > given)
}

/// Reminds people of what expires, when the first reminder of the local day of `at` is due.
pub fn review_reminders(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    at: Timestamp,
) -> Result<(), Refusal> {
    let wallet = ws.wallet(org)?;
    if next_reminder(wallet, profile) > at {
        return Ok(());
    }
    let day_end = wallet.zone.day_end(at);
    let accrued = wallet.meters.accrued(at.floor_to_second());
    let mut drawn = wallet.draws_of(accrued, at);
    let (mut amount, mut first) = (Amount::ZERO, Timestamp::NEVER);
    for grant in wallet.grants.iter() {
        let left = grant.unreserved().minus(drawn(grant));
        let is_told = reminders_of(wallet, profile, grant).any(|reminder| reminder < day_end);
        if is_told && left.is_positive() {
            amount = amount.plus(left);
            first = first.min(grant.lapses_at(wallet.purchased_until()));
        }
    }
    ws.wallet_mut(org)?.reminded_until = Timestamp::from_micros(day_end.micros() - 1);
    if !amount.is_positive() {
        return Ok(());
    }
    let fields = vec![("amount", amount.to_string()), ("expires_at", first.to_string())];
    tell(ws, org, EventKind::CreditExpiring, at, fields)
}
