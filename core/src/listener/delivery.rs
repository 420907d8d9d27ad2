//! The deliveries that a listener is given, and its responses.

use crate::{
    Error, Result,
    delivery::sender::{self, MAX_KEPT_BODY, Outcome, SendError},
    input,
    queue::job::Job,
    webhook::target::DeliverySettings,
};
use bytes::Bytes;
use entity::{AttemptErrorKind, EventId, NotificationId, WebhookId, WebhookTopic};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::{ops::RangeInclusive, time::Duration};
use uuid::Uuid;

/// The most headers of a response, and the most bytes of their names and values together.
const MAX_HEADERS: usize = 200;
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// The most characters of an error's message that are kept.
const MAX_MESSAGE: usize = 500;
const STATUS: RangeInclusive<i32> = 100..=999;

/// One request of a notification, to be made by a listener.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The id of this request.
    pub id: Uuid,
    /// The notification.
    pub notification_id: NotificationId,
    /// The webhook of the listener.
    pub webhook_id: WebhookId,
    /// The event that the notification is about.
    pub event_id: EventId,
    /// The event's topic.
    pub topic: WebhookTopic,
    /// The number of the attempt, from 1 on.
    pub attempt: i32,
    /// The URL to which the listener says that it posts.
    pub url: String,
    /// The headers as they would be sent, secrets and tokens included.
    pub headers: HeaderMap,
    /// The exact bytes of the body.
    pub body: Bytes,
    /// The time that the response is waited for.
    pub timeout: Duration,
}

impl Delivery {
    pub(crate) fn of(job: &Job, target: &DeliverySettings, headers: HeaderMap, body: Bytes) -> Self {
        Self {
            id: Uuid::now_v7(),
            notification_id: job.notification_id,
            webhook_id: job.webhook_id,
            event_id: job.event_id,
            topic: job.topic,
            attempt: job.attempt_count + 1,
            url: target.url.as_str().to_owned(),
            headers,
            body,
            timeout: target.timeout,
        }
    }
}

/// The outcome of a delivery at the listener: the local server's response, the reason why there is none, or both when
/// the response broke off.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The HTTP status.
    pub status: Option<i32>,
    /// The names and values of the headers.
    pub headers: Vec<(String, String)>,
    /// The first bytes of the body.
    pub body: Bytes,
    /// True when the body was longer.
    pub truncated: bool,
    /// The kind of the error, and its message for people.
    pub error: Option<(AttemptErrorKind, String)>,
}

impl Answer {
    /// Checks the response and returns it as the outcome of a request of the server's own. The error names the invalid
    /// field.
    pub(super) fn check(self) -> Result<Outcome> {
        let error = self.error.map(|(kind, message)| fault(kind, message)).transpose()?;
        let Some(status) = self.status else {
            if error.is_none() {
                return Err(Error::invalid("status", "is required when there is no error"));
            }
            if !(self.headers.is_empty() && self.body.is_empty()) {
                return Err(Error::invalid("status", "is required with headers and a body"));
            }
            return Ok(Outcome {
                error,
                ..Outcome::default()
            });
        };
        let status = u16::try_from(status).ok().filter(|_| STATUS.contains(&status));
        let status = status.ok_or_else(|| Error::invalid("status", "must be 100 to 999"))?;
        if self.body.len() > MAX_KEPT_BODY {
            let reason = format!("must have at most {MAX_KEPT_BODY} bytes: cut it and say that it is truncated");
            return Err(Error::invalid("body", reason));
        }
        let answer = sender::Received {
            status,
            headers: headers(&self.headers)?,
            body: self.body,
            truncated: self.truncated,
        };
        Ok(Outcome {
            answer: Some(answer),
            error,
            ..Outcome::default()
        })
    }
}

fn headers(given: &[(String, String)]) -> Result<HeaderMap> {
    let fault = |reason: String| Error::invalid("headers", reason);
    if given.len() > MAX_HEADERS {
        return Err(fault(format!("must be at most {MAX_HEADERS}")));
    }
    let bytes: usize = given.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > MAX_HEADER_BYTES {
        return Err(fault(format!("must have at most {MAX_HEADER_BYTES} bytes together")));
    }
    let mut map = HeaderMap::with_capacity(given.len());
    for (name, value) in given {
        let name = HeaderName::from_bytes(name.as_bytes());
        let name = name.map_err(|_| fault("must have valid names".into()))?;
        let value = HeaderValue::from_bytes(value.as_bytes());
        let value = value.map_err(|_| fault(format!("{name} has a value that is not valid")))?;
        map.append(name, value);
    }
    Ok(map)
}

/// Checks an error that a listener reports. Some kinds can only be found by the server.
fn fault(kind: AttemptErrorKind, message: String) -> Result<SendError> {
    use AttemptErrorKind as Kind;
    match kind {
        Kind::BlockedAddress | Kind::Canceled | Kind::ListenerGone => {
            let reason = format!("{} is not for a listener to say", kind.as_str());
            Err(Error::invalid("error.kind", reason))
        }
        Kind::Dns
        | Kind::Connect
        | Kind::Tls
        | Kind::Timeout
        | Kind::Redirect
        | Kind::Protocol
        | Kind::BodyTooLarge => {
            input::text("error.message", &message, usize::MAX)?;
            Ok(SendError::new(
                kind,
                message.chars().take(MAX_MESSAGE).collect::<String>(),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(answer: Answer, field: &str) {
        match answer.clone().check() {
            Err(Error::Invalid { field: given, .. }) => assert_eq!(given, field, "{answer:?}"),
            other => panic!("{answer:?}: {other:?}"),
        }
    }

    fn answer(status: i32) -> Answer {
        Answer {
            status: Some(status),
            ..Answer::default()
        }
    }

    #[test]
    fn an_answer_is_taken_as_if_it_had_come_from_the_receiver() {
        let given = Answer {
            headers: vec![("Set-Cookie".into(), "a".into()), ("set-cookie".into(), "bß".into())],
            body: Bytes::from_static(&[0xff]),
            truncated: true,
            error: Some((AttemptErrorKind::Timeout, "x".repeat(600))),
            ..answer(503)
        };
        let outcome = given.check().unwrap();
        let (answer, error) = (outcome.answer.unwrap(), outcome.error.unwrap());
        assert_eq!((answer.status, answer.truncated), (503, true));
        assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 2);
        assert_eq!(
            (error.kind, error.message.len()),
            (AttemptErrorKind::Timeout, MAX_MESSAGE)
        );
    }

    #[test]
    fn what_is_no_answer_is_refused_by_the_name_of_its_part() {
        refused(Answer::default(), "status");
        for status in [-1, 0, 99, 1_000, i32::MAX] {
            refused(answer(status), "status");
        }
        let body = |bytes: usize| Answer {
            body: vec![b'x'; bytes].into(),
            ..answer(200)
        };
        assert!(body(MAX_KEPT_BODY).check().is_ok());
        refused(body(MAX_KEPT_BODY + 1), "body");
        let headers = |headers: Vec<(String, String)>| Answer { headers, ..answer(200) };
        refused(headers(vec![("a".into(), "b".into()); 201]), "headers");
        refused(headers(vec![("a".into(), "b".repeat(64 * 1024))]), "headers");
        refused(headers(vec![("a b".into(), "b".into())]), "headers");
        refused(headers(vec![("a".into(), "b\r\nc: d".into())]), "headers");
        for kind in [AttemptErrorKind::ListenerGone, AttemptErrorKind::BlockedAddress] {
            let error = Some((kind, String::new()));
            refused(Answer { error, ..answer(200) }, "error.kind");
        }
        let error = Some((AttemptErrorKind::BodyTooLarge, "\0".into()));
        refused(Answer { error, ..answer(200) }, "error.message");
    }
}
