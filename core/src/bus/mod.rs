//! The bus: hints between nodes. The database is the only truth, and every node also polls it, so losing every hint
//! costs time and nothing else.
//!
//! Commits and verbs enter it with [`Bus::tell`]; [`hints`](crate::background::hints) receives and handles them. A
//! transport must never import anything but the bus, and no code may depend on a hint's arrival.
//!
//! Outgoing hints are merged into one [`Message`]. It is sent at once if nothing was sent lately; otherwise a moment
//! later, together with what came meanwhile. Received hints are merged in the same way until a subscriber takes them.
//! So neither an unreachable bus nor a slow subscriber costs memory. A node does not receive its own hints.
//!
//! Each transport is a file: [`memory`], [`postgres`], [`nats`].

pub(crate) mod changes;
mod choice;
mod error;
mod mailbox;
pub mod memory;
mod message;
mod nats;
mod postgres;
mod wire;

pub use choice::Choice;
pub use error::Error;
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

/// The shortest time between two messages.
const MIN_SEND_INTERVAL: Duration = Duration::from_millis(5);
/// The timeout for sending a message: a connection on which nobody answers reports no error.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// The timeout for the last message when the process ends.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// One node's end of the bus.
pub struct Bus {
    /// The sender id of this end, by which it recognizes its own messages.
    from: NodeId,
    nodes: Arc<Nodes>,
    outgoing: Mailbox,
    last_sent: Mutex<Instant>,
    subscribers: Mutex<Vec<Weak<Mailbox>>>,
    transport: OnceLock<Box<dyn Transport>>,
}

type Boxed<'c, T> = Pin<Box<dyn Future<Output = T> + Send + 'c>>;

/// A transport: carries texts between nodes.
trait Transport: Send + Sync {
    /// Returns the most bytes of a text.
    fn limit(&self) -> usize;

    /// Sends texts. The caller sends again what could not be sent.
    fn send<'c>(&'c self, texts: &'c [String]) -> Boxed<'c, Result<(), Error>>;

    /// Passes what others send to [`Bus::receive`], for good. After a lost connection it connects again and calls
    /// [`Bus::missed`].
    fn receive<'c>(&'c self, bus: &'c Bus) -> Boxed<'c, ()>;
}

impl Bus {
    /// Makes a bus that keeps what it is told until it is connected.
    pub fn new(nodes: Arc<Nodes>) -> Self {
        Self {
            from: NodeId::new(),
            nodes,
            outgoing: Mailbox::default(),
            last_sent: Mutex::new(Instant::now()),
            subscribers: Mutex::default(),
            transport: OnceLock::new(),
        }
    }

    /// Connects the bus by a transport that fits the database; may be called once. The installation's number separates
    /// two installations on one server.
    pub async fn connect(&self, choice: &Choice, database_url: &str, installation: i64) -> Result<(), Error> {
        let channel = format!("labelhook_{installation:016x}");
        let transport: Box<dyn Transport> = match choice {
            Choice::Memory(hub) => Box::new(memory::Memory::join(hub)),
            Choice::Nats(url) => Box::new(nats::Nats::connect(url, channel).await?),
            Choice::Postgres | Choice::Fitting => Box::new(postgres::Postgres::open(database_url, channel)?),
        };
        self.transport.set(transport).map_err(|_| Error::Connected)
    }

    /// Tells the other nodes, soon. Never waits. While there are no others, hints about feeds are dropped: a node that
    /// joins says so, and is told to look at all feeds.
    pub fn tell(&self, message: Message) {
        self.outgoing.put(match self.nodes.has_no_other() {
            true => message.without_feed(),
            false => message,
        });
    }

    /// Subscribes to what the others tell from now on.
    pub fn listen(&self) -> Arc<Mailbox> {
        let ear = Arc::default();
        let mut subscribers = self.subscribers.lock().expect("held for a push only");
        subscribers.retain(|ear| ear.strong_count() > 0);
        subscribers.push(Arc::downgrade(&ear));
        ear
    }

    /// Sends and receives messages until `shutdown`; then sends what still waits.
    pub async fn run(&self, shutdown: &CancellationToken) {
        let Some(transport) = self.transport.get() else {
            return shutdown.cancelled().await;
        };
        let both = async { tokio::join!(self.send(&**transport), transport.receive(self)) };
        shutdown.run_until_cancelled(both).await;
        if let Some(message) = self.outgoing.take() {
            let texts = wire::write(self.from, message, transport.limit());
            let sent = timeout(DRAIN_TIMEOUT, transport.send(&texts)).await;
            tracing::debug!(
                sent = matches!(sent, Ok(Ok(()))),
                "sent the last message to the other nodes"
            );
        }
    }

    /// Sends merged messages, with a pause between two and a backoff after an error.
    async fn send(&self, transport: &dyn Transport) {
        let mut backoff = Backoff::default();
        loop {
            self.outgoing.filled().await;
            sleep_until(self.last() + MIN_SEND_INTERVAL).await;
            let Some(message) = self.outgoing.take() else {
                continue;
            };
            let texts = wire::write(self.from, message.clone(), transport.limit());
            let sent = timeout(SEND_TIMEOUT, transport.send(&texts)).await;
            let sent = sent.unwrap_or_else(|_| Err(Error::Away("it takes too long".into())));
            *self.last_sent.lock().expect("held for a store only") = Instant::now();
            match sent {
                Ok(()) => backoff = Backoff::default(),
                Err(error) => {
                    self.outgoing.put(message);
                    backoff.after(&error).await;
                }
            }
        }
    }

    fn last(&self) -> Instant {
        *self.last_sent.lock().expect("held for a copy only")
    }

    /// Takes in a text from the transport. A text that cannot be read may have said anything, so everything is looked
    /// at.
    fn receive(&self, text: &[u8]) {
        match wire::read(text) {
            Ok((from, _)) if from == self.from => {}
            Ok((_, message)) => self.deliver(&message),
            Err(error) => {
                tracing::debug!(%error, "a message of another node could not be read");
                self.missed();
            }
        }
    }

    /// Tells the subscribers to look at everything, because messages may have been lost.
    fn missed(&self) {
        self.deliver(&Message::everything());
    }

    fn deliver(&self, message: &Message) {
        let subscribers = self
            .subscribers
            .lock()
            .expect("nothing panics while it holds the listeners");
        for ear in subscribers.iter().filter_map(Weak::upgrade) {
            ear.put(message.clone());
        }
    }
}

/// Exponential backoff between attempts to reach the other nodes.
#[derive(Default)]
struct Backoff(u32);

impl Backoff {
    /// Logs the first of consecutive errors, then waits.
    async fn after(&mut self, error: &Error) {
        if self.0 == 0 {
            tracing::warn!(%error, "the bus cannot be reached; trying again");
        }
        let wait = Duration::from_millis(100 << self.0.min(6));
        self.0 += 1;
        sleep_until(Instant::now() + wait).await;
    }
}
