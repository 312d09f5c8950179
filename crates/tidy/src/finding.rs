//! What a rule has to say: a place, and a sentence about it.

use std::fmt;

use crate::repository::File;

/// One broken rule at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub path: String,
    /// Counted from one; zero means the file as a whole.
    pub line: usize,
    /// The line itself, which is how an exception in `allow.txt` recognizes it.
    pub text: String,
    pub what: String,
}

impl Finding {
    /// Points at one line of a file, counted from one.
    pub fn at(file: &File, line: usize, what: impl Into<String>) -> Finding {
        let text = match line {
            0 => "",
            _ => file.text.lines().nth(line - 1).unwrap_or(""),
        };
        Finding { path: file.path.clone(), line, text: text.into(), what: what.into() }
    }

    /// Points at the file as a whole.
    pub fn about(file: &File, what: impl Into<String>) -> Finding {
        Finding::at(file, 0, what)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.what),
            line => write!(f, "{}:{line}: {}", self.path, self.what),
        }
    }
}

/// Runs a rule over one invented file and compares what it says, line by line.
#[cfg(test)]
pub(crate) fn check(
    rule: impl Fn(&File) -> Vec<Finding>,
    path: &str,
    text: &str,
    expected: &[&str],
) {
    let file = File::new(path, text);
    let said: Vec<_> =
        rule(&file).iter().map(|finding| format!("{}: {}", finding.line, finding.what)).collect();
    assert_eq!(said, expected, "in {path}:\n{text}");
}

/// Fails with everything that `allow.txt` does not excuse.
#[cfg(test)]
pub(crate) fn enforce(rule: &str, findings: Vec<Finding>) {
    let left = crate::allow::unexcused(rule, findings, &crate::allow::list());
    let lines: Vec<_> = left.iter().map(Finding::to_string).collect();
    assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
}
