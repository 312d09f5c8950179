//! What operators read of all organizations of a platform.

use std::collections::BTreeMap;

use domain::dormancy::{Dormant, dormant, is_activity};
use domain::grant::Grant;
use domain::operator_report::{Line, Report, Rows};
use domain::price::PriceBook;
use domain::roll_forward::Month;
use domain::run::Run;
use domain::{OrgId, Timestamp};

use super::DomainLayer;
use crate::scenario::layer::Failure;

impl DomainLayer {
    pub(super) fn silent(
        &self,
        platform: OrgId,
        days: i64,
    ) -> Result<Vec<(OrgId, Dormant)>, Failure> {
        let mut silent = Vec::new();
        for org in self.organizations_of(platform) {
            let Some(row) = self.ws.organizations.get(org, 0) else { continue };
            let rows = self.ws.journal().iter().rev();
            let active = rows.filter(|row| row.org == org).find(|row| is_activity(row.kind));
            let active_at: Timestamp = active.map_or(row.created_at, |row| row.at);
            let found = dormant(self.ws.wallet(org)?, active_at, self.now(org), days);
            silent.extend(found.map(|found| (org, found)));
        }
        Ok(silent)
    }

    pub(super) fn lines_of(
        &self,
        platform: OrgId,
        report: Report,
        since: Month,
    ) -> Result<Vec<Line>, Failure> {
        let mut lines = Vec::new();
        let none = PriceBook::default();
        for org in self.organizations_of(platform) {
            if self.ws.organizations.get(org, 0).is_none() {
                continue;
            }
            let runs: Vec<Run> = self.ws.runs.of(org).map(|(_, run)| run.clone()).collect();
            let grants = self.ws.grants.of(org).map(|(number, grant)| (number, grant.clone()));
            let grants: BTreeMap<i64, Grant> = grants.collect();
            let redemptions = self.ws.redemptions.of(org).map(|(_, row)| row);
            let given = redemptions.filter_map(|row| Some((row.grant?, row.code.as_str())));
            let coupons: BTreeMap<i64, String> =
                given.map(|(grant, code)| (grant, code.to_owned())).collect();
            let rows = Rows {
                wallet: self.ws.wallet(org)?,
                journal: &self.journal(org),
                runs: &runs,
                book: self.ws.book(platform).map_or(&none, |book| &**book),
                grants: &grants,
                coupons: &coupons,
                since,
                now: self.now(org),
            };
            lines.extend(rows.lines(report));
        }
        Ok(lines)
    }
}
