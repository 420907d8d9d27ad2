//! The SSRF guard: refuses addresses that are not on the public internet. The connector asks it about every address
//! before it connects, literal or resolved, on each new connection, so that DNS rebinding does not get past it.
//!
//! A webhook's URL comes from a user of some organization. Without the guard that user could reach the operator's
//! internal network through the dispatcher.
//!
//! An address that embeds an IPv4 address (mapped, compatible, NAT64) is judged by the embedded one. Networks that the
//! operator denies are refused, whatever else is said. Networks that the operator allows are allowed although the table
//! refuses them; but link-local addresses, the metadata services of clouds and this server itself only by a network of
//! that one address. Ports below 1024, but for 80 and 443, belong to services that speak no HTTP, and are refused unless
//! the operator names them.

use ipnet::IpNet;
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

/// Decides whether an address may be connected to.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    /// Everything is allowed.
    open: bool,
    allow: Vec<IpNet>,
    deny: Vec<IpNet>,
    ports: Vec<u16>,
    own: Vec<IpAddr>,
    own_port: Option<u16>,
}

/// The reason why an address may be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// It is on the public internet.
    Public,
    /// The operator allows its network.
    Allowed,
}

/// The addresses of metadata services of clouds that are not link-local: AWS over IPv6, Alibaba, Azure and Oracle. Who
/// reaches them as this server may get its credentials.
const METADATA: [IpAddr; 4] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
];

/// The ports below 1024 that are called.
const WEB_PORTS: [u16; 2] = [80, 443];

/// The reason why an address is refused, worded to follow "the host resolves to".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocked(&'static str);

impl Guard {
    /// Makes a guard. `allow`: networks that may be called although the table refuses them. `own`: the addresses this
    /// server listens on.
    pub fn new(allow: Vec<IpNet>, own: Vec<IpAddr>) -> Self {
        let own = own.into_iter().map(|address| address.to_canonical()).collect();
        Self {
            allow,
            own,
            ..Self::default()
        }
    }

    /// Makes a guard that allows everything, for a program that calls what its own user names.
    pub fn open() -> Self {
        Self {
            open: true,
            ..Self::default()
        }
    }

    /// Refuses these networks, whatever is allowed.
    pub fn deny(self, deny: Vec<IpNet>) -> Self {
        Self { deny, ..self }
    }

    /// Allows these ports below 1024 too.
    pub fn ports(self, ports: Vec<u16>) -> Self {
        Self { ports, ..self }
    }

    /// Refuses this port of this machine: the server listens on it.
    pub fn own_port(self, port: u16) -> Self {
        Self {
            own_port: Some(port),
            ..self
        }
    }

    /// Checks whether this address may be connected to; the error is the reason why not.
    pub fn check(&self, address: IpAddr) -> Result<Permit, Blocked> {
        let address = effective(address);
        if self.open {
            return Ok(Permit::Allowed);
        }
        if self.deny.iter().any(|network| network.contains(&address)) {
            return Err(Blocked("an address that the operator denies"));
        }
        if self.is_allowed(address) {
            return Ok(Permit::Allowed);
        }
        if METADATA.contains(&address) {
            return Err(Blocked("the metadata service of a cloud"));
        }
        if self.own.contains(&address) {
            return Err(Blocked("an address of this server"));
        }
        let reason = match address {
            IpAddr::V4(address) => reason_v4(address),
            IpAddr::V6(address) => reason_v6(address),
        };
        reason.map_or(Ok(Permit::Public), |reason| Err(Blocked(reason)))
    }

    /// Checks whether this port may be called on any machine.
    pub fn check_port(&self, port: u16) -> Result<(), Blocked> {
        match self.open || port >= 1024 || WEB_PORTS.contains(&port) || self.ports.contains(&port) {
            true => Ok(()),
            false => Err(Blocked("a port below 1024 other than 80 and 443")),
        }
    }

    /// Checks that a connection from one address to another does not lead to this server itself.
    pub fn check_self(&self, from: IpAddr, to: SocketAddr) -> Result<(), Blocked> {
        let is_own = effective(from) == effective(to.ip()) && self.own_port == Some(to.port());
        match is_own && !self.open && !self.names(effective(to.ip())) {
            true => Err(Blocked("this server itself")),
            false => Ok(()),
        }
    }

    /// Returns whether the operator allows the address: by its network or, if it is a special one, by itself.
    fn is_allowed(&self, address: IpAddr) -> bool {
        let is_special = METADATA.contains(&address) || is_link_local(address);
        self.names(address) || !is_special && self.allow.iter().any(|network| network.contains(&address))
    }

    /// Returns whether the operator allows exactly this address.
    fn names(&self, address: IpAddr) -> bool {
        let exact = |network: &&IpNet| network.prefix_len() == network.max_prefix_len();
        self.allow.iter().filter(exact).any(|network| network.addr() == address)
    }
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => matches!(address.segments(), [0xfe80..=0xfebf, ..]),
    }
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Returns the address that packets would reach: the embedded IPv4 address, if there is one.
fn effective(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address.to_canonical() else {
        return address.to_canonical();
    };
    let octets = v6.octets();
    let embedded = Ipv4Addr::new(octets[12], octets[13], octets[14], octets[15]);
    match v6.segments() {
        // 64:ff9b::/96, NAT64
        [0x64, 0xff9b, 0, 0, 0, 0, _, _] => embedded.into(),
        // ::/96, IPv4-compatible (deprecated); `::` and `::1` are judged as they are
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 || low > 1 => embedded.into(),
        _ => v6.into(),
    }
}

fn reason_v4(address: Ipv4Addr) -> Option<&'static str> {
    match address.octets() {
        [0, ..] => Some("an unspecified address"),
        [127, ..] => Some("a loopback address"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Some("a private address"),
        [169, 254, ..] => Some("a link-local address"),
        [100, 64..=127, ..] => Some("a shared address of a carrier"),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Some("a documentation address"),
        [198, 18..=19, ..] => Some("a benchmarking address"),
        [224..=239, ..] => Some("a multicast address"),
        // IETF protocol assignments, AS112, 6to4 relays, AMT, the future and broadcast
        [192, 0, 0, _]
        | [192, 31, 196, _]
        | [192, 52, 193, _]
        | [192, 88, 99, _]
        | [192, 175, 48, _]
        | [240..=255, ..] => Some("a reserved address"),
        _ => None,
    }
}

fn reason_v6(address: Ipv6Addr) -> Option<&'static str> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("an unspecified address"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("a loopback address"),
        [0xfc00..=0xfdff, ..] => Some("a private address"),
        [0xfe80..=0xfebf, ..] => Some("a link-local address"),
        [0xfec0..=0xfeff, ..] => Some("a site-local address"),
        [0xff00..=0xffff, ..] => Some("a multicast address"),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Some("a documentation address"),
        [0x2001, 2, 0, ..] => Some("a benchmarking address"),
        [0x2002, ..] => Some("a 6to4 address"),
        [0x2001, 0, ..] => Some("a Teredo address"),
        // Of the rest only 2000::/3 is allocated; 2001::/23 in it is for protocols (ORCHID and others). Reserved are:
        // local NAT64 64:ff9b:1::/48, discard 100::/64, SRv6 5f00::/16, the former 6bone 3ffe::/16 and unallocated
        // space.
        [0x2001, 0..=0x1ff, ..] | [0x3ffe, ..] => Some("a reserved address"),
        [0x2000..=0x3fff, ..] => None,
        _ => Some("a reserved address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCKED: &str = "
        0.0.0.0 0.1.2.3 127.0.0.1 127.1.2.3 127.255.255.255 10.0.0.0 10.255.255.255 172.16.0.1 172.31.255.255
        192.168.0.1 192.168.255.255 169.254.169.254 169.254.0.1 100.64.0.1 100.100.100.200 100.127.255.255 192.0.0.1
        192.0.0.192 192.0.2.1 198.51.100.7 203.0.113.9 198.18.0.1 198.19.255.255 192.88.99.1 192.31.196.1 192.52.193.1
        192.175.48.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
        :: ::1 ::2 ::127.0.0.1 ::10.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0.0.0.0
        ::ffff:0:127.0.0.1 64:ff9b::127.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b::10.1.2.3 64:ff9b:1::1 64:ff9b:1::8.8.8.8
        100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1 2001:20::1 2001:1ff::1 2001:db8::1
        2001:db8:ffff::1 2002:7f00:1::1 2002:a9fe:a9fe:: 3ffe::1 3fff::1 3fff:fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254
        fdff::1 fe00::1 fe80::1 febf::1 fec0::1 feff::1 ff02::1 ff0e::1 1::1 e000::1";

    const ALLOWED: &str = "
        1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1 169.253.255.255
        169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.1 192.0.3.1 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0
        198.51.99.1 203.0.112.1 203.0.114.1 223.255.255.255
        2001:200::1 2001:4860:4860::8888 2606:4700:4700::1111 2a00:1450::1 2003::1 2001:db7::1 2001:db9::1 3fff:1000::1
        3ffd::1 2400::1 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 ::8.8.8.8";

    fn each(list: &str) -> impl Iterator<Item = IpAddr> {
        list.split_whitespace().map(|text| text.parse().expect(text))
    }

    #[test]
    fn only_addresses_of_the_public_internet_are_called() {
        let guard = Guard::default();
        assert!(each(BLOCKED).count() + each(ALLOWED).count() > 60);
        for address in each(BLOCKED) {
            assert!(guard.check(address).is_err(), "{address} must be refused");
        }
        for address in each(ALLOWED) {
            assert!(guard.check(address).is_ok(), "{address} must be allowed");
        }
    }

    #[test]
    fn the_reason_is_said() {
        let check = |text: &str, reason: &str| {
            let blocked = Guard::default().check(text.parse().unwrap()).unwrap_err();
            assert_eq!(blocked.to_string(), reason);
        };
        check("::ffff:127.0.0.1", "a loopback address");
        check("64:ff9b::a9fe:a9fe", "a link-local address");
        check("fd00::1", "a private address");
    }

    #[test]
    fn an_allowed_network_is_called_in_every_notation() {
        let guard = Guard::new(
            vec!["127.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()],
            vec![],
        );
        for address in each("127.0.0.1 127.9.9.9 ::ffff:127.0.0.1 64:ff9b::127.0.0.1 fd12::1") {
            assert!(guard.check(address).is_ok(), "{address}");
        }
        for address in each("10.0.0.1 ::1 fc00::1") {
            assert!(guard.check(address).is_err(), "{address}");
        }
    }

    #[test]
    fn special_addresses_are_allowed_by_themselves_only() {
        let broad = ["0.0.0.0/0", "::/0"].map(|text| text.parse().unwrap()).to_vec();
        let special = "169.254.169.254 169.254.1.1 fe80::1 fd00:ec2::254 100.100.100.200 168.63.129.16 192.0.0.192 \
            ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe";
        let guard = Guard::new(broad, vec![]);
        for address in each(special) {
            assert!(guard.check(address).is_err(), "{address}");
        }
        for address in each("10.0.0.1 127.0.0.1 fd12::1") {
            assert_eq!(guard.check(address), Ok(Permit::Allowed), "{address}");
        }
        for address in each(special) {
            let exact = IpNet::from(effective(address));
            assert!(Guard::new(vec![exact], vec![]).check(address).is_ok(), "{address}");
            let denied = Guard::new(vec![exact], vec![]).deny(vec![exact]);
            assert!(denied.check(address).is_err(), "{address}");
        }
        assert!(Guard::open().check("169.254.169.254".parse().unwrap()).is_ok());
    }

    #[test]
    fn what_is_denied_is_refused_though_it_is_public_or_allowed() {
        let [allow, deny] = ["10.0.0.0/8", "10.1.0.0/16"].map(|text| text.parse().unwrap());
        let guard = Guard::new(vec![allow], vec![]).deny(vec![deny, "8.8.8.0/24".parse().unwrap()]);
        let check = |text: &str| guard.check(text.parse().unwrap());
        assert_eq!(check("10.2.0.1"), Ok(Permit::Allowed));
        assert_eq!(check("8.8.4.4"), Ok(Permit::Public));
        assert!(check("10.1.0.1").is_err() && check("::ffff:10.1.0.1").is_err() && check("8.8.8.8").is_err());
    }

    #[test]
    fn ports_of_other_services_are_refused_unless_they_are_named() {
        let guard = Guard::default().ports(vec![81]);
        for port in [80, 81, 443, 1024, 8080, 65_535] {
            assert!(guard.check_port(port).is_ok(), "{port}");
        }
        for port in [22, 25, 53, 444, 1023] {
            assert!(guard.check_port(port).is_err(), "{port}");
        }
    }

    #[test]
    fn the_server_is_not_called_by_itself() {
        let allow = |text: &str| Guard::new(vec![text.parse().unwrap()], vec![]).own_port(8080);
        let check = |guard: &Guard, from: &str, to: &str| guard.check_self(from.parse().unwrap(), to.parse().unwrap());
        let broad = allow("127.0.0.0/8");
        assert!(check(&broad, "127.0.0.1", "127.0.0.1:8080").is_err());
        assert!(check(&broad, "127.0.0.1", "127.0.0.1:3000").is_ok());
        assert!(check(&broad, "10.0.0.1", "10.0.0.2:8080").is_ok());
        assert!(check(&allow("127.0.0.1/32"), "127.0.0.1", "127.0.0.1:8080").is_ok());
    }

    #[test]
    fn an_own_address_is_refused_unless_it_is_allowed() {
        let own: Vec<IpAddr> = each("93.184.216.34 ::ffff:8.8.4.4 2606:4700::1").collect();
        let guard = Guard::new(vec!["93.184.216.0/24".parse().unwrap()], own);
        assert!(guard.check("93.184.216.34".parse().unwrap()).is_ok());
        for address in each("8.8.4.4 ::ffff:8.8.4.4 64:ff9b::8.8.4.4 2606:4700::1") {
            assert_eq!(
                guard.check(address).unwrap_err().to_string(),
                "an address of this server"
            );
        }
    }
}
