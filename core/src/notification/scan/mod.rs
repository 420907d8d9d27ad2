//! Pages of the delivery log. A filter that one index scan ([`IndexScan`]) covers completely is answered by that scan.
//! Otherwise the rows of several index scans are filtered, a growing number of rows of each, until the page is full or
//! a scan is exhausted; when too many rows were scanned, the page ends early and says where.

mod bounds;

pub(crate) use bounds::near;

use super::{
    filter::{Filter, seen, visible},
    index_choice::{IndexScan, index_scans},
};
use crate::{
    App, Result,
    auth::Actor,
    page::{self, End},
};
use bounds::Bounds;
use entity::{NotificationId, notification};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, FromQueryResult, QueryFilter,
    QuerySelect, QueryTrait, Statement,
    sea_query::{Alias, SelectStatement, UnionType},
};

/// The requested page of the log.
pub type PageRequest = page::PageRequest<NotificationId>;
/// A page of the log.
pub type Page = page::Page<notification::Model>;

/// The numbers of rows that are scanned in an index, one after the other.
const SCAN_SIZES: [u64; 3] = [1_000, 3_000, 8_000];

pub(crate) async fn page(app: &App, actor: &Actor, filter: &Filter, span: PageRequest) -> Result<Page> {
    let log = Log::of(app, actor, filter, span.from);
    let bounds = log.bounds.and(span);
    let index_scans = index_scans(&log.filter);
    let room = span.count.saturating_add(1);
    if let Some(index) = index_scans.iter().find(|index| log.is_said_by(index)) {
        return Ok(Page::cut(log.rows(index, bounds, room, 0).await?, &span));
    }
    let mut scans: Vec<Scan> = index_scans.into_iter().map(|index| Scan::new(index, bounds)).collect();
    for look in SCAN_SIZES {
        for scan in &mut scans {
            if scan.go_on(&log, look, room).await? {
                return Ok(Page::cut(std::mem::take(&mut scan.rows), &span));
            }
        }
    }
    log.end_early(scans, span).await
}

pub(crate) async fn numbered(
    app: &App,
    actor: &Actor,
    filter: &Filter,
    from: End,
    skip: u64,
    first: u64,
) -> Result<Vec<notification::Model>> {
    let log = Log::of(app, actor, filter, from);
    match index_scans(&log.filter).first() {
        Some(index) => log.rows(index, log.bounds, first, skip).await,
        None => Ok(Vec::new()),
    }
}

/// The part of the log that an actor has access to and a filter matches.
struct Log<'a> {
    db: &'a DatabaseConnection,
    actor: &'a Actor,
    filter: Filter,
    bounds: Bounds,
    from: End,
}

impl<'a> Log<'a> {
    fn of(app: &'a App, actor: &'a Actor, filter: &Filter, from: End) -> Self {
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
    fn is_said_by(&self, index: &IndexScan) -> bool {
        self.filter.ids.is_some() || (index.rest == Filter::default() && self.actor.projects.is_none())
    }

    /// Loads the matching rows of an index scan, in order.
    async fn rows(&self, index: &IndexScan, bounds: Bounds, count: u64, skip: u64) -> Result<Vec<notification::Model>> {
        if index.ranges.is_empty() || count == 0 {
            return Ok(Vec::new());
        }
        let rows = self.seen_on(index, bounds);
        let statement = statement(self.db.get_database_backend(), index, self.from, rows, (count, skip));
        Ok(notification::Model::find_by_statement(statement).all(self.db).await?)
    }

    fn seen_on(&self, index: &IndexScan, bounds: Bounds) -> impl Fn(&Condition) -> SelectStatement + use<> {
        let condition = visible(self.actor, &index.rest).add(bounds.condition());
        move |rows: &Condition| {
            let rows = notification::Entity::find().filter(rows.clone());
            rows.filter(condition.clone()).into_query()
        }
    }

    /// Returns the last of so many rows of an index scan, matching or not; none when there are fewer.
    async fn last_of(&self, index: &IndexScan, bounds: Bounds, count: u64) -> Result<Option<NotificationId>> {
        if index.ranges.is_empty() {
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
        let statement = statement(backend, index, self.from, ids, (1, count - 1));
        let row = self.db.query_one_raw(statement).await?;
        Ok(row.map(|row| row.try_get("", "id")).transpose()?)
    }

    /// Ends the page early, at the scan that came farthest: each scan finds every matching row of the range that it has
    /// covered, so the farthest one has found all rows of the others.
    async fn end_early(&self, scans: Vec<Scan>, span: PageRequest) -> Result<Page> {
        let scans = scans.into_iter();
        let farthest = match self.from {
            End::First => scans.min_by_key(|scan| scan.at),
            End::Last => scans.max_by_key(|scan| scan.at),
        };
        let Some(mut scan) = farthest else {
            return Ok(Page::cut(Vec::new(), &span));
        };
        let at = match scan.at {
            Some(id) => notification::Entity::find_by_id(id).one(self.db).await?,
            None => None,
        };
        match at {
            Some(row) => Ok(Page::ended(scan.rows, &span, row)),
            // Retention removed the row in between, and all older ones.
            None => {
                let room = span.count.saturating_add(1) - scan.rows.len() as u64;
                scan.rows.extend(self.rows(&scan.index, scan.left, room, 0).await?);
                Ok(Page::cut(scan.rows, &span))
            }
        }
    }
}

/// Builds the union of an index scan's ranges in one order: so many rows, after so many skipped ones.
fn statement(
    backend: DbBackend,
    index: &IndexScan,
    from: End,
    part: impl Fn(&Condition) -> SelectStatement,
    (count, skip): (u64, u64),
) -> Statement {
    let mut parts = index.ranges.iter().map(|range| part(&range.rows));
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
        statement.sql = hinted(&statement.sql, index);
    }
    statement
}

/// Adds the index of each range as a hint: SQLite has no statistics about the frequency of values and would choose
/// another.
fn hinted(sql: &str, index: &IndexScan) -> String {
    const FROM: &str = "FROM \"notification\" WHERE";
    let mut parts = sql.split(FROM);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for (part, range) in parts.zip(&index.ranges) {
        match range.index {
            Some(index) => out.push_str(&format!("FROM \"notification\" INDEXED BY {index} WHERE")),
            None => out.push_str(FROM),
        }
        out.push_str(part);
    }
    out
}

/// The progress of an index scan, and the rows that it found.
struct Scan {
    index: IndexScan,
    left: Bounds,
    at: Option<NotificationId>,
    rows: Vec<notification::Model>,
}

impl Scan {
    fn new(index: IndexScan, bounds: Bounds) -> Self {
        Self {
            index,
            left: bounds,
            at: None,
            rows: Vec::new(),
        }
    }

    /// Scans so many more rows. Returns whether the page is full or the scan is exhausted.
    async fn go_on(&mut self, log: &Log<'_>, look: u64, room: u64) -> Result<bool> {
        let last = log.last_of(&self.index, self.left, look).await?;
        let mut bounds = self.left;
        match (last, log.from) {
            (Some(last), End::First) => {
                (bounds.from, self.left.below) = (Some(last), Some(last));
            }
            (Some(last), End::Last) => {
                (bounds.to, self.left.above) = (Some(last), Some(last));
            }
            (None, _) => {}
        }
        let room = room - self.rows.len() as u64;
        let found = log.rows(&self.index, bounds, room, 0).await?;
        let is_full = found.len() as u64 == room;
        self.rows.extend(found);
        self.at = last;
        Ok(is_full || last.is_none())
    }
}

#[cfg(test)]
mod tests;
