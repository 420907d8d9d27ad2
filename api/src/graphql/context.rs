//! What a resolver finds in its context: the application, and who asks. The handler puts both there.

use std::sync::Arc;

use async_graphql::Context;

use labelhook_core::App;
use labelhook_core::auth::Actor;

/// `ctx.app()`, `ctx.actor()`.
pub trait ContextExt {
    /// The application.
    fn app(&self) -> &Arc<App>;
    /// Who asks.
    fn actor(&self) -> &Actor;
}

impl ContextExt for Context<'_> {
    fn app(&self) -> &Arc<App> {
        self.data_unchecked()
    }

    fn actor(&self) -> &Actor {
        self.data_unchecked()
    }
}
