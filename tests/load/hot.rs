//! Runs the hot path repeatedly in a process of its own, on one thread and with a clock that stands still, so that its
//! number of instructions is its cost. `instructions.rs` counts them.

use crate::{LABEL_BYTES, receiver, wire};
use anyhow::{Context, ensure};
use axum::body::Body;
use bytes::Bytes;
use entity::{
    EventId, NotificationId, OrganizationId, PayloadContent, PayloadFormat, Timestamp, WebhookId, WebhookTopic, event,
};
use futures_util::future::try_join_all;
use harness::{KEY, Start, TestApp};
use http::{Request, StatusCode, header};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use labelhook_api::{
    config::Settings,
    gateway::{routes, state},
    graphql,
};
use labelhook_core::{
    Clock,
    delivery::signer::{Delivery, Scheme, Secret, Signer},
    dispatcher,
    event::{Data, sample},
    payload::{self, Shape},
};
use serde_json::json;
use std::sync::Arc;

/// The names of the operations whose instructions are counted.
pub const OPERATIONS: [&str; 3] = ["render and sign", "accept", "deliver"];
/// The number of labels in a group.
pub const GROUP: usize = 32;
/// An arbitrary time.
const NOW: Timestamp = Timestamp(1_790_000_000_000_000);

/// Runs this many groups of an operation.
pub fn run(operation: &str, groups: usize) -> anyhow::Result<()> {
    match operation {
        "render and sign" => render_and_sign(groups * GROUP),
        "accept" => on_one_thread(Box::pin(submit(groups, false))),
        "deliver" => on_one_thread(Box::pin(submit(groups, true))),
        _ => anyhow::bail!("there is no operation {operation}"),
    }
}

fn on_one_thread(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

/// Renders an event in the default dialect and builds the headers of its delivery with a secret, this many times.
fn render_and_sign(times: usize) -> anyhow::Result<()> {
    let mut data = sample(WebhookTopic::LabelCreated, WebhookId::new(), NOW).context("there is a sample")?;
    if let Data::Label(change) = &mut data {
        change.label.label = wire::label(LABEL_BYTES).as_str().into();
    }
    let about = data.about().context("it is about a data row")?;
    let event = event::Model {
        id: EventId::new(),
        organization_id: OrganizationId::new(),
        sequence: 1,
        topic: WebhookTopic::LabelCreated,
        project_id: Some(about.project_id),
        data_row_id: Some(about.data_row.id),
        external_id: about.data_row.external_id.clone(),
        data: serde_json::to_string(&data)?,
        test: false,
        created_at: NOW,
    };
    let shape = Shape::plain(PayloadFormat::Labelbox, PayloadContent::Full);
    let secret = Secret {
        text: "bench".to_owned(),
        expires_at: None,
    };
    let signer = Signer::new(Scheme {
        format: PayloadFormat::Labelbox,
        authorization: None,
        secrets: vec![secret],
        custom: http::HeaderMap::new(),
    });
    let notification_id = NotificationId::new();
    for _ in 0..times {
        let body = payload::render(&shape, &event, &data)?;
        let headers = signer.headers(&Delivery {
            event_id: event.id,
            notification_id,
            topic: event.topic,
            at: NOW,
            body: &body,
        });
        ensure!(headers.len() > 4, "too few headers");
    }
    Ok(())
}

/// Starts a service whose dispatcher runs only on request.
async fn service() -> TestApp {
    TestApp::with(Start {
        clock: Clock::mock(NOW),
        paused: true,
        ..Start::default()
    })
    .await
}

/// Submits labels over GraphQL, a group at a time: the request, its cached document, its key, the verb, and the group's
/// commit. With a webhook, each is also delivered to a receiver in another process, and its outcome is recorded.
async fn submit(groups: usize, with_webhook: bool) -> anyhow::Result<()> {
    let app = service().await;
    let receiver = receiver::Process::start().await?;
    let body = Bytes::from(request(&app, with_webhook.then(|| receiver.url())).await?);
    let schemas = graphql::build(&app.app);
    let config = state::Config {
        graphiql: false,
        rate_limit: 0,
        ..Settings::default().server()
    };
    let router = routes::router(state::Server::new(Arc::clone(&app.app), schemas, &config));
    let service = TowerToHyperService::new(router);
    for _ in 0..groups {
        let calls = (0..GROUP).map(|_| call(&service, body.clone()));
        try_join_all(calls).await?;
        if with_webhook {
            dispatcher::run_until_idle(&app.app).await?;
        }
    }
    let expected = if with_webhook { groups * GROUP } else { 0 };
    ensure!(receiver.count().await? == expected, "not what was expected arrived");
    Ok(())
}

async fn call(service: &TowerToHyperService<axum::Router>, body: Bytes) -> anyhow::Result<()> {
    let request = Request::post("/graphql")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {KEY}"))
        .body(Body::from(body))?;
    let answer = service.call(request).await?;
    ensure!(answer.status() == StatusCode::OK, "refused: {}", answer.status());
    let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await?;
    ensure!(wire::place(&bytes, b"\"errors\"").is_none(), "refused: {bytes:?}");
    Ok(())
}

/// Creates what a label needs, and returns the body of a request that submits one.
async fn request(app: &TestApp, webhook: Option<String>) -> anyhow::Result<Vec<u8>> {
    let made = "mutation {createProject(data: {name: \"bench\"}) {id} createDataset(data: {name: \"bench\"}) {id}}";
    let made = app.query(made, json!({})).await;
    let project = crate::server::text(&made["createProject"]["id"])?;
    let dataset = crate::server::text(&made["createDataset"]["id"])?;
    let row = "mutation($dataset: ID!) {createDataRow(data: {rowData: \"https://example.com/1.jpg\", \
        externalId: \"1.jpg\", dataset: {connect: {id: $dataset}}}) {id}}";
    let row = app.query(row, json!({ "dataset": dataset })).await;
    let row = crate::server::text(&row["createDataRow"]["id"])?;
    if let Some(url) = webhook {
        let register = "mutation($url: String!) {createWebhook(data: {url: $url, secret: \"bench\", \
            topics: {set: [LABEL_CREATED]}, maxInFlight: 64}) {id}}";
        app.query(register, json!({ "url": url })).await;
    }
    let whole = crate::driver::request("http://bench/graphql", KEY, &row, &project, LABEL_BYTES);
    let message = wire::Message::read(&whole)?.context("a whole request")?;
    Ok(whole[message.body..].to_vec())
}
