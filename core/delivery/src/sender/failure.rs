//! Translates errors of libraries into the kind and message of an attempt's record. The messages are for people who
//! look for the fault at the receiver: short, and without details of this server.

use entity::AttemptErrorKind;
use std::{
    error::Error,
    io::{self, ErrorKind},
};

/// The reason why a request got no usable response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SendError {
    /// The kind, for programs.
    pub kind: AttemptErrorKind,
    /// The message, for people.
    pub message: String,
}

impl SendError {
    pub fn new(kind: AttemptErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// Translates an error of connecting by TCP. Errors of the resolver pass through.
    pub(crate) fn connecting(error: &(dyn Error + 'static)) -> Self {
        if let Some(known) = find::<Self>(error) {
            return known.clone();
        }
        let message = match find::<io::Error>(error).map(io::Error::kind) {
            Some(ErrorKind::TimedOut) => "no connection could be made in time",
            Some(kind) => io_message(kind),
            None => "no connection could be made",
        };
        Self::new(AttemptErrorKind::Connect, message)
    }

    /// Translates an error of the TLS handshake. Errors of the TCP connection pass through.
    pub(crate) fn securing(error: &(dyn Error + 'static)) -> Self {
        if let Some(known) = find::<Self>(error) {
            return known.clone();
        }
        let message = match (
            find::<rustls::Error>(error),
            find::<io::Error>(error).map(io::Error::kind),
        ) {
            (Some(error), _) => tls_message(error),
            (None, Some(ErrorKind::UnexpectedEof)) => "the receiver closed the connection in the TLS handshake",
            (None, Some(ErrorKind::ConnectionReset)) => "the receiver reset the connection in the TLS handshake",
            _ => "the TLS handshake failed",
        };
        Self::new(AttemptErrorKind::Tls, message)
    }

    /// Translates an error between the request and the end of the response.
    pub(crate) fn exchanging(error: &(dyn Error + 'static)) -> Self {
        if let Some(known) = find::<Self>(error) {
            return known.clone();
        }
        if let Some(error) = find::<rustls::Error>(error) {
            return Self::new(AttemptErrorKind::Tls, tls_message(error));
        }
        if find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse) {
            return Self::new(AttemptErrorKind::Protocol, NOT_HTTP);
        }
        match find::<io::Error>(error).map(io::Error::kind) {
            Some(ErrorKind::InvalidData | ErrorKind::InvalidInput) => Self::new(AttemptErrorKind::Protocol, NOT_HTTP),
            Some(kind) => Self::new(AttemptErrorKind::Connect, io_message(kind)),
            None => Self::new(AttemptErrorKind::Connect, CLOSED),
        }
    }
}

/// Returns whether the other side closed the connection instead of answering.
pub(crate) fn is_hang_up(error: &(dyn Error + 'static)) -> bool {
    let gone = [
        ErrorKind::ConnectionReset,
        ErrorKind::BrokenPipe,
        ErrorKind::NotConnected,
    ];
    find::<hyper::Error>(error).is_some_and(hyper::Error::is_incomplete_message)
        || find::<io::Error>(error).is_some_and(|error| gone.contains(&error.kind()))
}

const NOT_HTTP: &str = "the answer is not valid HTTP, or its head is too large";
const CLOSED: &str = "the receiver closed the connection before its answer was whole";

fn io_message(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ConnectionRefused => "the receiver refused the connection",
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => "the receiver reset the connection",
        ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe | ErrorKind::NotConnected => CLOSED,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "the host cannot be reached",
        ErrorKind::TimedOut => "the connection was lost",
        _ => "the connection failed",
    }
}

fn tls_message(error: &rustls::Error) -> &'static str {
    use rustls::CertificateError as Certificate;
    match error {
        rustls::Error::InvalidCertificate(fault) => match fault {
            Certificate::Expired | Certificate::ExpiredContext { .. } => "the receiver's certificate has expired",
            Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => {
                "the receiver's certificate is not valid yet"
            }
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
                "the receiver's certificate is for another host"
            }
            Certificate::UnknownIssuer => "the receiver's certificate has an unknown issuer",
            Certificate::Revoked => "the receiver's certificate was revoked",
            _ => "the receiver's certificate is not valid",
        },
        rustls::Error::InvalidMessage(_) => "the receiver does not speak TLS on this port",
        rustls::Error::AlertReceived(_) => "the receiver broke off the TLS handshake",
        rustls::Error::PeerIncompatible(_) => "the receiver speaks no version of TLS that is safe",
        _ => "the TLS handshake failed",
    }
}

/// Returns the first error of a type in a chain of sources. An `io::Error` skips the error it wraps when asked for its
/// source, so the wrapped error is looked at first.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = held.and_then(|held| find(held)) {
            return Some(found);
        }
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
