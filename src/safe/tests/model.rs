//! A slow and plain model of the rules of `docs/safe.md`. It is separate from the program and
//! shares none of its decisions, so that a property test can compare the two on random worlds.

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
    copy_volume: &'a CopyVolume,
    /// Set of mounted volumes for each verification that counts; `None` if it was not recorded.
    mounted_sets: Vec<Option<i64>>,
    /// True if the volume is mounted and the copy exists.
    is_seen: bool,
    /// Time of the last change in nanoseconds, if the file is visible and its filesystem stores ctimes.
    changed: Option<i64>,
}

/// Unit of failure that a copy depends on: a disk, or the server of a share.
enum Device {
    Disk(String),
    Host(String),
    Address(IpAddr),
}

/// Returns whether the card may be formatted.
pub(super) fn is_safe(world: &World) -> bool {
    let files = &world.files;
    let is_kept = |file| disks(world, file) >= world.requirements.copies;
    let are_files_safe = !files.is_empty() && files.iter().all(|file| file.is_some_and(is_kept));
    are_files_safe && world.doubts == 0 && !world.is_interrupted
}

/// Counts the distinct disks that surely hold a content, given as hash and size. This is the size
/// of the largest set of sound copies of which each pair is independent.
pub(super) fn disks(world: &World, file: (Fingerprint, u64)) -> usize {
    let places = world.places.get(&file).into_iter().flatten();
    let copies: Vec<SoundCopy<'_>> = places
        .filter_map(|place| sound_copy(world, file, place))
        .filter(|copy| is_on_a_known_disk(world, copy.copy_volume))
        .filter(|copy| is_independent_of_card(world, copy))
        .collect();
    largest_set(world, &copies, &[])
}

/// Tries each copy with and without the copies before it.
fn largest_set(world: &World, rest: &[SoundCopy<'_>], chosen: &[&SoundCopy<'_>]) -> usize {
    let Some((first, rest)) = rest.split_first() else {
        return chosen.len();
    };
    let without = largest_set(world, rest, chosen);
    if !chosen
        .iter()
        .all(|other| are_independent(world, first, other))
    {
        return without;
    }
    let mut more = chosen.to_vec();
    more.push(first);
    without.max(largest_set(world, rest, &more))
}

fn is_independent_of_card(world: &World, copy: &SoundCopy<'_>) -> bool {
    !is_on_card_volume(world, copy.copy_volume)
        && !is_next_to_card_image(world, copy.copy_volume)
        && !is_on_card_disk(world, copy.copy_volume)
        && !may_share_and_disk_be_card(world, copy)
        && !is_a_file_of_the_card(world, copy)
}

fn is_a_file_of_the_card(world: &World, copy: &SoundCopy<'_>) -> bool {
    let is_same = |own: &i64| {
        copy.changed
            .is_some_and(|changed| own.abs_diff(changed) <= MICROSECOND)
    };
    (world.card.is_share || copy.copy_volume.is_share) && world.card.changes.iter().any(is_same)
}

/// Returns true if the copy is on the card's volume, or in an image stored there.
fn is_on_card_volume(world: &World, copy_volume: &CopyVolume) -> bool {
    let volumes = volumes_below(world, copy_volume);
    let is_card = |copy_volume: &&CopyVolume| volumes.contains(copy_volume.identity.as_str());
    let card = world
        .card
        .volume
        .and_then(|card| world.copy_volumes.get(&card));
    volumes.contains(world.card.identity.as_str()) || card.as_ref().is_some_and(is_card)
}

/// Returns true if the card is an image, and the copy is in the same file, on the volume that holds
/// it, or in another image there. The volume must be in the catalogue.
fn is_next_to_card_image(world: &World, copy_volume: &CopyVolume) -> bool {
    let volumes = volumes_below(world, copy_volume);
    let is_known = |volume: &str| {
        let mut copy_volumes = world.copy_volumes.values();
        copy_volumes.any(|copy_volume| copy_volume.identity == volume)
    };
    let all = images_below(world, copy_volume);
    world.card.backing.images.iter().any(|own| {
        let is_there = volumes.contains(own.volume.as_str()) && is_known(&own.volume);
        is_there || all.iter().any(|image| is_one_file(own, image))
    })
}

/// Returns the image files of the volume, and the image files that hold those.
fn images_below<'a>(world: &'a World, copy_volume: &'a CopyVolume) -> Vec<&'a Image> {
    let copy_volumes = copy_volumes_below(world, copy_volume).into_iter();
    copy_volumes
        .flat_map(|below| &below.backing.images)
        .collect()
}

/// Returns true for equal paths and for equal inode numbers: one file may have several paths.
fn is_one_file(one: &Image, other: &Image) -> bool {
    let is_inode = matches!((one.inode, other.inode), (Some(one), Some(other)) if one == other);
    one.volume == other.volume && (one.file == other.file || is_inode)
}

fn is_on_card_disk(world: &World, copy_volume: &CopyVolume) -> bool {
    let names = disk_names_below(world, copy_volume);
    let disks = Disks::new(names.iter().copied());
    let is_in_image_on = |holder: &&CopyVolume| {
        let mut images = world.card.backing.images.iter();
        images.any(|image| image.volume == holder.identity)
    };
    // The disks of the volume that holds the card's image are also the card's.
    let mut holders = world.copy_volumes.values().filter(is_in_image_on);
    let is_holders =
        |holder: &CopyVolume| !disks.are_apart(&holder.disks) && holder.disks.are_known();
    if holders.any(is_holders) {
        return true;
    }
    if world.card.disks.are_known() {
        return !disks.are_apart(&world.card.disks);
    }
    // The reader reports no serial number: a disk that only the user named may be the card's.
    let is_from_person = |name: &String| name.is_empty() || name.starts_with("said:");
    copy_volume.disk_names.iter().all(is_from_person) && !copy_volume.is_on_other_device
}

/// Returns true if a share and a disk may be the same: a copy on a share may be the card itself,
/// and a card on a share may be on an unmounted disk.
fn may_share_and_disk_be_card(world: &World, copy: &SoundCopy<'_>) -> bool {
    match (copy.copy_volume.is_share, world.card.is_share) {
        (true, _) => may_share_be(copy, &world.card.identity, true),
        // The card is read now, so a disk mounted at that time is visible now.
        (false, true) => !copy.is_seen && !world.card.is_disk_named_by_user,
        (false, false) => false,
    }
}

/// Returns true if no single failure can destroy both copies.
fn are_independent(world: &World, one: &SoundCopy<'_>, other: &SoundCopy<'_>) -> bool {
    let (below, others) = (
        volumes_below(world, one.copy_volume),
        volumes_below(world, other.copy_volume),
    );
    // If a volume is not in the catalogue, the catalogue cannot know that it holds two images.
    let is_known = |volume: &&str| {
        world
            .copy_volumes
            .values()
            .any(|copy_volume| copy_volume.identity == *volume)
    };
    !below.intersection(&others).any(is_known)
        && !are_in_one_image(world, one.copy_volume, other.copy_volume)
        && !may_have_a_disk_in_common(world, one.copy_volume, other.copy_volume)
        && !may_share_and_disk_be_one(one, other)
        && !may_share_and_disk_be_one(other, one)
        && !are_one_file(one, other)
}

/// Returns true if a file on a share and another file have the same ctime: it is one file, visible
/// twice.
fn are_one_file(one: &SoundCopy<'_>, other: &SoundCopy<'_>) -> bool {
    let is_share = one.copy_volume.is_share || other.copy_volume.is_share;
    let changes = one.changed.zip(other.changed);
    is_share && changes.is_some_and(|(one, other)| one.abs_diff(other) <= MICROSECOND)
}

/// Returns true if both are in one image file, whatever disks the user named.
fn are_in_one_image(world: &World, one: &CopyVolume, other: &CopyVolume) -> bool {
    let others = images_below(world, other);
    let own = images_below(world, one);
    own.iter()
        .any(|image| others.iter().any(|other| is_one_file(image, other)))
}

fn may_have_a_disk_in_common(world: &World, one: &CopyVolume, other: &CopyVolume) -> bool {
    let all = |copy_volume| {
        disk_names_below(world, copy_volume)
            .into_iter()
            .flat_map(devices)
    };
    all(one).any(|device| all(other).any(|other| may_be_one(&device, &other)))
}

fn may_share_and_disk_be_one(share: &SoundCopy<'_>, disk: &SoundCopy<'_>) -> bool {
    share.copy_volume.is_share && may_share_be(share, &disk.copy_volume.identity, disk.is_seen)
}

/// Returns true if the disk of a volume may have been in the server when the copy was verified.
fn may_share_be(share: &SoundCopy<'_>, volume: &str, is_volume_seen: bool) -> bool {
    let was_mounted = |set: &Option<i64>| {
        let mut pairs = share.copy_volume.mounted_with.iter();
        pairs.any(|(other, number)| other == volume && Some(*number) == *set)
    };
    let are_seen = share.is_seen && is_volume_seen;
    let sets = &share.mounted_sets;
    let was_always_mounted = !sets.is_empty() && sets.iter().all(was_mounted);
    !are_seen && !was_always_mounted && !share.copy_volume.is_disk_named_by_user
}

/// Returns true if the disk is known. Memory, images stored in memory, and filesystems that show
/// files of others do not count.
fn is_on_a_known_disk(world: &World, copy_volume: &CopyVolume) -> bool {
    let is_in_memory = |below: &&CopyVolume| below.backing.is_memory;
    let is_kept = !copy_volume.backing.is_view
        && !copy_volumes_below(world, copy_volume)
            .iter()
            .any(is_in_memory);
    is_kept && copy_volume.disk_names.iter().any(|name| is_known(name))
}

/// Returns false for a RAID if one of its disks reports no serial number.
fn is_known(name: &str) -> bool {
    devices(name).iter().all(|device| match device {
        Device::Disk(name) | Device::Host(name) => !name.is_empty(),
        Device::Address(_) => true,
    })
}

/// Identities of the volume, and of the volumes that hold its image files, directly or within other
/// images.
fn volumes_below<'a>(world: &'a World, copy_volume: &'a CopyVolume) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::from([copy_volume.identity.as_str()]);
    loop {
        let before = found.len();
        for below in world.copy_volumes.values() {
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

/// Includes the volume itself.
fn copy_volumes_below<'a>(world: &'a World, copy_volume: &'a CopyVolume) -> Vec<&'a CopyVolume> {
    let volumes = volumes_below(world, copy_volume);
    let is_below = |below: &&CopyVolume| volumes.contains(below.identity.as_str());
    world.copy_volumes.values().filter(is_below).collect()
}

/// Returns every disk that the volume was seen on, and the disks that hold its image files.
fn disk_names_below<'a>(world: &'a World, copy_volume: &'a CopyVolume) -> Vec<&'a str> {
    let copy_volumes = copy_volumes_below(world, copy_volume).into_iter();
    let names = copy_volumes.flat_map(|below| &below.disk_names);
    names.map(String::as_str).collect()
}

/// Parses one recorded name: a server, a name given by the user, or the serial numbers of a RAID.
fn devices(name: &str) -> Vec<Device> {
    // Case, spaces and invisible characters are ignored.
    let is_blank = |letter: char| letter.is_whitespace() || letter.is_control();
    let name = name.to_lowercase().replace(is_blank, "");
    if let Some(host) = name.strip_prefix("server:") {
        return vec![server(host)];
    }
    let disks = name.strip_prefix("said:").unwrap_or(&name).split('+');
    disks.map(|disk| Device::Disk(disk.to_owned())).collect()
}

/// Normalizes a host: `nas` and `nas.local` are the same.
fn server(host: &str) -> Device {
    if let Ok(address) = host.trim_matches(['[', ']']).parse() {
        return Device::Address(address);
    }
    let host = host.trim_end_matches('.');
    Device::Host(host.strip_suffix(".local").unwrap_or(host).to_owned())
}

/// Returns true if both may be one device. Two names, or two addresses of one kind, are two
/// servers. A name and an address may be one, and so may an IPv4 and an IPv6 address.
fn may_be_one(one: &Device, other: &Device) -> bool {
    match (one, other) {
        // An empty name matches nothing.
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

/// Returns the copy if its last verification counts. A forgotten volume is not in the map.
fn sound_copy<'a>(world: &'a World, file: Content, place: &PlacedCopy) -> Option<SoundCopy<'a>> {
    let copy_volume = world.copy_volumes.get(&place.recorded.volume)?;
    let verified_at = match &place.observation {
        Observation::Read(content, seen, at, how) => {
            let is_equal = (*content, seen.bytes) == file;
            (is_equal && is_from_medium(Some(how))).then_some(*at)?
        }
        Observation::File(seen, keeps_ctime) => {
            let claim = last_verification(file, &place.recorded)?;
            let is_same = looks_as_verified(claim, seen, *keeps_ctime);
            (is_same && (*keeps_ctime || is_after_format(claim, copy_volume)))
                .then_some(claim.at)?
        }
        Observation::NotMounted => {
            let claim = last_verification(file, &place.recorded)?;
            is_good_while_away(claim, &place.recorded, copy_volume).then_some(claim.at)?
        }
        Observation::Missing | Observation::Unreadable(_) => return None,
    };
    let is_read = matches!(place.observation, Observation::Read(..));
    is_recent(world, verified_at).then_some(SoundCopy {
        copy_volume,
        // A copy that is read now is compared with what is mounted now.
        mounted_sets: if is_read {
            Vec::new()
        } else {
            good_verifications(&place.recorded)
                .map(|claim| claim.mounted_set)
                .collect()
        },
        is_seen: !matches!(place.observation, Observation::NotMounted),
        changed: last_change(&place.observation),
    })
}

/// Returns the claim by which the copy counts, unless another record of its path contradicts it.
fn last_verification(file: Content, recorded: &RecordedPath) -> Option<&HashRecord> {
    let is_about_file = |claim: &HashRecord| (claim.content, claim.bytes) == file;
    let is_refuted = recorded.records.iter().any(|claim| match claim.state {
        CopyState::Verified => !is_about_file(claim),
        CopyState::Altered | CopyState::Missing | CopyState::Unread => is_about_file(claim),
        CopyState::NotCopied => false,
    });
    if is_refuted {
        return None;
    }
    // A claim from memory never counts, so the preferred claim is among those from the medium.
    good_verifications(recorded)
        .max_by_key(|claim| (claim.formats, claim.logged.is_some(), claim.at))
}

fn good_verifications(recorded: &RecordedPath) -> impl Iterator<Item = &HashRecord> {
    let is_verified = |claim: &&HashRecord| matches!(claim.state, CopyState::Verified);
    let is_read = |claim: &&HashRecord| is_from_medium(claim.how.as_ref());
    recorded.records.iter().filter(is_verified).filter(is_read)
}

fn is_from_medium(how: Option<&ReadMethod>) -> bool {
    matches!(
        how,
        Some(ReadMethod::Bypassed | ReadMethod::Dropped | ReadMethod::Remounted)
    )
}

/// Returns true if the last scan that listed the file found it unchanged. True if there was none.
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

/// Returns false for a claim without a stamp, which cannot be compared.
fn has_size_and_time(claim: &HashRecord, bytes: u64, modified: i64) -> bool {
    claim.stamp.as_ref().is_some_and(|stamp| {
        stamp.bytes == bytes && stamp.modified.abs_diff(modified) <= TOLERANCE_NANOS
    })
}

/// Returns true if nothing contradicts the copy, and it is not a file that grows.
fn is_good_while_away(
    claim: &HashRecord,
    recorded: &RecordedPath,
    copy_volume: &CopyVolume,
) -> bool {
    !recorded.path.ends_with(CHAIN)
        && looks_as_listed(claim, recorded.listed.as_ref())
        && copy_volume.replaced_by.is_none()
        && is_after_format(claim, copy_volume)
}

fn is_after_format(claim: &HashRecord, copy_volume: &CopyVolume) -> bool {
    claim.formats >= copy_volume.formats
}

fn last_change(observation: &Observation) -> Option<i64> {
    let (Observation::File(seen, _) | Observation::Read(_, seen, ..)) = observation else {
        return None;
    };
    let is_own_time = |changed: &i64| changed.abs_diff(seen.modified) > TOLERANCE_NANOS;
    seen.changed.filter(is_own_time)
}

fn is_recent(world: &World, verified_at: i64) -> bool {
    let age = world.requirements.now - verified_at;
    age >= 0 && world.requirements.max_age.is_none_or(|max| age <= max.0)
}
