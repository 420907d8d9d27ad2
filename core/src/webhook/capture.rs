//! Response capture: selects the successful attempts whose response is stored. Responses of failed attempts always are.

use entity::{Capture, NotificationId, webhook};

/// The percentage of notifications whose successful responses are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Captured(u32);

impl Captured {
    /// Reads the percentage of a webhook's row.
    pub fn of(row: &webhook::Model) -> Self {
        let sample = row.capture_percent.and_then(|percent| u32::try_from(percent).ok());
        Self(match row.capture {
            Capture::Full => 100,
            Capture::Failures => 0,
            Capture::Sample => sample.unwrap_or(100),
        })
    }

    /// Returns whether the response is stored. The result is the same for each attempt, since it depends on the random
    /// end of the notification's id.
    pub fn keeps(self, id: NotificationId) -> bool {
        let [.., a, b, c, d] = id.0.into_bytes();
        u32::from_be_bytes([a, b, c, d]) % 100 < self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_of_its_size_and_always_the_same() {
        let ids: Vec<NotificationId> = (0..10_000).map(|_| NotificationId::new()).collect();
        for (percent, expected) in [
            (0, 0..=0),
            (10, 800..=1_200),
            (50, 4_700..=5_300),
            (100, 10_000..=10_000),
        ] {
            let sample = Captured(percent);
            let kept: Vec<_> = ids.iter().filter(|id| sample.keeps(**id)).collect();
            assert!(expected.contains(&kept.len()), "{percent} %: {}", kept.len());
            assert!(kept.iter().all(|id| sample.keeps(**id)));
        }
    }
}
