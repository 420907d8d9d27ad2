//! A histogram of durations with bins that grow: exact below 16 ms, then eight bins an octave. A percentile is off by
//! at most a sixteenth (6.25 %), whatever the number of durations. Pure.

/// The bins of an octave, as a power of two.
const BINS_PER_OCTAVE_LOG2: u32 = 3;
const PARTS: i32 = 1 << BINS_PER_OCTAVE_LOG2;

/// Returns the bin of a duration in milliseconds.
pub(crate) fn bin(ms: i32) -> i16 {
    let ms = ms.max(0);
    let number = match ms.checked_ilog2() {
        Some(octave) if octave >= BINS_PER_OCTAVE_LOG2 => {
            let shift = octave - BINS_PER_OCTAVE_LOG2;
            PARTS * i32::try_from(shift).unwrap_or(0) + (ms >> shift)
        }
        _ => ms,
    };
    i16::try_from(number).unwrap_or(i16::MAX)
}

/// Returns the middle of a bin, in milliseconds.
fn middle(bin: i16) -> f64 {
    let bin = i32::from(bin);
    if bin < 2 * PARTS {
        return f64::from(bin);
    }
    let width = 2_f64.powi(bin / PARTS - 1);
    f64::from(PARTS + bin % PARTS) * width + (width - 1.0) / 2.0
}

/// The count of each bin.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram(std::collections::BTreeMap<i16, i64>);

impl Histogram {
    pub(crate) fn add(&mut self, bin: i16, count: i64) {
        if bin >= 0 {
            *self.0.entry(bin).or_default() += count;
        }
    }

    /// Returns the duration that `hundredths` percent of all durations do not exceed; `None` without durations.
    pub(crate) fn percentile(&self, hundredths: i64) -> Option<f64> {
        let total: i64 = self.0.values().sum();
        let rank = (total * hundredths + 99) / 100;
        let mut seen = 0;
        let found = self.0.iter().find(|(_, count)| {
            seen += **count;
            seen >= rank && seen > 0
        });
        found.map(|(bin, _)| middle(*bin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bin_stands_for_its_durations_within_a_sixteenth() {
        let mut last = -1;
        for ms in (0..200_000).chain([1_000_000, i32::MAX]) {
            let bin = bin(ms);
            assert!(
                bin == last || bin == last + 1 || ms >= 1_000_000,
                "{ms}: no bin is left out"
            );
            last = bin;
            let off = (middle(bin) - f64::from(ms)).abs();
            assert!(off <= f64::from(ms) / 16.0, "{ms} is taken for {}", middle(bin));
            assert!(ms >= 16 || off == 0.0, "{ms}");
        }
        assert_eq!(bin(-5), 0);
    }

    #[test]
    fn a_percentile_is_the_one_by_rank() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.percentile(50), None);
        histogram.add(-1, 50);
        assert_eq!(histogram.percentile(50), None, "without a duration");
        for ms in 1..=10 {
            histogram.add(bin(ms), 1);
        }
        let found = [1, 10, 50, 51, 95, 99, 100].map(|hundredths| histogram.percentile(hundredths).unwrap());
        assert_eq!(found, [1.0, 1.0, 5.0, 6.0, 10.0, 10.0, 10.0]);
    }
}
