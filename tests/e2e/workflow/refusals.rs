//! Drawings that are refused: the code says what kind of mistake it is, the field where it is, and nothing has changed.

use serde_json::{Value, json};

use super::drawing::shown;
use super::{SAVE, Scene, hook, hook_stage, labelled_then_sent, stage};
use crate::desk::merge;

const UNKNOWN: &str = "00000000-0000-7000-8000-000000000000";

/// Refuses a workflow; gives the reason.
async fn refused(scene: &Scene, data: Value, field: &str) -> String {
    let before = shown(&scene.floor).await;
    let variables = json!({"project": scene.floor.project, "data": data});
    let error = scene.app.client.expect_error(SAVE, variables, "BAD_USER_INPUT").await;
    assert_eq!(error["extensions"]["field"], field, "{data:#}: {error:#}");
    assert_eq!(shown(&scene.floor).await, before, "{field}: nothing changed");
    let reason = error["extensions"]["reason"].as_str().expect("a reason");
    reason.to_owned()
}

/// A sound workflow with this stage in place of its third.
fn with_third(scene: &Scene, third: Value) -> Value {
    let mut data = labelled_then_sent(hook(&scene.receiver, json!({})));
    data["stages"][2] = third;
    data
}

#[tokio::test]
async fn a_fault_of_the_graph_names_its_stage_or_edge() {
    let scene = Scene::set().await;
    let sound = labelled_then_sent(hook(&scene.receiver, json!({})));
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut data = sound.clone();
        change(&mut data["stages"]);
        data
    };
    let push = |stages: &mut Value, stage: Value| stages.as_array_mut().expect("a list").push(stage);
    let cases = [
        (json!({"stages": []}), "stages", "no START"),
        (
            changed(&|stages| push(stages, stage("More", "START", &["NEXT Label"]))),
            "stages",
            "2 START",
        ),
        (
            changed(&|stages| push(stages, stage("Label", "HOLD", &[]))),
            "stages.4.name",
            "\"Label\"",
        ),
        (
            changed(&|stages| push(stages, stage("Alone", "HOLD", &[]))),
            "stages.4",
            "\"Alone\" cannot be reached",
        ),
        (changed(&|stages| stages[3]["name"] = json!("")), "stages.3.name", ""),
        (
            changed(&|stages| stages[3]["name"] = json!("x".repeat(257))),
            "stages.3.name",
            "",
        ),
        (
            changed(&|stages| stages[1]["edges"] = json!([])),
            "stages.1.edges",
            "NEXT of stage \"Label\"",
        ),
        (
            changed(&|stages| stages[2]["edges"] = json!([])),
            "stages.2.edges",
            "SUCCEEDED",
        ),
        (
            changed(&|stages| stages[1]["edges"][0]["to"] = json!("Nowhere")),
            "stages.1.edges.0.to",
            "\"Nowhere\"",
        ),
        (
            changed(&|stages| stages[1]["edges"][0]["to"] = json!(UNKNOWN)),
            "stages.1.edges.0.to",
            UNKNOWN,
        ),
        (
            changed(&|stages| stages[1]["edges"][0]["to"] = json!("Start")),
            "stages.1.edges.0.to",
            "START",
        ),
        (
            changed(&|stages| stages[1]["edges"][0]["output"] = json!("APPROVED")),
            "stages.1.edges.0.output",
            "APPROVED",
        ),
        (
            changed(&|stages| stages[1]["edges"][0]["condition"] = json!("true")),
            "stages.1.edges.0.condition",
            "MATCHED",
        ),
        (
            changed(&|stages| stages[1]["id"] = json!(UNKNOWN)),
            "stages.1.id",
            "no stage of this workflow",
        ),
    ];
    for (data, field, words) in cases {
        let reason = refused(&scene, data, field).await;
        assert!(reason.contains(words), "{field}: {reason}");
    }
}

#[tokio::test]
async fn a_rule_without_else_or_a_condition_that_cannot_work_is_refused() {
    let scene = Scene::set().await;
    let rule = |condition: &str| {
        let mut rule = stage("Rule", "LOGIC", &["MATCHED Done", "ELSE Done"]);
        rule["edges"][0]["condition"] = json!(condition);
        let mut data = with_third(&scene, rule);
        data["stages"][1]["edges"][0]["to"] = json!("Rule");
        data
    };
    let mut without = rule("true");
    without["stages"][2]["edges"].as_array_mut().expect("a list").pop();
    let reason = refused(&scene, without, "stages.2.edges").await;
    assert!(reason.contains("ELSE of stage \"Rule\""), "{reason}");
    let mut bare = rule("true");
    merge(&mut bare["stages"][2]["edges"][0], json!({"condition": null}));
    refused(&scene, bare, "stages.2.edges.0.condition").await;
    for (condition, words) in [
        ("task.metadata ==", "line 1"),
        ("true &&\n task.colour == 1", "line 2"),
        ("tasks.id == 'x'", "tasks"),
        ("label.exists(x, label.exists(y, true))", ""),
        ("", ""),
    ] {
        let reason = refused(&scene, rule(condition), "stages.2.edges.0.condition").await;
        assert!(reason.contains(words), "{condition}: {reason}");
    }
    scene.floor.draw(rule("label.tools.size() > 0")).await;
}

#[tokio::test]
async fn a_ring_of_rules_is_refused() {
    let scene = Scene::set().await;
    let rule = |name: &str, next: &str| stage(name, "LOGIC", &[&format!("ELSE {next}")]);
    let data = json!({"stages": [stage("Start", "START", &["NEXT A"]), rule("A", "B"), rule("B", "A")]});
    let reason = refused(&scene, data, "stages.2.edges.0.to").await;
    assert!(reason.contains("ring"), "{reason}");
}

#[tokio::test]
async fn a_stages_webhook_is_refused_with_the_path_of_its_field() {
    let scene = Scene::set().await;
    let faults = [
        (json!({"url": "no address"}), "url"),
        (json!({"url": "https://user:word@example.com"}), "url"),
        (json!({"secret": null}), "secret"),
        (json!({"secret": ""}), "secret"),
        (json!({"authType": "BEARER"}), "bearerToken"),
        (json!({"authType": "HEADER"}), "authorizationHeader"),
        (json!({"headers": {"Host": "x"}}), "headers"),
        (json!({"headers": "{\"X\":"}), "headers"),
        (json!({"timeoutMs": 999}), "timeoutMs"),
        (json!({"maxInFlight": 257}), "maxInFlight"),
        (
            json!({"rateLimit": {"requests": 0, "perMs": 1_000}}),
            "rateLimit.requests",
        ),
        (json!({"retryPolicy": {"maxAttempts": 0}}), "retryPolicy.maxAttempts"),
        (json!({"retryPolicy": {"delaysMs": []}}), "retryPolicy.delaysMs"),
    ];
    let drawn = async || {
        for (fault, field) in &faults {
            let webhook = hook(&scene.receiver, fault.clone());
            refused(
                &scene,
                labelled_then_sent(webhook),
                &format!("stages.2.webhook.{field}"),
            )
            .await;
        }
    };
    drawn().await;
    refused(
        &scene,
        with_third(&scene, stage("Hook", "WEBHOOK", &["SUCCEEDED Done"])),
        "stages.2.webhook",
    )
    .await;
    let mut elsewhere = labelled_then_sent(hook(&scene.receiver, json!({})));
    elsewhere["stages"][1]["webhook"] = hook(&scene.receiver, json!({}));
    refused(&scene, elsewhere, "stages.1.webhook").await;
}

#[tokio::test]
async fn a_stage_keeps_its_type_and_its_tasks() {
    let scene = Scene::set().await;
    scene.draw_hook(json!({})).await;
    let (label, task) = (scene.floor.stage("Label").await, scene.floor.task("tree.jpg").await);
    let mut data = labelled_then_sent(hook(&scene.receiver, json!({})));
    merge(&mut data["stages"][1], json!({"id": label, "type": "HOLD"}));
    let reason = refused(&scene, data.clone(), "stages.1.type").await;
    assert!(reason.contains("LABEL"), "{reason}");

    // The same names without ids are new stages: the old ones are left out.
    let fresh = labelled_then_sent(hook(&scene.receiver, json!({})));
    let reason = refused(&scene, fresh.clone(), "stages").await;
    assert!(reason.contains(&label) && reason.contains("1 task"), "{reason}");
    for (from, to, field) in [
        (UNKNOWN, "Label", "moveTasks.0.from"),
        (&label, "Nowhere", "moveTasks.0.to"),
        (&label, "Start", "moveTasks.0.to"),
    ] {
        let mut moved = fresh.clone();
        moved["moveTasks"] = json!([{"from": from, "to": to}]);
        refused(&scene, moved, field).await;
    }
    let mut moved = fresh;
    moved["moveTasks"] = json!([{"from": label, "to": "Hook"}]);
    scene.floor.draw(moved).await;
    assert_eq!(
        scene.floor.place(&task).await,
        "Hook WAITING",
        "it enters as every task does"
    );
    let show = "query($id: ID!) {stage(where: {id: $id}) {name removed}}";
    let gone = scene.app.query(show, json!({ "id": label })).await;
    assert_eq!(
        gone["stage"],
        json!({"name": "Label", "removed": true}),
        "history still names it"
    );
    scene.deliver().await;
    assert_eq!(scene.floor.place(&task).await, "Done DONE");
}

#[tokio::test]
async fn numbers_and_words_out_of_range_are_refused() {
    let scene = Scene::set().await;
    let sound = labelled_then_sent(hook(&scene.receiver, json!({})));
    for (more, field) in [
        (json!({"maxPasses": 0}), "maxPasses"),
        (json!({"maxPasses": 10_001}), "maxPasses"),
    ] {
        let mut data = sound.clone();
        merge(&mut data, more);
        refused(&scene, data, field).await;
    }
    let mut many = sound.clone();
    many["stages"] = (0..201).map(|number| stage(&number.to_string(), "HOLD", &[])).collect();
    refused(&scene, many, "stages").await;
    let mut crowded = sound.clone();
    crowded["stages"][1]["edges"] = (0..51).map(|_| super::edge("NEXT Hook")).collect();
    refused(&scene, crowded, "stages.1.edges").await;
    let mut unknown = sound;
    unknown["stages"][1]["type"] = json!("CONSENSUS");
    refused(&scene, unknown, "data.stages.1.type").await;
    let webhook = hook_stage(
        hook(&scene.receiver, json!({"payloadContent": "NOTHING"})),
        &["SUCCEEDED Done"],
    );
    refused(
        &scene,
        with_third(&scene, webhook),
        "data.stages.2.webhook.payloadContent",
    )
    .await;
}
