//! `labelhook health`: asks the server on this machine whether it is ready. For supervisors that run a command, where
//! no other program is available.

use super::client;
use anyhow::{Context, ensure};
use clap::Args;
use reqwest::StatusCode;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

/// The timeout of the whole request.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Args, Debug)]
pub struct Health {
    /// The address that the server listens on.
    #[arg(long, env = "LABELHOOK_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

impl Health {
    pub async fn run(self) -> anyhow::Result<()> {
        let address = reachable(self.listen);
        let status = ready(address)
            .await
            .with_context(|| format!("{address} cannot be asked"))?;
        ensure!(status == StatusCode::OK, "{address} is not ready: {status}");
        println!("ready");
        Ok(())
    }
}

/// Returns the status code of `/readyz`.
async fn ready(address: SocketAddr) -> anyhow::Result<StatusCode> {
    let http = client::http(false)?.timeout(ANSWER_TIMEOUT).build()?;
    let response = http.get(format!("http://{address}/readyz")).send().await;
    Ok(response.map_err(reqwest::Error::without_url)?.status())
}

/// Returns the address to connect to: loopback for a server that listens on every address.
fn reachable(mut listen: SocketAddr) -> SocketAddr {
    match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => listen.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => listen.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    listen
}
