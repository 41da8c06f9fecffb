//! Windows: parses one PowerShell query for drive letters, volumes and mapped shares.
//!
//! The equivalent system calls have no safe wrapper. PowerShell takes a third of a second to start,
//! so it runs once per process.

use std::path::PathBuf;

use serde_json::Value;

use super::Drive;
use super::filesystem_kind;
use super::identity::{Device, MountEntry};

/// Queries two views: the first contains uuids, the second serial numbers and shares.
#[cfg(windows)]
const QUERY: &str = "[Console]::OutputEncoding=[Text.Encoding]::UTF8;\
    @{volumes=@(Get-Volume|Select-Object DriveLetter,UniqueId);\
    disks=@(Get-CimInstance Win32_LogicalDisk|\
    Select-Object DeviceID,DriveType,FileSystem,ProviderName,VolumeName,VolumeSerialNumber)}\
    |ConvertTo-Json -Depth 3 -Compress";

/// Lists everything with a drive letter.
#[cfg(windows)]
pub(super) fn read_mounts() -> Vec<MountEntry> {
    use super::system_tool::run_with_timeout;
    use std::process::Command;
    use std::sync::OnceLock;
    use std::time::Duration;

    static CACHE: OnceLock<Vec<MountEntry>> = OnceLock::new();
    let cached = CACHE.get_or_init(|| {
        let mut command = Command::new("powershell.exe");
        command.args(["-NoProfile", "-NonInteractive", "-Command", QUERY]);
        mounts(&run_with_timeout(&mut command, Duration::from_secs(10)).unwrap_or_default())
    });
    cached.clone()
}

/// Combines the two views by drive letter.
fn mounts(answer: &[u8]) -> Vec<MountEntry> {
    let answer = answer.strip_prefix(b"\xef\xbb\xbf").unwrap_or(answer);
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let volumes = list(&answer["volumes"]);
    list(&answer["disks"])
        .iter()
        .filter_map(|disk| mount(disk, &volumes))
        .collect()
}

/// Returns the elements of a list. `ConvertTo-Json` may write a single element without the list.
fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(all) => all.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

fn mount(disk: &Value, volumes: &[&Value]) -> Option<MountEntry> {
    const NETWORK: u64 = 4;
    let text = |key: &str| {
        disk[key]
            .as_str()
            .map(str::trim)
            .filter(|text| !text.is_empty())
    };
    let letter = text("DeviceID")?.strip_suffix(':')?;
    let point = PathBuf::from(format!("{letter}:\\"));
    if disk["DriveType"].as_u64() == Some(NETWORK) {
        let source = text("ProviderName").unwrap_or(letter).replace('\\', "/");
        let host = filesystem_kind::server("cifs", &source);
        return Some(MountEntry {
            point,
            root: PathBuf::new(),
            kind: "cifs".to_owned(),
            number: source.clone(),
            options: String::new(),
            device: Device {
                hardware: host.map(|host| format!("server:{host}")),
                drive: Some(Drive::share(&source)),
                ..Device::default()
            },
            source,
        });
    }
    let kind = match text("FileSystem")
        .unwrap_or_default()
        .to_lowercase()
        .as_str()
    {
        "fat" | "fat32" => "vfat".to_owned(),
        kind => kind.to_owned(),
    };
    let volume = volumes
        .iter()
        .find(|volume| volume["DriveLetter"].as_str() == Some(letter));
    let unique = volume.and_then(|volume| guid(volume["UniqueId"].as_str()?));
    let serial = text("VolumeSerialNumber").filter(|_| matches!(kind.as_str(), "vfat" | "exfat"));
    Some(MountEntry {
        point,
        root: PathBuf::new(),
        kind,
        number: letter.to_owned(),
        options: String::new(),
        source: format!("{letter}:"),
        device: Device {
            uuid: serial.and_then(dashed).or(unique),
            label: text("VolumeName").map(str::to_owned),
            hardware: None,
            drive: Some(Drive::named(letter)),
            ..Device::default()
        },
    })
}

/// Formats `0F4C9E1B` as `0F4C-9E1B`, like Linux, so that a card has the same identity on all
/// systems.
fn dashed(serial: &str) -> Option<String> {
    let is_serial = serial.len() == 8 && serial.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (high, low) = serial.split_at_checked(4).filter(|_| is_serial)?;
    (serial != "00000000").then(|| format!("{high}-{low}").to_uppercase())
}

/// Returns the uuid in `\\?\Volume{…}\`.
fn guid(path: &str) -> Option<String> {
    let (_, rest) = path.split_once("Volume{")?;
    let (guid, _) = rest.split_once('}')?;
    let is_zero = guid.bytes().all(|byte| matches!(byte, b'0' | b'-'));
    (guid.len() == 36 && !is_zero).then(|| guid.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const ANSWER: &str = r#"{"volumes":[
        {"DriveLetter":"C","UniqueId":"\\\\?\\Volume{0F4C9E1B-52a1-4a62-9e5d-3b6c4a1d2e7f}\\"},
        {"DriveLetter":null,"UniqueId":"\\\\?\\Volume{2b0e9e0e-0000-0000-0000-100000000000}\\"},
        {"DriveLetter":"E","UniqueId":"\\\\?\\Volume{6f1d2c3b-1111-11ee-9d1f-806e6f6e6963}\\"}],
      "disks":[
        {"DeviceID":"C:","DriveType":3,"FileSystem":"NTFS","ProviderName":null,"VolumeName":"","VolumeSerialNumber":"5E5BF2FA"},
        {"DeviceID":"D:","DriveType":5,"FileSystem":null,"ProviderName":null,"VolumeName":null,"VolumeSerialNumber":null},
        {"DeviceID":"E:","DriveType":2,"FileSystem":"exFAT","ProviderName":null,"VolumeName":"A001 CARD","VolumeSerialNumber":"7B3A3AE4"},
        {"DeviceID":"Z:","DriveType":4,"FileSystem":"NTFS","ProviderName":"\\\\nas\\footage","VolumeName":"footage","VolumeSerialNumber":"00000000"}]}"#;

    #[test]
    fn cards_have_their_linux_uuid_and_disks_their_windows_uuid() {
        let mounts = mounts(ANSWER.as_bytes());
        let parsed: Vec<_> = mounts
            .iter()
            .map(|mount| {
                (
                    mount.point.as_path(),
                    mount.kind.as_str(),
                    mount.device.uuid.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            parsed,
            [
                (
                    Path::new("C:\\"),
                    "ntfs",
                    Some("0f4c9e1b-52a1-4a62-9e5d-3b6c4a1d2e7f")
                ),
                (Path::new("D:\\"), "", None),
                (Path::new("E:\\"), "exfat", Some("7B3A-3AE4")),
                (Path::new("Z:\\"), "cifs", None),
            ]
        );
        assert_eq!(mounts[2].device.label.as_deref(), Some("A001 CARD"));
        assert_eq!(mounts[3].source, "//nas/footage");
        assert_eq!(mounts[3].device.hardware.as_deref(), Some("server:nas"));
    }

    #[test]
    fn tolerates_a_single_disk_without_a_list_and_rubbish() {
        let one = br#"{"volumes":null,"disks":{"DeviceID":"C:","FileSystem":"FAT32","VolumeSerialNumber":"0F4C9E1B"}}"#;
        assert_eq!(mounts(one)[0].device.uuid.as_deref(), Some("0F4C-9E1B"));
        for rubbish in [&b""[..], b"[]", b"{\"disks\":[1,{}]}", b"\xff"] {
            assert!(mounts(rubbish).is_empty());
        }
    }
}
