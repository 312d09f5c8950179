//! What a store promises, asked of both engines by one suite, and of SQLite's files.

/// Declares each promise as a test on each engine.
macro_rules! promises {
    ($($promise:ident)*) => {
        mod sqlite {
            $(#[test] fn $promise() { super::$promise(&super::Stand::sqlite()); })*
        }
        mod postgres {
            $(#[test] fn $promise() {
                if let Some(stand) = super::Stand::postgres() { super::$promise(&stand); }
            })*
        }
    };
}

mod catalogue;
mod conform;
mod fault;
mod file;
mod lane;
mod nouns;
mod random;
mod server;
mod views;

use domain::time::Timestamp;
use tokio::runtime::{Builder, Runtime};

use crate::testkit::{TempFolder, pg};
use crate::{Store, StoreUrl, migrate};

/// A store with the schema in it, and what keeps it alive.
struct Stand {
    store: Store,
    runtime: Runtime,
    folder: Option<TempFolder>,
    _database: Option<pg::Database>,
}

impl Stand {
    fn sqlite() -> Stand {
        let folder = TempFolder::new();
        let url = StoreUrl::Sqlite(folder.path().join("store"));
        Stand::open(&url, Some(folder), None)
    }

    /// None where there is no PostgreSQL.
    fn postgres() -> Option<Stand> {
        let database = pg::find_or_start()?.database();
        let url = database.url();
        Some(Stand::open(&url, None, Some(database)))
    }

    /// Another store on the same engine.
    fn again(&self) -> Stand {
        match self.folder {
            Some(_) => Stand::sqlite(),
            None => Stand::postgres().unwrap(),
        }
    }

    fn open(url: &StoreUrl, folder: Option<TempFolder>, _database: Option<pg::Database>) -> Stand {
        let runtime = runtime();
        let store = Store::open(url, runtime.handle()).unwrap();
        migrate::run(&store, "test", Timestamp::ZERO).unwrap();
        Stand { store, runtime, folder, _database }
    }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}
