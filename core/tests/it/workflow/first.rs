//! A webhook stage right after START sends nothing until somebody who may assigns tasks to it.

use super::support::{Flow, sent_first, stage};
use crate::support::{Receiver, Response, World};
use entity::{Role, StageOutput::*, StageType::*, TaskStatus};
use labelhook_core::Error;

#[tokio::test]
async fn nothing_is_sent_before_a_person_who_may_assigns_the_tasks() {
    for role in [Role::Owner, Role::Admin, Role::User, Role::WorkforceManager] {
        let receiver = Receiver::ok().await;
        let world = World::new().await;
        let flow = Flow::new(&world, sent_first(&receiver.url())).await;
        let task = flow.task().await;
        world.deliver().await;
        assert_eq!(flow.place(&task).await, ("Hook".into(), TaskStatus::Ready));
        assert_eq!(receiver.count(), 0);
        let (actor, worker) = (world.actor(role).await, world.actor(Role::Worker).await);
        let only = Flow::only(&[&task]);
        flow.assign(&actor, &only, &worker, None).await.unwrap();
        world.deliver().await;
        assert_eq!(receiver.count(), 0, "{role:?}: the stage is not named");
        flow.assign(&actor, &only, &worker, Some("Hook")).await.unwrap();
        assert_eq!(flow.place(&task).await, ("Hook".into(), TaskStatus::Waiting));
        flow.assign(&actor, &only, &worker, Some("Hook")).await.unwrap();
        world.deliver().await;
        assert_eq!(receiver.count(), 1, "{role:?}: once");
        assert_eq!(flow.place(&task).await, ("Label".into(), TaskStatus::Ready));
    }
}

#[tokio::test]
async fn a_worker_takes_a_task_only_when_it_has_passed_the_stage() {
    let receiver = Receiver::ok().await;
    let world = World::new().await;
    let flow = Flow::new(&world, sent_first(&receiver.url())).await;
    let worker = world.actor(Role::Worker).await;
    let task = flow.task().await;
    let only = Flow::only(&[&task]);
    for stage in [None, Some("Hook")] {
        let refused = flow.assign(&worker, &only, &worker, stage).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    }
    world.deliver().await;
    assert_eq!((receiver.count(), flow.now(&task).await.assignee_id), (0, None));
    flow.assign(&world.owner, &only, &world.owner, Some("Hook"))
        .await
        .unwrap();
    world.deliver().await;
    flow.assign(&worker, &only, &worker, Some("Label")).await.unwrap();
    let task = flow.now(&task).await;
    assert_eq!((task.assignee_id, receiver.count()), (Some(worker.user_id), 1));
}

#[tokio::test]
async fn assigning_to_a_stage_that_a_task_is_not_in_is_a_conflict_and_assigns_none() {
    let receiver = Receiver::ok().await;
    let world = World::new().await;
    let flow = Flow::new(&world, sent_first(&receiver.url())).await;
    let tasks = flow.tasks(2).await;
    flow.requeue(&tasks[1], "Label").await.unwrap();
    let all = Flow::only(&[&tasks[0], &tasks[1]]);
    let refused = flow.assign(&world.owner, &all, &world.owner, Some("Hook")).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    world.deliver().await;
    for task in &tasks {
        assert_eq!(flow.now(task).await.assignee_id, None);
    }
    assert_eq!(receiver.count(), 0);
}

#[tokio::test]
async fn a_task_that_comes_back_into_the_first_stage_is_sent_at_once() {
    let receiver = Receiver::new(|number, _| Response::status(if number == 0 { 500 } else { 200 })).await;
    let world = World::new().await;
    let mut drawn = sent_first(&receiver.url());
    drawn[2] = stage("Label", Label, &[(Next, "Review")]);
    drawn.push(stage("Review", Review, &[(Approved, "Done"), (Rejected, "Hook")]));
    let flow = Flow::new(&world, drawn).await;
    let task = flow.task().await;
    flow.requeue(&task, "Label").await.unwrap();
    flow.submit(&task).await.unwrap();
    flow.review(&task, labelhook_core::task::Verdict::Rejected)
        .await
        .unwrap();
    assert_eq!(flow.place(&task).await, ("Hook".into(), TaskStatus::Waiting));
    world.deliver().await;
    assert_eq!(receiver.count(), 1);
    flow.requeue(&task, "Hook").await.unwrap();
    world.deliver().await;
    assert_eq!((receiver.count(), flow.place(&task).await.0), (2, "Label".into()));
}

#[tokio::test]
async fn several_tasks_are_sent_by_one_call_each_with_its_own_event() {
    let receiver = Receiver::ok().await;
    let world = World::new().await;
    let flow = Flow::new(&world, sent_first(&receiver.url())).await;
    let tasks = flow.tasks(5).await;
    let rest = flow.task().await;
    let five = Flow::only(&tasks.iter().collect::<Vec<_>>());
    let given = flow
        .assign(&world.owner, &five, &world.owner, Some("Hook"))
        .await
        .unwrap();
    assert_eq!(given.len(), 5);
    world.deliver().await;
    let mut ids: Vec<_> = receiver
        .requests()
        .iter()
        .map(|request| request.headers["webhook-id"].clone())
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5);
    for task in &tasks {
        assert_eq!(flow.place(task).await.0, "Label");
    }
    assert_eq!(flow.place(&rest).await, ("Hook".into(), TaskStatus::Ready));
}

#[tokio::test]
async fn a_rule_between_start_and_the_stage_lets_it_fire_by_itself() {
    let receiver = Receiver::ok().await;
    let world = World::new().await;
    let mut drawn = sent_first(&receiver.url());
    drawn[0].edges[0].to = "Rule".into();
    drawn.push(super::support::rule("Rule", &[], "Hook"));
    let flow = Flow::new(&world, drawn).await;
    let task = flow.task().await;
    world.deliver().await;
    assert_eq!((receiver.count(), flow.place(&task).await.0), (1, "Label".into()));
}
