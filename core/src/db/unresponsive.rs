//! Detection of an unresponsive database: one that accepts requests and answers nothing, as behind a network that drops
//! packets. No error tells of it. The node's heartbeat has a timeout and reports it; everything that waits for an
//! answer is then canceled.

use crate::{Error, Result};
use tokio::sync::Notify;

/// Tells tasks that wait for the database that it does not answer.
#[derive(Debug, Default)]
pub(crate) struct Unresponsive(Notify);

impl Unresponsive {
    /// Reports that the database has not answered for too long: all current waits end now.
    pub(crate) fn report(&self) {
        self.0.notify_waiters();
    }

    /// Waits until the database is reported unresponsive. Earlier reports do not count.
    pub(crate) async fn wait(&self) {
        self.0.notified().await;
    }

    /// Waits for a query that changes nothing, until the database is reported unresponsive.
    pub(crate) async fn until_unresponsive<T>(&self, look: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            done = look => done,
            () = self.wait() => Err(unanswered()),
        }
    }
}

/// Returns the error for a change that was not committed.
pub(crate) fn unanswered() -> Error {
    Error::Unavailable("the database cannot be used now: it does not answer; nothing was changed".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{future::pending, sync::Arc};

    #[tokio::test]
    async fn who_waits_when_the_silence_is_noticed_waits_no_longer() {
        let unresponsive = Arc::new(Unresponsive::default());
        unresponsive.report();
        let waits = Arc::clone(&unresponsive);
        let waiting = tokio::spawn(async move { waits.until_unresponsive(pending::<Result<()>>()).await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "an old report does not count");
        unresponsive.report();
        assert!(matches!(waiting.await.unwrap(), Err(Error::Unavailable(_))));
        assert_eq!(unresponsive.until_unresponsive(async { Ok(1) }).await.unwrap(), 1);
    }
}
