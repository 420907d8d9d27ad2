//! Values at the edge of the API: numbers and texts come out as they went in, what cannot be stored is refused by its
//! name, and null is never ignored.

use harness::{Client, Rng, TestApp, TestReceiver};
use serde_json::{Map, Number, Value, json};

use crate::desk::{Desk, create_webhook, text};

const NUMBERS: &str =
    r#"{"x":0.1234567890123456789,"id":12345678901234567890123,"list":[1.10,-0.0,5e-324,0.30000000000000004]}"#;

fn exact(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[tokio::test]
async fn json_numbers_come_out_of_the_api_and_of_every_body_as_they_went_in() {
    let (app, receiver) = (TestApp::start().await, TestReceiver::start().await);
    let desk = Desk::set(&app.client).await;
    let make = "mutation($set: ID!, $json: Json) {createDataRow(data: {rowData: \"x\", metadata: $json,
        mediaAttributes: $json, dataset: {connect: {id: $set}}}) {id metadata mediaAttributes}}";
    let variables = json!({"set": desk.dataset, "json": exact(NUMBERS)});
    let (_, body) = app.client.bytes(make, variables).await.expect("an answer");
    let body = String::from_utf8(body.to_vec()).expect("UTF-8");
    assert_eq!(body.matches(NUMBERS).count(), 2, "{body}");
    let row = text(&exact(&body)["data"]["createDataRow"]["id"]);
    let save = "mutation($id: ID!, $json: Json) {updateProject(where: {id: $id}, data: {ontology: $json}) {ontology}}";
    let variables = json!({"id": desk.project, "json": exact(NUMBERS)});
    let (_, saved) = app.client.bytes(save, variables).await.expect("an answer");
    assert!(String::from_utf8_lossy(&saved).contains(NUMBERS), "{saved:?}");

    for format in ["LABELBOX", "ANGO", "V7"] {
        let url = receiver.url(format);
        desk.webhook(&url, &["LABEL_CREATED"], json!({"payloadFormat": format}))
            .await;
    }
    desk.submit_of(
        &row,
        r#"{"tools":[{"bounding-box":{"x":1.10,"y":0.1234567890123456789,"width":2,"height":3}}]}"#,
    )
    .await;
    app.deliver().await;
    for sent in receiver.wait_for(3).await {
        let body = String::from_utf8(sent.body.to_vec()).expect("UTF-8");
        assert!(
            body.contains("1.10") && body.contains("0.1234567890123456789"),
            "{body}"
        );
        let has_metadata = sent.path == "/ANGO";
        assert!(!has_metadata || body.contains(NUMBERS), "{body}");
    }
}

#[tokio::test]
async fn doubles_keep_their_last_digit() {
    let (app, receiver) = (TestApp::start().await, TestReceiver::start().await);
    let mut rng = Rng::announced("doubles_keep_their_last_digit");
    let desk = Desk::set(&app.client).await;
    desk.listener(&receiver, json!({})).await;
    let doubles: Vec<f64> = (0..100).map(|_| rng.below(1 << 53) as f64 / 1e13).collect();
    let new = |seconds: &f64| {
        json!({"project": {"connect": {"id": desk.project}}, "dataRow": {"connect": {"id": desk.row}},
            "label": json!({"objects": [seconds]}).to_string(), "secondsToLabel": seconds})
    };
    let make = "mutation($data: [LabelCreateInput!]!) {createLabels(data: $data) {secondsToLabel}}";
    let made = app
        .client
        .query(make, json!({"data": doubles.iter().map(new).collect::<Vec<_>>()}))
        .await;
    let answered: Vec<f64> = made["createLabels"]
        .as_array()
        .expect("labels")
        .iter()
        .filter_map(|label| label["secondsToLabel"].as_f64())
        .collect();
    assert_eq!(answered, doubles);
    app.deliver().await;
    let mut sent: Vec<f64> = receiver
        .wait_for(doubles.len())
        .await
        .iter()
        .filter_map(|sent| sent.json()["secondsToLabel"].as_f64())
        .collect();
    let mut expected = doubles;
    sent.sort_by(f64::total_cmp);
    expected.sort_by(f64::total_cmp);
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn a_number_or_text_that_cannot_be_stored_is_refused_by_its_name() {
    let app = TestApp::start().await;
    let desk = Desk::set(&app.client).await;
    let refused = async |document: &str, variables: Value, field: &str| {
        let error = app.client.expect_error(document, variables, "BAD_USER_INPUT").await;
        assert_eq!(error["extensions"]["field"], field, "{error}");
    };
    let rename = "mutation($id: ID!, $data: ProjectUpdateInput!) {updateProject(where: {id: $id}, data: $data) {id}}";
    let huge = exact(r#"{"x": [1e400]}"#);
    refused(
        rename,
        json!({"id": desk.project, "data": {"ontology": huge}}),
        "data.ontology.x.0",
    )
    .await;
    refused(
        rename,
        json!({"id": desk.project, "data": {"name": "a\0b"}}),
        "data.name",
    )
    .await;
    refused(rename, json!({"id": "\0", "data": {}}), "id").await;
    let rows = "query($id: ID!, $where: DataRowWhereInput) {dataset(where: {id: $id}) {dataRows(where: $where) {id}}}";
    refused(
        rows,
        json!({"id": desk.dataset, "where": {"externalId": "\0"}}),
        "where.externalId",
    )
    .await;
    let events = "query($where: EventWhereInput) {events(where: $where) {nodes {id}}}";
    refused(events, json!({"where": {"externalId": "\0"}}), "where.externalId").await;
    let literal = "{events(where: {externalId: \"\\u0000\"}) {nodes {id}}}";
    let error = app
        .client
        .expect_error(literal, json!({}), "GRAPHQL_VALIDATION_FAILED")
        .await;
    assert_eq!(error["extensions"]["field"], "where.externalId", "{error}");
}

#[tokio::test]
async fn a_whole_number_with_a_fraction_is_an_integer() {
    let app = TestApp::start().await;
    let page = "query($first: Int) {projects(first: $first) {id}}";
    app.query(page, json!({"first": exact("1.0")})).await;
    app.client
        .expect_error(page, json!({"first": 1.5}), "BAD_USER_INPUT")
        .await;
}

#[tokio::test]
async fn what_the_specification_calls_invalid_is_refused_before_anything_runs() {
    let app = TestApp::start().await;
    for (document, variables) in [
        (
            "query($a: Boolean!) {project(where: {id: $a}) {id}}",
            json!({"a": true}),
        ),
        ("{review(where: true) {id}}", json!({})),
        ("mutation {createProject(data: {name: true}) {id}}", json!({})),
        ("mutation {createProject(data: {name: \"a\", nope: 1}) {id}}", json!({})),
        ("query($a: Int!) {projects @skip(if: $a) {id}}", json!({"a": 1})),
    ] {
        let answer = app.client.answer(document, variables).await;
        assert_eq!(answer.code(), Some("GRAPHQL_VALIDATION_FAILED"), "{document}");
        assert!(answer.body.get("data").is_none(), "{document}: {}", answer.body);
    }
}

#[tokio::test]
async fn documents_of_the_september_2025_edition_are_read() {
    let app = TestApp::start().await;
    let described = "\"\"\"who am I\"\"\" query Q(\"a flag\" $a: Boolean = true) {user @include(if: $a) {...F}}
        \"what is shown\" fragment F on User {email}";
    let found = app.query(described, json!({})).await;
    assert!(found["user"]["email"].is_string(), "{found}");
    let escaped = r#"mutation {createProject(data: {name: "\u{1F600}\uD83D\uDE00"}) {name}}"#;
    assert_eq!(app.query(escaped, json!({})).await["createProject"]["name"], "😀😀");
}

/// The updates of the schema: the input, the mutation, and what is read back.
const UPDATES: [(&str, &str); 7] = [
    ("DatasetUpdateInput", "updateDataset"),
    ("LabelUpdateInput", "updateLabel"),
    ("OrganizationUpdateInput", "updateOrganization"),
    ("ProjectUpdateInput", "updateProject"),
    ("ReviewUpdateInput", "updateReview"),
    ("UserUpdateInput", "updateUser"),
    ("WebhookUpdateInput", "updateWebhook"),
];

/// The fields that null empties.
const CLEARED: [&str; 6] = [
    "description",
    "filter",
    "ontology",
    "payloadQuery",
    "rateLimit",
    "retentionDays",
];

#[tokio::test]
async fn null_clears_a_setting_or_is_refused_by_its_name_in_every_update() {
    let app = TestApp::start().await;
    let schema = "{__schema {types {name kind inputFields {name type {kind}}}}}";
    let types = app.query(schema, json!({})).await;
    let types = types["__schema"]["types"].as_array().expect("types");
    let updates: Vec<&Value> = types
        .iter()
        .filter(|it| it["name"].as_str().is_some_and(|name| name.ends_with("UpdateInput")))
        .collect();
    assert_eq!(updates.len(), UPDATES.len(), "a new update belongs in the list above");
    for update in updates {
        let input = text(&update["name"]);
        let (_, mutation) = UPDATES
            .iter()
            .find(|(name, _)| *name == input)
            .expect("it is in the list");
        let id = object(&app.client, &input).await;
        for field in update["inputFields"].as_array().expect("fields") {
            assert_ne!(field["type"]["kind"], "NON_NULL", "an update's fields are optional");
            try_null(&app.client, mutation, &input, id.as_deref(), &text(&field["name"])).await;
        }
    }
}

#[tokio::test]
async fn null_inside_a_retry_policy_or_a_connection_is_refused_by_its_name() {
    let app = TestApp::start().await;
    let (webhook, project) = (
        object(&app.client, "WebhookUpdateInput").await,
        object(&app.client, "ProjectUpdateInput").await,
    );
    for (mutation, input, id, outer, inner) in [
        (
            "updateWebhook",
            "WebhookUpdateInput",
            &webhook,
            "retryPolicy",
            "maxAttempts",
        ),
        (
            "updateWebhook",
            "WebhookUpdateInput",
            &webhook,
            "retryPolicy",
            "delaysMs",
        ),
        ("updateWebhook", "WebhookUpdateInput", &webhook, "retryPolicy", "jitter"),
        ("updateProject", "ProjectUpdateInput", &project, "datasets", "connect"),
        (
            "updateProject",
            "ProjectUpdateInput",
            &project,
            "datasets",
            "disconnect",
        ),
    ] {
        let change =
            format!("mutation($id: ID!, $data: {input}!) {{{mutation}(where: {{id: $id}}, data: $data) {{id}}}}");
        let variables = json!({"id": id, "data": {outer: {inner: null}}});
        let error = app.client.expect_error(&change, variables, "BAD_USER_INPUT").await;
        assert_eq!(error["extensions"]["field"], format!("{outer}.{inner}"), "{error}");
    }
}

/// Makes something that this input changes. The organization has no id.
async fn object(client: &Client, input: &str) -> Option<String> {
    let desk = Desk::set(client).await;
    Some(match input {
        "DatasetUpdateInput" => desk.dataset,
        "ProjectUpdateInput" => desk.project,
        "LabelUpdateInput" => desk.submit("{}").await,
        "ReviewUpdateInput" => desk.review(&desk.submit("{}").await, 1.0).await,
        "UserUpdateInput" => text(&client.query("{user {id}}", json!({})).await["user"]["id"]),
        "WebhookUpdateInput" => {
            let data = json!({"url": "https://example.com/", "topics": {"set": ["LABEL_CREATED"]}, "secret": "s",
                "description": "old", "filter": "true", "payloadQuery": "{ id }",
                "rateLimit": {"requests": 1, "perMs": 1000}});
            create_webhook(client, data).await
        }
        _ => return None,
    })
}

async fn try_null(client: &Client, mutation: &str, input: &str, id: Option<&str>, field: &str) {
    let read = match CLEARED.contains(&field) {
        true if field == "rateLimit" => "id rateLimit {requests}".to_owned(),
        true => format!("id {field}"),
        false => "id".to_owned(),
    };
    let change = match id {
        Some(_) => {
            format!("mutation($id: ID!, $data: {input}!) {{{mutation}(where: {{id: $id}}, data: $data) {{{read}}}}}")
        }
        None => format!("mutation($data: {input}!) {{{mutation}(data: $data) {{{read}}}}}"),
    };
    let mut variables = Map::from_iter([("data".to_owned(), json!({field: null}))]);
    variables.extend(id.map(|id| ("id".to_owned(), id.into())));
    if !CLEARED.contains(&field) {
        let error = client.expect_error(&change, variables.into(), "BAD_USER_INPUT").await;
        assert_eq!(error["extensions"]["field"], field, "{input}: {error}");
        return;
    }
    let changed = client.query(&change, variables.into()).await;
    let left = &changed[mutation][field];
    assert!(left.is_null() || left == "", "{input}.{field} is {left}");
}

#[test]
fn a_number_is_equal_to_itself_only_as_it_is_written() {
    // The comparisons above would say nothing if the reader of JSON rounded.
    assert_ne!(exact("1.10"), Value::Number(Number::from_f64(1.1).expect("finite")));
}
