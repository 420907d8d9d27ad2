//! Listener: somebody's own machine that hears a webhook over `deliveries`; see [`super::feed`] for the subscription.

mod input;

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};
use base64::{Engine, engine::general_purpose::STANDARD};
use entity::WebhookTopic;
use labelhook_core::{delivery::signer::secret, listener as listeners, listener::Made};

pub use self::input::{DeliveryAnswerInput, ListenerCreateInput};
use super::{context::ContextExt, error::Result, input::WhereUniqueInput, webhook::Webhook};

/// A listener's webhook, with its secret, which is shown only now.
#[derive(SimpleObject)]
pub struct Listener {
    /// The webhook: listen to the `deliveries` of its id.
    webhook: Webhook,
    /// What signs its deliveries, as Standard Webhooks libraries take it: `whsec_` and base64.
    signing_secret: String,
}

impl From<Made> for Listener {
    fn from(made: Made) -> Self {
        Self {
            signing_secret: secret::whsec_form(&made.secret),
            webhook: made.webhook.into(),
        }
    }
}

/// A request for a listener to make: the same headers and the same bytes that an address would get.
pub struct Delivery(pub Arc<listeners::Delivery>);

/// A request for a listener to make: the same headers and the same bytes that an address would get.
#[Object]
impl Delivery {
    /// Names this one request, for `answerDelivery`.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The id of its notification.
    async fn notification_id(&self) -> ID {
        self.0.notification_id.to_string().into()
    }

    /// The id of the event that it tells of.
    async fn event_id(&self) -> ID {
        self.0.event_id.to_string().into()
    }

    /// The event's topic.
    async fn topic(&self) -> WebhookTopic {
        self.0.topic
    }

    /// 1 for the notification's first request.
    async fn attempt(&self) -> i32 {
        self.0.attempt
    }

    /// Always POST.
    async fn method(&self) -> &'static str {
        "POST"
    }

    /// Where the listener said that it posts to.
    async fn url(&self) -> &str {
        &self.0.url
    }

    /// Its headers, signatures and custom ones included; `Host` and `Content-Length` are the HTTP client's to add.
    async fn headers(&self) -> Vec<Header> {
        let headers = self.0.headers.iter();
        let shown = headers.map(|(name, value)| Header {
            name: name.as_str().to_owned(),
            value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
        });
        shown.collect()
    }

    /// Its body: the exact bytes that are signed.
    async fn body(&self) -> Cow<'_, str> {
        match std::str::from_utf8(&self.0.body) {
            Ok(text) => text.into(),
            Err(_) => STANDARD.encode(&self.0.body).into(),
        }
    }

    /// Whether `body` is base64, since the bytes are not UTF-8.
    async fn body_is_base64(&self) -> bool {
        std::str::from_utf8(&self.0.body).is_err()
    }

    /// How long the answer is waited for from now on, in milliseconds.
    async fn timeout_ms(&self) -> i32 {
        i32::try_from(self.0.timeout.as_millis()).unwrap_or(i32::MAX)
    }
}

/// One header.
#[derive(SimpleObject)]
pub struct Header {
    /// Its name, in lower case.
    name: String,
    /// Its value.
    value: String,
}

/// Mutations of listeners.
#[derive(Default)]
pub struct ListenerMutation;

/// Mutations of listeners.
#[Object]
impl ListenerMutation {
    /// Makes a webhook whose deliveries a listener is handed over `deliveries`, in place of being sent to an address. It is
    /// removed by `removeListener`, or when nobody has listened for five minutes. An organization has 100 at a time.
    async fn create_listener(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to listen to.")] data: ListenerCreateInput,
    ) -> Result<Listener> {
        let made = listeners::create(ctx.app(), ctx.actor(), data.read()?).await?;
        Ok(made.into())
    }

    /// Removes a listener's webhook for good: it is REVOKED and no longer listed, and what waited for it is canceled. What was
    /// sent stays in the log.
    async fn remove_listener(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which webhook: a listener's.")] r#where: WhereUniqueInput,
    ) -> Result<Webhook> {
        let row = listeners::remove(ctx.app(), ctx.actor(), &r#where.id).await?;
        Ok(row.into())
    }

    /// Says what came of a delivery, which is then recorded as the attempt's outcome and judged by the webhook's policy.
    /// RESOURCE_CONFLICT when the delivery is over: it was answered, its time has run out, or the listener was gone
    /// meanwhile. Nothing is changed then. True: it is taken.
    async fn answer_delivery(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of which delivery, and what.")] data: DeliveryAnswerInput,
    ) -> Result<bool> {
        let (delivery, answer) = data.read()?;
        listeners::answer(ctx.app(), ctx.actor(), &delivery, answer)?;
        Ok(true)
    }
}
