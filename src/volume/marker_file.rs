//! Marker file: a small file in the root of a volume whose filesystem has no uuid, written only
//! with the user's permission. It identifies the volume wherever it is mounted.

use std::collections::hash_map::RandomState;
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Volume, filesystem_kind};
use crate::atomic_file;

/// Hidden, so that walks do not treat it as footage.
const FILE_NAME: &str = ".btsindex-volume";

/// Maximum size in bytes; longer files are not markers.
const MAX_BYTES: u64 = 4096;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Marker {
    /// 32 hexadecimal digits, lower case.
    volume: String,
}

/// Writes a marker if there is none, and returns the resulting identity of the volume.
///
/// # Errors
/// If the volume has another stable identity (uuid, address of a share, name of a pool), if only a
/// folder of it is mounted, if the existing file is not a marker, or if the marker cannot be
/// written.
pub fn write_marker(volume: &Volume) -> io::Result<String> {
    let refuse = |reason: &str| Err(io::Error::new(ErrorKind::InvalidInput, reason));
    if volume.base.starts_with("uuid:") {
        return refuse("the volume has a uuid");
    }
    if volume.is_share() || !filesystem_kind::is_local(&volume.kind) {
        return refuse("the volume is identified by its address");
    }
    if !volume.root.as_os_str().is_empty() {
        return refuse("only a folder of the volume is mounted there");
    }
    write_to_root(&volume.mount)
}

fn write_to_root(root: &Path) -> io::Result<String> {
    let path = root.join(FILE_NAME);
    if fs::symlink_metadata(&path).is_ok() {
        return existing(root);
    }
    let name = Marker { volume: random() };
    let mut text = serde_json::to_vec(&name)?;
    text.push(b'\n');
    match atomic_file::create(&path, &text) {
        Err(fault) if fault.kind() != ErrorKind::AlreadyExists => Err(fault),
        _ => existing(root),
    }
}

fn existing(root: &Path) -> io::Result<String> {
    read(root).ok_or_else(|| {
        let reason = format!("`{}` is not a marker file", root.join(FILE_NAME).display());
        io::Error::new(ErrorKind::InvalidData, reason)
    })
}

/// Returns the identity `mark:…` stored in the root of a volume. Returns `None` if the marker is
/// not a regular file, too long, or malformed.
pub(super) fn read(root: &Path) -> Option<String> {
    let path = root.join(FILE_NAME);
    let metadata = fs::symlink_metadata(&path).ok()?;
    (metadata.is_file() && metadata.len() <= MAX_BYTES).then_some(())?;
    let mut text = Vec::new();
    let file = open(&path).ok()?;
    file.metadata().ok()?.is_file().then_some(())?;
    file.take(MAX_BYTES + 1).read_to_end(&mut text).ok()?;
    (text.len() as u64 <= MAX_BYTES).then_some(())?;
    let Marker { volume } = serde_json::from_slice(&text).ok()?;
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_valid = volume.len() == 32 && volume.bytes().all(is_hex);
    let is_zero = volume.bytes().all(|byte| byte == b'0');
    (is_valid && !is_zero).then(|| format!("mark:{volume}"))
}

/// Opens a file without following a link or waiting for a pipe, either of which may have replaced
/// the file after it was checked.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags, open};
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(File::from(open(path, flags, Mode::empty())?))
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Returns 128 random bits as hexadecimal digits. They come from the hash map keys of the standard
/// library, which are seeded by the system.
fn random() -> String {
    let half = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", half(), half())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "00112233445566778899aabbccddeeff";

    #[test]
    fn a_marker_is_written_only_once() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(read(root.path()), None);
        let first = write_to_root(root.path()).unwrap();
        assert_eq!(first.len(), "mark:".len() + 32);
        assert_eq!(read(root.path()).as_ref(), Some(&first));
        assert_eq!(write_to_root(root.path()).unwrap(), first);
        let files = fs::read_dir(root.path()).unwrap().count();
        assert_eq!(files, 1);
        let other = tempfile::tempdir().unwrap();
        assert_ne!(write_to_root(other.path()).unwrap(), first);
    }

    #[test]
    fn a_malformed_marker_is_ignored_and_kept() {
        let long = format!("{{\"volume\":\"{HEX}\"}}{}", " ".repeat(5000));
        let texts = [
            String::new(),
            "{}".to_owned(),
            format!("\"{HEX}\""),
            format!("{{\"volume\":\"{}\"}}", HEX.to_uppercase()),
            format!("{{\"volume\":\"{}\"}}", &HEX[1..]),
            format!("{{\"volume\":\"{}\"}}", "0".repeat(32)),
            format!("{{\"volume\":\"{HEX}\",\"more\":1}}"),
            format!("{{\"volume\":\"{HEX}\"}} x"),
            "{\"volume\":\"../../../../../etc/passwd-------\"}".to_owned(),
            long,
        ];
        for text in texts {
            let root = tempfile::tempdir().unwrap();
            fs::write(root.path().join(FILE_NAME), &text).unwrap();
            assert_eq!(read(root.path()), None, "{text}");
            let error = write_to_root(root.path()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData);
            assert_eq!(
                fs::read_to_string(root.path().join(FILE_NAME)).unwrap(),
                text
            );
        }
        let root = tempfile::tempdir().unwrap();
        fs::write(
            root.path().join(FILE_NAME),
            format!("{{\"volume\":\"{HEX}\"}}\n"),
        )
        .unwrap();
        assert_eq!(read(root.path()), Some(format!("mark:{HEX}")));
    }

    #[cfg(unix)]
    #[test]
    fn links_pipes_and_folders_are_not_markers() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        let root = tempfile::tempdir().unwrap();
        let elsewhere = root.path().join("elsewhere");
        fs::write(&elsewhere, format!("{{\"volume\":\"{HEX}\"}}")).unwrap();
        let path = root.path().join(FILE_NAME);
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
        assert_eq!(read(root.path()), None);
        assert!(write_to_root(root.path()).is_err());
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(read(root.path()), None);
        fs::remove_dir(&path).unwrap();
        if mknodat(CWD, &path, FileType::Fifo, Mode::from(0o600), 0).is_ok() {
            assert_eq!(read(root.path()), None);
            assert!(write_to_root(root.path()).is_err());
            assert!(open(&path).is_ok(), "opening a pipe does not wait");
        }
    }
}
