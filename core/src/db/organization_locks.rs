//! Isolation of concurrent writers on PostgreSQL, on this node and on others. A transaction first takes an advisory
//! lock on each organization of its scope, in the order of their keys, so that no two deadlock. A unit that decides by
//! what it reads takes an exclusive lock, one that only appends a shared one. So what a verb has checked holds until
//! its commit, as it does with SQLite's single writer.
//!
//! With the locks held, the transaction reads two things. First its transaction id, from which the feed's sequence
//! numbers are made: a later holder of the organization gets higher ones. Second the generations of the organizations,
//! which grow when their webhooks change: cached webhooks of an older generation are dropped, whichever node changed
//! them and whether or not its hint arrived.

use super::{
    scope::{LockMode, Scope},
    store::Begun,
};
use crate::{
    Result,
    sql::{
        advisory,
        sequence::{self, Sequence},
    },
    subscribers::SubscriberCache,
};
use entity::OrganizationId;
use sea_orm::{ConnectionTrait, FromQueryResult, Value};

/// Takes the locks and reads. Binds: the lock keys, with `x` before exclusive ones, and the organizations. A migration
/// defines the function.
const TAKE: &str = "SELECT number, oldest, generations FROM take_turn(?, ?)";

#[derive(FromQueryResult)]
struct Numbers {
    number: i64,
    oldest: i64,
    generations: Option<String>,
}

/// Waits for the organizations of `scope` and returns the sequence numbers of the transaction.
pub(crate) async fn take(
    db: &impl ConnectionTrait,
    base: i64,
    scope: &Scope,
    index: &SubscriberCache,
) -> Result<Begun> {
    let ids: Vec<String> = scope.0.keys().map(ToString::to_string).collect();
    let binds = [Value::from(keys(scope)), ids.join(",").into()];
    let numbers = Numbers::find_by_statement(crate::sql::statement::raw(db, TAKE, binds))
        .one(db)
        .await?
        .ok_or_else(|| crate::Error::internal("a function that gives no set gives one row"))?;
    for (id, generation) in generations(numbers.generations.as_deref().unwrap_or_default()) {
        index.keep_from(id, generation);
    }
    let first = sequence::first_of(base, numbers.number);
    let mark = sequence::first_of(base, numbers.oldest) - 1;
    Ok(Begun::below(Sequence::from(first), mark))
}

/// Returns the lock keys in ascending order, each marked as exclusive or shared.
fn keys(scope: &Scope) -> String {
    let mut keys: Vec<(i64, LockMode)> = scope
        .0
        .iter()
        .map(|(id, turn)| (advisory::of_row(id.0), *turn))
        .collect();
    keys.sort_unstable();
    let words = keys.iter().map(|(key, turn)| match turn {
        LockMode::Exclusive => format!("x{key}"),
        LockMode::Shared => format!("s{key}"),
    });
    words.collect::<Vec<_>>().join(",")
}

fn generations(text: &str) -> impl Iterator<Item = (OrganizationId, i64)> {
    text.split(',').filter_map(|pair| {
        let (id, generation) = pair.split_once(':')?;
        Some((id.parse().ok()?, generation.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn organizations_are_locked_in_the_order_of_their_keys() {
        let ids: Vec<OrganizationId> = (0..20).map(|_| OrganizationId::new()).collect();
        let mut scope = Scope::shared(ids.iter().copied());
        scope.join(&Scope::from(ids[3]));
        let text = keys(&scope);
        let taken: Vec<i64> = text.split(',').map(|word| word[1..].parse().unwrap()).collect();
        assert!(taken.is_sorted() && taken.len() == 20);
        let key = |place: usize| advisory::of_row(ids[place].0);
        assert!(text.contains(&format!("x{}", key(3))) && text.contains(&format!("s{}", key(4))));
    }

    #[test]
    fn generations_are_read_from_one_text() {
        let id = OrganizationId::new();
        let read: Vec<_> = generations(&format!("{id}:7,{id}:8")).collect();
        assert_eq!(read, [(id, 7), (id, 8)]);
        assert_eq!(generations("").count(), 0);
    }
}
