//! Index scans of the log: the indexes that cover a part of a filter, each in the order of ids. Pure.

use super::filter::Filter;
use entity::{NotificationStatus, WebhookTopic, notification};
use sea_orm::{ColumnTrait, Condition, sea_query::Expr};

/// The maximum number of ranges of one index scan; a filter with more values is compared row by row.
const MAX_RANGES: usize = 32;
/// The maximum number of index scans that are tried.
const MAX_SCANS: usize = 3;

/// The conditions of the partial indexes, in the exact words of the migration that created them.
const UNUSUAL_STATUS: &str = "status NOT IN (1, 3)";
const UNUSUAL_CODE: &str = "response_code <> 200";
const UNUSUAL_TOPIC: &str = "topic NOT IN (0, 1, 6)";

/// An index scan: some ranges of an index, and the remaining conditions on each row.
#[derive(Debug)]
pub(crate) struct IndexScan {
    pub ranges: Vec<KeyRange>,
    /// The filter without the conditions that the ranges cover.
    pub rest: Filter,
}

/// A contiguous range of an index, in the order of ids.
#[derive(Debug)]
pub(crate) struct KeyRange {
    /// The index; none where only ids are looked up.
    pub index: Option<&'static str>,
    pub rows: Condition,
}

impl KeyRange {
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
pub(crate) fn index_scans(filter: &Filter) -> Vec<IndexScan> {
    if let Some(ids) = &filter.ids {
        let rows = Condition::all().add(notification::Column::Id.is_in(ids.iter().copied()));
        let rest = Filter {
            ids: None,
            ..filter.clone()
        };
        return vec![IndexScan {
            ranges: vec![KeyRange { index: None, rows }],
            rest,
        }];
    }
    let mut index_scans: Vec<IndexScan> = selective(filter).into_iter().flatten().collect();
    if index_scans.is_empty() {
        index_scans = broad(filter).into_iter().flatten().collect();
    }
    index_scans.truncate(MAX_SCANS);
    if index_scans.is_empty() {
        index_scans.push(IndexScan {
            ranges: vec![KeyRange {
                index: Some("notification_organization"),
                rows: Condition::all(),
            }],
            rest: filter.clone(),
        });
    }
    index_scans
}

/// Builds the condition of a filter in the words of the partial indexes, for statements that count its matches.
pub(crate) fn condition(filter: &Filter) -> Condition {
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
fn selective(filter: &Filter) -> [Option<IndexScan>; 3] {
    use notification::Column as Is;
    [
        index_scan(
            &filter.event_ids,
            filter,
            |rest| rest.event_ids = None,
            |id| KeyRange::of("notification_event", Is::EventId.eq(id)),
        ),
        index_scan(
            &filter.task_ids,
            filter,
            |rest| rest.task_ids = None,
            |id| KeyRange::of("notification_task", Is::TaskId.eq(id)),
        ),
        index_scan(
            &filter.external_id.clone().map(|id| vec![id]),
            filter,
            |rest| rest.external_id = None,
            |id| KeyRange::of("notification_external_id", Is::ExternalId.eq(id)),
        ),
    ]
}

fn broad(filter: &Filter) -> [Option<IndexScan>; 6] {
    use notification::Column as Is;
    [
        by_status(filter),
        index_scan(
            &filter.response_codes.clone().filter(|codes| !codes.contains(&200)),
            filter,
            |rest| rest.response_codes = None,
            |code| {
                let rows = Condition::all().add(Is::ResponseCode.eq(code));
                KeyRange::partly("notification_response_code", UNUSUAL_CODE, rows)
            },
        ),
        index_scan(
            &filter
                .topics
                .clone()
                .filter(|topics| !topics.iter().any(|topic| is_usual(*topic))),
            filter,
            |rest| rest.topics = None,
            |topic| {
                let rows = Condition::all().add(Is::Topic.eq(topic));
                KeyRange::partly("notification_topic", UNUSUAL_TOPIC, rows)
            },
        ),
        index_scan(
            &filter.webhook_ids,
            filter,
            |rest| rest.webhook_ids = None,
            |id| KeyRange::of("notification_webhook", Is::WebhookId.eq(id)),
        ),
        index_scan(
            &filter.stage_ids,
            filter,
            |rest| rest.stage_ids = None,
            |id| KeyRange::of("notification_stage", Is::StageId.eq(id)),
        ),
        index_scan(
            &filter.project_ids,
            filter,
            |rest| rest.project_ids = None,
            |id| KeyRange::of("notification_project", Is::ProjectId.eq(id)),
        ),
    ]
}

/// Builds a scan with one range for each value, unless there are none or too many.
fn index_scan<T: Clone + PartialEq>(
    values: &Option<Vec<T>>,
    filter: &Filter,
    leave_out: impl FnOnce(&mut Filter),
    range: impl Fn(T) -> KeyRange,
) -> Option<IndexScan> {
    let values = distinct(values.as_ref()?);
    if values.len() > MAX_RANGES {
        return None;
    }
    let mut rest = filter.clone();
    leave_out(&mut rest);
    Some(IndexScan {
        ranges: values.into_iter().map(range).collect(),
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
fn by_status(filter: &Filter) -> Option<IndexScan> {
    use notification::Column as Is;
    let statuses = distinct(filter.statuses.as_ref()?);
    if statuses.contains(&NotificationStatus::Succeeded) {
        return None;
    }
    let webhook_ids = filter.webhook_ids.as_ref().map(|ids| distinct(ids));
    let webhook_ids = webhook_ids.filter(|ids| ids.len() * statuses.len() <= MAX_RANGES);
    let mut rest = Filter {
        statuses: None,
        ..filter.clone()
    };
    let mut ranges = Vec::new();
    for status in statuses {
        let rows = Condition::all().add(Is::Status.eq(status));
        match &webhook_ids {
            _ if status == NotificationStatus::Sending => {
                let of_webhooks = filter.webhook_ids.clone().map(|ids| Is::WebhookId.is_in(ids));
                let rows = rows.add_option(of_webhooks).add(Is::NodeId.is_not_null());
                ranges.push(KeyRange {
                    index: Some("notification_held"),
                    rows,
                });
            }
            Some(ids) => ranges.extend(ids.iter().map(|id| {
                let rows = rows.clone().add(Is::WebhookId.eq(*id));
                KeyRange::partly("notification_webhook_status", UNUSUAL_STATUS, rows)
            })),
            None => ranges.push(KeyRange::partly("notification_status", UNUSUAL_STATUS, rows)),
        }
    }
    if webhook_ids.is_some() {
        rest.webhook_ids = None;
    }
    Some(IndexScan { ranges, rest })
}

/// Returns whether the topic may be that of most rows of a log. Partial indexes exclude these topics.
fn is_usual(topic: WebhookTopic) -> bool {
    matches!(
        topic,
        WebhookTopic::LabelCreated | WebhookTopic::LabelUpdated | WebhookTopic::WorkflowAction
    )
}
