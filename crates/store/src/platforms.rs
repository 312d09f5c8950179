//! Platforms, and the price book of each.

use std::sync::Arc;

use domain::price::PriceBook;
use domain::profile::{Profile, Version, Versions};
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
    ("versions", Kind::Text),
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
    /// Platforms whose profile has more than one version.
    WITH_VERSIONS: Statement = Statement::new(
        "SELECT bucket, org_id, name, profile, profile_version, settings, versions, clock, \
         clock_target, book_version, created_at FROM platforms WHERE versions <> '' \
         ORDER BY org_id"
    );
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

/// The platforms whose profile has more than one version.
pub async fn with_versions(store: &Store) -> Result<Vec<(OrgId, Platform)>, StoreError> {
    let rows = store.snapshot().await?.query(&WITH_VERSIONS, &[]).await?;
    rows.iter().map(read).collect()
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
        .text(|platform| &platform.profiles.first().name)
        .int(|platform| platform.profiles.first().version)
        .made_text(|platform| platform.profiles.first().text())
        .made_text(|platform| versions_text(&platform.profiles))
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
    let profiles = read_versions(profile, &fields.text()?)?;
    let platform = Platform {
        name,
        profiles,
        clock: fields.opt_time()?,
        clock_target: fields.opt_time()?,
        book_version: fields.int()?,
        created_at: fields.time()?,
    };
    Ok((row.org(1)?, platform))
}

/// The versions after the first, one a line: effect, making, when all were told, number, and the
/// settings that each has otherwise than the one before.
fn versions_text(profiles: &Versions) -> String {
    let mut before = profiles.first();
    let mut lines = Vec::new();
    for version in profiles.later() {
        let told_at = version.told_at.map(|at| at.micros().to_string()).unwrap_or_default();
        let (effect, made) = (version.effective_from.micros(), version.created_at.micros());
        let (number, changes) = (version.profile.version, version.profile.changes_since(before));
        lines.push(format!("{effect}:{made}:{told_at}:{number}:{changes}"));
        before = &version.profile;
    }
    lines.join("\n")
}

fn read_versions(first: Profile, text: &str) -> Result<Versions, StoreError> {
    let wrong = |line: &str| StoreError::Corrupt(format!("{line} is no version of a profile"));
    let mut profile = first.clone();
    let mut profiles = Versions::new(first);
    for line in text.lines() {
        let parts: Vec<&str> = line.splitn(5, ':').collect();
        let [effect, made, told_at, number, changes] = parts[..] else { return Err(wrong(line)) };
        let time = |text: &str| text.parse().map(Timestamp::from_micros).map_err(|_| wrong(line));
        profile.version = number.parse().map_err(|_| wrong(line))?;
        profile.apply(changes).map_err(StoreError::Corrupt)?;
        let effective_from = time(effect)?;
        if profiles.next_change(effective_from.plus_seconds(-1)) != Timestamp::NEVER {
            return Err(wrong(line));
        }
        profiles.push(Version {
            effective_from,
            created_at: time(made)?,
            told_at: if told_at.is_empty() { None } else { Some(time(told_at)?) },
            profile: Arc::new(profile.clone()),
        });
    }
    Ok(profiles)
}
