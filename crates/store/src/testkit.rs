//! What tests and benches of this and other crates need to stand a store up.

pub mod naive;
pub mod pg;
pub mod tamper;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder of its own for one test, removed with everything in it when it is dropped.
#[derive(Debug)]
pub struct TempFolder {
    path: PathBuf,
}

impl TempFolder {
    /// # Panics
    /// When the folder cannot be made: there is no test without it.
    // It makes a folder, which a default must not.
    #[allow(clippy::new_without_default)]
    pub fn new() -> TempFolder {
        TempFolder::below(std::env::temp_dir())
    }

    /// A folder that is kept in memory where the system has such a place: for what is thrown away
    /// too often to wait for a disk each time.
    ///
    /// # Panics
    /// When the folder cannot be made.
    pub fn in_memory() -> TempFolder {
        let memory = PathBuf::from("/dev/shm");
        TempFolder::below(if memory.is_dir() { memory } else { std::env::temp_dir() })
    }

    fn below(parent: PathBuf) -> TempFolder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "drawdown-test-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::SeqCst)
        );
        let path = parent.join(name);
        // A process of the same number may have been killed before it could tidy up.
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a temporary folder");
        TempFolder { path }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        // What cannot be removed is left to the system's own tidying.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
