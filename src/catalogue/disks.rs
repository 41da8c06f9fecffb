//! Which physical disks a volume is on, and whether those of two volumes are surely not the same.

use std::collections::BTreeSet;
use std::net::IpAddr;

use unicode_normalization::UnicodeNormalization;

use super::SAID;
use crate::error::is_unsafe;

/// The disks that a volume was ever seen on; none: nobody knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disks {
    disks: BTreeSet<Disk>,
    /// Whether a system told any of them, not a person only.
    are_told: bool,
}

/// Something that fails as a whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Disk {
    /// A disk, by its serial, or by what a person calls it.
    Serial(String),
    /// A machine that shares its disks, by the first part of its name.
    Named(String),
    /// … by its address.
    Address(IpAddr),
}

impl Disks {
    /// Parses what systems and people told of a volume: serials, of a RAID joined by `+`; `server:` and a machine; `said:`
    /// and names, joined alike. Letter case tells nothing apart. This machine is no server to itself: which of its disks it
    /// shares, nobody knows.
    pub fn new<'a>(told: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all = Self::default();
        for told in told {
            let disks = disks(told);
            all.are_told |= !disks.is_empty() && !told.starts_with(SAID);
            all.disks.extend(disks);
        }
        all
    }

    /// Adds the disks of another volume.
    pub fn extend(&mut self, other: &Self) {
        self.disks.extend(other.disks.iter().cloned());
        self.are_told |= other.are_told;
    }

    /// The serials of the disks, and what people call them, as they are compared; servers left out.
    #[must_use]
    pub fn serials(&self) -> BTreeSet<String> {
        let serials = self.disks.iter().filter_map(|disk| match disk {
            Disk::Serial(serial) => Some(serial.clone()),
            Disk::Named(_) | Disk::Address(_) => None,
        });
        serials.collect()
    }

    /// Whether a system told any of them, not a person only.
    #[must_use]
    pub fn are_told(&self) -> bool {
        self.are_told
    }

    /// Whether anything is known.
    #[must_use]
    pub fn are_known(&self) -> bool {
        !self.disks.is_empty()
    }

    /// Whether no disk of one can be a disk of the other. What nobody knows may be any.
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
                // Whose address it is, only the network could tell.
                (Disk::Named(_), Disk::Address(_)) | (Disk::Address(_), Disk::Named(_)) => false,
                // Most machines have one of each kind.
                (Disk::Address(one), Disk::Address(other)) if one.is_ipv4() != other.is_ipv4() => {
                    false
                }
                (one, other) => one != other,
            })
    }
}

fn disks(told: &str) -> Vec<Disk> {
    let serial = |text: &str| {
        let text = folded(text);
        (!text.is_empty()).then_some(Disk::Serial(text))
    };
    if let Some(host) = told.strip_prefix("server:") {
        return server(host).into_iter().collect();
    }
    let told = told.strip_prefix(SAID).unwrap_or(told);
    told.split('+').filter_map(serial).collect()
}

/// As it may be typed off a label, or copied from what is printed here: letter case, blanks, forms of a letter and what
/// nobody sees tell nothing apart.
fn folded(text: &str) -> String {
    let seen: String = text.nfkc().filter(|c| !is_unsafe(*c)).collect();
    let lower = seen.to_lowercase();
    let mut name = lower.trim();
    while let Some(rest) = name.strip_prefix(SAID) {
        name = rest.trim();
    }
    name.to_owned()
}

/// `nas`, `nas.local` and `NAS.studio.example` may be one; ports and scopes tell no machines apart.
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

/// Whether it is an address of this machine: only those can be listened at.
fn is_own(address: IpAddr) -> bool {
    address.is_loopback()
        || address.is_unspecified()
        || std::net::UdpSocket::bind((address, 0)).is_ok()
}

/// The first part of this machine's name.
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
    fn disks_are_apart_when_nothing_of_them_can_be_the_same() {
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
        // Seen in a dock once that tells a number of its own.
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
    fn a_person_names_the_members_of_an_array_as_a_system_does() {
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
