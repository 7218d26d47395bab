//! The certificate authorities that are built in.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

const BUNDLE: &str = include_str!("../../../shared/src/db/rds-global-bundle.pem");

#[test]
fn every_authority_of_the_bundle_is_built_in_and_trusted_for_the_same() {
    let mut bundle = RootCertStore::empty();
    for authority in CertificateDer::pem_slice_iter(BUNDLE.as_bytes()) {
        bundle.add(authority.unwrap()).unwrap();
    }

    let built_in: RootCertStore = shared::db::rds_roots().collect();

    assert_eq!(bundle.len(), BUNDLE.matches("BEGIN CERTIFICATE").count());
    assert_eq!(built_in.roots, bundle.roots);
}
