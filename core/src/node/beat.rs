//! The heartbeat: renews the lease of this node, on a connection that nothing else uses, by the database's clock. It
//! also measures how far this machine's clock is from the database's, so that all nodes agree about what is due.

use super::{Nodes, Role};
use crate::{App, Error, Result, bus::Message, sql::statement::raw};
use entity::{NodeId, node};
use sea_orm::{ConnectionTrait, DatabaseConnection, EntityTrait, FromQueryResult};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::Notify,
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

/// The renewals in one lease.
pub(super) const BEATS: u32 = 5;
/// The time after which a node that is not heard of is dead under any setting.
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

#[derive(FromQueryResult)]
struct Moment {
    now: i64,
}

/// The result of a heartbeat.
struct Beat {
    rows: Vec<Row>,
    /// The number of nodes that this one has declared dead.
    buried: u64,
}

/// Joins the nodes of a PostgreSQL database; does nothing on SQLite.
pub(crate) async fn join(app: &App) -> Result<()> {
    let Some(db) = app.db.apart() else { return Ok(()) };
    enter(db, &app.nodes).await?;
    app.bus.tell(Message::nodes());
    beat(app, db).await.map(drop)
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

/// Renews the lease until `shutdown`. The reactions to changes run beside it, so that a renewal waits for nothing else.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    let Some(db) = app.db.apart() else {
        return shutdown.cancelled().await;
    };
    let beaten = Notify::new();
    let beating = async {
        let mut beats = interval(app.nodes.config.lease / BEATS);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beats.tick().await;
            warn(in_time(&app, db).await, "the heartbeat failed; trying again");
            beaten.notify_one();
        }
    };
    let acting = async {
        loop {
            beaten.notified().await;
            warn(
                act(&app).await,
                "a change of the nodes could not be handled; trying again at the next heartbeat",
            );
        }
    };
    shutdown
        .run_until_cancelled(async { tokio::join!(beating, acting) })
        .await;
}

fn warn(done: Result<()>, what: &str) {
    if let Err(error) = done {
        tracing::warn!(error = &error as &dyn std::error::Error, "{what}");
    }
}

/// Sends one heartbeat and reacts to it: the step of [`run`] without its timer, for tests.
pub async fn step(app: &App) -> Result<()> {
    match app.db.apart() {
        Some(db) => follow(app, db).await,
        None => Ok(()),
    }
}

/// Sends one heartbeat and reacts when nodes came, went or died.
async fn follow(app: &App, db: &DatabaseConnection) -> Result<()> {
    in_time(app, db).await?;
    act(app).await
}

/// Sends a heartbeat with a timeout. If the lease may end before the database answers, the database is reported
/// unresponsive.
async fn in_time(app: &App, db: &DatabaseConnection) -> Result<()> {
    let was_alive = app.nodes.is_alive();
    let Ok(beaten) = timeout(app.nodes.config.patience(), beat(app, db)).await else {
        app.db.is_silent();
        return Err(Error::Unavailable("the database does not answer".into()));
    };
    let buried = beaten?;
    app.nodes.change().buried += buried;
    if !was_alive {
        app.dispatcher.lanes.wake();
    }
    Ok(())
}

/// Reacts to changes of the nodes: takes over and gives up webhooks, and releases the claims of dead nodes. What fails
/// is left to the next heartbeat.
async fn act(app: &App) -> Result<()> {
    let (senders, followed, buried) = app.nodes.news();
    if senders != followed {
        tracing::info!(senders = senders.len(), "the nodes that send have changed");
        app.dispatcher.reown(app).await?;
        app.nodes.change().followed = senders;
    }
    if buried > 0 || app.nodes.leads() {
        app.dispatcher.free_claims(app).await?;
        let mut state = app.nodes.change();
        state.buried = state.buried.saturating_sub(buried);
    }
    Ok(())
}

/// Renews the lease and reads the rows of the others. Returns how many were declared dead.
async fn beat(app: &App, db: &DatabaseConnection) -> Result<u64> {
    let begun = Instant::now();
    let asked = app.clock.here();
    let text = format!("UPDATE node SET seen_at = {NOW} WHERE id = ? RETURNING seen_at AS now");
    let renewed = Moment::find_by_statement(raw(db, &text, [app.nodes.id().into()]))
        .one(db)
        .await?;
    let Some(Moment { now }) = renewed else {
        return be_reborn(app, db).await.map(|()| 0);
    };
    if let Some(asked) = asked {
        let half = i64::try_from(begun.elapsed().as_micros() / 2).unwrap_or(0);
        app.clock.follow(now - half - asked.0, DRIFT);
    }
    let Beat { rows, buried } = look(app, db).await?;
    let had_no_other = app.nodes.has_no_other();
    app.nodes.heard(rows, begun);
    if had_no_other && !app.nodes.has_no_other() {
        app.bus.tell(Message::feeds());
    }
    Ok(buried)
}

/// Reads the rows of all nodes, and deletes those whose lease has ended if this node may judge.
async fn look(app: &App, db: &DatabaseConnection) -> Result<Beat> {
    let lease = i64::try_from(app.nodes.config.lease.as_micros()).unwrap_or(i64::MAX);
    let text = format!("SELECT id, role, seen_at > {NOW} - ? AS fresh FROM node ORDER BY id");
    let rows = Row::find_by_statement(raw(db, &text, [lease.into()])).all(db).await?;
    let stale = rows.iter().any(|row| !row.fresh);
    if !stale || !app.nodes.may_judge() {
        return Ok(Beat { rows, buried: 0 });
    }
    let text = format!("DELETE FROM node WHERE seen_at <= {NOW} - ?");
    let buried = db.execute_raw(raw(db, &text, [lease.into()])).await?.rows_affected();
    if buried > 0 {
        tracing::warn!(nodes = buried, "nodes that were not heard of are declared dead");
    }
    Ok(Beat { rows, buried })
}

/// Rejoins under a new id, because others have declared this node dead and may have released its claims. Its jobs are
/// dropped.
async fn be_reborn(app: &App, db: &DatabaseConnection) -> Result<()> {
    let before = app.nodes.id();
    app.nodes.rename();
    let dropped = app.dispatcher.lanes.abandon();
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

impl Nodes {
    /// Takes in the rows of a heartbeat.
    fn heard(&self, rows: Vec<Row>, at: Instant) {
        let alive = |row: &&Row| row.fresh;
        let sends = |row: &&Row| row.role != Role::Api.as_str();
        let lease = self.config.lease;
        let mut state = self.change();
        state.alive = rows.iter().filter(alive).map(|row| row.id).collect();
        state.senders = rows.iter().filter(alive).filter(sends).map(|row| row.id).collect();
        let before = state.renewed.filter(|(last, _)| at - *last < lease / 2);
        state.renewed = Some((at, before.map_or(0, |(_, times)| times.saturating_add(1))));
    }

    /// Returns the nodes that send now, those that sent when this node last acted, and how many have died since.
    fn news(&self) -> (Vec<NodeId>, Vec<NodeId>, u64) {
        let state = self.state();
        (state.senders.clone(), state.followed.clone(), state.buried)
    }

    /// Takes a new id, and knows no node that sends until the next heartbeat.
    fn rename(&self) {
        let mut state = self.change();
        state.me = NodeId::new();
        state.senders.clear();
        state.renewed = None;
    }
}
