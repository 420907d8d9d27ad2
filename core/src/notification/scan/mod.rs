//! Pages of the delivery log. A filter that one index scan ([`Way`]) covers completely is answered by that scan.
//! Otherwise the rows of several index scans are filtered, a growing number of rows of each, until the page is full or
//! a scan is exhausted; when too many rows were scanned, the page ends early and says where.

mod bounds;

pub(crate) use bounds::near;

use super::{
    filter::{Filter, seen, visible},
    index_choice::{Way, ways},
};
use crate::{
    App, Result,
    auth::Actor,
    page::{self, Edge},
};
use bounds::Bounds;
use entity::{NotificationId, notification};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, FromQueryResult, QueryFilter,
    QuerySelect, QueryTrait, Statement,
    sea_query::{Alias, SelectStatement, UnionType},
};

/// The requested page of the log.
pub type Span = page::Span<NotificationId>;
/// A page of the log.
pub type Slice = page::Slice<notification::Model>;

/// The numbers of rows that are scanned in an index, one after the other.
const LOOKS: [u64; 3] = [1_000, 3_000, 8_000];

pub(crate) async fn page(app: &App, actor: &Actor, filter: &Filter, span: Span) -> Result<Slice> {
    let log = Log::of(app, actor, filter, span.from);
    let bounds = log.bounds.and(span);
    let ways = ways(&log.filter);
    let room = span.count.saturating_add(1);
    if let Some(way) = ways.iter().find(|way| log.is_said_by(way)) {
        return Ok(Slice::cut(log.rows(way, bounds, room, 0).await?, &span));
    }
    let mut walks: Vec<Walk> = ways.into_iter().map(|way| Walk::new(way, bounds)).collect();
    for look in LOOKS {
        for walk in &mut walks {
            if walk.go_on(&log, look, room).await? {
                return Ok(Slice::cut(std::mem::take(&mut walk.rows), &span));
            }
        }
    }
    log.end_early(walks, span).await
}

pub(crate) async fn numbered(
    app: &App,
    actor: &Actor,
    filter: &Filter,
    from: Edge,
    skip: u64,
    first: u64,
) -> Result<Vec<notification::Model>> {
    let log = Log::of(app, actor, filter, from);
    match ways(&log.filter).first() {
        Some(way) => log.rows(way, log.bounds, first, skip).await,
        None => Ok(Vec::new()),
    }
}

/// The part of the log that an actor has access to and a filter matches.
struct Log<'a> {
    db: &'a DatabaseConnection,
    actor: &'a Actor,
    filter: Filter,
    bounds: Bounds,
    from: Edge,
}

impl<'a> Log<'a> {
    fn of(app: &'a App, actor: &'a Actor, filter: &Filter, from: Edge) -> Self {
        let filter = seen(actor, filter);
        Self {
            db: app.db.read(),
            actor,
            bounds: Bounds::of(&app.clock, &filter),
            filter,
            from,
        }
    }

    /// Returns whether the index scan covers the filter, or leaves so few rows that filtering them is cheap.
    fn is_said_by(&self, way: &Way) -> bool {
        self.filter.ids.is_some() || (way.rest == Filter::default() && self.actor.projects.is_none())
    }

    /// Loads the matching rows of an index scan, in order.
    async fn rows(&self, way: &Way, bounds: Bounds, count: u64, skip: u64) -> Result<Vec<notification::Model>> {
        if way.stretches.is_empty() || count == 0 {
            return Ok(Vec::new());
        }
        let rows = self.seen_on(way, bounds);
        let statement = statement(self.db.get_database_backend(), way, self.from, rows, (count, skip));
        Ok(notification::Model::find_by_statement(statement).all(self.db).await?)
    }

    fn seen_on(&self, way: &Way, bounds: Bounds) -> impl Fn(&Condition) -> SelectStatement + use<> {
        let condition = visible(self.actor, &way.rest).add(bounds.condition());
        move |rows: &Condition| {
            let rows = notification::Entity::find().filter(rows.clone());
            rows.filter(condition.clone()).into_query()
        }
    }

    /// Returns the last of so many rows of an index scan, matching or not; none when there are fewer.
    async fn last_of(&self, way: &Way, bounds: Bounds, count: u64) -> Result<Option<NotificationId>> {
        if way.stretches.is_empty() {
            return Ok(None);
        }
        let of_organization = notification::Column::OrganizationId.eq(self.actor.organization_id);
        let ids = |rows: &Condition| {
            let rows = notification::Entity::find()
                .filter(rows.clone())
                .filter(of_organization.clone());
            let ids = rows.select_only().column(notification::Column::Id);
            ids.filter(bounds.condition()).into_query()
        };
        let backend = self.db.get_database_backend();
        let statement = statement(backend, way, self.from, ids, (1, count - 1));
        let row = self.db.query_one_raw(statement).await?;
        Ok(row.map(|row| row.try_get("", "id")).transpose()?)
    }

    /// Ends the page early, at the scan that came farthest: each scan finds every matching row of the range that it has
    /// covered, so the farthest one has found all rows of the others.
    async fn end_early(&self, walks: Vec<Walk>, span: Span) -> Result<Slice> {
        let walks = walks.into_iter();
        let farthest = match self.from {
            Edge::First => walks.min_by_key(|walk| walk.at),
            Edge::Last => walks.max_by_key(|walk| walk.at),
        };
        let Some(mut walk) = farthest else {
            return Ok(Slice::cut(Vec::new(), &span));
        };
        let at = match walk.at {
            Some(id) => notification::Entity::find_by_id(id).one(self.db).await?,
            None => None,
        };
        match at {
            Some(row) => Ok(Slice::ended(walk.rows, &span, row)),
            // Retention removed the row in between, and all older ones.
            None => {
                let room = span.count.saturating_add(1) - walk.rows.len() as u64;
                walk.rows.extend(self.rows(&walk.way, walk.left, room, 0).await?);
                Ok(Slice::cut(walk.rows, &span))
            }
        }
    }
}

/// Builds the union of an index scan's ranges in one order: so many rows, after so many skipped ones.
fn statement(
    backend: DbBackend,
    way: &Way,
    from: Edge,
    part: impl Fn(&Condition) -> SelectStatement,
    (count, skip): (u64, u64),
) -> Statement {
    let mut parts = way.stretches.iter().map(|stretch| part(&stretch.rows));
    let mut query = parts.next().unwrap_or_default();
    for part in parts {
        query.union(UnionType::All, part);
    }
    query.order_by(Alias::new("id"), from.order()).limit(count);
    if skip > 0 {
        query.offset(skip);
    }
    let mut statement = backend.build(&query);
    if backend == DbBackend::Sqlite {
        statement.sql = hinted(&statement.sql, way);
    }
    statement
}

/// Adds the index of each range as a hint: SQLite has no statistics about the frequency of values and would choose
/// another.
fn hinted(sql: &str, way: &Way) -> String {
    const FROM: &str = "FROM \"notification\" WHERE";
    let mut parts = sql.split(FROM);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for (part, stretch) in parts.zip(&way.stretches) {
        match stretch.index {
            Some(index) => out.push_str(&format!("FROM \"notification\" INDEXED BY {index} WHERE")),
            None => out.push_str(FROM),
        }
        out.push_str(part);
    }
    out
}

/// The progress of an index scan, and the rows that it found.
struct Walk {
    way: Way,
    left: Bounds,
    at: Option<NotificationId>,
    rows: Vec<notification::Model>,
}

impl Walk {
    fn new(way: Way, bounds: Bounds) -> Self {
        Self {
            way,
            left: bounds,
            at: None,
            rows: Vec::new(),
        }
    }

    /// Scans so many more rows. Returns whether the page is full or the scan is exhausted.
    async fn go_on(&mut self, log: &Log<'_>, look: u64, room: u64) -> Result<bool> {
        let last = log.last_of(&self.way, self.left, look).await?;
        let mut bounds = self.left;
        match (last, log.from) {
            (Some(last), Edge::First) => {
                (bounds.from, self.left.below) = (Some(last), Some(last));
            }
            (Some(last), Edge::Last) => {
                (bounds.to, self.left.above) = (Some(last), Some(last));
            }
            (None, _) => {}
        }
        let room = room - self.rows.len() as u64;
        let found = log.rows(&self.way, bounds, room, 0).await?;
        let is_full = found.len() as u64 == room;
        self.rows.extend(found);
        self.at = last;
        Ok(is_full || last.is_none())
    }
}

#[cfg(test)]
mod tests;
