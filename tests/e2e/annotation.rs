//! The annotation nouns in Labelbox's dialect, in the very words that its SDK sends, and beyond it.

use harness::{Client, TestApp};
use serde_json::{Value, json};

const PROJECT: &str = "autoAuditNumberOfLabels autoAuditPercentage createdAt dataRowCount description editorTaskType \
    isBenchmarkEnabled isConsensusEnabled lastActivityTime allowedMediaType modelSetupComplete name setupComplete id \
    updatedAt uploadType queueMode";
const DATASET: &str = "createdAt description name rowCount id updatedAt";
const DATA_ROW: &str = "createdAt externalId globalKey mediaAttributes customMetadata { schemaId value } \
    metadataFields { schemaId name value kind } rowData id updatedAt";
const LABEL: &str = "agreement benchmarkAgreement createdAt isBenchmarkReference label secondsToLabel id updatedAt";
const USER: &str =
    "createdAt email isExternalUser isViewer lastLoginAt nickname name picture intercomHash id updatedAt";

async fn id_of(client: &Client, text: &str, variables: Value) -> String {
    let data = client.query(text, variables).await;
    let (_, made) = data.as_object().and_then(|data| data.iter().next()).expect("one field");
    made["id"].as_str().expect("an id").to_owned()
}

/// A project with a dataset of one data row, as SDK 2.7 makes them.
async fn scene(client: &Client) -> (String, String, String) {
    let text = format!(
        "mutation CreateProjectPyApi($name: String!, $description: String!){{createProject(data: {{name: $name \
         description: $description}}) {{{PROJECT}}}}}"
    );
    let project = id_of(client, &text, json!({"name": "P", "description": ""})).await;
    let text = format!(
        "mutation CreateDatasetPyApi($name: String!, $description: String!, $projects: ID!){{createDataset(data: \
         {{name: $name description: $description projects: {{connect: {{id: $projects}}}}}}) {{{DATASET}}}}}"
    );
    let dataset = id_of(
        client,
        &text,
        json!({"name": "D", "description": "", "projects": project}),
    )
    .await;
    let text = format!(
        "mutation CreateDataRowPyApi($rowData: String!, $externalId: String!, $dataset: ID!){{createDataRow(data: \
         {{rowData: $rowData externalId: $externalId dataset: {{connect: {{id: $dataset}}}}}}) {{{DATA_ROW}}}}}"
    );
    let row = id_of(
        client,
        &text,
        json!({"rowData": "text", "externalId": "e", "dataset": dataset}),
    )
    .await;
    (project, dataset, row)
}

async fn label(client: &Client, project: &str, row: &str) -> String {
    let text = format!(
        "mutation CreateLabelPyApi($dataRow: ID!, $label: String!, $secondsToLabel: Float!, $project: \
         ID!){{createLabel(data: {{type: {{connect: {{name: \"Any\"}}}} dataRow: {{connect: {{id: $dataRow}}}} label: \
         $label secondsToLabel: $secondsToLabel project: {{connect: {{id: $project}}}}}}) {{{LABEL}}}}}"
    );
    let variables = json!({"dataRow": row, "label": "test", "secondsToLabel": 0, "project": project});
    id_of(client, &text, variables).await
}

#[tokio::test]
async fn the_sdks_own_words_make_and_read_everything() {
    let app = TestApp::start().await;
    let client = &app.client;
    let user = format!("query GetUserPyApi{{user{{{USER}}}}}");
    let user = client.query(&user, Value::Null).await["user"].take();
    assert_eq!((&user["isViewer"], &user["lastLoginAt"]), (&json!(false), &Value::Null));
    let text = "query GetUserOrganizationPyApi($param_0: ID!){user(where: {id: $param_0}){organization{createdAt name id \
                updatedAt}}}";
    client.query(text, json!({"param_0": user["id"]})).await;
    let text = format!(
        "mutation CreateProjectPyApi($name: String!, $allowedMediaType: MediaType!, $autoAuditPercentage: Float!, \
         $autoAuditNumberOfLabels: Int!, $isBenchmarkEnabled: Boolean!, $isConsensusEnabled: \
         Boolean!){{createProject(data: {{name: $name allowedMediaType: $allowedMediaType autoAuditPercentage: \
         $autoAuditPercentage autoAuditNumberOfLabels: $autoAuditNumberOfLabels isBenchmarkEnabled: \
         $isBenchmarkEnabled isConsensusEnabled: $isConsensusEnabled}}) {{{PROJECT}}}}}"
    );
    let variables = json!({"name": "N", "allowedMediaType": "IMAGE", "autoAuditPercentage": 0,
        "autoAuditNumberOfLabels": 3, "isBenchmarkEnabled": true, "isConsensusEnabled": true});
    let made = client.query(&text, variables).await["createProject"].take();
    assert_eq!(
        (&made["allowedMediaType"], &made["dataRowCount"]),
        (&json!("IMAGE"), &json!(0))
    );
    assert_eq!(made["queueMode"], "BATCH");

    let (project, dataset, row) = scene(client).await;
    let first = label(client, &project, &row).await;
    let text = format!(
        "query GetProjectLabelsPyApi($projectId: ID!) {{project (where: {{id: $projectId}}) {{labels (where:{{dataRow: \
         {{dataset: {{id_in: [\"{dataset}\"]}}}}}} skip: 0 first: 100 orderBy: createdAt_ASC) {{{LABEL}}}}}}}"
    );
    let listed = client.query(&text, json!({"projectId": project})).await;
    assert_eq!(listed["project"]["labels"][0]["id"], first);
    let text = format!(
        "query GetDataRowLabelsPyApi($param_0: Boolean!, $param_1: ID!){{dataRow(where: {{id: $param_1}}){{labels(where: \
         {{deleted: $param_0}} skip: 0 first: 100){{{LABEL} type {{id name}}}}}}}}"
    );
    let listed = client.query(&text, json!({"param_0": false, "param_1": row})).await;
    assert_eq!(listed["dataRow"]["labels"][0]["type"]["name"], "Any");
    let text = "mutation CreateReviewPyApi($score: Float!, $label: ID!, $project: ID!){createReview(data: {score: $score \
                label: {connect: {id: $label}} project: {connect: {id: $project}}}) {createdAt score id updatedAt}}";
    let review = id_of(client, text, json!({"score": 3, "label": first, "project": project})).await;
    let text = "query GetProjectReviewsPyApi($param_0: Float!, $param_1: Boolean!, $param_2: ID!){project(where: {id: \
                $param_2}){reviews(where: {AND: [{score_gt: $param_0}, {deleted: $param_1}]} skip: 0 first: \
                100){createdAt score id updatedAt}}}";
    let variables = |score| json!({"param_0": score, "param_1": false, "param_2": project});
    let found = client.query(text, variables(1)).await;
    assert_eq!(found["project"]["reviews"][0]["id"], review);
    assert_eq!(client.query(text, variables(4)).await["project"]["reviews"], json!([]));
    let text = "mutation deleteReviewPyApi($ReviewId: ID!){updateReview( where: {id: $ReviewId} data: {deleted: true}) \
                {id}}";
    client.query(text, json!({"ReviewId": review})).await;
    let text = format!("mutation deleteLabelsPyApi{{deleteLabels(labelIds: [\"{first}\"]){{id}}}}");
    client.query(&text, Value::Null).await;
    let text = format!("mutation deleteDataRowsPyApi{{deleteDataRows(where: {{dataRowIds: [\"{row}\"]}}){{id}}}}");
    client.query(&text, Value::Null).await;
    let text = "mutation deleteDatasetPyApi($DatasetId: ID!){updateDataset( where: {id: $DatasetId} data: {deleted: \
                true}) {id}}";
    client.query(text, json!({"DatasetId": dataset})).await;
    let text = "query GetDatasetPyApi($param_0: ID!){dataset(where: {id: $param_0}){id}}";
    client
        .expect_error(text, json!({"param_0": dataset}), "RESOURCE_NOT_FOUND")
        .await;
}

#[tokio::test]
async fn projects_are_listed_by_nested_conditions_and_time() {
    let app = TestApp::start().await;
    let client = &app.client;
    for name in ["a", "b"] {
        let text = "mutation($name: String!){createProject(data: {name: $name, description: \"d\"}){id}}";
        client.query(text, json!({"name": name})).await;
    }
    let text = "query GetProjectsPyApi($param_0: String!, $param_1: String!, $param_2: Boolean!){projects(where: {AND: \
                [{AND: [{name: $param_0}, {description: $param_1}]}, {deleted: $param_2}]} skip: 0 first: 100){name}}";
    let found = client
        .query(text, json!({"param_0": "b", "param_1": "d", "param_2": false}))
        .await;
    assert_eq!(found["projects"], json!([{"name": "b"}]));
    let text = "query GetProjectsPyApi($param_0: DateTime!, $param_1: Boolean!){projects(where: {AND: [{createdAt_gte: \
                $param_0}, {deleted: $param_1}]} skip: 0 first: 100 orderBy: name_DESC){name}}";
    let found = client
        .query(text, json!({"param_0": "2020-09-24T04:56:08Z", "param_1": false}))
        .await;
    assert_eq!(found["projects"], json!([{"name": "b"}, {"name": "a"}]));
    let found = client
        .query(text, json!({"param_0": "2999-01-01T00:00:00Z", "param_1": false}))
        .await;
    assert_eq!(found["projects"], json!([]));
    client
        .expect_error("{projects(first: 101){id}}", Value::Null, "BAD_USER_INPUT")
        .await;
    client
        .expect_error("{projects(skip: -1){id}}", Value::Null, "BAD_USER_INPUT")
        .await;
    let text = "{projects {datasets {dataRows {labels {id}}}}}";
    let error = client
        .expect_error(text, Value::Null, "GRAPHQL_VALIDATION_FAILED")
        .await;
    assert_eq!(error["message"], "Query complexity limit exceeded");
}

#[tokio::test]
async fn an_unknown_object_is_null_and_leaves_its_siblings_alone() {
    let app = TestApp::start().await;
    let text = "{organization {id} project(where: {id: \"invalid project ID\"}) {id}}";
    let answer = app.client.answer(text, Value::Null).await;
    assert_eq!(answer.code(), Some("RESOURCE_NOT_FOUND"));
    assert_eq!(answer.body["data"]["project"], Value::Null);
    assert!(answer.body["data"]["organization"]["id"].is_string());
    let text = "{node(id: \"unknown\") {id} nodes(ids: [\"018f0000-0000-7000-8000-000000000000\"]) {id}}";
    let data = app.client.query(text, Value::Null).await;
    assert_eq!(data, json!({"node": null, "nodes": [null]}));
}

#[tokio::test]
async fn any_noun_is_found_by_its_id_alone() {
    let app = TestApp::start().await;
    let (project, dataset, row) = scene(&app.client).await;
    let text = "query($ids: [ID!]!){nodes(ids: $ids){__typename id ... on Dataset {rowCount}}}";
    let data = app.client.query(text, json!({"ids": [project, dataset, row]})).await;
    assert_eq!(
        data["nodes"],
        json!([
            {"__typename": "Project", "id": project},
            {"__typename": "Dataset", "id": dataset, "rowCount": 1},
            {"__typename": "DataRow", "id": row},
        ])
    );
}

#[tokio::test]
async fn json_comes_out_as_it_went_in() {
    let app = TestApp::start().await;
    let client = &app.client;
    let ontology = json!({"tools": [{"b": 1.5, "a": null}], "classifications": []});
    let text = "mutation($ontology: Json){createProject(data: {name: \"P\", ontology: $ontology}){id ontology}}";
    let made = client.query(text, json!({"ontology": ontology})).await["createProject"].take();
    assert_eq!(made["ontology"].to_string(), ontology.to_string());
    let text = "mutation($id: ID!){updateProject(where: {id: $id}, data: {ontology: null}){ontology name}}";
    let changed = client.query(text, json!({"id": made["id"]})).await;
    assert_eq!(changed["updateProject"], json!({"ontology": null, "name": "P"}));
    let (_, dataset, _) = scene(client).await;
    let text = "mutation($dataset: ID!, $metadata_fields: [DataRowCustomMetadataUpsertInput!]){createDataRow(data: \
                {rowData: \"r\", dataset: {connect: {id: $dataset}}, metadata: {frame: 7}, metadataFields: \
                $metadata_fields, attachments: [{type: \"TEXT\", value: \"v\"}]}) {metadata customMetadata {schemaId \
                value} metadataFields {schemaId name value kind} attachments {type value name}}}";
    let fields = json!([{"schemaId": "s", "value": 1}]);
    let made = client
        .query(text, json!({"dataset": dataset, "metadata_fields": fields}))
        .await;
    assert_eq!(
        made["createDataRow"],
        json!({
            "metadata": {"frame": 7},
            "customMetadata": [{"schemaId": "s", "value": 1}],
            "metadataFields": [{"schemaId": "s", "name": null, "value": 1, "kind": null}],
            "attachments": [{"type": "TEXT", "value": "v", "name": null}],
        })
    );
}

#[tokio::test]
async fn many_rows_and_labels_are_made_in_one_request() {
    let app = TestApp::start().await;
    let client = &app.client;
    let (project, dataset, row) = scene(client).await;
    let text = "mutation($dataset: ID!){createDataRows(data: {dataset: {connect: {id: $dataset}}, dataRows: [{rowData: \
                \"a\"}, {rowData: \"b\"}]}) {id dataset {id name}}}";
    let made = client.query(text, json!({"dataset": dataset})).await;
    assert_eq!(made["createDataRows"][1]["dataset"]["id"], dataset);
    let one = json!({"project": {"connect": {"id": project}}, "dataRow": {"connect": {"id": row}}, "label": "{}"});
    let text = "mutation($data: [LabelCreateInput!]!){createLabels(data: $data){id project {id} dataRow {id} createdBy \
                {email}}}";
    let made = client.query(text, json!({"data": vec![one; 50]})).await["createLabels"].take();
    let made = made.as_array().expect("a list");
    assert_eq!(made.len(), 50);
    assert!(
        made.iter()
            .all(|label| label["project"]["id"] == project && label["dataRow"]["id"] == row)
    );
    let text = "mutation($data: BatchCreateInput!){createBatch(data: $data){id name project {id} createdAt}}";
    let batch = json!({"name": "B", "project": {"connect": {"id": project}}, "dataRows": [row]});
    let made = client.query(text, json!({"data": batch})).await;
    assert_eq!(made["createBatch"]["project"]["id"], project);
}

#[tokio::test]
async fn people_come_in_with_keys_and_go_without() {
    let app = TestApp::start().await;
    let client = &app.client;
    let text = "mutation{createUser(data: {email: \"Ann@example.com\", name: \"Ann\", role: WORKER}){id email role}}";
    let ann = client.query(text, Value::Null).await["createUser"].take();
    assert_eq!(
        (&ann["email"], &ann["role"]),
        (&json!("ann@example.com"), &json!("WORKER"))
    );
    client.expect_error(text, Value::Null, "RESOURCE_CONFLICT").await;
    let (project, ..) = scene(client).await;
    let text = "mutation($user: ID!, $project: ID!){createApiKey(data: {name: \"Ann's\", user: {connect: {id: $user}}, \
                projects: [$project]}){key apiKey {id prefix user {id} projects {id}}}}";
    let made = client.query(text, json!({"user": ann["id"], "project": project})).await["createApiKey"].take();
    let key = made["key"].as_str().expect("a key");
    assert!(key.starts_with(made["apiKey"]["prefix"].as_str().expect("a prefix")));
    assert_eq!(made["apiKey"]["projects"][0]["id"], project);
    let hers = client.with_key(key);
    assert_eq!(hers.query("{user{id}}", Value::Null).await["user"]["id"], ann["id"]);
    let text = "mutation{createProject(data: {name: \"P\"}){id}}";
    hers.expect_error(text, Value::Null, "AUTHORIZATION_ERROR").await;
    let keys = "{organization{apiKeys{id revokedAt} users(where: {email: \"ann@example.com\"}){name}}}";
    let mine = hers.query(keys, Value::Null).await["organization"].take();
    assert_eq!(mine["apiKeys"].as_array().map(Vec::len), Some(1));
    assert_eq!(mine["users"], json!([{"name": "Ann"}]));
    let text = "mutation($id: ID!){revokeApiKey(where: {id: $id}){revokedAt}}";
    let revoked = client.query(text, json!({"id": made["apiKey"]["id"]})).await;
    assert!(revoked["revokeApiKey"]["revokedAt"].is_string());
    hers.expect_error("{user{id}}", Value::Null, "AUTHENTICATION_ERROR")
        .await;
}

#[tokio::test]
async fn a_refused_input_is_named() {
    let app = TestApp::start().await;
    let client = &app.client;
    let check = async |text: &str, field: &str| {
        let error = client.expect_error(text, Value::Null, "BAD_USER_INPUT").await;
        assert_eq!(error["extensions"]["field"], field, "{text}");
    };
    check("mutation{createProject(data: {name: \"\"}){id}}", "name").await;
    check("mutation{createDataset(data: {name: \"a\\nb\"}){id}}", "name").await;
    check("mutation{deleteLabels(labelIds: []){id}}", "labelIds").await;
    check("mutation{createLabels(data: []){id}}", "data").await;
    check("mutation{deleteDataRows(where: {dataRowIds: []}){id}}", "dataRowIds").await;
    check(
        "mutation{createUser(data: {email: \"x\", name: \"x\", role: USER}){id}}",
        "email",
    )
    .await;
    let none = client.query("{projects{id} datasets{id}}", Value::Null).await;
    assert_eq!(none, json!({"projects": [], "datasets": []}));
}
