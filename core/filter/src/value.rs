//! Converts the values of an expression's roots from JSON into variables of the engine. Only the members that the
//! expression reads are converted and count against the limits: a large annotation does no harm to a condition on a
//! name.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt};
use cel::common::value::Val;
use cel::{Context, Env};
use serde_json::Value;

use super::check::{Read, Use};

/// The largest weight that is read of one root: the bytes of its strings and names, and [`NODE`] for every value.
pub(super) const MAX_WEIGHT: usize = 256 * 1024;
/// The weight of a value besides its bytes: the engine's own cost.
const NODE: usize = 8;
/// The deepest nesting of objects and arrays.
const MAX_DEPTH: usize = 64;

/// The value of each root. Cheap to clone, since several expressions are evaluated with the same values.
#[derive(Clone, Default)]
pub struct Values(Arc<Vec<(&'static str, Value)>>);

impl Values {
    /// Returns values without a root.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a root.
    pub fn with(mut self, root: &'static str, value: Value) -> Self {
        Arc::make_mut(&mut self.0).push((root, value));
        self
    }

    fn get(&self, root: &str) -> Option<&Value> {
        self.0.iter().find(|(name, _)| *name == root).map(|(_, value)| value)
    }
}

/// Prints the names of the roots only: their values are customers' data.
impl fmt::Debug for Values {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_set()
            .entries(self.0.iter().map(|(root, _)| root))
            .finish()
    }
}

/// Returns the variables that an expression reads, borrowed from `values`.
pub(super) fn bind<'v>(environment: &Arc<Env>, uses: &[Use], values: &'v Values) -> Result<Context<'v, 'v>, String> {
    let mut context = Context::with_env(Arc::clone(environment));
    for used in uses {
        let Some(value) = values.get(used.root) else { continue };
        let mut weight = Weight {
            root: used.root,
            left: MAX_WEIGHT,
        };
        context.add_variable_as_val(used.root, weight.value(value, &used.read, 0)?);
    }
    Ok(context)
}

struct Weight<'a> {
    root: &'a str,
    left: usize,
}

impl Weight<'_> {
    fn value<'v>(&mut self, value: &'v Value, read: &Read, depth: usize) -> Result<Box<dyn Val + 'v>, String> {
        self.take(NODE)?;
        if depth > MAX_DEPTH {
            return Err(format!("{} is nested too deep", self.root));
        }
        Ok(match value {
            Value::Null => Box::new(CelNull),
            Value::Bool(boolean) => Box::new(CelBool::from(*boolean)),
            Value::Number(number) => self::number(number),
            Value::String(text) => {
                self.take(text.len())?;
                Box::new(CelString::from(text.as_str()))
            }
            Value::Array(elements) => {
                let elements = elements
                    .iter()
                    .map(|element| self.value(element, &Read::Whole, depth + 1));
                Box::new(CelList::from(elements.collect::<Result<Vec<_>, _>>()?))
            }
            Value::Object(object) => {
                let mut map: HashMap<CelMapKey<'v>, Box<dyn Val + 'v>> = HashMap::new();
                for (name, value) in object {
                    let Some(read) = read.of(name) else { continue };
                    self.take(name.len())?;
                    map.insert(CelMapKey::from(name.as_str()), self.value(value, read, depth + 1)?);
                }
                Box::new(CelMap::from(map))
            }
        })
    }

    fn take(&mut self, weight: usize) -> Result<(), String> {
        self.left = self
            .left
            .checked_sub(weight)
            .ok_or_else(|| format!("{} is too large", self.root))?;
        Ok(())
    }
}

fn number<'v>(number: &serde_json::Number) -> Box<dyn Val + 'v> {
    match (number.as_i64(), number.as_u64()) {
        (Some(signed), _) => Box::new(CelInt::from(signed)),
        (None, Some(unsigned)) => Box::new(CelUInt::from(unsigned)),
        (None, None) => Box::new(CelDouble::from(number.as_f64().unwrap_or(f64::NAN))),
    }
}
