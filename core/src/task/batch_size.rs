//! Batch sizes of task moves, in bytes. Every move of a task writes an event with its annotation and its project's
//! ontology, and the same again as a payload, so transactions are limited by bytes as well as by number.

use crate::{
    Result,
    sql::{bulk::batches, statement::octets},
};
use entity::{ProjectId, TaskId, label, project, task};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, JoinType, QueryFilter, QuerySelect, RelationDef,
};
use std::collections::HashMap;

/// The approximate maximum size in bytes of the events and payloads of one step; one task always fits.
pub(crate) const MAX_BATCH_BYTES: usize = 32 << 20;
/// The copies of the data: the event, its payload and one in memory.
const COPIES: usize = 3;
/// The size of a task without annotation and ontology.
const MIN_TASK_BYTES: usize = 4 << 10;

#[derive(FromQueryResult)]
struct Found {
    id: TaskId,
    annotation: Option<i64>,
    ontology: Option<i64>,
}

/// Estimates the bytes that moving each of these tasks writes.
pub(crate) async fn weights(db: &impl ConnectionTrait, ids: &[TaskId]) -> Result<HashMap<TaskId, usize>> {
    let mut weights = HashMap::with_capacity(ids.len());
    for ids in batches(ids) {
        let rows = task::Entity::find()
            .select_only()
            .column(task::Column::Id)
            .column_as(octets(label::Column::Label.into_expr()), "annotation")
            .column_as(octets(project::Column::Ontology.into_expr()), "ontology")
            .join(JoinType::LeftJoin, label_of_task())
            .join(JoinType::LeftJoin, project_of_task())
            .filter(task::Column::Id.is_in(ids.iter().copied()))
            .into_model::<Found>()
            .all(db)
            .await?;
        weights.extend(rows.into_iter().map(|row| (row.id, row.weight())));
    }
    Ok(weights)
}

/// Returns the number of a project's tasks without annotations that fit into one step.
pub(crate) async fn room(db: &impl ConnectionTrait, project_id: ProjectId) -> Result<usize> {
    let found: Option<Option<i64>> = project::Entity::find_by_id(project_id)
        .select_only()
        .column_as(octets(project::Column::Ontology.into_expr()), "ontology")
        .into_tuple()
        .one(db)
        .await?;
    Ok((MAX_BATCH_BYTES / weight(0, size(found.flatten()))).max(1))
}

/// Returns how many of the first tasks fit into one step.
pub(crate) fn fitting(weights: impl IntoIterator<Item = usize>) -> usize {
    let mut bytes = 0;
    let fits = |weight: &usize| {
        bytes += weight;
        bytes <= MAX_BATCH_BYTES
    };
    weights.into_iter().take_while(fits).count().max(1)
}

impl Found {
    fn weight(&self) -> usize {
        weight(size(self.annotation), size(self.ontology))
    }
}

fn weight(annotation: usize, ontology: usize) -> usize {
    COPIES * (MIN_TASK_BYTES + annotation + ontology)
}

fn size(bytes: Option<i64>) -> usize {
    bytes.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(0)
}

fn label_of_task() -> RelationDef {
    task::Entity::belongs_to(label::Entity)
        .from(task::Column::LabelId)
        .to(label::Column::Id)
        .into()
}

fn project_of_task() -> RelationDef {
    task::Entity::belongs_to(project::Entity)
        .from(task::Column::ProjectId)
        .to(project::Column::Id)
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::recorded;

    #[tokio::test]
    async fn any_number_of_tasks_is_weighed_by_few_statements() {
        let (db, texts) = recorded().await;
        for count in 0..300 {
            let ids: Vec<TaskId> = (0..count).map(|_| TaskId::new()).collect();
            weights(&db, &ids).await.unwrap();
        }
        assert_eq!(texts.lock().unwrap().len(), 8, "one for each power of two up to 128");
    }

    #[test]
    fn a_step_takes_what_fits_and_at_least_one() {
        assert_eq!(fitting([MAX_BATCH_BYTES + 1, 1]), 1);
        assert_eq!(fitting([MAX_BATCH_BYTES / 2, MAX_BATCH_BYTES / 2, 1]), 2);
        assert_eq!(fitting(vec![weight(0, 0); 200]), 200);
    }
}
