//! Prefetch: what consecutive appending units will read is read for all of them by one query, before the first of them
//! runs. A unit that writes may change what was read, so the units after it are prefetched again. Each unit sees what a
//! query of its own would have returned.

use super::{
    txn::Txn,
    writer::{Access, Command},
};
use crate::{
    Result,
    label_context::{self, LabelContext, LabelContexts, LabelKey},
};
use entity::label;
use std::sync::Arc;

type Commands = Vec<Box<dyn Command>>;

/// Cuts a group, in its order, into runs of units with the same access.
pub(crate) fn runs(mut units: Commands) -> Vec<Commands> {
    let lengths: Vec<usize> = units
        .chunk_by(|one, next| appends(one.as_ref()) == appends(next.as_ref()))
        .map(<[_]>::len)
        .collect();
    lengths
        .into_iter()
        .map(|length| units.drain(..length).collect())
        .collect()
}

fn appends(unit: &dyn Command) -> bool {
    matches!(unit.access(), Access::AppendOnly(_))
}

/// Returns the labels whose context a run will read. Units that write read for themselves.
pub(crate) fn label_keys(run: &[Box<dyn Command>]) -> Vec<LabelKey> {
    let key = run.iter().filter_map(|unit| match unit.access() {
        Access::AppendOnly(key) => Some(key),
        Access::ReadWrite => None,
    });
    key.flatten().copied().collect()
}

impl Txn {
    /// Returns label contexts: the prefetched ones when they are complete, else by a query of its own.
    pub(crate) async fn label_contexts(&self, asked: Vec<LabelKey>) -> Result<Arc<LabelContexts>> {
        match asked.iter().all(|key| self.prefetched.contains_key(key)) {
            true => Ok(Arc::clone(&self.prefetched)),
            false => label_context::load(self.conn(), asked).await.map(Arc::new),
        }
    }

    /// Returns the context of an existing label.
    pub(crate) async fn label_context(&self, label: &label::Model) -> Result<LabelContext> {
        let key = LabelKey::from(label);
        let contexts = self.label_contexts(vec![key]).await?;
        Ok(contexts[&key].clone())
    }
}
