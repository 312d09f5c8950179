//! Members: whoever is named is there, and who has members has an owner among them.

use std::collections::BTreeMap;

use domain::member::MemberRole;
use domain::{Kind, OrgId};
use store::Snapshot;
use store::read::verify as scan;

use super::tables::{each_row, homeless};
use super::{Books, Lie, Unverified, same};

impl Books {
    /// Learns the members of each organization.
    pub(crate) async fn members(&mut self, snapshot: &mut Snapshot) -> Result<(), Unverified> {
        let mut present: BTreeMap<OrgId, (i64, i64)> = BTreeMap::new();
        each_row!(snapshot, members, row, {
            let (org, number, member) = row;
            let chain = self.chains.get_mut(&org);
            let chain = chain.ok_or_else(|| homeless("members", org, number))?;
            chain.members.insert(number);
            if member.is_present() {
                let at = ("members", org, || format!("member {number}"));
                same(at, "whether its organization is closed", &chain.is_closed, &false)?;
                let (count, owners) = present.entry(org).or_default();
                *count += 1;
                *owners += i64::from(member.role == MemberRole::Owner);
            }
            self.report.other_rows += 1;
        });
        match present.into_iter().find(|(_, (_, owners))| *owners == 0) {
            Some((org, (count, _))) => {
                let what = format!("none of them is an owner, of {count}");
                Err(Lie { table: "members", org, row: "all members".into(), what }.into())
            }
            None => Ok(()),
        }
    }

    /// Refuses a row that names a member who is not there.
    pub(super) fn require_member(
        &self,
        org: OrgId,
        member: Option<i64>,
        (table, row): (&'static str, String),
    ) -> Result<(), Lie> {
        let chain = self.chains.get(&org);
        let is_there = |number: &i64| chain.is_some_and(|chain| chain.members.contains(number));
        match member.filter(|number| !is_there(number)) {
            Some(number) => {
                let what = format!("there is no {} {number}", Kind::Member.noun());
                Err(Lie { table, org, row, what })
            }
            None => Ok(()),
        }
    }
}
