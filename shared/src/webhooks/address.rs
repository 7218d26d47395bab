//! Which addresses can be registered.
//!
//! This is for early and clear answers. What counts is the check at connect time, in `functions/outbound`: a name may
//! lead anywhere, and elsewhere tomorrow.

use reqwest::Url;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The ports of HTTPS; others belong to services that are not meant to be posted to.
const PORTS: [u16; 2] = [443, 8443];

/// Bytes of a URL at most.
pub const LONGEST_URL: usize = 2_000;

/// Why an address cannot be registered; each is worded for the owner.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AddressError {
    /// Not a URL.
    #[error("must be a URL like https://example.com/hooks")]
    NotAUrl,
    /// Not HTTPS.
    #[error("must begin with https://")]
    Scheme,
    /// User name or password in it.
    #[error("must not contain a user name or a password: deliveries are signed")]
    Credentials,
    /// Something after `#`, which no server would see.
    #[error("must not have a part after #")]
    Fragment,
    /// A port that is not one of HTTPS.
    #[error("must have no port but 443 and 8443")]
    Port,
    /// A host that is not on the internet.
    #[error("must lead to a host on the internet, not into a private network")]
    Private,
}

/// Checks an address. Where private networks are allowed, so are other ports and plain HTTP: all for development.
///
/// # Errors
/// What is wrong with it.
pub fn check_address(text: &str, allow_private: bool) -> Result<(), AddressError> {
    // The parser would quietly take these away.
    if text.chars().any(|character| character.is_whitespace() || character.is_control()) {
        return Err(AddressError::NotAUrl);
    }
    let Ok(url) = Url::parse(text) else { return Err(AddressError::NotAUrl) };
    if url.scheme() != "https" && !(allow_private && url.scheme() == "http") {
        return Err(AddressError::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(AddressError::Credentials);
    }
    if url.fragment().is_some() {
        return Err(AddressError::Fragment);
    }
    // The parser has turned every spelling of an IPv4 address, such as 0x7f.1, into the usual one.
    let host = url.host_str().ok_or(AddressError::NotAUrl)?;
    if allow_private {
        return Ok(());
    }
    if !url.port_or_known_default().is_some_and(|port| PORTS.contains(&port)) {
        return Err(AddressError::Port);
    }
    if is_private(host) { Err(AddressError::Private) } else { Ok(()) }
}

fn is_private(host: &str) -> bool {
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return is_private_v4(address);
    }
    if let Some(Ok(address)) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).map(str::parse) {
        return is_private_v6(address);
    }
    let name = host.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    let is_carrier_nat = first == 100 && (64..128).contains(&second);
    let is_this_network = first == 0;
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || is_carrier_nat
        || is_this_network
        || address.is_documentation()
        || first >= 224
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    match address.to_ipv4() {
        Some(mapped) => is_private_v4(mapped),
        // 2000::/3 is all that is handed out.
        None => address.segments().first().is_none_or(|first| first & 0xe000 != 0x2000),
    }
}
