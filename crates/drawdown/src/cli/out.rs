//! What is printed: results on standard output, progress on standard error where it is a terminal.
//!
//! *Invariant:* a reader who has gone, such as `head`, ends a command in silence.

use std::io::{ErrorKind, IsTerminal, Write};

use super::{Done, Failure};

/// Prints a line of the result.
pub fn line(text: &str) -> Done {
    write(&format!("{text}\n"))
}

/// Prints a text as it is.
pub fn write(text: &str) -> Done {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::PipeClosed),
        Err(error) => Err(format!("cannot print: {error}").into()),
    }
}

/// Prints names and values, one a line, in two columns.
pub fn fields(fields: &[(&str, String)]) -> Done {
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    fields.iter().try_for_each(|(name, value)| line(&format!("{name:width$}  {value}")))
}

/// A line on a terminal that is written over as things go on.
pub struct Progress {
    is_terminal: bool,
    is_begun: bool,
}

impl Progress {
    pub fn new() -> Progress {
        Progress { is_terminal: std::io::stderr().is_terminal(), is_begun: false }
    }

    pub fn say(&mut self, text: &str) {
        if self.is_terminal {
            self.is_begun = true;
            // What cannot be shown is not worth failing for.
            let _ = write!(std::io::stderr(), "\r\x1b[K  {text}");
        }
    }
}

impl Default for Progress {
    fn default() -> Progress {
        Progress::new()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_begun {
            let _ = writeln!(std::io::stderr());
        }
    }
}
