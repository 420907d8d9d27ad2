//! The choice of the bus's transport: parsed from a setting, and checked against the database.

use super::{error::Error, memory::Hub};
use crate::sql::postgres::is_meant as is_postgres;
use std::{fmt, str::FromStr};
use url::Url;

/// The transport of messages.
#[derive(Clone, Default)]
pub enum Choice {
    /// The one that fits the database.
    #[default]
    Fitting,
    /// Inside one process.
    Memory(Hub),
    /// Over PostgreSQL's own NOTIFY.
    Postgres,
    /// Over a NATS server.
    Nats(Url),
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "memory" => return Ok(Self::Memory(Hub::default())),
            "postgres" => return Ok(Self::Postgres),
            _ => {}
        }
        let url = Url::parse(text).ok();
        let url = url.filter(|url| matches!(url.scheme(), "nats" | "tls") && url.has_host());
        url.map(Self::Nats)
            .ok_or_else(|| "must be memory, postgres, or the URL of a NATS server such as nats://host:4222".into())
    }
}

impl fmt::Display for Choice {
    /// Writes the choice without the URL, which may contain a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fitting => "the one that fits the database",
            Self::Memory(_) => "memory",
            Self::Postgres => "postgres",
            Self::Nats(_) => "nats",
        })
    }
}

impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Choice({self})")
    }
}

impl Choice {
    /// Returns the transport for this database. A SQLite file has one process, which has nobody to talk to.
    pub(crate) fn on(&self, database_url: &str) -> Result<Self, Error> {
        match (self, is_postgres(database_url)) {
            (Self::Fitting, true) => Ok(Self::Postgres),
            (Self::Fitting, false) => Ok(Self::Memory(Hub::default())),
            (Self::Postgres | Self::Nats(_), false) => Err(Error::Refused(
                "for many nodes, which need PostgreSQL: with SQLite it must be memory",
            )),
            (chosen, _) => Ok(chosen.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bus_is_chosen_by_a_word_or_a_url() {
        let parsed = |text: &str| text.parse::<Choice>().map(|choice| choice.to_string());
        assert_eq!(parsed("memory").unwrap(), "memory");
        assert_eq!(parsed("postgres").unwrap(), "postgres");
        assert_eq!(parsed("nats://user:word@host:4222").unwrap(), "nats");
        assert_eq!(parsed("tls://host").unwrap(), "nats");
        for wrong in ["", "redis", "nats", "nats://", "http://host", "nats:4222", "NATS host"] {
            assert!(parsed(wrong).unwrap_err().contains("must be memory"), "{wrong}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let choice: Choice = "nats://user:word@host:4222".parse().unwrap();
        assert_eq!(format!("{choice:?}"), "Choice(nats)");
    }

    #[test]
    fn sqlite_has_no_other_bus_than_memory() {
        let nats: Choice = "nats://host:4222".parse().unwrap();
        for choice in [&nats, &Choice::Postgres] {
            let error = choice.on("sqlite://labelhook.db").unwrap_err();
            assert!(error.to_string().contains("with SQLite it must be memory"), "{error}");
            assert!(choice.on("postgres://host/labelhook").is_ok());
        }
        let fitting = |url| Choice::Fitting.on(url).unwrap().to_string();
        assert_eq!(fitting("sqlite://labelhook.db"), "memory");
        assert_eq!(fitting("postgresql://host/labelhook"), "postgres");
    }
}
