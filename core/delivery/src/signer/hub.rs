//! The signatures `X-Hub-Signature` (HMAC-SHA1) and `X-Hub-Signature-256` (HMAC-SHA256) of the body, as hexadecimal
//! digits. The key is the newest secret as typed. Labelbox's receivers expect `sha1=` before the digits, Ango's expect
//! them bare.

use entity::PayloadFormat;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderValue;
use sha1::Sha1;
use sha2::Sha256;

/// Both signatures of one body, computed block by block.
#[derive(Clone)]
pub(crate) struct Hub {
    sha1: Hmac<Sha1>,
    sha256: Hmac<Sha256>,
}

impl Hub {
    pub(crate) fn new(secret: &str) -> Self {
        let key = secret.as_bytes();
        Self {
            sha1: Hmac::new_from_slice(key).expect("HMAC takes a key of any length"),
            sha256: Hmac::new_from_slice(key).expect("HMAC takes a key of any length"),
        }
    }

    pub(crate) fn update(&mut self, block: &[u8]) {
        self.sha1.update(block);
        self.sha256.update(block);
    }

    /// Returns the values of `X-Hub-Signature` and `X-Hub-Signature-256`.
    pub(crate) fn finish(self, format: PayloadFormat) -> (HeaderValue, HeaderValue) {
        let prefix = match format {
            PayloadFormat::Labelbox | PayloadFormat::V7 => "sha1=",
            PayloadFormat::Ango => "",
        };
        let (sha1, sha256) = (self.sha1.finalize().into_bytes(), self.sha256.finalize().into_bytes());
        (value(prefix, &sha1), value("sha256=", &sha256))
    }
}

/// Writes a prefix and a digest in hexadecimal digits.
fn value(prefix: &str, digest: &[u8]) -> HeaderValue {
    let mut buffer = [0; 7 + 64];
    let end = prefix.len() + 2 * digest.len();
    buffer[..prefix.len()].copy_from_slice(prefix.as_bytes());
    hex::encode_to_slice(digest, &mut buffer[prefix.len()..end]).expect("the buffer holds the longest, sha256");
    HeaderValue::from_bytes(&buffer[..end]).expect("hexadecimal digits are a valid value")
}
