//! The files of the repository, in one stable order.
//!
//! The tree is walked instead of asking git, so that the rules also hold in an unpacked archive
//! and see a new file before it is added.

use std::fs;
use std::path::{Path, PathBuf};

use crate::source::Source;

/// One text file; its path is relative to the root and written with `/`.
#[derive(Clone, Debug)]
pub struct File {
    pub path: String,
    pub text: String,
    /// Declared as a module under `#[cfg(test)]`.
    test_module: bool,
}

/// What holds nothing of ours; in a second work tree `.git` is a file.
const SKIPPED: [&str; 3] = [".git", "node_modules", "target"];

impl File {
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> File {
        File { path: path.into(), text: text.into(), test_module: false }
    }

    /// The crate this file belongs to, by its folder.
    pub fn room(&self) -> Option<&str> {
        let (room, _) = self.path.strip_prefix("crates/")?.split_once('/')?;
        Some(room)
    }

    pub fn is_in(&self, rooms: &[&str]) -> bool {
        self.room().is_some_and(|room| rooms.contains(&room))
    }

    pub fn has_extension(&self, extension: &str) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, last)| last == extension)
    }

    pub fn is_rust(&self) -> bool {
        self.room().is_some() && self.has_extension("rs")
    }

    /// Whether the whole file exists for tests: by its name, folder, crate or declaration.
    pub fn is_test(&self) -> bool {
        let test_folder = |part| matches!(part, "tests" | "benches" | "examples" | "testkit");
        self.test_module
            || self.is_in(&["sim", "tidy"])
            || self.path.split('/').any(test_folder)
            || self.path.ends_with("/tests.rs")
            || self.path.ends_with("/testkit.rs")
    }
}

/// The root of the workspace.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// Every text file, sorted by path. What is not UTF-8 is not text.
pub fn files() -> Vec<File> {
    let root = root();
    let mut paths = Vec::new();
    walk(&root, &mut paths);
    let mut files: Vec<_> = paths
        .iter()
        .filter_map(|path| {
            let text = fs::read_to_string(path).ok()?;
            let parts = path.strip_prefix(&root).ok()?.iter();
            let parts: Vec<_> = parts.map(|part| part.to_string_lossy()).collect();
            Some(File::new(parts.join("/"), text))
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let places: Vec<_> = files.iter().flat_map(test_modules).collect();
    for file in &mut files {
        file.test_module = places.iter().any(|place| is_module(&file.path, place));
    }
    files
}

/// The Rust files of all crates, sorted by path.
pub fn rust_files() -> Vec<File> {
    files().into_iter().filter(File::is_rust).collect()
}

/// One file by its path, or nothing when there is none.
pub fn file(path: &str) -> Option<File> {
    let text = fs::read_to_string(root().join(path)).ok()?;
    Some(File::new(path, text))
}

/// Where the modules are that a file declares under `#[cfg(test)]`, without `.rs`.
fn test_modules(file: &File) -> Vec<String> {
    if !file.is_rust() || !file.text.contains("#[cfg(") {
        return Vec::new();
    }
    let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
    let folder = match name.trim_end_matches(".rs") {
        "lib" | "main" | "mod" => folder.to_string(),
        name => format!("{folder}/{name}"),
    };
    let source = Source::of(file);
    let tests = source.lines().filter(|&(line, _)| source.is_test(line));
    let modules = tests.filter_map(|(_, code)| code.trim().strip_suffix(';')?.rsplit_once("mod "));
    modules.map(|(_, module)| format!("{folder}/{module}")).collect()
}

fn is_module(path: &str, place: &str) -> bool {
    path.strip_prefix(place).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        if SKIPPED.iter().any(|&name| entry.file_name() == name) {
            continue;
        }
        if kind.is_dir() {
            walk(&entry.path(), paths);
        } else if kind.is_file() {
            paths.push(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_the_room_and_whether_it_is_a_test() {
        for (path, room, is_test) in [
            ("crates/store/src/journal.rs", Some("store"), false),
            ("crates/store/src/tests/journal.rs", Some("store"), true),
            ("crates/domain/src/hold/tests.rs", Some("domain"), true),
            ("crates/domain/src/contests.rs", Some("domain"), false),
            ("crates/sim/src/world.rs", Some("sim"), true),
            ("README.md", None, false),
        ] {
            let file = File::new(path, "");
            assert_eq!((file.room(), file.is_test()), (room, is_test), "{path}");
        }
    }

    #[test]
    fn a_module_declared_under_cfg_test_is_a_test() {
        let text = "mod a;\n#[cfg(test)]\npub(crate) mod samples;\nmod b;";
        let places = test_modules(&File::new("crates/web/src/pages/mod.rs", text));
        assert_eq!(places, ["crates/web/src/pages/samples"]);
        let places = test_modules(&File::new("crates/web/src/pages.rs", text));
        assert_eq!(places, ["crates/web/src/pages/samples"]);
        assert!(is_module("crates/web/src/pages/samples.rs", &places[0]));
        assert!(is_module("crates/web/src/pages/samples/a.rs", &places[0]));
        assert!(!is_module("crates/web/src/pages/samples_of.rs", &places[0]));
    }

    #[test]
    fn the_walk_finds_this_file_and_no_build_output() {
        let files = files();
        assert!(files.iter().any(|file| file.path == "crates/tidy/src/repository.rs"));
        assert!(!files.iter().any(|file| file.path.starts_with("target/")));
    }
}
