//! The certificate authorities that are built in.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

const BUNDLE: &str = include_str!("../../../shared/src/db/rds-global-bundle.pem");

#[test]
fn every_authority_of_the_bundle_is_built_in_and_trusted_for_the_same() {
    let bundle = trusted(BUNDLE);

    let built_in = trusted(&shared::db::rds_roots());

    assert_eq!(bundle.len(), BUNDLE.matches("BEGIN CERTIFICATE").count());
    assert_eq!(built_in.roots, bundle.roots);
}

fn trusted(pem: &str) -> RootCertStore {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        store.add(certificate.unwrap()).unwrap();
    }
    store
}
