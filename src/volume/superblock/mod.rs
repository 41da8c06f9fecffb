//! Uuids and labels in superblocks, formatted like udev and blkid.
//!
//! The last resort on Linux, for systems without udev. Works only with permission to read the
//! device. Every read is a few kilobytes at a known or checked position, and nothing is written.

mod dos;
mod fields;
mod hfs;

use std::io::{Read, Seek};

use fields::{bytes, dashed, text, utf16_text};

pub(super) use fields::FilesystemNames;

/// Reads the names of a filesystem of this type. Returns `None` if the device has another type or
/// the type is not supported.
pub(super) fn read<R: Read + Seek>(device: &mut R, kind: &str) -> Option<FilesystemNames> {
    match kind {
        "ext2" | "ext3" | "ext4" => ext(device),
        "xfs" => xfs(device),
        "btrfs" => btrfs(device),
        "f2fs" => f2fs(device),
        "apfs" => apfs(device),
        "hfsplus" => hfs::read(device),
        "exfat" => dos::exfat(device),
        "vfat" | "msdos" => dos::fat(device),
        "ntfs" | "ntfs3" => dos::ntfs(device),
        "fuseblk" => dos::ntfs(device).or_else(|| dos::exfat(device)),
        _ => None,
    }
}

/// Reads the names of a filesystem of any supported type.
pub(super) fn read_any_kind<R: Read + Seek>(device: &mut R) -> Option<FilesystemNames> {
    const KINDS: &[&str] = &[
        "ext4", "xfs", "btrfs", "f2fs", "apfs", "hfsplus", "exfat", "ntfs", "vfat",
    ];
    KINDS.iter().find_map(|kind| read(device, kind))
}

/// Parses ext2/3/4 at offset 1024. `fs/ext4/ext4.h`: `struct ext4_super_block`.
fn ext<R: Read + Seek>(device: &mut R) -> Option<FilesystemNames> {
    let block = bytes(device, 1024, 136)?;
    (block.get(56..58)? == [0x53, 0xef]).then_some(())?;
    Some(FilesystemNames {
        uuid: dashed(block.get(104..120)?),
        label: text(block.get(120..136)?),
    })
}

/// Parses XFS. `fs/xfs/libxfs/xfs_format.h`: `struct xfs_dsb`.
fn xfs<R: Read + Seek>(device: &mut R) -> Option<FilesystemNames> {
    let block = bytes(device, 0, 120)?;
    block.starts_with(b"XFSB").then_some(())?;
    Some(FilesystemNames {
        uuid: dashed(block.get(32..48)?),
        label: text(block.get(108..120)?),
    })
}

/// Parses btrfs at offset 64 KiB. `include/uapi/linux/btrfs_tree.h`: `struct btrfs_super_block`.
fn btrfs<R: Read + Seek>(device: &mut R) -> Option<FilesystemNames> {
    let block = bytes(device, 64 * 1024, 0x22b)?;
    (block.get(0x40..0x48)? == b"_BHRfS_M").then_some(())?;
    Some(FilesystemNames {
        uuid: dashed(block.get(0x20..0x30)?),
        label: text(block.get(0x12b..0x22b)?),
    })
}

/// Parses F2FS at offset 1024. `include/linux/f2fs_fs.h`: `struct f2fs_super_block`.
fn f2fs<R: Read + Seek>(device: &mut R) -> Option<FilesystemNames> {
    let block = bytes(device, 1024, 124 + 1024)?;
    block
        .starts_with(&0xf2f5_2010_u32.to_le_bytes())
        .then_some(())?;
    Some(FilesystemNames {
        uuid: dashed(block.get(108..124)?),
        label: utf16_text(block.get(124..)?),
    })
}

/// Parses APFS. Apple File System Reference: `nx_superblock_t`. Volumes have their own uuids, but
/// blkid and udev print the uuid of the container.
fn apfs<R: Read + Seek>(device: &mut R) -> Option<FilesystemNames> {
    let block = bytes(device, 0, 88)?;
    (block.get(32..36)? == b"NXSB").then_some(())?;
    Some(FilesystemNames {
        uuid: dashed(block.get(72..88)?),
        label: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// Returns the type, names and first bytes of each recorded device.
    fn recorded() -> Vec<(String, FilesystemNames, Vec<u8>)> {
        let mut all: Vec<(String, FilesystemNames, Vec<u8>)> = Vec::new();
        for line in include_str!("../../../tests/data/superblocks.txt").lines() {
            if let Some(head) = line.strip_prefix("= ") {
                let mut words = head.splitn(3, ' ');
                let kind = words.next().unwrap().to_owned();
                let uuid = words.next().map(str::to_owned);
                let label = words.next().map(str::to_owned);
                all.push((kind, FilesystemNames { uuid, label }, vec![0; 256 * 1024]));
            } else if let Some((offset, row)) = line.split_once(' ')
                && let Ok(offset) = offset.parse::<usize>()
            {
                let image = &mut all.last_mut().unwrap().2;
                image.resize(image.len().max(offset + 16 * 1024), 0);
                for (at, pair) in row.as_bytes().chunks(2).enumerate() {
                    let pair = std::str::from_utf8(pair).unwrap();
                    image[offset + at] = u8::from_str_radix(pair, 16).unwrap();
                }
            }
        }
        all
    }

    #[test]
    fn reads_every_type_as_blkid_does() {
        let recorded = recorded();
        assert_eq!(recorded.len(), 13);
        for (kind, named, image) in recorded {
            assert_eq!(read(&mut Cursor::new(&image), &kind), Some(named), "{kind}");
        }
    }

    #[test]
    fn types_are_not_confused() {
        let kinds = [
            "ext4", "xfs", "btrfs", "f2fs", "apfs", "hfsplus", "exfat", "vfat", "ntfs",
        ];
        for (kind, _, image) in recorded() {
            for other in kinds {
                let is_same = other == kind || (kind == "ext2" && other == "ext4");
                let named = read(&mut Cursor::new(&image), other);
                assert_eq!(named.is_some(), is_same, "{kind} as {other}");
            }
        }
    }

    #[test]
    fn tolerates_truncated_and_corrupt_devices() {
        for (kind, _, image) in recorded() {
            for length in [0, 1, 511, 512, 1100] {
                read(&mut Cursor::new(&image[..length]), &kind);
            }
            // No field value causes a large read or an overflow.
            for at in 0..256 {
                let mut image = image[..20 * 1024].to_vec();
                image[at] = 0xff;
                image[1024 + at] = 0xff;
                read(&mut Cursor::new(&image), &kind);
            }
        }
    }

    #[test]
    fn a_uuid_of_zeros_is_ignored() {
        assert_eq!(dashed(&[0; 16]), None);
        assert_eq!(dashed(&[1; 15]), None);
    }
}
