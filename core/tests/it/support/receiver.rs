//! A receiver on a loopback socket, which records the requests and answers by script. It speaks HTTP/1.1 by hand, so
//! that it can send answers that no server would.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::{Notify, Semaphore},
    task::JoinHandle,
};

/// A request as it arrived, with header names in lower case.
#[derive(Clone, Debug)]
pub struct Request {
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

/// A scripted answer.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: vec![],
            body: vec![],
        }
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }
}

type Script = dyn Fn(usize, &Request) -> Response + Send + Sync;

struct Shared {
    requests: Mutex<Vec<Request>>,
    count: AtomicUsize,
    arrived: Notify,
    gate: Semaphore,
    script: Box<Script>,
}

/// A receiver. It stops when it is dropped.
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Receiver {
    /// Starts a receiver that answers 200 to every request.
    pub async fn ok() -> Self {
        Self::new(|_, _| Response::status(200)).await
    }

    /// Starts a receiver with a script, which gets the number of the request, from 0, and the request.
    pub async fn new(script: impl Fn(usize, &Request) -> Response + Send + Sync + 'static) -> Self {
        Self::start(script, Semaphore::MAX_PERMITS).await
    }

    /// Starts a receiver that accepts requests and answers none before [`Receiver::release`].
    pub async fn holding() -> Self {
        Self::holding_with(200).await
    }

    /// Starts a receiver that does the same and then answers with this status.
    pub async fn holding_with(status: u16) -> Self {
        Self::start(move |_, _| Response::status(status), 0).await
    }

    async fn start(script: impl Fn(usize, &Request) -> Response + Send + Sync + 'static, permits: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            requests: Mutex::default(),
            count: AtomicUsize::new(0),
            arrived: Notify::new(),
            gate: Semaphore::new(permits),
            script: Box::new(script),
        });
        let of_server = Arc::clone(&shared);
        let server = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, Arc::clone(&of_server)));
            }
        });
        Self {
            address,
            shared,
            server,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.requests().len()
    }

    /// Lets this many waiting requests be answered.
    pub fn release(&self, count: usize) {
        self.shared.gate.add_permits(count);
    }

    /// Waits until this many requests have arrived.
    pub async fn until(&self, count: usize) {
        loop {
            let arrived = self.shared.arrived.notified();
            let mut arrived = std::pin::pin!(arrived);
            arrived.as_mut().enable();
            if self.count() >= count {
                return;
            }
            arrived.await;
        }
    }
}

async fn serve(socket: TcpStream, shared: Arc<Shared>) -> Option<()> {
    let mut socket = BufReader::new(socket);
    loop {
        let request = read(&mut socket).await?;
        let number = shared.count.fetch_add(1, Ordering::SeqCst);
        shared.requests.lock().unwrap().push(request.clone());
        shared.arrived.notify_waiters();
        shared.gate.acquire().await.ok()?.forget();
        let response = (shared.script)(number, &request);
        socket.get_mut().write_all(&bytes(&response)).await.ok()?;
    }
}

async fn read(socket: &mut BufReader<TcpStream>) -> Option<Request> {
    let path = line(socket).await?.split(' ').nth(1)?.to_owned();
    let mut headers = HashMap::new();
    loop {
        let line = line(socket).await?;
        let Some((name, value)) = line.split_once(": ") else {
            break;
        };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |text| text.parse().unwrap());
    let mut body = vec![0; length];
    socket.read_exact(&mut body).await.ok()?;
    Some(Request { path, headers, body })
}

async fn line(socket: &mut BufReader<TcpStream>) -> Option<String> {
    let mut text = String::new();
    let read = socket.read_line(&mut text).await.ok()?;
    (read > 0).then(|| text.trim_end().to_owned())
}

fn bytes(response: &Response) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} Said\r\n", response.status);
    for (name, value) in &response.headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("content-length: {}\r\n\r\n", response.body.len());
    [head.as_bytes(), &response.body].concat()
}
