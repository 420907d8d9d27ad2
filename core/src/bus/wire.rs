//! The wire format of a message: JSON without the empty parts. A message that is too long for its transport is split.
//! Each part only says what to look at, so the parts need neither order nor number.

use super::message::{Ids, Message};
use entity::{NodeId, NotificationId, OrganizationId, WebhookId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

/// The bytes of an id in quotes with its comma.
const ID_BYTES: usize = 39;
/// The bytes of a pair of ids.
const PAIR_BYTES: usize = 2 * ID_BYTES + 3;
/// The most bytes of a text without its ids: the sender and all field names.
const FRAME_BYTES: usize = 200;

/// One text: the sender and its message.
#[derive(Serialize, Deserialize)]
struct Text {
    from: NodeId,
    #[serde(flatten)]
    message: Message,
}

/// An id and the field of the message it belongs to.
#[derive(Clone, Copy)]
enum Id {
    Feed(OrganizationId),
    Due(WebhookId),
    Webhook(WebhookId),
    Probe(WebhookId),
    Canceled((WebhookId, NotificationId)),
    Task((OrganizationId, Uuid)),
    Replay((OrganizationId, Uuid)),
    Unnamed(OrganizationId),
}

/// Writes a message as texts of at most `limit` bytes.
pub(super) fn write(from: NodeId, mut message: Message, limit: usize) -> Vec<String> {
    let ids: Vec<Id> = taken(&mut message.feed, Id::Feed)
        .chain(taken(&mut message.due, Id::Due))
        .chain(taken(&mut message.webhooks, Id::Webhook))
        .chain(taken(&mut message.probes, Id::Probe))
        .chain(taken(&mut message.unnamed, Id::Unnamed))
        .collect();
    let canceled = std::mem::take(&mut message.canceled).into_iter().map(Id::Canceled);
    let tasks = std::mem::take(&mut message.tasks).into_iter().map(Id::Task);
    let replays = std::mem::take(&mut message.replays).into_iter().map(Id::Replay);
    let pairs: Vec<Id> = canceled.chain(tasks).chain(replays).collect();
    let room = limit.saturating_sub(FRAME_BYTES);
    let mut chunks = ids
        .chunks((room / ID_BYTES).max(1))
        .chain(pairs.chunks((room / PAIR_BYTES).max(1)));
    let mut texts = vec![text(from, with(message, chunks.next().unwrap_or_default()))];
    texts.extend(chunks.map(|chunk| text(from, with(Message::default(), chunk))));
    texts
}

/// Reads a text: its sender and its message.
pub(super) fn read(text: &[u8]) -> serde_json::Result<(NodeId, Message)> {
    let Text { from, message } = serde_json::from_slice(text)?;
    Ok((from, message))
}

/// Takes the ids out of a field, unless it says *all*.
fn taken<T>(ids: &mut Ids<T>, place: fn(T) -> Id) -> impl Iterator<Item = Id> + use<T> {
    let these = match ids {
        Ids::These(these) => std::mem::take(these),
        Ids::All => BTreeSet::new(),
    };
    these.into_iter().map(place)
}

fn with(mut message: Message, ids: &[Id]) -> Message {
    for id in ids {
        message.append(match *id {
            Id::Feed(id) => Message::feed([id]),
            Id::Due(id) => Message::due([id]),
            Id::Webhook(id) => Message::webhooks([id]),
            Id::Probe(id) => Message::probes([id]),
            Id::Canceled(ids) => Message::canceled([ids]),
            Id::Task((id, task)) => Message::changed(id, &[task], &[]),
            Id::Replay((id, replay)) => Message::changed(id, &[], &[replay]),
            Id::Unnamed(id) => Message::unnamed([id]),
        });
    }
    message
}

fn text(from: NodeId, message: Message) -> String {
    serde_json::to_string(&Text { from, message }).expect("ids and flags are JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(from: NodeId, texts: &[String]) -> Message {
        let mut all = Message::default();
        for text in texts {
            let (teller, message) = read(text.as_bytes()).unwrap();
            assert_eq!(teller, from);
            all.append(message);
        }
        all
    }

    #[test]
    fn a_message_says_nothing_but_what_it_says() {
        let from = NodeId::new();
        assert_eq!(
            write(from, Message::keys(), 8_000),
            [format!("{{\"from\":\"{from}\",\"keys\":true}}")]
        );
        let everything = write(from, Message::everything(), 8_000);
        assert_eq!(read_all(from, &everything), Message::everything());
        let id = WebhookId::new();
        let due = write(from, Message::due([id]), 8_000);
        assert_eq!(
            due,
            [format!("{{\"from\":\"{from}\",\"due\":{{\"these\":[\"{id}\"]}}}}")]
        );
    }

    #[test]
    fn a_long_message_becomes_several_none_longer_than_allowed() {
        let (from, limit) = (NodeId::new(), 7_999);
        let ids = || (0..400).map(|_| WebhookId::new());
        let mut message = Message::due(ids());
        message.append(Message::webhooks(ids()));
        message.append(Message::feed((0..400).map(|_| OrganizationId::new())));
        message.append(Message::keys());
        message.append(Message::nodes());
        let texts = write(from, message.clone(), limit);
        assert_eq!(texts.len(), 7, "{} bytes each", texts[0].len());
        assert!(texts.iter().all(|text| text.len() <= limit));
        assert_eq!(read_all(from, &texts), message);
    }

    #[test]
    fn what_a_newer_node_adds_is_passed_over_and_what_is_no_message_is_refused() {
        let from = NodeId::new();
        let newer = format!("{{\"from\":\"{from}\",\"keys\":true,\"weather\":[1]}}");
        assert_eq!(read(newer.as_bytes()).unwrap(), (from, Message::keys()));
        for wrong in ["", "{}", "[]", "\u{0}", "{\"from\":1}"] {
            assert!(read(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(read(&[0xff]).is_err());
    }
}
