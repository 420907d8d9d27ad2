//! A webhook receiver: a real HTTP server that answers by script and records every request.
//!
//! Scripted answers are used up first, in order; after them, the standing answer (200, unless changed) is given for
//! ever.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::deadline::within;
use crate::wire::{Doom, Wire};

mod answer;

pub use answer::{Answer, Gate};

/// A running receiver. It stops when dropped.
#[derive(Debug)]
pub struct TestReceiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    _stop: DropGuard,
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// The HTTP method.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// Every header.
    pub headers: HeaderMap,
    /// The raw body.
    pub body: Bytes,
    /// The moment when the body was complete.
    pub arrived: Instant,
}

impl Received {
    /// Returns a header as text. Panics if it is missing.
    pub fn header(&self, name: &str) -> &str {
        let value = self
            .headers
            .get(name)
            .unwrap_or_else(|| panic!("no {name} in {:#?}", self.headers));
        value
            .to_str()
            .unwrap_or_else(|_| panic!("{name} is not text: {value:?}"))
    }

    /// Returns the decoded body. Panics if it is not JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }
}

#[derive(Debug)]
struct Shared {
    state: Mutex<Kept>,
    count: watch::Sender<usize>,
}

#[derive(Debug)]
struct Kept {
    received: Vec<Received>,
    script: VecDeque<Answer>,
    standing: Answer,
    in_flight: usize,
    most_in_flight: usize,
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.state
            .lock()
            .expect("no test panics while it holds the receiver's state")
    }
}

impl TestReceiver {
    /// Starts a receiver on a free loopback port. It answers 200 to every request.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let kept = Kept {
            received: Vec::new(),
            script: VecDeque::new(),
            standing: Answer::status(200),
            in_flight: 0,
            most_in_flight: 0,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(kept),
            count: watch::Sender::new(0),
        });
        let stop = CancellationToken::new();
        let router = Router::new().fallback(receive).with_state(Arc::clone(&shared));
        let service = router.into_make_service_with_connect_info::<Doom>();
        let stopped = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stopped.cancelled() => {}
                served = async { axum::serve(Wire(listener), service).await } => served.expect("serving loopback does not end"),
            }
        });
        Self {
            address,
            shared,
            _stop: stop.drop_guard(),
        }
    }

    /// Returns the URL of `path` (without a leading slash) on this receiver.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// Returns the address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the answer to requests after the end of the script.
    pub fn answer(&self, standing: Answer) {
        self.shared.kept().standing = standing;
    }

    /// Appends to the script.
    pub fn then(&self, answers: impl IntoIterator<Item = Answer>) {
        self.shared.kept().script.extend(answers);
    }

    /// Returns all requests so far, in order of arrival.
    pub fn received(&self) -> Vec<Received> {
        self.shared.kept().received.clone()
    }

    /// Returns the largest number of requests that were in flight at the same time.
    pub fn most_in_flight(&self) -> usize {
        self.shared.kept().most_in_flight
    }

    /// Waits until at least `number` requests have arrived. Returns all that have.
    pub async fn wait_for(&self, number: usize) -> Vec<Received> {
        let mut count = self.shared.count.subscribe();
        let missing = || format!("{number} requests at {}; came: {:#?}", self.address, self.received());
        within(missing, count.wait_for(|count| *count >= number))
            .await
            .expect("the receiver holds the sender");
        self.received()
    }

    /// Like [`Self::wait_for`], but gives up after `limit`: for tests in which perhaps no request arrives. Returns the
    /// number of requests.
    pub async fn count_within(&self, number: usize, limit: Duration) -> usize {
        let mut count = self.shared.count.subscribe();
        // The number is read below; a timeout is a valid result here.
        tokio::time::timeout(limit, count.wait_for(|count| *count >= number))
            .await
            .ok();
        self.shared.kept().received.len()
    }
}

async fn receive(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(doom): ConnectInfo<Doom>,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return Response::builder()
            .status(StatusCode::BAD_REQUEST)
            .body(Body::empty())
            .expect("a status is a response");
    };
    let received = Received {
        method: parts.method,
        path: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: parts.headers,
        body: body.to_bytes(),
        arrived: Instant::now(),
    };
    let (answer, _busy) = keep(&shared, received);
    answer.give(&doom).await
}

/// Records the request, takes the next answer of the script, and counts the request as in flight until dropped.
fn keep(shared: &Arc<Shared>, received: Received) -> (Answer, Busy) {
    let mut kept = shared.kept();
    kept.received.push(received);
    kept.in_flight += 1;
    kept.most_in_flight = kept.most_in_flight.max(kept.in_flight);
    let answer = kept.script.pop_front().unwrap_or_else(|| kept.standing.clone());
    let count = kept.received.len();
    drop(kept);
    shared.count.send_replace(count);
    (answer, Busy(Arc::clone(shared)))
}

struct Busy(Arc<Shared>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.kept().in_flight -= 1;
    }
}
