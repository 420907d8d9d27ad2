//! [`Timestamp`]: microseconds since 1970 UTC. An integer column sorts, compares and binds cheaply on both databases;
//! text forms are rendered where a format requires one.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{DateTime, SecondsFormat, Utc};
use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};
use std::{str::FromStr, time::Duration};

/// A point in time: microseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType, Serialize, Deserialize,
)]
#[serde(into = "String", try_from = "String")]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Returns the whole seconds since 1970.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Renders `2020-09-24T04:56:08.000000Z`, the form of the API (six digits are what the Labelbox SDK parses).
    pub fn micros(self) -> String {
        self.text(SecondsFormat::Micros)
    }

    /// Renders `2025-02-06T10:13:28.709Z`, the form of Ango Hub's payloads.
    pub fn millis(self) -> String {
        self.text(SecondsFormat::Millis)
    }

    /// Renders `2020-09-24T04:56:08Z`, the form of Labelbox's payloads.
    pub fn secs(self) -> String {
        self.text(SecondsFormat::Secs)
    }

    /// Returns the time that is `duration` later.
    pub fn plus(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)),
        )
    }

    /// Returns the time that is `duration` earlier.
    pub fn minus(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)),
        )
    }

    /// Returns the duration since `earlier`; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    fn text(self, digits: SecondsFormat) -> String {
        DateTime::<Utc>::from_timestamp_micros(self.0)
            .unwrap_or_default()
            .to_rfc3339_opts(digits, true)
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.timestamp_micros())
    }
}

impl From<Timestamp> for String {
    fn from(time: Timestamp) -> Self {
        time.micros()
    }
}

impl TryFrom<String> for Timestamp {
    type Error = chrono::ParseError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl FromStr for Timestamp {
    type Err = chrono::ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time = DateTime::parse_from_rfc3339(text)?.to_utc();
        // In UTC it may lie before the year 0 or after 9999, in which case its RFC 3339 text could not be parsed again.
        DateTime::parse_from_rfc3339(&time.to_rfc3339())?;
        Ok(time.into())
    }
}

/// A time in UTC. Output: RFC 3339 with exactly six fraction digits and `Z`, as in `2026-01-31T09:30:00.000000Z`.
/// Input: any RFC 3339 date-time.
#[Scalar(name = "DateTime", specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339")]
impl ScalarType for Timestamp {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => text
                .parse()
                .map_err(|_| InputValueError::custom("must be an RFC 3339 date-time such as 2026-01-31T09:30:00Z")),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.micros())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_keeps_its_digits() {
        let time = Timestamp(1_600_923_368_000_000);
        assert_eq!(time.micros(), "2020-09-24T04:56:08.000000Z");
        assert_eq!(time.millis(), "2020-09-24T04:56:08.000Z");
        assert_eq!(time.secs(), "2020-09-24T04:56:08Z");
    }

    #[test]
    fn what_is_read_can_be_written_and_read_again() {
        for text in [
            "2020-09-24T04:56:08Z",
            "2020-09-24T04:56:08.5+05:30",
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999999Z",
            "2016-12-31T23:59:60Z",
        ] {
            let time: Timestamp = text.parse().unwrap();
            assert_eq!(time.micros().parse(), Ok(time), "{text}");
        }
        for text in [
            "9999-12-31T23:59:59-23:59",
            "0000-01-01T00:00:00+00:01",
            "+10000-01-01T00:00:00Z",
            "2020-02-30T00:00:00Z",
            "2020-09-24",
            "",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }
}
