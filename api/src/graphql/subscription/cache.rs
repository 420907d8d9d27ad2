//! The cache of rendered rows of one shared subscription, by the rows' numbers: bounded in number and in bytes, the
//! oldest go first. A subscriber who is further behind has its rows rendered anew.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

use super::source::Row;

/// Rows that are kept: about as many as happen in a second where much happens.
const MAX_ENTRIES: usize = 1024;
/// Bytes that an entry takes beside its text, about.
const ENTRY_OVERHEAD: usize = 256;

/// A row as its subscribers get it: the answer as JSON.
pub struct Rendered(Arc<Entry>);

impl Deref for Rendered {
    type Target = str;

    fn deref(&self) -> &str {
        self.0.rendered.get().expect("it has been waited for")
    }
}

impl From<String> for Rendered {
    fn from(text: String) -> Self {
        let entry = Entry::default();
        entry.set(text);
        Self(Arc::new(entry))
    }
}

/// A row that has been rendered or will be.
#[derive(Default)]
pub struct Entry {
    rendered: OnceLock<Box<str>>,
    /// Notified when all that are rendered together have been.
    all: Arc<Notify>,
}

impl Entry {
    /// Sets the text, once.
    pub fn set(&self, rendered: String) {
        self.rendered.get_or_init(|| rendered.into());
    }

    /// Waits until the row is rendered. Of rows that are rendered together the first one waits for all, so that a
    /// subscriber is woken once.
    pub async fn wait(self: Arc<Self>) -> Rendered {
        while self.rendered.get().is_none() {
            let mut all = std::pin::pin!(self.all.notified());
            all.as_mut().enable();
            if self.rendered.get().is_none() {
                all.await;
            }
        }
        Rendered(self)
    }
}

/// Rows that are not rendered yet, the entries they go to, and whom to tell then.
#[derive(Default)]
pub struct New {
    pub rows: Vec<(Row, Arc<Entry>)>,
    all: Arc<Notify>,
}

impl New {
    /// All of them have been rendered.
    pub fn tell(&self) {
        self.all.notify_waiters();
    }
}

/// Hashes the numbers of rows, which are no secret and of nobody's choosing.
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
pub struct RenderCache {
    entries: HashMap<i64, (Arc<Entry>, usize), BuildHasherDefault<Mixed>>,
    order: VecDeque<i64>,
    bytes: usize,
}

impl RenderCache {
    /// An entry for each row, and those of them that are new: whoever asked first renders these.
    pub fn entries(&mut self, rows: &[Row]) -> (Vec<Arc<Entry>>, New) {
        let (mut entries, mut new) = (Vec::with_capacity(rows.len()), New::default());
        for row in rows {
            let number = row.number();
            let (entry, _) = self.entries.entry(number).or_insert_with(|| {
                let entry = Arc::new(Entry {
                    rendered: OnceLock::new(),
                    all: Arc::clone(&new.all),
                });
                new.rows.push((row.clone(), Arc::clone(&entry)));
                self.order.push_back(number);
                self.bytes += ENTRY_OVERHEAD;
                (entry, ENTRY_OVERHEAD)
            });
            entries.push(Arc::clone(entry));
        }
        (entries, new)
    }

    /// A row takes so many bytes; what is too much for all of them goes, the oldest first.
    pub fn keep(&mut self, number: i64, bytes: usize, most: usize) {
        if let Some((_, taken)) = self.entries.get_mut(&number) {
            *taken += bytes;
            self.bytes += bytes;
        }
        while (self.bytes > most || self.order.len() > MAX_ENTRIES)
            && let Some(oldest) = self.order.pop_front()
        {
            let taken = self.entries.remove(&oldest).map_or(0, |(_, taken)| taken);
            self.bytes -= taken;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_when_there_is_too_much() {
        let mut cache = RenderCache::default();
        let number = |cache: &mut RenderCache, number| {
            cache.order.push_back(number);
            cache.bytes += ENTRY_OVERHEAD;
            cache.entries.insert(number, (Arc::default(), ENTRY_OVERHEAD));
        };
        (0..4).for_each(|at| number(&mut cache, at));
        cache.keep(3, 1_000, usize::MAX);
        cache.keep(2, 10, 3 * ENTRY_OVERHEAD);
        assert!(
            cache.entries.is_empty() && cache.bytes == 0,
            "one that is heavy goes too"
        );
        number(&mut cache, 4);
        cache.keep(9, 1_000_000, 2 * ENTRY_OVERHEAD);
        assert_eq!(cache.bytes, ENTRY_OVERHEAD, "what has gone already takes nothing");
        (5..2_000).for_each(|at| number(&mut cache, at));
        cache.keep(1_999, 10, usize::MAX);
        assert_eq!(
            (cache.entries.len(), cache.bytes),
            (MAX_ENTRIES, MAX_ENTRIES * ENTRY_OVERHEAD + 10)
        );
    }
}
