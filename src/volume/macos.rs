//! macOS: parses the output of `mount` and `diskutil`.
//!
//! The equivalent system calls (`getfsstat`, `getattrlist`) have no safe wrapper. Starting a tool
//! takes a tenth of a second, so `diskutil` runs for all disks in parallel, and once per process.

use std::collections::HashMap;
use std::path::PathBuf;

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;

use super::Drive;
use super::filesystem_kind;
use super::identity::{Device, MountEntry};

/// Lists all mounts, with the facts that `diskutil` reports about disks.
#[cfg(target_os = "macos")]
pub(super) fn read_mounts() -> Vec<MountEntry> {
    use super::system_tool::run_with_timeout;
    use std::process::Command;
    use std::sync::{Mutex, PoisonError};
    use std::time::Duration;

    const LIMIT: Duration = Duration::from_secs(5);
    static CACHE: Mutex<Vec<(String, PathBuf, Device)>> = Mutex::new(Vec::new());

    let table = run_with_timeout(&mut Command::new("/sbin/mount"), LIMIT).unwrap_or_default();
    let mut mounts = mounts(&String::from_utf8_lossy(&table));
    let mut known = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    // A disk that was removed and connected again under the same name is queried again.
    known.retain(|(source, point, _)| {
        let mut mounts = mounts.iter();
        mounts.any(|mount| mount.source == *source && mount.point == *point)
    });
    std::thread::scope(|scope| {
        let queries: Vec<_> = mounts
            .iter_mut()
            .filter(|mount| mount.source.starts_with("/dev/"))
            .map(|mount| {
                let known = known
                    .iter()
                    .find(|(source, point, _)| *source == mount.source && *point == mount.point)
                    .map(|(_, _, device)| device.clone());
                scope.spawn(move || {
                    mount.device = known.unwrap_or_else(|| {
                        let mut command = Command::new("/usr/sbin/diskutil");
                        command.args(["info", "-plist"]).arg(&mount.point);
                        device(&run_with_timeout(&mut command, LIMIT).unwrap_or_default())
                    });
                    (
                        mount.source.clone(),
                        mount.point.clone(),
                        mount.device.clone(),
                    )
                })
            })
            .collect();
        let queries = queries.into_iter().filter_map(|thread| thread.join().ok());
        *known = queries.collect();
    });
    mounts
}

/// Parses the output of `mount`: `/dev/disk4s1 on /Volumes/SHELF-07 (apfs, local, nodev)`. Skips
/// system volumes.
fn mounts(table: &str) -> Vec<MountEntry> {
    table
        .lines()
        .filter_map(|line| {
            let (mount, options) = line.rsplit_once(" (")?;
            let (source, point) = mount.split_once(" on /")?;
            let kind = options.split([',', ')']).next()?.trim();
            let point = PathBuf::from(format!("/{point}"));
            let is_system = point.starts_with("/System/Volumes") || point.starts_with("/dev");
            let is_complete = !kind.is_empty() && !source.is_empty();
            (is_complete && !is_system && !filesystem_kind::is_virtual(kind)).then_some(())?;
            let source = address(source, kind);
            let is_share = filesystem_kind::is_share(kind, &source);
            let host = filesystem_kind::server(kind, &source).filter(|_| is_share);
            let device = Device {
                hardware: host.map(|host| format!("server:{host}")),
                drive: is_share.then(|| Drive::share(&source)),
                ..Device::default()
            };
            Some(MountEntry {
                point,
                root: PathBuf::new(),
                kind: kind.to_owned(),
                number: source.clone(),
                options: String::new(),
                source,
                device,
            })
        })
        .collect()
}

/// Returns the address of a share without the user name, as on Linux: `//nas/footage`.
fn address(source: &str, kind: &str) -> String {
    if let ("smbfs" | "afpfs", Some(rest)) = (kind, source.strip_prefix("//")) {
        let share = rest.split_once('@').map_or(rest, |(_, share)| share);
        return format!("//{}", share.replace("%20", " "));
    }
    source.to_owned()
}

/// Parses the output of `diskutil info -plist`. Converts the uuid to lower case, as on Linux.
fn device(plist: &[u8]) -> Device {
    let values = dictionary(&String::from_utf8_lossy(plist));
    let value = |key: &str| values.get(key).filter(|value| !value.is_empty()).cloned();
    let uuid = value("VolumeUUID").map(|uuid| uuid.to_lowercase());
    Device {
        uuid: uuid.filter(|uuid| uuid.bytes().any(|byte| !matches!(byte, b'0' | b'-'))),
        label: value("VolumeName"),
        drive: value("ParentWholeDisk").map(|disk| Drive::named(&disk)),
        ..Device::default()
    }
}

/// Parses the strings and integers of the outermost dictionary of a property list.
fn dictionary(plist: &str) -> HashMap<String, String> {
    let mut reader = Reader::from_str(plist);
    let mut values = HashMap::new();
    let mut key = None;
    let mut text = String::new();
    let mut depth = 0_u32;
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(_) => {
                depth = depth.saturating_add(1);
                text.clear();
            }
            Event::Text(part) => text.push_str(&part.xml10_content()),
            Event::GeneralRef(name) => {
                if let Ok(Some(character)) = name.resolve_char_ref() {
                    text.push(character);
                } else {
                    text.extend(resolve_predefined_entity(&name.xml10_content()));
                }
            }
            Event::End(element) => {
                // Depth 3: `plist`, `dict` and its direct children.
                if depth == 3 {
                    match element.local_name().as_ref() {
                        "key" => key = Some(text.clone()),
                        "string" | "integer" => {
                            values.extend(key.take().map(|key| (key, text.clone())));
                        }
                        _ => key = None,
                    }
                }
                depth = depth.saturating_sub(1);
                text.clear();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const MOUNT: &str = "\
/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
devfs on /dev (devfs, local, nobrowse)
/dev/disk3s6 on /System/Volumes/VM (apfs, local, noexec, journaled, noatime, nobrowse)
map auto_home on /System/Volumes/Data/home (autofs, automounted, nobrowse)
/dev/disk4s1 on /Volumes/SHELF 07 (B) (exfat, local, nodev, nosuid, noowners, fskit)
//kim@nas._smb._tcp.local/Client%20Footage on /Volumes/Client Footage (smbfs, nodev, nosuid, mounted by kim)
nas:/export/rushes on /Volumes/rushes (nfs, nodev, nosuid, mounted by kim)
";

    const DISKUTIL: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>APFSPhysicalStores</key>
	<array>
		<dict>
			<key>VolumeName</key>
			<string>not this one</string>
		</dict>
	</array>
	<key>Bootable</key>
	<true/>
	<key>DeviceNode</key>
	<string>/dev/disk4s1</string>
	<key>FilesystemType</key>
	<string>apfs</string>
	<key>ParentWholeDisk</key>
	<string>disk4</string>
	<key>TotalSize</key>
	<integer>1000000000000</integer>
	<key>VolumeName</key>
	<string>Day &amp; Night</string>
	<key>VolumeUUID</key>
	<string>0F4C9E1B-52A1-4A62-9E5D-3B6C4A1D2E7F</string>
</dict>
</plist>
"#;

    #[test]
    fn parses_disks_and_shares_in_the_mount_table() {
        let mounts = mounts(MOUNT);
        let parsed: Vec<_> = mounts
            .iter()
            .map(|mount| {
                (
                    mount.point.as_path(),
                    mount.kind.as_str(),
                    mount.source.as_str(),
                )
            })
            .collect();
        assert_eq!(
            parsed,
            [
                (Path::new("/"), "apfs", "/dev/disk3s1s1"),
                (Path::new("/Volumes/SHELF 07 (B)"), "exfat", "/dev/disk4s1"),
                (
                    Path::new("/Volumes/Client Footage"),
                    "smbfs",
                    "//nas._smb._tcp.local/Client Footage"
                ),
                (Path::new("/Volumes/rushes"), "nfs", "nas:/export/rushes"),
            ]
        );
        assert_eq!(mounts[3].device.hardware.as_deref(), Some("server:nas"));
        assert!(super::mounts("rubbish\n on / (\n\n").is_empty());
    }

    #[test]
    fn parses_the_uuid_and_name_from_diskutil() {
        let device = device(DISKUTIL.as_bytes());
        assert_eq!(
            device.uuid.as_deref(),
            Some("0f4c9e1b-52a1-4a62-9e5d-3b6c4a1d2e7f")
        );
        assert_eq!(device.label.as_deref(), Some("Day & Night"));
        assert_eq!(super::device(b"<plist><dict><key>VolumeUUID").uuid, None);
        assert_eq!(super::device(b"").label, None);
    }
}
