//! Facts about this store.

use crate::error::StoreError;
use crate::statement::{Statement, catalogue};
use crate::writer::Writer;

catalogue! {
    /// Keeps the first value.
    KEEP: Statement = Statement::new(
        "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING"
    );
    /// Finds a value.
    FIND: Statement = Statement::new("SELECT value FROM meta WHERE name = $1");
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
