//! One limit for everything that tests wait for. It only ends a test that hangs: a loaded machine is no failure.

use std::future::Future;
use std::time::Duration;

/// The time limit of every wait.
pub const LIMIT: Duration = Duration::from_secs(180);

/// Awaits `future`; panics with `what` when it is not done within [`LIMIT`].
pub async fn within<T>(what: impl FnOnce() -> String, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(LIMIT, future).await {
        Ok(value) => value,
        Err(_) => panic!("not within {LIMIT:?}: {}", what()),
    }
}

/// Polls until the answer is true, for conditions that nothing announces. Panics with `what` after [`LIMIT`].
pub async fn until<Asked: Future<Output = bool>>(what: &str, ask: impl Fn() -> Asked) {
    within(|| what.to_owned(), async {
        let mut again = tokio::time::interval(Duration::from_millis(20));
        while !ask().await {
            again.tick().await;
        }
    })
    .await;
}
