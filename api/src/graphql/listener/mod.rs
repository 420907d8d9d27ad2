//! Listener: somebody's own machine that hears a webhook over `deliveries`; see [`super::subscription`].

mod input;

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};
use base64::{Engine, engine::general_purpose::STANDARD};
use entity::WebhookTopic;
use labelhook_core::{delivery::signer::secret, listener as listeners, listener::CreatedListener};

pub use self::input::{DeliveryAnswerInput, ListenerCreateInput};
use super::{context::ContextExt, error::Result, input::WhereUniqueInput, webhook::Webhook};

/// A listener's webhook with its secret, which is returned only here.
#[derive(SimpleObject)]
pub struct Listener {
    /// The webhook. Its deliveries come over the `deliveries` subscription with its id.
    webhook: Webhook,
    /// The secret that signs its deliveries, in the form of Standard Webhooks libraries: `whsec_` and base64.
    signing_secret: String,
}

impl From<CreatedListener> for Listener {
    fn from(made: CreatedListener) -> Self {
        Self {
            signing_secret: secret::whsec_form(&made.secret),
            webhook: made.webhook.into(),
        }
    }
}

/// A request for a listener to make: the headers and bytes that the server would send to a URL.
pub struct Delivery(pub Arc<listeners::Delivery>);

/// A request for a listener to make: the headers and bytes that the server would send to a URL.
#[Object]
impl Delivery {
    /// The id of this request, for `answerDelivery`.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The id of the notification.
    async fn notification_id(&self) -> ID {
        self.0.notification_id.to_string().into()
    }

    /// The id of the event.
    async fn event_id(&self) -> ID {
        self.0.event_id.to_string().into()
    }

    /// The topic of the event.
    async fn topic(&self) -> WebhookTopic {
        self.0.topic
    }

    /// The number of the attempt; 1 for the notification's first request.
    async fn attempt(&self) -> i32 {
        self.0.attempt
    }

    /// The HTTP method: always POST.
    async fn method(&self) -> &'static str {
        "POST"
    }

    /// The URL that the listener declared.
    async fn url(&self) -> &str {
        &self.0.url
    }

    /// The request headers, including signatures and custom headers. The HTTP client adds `Host` and `Content-Length`.
    async fn headers(&self) -> Vec<Header> {
        let headers = self.0.headers.iter();
        let shown = headers.map(|(name, value)| Header {
            name: name.as_str().to_owned(),
            value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
        });
        shown.collect()
    }

    /// The request body: the exact bytes that are signed.
    async fn body(&self) -> Cow<'_, str> {
        match std::str::from_utf8(&self.0.body) {
            Ok(text) => text.into(),
            Err(_) => STANDARD.encode(&self.0.body).into(),
        }
    }

    /// True if `body` is base64, because the bytes are not UTF-8.
    async fn body_is_base64(&self) -> bool {
        std::str::from_utf8(&self.0.body).is_err()
    }

    /// The time in milliseconds, from now, that the server waits for the answer.
    async fn timeout_ms(&self) -> i32 {
        i32::try_from(self.0.timeout.as_millis()).unwrap_or(i32::MAX)
    }
}

/// A request header.
#[derive(SimpleObject)]
pub struct Header {
    /// The name of the header, in lower case.
    name: String,
    /// The value of the header.
    value: String,
}

/// Mutations of listeners.
#[derive(Default)]
pub struct ListenerMutation;

/// Mutations of listeners.
#[Object]
impl ListenerMutation {
    /// Creates a webhook whose deliveries are handed to a listener over `deliveries` instead of being sent to a URL. It
    /// is removed by `removeListener`, or when no listener was connected for five minutes. An organization can have 100
    /// at a time.
    async fn create_listener(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The listener to create.")] data: ListenerCreateInput,
    ) -> Result<Listener> {
        let made = listeners::create(ctx.app(), ctx.actor(), data.read()?).await?;
        Ok(made.into())
    }

    /// Removes a listener's webhook permanently: it is REVOKED and no longer listed, and its waiting notifications are
    /// canceled. Sent notifications stay in the log.
    async fn remove_listener(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the webhook of a listener by id.")] r#where: WhereUniqueInput,
    ) -> Result<Webhook> {
        let row = listeners::remove(ctx.app(), ctx.actor(), &r#where.id).await?;
        Ok(row.into())
    }

    /// Reports the outcome of a delivery, which is recorded as the attempt's outcome and judged by the webhook's retry
    /// policy. RESOURCE_CONFLICT, without any change, when the delivery is over: it was answered before, its timeout
    /// has passed, or the listener was disconnected in between. Returns true when the outcome was accepted.
    async fn answer_delivery(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of the delivery, and the response or the error.")] data: DeliveryAnswerInput,
    ) -> Result<bool> {
        let (delivery, answer) = data.read()?;
        listeners::answer(ctx.app(), ctx.actor(), &delivery, answer)?;
        Ok(true)
    }
}
