//! FAT, exFAT and NTFS, used by cards, sticks and drives from Windows. Labels are directory entries
//! or file records, so they require a second read after the boot sector.

use std::io::{Read, Seek};

use super::fields::{FilesystemNames, bytes, text, u16_at, u32_at, utf16_text};

/// Number of bytes of the root folder that are searched for the label.
const FOLDER: usize = 4096;

/// Parses FAT. Microsoft, *FAT: General Overview of On-Disk Format* (`fatgen103`).
pub(super) fn fat<R: Read + Seek>(device: &mut R) -> Option<FilesystemNames> {
    let boot = bytes(device, 0, 512)?;
    (boot.get(510..512)? == [0x55, 0xaa]).then_some(())?;
    let is_32 = boot.get(82..87)? == b"FAT32";
    let (serial, label) = if is_32 { (67, 71) } else { (39, 43) };
    (is_32 || boot.get(54..57)? == b"FAT").then_some(())?;
    let sector = u64::from(u16_at(&boot, 11)?);
    let reserved = u64::from(u16_at(&boot, 14)?);
    let tables = u64::from(*boot.get(16)?);
    let table = if is_32 {
        u64::from(u32_at(&boot, 36)?)
    } else {
        u64::from(u16_at(&boot, 22)?)
    };
    let mut root = (reserved + tables * table) * sector;
    if is_32 {
        let cluster = u64::from(*boot.get(13)?) * sector;
        root += u64::from(u32_at(&boot, 44)?.checked_sub(2)?) * cluster;
    }
    let folder = bytes(device, root, FOLDER);
    let in_boot = text(boot.get(label..label + 11)?).filter(|label| label != "NO NAME");
    Some(FilesystemNames {
        uuid: serial_number(u32_at(&boot, serial)?),
        label: folder.and_then(|folder| fat_label(&folder)).or(in_boot),
    })
}

/// Returns the label: the entry that is neither a file nor a folder.
fn fat_label(folder: &[u8]) -> Option<String> {
    const LONG_NAME: u8 = 0x0f;
    const FOLDER_OR_LABEL: u8 = 0x18;
    const LABEL: u8 = 0x08;
    folder
        .chunks_exact(32)
        .take_while(|entry| entry[0] != 0)
        .filter(|entry| entry[0] != 0xe5 && entry[11] & 0x3f != LONG_NAME)
        .find(|entry| entry[11] & FOLDER_OR_LABEL == LABEL)
        .and_then(|entry| text(&entry[..11]))
}

/// Parses exFAT. Microsoft, *exFAT file system specification*.
pub(super) fn exfat<R: Read + Seek>(device: &mut R) -> Option<FilesystemNames> {
    let boot = bytes(device, 0, 512)?;
    (boot.get(3..11)? == b"EXFAT   ").then_some(())?;
    let sector = *boot.get(108)?;
    let cluster = *boot.get(109)?;
    (sector <= 12 && cluster <= 25 - sector).then_some(())?;
    let heap = u64::from(u32_at(&boot, 88)?) << sector;
    let first = u64::from(u32_at(&boot, 96)?.checked_sub(2)?) << (sector + cluster);
    let label = bytes(device, heap + first, FOLDER).and_then(|folder| {
        const LABEL: u8 = 0x83;
        let entry = folder
            .chunks_exact(32)
            .take_while(|entry| entry[0] != 0)
            .find(|entry| entry[0] == LABEL)?;
        utf16_text(entry.get(2..2 + 2 * usize::from(entry[1].min(11)))?)
    });
    Some(FilesystemNames {
        uuid: serial_number(u32_at(&boot, 100)?),
        label,
    })
}

/// Parses NTFS. `fs/ntfs3/ntfs.h`: `struct NTFS_BOOT`, and the record of `$Volume`, which is the
/// fourth in the file table.
pub(super) fn ntfs<R: Read + Seek>(device: &mut R) -> Option<FilesystemNames> {
    let boot = bytes(device, 0, 512)?;
    (boot.get(3..11)? == b"NTFS    ").then_some(())?;
    let serial = u64::from_le_bytes(boot.get(72..80)?.try_into().ok()?);
    Some(FilesystemNames {
        uuid: (serial != 0).then(|| format!("{serial:016X}")),
        label: ntfs_label(device, &boot),
    })
}

fn ntfs_label<R: Read + Seek>(device: &mut R, boot: &[u8]) -> Option<String> {
    const VOLUME: u64 = 3;
    const VOLUME_NAME: u32 = 0x60;
    const END: u32 = u32::MAX;
    // Each size is a count or a negative power of two; 0x80 sectors is a count.
    let cluster = u64::from(u16_at(boot, 11)?) * count_or_power(*boot.get(13)?, 0x80, 1)?;
    let table = u64::from_le_bytes(boot.get(48..56)?.try_into().ok()?);
    let record = count_or_power(*boot.get(64)?, 0x7f, cluster)?;
    let length = usize::try_from(record).ok()?;
    (256..=64 * 1024).contains(&length).then_some(())?;
    let start = table
        .checked_mul(cluster)?
        .checked_add(VOLUME.checked_mul(record)?)?;
    let record = bytes(device, start, length)?;
    record.starts_with(b"FILE").then_some(())?;
    let mut at = usize::from(u16_at(&record, 20)?);
    loop {
        let kind = u32_at(&record, at)?;
        let length = usize::try_from(u32_at(&record, at + 4)?).ok()?;
        if kind == END || length < 24 {
            return None;
        }
        if kind == VOLUME_NAME {
            let bytes = usize::try_from(u32_at(&record, at + 16)?).ok()?;
            let start = at + usize::from(u16_at(&record, at + 20)?);
            return utf16_text(record.get(start..start.checked_add(bytes)?)?);
        }
        at = at.checked_add(length).filter(|&at| at < record.len())?;
    }
}

/// Decodes a size. Values up to `max_count` are a count of `units`, larger values a negated power
/// of two.
fn count_or_power(byte: u8, max_count: u8, units: u64) -> Option<u64> {
    if byte <= max_count {
        return u64::from(byte).checked_mul(units);
    }
    let power = u32::from(byte.wrapping_neg());
    (power < 32).then(|| 1 << power)
}

/// Formats a serial number: `ABCD-1234`.
fn serial_number(serial: u32) -> Option<String> {
    (serial != 0).then(|| format!("{:04X}-{:04X}", serial >> 16, serial & 0xffff))
}
