//! Documents matched with what they are about, and their numbers with their series.

use std::collections::{BTreeMap, BTreeSet};

use domain::deposit::Deposit;
use domain::document::{About, Document, DocumentKind, Documented, of_deposit, of_refund};
use domain::profile::Documents;
use domain::refund::Refund;
use domain::tax::Tax;
use domain::{Amount, OrgId, Timestamp};
use store::Snapshot;
use store::read::verify as scan;

use super::chain::Tally;
use super::tables::{each_row, require_conversion};
use super::{Books, Lie, Unverified, same};

/// A series: platform, legal entity, kind, year.
type SeriesKey = (OrgId, String, DocumentKind, i64);

/// What documents there should be.
#[derive(Debug, Default)]
pub(crate) struct Papers {
    /// Of each organization, by what they are about.
    expected: BTreeMap<OrgId, Tally>,
    /// What is due may be issued already, or not yet.
    due: BTreeSet<(OrgId, About)>,
}

impl Papers {
    pub(crate) fn add_deposit(&mut self, org: OrgId, deposit: &Deposit, setting: Documents) {
        let about = About::Deposit(deposit.number);
        let totals = (deposit.amount, deposit.tax);
        self.add((org, about), deposit.documented, of_deposit(setting), totals);
    }

    pub(crate) fn add_refund(&mut self, org: OrgId, refund: &Refund, setting: Documents) {
        let about = About::Refund(refund.number);
        let totals = (refund.amount, refund.tax);
        self.add((org, about), refund.documented, of_refund(setting), totals);
    }

    fn add(
        &mut self,
        (org, about): (OrgId, About),
        documented: Documented,
        kinds: &[DocumentKind],
        (net, tax): (Amount, Tax),
    ) {
        match documented {
            Documented::No => {}
            Documented::Due => {
                self.due.insert((org, about));
            }
            Documented::Done => {
                let tally = self.expected.entry(org).or_default();
                kinds.iter().for_each(|kind| tally.add(&values(about, *kind, net, tax)));
            }
        }
    }
}

fn values(about: About, kind: DocumentKind, net: Amount, tax: Tax) -> [i64; 6] {
    let (net, tax_nanos) = (net.nanos(), tax.amount.nanos());
    [about.code(), about.number(), kind.code(), net, tax_nanos, tax.bps]
}

impl Books {
    /// Numbers have no gap, dates do not go back, and what was documented says what it is about.
    pub(crate) async fn documents(&mut self, snapshot: &mut Snapshot) -> Result<(), Unverified> {
        let mut last: BTreeMap<SeriesKey, (i64, Timestamp)> = BTreeMap::new();
        let mut written: BTreeMap<OrgId, Tally> = BTreeMap::new();
        each_row!(snapshot, documents, row, {
            let (platform, number, it) = row;
            follow(&mut last, platform, &it)?;
            require_conversion(
                ("documents", platform, format!("document {number}")),
                it.paid.conversion.as_ref(),
                it.gross(),
            )?;
            let is_due = self.papers.due.contains(&(it.customer, it.about));
            if !is_due && !matches!(it.about, About::Month(_)) {
                let tally = written.entry(it.customer).or_default();
                tally.add(&values(it.about, it.kind, it.net, it.tax));
            }
            if !self.chains.contains_key(&it.customer) {
                let what = "its customer has no wallet".to_owned();
                let row = format!("document {number}");
                return Err(Lie { table: "documents", org: platform, row, what }.into());
            }
            self.report.other_rows += 1;
        });
        each_row!(snapshot, series, row, {
            let (platform, number, it) = row;
            let at = || ("document_series", platform, || format!("series {number}"));
            let (place, issued_at) = last
                .remove(&(platform, it.entity, it.kind, it.year))
                .unwrap_or((0, it.last_issued_at));
            same(at(), "the last number", &it.last, &place)?;
            same(at(), "its last date", &it.last_issued_at, &issued_at)?;
            self.report.other_rows += 1;
        });
        if let Some(((platform, entity, ..), _)) = last.first_key_value() {
            let what = "its documents have no series".to_owned();
            let row = format!("the series of {entity}");
            return Err(Lie { table: "document_series", org: *platform, row, what }.into());
        }
        let orgs: BTreeSet<&OrgId> = written.keys().chain(self.papers.expected.keys()).collect();
        for org in orgs {
            if written.get(org) != self.papers.expected.get(org) {
                let what = "documents are not what its deposits and refunds make them".to_owned();
                let row = "all documents together".to_owned();
                return Err(Lie { table: "documents", org: *org, row, what }.into());
            }
        }
        Ok(())
    }
}

/// Takes the next document of a platform: the next number of its series, no earlier than the last.
fn follow(
    last: &mut BTreeMap<SeriesKey, (i64, Timestamp)>,
    platform: OrgId,
    it: &Document,
) -> Result<(), Lie> {
    let at = || ("documents", platform, || format!("document {}", it.number));
    let key = (platform, it.entity.clone(), it.kind, it.year);
    let (place, issued_at) = last.get(&key).copied().unwrap_or((0, it.issued_at));
    same(at(), "its number in the series", &it.place, &(place + 1))?;
    same(at(), "whether its date goes back", &(it.issued_at < issued_at), &false)?;
    same(at(), "its legal entity", &it.entity.as_str(), &it.seller.entity())?;
    last.insert(key, (it.place, it.issued_at));
    Ok(())
}
