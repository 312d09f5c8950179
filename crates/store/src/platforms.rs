//! Platforms, and the price book of each.

use std::sync::Arc;

use domain::price::PriceBook;
use domain::profile::Profile;
use domain::workset::Platform;
use domain::{OrgId, Timestamp};

use crate::Store;
use crate::error::StoreError;
use crate::noun::{self, BUCKET, Columns, Fields, Keyed, ORG};
use crate::statement::{Action, Bulk, Kind, Load, Statement, catalogue};
use crate::value::{Column, Row};
use crate::writer::Writer;
use crate::{prices, skus};

const COLUMNS: &[(&str, Kind)] = &[
    BUCKET,
    ORG,
    ("name", Kind::Text),
    ("profile", Kind::Text),
    ("profile_version", Kind::Int),
    ("settings", Kind::Text),
    ("clock", Kind::Int),
    ("clock_target", Kind::Int),
    ("book_version", Kind::Int),
    ("created_at", Kind::Int),
];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Upsert, "platforms", 2, COLUMNS);
    /// Finds rows.
    FIND: Load = Load::rows("platforms", 2, COLUMNS, "");
    /// Platforms whose test clock is on its way.
    ADVANCING: Statement = Statement::new(
        "SELECT org_id, clock_target FROM platforms WHERE clock_target IS NOT NULL ORDER BY org_id"
    );
}

/// The platforms among `orgs`, in no promised order.
///
/// Errors: `Corrupt` when a setting is stored that this program does not know.
pub fn load(w: &mut Writer, orgs: &[OrgId]) -> Result<Vec<(OrgId, Platform)>, StoreError> {
    w.load(&FIND, &noun::org_columns(orgs.iter().copied()))?.iter().map(read).collect()
}

/// The platforms whose test clock is on its way, and where it is going.
pub async fn advancing(store: &Store) -> Result<Vec<(OrgId, Timestamp)>, StoreError> {
    let rows = store.snapshot().await?.query(&ADVANCING, &[]).await?;
    rows.iter().map(|row| Ok((row.org(0)?, row.time(1)?))).collect()
}

/// All SKUs and prices of one platform.
pub fn load_book(w: &mut Writer, platform: OrgId) -> Result<PriceBook, StoreError> {
    let mut book = PriceBook::default();
    for (_, _, sku) in skus::load_of(w, platform)? {
        book.add_sku(sku);
    }
    for (_, _, price) in prices::load_of(w, platform)? {
        book.add_price(price);
    }
    Ok(book)
}

pub(crate) fn columns(rows: &[Keyed<Platform>]) -> Vec<Column<'_>> {
    Columns::of(rows)
        .text(|platform| &platform.name)
        .text(|platform| &platform.profile.name)
        .int(|platform| platform.profile.version)
        .made_text(|platform| platform.profile.text())
        .opt_time(|platform| platform.clock)
        .opt_time(|platform| platform.clock_target)
        .int(|platform| platform.book_version)
        .time(|platform| platform.created_at)
        .done()
}

pub(crate) fn read(row: &Row) -> Result<(OrgId, Platform), StoreError> {
    let mut fields = Fields::after(row, 2);
    let name = fields.text()?;
    let mut profile =
        Profile { name: fields.text()?, version: fields.int()?, ..Profile::default() };
    profile.apply(&fields.text()?).map_err(StoreError::Corrupt)?;
    let platform = Platform {
        name,
        profile: Arc::new(profile),
        clock: fields.opt_time()?,
        clock_target: fields.opt_time()?,
        book_version: fields.int()?,
        created_at: fields.time()?,
    };
    Ok((row.org(1)?, platform))
}
