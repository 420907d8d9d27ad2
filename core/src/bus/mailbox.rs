//! A mailbox for hints: messages that arrive before it is emptied are merged into one.

use super::message::Message;
use std::sync::Mutex;
use tokio::sync::Notify;

/// Holds one merged message until it is taken. One task at a time may wait on it.
#[derive(Debug, Default)]
pub struct Mailbox {
    message: Mutex<Message>,
    put: Notify,
}

impl Mailbox {
    /// Merges a message into the one that waits.
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

    /// Takes the message, if there is one.
    pub(crate) fn take(&self) -> Option<Message> {
        let message = std::mem::take(&mut *self.message.lock().expect("held for a take only"));
        Some(message).filter(|message| !message.is_empty())
    }

    /// Waits until something does.
    pub(crate) async fn filled(&self) {
        while self.message.lock().expect("held for a look only").is_empty() {
            self.put.notified().await;
        }
    }

    /// Waits for a message and takes it. Cancel safe: dropping the future loses nothing.
    pub async fn next(&self) -> Message {
        loop {
            self.filled().await;
            if let Some(message) = self.take() {
                return message;
            }
        }
    }
}
