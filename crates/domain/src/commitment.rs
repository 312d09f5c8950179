//! Commitments: a reserved price for a term, paid ahead (requirements N27, S14).
//!
//! Laws: a commitment costs what its machines cost over the whole term at the reserved price, to
//! the nano; its value never leaves the wallet, it moves from purchased credit into a grant that
//! pays for that SKU alone and expires when the term ends; while the term lasts the reserved price
//! applies to all of the organization's use of the SKU, and no other discount takes its place.
//!
//! There is no engine for it: a commitment is a purchased grant with a scope and a term of its own,
//! and a discount for that SKU and term.

use std::sync::Arc;

use crate::discount::{DISCOUNTS_MAX, Discount, still_matters};
use crate::grant::{Grant, GrantKind, OpenGrant, PRIORITY_DEFAULT, Posting};
use crate::ledger::TransactionKind;
use crate::price::{AppliesTo, CommitmentTerms, Price};
use crate::profile::Profile;
use crate::reprice::announce;
use crate::scope::Scope;
use crate::scoped::{adopt_scope, require_room};
use crate::settle::{Draft, post, settle_to};
use crate::time::SECONDS_PER_DAY;
use crate::wallet::Wallet;
use crate::workset::Workset;
use crate::{Amount, OrgId, Refusal, Timestamp};

/// What `quantity` machines cost over the whole term at the reserved price; nothing when that is
/// beyond the range of an amount.
pub fn cost_round_half_even(
    price: &Price,
    terms: CommitmentTerms,
    quantity: i64,
) -> Option<Amount> {
    let seconds = terms.days.checked_mul(SECONDS_PER_DAY)?.checked_mul(quantity)?;
    price.rate(terms.bps).charge_round_half_even(seconds)
}

/// Credit that a commitment can be paid from: purchased, for everything, and set aside for nothing.
fn pays(grant: &OpenGrant) -> bool {
    grant.is_purchased() && grant.scope.is_none()
}

/// What of a wallet can be committed at `now`.
pub fn committable(wallet: &Wallet, profile: &Profile, now: Timestamp) -> Amount {
    let paid: Amount =
        wallet.grants.iter().filter(|grant| pays(grant)).map(OpenGrant::unreserved).sum();
    paid.min(wallet.available(profile, now))
}

/// Moves `amount` into a commitment of `sku` from `now` on. What runs of the SKU goes on at the
/// reserved price, and without it when the term ends.
///
/// Errors, in order: [`Refusal::InsufficientCredit`], [`Refusal::TooManyScopes`],
/// [`Refusal::SettingInvalid`] (too many discounts).
///
/// # Panics
/// When not every run that costs money is loaded.
pub fn commit(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    (sku, terms): (i64, CommitmentTerms),
    (amount, note): (Amount, String),
    now: Timestamp,
) -> Result<Grant, Refusal> {
    let available = committable(ws.wallet(org)?, profile, now);
    if available < amount {
        return Err(Refusal::InsufficientCredit { available, required: amount });
    }
    settle_to(ws, org, profile, now)?;
    let from = now.floor_to_second();
    let until = from.plus_seconds(terms.days.saturating_mul(SECONDS_PER_DAY));
    let scope = Scope::new(vec![sku], Vec::new()).map(Arc::new);
    if let Some(scope) = &scope {
        require_room(ws, org, scope)?;
        adopt_scope(ws, org, scope)?;
    }
    let wallet = ws.wallet_mut(org)?;
    let grant = Grant {
        number: wallet.take_number(),
        kind: GrantKind::Purchased,
        amount,
        priority: PRIORITY_DEFAULT,
        expires_at: until,
        purchase: None,
        deposit: None,
        note,
        effective_at: now,
        created_at: now,
        voided_at: None,
        scope,
    };
    let discount = Discount {
        number: wallet.take_number(),
        sku: Some(sku),
        bps: terms.bps,
        effective_from: from,
        effective_until: until,
        applies_to: AppliesTo::Running,
        commitment: Some(grant.number),
        created_at: now,
    };
    keep_discount(wallet, profile, discount.clone(), now)?;
    let mut postings = Vec::with_capacity(2);
    let missing = wallet.grants.draw_from(amount, &mut postings, pays);
    assert!(missing.is_zero(), "a commitment was made of credit that is not there");
    postings.push(Posting { grant: grant.number, change: amount });
    wallet.grants.insert(grant.opened());
    wallet.arm_reminders(now);
    wallet.review_due = true;
    let subject = grant.number;
    let draft = Draft { subject, postings, ..Draft::new(TransactionKind::Commitment, now, amount) };
    post(ws, org, draft)?;
    ws.grants.put(org, grant.number, grant.clone());
    ws.discounts.put(org, discount.number, discount);
    announce(ws, org, profile, (Some(sku), from), now)?;
    Ok(grant)
}

/// Keeps `discount` in the wallet beside those that can still decide something.
///
/// Errors: [`Refusal::SettingInvalid`], when it has [`DISCOUNTS_MAX`] already.
pub fn keep_discount(
    wallet: &mut Wallet,
    profile: &Profile,
    discount: Discount,
    now: Timestamp,
) -> Result<(), Refusal> {
    wallet.discounts.push(discount);
    // Late events are priced as of when they happened.
    let since = now.plus_seconds(-profile.late_window_seconds);
    let all = wallet.discounts.clone();
    wallet.discounts.retain(|it| still_matters(it, &all, since));
    if wallet.discounts.len() > DISCOUNTS_MAX {
        let message = format!("a wallet keeps at most {DISCOUNTS_MAX} discounts");
        return Err(Refusal::SettingInvalid { message });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::ResourceClass;
    use crate::scope::Purpose;
    use crate::testkit::{at, founded_with, left, org, units};

    #[test]
    fn the_whole_term_is_paid_at_the_reserved_price() {
        let price = |amount: i64, per_units| Price {
            number: 1,
            sku: 1,
            dimension: crate::price::TIME_DIMENSION.into(),
            amount: Amount::from_nanos(amount),
            per_units,
            effective_from: Timestamp::from_seconds(0),
            applies_to: AppliesTo::NewRuns,
            told_at: None,
            created_at: Timestamp::from_seconds(0),
        };
        let cost = |amount, per_units, bps, days, quantity| {
            let terms = CommitmentTerms { bps, days };
            cost_round_half_even(&price(amount, per_units), terms, quantity).map(Amount::nanos)
        };
        // 2.00 an hour less 40 %, 720 hours.
        assert_eq!(cost(2_000_000_000, 3_600, 4_000, 30, 1), Some(864_000_000_000));
        assert_eq!(cost(2_000_000_000, 3_600, 4_000, 30, 3), Some(2_592_000_000_000));
        // 86,400 seconds of a third of a nano: 28,800; with 1 % off it is 28,512.
        assert_eq!(cost(1, 3, 0, 1, 1), Some(28_800));
        assert_eq!(cost(1, 3, 100, 1, 1), Some(28_512));
        assert_eq!(cost(i64::MAX, 1, 0, 1_096, 10_000), None);
    }

    #[test]
    fn law_a_commitment_moves_purchased_credit_and_none_leaves_the_wallet() {
        let terms = CommitmentTerms { bps: 4_000, days: 2 };
        let try_for = |amount: i64| {
            let mut ws = founded_with("discounts=on");
            let profile = ws.profile_of(org()).unwrap();
            let note = String::new();
            let made = commit(&mut ws, org(), &profile, (7, terms), (units(amount), note), at(100));
            (ws, made)
        };
        for amount in 1..=30 {
            let (ws, made) = try_for(amount);
            let (grant, wallet) = (made.unwrap(), ws.wallet(org()).unwrap());
            assert_eq!(wallet.grants.remaining(), units(39));
            assert_eq!(wallet.grants.purchased(), units(30));
            let first = (20 - amount).max(0);
            assert_eq!(wallet.grants.get(1).map_or(units(0), |it| it.remaining), units(first));
            let open = wallet.grants.get(grant.number).unwrap();
            let until = at(100 + 2 * SECONDS_PER_DAY);
            assert_eq!((open.remaining, open.expires_at), (units(amount), until));
            assert!(open.pays_for(Some(Purpose { sku: 7, class: ResourceClass::Compute })));
            assert!(!open.pays_for(Some(Purpose { sku: 8, class: ResourceClass::Compute })));
            let row = &ws.journal()[0];
            assert_eq!((row.kind, row.amount), (TransactionKind::Commitment, units(amount)));
            assert_eq!(row.postings.iter().map(|it| it.change).sum::<Amount>(), units(0));
            let bps = |second| {
                wallet.discount_bps(&ws.profile_of(org()).unwrap(), 7, at(second), at(second))
            };
            assert_eq!([99, 100, 172_899, 172_900].map(bps), [0, 4_000, 4_000, 0]);
        }
        let (ws, made) = try_for(31);
        let refused = Refusal::InsufficientCredit { available: units(30), required: units(31) };
        assert_eq!(made.unwrap_err(), refused);
        assert_eq!((ws.journal().len(), left(&ws).len()), (0, 4));
    }
}
