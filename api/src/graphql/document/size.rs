//! The size of a parsed document with its fragments expanded, each fragment measured once. Thirty fragments that spread
//! the next one twice are 900 bytes and 2^30 fields: the library would walk them all without yielding.

use std::collections::HashMap;

use async_graphql::parser::types::{Directive, ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::{Name, Positioned, Value};

use super::super::error::{ApiError, Code};

/// The maximum number of fields of a document, with fragments expanded.
pub const MAX_FIELDS: u32 = 10_000;
/// The maximum number of root fields of an operation.
pub const MAX_ROOT_FIELDS: u32 = 50;
/// The maximum number of aliases of a document, with fragments expanded.
pub const MAX_ALIASES: u32 = 50;
/// The maximum number of directives on one field, spread or fragment.
pub const MAX_DIRECTIVES_PER_FIELD: usize = 5;
/// The maximum number of directives of a document, with fragments expanded.
pub const MAX_DIRECTIVES: u32 = 50;
/// The maximum nesting of selections, a fragment counting as one level.
pub const MAX_HEIGHT: u32 = 32;
/// Introspection fields that lead from a type to other types. Tools use one on a path; a second one repeats the schema
/// in cycles.
const TO_OTHER_TYPES: [&str; 4] = ["fields", "inputFields", "interfaces", "possibleTypes"];

/// The size of a selection.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// The number of fields at any level.
    pub fields: u32,
    /// The number of fields at the first level.
    pub first_level: u32,
    aliases: u32,
    directives: u32,
    height: u32,
    circles: u32,
}

/// Measures every operation and fragment; refuses what exceeds a limit.
pub fn measure(document: &ExecutableDocument) -> Result<Size, ApiError> {
    let mut measure = Measure {
        document,
        fragments: HashMap::new(),
        level: 0,
    };
    for name in document.fragments.keys() {
        measure.fragment(name)?;
    }
    let mut total = Size::default();
    for (_, operation) in document.operations.iter() {
        let size = measure.selection_set(&operation.node.selection_set)?;
        if size.first_level > MAX_ROOT_FIELDS {
            return Err(over("root fields", MAX_ROOT_FIELDS).at(operation.pos));
        }
        total = total.beside(size);
        total.directives = total
            .directives
            .saturating_add(count_directives(&operation.node.directives)?);
        total.check()?;
    }
    Ok(total)
}

struct Measure<'a> {
    document: &'a ExecutableDocument,
    /// `None` while the fragment is being measured: meeting it again is a cycle.
    fragments: HashMap<&'a Name, Option<Size>>,
    /// The depth of this function's own recursion.
    level: u32,
}

impl<'a> Measure<'a> {
    fn fragment(&mut self, name: &'a Name) -> Result<Size, ApiError> {
        match self.fragments.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err(invalid(format!("Cannot spread fragment \"{name}\" within itself"))),
            None => {}
        }
        let Some(fragment) = self.document.fragments.get(name) else {
            return Ok(Size::default());
        };
        self.fragments.insert(name, None);
        let size = self.selection_set(&fragment.node.selection_set)?;
        self.fragments.insert(name, Some(size));
        Ok(size)
    }

    fn selection_set(&mut self, selections: &'a Positioned<SelectionSet>) -> Result<Size, ApiError> {
        self.level += 1;
        if self.level > MAX_HEIGHT + 1 {
            return Err(over("nested selections", MAX_HEIGHT));
        }
        let mut total = Size::default();
        for selection in &selections.node.items {
            let directives = count_directives(selection.node.directives())?;
            let mut size = match &selection.node {
                Selection::Field(field) => self.field(&field.node)?,
                Selection::InlineFragment(inline) => self.selection_set(&inline.node.selection_set)?,
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    self.document
                        .fragments
                        .get_key_value(name)
                        .map_or(Ok(Size::default()), |(name, _)| self.fragment(name))?
                }
            };
            size.directives = size.directives.saturating_add(directives);
            size.height = size.height.saturating_add(1);
            total = total.beside(size);
        }
        total.check()?;
        self.level -= 1;
        Ok(total)
    }

    fn field(&mut self, field: &'a Field) -> Result<Size, ApiError> {
        let mut size = self.selection_set(&field.selection_set)?;
        let name = field.name.node.as_str();
        if name == "__typename" {
            check_type_name(field).map_err(|message| invalid(message).at(field.name.pos))?;
        }
        if name.starts_with("__") && size.circles > 1 {
            return Err(invalid("circular introspection is refused".to_owned()).at(field.name.pos));
        }
        size.circles += u32::from(TO_OTHER_TYPES.contains(&name));
        size.fields = size.fields.saturating_add(1);
        size.first_level = 1;
        size.aliases = size.aliases.saturating_add(u32::from(field.alias.is_some()));
        Ok(size)
    }
}

impl Size {
    fn beside(self, other: Self) -> Self {
        Self {
            fields: self.fields.saturating_add(other.fields),
            first_level: self.first_level.saturating_add(other.first_level),
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
            height: self.height.max(other.height),
            circles: self.circles.max(other.circles),
        }
    }

    fn check(&self) -> Result<(), ApiError> {
        let limits = [
            (self.fields, MAX_FIELDS, "fields"),
            (self.aliases, MAX_ALIASES, "aliases"),
            (self.directives, MAX_DIRECTIVES, "directives"),
            (self.height, MAX_HEIGHT, "nested selections"),
        ];
        match limits.into_iter().find(|(found, limit, _)| found > limit) {
            Some((_, limit, what)) => Err(over(what, limit)),
            None => Ok(()),
        }
    }
}

fn count_directives(directives: &[Positioned<Directive>]) -> Result<u32, ApiError> {
    if directives.len() > MAX_DIRECTIVES_PER_FIELD {
        let message = format!("a field has more than {MAX_DIRECTIVES_PER_FIELD} directives");
        return Err(invalid(message).at(directives[0].pos));
    }
    for directive in directives {
        check_condition(&directive.node).map_err(|message| invalid(message).at(directive.pos))?;
    }
    Ok(directives.len() as u32)
}

/// Refuses arguments and selections of a `__typename`, which the library does not validate.
fn check_type_name(field: &Field) -> Result<(), String> {
    if !field.selection_set.node.items.is_empty() || !field.arguments.is_empty() {
        return Err("Field \"__typename\" must not have arguments or a selection".to_owned());
    }
    let unknown = field
        .directives
        .iter()
        .find(|directive| !["include", "skip"].contains(&&*directive.node.name.node));
    unknown.map_or(Ok(()), |directive| {
        Err(format!("Unknown directive \"{}\"", directive.node.name.node))
    })
}

/// Refuses `include` and `skip` without a condition on `__typename`, which the library does not validate.
fn check_condition(directive: &Directive) -> Result<(), String> {
    let name = directive.name.node.as_str();
    if !matches!(name, "include" | "skip") {
        return Ok(());
    }
    let Some(condition) = directive.get_argument("if") else {
        return Err(format!(
            "Directive \"@{name}\" argument \"if\" of type \"Boolean!\" is required but not provided"
        ));
    };
    let is_boolean = condition
        .node
        .clone()
        .into_const()
        .is_none_or(|value| matches!(value, Value::Boolean(_)));
    if is_boolean && directive.arguments.len() == 1 {
        return Ok(());
    }
    Err(format!(
        "Directive \"@{name}\" takes one argument, \"if\" of type \"Boolean!\""
    ))
}

fn over(what: &str, limit: u32) -> ApiError {
    invalid(format!("the document has more than {limit} {what}"))
}

fn invalid(message: String) -> ApiError {
    ApiError::new(Code::ValidationFailed, message)
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn check(text: &str, expected: Result<u32, &str>) {
        let document = parse_query(text).expect("GraphQL");
        let found = measure(&document)
            .map(|size| size.fields)
            .map_err(|error| error.into_server_error().message);
        match (&found, expected) {
            (Ok(fields), Ok(expected)) if *fields == expected => {}
            (Err(message), Err(part)) if message.contains(part) => {}
            _ => panic!("{text:.60}: {found:?}, expected {expected:?}"),
        }
    }

    fn doubling(fragments: usize) -> String {
        let spread = |index| format!("fragment f{index} on Query {{ ...f{} ...f{} }} ", index + 1, index + 1);
        let chain: String = (0..fragments).map(spread).collect();
        format!("{{ a {{ ...f0 }} }} {chain} fragment f{fragments} on Query {{ a }}")
    }

    #[test]
    fn fragments_are_counted_as_often_as_they_are_spread() {
        check("{ a b { c } }", Ok(3));
        check("{ ...f ...f } fragment f on Query { a b }", Ok(4));
        check(&doubling(10), Ok(1025));
        check(&doubling(14), Err("fields"));
        check(&doubling(30), Err("fields"));
        check(&doubling(40), Err("the document has more than"));
    }

    #[test]
    fn cycles_are_refused() {
        check("{ ...f } fragment f on Query { ...f }", Err("within itself"));
        check(
            "{ ...f } fragment f on Query { ...g } fragment g on Query { a { ...f } }",
            Err("within itself"),
        );
        check("{ a } fragment f on Query { ...f }", Err("within itself"));
    }

    #[test]
    fn floods_are_refused() {
        let aliases = |count: u32| {
            format!(
                "{{ x {{ {} }} }}",
                (0..count).map(|index| format!("a{index}: b ")).collect::<String>()
            )
        };
        check(&aliases(50), Ok(51));
        check(&aliases(51), Err("aliases"));
        check(&format!("{{ {} }}", "a ".repeat(51)), Err("root fields"));
        check(&format!("{{ a {} }}", "@x ".repeat(6)), Err("directives"));
        check(
            &format!("{{ x {{ {} }} }}", "a @x @x @x @x @x ".repeat(11)),
            Err("directives"),
        );
        check(&format!("{}a{}", "{ a ".repeat(40), " }".repeat(40)), Err("nested"));
        let spread = |index| format!("fragment f{index} on Query {{ ...f{} }} ", index + 1);
        check(
            &format!("{{ a }} {}", (0..1_000).map(spread).collect::<String>()),
            Err("nested"),
        );
    }

    #[test]
    fn a_condition_is_needed() {
        check("{ a @include }", Err("required but not provided"));
        check("{ a ... @skip { b } }", Err("required but not provided"));
        check("{ a @include(if: 1) }", Err("takes one argument"));
        check("{ a @include(if: true, b: 1) }", Err("takes one argument"));
        check("{ a @include(if: true) b @skip(if: $c) }", Ok(2));
    }

    #[test]
    fn a_type_name_has_no_parts() {
        check("{ __typename { a } }", Err("must not have"));
        check("{ __typename(a: 1) }", Err("must not have"));
        check("{ __typename @nope }", Err("Unknown directive"));
    }

    #[test]
    fn introspection_may_not_go_in_circles() {
        check("{ __schema { types { fields { args { type { name } } } } } }", Ok(6));
        check(
            "{ __schema { types { fields { type { fields { name } } } } } }",
            Err("circular"),
        );
        check(
            "{ __type(name: \"A\") { possibleTypes { interfaces { name } } } }",
            Err("circular"),
        );
        check(
            "{ __schema { types { ...t } } } fragment t on __Type { fields { type { ...u } } } fragment u on __Type { inputFields { name } }",
            Err("circular"),
        );
        check("{ fields { fields { fields { id } } } }", Ok(4));
    }
}
