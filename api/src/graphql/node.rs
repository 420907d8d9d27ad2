//! Node: any object by its id alone. An id does not contain its type, so the nouns are queried one after the other.

use async_graphql::{Context, ID, Interface, Object};
use labelhook_core::{
    Error,
    auth::Action,
    batch, data_row, dataset, event, label, notification, project, replay, review,
    task::{self, stage_run},
    user, webhook, workflow,
};

use super::{
    batch::Batch,
    context::ContextExt,
    data_row::DataRow,
    dataset::Dataset,
    error::{ApiError, Result},
    event::Event,
    label::Label,
    list as lists,
    notification::Notification,
    organization::Organization,
    project::Project,
    replay::Replay,
    review::Review,
    task::Task,
    user::User,
    webhook::Webhook,
    workflow::{Stage, StageRun},
};

/// An object with an id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The id of the node."))]
pub enum Node {
    /// An organization.
    Organization(Organization),
    /// A user.
    User(User),
    /// A project.
    Project(Project),
    /// A dataset.
    Dataset(Dataset),
    /// A data row.
    DataRow(DataRow),
    /// A batch.
    Batch(Batch),
    /// A label.
    Label(Label),
    /// A review.
    Review(Review),
    /// A webhook.
    Webhook(Webhook),
    /// An event.
    Event(Event),
    /// A notification.
    Notification(Notification),
    /// A replay.
    Replay(Replay),
    /// A task.
    Task(Task),
    /// A stage of a workflow.
    Stage(Stage),
    /// A run of a webhook stage.
    StageRun(StageRun),
}

/// The maximum number of ids in one query.
const MAX_IDS: usize = 100;

/// Queries by id alone.
#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// Any object of the caller's organization by its id; null when there is none.
    async fn node(&self, ctx: &Context<'_>, #[graphql(desc = "The id of the node.")] id: ID) -> Option<Result<Node>> {
        find(ctx, &id).await.transpose()
    }

    /// Several objects by their ids, in the same order, at most 100; null where there is none.
    #[graphql(complexity = "lists::cost(Some(100), child_complexity)")]
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ids of the nodes.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        if ids.len() > MAX_IDS {
            return Err(ApiError::invalid("ids", format!("must have at most {MAX_IDS} entries")));
        }
        let mut nodes = Vec::with_capacity(ids.len());
        for id in ids {
            nodes.push(find(ctx, &id).await?);
        }
        Ok(nodes)
    }
}

/// Queries one noun after the other.
async fn find(ctx: &Context<'_>, id: &str) -> Result<Option<Node>> {
    let (app, actor) = (ctx.app(), ctx.actor());
    let Ok(key) = id.parse::<uuid::Uuid>() else {
        return Ok(None);
    };
    if key == actor.organization_id.0 {
        return Ok(Some(Organization::of(ctx).await?.into()));
    }
    macro_rules! ask {
        ($($get:path => $wrap:expr),+ $(,)?) => {$(
            match $get(app, actor, id).await {
                Ok(row) => return Ok(Some($wrap(row).into())),
                Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        )+};
    }
    ask! {
        label::get => Label,
        task::get => Task,
        data_row::get => DataRow,
        project::get => Project,
        dataset::get => Dataset,
        review::get => Review,
        batch::get => Batch,
        user::get => User,
    }
    if actor.require(Action::ReadWebhooks).is_ok() {
        ask! {
            notification::get => Notification,
            event::log::get => Event,
            webhook::get => Webhook::from,
            stage_run::run => StageRun,
            replay::get => Replay,
        }
    }
    ask! { workflow::stage => Stage }
    Ok(None)
}
