//! The GraphQL API: merges the nouns into one schema and sets its limits.
//!
//! A request goes through [`http`], which checks it and finds its document in [`guard`]'s cache; the library validates
//! and executes; [`translate`] gives what went wrong its code.
//!
//! A field that can fail and may be null is `Option<Result<T>>`: with `Result<Option<T>>` the library takes the parent
//! away. A fallible field that is not null is `Result<T>`. A list argument's bounds and its part in the complexity are in
//! [`list`].

pub mod coerce;
pub mod context;
pub mod error;
pub mod guard;
pub mod http;
pub mod list;
pub mod translate;
pub mod types;

use std::sync::Arc;

use async_graphql::{EmptySubscription, Object, SchemaBuilder};
use labelhook_core::App;

use self::error::Result;

/// Fields of an answer, lists counted by their `first`.
pub const MAX_COMPLEXITY: usize = 50_000;
/// Fields below fields. The introspection of common tools needs 15.
pub const MAX_DEPTH: usize = 15;

/// The schema of the API.
pub type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// The schema with its limits. `app` is what resolvers find as `ctx.app()`.
pub fn build(app: Arc<App>) -> Schema {
    limited(Schema::build(Query, Mutation, EmptySubscription))
        .data(app)
        .finish()
}

/// The limits that are left to the library.
pub fn limited<Q, M, S>(schema: SchemaBuilder<Q, M, S>) -> SchemaBuilder<Q, M, S> {
    schema.limit_complexity(MAX_COMPLEXITY).limit_depth(MAX_DEPTH)
}

/// What can be asked.
#[derive(Debug, Default, Clone, Copy)]
pub struct Query;

/// What can be asked.
#[Object]
impl Query {
    /// The service's name.
    async fn service(&self) -> &'static str {
        "labelhook"
    }
}

/// What can be changed.
#[derive(Debug, Default, Clone, Copy)]
pub struct Mutation;

/// What can be changed.
#[Object]
impl Mutation {
    /// Does nothing.
    async fn nothing(&self) -> Result<bool> {
        Ok(true)
    }
}
