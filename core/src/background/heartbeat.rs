//! The heartbeat: renews the lease of this node, on a connection that nothing else uses, by the database's clock. It
//! also measures how far this machine's clock is from the database's, so that all nodes agree about what is due.

use super::{
    driver,
    membership::{self, Membership},
    plan::{Plan, RunsOn},
    task::{Progress, Task, once},
};
use crate::{
    App, Error, Result,
    bus::Message,
    node::{Nodes, RENEWALS_PER_LEASE, Role},
    sql::statement::raw,
    wake::Wake,
};
use entity::{NodeId, node};
use sea_orm::{ConnectionTrait, DatabaseConnection, EntityTrait, FromQueryResult};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// After which a node that is not heard of is dead by any setting.
const LONGEST_LEASE: Duration = Duration::from_secs(300);
/// The difference of the clocks below which this machine's clock is not adjusted.
const DRIFT: Duration = Duration::from_millis(20);

/// The database's clock, in microseconds.
const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

#[derive(FromQueryResult)]
struct Row {
    id: NodeId,
    role: String,
    fresh: bool,
}

impl Row {
    fn sends(&self) -> bool {
        self.role != Role::Api.as_str()
    }
}

#[derive(FromQueryResult)]
struct Moment {
    now: i64,
}

/// The nodes that a renewal found.
struct Found {
    rows: Vec<Row>,
    /// The number of nodes that this one has declared dead.
    buried: u64,
}

/// Joins the nodes of a PostgreSQL database; does nothing on SQLite.
pub(crate) async fn join(app: &App) -> Result<()> {
    let Some(db) = app.db.apart() else { return Ok(()) };
    enter(db, &app.nodes).await?;
    app.bus.tell(Message::nodes());
    renew(app, db).await.map(drop)
}

/// Inserts the row of this node.
async fn enter(db: &DatabaseConnection, nodes: &Nodes) -> Result<()> {
    let text =
        format!("INSERT INTO node (id, name, version, role, started_at, seen_at) VALUES (?, ?, ?, ?, {NOW}, {NOW})");
    let binds = [
        nodes.id().into(),
        nodes.config.name.clone().into(),
        env!("CARGO_PKG_VERSION").into(),
        nodes.role().as_str().into(),
    ];
    db.execute_raw(raw(db, &text, binds)).await?;
    Ok(())
}

/// Renews the row until `shutdown`. What follows from who is alive runs beside it, so that a renewal waits for nothing
/// else.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    let Some(db) = app.db.apart() else {
        return shutdown.cancelled().await;
    };
    let renewed = Wake::default();
    let membership = Membership::new(&app, renewed.subscribe());
    let heartbeat = Heartbeat {
        app: &app,
        db,
        renewed: &renewed,
    };
    tokio::join!(
        driver::run(heartbeat, &app, &shutdown),
        driver::run(membership, &app, &shutdown),
    );
}

struct Heartbeat<'a> {
    app: &'a App,
    db: &'a DatabaseConnection,
    renewed: &'a Wake,
}

impl Task for Heartbeat<'_> {
    type Item = ();
    type Key = ();

    /// A renewal that failed is repeated by the next one, which is due soon enough: a back-off could outlast the lease.
    fn plan(&self) -> Plan {
        Plan {
            name: "heartbeat",
            runs_on: RunsOn::EveryNode,
            period: self.app.nodes.config.lease / RENEWALS_PER_LEASE,
            max_backoff: Duration::ZERO,
        }
    }

    fn key((): &()) {}

    async fn items(&mut self, after: Option<()>) -> Result<Vec<()>> {
        Ok(once(after))
    }

    async fn step(&mut self, (): ()) -> Result<Progress> {
        let renewed = renew_in_time(self.app, self.db).await;
        self.renewed.wake();
        renewed.map(|()| Progress::Idle)
    }
}

/// Renews the row once and does what follows from who is alive: when others say so, and for tests.
pub async fn step(app: &App) -> Result<()> {
    match app.db.apart() {
        Some(db) => {
            renew_in_time(app, db).await?;
            membership::follow(app).await
        }
        None => Ok(()),
    }
}

/// Renews the row. When that takes as long as the others wait for it, the database does not answer.
async fn renew_in_time(app: &App, db: &DatabaseConnection) -> Result<()> {
    let was_alive = app.nodes.is_alive();
    let Ok(renewed) = timeout(app.nodes.config.patience(), renew(app, db)).await else {
        app.db.is_silent();
        return Err(Error::Unavailable("the database does not answer".into()));
    };
    let buried = renewed?;
    app.nodes.change().dead += buried;
    if !was_alive {
        app.dispatcher.lanes.wake();
    }
    Ok(())
}

/// Renews the row and reads the others'. Gives how many were found dead.
async fn renew(app: &App, db: &DatabaseConnection) -> Result<u64> {
    let begun = Instant::now();
    let asked = app.clock.here();
    let text = format!("UPDATE node SET seen_at = {NOW} WHERE id = ? RETURNING seen_at AS now");
    let renewed = Moment::find_by_statement(raw(db, &text, [app.nodes.id().into()]))
        .one(db)
        .await?;
    let Some(Moment { now }) = renewed else {
        return rejoin(app, db).await.map(|()| 0);
    };
    if let Some(asked) = asked {
        let half = i64::try_from(begun.elapsed().as_micros() / 2).unwrap_or(0);
        app.clock.follow(now - half - asked.0, DRIFT);
    }
    let Found { rows, buried } = look(app, db).await?;
    let had_no_other = app.nodes.has_no_other();
    let alive: Vec<_> = rows.iter().filter(|row| row.fresh).collect();
    let senders = alive.iter().filter(|row| row.sends()).map(|row| row.id);
    app.nodes
        .heard(alive.iter().map(|row| row.id).collect(), senders.collect(), begun);
    if had_no_other && !app.nodes.has_no_other() {
        app.bus.tell(Message::feeds());
    }
    Ok(buried)
}

async fn look(app: &App, db: &DatabaseConnection) -> Result<Found> {
    let lease = i64::try_from(app.nodes.config.lease.as_micros()).unwrap_or(i64::MAX);
    let text = format!("SELECT id, role, seen_at > {NOW} - ? AS fresh FROM node ORDER BY id");
    let rows = Row::find_by_statement(raw(db, &text, [lease.into()])).all(db).await?;
    let stale = rows.iter().any(|row| !row.fresh);
    if !stale || !app.nodes.may_judge() {
        return Ok(Found { rows, buried: 0 });
    }
    let text = format!("DELETE FROM node WHERE seen_at <= {NOW} - ?");
    let buried = db.execute_raw(raw(db, &text, [lease.into()])).await?.rows_affected();
    if buried > 0 {
        tracing::warn!(nodes = buried, "nodes that were not heard of are declared dead");
    }
    Ok(Found { rows, buried })
}

/// Others took this node for dead, and what it held for free: it drops that and begins anew under another id.
async fn rejoin(app: &App, db: &DatabaseConnection) -> Result<()> {
    let before = app.nodes.id();
    app.nodes.rename();
    let dropped = app.dispatcher.lanes.drop_queued();
    tracing::warn!(
        node.id = %before,
        node.now = %app.nodes.id(),
        dropped,
        "this node was declared dead and goes on under a new id"
    );
    enter(db, &app.nodes).await?;
    app.bus.tell(Message::nodes());
    Ok(())
}

/// Refuses a database that nodes are using or used a moment ago. The row of a crashed node stays when no other runs, so
/// it counts until its node is dead under any setting.
pub(crate) async fn check_none(db: &impl ConnectionTrait) -> Result<()> {
    let text = format!("SELECT * FROM node WHERE seen_at > {NOW} - ? LIMIT 1");
    let longest = i64::try_from(LONGEST_LEASE.as_micros()).unwrap_or(i64::MAX);
    let alive = node::Entity::find().from_raw_sql(raw(db, &text, [longest.into()]));
    match alive.one(db).await? {
        None => Ok(()),
        Some(row) => Err(Error::Conflict(format!(
            "node {} ({}) is at work on the PostgreSQL database, or was within the last {} minutes; stop every node first",
            row.id,
            row.name,
            LONGEST_LEASE.as_secs() / 60
        ))),
    }
}

/// Deletes the row of this node on shutdown, so that others need not wait for its lease to end.
pub async fn leave(app: &App) {
    let Some(db) = app.db.apart() else { return };
    app.bus.tell(Message::nodes());
    let gone = db.execute_raw(raw(db, "DELETE FROM node WHERE id = ?", [app.nodes.id().into()]));
    if let Err(error) = gone.await.map_err(Error::from) {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the row of this node could not be deleted on shutdown"
        );
    }
}
