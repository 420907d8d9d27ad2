//! Tests of GraphQL over HTTP: methods, media types and status codes, the code of every error, and hostile documents
//! that would exhaust a server without limits.

use axum::http::{HeaderMap, Request, StatusCode};
use harness::{KEY, Start, TestApp};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

const JSON: &str = "application/json";
const GRAPHQL: &str = "application/graphql-response+json";

async fn start() -> TestApp {
    start_with(Start::default()).await
}

async fn start_with(start: Start) -> TestApp {
    TestApp::with(Start { paused: true, ..start }).await
}

/// A response.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    /// Returns the code of the first error. Panics if an error has none.
    fn code(&self) -> String {
        let json = self.json();
        let errors = json["errors"].as_array().unwrap_or_else(|| panic!("no errors: {json}"));
        assert!(
            errors.iter().all(|error| error["extensions"]["code"].is_string()),
            "{json}"
        );
        errors[0]["extensions"]["code"].as_str().expect("a code").to_owned()
    }

    fn message(&self) -> String {
        self.json()["errors"][0]["message"]
            .as_str()
            .expect("a message")
            .to_owned()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }
}

async fn send(method: &str, url: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answer {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request
        .body(Full::new(bytes::Bytes::from(body.into())))
        .expect("a request");
    let client = Client::builder(TokioExecutor::new()).build_http();
    let (parts, body) = client.request(request).await.expect("an answer").into_parts();
    let text = String::from_utf8(body.collect().await.expect("a body").to_bytes().to_vec()).expect("UTF-8");
    Answer {
        status: parts.status,
        headers: parts.headers,
        text,
    }
}

async fn request(app: &TestApp, method: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answer {
    let authorization = format!("Bearer {KEY}");
    let headers = [&[("authorization", authorization.as_str())], headers].concat();
    send(method, app.client.endpoint(), &headers, body).await
}

async fn post(app: &TestApp, accept: &str, body: &Value) -> Answer {
    let headers = [("content-type", JSON), ("accept", accept)];
    request(app, "POST", &headers, body.to_string()).await
}

async fn query(app: &TestApp, document: &str) -> Answer {
    post(app, GRAPHQL, &json!({ "query": document })).await
}

async fn get(app: &TestApp, query: &str) -> Answer {
    let url = format!("{}?{query}", app.client.endpoint());
    let authorization = format!("Bearer {KEY}");
    send(
        "GET",
        &url,
        &[("authorization", &authorization), ("accept", GRAPHQL)],
        "",
    )
    .await
}

#[tokio::test]
async fn a_query_is_answered_by_post_and_by_get() {
    let server = start().await;
    let answer = post(&server, JSON, &json!({"query": "{ __typename }", "variables": null})).await;
    assert_eq!(
        (answer.status, answer.text.as_str()),
        (StatusCode::OK, r#"{"data":{"__typename":"Query"}}"#)
    );
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
    let answer = get(
        &server,
        "query=query+A+%7B+a:__typename+%7D+query+B+%7B+b:__typename+%7D&operationName=B",
    )
    .await;
    assert_eq!(
        (answer.status, answer.text.as_str()),
        (StatusCode::OK, r#"{"data":{"b":"Query"}}"#)
    );
    assert_eq!(
        answer.header("content-type"),
        "application/graphql-response+json; charset=utf-8"
    );
}

#[tokio::test]
async fn the_status_of_an_error_follows_from_its_kind_and_the_media_type() {
    let server = start().await;
    let cases = [
        (json!({"query": "asda"}), "GRAPHQL_PARSE_FAILED", 200, 400),
        (
            json!({"query": "query { bbb { id } }"}),
            "GRAPHQL_VALIDATION_FAILED",
            200,
            400,
        ),
        (
            json!({"query": "{ a: __typename @include }"}),
            "GRAPHQL_VALIDATION_FAILED",
            200,
            400,
        ),
        (
            json!({"query": "{ __type(name: 1) { name } }"}),
            "GRAPHQL_VALIDATION_FAILED",
            200,
            400,
        ),
        (
            json!({"query": "query ($n: String!) { __type(name: $n) { name } }", "variables": {"n": 1}}),
            "BAD_USER_INPUT",
            200,
            400,
        ),
        (
            json!({"query": "query ($n: String!) { __type(name: $n) { name } }"}),
            "BAD_USER_INPUT",
            200,
            400,
        ),
        (
            json!({"query": "query ($n: String!) { __type(name: $n) { name } }", "variables": {"n": null}}),
            "BAD_USER_INPUT",
            200,
            400,
        ),
        (
            json!({"query": "{ __typename }", "operationName": "X"}),
            "OPERATION_RESOLUTION_FAILURE",
            200,
            400,
        ),
        (json!({"query": 1}), "MALFORMED_REQUEST", 400, 400),
        (json!([{"query": "{ __typename }"}]), "MALFORMED_REQUEST", 400, 400),
        (
            json!({"query": "subscription { a }"}),
            "OPERATION_NOT_ALLOWED",
            400,
            400,
        ),
    ];
    for (body, code, as_json, as_graphql) in cases {
        for (accept, status) in [(JSON, as_json), (GRAPHQL, as_graphql)] {
            let answer = post(&server, accept, &body).await;
            assert_eq!(
                (answer.status.as_u16(), answer.code().as_str()),
                (status, code),
                "{body} {accept}"
            );
            assert!(answer.json().get("data").is_none(), "{body}: {}", answer.text);
            assert!(answer.header("content-type").starts_with(accept), "{body}");
        }
    }
}

#[tokio::test]
async fn errors_are_worded_as_the_sdk_expects() {
    let server = start().await;
    assert!(query(&server, "asda").await.message().starts_with("Syntax Error: "));
    assert!(
        query(&server, "query { bbb { id } }")
            .await
            .message()
            .starts_with("Cannot query field \"bbb\" on type")
    );
}

#[tokio::test]
async fn an_input_at_fault_is_named() {
    let server = start().await;
    let body = json!({"query": "query ($n: String!) { __type(name: $n) { name } }", "variables": {"n": 1}});
    let error = &post(&server, JSON, &body).await.json()["errors"][0];
    assert_eq!(error["extensions"]["field"], "n", "{error}");
    assert!(error["extensions"]["reason"].is_string());
}

#[tokio::test]
async fn optional_variables_may_be_left_out_wherever_they_stand() {
    let server = start().await;
    let lists =
        "query ($first: Int, $after: String, $last: Int, $before: String, $skip: Int, $where: ProjectWhereInput,
        $order: ProjectOrderByInput, $filter: NotificationWhereInput) {
        projects(where: $where, orderBy: $order, skip: $skip, first: $first) { id }
        notifications(where: $filter, first: $first, after: $after, last: $last, before: $before) { nodes { id } } }";
    let expected = json!({"data": {"projects": [], "notifications": {"nodes": []}}});
    for variables in [
        json!({}),
        json!(null),
        json!({"first": 5}),
        json!({"last": 5, "first": null}),
    ] {
        let answer = post(&server, JSON, &json!({"query": lists, "variables": variables})).await;
        assert_eq!(answer.json(), expected, "{variables}");
    }
}

#[tokio::test]
async fn a_document_that_was_right_before_is_refused_for_its_variables_in_the_same_words() {
    let server = start().await;
    let log = "query Log($first: Int! = 2, $where: NotificationWhereInput) {
        notifications(first: $first, where: $where) { nodes { id attempts { number } } } }";
    let new = "mutation New($data: WebhookCreateInput!) { createWebhook(data: $data) { id } }";
    let right = |more: Value| {
        let mut data = json!({"url": "https://example.com/a", "secret": "s", "topics": {"set": ["LABEL_CREATED"]}, "headers": {"X-A": "1"}});
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "data": data })
    };
    let cases = [
        (
            log,
            json!({"first": 2, "where": {}}),
            vec![
                json!({"first": null, "where": {}}),
                json!({"first": "2", "where": {}}),
                json!({"first": 2_147_483_648_i64, "where": {}}),
                json!({"first": -1, "where": {}}),
                json!({"first": 100_000, "where": {}}),
                json!({"first": 2, "where": []}),
                json!({"first": 2, "where": {"statuses": ["NOPE"]}}),
                json!({"first": 2, "where": {"nope": 1}}),
                json!({"first": 2, "where": {"ids": [1.5]}}),
                json!({"first": 2, "where": {"ids": [u64::MAX]}}),
                json!({"first": 2, "where": {"since": "yesterday"}}),
                json!({"first": 2, "where": {"responseCodes": [{}]}}),
            ],
        ),
        (
            new,
            right(json!({})),
            vec![
                json!({}),
                json!({"data": {"url": "https://example.com/a"}}),
                right(json!({"url": 7})),
                right(json!({"url": "ftp://example.com"})),
                right(json!({"topics": {"set": "NOPE"}})),
                right(json!({"headers": "X-A: 1"})),
                right(json!({"headers": {"X-A": {}}})),
                right(json!({"timeoutMs": "soon"})),
                right(json!({"payloadFormat": null})),
            ],
        ),
        (
            "query ($skips: Boolean = true) { __typename notifications @skip(if: $skips) { nodes { id } } }",
            json!({"skips": true}),
            vec![json!({"skips": null})],
        ),
        (
            "mutation ($url: String!, $description: String) { createWebhook(data: {
                url: $url, description: $description, authType: NONE, topics: {set: [LABEL_CREATED]}}) { id } }",
            json!({"url": "https://example.com/a"}),
            vec![json!({"url": "https://example.com/a", "description": 7})],
        ),
    ];
    for (document, right, wrong) in cases {
        let asked = async |document: &str, variables: &Value| {
            post(&server, JSON, &json!({"query": document, "variables": variables})).await
        };
        let passed = asked(document, &right).await;
        assert!(passed.json().get("errors").is_none(), "{}", passed.text);
        for (spaces, variables) in (1..).zip(wrong) {
            let new = format!("{document}{}", " ".repeat(spaces));
            let (known, new) = (asked(document, &variables).await, asked(&new, &variables).await);
            known.code();
            assert_eq!((known.status, known.json()), (new.status, new.json()), "{variables}");
        }
    }
}

#[tokio::test]
async fn a_wrong_method_is_refused_and_told_what_is_allowed() {
    let server = start().await;
    for method in ["PUT", "DELETE", "PATCH"] {
        let answer = request(
            &server,
            method,
            &[("content-type", JSON)],
            r#"{"query":"{ __typename }"}"#,
        )
        .await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (StatusCode::METHOD_NOT_ALLOWED, "GET, POST")
        );
        assert_eq!(answer.code(), "MALFORMED_REQUEST");
    }
    assert_eq!(
        request(&server, "HEAD", &[], "").await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    let answer = request(&server, "OPTIONS", &[], "").await;
    assert_eq!(
        (answer.status, answer.header("allow")),
        (StatusCode::NO_CONTENT, "GET, POST")
    );
}

#[tokio::test]
async fn a_mutation_by_get_is_refused() {
    let server = start().await;
    for query in [
        "query=mutation+%7B+__typename+%7D",
        "query=query+A+%7B+a+%7D+mutation+B+%7B+b+%7D&operationName=B",
    ] {
        let answer = get(&server, query).await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (StatusCode::METHOD_NOT_ALLOWED, "POST")
        );
        assert_eq!(answer.code(), "OPERATION_NOT_ALLOWED");
    }
}

#[tokio::test]
async fn a_body_that_is_not_json_by_its_type_is_refused() {
    let server = start().await;
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
    ] {
        let answer = request(
            &server,
            "POST",
            &[("content-type", content_type)],
            r#"{"query":"{ __typename }"}"#,
        )
        .await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "MALFORMED_REQUEST")
        );
    }
    let answer = request(&server, "POST", &[], r#"{"query":"{ __typename }"}"#).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_body_over_8_mib_is_refused_and_one_below_is_read() {
    let server = start().await;
    let body = |length: usize| json!({"query": "{ __typename }", "variables": {"a": "x".repeat(length)}});
    let answer = post(&server, JSON, &body(8 << 20)).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (StatusCode::PAYLOAD_TOO_LARGE, "MALFORMED_REQUEST")
    );
    assert_eq!(post(&server, JSON, &body((8 << 20) - 200)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_stranger_may_run_nothing() {
    let server = start().await;
    let bodies = ["{ __typename }", "{ __schema { queryType { name } } }", "asda"];
    for (authorization, document) in ["", "Bearer wrong", "Basic abc"]
        .into_iter()
        .flat_map(|key| bodies.map(|it| (key, it)))
    {
        let headers = [
            ("content-type", JSON),
            ("accept", JSON),
            ("authorization", authorization),
        ];
        let answer = send(
            "POST",
            server.client.endpoint(),
            &headers,
            json!({ "query": document }).to_string(),
        )
        .await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::UNAUTHORIZED, "AUTHENTICATION_ERROR")
        );
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert!(answer.json().get("data").is_none());
    }
}

#[tokio::test]
async fn an_answer_is_kept_by_no_cache_and_taken_for_nothing_else() {
    let server = start().await;
    let answer = query(&server, "{ __typename }").await;
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn a_key_that_asks_too_often_is_told_to_wait() {
    let server = start_with(Start {
        rate_limit: Some(2),
        ..Start::default()
    })
    .await;
    for _ in 0..2 {
        assert_eq!(query(&server, "{ __typename }").await.status, StatusCode::OK);
    }
    let answer = query(&server, "{ __typename }").await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED")
    );
    assert!(
        answer.json()["message"]
            .as_str()
            .expect("a message")
            .starts_with("You have exceeded")
    );
    assert!((1..=30).contains(&answer.header("retry-after").parse::<u32>().expect("seconds")));
}

/// Asserts that a hostile document is refused at once, with a code and without a crash.
async fn refused(document: &str, reason: &str) {
    let server = start().await;
    let answer = query(&server, document).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
    assert_eq!(answer.code(), "GRAPHQL_VALIDATION_FAILED", "{}", answer.text);
    assert!(answer.message().contains(reason), "{}", answer.text);
    assert_eq!(query(&server, "{ __typename }").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_literal_nested_2000_deep_is_refused() {
    refused(
        &format!(
            "{{ __type(name: {}{}) {{ name }} }}",
            "[".repeat(2_000),
            "]".repeat(2_000)
        ),
        "nested",
    )
    .await;
    refused(
        &format!(
            "{{ __type(name: {}1{}) {{ name }} }}",
            "{a:".repeat(2_000),
            "}".repeat(2_000)
        ),
        "nested",
    )
    .await;
    refused(
        &format!(
            "query ($a: [Int] = {}{}) {{ __typename }}",
            "[".repeat(2_000),
            "]".repeat(2_000)
        ),
        "nested",
    )
    .await;
    refused(
        &format!(
            "query ($a: {}Int{}) {{ __typename }}",
            "[".repeat(2_000),
            "]".repeat(2_000)
        ),
        "nested",
    )
    .await;
}

#[tokio::test]
async fn fragments_that_double_30_times_are_refused() {
    let spread = |index| format!("fragment f{index} on Query {{ ...f{} ...f{} }} ", index + 1, index + 1);
    let chain: String = (0..30).map(spread).collect();
    refused(
        &format!("{{ ...f0 }} {chain} fragment f30 on Query {{ __typename }}"),
        "fields",
    )
    .await;
}

#[tokio::test]
async fn floods_are_refused() {
    let aliases: String = (0..101).map(|index| format!("a{index}: __typename ")).collect();
    refused(&format!("{{ {aliases} }}"), "more than 50").await;
    refused(&format!("{{ {} }}", "__typename ".repeat(20_000)), "bytes").await;
    refused(&format!("{{ {} }}", "a ".repeat(20_000)), "tokens").await;
    refused(&format!("{{ {} }}", "__typename ".repeat(5_000)), "root fields").await;
    refused(&format!("{{ __typename {} }}", "@a".repeat(10)), "directives").await;
    refused(&format!("{}__typename{}", "{ a ".repeat(50), "}".repeat(50)), "nested").await;
}

#[tokio::test]
async fn odd_documents_are_the_clients_fault_and_never_ours() {
    let server = start().await;
    let documents = [
        "query ($a: [ Int ! ] !) { __typename }",
        "query ($a: [Int # comment\n]) { __typename }",
        "query ($a: [Nope!]! = [1]) { __typename }",
        "query ($a: Query) { __typename }",
        "query ($a: Int = \"x\") { __type(name: $a) { name } }",
        "query ($a: String = $b) { __typename }",
        "query ($a: String, $a: Int) { __type(name: $a) { name } }",
        "query ($a: __TypeKind!) { __typename }",
        "{ nope(a: 1) { nope(b: $c) @nope(d: 1) } }",
        "{ __typename { a } }",
        "{ __typename(a: 1) }",
        "{ __schema }",
        "{ __type { name } }",
        "{ __type(name: \"A\", name: \"B\", nope: 1) { name } }",
        "{ __type(name: 1e999) { name } }",
        "{ __type(name: 99999999999999999999999999) { name } }",
        "{ __type(name: \"\\uD83D\") { name } }",
        "{ __typename @include(if: 1) }",
        "{ __typename @nope }",
        "{ __schema @include(if: $nope) { description } }",
        "{ __typename @skip(if: true, nope: 1) }",
        "{ ...nope }",
        "{ ... on Nope { a } ... on String { a } ... on __Type { name } }",
        "fragment f on Nope { a } { ...f }",
        "query A { __typename } query A { __typename }",
        "{ __typename } query B { __typename }",
        "fragment f on Query { __typename } fragment f on Query { __typename } { ...f }",
        "query A @nope(a: {b: [$c]}) { __typename }",
        "type Query { a: Int }",
        "mutation { nope }",
        "\u{feff}{ nope }",
        "{ \u{0} }",
        "{ \u{1f3ca} }",
        "\"\"\"",
    ];
    let mut wrong = Vec::new();
    for document in documents {
        let answer = query(&server, document).await;
        if answer.status != StatusCode::BAD_REQUEST || !answer.code().starts_with("GRAPHQL_") {
            wrong.push(format!("{document}: {} {}", answer.status, answer.text));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn circular_introspection_is_refused() {
    let circle = "type { fields { ".repeat(4) + "name" + &" } }".repeat(4);
    refused(
        &format!("{{ __schema {{ types {{ fields {{ {circle} }} }} }} }}"),
        "circular",
    )
    .await;
}

#[tokio::test]
async fn the_introspection_of_graphiql_is_answered() {
    let of_type = "ofType { kind name ".repeat(9) + &"}".repeat(9);
    let document = format!(
        "query IntrospectionQuery {{ __schema {{ queryType {{ name kind }} mutationType {{ name kind }}
           subscriptionType {{ name kind }} types {{ ...FullType }}
           directives {{ name description locations args(includeDeprecated: true) {{ ...InputValue }} }} }} }}
         fragment FullType on __Type {{ kind name description
           fields(includeDeprecated: true) {{ name description args(includeDeprecated: true) {{ ...InputValue }}
             type {{ ...TypeRef }} isDeprecated deprecationReason }}
           inputFields(includeDeprecated: true) {{ ...InputValue }} interfaces {{ ...TypeRef }}
           enumValues(includeDeprecated: true) {{ name description isDeprecated deprecationReason }}
           possibleTypes {{ ...TypeRef }} }}
         fragment InputValue on __InputValue {{ name description type {{ ...TypeRef }} defaultValue isDeprecated
           deprecationReason }}
         fragment TypeRef on __Type {{ kind name {of_type} }}"
    );
    let answer = query(&start().await, &document).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.json()["data"]["__schema"]["queryType"]["name"], "Query");
}

#[tokio::test]
async fn graphiql_is_shown_to_browsers_only_when_asked_for() {
    for graphiql in [true, false] {
        let server = start_with(Start {
            graphiql: Some(graphiql),
            ..Start::default()
        })
        .await;
        let answer = send(
            "GET",
            server.client.endpoint(),
            &[("accept", "text/html,*/*;q=0.8")],
            "",
        )
        .await;
        assert_eq!(answer.header("content-type").starts_with("text/html"), graphiql);
        assert_eq!(answer.status == StatusCode::OK, graphiql);
    }
}

#[tokio::test]
async fn each_answer_has_a_request_id_and_health_needs_no_key() {
    let server = start().await;
    let answer = request(
        &server,
        "POST",
        &[("content-type", JSON), ("x-request-id", "my-id")],
        "{}",
    )
    .await;
    assert_eq!(answer.header("x-request-id"), "my-id");
    for path in ["healthz", "readyz"] {
        let answer = send("GET", &server.client.endpoint().replace("graphql", path), &[], "").await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, "ok\n"));
        assert!(!answer.header("x-request-id").is_empty());
    }
}
