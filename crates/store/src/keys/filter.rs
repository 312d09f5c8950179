//! The filter of a sorted run: says "absent" for almost every key that the run does not hold, and
//! never for one that it does.
//!
//! True here: a key sets 8 bits, all in one cache line of 512 bits, one in each 64-bit word; the
//! line is chosen by hash range, so a run written in hash order writes its filter from first line
//! to last, a page at a time, without holding it. That is why this is a blocked Bloom filter: a
//! binary fuse filter is a tenth smaller but needs every key at once and three lines a probe.
//!
//! Lines are kept in segments of 240 KB, the unit of what is in memory and what stays on disk.

use super::{Address, Damaged, KeyHash, Part, index, number, open_body, range_of, seal_body, size};

pub(super) const LINE_BYTES: u64 = 64;
/// 60 lines and the checksum are 3,848 bytes: one row fills one 4 KB page of SQLite.
pub(super) const PAGE_LINES: u64 = 60;
pub(super) const SEGMENT_PAGES: u64 = 64;
pub(super) const SEGMENT_LINES: u64 = SEGMENT_PAGES * PAGE_LINES;

/// Keys whose lines are fetched ahead of testing them: 64 KB of lines.
const GROUP_KEYS: usize = 1024;

/// One cache line of the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(64))]
pub(super) struct Line([u64; 8]);

impl Line {
    pub(super) const EMPTY: Self = Self([0; 8]);

    pub(super) fn add(&mut self, hash: KeyHash) {
        let bits = spread(hash);
        for (word, shift) in self.0.iter_mut().zip(SHIFTS) {
            *word |= 1 << (bits >> shift & 63);
        }
    }

    /// Tests the first four words. Kept free of branches, so that the processor fetches the lines
    /// of several keys at once.
    #[inline]
    fn allows_first(&self, hash: KeyHash) -> bool {
        let [a, b, c, d, ..] = self.0;
        let m = spread(hash);
        (a >> (m >> SHIFTS[0] & 63))
            & (b >> (m >> SHIFTS[1] & 63))
            & (c >> (m >> SHIFTS[2] & 63))
            & (d >> (m >> SHIFTS[3] & 63))
            & 1
            == 1
    }

    pub(super) fn allows(&self, hash: KeyHash) -> bool {
        let bits = spread(hash);
        self.0.iter().zip(SHIFTS).all(|(word, shift)| word >> (bits >> shift & 63) & 1 == 1)
    }
}

const SHIFTS: [u32; 8] = [16, 22, 28, 34, 40, 46, 52, 58];

/// Mixes the hash again: its top bits chose the line, so they are the same for all keys of a line.
#[inline]
fn spread(hash: KeyHash) -> u64 {
    hash.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Returns the bits per key for a run of this size: more for small runs.
///
/// Every new key asks every run, so what counts is the *sum* of false positives; bits are cheap
/// where keys are few. At 10^8 keys in binary sizes this is 10.9 bits a key and 1.9 % in all, where
/// 10 bits for each of 8 runs would let 9 % through.
pub(super) fn bits_per_key(keys: u64) -> u64 {
    match keys {
        0..0x80_0000 => 16,
        0x80_0000..0x200_0000 => 12,
        _ => 10,
    }
}

/// Returns the number of lines for a run of this size.
pub(super) fn line_count(keys: u64) -> u64 {
    (keys * bits_per_key(keys)).div_ceil(LINE_BYTES * 8).max(1)
}

/// Encodes the lines of one page.
pub(super) fn encode_page(address: Address, lines: &[Line]) -> Vec<u8> {
    let mut body = Vec::with_capacity(lines.len() * 64 + 8);
    for word in lines.iter().flat_map(|line| line.0) {
        body.extend_from_slice(&word.to_le_bytes());
    }
    seal_body(Part::FilterPage, address, &mut body);
    body
}

/// Appends the lines of a page, of which there must be `count`.
pub(super) fn decode_page(
    address: Address,
    body: &[u8],
    count: u64,
    lines: &mut Vec<Line>,
) -> Result<(), Damaged> {
    let content = open_body(Part::FilterPage, address, body)?;
    if size(content.len()) != count * LINE_BYTES {
        return Err(Damaged { part: Part::FilterPage, address });
    }
    let (words, _) = content.as_chunks::<8>();
    let (groups, _) = words.as_chunks::<8>();
    lines.extend(groups.iter().map(|group| Line(group.map(u64::from_le_bytes))));
    Ok(())
}

/// The filter of one run, wholly or partly in memory.
pub(super) struct Filter {
    lines: u64,
    segments: Vec<Option<Box<[Line]>>>,
}

impl Filter {
    /// Makes a filter of which nothing is in memory yet.
    pub(super) fn paged(lines: u64) -> Self {
        let segments = (0..lines.div_ceil(SEGMENT_LINES)).map(|_| None).collect();
        Self { lines, segments }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.segments.iter().flatten().map(|lines| size(lines.len()) * LINE_BYTES).sum()
    }

    /// Splits the keys into those the run may hold and those whose line is not in memory.
    pub(super) fn sift(&self, hashes: &[KeyHash], maybe: &mut Vec<usize>, paged: &mut Vec<usize>) {
        maybe.clear();
        maybe.resize(hashes.len() + 1, 0);
        let mut kept = 0;
        for (at, group) in hashes.chunks(GROUP_KEYS).enumerate() {
            self.touch(group);
            for (key, hash) in (at * GROUP_KEYS..).zip(group) {
                match self.line(*hash) {
                    Some(line) => {
                        maybe[kept] = key;
                        kept += usize::from(line.allows_first(*hash));
                    }
                    None => paged.push(key),
                }
            }
        }
        maybe.truncate(kept);
        maybe.retain(|key| self.line(hashes[*key]).is_some_and(|line| line.allows(hashes[*key])));
    }

    /// Reads a word of each key's line. The loop does nothing else, so that as many lines as the
    /// processor can wait for are on their way at once; testing them afterwards is then cheap.
    fn touch(&self, hashes: &[KeyHash]) {
        let words = hashes.iter().map(|hash| self.line(*hash).map_or(0, |line| line.0[0]));
        std::hint::black_box(words.fold(0, |all, word| all ^ word));
    }

    #[inline]
    fn line(&self, hash: KeyHash) -> Option<&Line> {
        let line = range_of(hash.0, self.lines);
        let segment = self.segments[index(line / SEGMENT_LINES)].as_deref()?;
        segment.get(index(line % SEGMENT_LINES))
    }

    /// Returns the page of a hash and the line's place in it.
    pub(super) fn page_of(&self, hash: KeyHash) -> (i64, usize) {
        let line = range_of(hash.0, self.lines);
        (number(line / PAGE_LINES), index(line % PAGE_LINES))
    }

    pub(super) fn page_lines(&self, page: u64) -> u64 {
        PAGE_LINES.min(self.lines.saturating_sub(page * PAGE_LINES))
    }

    pub(super) fn segment_bytes(&self, segment: u64) -> u64 {
        SEGMENT_LINES.min(self.lines.saturating_sub(segment * SEGMENT_LINES)) * LINE_BYTES
    }

    /// Returns the first segment that is not in memory.
    pub(super) fn first_paged(&self) -> Option<u64> {
        self.segments.iter().position(Option::is_none).map(size)
    }

    pub(super) fn keep(&mut self, segment: u64, lines: Box<[Line]>) {
        assert_eq!(size(lines.len()) * LINE_BYTES, self.segment_bytes(segment));
        self.segments[index(segment)] = Some(lines);
    }

    /// Gives the last segment in memory back to the disk. Returns the bytes it freed.
    pub(super) fn page_out(&mut self) -> Option<u64> {
        let segment = self.segments.iter_mut().rev().find(|segment| segment.is_some())?;
        segment.take().map(|lines| size(lines.len()) * LINE_BYTES)
    }
}

/// Writes a filter from first line to last.
pub(super) struct FilterWriter {
    run: i64,
    lines: u64,
    segment: u64,
    buffer: Vec<Line>,
    pages_written: u64,
    keep_bytes: u64,
    kept: Vec<(u64, Box<[Line]>)>,
}

impl FilterWriter {
    /// Keeps at most `keep_bytes` of the finished lines in memory, so that they need not be read
    /// again when the run is installed.
    pub(super) fn new(run: i64, lines: u64, keep_bytes: u64) -> Self {
        let (segment, pages_written, kept) = (0, 0, Vec::new());
        let mut writer =
            Self { run, lines, segment, buffer: Vec::new(), pages_written, keep_bytes, kept };
        writer.start_segment(0);
        writer
    }

    /// Adds a key not smaller than the last one, and writes the pages that are finished by it.
    pub(super) fn add(&mut self, hash: KeyHash, pages: &mut Vec<(i64, Vec<u8>)>) {
        let line = range_of(hash.0, self.lines);
        self.write_until(line / PAGE_LINES, pages);
        self.buffer[index(line - self.segment * SEGMENT_LINES)].add(hash);
    }

    /// Writes the rest and returns the segments kept in memory.
    pub(super) fn finish(&mut self, pages: &mut Vec<(i64, Vec<u8>)>) -> Vec<(u64, Box<[Line]>)> {
        self.write_until(self.lines.div_ceil(PAGE_LINES), pages);
        std::mem::take(&mut self.kept)
    }

    fn write_until(&mut self, page: u64, pages: &mut Vec<(i64, Vec<u8>)>) {
        while self.pages_written < page {
            let from = index(self.pages_written % SEGMENT_PAGES * PAGE_LINES);
            let to = self.buffer.len().min(from + index(PAGE_LINES));
            let number = number(self.pages_written);
            let address = Address { run: self.run, number };
            pages.push((number, encode_page(address, &self.buffer[from..to])));
            self.pages_written += 1;
            if to == self.buffer.len() {
                self.start_segment(self.segment + 1);
            }
        }
    }

    fn start_segment(&mut self, next: u64) {
        let done = std::mem::take(&mut self.buffer);
        let bytes = size(done.len()) * LINE_BYTES;
        if bytes > 0 && bytes <= self.keep_bytes {
            self.keep_bytes -= bytes;
            self.kept.push((self.segment, done.into_boxed_slice()));
        }
        let lines = SEGMENT_LINES.min(self.lines.saturating_sub(next * SEGMENT_LINES));
        self.buffer = vec![Line::EMPTY; index(lines)];
        self.segment = next;
    }
}
