//! The types of a schema, as far as value checks need them. They are parsed from the schema's SDL, since the library
//! keeps its registry private.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, FieldDefinition, InputValueDefinition, Type, TypeKind, TypeSystemDefinition,
};
use async_graphql::{Name, Positioned};

/// The types of a schema, as far as value checks need them.
#[derive(Debug, Default)]
pub struct Types {
    pub(super) inputs: HashMap<Name, HashMap<Name, Input>>,
    pub(super) enums: HashMap<Name, HashSet<Name>>,
    pub(super) scalars: HashSet<Name>,
    pub(in crate::graphql) fields: HashMap<Name, HashMap<Name, Output>>,
    /// The argument of `@include` and `@skip`.
    pub(super) condition: HashMap<Name, Input>,
}

/// A field of an input object, or an argument.
#[derive(Debug)]
pub(in crate::graphql) struct Input {
    pub(in crate::graphql) ty: Type,
    pub(super) has_default: bool,
}

impl Input {
    fn condition() -> Self {
        Self {
            ty: Type::new("Boolean!").expect("a type"),
            has_default: false,
        }
    }

    /// Returns whether a value must be given.
    pub(super) fn is_required(&self) -> bool {
        !self.ty.nullable && !self.has_default
    }
}

/// A field of an object.
#[derive(Debug)]
pub(in crate::graphql) struct Output {
    pub(in crate::graphql) ty: Name,
    pub(in crate::graphql) arguments: HashMap<Name, Input>,
}

/// Built-in scalars, which SDL does not list.
const BUILT_IN: [&str; 5] = ["Boolean", "Float", "ID", "Int", "String"];

impl Types {
    /// Parses the types from SDL.
    pub fn of(sdl: &str) -> Self {
        let mut types = Self {
            scalars: BUILT_IN.into_iter().map(Name::new).collect(),
            condition: HashMap::from([(Name::new("if"), Input::condition())]),
            ..Self::default()
        };
        let document = parse_schema(sdl).expect("the library reads what it prints");
        for definition in document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else {
                continue;
            };
            let name = definition.node.name.node;
            match definition.node.kind {
                TypeKind::InputObject(object) => {
                    types
                        .inputs
                        .insert(name, object.fields.into_iter().map(input).collect());
                }
                TypeKind::Enum(words) => {
                    types.enums.insert(
                        name,
                        words.values.into_iter().map(|word| word.node.value.node).collect(),
                    );
                }
                TypeKind::Object(object) => {
                    types
                        .fields
                        .insert(name, object.fields.into_iter().map(output).collect());
                }
                TypeKind::Interface(interface) => {
                    types
                        .fields
                        .insert(name, interface.fields.into_iter().map(output).collect());
                }
                TypeKind::Scalar => {
                    types.scalars.insert(name);
                }
                TypeKind::Union(_) => {}
            }
        }
        types
    }
}

fn input(definition: Positioned<InputValueDefinition>) -> (Name, Input) {
    let InputValueDefinition {
        name,
        ty,
        default_value,
        ..
    } = definition.node;
    let has_default = default_value.is_some();
    (
        name.node,
        Input {
            ty: ty.node,
            has_default,
        },
    )
}

fn output(definition: Positioned<FieldDefinition>) -> (Name, Output) {
    let FieldDefinition {
        name, ty, arguments, ..
    } = definition.node;
    (
        name.node,
        Output {
            ty: innermost(&ty.node).clone(),
            arguments: arguments.into_iter().map(input).collect(),
        },
    )
}

/// Returns the innermost type of nested lists.
pub(super) fn innermost(ty: &Type) -> &Name {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(item) => innermost(item),
    }
}
