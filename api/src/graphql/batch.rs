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
    /// Its id.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The project it belongs to.
    async fn project(&self, ctx: &Context<'_>) -> Option<Result<Project>> {
        loader::project(ctx, self.0.project_id).await
    }

    /// When it was made.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }
}

/// A new batch.
#[derive(InputObject)]
pub struct BatchCreateInput {
    /// What people call it: 1 to 256 characters.
    name: String,
    /// The project it belongs to.
    project: ConnectInput,
    /// Ids of its data rows: 1 to 1,000, of any dataset.
    data_rows: Vec<ID>,
}

/// Mutations of batches.
#[derive(Default)]
pub struct BatchMutation;

#[Object]
impl BatchMutation {
    /// Makes a batch.
    async fn create_batch(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to make.")] data: BatchCreateInput,
    ) -> Result<Batch> {
        let new = New {
            name: data.name,
            project: data.project.connect.id.0,
            data_rows: data.data_rows.into_iter().map(|id| id.0).collect(),
        };
        Ok(Batch(batches::create(ctx.app(), ctx.actor(), new).await?))
    }
}
