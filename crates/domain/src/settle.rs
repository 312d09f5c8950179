//! Posting: the one place where a ledger transaction is made, and the settlement of running time.
//!
//! Laws: every transaction takes the next number of its organization, links to the one before and
//! leaves the balance it states; consecutive periods in which nothing else happened are one
//! settlement, whose periods can be recomputed (rulings A8).

use std::sync::Arc;

use crate::discount::day_of;
use crate::event::{Event, EventKind};
use crate::grant::{OpenGrant, Posting};
use crate::ledger::{
    ChainHash, ChainTip, EventKey, LedgerTransaction, Line, Span, SpanMeter, TransactionKind,
};
use crate::profile::{Overdraft, Profile};
use crate::scope::Purpose;
use crate::scoped;
use crate::tax::{self, Tax};
use crate::wallet::Wallet;
use crate::workset::Workset;
use crate::{Amount, OrgId, Refusal, Timestamp};

/// A ledger transaction about to be posted: what the caller decides about it.
#[derive(Clone, Debug)]
pub struct Draft {
    pub kind: TransactionKind,
    pub at: Timestamp,
    pub occurred_at: Option<Timestamp>,
    pub subject: i64,
    /// Number of the set of labels of what is charged.
    pub labels: i64,
    /// Number of the limit that what is charged went beyond.
    pub limit: i64,
    pub amount: Amount,
    pub postings: Vec<Posting>,
    pub absorbed: Amount,
    pub debt: Amount,
    pub tax: Tax,
    pub fingerprint: i64,
    pub event: Option<EventKey>,
    pub lines: Vec<Line>,
    pub discount_bps: i64,
    pub span: Option<Span>,
}

impl Draft {
    pub fn new(kind: TransactionKind, at: Timestamp, amount: Amount) -> Draft {
        Draft {
            kind,
            at,
            occurred_at: None,
            subject: 0,
            labels: 0,
            limit: 0,
            amount,
            postings: Vec::new(),
            absorbed: Amount::ZERO,
            debt: Amount::ZERO,
            tax: Tax::default(),
            fingerprint: 0,
            event: None,
            lines: Vec::new(),
            discount_bps: 0,
            span: None,
        }
    }
}

/// Posts `draft`, whose postings have been applied to the grants of `org`'s wallet already.
/// Returns the transaction as it stands in the journal.
///
/// Errors: [`Refusal::NotFound`] when the wallet is not loaded.
pub fn post(
    ws: &mut Workset,
    org: OrgId,
    mut draft: Draft,
) -> Result<&Arc<LedgerTransaction>, Refusal> {
    let position = ws.next_position();
    let wallet = ws.wallet_mut(org)?;
    wallet.debt = wallet.debt.plus(draft.debt);
    wallet.review_due = true;
    if wallet.volume.is_some() {
        note_volume(wallet, &draft);
    }
    if wallet.tax.is_some() {
        tax::note_use(wallet, &mut draft);
    }
    if draft.kind.is_charged()
        && let Some(tally) = &mut wallet.tally
    {
        tally.count(draft.amount);
    }
    let mut transaction = LedgerTransaction {
        org,
        number: wallet.tip.number + 1,
        position,
        prev: wallet.tip.position,
        kind: draft.kind,
        at: draft.at,
        occurred_at: draft.occurred_at,
        subject: draft.subject,
        labels: draft.labels,
        limit: draft.limit,
        amount: draft.amount,
        postings: draft.postings,
        absorbed: draft.absorbed,
        debt: draft.debt,
        tax: draft.tax,
        balance: wallet.posted(),
        fingerprint: draft.fingerprint,
        event: draft.event,
        lines: draft.lines,
        discount_bps: draft.discount_bps,
        span: draft.span,
        hash: ChainHash::default(),
    };
    transaction.hash = transaction.chained_after(&wallet.tip.hash);
    wallet.tip = ChainTip { number: transaction.number, position, hash: transaction.hash };
    Ok(ws.append(transaction))
}

/// Counts what `draft` drew of purchased credit towards volume tiers (rulings R22): the difference
/// it made to what is left, because grants that are used up are gone by now.
fn note_volume(wallet: &mut Wallet, draft: &Draft) {
    let left = wallet.grants.purchased();
    let Some(volume) = &mut wallet.volume else { return };
    let drawn = volume.left.minus(left);
    volume.left = left;
    if !draft.kind.is_charged() {
        return;
    }
    // Money that had paid a debt comes back as credit of its own; it had not been drawn.
    let is_returned = |posting: &&Posting| posting.grant == draft.subject;
    let returned = draft.postings.iter().filter(|_| draft.kind.gives_back()).filter(is_returned);
    let returned: Amount = returned.map(|posting| posting.change).sum();
    let day = volume_day(draft.kind, draft.at);
    volume.draw(day, drawn.plus(returned));
}

/// The day that a transaction counts for: a settlement at midnight is of the day that ended.
pub fn volume_day(kind: TransactionKind, at: Timestamp) -> i64 {
    match kind {
        TransactionKind::Settlement => day_of(at.plus_seconds(-1)),
        _ => day_of(at),
    }
}

/// What pays for something: the postings, what is absorbed, and what becomes debt.
pub(crate) type Payment = (Vec<Posting>, Amount, Amount);

/// Draws `amount` in burn order from what pays for `purpose`; what is missing becomes debt or is
/// absorbed by the profile's overdraft (rulings R14). Returns (postings, absorbed, debt).
pub fn draw_with_overdraft(
    wallet: &mut Wallet,
    profile: &Profile,
    amount: Amount,
    purpose: Option<Purpose>,
) -> (Vec<Posting>, Amount, Amount) {
    let mut postings = Vec::with_capacity(1);
    let pays = |grant: &OpenGrant| grant.pays_for(purpose);
    let missing = wallet.grants.draw_from(amount, &mut postings, pays);
    let (absorbed, debt) = split_missing(wallet, profile, missing);
    (postings, absorbed, debt)
}

/// Splits use past zero into what is absorbed and what becomes debt.
pub fn split_missing(wallet: &Wallet, profile: &Profile, missing: Amount) -> (Amount, Amount) {
    match profile.overdraft {
        Overdraft::Absorb => (missing, Amount::ZERO),
        Overdraft::Carry => (Amount::ZERO, missing),
        Overdraft::Cap(cap) => {
            let debt = missing.min(cap.minus(wallet.debt).or_zero());
            (missing.minus(debt), debt)
        }
    }
}

/// Lets purchased credit that is free pay what debt there is, in burn order: the two never stand
/// beside each other (rulings R18). Promotions never pay debt, nor does credit for some SKUs only.
pub fn offset_debt(ws: &mut Workset, org: OrgId, at: Timestamp) -> Result<(), Refusal> {
    if !ws.wallet(org)?.debt.is_positive() {
        return Ok(());
    }
    let wallet = ws.wallet_mut(org)?;
    let (owed, mut postings) = (wallet.debt, Vec::new());
    let pays = |grant: &OpenGrant| grant.is_purchased() && grant.scope.is_none();
    let left = wallet.grants.draw_from(owed, &mut postings, pays);
    let paid = owed.minus(left);
    if !paid.is_positive() {
        return Ok(());
    }
    let draft =
        Draft { postings, debt: paid.negated(), ..Draft::new(TransactionKind::Offset, at, paid) };
    post(ws, org, draft).map(|_| ())
}

/// Posts the time that ran up to `to`, as one settlement or as two where a rate changed inside.
pub fn settle_to(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    to: Timestamp,
) -> Result<(), Refusal> {
    let to = to.floor_to_second();
    let wallet = ws.wallet(org)?;
    if to < wallet.settled_until {
        return Ok(());
    }
    if wallet.meters.meters.is_empty() {
        let wallet = ws.wallet_mut(org)?;
        wallet.settled_until = to;
        wallet.meters.accrue_to(to);
        return Ok(());
    }
    let changed_at = wallet.meters.accrued_until;
    let line_end = changed_at.ceil_to_multiple(profile.line_every_seconds());
    if changed_at > wallet.settled_until && line_end < to {
        post_span(ws, org, profile, line_end)?;
    }
    post_span(ws, org, profile, to)
}

fn post_span(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    to: Timestamp,
) -> Result<(), Refusal> {
    let wallet = ws.wallet_mut(org)?;
    let from = wallet.settled_until;
    let is_even = wallet.meters.accrued_until <= from;
    wallet.meters.accrue_to(from);
    let meters = if is_even { span_meters(wallet) } else { Vec::new() };
    let drawn = if wallet.is_scoped() {
        scoped::draw_time(wallet, profile, to)
    } else {
        draw_time(wallet, profile, to)
    };
    wallet.settled_until = to;
    // Less than nothing is due while a run that was reported ahead of the clock has not begun, and
    // when a stop was reported late; the next settlement, or a correction, makes up for it.
    let Some((amount, (postings, absorbed, debt))) = drawn else { return Ok(()) };
    let span = Span { from, every_seconds: profile.line_every_seconds(), meters };
    let draft = Draft {
        occurred_at: Some(from),
        postings,
        absorbed,
        debt,
        span: Some(span),
        ..Draft::new(TransactionKind::Settlement, to, amount)
    };
    post(ws, org, draft).map(|_| ())
}

/// Draws what time has used up to `to`, if that is anything.
fn draw_time(wallet: &mut Wallet, profile: &Profile, to: Timestamp) -> Option<(Amount, Payment)> {
    wallet.meters.accrue_to(to);
    let amount = wallet.meters.unposted_until(to);
    if !amount.is_positive() {
        return None;
    }
    wallet.meters.mark_posted_until(to);
    Some((amount, draw_with_overdraft(wallet, profile, amount, None)))
}

fn span_meters(wallet: &Wallet) -> Vec<SpanMeter> {
    let running = wallet.meters.meters.iter().filter(|meter| meter.rate != 0);
    running
        .map(|meter| SpanMeter { per_units: meter.per_units, sum: meter.sum, rate: meter.rate })
        .collect()
}

/// What an event says whose mail is not sent: it was switched off, or one came back.
pub const MAILED: &str = "mailed";

/// Writes an event of `org`.
pub fn tell(
    ws: &mut Workset,
    org: OrgId,
    kind: EventKind,
    at: Timestamp,
    mut fields: Vec<(&'static str, String)>,
) -> Result<(), Refusal> {
    let wallet = ws.wallet_mut(org)?;
    let number = wallet.take_number();
    if kind.is_mailed() && !wallet.notices.mails(kind) {
        fields.push((MAILED, "no".to_owned()));
    }
    ws.append_event(Event { org, number, kind, at, fields });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate::Rate;
    use crate::scope::Cover;
    use crate::testkit::{at, events, founded_with, left, org, parts, take, units};

    fn profile(ws: &Workset) -> Arc<Profile> {
        ws.profile_of(org()).unwrap()
    }

    /// Something runs for a unit a second from `from` on.
    fn run_from(ws: &mut Workset, from: i64) {
        let rate = Rate { list: units(1), per_units: 1, discount_bps: 0 };
        let wallet = ws.wallet_mut(org()).unwrap();
        wallet.meters.change_rate((Cover::NONE, rate.per_units), rate.numerator(), at(from));
    }

    fn settle(ws: &mut Workset, to: i64) {
        let profile = profile(ws);
        settle_to(ws, org(), &profile, at(to)).unwrap();
    }

    #[test]
    fn time_is_posted_once_and_never_backwards() {
        let mut ws = founded_with("");
        run_from(&mut ws, 0);
        settle(&mut ws, 7);
        settle(&mut ws, 7);
        settle(&mut ws, 5);
        settle(&mut ws, 9);
        let rows: Vec<_> =
            ws.journal().iter().map(|row| (row.amount, row.at, row.occurred_at)).collect();
        assert_eq!(rows, [(units(7), at(7), Some(at(0))), (units(2), at(9), Some(at(7)))]);
        assert_eq!(ws.wallet(org()).unwrap().settled_until, at(9));
        assert_eq!(ws.wallet(org()).unwrap().meters.accrued(at(9)), Amount::ZERO);
    }

    #[test]
    fn a_wallet_in_which_nothing_runs_only_moves_on() {
        let mut ws = founded_with("");
        settle(&mut ws, 7);
        assert_eq!((ws.journal().len(), ws.wallet(org()).unwrap().settled_until), (0, at(7)));
    }

    /// The first settlement ends with the period in which the rate changed.
    #[test]
    fn a_rate_that_changed_inside_makes_two_settlements() {
        let mut ws = founded_with("");
        run_from(&mut ws, 0);
        settle(&mut ws, 10);
        ws.wallet_mut(org()).unwrap().meters.accrue_to(at(15));
        run_from(&mut ws, 15);
        settle(&mut ws, 70);
        let rows: Vec<_> = ws.journal().iter().map(|row| (row.amount, row.at)).collect();
        assert_eq!(rows, [(units(10), at(10)), (units(95), at(60)), (units(20), at(70))]);
        let even = |place: usize| ws.journal()[place].span.as_ref().unwrap().meters.len();
        assert_eq!([even(0), even(1), even(2)], [1, 0, 1]);
    }

    #[test]
    fn use_past_zero_is_absorbed_or_owed() {
        let missing = |settings: &str, debt: i64| {
            let mut ws = founded_with(settings);
            let profile = profile(&ws);
            let wallet = ws.wallet_mut(org()).unwrap();
            wallet.debt = units(debt);
            let (postings, absorbed, owed) = draw_with_overdraft(wallet, &profile, units(49), None);
            assert_eq!(postings.len(), 4);
            (absorbed, owed)
        };
        assert_eq!(missing("", 0), (units(10), units(0)));
        assert_eq!(missing("overdraft=carry", 3), (units(0), units(10)));
        assert_eq!(missing("overdraft=cap(8)", 3), (units(5), units(5)));
        assert_eq!(missing("overdraft=cap(8)", 9), (units(10), units(0)));
    }

    #[test]
    fn purchased_credit_pays_debt_and_promotions_never_do() {
        let mut ws = founded_with("");
        offset_debt(&mut ws, org(), at(1)).unwrap();
        assert_eq!(ws.journal().len(), 0);
        ws.wallet_mut(org()).unwrap().debt = units(22);
        offset_debt(&mut ws, org(), at(1)).unwrap();
        assert_eq!(left(&ws), [(2, units(4)), (3, units(8)), (4, units(5))]);
        assert_eq!(ws.wallet(org()).unwrap().debt, units(0));
        let row = &ws.journal()[0];
        assert_eq!(
            (row.kind, row.amount, row.debt),
            (TransactionKind::Offset, units(22), units(-22))
        );
        take(&mut ws, 3, 8);
        ws.wallet_mut(org()).unwrap().debt = units(1);
        offset_debt(&mut ws, org(), at(2)).unwrap();
        assert_eq!((ws.journal().len(), ws.wallet(org()).unwrap().debt), (1, units(1)));
    }

    #[test]
    fn law_transactions_are_numbered_chained_and_leave_the_balance_they_state() {
        let mut ws = founded_with("");
        let mut before = (ChainHash::default(), 0);
        for number in 1..=3 {
            take(&mut ws, 1, 1);
            let postings = vec![Posting { grant: 1, change: units(-1) }];
            let draft =
                Draft { postings, ..Draft::new(TransactionKind::Capture, at(number), units(1)) };
            let row = post(&mut ws, org(), draft).unwrap().clone();
            assert_eq!((row.number, row.prev), (number, before.1));
            assert_eq!(row.balance, ws.wallet(org()).unwrap().posted());
            assert_eq!(row.hash, row.chained_after(&before.0));
            assert_eq!(parts(&row.postings), [(1, units(-1))]);
            before = (row.hash, row.position);
        }
        let tip = ws.wallet(org()).unwrap().tip;
        assert_eq!((tip.number, tip.position, tip.hash), (3, before.1, before.0));
        assert!(ws.wallet(org()).unwrap().review_due);
    }

    #[test]
    fn a_settlement_at_midnight_is_of_the_day_that_ended() {
        let midnight = at(86_400);
        assert_eq!(volume_day(TransactionKind::Settlement, midnight), 0);
        assert_eq!(volume_day(TransactionKind::Charge, midnight), 1);
    }

    #[test]
    fn events_take_numbers_of_their_own() {
        let mut ws = founded_with("");
        for _ in 0..2 {
            tell(&mut ws, org(), EventKind::BalanceLow, at(1), Vec::new()).unwrap();
        }
        assert_eq!(events(&ws), [EventKind::BalanceLow; 2]);
        assert_eq!((ws.events()[0].number, ws.events()[1].number), (20, 21));
    }
}
