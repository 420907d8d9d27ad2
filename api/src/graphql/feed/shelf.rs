//! Rows that a class has shown lately or is about to show, by their numbers: bounded in bytes, the oldest go first.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

use super::source::Row;

/// What a shown row takes beside its bytes, about.
const BESIDE: usize = 256;

/// A row as its subscribers get it: the answer as JSON.
pub type Shown = Arc<str>;

/// A row that has been shown or will be.
#[derive(Default)]
pub struct Cell {
    shown: OnceLock<Shown>,
    set: Notify,
}

impl Cell {
    /// It has been shown.
    pub fn set(&self, shown: Shown) {
        self.shown.get_or_init(|| shown);
        self.set.notify_waiters();
    }

    /// The row as it is shown, when it is.
    pub async fn wait(&self) -> Shown {
        loop {
            if let Some(shown) = self.shown.get() {
                return Arc::clone(shown);
            }
            let mut set = std::pin::pin!(self.set.notified());
            set.as_mut().enable();
            if self.shown.get().is_none() {
                set.await;
            }
        }
    }
}

/// A row that nobody has shown yet, and where it goes.
pub type New = (Row, Arc<Cell>);

/// The cells of a class, the newest last.
#[derive(Default)]
pub struct Shelf {
    cells: HashMap<i64, (Arc<Cell>, usize)>,
    order: VecDeque<i64>,
    bytes: usize,
}

impl Shelf {
    /// A cell for each row, and those of them that are new: whoever asked first shows these.
    pub fn cells(&mut self, rows: &[Row]) -> (Vec<Arc<Cell>>, Vec<New>) {
        let (mut cells, mut new) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in rows {
            let number = row.number();
            let (cell, _) = self.cells.entry(number).or_insert_with(|| {
                let cell = Arc::default();
                new.push((row.clone(), Arc::clone(&cell)));
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
        while self.bytes > most
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
    }
}
