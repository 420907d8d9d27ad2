//! [`WhereInput`]: the `where` argument of a list, generated from the conditions of a noun. A noun names them once, in
//! [`Listed::conditions`]: each field with its type and its words. The operators, the descriptions in the schema and
//! the parsing of the input follow from that.

mod conditions;
mod values;

pub use conditions::{Conditions, Listed};

use async_graphql::{
    InputObjectType, InputType, InputValueError, InputValueResult, Name, Value as Given,
    indexmap::IndexMap,
    registry::{InputObjectBuilder, MetaInputValue, MetaTypeId, Registry},
};
use labelhook_core::list::{Filter, Operator};
use std::{any::type_name, borrow::Cow};

use values::Values;

/// The conditions of a list, all of which must hold.
pub struct WhereInput<N: Listed>(Filter<N::Field>);

impl<N: Listed> WhereInput<N> {
    /// Converts the input into core's filter.
    pub fn filter(self) -> Filter<N::Field> {
        self.0
    }
}

const AND: &str = "AND";

impl<N: Listed> InputType for WhereInput<N> {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        N::NAME.into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_input_type::<Self, _>(MetaTypeId::InputObject, |registry| {
            let fields = IndexMap::new();
            let mut schema = Schema { registry, fields };
            schema.add::<Vec<Self>>(AND, "Further conditions, all of which must hold too.".into());
            N::conditions(&mut schema);
            InputObjectBuilder::new(N::NAME, schema.fields)
                .rust_typename(type_name::<Self>())
                .description(Some(N::DESCRIPTION.into()))
                .build()
        })
    }

    fn parse(given: Option<Given>) -> InputValueResult<Self> {
        let Some(Given::Object(given)) = given else {
            return Err(InputValueError::expected_type(given.unwrap_or_default()));
        };
        let read = Ok(Self(Filter::And(Vec::new())));
        let mut reader = Reader { given, read };
        reader.add(AND, |all: Vec<Self>| {
            Filter::And(all.into_iter().map(Self::filter).collect())
        });
        N::conditions(&mut reader);
        reader.read
    }

    /// The library calls this only to show a default value in the schema, and no argument of this type has one.
    fn to_value(&self) -> Given {
        Given::Null
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        Some(self)
    }
}

impl<N: Listed> InputObjectType for WhereInput<N> {}

/// Describes the conditions in the schema.
struct Schema<'r> {
    registry: &'r mut Registry,
    fields: IndexMap<String, MetaInputValue>,
}

impl Schema<'_> {
    fn add<T: InputType>(&mut self, name: &str, about: String) {
        let shown = Option::<T>::create_type_info(self.registry);
        let mut field = MetaInputValue::new(name.to_owned(), shown);
        field.description = Some(about);
        self.fields.insert(name.to_owned(), field);
    }
}

impl<N: Listed> Conditions<N> for Schema<'_> {
    fn compare<T: InputType + Values>(&mut self, name: &str, about: [&str; 2], _: &N::Field, operator: Operator) {
        match operator {
            Operator::In => self.add::<Vec<T>>(name, about.join(" ")),
            _ => self.add::<T>(name, about.join(" ")),
        }
    }

    fn nested<M: Listed<Field = N::Field>>(&mut self, name: &str, about: &str) {
        self.add::<WhereInput<M>>(name, about.to_owned());
    }
}

/// Parses the conditions that are given, up to the first fault.
struct Reader<N: Listed> {
    given: IndexMap<Name, Given>,
    read: InputValueResult<WhereInput<N>>,
}

impl<N: Listed> Reader<N> {
    fn add<T: InputType>(&mut self, name: &str, part: impl FnOnce(T) -> Filter<N::Field>) {
        let Ok(WhereInput(Filter::And(parts))) = &mut self.read else {
            return;
        };
        match Option::<T>::parse(self.given.get(name).cloned()) {
            Ok(given) => parts.extend(given.map(part)),
            Err(fault) => self.read = Err(fault.propagate()),
        }
    }
}

impl<N: Listed> Conditions<N> for Reader<N> {
    fn compare<T: InputType + Values>(&mut self, name: &str, _: [&str; 2], field: &N::Field, operator: Operator) {
        let is = |values| Filter::Is {
            field: field.clone(),
            operator,
            values,
        };
        match operator {
            Operator::In => self.add(name, |given: Vec<T>| is(given.values())),
            _ => self.add(name, |given: T| is(given.values())),
        }
    }

    fn nested<M: Listed<Field = N::Field>>(&mut self, name: &str, _: &str) {
        self.add(name, WhereInput::<M>::filter);
    }
}
