//! Tests of the export format, by its documented differences from the webhook's body.

use super::*;
use crate::event::{Batch, Stage, Visit};
use entity::{BatchId, StageId, StageType, VisitId};

const FIRST: &str = r#"{"tools":[{"bounding-box":{"x":1.10}}],"classifications":[],"relations":[]}"#;
const SECOND: &str = r#"{"tools":[],"classifications":[{"answer":"é"}],"relations":[{"from":"a"}],
    "brushDataUrl":"https://example.com/b.png"}"#;

/// Returns a task that passed Start, Label, Logic and Review, and the annotations submitted in each.
fn reviewed() -> (TaskMove, Vec<Option<String>>) {
    let mut change = moved();
    let passed = change.task.history[0].clone();
    let stage = |name: &str, r#type| Stage {
        id: StageId::new(),
        name: name.into(),
        r#type,
    };
    change.task.history.extend([
        Visit {
            id: VisitId::new(),
            stage: stage("Is it large?", StageType::Logic),
            ..passed.clone()
        },
        Visit {
            id: VisitId::new(),
            stage: stage("Review", StageType::Review),
            ..passed
        },
    ]);
    change.batches = vec![Batch {
        id: BatchId::new(),
        name: "Le Croissànt".into(),
    }];
    change.label.as_mut().unwrap().label = SECOND.into();
    (change, vec![None, Some(FIRST.into()), None, Some(SECOND.into())])
}

fn exported(change: &TaskMove, answers: &[Option<String>]) -> String {
    let label = change.label.as_ref();
    export(
        &change.task,
        label,
        &change.project,
        &change.data_row,
        &change.batches,
        answers,
    )
    .unwrap()
}

#[test]
fn an_export_differs_from_the_webhook_where_ango_says_so() {
    let (change, answers) = reviewed();
    let (stage_id, batch_id) = (change.task.stage.id.to_string(), change.batches[0].id.to_string());
    let text = exported(&change, &answers);
    let mut export: Value = serde_json::from_str(&text).unwrap();
    let mut webhook = rendered(
        PayloadFormat::Ango,
        WebhookTopic::WorkflowAction,
        &Data::Move(Box::new(change)),
    );

    assert_eq!(
        (&export["batches"], export.get("batchNames")),
        (&json!(["Le Croissànt"]), None)
    );
    assert_eq!(
        (&webhook["batches"], &webhook["batchNames"]),
        (&json!([batch_id]), &json!(["Le Croissànt"]))
    );
    assert!(text.contains(r#""batches":["Le Croissànt"]"#), "as UTF-8, not escaped");
    assert_eq!(
        (&export["task"]["stage"], &webhook["task"]["stage"]),
        (&json!("Webhook"), &json!(stage_id))
    );
    let metadata = "stageId duration idleDuration blurDuration completedAt";
    let history = export["task"]["stageHistory"].as_array_mut().unwrap();
    let entries = history
        .iter_mut()
        .zip(webhook["task"]["stageHistory"].as_array().unwrap());
    for (exported, sent) in entries {
        assert!(names(sent).starts_with(metadata) && sent.get("tools").is_none());
        assert_eq!(
            names(exported),
            format!("{} tools classifications relations", names(sent))
        );
        for list in ["tools", "classifications", "relations"] {
            exported.as_object_mut().unwrap().shift_remove(list);
        }
    }

    // Everything else must be equal.
    let sent = webhook.as_object_mut().unwrap();
    sent.insert("batches".into(), json!(["Le Croissànt"]));
    sent.shift_remove("batchNames");
    webhook["task"]["stage"] = json!("Webhook");
    assert_eq!(export.to_string(), webhook.to_string(), "in value and order");
}

#[test]
fn an_exported_stage_carries_what_was_submitted_there_or_what_it_was_passed() {
    let (change, answers) = reviewed();
    let text = exported(&change, &answers);
    assert_eq!(
        text.matches(r#"{"x":1.10}"#).count(),
        2,
        "digit by digit, in Label and after it"
    );
    let export: Value = serde_json::from_str(&text).unwrap();
    let history = &export["task"]["stageHistory"];
    assert_eq!(history[0]["tools"], json!([]), "Start has nothing to pass on");
    assert_eq!(history[1]["tools"].to_string(), r#"[{"bounding-box":{"x":1.10}}]"#);
    assert_eq!(
        history[2]["tools"], history[1]["tools"],
        "Logic passes on what Label submitted"
    );
    assert_eq!(history[3]["tools"], json!([]));
    assert_eq!(history[3]["classifications"], json!([{"answer": "é"}]));
    assert_eq!(export["task"]["classifications"], history[3]["classifications"]);
    assert_eq!(export["task"]["brushDataUrl"], "https://example.com/b.png");
}

#[test]
fn an_export_without_answers_still_has_every_list() {
    let (mut change, _) = reviewed();
    change.label = None;
    let export: Value = serde_json::from_str(&exported(&change, &[])).unwrap();
    assert_eq!(export["task"]["tools"], json!([]));
    for entry in export["task"]["stageHistory"].as_array().unwrap() {
        assert_eq!((&entry["tools"], &entry["relations"]), (&json!([]), &json!([])));
    }
}
