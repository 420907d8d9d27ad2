//! `labelhook health`: asks the server on this machine whether it is ready, for supervisors that run a command where no
//! other program is at hand.

use anyhow::{Context, bail};
use clap::Args;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Bytes of an answer that are read; its first line tells everything.
const ENOUGH: u64 = 1024;

#[derive(Args, Debug)]
pub struct Health {
    /// The address that the server listens on.
    #[arg(long, env = "LABELHOOK_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

impl Health {
    pub async fn run(self) -> anyhow::Result<()> {
        let address = reachable(self.listen);
        let status = timeout(PATIENCE, ready(address))
            .await
            .with_context(|| format!("{address} did not answer in time"))?
            .with_context(|| format!("{address} cannot be asked"))?;
        if !status.contains(" 200 ") {
            bail!("{address} is not ready: {status}");
        }
        println!("ready");
        Ok(())
    }
}

/// The first line of what `/readyz` answers.
async fn ready(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(ENOUGH).read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

/// A server that listens on every address is asked over loopback.
fn reachable(mut listen: SocketAddr) -> SocketAddr {
    match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => listen.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => listen.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    listen
}
