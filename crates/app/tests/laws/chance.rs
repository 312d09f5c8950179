//! What happens by chance, as a seed has it.

/// Numbers that a seed repeats (xorshift).
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, limit: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from((self.0 >> 11) % limit.unsigned_abs()).unwrap()
    }

    pub fn one_in(&mut self, count: i64) -> bool {
        self.below(count) == 0
    }
}
