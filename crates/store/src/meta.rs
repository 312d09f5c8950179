//! Facts about this store.

use crate::error::StoreError;
use crate::snapshot::Snapshot;
use crate::statement::{Statement, catalogue};
use crate::value::Row;
use crate::writer::Writer;

catalogue! {
    /// Keeps the first value.
    KEEP: Statement = Statement::new(
        "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING"
    );
    /// Finds a value.
    FIND: Statement = Statement::new("SELECT value FROM meta WHERE name = $1");
    /// Sets a value.
    SET: Statement = Statement::new(
        "INSERT INTO meta (name, value) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    );
}

/// The name under which the era is kept.
pub(crate) const ERA: &str = "era";
/// The era of a store that was never restored, which keeps none.
const FIRST_ERA: i64 = 1;

/// The era of this store: how often it, or what it was made from, was begun (rulings A14).
///
/// Errors: `Corrupt` when what is stored is no era.
pub async fn era(snapshot: &mut Snapshot) -> Result<i64, StoreError> {
    era_of(&snapshot.query(&FIND, &[ERA.into()]).await?)
}

/// The era that was found.
pub(crate) fn era_of(rows: &[Row]) -> Result<i64, StoreError> {
    let Some(row) = rows.first() else { return Ok(FIRST_ERA) };
    let stored = row.text(0)?;
    let era = stored.parse().ok().filter(|era| *era > FIRST_ERA);
    era.ok_or_else(|| StoreError::Corrupt(format!("the stored era `{stored}` is none")))
}

/// The store's own secret, which key hashes are keyed with; `fresh` becomes it at the first start.
///
/// Errors: `Corrupt` when what is stored is no secret.
pub fn secret(w: &mut Writer, fresh: [u8; 16]) -> Result<[u8; 16], StoreError> {
    let hex: String = fresh.iter().map(|byte| format!("{byte:02x}")).collect();
    w.execute(&KEEP, &["secret".into(), hex.into()])?;
    let rows = w.query(&FIND, &["secret".into()])?;
    let stored = rows.first().ok_or_else(|| StoreError::mistake("no secret was kept"))?.text(0)?;
    let whole = u128::from_str_radix(stored, 16);
    match whole {
        Ok(whole) if stored.len() == 32 => Ok(whole.to_be_bytes()),
        // The value itself stays out of messages.
        _ => Err(StoreError::Corrupt("the stored secret is not 32 hexadecimal digits".to_owned())),
    }
}
