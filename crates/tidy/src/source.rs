//! Rust text as the rules see it: code apart from comments and literals, product code apart from
//! tests, and where functions begin and end.
//!
//! This is a lexer and a brace counter, not a parser: enough to never mistake a word in a comment
//! for a call, and small enough to be read.

use std::ops::Range;

use crate::repository::File;

/// A file of Rust, taken apart. `code` has the offsets and lines of the text, with comments and
/// the insides of literals blanked.
pub struct Source {
    pub code: String,
    pub literals: Vec<Literal>,
    line_starts: Vec<usize>,
    test_lines: Vec<bool>,
}

/// A string literal, without its quotes.
pub struct Literal {
    pub line: usize,
    pub offset: usize,
    pub value: String,
}

/// A function with a body.
pub struct Function {
    pub name: String,
    pub first_line: usize,
    pub last_line: usize,
    pub body: Range<usize>,
}

impl Source {
    pub fn of(file: &File) -> Source {
        let (code, literals) = Lexer::run(&file.text);
        let starts = code.match_indices('\n').map(|(at, _)| at + 1);
        let line_starts: Vec<_> = std::iter::once(0).chain(starts).collect();
        let test_lines = vec![file.is_test(); line_starts.len()];
        let mut source = Source { code, literals, line_starts, test_lines };
        source.mark_tests();
        source
    }

    /// The lines of code with their numbers, counted from one.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// The lines that are part of the product.
    pub fn product_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines().filter(|&(line, _)| !self.is_test(line))
    }

    pub fn is_test(&self, line: usize) -> bool {
        line > 0 && self.test_lines.get(line - 1).copied().unwrap_or(false)
    }

    pub fn functions(&self) -> Vec<Function> {
        words(&self.code, "fn").filter_map(|at| self.function_at(at)).collect()
    }

    /// The line of an offset, counted from one.
    pub fn line_of(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|&start| start <= offset)
    }

    fn function_at(&self, at: usize) -> Option<Function> {
        let rest = self.code[at + 2..].trim_start();
        let length = rest.bytes().position(|byte| !is_name(byte)).unwrap_or(rest.len());
        let name = rest[..length].to_string();
        let body = if name.is_empty() { None } else { block_from(&self.code, at) }?;
        let (first_line, last_line) = (self.line_of(at), self.line_of(body.end));
        Some(Function { name, first_line, last_line, body })
    }

    /// Marks the lines of items under `#[cfg(test)]` or `#[cfg(any(test, …))]`.
    fn mark_tests(&mut self) {
        let code = &self.code;
        let mut items = Vec::new();
        for (at, _) in code.match_indices("#[cfg(") {
            let Some(end) = code[at..].find(']').map(|end| at + end) else { continue };
            let attribute = &code[at..end];
            if words(attribute, "test").next().is_none() || attribute.contains("not(test") {
                continue;
            }
            let item = after_attributes(code, end + 1);
            let last = match block_from(code, item) {
                Some(block) => block.end,
                None => code[item..].find(';').map_or(code.len(), |end| item + end),
            };
            items.push(self.line_of(at) - 1..self.line_of(last));
        }
        for lines in items {
            self.test_lines[lines].fill(true);
        }
    }
}

/// Whether a byte can be part of a name.
pub fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The offsets at which `word` stands alone: `f(Instant::now)` has the word `Instant::now`.
pub fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let bytes = code.as_bytes();
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let before = at.checked_sub(1).map(|at| bytes[at]);
        let after = bytes.get(at + word.len()).copied();
        !before.is_some_and(is_name) && !after.is_some_and(is_name)
    })
}

/// The next `{ … }` from an offset on, or nothing when a `;` ends the item first.
fn block_from(code: &str, from: usize) -> Option<Range<usize>> {
    let mut nested = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => nested += 1,
            b')' | b']' => nested = nested.saturating_sub(1),
            b';' if nested == 0 => return None,
            b'{' if nested == 0 => return Some(at..closing_brace(code, at)),
            _ => {}
        }
    }
    None
}

fn closing_brace(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return at,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    code.len()
}

/// Skips further `#[…]` between an attribute and its item, whose brackets would mislead.
fn after_attributes(code: &str, mut at: usize) -> usize {
    loop {
        let rest = code[at..].trim_start();
        if !rest.starts_with("#[") {
            return at;
        }
        let start = code.len() - rest.len();
        at = rest.find(']').map_or(code.len(), |end| start + end + 1);
    }
}

/// Walks the text once and copies what is code.
struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    code: Vec<u8>,
    literals: Vec<Literal>,
}

impl<'a> Lexer<'a> {
    fn run(text: &'a str) -> (String, Vec<Literal>) {
        let code = Vec::with_capacity(text.len());
        let mut lexer = Lexer { text, at: 0, line: 1, code, literals: Vec::new() };
        while lexer.at < text.len() {
            lexer.step();
        }
        (String::from_utf8_lossy(&lexer.code).into_owned(), lexer.literals)
    }

    fn step(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        if rest.starts_with(b"//") {
            let end = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
            self.blank(end);
        } else if rest.starts_with(b"/*") {
            self.blank(block_comment_length(rest));
        } else if let Some((open, hashes)) = string_opening(rest, self.after_name()) {
            self.string(open, hashes);
        } else if rest[0] == b'\'' {
            self.quote();
        } else {
            self.keep();
        }
    }

    fn keep(&mut self) {
        let byte = self.text.as_bytes()[self.at];
        self.line += usize::from(byte == b'\n');
        self.code.push(byte);
        self.at += 1;
    }

    /// Whether what comes next continues a name, so that the `r` of `for"` opens nothing.
    fn after_name(&self) -> bool {
        self.at > 0 && is_name(self.text.as_bytes()[self.at - 1])
    }

    /// Replaces bytes by blanks and keeps the line ends.
    fn blank(&mut self, length: usize) {
        let end = (self.at + length).min(self.text.len());
        for &byte in &self.text.as_bytes()[self.at..end] {
            self.line += usize::from(byte == b'\n');
            self.code.push(if byte == b'\n' { b'\n' } else { b' ' });
        }
        self.at = end;
    }

    /// Takes a string whose opening is `open` bytes long; `hashes` is set for a raw one.
    fn string(&mut self, open: usize, hashes: Option<usize>) {
        let inside = &self.text.as_bytes()[self.at + open..];
        let (length, close) = match hashes {
            Some(hashes) => raw_string_length(inside, hashes),
            None => (plain_string_length(inside), 1),
        };
        let offset = self.at + open;
        let value = self.text.get(offset..offset + length).unwrap_or("").to_string();
        self.literals.push(Literal { line: self.line, offset, value });
        self.blank(open - 1);
        self.code.push(b'"');
        self.at += 1;
        self.blank(length);
        self.blank(close);
    }

    /// Tells a character from a lifetime.
    fn quote(&mut self) {
        let rest = &self.text[self.at + 1..];
        let length = match rest.chars().next() {
            Some('\\') => rest[2..].find('\'').map(|end| end + 4),
            Some(letter) if rest[letter.len_utf8()..].starts_with('\'') => {
                Some(letter.len_utf8() + 2)
            }
            _ => None,
        };
        match length {
            Some(length) => self.blank(length),
            None => self.keep(),
        }
    }
}

fn block_comment_length(rest: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// Recognizes `"`, `b"`, `c"`, `r"`, `r#"`, `br#"`: the length of it, and its hashes if raw.
fn string_opening(rest: &[u8], after_name: bool) -> Option<(usize, Option<usize>)> {
    if rest[0] == b'"' {
        return Some((1, None));
    }
    if after_name {
        return None;
    }
    let mut at = usize::from(matches!(rest[0], b'b' | b'c'));
    let raw = rest.get(at) == Some(&b'r');
    at += usize::from(raw);
    let hashes = rest[at..].iter().take_while(|&&byte| byte == b'#').count();
    let opens = at > 0 && (raw || hashes == 0) && rest.get(at + hashes) == Some(&b'"');
    opens.then_some((at + hashes + 1, raw.then_some(hashes)))
}

fn plain_string_length(inside: &[u8]) -> usize {
    let mut at = 0;
    while at < inside.len() && inside[at] != b'"' {
        at += if inside[at] == b'\\' { 2 } else { 1 };
    }
    at.min(inside.len())
}

fn raw_string_length(inside: &[u8], hashes: usize) -> (usize, usize) {
    let mut close = vec![b'"'];
    close.resize(hashes + 1, b'#');
    let length = inside.windows(close.len()).position(|window| window == close);
    (length.unwrap_or(inside.len()), close.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::of(&File::new("crates/domain/src/a.rs", text))
    }

    #[test]
    fn comments_and_literals_are_not_code() {
        for (text, code) in [
            ("a // b", "a     "),
            ("a /* b /* c */ d */ e", "a                   e"),
            (r#"f("x // y", b"z")"#, r#"f("       ,  "  )"#),
            (r##"r#"a "b" c"# d"##, r#"  "          d"#),
            ("'a' 'b: &'static '\\'' ' '", "    'b: &'static         "),
            ("\"a\nb\" c", "\" \n   c"),
        ] {
            assert_eq!(source(text).code, code, "{text}");
            assert_eq!(source(text).code.len(), text.len());
        }
    }

    #[test]
    fn literals_are_kept_with_their_lines() {
        let source = source("x(\n\"one\",\nr#\"two \"2\"\"#, \"\\\"\")");
        let kept: Vec<_> =
            source.literals.iter().map(|found| (found.line, found.value.as_str())).collect();
        assert_eq!(kept, [(2, "one"), (3, "two \"2\""), (3, "\\\"")]);
    }

    #[test]
    fn lines_under_cfg_test_are_not_the_product() {
        let text =
            "a\n#[cfg(test)]\n#[path = \"x\"]\nmod tests {\n  b\n}\nc\n#[cfg(not(test))]\nd;";
        let source = source(text);
        let product: Vec<_> = source.product_lines().map(|(line, _)| line).collect();
        assert_eq!(product, [1, 7, 8, 9]);
    }

    #[test]
    fn functions_are_measured_from_fn_to_their_closing_brace() {
        let text =
            "trait T { fn no(&self) -> [u8; 3]; }\nfn one(f: fn(u8)) {\n  if x { '}'; }\n}\n";
        let found: Vec<_> = source(text)
            .functions()
            .into_iter()
            .map(|function| (function.name, function.first_line, function.last_line))
            .collect();
        assert_eq!(found, [("one".to_string(), 2, 4)]);
    }

    #[test]
    fn a_word_stands_alone() {
        assert_eq!(words("HashMap MyHashMap HashMap::new HashMaps", "HashMap").count(), 2);
    }
}
