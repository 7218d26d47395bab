//! Names become addresses here, and only checked ones leave. The connection is made to one of these very addresses, so
//! a name that means something else a moment later gains nothing.

use super::Reach;
use super::address::refusal;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::SocketAddr;

/// Looks names up as the system does, and keeps the addresses that may be called.
#[derive(Debug)]
pub(super) struct CheckedNames {
    pub(super) reach: Reach,
}

/// A name whose addresses must all not be called.
#[derive(Debug, thiserror::Error)]
#[error("the URL's host is not on the open internet: its address is {0}")]
pub(super) struct Forbidden(pub(super) &'static str);

impl Resolve for CheckedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.reach;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(Box::new(keep(found, reach)?.into_iter()) as Addrs)
        })
    }
}

/// Keeps the addresses that may be called; an error when there were some, and none is left.
fn keep(found: impl Iterator<Item = SocketAddr>, reach: Reach) -> Result<Vec<SocketAddr>, Forbidden> {
    let mut refused = None;
    let mut kept = Vec::new();
    for address in found {
        match refusal(address.ip()) {
            Some(why) if reach == Reach::Internet => refused = Some(why),
            _ => kept.push(address),
        }
    }
    match refused {
        Some(why) if kept.is_empty() => Err(Forbidden(why)),
        _ => Ok(kept),
    }
}
