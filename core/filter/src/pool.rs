//! A thread pool whose stacks are large enough for the parser and for long chains of operators. The threads start with
//! the first job. A thread whose job exceeds its time limit is replaced; it rejoins the pool, or ends, when its job
//! does. Neither a panic nor a stuck job affects the next job.

use std::collections::VecDeque;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::timeout;

const STACK_BYTES: usize = 16 * 1024 * 1024;
/// The capacity of the queue; further jobs are refused.
const MAX_QUEUED: usize = 1024;
/// The time past its limit after which a job counts as stuck. A job watches its limit itself.
const STUCK_AFTER: Duration = Duration::from_millis(450);
/// The largest number of stuck threads that are replaced. Past it the pool shrinks.
const MAX_LOST: usize = 8;

/// The reason for which a job has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The queue was full, or no thread was free in time. The job did not run.
    Busy,
    /// The job panicked.
    Panicked,
    /// The job exceeded its time limit.
    Stuck,
}

pub(super) struct Pool {
    name: &'static str,
    threads: usize,
    state: Mutex<State>,
    ready: Condvar,
}

struct State {
    jobs: VecDeque<Job>,
    running: Vec<Running>,
    next: u64,
    /// Threads that take jobs.
    live: usize,
    /// Threads whose job is stuck.
    lost: usize,
}

struct Job {
    limit: Duration,
    work: Box<dyn FnOnce() + Send>,
}

struct Running {
    number: u64,
    due: Instant,
}

impl Pool {
    pub(super) const fn new(name: &'static str, threads: usize) -> Self {
        let state = State {
            jobs: VecDeque::new(),
            running: Vec::new(),
            next: 0,
            live: 0,
            lost: 0,
        };
        Self {
            name,
            threads,
            state: Mutex::new(state),
            ready: Condvar::new(),
        }
    }

    /// Runs `work` on one of the threads. It may wait in the queue for `queue`, and run for `limit`.
    pub(super) async fn run<T: Send + 'static>(
        &'static self,
        queue: Duration,
        limit: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let (started, starts) = oneshot::channel();
        let (finished, finishes) = oneshot::channel();
        let work = move || {
            // Fails when the caller has left: nobody wants the result.
            if started.send(()).is_ok()
                && let Ok(result) = panic::catch_unwind(AssertUnwindSafe(work))
            {
                finished.send(result).ok();
            }
        };
        self.submit(Job {
            limit,
            work: Box::new(work),
        })?;
        if !matches!(timeout(queue, starts).await, Ok(Ok(()))) {
            return Err(Refusal::Busy);
        }
        match timeout(limit + STUCK_AFTER, finishes).await {
            Ok(result) => result.map_err(|_| Refusal::Panicked),
            Err(_) => {
                self.replace_stuck(&mut self.lock());
                Err(Refusal::Stuck)
            }
        }
    }

    fn submit(&'static self, job: Job) -> Result<(), Refusal> {
        let mut state = self.lock();
        self.replace_stuck(&mut state);
        while state.live < self.threads && state.lost <= MAX_LOST {
            self.start(&mut state)?;
        }
        if state.jobs.len() >= MAX_QUEUED {
            return Err(Refusal::Busy);
        }
        state.jobs.push_back(job);
        self.ready.notify_one();
        Ok(())
    }

    /// Replaces the threads whose job is stuck. Every caller checks all threads, since the caller of a stuck job may be
    /// gone.
    fn replace_stuck(&'static self, state: &mut State) {
        let now = Instant::now();
        let before = state.running.len();
        state.running.retain(|running| running.due > now);
        let stuck = before - state.running.len();
        state.live -= stuck;
        state.lost += stuck;
        while state.live < self.threads && state.lost > 0 && state.lost <= MAX_LOST {
            if self.start(state).is_err() {
                break;
            }
        }
    }

    fn start(&'static self, state: &mut State) -> Result<(), Refusal> {
        let thread = thread::Builder::new()
            .name(self.name.to_owned())
            .stack_size(STACK_BYTES);
        thread.spawn(move || self.serve()).map_err(|_| Refusal::Busy)?;
        state.live += 1;
        Ok(())
    }

    fn serve(&'static self) {
        loop {
            let (number, work) = self.next_job();
            work();
            let mut state = self.lock();
            let running = state.running.len();
            state.running.retain(|running| running.number != number);
            if state.running.len() == running {
                state.lost -= 1;
                if state.live >= self.threads {
                    return;
                }
                state.live += 1;
            }
        }
    }

    fn next_job(&self) -> (u64, Box<dyn FnOnce() + Send>) {
        let state = self.lock();
        let waited = self.ready.wait_while(state, |state| state.jobs.is_empty());
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        let job = state.jobs.pop_front().expect("the wait ends when there is a job");
        let number = state.next;
        state.next += 1;
        state.running.push(Running {
            number,
            due: Instant::now() + job.limit + STUCK_AFTER,
        });
        (number, job.work)
    }

    /// Locks the state, a poisoned lock too: no job runs while it is held, so the state is whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
