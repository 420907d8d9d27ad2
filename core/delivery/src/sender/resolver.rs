//! Resolves host names and returns checked addresses only. If one address of a name is forbidden, the whole name is
//! refused: a name that points at both kinds is an accident or an attack. Where the operator allows one of them, the
//! others are left out: `localhost` is `127.0.0.1` and `::1`, and one of both may be allowed.
//!
//! The system's resolver blocks a thread while a name server does not answer. So names are cached for a short while and
//! each name is looked up once at a time. A look-up keeps its slot until the system returns, however long ago its
//! caller gave up.

use super::{connector::refusal, failure::SendError};
use crate::guard::{Guard, Permit};
use entity::AttemptErrorKind;
use hyper_util::client::legacy::connect::dns::Name;
use moka::{Expiry, sync::Cache};
use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
    vec,
};
use tokio::{
    net::lookup_host,
    sync::{Semaphore, watch},
    time::timeout,
};
use tower::Service;

/// The timeout of one look-up, waiting for a slot included.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The most look-ups at a time.
const MAX_CONCURRENT: usize = 64;

/// The most names in the cache.
const MAX_CACHED: u64 = 10_000;

/// The time that a name's addresses are cached.
const FOUND_TTL: Duration = Duration::from_secs(60);

/// The time that a failed look-up is cached; shorter than the first retry's delay.
const NOT_FOUND_TTL: Duration = Duration::from_secs(3);

/// The most addresses of a name that are tried; all are checked.
const MAX_ADDRESSES: usize = 8;

type Found = Result<Vec<SocketAddr>, SendError>;
type Entry = watch::Receiver<Option<Found>>;

/// Resolves names to addresses that may be connected to.
#[derive(Clone)]
pub(crate) struct Resolver {
    guard: Arc<Guard>,
    names: Cache<String, Entry>,
    slots: Arc<Semaphore>,
}

impl Resolver {
    pub(crate) fn new(guard: Arc<Guard>) -> Self {
        let names = Cache::builder().max_capacity(MAX_CACHED).expire_after(Lifetime).build();
        Self {
            guard,
            names,
            slots: Arc::new(Semaphore::new(MAX_CONCURRENT)),
        }
    }

    /// Returns the checked addresses of a name, from the cache or by a look-up that others may share.
    async fn resolve(&self, name: &str) -> Found {
        let mut entry = self.names.get_with_by_ref(name, || self.start(name.to_owned()));
        let found = entry
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|found| found.clone());
        let addresses = found.unwrap_or_else(|| Err(unresolved("the look-up of the host name was given up")))?;
        vet(&self.guard, addresses)
    }

    /// Starts a look-up in a task of its own: it goes on, and is cached, when the first caller gives up.
    fn start(&self, name: String) -> Entry {
        let (sender, entry) = watch::channel(None);
        let (resolver, finished) = (self.clone(), entry.clone());
        tokio::spawn(async move {
            let found = look_up(resolver.slots, name.clone()).await;
            sender.send_replace(Some(found));
            // Inserted again, because its lifetime is known only now.
            resolver.names.insert(name, finished);
        });
        entry
    }
}

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = SendError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, SendError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolver = self.clone();
        Box::pin(async move { resolver.resolve(name.as_str()).await.map(Vec::into_iter) })
    }
}

async fn look_up(slots: Arc<Semaphore>, name: String) -> Found {
    let work = async {
        let slot = slots.acquire_owned().await.map_err(io::Error::other)?;
        let asked = tokio::spawn(async move {
            let found = lookup_host((name, 0)).await.map(Iterator::collect::<Vec<_>>);
            drop(slot);
            found
        });
        asked.await.map_err(io::Error::other)?
    };
    match timeout(TIMEOUT, work).await {
        Err(_) => Err(unresolved("the look-up of the host name took too long")),
        Ok(Err(_)) => Err(unresolved("the host name cannot be resolved")),
        Ok(Ok(addresses)) => Ok(addresses),
    }
}

/// Checks every address of a name against the SSRF guard.
fn vet(guard: &Guard, mut addresses: Vec<SocketAddr>) -> Found {
    if addresses.is_empty() {
        return Err(unresolved("the host name has no address"));
    }
    let checked: Vec<_> = addresses.iter().map(|address| guard.check(address.ip())).collect();
    if checked.contains(&Ok(Permit::Allowed)) {
        addresses.retain(|address| guard.check(address.ip()).is_ok());
    } else if let Some((address, reason)) = addresses
        .iter()
        .zip(checked)
        .find_map(|(it, found)| Some((it, found.err()?)))
    {
        let message = refusal("resolves to", address.ip(), reason);
        return Err(SendError::new(AttemptErrorKind::BlockedAddress, message));
    }
    addresses.truncate(MAX_ADDRESSES);
    Ok(addresses)
}

fn unresolved(message: &str) -> SendError {
    SendError::new(AttemptErrorKind::Dns, message)
}

struct Lifetime;

impl Expiry<String, Entry> for Lifetime {
    fn expire_after_create(&self, _: &String, _: &Entry, _: Instant) -> Option<Duration> {
        // Under way: either it is updated, or its task has died.
        Some(TIMEOUT * 2)
    }

    fn expire_after_update(&self, _: &String, entry: &Entry, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(if matches!(&*entry.borrow(), Some(Ok(_))) {
            FOUND_TTL
        } else {
            NOT_FOUND_TTL
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(allow: &str) -> Guard {
        Guard::new(
            allow.split_whitespace().map(|text| text.parse().unwrap()).collect(),
            vec![],
        )
    }

    #[test]
    fn one_forbidden_address_spoils_the_answer() {
        let addresses = |text: &str| -> Vec<SocketAddr> {
            text.split_whitespace()
                .map(|ip| SocketAddr::new(ip.parse().unwrap(), 0))
                .collect()
        };
        let kind = |text: &str| vet(&Guard::default(), addresses(text)).unwrap_err().kind;
        assert_eq!(kind("8.8.8.8 10.0.0.1"), AttemptErrorKind::BlockedAddress);
        assert_eq!(
            kind("8.8.8.8 1.1.1.1 ::ffff:169.254.169.254"),
            AttemptErrorKind::BlockedAddress
        );
        assert_eq!(kind(""), AttemptErrorKind::Dns);
        let message = vet(&Guard::default(), addresses("10.0.0.1")).unwrap_err().message;
        assert!(
            message.contains("10.0.0.1, a private address") && message.contains("--egress-allow"),
            "{message}"
        );
        let allowed = vet(&guard("127.0.0.0/8"), addresses("::1 127.0.0.1")).unwrap();
        assert_eq!(allowed, addresses("127.0.0.1"), "what the operator allowed is tried");
        assert_eq!(
            vet(&Guard::default(), addresses("8.8.8.8 2606:4700::1")).unwrap().len(),
            2
        );
        let many = (1..=20).map(|i| format!("8.8.8.{i}")).collect::<Vec<_>>().join(" ");
        assert_eq!(vet(&Guard::default(), addresses(&many)).unwrap().len(), MAX_ADDRESSES);
    }

    #[tokio::test]
    async fn a_name_is_looked_up_once_and_remembered() {
        let resolver = Resolver::new(Arc::new(guard("127.0.0.0/8 ::1/128")));
        let both = tokio::join!(resolver.resolve("localhost"), resolver.resolve("localhost"));
        assert!(both.0.is_ok() && both.1.is_ok(), "{both:?}");
        // No slot is left: the addresses can only come from the cache.
        resolver.slots.close();
        assert!(resolver.resolve("localhost").await.is_ok());
        let error = resolver.resolve("other.localhost").await.unwrap_err();
        assert_eq!(error.kind, AttemptErrorKind::Dns);
    }

    #[tokio::test]
    async fn a_name_that_cannot_exist_is_a_dns_error() {
        let resolver = Resolver::new(Arc::new(Guard::default()));
        // A DNS label has at most 63 bytes, so no name server is asked.
        let error = resolver.resolve(&"a".repeat(64)).await.unwrap_err();
        assert_eq!(error, unresolved("the host name cannot be resolved"));
    }

    #[tokio::test]
    async fn what_is_remembered_is_checked_again() {
        let open = Resolver::new(Arc::new(guard("127.0.0.0/8 ::1/128")));
        open.resolve("localhost").await.unwrap();
        let closed = Resolver {
            guard: Arc::new(Guard::default()),
            ..open
        };
        assert_eq!(
            closed.resolve("localhost").await.unwrap_err().kind,
            AttemptErrorKind::BlockedAddress
        );
    }
}
