//! Tests of PostgreSQL's plans for the statements that run all the time, on tables with several thousand rows: each
//! uses its index. The tests beside the statements check the plans of SQLite.

use crate::support::{Receiver, World};
use entity::{NotificationStatus, Ordering, WebhookTopic, event as events, notification as notifications};
use labelhook_core::{
    event,
    live::{self, Position},
    notification::{self, Filter},
    page::{End, PageRequest},
    queue::lanes::Window,
};
use sea_orm::{ColumnTrait, ConnectionTrait, Database, EntityTrait, QueryFilter, QueryOrder};

/// Statements that copy the only event and the only notification 4,000 times, for twenty webhooks, twenty projects and
/// four organizations.
const EVENTS: &str = "INSERT INTO event SELECT (jsonb_populate_record(e, jsonb_build_object('id', md5('e' || i)::uuid, \
     'organization_id', CASE i % 4 WHEN 0 THEN organization_id ELSE md5('o' || i % 4)::uuid END, \
     'project_id', md5('p' || i % 20)::uuid, 'sequence', sequence - i))).* FROM event e, generate_series(1, 4000) i";
const NOTIFICATIONS: &str = "INSERT INTO notification SELECT (jsonb_populate_record(n, jsonb_build_object( \
     'id', md5('n' || i)::uuid, 'event_id', md5('e' || i)::uuid, 'webhook_id', md5('w' || i % 20)::uuid, \
     'organization_id', CASE i % 4 WHEN 0 THEN organization_id ELSE md5('o' || i % 4)::uuid END, \
     'project_id', md5('p' || i % 20)::uuid, 'stage_id', md5('s' || i % 50)::uuid, 'task_id', md5('t' || i % 900)::uuid, \
     'external_id', 'x' || i % 900, 'sequence', sequence - i, \
     'status', CASE i % 90 WHEN 0 THEN 4 ELSE status END, 'topic', CASE i % 700 WHEN 0 THEN 7 ELSE topic END, \
     'response_code', CASE i % 90 WHEN 0 THEN 404 ELSE 200 END, \
     'due_at', CASE i % 10 WHEN 0 THEN created_at + 100000000000 END))).* FROM notification n, generate_series(1, 4000) i";

/// Returns a world with a long log, whose server logs the plan of each statement.
async fn told(receiver: &Receiver) -> World {
    let world = World::with(Window { total: 4, lane: 4 }).await;
    let ordered = |new: &mut labelhook_core::webhook::New| new.settings.ordering = Some(Ordering::Strict);
    world.webhook_with(&receiver.url(), ordered).await;
    world.publish(&world.annotated().await).await;
    world.deliver().await;
    let db = Database::connect(world.config().database_url).await.unwrap();
    for statement in [EVENTS, NOTIFICATIONS, "ANALYZE"] {
        db.execute_unprepared(statement).await.unwrap();
    }
    db.close().await.unwrap();
    world.explain().await;
    world.restart().await
}

/// Returns the columns of an index, as they appear in the names of its partitions.
fn columns(index: &str) -> &'static str {
    match index {
        "event_sequence" | "notification_sequence" => "organization_id_sequence",
        "notification_due" => "webhook_id_due_at",
        "notification_event" => "event_id_id",
        "notification_external_id" => "organization_id_external_id_id",
        "notification_held" => "node_id",
        "notification_order" => "webhook_id_order_key_id",
        "notification_organization" => "organization_id_id",
        "notification_project" => "project_id_id",
        "notification_response_code" => "organization_id_response_code_id",
        "notification_stage" => "stage_id_id",
        "notification_status" => "organization_id_status_id",
        "notification_topic" => "organization_id_topic_id",
        "notification_webhook_status" => "webhook_id_status_id",
        "notification_task" => "task_id_id",
        "notification_webhook" => "webhook_id_id",
        other => panic!("{other} is not known here"),
    }
}

/// Asserts that a statement that contains this text was run, and that its plan uses the index.
#[track_caller]
fn served(plans: &[String], text: &str, index: &str) {
    let plan = plans.iter().find(|plan| plan.contains(text));
    let plan = plan.unwrap_or_else(|| panic!("nothing was asked with {text}: {plans:#?}"));
    let (table, _) = index.split_once('_').expect("an index is named for its table");
    // The server names a partition's index after the week's table and the columns.
    let ending = format!("_{}_idx", columns(index));
    let uses = |line: &str| {
        let name = line.split_once("using ").or_else(|| line.split_once(" on "));
        let name = name.map_or("", |(_, rest)| rest.split_whitespace().next().unwrap_or_default());
        line.contains("Index") && name.starts_with(table) && name.ends_with(&ending)
    };
    assert!(plan.lines().any(uses), "{index}: {plan}");
    // The ids of the copies contain no time, so all copies are in the default partition. Scanning the other partitions,
    // which are empty, is right.
    for table in ["notification_default", "event_default", "payload_default"] {
        assert!(!plan.contains(&format!("Seq Scan on {table}")), "{plan}");
    }
}

#[tokio::test]
async fn claims_and_queues_are_served_by_small_indexes() {
    if !servers::explains() {
        return;
    }
    let receiver = Receiver::ok().await;
    let world = told(&receiver).await;
    let label = world.annotated().await;
    for _ in 0..6 {
        world.publish(&label).await;
    }
    world.deliver().await;
    assert_eq!(receiver.count(), 7);
    let plans = world.plans();
    served(&plans, "FOR UPDATE SKIP LOCKED", "notification_due");
    served(&plans, "WITH RECURSIVE lane", "notification_due");
    served(&plans, "(SELECT min(d.due_at) FROM notification d", "notification_due");
    served(&plans, "WITH asked", "notification_order");
    served(&plans, "AS head0", "notification_order");
    served(&plans, "AND node_id <>", "notification_held");
}

#[tokio::test]
async fn each_way_into_the_log_has_its_index_on_a_server_too() {
    if !servers::explains() {
        return;
    }
    let world = told(&Receiver::ok().await).await;
    let row = notifications::Entity::find()
        .filter(notifications::Column::ExternalId.eq("x8"))
        .one(world.app.db.read())
        .await
        .unwrap()
        .unwrap();
    let none = Filter::default;
    let cases: [(Filter, &str); 11] = [
        (none(), "notification_organization"),
        (
            Filter {
                webhook_ids: Some(vec![row.webhook_id]),
                ..none()
            },
            "notification_webhook",
        ),
        (
            Filter {
                project_ids: row.project_id.map(|id| vec![id]),
                ..none()
            },
            "notification_project",
        ),
        (
            Filter {
                event_ids: Some(vec![row.event_id]),
                ..none()
            },
            "notification_event",
        ),
        (
            Filter {
                stage_ids: row.stage_id.map(|id| vec![id]),
                ..none()
            },
            "notification_stage",
        ),
        (
            Filter {
                task_ids: row.task_id.map(|id| vec![id]),
                ..none()
            },
            "notification_task",
        ),
        (
            Filter {
                external_id: row.external_id.clone(),
                ..none()
            },
            "notification_external_id",
        ),
        (
            Filter {
                statuses: Some(vec![NotificationStatus::Failed]),
                ..none()
            },
            "notification_status",
        ),
        (
            Filter {
                statuses: Some(vec![NotificationStatus::Failed]),
                webhook_ids: Some(vec![row.webhook_id]),
                ..none()
            },
            "notification_webhook_status",
        ),
        (
            Filter {
                response_codes: Some(vec![404]),
                ..none()
            },
            "notification_response_code",
        ),
        (
            Filter {
                topics: Some(vec![WebhookTopic::Ping]),
                ..none()
            },
            "notification_topic",
        ),
    ];
    for (filter, index) in cases {
        let before = world.plans().len();
        let span = PageRequest {
            count: 20,
            from: End::First,
            after: None,
            before: None,
        };
        notification::list(&world.app, &world.owner, &filter, span)
            .await
            .unwrap();
        served(&world.plans()[before..], "FROM \"notification\"", index);
    }
}

#[tokio::test]
async fn the_feed_is_read_in_the_order_of_its_index_on_a_server_too() {
    if !servers::explains() {
        return;
    }
    let world = told(&Receiver::ok().await).await;
    let query = events::Entity::find().filter(events::Column::OrganizationId.eq(world.organization_id));
    let first = query
        .order_by_asc(events::Column::Sequence)
        .one(world.app.db.read())
        .await
        .unwrap()
        .unwrap();
    let place = Position {
        sequence: first.sequence,
        id: first.id.0,
    };
    let mut feed = live::events(&world.app, &world.owner, event::Filter::default(), Some(place))
        .await
        .unwrap();
    feed.next().await.unwrap();
    served(&world.plans(), "octet_length", "event_sequence");
    let query = notifications::Entity::find().filter(notifications::Column::OrganizationId.eq(world.organization_id));
    let first = query
        .order_by_asc(notifications::Column::Sequence)
        .one(world.app.db.read())
        .await
        .unwrap()
        .unwrap();
    let place = Position {
        sequence: first.sequence,
        id: first.id.0,
    };
    let mut feed = live::notifications(&world.app, &world.owner, Filter::default(), Some(place))
        .await
        .unwrap();
    feed.next().await.unwrap();
    served(
        &world.plans(),
        "\"notification\".\"sequence\" >",
        "notification_sequence",
    );
}

#[tokio::test]
async fn outcomes_find_their_notifications_by_key_before_the_server_has_counted_anything() {
    if !servers::explains() {
        return;
    }
    let receiver = Receiver::ok().await;
    let world = World::new().await;
    world.explain().await;
    let world = world.restart().await;
    world.webhook(&receiver.url()).await;
    let label = world.annotated().await;
    for _ in 0..100 {
        world.publish(&label).await;
    }
    world.deliver().await;
    let plans = world.plans();
    let recorded: Vec<&String> = plans.iter().filter(|plan| plan.contains("WITH along")).collect();
    assert!(!recorded.is_empty());
    assert!(
        !plans
            .iter()
            .any(|plan| plan.contains("RETURNING notification.id, notification.status")),
        "what nobody came before is not read back"
    );
    for plan in recorded {
        assert!(
            plan.contains("_pkey on notification") && !plan.contains("Hash Join"),
            "{plan}"
        );
        assert!(!plan.contains("Seq Scan on notification"), "{plan}");
    }
}
