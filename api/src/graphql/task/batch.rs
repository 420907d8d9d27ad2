//! The tasks that a bulk mutation changed. Core returns their ids; their rows are read one page at a time.

use async_graphql::{Context, Object};
use entity::TaskId;
use labelhook_core::page::Page;

use super::{
    super::{
        error::Result,
        list::{PageArguments, connection_cost},
    },
    TaskConnection, page,
};

/// The tasks that a mutation changed.
pub struct TaskBatch(Vec<TaskId>);

impl From<Vec<TaskId>> for TaskBatch {
    /// Takes ids in any order.
    fn from(mut ids: Vec<TaskId>) -> Self {
        ids.sort_unstable_by(|one, other| other.cmp(one));
        Self(ids)
    }
}

/// The tasks that a mutation changed.
#[Object]
impl TaskBatch {
    /// The number of tasks.
    async fn count(&self) -> usize {
        self.0.len()
    }

    /// The tasks, newest first. `first` is at most 100; 20 when it is not given.
    #[graphql(complexity = "connection_cost(first, None, child_complexity)")]
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The number of rows to return, counted from the newest.")] first: Option<i32>,
        #[graphql(desc = "A cursor: only rows older than it are returned.")] after: Option<String>,
    ) -> Result<TaskConnection> {
        let page = self.page(PageArguments::new(first, after.as_deref(), None, None)?);
        page::among(ctx, page).await
    }
}

impl TaskBatch {
    /// Returns the ids of a page, cut in the same way as a [`Page`] of rows.
    fn page(&self, page: PageArguments) -> Page<TaskId> {
        let after = page.after.map(|cursor| TaskId(cursor.id));
        let start = after.map_or(0, |after| self.0.partition_point(|id| *id >= after));
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let rest = &self.0[start..];
        Page {
            rows: rest.iter().take(limit).copied().collect(),
            has_next: rest.len() > limit,
            has_previous: after.is_some(),
            stop: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphql::list::Cursor;

    fn check(batch: &TaskBatch, first: i32, after: Option<TaskId>, expected: (&[TaskId], bool)) -> Page<TaskId> {
        let after = after.map(|id| Cursor { key: 0, id: id.0 }.encode());
        let page = PageArguments::new(Some(first), after.as_deref(), None, None).expect("a page");
        let slice = batch.page(page);
        assert_eq!((slice.rows.as_slice(), slice.has_next), expected);
        slice
    }

    #[test]
    fn a_batch_is_paged_from_the_newest() {
        let old: Vec<TaskId> = (0..5).map(|_| TaskId::new()).collect();
        let new: Vec<TaskId> = old.iter().rev().copied().collect();
        let batch = TaskBatch::from(old);
        assert!(!check(&batch, 2, None, (&new[..2], true)).has_previous);
        assert!(check(&batch, 2, Some(new[1]), (&new[2..4], true)).has_previous);
        check(&batch, 2, Some(new[3]), (&new[4..], false));
        check(&batch, 5, None, (&new, false));
        check(&batch, 1, Some(new[4]), (&[], false));
    }

    #[test]
    fn a_cursor_of_another_list_has_its_place_in_a_batch() {
        let (oldest, between, newest) = (TaskId::new(), TaskId::new(), TaskId::new());
        let batch = TaskBatch::from(vec![oldest, newest]);
        check(&batch, 1, Some(between), (&[oldest], false));
        check(&TaskBatch::from(Vec::new()), 1, Some(between), (&[], false));
    }
}
