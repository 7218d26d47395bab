//! Whom a database may have its certificate from.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

/// The certificate authorities of RDS, which the public trust stores lack: one certificate after the other, each with its
/// own length in front. `build.rs` packs them.
const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/rds-roots.der"));

/// The authorities of RDS, and those that the host trusts.
pub(super) fn trusted() -> RootCertStore {
    let mut store = RootCertStore::empty();
    let (_, _unusable) = store.add_parsable_certificates(rds_roots());
    let native = rustls_native_certs::load_native_certs();
    for error in native.errors {
        tracing::warn!(%error, "Authorities of the host cannot be read");
    }
    // A host may have some that nobody can use.
    let (_, _unusable) = store.add_parsable_certificates(native.certs);
    store
}

/// The authorities of RDS as DER.
pub fn rds_roots() -> impl Iterator<Item = CertificateDer<'static>> {
    let mut rest = PACKED;
    std::iter::from_fn(move || {
        let [0x30, 0x82, high, low, ..] = rest else { return None };
        let length = 4 + usize::from(u16::from_be_bytes([*high, *low]));
        let (certificate, others) = rest.split_at_checked(length)?;
        rest = others;
        Some(CertificateDer::from(certificate))
    })
}
