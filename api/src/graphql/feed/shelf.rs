//! Rows that a class has shown lately or is about to show, by their numbers: bounded in number and in bytes, the oldest go
//! first. Who is further behind is shown them anew.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

use super::source::Row;

/// Rows that are kept: about as many as happen in a second where much happens.
const ROWS: usize = 1024;
/// What a shown row takes beside its bytes, about.
const BESIDE: usize = 256;

/// A row as its subscribers get it: the answer as JSON.
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

/// A row that has been shown or will be.
#[derive(Default)]
pub struct Cell {
    shown: OnceLock<Box<str>>,
    /// Told when all that are shown together have been.
    all: Arc<Notify>,
}

impl Cell {
    /// It has been shown.
    pub fn set(&self, shown: String) {
        self.shown.get_or_init(|| shown.into());
    }

    /// The row as it is shown, when it is. Of rows that are shown together the first one waits for all, so that a
    /// subscriber is woken once.
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

/// Rows that nobody has shown yet, where they go, and whom to tell then.
#[derive(Default)]
pub struct New {
    pub rows: Vec<(Row, Arc<Cell>)>,
    all: Arc<Notify>,
}

impl New {
    /// All of them have been shown.
    pub fn tell(&self) {
        self.all.notify_waiters();
    }
}

/// Numbers tell themselves apart.
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

/// The cells of a class, the newest last.
#[derive(Default)]
pub struct Shelf {
    cells: HashMap<i64, (Arc<Cell>, usize), BuildHasherDefault<Mixed>>,
    order: VecDeque<i64>,
    bytes: usize,
}

impl Shelf {
    /// A cell for each row, and those of them that are new: whoever asked first shows these.
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

    /// A row takes so many bytes; what is too much for all of them goes, the oldest first.
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
