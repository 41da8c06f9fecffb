//! Physical disks of a volume, and the check that two volumes share no disk.

use std::collections::BTreeSet;
use std::net::IpAddr;

use unicode_normalization::UnicodeNormalization;

use super::DISK_NAME_PREFIX;
use crate::error::is_unsafe;
use crate::machine::host_name;

/// Disks on which a volume was ever seen; empty if unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disks {
    disks: BTreeSet<Disk>,
    /// True if a system reported at least one of the disks.
    are_reported: bool,
}

/// Unit of hardware that fails as a whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Disk {
    /// Disk, by its serial number or the name that the user gave it.
    Serial(String),
    /// File server, by the first label of its host name.
    Named(String),
    /// File server, by its address.
    Address(IpAddr),
}

impl Disks {
    /// Parses the recorded disks of a volume: serials (joined by `+` for a RAID), `server:HOST`,
    /// and `said:` with names from the user (also joined by `+`).
    ///
    /// Letter case is ignored. A server that is this machine is ignored too, because it is unknown
    /// which of its disks it shares.
    pub fn new<'a>(recorded: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all = Self::default();
        for text in recorded {
            let disks = disks(text);
            all.are_reported |= !disks.is_empty() && !text.starts_with(DISK_NAME_PREFIX);
            all.disks.extend(disks);
        }
        all
    }

    /// Adds the disks of another volume.
    pub fn extend(&mut self, other: &Self) {
        self.disks.extend(other.disks.iter().cloned());
        self.are_reported |= other.are_reported;
    }

    /// Returns the normalised serials and names of the disks, without servers.
    #[must_use]
    pub fn serials(&self) -> BTreeSet<String> {
        let serials = self.disks.iter().filter_map(|disk| match disk {
            Disk::Serial(serial) => Some(serial.clone()),
            Disk::Named(_) | Disk::Address(_) => None,
        });
        serials.collect()
    }

    /// Returns true if a system reported at least one of the disks; false if only the user named
    /// them.
    #[must_use]
    pub fn are_reported(&self) -> bool {
        self.are_reported
    }

    /// Returns true if at least one disk is known.
    #[must_use]
    pub fn are_known(&self) -> bool {
        !self.disks.is_empty()
    }

    /// Returns true if the two volumes certainly share no disk. An unknown disk may be any disk.
    #[must_use]
    pub fn are_apart(&self, other: &Self) -> bool {
        let others = || other.disks.iter();
        let mut pairs = self
            .disks
            .iter()
            .flat_map(|disk| others().map(move |other| (disk, other)));
        self.are_known()
            && other.are_known()
            && pairs.all(|(disk, other)| match (disk, other) {
                // The address may belong to the name, which only a network query could decide.
                (Disk::Named(_), Disk::Address(_)) | (Disk::Address(_), Disk::Named(_)) => false,
                // Most machines have an IPv4 and an IPv6 address.
                (Disk::Address(ip), Disk::Address(other)) if ip.is_ipv4() != other.is_ipv4() => {
                    false
                }
                (disk, other) => disk != other,
            })
    }
}

fn disks(text: &str) -> Vec<Disk> {
    let serial = |name: &str| {
        let serial = folded(name);
        (!serial.is_empty()).then_some(Disk::Serial(serial))
    };
    if let Some(host) = text.strip_prefix("server:") {
        return server(host).into_iter().collect();
    }
    let names = text.strip_prefix(DISK_NAME_PREFIX).unwrap_or(text);
    names.split('+').filter_map(serial).collect()
}

/// Normalises a serial, which may be typed from a label or copied from the output. Removes
/// differences in letter case, surrounding spaces, compatibility forms and invisible characters.
fn folded(text: &str) -> String {
    let visible: String = text.nfkc().filter(|c| !is_unsafe(*c)).collect();
    let lower = visible.to_lowercase();
    let mut name = lower.trim();
    while let Some(rest) = name.strip_prefix(DISK_NAME_PREFIX) {
        name = rest.trim();
    }
    name.to_owned()
}

/// Parses a server; `None` if it is this machine or has no valid name. Only the first label counts,
/// because `nas`, `nas.local` and `NAS.studio.example` may be the same machine. Ports and scopes are
/// ignored.
fn server(host: &str) -> Option<Disk> {
    let host = host.trim().trim_end_matches('.').to_lowercase();
    let unscoped = host.split('%').next().unwrap_or(&host);
    if let Ok(address) = unscoped.parse::<IpAddr>() {
        let address = address.to_canonical();
        return (!is_own(address)).then_some(Disk::Address(address));
    }
    let first = host.split(['.', ':']).next().unwrap_or(&host);
    let is_this_machine = matches!(first, "localhost" | "ip6-localhost" | "ip6-loopback")
        || Some(first) == own_name().as_deref();
    // Digits are a short form of an address, such as `127.1`, which is ignored.
    let is_number = first.bytes().all(|byte| byte.is_ascii_digit());
    (!is_this_machine && !is_number).then(|| Disk::Named(first.to_owned()))
}

/// Returns true if the address belongs to this machine. Only such an address can be bound.
fn is_own(address: IpAddr) -> bool {
    address.is_loopback()
        || address.is_unspecified()
        || std::net::UdpSocket::bind((address, 0)).is_ok()
}

/// Returns the first label of this machine's host name.
fn own_name() -> Option<String> {
    let name = host_name()?.to_lowercase();
    name.split('.').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(a: &[&str], b: &[&str]) -> bool {
        let (a, b) = (Disks::new(a.iter().copied()), Disks::new(b.iter().copied()));
        assert_eq!(a.are_apart(&b), b.are_apart(&a));
        a.are_apart(&b)
    }

    #[test]
    fn disks_are_apart_if_they_cannot_be_the_same() {
        assert!(apart(&["WD-1"], &["WD-2"]));
        assert!(!apart(&["WD-1"], &["wd-1"]));
        for same in [
            "said:wd-1",
            "said:said: WD-1",
            "W\u{200b}D-1",
            "\u{ff37}D-1",
        ] {
            assert!(!apart(&["said:WD-1"], &[same]), "{same}");
        }
        assert!(!apart(&["WD-1"], &[]));
        assert!(!apart(&[], &[]));
        // The disk was once in a dock that reports the dock's serial.
        assert!(!apart(&["WD-1", "dock"], &["dock"]));
        assert!(!apart(&["naa.1+naa.2"], &["naa.2"]));
        assert!(apart(&["naa.1+naa.2"], &["naa.3+naa.4"]));
        assert!(apart(&["server:nas"], &["WD-1"]));
        assert!(apart(&["server:nas-1"], &["server:nas-2"]));
        assert!(!apart(&["server:nas"], &["server:NAS.local."]));
        assert!(apart(&["server:10.0.0.5"], &["server:10.0.0.6"]));
        assert!(!apart(&["server:10.0.0.5"], &["server:nas"]));
        assert!(!apart(&["server:10.0.0.5"], &["server:fd12::5"]));
        assert!(!apart(&["server:10.0.0.5"], &["server:::ffff:10.0.0.5"]));
        assert!(!apart(&["server:fe80::5%eth0"], &["server:fe80::5%eth1"]));
        assert!(!apart(&["server:nas:445"], &["server:nas"]));
        assert!(!apart(&["server:127.1"], &["WD-1"]));
        assert!(!apart(&["server:::ffff:127.0.0.1"], &["WD-1"]));
        assert!(!apart(&["server:localhost"], &["WD-1"]));
        assert!(!apart(&["server:127.0.0.1"], &["WD-1"]));
        assert!(apart(&["said:shelf 7"], &["said:shelf 8"]));
        assert!(!apart(&["said:wd-1"], &["WD-1"]));
        assert!(!apart(&["said: "], &["WD-1"]));
    }

    #[test]
    fn a_name_from_the_user_may_list_the_members_of_an_array() {
        assert!(!apart(&["said:WD-1+WD-2"], &["WD-1"]));
        assert!(!apart(&["said:WD-1+WD-2"], &["said:wd-2"]));
        assert!(!apart(&["said: WD-1 + WD-2 "], &["WD-2+WD-3"]));
        assert!(!apart(&["said:WD-1+said:WD-2"], &["WD-2"]));
        assert!(apart(&["said:WD-1+WD-2"], &["said:WD-3+WD-4"]));
        assert!(apart(&["said:WD-1+WD-2"], &["WD-12"]));
        // A lone plus sign is not a disk name.
        assert!(!apart(&["said: + "], &["WD-1"]));
        assert!(!Disks::new(["said:+"]).are_known());
    }
}
