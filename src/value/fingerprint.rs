//! Fingerprint of a clip's content, which identifies the clip.

use std::fmt;
use std::str::FromStr;

use super::{Malformed, serde_as_text};

/// Hash of 128 bits, written as 32 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub u128);

impl Fingerprint {
    /// Returns the bytes, most significant first, as stored in the catalogue.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// Returns the first 15 hex digits as a number. Queries search this part by prefix.
    #[must_use]
    pub fn leading(self) -> i64 {
        i64::try_from(self.0 >> 68).unwrap_or(i64::MAX)
    }

    /// Creates a fingerprint from the 16 bytes that the catalogue stores, most significant first.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for Fingerprint {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let is_hex = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        is_hex
            .then(|| u128::from_str_radix(text, 16).ok())
            .flatten()
            .map(Self)
            .ok_or_else(|| Malformed::new(text, "an id of 32 hex digits"))
    }
}

serde_as_text!(Fingerprint);
