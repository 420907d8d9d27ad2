//! The ledger: the changes that were tried, those that were accepted, and the deliveries that they require.
//!
//! Every change has a mark that its event has too, so a delivery can be matched with its change.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};

use harness::deadline::within;
use harness::{Answered, Received};
use tokio::sync::watch;

use super::scene::Scene;

/// The identity of an event: its topic and its mark.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mark {
    pub topic: &'static str,
    pub mark: String,
}

/// The topics that the writers cause.
pub const TOPICS: [&str; 5] = [
    "LABEL_CREATED",
    "LABEL_UPDATED",
    "LABEL_DELETED",
    "REVIEW_CREATED",
    "REVIEW_UPDATED",
];

impl Mark {
    /// Returns the mark of a delivery: the text of a saved label, the score of a changed review, and otherwise the id
    /// of the object.
    pub fn of(received: &Received) -> Self {
        let event = received.header("x-labelbox-event");
        let topic = *TOPICS
            .iter()
            .find(|topic| **topic == event)
            .unwrap_or_else(|| panic!("topic {event}"));
        let body = received.json();
        let mark = match topic {
            "LABEL_CREATED" | "LABEL_UPDATED" => body["label"].as_str().map(str::to_owned),
            "REVIEW_UPDATED" => body["score"].as_f64().map(|score| score.to_string()),
            _ => body["id"].as_str().map(str::to_owned),
        };
        Self {
            topic,
            mark: mark.unwrap_or_else(|| panic!("no mark in {body:#}")),
        }
    }
}

/// The ledger, shared by all writers.
#[derive(Debug)]
pub struct Book {
    pages: Mutex<Pages>,
    accepted: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Pages {
    /// Mark and project of each change that was answered without an error.
    accepted: Vec<(Mark, usize)>,
    /// Marks that were chosen before the change was sent, accepted or not.
    tried: HashSet<Mark>,
    /// Marks of changes whose error said that nothing was changed.
    refused: HashSet<Mark>,
    counts: Counts,
}

/// The numbers of changes that were not accepted, by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// No response arrived.
    pub unanswered: usize,
    /// The error said to try again: nothing was changed.
    pub refused: usize,
    /// The error said to try again: it is not known whether the change was made.
    pub unknown: usize,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            pages: Mutex::default(),
            accepted: watch::Sender::new(0),
        }
    }
}

impl Book {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().expect("nobody panics while holding the book")
    }

    /// Records that a change with this mark is about to be sent.
    pub fn trying(&self, mark: &Mark) {
        self.pages().tried.insert(mark.clone());
    }

    /// Records that a change was answered without an error.
    pub fn accepted(&self, mark: Mark, project: usize) {
        let mut pages = self.pages();
        pages.tried.insert(mark.clone());
        pages.accepted.push((mark, project));
        let count = pages.accepted.len();
        drop(pages);
        self.accepted.send_replace(count);
    }

    /// Records that no response arrived: the change may have been made or not.
    pub fn unanswered(&self) {
        self.pages().counts.unanswered += 1;
    }

    /// Records an error that says to try again: nothing was changed, or that is not known.
    pub fn refused(&self, mark: Option<&Mark>, answer: &Answered) {
        let message = answer.body["errors"][0]["message"].as_str().unwrap_or_default();
        let mut pages = self.pages();
        if message.contains("not known") {
            pages.counts.unknown += 1;
            return;
        }
        pages.counts.refused += 1;
        pages.refused.extend(mark.cloned());
    }

    /// Returns the numbers of changes that were not accepted.
    pub fn counts(&self) -> Counts {
        self.pages().counts
    }

    /// Waits until this many more changes are accepted.
    pub async fn accepts_more(&self, number: usize) {
        let mut accepted = self.accepted.subscribe();
        let goal = *accepted.borrow() + number;
        let waiting = || format!("{goal} accepted changes; there are {}", *self.accepted.borrow());
        within(waiting, accepted.wait_for(|count| *count >= goal))
            .await
            .expect("the book holds the sender");
    }

    /// Returns the accepted changes that were not delivered, each with the path of a webhook that subscribes to it.
    pub fn missing<'s>(&self, scene: &'s Scene, received: &[Received]) -> Vec<(Mark, &'s str)> {
        let delivered: HashSet<(Mark, &str)> = received
            .iter()
            .map(|one| (Mark::of(one), one.path.trim_start_matches('/')))
            .collect();
        let mut missing = Vec::new();
        for (mark, project) in &self.pages().accepted {
            for path in scene.wanted_by(mark.topic, *project) {
                if !delivered.contains(&(mark.clone(), path)) {
                    missing.push((mark.clone(), path));
                }
            }
        }
        missing
    }

    /// Asserts that everything accepted was delivered, that nothing was delivered that was not asked for, and that
    /// repeated requests were of the same event and had the same bytes.
    pub fn audit(&self, scene: &Scene, received: &[Received]) {
        assert_eq!(self.missing(scene, received), [], "accepted and not delivered");
        let pages = self.pages();
        let mut first: HashMap<(&str, &str), &Received> = HashMap::new();
        let mut ids: BTreeMap<(Mark, &str), HashSet<&str>> = BTreeMap::new();
        for one in received {
            let mark = Mark::of(one);
            if mark.topic.starts_with("LABEL_") && mark.topic != "LABEL_DELETED" {
                assert!(pages.tried.contains(&mark), "delivered, but never asked for: {mark:?}");
                assert!(
                    !pages.refused.contains(&mark),
                    "nothing was changed, it was said: {mark:?}"
                );
            }
            let original = first.entry((&one.path, one.header("webhook-id"))).or_insert(one);
            assert_eq!(original.body, one.body, "the same event is sent as the same bytes");
            assert_eq!(
                original.header("x-labelbox-id"),
                one.header("x-labelbox-id"),
                "and as the same notification"
            );
            ids.entry((mark, &one.path))
                .or_default()
                .insert(one.header("webhook-id"));
        }
        for (what, ids) in ids {
            assert_eq!(ids.len(), 1, "one change is one event: {what:?} came as {ids:?}");
        }
    }
}
