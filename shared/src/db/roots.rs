//! The certificate authorities of RDS, which the public trust stores lack. `build.rs` packs them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// One certificate after the other, each with its own length in front.
const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/rds-roots.der"));

/// The authorities as PEM.
#[must_use]
pub fn rds_roots() -> String {
    let mut pem = String::with_capacity(PACKED.len() * 3 / 2);
    let mut rest = PACKED;
    while let [0x30, 0x82, high, low, ..] = rest {
        let length = 4 + usize::from(u16::from_be_bytes([*high, *low]));
        let Some((certificate, others)) = rest.split_at_checked(length) else { break };
        pem.push_str("-----BEGIN CERTIFICATE-----\n");
        BASE64_STANDARD.encode_string(certificate, &mut pem);
        pem.push_str("\n-----END CERTIFICATE-----\n");
        rest = others;
    }
    pem
}
