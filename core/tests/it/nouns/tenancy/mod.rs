//! Tenancy: a row of another organization, or of a project that a key has no access to, is not found. Every noun of
//! [`lookup::NOUNS`] is tried with every verb that takes its id.

mod rows;
mod verbs;

use crate::{nouns::access::limited, support::World};
use entity::Role;
use labelhook_core::{Error, lookup};
use rows::Rows;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use verbs::Attempt;

/// Tables with an organization whose ids no verb takes. Their rows are reached through a noun.
const REACHED: [&str; 14] = [
    "attempt",
    "batch_data_row",
    "deletion",
    "idempotency_key",
    "intake",
    "payload",
    "postponed_match",
    "project_dataset",
    "replay_part",
    "stage_visit",
    "tally",
    "webhook_health",
    "webhook_secret",
    "workflow",
];

/// Nouns that every key of the organization has access to, limited to projects or not.
const UNLIMITED: [&str; 2] = ["apiKey", "user"];

fn is_not_found(error: &Error, noun: &str, given: &str) -> bool {
    matches!(error, Error::NotFound { noun: found, id } if *found == noun && id == given)
}

#[tokio::test]
async fn an_id_of_another_organization_is_not_found_by_any_verb_of_any_noun() {
    let world = World::new().await;
    let (ours, theirs) = (
        world.member_of("Ours", Role::Owner).await,
        world.member_of("Theirs", Role::Owner).await,
    );
    let (own, foreign) = (Rows::of(&world, &ours).await, Rows::of(&world, &theirs).await);
    for noun in lookup::NOUNS {
        let id = foreign.id(noun.name);
        let attempt = Attempt {
            world: &world,
            actor: &ours,
            own: &own,
            id: &id,
        };
        for (verb, answer) in attempt.every(noun.name).await {
            let error = answer.expect_err(verb);
            assert!(is_not_found(&error, noun.name, &id), "{verb}: {error:?}");
        }
    }
}

#[tokio::test]
async fn an_id_of_another_project_is_not_found_by_any_verb_with_a_limited_key() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    let (own, other) = (Rows::of(&world, &owner).await, Rows::of(&world, &owner).await);
    let key = limited(&world, &owner, &[own.project_id]).await;
    for noun in lookup::NOUNS.iter().filter(|noun| !UNLIMITED.contains(&noun.name)) {
        let id = other.id(noun.name);
        let attempt = Attempt {
            world: &world,
            actor: &key,
            own: &own,
            id: &id,
        };
        for (verb, answer) in attempt.every(noun.name).await {
            let error = answer.expect_err(verb);
            // Some verbs are for whole organizations only, and say so before they look for the row.
            let forbidden = matches!(error, Error::Forbidden(_));
            assert!(forbidden || is_not_found(&error, noun.name, &id), "{verb}: {error:?}");
        }
    }
}

#[tokio::test]
async fn each_table_with_an_organization_is_of_a_noun_or_reached_through_one() {
    let world = World::new().await;
    let db = world.app.db.read();
    let sql = match db.get_database_backend() {
        DbBackend::Sqlite => {
            "SELECT m.name AS name FROM sqlite_master m JOIN pragma_table_info(m.name) c
            WHERE m.type = 'table' AND c.name = 'organization_id'"
        }
        _ => {
            "SELECT c.relname::text AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE a.attname = 'organization_id' AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
        }
    };
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let rows = db.query_all_raw(statement).await.expect("the tables");
    let mut tables: Vec<String> = rows
        .iter()
        .map(|row| row.try_get("", "name").expect("a name"))
        .collect();
    let nouns = lookup::NOUNS.iter().map(|noun| noun.table);
    let mut known: Vec<&str> = nouns.chain(REACHED).collect();
    tables.sort_unstable();
    known.sort_unstable();
    assert_eq!(tables, known);
}
