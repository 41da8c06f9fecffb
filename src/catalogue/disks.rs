//! Physical disks of a volume, and the check that two volumes share none.

use std::collections::BTreeSet;
use std::net::IpAddr;

use unicode_normalization::UnicodeNormalization;

use super::DISK_NAME_PREFIX;
use crate::error::is_unsafe;

/// Disks that a volume was ever seen on; empty if unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disks {
    disks: BTreeSet<Disk>,
    /// True if a system reported any of them, not only the user.
    are_reported: bool,
}

/// Unit of hardware that fails as a whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Disk {
    /// Disk, by its serial or by the name that the user gave it.
    Serial(String),
    /// File server, by the first label of its host name.
    Named(String),
    /// File server, by its address.
    Address(IpAddr),
}

impl Disks {
    /// Parses the recorded disks of a volume: serials (joined by `+` for a RAID), `server:HOST`,
    /// and `said:` with names from the user (joined likewise). Ignores letter case. Ignores this
    /// machine as a server, because it is unknown which of its disks it shares.
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

    /// Returns the serials and names of the disks in the form used for comparison, without servers.
    #[must_use]
    pub fn serials(&self) -> BTreeSet<String> {
        let serials = self.disks.iter().filter_map(|disk| match disk {
            Disk::Serial(serial) => Some(serial.clone()),
            Disk::Named(_) | Disk::Address(_) => None,
        });
        serials.collect()
    }

    /// Returns true if a system reported any of the disks, not only the user.
    #[must_use]
    pub fn are_reported(&self) -> bool {
        self.are_reported
    }

    /// Returns true if any disk is known.
    #[must_use]
    pub fn are_known(&self) -> bool {
        !self.disks.is_empty()
    }

    /// Returns true if the two certainly share no disk. An unknown disk may be any disk.
    #[must_use]
    pub fn are_apart(&self, other: &Self) -> bool {
        let others = || other.disks.iter();
        let mut pairs = self
            .disks
            .iter()
            .flat_map(|one| others().map(move |other| (one, other)));
        self.are_known()
            && other.are_known()
            && pairs.all(|(one, other)| match (one, other) {
                // Only the network could resolve the address to a name.
                (Disk::Named(_), Disk::Address(_)) | (Disk::Address(_), Disk::Named(_)) => false,
                // Most machines have an IPv4 and an IPv6 address.
                (Disk::Address(one), Disk::Address(other)) if one.is_ipv4() != other.is_ipv4() => {
                    false
                }
                (one, other) => one != other,
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

/// Normalises a serial that may be typed from a label or copied from the output: ignores letter
/// case, surrounding spaces, compatibility forms and invisible characters.
fn folded(text: &str) -> String {
    let visible: String = text.nfkc().filter(|c| !is_unsafe(*c)).collect();
    let lower = visible.to_lowercase();
    let mut name = lower.trim();
    while let Some(rest) = name.strip_prefix(DISK_NAME_PREFIX) {
        name = rest.trim();
    }
    name.to_owned()
}

/// Parses a server. `nas`, `nas.local` and `NAS.studio.example` may be the same machine; ports and
/// scopes are ignored.
fn server(host: &str) -> Option<Disk> {
    let host = host.trim().trim_end_matches('.').to_lowercase();
    let unscoped = host.split('%').next().unwrap_or(&host);
    if let Ok(address) = unscoped.parse::<IpAddr>() {
        let address = address.to_canonical();
        return (!is_own(address)).then_some(Disk::Address(address));
    }
    let first = host.split(['.', ':']).next().unwrap_or(&host);
    let is_here = matches!(first, "localhost" | "ip6-localhost" | "ip6-loopback")
        || Some(first) == own_name().as_deref();
    // A short form of an address, such as `127.1`.
    let is_number = first.bytes().all(|byte| byte.is_ascii_digit());
    (!is_here && !is_number).then(|| Disk::Named(first.to_owned()))
}

/// Returns true for an address of this machine: only such an address can be bound.
fn is_own(address: IpAddr) -> bool {
    address.is_loopback()
        || address.is_unspecified()
        || std::net::UdpSocket::bind((address, 0)).is_ok()
}

/// Returns the first label of this machine's host name.
#[cfg(unix)]
fn own_name() -> Option<String> {
    let uname = rustix::system::uname();
    let name = uname.nodename().to_string_lossy().to_lowercase();
    name.split('.').next().map(str::to_owned)
}

#[cfg(not(unix))]
fn own_name() -> Option<String> {
    std::env::var("COMPUTERNAME")
        .ok()
        .map(|name| name.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(one: &[&str], other: &[&str]) -> bool {
        let (one, other) = (
            Disks::new(one.iter().copied()),
            Disks::new(other.iter().copied()),
        );
        assert_eq!(one.are_apart(&other), other.are_apart(&one));
        one.are_apart(&other)
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
        // Was once in a dock that reports its own serial.
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
    fn the_user_names_the_members_of_an_array_like_a_system() {
        assert!(!apart(&["said:WD-1+WD-2"], &["WD-1"]));
        assert!(!apart(&["said:WD-1+WD-2"], &["said:wd-2"]));
        assert!(!apart(&["said: WD-1 + WD-2 "], &["WD-2+WD-3"]));
        assert!(!apart(&["said:WD-1+said:WD-2"], &["WD-2"]));
        assert!(apart(&["said:WD-1+WD-2"], &["said:WD-3+WD-4"]));
        assert!(apart(&["said:WD-1+WD-2"], &["WD-12"]));
        // A plus sign alone names no disk.
        assert!(!apart(&["said: + "], &["WD-1"]));
        assert!(!Disks::new(["said:+"]).are_known());
    }
}
