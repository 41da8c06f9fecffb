//! A slow and plain model of the rules of `docs/safe.md`. It is separate from the program and shares none of its decisions,
//! so that a property test can compare the two on random worlds.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::*;

/// Tolerance of modification times: FAT keeps them in steps of two seconds.
const TOLERANCE_NANOS: u64 = 2_000_000_000;

/// File that grows with each generation of an ASC MHL history.
const CHAIN: &str = "ascmhl/ascmhl_chain.xml";

const MICROSECOND: u64 = 1_000;

/// Hash and size of a file.
type Content = (Fingerprint, u64);

/// Copy with a verification that counts.
struct SoundCopy<'a> {
    shelf: &'a Shelf,
    /// For each verification of it that counts, the set of volumes that were mounted, as far as this is known.
    mounted_sets: Vec<Option<i64>>,
    /// The volume is mounted now, and the copy is there.
    is_seen: bool,
    /// Nanosecond of its last change, if it is seen, and its filesystem tells more than the modification time.
    changed: Option<i64>,
}

/// Failure that a copy depends on: a disk, or the server of a share.
enum Device {
    Disk(String),
    Host(String),
    Address(IpAddr),
}

/// Returns whether the card may be formatted.
pub(super) fn is_safe(world: &World) -> bool {
    let files = &world.files;
    let is_kept = |file| disks(world, file) >= world.wanted.copies;
    let are_files_safe = !files.is_empty() && files.iter().all(|file| file.is_some_and(is_kept));
    are_files_safe && world.doubts == 0 && !world.is_interrupted
}

/// Counts the distinct disks that surely hold a content (given as hash and bytes): the size of the largest set of
/// sound copies of which each pair is apart.
pub(super) fn disks(world: &World, file: (Fingerprint, u64)) -> usize {
    let places = world.places.get(&file).into_iter().flatten();
    let copies: Vec<SoundCopy<'_>> = places
        .filter_map(|place| sound_copy(world, file, place))
        .filter(|copy| is_on_a_known_disk(world, copy.shelf))
        .filter(|copy| is_apart_from_card(world, copy))
        .collect();
    largest_set(world, &copies, &[])
}

/// Tries each copy with and without the copies before it.
fn largest_set(world: &World, rest: &[SoundCopy<'_>], chosen: &[&SoundCopy<'_>]) -> usize {
    let Some((first, rest)) = rest.split_first() else {
        return chosen.len();
    };
    let without = largest_set(world, rest, chosen);
    if !chosen.iter().all(|other| are_apart(world, first, other)) {
        return without;
    }
    let mut more = chosen.to_vec();
    more.push(first);
    without.max(largest_set(world, rest, &more))
}

fn is_apart_from_card(world: &World, copy: &SoundCopy<'_>) -> bool {
    !is_on_card_volume(world, copy.shelf)
        && !is_beside_card_image(world, copy.shelf)
        && !is_on_card_disk(world, copy.shelf)
        && !may_share_and_disk_be_card(world, copy)
        && !is_a_file_of_the_card(world, copy)
}

fn is_a_file_of_the_card(world: &World, copy: &SoundCopy<'_>) -> bool {
    let is_same = |own: &i64| {
        copy.changed
            .is_some_and(|changed| own.abs_diff(changed) <= MICROSECOND)
    };
    (world.card.is_share || copy.shelf.is_share) && world.card.changes.iter().any(is_same)
}

/// Returns whether the copy is on the card's volume, or in an image that is kept there.
fn is_on_card_volume(world: &World, shelf: &Shelf) -> bool {
    let volumes = volumes_below(world, shelf);
    let is_card = |shelf: &&Shelf| volumes.contains(shelf.identity.as_str());
    let card = world.card.volume.and_then(|card| world.shelves.get(&card));
    volumes.contains(world.card.identity.as_str()) || card.as_ref().is_some_and(is_card)
}

/// Returns whether the card is an image, and the copy is in the same file, or on the volume that holds it, or in another
/// image there, as far as the catalogue knows that volume.
fn is_beside_card_image(world: &World, shelf: &Shelf) -> bool {
    let volumes = volumes_below(world, shelf);
    let is_known = |volume: &str| {
        let mut shelves = world.shelves.values();
        shelves.any(|shelf| shelf.identity == volume)
    };
    let all = images_below(world, shelf);
    world.card.backing.images.iter().any(|own| {
        let is_there = volumes.contains(own.volume.as_str()) && is_known(&own.volume);
        is_there || all.iter().any(|image| is_one_file(own, image))
    })
}

/// The image files of the volume, and those that hold them.
fn images_below<'a>(world: &'a World, shelf: &'a Shelf) -> Vec<&'a Image> {
    let shelves = shelves_below(world, shelf).into_iter();
    shelves.flat_map(|below| &below.backing.images).collect()
}

/// A file has one path, or several with one inode number.
fn is_one_file(one: &Image, other: &Image) -> bool {
    let is_inode = matches!((one.inode, other.inode), (Some(one), Some(other)) if one == other);
    one.volume == other.volume && (one.file == other.file || is_inode)
}

fn is_on_card_disk(world: &World, shelf: &Shelf) -> bool {
    let names = disk_names_below(world, shelf);
    let disks = Disks::new(names.iter().copied());
    let is_in_image_on = |holder: &&Shelf| {
        let mut images = world.card.backing.images.iter();
        images.any(|image| image.volume == holder.identity)
    };
    // The disks of the volume that holds the card's image are the card's, too.
    let mut holders = world.shelves.values().filter(is_in_image_on);
    let is_holders = |holder: &Shelf| !disks.are_apart(&holder.disks) && holder.disks.are_known();
    if holders.any(is_holders) {
        return true;
    }
    if world.card.disks.are_known() {
        return !disks.are_apart(&world.card.disks);
    }
    // The reader reports no number: a disk that only a person named may be the card's.
    let is_from_person = |name: &String| name.is_empty() || name.starts_with("said:");
    shelf.told.iter().all(is_from_person) && !shelf.is_beside
}

/// A copy on a share may be the card itself, and a card on a share may be on a disk that is away.
fn may_share_and_disk_be_card(world: &World, copy: &SoundCopy<'_>) -> bool {
    match (copy.shelf.is_share, world.card.is_share) {
        (true, _) => may_share_be(copy, &world.card.identity, true),
        // The card is read now. A disk that is mounted at that time is seen now.
        (false, true) => !copy.is_seen && !world.card.is_disk_said,
        (false, false) => false,
    }
}

/// Two copies are apart when no single failure can take both.
fn are_apart(world: &World, one: &SoundCopy<'_>, other: &SoundCopy<'_>) -> bool {
    let (below, others) = (
        volumes_below(world, one.shelf),
        volumes_below(world, other.shelf),
    );
    // Of a volume that the catalogue does not know, it is not known either that it holds two images.
    let is_known = |volume: &&str| {
        world
            .shelves
            .values()
            .any(|shelf| shelf.identity == *volume)
    };
    !below.intersection(&others).any(is_known)
        && !are_in_one_image(world, one.shelf, other.shelf)
        && !may_have_a_disk_in_common(world, one.shelf, other.shelf)
        && !may_share_and_disk_be_one(one, other)
        && !may_share_and_disk_be_one(other, one)
        && !are_one_file(one, other)
}

/// A file on a share and another file that were last changed at the same moment are one file, seen twice.
fn are_one_file(one: &SoundCopy<'_>, other: &SoundCopy<'_>) -> bool {
    let is_share = one.shelf.is_share || other.shelf.is_share;
    let changes = one.changed.zip(other.changed);
    is_share && changes.is_some_and(|(one, other)| one.abs_diff(other) <= MICROSECOND)
}

/// One image file is one thing, whatever a person said.
fn are_in_one_image(world: &World, one: &Shelf, other: &Shelf) -> bool {
    let others = images_below(world, other);
    let own = images_below(world, one);
    own.iter()
        .any(|image| others.iter().any(|other| is_one_file(image, other)))
}

fn may_have_a_disk_in_common(world: &World, one: &Shelf, other: &Shelf) -> bool {
    let all = |shelf| disk_names_below(world, shelf).into_iter().flat_map(devices);
    all(one).any(|device| all(other).any(|other| may_be_one(&device, &other)))
}

fn may_share_and_disk_be_one(share: &SoundCopy<'_>, disk: &SoundCopy<'_>) -> bool {
    share.shelf.is_share && may_share_be(share, &disk.shelf.identity, disk.is_seen)
}

/// Returns whether the drive of a volume may have been in the server when the copy on the share was verified.
fn may_share_be(share: &SoundCopy<'_>, volume: &str, is_volume_seen: bool) -> bool {
    let was_mounted = |set: &Option<i64>| {
        let mut pairs = share.shelf.mounted_with.iter();
        pairs.any(|(other, number)| other == volume && Some(*number) == *set)
    };
    let are_seen = share.is_seen && is_volume_seen;
    let sets = &share.mounted_sets;
    let was_always_mounted = !sets.is_empty() && sets.iter().all(was_mounted);
    !are_seen && !was_always_mounted && !share.shelf.is_disk_said
}

/// Memory does not count, nor does an image that is kept there, nor a filesystem that shows files of other filesystems.
fn is_on_a_known_disk(world: &World, shelf: &Shelf) -> bool {
    let is_in_memory = |below: &&Shelf| below.backing.is_memory;
    let is_kept = !shelf.backing.is_view && !shelves_below(world, shelf).iter().any(is_in_memory);
    is_kept && shelf.told.iter().any(|name| is_known(name))
}

/// A RAID is unknown when one of its disks reports no number.
fn is_known(name: &str) -> bool {
    devices(name).iter().all(|device| match device {
        Device::Disk(name) | Device::Host(name) => !name.is_empty(),
        Device::Address(_) => true,
    })
}

/// Identities of the volume, and of the volumes that hold its image files, directly or within other images.
fn volumes_below<'a>(world: &'a World, shelf: &'a Shelf) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::from([shelf.identity.as_str()]);
    loop {
        let before = found.len();
        for below in world.shelves.values() {
            if found.contains(below.identity.as_str()) {
                let images = below.backing.images.iter();
                found.extend(images.map(|image| image.volume.as_str()));
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

/// The volume itself is among them.
fn shelves_below<'a>(world: &'a World, shelf: &'a Shelf) -> Vec<&'a Shelf> {
    let volumes = volumes_below(world, shelf);
    let is_below = |below: &&Shelf| volumes.contains(below.identity.as_str());
    world.shelves.values().filter(is_below).collect()
}

/// Every disk that the volume was seen on. The failure of a disk that holds its image files takes it, too.
fn disk_names_below<'a>(world: &'a World, shelf: &'a Shelf) -> Vec<&'a str> {
    let shelves = shelves_below(world, shelf).into_iter();
    let names = shelves.flat_map(|below| &below.told);
    names.map(String::as_str).collect()
}

/// Parses one recorded name: a server, a name that a person gave, or the serial numbers of the disks of a RAID.
fn devices(name: &str) -> Vec<Device> {
    // Letter case, blanks and invisible characters make no difference.
    let is_blank = |letter: char| letter.is_whitespace() || letter.is_control();
    let name = name.to_lowercase().replace(is_blank, "");
    if let Some(host) = name.strip_prefix("server:") {
        return vec![server(host)];
    }
    let disks = name.strip_prefix("said:").unwrap_or(&name).split('+');
    disks.map(|disk| Device::Disk(disk.to_owned())).collect()
}

/// `nas` and `nas.local` are one.
fn server(host: &str) -> Device {
    if let Ok(address) = host.trim_matches(['[', ']']).parse() {
        return Device::Address(address);
    }
    let host = host.trim_end_matches('.');
    Device::Host(host.strip_suffix(".local").unwrap_or(host).to_owned())
}

/// Two names, or two addresses of one kind, are two servers. A name and an address may be one, as may be an IPv4 and
/// an IPv6 address.
fn may_be_one(one: &Device, other: &Device) -> bool {
    match (one, other) {
        // An empty name says nothing.
        (Device::Disk(one), Device::Disk(other)) => !one.is_empty() && one == other,
        // A separate rule compares shares with disks: `may_share_and_disk_be_one`.
        (Device::Disk(_), _) | (_, Device::Disk(_)) => false,
        (Device::Host(one), Device::Host(other)) => one == other,
        (Device::Address(one), Device::Address(other)) => {
            one == other || one.is_ipv4() != other.is_ipv4()
        }
        (Device::Host(_), Device::Address(_)) | (Device::Address(_), Device::Host(_)) => true,
    }
}

/// Returns the copy if its last verification counts. A forgotten volume has no shelf.
fn sound_copy<'a>(world: &'a World, file: Content, place: &Place) -> Option<SoundCopy<'a>> {
    let shelf = world.shelves.get(&place.stood.volume)?;
    let verified_at = match &place.sight {
        Sight::Read(content, seen, at, how) => {
            let is_equal = (*content, seen.bytes) == file;
            (is_equal && is_from_medium(Some(how))).then_some(*at)?
        }
        Sight::File(seen, keeps_ctime) => {
            let claim = last_verification(file, &place.stood)?;
            let is_it = looks_as_verified(claim, seen, *keeps_ctime);
            (is_it && (*keeps_ctime || is_after_format(claim, shelf))).then_some(claim.at)?
        }
        Sight::Away => {
            let claim = last_verification(file, &place.stood)?;
            is_good_while_away(claim, &place.stood, shelf).then_some(claim.at)?
        }
        Sight::Gone | Sight::Unreadable(_) => return None,
    };
    let is_read = matches!(place.sight, Sight::Read(..));
    is_recent(world, verified_at).then_some(SoundCopy {
        shelf,
        // What is read now is compared with what is seen now.
        mounted_sets: if is_read {
            Vec::new()
        } else {
            good_verifications(&place.stood)
                .map(|claim| claim.mounted_set)
                .collect()
        },
        is_seen: !matches!(place.sight, Sight::Away),
        changed: last_change(&place.sight),
    })
}

/// Returns the claim that the copy counts by, unless what is recorded of its path speaks against the copy.
fn last_verification(file: Content, stood: &RecordedPath) -> Option<&HashRecord> {
    let is_about_file = |claim: &HashRecord| (claim.content, claim.bytes) == file;
    let is_refuted = stood.records.iter().any(|claim| match claim.state {
        CopyState::Verified => !is_about_file(claim),
        CopyState::Altered | CopyState::Missing | CopyState::Unread => is_about_file(claim),
        CopyState::NotCopied => false,
    });
    if is_refuted {
        return None;
    }
    // A claim from memory never counts, so the preferred claim is among those from the medium.
    good_verifications(stood).max_by_key(|claim| (claim.formats, claim.logged.is_some(), claim.at))
}

fn good_verifications(stood: &RecordedPath) -> impl Iterator<Item = &HashRecord> {
    let is_verified = |claim: &&HashRecord| matches!(claim.state, CopyState::Verified);
    let is_read = |claim: &&HashRecord| is_from_medium(claim.how.as_ref());
    stood.records.iter().filter(is_verified).filter(is_read)
}

fn is_from_medium(how: Option<&How>) -> bool {
    matches!(how, Some(How::Bypassed | How::Dropped | How::Remounted))
}

/// Returns whether the last scan that listed the file, if any, found it as it was when it was read.
fn looks_as_listed(claim: &HashRecord, listed: Option<&ScannedFile>) -> bool {
    listed.is_none_or(|listed| {
        !listed.is_missing && has_size_and_time(claim, listed.bytes, listed.modified)
    })
}

fn looks_as_verified(claim: &HashRecord, seen: &Stamp, keeps_ctime: bool) -> bool {
    let is_as_seen = |stamp: &Stamp| {
        (stamp.bytes, stamp.modified, stamp.changed) == (seen.bytes, seen.modified, seen.changed)
    };
    if keeps_ctime {
        claim.stamp.as_ref().is_some_and(is_as_seen)
    } else {
        has_size_and_time(claim, seen.bytes, seen.modified)
    }
}

/// A claim without a stamp cannot be compared.
fn has_size_and_time(claim: &HashRecord, bytes: u64, modified: i64) -> bool {
    claim.stamp.as_ref().is_some_and(|stamp| {
        stamp.bytes == bytes && stamp.modified.abs_diff(modified) <= TOLERANCE_NANOS
    })
}

/// Returns whether nothing is known against the drive, and the copy is not one that grows.
fn is_good_while_away(claim: &HashRecord, stood: &RecordedPath, shelf: &Shelf) -> bool {
    !stood.path.ends_with(CHAIN)
        && looks_as_listed(claim, stood.listed.as_ref())
        && shelf.replaced_by.is_none()
        && is_after_format(claim, shelf)
}

fn is_after_format(claim: &HashRecord, shelf: &Shelf) -> bool {
    claim.formats >= shelf.formats
}

fn last_change(sight: &Sight) -> Option<i64> {
    let (Sight::File(seen, _) | Sight::Read(_, seen, ..)) = sight else {
        return None;
    };
    let is_told = |changed: &i64| changed.abs_diff(seen.modified) > TOLERANCE_NANOS;
    seen.changed.filter(is_told)
}

fn is_recent(world: &World, verified_at: i64) -> bool {
    let age = world.wanted.now - verified_at;
    age >= 0 && world.wanted.max_age.is_none_or(|max| age <= max.0)
}
