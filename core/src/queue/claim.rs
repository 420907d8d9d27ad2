//! Claims due notifications: retries, redeliveries and those that did not fit into the window. One statement claims for
//! many lanes, each within its claim budget.
//!
//! A claim is a lease that has no deadline: it belongs to a node and holds while that node is alive. The
//! [`recorder`](crate::dispatcher::recorder) releases it.

use super::{job::Job, lanes::ClaimBudget, outbox::MAX_BODY_IN_MEMORY};
use crate::{
    Result,
    delivery::limit::Limit,
    sql::{bulk::batches, statement::raw},
};
use entity::{
    EventId, NodeId, NotificationId, NotificationStatus, OrganizationId, PayloadId, ProjectId, TaskId, Timestamp,
    WebhookId, WebhookStatus, WebhookTopic, notification,
};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QueryFilter, QuerySelect, Value};
use std::collections::HashMap;
use uuid::Uuid;

/// The columns of a claimed row that a job needs.
#[derive(Debug, FromQueryResult)]
struct Claimed {
    id: NotificationId,
    organization_id: OrganizationId,
    webhook_id: WebhookId,
    event_id: EventId,
    payload_id: PayloadId,
    project_id: Option<ProjectId>,
    task_id: Option<TaskId>,
    topic: WebhookTopic,
    attempt_count: i32,
    throttled_count: i32,
    order_key: Option<Uuid>,
    created_at: Timestamp,
}

/// The limits of a lane, and when it next has something to claim.
#[derive(FromQueryResult)]
struct Lane {
    webhook_id: WebhookId,
    max_in_flight: i32,
    rate_requests: Option<i32>,
    rate_per_ms: Option<i32>,
    due_at: Option<Timestamp>,
}

impl Lane {
    fn limit(&self) -> Limit {
        Limit::new(self.max_in_flight, self.rate_requests, self.rate_per_ms)
    }
}

/// The result of a claim: jobs for the lanes, and the moment from which each lane has more.
#[derive(Debug, Default)]
pub(crate) struct Claim {
    pub jobs: Vec<Job>,
    pub more: Vec<(WebhookId, Timestamp)>,
}

/// The SQL condition that this node (?1) may send to webhook `w`: a webhook with a listener is sent to by the node to
/// which the listener is connected.
const HERE: &str = "(NOT w.listener OR w.listener_node = ?1)";

/// Claims what is due for these lanes, oldest first, for this node. Webhooks that are not active, and those whose
/// listener is connected elsewhere, keep what they have.
pub(crate) async fn claim(
    db: &impl ConnectionTrait,
    node: NodeId,
    now: Timestamp,
    budgets: &[ClaimBudget],
) -> Result<Claim> {
    let mut claim = Claim::default();
    for budgets in batches(budgets) {
        let mut claimed = take(db, node, now, budgets).await?;
        claimed.sort_by_key(|row| row.id);
        let bodies = bodies(db, claimed.iter().map(|row| row.payload_id)).await?;
        let lanes = lanes(db, node, budgets).await?;
        let limits = lanes.iter().map(|lane| (lane.webhook_id, lane.limit())).collect();
        claim
            .jobs
            .extend(claimed.into_iter().map(|row| row.into_job(node, &bodies, &limits)));
        let more = lanes.iter().filter_map(|lane| Some((lane.webhook_id, lane.due_at?)));
        claim.more.extend(more);
    }
    Ok(claim)
}

/// Claims for many lanes by one statement.
async fn take(
    db: &impl ConnectionTrait,
    node: NodeId,
    now: Timestamp,
    budgets: &[ClaimBudget],
) -> Result<Vec<Claimed>> {
    let mut binds: Vec<Value> = vec![
        node.into(),
        NotificationStatus::Sending.into(),
        now.into(),
        WebhookStatus::Active.into(),
    ];
    for room in budgets {
        binds.push(room.webhook_id.into());
        binds.push(i64::try_from(room.count).unwrap_or(i64::MAX).into());
    }
    let sql = match db.get_database_backend() {
        DbBackend::Postgres => take_by_row_sql(budgets.len()),
        _ => take_sql(budgets.len()),
    };
    let statement = raw(db, &sql, binds);
    Ok(Claimed::find_by_statement(statement).all(db).await?)
}

/// Builds the claim for SQLite: one subquery a lane, since SQLite takes no column as a `LIMIT`. Binds: node, SENDING,
/// now, ACTIVE, then webhook and claim budget of each lane.
fn take_sql(budgets: usize) -> String {
    let lane = |index: usize| {
        let (webhook, places) = (5 + 2 * index, 6 + 2 * index);
        format!(
            "SELECT id FROM (SELECT d.id FROM notification d WHERE d.webhook_id = ?{webhook} \
                 AND d.due_at IS NOT NULL AND d.due_at <= ?3 \
                 AND (SELECT w.status = ?4 AND {HERE} FROM webhook w WHERE w.id = ?{webhook}) \
                 ORDER BY d.due_at LIMIT ?{places}) AS lane{index}"
        )
    };
    let lanes: Vec<String> = (0..budgets).map(lane).collect();
    format!("WITH due AS ({}) {TAKE}", lanes.join(" UNION ALL "))
}

/// Builds the claim for PostgreSQL, where a column may be a `LIMIT`: one subquery a lane would be planned once a
/// partition. Rows that another transaction is claiming are skipped. Binds: the same.
fn take_by_row_sql(budgets: usize) -> String {
    let asked: Vec<String> = (0..budgets)
        .map(|index| format!("(?{}, ?{})", 5 + 2 * index, 6 + 2 * index))
        .collect();
    format!(
        "WITH asked(webhook_id, places) AS (VALUES {}), due AS (SELECT lane.id FROM asked \
             JOIN webhook w ON w.id = asked.webhook_id AND w.status = ?4 AND {HERE} \
             CROSS JOIN LATERAL (SELECT d.id FROM notification d WHERE d.webhook_id = asked.webhook_id \
                 AND d.due_at IS NOT NULL AND d.due_at <= ?3 \
                 ORDER BY d.due_at LIMIT asked.places FOR UPDATE SKIP LOCKED) AS lane) {TAKE}",
        asked.join(", ")
    )
}

const TAKE: &str = "UPDATE notification SET status = ?2, node_id = ?1, due_at = NULL WHERE id IN (SELECT id FROM due) \
     RETURNING id, organization_id, webhook_id, event_id, payload_id, project_id, task_id, topic, attempt_count, \
         throttled_count, order_key, created_at";

impl Claimed {
    fn into_job(
        self,
        node_id: NodeId,
        bodies: &HashMap<PayloadId, bytes::Bytes>,
        limits: &HashMap<WebhookId, Limit>,
    ) -> Job {
        Job {
            node_id,
            notification_id: self.id,
            organization_id: self.organization_id,
            webhook_id: self.webhook_id,
            event_id: self.event_id,
            payload_id: self.payload_id,
            project_id: self.project_id,
            task_id: self.task_id,
            topic: self.topic,
            attempt_count: self.attempt_count,
            throttled_count: self.throttled_count,
            order_key: self.order_key,
            created_at: self.created_at,
            limit: limits.get(&self.webhook_id).copied().unwrap_or(Limit::ONE),
            body: bodies.get(&self.payload_id).cloned(),
        }
    }
}

#[derive(FromQueryResult)]
struct Body {
    id: PayloadId,
    body: Vec<u8>,
}

/// Loads the bodies that are small enough to be kept in memory.
async fn bodies(
    db: &impl ConnectionTrait,
    ids: impl Iterator<Item = PayloadId>,
) -> Result<HashMap<PayloadId, bytes::Bytes>> {
    let mut ids: Vec<PayloadId> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    let mut bodies = HashMap::with_capacity(ids.len());
    for ids in batches(&ids) {
        let marks = vec!["?"; ids.len()].join(", ");
        let sql =
            format!("SELECT id, body FROM payload WHERE id IN ({marks}) AND length(body) <= {MAX_BODY_IN_MEMORY}");
        let binds = ids.iter().map(|id| Value::from(*id));
        let rows = Body::find_by_statement(raw(db, &sql, binds)).all(db).await?;
        bodies.extend(rows.into_iter().map(|row| (row.id, row.body.into())));
    }
    Ok(bodies)
}

/// Returns the limits of the lanes of a claim and when each has more. Lanes of webhooks that are not active or not
/// served here are left out.
async fn lanes(db: &impl ConnectionTrait, node: NodeId, budgets: &[ClaimBudget]) -> Result<Vec<Lane>> {
    let active = [Value::from(node), WebhookStatus::Active.into()];
    let binds = active
        .into_iter()
        .chain(budgets.iter().map(|room| Value::from(room.webhook_id)));
    let statement = raw(db, &lanes_sql(budgets.len()), binds);
    Ok(Lane::find_by_statement(statement).all(db).await?)
}

/// Builds the statement of [`lanes`]. Binds: node, ACTIVE, then the webhooks.
fn lanes_sql(budgets: usize) -> String {
    let marks: Vec<String> = (0..budgets).map(|index| format!("?{}", index + 3)).collect();
    format!(
        "SELECT w.id AS webhook_id, w.max_in_flight, w.rate_requests, w.rate_per_ms, \
             (SELECT min(d.due_at) FROM notification d \
             WHERE d.webhook_id = w.id AND d.due_at IS NOT NULL) AS due_at \
         FROM webhook w WHERE w.id IN ({}) AND w.status = ?2 AND {HERE}",
        marks.join(", ")
    )
}

/// Builds the survey: every lane with something to claim here, now or later. It steps from one webhook to the next on
/// the partial index of what is due, so its cost follows the number of webhooks and not of notifications. Binds: node,
/// ACTIVE.
fn survey_sql() -> String {
    format!(
        "WITH RECURSIVE lane(webhook_id) AS (\
             SELECT (SELECT webhook_id FROM notification WHERE due_at IS NOT NULL ORDER BY webhook_id LIMIT 1) \
             UNION ALL SELECT (SELECT n.webhook_id FROM notification n \
                 WHERE n.webhook_id > lane.webhook_id AND n.due_at IS NOT NULL ORDER BY n.webhook_id LIMIT 1) \
             FROM lane WHERE lane.webhook_id IS NOT NULL) \
         SELECT lane.webhook_id AS webhook_id, w.max_in_flight, w.rate_requests, w.rate_per_ms, \
             (SELECT min(due_at) FROM notification d \
             WHERE d.webhook_id = lane.webhook_id AND d.due_at IS NOT NULL) AS due_at \
         FROM lane JOIN webhook w ON w.id = lane.webhook_id AND w.status = ?2 AND {HERE}"
    )
}

/// Returns every lane with something to claim on this node, with its limits and when that is due.
pub(crate) async fn survey(db: &impl ConnectionTrait, node: NodeId) -> Result<Vec<(WebhookId, Limit, Timestamp)>> {
    let binds = [Value::from(node), WebhookStatus::Active.into()];
    let statement = raw(db, &survey_sql(), binds);
    let lanes = Lane::find_by_statement(statement).all(db).await?;
    Ok(lanes
        .into_iter()
        .filter_map(|lane| Some((lane.webhook_id, lane.limit(), lane.due_at?)))
        .collect())
}

/// The update that releases a claim and restores the status from before. Binds: PENDING, RETRYING, the moment from
/// which the notification may be claimed.
const GIVE_BACK: &str = "UPDATE notification SET status = CASE WHEN attempt_count = 0 THEN ?1 ELSE ?2 END, \
     node_id = NULL, due_at = ?3";

fn give_back_binds(due: Timestamp, node: NodeId) -> [Value; 4] {
    [
        NotificationStatus::Pending.into(),
        NotificationStatus::Retrying.into(),
        due.into(),
        node.into(),
    ]
}

/// Releases every claim of a node that is not alive. On SQLite that is every claim but those of `node`, because the
/// lock file says that no other process is alive. Returns how many.
pub(crate) async fn free_claims(db: &impl ConnectionTrait, node: NodeId, now: Timestamp) -> Result<u64> {
    let dead = match db.get_database_backend() {
        DbBackend::Postgres => " AND NOT EXISTS (SELECT 1 FROM node WHERE node.id = notification.node_id)",
        _ => "",
    };
    let sql = format!("{GIVE_BACK} WHERE node_id IS NOT NULL AND node_id <> ?4{dead}");
    let statement = raw(db, &sql, give_back_binds(now, node));
    Ok(db.execute_raw(statement).await?.rows_affected())
}

/// Returns the notifications that a node has claimed, with their webhooks.
pub(crate) async fn claimed(db: &impl ConnectionTrait, node: NodeId) -> Result<Vec<(NotificationId, WebhookId)>> {
    let rows = notification::Entity::find()
        .select_only()
        .columns([notification::Column::Id, notification::Column::WebhookId])
        .filter(notification::Column::NodeId.eq(node));
    Ok(rows.into_tuple().all(db).await?)
}

/// Returns the limits of these lanes and when each has something to claim; lanes that have nothing are left out.
pub(crate) async fn look(
    db: &impl ConnectionTrait,
    node: NodeId,
    ids: &[WebhookId],
) -> Result<Vec<(WebhookId, Limit, Timestamp)>> {
    let mut found = Vec::new();
    for ids in batches(ids) {
        let budgets: Vec<ClaimBudget> = ids
            .iter()
            .map(|id| ClaimBudget {
                webhook_id: *id,
                count: 0,
            })
            .collect();
        let lanes = lanes(db, node, &budgets).await?.into_iter();
        found.extend(lanes.filter_map(|lane| Some((lane.webhook_id, lane.limit(), lane.due_at?))));
    }
    Ok(found)
}

/// Releases claims of this node that were not sent, to be claimed again from `due` on.
pub(crate) async fn release(
    db: &impl ConnectionTrait,
    node: NodeId,
    due: Timestamp,
    ids: &[NotificationId],
) -> Result<()> {
    for ids in batches(ids) {
        let marks: Vec<String> = (0..ids.len()).map(|index| format!("?{}", index + 5)).collect();
        let sql = format!("{GIVE_BACK} WHERE node_id = ?4 AND id IN ({})", marks.join(", "));
        let binds = give_back_binds(due, node)
            .into_iter()
            .chain(ids.iter().map(|id| Value::from(*id)));
        db.execute_raw(raw(db, &sql, binds)).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::{plan, recorded};

    #[tokio::test]
    async fn bodies_of_any_number_of_notifications_are_read_by_few_statements() {
        let (db, texts) = recorded().await;
        for count in 0..300 {
            bodies(&db, (0..count).map(|_| PayloadId::new())).await.unwrap();
        }
        assert_eq!(texts.lock().unwrap().len(), 8, "one for each power of two up to 128");
    }

    /// Asserts that a statement scans no table of notifications and uses the named indexes.
    async fn served_by(sql: &str, indexes: &[&str]) {
        let plan = plan(sql).await;
        let walks =
            |line: &&String| line.contains("SCAN notification") || line.contains("SCAN d") || line.contains("SCAN n");
        let walks: Vec<_> = plan
            .iter()
            .filter(walks)
            .filter(|line| !line.contains("USING"))
            .collect();
        assert!(walks.is_empty(), "{plan:#?}");
        for index in indexes {
            assert!(plan.iter().any(|line| line.contains(index)), "{index}: {plan:#?}");
        }
        assert!(
            !plan.iter().any(|line| line.contains("TEMP B-TREE FOR ORDER BY")),
            "{plan:#?}"
        );
    }

    #[tokio::test]
    async fn a_claim_steps_on_the_index_of_what_is_due() {
        for budgets in [1, 128] {
            let plan = [
                "notification_due (webhook_id=? AND due_at>? AND due_at<?)",
                "SEARCH w USING",
            ];
            served_by(&take_sql(budgets), &plan).await;
        }
        served_by(&lanes_sql(2), &["notification_due (webhook_id=?"]).await;
    }

    #[tokio::test]
    async fn a_survey_steps_from_webhook_to_webhook() {
        served_by(
            &survey_sql(),
            &["notification_due (webhook_id>?)", "notification_due (webhook_id=?"],
        )
        .await;
    }

    #[tokio::test]
    async fn claims_are_found_by_their_holder_and_by_their_id() {
        served_by(
            &format!("{GIVE_BACK} WHERE node_id IS NOT NULL AND node_id <> ?4"),
            &["notification_held"],
        )
        .await;
        served_by(
            &format!("{GIVE_BACK} WHERE node_id = ?4 AND id IN (?5, ?6)"),
            &["(id=?)"],
        )
        .await;
    }
}
