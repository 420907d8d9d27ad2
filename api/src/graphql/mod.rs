//! The GraphQL API: merges the types of all nouns into one schema and sets its limits.
//!
//! A request comes in by [`endpoint`], which finds its document in [`document`]'s cache; the library validates and
//! executes; [`error_codes`] gives what went wrong its code. Nothing here knows of HTTP.
//!
//! The nouns name each other, as GraphQL's types do: a label has a project and a project has labels. So their files
//! form a circle, the only one of this crate.
//!
//! A field that can fail and may be null is `Option<Result<T>>`: with `Result<Option<T>>` the library nulls the parent
//! instead. A fallible field that is not null is `Result<T>`. The bounds of list arguments and their part in the
//! complexity are in [`list`].

pub mod api_key;
pub mod batch;
pub mod connection;
pub mod context;
pub mod data_row;
pub mod dataset;
pub mod document;
pub mod endpoint;
pub mod error;
pub mod error_codes;
pub mod event;
mod filter;
pub mod input;
pub mod json;
pub mod label;
pub mod list;
pub mod listener;
pub mod loader;
mod log_loader;
pub mod node;
pub mod notification;
pub mod operation;
pub mod organization;
pub mod params;
pub mod payload;
pub mod project;
pub mod replay;
pub mod response;
pub mod review;
pub mod subscription;
pub mod task;
pub mod user;
mod variables;
pub mod webhook;
mod where_input;
mod work_loader;
pub mod workflow;

use std::sync::Arc;

use async_graphql::{MergedObject, SchemaBuilder, ValidationMode};
use labelhook_core::App;

use self::subscription::Subscription;

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
