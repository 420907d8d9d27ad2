//! Forwards one delivery: posts the same headers and bytes to the local server and converts its response for the API.
//! The dispatcher's own HTTP client is used: errors have the same names, responses have the same limits, and no header
//! is added (`reqwest` adds `accept` to every request).

use anyhow::Context;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use labelhook_core::{
    Clock,
    delivery::{
        guard::Guard,
        sender::{self, Outcome, Sender},
        target_url::TargetUrl,
    },
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The most bytes of response headers that are sent back: what the server records, with room for the headers that it
/// leaves out.
const HEADERS_KEPT: usize = 48 * 1024;
const HEADERS_COUNT: usize = 200;

/// Posts deliveries to a local server. Cheap to clone.
#[derive(Clone)]
pub struct Forward {
    to: TargetUrl,
    sender: Sender,
}

/// The result of a posted delivery: the answer to the API, and a line for the user.
pub struct Posted {
    /// The input of `answerDelivery`.
    pub answer: Value,
    /// Time, topic, notification, status and duration.
    pub line: String,
}

impl Forward {
    /// Returns a forwarder to this URL. Any address is allowed, since the user of this machine names it.
    pub fn to(url: &str) -> anyhow::Result<Self> {
        let to = TargetUrl::parse(url).with_context(|| format!("--forward-to {url} cannot be used"))?;
        let sender = Sender::new(sender::Config {
            guard: Guard::open(),
            ..sender::Config::default()
        })?;
        Ok(Self { to, sender })
    }

    /// Posts a delivery to the local server.
    pub async fn post(self, delivery: Value) -> Posted {
        let started = Instant::now();
        let limit = Duration::from_millis(delivery["timeoutMs"].as_u64().unwrap_or(15_000));
        let sent = self.sender.send(&self.to, headers(&delivery), body(&delivery), limit);
        let outcome = sent.await;
        Posted {
            line: line(&delivery, &outcome, started.elapsed()),
            answer: answer(&delivery["id"], outcome),
        }
    }
}

fn headers(delivery: &Value) -> HeaderMap {
    let given = delivery["headers"].as_array().into_iter().flatten();
    let read = |header: &Value| {
        let name = HeaderName::from_bytes(header["name"].as_str()?.as_bytes()).ok()?;
        Some((
            name,
            HeaderValue::from_bytes(header["value"].as_str()?.as_bytes()).ok()?,
        ))
    };
    let mut headers = HeaderMap::new();
    for (name, value) in given.filter_map(read) {
        headers.append(name, value);
    }
    headers
}

fn body(delivery: &Value) -> Bytes {
    let text = delivery["body"].as_str().unwrap_or_default();
    match delivery["bodyIsBase64"].as_bool() {
        Some(true) => STANDARD.decode(text).unwrap_or_default().into(),
        _ => Bytes::copy_from_slice(text.as_bytes()),
    }
}

fn line(delivery: &Value, outcome: &Outcome, took: Duration) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let now = Clock::default().now().secs();
    let time = now.get(11..19).unwrap_or(&now);
    let status = outcome.answer.as_ref().map(|answer| answer.status.to_string());
    let error = outcome.error.as_ref();
    let error = error.map(|error| format!("{} ({error})", error.kind.as_str()));
    let said: Vec<String> = status.into_iter().chain(error).collect();
    let again = match delivery["attempt"].as_i64() {
        Some(attempt) if attempt > 1 => format!("  attempt {attempt}"),
        _ => String::new(),
    };
    format!(
        "{time}  {:<15}  {}  → {}  {} ms{again}",
        text(&delivery["topic"]),
        text(&delivery["notificationId"]),
        said.join(" "),
        took.as_millis()
    )
}

fn answer(delivery: &Value, outcome: Outcome) -> Value {
    let error = outcome.error.map(|error| {
        json!({
            "kind": error.kind.as_str(),
            "message": error.message,
        })
    });
    let Some(answer) = outcome.answer else {
        return json!({ "delivery": delivery, "error": error });
    };
    let (body, is_base64) = match std::str::from_utf8(&answer.body) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (STANDARD.encode(&answer.body), true),
    };
    json!({
        "delivery": delivery,
        "status": answer.status,
        "headers": answered(&answer.headers),
        "body": body,
        "bodyIsBase64": is_base64,
        "bodyTruncated": answer.truncated,
        "error": error,
    })
}

/// Returns the response headers, up to the limits.
fn answered(headers: &HeaderMap) -> Vec<Value> {
    let mut room = HEADERS_KEPT;
    let mut kept = Vec::new();
    for (name, value) in headers.iter().take(HEADERS_COUNT) {
        let value = String::from_utf8_lossy(value.as_bytes());
        let bytes = name.as_str().len() + value.len();
        if bytes <= room {
            room -= bytes;
            kept.push(json!({ "name": name.as_str(), "value": value }));
        }
    }
    kept
}
