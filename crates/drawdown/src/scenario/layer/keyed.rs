//! What was answered under idempotency keys (rulings R20): the domain has none of its own, and what
//! a store replays is text that only a client reads.

use std::collections::BTreeMap;

use domain::OrgId;

use super::{Done, Failure, Refused};

/// What was said under a key, and what it was answered with.
type Answered = (String, Result<Done, Refused>);

/// The key of the next command, and the answers so far. The scope of a key is the organization and
/// what is asked.
#[derive(Debug, Default)]
pub struct Keyed {
    next: Option<String>,
    answers: BTreeMap<(OrgId, &'static str, String), Answered>,
}

impl Keyed {
    pub fn set(&mut self, key: Option<&str>) {
        self.next = key.map(str::to_owned);
    }

    /// The key of the command that is about to be sent.
    pub fn take(&mut self) -> Option<String> {
        self.next.take()
    }

    /// What `command` was answered before; refused when something else was said under its key.
    pub fn find(
        &self,
        org: OrgId,
        name: &'static str,
        key: &str,
        said: &str,
    ) -> Option<Result<Done, Failure>> {
        let (before, answer) = self.answers.get(&(org, name, key.to_owned()))?;
        if before != said {
            return Some(Err(Failure::Refused(reused())));
        }
        Some(answer.clone().map_err(Failure::Refused))
    }

    /// Keeps an outcome; a row that is not there is none.
    pub fn keep(
        &mut self,
        org: OrgId,
        name: &'static str,
        key: String,
        said: String,
        outcome: &Result<Done, Failure>,
    ) {
        let answer = match outcome {
            Ok(done) => Ok(done.clone()),
            Err(Failure::Refused(refused)) if refused.code != "not_found" => Err(refused.clone()),
            Err(_) => return,
        };
        self.answers.insert((org, name, key), (said, answer));
    }
}

/// What a client is told who says something else under a key.
pub fn reused() -> Refused {
    Refused { code: "idempotency_key_reused".to_owned(), fields: Vec::new() }
}
