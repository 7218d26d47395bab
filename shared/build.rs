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
    fs::write(Path::new(&env::var("OUT_DIR")?).join("rds-roots"), packed)?;
    Ok(())
}

/// What an authority is trusted by: its name and its key, each with its length in two bytes in front. The rest of its
/// certificate says nothing to somebody who has it from here, and random bytes cannot be packed.
fn pack(bundle: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut packed = Vec::new();
    for block in bundle.split("-----BEGIN CERTIFICATE-----").skip(1) {
        let (text, _) = block.split_once("-----END CERTIFICATE-----").ok_or("a certificate without an end")?;
        let certificate = BASE64_STANDARD.decode(text.split_whitespace().collect::<String>())?;
        for part in name_and_key(&certificate).ok_or("a certificate that is none")? {
            packed.extend_from_slice(&u16::try_from(part.len())?.to_be_bytes());
            packed.extend_from_slice(part);
        }
    }
    Ok(packed)
}

/// `TBSCertificate ::= SEQUENCE { version, serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, … }`, RFC
/// 5280; the first element of a certificate.
fn name_and_key(certificate: &[u8]) -> Option<[&[u8]; 2]> {
    let (certificate, _) = element(certificate)?;
    let (mut rest, _) = element(certificate)?;
    for _ in ["version", "serial number", "signature", "issuer", "validity"] {
        (_, rest) = element(rest)?;
    }
    let (name, rest) = element(rest)?;
    let (key, _) = element(rest)?;
    Some([name, key])
}

/// The content of the first element, and what comes after it.
fn element(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = usize::from(*der.get(1)?);
    let (header, length) = if length < 0x80 {
        (2, length)
    } else {
        let bytes = length & 0x7f;
        let length = der.get(2..2 + bytes)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        (2 + bytes, length)
    };
    der.get(header..)?.split_at_checked(length)
}
