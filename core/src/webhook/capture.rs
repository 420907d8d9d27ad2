//! Which answers to what succeeded are kept. Answers to what failed always are.

use entity::{Capture, NotificationId, webhook};

/// Of how many of a hundred notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Captured(u32);

impl Captured {
    /// As it stands in the row.
    pub fn of(row: &webhook::Model) -> Self {
        let sample = row.capture_percent.and_then(|percent| u32::try_from(percent).ok());
        Self(match row.capture {
            Capture::Full => 100,
            Capture::Failures => 0,
            Capture::Sample => sample.unwrap_or(100),
        })
    }

    /// Whether the answer to this one is kept: the same for each attempt, by the random end of its id.
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
