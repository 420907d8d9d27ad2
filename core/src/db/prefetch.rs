//! Prefetch: what consecutive appending units will read is read for all of them by one query, before the first of them
//! runs. A unit that writes may change what was read, so the units after it are prefetched again. Each unit sees what a
//! query of its own would have returned.

use super::{
    txn::Txn,
    writer::{Kind, Unit},
};
use crate::{
    Result,
    label_context::{self, About, Subject, Subjects},
};
use entity::label;
use std::sync::Arc;

type Units = Vec<Box<dyn Unit>>;

/// Cuts a group, in its order, into runs of units with the same access.
pub(crate) fn runs(mut units: Units) -> Vec<Units> {
    let lengths: Vec<usize> = units
        .chunk_by(|one, next| appends(one.as_ref()) == appends(next.as_ref()))
        .map(<[_]>::len)
        .collect();
    lengths
        .into_iter()
        .map(|length| units.drain(..length).collect())
        .collect()
}

fn appends(unit: &dyn Unit) -> bool {
    matches!(unit.kind(), Kind::Appends(_))
}

/// Returns the labels whose context a run will read. Units that write read for themselves.
pub(crate) fn asked(run: &[Box<dyn Unit>]) -> Vec<About> {
    let about = run.iter().filter_map(|unit| match unit.kind() {
        Kind::Appends(about) => Some(about),
        Kind::Writes => None,
    });
    about.flatten().copied().collect()
}

impl Txn {
    /// Returns label contexts: the prefetched ones when they are complete, else by a query of its own.
    pub(crate) async fn label_contexts(&self, asked: Vec<About>) -> Result<Arc<Subjects>> {
        match asked.iter().all(|about| self.seen.contains_key(about)) {
            true => Ok(Arc::clone(&self.seen)),
            false => label_context::look(self.conn(), asked).await.map(Arc::new),
        }
    }

    /// Returns the context of an existing label.
    pub(crate) async fn label_context(&self, label: &label::Model) -> Result<Subject> {
        let about = About::from(label);
        let contexts = self.label_contexts(vec![about]).await?;
        Ok(contexts[&about].clone())
    }
}
