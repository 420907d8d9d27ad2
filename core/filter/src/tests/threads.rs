//! The thread pool that compiles and evaluates every expression.

use std::sync::mpsc;

use super::super::pool::{Pool, Refusal};
use super::*;

#[tokio::test]
async fn a_stuck_thread_is_replaced_and_joins_again() {
    static POOL: Pool = Pool::new("test-stuck", 1);
    let (release, released) = mpsc::channel::<()>();
    let (ended, ends) = mpsc::channel::<()>();
    let stuck = POOL.run(LONG, Duration::ZERO, move || {
        released.recv().ok();
        ended.send(()).ok();
    });
    assert_eq!(stuck.await, Err(Refusal::Stuck));
    assert_eq!(
        POOL.run(LONG, LONG, || 7).await,
        Ok(7),
        "another thread has taken its place"
    );
    release.send(()).expect("the job waits");
    ends.recv().expect("the job ends");
    assert_eq!(POOL.run(LONG, LONG, || 8).await, Ok(8));
}

#[tokio::test]
async fn a_job_that_panics_costs_no_thread() {
    static POOL: Pool = Pool::new("test-panic", 1);
    for _ in 0..3 {
        assert_eq!(
            POOL.run(LONG, LONG, || panic!("on purpose")).await,
            Err::<(), _>(Refusal::Panicked)
        );
    }
    assert_eq!(POOL.run(LONG, LONG, || 7).await, Ok(7));
}
