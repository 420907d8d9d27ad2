//! Workflows with webhook stages: tasks move by what people do and by what receivers answer.

mod hook;
pub(crate) mod support;
