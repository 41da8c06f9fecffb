//! Checksums of whole files, in the notation of media hash lists (MHL).
//!
//! They are separate from the fingerprint that identifies clips. A fingerprint reads only samples
//! of a file and is compared only with other fingerprints. A checksum covers all bytes and must
//! equal the one that other programs compute.

mod sample;

use std::fmt;
use std::str::FromStr;

use md5::{Digest, Md5};
use serde::Deserialize;
use sha1::Sha1;
use sha2::Sha512;
use xxhash_rust::xxh3::Xxh3Default;
use xxhash_rust::xxh32::Xxh32;
use xxhash_rust::xxh64::Xxh64;

use crate::value::{Fingerprint, Malformed};

pub use sample::{SAMPLED_RANGE, SAMPLED_WHOLE, Sampler, sampled_ranges};

/// Hash algorithm of a checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HashKind {
    /// XXH3 with 128 bits and seed 0, preferred by ASC MHL.
    Xxh128,
    /// XXH64 with seed 0.
    Xxh64,
    /// XXH3 with 64 bits and seed 0.
    Xxh3,
    /// MD5 (RFC 1321), 128 bits.
    Md5,
    /// SHA-1, 160 bits.
    Sha1,
    /// C4 ID of SMPTE ST 2114: SHA-512 in base 58.
    C4,
    /// XXH32 with seed 0, found in old manifests only.
    Xxh32,
}

impl HashKind {
    /// Hash kinds that an ingest can write.
    pub const WRITABLE: &[HashKind] = &[
        HashKind::Xxh128,
        HashKind::Xxh64,
        HashKind::Md5,
        HashKind::Sha1,
        HashKind::C4,
    ];

    const ALL: [HashKind; 7] = [
        HashKind::Xxh128,
        HashKind::Xxh64,
        HashKind::Xxh3,
        HashKind::Md5,
        HashKind::Sha1,
        HashKind::C4,
        HashKind::Xxh32,
    ];

    /// Returns the name used in ASC MHL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Xxh128 => "xxh128",
            Self::Xxh64 => "xxh64",
            Self::Xxh3 => "xxh3",
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::C4 => "c4",
            Self::Xxh32 => "xxh32",
        }
    }

    /// Returns the kind with this name, including kinds that are only read.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Size of the digest in bytes.
    fn digest_size(self) -> usize {
        match self {
            Self::Xxh32 => 4,
            Self::Xxh64 | Self::Xxh3 => 8,
            Self::Xxh128 | Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::C4 => 64,
        }
    }
}

impl fmt::Display for HashKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Parses only the kinds that can be written, since a user requests them.
impl FromStr for HashKind {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::from_name(text)
            .filter(|kind| Self::WRITABLE.contains(kind))
            .ok_or_else(|| {
                Malformed::new(
                    text,
                    "a hash kind: `xxh128`, `xxh64`, `md5`, `sha1` or `c4`",
                )
            })
    }
}

impl serde::Serialize for HashKind {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

/// Deserializes any kind: recorded hashes may be of kinds that a user cannot request.
impl<'de> Deserialize<'de> for HashKind {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(from)?;
        Self::from_name(&name)
            .ok_or_else(|| serde::de::Error::custom(Malformed::new(&name, "a hash kind")))
    }
}

/// Digest with its hash kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Checksum {
    kind: HashKind,
    bytes: Box<[u8]>,
}

impl Checksum {
    /// Converts the digest to a fingerprint, the form in which the catalogue stores whole-file
    /// hashes. `None` for kinds other than xxh128.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        let bytes = (self.kind == HashKind::Xxh128).then(|| self.bytes.as_ref().try_into());
        bytes?.ok().map(Fingerprint::from_bytes)
    }

    /// Returns the hash algorithm.
    #[must_use]
    pub fn kind(&self) -> HashKind {
        self.kind
    }

    /// Returns the digest in big-endian order, as printed. For C4 these are the 64 bytes of
    /// SHA-512.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Creates a checksum from a digest; `None` if it has the wrong length for its kind.
    #[must_use]
    pub fn from_bytes(kind: HashKind, bytes: &[u8]) -> Option<Self> {
        (bytes.len() == kind.digest_size()).then(|| Self {
            kind,
            bytes: bytes.into(),
        })
    }

    /// Parses a checksum as written in manifests: hexadecimal digits in either case, or `c4…`.
    #[must_use]
    pub fn parse(kind: HashKind, text: &str) -> Option<Self> {
        let bytes = match kind {
            HashKind::C4 => from_base58(text.strip_prefix("c4")?)?.to_vec(),
            _ => from_hex(text)?,
        };
        Self::from_bytes(kind, &bytes)
    }
}

/// Formats as `xxhsum`, `md5sum` and `sha1sum` do. A C4 ID has 90 characters.
impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind == HashKind::C4 {
            return write!(f, "c4{}", to_base58(&self.bytes));
        }
        self.bytes
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Incremental computation of a checksum.
pub struct Hasher {
    kind: HashKind,
    state: HasherState,
}

enum HasherState {
    /// XXH3 with 64 or 128 bits, which differ only in how the digest is extracted. Boxed because it
    /// is much larger than the other states.
    Xxh3(Box<Xxh3Default>),
    Xxh64(Xxh64),
    Xxh32(Xxh32),
    Md5(Md5),
    Sha1(Sha1),
    Sha512(Sha512),
}

impl Hasher {
    /// Creates a hasher without input.
    #[must_use]
    pub fn new(kind: HashKind) -> Self {
        let state = match kind {
            HashKind::Xxh128 | HashKind::Xxh3 => HasherState::Xxh3(Box::default()),
            HashKind::Xxh64 => HasherState::Xxh64(Xxh64::new(0)),
            HashKind::Xxh32 => HasherState::Xxh32(Xxh32::new(0)),
            HashKind::Md5 => HasherState::Md5(Md5::new()),
            HashKind::Sha1 => HasherState::Sha1(Sha1::new()),
            HashKind::C4 => HasherState::Sha512(Sha512::new()),
        };
        Self { kind, state }
    }

    /// Returns the hash algorithm.
    #[must_use]
    pub fn kind(&self) -> HashKind {
        self.kind
    }

    /// Adds bytes to the hash.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            HasherState::Xxh3(state) => state.update(bytes),
            HasherState::Xxh64(state) => state.update(bytes),
            HasherState::Xxh32(state) => state.update(bytes),
            HasherState::Md5(state) => state.update(bytes),
            HasherState::Sha1(state) => state.update(bytes),
            HasherState::Sha512(state) => state.update(bytes),
        }
    }

    /// Returns the checksum of all added bytes.
    #[must_use]
    pub fn finish(self) -> Checksum {
        let bytes: Box<[u8]> = match self.state {
            HasherState::Xxh3(state) if self.kind == HashKind::Xxh3 => {
                Box::new(state.digest().to_be_bytes())
            }
            HasherState::Xxh3(state) => Box::new(state.digest128().to_be_bytes()),
            HasherState::Xxh64(state) => Box::new(state.digest().to_be_bytes()),
            HasherState::Xxh32(state) => Box::new(state.digest().to_be_bytes()),
            HasherState::Md5(state) => state.finalize().as_slice().into(),
            HasherState::Sha1(state) => state.finalize().as_slice().into(),
            HasherState::Sha512(state) => state.finalize().as_slice().into(),
        };
        Checksum {
            kind: self.kind,
            bytes,
        }
    }
}

/// Computes the checksum of a byte slice.
#[must_use]
pub fn hash_bytes(kind: HashKind, bytes: &[u8]) -> Checksum {
    let mut hasher = Hasher::new(kind);
    hasher.update(bytes);
    hasher.finish()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect()
}

/// Digits of a C4 ID: base 58 without look-alike characters.
const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Number of base 58 digits of 64 bytes. Shorter numbers are padded with zeros, written as `1`.
const C4_DIGITS: usize = 88;

fn to_base58(bytes: &[u8]) -> String {
    let mut digits = [0_u8; C4_DIGITS];
    for byte in bytes {
        let mut carry = u32::from(*byte);
        for digit in digits.iter_mut().rev() {
            carry += u32::from(*digit) << 8;
            // The remainder of a division by 58 fits in a byte.
            *digit = (carry % 58) as u8;
            carry /= 58;
        }
    }
    digits
        .iter()
        .map(|digit| char::from(BASE58[usize::from(*digit)]))
        .collect()
}

fn from_base58(text: &str) -> Option<[u8; 64]> {
    if text.len() != C4_DIGITS {
        return None;
    }
    let mut bytes = [0_u8; 64];
    for letter in text.bytes() {
        let digit = BASE58.iter().position(|digit| *digit == letter)?;
        let mut carry = u32::try_from(digit).ok()?;
        for byte in bytes.iter_mut().rev() {
            carry += u32::from(*byte) * 58;
            *byte = (carry & 0xff) as u8;
            carry >>= 8;
        }
        // 88 digits can represent numbers of more than 512 bits.
        if carry > 0 {
            return None;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Output of the reference programs for empty input and for `abc`.
    const KNOWN: &[(HashKind, &str, &str)] = &[
        (
            HashKind::Xxh128,
            "99aa06d3014798d86001c324468d497f",
            "06b05ab6733a618578af5f94892f3950",
        ),
        (HashKind::Xxh64, "ef46db3751d8e999", "44bc2cf5ad770999"),
        (HashKind::Xxh3, "2d06800538d394c2", "78af5f94892f3950"),
        (HashKind::Xxh32, "02cc5d05", "32d153ff"),
        (
            HashKind::Md5,
            "d41d8cd98f00b204e9800998ecf8427e",
            "900150983cd24fb0d6963f7d28e17f72",
        ),
        (
            HashKind::Sha1,
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "a9993e364706816aba3e25717850c26c9cd0d89d",
        ),
        (
            HashKind::C4,
            "c459dsjfscH38cYeXXYogktxf4Cd9ibshE3BHUo6a58hBXmRQdZrAkZzsWcbWtDg5oQstpDuni4Hirj75GEmTc1sFT",
            "c45S4rnaTNWonxss1u8LzsaJdEph1AJhWUF4sh2waXKMsutyfAxg4ybUeuXVWS9HdNcEypmeXn8FZGonD4w1rj9DZp",
        ),
    ];

    #[test]
    fn matches_the_reference_programs() {
        for (kind, empty, abc) in KNOWN {
            assert_eq!(hash_bytes(*kind, b"").to_string(), *empty, "{kind}");
            assert_eq!(hash_bytes(*kind, b"abc").to_string(), *abc, "{kind}");
            let mut hasher = Hasher::new(*kind);
            assert_eq!(hasher.kind(), *kind);
            hasher.update(b"a");
            hasher.update(b"");
            hasher.update(b"bc");
            assert_eq!(hasher.finish().to_string(), *abc, "{kind}");
        }
    }

    #[test]
    fn parses_its_own_output() {
        for kind in HashKind::ALL {
            let checksum = hash_bytes(kind, b"A001_C003.mov");
            let text = checksum.to_string();
            assert_eq!(Checksum::parse(kind, &text), Some(checksum.clone()));
            assert_eq!(
                Checksum::from_bytes(kind, checksum.bytes()),
                Some(checksum.clone())
            );
            if kind != HashKind::C4 {
                assert_eq!(Checksum::parse(kind, &text.to_uppercase()), Some(checksum));
            }
            for wrong in [&text[1..], "", "0", "é", " ", &format!("{text}00"), "c4"] {
                assert_eq!(Checksum::parse(kind, wrong), None, "{kind} {wrong}");
            }
        }
    }

    #[test]
    fn c4_ids_hold_exactly_512_bits() {
        let zeros = Checksum::from_bytes(HashKind::C4, &[0; 64]).unwrap();
        assert_eq!(zeros.to_string(), format!("c4{}", "1".repeat(88)));
        // The greatest C4 ID, from the specification.
        let greatest = "c467rpwLCuS5DGA8KGZXKsVQ7dnPb9goRLoKfgGbLfQg9WoLUgNY77E2jT11fem3coV9nAkguBACzrU1iyZM4B8roQ";
        let ones = Checksum::parse(HashKind::C4, greatest).unwrap();
        assert_eq!(ones.bytes(), [0xff; 64]);
        assert_eq!(ones.to_string(), greatest);
        let too_large = format!("{}R", greatest.strip_suffix('Q').unwrap());
        assert_eq!(Checksum::parse(HashKind::C4, &too_large), None);
        let invalid_digit = greatest.replace('r', "0");
        assert_eq!(Checksum::parse(HashKind::C4, &invalid_digit), None);
    }

    #[test]
    fn parses_writable_kinds_but_deserializes_all() {
        for kind in HashKind::WRITABLE {
            assert_eq!(kind.name().parse(), Ok(*kind));
        }
        for text in ["xxh32", "xxh3", "MD5", "sha256", ""] {
            assert!(text.parse::<HashKind>().is_err(), "{text}");
        }
        for kind in HashKind::ALL {
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(serde_json::from_str::<HashKind>(&json).unwrap(), kind);
        }
        assert!(serde_json::from_str::<HashKind>("\"crc32\"").is_err());
    }
}
