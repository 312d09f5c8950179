//! A disk that is really full: every write is refused with the documented error and leaves nothing
//! behind, reads go on, and when there is room again the same requests are done.
//!
//! The server runs in a mount namespace of its own, in which the folder of its store is a file
//! system of a few megabytes. Where the system lets nobody make one, the test says so;
//! `DRAWDOWN_REQUIRE_MOUNTS=1` makes that a failure.

use std::path::{Path, PathBuf};

use super::*;

const DISK_MEGABYTES: usize = 16;
/// What another program has put there, and takes away later.
const FILLER_MEGABYTES: usize = 10;
/// More events than the rest of the disk can take, at about 24 KB of log for each by itself.
const EVENTS_MAX: usize = 2_000;

/// Whether a mount namespace can be had here.
fn can_mount() -> bool {
    let mount = "mount -t tmpfs -o size=1m tmpfs \"$0\"";
    let mut tried = Command::new("unshare");
    tried.args(["--user", "--map-root-user", "--mount", "sh", "-c", mount]);
    tried.arg(std::env::temp_dir());
    let can =
        tried.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|it| it.success());
    let is_required = std::env::var("DRAWDOWN_REQUIRE_MOUNTS").is_ok_and(|set| set == "1");
    assert!(can || !is_required, "DRAWDOWN_REQUIRE_MOUNTS=1, but no mount namespace can be had");
    if !can {
        println!("not tested: there is no mount namespace to be had here");
    }
    can
}

/// A server, and its folder as it sees it.
fn start_on_small_disk(folder: &Path, address: SocketAddr) -> (Server, PathBuf) {
    let script = format!(
        "mount -t tmpfs -o size={DISK_MEGABYTES}m tmpfs \"$0\" && \
         head -c {FILLER_MEGABYTES}M /dev/zero > \"$0/filler\" && exec \"$@\""
    );
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]).arg(folder);
    command.arg(env!("CARGO_BIN_EXE_drawdown"));
    let url = format!("sqlite:{}", folder.join("books.db").display());
    let server = Server::start_as(command, &url, address);
    let inside = format!("/proc/{}/root{}", server.child.id(), folder.display());
    (server, inside.into())
}

/// Every kind of write, each under a key of its own.
fn writes(organization: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("/v1/api_keys", json!({"organization": organization, "name": "x", "role": "read"})),
        ("/v1/grants", json!({"organization": organization, "amount": "5.00", "note": "x"})),
        ("/v1/deposits", json!({"organization": organization, "amount": "50.00"})),
        ("/v1/holds", json!({"organization": organization, "amount": "1.00"})),
        ("/v1/resources", json!({"organization": organization, "name": "x", "sku": "llm"})),
    ]
}

async fn listed(api: &Api, address: SocketAddr, organization: &str) -> Vec<Value> {
    let mut lists = Vec::new();
    for noun in ["ledger", "grants", "deposits", "holds", "resources", "api_keys", "events"] {
        let path = format!("/v1/{noun}?organization={organization}");
        let answer = api.call(address, "GET", &path, None, None).await;
        let Some((200, list)) = answer else { panic!("{noun} cannot be read: {answer:?}") };
        lists.push(list["data"].clone());
    }
    lists
}

fn event(organization: &str, number: usize) -> Value {
    json!({
        "id": format!("e{number}"), "source": "load", "sku": "llm",
        "organization": organization, "quantities": {"tokens": 1 + number % 7}
    })
}

/// Copies the files of a store out of a file system that ends with its server.
fn copied(inside: &Path, folder: &Path) -> String {
    for entry in std::fs::read_dir(inside).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    format!("sqlite:{}", folder.join("books.db").display())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_writes_and_loses_nothing() {
    if !can_mount() {
        return;
    }
    let (folder, copy) = (TempFolder::new(), TempFolder::new());
    let address = free_port();
    let (mut server, inside) = start_on_small_disk(folder.path(), address);
    let api = Api::new();
    wait_ready(&api, address).await;
    let organizations = set_up(&api, address, 1).await;
    let organization = &organizations[0];

    let mut sent = Sent::default();
    let mut refused = None;
    for number in 0..EVENTS_MAX {
        let event = event(organization, number);
        sent.events.insert(format!("e{number}"), event.clone());
        match api.call(address, "POST", "/v1/usage_events", Some(&event), None).await.unwrap() {
            (200, value) => {
                let amount = value["amount"].as_str().unwrap().to_owned();
                sent.acknowledged.insert(format!("e{number}"), amount);
            }
            answer => {
                refused = Some(answer);
                break;
            }
        }
    }
    let refused = refused.expect("the disk never filled up");
    assert_eq!((refused.0, &refused.1["code"]), (503, &json!("unavailable")), "{refused:?}");

    let before = listed(&api, address, organization).await;
    for turn in 0..3 {
        for (at, (path, body)) in writes(organization).into_iter().enumerate() {
            let key = format!("full-{turn}-{at}");
            let answer = api.call(address, "POST", path, Some(&body), Some(&key)).await.unwrap();
            assert_eq!((answer.0, &answer.1["code"]), (503, &json!("unavailable")), "{path}");
        }
        let event = event(organization, EVENTS_MAX + turn);
        let answer = api.call(address, "POST", "/v1/usage_events", Some(&event), None).await;
        assert_eq!(answer.unwrap().1["code"], "unavailable");
    }
    assert_eq!(listed(&api, address, organization).await, before, "a refused write left a trace");
    println!("{} events until the disk was full", sent.acknowledged.len());

    std::fs::remove_file(inside.join("filler")).unwrap();
    check(&api, address, &organizations, &sent).await;
    for (at, (path, body)) in writes(organization).into_iter().enumerate() {
        let key = format!("full-0-{at}");
        let answer = api.call(address, "POST", path, Some(&body), Some(&key)).await.unwrap();
        assert_eq!(answer.0, 201, "{path} with room again: {answer:?}");
    }

    // Stopped as it stands, so that its files are of one moment.
    let process = server.child.id().to_string();
    assert!(Command::new("kill").args(["-STOP", &process]).status().unwrap().success());
    let url = copied(&inside, copy.path());
    server.kill();
    verify(&url);
}
