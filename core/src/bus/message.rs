//! The messages between nodes. Two messages merge into one. A message that grows too long becomes less specific about
//! what to look at, so that it stays short.

use entity::{NotificationId, OrganizationId, WebhookId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

/// The most ids of one kind in a message; beyond it the message says *all*.
const MAX_IDS: usize = 500;

/// Hints about what to read again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Message {
    /// Organizations whose feed has something new.
    #[serde(skip_serializing_if = "Ids::is_empty")]
    pub feed: Ids<OrganizationId>,
    /// Tasks that have changed, with their organizations: tasks have no sequence number by which changes could be
    /// found.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub tasks: BTreeSet<(OrganizationId, Uuid)>,
    /// Replays that have progressed, likewise.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub replays: BTreeSet<(OrganizationId, Uuid)>,
    /// Organizations with more changed tasks or replays than are named.
    #[serde(skip_serializing_if = "Ids::is_empty")]
    pub unnamed: Ids<OrganizationId>,
    /// Webhooks with something due that the sender does not own.
    #[serde(skip_serializing_if = "Ids::is_empty")]
    pub due: Ids<WebhookId>,
    /// Webhooks that have changed.
    #[serde(skip_serializing_if = "Ids::is_empty")]
    pub webhooks: Ids<WebhookId>,
    /// Webhooks whose open circuit breaker must let one request through now.
    #[serde(skip_serializing_if = "Ids::is_empty")]
    pub probes: Ids<WebhookId>,
    /// Notifications that were canceled, with their webhooks. When there are too many, none is named. Some are then
    /// still sent; they stay canceled.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub canceled: BTreeSet<(WebhookId, NotificationId)>,
    /// True when API keys or users have changed.
    #[serde(skip_serializing_if = "is_unsaid")]
    pub keys: bool,
    /// True when nodes have joined or left.
    #[serde(skip_serializing_if = "is_unsaid")]
    pub nodes: bool,
}

/// Some ids, or all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", bound(deserialize = "T: Ord + Deserialize<'de>"))]
pub enum Ids<T> {
    /// These ids.
    These(BTreeSet<T>),
    /// All ids: there are too many to name, or they are not known.
    All,
}

fn is_unsaid(said: &bool) -> bool {
    !said
}

impl<T> Default for Ids<T> {
    fn default() -> Self {
        Self::These(BTreeSet::new())
    }
}

impl<T: Ord> FromIterator<T> for Ids<T> {
    fn from_iter<I: IntoIterator<Item = T>>(ids: I) -> Self {
        let mut made = Self::default();
        made.append(Self::These(ids.into_iter().collect()));
        made
    }
}

impl<T> Ids<T> {
    /// Returns whether there is no id.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::These(ids) if ids.is_empty())
    }
}

impl<T: Ord> Ids<T> {
    fn append(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::All, _) => return,
            (Self::These(ids), Self::These(mut more)) => ids.append(&mut more),
            (_, Self::All) => *self = Self::All,
        }
        if matches!(self, Self::These(ids) if ids.len() > MAX_IDS) {
            *self = Self::All;
        }
    }
}

impl Message {
    /// Makes a message: these organizations' feeds have something new.
    pub fn feed(ids: impl IntoIterator<Item = OrganizationId>) -> Self {
        Self {
            feed: ids.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Makes a message: these tasks of an organization have changed, and these replays have progressed.
    pub fn changed(id: OrganizationId, tasks: &[Uuid], replays: &[Uuid]) -> Self {
        let mut message = Self {
            tasks: tasks.iter().map(|task| (id, *task)).collect(),
            replays: replays.iter().map(|replay| (id, *replay)).collect(),
            ..Self::default()
        };
        message.shorten();
        message
    }

    /// Makes a message: more tasks or replays of these organizations have changed than are named.
    pub fn unnamed(ids: impl IntoIterator<Item = OrganizationId>) -> Self {
        Self {
            unnamed: ids.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Returns the message without its hints about feeds, which change all the time.
    pub(super) fn without_feed(self) -> Self {
        Self {
            feed: Ids::default(),
            tasks: BTreeSet::new(),
            replays: BTreeSet::new(),
            unnamed: Ids::default(),
            ..self
        }
    }

    /// Names no tasks or replays at all when there are too many of them.
    fn shorten(&mut self) {
        for named in [&mut self.tasks, &mut self.replays] {
            if named.len() > MAX_IDS {
                self.unnamed.append(named.iter().map(|(id, _)| *id).collect());
                named.clear();
            }
        }
    }

    /// Makes a message: these webhooks have something due.
    pub fn due(ids: impl IntoIterator<Item = WebhookId>) -> Self {
        Self {
            due: ids.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Makes a message: any webhook may have something due.
    pub fn due_anywhere() -> Self {
        Self {
            due: Ids::All,
            ..Self::default()
        }
    }

    /// Makes a message: these webhooks have changed.
    pub fn webhooks(ids: impl IntoIterator<Item = WebhookId>) -> Self {
        Self {
            webhooks: ids.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Makes a message: somebody asks now whether these receivers work.
    pub fn probes(ids: impl IntoIterator<Item = WebhookId>) -> Self {
        Self {
            probes: ids.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Makes a message: these notifications were canceled.
    pub fn canceled(ids: impl IntoIterator<Item = (WebhookId, NotificationId)>) -> Self {
        Self {
            canceled: ids.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Makes a message: API keys or users have changed.
    pub fn keys() -> Self {
        Self {
            keys: true,
            ..Self::default()
        }
    }

    /// Makes a message: nodes have joined or left.
    pub fn nodes() -> Self {
        Self {
            nodes: true,
            ..Self::default()
        }
    }

    /// Makes a message: look at all feeds. It is for a node that has joined and was told nothing of them.
    pub fn feeds() -> Self {
        Self {
            feed: Ids::All,
            unnamed: Ids::All,
            ..Self::default()
        }
    }

    /// Makes a message: anything may have changed.
    pub fn everything() -> Self {
        Self {
            feed: Ids::All,
            tasks: BTreeSet::new(),
            replays: BTreeSet::new(),
            unnamed: Ids::All,
            due: Ids::All,
            webhooks: Ids::All,
            probes: Ids::default(),
            canceled: BTreeSet::new(),
            keys: true,
            nodes: true,
        }
    }

    /// Returns whether the message says nothing.
    pub fn is_empty(&self) -> bool {
        self == &Self::default()
    }

    /// Merges another message into this one.
    pub fn append(&mut self, other: Self) {
        self.feed.append(other.feed);
        self.tasks.extend(other.tasks);
        self.replays.extend(other.replays);
        self.unnamed.append(other.unnamed);
        self.shorten();
        self.due.append(other.due);
        self.webhooks.append(other.webhooks);
        self.probes.append(other.probes);
        self.canceled.extend(other.canceled);
        if self.canceled.len() > MAX_IDS {
            self.canceled.clear();
        }
        self.keys |= other.keys;
        self.nodes |= other.nodes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_merge() {
        let (first, second) = (WebhookId::new(), WebhookId::new());
        let mut message = Message::due([first]);
        assert!(!message.is_empty() && Message::default().is_empty());
        message.append(Message::due([first, second]));
        message.append(Message::keys());
        assert_eq!(message.due, [first, second].into_iter().collect());
        assert!(message.keys && !message.nodes && message.webhooks.is_empty());
        message.append(Message::everything());
        assert_eq!(message, Message::everything());
    }

    #[test]
    fn one_kind_that_grows_too_long_says_all_and_leaves_the_others_as_they_are() {
        let mut message = Message::keys();
        let ids: Vec<WebhookId> = (0..MAX_IDS).map(|_| WebhookId::new()).collect();
        message.append(Message::due(ids));
        assert!(matches!(&message.due, Ids::These(ids) if ids.len() == MAX_IDS));
        message.append(Message::due([WebhookId::new()]));
        assert_eq!(message.due, Ids::All);
        message.append(Message::due([WebhookId::new()]));
        assert_eq!(message.due, Ids::All);
        assert!(message.webhooks.is_empty() && message.feed.is_empty());
    }
}
