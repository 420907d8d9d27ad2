//! Looking ahead: what units that append are going to read is looked for together, by one statement for all that stand in
//! a row, before the first of them runs. A unit that writes may change what was seen, so what comes after it is looked for
//! anew: each unit sees what it would have seen by a statement of its own.

use super::writer::{Kind, Unit};
use crate::label_context::About;

type Units = Vec<Box<dyn Unit>>;

/// Cuts a group, in its order, into runs of units of one kind.
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

/// What a run is going to read. Those that write look for themselves.
pub(crate) fn asked(run: &[Box<dyn Unit>]) -> Vec<About> {
    let about = run.iter().filter_map(|unit| match unit.kind() {
        Kind::Appends(about) => Some(about),
        Kind::Writes => None,
    });
    about.flatten().copied().collect()
}
