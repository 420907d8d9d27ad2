//! The driver over a task that does as a script says. Time is what a test says it is.

use super::*;
use crate::{
    node::{Config, Role},
    wake::{Signal, Wake},
};
use entity::Timestamp;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::mpsc;

const START: Timestamp = Timestamp(1_769_851_800_000_000);
const SECOND: Duration = Duration::from_secs(1);
const PLAN: Plan = Plan {
    name: "scripted",
    runs_on: RunsOn::EveryNode,
    period: Duration::from_secs(5),
    max_backoff: Duration::from_secs(60),
};

/// The answer of an item's next steps: `Err` is a fault.
type Answers = Vec<Result<Progress, ()>>;

/// Lists its items two at a time, and tells of each step.
struct Scripted {
    plan: Plan,
    items: Vec<(u32, Answers)>,
    is_readable: bool,
    steps: mpsc::UnboundedSender<u32>,
    signal: Signal,
    /// Woken by each step.
    wakes: Option<Arc<Wake>>,
    waited: Arc<Mutex<Vec<bool>>>,
}

impl Task for Scripted {
    type Item = u32;
    type Key = u32;

    fn plan(&self) -> Plan {
        self.plan
    }

    fn key(item: &u32) -> u32 {
        *item
    }

    async fn items(&mut self, after: Option<u32>) -> Result<Vec<u32>> {
        if !self.is_readable {
            return Err(Error::Unavailable("away".into()));
        }
        let ids = self.items.iter().map(|(id, _)| *id);
        Ok(ids.filter(|id| after.is_none_or(|after| *id > after)).take(2).collect())
    }

    async fn step(&mut self, item: u32) -> Result<Progress> {
        self.steps.send(item).ok();
        if let Some(wake) = &self.wakes {
            wake.wake();
        }
        let answers = self.items.iter_mut().find(|(id, _)| *id == item);
        let (_, answers) = answers.expect("a step is for an item that was listed");
        let answer = if answers.len() > 1 {
            answers.remove(0)
        } else {
            answers[0]
        };
        answer.map_err(|()| Error::Conflict(format!("item {item} is broken")))
    }

    async fn woken(&mut self, is_waiting: bool) {
        self.waited.lock().unwrap().push(is_waiting);
        self.signal.woken().await;
    }
}

/// A driver and what is seen of it from outside.
struct Stage {
    nodes: Nodes,
    clock: Clock,
    wake: Arc<Wake>,
    waited: Arc<Mutex<Vec<bool>>>,
}

type Steps = mpsc::UnboundedReceiver<u32>;

impl Stage {
    fn new(role: Role) -> Self {
        let nodes = Nodes::alone(Config {
            role,
            ..Config::default()
        });
        Self {
            nodes,
            clock: Clock::mock(START),
            wake: Arc::default(),
            waited: Arc::default(),
        }
    }

    fn driver<const N: usize>(&self, plan: Plan, items: [(u32, Answers); N]) -> (Driver<'_, Scripted>, Steps) {
        let (steps, seen) = mpsc::unbounded_channel();
        let task = Scripted {
            plan,
            items: items.into(),
            is_readable: true,
            steps,
            signal: self.wake.subscribe(),
            wakes: None,
            waited: Arc::clone(&self.waited),
        };
        (Driver::new(task, &self.nodes, &self.clock, Record::new(plan)), seen)
    }
}

/// The items that have made a step since this was asked last.
fn seen(steps: &mut Steps) -> Vec<u32> {
    std::iter::from_fn(|| steps.try_recv().ok()).collect()
}

const IDLE: Result<Progress, ()> = Ok(Progress::Idle);
const MORE: Result<Progress, ()> = Ok(Progress::More);
const FAULT: Result<Progress, ()> = Err(());

#[tokio::test]
async fn items_take_turns_and_one_that_fails_stops_no_other() {
    let stage = Stage::new(Role::All);
    let items = [
        (1, vec![FAULT]),
        (2, vec![MORE, MORE, IDLE]),
        (3, vec![MORE, IDLE]),
        (4, vec![IDLE]),
    ];
    let (mut driver, mut steps) = stage.driver(PLAN, items);
    let run = driver.run_once(Instant::now).await;
    assert_eq!(seen(&mut steps), [1, 2, 3, 4, 2, 3, 4, 2, 3, 4]);
    assert!(run.went_on && !run.is_waiting);
    assert_eq!(run.error.unwrap().to_string(), "item 1 is broken");
}

#[tokio::test]
async fn the_back_off_of_an_item_doubles_up_to_its_limit_and_is_its_own() {
    let stage = Stage::new(Role::All);
    let items = [(1, vec![FAULT]), (2, vec![IDLE])];
    let (mut driver, mut steps) = stage.driver(PLAN, items);
    let begun = Instant::now();
    let mut tried = Vec::new();
    for second in 0..=200 {
        driver.run_once(|| begun + second * SECOND).await;
        let stepped = seen(&mut steps);
        assert!(stepped.contains(&2), "{second}");
        tried.extend(stepped.contains(&1).then_some(second));
    }
    assert_eq!(tried, [0, 5, 15, 35, 75, 135, 195]);
}

#[tokio::test]
async fn a_step_that_succeeds_ends_the_back_off() {
    let stage = Stage::new(Role::All);
    let (mut driver, mut steps) = stage.driver(PLAN, [(1, vec![FAULT, FAULT, IDLE, FAULT])]);
    let begun = Instant::now();
    let mut tried = Vec::new();
    for second in 0..=25 {
        driver.run_once(|| begun + second * SECOND).await;
        tried.extend((!seen(&mut steps).is_empty()).then_some(second));
    }
    assert_eq!(tried, [0, 5, 15, 16, 21], "16 fails as if for the first time");
}

#[tokio::test]
async fn a_task_without_back_off_repeats_what_failed_in_the_next_run() {
    let stage = Stage::new(Role::All);
    let plan = Plan {
        max_backoff: Duration::ZERO,
        ..PLAN
    };
    let (mut driver, mut steps) = stage.driver(plan, [(1, vec![FAULT])]);
    let now = Instant::now();
    for _ in 0..3 {
        driver.run_once(|| now).await;
        assert_eq!(seen(&mut steps), [1]);
    }
}

#[tokio::test]
async fn the_status_tells_the_last_run_its_error_and_what_is_left() {
    let stage = Stage::new(Role::All);
    let items = [
        (1, vec![FAULT, IDLE]),
        (2, vec![Ok(Progress::Waiting)]),
        (3, vec![MORE, IDLE]),
    ];
    let (mut driver, _steps) = stage.driver(PLAN, items);
    assert_eq!(driver.record.status().last_run, None);
    let begun = Instant::now();
    driver.run_once(|| begun).await;
    let status = driver.record.status().clone();
    assert_eq!((status.name, status.period), ("scripted", 5 * SECOND));
    assert_eq!((status.last_run, status.is_running), (Some(START), false));
    assert!(status.last_duration.is_some());
    assert_eq!((status.failing, status.backlog), (1, 2));
    let told = status.last_error.unwrap();
    assert_eq!((told.at, told.message.as_str()), (START, "item 1 is broken"));

    stage.clock.advance(5 * SECOND);
    driver.run_once(|| begun + 5 * SECOND).await;
    let status = driver.record.status().clone();
    assert_eq!(status.last_run, Some(START.plus(5 * SECOND)));
    assert_eq!((status.failing, status.backlog), (0, 1));
    assert_eq!(status.last_error.unwrap().at, START, "it stays to be read");
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_told_and_read_again_by_the_next_run() {
    let stage = Stage::new(Role::All);
    let (mut driver, mut steps) = stage.driver(PLAN, [(1, vec![IDLE])]);
    driver.task.is_readable = false;
    let run = driver.run_once(Instant::now).await;
    assert!(matches!(run.error, Some(Error::Unavailable(_))));
    assert_eq!(driver.record.status().last_error.as_ref().unwrap().message, "away");
    driver.task.is_readable = true;
    assert!(driver.run_once(Instant::now).await.error.is_none());
    assert_eq!(seen(&mut steps), [1]);
}

#[tokio::test]
async fn what_the_leader_does_is_done_by_no_other_node() {
    let stage = Stage::new(Role::Api);
    for (runs_on, expected) in [
        (RunsOn::Leader, &[][..]),
        (RunsOn::EveryNode, &[1]),
        (RunsOn::Owner, &[1]),
    ] {
        let (mut driver, mut steps) = stage.driver(Plan { runs_on, ..PLAN }, [(1, vec![IDLE])]);
        driver.run_once(Instant::now).await;
        assert_eq!(seen(&mut steps), expected, "{runs_on:?}");
    }
}

#[tokio::test]
async fn a_signal_that_arrives_during_a_run_is_not_lost() {
    let stage = Stage::new(Role::All);
    let plan = Plan {
        period: Duration::from_secs(86_400),
        ..PLAN
    };
    let (mut driver, mut steps) = stage.driver(plan, [(1, vec![Ok(Progress::Waiting), IDLE])]);
    driver.task.wakes = Some(Arc::clone(&stage.wake));
    let watching = async {
        for _ in 0..3 {
            assert_eq!(steps.recv().await, Some(1));
        }
    };
    tokio::select! {
        () = driver.work() => unreachable!("a driver works for good"),
        () = watching => {}
    }
    let waited = stage.waited.lock().unwrap();
    assert_eq!(waited[..2], [true, false], "it says when an item waits");
}

#[tokio::test]
async fn a_task_that_nobody_wakes_looks_once_a_period() {
    let stage = Stage::new(Role::All);
    let plan = Plan {
        period: Duration::from_millis(1),
        ..PLAN
    };
    let (mut driver, mut steps) = stage.driver(plan, [(1, vec![IDLE])]);
    let watching = async {
        for _ in 0..3 {
            assert_eq!(steps.recv().await, Some(1));
        }
    };
    tokio::select! {
        () = driver.work() => unreachable!("a driver works for good"),
        () = watching => {}
    }
}
