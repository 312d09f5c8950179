//! One word per thing: what GLOSSARY.md strikes is refused in code, SQL and prose.
//!
//! Words are compared as words: `tick` is found in `next_tick` and `TickJob`, not in `ticket`. The
//! list is the fenced block of the glossary, so a reader and this rule look at the same one.

use crate::finding::Finding;
use crate::repository::File;

pub const GLOSSARY: &str = "GLOSSARY.md";
const FENCE: &str = "```struck";

/// A struck word or phrase, what to say instead, and the folders where that holds.
#[derive(Debug)]
pub struct Struck {
    words: Vec<String>,
    text: String,
    instead: String,
    only_in: Vec<String>,
    except_in: Vec<String>,
}

/// Reads `word | say instead | where`; a folder with `!` is left out, no folder means everywhere.
pub fn parse(glossary: &str) -> (Vec<Struck>, Vec<String>) {
    let (mut struck, mut errors) = (Vec::new(), Vec::new());
    let block = glossary.split(FENCE).nth(1).and_then(|rest| rest.split("```").next());
    for line in block.unwrap_or("").lines().filter(|line| !line.trim().is_empty()) {
        let parts: Vec<_> = line.split('|').map(str::trim).collect();
        match parts[..] {
            [text, instead, folders] if !text.is_empty() && !instead.is_empty() => {
                let folders = folders.split_whitespace();
                let (except, only): (Vec<_>, Vec<_>) =
                    folders.map(String::from).partition(|folder| folder.starts_with('!'));
                struck.push(Struck {
                    words: text.trim_end_matches('*').split(' ').map(String::from).collect(),
                    text: text.into(),
                    instead: instead.into(),
                    only_in: only,
                    except_in: except.iter().map(|folder| folder[1..].to_string()).collect(),
                });
            }
            _ => errors.push(format!("not `word | say instead | where`: {line}")),
        }
    }
    (struck, errors)
}

impl Struck {
    fn holds_in(&self, path: &str) -> bool {
        let under = |folders: &[String]| folders.iter().any(|folder| path.starts_with(folder));
        (self.only_in.is_empty() || under(&self.only_in)) && !under(&self.except_in)
    }

    /// Whether the words of a line contain this one, in order; `*` lets the last have any ending.
    fn is_in(&self, line: &[String]) -> bool {
        let open = self.text.ends_with('*');
        let last = self.words.len() - 1;
        line.windows(self.words.len()).any(|window| {
            window.iter().zip(&self.words).enumerate().all(|(index, (word, struck))| {
                let plural = index == last && word.strip_suffix('s') == Some(struck);
                let begins = index == last && open && word.starts_with(struck.as_str());
                word == struck || plural || begins
            })
        })
    }
}

/// The lowercase words of a line; `camelCase` and `snake_case` come apart. Punctuation leaves an
/// empty word, so that `rate(card)` is no phrase.
pub fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous = ' ';
    for letter in line.chars() {
        let begins =
            !previous.is_alphabetic() || (letter.is_uppercase() && previous.is_lowercase());
        if letter.is_alphabetic() && begins || !letter.is_alphabetic() && !" _-".contains(letter) {
            words.push(String::new());
        }
        if let (true, Some(word)) = (letter.is_alphabetic(), words.last_mut()) {
            word.extend(letter.to_lowercase());
        }
        previous = letter;
    }
    words
}

/// The files in which words count; the glossary itself and these rules must be able to name them.
fn is_read(file: &File) -> bool {
    let prose = file.has_extension("md") && file.path != GLOSSARY;
    let code = file.is_rust() || file.has_extension("sql");
    (prose || code) && !file.is_in(&["tidy"])
}

pub fn rule(file: &File, struck: &[Struck]) -> Vec<Finding> {
    if !is_read(file) {
        return Vec::new();
    }
    let here: Vec<_> = struck.iter().filter(|word| word.holds_in(&file.path)).collect();
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let line = words(line);
        for word in here.iter().filter(|word| word.is_in(&line)) {
            let what = format!("`{}` is struck: {}", word.text, word.instead);
            findings.push(Finding::at(file, index + 1, what));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{check, enforce};
    use crate::repository;

    const LIST: &str = "prose\n```struck\ntick | wake | !crates/web/src/charts\n\
                        deduct* | draw down |\naccount holder | member | crates/domain\n```\nrest";

    #[test]
    fn struck_words_are_found_as_words() {
        let (struck, errors) = parse(LIST);
        assert!(errors.is_empty());
        for (text, expected) in [
            ("fn next_tick()", &["1: `tick` is struck: wake"][..]),
            ("struct TickJob; // Ticks", &["1: `tick` is struck: wake"]),
            ("a ticket, sticky", &[]),
            ("deducted from", &["1: `deduct*` is struck: draw down"]),
            ("the account\nholder", &[]),
            ("account(holder)", &[]),
            ("AccountHolder", &["1: `account holder` is struck: member"]),
        ] {
            check(|file| rule(file, &struck), "crates/domain/src/a.rs", text, expected);
        }
        check(|file| rule(file, &struck), "crates/web/src/charts.rs", "axis_tick", &[]);
        check(|file| rule(file, &struck), "docs/a.md", "account holder", &[]);
        check(|file| rule(file, &struck), GLOSSARY, "tick", &[]);
    }

    #[test]
    fn a_row_that_is_not_one_is_named() {
        assert_eq!(parse("```struck\ntick | wake\n```").1.len(), 1);
    }

    #[test]
    fn tidy_words() {
        let glossary = repository::file(GLOSSARY).expect("the glossary exists").text;
        let (struck, errors) = parse(&glossary);
        assert!(errors.is_empty() && !struck.is_empty(), "{errors:?}");
        let files = repository::files();
        enforce("words", files.iter().flat_map(|file| rule(file, &struck)).collect());
    }
}
