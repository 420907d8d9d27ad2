//! Replay: everything that a filter matches is sent again, as a job.

use async_graphql::{Context, ID, InputObject, Object};
use entity::{ReplayStatus, Timestamp, replay};
use labelhook_core::replay::{self as replays, Start};

use super::{context::ContextExt, error::Result, input::WhereUniqueInput, notification::NotificationWhereInput};

/// Everything that a filter matches is sent again: a job that goes on after a restart. Live traffic goes first.
pub struct Replay(pub replay::Model);

/// Everything that a filter matches is sent again: a job that goes on after a restart. Live traffic goes first.
#[Object]
impl Replay {
    /// Its id.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// How far it has come. SUCCEEDED: all was handed over; each notification says whether it was delivered.
    async fn status(&self) -> ReplayStatus {
        self.0.status
    }

    /// What it matched when it began; corrected at its end, when what matches has changed meanwhile.
    async fn total(&self) -> i32 {
        self.0.total
    }

    /// Looked at so far: handed over or left out.
    async fn done(&self) -> i32 {
        self.0.done
    }

    /// Of these, left out: still under way, repeated by a later notification that matches, or of a webhook that is not
    /// ACTIVE.
    async fn skipped(&self) -> i32 {
        self.0.skipped
    }

    /// When it began.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }
}

/// What to send again.
#[derive(InputObject)]
pub struct ReplayInput {
    /// Which notifications, of those that there are now. With `missedBy`: of which events; only `createdAt_gte`,
    /// `createdAt_lt`, `projectIds`, `topics`, `eventIds` and `externalId` may be given then.
    r#where: NotificationWhereInput,
    /// Whether bodies are made anew from the events' data, in the webhook's present format. Otherwise the stored bytes are
    /// sent.
    #[graphql(default_with = "Some(false)")]
    rerender: Option<bool>,
    /// The id of a webhook: in place of old notifications it is sent the events that it would get as it is now and never
    /// got, oldest first. That is what happened while it was INACTIVE or REVOKED; since it was made, unless
    /// `createdAt_gte` says otherwise. It must be ACTIVE.
    missed_by: Option<ID>,
}

impl ReplayInput {
    fn read(self) -> Result<Start> {
        Ok(Start {
            filter: self.r#where.read()?,
            rerender: self.rerender.unwrap_or(false),
            missed_by: self.missed_by.map(|id| id.to_string()),
        })
    }
}

/// Queries of replays.
#[derive(Default)]
pub struct ReplayQuery;

/// Queries of replays.
#[Object]
impl ReplayQuery {
    /// A replay by its id.
    async fn replay(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] r#where: WhereUniqueInput,
    ) -> Option<Result<Replay>> {
        let row = replays::get(ctx.app(), ctx.actor(), &r#where.id).await;
        Some(row.map(Replay).map_err(Into::into))
    }
}

/// Mutations of replays.
#[derive(Default)]
pub struct ReplayMutation;

/// Mutations of replays.
#[Object]
impl ReplayMutation {
    /// Sends everything again that a filter matches, as new notifications of the same events, a few at a time behind live
    /// traffic. Ten replays of an organization run at a time.
    async fn start_replay(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to send again.")] data: ReplayInput,
    ) -> Result<Replay> {
        Ok(Replay(replays::start(ctx.app(), ctx.actor(), data.read()?).await?))
    }

    /// Stops a replay; RESOURCE_CONFLICT when it is over. What it has handed over is sent.
    async fn cancel_replay(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] r#where: WhereUniqueInput,
    ) -> Result<Replay> {
        Ok(Replay(replays::cancel(ctx.app(), ctx.actor(), &r#where.id).await?))
    }
}
