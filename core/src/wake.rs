//! [`Wake`]: the signal by which a verb tells a background task that there is something to do. It is a hint, sent after
//! the commit: the work itself is a row, and each task also looks by itself once a period.

use tokio::sync::watch;

/// A signal that any number of subscribers wait for.
#[derive(Debug)]
pub(crate) struct Wake(watch::Sender<()>);

impl Default for Wake {
    fn default() -> Self {
        Self(watch::Sender::new(()))
    }
}

impl Wake {
    /// Wakes every subscriber, or lets it go on at once when it waits next.
    pub(crate) fn wake(&self) {
        self.0.send_replace(());
    }

    /// Registers a subscriber. It misses no signal from now on, however long it does something else.
    pub(crate) fn subscribe(&self) -> Signal {
        Signal(self.0.subscribe())
    }
}

/// One subscriber's end of a [`Wake`]. Signals that arrive while nobody waits count as one.
#[derive(Debug)]
pub(crate) struct Signal(watch::Receiver<()>);

impl Signal {
    /// Waits for a signal that was sent since the last one that was waited for.
    pub(crate) async fn woken(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn a_signal_that_is_sent_while_nobody_waits_is_kept_and_counts_once() {
        let wake = Wake::default();
        wake.wake();
        let mut signal = wake.subscribe();
        assert!(signal.woken().now_or_never().is_none(), "it was sent before");
        wake.wake();
        wake.wake();
        assert!(signal.woken().now_or_never().is_some());
        assert!(signal.woken().now_or_never().is_none());
    }
}
