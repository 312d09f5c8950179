//! Large and broken bodies, many at once, at the real server: what they cost it in memory is
//! bounded.

use super::*;

/// Bodies sent at the same time; the largest, 10 MB each, would be 480 MB together.
const AT_ONCE: usize = 48;
/// What the server may grow by while it reads them: 64 MB of bodies, at most three times as much
/// with what is made of them, and what the allocator keeps.
const GROWTH_KIB_MAX: u64 = 256 << 10;
const MEGABYTE: usize = 1 << 20;

/// The most memory that a process has had in RAM since it was last asked to forget.
fn peak_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Begins the peak anew.
fn forget_peak(process: u32) {
    std::fs::write(format!("/proc/{process}/clear_refs"), "5").unwrap();
}

/// A batch of small events, as many as the body has room for.
fn many_events(bytes: usize) -> Vec<u8> {
    let mut body = b"{\"events\":[".to_vec();
    let mut number = 0;
    while body.len() < bytes {
        let event = format!("{{\"id\":\"{number}\",\"sku\":\"x\",\"quantities\":{{\"t\":1}}}},");
        body.extend_from_slice(event.as_bytes());
        number += 1;
    }
    body.pop();
    body.extend_from_slice(b"]}");
    body
}

/// One event whose id is nearly all of the body.
fn one_long_event(bytes: usize) -> Vec<u8> {
    let id = "x".repeat(bytes - 100);
    format!("{{\"id\":\"{id}\",\"sku\":\"x\",\"quantities\":{{\"t\":1}}}}").into_bytes()
}

/// Status and code; none where the connection may be cut off while the rest is still being sent.
type Told = Option<(u16, &'static str)>;

/// Bodies: what they are, and what they are told.
fn bodies() -> Vec<(&'static str, Vec<u8>, Told)> {
    let within = 8 * MEGABYTE - 1_000;
    let mut broken = b"{\"events\":[{\"id\":\"".to_vec();
    broken.resize(within, 0xff);
    vec![
        ("10 MB of spaces", vec![b' '; 10 * MEGABYTE], None),
        ("a million events", many_events(10 * MEGABYTE), None),
        ("events up to the limit", many_events(within), Some((413, "too_many_events"))),
        ("one long event", one_long_event(within), Some((400, "parameter_invalid"))),
        ("deep", b"[".repeat(within), Some((400, "malformed"))),
        ("deep inside", b"{\"events\":".repeat(within / 10), Some((400, "malformed"))),
        ("broken UTF-8", broken, Some((400, "malformed"))),
        ("NUL bytes", vec![0; within], Some((400, "malformed"))),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn large_and_broken_bodies_cost_bounded_memory() {
    let folder = TempFolder::new();
    let url = format!("sqlite:{}", folder.path().join("books.db").display());
    let address = free_port();
    let server = Server::start(&url, address);
    let api = Api::new();
    wait_ready(&api, address).await;
    let process = server.child.id();
    forget_peak(process);
    let before = peak_kib(process);
    for (what, body, told) in bodies() {
        // Connections of its own: those of a body that was too large are being closed.
        let (api, body) = (Api::new(), Bytes::from(body));
        let send = |_| {
            let (api, body) = (api.clone(), body.clone());
            tokio::spawn(async move { api.send(address, "/v1/usage_events", body).await })
        };
        for sent in (0..AT_ONCE).map(send).collect::<Vec<_>>() {
            let answer = sent.await.unwrap();
            match (told, answer) {
                (Some((status, code)), Some(answer)) => {
                    assert_eq!((answer.0, &answer.1["code"]), (status, &json!(code)), "{what}");
                }
                (Some(_), None) => panic!("{what}: no answer"),
                (None, Some(answer)) => {
                    assert_eq!((answer.0, &answer.1["code"]), (413, &json!("body_too_large")));
                }
                (None, None) => {}
            }
        }
        let grown = peak_kib(process).saturating_sub(before);
        println!("{what}, {AT_ONCE} at once: grown by {} MB", grown >> 10);
        assert!(grown < GROWTH_KIB_MAX, "{what}: grown by {grown} KiB");
    }
    wait_ready(&api, address).await;
}
