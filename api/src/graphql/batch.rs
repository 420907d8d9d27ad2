//! Batch: type, input and mutation.

use async_graphql::{Context, ID, InputObject, Object};
use entity::{Timestamp, batch};
use labelhook_core::batch::{self as batches, New};

use super::{context::ContextExt, error::Result, input::ConnectInput, loader, project::Project};

/// A named set of data rows of a project. Payloads of format ANGO name the batches of a data row.
pub struct Batch(pub batch::Model);

/// A named set of data rows of a project. Payloads of format ANGO name the batches of a data row.
#[Object]
impl Batch {
    /// The id of the batch.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The display name of the batch.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The project that the batch belongs to.
    async fn project(&self, ctx: &Context<'_>) -> Option<Result<Project>> {
        loader::project(ctx, self.0.project_id).await
    }

    /// The time at which the batch was created.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }
}

/// A new batch.
#[derive(InputObject)]
pub struct BatchCreateInput {
    /// The display name of the batch: 1 to 256 characters.
    name: String,
    /// The project that the batch belongs to.
    project: ConnectInput,
    /// The ids of the batch's data rows: 1 to 1,000, of any dataset.
    data_rows: Vec<ID>,
}

/// Mutations of batches.
#[derive(Default)]
pub struct BatchMutation;

#[Object]
impl BatchMutation {
    /// Creates a batch.
    async fn create_batch(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The batch to create.")] data: BatchCreateInput,
    ) -> Result<Batch> {
        let new = New {
            name: data.name,
            project: data.project.connect.id.0,
            data_rows: data.data_rows.into_iter().map(|id| id.0).collect(),
        };
        Ok(Batch(batches::create(ctx.app(), ctx.actor(), new).await?))
    }
}
