//! The GraphQL API: merges the nouns into one schema and sets its limits.
//!
//! A request goes through [`http`], which checks it and finds its document in [`guard`]'s cache; the library validates
//! and executes; [`translate`] gives what went wrong its code.
//!
//! A field that can fail and may be null is `Option<Result<T>>`: with `Result<Option<T>>` the library takes the parent
//! away. A fallible field that is not null is `Result<T>`. A list argument's bounds and its part in the complexity are in
//! [`list`].

pub mod api_key;
pub mod batch;
pub mod coerce;
pub mod connection;
pub mod context;
pub mod data_row;
pub mod dataset;
pub mod error;
pub mod event;
pub mod feed;
mod filter;
pub mod guard;
pub mod http;
pub mod input;
pub mod json;
pub mod label;
pub mod list;
pub mod listener;
pub mod loader;
mod log_loader;
pub mod node;
pub mod notification;
pub mod organization;
pub mod payload;
pub mod project;
pub mod replay;
pub mod review;
pub mod sse;
pub mod task;
pub mod translate;
pub mod types;
pub mod user;
pub mod webhook;
mod work_loader;
pub mod workflow;
pub mod ws;

use std::sync::Arc;

use async_graphql::{MergedObject, SchemaBuilder, ValidationMode};
use labelhook_core::App;

use self::feed::Subscription;

/// Fields of an answer, lists counted by their `first`.
pub const MAX_COMPLEXITY: usize = 50_000;
/// Fields below fields. The introspection of common tools needs 15.
pub const MAX_DEPTH: usize = 15;

/// The schema of the API.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// The schema, twice: how the library checks documents is fixed with a schema, and by all its rules that takes longer than
/// executing a small operation.
pub struct Schemas {
    /// Holds every document to all rules.
    pub strict: Schema,
    /// For documents that have passed all rules: measures an operation, since its variables say how much it is, and no more.
    pub passed: Schema,
}

/// The schema with its limits. `app` is what resolvers find as `ctx.app()`.
pub fn build(app: &Arc<App>) -> Schemas {
    let checking = |mode| {
        let loader = loader::new(Arc::clone(app));
        builder()
            .validation_mode(mode)
            .data(Arc::clone(app))
            .data(loader)
            .finish()
    };
    Schemas {
        strict: checking(ValidationMode::Strict),
        passed: checking(ValidationMode::Fast),
    }
}

/// The published contract: the schema's own text.
pub fn sdl() -> String {
    builder().finish().sdl()
}

fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    limited(Schema::build(Query::default(), Mutation::default(), Subscription))
}

/// The limits that are left to the library.
pub fn limited<Q, M, S>(schema: SchemaBuilder<Q, M, S>) -> SchemaBuilder<Q, M, S> {
    schema.limit_complexity(MAX_COMPLEXITY).limit_depth(MAX_DEPTH)
}

/// What can be asked.
#[derive(Default, MergedObject)]
pub struct Query(
    node::NodeQuery,
    organization::OrganizationQuery,
    user::UserQuery,
    project::ProjectQuery,
    dataset::DatasetQuery,
    data_row::DataRowQuery,
    label::LabelQuery,
    review::ReviewQuery,
    webhook::WebhookQuery,
    event::EventQuery,
    notification::NotificationQuery,
    replay::ReplayQuery,
    workflow::WorkflowQuery,
    task::TaskQuery,
);

/// What can be changed.
#[derive(Default, MergedObject)]
pub struct Mutation(
    project::ProjectMutation,
    dataset::DatasetMutation,
    data_row::DataRowMutation,
    batch::BatchMutation,
    review::ReviewMutation,
    organization::OrganizationMutation,
    user::UserMutation,
    api_key::ApiKeyMutation,
    webhook::WebhookMutation,
    listener::ListenerMutation,
    notification::NotificationMutation,
    replay::ReplayMutation,
    workflow::WorkflowMutation,
    task::TaskMutation,
    // Fields are looked for from the end: what is asked for most comes last.
    label::LabelMutation,
);
