//! A database that takes what it is asked and answers nothing, as behind a network that drops packets. No error tells of
//! it; the node's heartbeat does, which has a limit. What waits for an answer then is broken off.

use crate::{Error, Result};
use tokio::sync::Notify;

/// Tells those who wait for the database that it does not answer.
#[derive(Debug, Default)]
pub(crate) struct Silence(Notify);

impl Silence {
    /// The database has not answered for too long: whoever waits for it now waits no longer.
    pub(crate) fn noticed(&self) {
        self.0.notify_waiters();
    }

    /// Ends when the silence is noticed, and not before.
    pub(crate) async fn falls(&self) {
        self.0.notified().await;
    }

    /// Waits for something that changes nothing, unless the database falls silent.
    pub(crate) async fn outlast<T>(&self, look: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            done = look => done,
            () = self.falls() => Err(unanswered()),
        }
    }
}

/// Of something that was not committed.
pub(crate) fn unanswered() -> Error {
    Error::Unavailable("the database cannot be used now: it does not answer; nothing was changed".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{future::pending, sync::Arc};

    #[tokio::test]
    async fn who_waits_when_the_silence_is_noticed_waits_no_longer() {
        let silence = Arc::new(Silence::default());
        silence.noticed();
        let waits = Arc::clone(&silence);
        let waiting = tokio::spawn(async move { waits.outlast(pending::<Result<()>>()).await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "an old silence is over");
        silence.noticed();
        assert!(matches!(waiting.await.unwrap(), Err(Error::Unavailable(_))));
        assert_eq!(silence.outlast(async { Ok(1) }).await.unwrap(), 1);
    }
}
