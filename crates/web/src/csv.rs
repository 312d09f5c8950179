//! Tables as CSV (RFC 4180), safe to open in a spreadsheet.
//!
//! *Invariant:* a text that a customer wrote is never a formula: one that begins like one gets an
//! apostrophe in front. Amounts are written as they are.

/// One cell.
pub enum Cell<'a> {
    /// What people or programs of customers wrote.
    Text(&'a str),
    /// What we wrote: an amount, a time, an id.
    Plain(String),
    /// Several values, as JSON.
    Json(String),
}

/// Adds one line to `table`.
pub fn line(table: &mut String, cells: &[Cell<'_>]) {
    for (place, cell) in cells.iter().enumerate() {
        if place > 0 {
            table.push(',');
        }
        match cell {
            Cell::Plain(text) => table.push_str(text),
            Cell::Json(text) => table.push_str(&quoted(text)),
            Cell::Text(text) => {
                let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
                let text = if is_formula { format!("'{text}") } else { (*text).to_owned() };
                table.push_str(&quoted(&text));
            }
        }
    }
    table.push_str("\r\n");
}

fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_and_never_formulas() {
        let mut table = String::new();
        let cells = [
            Cell::Text("a,\"b\""),
            Cell::Text("=1+1"),
            Cell::Plain("-1.50".into()),
            Cell::Text("x"),
        ];
        line(&mut table, &cells);
        assert_eq!(table, "\"a,\"\"b\"\"\",'=1+1,-1.50,x\r\n");
    }
}
