//! Small things that every bench keeps: random numbers, and a folder on the disk that is measured.

use std::path::{Path, PathBuf};

use store::testkit::TempFolder;

/// Random numbers from a seed: a run of a bench asks for the same things each time.
#[derive(Debug)]
pub struct Mixer(u64);

impl Mixer {
    pub fn new(seed: u64) -> Mixer {
        Mixer(seed.wrapping_mul(0x2545_f491_4f6c_dd1d))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap_or(0)
    }

    /// A random UUID as clients write it.
    pub fn uuid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | (low >> 50),
            low & 0xffff_ffff_ffff
        )
    }
}

/// A folder for a store: a fresh one that is removed, or one that is kept from run to run.
pub enum Folder {
    Fresh(TempFolder),
    Kept(PathBuf),
}

impl Folder {
    pub fn of(kept: Option<&PathBuf>) -> Folder {
        match kept {
            None => Folder::Fresh(TempFolder::new()),
            Some(path) => {
                std::fs::create_dir_all(path).expect("the folder can be made");
                Folder::Kept(path.clone())
            }
        }
    }

    pub fn path(&self) -> &Path {
        match self {
            Folder::Fresh(folder) => folder.path(),
            Folder::Kept(path) => path,
        }
    }
}
