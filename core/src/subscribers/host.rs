//! The nodes that may send to a webhook: any, or only the one to which its listener is connected.

use entity::{NodeId, webhook};

/// The nodes that may send to a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// All nodes: the webhook's URL is called.
    Anywhere,
    /// The node to which its listener is connected; `None` while it is not.
    Only(Option<NodeId>),
}

impl Host {
    pub(crate) fn of(row: &webhook::Model) -> Self {
        match row.listener {
            false => Self::Anywhere,
            true => Self::Only(row.listener_node),
        }
    }

    /// Returns whether this node may send.
    pub(crate) fn is_at(self, node: NodeId) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Only(place) => place == Some(node),
        }
    }
}
