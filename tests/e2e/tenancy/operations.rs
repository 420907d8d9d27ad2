//! The operations of the schema that name one row by its id.

use harness::TestApp;
use serde_json::{Map, Value, json};

use crate::desk::text;

const SCHEMA: &str = "{__schema {queryType {name} mutationType {name} types {name kind enumValues {name}
    fields {name args {name defaultValue type {...T}}} inputFields {name defaultValue type {...T}}}}}
    fragment T on __Type {name kind ofType {name kind ofType {name kind ofType {name kind}}}}";

/// An operation whose argument `where` names one row, with the least that its other arguments must be.
pub struct Operation {
    pub name: String,
    pub document: String,
    pub others: Map<String, Value>,
}

/// The types of the schema, by their names.
struct Types(Vec<Value>);

impl Types {
    fn named(&self, name: &Value) -> &Value {
        let found = self.0.iter().find(|known| known["name"] == *name);
        found.unwrap_or_else(|| panic!("there is no type {name}"))
    }

    /// The operations of a root type that name one row by its id.
    fn operations(&self, word: &str, root: &Value) -> Vec<Operation> {
        let fields = self.named(root)["fields"].as_array().expect("fields").iter();
        let of_one = |field: &&Value| {
            let arguments = field["args"].as_array().expect("a list").iter();
            let mut named = arguments.filter(|argument| argument["name"] == "where");
            named.any(|argument| {
                written(&argument["type"])
                    .trim_end_matches('!')
                    .ends_with("WhereUniqueInput")
            })
        };
        fields.filter(of_one).map(|field| self.operation(word, field)).collect()
    }

    fn operation(&self, word: &str, field: &Value) -> Operation {
        let name = text(&field["name"]);
        let (mut variables, mut given, mut others) = (Vec::new(), Vec::new(), Map::new());
        for argument in required(&field["args"]).filter(|argument| argument["name"] != "where") {
            let name = text(&argument["name"]);
            variables.push(format!("${name}: {}", written(&argument["type"])));
            given.push(format!("{name}: ${name}"));
            others.insert(name, self.least(&argument["type"]["ofType"]));
        }
        let (variables, given) = (variables.join(", "), given.join(", "));
        let document = format!("{word}($id: ID!, {variables}) {{{name}(where: {{id: $id}}, {given}) {{__typename}}}}");
        Operation { name, document, others }
    }

    /// The least value of a type.
    fn least(&self, of: &Value) -> Value {
        match of["kind"].as_str().expect("a kind") {
            "NON_NULL" => self.least(&of["ofType"]),
            "LIST" => json!([]),
            "ENUM" => self.named(&of["name"])["enumValues"][0]["name"].clone(),
            "INPUT_OBJECT" => {
                let fields = required(&self.named(&of["name"])["inputFields"]);
                fields
                    .map(|field| (text(&field["name"]), self.least(&field["type"])))
                    .collect()
            }
            _ => match of["name"].as_str() {
                Some("Int" | "Float") => json!(1),
                Some("Boolean") => json!(true),
                _ => json!("x"),
            },
        }
    }
}

/// The arguments or fields that must be given.
fn required(inputs: &Value) -> impl Iterator<Item = &Value> {
    let inputs = inputs.as_array().expect("a list").iter();
    inputs.filter(|input| input["type"]["kind"] == "NON_NULL" && input["defaultValue"].is_null())
}

/// A type as a document writes it.
fn written(of: &Value) -> String {
    match of["kind"].as_str() {
        Some("NON_NULL") => format!("{}!", written(&of["ofType"])),
        Some("LIST") => format!("[{}]", written(&of["ofType"])),
        _ => text(&of["name"]),
    }
}

/// The operations whose argument `where` names one row, as the service tells of them.
pub async fn operations(app: &TestApp) -> Vec<Operation> {
    let mut schema = app.query(SCHEMA, json!({})).await["__schema"].take();
    let types = schema["types"].as_array_mut().map(std::mem::take);
    let types = Types(types.expect("types"));
    let mut found = types.operations("query", &schema["queryType"]["name"]);
    found.extend(types.operations("mutation", &schema["mutationType"]["name"]));
    found
}
