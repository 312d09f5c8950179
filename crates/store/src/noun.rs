//! What the rows of most tables have in common: bucket, organization and number, then their own
//! columns in the order in which they are declared.
//!
//! *Invariant:* columns are written and read in one order, that of the declaration, so neither side
//! counts places.

use std::borrow::Cow;

use domain::workset::Key;
use domain::{Amount, OrgId, Timestamp};

use crate::error::StoreError;
use crate::statement::{Kind, Load};
use crate::value::{Column, Row};
use crate::writer::Writer;

/// A row with its address.
pub type Keyed<T> = (OrgId, i64, T);

/// The first column of every row that an organization owns.
pub(crate) const BUCKET: (&str, Kind) = ("bucket", Kind::Small);
pub(crate) const ORG: (&str, Kind) = ("org_id", Kind::Int);
pub(crate) const NUMBER: (&str, Kind) = ("number", Kind::Int);

/// A kind of row addressed by organization and number.
pub(crate) trait Noun: Sized {
    /// Finds rows by key.
    fn find() -> &'static Load;

    /// The columns after the key.
    fn write(columns: Columns<'_, Self>) -> Columns<'_, Self>;

    /// Reads what [`Noun::write`] wrote.
    fn read(number: i64, fields: &mut Fields<'_>) -> Result<Self, StoreError>;
}

/// All columns of `rows`.
pub(crate) fn columns<N: Noun>(rows: &[Keyed<N>]) -> Vec<Column<'_>> {
    let columns = Columns::of(rows).with(Column::Int(rows.iter().map(|row| row.1).collect()));
    N::write(columns).columns
}

/// The rows at `keys`, in no promised order; those that are not there are left out.
pub(crate) fn load<N: Noun>(w: &mut Writer, keys: &[Key]) -> Result<Vec<Keyed<N>>, StoreError> {
    let mut columns = org_columns(keys.iter().map(|key| key.0));
    columns.push(Column::Int(keys.iter().map(|key| key.1).collect()));
    read_all(&w.load(N::find(), &columns)?)
}

/// The rows of `orgs` that `load`, whose key is the organization, finds.
pub(crate) fn load_of<N: Noun>(
    w: &mut Writer,
    load: &Load,
    orgs: &[OrgId],
) -> Result<Vec<Keyed<N>>, StoreError> {
    read_all(&w.load(load, &org_columns(orgs.iter().copied()))?)
}

/// The rows of organizations that `load`, whose key is the organization and an instant, finds.
pub(crate) fn load_until<N: Noun>(
    w: &mut Writer,
    load: &Load,
    until: &[(OrgId, Timestamp)],
) -> Result<Vec<Keyed<N>>, StoreError> {
    let mut columns = org_columns(until.iter().map(|it| it.0));
    columns.push(Column::Int(until.iter().map(|it| it.1.micros()).collect()));
    read_all(&w.load(load, &columns)?)
}

/// Reads whole rows.
pub(crate) fn read_all<N: Noun>(rows: &[Row]) -> Result<Vec<Keyed<N>>, StoreError> {
    rows.iter().map(read).collect()
}

pub(crate) fn read<N: Noun>(row: &Row) -> Result<Keyed<N>, StoreError> {
    let (org, number) = (row.org(1)?, row.int(2)?);
    Ok((org, number, N::read(number, &mut Fields::after(row, 3))?))
}

/// Buckets and organizations.
pub(crate) fn org_columns<'a>(orgs: impl Iterator<Item = OrgId> + Clone) -> Vec<Column<'a>> {
    let buckets = orgs.clone().map(OrgId::bucket).collect();
    vec![Column::Int(buckets), Column::Int(orgs.map(OrgId::get).collect())]
}

/// Buckets, organizations, rails and the rails' own ids.
pub(crate) fn external_columns(keys: &[(OrgId, String, String)]) -> Vec<Column<'_>> {
    let mut columns = org_columns(keys.iter().map(|key| key.0));
    columns.push(Column::Text(keys.iter().map(|key| Cow::Borrowed(key.1.as_str())).collect()));
    columns.push(Column::Text(keys.iter().map(|key| Cow::Borrowed(key.2.as_str())).collect()));
    columns
}

/// `None` for an instant that never comes: how it is stored.
pub(crate) fn unless_never(at: Timestamp) -> Option<Timestamp> {
    (at != Timestamp::NEVER).then_some(at)
}

/// Columns being written, after bucket and organization.
pub(crate) struct Columns<'a, T> {
    rows: &'a [Keyed<T>],
    columns: Vec<Column<'a>>,
}

impl<'a, T> Columns<'a, T> {
    pub(crate) fn of(rows: &'a [Keyed<T>]) -> Columns<'a, T> {
        Columns { rows, columns: org_columns(rows.iter().map(|row| row.0)) }
    }

    pub(crate) fn done(self) -> Vec<Column<'a>> {
        self.columns
    }

    pub(crate) fn int(self, value: impl Fn(&T) -> i64) -> Self {
        let column = self.each(value);
        self.with(Column::Int(column))
    }

    pub(crate) fn opt_int(self, value: impl Fn(&T) -> Option<i64>) -> Self {
        let column = self.each(value);
        self.with(Column::OptInt(column))
    }

    pub(crate) fn amount(self, value: impl Fn(&T) -> Amount) -> Self {
        self.int(|row| value(row).nanos())
    }

    pub(crate) fn time(self, value: impl Fn(&T) -> Timestamp) -> Self {
        self.int(|row| value(row).micros())
    }

    pub(crate) fn opt_time(self, value: impl Fn(&T) -> Option<Timestamp>) -> Self {
        self.opt_int(|row| value(row).map(Timestamp::micros))
    }

    pub(crate) fn text(self, value: impl Fn(&T) -> &str) -> Self {
        let column = self.rows.iter().map(|row| Cow::Borrowed(value(&row.2))).collect();
        self.with(Column::Text(column))
    }

    pub(crate) fn made_text(self, value: impl Fn(&T) -> String) -> Self {
        let column = self.rows.iter().map(|row| Cow::Owned(value(&row.2))).collect();
        self.with(Column::Text(column))
    }

    pub(crate) fn opt_text(self, value: impl Fn(&T) -> Option<&str>) -> Self {
        let column = self.rows.iter().map(|row| value(&row.2).map(Cow::Borrowed)).collect();
        self.with(Column::OptText(column))
    }

    pub(crate) fn blob(self, value: impl Fn(&T) -> &[u8]) -> Self {
        let column = self.rows.iter().map(|row| Cow::Borrowed(value(&row.2))).collect();
        self.with(Column::Blob(column))
    }

    fn each<V>(&self, value: impl Fn(&T) -> V) -> Vec<V> {
        self.rows.iter().map(|row| value(&row.2)).collect()
    }

    fn with(mut self, column: Column<'a>) -> Self {
        self.columns.push(column);
        self
    }
}

/// Reads a row column after column.
pub(crate) struct Fields<'a> {
    row: &'a Row,
    at: usize,
}

impl<'a> Fields<'a> {
    pub(crate) fn after(row: &'a Row, at: usize) -> Fields<'a> {
        Fields { row, at }
    }

    fn next(&mut self) -> usize {
        self.at += 1;
        self.at - 1
    }

    pub(crate) fn int(&mut self) -> Result<i64, StoreError> {
        self.row.int(self.next())
    }

    pub(crate) fn opt_int(&mut self) -> Result<Option<i64>, StoreError> {
        self.row.opt_int(self.next())
    }

    pub(crate) fn amount(&mut self) -> Result<Amount, StoreError> {
        self.row.amount(self.next())
    }

    pub(crate) fn opt_amount(&mut self) -> Result<Option<Amount>, StoreError> {
        self.row.opt_amount(self.next())
    }

    pub(crate) fn time(&mut self) -> Result<Timestamp, StoreError> {
        self.row.time(self.next())
    }

    pub(crate) fn opt_time(&mut self) -> Result<Option<Timestamp>, StoreError> {
        self.row.opt_time(self.next())
    }

    pub(crate) fn text(&mut self) -> Result<String, StoreError> {
        self.row.text(self.next()).map(str::to_owned)
    }

    pub(crate) fn opt_text(&mut self) -> Result<Option<String>, StoreError> {
        Ok(self.row.opt_text(self.next())?.map(str::to_owned))
    }

    pub(crate) fn blob(&mut self) -> Result<Vec<u8>, StoreError> {
        self.row.blob(self.next()).map(<[u8]>::to_vec)
    }

    /// A code that `read` knows.
    ///
    /// Errors: `Corrupt` for any other.
    pub(crate) fn code<C>(&mut self, read: impl Fn(i64) -> Option<C>) -> Result<C, StoreError> {
        let code = self.int()?;
        let unknown = || StoreError::Corrupt(format!("column {} holds code {code}", self.at - 1));
        read(code).ok_or_else(unknown)
    }

    pub(crate) fn opt_code<C>(
        &mut self,
        read: impl Fn(i64) -> Option<C>,
    ) -> Result<Option<C>, StoreError> {
        let Some(code) = self.opt_int()? else { return Ok(None) };
        let unknown = || StoreError::Corrupt(format!("column {} holds code {code}", self.at - 1));
        read(code).map(Some).ok_or_else(unknown)
    }

    /// A text that `read` understands.
    ///
    /// Errors: `Corrupt` for any other.
    pub(crate) fn parsed<C>(&mut self, read: impl Fn(&str) -> Option<C>) -> Result<C, StoreError> {
        let at = self.next();
        let text = self.row.text(at)?;
        read(text).ok_or_else(|| StoreError::Corrupt(format!("column {at} holds {text:?}")))
    }
}
