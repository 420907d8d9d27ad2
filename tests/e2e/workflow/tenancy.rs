//! A foreign task, stage or workflow is not found, whichever way it is named, and a key that is limited to projects
//! sees those of its projects alone.

use entity::Role;
use harness::{Client, Start, TestApp};
use serde_json::{Value, json};

use super::drawing::{again, shown};
use super::{ASSIGN, Floor, REQUEUE, RERUN, REVIEW, SAVE, SUBMIT, stage};
use crate::desk::{SECRET, ids, text};

const SAVE_TASK: &str = "mutation($id: ID!, $data: TaskAnswerInput!) {saveTask(where: {id: $id}, data: $data) {id}}";
const FORWARD: &str = "mutation($where: TaskWhereInput!) {forwardTasks(where: $where) {count}}";

/// A floor with a task in its first stage, and what belongs to it.
struct Owned {
    floor: Floor,
    task: String,
    label: String,
    hook: String,
    run: String,
    user: String,
}

async fn owned(client: &Client) -> Owned {
    let floor = Floor::set(client).await;
    let webhook = json!({"url": "https://example.com/hook", "authType": "SECRET", "secret": SECRET});
    floor.draw(super::labelled_then_sent(webhook)).await;
    let (label, hook) = (floor.stage("Label").await, floor.stage("Hook").await);
    let run = client.query(RERUN, json!({ "id": hook })).await;
    Owned {
        task: floor.task("tree.jpg").await,
        run: text(&run["rerunStage"]["id"]),
        user: text(&client.query("{user {id}}", json!({})).await["user"]["id"]),
        floor,
        label,
        hook,
    }
}

async fn paused() -> TestApp {
    let start = Start {
        paused: true,
        ..Start::default()
    };
    TestApp::with(start).await
}

/// Whatever names something of `theirs` finds nothing, and changes nothing.
async fn knows_nothing_of(client: &Client, mine: &Owned, theirs: &Owned) {
    let answer = json!({"label": "{}"});
    let connect = |id: &str| json!({"stage": {"connect": {"id": id}}});
    let assign = |id: &str| json!({"assignee": {"connect": {"id": id}}});
    let mut assign_there = assign(&mine.user);
    assign_there["stage"] = json!({"connect": {"id": theirs.hook}});
    let own = json!({"ids": [mine.task]});
    let drawn = json!({"stages": [stage("Start", "START", &["NEXT Done"]), stage("Done", "COMPLETE", &[])]});
    let cases = [
        (
            "query($id: ID!) {task(where: {id: $id}) {id}}",
            json!({"id": theirs.task}),
        ),
        (
            "query($id: ID!) {stage(where: {id: $id}) {id}}",
            json!({"id": theirs.hook}),
        ),
        (
            "query($id: ID!) {stageRun(where: {id: $id}) {id}}",
            json!({"id": theirs.run}),
        ),
        (
            "query($id: ID!) {project(where: {id: $id}) {workflow {version}}}",
            json!({"id": theirs.floor.project}),
        ),
        (SUBMIT, json!({"id": theirs.task, "data": answer})),
        (SAVE_TASK, json!({"id": theirs.task, "data": answer})),
        (REVIEW, json!({"id": theirs.task, "data": {"outcome": "APPROVED"}})),
        (RERUN, json!({"id": theirs.hook})),
        (SAVE, json!({"project": theirs.floor.project, "data": drawn})),
        (REQUEUE, json!({"where": own, "data": connect(&theirs.hook)})),
        (ASSIGN, json!({"where": own, "data": assign_there})),
    ];
    for (text, variables) in cases {
        client.expect_error(text, variables, "RESOURCE_NOT_FOUND").await;
    }
    let node = "query($ids: [ID!]!) {nodes(ids: $ids) {id}}";
    let found = client
        .query(node, json!({"ids": [theirs.task, theirs.hook, theirs.run]}))
        .await;
    assert_eq!(found, json!({"nodes": [null, null, null]}));

    for filter in [
        json!({"ids": [theirs.task]}),
        json!({"stageIds": [theirs.label]}),
        json!({"projectIds": [theirs.floor.project]}),
    ] {
        let lists = "query($where: TaskWhereInput!) {tasks(where: $where) {nodes {id}} exportLabels(where: $where) {nodes {data}}}";
        let empty = json!({"tasks": {"nodes": []}, "exportLabels": {"nodes": []}});
        assert_eq!(client.query(lists, json!({ "where": filter })).await, empty, "{filter}");
        for (text, data) in [
            (ASSIGN, assign(&mine.user)),
            (REQUEUE, connect(&mine.hook)),
            (FORWARD, Value::Null),
        ] {
            let answer = client.query(text, json!({"where": filter, "data": data})).await;
            assert!(answer.to_string().contains("{\"count\":0}"), "{filter}: {answer}");
        }
    }
    let log = "query($id: ID!) {notifications(where: {stageIds: [$id]}) {nodes {id}}}";
    assert_eq!(
        client.query(log, json!({"id": theirs.hook})).await["notifications"]["nodes"],
        json!([])
    );
    let everything = client.query("{tasks {nodes {id}}}", json!({})).await;
    assert_eq!(ids(&everything["tasks"]["nodes"]), [&mine.task]);
}

/// A foreign id inside a drawing is no stage of this workflow.
async fn draws_nothing_of(client: &Client, mine: &Owned, theirs: &Owned) {
    let sound = again(&shown(&mine.floor).await);
    let (mut named, mut led) = (sound.clone(), sound);
    named["stages"][1]["id"] = json!(theirs.label);
    led["stages"][1]["edges"][0]["to"] = json!(theirs.hook);
    for (data, field) in [(named, "stages.1.id"), (led, "stages.1.edges.0.to")] {
        let variables = json!({"project": mine.floor.project, "data": data});
        let error = client.expect_error(SAVE, variables, "BAD_USER_INPUT").await;
        assert_eq!(error["extensions"]["field"], field);
    }
}

#[tokio::test]
async fn two_organizations_know_nothing_of_each_others_workflows() {
    let app = paused().await;
    let stranger = app.as_role("Another organization", Role::Owner).await;
    let (own, foreign) = (owned(&app.client).await, owned(&stranger).await);
    let before = (shown(&own.floor).await, shown(&foreign.floor).await);
    for (client, mine, theirs) in [(&app.client, &own, &foreign), (&stranger, &foreign, &own)] {
        knows_nothing_of(client, mine, theirs).await;
        draws_nothing_of(client, mine, theirs).await;
        let mut assign = json!({"where": {"ids": [mine.task]}, "data": {"assignee": {"connect": {"id": theirs.user}}}});
        client.expect_error(ASSIGN, assign.take(), "RESOURCE_NOT_FOUND").await;
        assert_eq!(mine.floor.place(&mine.task).await, "Label READY");
    }
    assert_eq!((shown(&own.floor).await, shown(&foreign.floor).await), before);
}

#[tokio::test]
async fn a_key_limited_to_a_project_works_in_its_workflow_alone() {
    let app = paused().await;
    let (own, other) = (owned(&app.client).await, owned(&app.client).await);
    let make = "mutation($project: ID!) {createApiKey(data: {name: \"limited\", projects: [$project]}) {key}}";
    let made = app.query(make, json!({"project": own.floor.project})).await;
    let limited = app.client.with_key(&text(&made["createApiKey"]["key"]));
    let before = (shown(&own.floor).await, shown(&other.floor).await);
    knows_nothing_of(&limited, &own, &other).await;
    draws_nothing_of(&limited, &own, &other).await;
    assert_eq!((shown(&own.floor).await, shown(&other.floor).await), before);
    limited
        .query(SUBMIT, json!({"id": own.task, "data": {"label": "{}"}}))
        .await;
    assert_eq!(own.floor.place(&own.task).await, "Hook WAITING");
    assert_eq!(other.floor.place(&other.task).await, "Label READY");
    let log = limited.query("{notifications {nodes {stage {id}}}}", json!({})).await;
    assert_eq!(log["notifications"]["nodes"], json!([{"stage": {"id": own.hook}}]));
}
