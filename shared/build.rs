//! Rebuilds when a migration is added: they are read at compile time. And packs the certificate authorities of RDS.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::error::Error;
use std::path::Path;
use std::{env, fs};

const AUTHORITIES: &str = "src/db/rds-global-bundle.pem";

#[expect(clippy::disallowed_methods, reason = "Cargo names the folder through the environment")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed={AUTHORITIES}");
    let packed = pack(&fs::read_to_string(AUTHORITIES)?)?;
    fs::write(Path::new(&env::var("OUT_DIR")?).join("rds-roots.der"), packed)?;
    Ok(())
}

/// One certificate after the other as DER, which takes a third less than PEM, and without what cannot be packed and nobody
/// reads: an authority is trusted because it is in here, so what it has signed itself with says nothing.
fn pack(bundle: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut packed = Vec::new();
    for block in bundle.split("-----BEGIN CERTIFICATE-----").skip(1) {
        let (text, _) = block.split_once("-----END CERTIFICATE-----").ok_or("a certificate without an end")?;
        let mut certificate = BASE64_STANDARD.decode(text.split_whitespace().collect::<String>())?;
        blank_signature(&mut certificate).ok_or("a certificate that is none")?;
        packed.append(&mut certificate);
    }
    Ok(packed)
}

/// `Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue BIT STRING }`, RFC 5280.
fn blank_signature(certificate: &mut [u8]) -> Option<()> {
    let (outer, _) = element(certificate)?;
    let mut start = outer;
    for _ in 0..2 {
        let (header, length) = element(certificate.get(start..)?)?;
        start += header + length;
    }
    let (header, length) = element(certificate.get(start..)?)?;
    // The first byte says how many bits of the last one are unused.
    certificate.get_mut(start + header + 1..start + header + length)?.fill(0);
    Some(())
}

/// The lengths of an element's header and of its content.
fn element(der: &[u8]) -> Option<(usize, usize)> {
    let length = usize::from(*der.get(1)?);
    if length < 0x80 {
        return Some((2, length));
    }
    let bytes = length & 0x7f;
    let length = der.get(2..2 + bytes)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    Some((2 + bytes, length))
}
