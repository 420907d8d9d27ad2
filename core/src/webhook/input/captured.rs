//! The response capture settings.

use super::value::Bounded;
use crate::{Error, Result};
use entity::{Capture, webhook};

pub(super) const FIELD: &str = "capturePercent";

/// Applies a change. SAMPLE needs a percentage, which is kept while the mode stays SAMPLE; other modes refuse one.
pub(super) fn change(
    row: &mut webhook::Model,
    capture: Option<Capture>,
    percent: Option<Bounded<1, 100>>,
) -> Result<()> {
    let capture = capture.unwrap_or(row.capture);
    let kept = row.capture_percent.filter(|_| capture == Capture::Sample);
    let percent = percent.map(Bounded::get).or(kept);
    match (capture, percent) {
        (Capture::Sample, None) => return Err(Error::invalid(FIELD, "is required when capture is SAMPLE")),
        (Capture::Full | Capture::Failures, Some(_)) => {
            return Err(Error::invalid(FIELD, "is used only when capture is SAMPLE"));
        }
        _ => {}
    }
    (row.capture, row.capture_percent) = (capture, percent);
    Ok(())
}
