//! What the operator of a platform reads of all its organizations at once: reports over the books,
//! and who has been silent for long.
//!
//! *Invariant:* each organization is read from its own tip in one snapshot (rulings A11); what does
//! not fit into one report is not cut but refused, because a report has to add up.

use std::collections::{BTreeMap, BTreeSet};

use domain::coupon::Redemption;
use domain::dormancy::{Dormant, dormant, is_activity};
use domain::grant::Grant;
use domain::ledger::LedgerTransaction;
use domain::operator_report::{Line, Report, Rows};
use domain::price::PriceBook;
use domain::roll_forward::Month;
use domain::run::Run;
use domain::wallet::Wallet;
use domain::workset::Organization;
use domain::{OrgId, Timestamp};

use super::reports::{NotRolled, ORGANIZATIONS, ROLLED_MAX};
use super::wallet_page::numbered;
use super::{access, ledger, statement};
use crate::error::StoreError;
use crate::snapshot::Snapshot;
use crate::{grants, noun, redemptions};

/// The lines of `report` about every organization of `platform`, from `since` until now.
///
/// Errors: more movements than one report adds up, or the store's.
pub async fn report(
    snapshot: &mut Snapshot,
    platform: OrgId,
    report: Report,
    (since, now): (Month, Timestamp),
) -> Result<Vec<Line>, NotRolled> {
    let book = access::book(snapshot, platform).await?;
    let (mut lines, mut above, mut read) = (Vec::new(), OrgId::from_stored(-1), 0);
    loop {
        let page = access::organizations(snapshot, platform, above, ORGANIZATIONS).await?;
        let Some(&(last, _)) = page.last() else { return Ok(lines) };
        above = last;
        for (org, _) in page {
            let Some(wallet) = access::wallet(snapshot, org).await? else { continue };
            let rows = one(snapshot, wallet, report, (since, ROLLED_MAX - read)).await?;
            read = (read + rows.journal.len()).min(ROLLED_MAX);
            lines.extend(rows.lines(report, &book, (since, now)));
        }
    }
}

/// What the lines of one organization are made of.
struct Read {
    wallet: Wallet,
    journal: Vec<LedgerTransaction>,
    runs: Vec<Run>,
    grants: BTreeMap<i64, Grant>,
    coupons: BTreeMap<i64, String>,
}

impl Read {
    fn lines(&self, report: Report, book: &PriceBook, when: (Month, Timestamp)) -> Vec<Line> {
        let rows = Rows {
            wallet: &self.wallet,
            journal: &self.journal,
            runs: &self.runs,
            book,
            grants: &self.grants,
            coupons: &self.coupons,
            since: when.0,
            now: when.1,
        };
        rows.lines(report)
    }
}

async fn one(
    snapshot: &mut Snapshot,
    wallet: Wallet,
    report: Report,
    (since, rows_max): (Month, usize),
) -> Result<Read, NotRolled> {
    let (org, tip) = (wallet.org, wallet.tip.position);
    let (mut journal, mut runs) = (Vec::new(), Vec::new());
    if report != Report::Ageing {
        let (rows, is_cut) = ledger::since(snapshot, org, tip, since.start, rows_max).await?;
        if is_cut {
            return Err(NotRolled::TooMuch);
        }
        journal = rows;
    }
    if report == Report::Revenue {
        let (rows, is_cut) = statement::runs_of(snapshot, org, &journal, since.start).await?;
        if is_cut {
            return Err(NotRolled::TooMuch);
        }
        runs = rows;
    }
    let touched = journal.iter().flat_map(|row| &row.postings).map(|part| part.grant);
    let open = wallet.grants.iter().map(|grant| grant.number);
    let named: BTreeSet<i64> = touched.chain(open).collect();
    let grants = numbered(snapshot, &grants::FIND, org, named).await?;
    let coupons = match report {
        Report::Promotions => coupons_of(snapshot, org).await?,
        Report::Ageing | Report::Breakage | Report::Revenue => BTreeMap::new(),
    };
    Ok(Read { wallet, journal, runs, grants, coupons })
}

/// The codes of the coupons that grants came of, by number of the grant.
async fn coupons_of(
    snapshot: &mut Snapshot,
    org: OrgId,
) -> Result<BTreeMap<i64, String>, StoreError> {
    let key = noun::org_columns(std::iter::once(org));
    let rows = noun::read_all::<Redemption>(&snapshot.load(&redemptions::OF_ORG, key).await?)?;
    let given = rows.into_iter().filter_map(|(.., row)| Some((row.grant?, row.code)));
    Ok(given.map(|(grant, code)| (grant, code.as_str().to_owned())).collect())
}

/// Organizations that are looked at for one page of silent ones.
const LOOKED_AT_MAX: i64 = 1_000;

/// An organization whose paid credit lies dormant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DormantRow {
    pub org: OrgId,
    pub closed_at: Option<Timestamp>,
    pub dormant: Dormant,
}

/// At most `rows_max` organizations of `platform` above `above` that have been silent for `days`,
/// by id, and where to go on. It may be fewer although there are more: one page looks at so many
/// organizations.
pub async fn dormant_page(
    snapshot: &mut Snapshot,
    platform: OrgId,
    (days, now): (i64, Timestamp),
    above: OrgId,
    rows_max: usize,
) -> Result<(Vec<DormantRow>, Option<OrgId>), StoreError> {
    let page = access::organizations(snapshot, platform, above, LOOKED_AT_MAX).await?;
    let mut rows = Vec::new();
    for (org, organization) in &page {
        rows.extend(silent(snapshot, *org, organization, (days, now)).await?);
        if rows.len() == rows_max {
            return Ok((rows, Some(*org)));
        }
    }
    let is_whole = i64::try_from(page.len()).unwrap_or(LOOKED_AT_MAX) < LOOKED_AT_MAX;
    Ok((rows, page.last().map(|(org, _)| *org).filter(|_| !is_whole)))
}

async fn silent(
    snapshot: &mut Snapshot,
    org: OrgId,
    organization: &Organization,
    (days, now): (i64, Timestamp),
) -> Result<Option<DormantRow>, StoreError> {
    let Some(wallet) = access::wallet(snapshot, org).await? else { return Ok(None) };
    // Most are silent no longer than since they were made, or hold nothing: no journal is read.
    if dormant(&wallet, organization.created_at, now, days).is_none() {
        return Ok(None);
    }
    let active_at = active_at(snapshot, &wallet).await?.unwrap_or(organization.created_at);
    let dormant = dormant(&wallet, active_at, now, days);
    Ok(dormant.map(|dormant| DormantRow { org, closed_at: organization.closed_at, dormant }))
}

/// When the owner of a wallet last did something that its ledger shows.
async fn active_at(
    snapshot: &mut Snapshot,
    wallet: &Wallet,
) -> Result<Option<Timestamp>, StoreError> {
    let mut position = wallet.tip.position;
    loop {
        let step = ledger::walk(snapshot, wallet.org, position, ledger::STEP_ROWS).await?;
        if let Some(row) = step.iter().find(|row| is_activity(row.kind)) {
            return Ok(Some(row.at));
        }
        let Some(last) = step.last() else { return Ok(None) };
        position = last.prev;
    }
}
