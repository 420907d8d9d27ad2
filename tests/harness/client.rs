//! A GraphQL client that knows nothing of the service but its address, a key, and GraphQL over HTTP.

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

/// Asks one service with one key.
#[derive(Clone, Debug)]
pub struct Client {
    http: legacy::Client<HttpConnector, Full<Bytes>>,
    endpoint: String,
    key: Option<String>,
}

/// A whole answer: the HTTP status, and the GraphQL response as it came.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The HTTP status.
    pub status: StatusCode,
    /// `data`, `errors` and `extensions`.
    pub body: Value,
}

impl Answered {
    /// The first error's `extensions.code`, if there is an error.
    pub fn code(&self) -> Option<&str> {
        self.body["errors"][0]["extensions"]["code"].as_str()
    }
}

impl Client {
    /// A client of `base` (`http://127.0.0.1:PORT`), which sends `key` as a bearer token.
    pub fn new(base: &str, key: Option<&str>) -> Self {
        Self {
            http: legacy::Client::builder(TokioExecutor::new()).build(HttpConnector::new()),
            endpoint: format!("{base}/graphql"),
            key: key.map(str::to_owned),
        }
    }

    /// The address of the GraphQL API.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The same service, asked with another key.
    pub fn with_key(&self, key: &str) -> Self {
        Self {
            key: Some(key.to_owned()),
            ..self.clone()
        }
    }

    /// The same service, asked without a key.
    pub fn anonymous(&self) -> Self {
        Self {
            key: None,
            ..self.clone()
        }
    }

    /// `data` of the answer; panics with the errors when there are any.
    pub async fn query(&self, text: &str, variables: Value) -> Value {
        let mut answer = self.answer(text, variables).await;
        assert!(
            answer.body.get("errors").is_none(),
            "{text}\nanswered {}: {:#}",
            answer.status,
            answer.body["errors"]
        );
        answer.body["data"].take()
    }

    /// The one error of the answer; panics when there is none, or when its code is not `code`.
    pub async fn expect_error(&self, text: &str, variables: Value, code: &str) -> Value {
        let mut answer = self.answer(text, variables).await;
        assert_eq!(
            answer.code(),
            Some(code),
            "{text}\nanswered {}: {:#}",
            answer.status,
            answer.body
        );
        assert!(
            !answer.status.is_server_error(),
            "a client's mistake is never HTTP {}",
            answer.status
        );
        answer.body["errors"][0].take()
    }

    /// The whole answer, whatever it says; panics when the service cannot be reached.
    pub async fn answer(&self, text: &str, variables: Value) -> Answered {
        match self.try_answer(text, variables).await {
            Ok(answer) => answer,
            Err(error) => panic!("{text}\ngot no answer: {error:#}"),
        }
    }

    /// The whole answer, or why none came: for tests in which the service dies.
    pub async fn try_answer(&self, text: &str, variables: Value) -> anyhow::Result<Answered> {
        let (status, bytes) = self.bytes(text, variables).await?;
        let body = serde_json::from_slice(&bytes).map_err(|error| {
            anyhow::anyhow!(
                "HTTP {status} with a body that is not JSON ({error}): {}",
                String::from_utf8_lossy(&bytes)
            )
        })?;
        Ok(Answered { status, body })
    }

    /// The same as it came, for what reading it as JSON would change.
    pub async fn bytes(&self, text: &str, variables: Value) -> anyhow::Result<(StatusCode, Bytes)> {
        let body = json!({ "query": text, "variables": variables }).to_string();
        let mut request = Request::post(&self.endpoint)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json");
        if let Some(key) = &self.key {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        let response = self.http.request(request.body(Full::from(body))?).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }

    /// Any other request to the service, for the routes that are not GraphQL: status and body.
    pub async fn get(&self, path: &str) -> anyhow::Result<(StatusCode, Bytes)> {
        let base = self.endpoint.trim_end_matches("/graphql");
        let request = Request::get(format!("{base}{path}")).body(Full::default())?;
        let response = self.http.request(request).await?;
        Ok((response.status(), response.into_body().collect().await?.to_bytes()))
    }
}

/// Posts raw bytes, as a sender of webhooks does; gives the status.
pub async fn post(url: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> anyhow::Result<StatusCode> {
    let http = legacy::Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    let mut request = Request::post(url).header(header::CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = http.request(request.body(Full::<Bytes>::new(body.into()))?).await?;
    let status = response.status();
    response.into_body().collect().await?;
    Ok(status)
}
