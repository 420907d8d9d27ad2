//! The bus: what nodes tell each other. Hints only: the database is the only truth, every node also looks by itself, and
//! losing everything that is ever told costs time and nothing else.
//!
//! What is told merges into one [`Message`] that waits to leave: it leaves at once when nothing left lately, and otherwise
//! a moment later, with what came meanwhile. What is heard merges in the same way until its listener takes it, so that
//! neither a bus that is away nor a listener that is slow costs memory. One's own words are not heard.
//!
//! How messages travel is a carrier's part, one file each: [`memory`], [`postgres`], [`nats`].

pub(crate) mod changes;
mod choice;
mod error;
mod heed;
mod mailbox;
pub mod memory;
mod message;
mod nats;
mod postgres;
mod wire;

pub use choice::Choice;
pub use error::Error;
pub use heed::run;
pub use mailbox::Mailbox;
pub use message::{Ids, Message};

use crate::node::Nodes;
use entity::NodeId;
use std::{
    pin::Pin,
    sync::{Arc, Mutex, OnceLock, Weak},
    time::Duration,
};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// The least time between two messages.
const PACE: Duration = Duration::from_millis(5);
/// What a message may take: a connection that nobody answers on says nothing of it.
const SENT: Duration = Duration::from_secs(10);
/// What the last message may take when the process ends.
const FAREWELL: Duration = Duration::from_secs(1);

/// One node's end of the bus.
pub struct Bus {
    /// Who tells: what is heard from the same is one's own.
    from: NodeId,
    nodes: Arc<Nodes>,
    leaving: Mailbox,
    left: Mutex<Instant>,
    ears: Mutex<Vec<Weak<Mailbox>>>,
    carrier: OnceLock<Box<dyn Carrier>>,
}

type Boxed<'c, T> = Pin<Box<dyn Future<Output = T> + Send + 'c>>;

/// Brings texts from node to node.
trait Carrier: Send + Sync {
    /// Bytes of a text at most.
    fn limit(&self) -> usize;

    /// Sends texts; what could not be sent is told again.
    fn send<'c>(&'c self, texts: &'c [String]) -> Boxed<'c, Result<(), Error>>;

    /// Hands what others send to [`Bus::hear`], for good: when it is cut off it connects again, and says so by
    /// [`Bus::missed`].
    fn receive<'c>(&'c self, bus: &'c Bus) -> Boxed<'c, ()>;
}

impl Bus {
    /// Keeps what it is told until it is connected.
    pub fn new(nodes: Arc<Nodes>) -> Self {
        Self {
            from: NodeId::new(),
            nodes,
            leaving: Mailbox::default(),
            left: Mutex::new(Instant::now()),
            ears: Mutex::default(),
            carrier: OnceLock::new(),
        }
    }

    /// Chooses how messages travel, once: by something that fits the database. The installation's number keeps two of them on one server apart.
    pub async fn connect(&self, choice: &Choice, database_url: &str, installation: i64) -> Result<(), Error> {
        let channel = format!("labelhook_{installation:016x}");
        let carrier: Box<dyn Carrier> = match choice {
            Choice::Memory(hub) => Box::new(memory::Memory::join(hub)),
            Choice::Nats(url) => Box::new(nats::Nats::connect(url, channel).await?),
            Choice::Postgres | Choice::Fitting => Box::new(postgres::Postgres::open(database_url, channel)?),
        };
        self.carrier.set(carrier).map_err(|_| Error::Connected)
    }

    /// Tells the others, soon. Never waits. Of feeds nothing is told while there are no others: who comes says so, and is
    /// told to look at all of them.
    pub fn tell(&self, message: Message) {
        self.leaving.put(match self.nodes.has_no_other() {
            true => message.without_feed(),
            false => message,
        });
    }

    /// Hears what the others tell from now on.
    pub fn listen(&self) -> Arc<Mailbox> {
        let ear = Arc::default();
        let mut ears = self.ears.lock().expect("held for a push only");
        ears.retain(|ear| ear.strong_count() > 0);
        ears.push(Arc::downgrade(&ear));
        ear
    }

    /// Carries messages until `shutdown`; then sends what still waits.
    pub async fn carry(&self, shutdown: &CancellationToken) {
        let Some(carrier) = self.carrier.get() else {
            return shutdown.cancelled().await;
        };
        let both = async { tokio::join!(self.send(&**carrier), carrier.receive(self)) };
        shutdown.run_until_cancelled(both).await;
        if let Some(message) = self.leaving.take() {
            let texts = wire::write(self.from, message, carrier.limit());
            let sent = timeout(FAREWELL, carrier.send(&texts)).await;
            tracing::debug!(sent = matches!(sent, Ok(Ok(()))), "told the other nodes a last time");
        }
    }

    async fn send(&self, carrier: &dyn Carrier) {
        let mut backoff = Backoff::default();
        loop {
            self.leaving.filled().await;
            sleep_until(self.last() + PACE).await;
            let Some(message) = self.leaving.take() else {
                continue;
            };
            let texts = wire::write(self.from, message.clone(), carrier.limit());
            let sent = timeout(SENT, carrier.send(&texts)).await;
            let sent = sent.unwrap_or_else(|_| Err(Error::Away("it takes too long".into())));
            *self.left.lock().expect("held for a store only") = Instant::now();
            match sent {
                Ok(()) => backoff = Backoff::default(),
                Err(error) => {
                    self.leaving.put(message);
                    backoff.after(&error).await;
                }
            }
        }
    }

    fn last(&self) -> Instant {
        *self.left.lock().expect("held for a copy only")
    }

    /// What a carrier brought. What cannot be read may have been anything.
    fn hear(&self, text: &[u8]) {
        match wire::read(text) {
            Ok((from, _)) if from == self.from => {}
            Ok((_, message)) => self.heard(&message),
            Err(error) => {
                tracing::debug!(%error, "another node said something unknown");
                self.missed();
            }
        }
    }

    /// Nobody can say what was told meanwhile.
    fn missed(&self) {
        self.heard(&Message::everything());
    }

    fn heard(&self, message: &Message) {
        let ears = self.ears.lock().expect("nothing panics while it holds the listeners");
        for ear in ears.iter().filter_map(Weak::upgrade) {
            ear.put(message.clone());
        }
    }
}

/// Longer and longer waits between attempts to reach what is away.
#[derive(Default)]
struct Backoff(u32);

impl Backoff {
    /// Says what is wrong, when it is news, and waits.
    async fn after(&mut self, error: &Error) {
        if self.0 == 0 {
            tracing::warn!(%error, "the other nodes cannot be reached, and are tried again");
        }
        let wait = Duration::from_millis(100 << self.0.min(6));
        self.0 += 1;
        sleep_until(Instant::now() + wait).await;
    }
}
