//! Statistics through the API.

use entity::Timestamp;
use harness::{Answer, Start, TestApp, TestReceiver};
use labelhook_core::Clock;
use serde_json::{Value, json};

use crate::desk::Desk;

const STATS: &str = "query($where: NotificationWhereInput, $bucket: StatsBucket) {notificationStats(where: $where, bucket: $bucket)
    {total succeeded failed canceled pending successRate p50Ms p95Ms p99Ms series {at total succeeded failed pending p99Ms}}}";

#[tokio::test]
async fn statistics_show_how_deliveries_went() {
    let start = Start {
        clock: Clock::mock(Timestamp(1_800_000_000_000_000)),
        paused: true,
        ..Start::default()
    };
    let app = TestApp::with(start).await;
    let receiver = TestReceiver::start().await;
    let desk = Desk::set(&app.client).await;
    let webhook = desk.listener(&receiver, json!({})).await;
    receiver.then([Answer::status(200), Answer::status(410)]);
    let ask = async |variables: Value| app.query(STATS, variables).await["notificationStats"].take();
    let none = ask(json!({})).await;
    assert_eq!(
        (&none["total"], &none["successRate"], &none["p50Ms"]),
        (&json!(0), &Value::Null, &Value::Null)
    );
    assert_eq!(none["series"].as_array().map(Vec::len), Some(24));
    desk.submit("{}").await;
    app.deliver().await;
    desk.submit("{}").await;
    app.deliver().await;
    let shown = ask(json!({"where": {"webhookIds": [webhook], "topics": ["LABEL_CREATED"]}, "bucket": "DAY"})).await;
    assert_eq!(
        (
            &shown["total"],
            &shown["succeeded"],
            &shown["failed"],
            &shown["pending"],
            &shown["successRate"]
        ),
        (&json!(2), &json!(1), &json!(1), &json!(0), &json!(0.5))
    );
    assert!(shown["p99Ms"].is_f64());
    let series = shown["series"].as_array().expect("a list");
    let last = series.last().expect("a day");
    assert_eq!(
        (series.len(), &last["at"], &last["total"]),
        (31, &json!("2027-01-15T00:00:00.000000Z"), &json!(2))
    );
    let own = "query($id: ID!) {webhook(where: {id: $id}) {stats(since: \"2027-01-15T07:30:00Z\", bucket: HOUR)
        {total series {at total}}}}";
    let own = app.query(own, json!({ "id": webhook })).await;
    assert_eq!(
        own["webhook"]["stats"],
        json!({"total": 2, "series": [
            {"at": "2027-01-15T07:00:00.000000Z", "total": 0}, {"at": "2027-01-15T08:00:00.000000Z", "total": 2}]})
    );
    for (variables, field) in [
        (json!({"where": {"externalId": "x"}}), "where.externalId"),
        (
            json!({"where": {"createdAt_gte": "1970-01-01T00:00:00Z"}, "bucket": "HOUR"}),
            "bucket",
        ),
    ] {
        let error = app.client.expect_error(STATS, variables, "BAD_USER_INPUT").await;
        assert_eq!(error["extensions"]["field"], field);
    }
}
