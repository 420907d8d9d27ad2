//! A channel: one organization's newest rows of one kind, in a ring buffer that its subscribers share. A subscriber is
//! a cursor into the ring; when the ring moves past it, the subscriber was too slow.

use super::{pacing::SHIFTS, reader};
use crate::bus::Ids;
use entity::OrganizationId;
use sea_orm::DatabaseConnection;
use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    ops::Range,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::Notify;
use uuid::Uuid;

/// The most rows in a ring.
const MAX_ROWS: usize = 4096;
/// The most bytes in a ring. One row always fits.
const MAX_BYTES: usize = 32 << 20;
/// The most rows that a subscriber takes at once.
const MAX_ROWS_PER_WAIT: usize = 64;
/// The most changed tasks or replays that wait to be read.
const MAX_HINTED: usize = 1 << 16;

/// A row that a channel carries.
pub(crate) trait Item: Send + Sync + Sized + 'static {
    /// Returns the approximate size in bytes.
    fn weight(&self) -> usize;

    /// Returns the sequence number, for kinds that have one.
    fn sequence(&self) -> Option<i64>;

    /// Reads the new rows of a channel, and how far the reading has come.
    fn read(
        db: &DatabaseConnection,
        organization_id: OrganizationId,
        channel: &Channel<Self>,
    ) -> impl Future<Output = crate::Result<Read<Self>>> + Send;
}

/// The result of one look.
pub(crate) struct Read<T> {
    pub(crate) rows: Vec<T>,
    /// The number up to which everything has been read.
    pub(crate) position: i64,
    /// True when there may be more at once.
    pub(crate) more: bool,
}

/// The channels of one kind, by organization: those that have a subscriber.
pub(crate) struct Channels<T>(Mutex<HashMap<OrganizationId, Arc<Channel<T>>>>);

impl<T> Default for Channels<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Channels<T> {
    fn lock(&self) -> MutexGuard<'_, HashMap<OrganizationId, Arc<Channel<T>>>> {
        self.0.lock().expect("nothing panics while it holds the map")
    }

    /// Tells the reader of a channel that there is something new, with the ids of `changed` rows.
    pub(crate) fn look(&self, id: OrganizationId, changed: Vec<Uuid>) {
        if let Some(channel) = self.lock().get(&id) {
            channel.hint(changed);
        }
    }

    /// Marks channels as incomplete, because more has changed than can be named: all their subscribers missed
    /// something.
    pub(crate) fn lose(&self, organizations: &Ids<OrganizationId>) {
        let channels = self.lock();
        match organizations {
            Ids::These(ids) => ids
                .iter()
                .filter_map(|id| channels.get(id))
                .for_each(|channel| channel.lose()),
            Ids::All => channels.values().for_each(|channel| channel.lose()),
        }
    }

    /// Tells every reader that there may be something new.
    pub(crate) fn look_at_all(&self) {
        self.lock().values().for_each(|channel| channel.wake.notify_one());
    }

    /// Removes a channel without subscribers. Returns whether it did.
    pub(crate) fn retire(&self, id: OrganizationId, channel: &Channel<T>) -> bool {
        let mut channels = self.lock();
        let idle = channel.state().listeners == 0;
        if idle {
            channels.remove(&id);
        }
        idle
    }
}

impl<T: Item> Channels<T> {
    /// Adds a subscriber and returns the number up to which everything was delivered. The first subscriber starts the
    /// reader, at `mark`.
    pub(crate) fn join(self: &Arc<Self>, db: &DatabaseConnection, id: OrganizationId, mark: i64) -> (Listener<T>, i64) {
        let mut channels = self.lock();
        let channel = channels.entry(id).or_insert_with(|| {
            let channel = Arc::new(Channel::new(mark));
            tokio::spawn(reader::run(db.clone(), id, Arc::clone(self), Arc::clone(&channel)));
            channel
        });
        let mut state = channel.state();
        state.listeners += 1;
        state.joined = state.joined.wrapping_add(1);
        let (next, shift, position) = (state.end(), state.joined % SHIFTS, state.position);
        drop(state);
        let channel = Arc::clone(channel);
        (Listener { channel, shift, next }, position)
    }
}

/// The ring buffer of one organization.
pub(crate) struct Channel<T> {
    state: Mutex<State<T>>,
    hinted: Mutex<BTreeSet<Uuid>>,
    pub(crate) wake: Notify,
    told: [Notify; SHIFTS],
}

struct State<T> {
    ring: VecDeque<Arc<T>>,
    /// The index of the first row in the ring.
    first: u64,
    bytes: usize,
    position: i64,
    listeners: usize,
    /// The number of subscribers so far.
    joined: usize,
    /// The index up to which each group of subscribers has been notified.
    told: [u64; SHIFTS],
}

impl<T> State<T> {
    fn end(&self) -> u64 {
        self.first + self.ring.len() as u64
    }
}

impl<T> Channel<T> {
    fn new(position: i64) -> Self {
        let state = State {
            ring: VecDeque::new(),
            first: 0,
            bytes: 0,
            position,
            listeners: 0,
            joined: 0,
            told: [0; SHIFTS],
        };
        Self {
            state: Mutex::new(state),
            hinted: Mutex::default(),
            wake: Notify::new(),
            told: Default::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().expect("nothing panics while it holds the ring")
    }

    /// Returns the number of subscribers.
    pub(crate) fn listeners(&self) -> usize {
        self.state().listeners
    }

    /// Returns the number up to which everything has been read.
    pub(crate) fn position(&self) -> i64 {
        self.state().position
    }

    /// Adds changed ids and wakes the reader; too many ids make the channel incomplete.
    fn hint(&self, changed: Vec<Uuid>) {
        if !changed.is_empty() {
            let mut hinted = self.hinted.lock().expect("held for a look only");
            hinted.extend(changed);
            if hinted.len() > MAX_HINTED {
                hinted.clear();
                drop(hinted);
                self.lose();
            }
        }
        self.wake.notify_one();
    }

    /// Takes so many of the changed ids. An id that changes again later is added again.
    pub(crate) fn take_hinted(&self, count: usize) -> Vec<Uuid> {
        let mut hinted = self.hinted.lock().expect("held for a look only");
        std::iter::from_fn(|| hinted.pop_first()).take(count).collect()
    }

    /// Puts back ids that were taken and could not be read.
    pub(crate) fn put_back(&self, changed: Vec<Uuid>) {
        self.hinted.lock().expect("held for a look only").extend(changed);
    }

    /// Takes the rows that a group was notified of since `next`; `None` when the ring has moved past it.
    fn since(&self, shift: usize, next: &mut u64, taken: &mut VecDeque<Arc<T>>) -> Option<()> {
        let state = self.state();
        let start = usize::try_from(next.checked_sub(state.first)?).ok()?;
        let told = usize::try_from(state.told[shift].saturating_sub(*next)).ok()?;
        taken.extend(state.ring.iter().skip(start).take(told.min(MAX_ROWS_PER_WAIT)).cloned());
        *next += taken.len() as u64;
        Some(())
    }

    /// Tells these groups all that has been published.
    pub(crate) fn tell(&self, shifts: Range<usize>) {
        if shifts.is_empty() {
            return;
        }
        let mut state = self.state();
        let end = state.end();
        state.told[shifts.clone()].fill(end);
        drop(state);
        self.told[shifts].iter().for_each(Notify::notify_waiters);
    }

    /// Marks the channel as incomplete: all subscribers missed something.
    fn lose(&self) {
        let mut state = self.state();
        state.first = state.end() + 1;
        state.ring.clear();
        state.bytes = 0;
        drop(state);
        self.tell(0..SHIFTS);
    }
}

impl<T: Item> Channel<T> {
    /// Appends rows to the ring; subscribers are notified later.
    pub(crate) fn publish(&self, read: Read<T>) {
        let mut state = self.state();
        state.position = read.position;
        for row in read.rows {
            state.bytes += row.weight();
            state.ring.push_back(Arc::new(row));
            while state.ring.len() > MAX_ROWS || (state.bytes > MAX_BYTES && state.ring.len() > 1) {
                let oldest = state.ring.pop_front().expect("a ring this long has a first row");
                state.bytes -= oldest.weight();
                state.first += 1;
            }
        }
    }
}

/// A subscriber's cursor into a ring.
pub(crate) struct Listener<T> {
    channel: Arc<Channel<T>>,
    shift: usize,
    next: u64,
}

impl<T> Listener<T> {
    /// Waits for the next rows; `None` when the ring has moved past this subscriber.
    pub(crate) async fn wait(&mut self) -> Option<VecDeque<Arc<T>>> {
        let mut taken = VecDeque::new();
        loop {
            let mut told = std::pin::pin!(self.channel.told[self.shift].notified());
            told.as_mut().enable();
            self.channel.since(self.shift, &mut self.next, &mut taken)?;
            if !taken.is_empty() {
                return Some(taken);
            }
            told.await;
        }
    }
}

impl<T> Drop for Listener<T> {
    fn drop(&mut self) {
        self.channel.state().listeners -= 1;
        self.channel.wake.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Row(i64, usize);

    impl Item for Row {
        fn weight(&self) -> usize {
            self.1
        }

        fn sequence(&self) -> Option<i64> {
            Some(self.0)
        }

        async fn read(_: &DatabaseConnection, _: OrganizationId, _: &Channel<Self>) -> crate::Result<Read<Self>> {
            Err(crate::Error::internal("nothing to read"))
        }
    }

    fn publish(channel: &Channel<Row>, numbers: impl Iterator<Item = i64>, weight: usize) {
        let rows: Vec<Row> = numbers.map(|number| Row(number, weight)).collect();
        let position = rows.last().map_or(0, |row| row.0);
        channel.publish(Read {
            rows,
            position,
            more: false,
        });
        channel.tell(0..SHIFTS);
    }

    fn since(channel: &Channel<Row>, next: &mut u64) -> Option<Vec<i64>> {
        let mut taken = VecDeque::new();
        channel.since(0, next, &mut taken)?;
        Some(taken.iter().map(|row| row.0).collect())
    }

    #[test]
    fn a_listener_gets_each_row_once_and_in_order() {
        let (channel, mut next) = (Channel::new(0), 0);
        assert_eq!(since(&channel, &mut next), Some(vec![]));
        publish(&channel, 1..=100, 1);
        assert_eq!(since(&channel, &mut next), Some((1..=64).collect()));
        publish(&channel, 101..=101, 1);
        assert_eq!(since(&channel, &mut next), Some((65..=101).collect()));
        assert_eq!(since(&channel, &mut next), Some(vec![]));
        assert_eq!(channel.position(), 101);
    }

    #[test]
    fn a_listener_gets_what_its_shift_has_been_told() {
        let (channel, mut next) = (Channel::new(0), 0);
        publish(&channel, 1..=2, 1);
        let rows = vec![Row(3, 1), Row(4, 1)];
        channel.publish(Read {
            rows,
            position: 4,
            more: false,
        });
        channel.tell(1..SHIFTS);
        assert_eq!(since(&channel, &mut next), Some(vec![1, 2]));
        assert_eq!(since(&channel, &mut next), Some(vec![]));
        channel.tell(0..1);
        assert_eq!(since(&channel, &mut next), Some(vec![3, 4]));
    }

    #[test]
    fn a_listener_that_falls_out_of_the_ring_is_told() {
        let (channel, mut slow, mut just) = (Channel::new(0), 0, 1);
        publish(&channel, 1..=4097, 1);
        assert_eq!(since(&channel, &mut slow), None);
        assert_eq!(since(&channel, &mut just).map(|rows| rows[0]), Some(2));
        publish(&channel, 4098..=4098, MAX_BYTES + 1);
        assert_eq!(since(&channel, &mut just), None, "one heavy row is all that fits");
        let mut last = 4097;
        assert_eq!(since(&channel, &mut last), Some(vec![4098]));
    }

    #[test]
    fn more_changes_than_can_wait_are_a_loss_for_all() {
        let (channel, mut next): (Channel<Row>, _) = (Channel::new(0), 0);
        channel.hint((0..MAX_HINTED).map(|_| Uuid::new_v4()).collect());
        assert_eq!(since(&channel, &mut next), Some(vec![]));
        channel.hint(vec![Uuid::new_v4()]);
        assert_eq!(since(&channel, &mut next), None);
        assert!(channel.take_hinted(10).is_empty());
    }
}
