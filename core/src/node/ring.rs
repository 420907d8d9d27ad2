//! Assigns each webhook to one of the nodes by rendezvous hashing: the owner is the node whose hash with the webhook is
//! highest. When a node joins or leaves, only the webhooks move that it gets or had. Every release must compute the
//! same hash.

use entity::{NodeId, WebhookId};

/// Returns the node that sends to a webhook; `None` when no node sends.
pub(super) fn owner(nodes: &[NodeId], id: WebhookId) -> Option<NodeId> {
    match nodes {
        [] => None,
        [only] => Some(*only),
        many => many.iter().copied().max_by_key(|node| weight(*node, id)),
    }
}

/// Returns the hash of a node with a webhook.
fn weight(node: NodeId, id: WebhookId) -> u64 {
    let ((a, b), (c, d)) = (node.0.as_u64_pair(), id.0.as_u64_pair());
    [b, c, d].into_iter().fold(mix(a), |sum, part| mix(sum ^ part))
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood, 2014).
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use uuid::Uuid;

    #[test]
    fn webhooks_are_spread_evenly_and_few_move_when_a_node_goes() {
        let nodes: Vec<NodeId> = (0..4).map(|_| NodeId::new()).collect();
        let webhooks: Vec<WebhookId> = (0..4_000).map(|_| WebhookId::new()).collect();
        let before: Vec<NodeId> = webhooks.iter().map(|id| owner(&nodes, *id).unwrap()).collect();
        let mut shares: HashMap<NodeId, usize> = HashMap::new();
        before.iter().for_each(|node| *shares.entry(*node).or_default() += 1);
        assert!(shares.values().all(|share| (850..1150).contains(share)), "{shares:?}");
        for (id, before) in webhooks.iter().zip(before) {
            let after = owner(&nodes[1..], *id).unwrap();
            assert!(
                after == before || before == nodes[0],
                "only those of the node that went move"
            );
        }
    }

    #[test]
    fn every_release_computes_the_same() {
        let nodes = [1, 2, 3].map(|n| NodeId(Uuid::from_u128(n)));
        let owners: Vec<u128> = (1..=8)
            .map(|n| owner(&nodes, WebhookId(Uuid::from_u128(n))).unwrap().0.as_u128())
            .collect();
        assert_eq!(owners, [3, 3, 1, 2, 1, 3, 2, 1]);
        assert_eq!(owner(&[], WebhookId::new()), None);
    }
}
