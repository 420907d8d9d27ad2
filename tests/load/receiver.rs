//! The receiver: a process of its own that answers 200 to every POST and reports the number of requests and the times
//! of labels. `/hook` counts; `/stamp` also records the time of the label; `/never` never answers and `/slow` answers
//! after ten seconds, and neither counts.

use crate::{
    cpu, this_program,
    wire::{self, Connection, Message},
};
use anyhow::Context;
use std::{
    cell::{Cell, RefCell},
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::LocalSet,
};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
/// The delay of `/slow`.
const SLOW: Duration = Duration::from_secs(10);
/// The time limit of a part.
const LIMIT: Duration = Duration::from_secs(120);

/// The requests so far.
#[derive(Default)]
struct Came {
    count: Cell<usize>,
    stamps: RefCell<Vec<(usize, i64)>>,
    last: RefCell<Vec<u8>>,
}

/// Runs the receiver in its own process, on one thread, which is enough and wakes no other.
pub fn run() -> anyhow::Result<()> {
    rlimit::increase_nofile_limit(u64::MAX)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(LocalSet::new().run_until(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        let came = Rc::new(Came::default());
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let came = Rc::clone(&came);
            tokio::task::spawn_local(async move { serve(stream, &came).await.ok() });
        }
    }))
}

async fn serve(mut stream: TcpStream, came: &Came) -> anyhow::Result<()> {
    let mut buffer = Vec::with_capacity(16 << 10);
    while stream.read_buf(&mut buffer).await? > 0 {
        while let Some(message) = Message::read(&buffer)? {
            let request = &buffer[..message.end];
            if request.starts_with(b"GET ") {
                stream.write_all(&describe(request, came)).await?;
            } else {
                match Answer::to(request) {
                    Answer::Now => take(request, message.body, came),
                    Answer::Late => tokio::time::sleep_until((Instant::now() + SLOW).into()).await,
                    Answer::Never => std::future::pending().await,
                }
                stream.write_all(OK).await?;
            }
            buffer.drain(..message.end);
        }
    }
    Ok(())
}

enum Answer {
    Now,
    Late,
    Never,
}

impl Answer {
    fn to(request: &[u8]) -> Self {
        match request {
            _ if request.starts_with(b"POST /slow") => Self::Late,
            _ if request.starts_with(b"POST /never") => Self::Never,
            _ => Self::Now,
        }
    }
}

fn take(request: &[u8], body: usize, came: &Came) {
    if request.starts_with(b"POST /stamp") {
        let at = wire::micros();
        if let Some(number) = wire::number(&request[body..]) {
            came.stamps.borrow_mut().push((number, at));
        }
    }
    // The first few requests are enough for a sample.
    if came.count.get() < 16 {
        *came.last.borrow_mut() = request.to_vec();
    }
    came.count.set(came.count.get() + 1);
}

fn describe(request: &[u8], came: &Came) -> Vec<u8> {
    let body = match request {
        _ if request.starts_with(b"GET /stamps") => {
            let stamps = came.stamps.take();
            let lines: Vec<String> = stamps.iter().map(|(number, at)| format!("{number} {at}\n")).collect();
            lines.concat().into_bytes()
        }
        _ if request.starts_with(b"GET /last") => came.last.borrow().clone(),
        _ => came.count.get().to_string().into_bytes(),
    };
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.into_bytes(), body].concat()
}

/// The process of the receiver, as the bench sees it.
pub struct Process {
    child: Child,
    address: String,
    asked: tokio::sync::Mutex<Connection>,
}

impl Process {
    pub async fn start() -> anyhow::Result<Self> {
        let mut child = this_program("--receiver")?.stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut address)?;
        let address = address.trim().to_owned();
        Ok(Self {
            child,
            asked: tokio::sync::Mutex::new(Connection::open(&address).await?),
            address,
        })
    }

    pub fn url(&self) -> String {
        self.at("hook")
    }

    pub fn at(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// Returns the number of requests so far.
    pub async fn count(&self) -> anyhow::Result<usize> {
        Ok(str::from_utf8(&self.get("count").await?)?.parse()?)
    }

    /// Waits until this many requests have arrived. Returns the time since `started`.
    pub async fn settled(&self, started: Instant, count: usize) -> anyhow::Result<Duration> {
        let mut pause = tokio::time::interval(Duration::from_millis(2));
        while self.count().await? < count {
            anyhow::ensure!(started.elapsed() < LIMIT, "not everything arrived within {LIMIT:?}");
            pause.tick().await;
        }
        Ok(started.elapsed())
    }

    /// Returns the number of each label that has arrived since the last call, and the time in microseconds since 1970.
    pub async fn stamps(&self) -> anyhow::Result<Vec<(usize, i64)>> {
        let text = String::from_utf8(self.get("stamps").await?)?;
        let line = |line: &str| {
            let (number, at) = line.split_once(' ').context("two numbers")?;
            anyhow::Ok((number.parse()?, at.parse()?))
        };
        text.lines().map(line).collect()
    }

    /// Returns the bytes of one of the first requests.
    pub async fn sample(&self) -> anyhow::Result<Vec<u8>> {
        self.get("last").await
    }

    /// Returns its CPU time so far.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        cpu::of(self.child.id())
    }

    async fn get(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        let request = format!("GET /{path} HTTP/1.1\r\nhost: bench\r\n\r\n");
        Ok(self.asked.lock().await.exchange(request.as_bytes()).await?.to_vec())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
