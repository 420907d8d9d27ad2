//! Facts: the data that an event carries, who is meant by it, and the filters over events. [`publish`](crate::publish)
//! writes them; [`log`] reads them back. Nothing here may publish, send or open a transaction.

pub(crate) mod annotation;
pub(crate) mod cel_scope;
pub(crate) mod data;
pub(crate) mod filter;
pub mod log;
pub(crate) mod notice;
pub(crate) mod sample;
pub(crate) mod task;

pub use annotation::Annotation;
pub(crate) use cel_scope::SCOPE;
pub use data::{
    About, Batch, Change, Data, DataRow, Dataset, Label, LabelChange, Ping, Project, Review, ReviewChange, Team, User,
};
pub(crate) use filter::last_before;
pub use filter::{Filter, Page, PageRequest};
pub use notice::{Counts, GivenUp, Notice, Watched, WatchedProject};
pub(crate) use sample::has_sample;
pub use sample::sample;
pub use task::{Stage, Task, TaskMove, Visit, Work};
