//! Random numbers that a test can repeat: a seed is printed, and taken from `LABELHOOK_SEED` when it is set.

use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};

use crate::programs::variable;

/// A small generator (splitmix64); good enough to be unfair with.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A generator with a new seed, which is said, or with the one of `LABELHOOK_SEED`.
    pub fn announced(test: &str) -> Self {
        let given = variable("LABELHOOK_SEED").and_then(|seed| seed.to_str()?.parse().ok());
        let seed = given.unwrap_or_else(|| RandomState::new().hash_one(test) >> 32);
        // Past the capture of output: a run that hangs is worth its seed, too.
        writeln!(io::stderr(), "{test}: LABELHOOK_SEED={seed}").ok();
        Self(seed)
    }

    /// A generator for another task, whose numbers depend on this one's seed.
    pub fn fork(&mut self) -> Self {
        Self(self.next())
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).expect("a usize fits");
        usize::try_from(self.next() % end).expect("it is below a usize")
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
