//! A small GraphQL client for the demonstration: it goes over HTTP like anybody else's.

use anyhow::{Context, bail};
use axum::http::{Request, header};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client as Http, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};
use std::net::SocketAddr;

pub struct Client {
    http: Http<HttpConnector, Full<Bytes>>,
    url: String,
    key: String,
}

impl Client {
    pub fn new(address: SocketAddr, key: String) -> Self {
        let http = Http::builder(TokioExecutor::new()).build_http();
        Self {
            http,
            url: format!("http://{address}/graphql"),
            key,
        }
    }

    /// The `data` of an operation; its errors are an error.
    pub async fn ask(&self, query: &str, variables: Value) -> anyhow::Result<Value> {
        let request = Request::post(&self.url)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::from(
                json!({ "query": query, "variables": variables }).to_string(),
            ))?;
        let answer = self.http.request(request).await.context("the API does not answer")?;
        let body = answer.into_body().collect().await?.to_bytes();
        let mut answer: Value = serde_json::from_slice(&body).context("the API's answer is not JSON")?;
        match answer.get("errors") {
            Some(errors) => bail!("the API refused: {errors}"),
            None => Ok(answer["data"].take()),
        }
    }
}
