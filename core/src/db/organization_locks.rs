//! How writers on PostgreSQL, of this node and of others, keep out of each other's way. A transaction first takes an
//! advisory lock on each organization that it concerns, in the order of their keys, so that no two wait for each other: a
//! unit that decides by what it reads has the organization alone, one that only adds shares it. What verbs check therefore
//! holds until their commit, as it does under SQLite's one writer.
//!
//! Then it reads, with the locks held, two things. Its own number, from which the feed's numbers are made: whoever has the
//! organization later gets higher ones. And the organizations' generations, which grow when their webhooks change: what
//! memory knows of an older generation is forgotten, whichever node changed it and whether or not a hint came through.

use super::{
    scope::{Scope, Turn},
    store::Begun,
};
use crate::{
    Result,
    sql::sequence::{self, Sequence},
    subscribers::Index,
};
use entity::OrganizationId;
use sea_orm::{ConnectionTrait, FromQueryResult, Value};

/// Binds: the keys, `x` before those to be had alone, and the organizations. The function is one of the migrations.
const TAKE: &str = "SELECT number, oldest, generations FROM take_turn(?, ?)";

#[derive(FromQueryResult)]
struct Numbers {
    number: i64,
    oldest: i64,
    generations: Option<String>,
}

/// Waits for the organizations of `scope` and says what holds now.
pub(crate) async fn take(db: &impl ConnectionTrait, base: i64, scope: &Scope, index: &Index) -> Result<Begun> {
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

fn keys(scope: &Scope) -> String {
    let mut keys: Vec<(i64, Turn)> = scope.0.iter().map(|(id, turn)| (key(*id), *turn)).collect();
    keys.sort_unstable();
    let words = keys.iter().map(|(key, turn)| match turn {
        Turn::Alone => format!("x{key}"),
        Turn::Shared => format!("s{key}"),
    });
    words.collect::<Vec<_>>().join(",")
}

/// The random half of an id.
fn key(id: OrganizationId) -> i64 {
    let (_, half) = id.0.as_u64_pair();
    i64::from_be_bytes(half.to_be_bytes())
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
        assert!(text.contains(&format!("x{}", key(ids[3]))) && text.contains(&format!("s{}", key(ids[4]))));
    }

    #[test]
    fn generations_are_read_from_one_text() {
        let id = OrganizationId::new();
        let read: Vec<_> = generations(&format!("{id}:7,{id}:8")).collect();
        assert_eq!(read, [(id, 7), (id, 8)]);
        assert_eq!(generations("").count(), 0);
    }
}
