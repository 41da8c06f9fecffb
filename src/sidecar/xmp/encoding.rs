//! Character encodings of sidecars. A sidecar is written back in its original encoding.

use super::XmpError;
use super::start_tag::short;

/// Maximum size of a sidecar in bytes, enough for embedded thumbnails and transcripts.
pub(super) const MAX_BYTES: usize = 16 * 1024 * 1024;

const BOM: char = '\u{feff}';

/// Character encoding of a file, and whether it starts with a byte order mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Encoding {
    units: Units,
    has_mark: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Units {
    Utf8,
    Utf16Little,
    Utf16Big,
}

impl Encoding {
    /// Decodes the text of a file, without its byte order mark.
    ///
    /// # Errors
    /// Returns an error if the file is too large, or neither UTF-8 nor UTF-16.
    pub(super) fn decode(bytes: &[u8]) -> Result<(Self, String), XmpError> {
        if bytes.len() > MAX_BYTES {
            return Err(XmpError::TooLarge { max: MAX_BYTES });
        }
        // A document begins with a byte order mark or with `<` (XML 1.0, appendix F).
        let units = match bytes {
            [0xff, 0xfe, ..] | [b'<', 0, ..] => Units::Utf16Little,
            [0xfe, 0xff, ..] | [0, b'<', ..] => Units::Utf16Big,
            _ => Units::Utf8,
        };
        let text = match units {
            Units::Utf8 => String::from_utf8(bytes.to_vec()).ok(),
            Units::Utf16Little => utf16(bytes, u16::from_le_bytes),
            Units::Utf16Big => utf16(bytes, u16::from_be_bytes),
        };
        let mut text = text.ok_or(XmpError::Encoding)?;
        let has_mark = text.starts_with(BOM);
        if has_mark {
            text.remove(0);
        }
        Ok((Self { units, has_mark }, text))
    }

    /// Encodes a text in this encoding, with a byte order mark if the file had one.
    pub(super) fn encode(self, text: &str) -> Vec<u8> {
        let mark = if self.has_mark { Some(BOM) } else { None };
        let marked = mark.into_iter().chain(text.chars());
        let marked: String = marked.collect();
        let units = marked.encode_utf16();
        match self.units {
            Units::Utf8 => marked.into_bytes(),
            Units::Utf16Little => units.flat_map(u16::to_le_bytes).collect(),
            Units::Utf16Big => units.flat_map(u16::to_be_bytes).collect(),
        }
    }

    /// Checks that an XML declaration names this encoding.
    ///
    /// # Errors
    /// Returns a description of the mismatch.
    pub(super) fn check(self, declared: &str) -> Result<(), String> {
        let (actual, names): (&str, &[&str]) = match self.units {
            Units::Utf8 => ("UTF-8", &["utf-8", "utf8"]),
            Units::Utf16Little => ("UTF-16", &["utf-16", "utf-16le"]),
            Units::Utf16Big => ("UTF-16", &["utf-16", "utf-16be"]),
        };
        if names.iter().any(|name| declared.eq_ignore_ascii_case(name)) {
            return Ok(());
        }
        Err(format!(
            "the declared encoding is `{}`, but the file is {actual}",
            short(declared)
        ))
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    text.ok().filter(|_| rest.is_empty())
}
