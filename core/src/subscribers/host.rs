//! Where a webhook is sent from: anywhere, or only where its listener is.

use entity::{NodeId, webhook};

/// The nodes that may send to a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// All: its URL is called.
    Anywhere,
    /// The one at which its listener is; none while it is away.
    Only(Option<NodeId>),
}

impl Place {
    pub(crate) fn of(row: &webhook::Model) -> Self {
        match row.listener {
            false => Self::Anywhere,
            true => Self::Only(row.listener_node),
        }
    }

    /// Whether this node may send.
    pub(crate) fn is_at(self, node: NodeId) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Only(place) => place == Some(node),
        }
    }
}
