//! The render cache of a shared subscription: rows rendered recently or being rendered, by their numbers. It is bounded
//! in rows and in bytes, with the oldest evicted first. A subscriber that is further behind has its rows rendered
//! again.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

use super::source::Row;

/// The maximum number of cached rows: about one second of rows under high load.
const ROWS: usize = 1024;
/// The approximate overhead of a cached row in bytes.
const BESIDE: usize = 256;

/// A rendered row: the response as JSON.
pub struct Shown(Arc<Cell>);

impl Deref for Shown {
    type Target = str;

    fn deref(&self) -> &str {
        self.0.shown.get().expect("it has been waited for")
    }
}

impl From<String> for Shown {
    fn from(text: String) -> Self {
        let cell = Cell::default();
        cell.set(text);
        Self(Arc::new(cell))
    }
}

/// An entry of the render cache: a row that was rendered or is being rendered.
#[derive(Default)]
pub struct Cell {
    shown: OnceLock<Box<str>>,
    /// Notified when all rows that are rendered together are ready.
    all: Arc<Notify>,
}

impl Cell {
    /// Stores the rendered row.
    pub fn set(&self, shown: String) {
        self.shown.get_or_init(|| shown.into());
    }

    /// Waits for the rendered row. Of rows that are rendered together, the first waits for all, so that a subscriber is
    /// woken once.
    pub async fn wait(self: Arc<Self>) -> Shown {
        while self.shown.get().is_none() {
            let mut all = std::pin::pin!(self.all.notified());
            all.as_mut().enable();
            if self.shown.get().is_none() {
                all.await;
            }
        }
        Shown(self)
    }
}

/// Rows that are not rendered yet, their entries, and the signal of their completion.
#[derive(Default)]
pub struct New {
    pub rows: Vec<(Row, Arc<Cell>)>,
    all: Arc<Notify>,
}

impl New {
    /// Signals that all rows are rendered.
    pub fn tell(&self) {
        self.all.notify_waiters();
    }
}

/// A hasher for row numbers, which are already well distributed keys.
#[derive(Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_i64(i64::from(*byte)));
    }

    fn write_i64(&mut self, number: i64) {
        let mixed = (self.0 ^ number.cast_unsigned()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The entries of a shared subscription, the newest last.
#[derive(Default)]
pub struct Shelf {
    cells: HashMap<i64, (Arc<Cell>, usize), BuildHasherDefault<Mixed>>,
    order: VecDeque<i64>,
    bytes: usize,
}

impl Shelf {
    /// Returns an entry for each row, and those that are new, which the caller must render.
    pub fn cells(&mut self, rows: &[Row]) -> (Vec<Arc<Cell>>, New) {
        let (mut cells, mut new) = (Vec::with_capacity(rows.len()), New::default());
        for row in rows {
            let number = row.number();
            let (cell, _) = self.cells.entry(number).or_insert_with(|| {
                let cell = Arc::new(Cell {
                    shown: OnceLock::new(),
                    all: Arc::clone(&new.all),
                });
                new.rows.push((row.clone(), Arc::clone(&cell)));
                self.order.push_back(number);
                self.bytes += BESIDE;
                (cell, BESIDE)
            });
            cells.push(Arc::clone(cell));
        }
        (cells, new)
    }

    /// Records the size of a rendered row, and evicts the oldest rows when the total exceeds the limit.
    pub fn keep(&mut self, number: i64, bytes: usize, most: usize) {
        if let Some((_, taken)) = self.cells.get_mut(&number) {
            *taken += bytes;
            self.bytes += bytes;
        }
        while (self.bytes > most || self.order.len() > ROWS)
            && let Some(oldest) = self.order.pop_front()
        {
            let taken = self.cells.remove(&oldest).map_or(0, |(_, taken)| taken);
            self.bytes -= taken;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_when_there_is_too_much() {
        let mut shelf = Shelf::default();
        let number = |shelf: &mut Shelf, number| {
            shelf.order.push_back(number);
            shelf.bytes += BESIDE;
            shelf.cells.insert(number, (Arc::default(), BESIDE));
        };
        (0..4).for_each(|at| number(&mut shelf, at));
        shelf.keep(3, 1_000, usize::MAX);
        shelf.keep(2, 10, 3 * BESIDE);
        assert!(shelf.cells.is_empty() && shelf.bytes == 0, "one that is heavy goes too");
        number(&mut shelf, 4);
        shelf.keep(9, 1_000_000, 2 * BESIDE);
        assert_eq!(shelf.bytes, BESIDE, "what has gone already takes nothing");
        (5..2_000).for_each(|at| number(&mut shelf, at));
        shelf.keep(1_999, 10, usize::MAX);
        assert_eq!((shelf.cells.len(), shelf.bytes), (ROWS, ROWS * BESIDE + 10));
    }
}
