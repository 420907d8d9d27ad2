//! The context of resolvers: the application, the actor, and the remaining size budget of the response. The HTTP
//! handler inserts them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_graphql::Context;

use labelhook_core::App;
use labelhook_core::auth::Actor;

use super::error::{ApiError, Code, Result};

/// The maximum size in bytes of annotations, bodies and events in one response. A page of a hundred labels of the
/// largest size fits, which is what the Labelbox SDK requests; nested pages of them do not.
pub const MAX_ANSWER: usize = 256 << 20;

/// The remaining budget of [`MAX_ANSWER`]. Clones share one counter.
#[derive(Clone)]
pub struct Budget(Arc<AtomicUsize>);

impl Default for Budget {
    fn default() -> Self {
        Self(Arc::new(AtomicUsize::new(MAX_ANSWER)))
    }
}

impl Budget {
    /// Resets the budget for the next response of a subscription.
    pub fn renew(&self) {
        self.0.store(MAX_ANSWER, Ordering::Relaxed);
    }

    fn spend(&self, bytes: usize) -> Result<()> {
        let left = |left: usize| Some(left.saturating_sub(bytes));
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left) {
            Ok(left) if left > bytes => Ok(()),
            _ => {
                let message = format!("the answer has more than {MAX_ANSWER} bytes; ask for fewer rows");
                Err(ApiError::new(Code::NotAllowed, message))
            }
        }
    }
}

/// Provides `ctx.app()`, `ctx.actor()` and `ctx.spend(bytes)`.
pub trait ContextExt {
    /// Returns the application.
    fn app(&self) -> &Arc<App>;
    /// Returns the actor on whose behalf the request runs.
    fn actor(&self) -> &Actor;
    /// Charges large values to the response's size budget; 0 checks that there is any budget left before reading.
    fn spend(&self, bytes: usize) -> Result<()>;
}

impl ContextExt for Context<'_> {
    fn app(&self) -> &Arc<App> {
        self.data_unchecked()
    }

    fn actor(&self) -> &Actor {
        self.data_unchecked()
    }

    fn spend(&self, bytes: usize) -> Result<()> {
        self.data_unchecked::<Budget>().spend(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_bound() {
        let budget = Budget::default();
        assert!(budget.spend(MAX_ANSWER - 10).is_ok());
        assert!(budget.spend(9).is_ok());
        assert!(budget.spend(0).is_ok());
        assert!(budget.spend(1).is_err());
        assert!(budget.spend(0).is_err(), "nothing more is read");
        assert!(budget.spend(usize::MAX).is_err());
    }
}
