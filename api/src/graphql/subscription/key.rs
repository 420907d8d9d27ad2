//! The key that decides how a row is rendered: the document, its operation, the variables that are used below the
//! subscription's own arguments, and who looks. Subscribers who differ only in what they filter by, or in where they go
//! on, share one subscription.

use std::collections::BTreeMap;
use std::convert::Infallible;

use async_graphql::parser::types::{Directive, ExecutableDocument, OperationDefinition, Selection, SelectionSet};
use async_graphql::{Name, Positioned, Value, Variables};
use labelhook_core::auth::{Actor, Sight};

/// Subscribers with equal keys are told the same bytes of each row.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Key {
    document: String,
    operation: Option<String>,
    variables: String,
    sight: Sight,
}

impl Key {
    /// Builds the key of an operation that has passed all checks.
    pub fn new(
        text: String,
        document: &ExecutableDocument,
        operation: &OperationDefinition,
        name: Option<&str>,
        variables: &Variables,
        actor: &Actor,
    ) -> Self {
        let mut used = Used {
            given: variables,
            values: BTreeMap::new(),
        };
        used.below(&operation.selection_set.node);
        for fragment in document.fragments.values() {
            used.directives(&fragment.node.directives);
            used.selections(&fragment.node.selection_set.node);
        }
        Self {
            document: text,
            operation: name.map(str::to_owned),
            variables: serde_json::to_string(&used.values).expect("names are strings and numbers are finite"),
            sight: actor.sight(),
        }
    }
}

/// The used variables with their values.
struct Used<'a> {
    given: &'a Variables,
    values: BTreeMap<String, Option<&'a Value>>,
}

impl Used<'_> {
    /// Collects the variables below the arguments of the root fields.
    fn below(&mut self, set: &SelectionSet) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    self.directives(&field.node.directives);
                    self.selections(&field.node.selection_set.node);
                }
                other => self.selection(other),
            }
        }
    }

    fn selections(&mut self, set: &SelectionSet) {
        set.items.iter().for_each(|selection| self.selection(&selection.node));
    }

    fn selection(&mut self, selection: &Selection) {
        match selection {
            Selection::Field(field) => {
                let values = field.node.arguments.iter().map(|(_, value)| value.node.clone());
                values.for_each(|value| drop(value.into_const_with(|name| self.variable(name))));
                self.directives(&field.node.directives);
                self.selections(&field.node.selection_set.node);
            }
            Selection::FragmentSpread(spread) => self.directives(&spread.node.directives),
            Selection::InlineFragment(inline) => {
                self.directives(&inline.node.directives);
                self.selections(&inline.node.selection_set.node);
            }
        }
    }

    fn directives(&mut self, directives: &[Positioned<Directive>]) {
        for directive in directives {
            let values = directive.node.arguments.iter().map(|(_, value)| value.node.clone());
            values.for_each(|value| drop(value.into_const_with(|name| self.variable(name))));
        }
    }

    fn variable(&mut self, name: Name) -> Result<Value, Infallible> {
        let value = self.given.get(&name);
        self.values.insert(name.to_string(), value);
        Ok(Value::Null)
    }
}
