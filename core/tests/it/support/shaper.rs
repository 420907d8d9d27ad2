//! A language of payload queries that is simple enough for tests: names of what the event carries, parted by spaces.

use entity::event;
use labelhook_core::payload::{Compiling, Selection, Shaper};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Understands words. `?` is refused, and `!` cannot be rendered.
#[derive(Debug)]
pub struct Words;

struct Chosen(Vec<String>);

impl Shaper for Words {
    fn compile<'a>(&'a self, query: &'a str) -> Compiling<'a> {
        Box::pin(async move {
            if let Some(place) = query.find('?') {
                return Err(format!("line 1, column {}: no word", place + 1));
            }
            let words = query.split(' ').map(str::to_owned).collect();
            Ok(Arc::new(Chosen(words)) as Arc<dyn Selection>)
        })
    }
}

impl Selection for Chosen {
    fn render(&self, event: &event::Model) -> Result<Vec<u8>, String> {
        let mut data: Map<String, Value> = serde_json::from_str(&event.data).map_err(|error| error.to_string())?;
        let mut body = Map::new();
        for word in &self.0 {
            match word.as_str() {
                "!" => return Err("it is too large".into()),
                "id" => body.insert("id".into(), event.id.to_string().into()),
                word => body.insert(word.to_owned(), data.remove(word).unwrap_or_default()),
            };
        }
        serde_json::to_vec(&body).map_err(|error| error.to_string())
    }
}
