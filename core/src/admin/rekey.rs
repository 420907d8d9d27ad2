//! Rotation of the master key, for a database that no other process has open: every sealed value is decrypted with the
//! old key and encrypted with the new one, a bounded step a transaction.
//!
//! A row records that a rotation is under way, and between which keys. After an interruption a server refuses to start,
//! and the rotation continues with the same two keys only. A step skips values that are under the new key already, so
//! continuing is the same as beginning again.
//!
//! At the end every value is opened with the new key before the row says that the rotation is done.

use crate::{
    Config, Error, Result,
    background::heartbeat,
    bus::Bus,
    db::{Db, Scope, Txn},
    idempotency,
    node::Nodes,
    queue::lanes::Lanes,
    secret::Keyring,
    sql::statement::raw,
    subscribers::SubscriberCache,
    webhook::seal,
};
use entity::{RekeyId, rekey, webhook, webhook_secret};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel,
    QueryFilter, QueryOrder, Set,
};
use std::sync::Arc;
use uuid::Uuid;

/// The table and column of sealed values. Each value is bound to the context `<table>/<id>/<column>`.
pub const SEALED: [(&str, &str); 5] = [
    ("webhook_secret", "sealed"),
    ("webhook", "authorization"),
    ("webhook", "headers"),
    ("idempotency_key", "request"),
    ("idempotency_key", "answer"),
];

/// The most values of one step; the largest have a mebibyte.
pub const BATCH_SIZE: usize = 64;

/// The progress of a pass over all sealed values.
#[derive(Clone, Copy, Debug, Default)]
pub struct Position {
    column: usize,
    after: Uuid,
    /// The number of values of this column so far.
    pub values: u64,
    /// True when these were all values of this column.
    pub ended: bool,
}

impl Position {
    /// Returns the table and the column.
    pub fn column(&self) -> (&'static str, &'static str) {
        SEALED[self.column]
    }

    /// Returns table and column quoted for SQL: one of the columns is a reserved word.
    fn quoted(&self) -> (String, String) {
        let (table, column) = self.column();
        (format!("\"{table}\""), format!("\"{column}\""))
    }

    /// Returns the progress after these rows.
    fn behind(self, rows: &[Value]) -> Self {
        Self {
            after: rows.last().map_or(self.after, |row| row.id),
            values: self.values + rows.len() as u64,
            ended: rows.len() < BATCH_SIZE,
            ..self
        }
    }

    /// Returns the start of the next step; `None` when all values have been seen.
    fn next(self) -> Option<Self> {
        let column = self.column + 1;
        match self.ended {
            false => Some(self),
            true if column < SEALED.len() => Some(Self {
                column,
                ..Self::default()
            }),
            true => None,
        }
    }
}

/// A rotation of the master key.
pub struct Rekey {
    db: Db,
    from: Arc<Keyring>,
    to: Arc<Keyring>,
    id: RekeyId,
}

#[derive(FromQueryResult)]
struct Value {
    id: Uuid,
    sealed: Vec<u8>,
}

impl Rekey {
    /// Opens the database, whose key is that of `config`, and begins a rotation or continues an interrupted one. `to`
    /// gives the new key and is called once the database is locked. Fails when another process has it open.
    pub async fn open(config: Config, to: impl FnOnce() -> Result<Keyring>) -> Result<Self> {
        let nodes = Arc::new(Nodes::alone(config.node));
        let lanes = Arc::new(Lanes::new(config.window, Arc::clone(&nodes)));
        let db = Db::open(
            &config.database_url,
            config.clock,
            Arc::new(SubscriberCache::new(config.shaper, config.filters)),
            lanes,
            Arc::default(),
            Arc::new(Bus::new(nodes)),
        )
        .await?;
        let from = config.keyring;
        let begun = async {
            let to = Arc::new(to()?);
            if let Some(conn) = db.apart() {
                heartbeat::check_none(conn).await?;
            }
            begin(&db, &from, &to).await.map(|id| (id, to))
        };
        match begun.await {
            Ok((id, to)) => Ok(Self { db, from, to, id }),
            Err(error) => {
                db.close().await;
                Err(error)
            }
        }
    }

    /// Does all that is left, reports the progress after each step, and returns the number of values, each of which was
    /// opened with the new key. A value that opens with neither key is named in the error, and stays as it is.
    pub async fn run(self, mut report: impl FnMut(Position)) -> Result<u64> {
        let done = async {
            let mut next = Some(Position::default());
            while let Some(place) = next {
                next = self.step(place, &mut report).await?;
            }
            let values = check_all(self.db.read(), &self.to).await?;
            self.end().await.map(|()| values)
        };
        let done = done.await;
        self.db.close().await;
        done
    }

    /// Seals the values of one step again. Returns the start of the next step.
    pub async fn step(&self, place: Position, report: &mut impl FnMut(Position)) -> Result<Option<Position>> {
        let (from, to) = (Arc::clone(&self.from), Arc::clone(&self.to));
        let rows = self
            .db
            .write(Scope::installation(), move |txn| {
                Box::pin(async move { seal_anew(txn, place, &from, &to).await })
            })
            .await?;
        let place = place.behind(&rows);
        report(place);
        Ok(place.next())
    }

    async fn end(&self) -> Result<()> {
        let id = self.id;
        let unit = async move |txn: &Txn| -> Result<()> {
            let row = rekey::Entity::find_by_id(id).one(txn.conn()).await?;
            let row = row.filter(|row| row.done_at.is_none());
            if let Some(row) = row {
                let mut row = row.into_active_model();
                row.done_at = Set(Some(txn.now()));
                row.update(txn.conn()).await?;
            }
            Ok(())
        };
        self.db
            .write(Scope::installation(), move |txn| {
                Box::pin(async move { unit(txn).await })
            })
            .await
    }
}

/// Opens every sealed value with this key. Returns their number.
pub(crate) async fn check_all(db: &impl ConnectionTrait, keyring: &Keyring) -> Result<u64> {
    let (mut next, mut values) = (Some(Position::default()), 0);
    while let Some(place) = next {
        let rows = read(db, place).await?;
        for row in &rows {
            keyring.open(&context(place, row), &row.sealed).map_err(named)?;
        }
        values += rows.len() as u64;
        next = place.behind(&rows).next();
    }
    Ok(values)
}

/// Refuses a database whose rotation was interrupted: its values may be under two keys.
pub(crate) async fn check_done(db: &impl ConnectionTrait) -> Result<()> {
    match newest(db).await? {
        Some(row) if row.done_at.is_none() => Err(Error::Conflict(format!(
            "the change of the master key (from {} to {}) was broken off; run rekey with these two keys to finish it",
            row.from_key, row.to_key
        ))),
        _ => Ok(()),
    }
}

/// Returns the row of this rotation, and inserts it if there is none. The newest row tells whether a rotation of these
/// keys has already ended.
async fn begin(db: &Db, from: &Keyring, to: &Keyring) -> Result<RekeyId> {
    let (from_key, to_key) = (from.id(), to.id());
    if from_key == to_key {
        return Err(Error::invalid("newMasterKey", "is the master key already"));
    }
    let newest = newest(db.read()).await?;
    if let Some(row) = &newest {
        let is_same = row.from_key == from_key && row.to_key == to_key;
        match (is_same, row.done_at) {
            (true, _) => return Ok(row.id),
            (false, None) => return Err(other(row, &from_key, &to_key)),
            (false, Some(_)) => {}
        }
    }
    check_keyring(db.read(), from).await?;
    db.write(Scope::installation(), move |txn| {
        Box::pin(async move {
            let id = RekeyId::new();
            let row = rekey::Model {
                id,
                from_key,
                to_key,
                created_at: txn.now(),
                done_at: None,
            };
            rekey::Entity::insert(row.into_active_model())
                .exec_without_returning(txn.conn())
                .await?;
            Ok(id)
        })
    })
    .await
}

fn other(row: &rekey::Model, from: &str, to: &str) -> Error {
    let reason = format!(
        "a change from the key {} to {} was broken off; finish it with these two first, not with {from} and {to}",
        row.from_key, row.to_key
    );
    Error::invalid("newMasterKey", reason)
}

async fn newest(db: &impl ConnectionTrait) -> Result<Option<rekey::Model>> {
    let open_first = rekey::Entity::find().filter(rekey::Column::DoneAt.is_null());
    if let Some(open) = open_first.one(db).await? {
        return Ok(Some(open));
    }
    let query = rekey::Entity::find().order_by_desc(rekey::Column::DoneAt);
    Ok(query.order_by_desc(rekey::Column::Id).one(db).await?)
}

async fn seal_anew(txn: &Txn, place: Position, from: &Keyring, to: &Keyring) -> Result<Vec<Value>> {
    let (table, column) = place.quoted();
    let rows = read(txn.conn(), place).await?;
    for row in rows.iter().filter(|row| !to.sealed(&row.sealed)) {
        let context = context(place, row);
        let plain = from.open(&context, &row.sealed).map_err(named)?;
        let sealed = to.seal(&context, &plain);
        let sql = format!("UPDATE {table} SET {column} = ? WHERE id = ?");
        let statement = raw(txn.conn(), &sql, [sealed.into(), row.id.into()]);
        txn.conn().execute_raw(statement).await?;
    }
    Ok(rows)
}

async fn read(db: &impl ConnectionTrait, place: Position) -> Result<Vec<Value>> {
    let (table, column) = place.quoted();
    let sql = format!(
        "SELECT id, {column} AS sealed FROM {table} WHERE id > ? AND {column} IS NOT NULL ORDER BY id LIMIT {BATCH_SIZE}"
    );
    let statement = raw(db, &sql, [place.after.into()]);
    Ok(Value::find_by_statement(statement).all(db).await?)
}

fn context(place: Position, row: &Value) -> String {
    let (table, column) = place.column();
    format!("{table}/{}/{column}", row.id)
}

/// Makes the error of a value that does not open visible to the operator: which value, and why.
fn named(error: Error) -> Error {
    match error {
        Error::Internal(source) => Error::NotAllowed(source.to_string()),
        other => other,
    }
}

/// Refuses a keyring that cannot open this database's secrets, at the start instead of at the first delivery. One value
/// suffices for the check, since all are sealed with one key.
pub(crate) async fn check_keyring(db: &impl ConnectionTrait, keyring: &Keyring) -> Result<()> {
    let Some((context, sealed)) = newest_sealed(db).await? else {
        return Ok(());
    };
    keyring.open(&context, &sealed).map(drop).map_err(|_| {
        let reason = "does not open this database's secrets: it is not the key they were sealed with";
        Error::invalid("masterKey", reason)
    })
}

async fn newest_sealed(db: &impl ConnectionTrait) -> Result<Option<(String, Vec<u8>)>> {
    let secrets = webhook_secret::Entity::find().order_by_desc(webhook_secret::Column::Id);
    if let Some(row) = secrets.one(db).await? {
        return Ok(Some((seal::secret(row.id), row.sealed)));
    }
    let sealed = Condition::any()
        .add(webhook::Column::Authorization.is_not_null())
        .add(webhook::Column::Headers.is_not_null());
    let webhooks = webhook::Entity::find()
        .filter(sealed)
        .order_by_desc(webhook::Column::Id);
    let row = webhooks.one(db).await?;
    let found = row.and_then(|row| match (row.authorization, row.headers) {
        (Some(value), _) => Some((seal::authorization(row.id), value)),
        (None, headers) => headers.map(|value| (seal::headers(row.id), value)),
    });
    match found {
        Some(found) => Ok(Some(found)),
        None => idempotency::newest_sealed(db).await,
    }
}
