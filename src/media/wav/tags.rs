//! Tags from `bext` and from `INFO` lists, named as ffprobe names them.

use super::buffered_reader::{u16_at, u32_at, u64_at};

/// Size of a `bext` chunk in bytes without its coding history (EBU Tech 3285).
const BEXT_SIZE: usize = 602;

/// Stored names and ffprobe's names, in the order in which ffprobe applies them.
const NAMES: [(&str, &str); 17] = [
    ("description", "comment"),
    ("originator", "encoded_by"),
    ("origination_date", "date"),
    ("origination_time", "creation_time"),
    ("IART", "artist"),
    ("ICMT", "comment"),
    ("ICOP", "copyright"),
    ("ICRD", "date"),
    ("IGNR", "genre"),
    ("ILNG", "language"),
    ("INAM", "title"),
    ("IPRD", "album"),
    ("IPRT", "track"),
    ("ITRK", "track"),
    ("ISFT", "encoder"),
    ("ISMP", "timecode"),
    ("ITCH", "encoded_by"),
];
/// Number of leading [`NAMES`] that apply to `bext`.
const BEXT_NAMES: usize = 4;

/// Maximum number of keys in a file; the longest known list of names has a hundred.
const MAX_KEYS: usize = 500;

/// Ordered tags with the semantics of libavutil's dictionary. A key that is set again moves to the
/// end, and the previous last one takes its place. The order matters if two keys map to one name:
/// the later one wins.
#[derive(Default)]
pub(in crate::media) struct Dictionary(Vec<(String, String)>);

impl Dictionary {
    fn set(&mut self, key: String, value: String) {
        let has_same_key = |(existing, _): &(String, String)| existing.eq_ignore_ascii_case(&key);
        if let Some(at) = self.0.iter().position(has_same_key) {
            self.0.swap_remove(at);
        }
        self.0.push((key, value));
    }

    fn rename_keys(self, names: &[(&str, &str)]) -> Self {
        let mut renamed = Self::default();
        for (key, value) in self.0 {
            let name = names
                .iter()
                .find(|(stored, _)| stored.eq_ignore_ascii_case(&key));
            let key = name.map_or(key, |(_, name)| (*name).to_owned());
            renamed.set(key, value);
        }
        renamed
    }

    /// Returns the tags with ffprobe's names.
    pub(in crate::media) fn into_tags(self) -> impl Iterator<Item = (String, String)> {
        let (bext_names, info_names) = NAMES.split_at(BEXT_NAMES);
        self.rename_keys(bext_names)
            .rename_keys(info_names)
            .0
            .into_iter()
    }
}

/// Reads a `bext` chunk and returns its time reference; `None` if it is truncated.
pub(super) fn read_bext(chunk: &[u8], dictionary: &mut Dictionary) -> Option<u64> {
    let history = chunk.get(BEXT_SIZE..)?;
    for (key, start, end) in [
        ("description", 0, 256),
        ("originator", 256, 288),
        ("originator_reference", 288, 320),
        ("origination_date", 320, 330),
        ("origination_time", 330, 338),
    ] {
        let value = decode_text(chunk.get(start..end)?);
        if !value.is_empty() {
            dictionary.set(key.to_owned(), value);
        }
    }
    let time_reference = u64_at(chunk, 338)?;
    dictionary.set("time_reference".to_owned(), time_reference.to_string());
    if let Some(umid) = format_umid(u16_at(chunk, 346)?, chunk.get(348..412)?) {
        dictionary.set("umid".to_owned(), umid);
    }
    if !history.is_empty() {
        dictionary.set("coding_history".to_owned(), decode_text(history));
    }
    Some(time_reference)
}

/// Formats a UMID (SMPTE ST 330), basic or extended, which `bext` stores since version 1.
fn format_umid(version: u16, bytes: &[u8]) -> Option<String> {
    let is_zero = |bytes: &[u8]| bytes.iter().all(|&byte| byte == 0);
    if version == 0 || is_zero(bytes) {
        return None;
    }
    let (basic, signature) = bytes.split_at_checked(32)?;
    let used = if is_zero(signature) { basic } else { bytes };
    let digits = used.iter().flat_map(|&byte| [byte >> 4, byte & 15]);
    let digits = digits.filter_map(|digit| char::from_digit(digit.into(), 16));
    Some(format!("0x{}", digits.collect::<String>().to_uppercase()))
}

/// Reads the values of an `INFO` list of `length` bytes; `list` also contains the padding after it.
/// `None` if a value exceeds the list, or if there are too many values.
pub(in crate::media) fn read_info(
    list: &[u8],
    length: usize,
    dictionary: &mut Dictionary,
) -> Option<()> {
    let mut at = 0;
    while at + 8 <= length {
        let key = list.get(at..at + 4)?;
        let size = usize::try_from(u32_at(list, at + 4)?).ok()?;
        let start = at + 8;
        let end = start.checked_add(size.checked_add(size % 2)?)?;
        let value = list.get(start..end)?;
        if dictionary.0.len() > MAX_KEYS {
            return None;
        }
        if key != [0; 4] {
            dictionary.set(decode_text(key), decode_text(value));
        }
        at = end;
    }
    Some(())
}

/// Decodes text up to the first zero byte. Each invalid UTF-8 byte becomes a replacement character.
fn decode_text(bytes: &[u8]) -> String {
    let length = bytes.iter().position(|&byte| byte == 0);
    let bytes = &bytes[..length.unwrap_or(bytes.len())];
    let mut text = String::new();
    for part in bytes.utf8_chunks() {
        text.push_str(part.valid());
        text.extend(part.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}
