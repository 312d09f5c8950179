//! Labels: every set that a row names is there, and each is kept under the hash of its own text.

use std::collections::BTreeMap;

use domain::OrgId;
use domain::label::LabelSet;
use store::Snapshot;
use store::read::verify as scan;

use super::tables::{each_row, homeless};
use super::{Books, Lie, Unverified, same};

impl Books {
    /// Learns the sets of labels of each organization.
    pub(crate) async fn label_sets(&mut self, snapshot: &mut Snapshot) -> Result<(), Unverified> {
        each_row!(snapshot, label_sets, row, {
            let (org, fingerprint, LabelSet { number, labels }) = row;
            let at = || ("label_sets", org, || format!("set {number}"));
            let chain = self.chains.get_mut(&org);
            let chain = chain.ok_or_else(|| homeless("label_sets", org, number))?;
            // Erased with their organization; what names the set by number stays.
            if !chain.is_erased {
                same(at(), "the fingerprint", &fingerprint, &labels.fingerprint())?;
            }
            if chain.label_sets.insert(number, labels).is_some() {
                let (row, what) = (format!("set {number}"), "its number is taken".to_owned());
                return Err(Lie { table: "label_sets", org, row, what }.into());
            }
            self.report.other_rows += 1;
        });
        Ok(())
    }
}

/// Refuses a row that names labels which are not there.
pub(super) fn require<T>(
    sets: &BTreeMap<i64, T>,
    labels: i64,
    table: &'static str,
    org: OrgId,
    row: impl FnOnce() -> String,
) -> Result<(), Lie> {
    if labels == 0 || sets.contains_key(&labels) {
        return Ok(());
    }
    let what = format!("there is no set of labels {labels}");
    Err(Lie { table, org, row: row(), what })
}
