//! Prefetch: what consecutive appending units will read is read for all of them by one query, before the first of them
//! runs. A unit that writes may change what was read, so the units after it are prefetched again. Each unit sees what a
//! query of its own would have returned.

use super::writer::{Kind, Unit};
use crate::label_context::About;

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
