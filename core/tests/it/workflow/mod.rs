//! Workflows with webhook stages: tasks move by what people do and by what receivers answer.

mod filtered;
mod first;
mod hook;
mod intake;
mod outcome;
mod rerun;
mod save;
mod settings;
mod stages;
pub(crate) mod support;
mod work;
