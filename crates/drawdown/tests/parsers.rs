//! Everything that reads text from outside, given text that nobody would send: mutations of what is
//! right, and nonsense. Nothing panics, and what is accepted is written back as it was read.
//!
//! `PARSER_EXECUTIONS=10000000 cargo test --release -p drawdown --test parsers` takes longer.

use std::panic::{AssertUnwindSafe, catch_unwind};

use domain::{Amount, Id, Timestamp};
use web::api::usage_events::input;
use web::page::Page;
use web::route::{CLOUD_EVENT, CLOUD_EVENTS, JSON};

/// How often each parser is given something, in the ordinary run.
const EXECUTIONS: u64 = 20_000;

/// A small generator of its own: the same texts on every machine.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(most.max(1)).unwrap()).unwrap()
    }
}

/// Pieces that parsers take for something.
const PIECES: [&str; 40] = [
    "-",
    "+",
    ".",
    "0",
    "9",
    "00",
    "1e9",
    "9223372036854775808",
    "-9223372036854775808",
    "T",
    "Z",
    ":",
    "_",
    "{",
    "}",
    "[",
    "]",
    "\"",
    ",",
    "\\u0000",
    "\u{0}",
    "\u{202e}",
    "ø",
    "😀",
    "null",
    "true",
    "NaN",
    "=",
    "#",
    "\n",
    "\r\n",
    "\t",
    " ",
    "[x]",
    "\"\"\"",
    "->",
    "at ",
    "+00:00",
    "e",
    "999999999999999999999999999999999999",
];

/// One of the seeds, changed in a few places; now and then bytes that are no text.
fn changed(chance: &mut Chance, seeds: &[&str]) -> Vec<u8> {
    let mut text = seeds[chance.below(seeds.len())].as_bytes().to_vec();
    for _ in 0..=chance.below(6) {
        let at = chance.below(text.len() + 1);
        match chance.below(8) {
            0 if !text.is_empty() => drop(text.remove(at.min(text.len() - 1))),
            1 if !text.is_empty() => {
                let place = at.min(text.len() - 1);
                text[place] = u8::try_from(chance.next() & 0xff).unwrap();
            }
            2 => text.truncate(at),
            3 => {
                let copied = text[at..].to_vec();
                text.splice(at..at, copied);
            }
            4 => {
                let other = seeds[chance.below(seeds.len())].as_bytes();
                let from = chance.below(other.len() + 1);
                text.splice(at..at, other[from..].iter().copied());
            }
            5 => {
                let digit = b'0' + u8::try_from(chance.below(10)).unwrap();
                text.splice(at..at, [digit]);
            }
            _ => {
                let piece = PIECES[chance.below(PIECES.len())].as_bytes();
                text.splice(at..at, piece.iter().copied());
            }
        }
        text.truncate(4_096);
    }
    text
}

/// Gives `read` so many texts; the first at which it panics is named.
fn throw_at(name: &str, seeds: &[&str], read: impl Fn(&[u8])) {
    let asked = std::env::var("PARSER_EXECUTIONS").ok().and_then(|text| text.parse().ok());
    let executions = asked.unwrap_or(EXECUTIONS);
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    for execution in 0..executions {
        let text = changed(&mut chance, seeds);
        if catch_unwind(AssertUnwindSafe(|| read(&text))).is_err() {
            let shown = String::from_utf8_lossy(&text);
            panic!("{name} panicked at execution {execution}: {shown:?}");
        }
    }
    println!("{name}: {executions} executions");
}

/// Only what is text gets as far as most parsers.
fn of_text(read: impl Fn(&str)) -> impl Fn(&[u8]) {
    move |bytes| {
        if let Ok(text) = std::str::from_utf8(bytes) {
            read(text);
        }
    }
}

#[test]
fn amounts() {
    let seeds = ["0", "12.50", "-0.000000001", "9223372036.854775807", "-9223372036.854775808"];
    let read = |text: &str| {
        if let Ok(amount) = Amount::parse(text) {
            assert_eq!(Amount::parse(&amount.to_string()), Ok(amount), "{text}");
        }
    };
    throw_at("amounts", &seeds, of_text(read));
}

#[test]
fn times() {
    let seeds = [
        "2026-01-05T00:00:00Z",
        "1969-12-31T23:59:59.999999Z",
        "2026-02-29T24:60:61+14:00",
        "9999-12-31T23:59:59.999999-12:00",
    ];
    let read = |text: &str| {
        if let Some(at) = Timestamp::parse(text) {
            assert_eq!(Timestamp::parse(&at.to_string()), Some(at), "{text}");
        }
    };
    throw_at("times", &seeds, of_text(read));
}

#[test]
fn ids() {
    let seeds = [
        "org_3bbcyca53h13bg000000000000",
        "wal_3bbcyca53h13bg000000000001",
        "ltx_zzzzzzzzzzzzzzzzzzzzzzzzzz",
        "plt_00000000000000000000000000",
    ];
    let read = |text: &str| {
        if let Ok(id) = text.parse::<Id>() {
            assert_eq!(id.to_string(), text);
        }
    };
    throw_at("ids", &seeds, of_text(read));
}

#[test]
fn cursors() {
    let seeds = ["00000000000000070000000000000003", "7fffffffffffffff0000000000000000"];
    let read = |text: &str| drop(Page::read(Some(20), Some(text)));
    throw_at("cursors", &seeds, of_text(read));
}

#[test]
fn usage_events() {
    let seeds = [
        r#"{"id":"a","sku":"llm","quantities":{"tokens":1200}}"#,
        r#"{"events":[{"id":"a","sku":"llm","quantities":{"tokens":9},"labels":{"project":"x"}}]}"#,
        r#"{"specversion":"1.0","id":"a","source":"s","type":"usage","subject":"org_1",
            "time":"2026-01-05T00:00:00Z","data":{"sku":"llm","quantities":{"tokens":8}}}"#,
        r#"[{"specversion":"1.0","id":"a","source":"s","type":"t","data":{"quantities":{}}}]"#,
    ];
    let read = |bytes: &[u8]| {
        for media in [JSON, CLOUD_EVENT, CLOUD_EVENTS] {
            drop(input::read(media, bytes));
        }
    };
    throw_at("usage events", &seeds, read);
}

#[test]
fn profiles() {
    let spheron = include_str!("../../../profiles/spheron.toml");
    let deployments = include_str!("../../../profiles/deployments.toml");
    let lines: Vec<&str> = spheron.lines().chain(deployments.lines()).collect();
    let mut seeds = vec!["name = \"x\"\nversion = 1\n", "packs = [\"10\", \"25:2500:Small\"]"];
    seeds.extend(lines.into_iter().filter(|line| line.contains('=')));
    let read = |text: &str| {
        drop(app::profiles::parse(text));
        drop(app::profiles::with_settings("spheron", text));
    };
    throw_at("profiles", &seeds, of_text(read));
}

#[test]
fn scenarios() {
    let text = include_str!("../../../scenarios/later_grants.txt");
    let limits = include_str!("../../../scenarios/limits.txt");
    let seeds: Vec<&str> = text.lines().chain(limits.lines()).collect();
    let read = |text: &str| drop(drawdown::scenario::parse::parse("scenario", text));
    throw_at("scenarios", &seeds, of_text(read));
}
