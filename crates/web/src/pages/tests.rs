//! What must hold of every page, whatever it shows. With `DRAWDOWN_RENDER_DIR` the same pages are
//! written to a folder, to be looked at.

use std::collections::BTreeSet;

use super::{assets, samples};

/// A start tag: name and attributes as they are written.
struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
    /// Names of the elements it stands in.
    inside: Vec<String>,
    offset: usize,
}

impl Tag {
    fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

const VOID: [&str; 6] = ["input", "meta", "link", "br", "hr", "img"];

/// Reads the tags of a page that maud wrote: attributes are quoted and text is escaped.
fn tags(html: &str) -> Vec<Tag> {
    let (mut tags, mut open) = (Vec::new(), Vec::<String>::new());
    let mut at = 0;
    while let Some(start) = html[at..].find('<').map(|found| at + found) {
        let mut quoted = false;
        let length = html[start..].find(|letter| {
            quoted ^= letter == '"';
            letter == '>' && !quoted
        });
        let end = start + length.expect("a tag ends");
        let inner = &html[start + 1..end];
        at = end + 1;
        if inner.starts_with('!') {
            continue;
        }
        if let Some(name) = inner.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "elements nest");
            continue;
        }
        let name = inner.split(' ').next().unwrap_or(inner).to_owned();
        let tag = Tag {
            attributes: attributes(&inner[name.len()..]),
            inside: open.clone(),
            name: name.clone(),
            offset: start,
        };
        if !VOID.contains(&name.as_str()) {
            open.push(name);
        }
        tags.push(tag);
    }
    assert!(open.is_empty(), "every element is closed: {open:?}");
    tags
}

fn attributes(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest.find([' ', '=']).unwrap_or(rest.len());
        let name = rest[..end].to_owned();
        rest = &rest[end..];
        let mut value = String::new();
        if let Some(quoted) = rest.strip_prefix("=\"") {
            let (inside, after) = quoted.split_once('"').expect("a value ends");
            (value, rest) = (inside.to_owned(), after);
        }
        found.push((name, value));
        rest = rest.trim_start();
    }
    found
}

fn each_page(check: impl Fn(&str, &str, &[Tag])) {
    for (name, html) in samples::all() {
        check(name, &html, &tags(&html));
    }
}

#[test]
fn render_samples() {
    let Some(folder) = std::env::var_os("DRAWDOWN_RENDER_DIR") else {
        return;
    };
    let folder = std::path::PathBuf::from(folder);
    std::fs::create_dir_all(folder.join("assets")).unwrap();
    for asset in assets::ASSETS {
        std::fs::write(folder.join("assets").join(asset.name), asset.body).unwrap();
    }
    for (name, html) in samples::all() {
        std::fs::write(folder.join(format!("{name}.html")), html).unwrap();
    }
}

#[test]
fn pages_stand_under_the_strict_policy() {
    each_page(|page, html, tags| {
        for tag in tags {
            assert_ne!(tag.name, "style", "{page}");
            for (name, value) in &tag.attributes {
                assert_ne!(name, "style", "{page}: style attribute on {}", tag.name);
                assert!(!name.starts_with("on"), "{page}: {name} on {}", tag.name);
                assert!(!value.starts_with("javascript:"), "{page}");
            }
            if tag.name == "script" {
                assert!(tag.get("src").is_some_and(|src| src.starts_with("/assets/")), "{page}");
                assert!(html[tag.offset..].contains("></script>"), "{page}: inline script");
            }
        }
    });
}

#[test]
fn pages_have_one_heading_one_main_and_unique_ids() {
    each_page(|page, _, tags| {
        for name in ["h1", "main", "title"] {
            let here = tags.iter().filter(|tag| tag.name == name && !inside(tag, "svg")).count();
            assert_eq!(here, 1, "{page}: {name}");
        }
        let mut ids = BTreeSet::new();
        for id in tags.iter().filter_map(|tag| tag.get("id")) {
            assert!(ids.insert(id), "{page}: id {id} twice");
        }
        for tag in tags {
            let named = ["aria-labelledby", "aria-describedby", "for"];
            for id in named.iter().filter_map(|name| tag.get(name)).flat_map(|ids| ids.split(' ')) {
                assert!(ids.contains(id), "{page}: nothing has id {id}");
            }
            if let Some(id) = tag.get("href").and_then(|href| href.strip_prefix('#')) {
                assert!(ids.contains(id), "{page}: link to missing #{id}");
            }
        }
        let level = |tag: &Tag| match tag.name.as_str() {
            "h1" => Some(1),
            "h2" => Some(2),
            "h3" => Some(3),
            _ => None,
        };
        let levels: Vec<i32> = tags.iter().filter_map(level).collect();
        assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{page}: {levels:?}");
    });
}

fn inside(tag: &Tag, name: &str) -> bool {
    tag.inside.iter().any(|outer| outer == name)
}

#[test]
fn every_field_is_labelled_and_every_form_carries_its_attempt() {
    each_page(|page, html, tags| {
        let labelled: BTreeSet<_> = tags.iter().filter_map(|tag| tag.get("for")).collect();
        for tag in tags.iter().filter(|tag| tag.name == "input") {
            let named =
                inside(tag, "label") || tag.get("id").is_some_and(|id| labelled.contains(id));
            assert!(named || tag.get("type") == Some("hidden"), "{page}: unlabelled input");
        }
        for form in tags.iter().filter(|tag| tag.name == "form") {
            assert_eq!(form.get("method"), Some("post"), "{page}");
            assert!(form.get("action").is_some_and(|action| action.starts_with('/')), "{page}");
            let end = html[form.offset..].find("</form>").unwrap();
            let body = &html[form.offset..form.offset + end];
            assert!(body.contains("name=\"attempt_key\""), "{page}: {:?}", form.get("action"));
        }
        for tag in tags.iter().filter(|tag| tag.name == "svg") {
            let said = tag.get("role") == Some("img") && tag.get("aria-label").is_some();
            assert!(said || tag.get("aria-hidden") == Some("true"), "{page}: silent drawing");
        }
    });
}

#[test]
fn the_wallet_says_money_time_and_what_stops() {
    let page = super::wallet::view(&samples::wallet()).into_string();
    for text in [
        "exactly $93.8275",
        "Wed 7 Jan 2026, 16:12:06 UTC",
        "train-h100 and scratch-volume",
        "12,345 s × $1.80/h = <b>$6.1725</b>",
        "data-available-nanos=\"93827500000\"",
        "data-burn-nanos-per-second=\"500000.000000\"",
        "min $15 · max $5,000",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert!(page.len() < 120_000, "{} bytes before compression", page.len());
}

#[test]
fn texts_of_strangers_are_escaped() {
    let mut page = samples::wallet();
    page.name = "<script>alert(1)</script>".into();
    page.running.resources[0].name = "\" onclick=\"x".into();
    let html = super::wallet::view(&page).into_string();
    assert!(!html.contains("<script>alert") && !html.contains("\" onclick=\""));
}
