//! Replay: a job that sends everything that a filter matches again.

use async_graphql::{Context, ID, InputObject, Object};
use entity::{ReplayStatus, Timestamp, replay};
use labelhook_core::replay::{self as replays, Start};

use super::{context::ContextExt, error::Result, input::WhereUniqueInput, notification::NotificationWhereInput};

/// A job that sends everything that a filter matches again. It survives a restart and yields to live traffic.
pub struct Replay(pub replay::Model);

/// A job that sends everything that a filter matches again. It survives a restart and yields to live traffic.
#[Object]
impl Replay {
    /// The id of the replay.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The status of the job. SUCCEEDED: everything was enqueued; each notification has its own status.
    async fn status(&self) -> ReplayStatus {
        self.0.status
    }

    /// The number of matches at the start; corrected at the end when the matches have changed in between.
    async fn total(&self) -> i32 {
        self.0.total
    }

    /// The number of matches processed so far, either enqueued or skipped.
    async fn done(&self) -> i32 {
        self.0.done
    }

    /// The number of processed matches that were skipped: unfinished notifications, notifications that a later matching
    /// one repeats, and notifications of a webhook that is not ACTIVE.
    async fn skipped(&self) -> i32 {
        self.0.skipped
    }

    /// The time at which the replay started.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }
}

/// The notifications or events to send again.
#[derive(InputObject)]
pub struct ReplayInput {
    /// Selects the notifications to send again, among those that exist now. With `missedBy` it selects events, and only
    /// `createdAt_gte`, `createdAt_lt`, `projectIds`, `topics`, `eventIds` and `externalId` may be given.
    r#where: NotificationWhereInput,
    /// True renders the bodies again from the events' data, in the webhook's current payload format. False sends the
    /// stored bytes.
    #[graphql(default_with = "Some(false)")]
    rerender: Option<bool>,
    /// The id of a webhook, which must be ACTIVE. Instead of old notifications, it is sent the events that its current
    /// settings select and that it never received, oldest first: those that happened while it was INACTIVE or REVOKED.
    /// The period starts with the creation of the webhook unless `createdAt_gte` is given.
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
        #[graphql(desc = "Selects the replay by id.")] r#where: WhereUniqueInput,
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
    /// Starts a replay: a job that sends everything that a filter matches again, as new notifications of the same
    /// events, a few at a time behind live traffic. An organization can run ten replays at a time.
    async fn start_replay(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the notifications or events to send again.")] data: ReplayInput,
    ) -> Result<Replay> {
        Ok(Replay(replays::start(ctx.app(), ctx.actor(), data.read()?).await?))
    }

    /// Cancels a replay; RESOURCE_CONFLICT when it has finished. Notifications that it has already enqueued are still
    /// sent.
    async fn cancel_replay(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the replay by id.")] r#where: WhereUniqueInput,
    ) -> Result<Replay> {
        Ok(Replay(replays::cancel(ctx.app(), ctx.actor(), &r#where.id).await?))
    }
}
