//! The dispatcher: takes due notifications and turns each into signed POSTs until one is accepted or the policy gives up.

pub mod guard;
mod job;
mod lanes;
mod outbox;

pub use job::Job;
pub use lanes::{Lanes, Room, Window};
pub(crate) use outbox::{Enqueued, Outbox};

use crate::{App, Result};
use std::sync::Arc;

/// Holds the lanes and drives them.
pub struct Dispatcher {
    pub(crate) lanes: Arc<Lanes>,
}

impl Dispatcher {
    pub(crate) fn new(lanes: Arc<Lanes>) -> Self {
        Self { lanes }
    }

    /// Gives claims of dead nodes back and learns which lanes have something to claim.
    pub(crate) async fn recover(&self, app: &Arc<App>) -> Result<()> {
        let node = self.lanes.node_id();
        let freed = app
            .db
            .write(move |txn| Box::pin(async move { outbox::free_claims(txn.conn(), node, txn.now()).await }))
            .await?;
        if freed > 0 {
            tracing::info!(freed, "took over notifications that a node left behind");
        }
        for (webhook_id, due) in outbox::survey(app.db.read()).await? {
            self.lanes.note_due(webhook_id, due);
        }
        Ok(())
    }
}
