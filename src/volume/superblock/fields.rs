//! Fields of superblocks: bytes, numbers, texts and uuids.

use std::io::{Read, Seek, SeekFrom};

/// Uuid and label stored in a filesystem.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in super::super) struct FilesystemNames {
    pub(in super::super) uuid: Option<String>,
    pub(in super::super) label: Option<String>,
}

pub(super) fn bytes<R: Read + Seek>(device: &mut R, start: u64, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    device.seek(SeekFrom::Start(start)).ok()?;
    device.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

/// Formats a uuid as `8-4-4-4-12`, lower case.
pub(super) fn dashed(uuid: &[u8]) -> Option<String> {
    use std::fmt::Write;
    let is_none = uuid.iter().all(|&byte| byte == 0);
    (uuid.len() == 16 && !is_none).then_some(())?;
    let mut dashed = String::with_capacity(36);
    for (at, byte) in uuid.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            dashed.push('-');
        }
        write!(dashed, "{byte:02x}").ok()?;
    }
    Some(dashed)
}

/// Decodes text that ends at a zero byte or at the end of its field.
pub(super) fn text(bytes: &[u8]) -> Option<String> {
    let text = bytes.split(|&byte| byte == 0).next()?;
    let text = String::from_utf8_lossy(text).trim_end().to_owned();
    (!text.is_empty()).then_some(text)
}

/// Decodes little-endian UTF-16 text that ends at a zero or at the end of its field.
pub(super) fn utf16_text(bytes: &[u8]) -> Option<String> {
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .take_while(|&unit| unit != 0)
        .collect();
    let text = String::from_utf16_lossy(&units).trim_end().to_owned();
    (!text.is_empty()).then_some(text)
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
