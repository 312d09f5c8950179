//! Notices: which mails an organization wants, and what becomes of them when they cannot be
//! delivered (requirements N20).
//!
//! Laws: what happened is always told to programs, as an event; what concerns money that failed,
//! security, or the end of something is mailed to everybody who can be reached, whatever they have
//! switched off; where a mail came back, none is sent until somebody says that they arrive again.

use crate::event::EventKind;

/// A kind of mail that can be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// The balance is below a limit, or below what the next hours need.
    LowBalance,
    Digest,
    /// Credit is about to expire.
    Expiry,
}

impl Topic {
    pub const ALL: [Topic; 3] = [Topic::LowBalance, Topic::Digest, Topic::Expiry];

    /// The stored bit; only ever added to.
    pub const fn bit(self) -> i64 {
        match self {
            Topic::LowBalance => 1,
            Topic::Digest => 2,
            Topic::Expiry => 4,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Topic::LowBalance => "low_balance",
            Topic::Digest => "digest",
            Topic::Expiry => "expiry",
        }
    }

    pub fn from_name(name: &str) -> Option<Topic> {
        Topic::ALL.into_iter().find(|topic| topic.name() == name)
    }

    /// What an event is about; nothing where its mail cannot be switched off.
    pub const fn of(kind: EventKind) -> Option<Topic> {
        match kind {
            EventKind::BalanceLow | EventKind::BalanceForecastLow => Some(Topic::LowBalance),
            EventKind::DigestDaily | EventKind::DigestWeekly => Some(Topic::Digest),
            EventKind::CreditExpiring => Some(Topic::Expiry),
            _ => None,
        }
    }
}

/// Which mails an organization gets. As it begins, all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notices {
    /// The bits of the topics that are switched off.
    muted: i64,
    /// A mail came back.
    pub has_bounced: bool,
}

impl Notices {
    pub fn new(muted: &[Topic], has_bounced: bool) -> Notices {
        Notices { muted: muted.iter().fold(0, |bits, topic| bits | topic.bit()), has_bounced }
    }

    /// As they are stored; nothing when a bit is no topic's.
    pub fn from_stored(muted: i64, has_bounced: bool) -> Option<Notices> {
        let known = Topic::ALL.iter().fold(0, |bits, topic| bits | topic.bit());
        (muted & !known == 0).then_some(Notices { muted, has_bounced })
    }

    pub const fn stored(self) -> i64 {
        self.muted
    }

    /// What is switched off.
    pub fn muted(self) -> impl Iterator<Item = Topic> {
        Topic::ALL.into_iter().filter(move |topic| self.muted & topic.bit() != 0)
    }

    /// Whether an event of a kind that is mailed is mailed here.
    pub fn mails(self, kind: EventKind) -> bool {
        let is_muted = Topic::of(kind).is_some_and(|topic| self.muted & topic.bit() != 0);
        !self.has_bounced && !is_muted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_topics_can_be_switched_off() {
        let notices = Notices::new(&Topic::ALL, false);
        for kind in EventKind::ALL {
            assert_eq!(notices.mails(kind), Topic::of(kind).is_none(), "{}", kind.name());
            assert!(Topic::of(kind).is_none() || kind.is_mailed(), "{}", kind.name());
            assert!(!Notices::new(&[], true).mails(kind), "{}", kind.name());
            assert!(Notices::default().mails(kind), "{}", kind.name());
        }
        assert_eq!(notices.muted().collect::<Vec<_>>(), Topic::ALL);
        assert_eq!(Notices::from_stored(notices.stored(), false), Some(notices));
        assert_eq!(Notices::from_stored(8, false), None);
    }

    #[test]
    fn topics_are_told_by_name() {
        for topic in Topic::ALL {
            assert_eq!(Topic::from_name(topic.name()), Some(topic));
        }
        assert_eq!(Topic::from_name("top_up_failed"), None);
    }
}
