//! Renders the body of an event by a plan: a walk over the event's stored text. It is pure. The database's writer waits
//! for it, so the bytes that it reads and writes are limited.

use std::collections::HashMap;

use entity::event;
use labelhook_core::payload::Selection;
use serde_json::value::RawValue;

use super::plan::{Kind, Node};

/// The maximum size of a body in bytes, more than any event's data takes.
pub const MAX_BODY: usize = 20 << 20;
/// The maximum number of bytes read and written for a body: some tens of milliseconds of work.
const MAX_WORK: usize = 64 << 20;

/// A compiled payload query.
#[derive(Debug)]
pub(super) struct Plan(pub(super) Vec<Node>);

/// The members of an object, as JSON text.
type Members<'e> = HashMap<&'e str, &'e RawValue>;

impl Selection for Plan {
    fn render(&self, event: &event::Model) -> Result<Vec<u8>, String> {
        let mut writing = Writing {
            work: 0,
            body: Vec::new(),
        };
        writing.event(&self.0, event)?;
        Ok(writing.body)
    }
}

struct Writing {
    work: usize,
    body: Vec<u8>,
}

impl Writing {
    fn event(&mut self, nodes: &[Node], event: &event::Model) -> Result<(), String> {
        let data = self.members(&event.data)?;
        self.fields(nodes, |writing, node| match node.name.as_str() {
            "id" => writing.text(&event.id.to_string()),
            "topic" => writing.text(event.topic.as_str()),
            "createdAt" => writing.text(&String::from(event.created_at)),
            "sequence" => writing.text(&event.sequence.to_string()),
            "data" => writing.put(&event.data),
            "organization" => writing.value(node, data.get("team").copied()),
            name => writing.value(node, data.get(name).copied()),
        })
    }

    /// Writes an object with these fields; `value` writes the value of each.
    fn fields(
        &mut self,
        nodes: &[Node],
        mut value: impl FnMut(&mut Self, &Node) -> Result<(), String>,
    ) -> Result<(), String> {
        self.put("{")?;
        for (place, node) in nodes.iter().enumerate() {
            if place > 0 {
                self.put(",")?;
            }
            self.text(&node.key)?;
            self.put(":")?;
            match &node.kind {
                Kind::Typename(name) => self.text(name)?,
                Kind::Value | Kind::Object(_) => value(self, node)?,
            }
        }
        self.put("}")
    }

    /// Writes a value; an absent one is null.
    fn value(&mut self, node: &Node, value: Option<&RawValue>) -> Result<(), String> {
        let text = value.map_or("null", RawValue::get);
        match &node.kind {
            Kind::Object(nodes) => self.nested(nodes, text),
            Kind::Value | Kind::Typename(_) => self.put(text),
        }
    }

    fn nested(&mut self, nodes: &[Node], text: &str) -> Result<(), String> {
        match text.as_bytes().first() {
            Some(b'{') => {
                let members = self.members(text)?;
                self.fields(nodes, |writing, node| {
                    writing.value(node, members.get(node.name.as_str()).copied())
                })
            }
            Some(b'[') => self.list(nodes, text),
            _ => self.put("null"),
        }
    }

    fn list(&mut self, nodes: &[Node], text: &str) -> Result<(), String> {
        self.works(text.len())?;
        let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        self.put("[")?;
        for (place, element) in elements.into_iter().enumerate() {
            if place > 0 {
                self.put(",")?;
            }
            self.nested(nodes, element.get())?;
        }
        self.put("]")
    }

    fn members<'e>(&mut self, text: &'e str) -> Result<Members<'e>, String> {
        self.works(text.len())?;
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    fn text(&mut self, text: &str) -> Result<(), String> {
        self.put(&serde_json::to_string(text).map_err(|error| error.to_string())?)
    }

    fn put(&mut self, text: &str) -> Result<(), String> {
        self.works(text.len())?;
        if self.body.len() + text.len() > MAX_BODY {
            return Err(format!("the body has more than {MAX_BODY} bytes"));
        }
        self.body.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn works(&mut self, bytes: usize) -> Result<(), String> {
        self.work += bytes;
        if self.work > MAX_WORK {
            return Err(format!("the query reads and writes more than {MAX_WORK} bytes"));
        }
        Ok(())
    }
}
