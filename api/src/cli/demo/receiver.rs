//! The receiver of the demonstration, as an integrator would write it. It verifies the signature over the raw bytes,
//! answers at once, and refuses the first request of one path, so that a retry can be observed.

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use labelhook_core::delivery::signer::{Claim, verify};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_util::sync::CancellationToken;

/// The secret of the demonstration's webhooks.
pub const SECRET: &str = "demonstration-secret";

pub struct Receiver {
    address: SocketAddr,
    arrivals: mpsc::UnboundedReceiver<Arrival>,
}

/// The number of requests that arrived, and of those without a valid signature.
#[derive(Default)]
pub struct Arrived {
    pub forged: usize,
}

struct Arrival {
    path: String,
    status: StatusCode,
    topic: String,
    fits: bool,
    bytes: usize,
}

#[derive(Clone)]
struct Desk {
    arrivals: mpsc::UnboundedSender<Arrival>,
    was_busy: Arc<AtomicBool>,
}

pub async fn start(shutdown: CancellationToken) -> anyhow::Result<Receiver> {
    let (sender, arrivals) = mpsc::unbounded_channel();
    let desk = Desk {
        arrivals: sender,
        was_busy: Arc::default(),
    };
    let router = Router::new().route("/{path}", post(receive)).with_state(desk);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = axum::serve(listener, router).with_graceful_shutdown(async move { shutdown.cancelled().await });
    tokio::spawn(server.into_future());
    Ok(Receiver { address, arrivals })
}

async fn receive(State(desk): State<Desk>, Path(path): Path<String>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let hub = Claim::parse(text("x-hub-signature"), None, None);
    let standard = Claim::parse(
        text("webhook-signature"),
        Some(text("webhook-id")),
        Some(text("webhook-timestamp")),
    );
    let fits = [hub, standard]
        .iter()
        .all(|claim| claim.as_ref().is_some_and(|claim| verify(SECRET, claim, &body)));
    let is_first = path == "busy" && !desk.was_busy.swap(true, Ordering::Relaxed);
    let status = match (fits, is_first) {
        (false, _) => StatusCode::BAD_REQUEST,
        (true, true) => StatusCode::SERVICE_UNAVAILABLE,
        (true, false) => StatusCode::OK,
    };
    let topic = headers
        .get("x-labelbox-event")
        .and_then(|value| value.to_str().ok())
        .unwrap_or("(Ango)")
        .to_owned();
    desk.arrivals
        .send(Arrival {
            path,
            status,
            topic,
            fits,
            bytes: body.len(),
        })
        .ok();
    status
}

impl Receiver {
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// Prints the next `count` requests as they arrive.
    pub async fn print(&mut self, count: usize) -> Arrived {
        let mut arrived = Arrived::default();
        for _ in 0..count {
            let Some(arrival) = self.arrivals.recv().await else {
                break;
            };
            arrived.forged += usize::from(!arrival.fits);
            arrival.print();
        }
        arrived
    }

    pub async fn print_for_ever(&mut self) {
        while let Some(arrival) = self.arrivals.recv().await {
            arrival.print();
        }
    }
}

impl Arrival {
    fn print(&self) {
        let signature = if self.fits { "signature fits" } else { "WRONG SIGNATURE" };
        let remark = if self.status == StatusCode::SERVICE_UNAVAILABLE {
            "  it will be tried again"
        } else {
            ""
        };
        let Self {
            path,
            status,
            topic,
            bytes,
            ..
        } = self;
        println!(
            "POST /{path:<7} {topic:<15} {bytes:>5} bytes  {signature}  → {}{remark}",
            status.as_u16()
        );
    }
}
