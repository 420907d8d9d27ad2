//! The compiled form of a payload query: its selection as a tree, with fragments expanded, conditions evaluated and
//! fields of one name merged. Rendering an event is then a walk over its stored text, member by member; a value that is
//! selected as a whole keeps its digits.

use async_graphql::parser::types::{Directive, ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::{Name, Pos, Positioned, Value};

use super::super::document::types::Types;

/// A field of the result.
#[derive(Debug, PartialEq)]
pub(super) struct Node {
    /// The name of the field in the result.
    pub(super) key: String,
    /// The name of the member in the data.
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// The kind of value of a field.
#[derive(Debug, PartialEq)]
pub(super) enum Kind {
    /// The name of the enclosing type.
    Typename(String),
    /// A value, copied unchanged.
    Value,
    /// These fields of an object, or of each element of a list.
    Object(Vec<Node>),
}

/// The position and reason for which a selection cannot be compiled.
pub(super) type Fault = (Pos, String);

/// Compiles a valid document against the types that it was validated with.
pub(super) struct Planner<'a> {
    pub(super) document: &'a ExecutableDocument,
    pub(super) types: &'a Types,
}

impl<'a> Planner<'a> {
    /// Compiles the fields of all these selections on one type.
    pub(super) fn plan(&self, parent: &str, selections: &[&'a SelectionSet]) -> Result<Vec<Node>, Fault> {
        let mut fields = Vec::new();
        for set in selections {
            self.collect(set, &mut fields)?;
        }
        let nodes = fields.into_iter().map(|(key, fields)| self.node(parent, key, &fields));
        nodes.collect()
    }

    /// Collects fields by their name in the result, in the order of their first occurrence.
    fn collect(
        &self,
        selections: &'a SelectionSet,
        fields: &mut Vec<(&'a Name, Vec<&'a Positioned<Field>>)>,
    ) -> Result<(), Fault> {
        for selection in &selections.items {
            if !is_included(selection.node.directives()) {
                continue;
            }
            match &selection.node {
                Selection::Field(field) => {
                    let key = &field.node.response_key().node;
                    match fields.iter_mut().find(|(known, _)| *known == key) {
                        Some((_, same)) => same.push(field),
                        None => fields.push((key, vec![field])),
                    }
                }
                Selection::InlineFragment(inline) => self.collect(&inline.node.selection_set.node, fields)?,
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name;
                    let unknown = || (name.pos, format!("Unknown fragment: \"{}\"", name.node));
                    let fragment = self.document.fragments.get(&name.node).ok_or_else(unknown)?;
                    self.collect(&fragment.node.selection_set.node, fields)?;
                }
            }
        }
        Ok(())
    }

    fn node(&self, parent: &str, key: &Name, fields: &[&'a Positioned<Field>]) -> Result<Node, Fault> {
        let field = fields[0];
        let name = &field.node.name.node;
        let kind = match name.as_str() {
            "__typename" => Kind::Typename(parent.to_owned()),
            name if name.starts_with("__") => {
                return Err((field.pos, "a payload query cannot ask for the schema".to_owned()));
            }
            name => self.kind(parent, name, fields)?,
        };
        Ok(Node {
            key: key.to_string(),
            name: name.to_string(),
            kind,
        })
    }

    fn kind(&self, parent: &str, name: &str, fields: &[&'a Positioned<Field>]) -> Result<Kind, Fault> {
        let sets: Vec<&SelectionSet> = fields.iter().map(|field| &field.node.selection_set.node).collect();
        if sets.iter().all(|set| set.items.is_empty()) {
            return Ok(Kind::Value);
        }
        let output = self.types.fields.get(parent).and_then(|fields| fields.get(name));
        let of = output.map(|output| output.ty.as_str()).unwrap_or_default();
        self.plan(of, &sets).map(Kind::Object)
    }
}

/// Evaluates a condition, which is a Boolean literal since there are no variables.
fn is_included(directives: &[Positioned<Directive>]) -> bool {
    directives.iter().all(|directive| {
        let condition = directive.node.get_argument("if").map(|value| &value.node);
        let holds = condition.is_some_and(|value| value.clone().into_const() == Some(Value::Boolean(true)));
        match directive.node.name.node.as_str() {
            "include" => holds,
            "skip" => !holds,
            _ => true,
        }
    })
}
