//! A small wallet for tests of this crate: what postings do to it is seen in whole units.

use crate::event::EventKind;
use crate::grant::{Grant, GrantKind, PRIORITY_DEFAULT, Posting};
use crate::profile::{Profile, Versions};
use crate::wallet::Wallet;
use crate::workset::{Platform, Workset};
use crate::{Amount, OrgId, Timestamp};

pub fn org() -> OrgId {
    OrgId::new(1, 1 << 60)
}

pub fn units(units: i64) -> Amount {
    Amount::from_units(units)
}

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

/// A wallet under these settings with a purchase of 20 (grant 1) and its bonus of 4 (2), another
/// purchase of 10 (3) and a promotion of 5 (4). Its next number is 20.
pub fn founded_with(settings: &str) -> Workset {
    let mut profile = Profile::default();
    profile.apply(settings).unwrap();
    let mut ws = Workset::default();
    let wallet = Wallet::new(org(), org(), at(0));
    ws.insert_wallet(Wallet { next_number: 20, ..wallet });
    let platform = Platform {
        name: String::new(),
        profiles: Versions::new(profile),
        clock: None,
        clock_target: None,
        book_version: 0,
        created_at: at(0),
    };
    ws.platforms.put(org(), 0, platform);
    give(&mut ws, 1, GrantKind::Purchased, 20);
    give(&mut ws, 2, GrantKind::Bonus, 4);
    give(&mut ws, 3, GrantKind::Purchased, 10);
    give(&mut ws, 4, GrantKind::Promotional, 5);
    ws
}

/// Adds a grant; a bonus is that of grant 1.
pub fn give(ws: &mut Workset, number: i64, kind: GrantKind, amount: i64) {
    let row = Grant {
        number,
        kind,
        amount: units(amount),
        priority: PRIORITY_DEFAULT,
        expires_at: Timestamp::NEVER,
        purchase: (kind == GrantKind::Bonus).then_some(1),
        deposit: None,
        note: String::new(),
        effective_at: at(0),
        created_at: at(0),
        voided_at: None,
        scope: None,
    };
    ws.wallet_mut(org()).unwrap().grants.insert(row.opened());
    ws.grants.put(org(), number, row);
}

pub fn take(ws: &mut Workset, number: i64, amount: i64) {
    let posting = Posting { grant: number, change: units(-amount) };
    ws.wallet_mut(org()).unwrap().grants.apply(posting);
}

/// What is left of each grant, by number.
pub fn left(ws: &Workset) -> Vec<(i64, Amount)> {
    let grants = &ws.wallet(org()).unwrap().grants;
    let mut left: Vec<(i64, Amount)> = grants.iter().map(|it| (it.number, it.remaining)).collect();
    left.sort_unstable_by_key(|it| it.0);
    left
}

pub fn parts(of: &[Posting]) -> Vec<(i64, Amount)> {
    of.iter().map(|part| (part.grant, part.change)).collect()
}

pub fn events(ws: &Workset) -> Vec<EventKind> {
    ws.events().iter().map(|event| event.kind).collect()
}
