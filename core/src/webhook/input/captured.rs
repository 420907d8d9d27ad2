//! Validation of the response capture settings.

use super::within;
use crate::{Error, Result};
use entity::{Capture, webhook};
use std::ops::RangeInclusive;

const FIELD: &str = "capturePercent";
const PERCENT: RangeInclusive<i32> = 1..=100;

/// Checks that a percentage is given for SAMPLE, and only for it.
pub(super) fn check(capture: Capture, percent: Option<i32>) -> Result<()> {
    within(FIELD, percent, PERCENT)?;
    match (capture, percent) {
        (Capture::Sample, None) => Err(Error::invalid(FIELD, "is required when capture is SAMPLE")),
        (Capture::Full | Capture::Failures, Some(_)) => {
            Err(Error::invalid(FIELD, "is used only when capture is SAMPLE"))
        }
        _ => Ok(()),
    }
}

/// Applies a change. The percentage is kept while the mode stays SAMPLE.
pub(super) fn change(row: &mut webhook::Model, capture: Option<Capture>, percent: Option<i32>) -> Result<()> {
    let capture = capture.unwrap_or(row.capture);
    let kept = row.capture_percent.filter(|_| capture == Capture::Sample);
    let percent = percent.or(kept);
    check(capture, percent)?;
    (row.capture, row.capture_percent) = (capture, percent);
    Ok(())
}
