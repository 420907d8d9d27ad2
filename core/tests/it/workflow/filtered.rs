//! A webhook stage with a filter: what it does not want passes on, what it cannot tell is held.

use super::support::{Flow, labelled_then_sent};
use crate::support::{Receiver, World};
use entity::TaskStatus;
use labelhook_core::{background::workflow_jobs, task::stage_run};
use serde_json::Value;

#[tokio::test]
async fn a_task_that_a_stages_filter_does_not_want_passes_on_without_a_request() {
    let receiver = Receiver::ok().await;
    let world = World::new().await;
    let mut drawn = labelled_then_sent(&receiver.url());
    let webhook = drawn[2].webhook.as_mut().unwrap();
    webhook.settings.filter = Some(Some("event.data.from.name == 'Nowhere'".into()));
    let flow = Flow::new(&world, drawn).await;
    let task = flow.task().await;
    flow.submit(&task).await.unwrap();
    assert_eq!(flow.place(&task).await, ("Done".into(), TaskStatus::Done));
    assert_eq!(flow.history(&task).await, ["Start", "Label", "Hook"]);
    world.deliver().await;
    assert_eq!((receiver.count(), world.notifications().await.len()), (0, 0));
}

#[tokio::test]
async fn a_task_that_a_stages_filter_wants_is_sent_in_the_shape_of_its_query() {
    let receiver = Receiver::ok().await;
    let world = World::new().await;
    let mut drawn = labelled_then_sent(&receiver.url());
    let webhook = drawn[2].webhook.as_mut().unwrap();
    webhook.settings.filter = Some(Some("event.data.to.name == 'Hook'".into()));
    webhook.settings.payload_query = Some(Some("id from".into()));
    let flow = Flow::new(&world, drawn).await;
    let task = flow.task().await;
    flow.submit(&task).await.unwrap();
    assert_eq!(flow.place(&task).await, ("Hook".into(), TaskStatus::Waiting));
    world.deliver().await;
    assert_eq!(flow.place(&task).await, ("Done".into(), TaskStatus::Done));
    let body: Value = serde_json::from_slice(&receiver.requests()[0].body).unwrap();
    assert_eq!(
        (body["from"]["name"].as_str(), body.as_object().unwrap().len()),
        (Some("Label"), 2)
    );
}

#[tokio::test]
async fn a_task_for_which_a_stages_filter_fails_is_held_and_a_rerun_sends_it() {
    let receiver = Receiver::ok().await;
    let world = World::new().await;
    let mut drawn = labelled_then_sent(&receiver.url());
    drawn[2].webhook.as_mut().unwrap().settings.filter = Some(Some("event.data.none == 1".into()));
    let flow = Flow::new(&world, drawn).await;
    let task = flow.task().await;
    flow.submit(&task).await.unwrap();
    assert_eq!(flow.place(&task).await, ("Hook".into(), TaskStatus::Held));
    let reason = flow.now(&task).await.status_reason.unwrap();
    assert!(
        reason.starts_with("the stage's filter could not be evaluated: "),
        "{reason}"
    );
    let id = flow.stage("Hook").await.to_string();
    stage_run::rerun(&world.app, &world.owner, &id).await.unwrap();
    workflow_jobs::run_until_idle(&world.app).await.unwrap();
    world.deliver().await;
    assert_eq!(flow.place(&task).await, ("Done".into(), TaskStatus::Done));
    assert_eq!(receiver.count(), 1);
}

#[tokio::test]
async fn a_stages_filter_and_query_are_checked_when_the_workflow_is_saved() {
    let world = World::new().await;
    let flow = Flow::plain(&world).await;
    for (filter, query, expected) in [
        (Some("event.nope"), None, "stages.2.webhook.filter"),
        (None, Some("?"), "stages.2.webhook.payloadQuery"),
    ] {
        let mut drawn = labelled_then_sent("http://127.0.0.1:9/");
        let webhook = drawn[2].webhook.as_mut().unwrap();
        webhook.settings.filter = Some(filter.map(str::to_owned));
        webhook.settings.payload_query = Some(query.map(str::to_owned));
        let (field, reason) = crate::support::invalid(flow.save(drawn).await.unwrap_err());
        assert_eq!(field, expected);
        assert!(reason.starts_with("line 1, column 1: "), "{reason}");
    }
}
