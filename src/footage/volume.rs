//! Volumes: the drives and shares that files are on, known again wherever they are mounted.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::value::from_bytes;

/// A mounted volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// What it is known by: `uuid:…`, `share:host:/export`, or `label:NAME:SIZE`.
    pub identity: String,
    /// What people call it.
    pub label: String,
    /// Where it is mounted.
    pub mount: PathBuf,
}

/// Everything mounted now.
#[derive(Debug, Clone)]
pub struct Volumes {
    /// Longest mount point first.
    all: Vec<Volume>,
}

/// One line of the mount table.
struct Mount {
    point: PathBuf,
    kind: String,
    device: String,
}

impl Volumes {
    /// Reads the system's mount table.
    #[must_use]
    pub fn mounted() -> Self {
        let uuids = links("/dev/disk/by-uuid");
        let labels = links("/dev/disk/by-label");
        let mut all: Vec<Volume> = mounts()
            .into_iter()
            .map(|mount| {
                let device = fs::canonicalize(&mount.device)
                    .unwrap_or_else(|_| PathBuf::from(&mount.device));
                let label = labels
                    .get(&device)
                    .cloned()
                    .unwrap_or_else(|| label_of(&mount));
                Volume {
                    identity: identity(&mount, uuids.get(&device), &label),
                    label,
                    mount: mount.point,
                }
            })
            .collect();
        all.sort_by_key(|volume| std::cmp::Reverse(volume.mount.as_os_str().len()));
        Self { all }
    }

    /// The volume that an absolute path is on, and the path below its root.
    #[must_use]
    pub fn of(&self, path: &Path) -> (Volume, PathBuf) {
        for volume in &self.all {
            if let Ok(inside) = path.strip_prefix(&volume.mount) {
                return (volume.clone(), inside.to_owned());
            }
        }
        let root: PathBuf = path
            .components()
            .take_while(|part| !matches!(part, std::path::Component::Normal(_)))
            .collect();
        let inside = path.strip_prefix(&root).unwrap_or(path).to_owned();
        let label = root.to_string_lossy().into_owned();
        let volume = Volume {
            identity: format!("label:{label}:0"),
            label,
            mount: root,
        };
        (volume, inside)
    }

    /// Where a volume is mounted now.
    #[must_use]
    pub fn mount_of(&self, identity: &str) -> Option<&Path> {
        let volume = self.all.iter().find(|volume| volume.identity == identity)?;
        Some(&volume.mount)
    }
}

fn identity(mount: &Mount, uuid: Option<&String>, label: &str) -> String {
    let is_zero = |uuid: &str| uuid.bytes().all(|b| matches!(b, b'0' | b'-'));
    if let Some(uuid) = uuid.filter(|uuid| !is_zero(uuid)) {
        return format!("uuid:{uuid}");
    }
    if is_share(&mount.kind) {
        return format!("share:{}", mount.device);
    }
    let size = fs4::total_space(&mount.point).unwrap_or(0);
    format!("label:{label}:{size}")
}

fn is_share(kind: &str) -> bool {
    matches!(
        kind,
        "nfs" | "nfs4" | "cifs" | "smb3" | "smbfs" | "afpfs" | "fuse.sshfs" | "9p"
    )
}

/// The last folder of the mount point; the share's name; the system disk is called that.
fn label_of(mount: &Mount) -> String {
    if is_share(&mount.kind) {
        let name = mount.device.trim_end_matches('/').rsplit(['/', ':']).next();
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            return name.to_owned();
        }
    }
    mount.point.file_name().map_or_else(
        || "system disk".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// Names in a folder of links, by the device each points at; udev writes odd bytes as `\x20`.
fn links(folder: &str) -> HashMap<PathBuf, String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return HashMap::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let device = fs::canonicalize(entry.path()).ok()?;
            Some((
                device,
                unescape(&entry.file_name().to_string_lossy(), "\\x", 16),
            ))
        })
        .collect()
}

/// `/proc/self/mountinfo` (proc(5)): fields are separated by spaces, odd bytes are octal.
#[cfg(target_os = "linux")]
fn mounts() -> Vec<Mount> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    table
        .lines()
        .filter_map(|line| {
            let (before, after) = line.split_once(" - ")?;
            let mut after = after.split(' ');
            let (kind, device) = (after.next()?, after.next()?);
            Some(Mount {
                point: path_of(before.split(' ').nth(4)?),
                kind: kind.to_owned(),
                device: unescape(device, "\\", 8),
            })
        })
        .filter(|mount| {
            !matches!(
                mount.kind.as_str(),
                "proc" | "sysfs" | "devpts" | "cgroup2" | "cgroup"
            )
        })
        .collect()
}

/// macOS and others: whatever stands in `/Volumes`, and the system disk.
#[cfg(not(target_os = "linux"))]
fn mounts() -> Vec<Mount> {
    let mut points = vec![PathBuf::from("/")];
    if let Ok(entries) = fs::read_dir("/Volumes") {
        points.extend(
            entries
                .flatten()
                .map(|entry| entry.path())
                .filter(|path| !path.is_symlink()),
        );
    }
    points
        .into_iter()
        .map(|point| Mount {
            device: point.to_string_lossy().into_owned(),
            point,
            kind: String::new(),
        })
        .collect()
}

#[cfg(target_os = "linux")]
fn path_of(escaped: &str) -> PathBuf {
    PathBuf::from(os_unescape(escaped, "\\", 8))
}

fn unescape(text: &str, mark: &str, radix: u32) -> String {
    os_unescape(text, mark, radix)
        .to_string_lossy()
        .into_owned()
}

/// Undoes `\040` (radix 8, three digits) or `\x20` (radix 16, two digits).
fn os_unescape(text: &str, mark: &str, radix: u32) -> OsString {
    let digits = if radix == 8 { 3 } else { 2 };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(mark) {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let after = &rest[at + mark.len()..];
        let code = after
            .get(..digits)
            .and_then(|code| u8::from_str_radix(code, radix).ok());
        if let Some(code) = code {
            bytes.push(code);
            rest = &after[digits..];
        } else {
            bytes.extend_from_slice(mark.as_bytes());
            rest = after;
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_bytes_in_the_mount_table_are_read_back() {
        assert_eq!(unescape("/media/SHELF\\04007", "\\", 8), "/media/SHELF 07");
        assert_eq!(unescape("SHELF\\x2007", "\\x", 16), "SHELF 07");
        assert_eq!(unescape("back\\slash\\é", "\\", 8), "back\\slash\\é");
    }

    #[test]
    fn every_path_is_on_some_volume() {
        let (volume, inside) = Volumes::mounted().of(Path::new("/some/folder"));
        assert_eq!(volume.mount.join(inside), Path::new("/some/folder"));
        assert!(!volume.label.is_empty());
    }
}
