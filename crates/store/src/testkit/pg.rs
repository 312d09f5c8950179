//! A PostgreSQL server for tests: the one at `TEST_PG_URL`, or one started from the programs found
//! on this machine.
//!
//! *Invariant:* all test processes of one user share one server, and none outlives its use for
//! long. Each process holds a shared lock on the file `users` for as long as it lives, however it
//! ends; a watcher tries for the exclusive lock every few seconds, and having it, stops the server
//! and removes its data before it lets go. Whoever comes next starts another.
//!
//! PostgreSQL refuses to run as root, so root hands it to the user `postgres`.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use domain::time::Timestamp;
use tokio_postgres::NoTls;

use crate::{Store, StoreUrl, migrate};

/// Whether commits reach the disk: tests are quick without, benches are honest with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    Off,
    On,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    /// Address up to the name of the database.
    base: String,
    folder: PathBuf,
    _user: File,
}

/// A database of its own, dropped with its owner.
#[derive(Debug)]
pub struct Database {
    base: String,
    name: String,
}

/// The server for tests, or None where there is no PostgreSQL; then it says so, past the test
/// runner's capture.
///
/// # Panics
/// When there is none although `DRAWDOWN_REQUIRE_POSTGRES=1`, or when the one found does not run.
pub fn find_or_start() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(|| found(Durability::Off)).as_ref()
}

/// The same with commits that reach the disk, for benches.
///
/// # Panics
/// As [`find_or_start`].
pub fn find_or_start_durable() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(|| found(Durability::On)).as_ref()
}

fn found(durability: Durability) -> Option<Server> {
    let folder = folder(durability);
    std::fs::create_dir_all(&folder).expect("a folder for the test server");
    let user = open(&folder.join("users"));
    user.lock_shared().expect("a lock on the test server's users");
    if let Ok(url) = std::env::var("TEST_PG_URL") {
        let start = url.find("://").map_or(0, |at| at + 3);
        let end = url[start..].find('/').map_or(url.len(), |at| start + at);
        return Some(Server { base: url[..end].to_owned(), folder, _user: user });
    }
    let Some(programs) = programs() else {
        let required = std::env::var("DRAWDOWN_REQUIRE_POSTGRES").is_ok_and(|set| set == "1");
        assert!(!required, "DRAWDOWN_REQUIRE_POSTGRES=1, but no PostgreSQL was found");
        let _ = std::io::stderr().write_all(
            b"\n*** NO POSTGRESQL FOUND: THE POSTGRESQL TESTS DID NOT RUN ***\n\
              *** set TEST_PG_URL, or install its server programs ***\n\n",
        );
        return None;
    };
    let start = open(&folder.join("start"));
    start.lock().expect("a lock on the start of the test server");
    let port = running(&folder).unwrap_or_else(|| start_server(&folder, &programs, durability));
    Some(Server { base: format!("postgres://postgres@127.0.0.1:{port}"), folder, _user: user })
}

impl Server {
    /// A database with nothing in it.
    pub fn empty_database(&self) -> Database {
        self.create("template0")
    }

    /// A database with the schema in it, copied from a template that the first caller makes.
    pub fn database(&self) -> Database {
        let template = format!("template_{}", &migrate::checksum()[..16]);
        let start = open(&self.folder.join("start"));
        start.lock().expect("a lock on the template");
        let exists = format!("SELECT 1 FROM pg_database WHERE datname = '{template}'");
        if self.admin(&exists) == 0 {
            self.admin(&format!("CREATE DATABASE {template} TEMPLATE template0"));
            fill(&format!("{}/{template}", self.base));
        }
        drop(start);
        self.create(&template)
    }

    fn create(&self, template: &str) -> Database {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::SeqCst);
        let name = format!("test_{}_{count}", std::process::id());
        self.admin(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        self.admin(&format!("CREATE DATABASE {name} TEMPLATE {template}"));
        Database { base: self.base.clone(), name }
    }

    fn admin(&self, text: &str) -> usize {
        admin(&self.base, text).unwrap_or_else(|error| panic!("{text}: {error:?}"))
    }
}

impl Database {
    pub fn url(&self) -> StoreUrl {
        StoreUrl::Postgres(format!("{}/{}", self.base, self.name))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A server that was stopped meanwhile has taken the database with it.
        let _ = admin(&self.base, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

/// Runs one statement on the server's own database, and counts its rows. On a thread of its own,
/// because the caller may be inside a runtime.
fn admin(base: &str, text: &str) -> Result<usize, tokio_postgres::Error> {
    let (url, text) = (format!("{base}/postgres"), text.to_owned());
    let work = move || {
        runtime().block_on(async move {
            let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
            tokio::spawn(connection);
            client.query(&text, &[]).await.map(|rows| rows.len())
        })
    };
    std::thread::spawn(work).join().expect("the thread that administers the test server")
}

fn fill(url: &str) {
    let url = StoreUrl::Postgres(url.to_owned());
    let work = move || {
        let runtime = runtime();
        let store = Store::open(&url, runtime.handle())?;
        migrate::run(&store, "testkit", Timestamp::ZERO)
    };
    let filled = std::thread::spawn(work).join().expect("the thread that fills the template");
    filled.expect("the schema in the template");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime for the test server")
}

fn folder(durability: Durability) -> PathBuf {
    let kind = match durability {
        Durability::Off => "fast",
        Durability::On => "durable",
    };
    std::env::temp_dir().join(format!("drawdown-postgres-{kind}-{}", user_id()))
}

fn user_id() -> u32 {
    std::fs::metadata("/proc/self").map_or(1, |own| own.uid())
}

fn open(path: &Path) -> File {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    file.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The folder with `initdb` and `pg_ctl`: on the path, else the newest of Debian's.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path)
        .filter_map(|folder| {
            folder.join("initdb").canonicalize().ok()?.parent().map(Path::to_owned)
        })
        .collect();
    let version = |folder: &PathBuf| -> u32 {
        let name = folder.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        name.and_then(|name| name.parse().ok()).unwrap_or(0)
    };
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut installed: Vec<PathBuf> = installed.map(|entry| entry.path().join("bin")).collect();
    installed.sort_by_key(|folder| std::cmp::Reverse(version(folder)));
    folders.extend(installed);
    folders.into_iter().find(|f| f.join("initdb").exists() && f.join("pg_ctl").exists())
}

fn running(folder: &Path) -> Option<u16> {
    let port = std::fs::read_to_string(folder.join("port")).ok()?.trim().parse().ok()?;
    TcpStream::connect(("127.0.0.1", port)).is_ok().then_some(port)
}

fn start_server(folder: &Path, programs: &Path, durability: Durability) -> u16 {
    let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    let port = free.expect("a free port").port();
    let home = folder.join("run");
    std::fs::create_dir_all(&home).expect("a folder for the test server's data");
    if user_id() == 0 {
        let owned = Command::new("chown").arg("postgres:postgres").arg(&home).status();
        assert!(owned.is_ok_and(|status| status.success()), "chown postgres {}", home.display());
    }
    let settings = match durability {
        Durability::Off => "-c fsync=off -c full_page_writes=off -c synchronous_commit=off",
        Durability::On => "-c fsync=on -c synchronous_commit=on -c max_wal_size=4GB",
    };
    let script = format!(
        "cd '{home}' && rm -rf data && \
         '{bin}/initdb' -D data -U postgres -A trust -E UTF8 --locale=C --no-sync && \
         '{bin}/pg_ctl' -D data -w -l server.log -o \"-p {port} -c listen_addresses=127.0.0.1 \
         -k '{home}' -c max_connections=300 -c shared_buffers=256MB {settings}\" start",
        home = home.display(),
        bin = programs.display(),
    );
    let started = unprivileged(&script).status();
    let log = home.join("server.log");
    assert!(started.is_ok_and(|status| status.success()), "no test server, see {}", log.display());
    let watch = format!(
        "cd '{home}' && (while sleep 5; do flock -n -x '{users}' sh -c \
         \"'{bin}/pg_ctl' -D data -m immediate -w stop; rm -rf data\" && exit; done) &",
        home = home.display(),
        users = folder.join("users").display(),
        bin = programs.display(),
    );
    let watched = unprivileged(&watch).status();
    assert!(watched.is_ok_and(|status| status.success()), "no watcher of the test server");
    std::fs::write(folder.join("port"), port.to_string()).expect("the test server's port");
    port
}

/// A shell outside this process's session and terminal, as a user that PostgreSQL accepts.
fn unprivileged(script: &str) -> Command {
    let mut command = Command::new("setsid");
    if user_id() == 0 {
        let drop = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"];
        command.args(drop);
    }
    command.args(["sh", "-c", script]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}
