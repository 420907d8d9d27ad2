//! Tests of SQLite's plans of index scans, and of the ids that times imply.

use super::*;
use crate::{Clock, sql::plan};
use entity::{
    ApiKeyId, EventId, NotificationStatus, OrganizationId, ProjectId, Role, StageId, TaskId, UserId, WebhookId,
    WebhookTopic,
};

fn actor(projects: Option<Vec<ProjectId>>) -> Actor {
    Actor {
        organization_id: OrganizationId::new(),
        user_id: UserId::new(),
        role: Role::Owner,
        key_id: ApiKeyId::new(),
        projects,
    }
}

/// Returns SQLite's plan of the best index scan of a filter.
async fn planned(actor: &Actor, filter: &Filter, after: bool) -> Vec<String> {
    let log = Log {
        db: &DatabaseConnection::default(),
        actor,
        filter: seen(actor, filter),
        bounds: Bounds::default(),
        from: End::First,
    };
    let bounds = Bounds {
        below: after.then(NotificationId::new),
        ..Bounds::default()
    };
    let index_scans = index_scans(&log.filter);
    let rows = log.seen_on(&index_scans[0], bounds);
    plan(&statement(DbBackend::Sqlite, &index_scans[0], End::First, rows, (101, 0)).to_string()).await
}

async fn check(filter: Filter, index: &str) {
    for after in [false, true] {
        let plan = planned(&actor(None), &filter, after).await;
        assert_eq!(plan.len(), 1, "one search, already in order: {plan:?}");
        assert!(plan[0].starts_with("SEARCH notification USING INDEX"), "{plan:?}");
        assert!(plan[0].contains(&format!("{index} (")), "{plan:?}");
        assert_eq!(
            plan[0].contains("id<?"),
            after,
            "a page starts where the last one ended: {plan:?}"
        );
    }
}

#[tokio::test]
async fn each_way_into_the_log_has_its_index() {
    let none = Filter::default;
    check(none(), "notification_organization").await;
    let webhook_ids = Some(vec![WebhookId::new()]);
    let usual = Some(vec![WebhookTopic::LabelCreated]);
    let usual = Filter {
        topics: usual,
        ..none()
    };
    check(
        Filter {
            webhook_ids: webhook_ids.clone(),
            ..usual.clone()
        },
        "notification_webhook",
    )
    .await;
    check(usual, "notification_organization").await;
    let project_ids = Some(vec![ProjectId::new()]);
    check(Filter { project_ids, ..none() }, "notification_project").await;
    let event_ids = Some(vec![EventId::new()]);
    check(Filter { event_ids, ..none() }, "notification_event").await;
    let stage_ids = Some(vec![StageId::new()]);
    check(Filter { stage_ids, ..none() }, "notification_stage").await;
    let task_ids = Some(vec![TaskId::new()]);
    check(Filter { task_ids, ..none() }, "notification_task").await;
    let external_id = Some("x".to_owned());
    check(Filter { external_id, ..none() }, "notification_external_id").await;
    let topics = Some(vec![WebhookTopic::Ping]);
    check(Filter { topics, ..none() }, "notification_topic").await;
    let response_codes = Some(vec![404]);
    check(
        Filter {
            response_codes,
            ..none()
        },
        "notification_response_code",
    )
    .await;
    let failed = Filter {
        statuses: Some(vec![NotificationStatus::Failed]),
        ..none()
    };
    check(failed.clone(), "notification_status").await;
    check(Filter { webhook_ids, ..failed }, "notification_webhook_status").await;
}

#[tokio::test]
async fn several_values_are_merged_as_they_stand_and_nothing_but_the_held_is_sorted() {
    let several = [
        Filter {
            webhook_ids: Some(vec![WebhookId::new(), WebhookId::new()]),
            ..Filter::default()
        },
        Filter {
            project_ids: Some(vec![ProjectId::new(), ProjectId::new()]),
            ..Filter::default()
        },
        Filter {
            topics: Some(vec![WebhookTopic::Ping, WebhookTopic::LabelDeleted]),
            ..Filter::default()
        },
        Filter {
            response_codes: Some(vec![404, 500]),
            ..Filter::default()
        },
        Filter {
            statuses: Some(vec![NotificationStatus::Pending, NotificationStatus::Retrying]),
            webhook_ids: Some(vec![WebhookId::new(), WebhookId::new()]),
            ..Filter::default()
        },
    ];
    for filter in several {
        let plan = planned(&actor(None), &filter, true).await;
        assert!(plan.iter().any(|line| line.starts_with("MERGE")), "{plan:#?}");
        let sorts = |line: &String| line.contains("TEMP B-TREE") || line.contains("SCAN");
        assert!(!plan.iter().any(sorts), "{plan:#?}");
    }
    let statuses = Some(vec![NotificationStatus::Sending]);
    let plan = planned(
        &actor(None),
        &Filter {
            statuses,
            ..Filter::default()
        },
        false,
    )
    .await;
    assert!(plan[0].contains("notification_held (node_id>"), "{plan:#?}");
}

#[test]
fn times_bound_the_ids_unless_a_test_moves_the_clock() {
    // Not a new id, since other tests move the clock of new ids forward.
    let millis = u128::try_from(Clock::default().now().0 / 1_000).unwrap();
    let made = NotificationId(uuid::Uuid::from_u128(millis << 80));
    let filter = |from: i64, before: i64| Filter {
        created_from: Some(entity::Timestamp(Clock::default().now().0 + from)),
        created_before: Some(entity::Timestamp(Clock::default().now().0 + before)),
        ..Filter::default()
    };
    let holds = |filter: &Filter| {
        let bounds = Bounds::of(&Clock::default(), filter);
        bounds.from.is_some_and(|from| from <= made) && bounds.to.is_some_and(|to| to >= made)
    };
    let second = 1_000_000;
    assert!(holds(&filter(-second, second)) && holds(&filter(second, second)));
    assert!(!holds(&filter(3_600 * second, 3_700 * second)));
    assert!(!holds(&filter(-3_700 * second, -3_600 * second)));
    let moved = Clock::mock(entity::Timestamp(second));
    assert!(Bounds::of(&moved, &filter(0, 0)).from.is_none());
}

#[tokio::test]
async fn a_limited_key_pages_without_looking_through_the_whole_log() {
    let plan = planned(&actor(Some(vec![ProjectId::new()])), &Filter::default(), false).await;
    assert!(plan[0].contains("notification_project"), "{plan:?}");
    assert!(!plan.iter().any(|line| line.contains("TEMP B-TREE")), "{plan:?}");
}
