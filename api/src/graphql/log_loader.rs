//! Data loaders for the delivery log: the event, webhook, attempts and bytes of notifications, fetched in batches. They
//! use the loader of [`super::loader`] with keys of their own.

use std::collections::HashMap;

use async_graphql::{Context, async_trait, dataloader::Loader};
use entity::{EventId, NotificationId, PayloadId, WebhookId, attempt, event, webhook};
use labelhook_core::Error;

use super::{
    context::ContextExt,
    error::Result,
    event::Event,
    loader::{Key, Rows, by_organization, maps, one, required},
    webhook::Webhook,
};

/// Loads an event.
pub async fn event(ctx: &Context<'_>, id: EventId) -> Result<Event> {
    ctx.spend(0)?;
    let row: event::Model = required("event", id, one(ctx, id).await)?;
    ctx.spend(row.data.len())?;
    Ok(Event(row))
}

/// Loads a webhook.
pub async fn webhook(ctx: &Context<'_>, id: WebhookId) -> Result<Webhook> {
    required("webhook", id, one(ctx, id).await).map(Webhook::from)
}

/// Loads the attempts of a notification, oldest first.
pub async fn attempts(ctx: &Context<'_>, id: NotificationId) -> Result<Vec<attempt::Model>> {
    ctx.spend(0)?;
    one(ctx, id).await.unwrap_or_else(|| Ok(Vec::new()))
}

/// Loads a payload's bytes as text: they are JSON, hence UTF-8.
pub async fn body(ctx: &Context<'_>, id: PayloadId) -> Result<String> {
    ctx.spend(0)?;
    let bytes: Vec<u8> = one(ctx, id).await.unwrap_or_else(|| Ok(Vec::new()))?;
    ctx.spend(bytes.len())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

maps! {
    EventId => event::Model: labelhook_core::event::log::many,
    WebhookId => webhook::Model: labelhook_core::webhook::many,
    NotificationId => Vec<attempt::Model>: labelhook_core::notification::attempts,
    PayloadId => Vec<u8>: labelhook_core::notification::bodies,
}
