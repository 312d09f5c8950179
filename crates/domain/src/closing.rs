//! Closing an organization: nothing is left to happen in it, its value goes where the platform's
//! policy says, and who it was is forgotten (requirements N26).
//!
//! Laws: nothing is closed while anything is open; a closed wallet takes no more commands, and what
//! its rails still tell is booked like before; a name is erased only once no document can need it
//! any more; neither changes a row of the journal, which holds numbers only (rulings A13).

use crate::correct::void_rest;
use crate::deposit::DepositState;
use crate::document::{Documented, Party};
use crate::event::EventKind;
use crate::grant::{OpenGrant, Posting};
use crate::hold::HoldState;
use crate::ledger::TransactionKind;
use crate::limit::{Limit, put_limits};
use crate::member::{Member, MemberName};
use crate::refund::RefundState;
use crate::settle::{Draft, post, tell};
use crate::wake::begin_grant;
use crate::workset::{ApiKey, Organization, Workset};
use crate::{Amount, Kind, OrgId, Refusal, Timestamp};

/// Refuses to close while something is open that would be cut off, and says what.
///
/// Errors, in order: `organization_in_use` (`runs`, `holds`, `deposits`, `refunds`, `disputes`, the
/// first that are open), `wallet_frozen`, `debt_unpaid`.
pub fn require_idle(ws: &Workset, org: OrgId) -> Result<(), Refusal> {
    let in_use = |open, count: usize| match i64::try_from(count) {
        Ok(0) => Ok(()),
        count => Err(Refusal::OrganizationInUse { open, count: count.unwrap_or(i64::MAX) }),
    };
    in_use("runs", ws.runs.of(org).filter(|(_, run)| run.is_open()).count())?;
    let is_held = |hold: HoldState| hold == HoldState::Open;
    in_use("holds", ws.holds.of(org).filter(|(_, hold)| is_held(hold.state)).count())?;
    in_use("deposits", ws.deposits.of(org).filter(|(_, it)| is_awaited(it.state)).count())?;
    in_use("refunds", pending_refunds(ws, org))?;
    in_use("disputes", ws.disputes.of(org).filter(|(_, it)| !it.state.is_decided()).count())?;
    let wallet = ws.wallet(org)?;
    if wallet.is_frozen() {
        return Err(Refusal::WalletFrozen);
    }
    if wallet.debt.is_positive() {
        return Err(Refusal::DebtUnpaid { debt: wallet.debt });
    }
    Ok(())
}

/// Whether money of a deposit may still come of itself.
const fn is_awaited(state: DepositState) -> bool {
    match state {
        DepositState::Pending
        | DepositState::NeedsAuthentication
        | DepositState::Unknown
        | DepositState::InReview => true,
        DepositState::Succeeded | DepositState::Failed => false,
    }
}

fn pending_refunds(ws: &Workset, org: OrgId) -> usize {
    ws.refunds.of(org).filter(|(_, refund)| refund.state == RefundState::Pending).count()
}

/// Purchased grants that hold value, with the deposits that they came of.
pub fn purchases(ws: &Workset, org: OrgId) -> Result<Vec<(i64, Option<i64>)>, Refusal> {
    let open = ws.wallet(org)?.grants.iter().filter(|grant| grant.is_purchased());
    let open: Vec<i64> = open.map(|grant| grant.number).collect();
    let deposit = |number| Ok((number, ws.grants.find(Kind::Grant, org, number)?.deposit));
    open.into_iter().map(deposit).collect()
}

/// Voids everything that was given, what is still to come included, and answers with its value.
pub fn void_given(ws: &mut Workset, org: OrgId, at: Timestamp) -> Result<Amount, Refusal> {
    let upcoming = ws.wallet(org)?.upcoming.iter().map(|it| it.grant.number);
    for number in upcoming.collect::<Vec<i64>>() {
        begin_grant(ws, org, number, at)?;
    }
    let given = ws.wallet(org)?.grants.iter().filter(|grant| grant.kind.is_given());
    let given: Vec<(i64, Amount)> = given.map(|grant| (grant.number, grant.unreserved())).collect();
    for &(number, _) in &given {
        void_rest(ws, org, number, at)?;
        let mut grant = ws.grants.find(Kind::Grant, org, number)?.clone();
        grant.voided_at = grant.voided_at.or(Some(at));
        ws.grants.put(org, number, grant);
    }
    Ok(given.iter().map(|(_, rest)| *rest).sum())
}

/// Lets what is left of paid credit go to the operator, because no refund returns it: breakage, one
/// ledger transaction for each grant. Answers with its value.
pub fn forfeit_paid(ws: &mut Workset, org: OrgId, at: Timestamp) -> Result<Amount, Refusal> {
    let paid = ws.wallet(org)?.grants.iter().filter(|grant| grant.is_purchased());
    let paid = paid.map(|grant| (grant.number, OpenGrant::unreserved(grant)));
    let paid: Vec<(i64, Amount)> = paid.filter(|(_, rest)| rest.is_positive()).collect();
    for &(number, rest) in &paid {
        let posting = Posting { grant: number, change: rest.negated() };
        ws.wallet_mut(org)?.grants.apply(posting);
        let draft = Draft {
            subject: number,
            postings: vec![posting],
            ..Draft::new(TransactionKind::Forfeiture, at, rest)
        };
        post(ws, org, draft)?;
    }
    Ok(paid.iter().map(|(_, rest)| *rest).sum())
}

/// Closes `organization`: its members are removed, its API keys revoked, nothing is charged or told
/// by itself any more.
pub fn close(
    ws: &mut Workset,
    org: OrgId,
    organization: Organization,
    at: Timestamp,
) -> Result<Organization, Refusal> {
    let wallet = ws.wallet_mut(org)?;
    wallet.is_closed = true;
    wallet.auto_top_up = None;
    wallet.user_limit = None;
    wallet.member_limits = Vec::new();
    wallet.tally = None;
    let limits = ws.limits.of(org).map(|(_, limit)| limit);
    let limits = limits.filter(|limit| limit.removed_at.is_none()).cloned();
    let removed = limits.map(|limit| Limit { removed_at: Some(at), ..limit }).collect();
    put_limits(ws, org, removed)?;
    let members: Vec<(i64, Member)> =
        ws.members.of(org).map(|(number, member)| (number, member.clone())).collect();
    for (number, member) in members {
        let removed_at = member.removed_at.or(Some(at));
        ws.members.put(org, number, Member { removed_at, ..member });
    }
    let keys: Vec<(i64, ApiKey)> =
        ws.api_keys.of(org).map(|(number, key)| (number, key.clone())).collect();
    for (number, key) in keys {
        let revoked_at = key.revoked_at.or(Some(at));
        ws.api_keys.put(org, number, ApiKey { revoked_at, ..key });
    }
    let closed = Organization { closed_at: Some(at), ..organization };
    ws.organizations.put(org, 0, closed.clone());
    Ok(closed)
}

/// Whether nothing can need the names of a closed organization any more: no value is left in it, no
/// refund is on its way, no document is to be issued.
pub fn is_settled(ws: &Workset, org: OrgId) -> Result<bool, Refusal> {
    let wallet = ws.wallet(org)?;
    let is_due = |documented| documented == Documented::Due;
    let deposits = ws.deposits.of(org).any(|(_, deposit)| is_due(deposit.documented));
    let refunds = ws.refunds.of(org).any(|(_, refund)| is_due(refund.documented));
    let is_empty = wallet.grants.is_empty() && wallet.debt.is_zero();
    Ok(is_empty && pending_refunds(ws, org) == 0 && !deposits && !refunds && !wallet.is_frozen())
}

/// Erases who a closed organization was: its name, those of its members, what documents named of
/// it, and every text that it wrote: names of resources and keys, labels, notes. Documents that
/// were issued stay as the law has it.
pub fn erase(
    ws: &mut Workset,
    org: OrgId,
    organization: Organization,
    at: Timestamp,
) -> Result<Organization, Refusal> {
    let names: Vec<i64> = ws.member_names.of(org).map(|(number, _)| number).collect();
    for number in names {
        ws.member_names.put(org, number, MemberName(String::new()));
    }
    ws.parties.put(org, 0, Party::default());
    let erased = Organization { name: String::new(), erased_at: Some(at), ..organization };
    ws.organizations.put(org, 0, erased.clone());
    ws.erase_texts(org);
    tell(ws, org, EventKind::OrganizationErased, at, Vec::new())?;
    Ok(erased)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::calendar::Zone;
    use crate::member::MemberRole;
    use crate::testkit::{at, events, founded_with, left, org, parts, units};
    use crate::wallet::Freeze;

    fn named() -> Organization {
        Organization {
            platform: org(),
            name: "Acme".to_owned(),
            zone: Zone::UTC,
            created_at: at(0),
            closed_at: None,
            erased_at: None,
        }
    }

    fn with_members() -> Workset {
        let mut ws = founded_with("");
        let removed_at = |number| (number == 6).then_some(at(3));
        for number in [5, 6] {
            let role = MemberRole::Owner;
            let removed_at = removed_at(number);
            ws.members.put(org(), number, Member { number, role, created_at: at(0), removed_at });
            ws.member_names.put(org(), number, MemberName(format!("member {number}")));
        }
        ws
    }

    #[test]
    fn what_is_owed_or_frozen_is_not_closed() {
        let mut ws = founded_with("");
        let code = |ws: &Workset| require_idle(ws, org()).err().map(|it| it.code());
        assert_eq!(code(&ws), None);
        ws.wallet_mut(org()).unwrap().debt = units(1);
        assert_eq!(code(&ws), Some("debt_unpaid"));
        ws.wallet_mut(org()).unwrap().freeze = Some(Freeze { open: 0, is_lost: true });
        assert_eq!(code(&ws), Some("wallet_frozen"));
    }

    #[test]
    fn what_was_given_is_voided_and_what_was_paid_is_forfeited() {
        let mut ws = founded_with("");
        let bought: Vec<i64> = purchases(&ws, org()).unwrap().iter().map(|it| it.0).collect();
        assert_eq!(bought, [1, 3]);
        assert_eq!(void_given(&mut ws, org(), at(7)).unwrap(), units(9));
        assert_eq!(left(&ws), [(1, units(20)), (3, units(10))]);
        assert_eq!(forfeit_paid(&mut ws, org(), at(7)).unwrap(), units(30));
        assert_eq!(left(&ws), []);
        let rows: Vec<_> = ws.journal().iter().map(|row| (row.kind, row.subject)).collect();
        let (void, forfeiture) = (TransactionKind::Void, TransactionKind::Forfeiture);
        assert_eq!(rows, [(void, 4), (void, 2), (forfeiture, 1), (forfeiture, 3)]);
        assert_eq!(parts(&ws.journal()[3].postings), [(3, units(-10))]);
        assert_eq!(ws.grants.get(org(), 4).unwrap().voided_at, Some(at(7)));
        assert_eq!(ws.grants.get(org(), 3).unwrap().voided_at, None);
    }

    #[test]
    fn who_is_closed_takes_no_more_commands_and_keeps_when_members_went() {
        let mut ws = with_members();
        assert!(ws.require_open(org()).is_ok());
        let closed = close(&mut ws, org(), named(), at(7)).unwrap();
        assert_eq!((closed.closed_at, closed.name.as_str()), (Some(at(7)), "Acme"));
        assert_eq!(ws.require_open(org()), Err(Refusal::OrganizationClosed));
        let removed: Vec<Option<Timestamp>> =
            ws.members.of(org()).map(|(_, member)| member.removed_at).collect();
        assert_eq!(removed, [Some(at(7)), Some(at(3))]);
    }

    #[test]
    fn law_erasing_leaves_no_name_and_every_row_of_the_journal() {
        let mut ws = with_members();
        assert!(!is_settled(&ws, org()).unwrap(), "there is value left");
        void_given(&mut ws, org(), at(7)).unwrap();
        forfeit_paid(&mut ws, org(), at(7)).unwrap();
        let closed = close(&mut ws, org(), named(), at(7)).unwrap();
        let before = ws.journal().to_vec();
        assert!(is_settled(&ws, org()).unwrap());
        let erased = erase(&mut ws, org(), closed, at(8)).unwrap();
        assert_eq!((erased.erased_at, erased.name.as_str()), (Some(at(8)), ""));
        assert!(ws.member_names.of(org()).all(|(_, name)| name.0.is_empty()));
        assert_eq!(ws.parties.get(org(), 0), Some(&Party::default()));
        assert_eq!(ws.journal(), before);
        assert_eq!(events(&ws), [EventKind::OrganizationErased]);
        assert_eq!(ws.take_changes().erased, [org()]);
    }
}
