//! Labels: what a customer calls its resources, holds and usage by, so that costs can be grouped
//! and limited (rulings R25).
//!
//! Laws: equal labels have equal texts, whatever order they were given in; a text is read back as
//! the labels it was made of, and no other text is; there are never more, and none is longer, than
//! the maxima here say. An organization keeps each set of labels of its use once, under a number
//! ([`intern`]), so that a row of the journal names a set and does not repeat it.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::workset::Workset;
use crate::{OrgId, Refusal};

/// Labels of one thing.
pub const LABELS_MAX: usize = 20;
/// A name is for programs: letters, digits and `._:/-`.
pub const NAME_LENGTH_MAX: usize = 64;
pub const VALUE_CHARS_MAX: usize = 200;

/// The label that names the project something is for.
pub const PROJECT: &str = "project";
/// The label that names the member something is for.
pub const MEMBER: &str = "member";
/// The label that names the API key by which the customer used something.
pub const API_KEY: &str = "api_key";

/// Names with their values, as one text: `name=value` in lines, ascending by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Labels(String);

/// What is wrong with labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelFault {
    TooMany,
    /// A name is empty, too long or holds more than letters, digits and `._:/-`.
    Name,
    /// A value is too long or holds control characters.
    Value,
    /// A name stands twice.
    Twice,
}

impl LabelFault {
    /// What is asked for instead.
    pub const fn wish(self) -> &'static str {
        match self {
            LabelFault::TooMany => "takes at most 20 labels",
            LabelFault::Name => "takes names of 1 to 64 letters, digits and ._:/-",
            LabelFault::Value => "takes values of at most 200 characters, none of them a control",
            LabelFault::Twice => "takes each name once",
        }
    }
}

impl Labels {
    pub const NONE: Labels = Labels(String::new());

    /// Takes pairs of name and value in any order.
    ///
    /// Errors, in order: too many, then for each by name: its name, its value, a name twice.
    pub fn new<N: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Labels, LabelFault> {
        let mut pairs: Vec<(N, V)> = pairs.into_iter().take(LABELS_MAX + 1).collect();
        if pairs.len() > LABELS_MAX {
            return Err(LabelFault::TooMany);
        }
        pairs.sort_by(|one, other| one.0.as_ref().cmp(other.0.as_ref()));
        let (mut text, mut last) = (String::new(), None);
        for (name, value) in &pairs {
            let (name, value) = (name.as_ref(), value.as_ref());
            check(name, value)?;
            if last == Some(name) {
                return Err(LabelFault::Twice);
            }
            last = Some(name);
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(name);
            text.push('=');
            text.push_str(value);
        }
        Ok(Labels(text))
    }

    /// Reads what [`Labels::text`] wrote; nothing when the text is anything else.
    pub fn from_text(text: &str) -> Option<Labels> {
        if text.is_empty() {
            return Some(Labels::NONE);
        }
        let pairs: Option<Vec<_>> = text.split('\n').map(|line| line.split_once('=')).collect();
        Labels::new(pairs?).ok().filter(|labels| labels.0 == text)
    }

    pub fn text(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values, ascending by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.split('\n').filter_map(|line| line.split_once('='))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// 64 bits of the hash of their text, by which a set that is kept is found again.
    pub fn fingerprint(&self) -> i64 {
        let digest = Sha256::digest(self.0.as_bytes());
        let mut first = [0_u8; 8];
        first.copy_from_slice(&digest[..8]);
        i64::from_le_bytes(first)
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.replace('\n', ", "))
    }
}

fn check(name: &str, value: &str) -> Result<(), LabelFault> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte);
    if name.is_empty() || name.len() > NAME_LENGTH_MAX || !name.bytes().all(is_plain) {
        return Err(LabelFault::Name);
    }
    if value.chars().count() > VALUE_CHARS_MAX || value.chars().any(char::is_control) {
        return Err(LabelFault::Value);
    }
    Ok(())
}

/// A set of labels that an organization has used, found by its fingerprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelSet {
    pub number: i64,
    pub labels: Labels,
}

/// The number of the set of these labels, which is kept from now on; 0 for no labels.
///
/// Errors: [`Refusal::SettingInvalid`] when another set has the same fingerprint.
pub fn intern(ws: &mut Workset, org: OrgId, labels: &Labels) -> Result<i64, Refusal> {
    if labels.is_empty() {
        return Ok(0);
    }
    let fingerprint = labels.fingerprint();
    match ws.label_sets.get(org, fingerprint) {
        Some(set) if set.labels == *labels => Ok(set.number),
        Some(_) => {
            let message = "these labels cannot be told from others of yours: change one".to_owned();
            Err(Refusal::SettingInvalid { message })
        }
        None => {
            let number = ws.wallet_mut(org)?.take_number();
            ws.label_sets.put(org, fingerprint, LabelSet { number, labels: labels.clone() });
            Ok(number)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Result<Labels, LabelFault> {
        Labels::new(pairs.iter().copied())
    }

    #[test]
    fn labels_are_the_same_in_any_order() {
        let one = labels(&[("project", "vision"), ("model", "llama = 3")]).unwrap();
        let other = labels(&[("model", "llama = 3"), ("project", "vision")]).unwrap();
        assert_eq!(one.text(), "model=llama = 3\nproject=vision");
        assert_eq!((&one, one.fingerprint()), (&other, other.fingerprint()));
        assert_eq!((one.get("model"), one.get("colour")), (Some("llama = 3"), None));
        assert_eq!(Labels::NONE.iter().next(), None);
    }

    #[test]
    fn law_a_text_is_read_back_and_no_other_is() {
        for pairs in [&[][..], &[("a", "")], &[("a", "1"), ("b", "=x")]] {
            let labels = labels(pairs).unwrap();
            assert_eq!(Labels::from_text(labels.text()), Some(labels));
        }
        for text in ["a", "=1", "b=1\na=2", "a=1\na=1", "a=1\n", "a=\u{7}", "a b=1", "{}"] {
            assert_eq!(Labels::from_text(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_too_much_is_refused() {
        let long = "x".repeat(NAME_LENGTH_MAX + 1);
        let wide = "é".repeat(VALUE_CHARS_MAX + 1);
        let names: Vec<String> = (0..=LABELS_MAX).map(|at| format!("n{at}")).collect();
        let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
        assert_eq!(labels(&many), Err(LabelFault::TooMany));
        assert!(labels(&many[1..]).is_ok());
        assert_eq!(labels(&[(&long, "")]), Err(LabelFault::Name));
        assert_eq!(labels(&[("", "")]), Err(LabelFault::Name));
        assert_eq!(labels(&[("a", &wide)]), Err(LabelFault::Value));
        assert!(labels(&[(&long[1..], &wide[2..])]).is_ok());
        assert_eq!(labels(&[("a", "\n")]), Err(LabelFault::Value));
        assert_eq!(labels(&[("a", "1"), ("a", "2")]), Err(LabelFault::Twice));
    }
}
