//! The words of one line, read from left to right, and what is said when one is not as expected.

use std::fmt;

use domain::Amount;

/// Why a scenario cannot be read: where, what was found, and what was expected there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    pub file: String,
    pub line: usize,
    /// The first character of the word, counted from 1; behind the last one when a word is missing.
    pub column: usize,
    /// Nothing, when the line ended.
    pub found: Option<String>,
    pub expected: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: expected {}", self.file, self.line, self.column, self.expected)?;
        match &self.found {
            Some(found) => write!(f, ", found `{found}`"),
            None => f.write_str(", found the end of the line"),
        }
    }
}

/// One word and where it begins.
#[derive(Clone, Debug)]
struct Word {
    text: String,
    column: usize,
}

/// A cursor over the words of a line.
#[derive(Clone, Debug)]
pub struct Words {
    file: String,
    line: usize,
    words: Vec<Word>,
    next: usize,
    end: usize,
}

impl Words {
    pub fn of(file: &str, line: usize, text: &str) -> Words {
        let mut words: Vec<Word> = Vec::new();
        let mut was_space = true;
        for (index, letter) in text.chars().enumerate() {
            if letter.is_whitespace() {
                was_space = true;
                continue;
            }
            if was_space {
                words.push(Word { text: String::new(), column: index + 1 });
            }
            was_space = false;
            if let Some(word) = words.last_mut() {
                word.text.push(letter);
            }
        }
        let end = text.trim_end().chars().count() + 2;
        Words { file: file.to_string(), line, words, next: 0, end }
    }

    /// The next word, without taking it.
    pub fn peek(&self) -> Option<&str> {
        self.words.get(self.next).map(|word| word.text.as_str())
    }

    pub fn take(&mut self) -> Option<String> {
        let word = self.peek().map(str::to_string);
        self.next += usize::from(word.is_some());
        word
    }

    /// Takes the next word if it is `keyword`.
    pub fn take_keyword(&mut self, keyword: &str) -> bool {
        let is_it = self.peek() == Some(keyword);
        self.next += usize::from(is_it);
        is_it
    }

    /// The error that the next word, or the end of the line, is not `expected`.
    pub fn wrong(&self, expected: impl Into<String>) -> ParseError {
        let word = self.words.get(self.next);
        ParseError {
            file: self.file.clone(),
            line: self.line,
            column: word.map_or(self.end, |word| word.column),
            found: word.map(|word| word.text.clone()),
            expected: expected.into(),
        }
    }

    /// Takes the next word and reads it, or says what was `expected`.
    pub fn read<T>(
        &mut self,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ParseError> {
        let value = self.peek().and_then(read).ok_or_else(|| self.wrong(expected))?;
        self.next += 1;
        Ok(value)
    }

    pub fn keyword(&mut self, keyword: &str) -> Result<(), ParseError> {
        let expected = format!("`{keyword}`");
        self.read(&expected, |word| (word == keyword).then_some(()))
    }

    /// A name that the scenario gives to something: letters, digits, `-`, `_` and `.`.
    pub fn name(&mut self, what: &str) -> Result<String, ParseError> {
        let is_name = |word: &str| {
            word.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
        };
        let expected = format!("{what}: letters, digits, `-`, `_`");
        self.read(&expected, |word| is_name(word).then(|| word.to_string()))
    }

    pub fn amount(&mut self) -> Result<Amount, ParseError> {
        self.read("an amount such as 12.50", |word| Amount::parse(word).ok())
    }

    pub fn count(&mut self, what: &str) -> Result<i64, ParseError> {
        let expected = format!("{what}, a whole number");
        self.read(&expected, |word| word.parse().ok())
    }

    /// Puts `value` in the place of `mark` in all words that are left.
    pub fn fill(&mut self, mark: &str, value: &str) {
        for word in self.words.iter_mut().skip(self.next) {
            word.text = word.text.replace(mark, value);
        }
    }

    /// Nothing may be left.
    pub fn end(&self) -> Result<(), ParseError> {
        if self.peek().is_none() { Ok(()) } else { Err(self.wrong("the end of the line")) }
    }
}
