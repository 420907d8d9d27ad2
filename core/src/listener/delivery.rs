//! What a listener is handed, and what it answers.

use crate::{
    Error, Result,
    delivery::sender::{self, BODY_KEPT, Outcome, SendError},
    input,
    queue::job::Job,
    webhook::Target,
};
use bytes::Bytes;
use entity::{AttemptErrorKind, EventId, NotificationId, WebhookId, WebhookTopic};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::{ops::RangeInclusive, time::Duration};
use uuid::Uuid;

/// Headers of an answer at most, and bytes of their names and values together.
const MAX_HEADERS: usize = 200;
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Characters of an error's message.
const MAX_MESSAGE: usize = 500;
const STATUS: RangeInclusive<i32> = 100..=999;

/// One request of a notification, for a listener to make.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Names this one request.
    pub id: Uuid,
    /// The notification.
    pub notification_id: NotificationId,
    /// Whose listener it is for.
    pub webhook_id: WebhookId,
    /// The event it tells of.
    pub event_id: EventId,
    /// The event's topic.
    pub topic: WebhookTopic,
    /// 1 for the notification's first request.
    pub attempt: i32,
    /// Where the listener has said that it posts to.
    pub url: String,
    /// As they would be sent, secrets and tokens included.
    pub headers: HeaderMap,
    /// The exact bytes.
    pub body: Bytes,
    /// How long the answer is waited for.
    pub timeout: Duration,
}

impl Delivery {
    pub(crate) fn of(job: &Job, target: &Target, headers: HeaderMap, body: Bytes) -> Self {
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

/// What came of a delivery at the listener: what the local server said, why it said nothing, or both when it broke off.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The HTTP status.
    pub status: Option<i32>,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The first bytes of the body.
    pub body: Bytes,
    /// There was more of it.
    pub truncated: bool,
    /// The kind of fault, and words for people.
    pub error: Option<(AttemptErrorKind, String)>,
}

impl Answer {
    /// The same as if the server had sent the request itself; or which part cannot be taken.
    pub(super) fn check(self) -> Result<Outcome> {
        let error = self.error.map(|(kind, message)| fault(kind, message)).transpose()?;
        let Some(status) = self.status else {
            if error.is_none() {
                return Err(Error::invalid("status", "is required when there is no error"));
            }
            if !(self.headers.is_empty() && self.body.is_empty()) {
                return Err(Error::invalid("status", "is required with headers and a body"));
            }
            return Ok(Outcome { answer: None, error });
        };
        let status = u16::try_from(status).ok().filter(|_| STATUS.contains(&status));
        let status = status.ok_or_else(|| Error::invalid("status", "must be 100 to 999"))?;
        if self.body.len() > BODY_KEPT {
            let reason = format!("must have at most {BODY_KEPT} bytes: cut it and say that it is truncated");
            return Err(Error::invalid("body", reason));
        }
        let answer = sender::Answer {
            status,
            headers: headers(&self.headers)?,
            body: self.body,
            truncated: self.truncated,
        };
        Ok(Outcome {
            answer: Some(answer),
            error,
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

/// What a listener can have met with; the others are the server's own to say.
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
        assert!(body(BODY_KEPT).check().is_ok());
        refused(body(BODY_KEPT + 1), "body");
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
