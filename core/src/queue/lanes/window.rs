//! The window's size, and how lanes divide it.

/// Places of one lane at least, when the window is shared by many.
const LEAST: usize = 8;

/// How much the window holds.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Jobs over all lanes.
    pub total: usize,
    /// Jobs of one lane, when few lanes are at work. With many, each gets its share of half the window. Those that are not
    /// behind share it with each other alone, and may have a quarter of what is free of what claims may fill if that is
    /// more, or a sixteenth of all that is free: what stays in memory costs half of what goes through the database. One job
    /// a lane always fits, so that a window full of dead webhooks stops nobody.
    pub lane: usize,
}

impl Default for Window {
    fn default() -> Self {
        Self { total: 4096, lane: 256 }
    }
}

impl Window {
    /// Places of one lane while this many are at work.
    pub(crate) fn share(self, lanes: usize) -> usize {
        let most = self.lane.max(1);
        (self.total / (2 * lanes.max(1))).clamp(LEAST.min(most), most)
    }

    /// The part of a lane of what is free while so many places are taken.
    pub(crate) fn spare(self, held: usize) -> usize {
        let free = |most: usize| most.saturating_sub(held);
        (free(self.to_claim()) / 4).max(free(self.total) / 16)
    }

    /// What claims may fill. The rest is for what happens meanwhile, however many lanes are behind.
    pub(crate) fn to_claim(self) -> usize {
        self.total - self.total / 4
    }
}
