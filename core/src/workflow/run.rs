//! Re-run: a webhook stage sends again for every task it holds, in bounded steps that survive a restart.

use crate::{App, Error, Result, auth::Actor};
use entity::stage_run;

/// Sends again for every task that the stage holds.
pub async fn rerun(app: &App, actor: &Actor, stage: &str) -> Result<stage_run::Model> {
    let _ = (app, actor, stage);
    Err(Error::NotAllowed("not yet".into()))
}

/// A run by its id.
pub async fn run(app: &App, actor: &Actor, id: &str) -> Result<stage_run::Model> {
    let _ = (app, actor, id);
    Err(Error::NotAllowed("not yet".into()))
}

/// A stage's runs, newest first.
pub async fn runs(app: &App, actor: &Actor, stage: &str, first: u64) -> Result<Vec<stage_run::Model>> {
    let _ = (app, actor, stage, first);
    Ok(Vec::new())
}
