//! An operation that is to be executed: its document, its variables and who asks.

use std::sync::Arc;

use async_graphql::parser::types::{OperationDefinition, OperationType, Selection};
use async_graphql::{Name, Pos, Request, Value, Variables};
use labelhook_core::auth::Actor;

use super::document::Document;
use super::params::Params;
use super::subscription::key::Key;

/// An operation to execute.
pub struct Operation {
    text: String,
    document: Arc<Document>,
    name: Option<String>,
    variables: Variables,
    actor: Actor,
}

impl Operation {
    /// Makes the operation of these parameters, in a document that has passed all checks.
    pub fn new(document: Arc<Document>, params: Params, actor: Actor) -> Self {
        Self {
            text: params.query,
            document,
            name: params.operation_name,
            variables: params.variables,
            actor,
        }
    }

    /// Makes its request, again and again.
    pub fn template(&self) -> Box<dyn Fn() -> Request + Send + Sync> {
        let (document, name) = (Arc::clone(&self.document), self.name.clone());
        let (variables, actor) = (self.variables.clone(), self.actor.clone());
        Box::new(move || request(&document, name.clone(), variables.clone(), actor.clone()))
    }

    /// Its document.
    pub fn document(&self) -> &Arc<Document> {
        &self.document
    }

    /// Its request.
    pub fn request(&self) -> Request {
        request(
            &self.document,
            self.name.clone(),
            self.variables.clone(),
            self.actor.clone(),
        )
    }

    /// Its request, for the last time.
    pub fn into_request(self) -> Request {
        request(&self.document, self.name, self.variables, self.actor)
    }

    /// Returns the key that decides how its rows are rendered. Its text goes with it.
    pub fn key(&mut self) -> Key {
        let text = std::mem::take(&mut self.text);
        let (document, name) = (self.document.parsed(), self.name.as_deref());
        Key::new(text, document, self.definition(), name, &self.variables, &self.actor)
    }

    /// The one field of a subscription.
    pub fn topmost(&self) -> Topmost {
        let selection = &self.definition().selection_set.node.items[0];
        let name = match &selection.node {
            Selection::Field(field) => field.node.response_key().node.to_string(),
            _ => String::new(),
        };
        Topmost {
            name,
            at: selection.pos,
        }
    }

    fn definition(&self) -> &OperationDefinition {
        let found = self.document.operation(self.name.as_deref());
        &found.expect("it was found when it was prepared").node
    }

    /// It is the only one of its document, and each of its variables has a value. One that is null, or was not sent, is
    /// the one thing about variables that the library's rules look at and `Types::check_variables` does not: whether it
    /// may be so where it stands.
    pub fn is_full(&self) -> bool {
        let has_value = |name: &Name| self.variables.get(name).is_some_and(|value| *value != Value::Null);
        let mut declared = self.definition().variable_definitions.iter();
        self.document.is_single() && declared.all(|variable| has_value(&variable.node.name.node))
    }

    /// Query, mutation or subscription.
    pub fn ty(&self) -> OperationType {
        self.definition().ty
    }

    /// Returns whether it may be sent again after a failure without doing anything twice.
    pub fn is_safe_to_repeat(&self) -> bool {
        Document::is_safe_to_repeat(self.definition())
    }
}

/// The subscription's one field, for what is said of it.
pub struct Topmost {
    /// Its name in the answer.
    pub name: String,
    /// Its position in the document.
    pub at: Pos,
}

fn request(document: &Document, name: Option<String>, variables: Variables, actor: Actor) -> Request {
    let mut request = Request::new(String::new()).variables(variables).data(actor);
    request.operation_name = name;
    request.set_parsed_query(document.parsed().clone());
    request
}
