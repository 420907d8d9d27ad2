//! Payload queries: the results of selections, and the position and reason of refusals.

use entity::{DataRowId, EventId, OrganizationId, ProjectId, StageType, Timestamp, WebhookTopic, event::Model};
use labelhook_core::event::Data;
use serde_json::{Value, json};

use super::*;

/// Returns an event with this data.
fn event(topic: WebhookTopic, data: &Value) -> Model {
    Model {
        id: EventId::new(),
        organization_id: OrganizationId::new(),
        sequence: 42,
        topic,
        project_id: Some(ProjectId::new()),
        data_row_id: Some(DataRowId::new()),
        external_id: Some("tree.jpg".into()),
        data: data.to_string(),
        test: false,
        created_at: Timestamp(1_600_923_368_123_456),
    }
}

fn labelled() -> Model {
    let data = r#"{"label":{"id":"l1","label":"{\"objects\":[]}","secondsToLabel":1.50},"project":{"id":"p1","name":"Trees \"big\"",
        "description":null,"ontology":{"b":1.10,"a":[1e2]}},"dataRow":{"id":"d1","externalId":"tree.jpg"},"user":null,
        "batches":[{"id":"b1","name":"one"},{"id":"b2","name":"two"}],"team":{"id":"o1","name":"Acme"}}"#;
    Model {
        data: data.to_owned(),
        ..event(WebhookTopic::LabelCreated, &json!({}))
    }
}

async fn body(query: &str, event: &Model) -> String {
    let plan = Shaper::default().plan(query).await.expect("a sound query");
    let body = plan.render(event).expect("a body");
    serde_json::from_slice::<Value>(&body).expect("JSON");
    String::from_utf8(body).expect("text")
}

async fn refused(query: &str) -> String {
    Shaper::default().plan(query).await.expect_err("refused")
}

#[tokio::test]
async fn a_body_is_what_was_selected_under_the_names_given() {
    let event = labelled();
    for (query, expected) in [
        (
            "{ topic sequence createdAt }",
            r#"{"topic":"LABEL_CREATED","sequence":"42","createdAt":"2020-09-24T04:56:08.123456Z"}"#,
        ),
        (
            "query Mine { about: topic __typename }",
            r#"{"about":"LABEL_CREATED","__typename":"Event"}"#,
        ),
        (
            "{ project { name __typename } }",
            r#"{"project":{"name":"Trees \"big\"","__typename":"Project"}}"#,
        ),
        (
            "{ project { ontology } }",
            r#"{"project":{"ontology":{"b":1.10,"a":[1e2]}}}"#,
        ),
        (
            "{ label { seconds: secondsToLabel } user { email } review { score } }",
            r#"{"label":{"seconds":1.50},"user":null,"review":null}"#,
        ),
        (
            "{ batches { name } organization { name } }",
            r#"{"batches":[{"name":"one"},{"name":"two"}],"organization":{"name":"Acme"}}"#,
        ),
        (
            "{ project { id } topic project { name } }",
            r#"{"project":{"id":"p1","name":"Trees \"big\""},"topic":"LABEL_CREATED"}"#,
        ),
        (
            "{ ...p a: dataRow { ... on DataRow { id } } } fragment p on Event { project { id } }",
            r#"{"project":{"id":"p1"},"a":{"id":"d1"}}"#,
        ),
        (
            "{ topic @skip(if: true) sequence @include(if: true) id @include(if: false) }",
            r#"{"sequence":"42"}"#,
        ),
        ("{ id @skip(if: true) }", "{}"),
    ] {
        assert_eq!(body(query, &event).await, expected, "{query}");
    }
    assert_eq!(body("{ data }", &event).await, format!("{{\"data\":{}}}", event.data));
    assert_eq!(body("{ id }", &event).await, format!("{{\"id\":\"{}\"}}", event.id));
}

#[tokio::test]
async fn every_field_is_filled_by_some_event() {
    let stage = |name: &str| json!({"id": "s1", "name": name, "type": StageType::Label});
    let moved = json!({"from": stage("A"), "to": stage("B"), "annotator": {"id": "u1", "email": "a@b.c"}, "task": {
        "id": "t1", "stage": stage("B"), "here": {"durationMs": 1}, "history": [{"id": "v1", "stage": stage("A"), "durationMs": 7}]}});
    let event = event(WebhookTopic::WorkflowAction, &moved);
    assert_eq!(
        body(
            "{ from { name type } to { name } annotator { email } task { here { durationMs } history { stage { name } durationMs } } }",
            &event
        )
        .await,
        r#"{"from":{"name":"A","type":"LABEL"},"to":{"name":"B"},"annotator":{"email":"a@b.c"},"task":{"here":{"durationMs":1},"history":[{"stage":{"name":"A"},"durationMs":7}]}}"#
    );
}

#[test]
fn the_fields_of_the_schema_are_the_members_of_stored_events() {
    let types = Types::of(&sdl());
    for topic in [
        WebhookTopic::LabelCreated,
        WebhookTopic::ReviewCreated,
        WebhookTopic::WorkflowAction,
        WebhookTopic::Ping,
    ] {
        let data: Data =
            labelhook_core::event::sample(topic, entity::WebhookId::new(), Timestamp(0)).expect("a sample");
        known(&types, "Event", &serde_json::to_value(&data).expect("JSON"));
    }
}

/// Checks that each member is a field of the type, recursively.
fn known(types: &Types, of: &str, value: &Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let name = if name == "team" { "organization" } else { name };
                let field = types.fields[of].get(name);
                let field = field.unwrap_or_else(|| panic!("{of} has no {name}"));
                if types.fields.contains_key(field.ty.as_str()) {
                    known(types, &field.ty, value);
                }
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| known(types, of, element)),
        _ => {}
    }
}

#[tokio::test]
async fn what_is_refused_says_where() {
    for (query, expected) in [
        ("", "Syntax Error: "),
        ("{ id", "line 1, column 5: Syntax Error: "),
        (
            "{ id\n  nope }",
            "line 2, column 3: Cannot query field \"nope\" on type \"Event\"",
        ),
        (
            "{ notifications { nodes { id } } }",
            "line 1, column 3: Cannot query field \"notifications\"",
        ),
        (
            "{ project { webhooks { id } } }",
            "line 1, column 13: Cannot query field \"webhooks\"",
        ),
        ("{ project }", "line 1, column 3: "),
        ("{ id { a } }", "line 1, column 3: "),
        ("{ id(a: 1) }", "line 1, column 6: Unknown argument"),
        (
            "query($a: Int) { id }",
            "line 1, column 7: a payload query has no variables",
        ),
        (
            "{ id @include(if: $a) }",
            "line 1, column 15: Variable \"$a\" is not defined",
        ),
        ("mutation { id }", "line 1, column 1: must be a selection on Event"),
        ("subscription { id }", "line 1, column 1: must be a selection on Event"),
        ("query A { id } query B { id }", "Must provide operation name"),
        (
            "{ a: __schema { types { name } } }",
            "line 1, column 3: a payload query cannot ask for the schema",
        ),
        ("{ ...f }", "line 1, column 3: "),
        ("{ ...f } fragment f on Event { ...f }", "within itself"),
        ("{ ...f } fragment f on Project { id }", "line 1, column 3: "),
        ("{ a: id a: topic }", "line 1, column "),
    ] {
        let reason = refused(query).await;
        assert!(reason.contains(expected), "{query}: {reason}");
    }
}

#[tokio::test]
async fn bombs_are_refused_before_they_go_off() {
    let doubling: String = (0..30)
        .map(|index| format!("fragment f{index} on Event {{ ...f{} ...f{} }} ", index + 1, index + 1))
        .collect();
    for query in [
        format!("{{ {} }}", "id ".repeat(2_000)),
        format!("{{ {} }}", "[".repeat(3_000)),
        format!("{{ id(a: {}1{}) }}", "[".repeat(1_500), "]".repeat(1_500)),
        format!("{{ ...f0 }} {doubling} fragment f30 on Event {{ id }}"),
        format!(
            "{{ {} }}",
            (0..60).map(|index| format!("a{index}: data ")).collect::<String>()
        ),
        format!("{{ {} id {} }}", "... { ".repeat(50), "} ".repeat(50)),
        format!("{{ {} }}", "project { id name description } ".repeat(60)),
        format!("{{ {} }}", "id ".repeat(201)),
    ] {
        let reason = refused(&query).await;
        assert!(reason.len() < 200, "{reason}");
    }
}

#[tokio::test]
async fn a_body_is_bounded() {
    let large = event(
        WebhookTopic::LabelCreated,
        &json!({"label": {"label": "x".repeat(2 << 20)}}),
    );
    let twenty = format!(
        "{{ {} }}",
        (0..20).map(|index| format!("a{index}: data ")).collect::<String>()
    );
    let plan = Shaper::default().plan(&twenty).await.expect("a sound query");
    assert!(plan.render(&large).expect_err("too much").contains("bytes"));
    let looks = format!(
        "{{ {} }}",
        (0..40)
            .map(|index| format!("a{index}: label {{ id }} "))
            .collect::<String>()
    );
    let plan = Shaper::default().plan(&looks).await.expect("a sound query");
    assert!(plan.render(&large).expect_err("too much").contains("bytes"));
    assert_eq!(body("{ topic }", &large).await, r#"{"topic":"LABEL_CREATED"}"#);
}

#[tokio::test]
async fn everything_that_can_be_selected_is_described() {
    let text = "{ __schema { types { name description fields { name description } } } }";
    let answer = schema().execute(text).await.data.into_json().expect("JSON");
    let types = answer["__schema"]["types"].as_array().expect("types");
    let ours = types
        .iter()
        .filter(|of| !of["name"].as_str().is_some_and(|name| name.starts_with("__")));
    for of in ours.filter(|of| of["fields"].is_array()) {
        let fields = of["fields"].as_array().into_iter().flatten();
        for one in fields.chain([of]) {
            let described = one["description"].as_str().is_some_and(|text| text.len() > 3);
            assert!(described, "{} {}", of["name"], one["name"]);
        }
    }
}
