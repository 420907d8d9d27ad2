//! A message on its way: what comes while it waits becomes a part of it.

use super::message::Message;
use std::sync::Mutex;
use tokio::sync::Notify;

/// Holds one message, which grows until it is taken. One taker at a time.
#[derive(Debug, Default)]
pub struct Mailbox {
    message: Mutex<Message>,
    put: Notify,
}

impl Mailbox {
    /// Adds to what waits.
    pub(super) fn put(&self, message: Message) {
        if message.is_empty() {
            return;
        }
        self.message
            .lock()
            .expect("nothing panics while it holds the message")
            .append(message);
        self.put.notify_one();
    }

    /// What waits, if anything does.
    pub(super) fn take(&self) -> Option<Message> {
        let message = std::mem::take(&mut *self.message.lock().expect("held for a take only"));
        Some(message).filter(|message| !message.is_empty())
    }

    /// Waits until something does.
    pub(super) async fn filled(&self) {
        while self.message.lock().expect("held for a look only").is_empty() {
            self.put.notified().await;
        }
    }

    /// Waits for what was told since. A future that is dropped loses nothing.
    pub async fn next(&self) -> Message {
        loop {
            self.filled().await;
            if let Some(message) = self.take() {
                return message;
            }
        }
    }
}
