//! A few threads with stacks large enough for the parser and for long chains of operators, started at the first job. A
//! job that does not end by its limit costs its thread: another takes its place, and the lost one joins again, or ends,
//! when its job does. Neither a panic nor a stuck job is felt by the next one.

use std::collections::VecDeque;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::timeout;

const STACK: usize = 16 * 1024 * 1024;
/// Jobs that wait; more are refused.
const QUEUE: usize = 1024;
/// How long a job waits for a thread. Those before it are bounded, so this is reached when something is very wrong.
const QUEUE_WAIT: Duration = Duration::from_secs(1);
/// What a thread may be late by before it counts as stuck; a job watches its limit itself.
const GRACE: Duration = Duration::from_millis(450);
/// Stuck threads that are replaced. Past it the others have to do.
const MAX_LOST: usize = 8;

/// Why a job has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No thread had time for it; it did not run.
    Busy,
    /// It panicked.
    Panicked,
    /// It did not end by its limit.
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
    /// Threads that serve.
    live: usize,
    /// Threads whose job did not end.
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

    /// Runs `work` on one of the threads.
    pub(super) async fn run<T: Send + 'static>(
        &'static self,
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
        if !matches!(timeout(QUEUE_WAIT, starts).await, Ok(Ok(()))) {
            return Err(Refusal::Busy);
        }
        match timeout(limit + GRACE, finishes).await {
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
        if state.jobs.len() >= QUEUE {
            return Err(Refusal::Busy);
        }
        state.jobs.push_back(job);
        self.ready.notify_one();
        Ok(())
    }

    /// Gives up the threads whose job is past its time, and starts others. Every caller looks after all of them: the
    /// one whose job is stuck may have left.
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
        let thread = thread::Builder::new().name(self.name.to_owned()).stack_size(STACK);
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
            due: Instant::now() + job.limit + GRACE,
        });
        (number, job.work)
    }

    /// No code of others runs under the lock, so a poisoned one is as good as new.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
