//! The start of an application: opens the database, checks and recovers what an earlier process left, and makes the
//! state of the verbs.

use crate::{
    App, Config, Result,
    admin::{copy, rekey},
    api_key::key_cache::KeyCache,
    background::{heartbeat, status::Statuses},
    bus::Bus,
    db::Db,
    delivery::sender::{self, Sender},
    dispatcher::state::Dispatcher,
    feed::Live,
    listener::hub::Listeners,
    node::Nodes,
    queue::lanes::Lanes,
    sql::postgres::installation,
    subscribers::SubscriberCache,
    wake::Wake,
    webhook::target::DeliverySettingsCache,
    workflow::adopt,
};
use std::sync::Arc;

impl App {
    /// Opens the database, runs pending migrations and releases the claims of dead nodes. Fails when the keyring is not
    /// the one that encrypted the database's secrets, or when a copy or a change of the master key was interrupted.
    pub async fn open(config: Config) -> Result<Arc<Self>> {
        // Boxed, so that the caller's future does not contain all that is opened here.
        Box::pin(Self::start(config)).await
    }

    async fn start(config: Config) -> Result<Arc<Self>> {
        let nodes = Arc::new(Nodes::alone(config.node));
        let lanes = Arc::new(Lanes::new(config.window, Arc::clone(&nodes)));
        let index = Arc::new(SubscriberCache::new(config.shaper, config.filters));
        let sender = Sender::new(sender::Config {
            guard: config.guard,
            ..sender::Config::default()
        })?;
        let (live, bus) = (Arc::new(Live::default()), Arc::new(Bus::new(Arc::clone(&nodes))));
        let (clock, url) = (config.clock.clone(), &config.database_url);
        let choice = config.bus.on(url)?;
        let told = Arc::clone(&bus);
        let db = Db::open(
            url,
            clock,
            Arc::clone(&index),
            Arc::clone(&lanes),
            Arc::clone(&live),
            told,
        )
        .await?;
        copy::check_done(db.read()).await?;
        bus.connect(&choice, url, installation(db.read()).await?).await?;
        rekey::check_done(db.read()).await?;
        rekey::check_keyring(db.read(), &config.keyring).await?;
        let app = Arc::new(Self {
            db,
            listeners: Arc::new(Listeners::new(Arc::clone(&nodes), config.clock.now())),
            clock: config.clock,
            keyring: config.keyring,
            nodes,
            dispatcher: Dispatcher::new(lanes, sender),
            delivery_settings: DeliverySettingsCache::default(),
            subscribers: index,
            health: Arc::default(),
            bus,
            live,
            deletions: Wake::default(),
            workflow_jobs: Wake::default(),
            replays: Wake::default(),
            background: Statuses::default(),
            retention_days: config.retention_days,
            keys: KeyCache::default(),
            running: Arc::default(),
        });
        heartbeat::join(&app).await?;
        app.dispatcher.recover(&app).await?;
        adopt::adopt(&app).await?;
        app.subscribers.prepare(app.db.read(), None).await?;
        Ok(app)
    }
}
