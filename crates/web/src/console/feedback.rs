//! What forms have just done, said above the page that follows.
//!
//! It lives in memory and is found by a name nobody guesses, so that no link can put words of its
//! own on a page. The oldest goes first; losing one loses a sentence.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use domain::OrgId;

use crate::pages::wallet::Notice;

const KEPT_MAX: usize = 256;
const ATTEMPTS_MAX: usize = 1_024;

/// What came of a form.
#[derive(Clone, Debug, Default)]
pub struct Said {
    pub notice: Option<Notice>,
    /// What stood in the field for another amount, and why it was refused.
    pub amount: Option<(String, String)>,
    pub auto_top_up: Option<String>,
    pub alert: Option<String>,
}

impl Said {
    pub fn done(text: impl Into<String>) -> Said {
        Said { notice: Some(Notice { refused: false, text: text.into() }), ..Said::default() }
    }

    pub fn refused(text: impl Into<String>) -> Said {
        Said { notice: Some(Notice { refused: true, text: text.into() }), ..Said::default() }
    }
}

#[derive(Default)]
pub struct Feedback {
    said: Mutex<VecDeque<(String, OrgId, Said)>>,
    attempts: Mutex<VecDeque<String>>,
}

impl Feedback {
    /// Keeps what is to be said to the reader of one wallet, under `name`.
    pub fn keep(&self, name: String, org: OrgId, said: Said) {
        let mut kept = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back((name, org, said));
    }

    pub fn find(&self, name: &str, org: OrgId) -> Said {
        let kept = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().find(|(known, of, _)| known == name && *of == org);
        found.map(|(_, _, said)| said.clone()).unwrap_or_default()
    }

    /// True the first time that an attempt is seen: for what has no key of its own in the store.
    pub fn is_first(&self, attempt: String) -> bool {
        let mut seen = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.contains(&attempt) {
            return false;
        }
        if seen.len() == ATTEMPTS_MAX {
            seen.pop_front();
        }
        seen.push_back(attempt);
        true
    }
}
