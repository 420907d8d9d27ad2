//! Index scans of the log: the indexes that cover a part of a filter, each in the order of ids. Pure.

use super::filter::Filter;
use entity::{NotificationStatus, WebhookTopic, notification};
use sea_orm::{ColumnTrait, Condition, sea_query::Expr};

/// The maximum number of ranges of one index scan; a filter with more values is compared row by row.
const STRETCHES: usize = 32;
/// The maximum number of index scans that are tried.
const WAYS: usize = 3;

/// The conditions of the partial indexes, in the exact words of the migration that created them.
const UNUSUAL_STATUS: &str = "status NOT IN (1, 3)";
const UNUSUAL_CODE: &str = "response_code <> 200";
const UNUSUAL_TOPIC: &str = "topic NOT IN (0, 1, 6)";

/// An index scan: some ranges of an index, and the remaining conditions on each row.
#[derive(Debug)]
pub(crate) struct Way {
    pub stretches: Vec<Stretch>,
    /// The filter without the conditions that the ranges cover.
    pub rest: Filter,
}

/// A contiguous range of an index, in the order of ids.
#[derive(Debug)]
pub(crate) struct Stretch {
    /// The index; none where only ids are looked up.
    pub index: Option<&'static str>,
    pub rows: Condition,
}

impl Stretch {
    fn of(index: &'static str, rows: Expr) -> Self {
        Self {
            index: Some(index),
            rows: Condition::all().add(rows),
        }
    }

    /// A range of a partial index, which the planner uses only where a statement repeats the index's condition in the
    /// same words.
    fn partly(index: &'static str, only: &'static str, rows: Condition) -> Self {
        Self {
            index: Some(index),
            rows: rows.add(Expr::cust(only)),
        }
    }
}

/// Returns the index scans of a filter, the most selective ones first.
pub(crate) fn ways(filter: &Filter) -> Vec<Way> {
    if let Some(ids) = &filter.ids {
        let rows = Condition::all().add(notification::Column::Id.is_in(ids.iter().copied()));
        let rest = Filter {
            ids: None,
            ..filter.clone()
        };
        return vec![Way {
            stretches: vec![Stretch { index: None, rows }],
            rest,
        }];
    }
    let mut ways: Vec<Way> = narrow(filter).into_iter().flatten().collect();
    if ways.is_empty() {
        ways = wide(filter).into_iter().flatten().collect();
    }
    ways.truncate(WAYS);
    if ways.is_empty() {
        ways.push(Way {
            stretches: vec![Stretch {
                index: Some("notification_organization"),
                rows: Condition::all(),
            }],
            rest: filter.clone(),
        });
    }
    ways
}

/// Builds the conditions of a filter in the words of the partial indexes, for statements that count its matches.
pub(crate) fn told(filter: &Filter) -> Condition {
    let usual = |statuses: &Vec<NotificationStatus>| {
        let usual = [NotificationStatus::Sending, NotificationStatus::Succeeded];
        statuses.iter().any(|status| usual.contains(status))
    };
    let statuses = filter.statuses.as_ref().filter(|statuses| !usual(statuses));
    let codes = filter.response_codes.as_ref().filter(|codes| !codes.contains(&200));
    let topics = filter.topics.as_ref();
    let topics = topics.filter(|topics| !topics.iter().any(|topic| is_usual(*topic)));
    Condition::all()
        .add_option(statuses.map(|_| Expr::cust(UNUSUAL_STATUS)))
        .add_option(codes.map(|_| Expr::cust(UNUSUAL_CODE)))
        .add_option(topics.map(|_| Expr::cust(UNUSUAL_TOPIC)))
}

/// Returns the selective index scans, which cover few rows in a log of any length.
fn narrow(filter: &Filter) -> [Option<Way>; 3] {
    use notification::Column as Is;
    [
        way(
            &filter.event_ids,
            filter,
            |rest| rest.event_ids = None,
            |id| Stretch::of("notification_event", Is::EventId.eq(id)),
        ),
        way(
            &filter.task_ids,
            filter,
            |rest| rest.task_ids = None,
            |id| Stretch::of("notification_task", Is::TaskId.eq(id)),
        ),
        way(
            &filter.external_id.clone().map(|id| vec![id]),
            filter,
            |rest| rest.external_id = None,
            |id| Stretch::of("notification_external_id", Is::ExternalId.eq(id)),
        ),
    ]
}

fn wide(filter: &Filter) -> [Option<Way>; 6] {
    use notification::Column as Is;
    [
        by_status(filter),
        way(
            &filter.response_codes.clone().filter(|codes| !codes.contains(&200)),
            filter,
            |rest| rest.response_codes = None,
            |code| {
                let rows = Condition::all().add(Is::ResponseCode.eq(code));
                Stretch::partly("notification_response_code", UNUSUAL_CODE, rows)
            },
        ),
        way(
            &filter
                .topics
                .clone()
                .filter(|topics| !topics.iter().any(|topic| is_usual(*topic))),
            filter,
            |rest| rest.topics = None,
            |topic| {
                let rows = Condition::all().add(Is::Topic.eq(topic));
                Stretch::partly("notification_topic", UNUSUAL_TOPIC, rows)
            },
        ),
        way(
            &filter.webhook_ids,
            filter,
            |rest| rest.webhook_ids = None,
            |id| Stretch::of("notification_webhook", Is::WebhookId.eq(id)),
        ),
        way(
            &filter.stage_ids,
            filter,
            |rest| rest.stage_ids = None,
            |id| Stretch::of("notification_stage", Is::StageId.eq(id)),
        ),
        way(
            &filter.project_ids,
            filter,
            |rest| rest.project_ids = None,
            |id| Stretch::of("notification_project", Is::ProjectId.eq(id)),
        ),
    ]
}

/// Builds a scan with one range for each value, unless there are none or too many.
fn way<T: Clone + PartialEq>(
    values: &Option<Vec<T>>,
    filter: &Filter,
    leave_out: impl FnOnce(&mut Filter),
    stretch: impl Fn(T) -> Stretch,
) -> Option<Way> {
    let values = distinct(values.as_ref()?);
    if values.len() > STRETCHES {
        return None;
    }
    let mut rest = filter.clone();
    leave_out(&mut rest);
    Some(Way {
        stretches: values.into_iter().map(stretch).collect(),
        rest,
    })
}

fn distinct<T: Clone + PartialEq>(values: &[T]) -> Vec<T> {
    let mut distinct: Vec<T> = Vec::with_capacity(values.len());
    for value in values {
        if !distinct.contains(value) {
            distinct.push(value.clone());
        }
    }
    distinct
}

/// Builds a scan of notifications that did not succeed, of a few webhooks or of all. SENDING ones are found by their
/// node.
fn by_status(filter: &Filter) -> Option<Way> {
    use notification::Column as Is;
    let statuses = distinct(filter.statuses.as_ref()?);
    if statuses.contains(&NotificationStatus::Succeeded) {
        return None;
    }
    let webhook_ids = filter.webhook_ids.as_ref().map(|ids| distinct(ids));
    let webhook_ids = webhook_ids.filter(|ids| ids.len() * statuses.len() <= STRETCHES);
    let mut rest = Filter {
        statuses: None,
        ..filter.clone()
    };
    let mut stretches = Vec::new();
    for status in statuses {
        let rows = Condition::all().add(Is::Status.eq(status));
        match &webhook_ids {
            _ if status == NotificationStatus::Sending => {
                let of_webhooks = filter.webhook_ids.clone().map(|ids| Is::WebhookId.is_in(ids));
                let rows = rows.add_option(of_webhooks).add(Is::NodeId.is_not_null());
                stretches.push(Stretch {
                    index: Some("notification_held"),
                    rows,
                });
            }
            Some(ids) => stretches.extend(ids.iter().map(|id| {
                let rows = rows.clone().add(Is::WebhookId.eq(*id));
                Stretch::partly("notification_webhook_status", UNUSUAL_STATUS, rows)
            })),
            None => stretches.push(Stretch::partly("notification_status", UNUSUAL_STATUS, rows)),
        }
    }
    if webhook_ids.is_some() {
        rest.webhook_ids = None;
    }
    Some(Way { stretches, rest })
}

/// Returns whether the topic may be that of most rows of a log. Partial indexes exclude these topics.
fn is_usual(topic: WebhookTopic) -> bool {
    matches!(
        topic,
        WebhookTopic::LabelCreated | WebhookTopic::LabelUpdated | WebhookTopic::WorkflowAction
    )
}
