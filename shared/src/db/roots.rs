//! Whom a database may have its certificate from.

use rustls::RootCertStore;
use rustls::pki_types::{Der, TrustAnchor};

/// The certificate authorities of RDS, which the public trust stores lack: name and key of one after the other, each with its
/// length in two bytes in front. `build.rs` packs them.
const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/rds-roots"));

/// The authorities of RDS, and those that the host trusts.
pub(super) fn trusted() -> RootCertStore {
    let mut store: RootCertStore = rds_roots().collect();
    let native = rustls_native_certs::load_native_certs();
    for error in native.errors {
        tracing::warn!(%error, "Authorities of the host cannot be read");
    }
    // A host may have some that nobody can use.
    let (_, _unusable) = store.add_parsable_certificates(native.certs);
    store
}

/// The authorities of RDS.
pub fn rds_roots() -> impl Iterator<Item = TrustAnchor<'static>> {
    let mut rest = PACKED;
    std::iter::from_fn(move || {
        let (subject, after) = part(rest)?;
        let (subject_public_key_info, after) = part(after)?;
        rest = after;
        Some(TrustAnchor { subject, subject_public_key_info, name_constraints: None })
    })
}

/// Takes what has its length in front, and returns what comes after it.
fn part(packed: &'static [u8]) -> Option<(Der<'static>, &'static [u8])> {
    let (length, rest) = packed.split_first_chunk()?;
    let (part, after) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some((Der::from_slice(part), after))
}
