//! A form as a browser sent it: named texts, bounded, with the key of the attempt.

use std::collections::BTreeMap;

use axum::Form;
use axum::extract::rejection::FormRejection;
use domain::Amount;
use sha2::{Digest, Sha256};

use crate::auth::base32;
use crate::error::Fault;
use crate::wire::REQUEST_AMOUNT_MAX;

/// What the extractor of axum makes of a form.
pub type Sent = Result<Form<Vec<(String, String)>>, FormRejection>;

const ATTEMPT: &str = "attempt_key";
const ATTEMPT_LENGTH_MAX: usize = 120;
const HASH_LETTERS: usize = 16;

/// The fields of a form.
pub struct Fields {
    attempt: String,
    values: BTreeMap<String, String>,
}

impl Fields {
    /// Reads what was sent. Without an attempt key, as programs send it, `fresh` stands for one.
    ///
    /// Errors: `malformed`.
    pub fn read(sent: Sent, fresh: impl FnOnce() -> String) -> Result<Fields, Fault> {
        let malformed = |message: &str| Fault::Malformed { message: message.into(), param: None };
        let Form(pairs) = sent.map_err(|_| malformed("this form could not be read"))?;
        let mut values: BTreeMap<String, String> = pairs.into_iter().collect();
        let attempt = values.remove(ATTEMPT).filter(|key| !key.is_empty());
        let attempt = attempt.unwrap_or_else(fresh);
        let is_plain = attempt.bytes().all(|byte| byte.is_ascii_graphic());
        if attempt.len() > ATTEMPT_LENGTH_MAX || !is_plain {
            return Err(malformed("this form is not one of ours"));
        }
        Ok(Fields { attempt, values })
    }

    /// The text of a field without space around it; empty when it was not sent.
    pub fn text(&self, name: &str) -> &str {
        self.values.get(name).map_or("", |value| value.trim())
    }

    /// An amount as people write it: `1,250.50` or `$20`. Nothing when the field is empty.
    ///
    /// Errors: a sentence for the person who wrote it.
    pub fn amount(&self, name: &str) -> Result<Option<Amount>, String> {
        let text = self.text(name);
        if text.is_empty() {
            return Ok(None);
        }
        let digits = text.trim_start_matches('$').replace(',', "");
        let said: String = text.chars().take(40).collect();
        match Amount::parse(&digits) {
            Ok(amount) if amount <= REQUEST_AMOUNT_MAX => Ok(Some(amount)),
            Ok(_) => Err(format!("{said} is more than anyone can pay here")),
            Err(error) => Err(format!("{said} is {error}")),
        }
    }

    /// What names this attempt: the same form with the same content is the same attempt, and one
    /// that was changed before it was sent again is another.
    pub fn attempt(&self) -> String {
        let mut hash = Sha256::new();
        for (name, value) in &self.values {
            for text in [name, value] {
                hash.update(text.as_bytes());
                hash.update([0]);
            }
        }
        let mut content = base32(&hash.finalize());
        content.truncate(HASH_LETTERS);
        format!("{}:{content}", self.attempt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        let pairs = pairs.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        Fields::read(Ok(Form(pairs.collect())), || "fresh".into()).ok().unwrap()
    }

    #[test]
    fn the_same_content_is_the_same_attempt_and_other_content_is_not() {
        let first = fields(&[("attempt_key", "k"), ("preset", "50")]);
        assert_eq!(first.attempt(), fields(&[("preset", "50"), ("attempt_key", "k")]).attempt());
        assert_ne!(first.attempt(), fields(&[("attempt_key", "k"), ("preset", "5")]).attempt());
        assert_ne!(first.attempt(), fields(&[("attempt_key", "l"), ("preset", "50")]).attempt());
        assert!(fields(&[]).attempt().starts_with("fresh:"));
    }

    #[test]
    fn amounts_are_read_as_people_write_them() {
        let read = |text: &str| fields(&[("limit", text)]).amount("limit");
        assert_eq!(read(" $1,250.50 "), Ok(Some(Amount::parse("1250.5").unwrap())));
        assert_eq!(read(""), Ok(None));
        for bad in ["ten", "1e3", "-", "99999999999"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
