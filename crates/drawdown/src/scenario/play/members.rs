//! Members, and what they ask for.

use super::{Lines, Named, Player, broken, line};
use crate::scenario::layer::Command;
use crate::scenario::parse::Says;

impl Player<'_> {
    pub(super) fn of_member(&mut self, says: &Says) -> Lines {
        match says {
            Says::Member { name, wallet, role } => {
                let org = self.org(wallet);
                let added = Command::AddMember { org, name: name.clone(), role: *role };
                let number = self.row(added)?;
                self.remember(name, org, number);
                line("added")
            }
            Says::Role { member, role } => {
                let Named { org, number } = self.named(member);
                self.row(Command::ChangeRole { org, member: number, role: *role })?;
                line(role.name())
            }
            Says::Remove { member } => {
                let Named { org, number } = self.named(member);
                self.row(Command::RemoveMember { org, member: number })?;
                line("removed")
            }
            Says::As { member, says } => {
                let Named { org, number } = self.named(member);
                self.acting = Some(number);
                self.layer.act_as(Some((org, number)));
                let lines = self.obey(says);
                self.acting = None;
                self.layer.act_as(None);
                lines
            }
            _ => broken("this is not about a member"),
        }
    }
}
