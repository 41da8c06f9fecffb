//! Volumes: the drives and shares that files are on, known again wherever they are mounted.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::drive::Drive;
use crate::value::{from_bytes, to_bytes};

/// A mounted volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// What it is known by: `uuid:…`, `share:host:/export`, or label, size and birth.
    pub identity: String,
    /// What people call it.
    pub label: String,
    /// Where it is mounted.
    pub mount: PathBuf,
    /// Which of its folders is mounted there: its root, but for binds and subvolumes.
    root: PathBuf,
    /// The device it is on.
    pub drive: Drive,
}

/// Everything mounted now.
#[derive(Debug, Clone)]
pub struct Volumes {
    /// Longest mount point first; of several on one point, the last mounted first.
    all: Vec<Volume>,
}

/// One line of the mount table.
struct Mount {
    point: PathBuf,
    root: PathBuf,
    kind: String,
    device: String,
    /// Tells filesystems apart while they are mounted: `8:1`.
    number: String,
}

impl Volumes {
    /// Reads the system's mount table.
    #[must_use]
    pub fn mounted() -> Self {
        let uuids = links("/dev/disk/by-uuid");
        let labels = links("/dev/disk/by-label");
        let mut numbers: HashMap<String, String> = HashMap::new();
        let mut all: Vec<Volume> = Vec::new();
        for mount in mounts() {
            let device =
                fs::canonicalize(&mount.device).unwrap_or_else(|_| PathBuf::from(&mount.device));
            let label = labels
                .get(&device)
                .cloned()
                .unwrap_or_else(|| label_of(&mount));
            let mut identity = identity(&mount, uuids.get(&device), &label);
            // Another filesystem that looks the same: they are told apart by where they are.
            if numbers
                .get(&identity)
                .is_some_and(|number| *number != mount.number)
            {
                identity = format!("{identity}@{}", mount.point.display());
            }
            numbers.insert(identity.clone(), mount.number);
            let drive = if is_share(&mount.kind) {
                Drive::share(&mount.device)
            } else {
                Drive::block(&device)
            };
            all.push(Volume {
                drive,
                identity,
                label,
                mount: mount.point,
                root: mount.root,
            });
        }
        all.reverse();
        all.sort_by_key(|volume| std::cmp::Reverse(volume.mount.as_os_str().len()));
        Self { all }
    }

    /// The volume that an absolute path is on, and the path below its root.
    #[must_use]
    pub fn of(&self, path: &Path) -> (Volume, PathBuf) {
        for volume in &self.all {
            if let Ok(below) = path.strip_prefix(&volume.mount) {
                return (volume.clone(), volume.root.join(below));
            }
        }
        let root: PathBuf = path
            .components()
            .take_while(|part| !matches!(part, Component::Normal(_)))
            .collect();
        let inside = path.strip_prefix(&root).unwrap_or(path).to_owned();
        let label = root.to_string_lossy().into_owned();
        let volume = Volume {
            identity: format!("label:{label}"),
            label,
            drive: Drive::block(&root),
            mount: root,
            root: PathBuf::new(),
        };
        (volume, inside)
    }

    /// Every volume that a walk of `root` may come to, each with the folder where it begins.
    #[must_use]
    pub fn under(&self, root: &Path) -> Vec<(Volume, PathBuf)> {
        let mut under = vec![self.of(root)];
        for volume in &self.all {
            if volume.mount.starts_with(root) && volume.mount != root {
                under.push((volume.clone(), volume.root.clone()));
            }
        }
        under
    }

    /// The device that a volume is on, if it is mounted.
    #[must_use]
    pub fn drive(&self, identity: &str) -> Option<Drive> {
        let volume = self.all.iter().find(|volume| volume.identity == identity)?;
        Some(volume.drive.clone())
    }

    /// Where a path below a volume's root is now, if that part of the volume is mounted.
    #[must_use]
    pub fn path(&self, identity: &str, inside: &Path) -> Option<PathBuf> {
        self.all
            .iter()
            .filter(|volume| volume.identity == identity)
            .find_map(|volume| Some(volume.mount.join(inside.strip_prefix(&volume.root).ok()?)))
    }
}

/// Filesystems that are on a disk here, so that asking for their size does not wait for a network.
const LOCAL: &[&str] = &[
    "", "ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "vfat", "exfat", "ntfs", "ntfs3",
    "fuseblk", "hfs", "hfsplus", "apfs", "udf", "iso9660", "tmpfs", "overlay",
];

fn identity(mount: &Mount, uuid: Option<&String>, label: &str) -> String {
    let is_zero = |uuid: &str| uuid.bytes().all(|b| matches!(b, b'0' | b'-'));
    if let Some(uuid) = uuid.filter(|uuid| !is_zero(uuid)) {
        return format!("uuid:{uuid}");
    }
    if is_share(&mount.kind) {
        return format!("share:{}", mount.device);
    }
    if !LOCAL.contains(&mount.kind.as_str()) {
        // A pool names its own datasets; the rest is known by what it calls itself.
        return format!("{}:{}", mount.kind, mount.device);
    }
    let size = fs4::total_space(&mount.point).unwrap_or(0);
    // Two cards of one name and size were not formatted in the same second.
    let birth = fs::metadata(&mount.point)
        .and_then(|root| root.created())
        .ok();
    let birth = birth.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    format!(
        "label:{label}:{size}:{}",
        birth.map_or(0, |since| since.as_secs())
    )
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
                unescape(&to_bytes(&entry.file_name()), b"\\x", 16)
                    .to_string_lossy()
                    .into_owned(),
            ))
        })
        .collect()
}

/// `/proc/self/mountinfo` (proc(5)): fields are separated by spaces, odd bytes are octal.
#[cfg(target_os = "linux")]
fn mounts() -> Vec<Mount> {
    const VIRTUAL: [&str; 8] = [
        "proc",
        "sysfs",
        "devpts",
        "cgroup",
        "cgroup2",
        "autofs",
        "debugfs",
        "securityfs",
    ];
    let table = fs::read("/proc/self/mountinfo").unwrap_or_default();
    table
        .split(|&byte| byte == b'\n')
        .filter_map(|line| {
            let fields: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
            let dash = fields.iter().position(|field| field == b"-")?;
            let text = |at: usize| Some(String::from_utf8_lossy(fields.get(at)?).into_owned());
            let root = unescape(fields.get(3)?, b"\\", 8);
            Some(Mount {
                point: unescape(fields.get(4)?, b"\\", 8).into(),
                root: Path::new(&root).strip_prefix("/").ok()?.to_owned(),
                kind: text(dash + 1)?,
                device: unescape(fields.get(dash + 2)?, b"\\", 8)
                    .to_string_lossy()
                    .into_owned(),
                number: text(2)?,
            })
        })
        .filter(|mount| !VIRTUAL.contains(&mount.kind.as_str()))
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
            number: point.to_string_lossy().into_owned(),
            root: PathBuf::new(),
            point,
            kind: String::new(),
        })
        .collect()
}

/// Undoes `\040` (radix 8, three digits) or `\x20` (radix 16, two digits).
fn unescape(text: &[u8], mark: &[u8], radix: u32) -> OsString {
    let digits = if radix == 8 { 3 } else { 2 };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        let code = rest.strip_prefix(mark).and_then(|code| {
            let code = std::str::from_utf8(code.get(..digits)?).ok()?;
            u8::from_str_radix(code, radix).ok()
        });
        if let Some(code) = code {
            bytes.push(code);
            rest = rest.get(mark.len() + digits..).unwrap_or_default();
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_bytes_in_the_mount_table_are_read_back() {
        assert_eq!(
            unescape(b"/media/SHELF\\04007", b"\\", 8),
            "/media/SHELF 07"
        );
        assert_eq!(unescape(b"SHELF\\x2007", b"\\x", 16), "SHELF 07");
        assert_eq!(
            unescape("back\\slash\\é".as_bytes(), b"\\", 8),
            "back\\slash\\é"
        );
    }

    #[test]
    fn every_path_is_on_some_volume() {
        let (volume, inside) = Volumes::mounted().of(Path::new("/some/folder"));
        assert_eq!(
            Volumes::mounted()
                .path(&volume.identity, &inside)
                .as_deref(),
            Some(Path::new("/some/folder"))
        );
        assert!(!volume.label.is_empty());
    }
}
