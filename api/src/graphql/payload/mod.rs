//! Payload queries: a webhook's body as a GraphQL selection on [`Event`]. Text in, at the time of saving: it is bounded
//! and parsed as any document ([`document`]), validated by the library against a schema of its own whose root is the
//! event, and made a [`plan`]. An event's row in, at the time of publishing: [`render`] walks the plan.
//!
//! The schema contains only what the event itself carries. A body therefore needs no access to the database, and
//! exposes nothing that the standard payload of the same event could not, so no permission of the webhook's creator is
//! checked. Nothing here may read the database.

mod event;
mod plan;
mod render;

use std::fmt;
use std::sync::Arc;

use async_graphql::parser::types::{OperationDefinition, OperationType};
use async_graphql::{EmptyMutation, EmptySubscription, Pos, Positioned, Request, ServerError};
use labelhook_core::payload::{self, Compiling, Selection};

use super::document;
use super::document::types::Types;
use super::error_codes::translate;
use event::Event;
use plan::Planner;
use render::Plan;

/// The maximum size of a payload query in bytes.
pub const MAX_BYTES: usize = 4096;
/// The maximum number of fields of a payload query, with fragments expanded.
pub const MAX_FIELDS: usize = 200;
/// The maximum depth of nested fields.
pub const MAX_DEPTH: usize = 8;

type Schema = async_graphql::Schema<Event, EmptyMutation, EmptySubscription>;

/// Compiles payload queries for core.
pub struct Shaper {
    schema: Schema,
    documents: document::Cache,
}

impl Default for Shaper {
    fn default() -> Self {
        let schema = schema();
        let documents = document::Cache::new(Types::of(&schema.sdl()));
        Self { schema, documents }
    }
}

impl fmt::Debug for Shaper {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shaper").finish_non_exhaustive()
    }
}

/// Returns the schema of payload queries as SDL text.
pub fn sdl() -> String {
    schema().sdl()
}

fn schema() -> Schema {
    Schema::build(Event::empty(), EmptyMutation, EmptySubscription)
        .limit_complexity(MAX_FIELDS)
        .limit_depth(MAX_DEPTH)
        .finish()
}

impl payload::Shaper for Shaper {
    fn compile<'a>(&'a self, query: &'a str) -> Compiling<'a> {
        Box::pin(async move {
            let plan = self.plan(query).await?;
            Ok(Arc::new(plan) as Arc<dyn Selection>)
        })
    }
}

impl Shaper {
    async fn plan(&self, query: &str) -> Result<Plan, String> {
        if query.len() > MAX_BYTES {
            return Err(format!("must have at most {MAX_BYTES} bytes"));
        }
        let refused = |error: super::error::ApiError| told(&error.into_server_error());
        let document = self.documents.get(query).map_err(refused)?;
        let operation = document.operation(None).map_err(refused)?;
        operation_fits(operation).map_err(|(pos, reason)| at(pos, &reason))?;
        let planner = Planner {
            document: document.parsed(),
            types: self.documents.types(),
        };
        let mut request = Request::new(String::new());
        request.set_parsed_query(document.parsed().clone());
        let mut errors = self.schema.execute(request).await.errors;
        translate(&mut errors, document.parsed(), "payloadQuery");
        if let Some(first) = errors.first() {
            return Err(told(first));
        }
        let selections = &operation.node.selection_set.node;
        let nodes = planner.plan("Event", &[selections]);
        nodes.map(Plan).map_err(|(pos, reason)| at(pos, &reason))
    }
}

/// Checks that the operation is a query without variables, since nothing would supply their values.
fn operation_fits(operation: &Positioned<OperationDefinition>) -> Result<(), plan::Fault> {
    if operation.node.ty != OperationType::Query {
        return Err((operation.pos, "must be a selection on Event".to_owned()));
    }
    match operation.node.variable_definitions.first() {
        Some(variable) => Err((variable.pos, "a payload query has no variables".to_owned())),
        None => Ok(()),
    }
}

/// Renders an error's first position and its message.
fn told(error: &ServerError) -> String {
    match error.locations.first() {
        Some(pos) => at(*pos, &error.message),
        None => error.message.clone(),
    }
}

fn at(pos: Pos, reason: &str) -> String {
    format!("line {}, column {}: {reason}", pos.line, pos.column)
}

#[cfg(test)]
mod tests;
