//! The GraphQL API: merges the types of all nouns into one schema and sets its limits.
//!
//! It is entered by [`build`], which the server calls once, and by a request over [`http`], [`ws`] or [`sse`]. A
//! request is checked, its document is taken from [`guard`]'s cache, and the library validates and executes it;
//! [`translate`] gives every error its code. Nothing here may import sea-orm: every read and write is a call of
//! `labelhook_core`.
//!
//! A field that can fail and may be null is `Option<Result<T>>`: with `Result<Option<T>>` the library nulls the parent
//! instead. A fallible field that is not null is `Result<T>`. The bounds of list arguments and their part in the
//! complexity are in [`list`].

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

/// The maximum complexity of an operation: the number of its fields, those of a list multiplied by its `first`.
pub const MAX_COMPLEXITY: usize = 50_000;
/// The maximum depth of nested fields. The introspection query of common tools needs 15.
pub const MAX_DEPTH: usize = 15;

/// The schema of the API.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// The schema in two validation modes. The library fixes the mode with a schema, and validating by all rules takes
/// longer than executing a small operation.
pub struct Schemas {
    /// Validates every document by all rules.
    pub strict: Schema,
    /// For documents that have already passed all rules: checks only complexity and depth, which depend on the
    /// variables.
    pub passed: Schema,
}

/// Builds the schemas with their limits. Resolvers get `app` as `ctx.app()`.
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

/// Returns the published contract: the schema as SDL text.
pub fn sdl() -> String {
    builder().finish().sdl()
}

fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    limited(Schema::build(Query::default(), Mutation::default(), Subscription))
}

/// Sets the limits that the library enforces.
pub fn limited<Q, M, S>(schema: SchemaBuilder<Q, M, S>) -> SchemaBuilder<Q, M, S> {
    schema.limit_complexity(MAX_COMPLEXITY).limit_depth(MAX_DEPTH)
}

/// The queries of the API.
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

/// The mutations of the API.
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
    // The library looks fields up from the end, so the most frequent come last.
    label::LabelMutation,
);
