//! Block device facts stored by udev: links in `/dev/disk`, and its database.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;

use super::system_tables::System;
use crate::value::{to_bytes, unescape};

/// Links of `/dev/disk/by-uuid` and `/dev/disk/by-label`, by device name.
#[derive(Debug)]
pub(super) struct Links {
    pub(super) uuids: HashMap<OsString, String>,
    pub(super) labels: HashMap<OsString, String>,
}

impl Links {
    pub(super) fn read(system: &System) -> Self {
        Self {
            uuids: links(system, "/dev/disk/by-uuid"),
            labels: links(system, "/dev/disk/by-label"),
        }
    }
}

/// Maps the last part of each link's target (`../../sda1`) to the link's name, without following
/// the links. udev escapes special bytes as `\x20`.
fn links(system: &System, folder: &str) -> HashMap<OsString, String> {
    let Ok(entries) = fs::read_dir(system.path(folder)) else {
        return HashMap::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let device = fs::read_link(entry.path()).ok()?;
            let name = unescape(&to_bytes(&entry.file_name()), b"\\x", 16);
            Some((
                device.file_name()?.to_owned(),
                name.to_string_lossy().into_owned(),
            ))
        })
        .collect()
}

/// Reads the uuid and the label from udev's database (`/run/udev/data/b8:1`), which has lines such
/// as `E:ID_FS_UUID=…`.
pub(super) fn udev_names(system: &System, number: &str) -> (Option<String>, Option<String>) {
    let table = system.table(format!("/run/udev/data/b{number}"));
    let table = String::from_utf8_lossy(&table);
    let value = |name: &str| {
        let mut lines = table.lines().filter_map(|line| line.strip_prefix("E:"));
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
        let value = unescape(value.as_bytes(), b"\\x", 16);
        Some(value.to_string_lossy().into_owned()).filter(|value| !value.is_empty())
    };
    (
        value("ID_FS_UUID_ENC").or_else(|| value("ID_FS_UUID")),
        value("ID_FS_LABEL_ENC").or_else(|| value("ID_FS_LABEL")),
    )
}
