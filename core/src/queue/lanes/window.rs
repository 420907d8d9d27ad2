//! The window: the bounded number of jobs that this process holds in memory, and how lanes divide it.
//!
//! With `total` and `lane` of [`Window`], `held` jobs in memory, `busy` lanes that hold something, `live` of these
//! without a backlog, and `claimable` = `total` − `total` / 4:
//!
//! | Lane | Jobs it may hold at most |
//! |---|---|
//! | holds nothing | one always fits, even in a full window: a window full of dead webhooks stops nobody |
//! | has a backlog | `total` / (2 × `busy`), but at least 8 and at most `lane` |
//! | live (no backlog) | the same with `live` in place of `busy`; or more, if a quarter of `claimable` − `held` or a sixteenth of `total` − `held` is more |
//! | circuit breaker not closed | one |
//!
//! Claims fill the window up to `claimable`; the last quarter is for new events, however many lanes have a backlog. A
//! live lane may hold more because a job that stays in memory costs half of one that goes through the database.

/// The smallest share of a lane when many lanes divide the window.
const MIN_SHARE: usize = 8;

/// The size of the window.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// The most jobs over all lanes.
    pub total: usize,
    /// The most jobs of one lane while few lanes are at work. With many, each gets a share.
    pub lane: usize,
}

impl Default for Window {
    fn default() -> Self {
        Self { total: 4096, lane: 256 }
    }
}

impl Window {
    /// Returns the share of one lane while `lanes` lanes divide half the window.
    pub(crate) fn share(self, lanes: usize) -> usize {
        let most = self.lane.max(1);
        (self.total / (2 * lanes.max(1))).clamp(MIN_SHARE.min(most), most)
    }

    /// Returns the part of the free places that one live lane may take while `held` places are taken.
    pub(crate) fn spare(self, held: usize) -> usize {
        let free = |most: usize| most.saturating_sub(held);
        (free(self.to_claim()) / 4).max(free(self.total) / 16)
    }

    /// Returns the places that claims may fill. The rest is for new events, however many lanes have a backlog.
    pub(crate) fn to_claim(self) -> usize {
        self.total - self.total / 4
    }
}
