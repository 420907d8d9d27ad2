//! Tests of the bus: one list of stories for every transport, and stories of two nodes over one database, in which the
//! listeners of one node get what the other accepts, whatever hints are lost.

mod nodes;
mod stories;

use entity::WebhookId;
use labelhook_core::{
    bus::{Bus, Choice, Mailbox, Message, memory::Hub},
    node::{self, Nodes},
};
use servers::{Database, Nats, Postgres};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The time limit of every wait, so that a test that hangs ends.
const TEST_TIMEOUT: Duration = Duration::from_secs(180);

/// A transport, with the server that it needs.
struct TestBus {
    choice: Choice,
    database: Option<Database>,
    nats: Option<Nats>,
}

/// Returns every transport whose server is available.
async fn test_buses() -> Vec<TestBus> {
    let mut test_buses = vec![TestBus::over(Choice::Memory(Hub::default()))];
    if Postgres::shared().await.is_some() {
        test_buses.push(TestBus {
            choice: Choice::Postgres,
            database: Some(Database::of_postgres().await),
            nats: None,
        });
    }
    test_buses.extend(over_nats().await);
    test_buses
}

async fn over_nats() -> Option<TestBus> {
    let nats = Nats::start().await?;
    Some(TestBus {
        choice: nats.url().parse().unwrap(),
        database: None,
        nats: Some(nats),
    })
}

/// One end of a bus. It sends and receives until it is dropped.
struct End {
    bus: Arc<Bus>,
    heard: Arc<Mailbox>,
    _stop: DropGuard,
}

/// Returns the nodes of a process that has not looked for others.
fn alone() -> Arc<Nodes> {
    Arc::new(Nodes::alone(node::Config::default()))
}

impl TestBus {
    /// Returns a transport that needs no server.
    fn over(choice: Choice) -> Self {
        Self {
            choice,
            database: None,
            nats: None,
        }
    }

    async fn end(&self, installation: i64) -> End {
        let url = self.database.as_ref().map_or("", Database::url);
        let (bus, stop) = (Arc::new(Bus::new(alone())), CancellationToken::new());
        let heard = bus.listen();
        bus.connect(&self.choice, url, installation).await.unwrap();
        let (carrier, token) = (Arc::clone(&bus), stop.clone());
        tokio::spawn(async move { carrier.run(&token).await });
        End {
            bus,
            heard,
            _stop: stop.drop_guard(),
        }
    }

    /// Returns two ends that receive each other's messages.
    async fn two(&self, installation: i64) -> (End, End) {
        let (one, other) = (self.end(installation).await, self.end(installation).await);
        one.reaches(&other).await;
        other.reaches(&one).await;
        (one, other)
    }
}

impl End {
    /// Sends a message until it is received: the other end may not be connected yet.
    async fn reaches(&self, other: &Self) {
        let id = WebhookId::new();
        let told = async {
            loop {
                self.bus.tell(Message::webhooks([id]));
                if let Ok(heard) = timeout(Duration::from_millis(50), other.heard.next()).await
                    && says(&heard, &Message::webhooks([id]))
                {
                    return;
                }
            }
        };
        timeout(TEST_TIMEOUT, told).await.expect("one end reaches the other");
    }

    /// Waits until the wanted message has been received. Returns everything that was received.
    async fn hears(&self, wanted: &Message) -> Message {
        let mut all = Message::default();
        let hearing = async {
            while !says(&all, wanted) {
                all.append(self.heard.next().await);
            }
        };
        let heard = timeout(TEST_TIMEOUT, hearing).await;
        heard.expect("what was told is heard");
        all
    }
}

/// Returns whether a message contains everything that another does.
fn says(message: &Message, wanted: &Message) -> bool {
    let mut both = message.clone();
    both.append(wanted.clone());
    &both == message
}
