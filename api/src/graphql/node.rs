//! Node: any noun by its id alone. An id does not say of what it is, so the nouns are asked in turn.

use async_graphql::{Context, ID, Interface, Object};
use labelhook_core::{
    Error, auth::Action, batch, data_row, dataset, event, label, notification, project, review, user, webhook,
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
    review::Review,
    user::User,
    webhook::Webhook,
};

/// Anything that has an id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Its id."))]
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
}

/// Ids of one query at most.
const MAX_IDS: usize = 100;

/// Queries by id alone.
#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// Anything of the caller's organization by its id; null when there is none.
    async fn node(&self, ctx: &Context<'_>, #[graphql(desc = "Its id.")] id: ID) -> Option<Result<Node>> {
        find(ctx, &id).await.transpose()
    }

    /// Many things by their ids, in the same order, 100 at most; null where there is none.
    #[graphql(complexity = "lists::cost(Some(100), child_complexity)")]
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Their ids.")] ids: Vec<ID>,
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

/// Asks one noun after another.
async fn find(ctx: &Context<'_>, id: &str) -> Result<Option<Node>> {
    let (app, actor) = (ctx.app(), ctx.actor());
    if id.parse::<uuid::Uuid>().is_err() {
        return Ok(None);
    }
    macro_rules! ask {
        ($($noun:ident => $wrap:expr),+ $(,)?) => {$(
            match $noun::get(app, actor, id).await {
                Ok(row) => return Ok(Some($wrap(row).into())),
                Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        )+};
    }
    ask! {
        label => Label,
        data_row => DataRow,
        project => Project,
        dataset => Dataset,
        review => Review,
        batch => Batch,
        user => User,
    }
    if actor.require(Action::ReadWebhooks).is_ok() {
        ask! {
            notification => Notification,
            event => Event,
            webhook => Webhook::from,
        }
    }
    let own = id.parse().is_ok_and(|id: uuid::Uuid| id == actor.organization_id.0);
    Ok(match own {
        true => Some(Organization::of(ctx).await?.into()),
        false => None,
    })
}
