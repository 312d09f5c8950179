//! Members: the people of an organization, and what each of their roles may do (requirements N19).
//!
//! Laws: what a role may do is this table and nothing else; an organization that has members has an
//! owner among them; a member who was removed does nothing any more, and stays named where they
//! paid (requirements P04). A member's name is personal data: it has a row of its own that can be
//! erased, and everything else names a member by number (rulings A13).

use crate::{Refusal, Timestamp};

/// Members of one organization, with those who were removed.
pub const MEMBERS_MAX: usize = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MemberRole {
    Owner,
    /// Pays, and runs the organization; called billing by some.
    Admin,
    /// Uses what is there.
    Member,
    ReadOnly,
}

impl MemberRole {
    pub const ALL: [MemberRole; 4] =
        [MemberRole::Owner, MemberRole::Admin, MemberRole::Member, MemberRole::ReadOnly];

    pub const fn code(self) -> i64 {
        match self {
            MemberRole::Owner => 1,
            MemberRole::Admin => 2,
            MemberRole::Member => 3,
            MemberRole::ReadOnly => 4,
        }
    }

    pub fn from_code(code: i64) -> Option<MemberRole> {
        MemberRole::ALL.into_iter().find(|role| role.code() == code)
    }

    pub const fn name(self) -> &'static str {
        match self {
            MemberRole::Owner => "owner",
            MemberRole::Admin => "admin",
            MemberRole::Member => "member",
            MemberRole::ReadOnly => "read_only",
        }
    }

    pub fn from_name(name: &str) -> Option<MemberRole> {
        MemberRole::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether this role may do `permission`.
    pub const fn may(self, permission: Permission) -> bool {
        match permission {
            Permission::ManageOwners => matches!(self, MemberRole::Owner),
            Permission::Pay
            | Permission::SetAutoTopUp
            | Permission::RedeemCoupons
            | Permission::SetLimits
            | Permission::ManageMembers => matches!(self, MemberRole::Owner | MemberRole::Admin),
            Permission::StartAndStop => !matches!(self, MemberRole::ReadOnly),
            Permission::SeeAmounts => !matches!(self, MemberRole::Member),
        }
    }
}

/// What a member may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Deposits, payment methods, refunds.
    Pay,
    /// Balances, the ledger, reports.
    SeeAmounts,
    SetAutoTopUp,
    RedeemCoupons,
    /// Resources, their runs, holds.
    StartAndStop,
    /// What may be spent, and when people are told.
    SetLimits,
    ManageMembers,
    /// Whoever is an owner, or becomes one.
    ManageOwners,
}

impl Permission {
    pub const ALL: [Permission; 8] = [
        Permission::Pay,
        Permission::SeeAmounts,
        Permission::SetAutoTopUp,
        Permission::RedeemCoupons,
        Permission::StartAndStop,
        Permission::SetLimits,
        Permission::ManageMembers,
        Permission::ManageOwners,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Permission::Pay => "pay",
            Permission::SeeAmounts => "see_amounts",
            Permission::SetAutoTopUp => "set_auto_top_up",
            Permission::RedeemCoupons => "redeem_coupons",
            Permission::StartAndStop => "start_and_stop",
            Permission::SetLimits => "set_limits",
            Permission::ManageMembers => "manage_members",
            Permission::ManageOwners => "manage_owners",
        }
    }
}

/// A person in an organization, without their name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub number: i64,
    pub role: MemberRole,
    pub created_at: Timestamp,
    pub removed_at: Option<Timestamp>,
}

impl Member {
    pub const fn is_present(&self) -> bool {
        self.removed_at.is_none()
    }
}

/// What a member is called: personal data, in a row that can be erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberName(pub String);

/// Refuses what would leave members without an owner: `role` is what `number` is to be, nothing
/// when it is to go.
pub fn require_owner<'a>(
    members: impl Iterator<Item = &'a Member>,
    number: i64,
    role: Option<MemberRole>,
) -> Result<(), Refusal> {
    let others = members.filter(|member| member.is_present() && member.number != number);
    let (count, owners) = others.fold((0, 0), |(count, owners), member| {
        (count + 1, owners + i64::from(member.role == MemberRole::Owner))
    });
    match role {
        Some(MemberRole::Owner) => Ok(()),
        _ if owners > 0 => Ok(()),
        // The last member of all may go.
        None if count == 0 => Ok(()),
        _ => Err(Refusal::OwnerMissing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_what_the_table_says() {
        let expected: [(Permission, [bool; 4]); 8] = [
            (Permission::Pay, [true, true, false, false]),
            (Permission::SeeAmounts, [true, true, false, true]),
            (Permission::SetAutoTopUp, [true, true, false, false]),
            (Permission::RedeemCoupons, [true, true, false, false]),
            (Permission::StartAndStop, [true, true, true, false]),
            (Permission::SetLimits, [true, true, false, false]),
            (Permission::ManageMembers, [true, true, false, false]),
            (Permission::ManageOwners, [true, false, false, false]),
        ];
        assert_eq!(expected.map(|(permission, _)| permission), Permission::ALL);
        for (permission, may) in expected {
            let told = MemberRole::ALL.map(|role| role.may(permission));
            assert_eq!(told, may, "{}", permission.name());
        }
    }

    #[test]
    fn roles_are_told_by_name_and_code() {
        for role in MemberRole::ALL {
            assert_eq!(MemberRole::from_name(role.name()), Some(role));
            assert_eq!(MemberRole::from_code(role.code()), Some(role));
        }
        assert_eq!(MemberRole::from_name("boss"), None);
    }

    fn member(number: i64, role: MemberRole, is_present: bool) -> Member {
        let removed_at = (!is_present).then_some(Timestamp::ZERO);
        Member { number, role, created_at: Timestamp::ZERO, removed_at }
    }

    #[test]
    fn an_owner_stays_as_long_as_there_are_members() {
        let none: [Member; 0] = [];
        let check = |members: &[Member], number, role, is_right: bool| {
            let told = require_owner(members.iter(), number, role);
            assert_eq!(told, if is_right { Ok(()) } else { Err(Refusal::OwnerMissing) });
        };
        check(&none, 1, Some(MemberRole::Owner), true);
        check(&none, 1, Some(MemberRole::Admin), false);
        let two = [member(1, MemberRole::Owner, true), member(2, MemberRole::Admin, true)];
        check(&two, 1, None, false);
        check(&two, 1, Some(MemberRole::Member), false);
        check(&two, 2, None, true);
        check(&two[..1], 1, None, true);
        let gone = [member(1, MemberRole::Owner, true), member(2, MemberRole::Owner, false)];
        check(&gone, 1, Some(MemberRole::Admin), false);
    }
}
