//! A minimal TCP load balancer: each new connection goes to the next server, or to the one after it if that one is
//! down. The bytes are not inspected.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A running balancer. It stops when dropped; connections that it carries continue.
#[derive(Debug)]
pub struct Balancer {
    address: SocketAddr,
    servers: Arc<Mutex<Vec<String>>>,
    _stop: DropGuard,
}

impl Balancer {
    /// Starts a balancer in front of these servers (`http://127.0.0.1:PORT`).
    pub async fn start(servers: &[String]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let servers = Arc::new(Mutex::new(servers.iter().map(|base| host(base)).collect()));
        let stop = CancellationToken::new();
        let (shared, stopped) = (Arc::clone(&servers), stop.clone());
        tokio::spawn(stopped.run_until_cancelled_owned(serve(listener, shared)));
        Self {
            address,
            servers,
            _stop: stop.drop_guard(),
        }
    }

    /// Returns its URL for clients: `http://127.0.0.1:PORT`.
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sends no new connections to this server, as an operator does before it is stopped.
    pub fn drain(&self, base: &str) {
        let mut servers = self.servers.lock().expect("held for a change only");
        servers.retain(|server| *server != host(base));
    }
}

fn host(base: &str) -> String {
    base.trim_start_matches("http://").to_owned()
}

async fn serve(listener: TcpListener, servers: Arc<Mutex<Vec<String>>>) {
    while let Ok((client, _)) = listener.accept().await {
        let turn = {
            let mut servers = servers.lock().expect("held for a change only");
            if !servers.is_empty() {
                servers.rotate_left(1);
            }
            servers.clone()
        };
        tokio::spawn(carry(client, turn));
    }
}

async fn carry(mut client: TcpStream, servers: Vec<String>) {
    for server in servers {
        if let Ok(mut stream) = TcpStream::connect(server).await {
            copy_bidirectional(&mut client, &mut stream).await.ok();
            return;
        }
    }
}
