//! What is checked of a call before anything is looked up or connected.

use super::Reach;
use super::address::refusal;
use reqwest::Url;
use reqwest::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use shared::outbound::OutboundError;
use std::net::IpAddr;

/// Characters of a URL.
const LONGEST_URL: usize = 2048;

/// Ports of the open internet: those of HTTPS. Others belong to services that are not meant to be posted to.
const PORTS: [u16; 2] = [443, 8443];

/// Headers that are the client's own business.
const OURS: [HeaderName; 9] =
    [CONNECTION, CONTENT_LENGTH, EXPECT, HOST, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

/// Checks a URL. Its host may be written in any way that means an address (`0x7f.1`): the parser has made the address
/// of it that would be connected to.
pub(super) fn url(text: &str, reach: Reach) -> Result<Url, OutboundError> {
    if text.len() > LONGEST_URL {
        return Err(refused(&format!("the URL has more than {LONGEST_URL} characters")));
    }
    let url = Url::parse(text).map_err(|error| refused(&format!("the URL cannot be read: {error}")))?;
    match (url.scheme(), reach) {
        ("https", _) | ("http", Reach::Anywhere) => {}
        ("http", Reach::Internet) => return Err(refused("the URL is not encrypted: it must start with https://")),
        _ => return Err(refused("the URL is not one of HTTP: it must start with https://")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("the URL holds a user name or a password"));
    }
    let Some(host) = url.host_str() else { return Err(refused("the URL has no host")) };
    if reach == Reach::Internet {
        if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>()
            && let Some(why) = refusal(address)
        {
            return Err(refused(&format!("the URL's host is not on the open internet: its address is {why}")));
        }
        if !url.port_or_known_default().is_some_and(|port| PORTS.contains(&port)) {
            return Err(refused("the URL's port is neither 443 nor 8443"));
        }
    }
    Ok(url)
}

/// Checks the headers; one that would be two is refused.
pub(super) fn headers(given: &[(String, String)]) -> Result<HeaderMap, OutboundError> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let wrong = |what: &str| refused(&format!("the header {name:?} {what}"));
        let Ok(known) = HeaderName::from_bytes(name.as_bytes()) else { return Err(wrong("has no valid name")) };
        if OURS.contains(&known) {
            return Err(wrong("is not for callers to set"));
        }
        let Ok(value) = HeaderValue::from_str(value) else { return Err(wrong("has no valid value")) };
        headers.append(known, value);
    }
    Ok(headers)
}

fn refused(reason: &str) -> OutboundError {
    OutboundError::Refused { reason: reason.to_owned() }
}
