//! The stylesheet, the script and the mark, carried inside the binary.
//!
//! The address of an asset contains a fingerprint of its content, so a browser may keep it for
//! ever and still never show a page with yesterday's stylesheet.

use std::sync::LazyLock;

/// One file served under `/assets/`.
pub struct Asset {
    pub name: &'static str,
    pub content_type: &'static str,
    pub body: &'static str,
}

pub static STYLESHEET: Asset = Asset {
    name: "app.css",
    content_type: "text/css; charset=utf-8",
    body: include_str!("../assets/app.css"),
};
pub static SCRIPT: Asset = Asset {
    name: "app.js",
    content_type: "text/javascript; charset=utf-8",
    body: include_str!("../assets/app.js"),
};
pub static MARK: Asset = Asset {
    name: "mark.svg",
    content_type: "image/svg+xml",
    body: include_str!("../assets/mark.svg"),
};
pub static ASSETS: [&Asset; 3] = [&STYLESHEET, &SCRIPT, &MARK];

pub(super) static STYLESHEET_PATH: LazyLock<String> = LazyLock::new(|| STYLESHEET.path());
pub(super) static SCRIPT_PATH: LazyLock<String> = LazyLock::new(|| SCRIPT.path());
pub(super) static MARK_PATH: LazyLock<String> = LazyLock::new(|| MARK.path());

impl Asset {
    /// The address with the content's fingerprint: `/assets/app.css?v=1f3a…`.
    pub fn path(&self) -> String {
        format!("/assets/{}?v={:016x}", self.name, fingerprint(self.body))
    }

    /// The asset of that name, for the handler of `/assets/{name}`.
    pub fn find(name: &str) -> Option<&'static Asset> {
        ASSETS.into_iter().find(|asset| asset.name == name)
    }
}

/// FNV-1a: tells contents apart; nobody gains by forging it.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
