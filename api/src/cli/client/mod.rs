//! A client of the API for commands that query a server: GraphQL over HTTP, with `reqwest`. It follows no redirect,
//! uses no proxy and opens a connection for each request: a command sends few of them, seconds or hours apart.

use crate::config::Remote;
use anyhow::{Context, bail, ensure};
use labelhook_core::delivery::sender;
use reqwest::{ClientBuilder, Response, redirect::Policy};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use serde_json::{Value, json};
use std::{fmt, sync::Arc, time::Duration};
use url::Url;

/// The time limit of connecting, including the TLS handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The time limit of one operation. By default a server ends its operations after 60 seconds.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(90);
/// The largest answer, in bytes.
const MAX_ANSWER: usize = 16 << 20;

/// A client with one API key.
pub struct Client {
    http: reqwest::Client,
    endpoint: Url,
    api_key: String,
}

/// An error in an answer of the API.
#[derive(Debug)]
pub struct Fault {
    /// The error code.
    pub code: String,
    /// The message for people.
    pub message: String,
}

impl Client {
    /// Parses the server's address. Opens no connection yet.
    pub fn new(remote: &Remote) -> anyhow::Result<Self> {
        let endpoint = endpoint(&remote.server)?;
        let http = http(endpoint.scheme() == "https")?
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ANSWER_TIMEOUT)
            .build()?;
        Ok(Self {
            http,
            endpoint,
            api_key: remote.api_key.clone(),
        })
    }

    /// Returns the `data` of an operation. If it has errors, fails with the first of them as a [`Fault`].
    pub async fn ask(&self, query: &str, variables: Value) -> anyhow::Result<Value> {
        let request = self
            .http
            .post(self.endpoint.clone())
            .bearer_auth(&self.api_key)
            .json(&json!({ "query": query, "variables": variables }));
        let response = request.send().await.map_err(reqwest::Error::without_url);
        let response = response.with_context(|| format!("{} cannot be asked", self.endpoint))?;
        let status = response.status();
        let body = read(response).await.context("the API's answer did not arrive whole")?;
        let Ok(mut answer) = serde_json::from_slice::<Value>(&body) else {
            bail!("{} answers {status} and no JSON; is it a Labelhook?", self.endpoint);
        };
        match answer["errors"].get(0).map(Fault::of) {
            Some(fault) if fault.code == "AUTHENTICATION_ERROR" => {
                Err(fault).context("the server does not know the API key (LABELHOOK_API_KEY)")
            }
            Some(fault) => Err(fault.into()),
            None => Ok(answer["data"].take()),
        }
    }
}

/// Returns a builder of HTTP clients. One without TLS has no certificate authorities, which would be read from files.
pub fn http(is_secure: bool) -> anyhow::Result<ClientBuilder> {
    let tls = match is_secure {
        true => sender::tls()?,
        false => without_authorities()?,
    };
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(Policy::none())
        .pool_max_idle_per_host(0))
}

fn without_authorities() -> anyhow::Result<ClientConfig> {
    Ok(ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

/// Returns the address of a server's GraphQL endpoint.
pub fn endpoint(server: &str) -> anyhow::Result<Url> {
    let mut url = Url::parse(server).with_context(|| format!("--server {server} is not a URL"))?;
    let scheme = match url.scheme() {
        "http" | "ws" => "http",
        "https" | "wss" => "https",
        _ => bail!("--server {server} must begin with http:// or https://"),
    };
    if url.host_str().is_none_or(str::is_empty) || url.set_scheme(scheme).is_err() {
        bail!("--server {server} must name a host");
    }
    let path = url.path().trim_end_matches('/').trim_end_matches("/graphql").to_owned();
    url.set_path(&format!("{path}/graphql"));
    Ok(url)
}

async fn read(mut response: Response) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        ensure!(
            body.len() + chunk.len() <= MAX_ANSWER,
            "it is larger than {} MiB",
            MAX_ANSWER >> 20
        );
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

impl Fault {
    /// Parses an error of a GraphQL answer.
    pub fn of(error: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            code: text(&error["extensions"]["code"]),
            message: text(&error["message"]),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests;
