//! Compares the verdict with a slow and simple model, on random cards, copies, verifications, disks
//! and clocks. The model in `model` was written from docs/safe.md alone.

mod model;
mod time_zones;

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::*;
use crate::catalogue::{CopyState, HashRecord, LoggedCopy, MountedWith, RecordedPath, ScannedFile};
use crate::checksum::HashKind;
use crate::error::Problem;
use crate::offload::ReadMethod;
use crate::source_file::Stamp;
use crate::value::Age;
use crate::volume::{Backing, Image};

/// Number of random worlds; `scripts/endurance` sets a higher one.
fn states() -> u64 {
    let asked = std::env::var("BTSINDEX_SAFE_STATES").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(100_000)
}

/// Pseudo-random number generator: splitmix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    /// Returns true once in `times` calls on average.
    fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    fn pick<T: Clone>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()].clone()
    }
}

const NOW: i64 = 1_790_000_000;
const DAY: i64 = 86_400;
const NANOS: i64 = 1_000_000_000;
/// Unix time at which every file of the card was recorded.
const SHOT: i64 = NOW - 40 * DAY;

/// Returns the stamp of a file written `later` seconds after it was recorded.
fn stamp(bytes: u64, later: i64) -> Stamp {
    Stamp {
        bytes,
        modified: (SHOT + later) * NANOS,
        changed: Some((SHOT + 7) * NANOS),
    }
}

fn content(number: u64) -> Fingerprint {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Fingerprint::from_bytes(bytes)
}

/// Recorded copy, and what is observed at its path.
#[derive(Clone)]
struct PlacedCopy {
    recorded: RecordedPath,
    observation: Observation,
}

/// Card, recorded facts and observations.
struct World {
    card: CardLocation,
    copy_volumes: BTreeMap<i64, CopyVolume>,
    /// Content of each file; `None` if it could not be read.
    files: Vec<Option<(Fingerprint, u64)>>,
    places: BTreeMap<(Fingerprint, u64), Vec<PlacedCopy>>,
    requirements: Requirements,
    doubts: usize,
    is_interrupted: bool,
}

/// Identity of the system disk, which is not in the catalogue.
const SYSTEM: &str = "uuid:system";

/// Ids of sets of volumes mounted at the same time.
const SETS: [i64; 3] = [1, 2, 3];

/// Identity of the card's volume.
const CARD: &str = "uuid:card";

const DISKS: [&str; 9] = [
    "WD-1",
    "WD-2",
    "WD-3",
    "WD-1+WD-2",
    "server:nas",
    "server:NAS.local",
    "server:10.0.0.5",
    "said:wd-3",
    "",
];

impl World {
    fn random(dice: &mut Dice) -> Self {
        let mut copy_volumes = BTreeMap::new();
        for volume in 1..=1 + i64::try_from(dice.below(5)).unwrap() {
            let copy_volume = random_volume(dice, volume);
            copy_volumes.insert(volume, copy_volume);
        }
        nest_images(&mut copy_volumes);
        let disks = if dice.one_in(3) {
            Disks::default()
        } else {
            Disks::new([dice.pick(&["card", "card", "card", "WD-1", "server:nas"])])
        };
        let volume = dice.one_in(4).then_some(1);
        let mut backing = Backing::default();
        if dice.one_in(5) {
            let holder = dice.pick(&[SYSTEM, SYSTEM, "uuid:2", "uuid:3"]);
            backing.images.push(image(dice, holder));
        }
        let holders = backing.images.iter().map(|image| image.volume.clone());
        let held_by: Vec<String> = holders.filter(|holder| holder != SYSTEM).collect();
        let mut all_disks = disks.clone();
        let holders = copy_volumes.values();
        for holder in holders.filter(|holder| held_by.contains(&holder.identity)) {
            all_disks.extend(&holder.disks);
        }
        let card = CardLocation {
            volume,
            all_disks,
            backing,
            held_by,
            is_system_disk: false,
            inside: PathBuf::from(dice.pick(&["", "card", "card"])),
            disks,
            identity: volume.map_or(CARD.to_owned(), |volume| format!("uuid:{volume}")),
            is_share: dice.one_in(12),
            is_disk_named_by_user: dice.one_in(4),
            changes: if dice.one_in(6) {
                vec![(SHOT + 17) * NANOS]
            } else {
                Vec::new()
            },
        };
        let files: Vec<Option<(Fingerprint, u64)>> = (0..dice.below(4))
            .map(|_| (!dice.one_in(30)).then(|| (content(dice.below(3)), 100)))
            .collect();
        let mut places = BTreeMap::new();
        for file in files.iter().flatten() {
            let all: Vec<i64> = copy_volumes.keys().copied().collect();
            places.entry(*file).or_insert_with(|| {
                let count = 1 + dice.below(4);
                (0..count)
                    .map(|_| PlacedCopy::random(dice, *file, dice_volume(&all, count)))
                    .collect::<Vec<PlacedCopy>>()
            });
        }
        // Most copies are on separate volumes.
        for places in places.values_mut() {
            for (at, place) in places.iter_mut().enumerate() {
                let at = i64::try_from(at).unwrap();
                let volume = if dice.one_in(5) { 1 } else { 1 + at };
                place.recorded.volume = volume.min(i64::try_from(copy_volumes.len()).unwrap());
            }
        }
        let max_age = dice
            .one_in(5)
            .then(|| Age(dice.pick(&[DAY, 10 * DAY, 30 * DAY])));
        Self {
            card,
            copy_volumes,
            files,
            places,
            requirements: Requirements {
                copies: dice.pick(&[1, 1, 1, 2, 2, 3]),
                max_age,
                now: NOW,
            },
            doubts: usize::from(dice.one_in(20)),
            is_interrupted: dice.one_in(80),
        }
    }

    fn report(&self) -> Report {
        let files = self.files.iter().map(|file| {
            let counted = file.map(|file| {
                let at: Vec<_> = self.places[&file]
                    .iter()
                    .map(|place| (&place.recorded, PathBuf::new(), None, &place.observation))
                    .collect();
                count_copies(file, &at, &self.card, &self.copy_volumes, self.requirements)
            });
            CheckedFile {
                inside: PathBuf::new(),
                bytes: 100,
                content: file.map(|file| file.0).ok_or_else(|| "unread".to_owned()),
                is_trusted: false,
                counted: counted.unwrap_or_default(),
            }
        });
        Report {
            files: files.collect(),
            doubts: vec![Problem::new("", "a doubt"); self.doubts],
            requirements: self.requirements,
            is_interrupted: self.is_interrupted,
            card: PathBuf::new(),
            label: String::new(),
            is_whole_volume: true,
            left_out: Vec::new(),
            copy_volumes: BTreeMap::new(),
            how: None,
            remedies: Vec::new(),
        }
    }
}

/// Returns an image file on a volume. Two of the names are hard links to one file.
fn image(dice: &mut Dice, volume: &str) -> Image {
    let (file, inode) = dice.pick(&[
        ("a.img", Some(7)),
        ("a.img", None),
        ("b.img", Some(8)),
        ("b.img", None),
        ("link.img", Some(7)),
        ("c.img", Some(9)),
        ("d.img", Some(10)),
    ]);
    Image {
        volume: volume.to_owned(),
        file: PathBuf::from(file),
        bytes: Some(1000),
        inode,
    }
}

fn random_volume(dice: &mut Dice, volume: i64) -> CopyVolume {
    let mut names = vec![dice.pick(&DISKS)];
    if dice.one_in(8) {
        names.push(dice.pick(&DISKS));
    }
    let mut backing = Backing {
        is_memory: dice.one_in(30),
        is_view: dice.one_in(30),
        images: Vec::new(),
    };
    while dice.one_in(16) {
        let below = dice.below(5) + 1;
        backing.images.push(image(dice, &format!("uuid:{below}")));
        if dice.one_in(4) {
            backing.images.push(image(dice, CARD));
        }
    }
    if dice.one_in(8) {
        backing.images.push(image(dice, SYSTEM));
    }
    let mut mounted_with = MountedWith::new();
    while !dice.one_in(8) {
        let other = match dice.below(6) {
            0 => CARD.to_owned(),
            other => format!("uuid:{other}"),
        };
        mounted_with.insert((other, dice.pick(&SETS)));
    }
    CopyVolume {
        label: format!("SHELF-{volume}"),
        disks: Disks::new(names.iter().copied()),
        all_disks: Disks::new(names.iter().copied()),
        held_by: Vec::new(),
        is_share: names.iter().any(|name| name.starts_with("server:")) || dice.one_in(16),
        is_disk_named_by_user: names.iter().any(|name| name.starts_with("said:")),
        disk_names: names.into_iter().map(str::to_owned).collect(),
        is_mounted: true,
        is_on_other_device: dice.one_in(2),
        identity: format!("uuid:{volume}"),
        backing,
        cache: VolumeCache::None,
        mounted_with,
        replaced_by: dice.one_in(20).then(|| "NEW".to_owned()),
        formats: i64::from(dice.one_in(20)) + i64::from(dice.one_in(40)),
    }
}

/// Propagates facts through nested image files: an image inside another image is on all its
/// storage.
fn nest_images(copy_volumes: &mut BTreeMap<i64, CopyVolume>) {
    for _ in 0..copy_volumes.len() {
        let before = copy_volumes.clone();
        for copy_volume in copy_volumes.values_mut() {
            for holder in before.values() {
                if copy_volume.backing.is_held_by(&holder.identity) {
                    copy_volume.backing.is_memory |= holder.backing.is_memory;
                    copy_volume
                        .backing
                        .images
                        .extend(holder.backing.images.clone());
                    copy_volume.backing.images.sort();
                    copy_volume.backing.images.dedup();
                }
            }
        }
    }
    let before = copy_volumes.clone();
    for copy_volume in copy_volumes.values_mut() {
        for holder in before.values() {
            if copy_volume.backing.is_held_by(&holder.identity) {
                copy_volume.held_by.push(holder.identity.clone());
                copy_volume.all_disks.extend(&holder.disks);
            }
        }
    }
}

fn dice_volume(all: &[i64], count: u64) -> i64 {
    all[usize::try_from(count).unwrap() % all.len()]
}

impl PlacedCopy {
    /// Returns a valid copy with random faults.
    fn random(dice: &mut Dice, file: (Fingerprint, u64), volume: i64) -> Self {
        let mut claims = random_claims(dice, file);
        let listed = dice.one_in(2).then(|| ScannedFile {
            bytes: if dice.one_in(12) { 99 } else { 100 },
            modified: (SHOT + dice.pick(&[0, 0, 0, 0, 1, 3, DAY])) * NANOS,
            is_missing: dice.one_in(10),
        });
        let mut observation = random_observation(dice, file);
        change_later(dice, &mut claims, &mut observation);
        Self {
            recorded: RecordedPath {
                volume,
                path: if dice.one_in(16) {
                    PathBuf::from("A001/ascmhl/ascmhl_chain.xml")
                } else {
                    PathBuf::new()
                },
                root: None,
                records: claims,
                listed,
            },
            observation,
        }
    }
}

/// Returns claims of a valid copy with random faults.
fn random_claims(dice: &mut Dice, file: (Fingerprint, u64)) -> Vec<HashRecord> {
    let ages = [
        0,
        0,
        60,
        60,
        DAY,
        DAY,
        DAY + 1,
        20 * DAY,
        30 * DAY,
        30 * DAY + 1,
        -1,
    ];
    let at = NOW - dice.pick(&ages);
    let mut claim = HashRecord {
        content: file.0,
        bytes: file.1,
        stamp: (!dice.one_in(12)).then(|| stamp(100, 0)),
        state: CopyState::Verified,
        at,
        by: HashKind::Xxh64,
        how: Some(ReadMethod::Bypassed),
        session: None,
        mounted_set: (!dice.one_in(5)).then(|| dice.pick(&SETS)),
        formats: dice.pick(&[0, 0, 0, 0, 1, 2]),
        logged: Some(LoggedCopy {
            file: 1,
            place: 0,
            digest: None,
            problem: None,
        }),
    };
    if dice.one_in(8) {
        claim.state = dice.pick(&[
            CopyState::Altered,
            CopyState::Missing,
            CopyState::Unread,
            CopyState::NotCopied,
        ]);
    }
    if dice.one_in(8) {
        claim.how = dice.pick(&[
            Some(ReadMethod::Cached),
            Some(ReadMethod::Remounted),
            Some(ReadMethod::Dropped),
            None,
        ]);
    }
    let mut claims = Vec::new();
    if dice.one_in(6) {
        // Hash recorded by a scan.
        claims.push(HashRecord {
            content: if dice.one_in(3) { content(7) } else { file.0 },
            stamp: Some(stamp(100, dice.pick(&[0, 0, DAY]))),
            how: dice.pick(&[Some(ReadMethod::Bypassed), Some(ReadMethod::Cached), None]),
            logged: None,
            state: CopyState::Verified,
            at: NOW - dice.pick(&[0, DAY, 30 * DAY]),
            mounted_set: (!dice.one_in(5)).then(|| dice.pick(&SETS)),
            formats: dice.pick(&[0, 1]),
            ..claim.clone()
        });
    }
    if claims.is_empty() || !dice.one_in(3) {
        claims.push(claim.clone());
    }
    if dice.one_in(8) {
        // Record of another ingest about the same path.
        claims.push(HashRecord {
            content: if dice.one_in(2) { content(8) } else { file.0 },
            bytes: if dice.one_in(5) { 101 } else { file.1 },
            state: dice.pick(&[
                CopyState::Verified,
                CopyState::Altered,
                CopyState::Missing,
                CopyState::Unread,
                CopyState::NotCopied,
            ]),
            at: NOW - dice.pick(&[0, DAY, 30 * DAY]),
            mounted_set: (!dice.one_in(5)).then(|| dice.pick(&SETS)),
            formats: dice.pick(&[0, 1]),
            ..claim.clone()
        });
    }
    claims
}

/// Changes the ctime, so that this is another file: one file that is visible twice has equal ctimes.
fn change_later(dice: &mut Dice, claims: &mut [HashRecord], observation: &mut Observation) {
    let later = dice.pick(&[0, 10, 20, 30, 40]) * NANOS;
    let stamps = claims.iter_mut().filter_map(|claim| claim.stamp.as_mut());
    let seen = match observation {
        Observation::File(stamp, _) | Observation::Read(_, stamp, ..) => Some(stamp),
        _ => None,
    };
    for stamp in stamps.chain(seen) {
        stamp.changed = stamp.changed.map(|changed| changed + later);
    }
}

/// Returns a random state of a path.
fn random_observation(dice: &mut Dice, file: (Fingerprint, u64)) -> Observation {
    match dice.below(12) {
        0 => Observation::Missing,
        1 => Observation::Unreadable("broken".to_owned()),
        2 => Observation::Read(content(9), stamp(100, 0), NOW, ReadMethod::Bypassed),
        3 => Observation::Read(
            file.0,
            stamp(dice.pick(&[100, 99]), 0),
            NOW,
            dice.pick(&[ReadMethod::Bypassed, ReadMethod::Cached]),
        ),
        4..=6 => {
            let mut seen = stamp(dice.pick(&[100, 100, 100, 99]), 0);
            seen.modified += dice.pick(&[0, 0, 0, 2, 3, -DAY]) * NANOS;
            seen.changed = seen.changed.map(|at| at + dice.pick(&[0, 0, 0, 1, -NANOS]));
            Observation::File(seen, dice.one_in(2))
        }
        _ => Observation::NotMounted,
    }
}

#[test]
fn agrees_with_the_model() {
    let (mut safe, mut not_safe) = (0_u64, 0_u64);
    for seed in 0..states() {
        let world = World::random(&mut Dice(seed));
        let report = world.report();
        for (file, state) in world.files.iter().zip(&report.files) {
            let Some(file) = file else { continue };
            let disks = model::disks(&world, *file);
            assert_eq!(state.counted.disks, disks, "seed {seed}");
        }
        let is_safe = report.is_safe();
        assert_eq!(is_safe, model::is_safe(&world), "seed {seed}");
        if is_safe {
            safe += 1;
        } else {
            not_safe += 1;
        }
    }
    // Each verdict is frequent enough for the comparison to be meaningful.
    assert!(
        safe * 20 > states() && not_safe * 20 > states(),
        "{safe} {not_safe}"
    );
}

#[test]
fn any_fault_makes_a_safe_card_unsafe() {
    let mut tried = 0;
    for seed in 0..states() / 10 {
        let mut world = World::random(&mut Dice(seed));
        if !world.report().is_safe() {
            continue;
        }
        tried += 1;
        // One more disk than there are.
        let max_disks = world.files.iter().flatten();
        let max_disks = max_disks
            .map(|file| model::disks(&world, *file))
            .max()
            .unwrap();
        let requirements = world.requirements;
        world.requirements.copies = max_disks + 1;
        assert!(!world.report().is_safe(), "seed {seed}");
        world.requirements = requirements;
        // A file without copies.
        world.files.push(Some((content(99), 100)));
        world.places.insert((content(99), 100), Vec::new());
        assert!(!world.report().is_safe(), "seed {seed}");
        world.files.pop();
        // All copies are altered, or all disks are the same.
        let places = world.places.clone();
        for place in world.places.values_mut().flatten() {
            place.observation =
                Observation::Read(content(98), stamp(100, 0), NOW, ReadMethod::Bypassed);
        }
        assert!(!world.report().is_safe(), "seed {seed}");
        world.places = places;
        if world.requirements.copies > 1 {
            for copy_volume in world.copy_volumes.values_mut() {
                copy_volume.disks = Disks::new(["one"]);
                copy_volume.all_disks = copy_volume.disks.clone();
            }
            assert!(!world.report().is_safe(), "seed {seed}");
        }
        world.files.clear();
        assert!(!world.report().is_safe(), "seed {seed}");
    }
    assert!(tried > 100, "{tried}");
}
