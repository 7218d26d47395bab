//! The certificate authorities that are built in.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

const BUNDLE: &str = include_str!("../../../shared/src/db/rds-global-bundle.pem");

#[test]
fn every_authority_of_the_bundle_is_built_in_and_trusted_for_the_same() {
    let bundle = trusted(CertificateDer::pem_slice_iter(BUNDLE.as_bytes()).map(Result::unwrap));

    let built_in = trusted(shared::db::rds_roots());

    assert_eq!(bundle.len(), BUNDLE.matches("BEGIN CERTIFICATE").count());
    assert_eq!(built_in.roots, bundle.roots);
}

fn trusted(authorities: impl Iterator<Item = CertificateDer<'static>>) -> RootCertStore {
    let mut store = RootCertStore::empty();
    for authority in authorities {
        store.add(authority).unwrap();
    }
    store
}
