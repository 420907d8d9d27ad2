//! The published contract: `schema.graphql` is what the service serves, everything in it is described, and the names
//! that clients were promised are there.

use std::fs;
use std::path::Path;

use harness::{Start, TestApp};
use serde_json::{Value, json};

#[test]
fn schema_graphql_is_what_the_service_serves() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema.graphql");
    let published = fs::read_to_string(&path).unwrap_or_default();
    let differs = published
        .lines()
        .zip(labelhook_api::graphql::sdl().lines().map(str::to_owned))
        .find(|(old, new)| old != new)
        .map(|(old, new)| format!("\n- {old}\n+ {new}"));
    assert!(
        published == labelhook_api::graphql::sdl(),
        "schema.graphql is stale; refresh it and read its diff as a user of the API would:\n    \
         cargo run -- schema > schema.graphql{}",
        differs.unwrap_or_default()
    );
}

#[test]
fn payload_graphql_is_what_payload_queries_may_ask_for() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../payload.graphql");
    let published = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        published == labelhook_api::graphql::payload::sdl(),
        "payload.graphql is stale; refresh it and read its diff as a user of the API would:\n    \
         cargo run -- schema --payload > payload.graphql"
    );
}

const TYPES: &str = "{__schema {types {kind name description
    fields(includeDeprecated: true) {name description args {name description}}
    inputFields {name description} enumValues(includeDeprecated: true) {name description}}}}";

#[tokio::test]
async fn every_type_field_argument_and_value_is_described() {
    let schema = introspected(TYPES).await;
    let mut silent = Vec::new();
    for kind in list(&schema["__schema"]["types"]) {
        let name = name(kind);
        if name.starts_with("__") || ["Boolean", "Float", "ID", "Int", "String"].contains(&name) {
            continue;
        }
        silent.extend(undescribed(kind).then(|| name.to_owned()));
        for field in list(&kind["fields"]) {
            silent.extend(undescribed(field).then(|| format!("{name}.{}", self::name(field))));
            let arguments = list(&field["args"]).filter(|argument| undescribed(argument));
            silent.extend(arguments.map(|argument| format!("{name}.{}({}:)", self::name(field), self::name(argument))));
        }
        let others = list(&kind["inputFields"]).chain(list(&kind["enumValues"]));
        silent.extend(
            others
                .filter(|other| undescribed(other))
                .map(|other| format!("{name}.{}", self::name(other))),
        );
    }
    assert!(silent.is_empty(), "without a description: {silent:#?}");
}

fn undescribed(value: &Value) -> bool {
    value["description"].as_str().is_none_or(|text| text.trim().len() < 4)
}

fn name(value: &Value) -> &str {
    value["name"].as_str().expect("everything has a name")
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

async fn introspected(text: &str) -> Value {
    let app = TestApp::with(Start {
        paused: true,
        ..Start::default()
    })
    .await;
    app.query(text, json!({})).await
}

/// Names that clients were promised: a type, and its fields, values or arguments (`field(argument argument)`).
const PROMISED: &[(&str, &str)] = &[
    (
        "Query",
        "node(id) nodes(ids) organization user(where) project(where) projects(where orderBy skip first) dataset(where)
        datasets(where orderBy skip first) dataRow(where) label(where) webhook(where) webhooks(where orderBy skip first)
        event(where) events(where first after last before) notification(where) notifications(where first after last before) previewRequest(data)
        customMetadataOntology task(where) tasks(where first after last before) stage(where) stageRun(where)
        exportLabels(where first after) replay(where) notificationStats(where bucket)",
    ),
    (
        "Mutation",
        "createWebhook(data) updateWebhook(where data) rotateWebhookSecret(where data) pingWebhook(where) redeliverNotification(where)
        cancelNotification(where) createProject(data) updateProject(where data) createDataset(data)
        updateDataset(where data) createDataRow(data) createDataRows(data) deleteDataRows(where) createBatch(data)
        createLabel(data) createLabels(data) updateLabel(where data) deleteLabels(labelIds) createReview(data)
        updateReview(where data) createUser(data) updateUser(where data) createApiKey(data) revokeApiKey(where)
        saveWorkflow(where data) assignTasks(where data) saveTask(where data) submitTask(where data)
        reviewTask(where data) requeueTasks(where data) forwardTasks(where) rerunStage(where)
        startReplay(data) cancelReplay(where) createListener(data) removeListener(where) answerDelivery(data)
        triggerEvent(data) updateOrganization(data)",
    ),
    ("Subscription", "notifications(where after) events(where after) tasks(where) deliveries(where)"),
    ("EventConnection", "edges nodes pageInfo"),
    ("EventEdge", "cursor node"),
    (
        "EventWhereInput",
        "ids projectIds dataRowIds topics externalId createdAt_gte createdAt_lt",
    ),
    ("Node", "id"),
    (
        "WebhookTopic",
        "LABEL_CREATED LABEL_UPDATED LABEL_DELETED REVIEW_CREATED REVIEW_UPDATED REVIEW_DELETED WORKFLOW_ACTION PING
        WEBHOOK_DISABLED WEBHOOK_FAILING WEBHOOK_RECOVERED NOTIFICATION_FAILED",
    ),
    ("WebhookStatus", "ACTIVE INACTIVE REVOKED"),
    ("Capture", "FULL FAILURES SAMPLE"),
    ("PayloadFormat", "LABELBOX ANGO"),
    ("AuthType", "NONE SECRET BEARER HEADER"),
    (
        "Webhook",
        "id url topics status statusReason project stage organization createdBy createdAt updatedAt description payloadFormat
        payloadQuery filter filterErrors lastFilterError authType headers retryPolicy timeoutMs maxInFlight rateLimit ordering autoDisable capture capturePercent health secrets notifications(where orderBy skip first)
        stats(since bucket)",
    ),
    ("RetryPolicy", "maxAttempts delaysMs jitter"),
    ("Ordering", "NONE PER_DATA_ROW STRICT"),
    ("SecretInfo", "id createdAt expiresAt"),
    ("RotatedSecret", "webhook secret"),
    ("SecretRotateInput", "secret graceSeconds"),
    ("WhereUniqueInput", "id"),
    ("TopicListInput", "set"),
    (
        "WebhookCreateInput",
        "project topics url secret description payloadFormat payloadQuery filter authType bearerToken headers retryPolicy
        timeoutMs maxInFlight rateLimit ordering autoDisable",
    ),
    (
        "WebhookUpdateInput",
        "topics url status description payloadFormat payloadQuery filter authType bearerToken headers retryPolicy timeoutMs
        maxInFlight rateLimit ordering autoDisable",
    ),
    ("RetryPolicyInput", "maxAttempts delaysMs jitter"),
    ("RateLimit", "requests perMs"),
    ("RateLimitInput", "requests perMs"),
    ("PreviewRequestInput", "webhook event topic"),
    ("PreparedRequest", "method url headers body"),
    (
        "Event",
        "id topic organization project createdAt sequence data notifications(first after last before)",
    ),
    ("NotificationStatus", "PENDING SENDING RETRYING SUCCEEDED FAILED CANCELED"),
    (
        "Notification",
        "id event webhook task stage status attemptCount nextAttemptAt waitReason redeliveryOf createdAt updatedAt attempts logLine
        webhookNotificationPayload requestHeaders responseHeaders responseBody responseCode",
    ),
    ("WebhookNotificationPayload", "requestBody"),
    ("Attempt", "number startedAt durationMs request response error"),
    ("RecordedRequest", "method url headers body"),
    ("RecordedResponse", "status headers body bodyTruncated"),
    (
        "AttemptErrorKind",
        "DNS CONNECT TLS TIMEOUT BLOCKED_ADDRESS REDIRECT PROTOCOL BODY_TOO_LARGE CANCELED",
    ),
    ("AttemptError", "kind message"),
    (
        "NotificationWhereInput",
        "ids webhookIds projectIds stageIds taskIds eventIds topics statuses responseCodes externalId createdAt_gte
        createdAt_lt",
    ),
    ("NotificationConnection", "edges nodes pageInfo"),
    ("NotificationEdge", "cursor node"),
    ("PageInfo", "hasNextPage hasPreviousPage startCursor endCursor"),
    ("StageType", "START LABEL REVIEW LOGIC HOLD WEBHOOK COMPLETE ARCHIVE"),
    ("StageOutput", "NEXT APPROVED REJECTED SUCCEEDED FAILED MATCHED ELSE"),
    ("PayloadContent", "FULL METADATA_ONLY"),
    ("Workflow", "project stages version maxPasses updatedAt"),
    (
        "Stage",
        "id name type position edges webhook payloadContent taskCount failedTaskCount warning project removed runs(first)
        notifications(where first after last before)",
    ),
    ("StageEdge", "output to condition"),
    ("WorkflowInput", "stages version maxPasses moveTasks"),
    ("StageMoveInput", "from to"),
    ("StageInput", "id name type position edges webhook"),
    ("StageEdgeInput", "output to condition"),
    (
        "StageWebhookInput",
        "url authType secret bearerToken authorizationHeader headers payloadFormat payloadContent payloadQuery
        filter retryPolicy timeoutMs maxInFlight",
    ),
    ("TaskStatus", "READY IN_PROGRESS WAITING HELD DONE"),
    (
        "Task",
        "id project dataRow label draft stage status statusReason assignee externalId stageHistory createdAt updatedAt
        notifications(first after last before)",
    ),
    (
        "StageVisit",
        "stage enteredAt completedAt durationMs idleMs blurMs completedBy submittedBy skipped",
    ),
    ("TaskBatch", "count tasks(first after)"),
    ("TaskConnection", "edges nodes pageInfo"),
    ("TaskEdge", "cursor node"),
    ("ExportedLabelConnection", "edges nodes pageInfo"),
    ("ExportedLabel", "task data"),
    ("StageRun", "id stage total done status createdAt"),
    (
        "NotificationStats",
        "total succeeded failed canceled pending successRate p50Ms p95Ms p99Ms series",
    ),
    (
        "StatsPoint",
        "at total succeeded failed canceled pending successRate p50Ms p95Ms p99Ms",
    ),
    ("StatsBucket", "HOUR DAY"),
    ("ReplayInput", "where rerender missedBy"),
    ("Replay", "id status total done skipped createdAt"),
    ("ReplayStatus", "RUNNING SUCCEEDED FAILED CANCELED"),
    (
        "TaskWhereInput",
        "ids projectIds stageIds dataRowIds batchIds assigneeIds statuses externalId createdAt_gte createdAt_lt",
    ),
    ("TaskAnswerInput", "label secondsToLabel durationMs idleMs blurMs stage"),
    ("ReviewOutcome", "APPROVED REJECTED"),
    ("TaskReviewInput", "outcome score stage"),
    ("AssignInput", "assignee stage"),
    ("RequeueInput", "stage"),
    ("ConnectInput", "connect"),
    ("BatchCreateInput", "name project dataRows"),
    ("Batch", "id name project createdAt"),
    ("Role", "OWNER ADMIN WORKFORCE_MANAGER USER WORKER"),
    ("UserCreateInput", "email name role"),
    ("UserUpdateInput", "name role disabled"),
    ("ApiKeyCreateInput", "name user projects expiresAt"),
    ("ApiKey", "id name prefix user projects createdAt expiresAt lastUsedAt revokedAt"),
    ("CreatedApiKey", "key apiKey"),
    // What the Labelbox SDKs ask for.
    ("Organization", "createdAt name id updatedAt webhooks(skip first) users(skip first) projects(where skip first)"),
    (
        "User",
        "createdAt email isExternalUser isViewer lastLoginAt nickname name picture id updatedAt intercomHash organization",
    ),
    (
        "Project",
        "autoAuditNumberOfLabels autoAuditPercentage createdAt dataRowCount description editorTaskType isBenchmarkEnabled
        isConsensusEnabled lastActivityTime allowedMediaType modelSetupComplete name setupComplete id updatedAt uploadType
        queueMode ontology webhooks(skip first orderBy) labels(where orderBy skip first) reviews(where skip first)
        datasets(skip first)",
    ),
    ("Dataset", "createdAt description name rowCount id updatedAt dataRows(where skip first) projects(where skip first)"),
    (
        "DataRow",
        "createdAt externalId globalKey mediaAttributes customMetadata metadataFields rowData id updatedAt metadata
        labels(where skip first)",
    ),
    (
        "Label",
        "agreement benchmarkAgreement createdAt isBenchmarkReference label secondsToLabel id updatedAt type project
        reviews(skip first)",
    ),
    ("Review", "createdAt score id updatedAt"),
];

#[tokio::test]
async fn the_promised_names_are_there() {
    let schema = introspected(TYPES).await;
    let mut missing = Vec::new();
    for (kind, names) in PROMISED {
        let found = list(&schema["__schema"]["types"]).find(|found| name(found) == *kind);
        let Some(found) = found else {
            missing.push((*kind).to_owned());
            continue;
        };
        for (member, arguments) in members(names) {
            let groups = [&found["fields"], &found["inputFields"], &found["enumValues"]];
            match groups.into_iter().flat_map(list).find(|one| name(one) == member) {
                None => missing.push(format!("{kind}.{member}")),
                Some(one) => {
                    let lacks = |wanted: &&str| !list(&one["args"]).any(|known| name(known) == *wanted);
                    missing.extend(
                        arguments
                            .split_whitespace()
                            .filter(lacks)
                            .map(|argument| format!("{kind}.{member}({argument}:)")),
                    );
                }
            }
        }
    }
    assert!(missing.is_empty(), "promised and not there: {missing:#?}");
}

/// `a b(c d)` is `a` without arguments and `b` with `c` and `d`.
fn members(text: &str) -> Vec<(&str, &str)> {
    let mut members = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest
            .find(|mark: char| mark == '(' || mark.is_whitespace())
            .unwrap_or(rest.len());
        let (member, behind) = rest.split_at(end);
        let (arguments, behind) = match behind.strip_prefix('(') {
            Some(inside) => inside.split_once(')').expect("a parenthesis is closed"),
            None => ("", behind),
        };
        members.push((member, arguments));
        rest = behind.trim_start();
    }
    members
}

#[tokio::test]
async fn every_error_of_a_nullable_field_leaves_its_siblings_alone() {
    let app = TestApp::with(Start {
        paused: true,
        ..Start::default()
    })
    .await;
    let text = "{organization {name} webhook(where: {id: \"unknown\"}) {id} notification(where: {id: \"unknown\"}) {id}
        event(where: {id: \"unknown\"}) {id} project(where: {id: \"unknown\"}) {id} label(where: {id: \"unknown\"}) {id}}";
    let answer = app.client.answer(text, json!({})).await;
    let data = &answer.body["data"];
    assert!(data["organization"]["name"].is_string(), "{:#}", answer.body);
    for field in ["webhook", "notification", "event", "project", "label"] {
        assert!(
            data.get(field).is_some_and(Value::is_null),
            "{field} is there and null: {data}"
        );
    }
    let codes: Vec<_> = list(&answer.body["errors"])
        .map(|error| &error["extensions"]["code"])
        .collect();
    assert_eq!(codes, vec!["RESOURCE_NOT_FOUND"; 5]);
}
