//! Stub.
use store::{Store, StoreError};
pub async fn run(_store: &Store, _progress: impl FnMut(u64, u64)) -> Result<(), StoreError> {
    Ok(())
}
