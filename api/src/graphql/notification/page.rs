//! Pages of the delivery log as a connection.

use async_graphql::Context;
use labelhook_core::notification::{self as notifications, Filter};

use super::{
    super::{
        connection::{Connection, Position},
        context::ContextExt,
        error::Result,
        list::{Cursor, PageArguments},
    },
    Notification,
};

/// A page of the delivery log, newest first.
pub type NotificationConnection = Connection<Notification>;

impl Position for Notification {
    fn place(&self) -> Cursor {
        Cursor {
            key: self.0.sequence,
            id: self.0.id.0,
        }
    }
}

/// Loads a page of the notifications that `filter` matches, for the connections of several types.
pub async fn connection(ctx: &Context<'_>, filter: Filter, page: PageArguments) -> Result<NotificationConnection> {
    let slice = notifications::list(ctx.app(), ctx.actor(), &filter, page.span()).await?;
    Ok(slice.map(Notification).into())
}
