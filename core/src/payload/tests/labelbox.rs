//! Tests of Labelbox's bodies.

use super::*;

const LABEL: &str =
    "id createdAt updatedAt deleted benchmarkAgreement agreement secondsToLabel label project dataRow user dataset";

#[test]
fn a_labelbox_label_has_exactly_the_fields_of_labelbox() {
    use WebhookTopic::*;
    for topic in [LabelCreated, LabelUpdated, LabelDeleted] {
        let body = rendered(PayloadFormat::Labelbox, topic, &data(topic));
        assert_eq!(names(&body), LABEL);
        assert_eq!(
            names(&body["project"]),
            "id name description deleted createdAt updatedAt"
        );
        assert_eq!(
            names(&body["dataRow"]),
            "id rowData externalId createdAt updatedAt deletedAt"
        );
        assert_eq!(names(&body["user"]), "id email");
        assert_eq!(
            names(&body["dataset"]),
            "id name description deleted createdAt updatedAt"
        );
        assert_eq!(body["deleted"], topic == LabelDeleted);
        assert_eq!(body["createdAt"], "2020-09-24T04:56:08Z");
        assert_eq!(
            (&body["secondsToLabel"], &body["agreement"]),
            (&json!(9.581), &Value::Null)
        );
        let label: Value = serde_json::from_str(body["label"].as_str().expect("a string")).unwrap();
        assert_eq!(names(&label), "objects classifications");
    }
}

#[test]
fn a_labelbox_review_holds_its_label_without_the_project() {
    let topic = WebhookTopic::ReviewCreated;
    let body = rendered(PayloadFormat::Labelbox, topic, &data(topic));
    assert_eq!(names(&body), "id score createdAt updatedAt deleted user label project");
    assert_eq!(names(&body["label"]), LABEL.replace("project ", ""));
    assert_eq!(body["user"]["email"], "reviewer@example.com");
    assert_ne!(body["label"]["user"], body["user"]);
}

#[test]
fn a_labelbox_move_names_both_stages_and_is_shaped_as_a_label_elsewhere() {
    let topic = WebhookTopic::WorkflowAction;
    let body = rendered(PayloadFormat::Labelbox, topic, &data(topic));
    assert_eq!(names(&body), "action task from to dataRow project user createdAt");
    assert_eq!((&body["action"], names(&body["task"])), (&json!("MOVE"), "id".into()));
    assert_eq!(names(&body["from"]), "id name type");
    assert_eq!(
        (&body["from"]["name"], &body["from"]["type"]),
        (&json!("Label"), &json!("LABEL"))
    );
    assert_eq!(
        (&body["to"]["name"], &body["to"]["type"]),
        (&json!("Webhook"), &json!("WEBHOOK"))
    );
    let label = rendered(
        PayloadFormat::Labelbox,
        WebhookTopic::LabelCreated,
        &data(WebhookTopic::LabelCreated),
    );
    for part in ["dataRow", "project", "user"] {
        assert_eq!(body[part], label[part], "{part}");
    }
    assert_eq!(body["createdAt"], "2020-09-24T04:56:08Z");
}

#[test]
fn a_labelbox_move_that_nobody_made_has_no_user() {
    let change = TaskMove { user: None, ..moved() };
    let body = rendered(
        PayloadFormat::Labelbox,
        WebhookTopic::WorkflowAction,
        &Data::Move(Box::new(change)),
    );
    assert_eq!(body.get("user"), Some(&Value::Null));
}

#[test]
fn metadata_only_means_nothing_to_labelbox() {
    use WebhookTopic::*;
    for topic in [LabelCreated, ReviewCreated, WorkflowAction] {
        let data = data(topic);
        assert_eq!(
            metadata_only(PayloadFormat::Labelbox, topic, &data),
            rendered(PayloadFormat::Labelbox, topic, &data)
        );
    }
}
