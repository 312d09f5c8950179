//! Pages of a list: keyset paging with a cursor that means nothing to its reader.
//!
//! Law: a page begins after the last row of the one before it, whatever was written meanwhile. A
//! cursor is only a place inside what the caller may see anyway; forging one shows nothing more.

use schemars::JsonSchema;
use serde::Serialize;

use crate::error::Fault;

/// Rows of one page, when none and at most.
pub const ROWS: i64 = 20;
pub const ROWS_MAX: i64 = 100;

/// One page of a list, newest first where nothing else is said.
#[derive(Debug, Serialize, JsonSchema)]
pub struct List<T> {
    pub data: Vec<T>,
    pub has_more: bool,
    /// Send it as `cursor` to go on; absent on the last page.
    pub next_cursor: Option<String>,
}

/// Where a page begins and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// What the last row of the page before was, as two numbers.
    pub after: Option<(i64, i64)>,
    pub rows: i64,
}

impl Page {
    /// Reads `limit` and `cursor` of a query.
    pub fn read(limit: Option<i64>, cursor: Option<&str>) -> Result<Page, Fault> {
        let rows = limit.unwrap_or(ROWS);
        if !(1..=ROWS_MAX).contains(&rows) {
            return Err(Fault::param("limit", format!("must be between 1 and {ROWS_MAX}")));
        }
        let after = match cursor {
            None => None,
            Some(text) => {
                let place = decode(text);
                Some(place.ok_or_else(|| Fault::param("cursor", "not a cursor of this list"))?)
            }
        };
        Ok(Page { after, rows })
    }

    /// The number that rows of this page lie below, in lists that count down.
    pub fn below(&self) -> i64 {
        self.after.map_or(i64::MAX, |(number, _)| number)
    }

    /// The number that rows of this page lie above, in lists that count up.
    pub fn above(&self) -> i64 {
        self.after.map_or(-1, |(number, _)| number)
    }

    /// How many rows to read: one more tells whether there are more.
    pub fn rows_to_read(&self) -> i64 {
        self.rows + 1
    }

    /// Makes the page of rows that were read with [`Page::rows_to_read`].
    pub fn list<R, T>(
        &self,
        mut rows: Vec<R>,
        place: impl Fn(&R) -> i64,
        view: impl FnMut(R) -> T,
    ) -> List<T> {
        let rows_max = usize::try_from(self.rows).unwrap_or(0);
        let has_more = rows.len() > rows_max;
        rows.truncate(rows_max);
        let next_cursor = rows.last().filter(|_| has_more).map(|row| encode(place(row), 0));
        List { data: rows.into_iter().map(view).collect(), has_more, next_cursor }
    }
}

/// Writes a cursor.
pub fn encode(first: i64, second: i64) -> String {
    format!("{:016x}{:016x}", first.cast_unsigned(), second.cast_unsigned())
}

fn decode(text: &str) -> Option<(i64, i64)> {
    if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let part = |part: &str| u64::from_str_radix(part, 16).ok().map(u64::cast_signed);
    Some((part(&text[..16])?, part(&text[16..])?)).filter(|&(one, two)| one >= 0 && two >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text_and_others_are_refused() {
        for place in [(0, 0), (7, 3), (i64::MAX, 1)] {
            let page = Page::read(None, Some(&encode(place.0, place.1))).unwrap();
            assert_eq!(page.after, Some(place));
        }
        let negative = encode(-1, 0);
        for bad in ["", "0", &"g".repeat(32), &"ø".repeat(16), &negative] {
            assert!(Page::read(None, Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_page_says_whether_there_are_more() {
        let page = Page::read(Some(2), None).unwrap();
        let list = page.list(vec![9, 8, 7], |&row| row, |row| row);
        assert_eq!((list.data, list.has_more), (vec![9, 8], true));
        assert_eq!(Page::read(None, list.next_cursor.as_deref()).unwrap().below(), 8);
        let list = page.list(vec![9, 8], |&row| row, |row| row);
        assert!(!list.has_more && list.next_cursor.is_none());
        for rows in [0, -1, 101] {
            assert!(Page::read(Some(rows), None).is_err());
        }
    }
}
