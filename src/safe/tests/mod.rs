//! The verdict against a slow and obvious model, over random states of cards, copies, verifications, disks and clocks.
//! The model in `model` was written from docs/safe.md alone.

mod model;
mod zones;

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::*;
use crate::catalogue::{CopyState, HashRecord, LoggedCopy, MountedWith, RecordedPath, ScannedFile};
use crate::checksum::HashKind;
use crate::source_file::Stamp;
use crate::volume::{Backing, Image};

/// States that are tried; `scripts/endurance` asks for more.
fn states() -> u64 {
    let asked = std::env::var("BTSINDEX_SAFE_STATES").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(100_000)
}

/// Numbers that look random: splitmix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    /// Once in so many times.
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
/// When every file of a card was shot.
const SHOT: i64 = NOW - 40 * DAY;

/// What a copy looks like whose file was written so long after it was shot.
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

/// A copy, as it came about.
#[derive(Clone)]
struct Place {
    stood: RecordedPath,
    sight: Sight,
}

/// A card, what is known, and what is seen.
struct World {
    card: OfCard,
    shelves: BTreeMap<i64, Shelf>,
    /// The contents of its files; none: it could not be read.
    files: Vec<Option<(Fingerprint, u64)>>,
    places: BTreeMap<(Fingerprint, u64), Vec<Place>>,
    wanted: Wanted,
    doubts: usize,
    is_interrupted: bool,
}

/// The system disk, which the catalogue does not know.
const SYSTEM: &str = "uuid:system";

/// Numbers of sets of volumes that were mounted at the same time.
const SETS: [i64; 3] = [1, 2, 3];

/// What the card's volume is known by.
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
        let mut shelves = BTreeMap::new();
        for volume in 1..=1 + i64::try_from(dice.below(5)).unwrap() {
            let shelf = shelf(dice, volume);
            shelves.insert(volume, shelf);
        }
        hold_images(&mut shelves);
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
        let holders = shelves.values();
        for holder in holders.filter(|holder| held_by.contains(&holder.identity)) {
            all_disks.extend(&holder.disks);
        }
        let card = OfCard {
            volume,
            all_disks,
            backing,
            held_by,
            is_system_disk: false,
            inside: PathBuf::from(dice.pick(&["", "card", "card"])),
            disks,
            identity: volume.map_or(CARD.to_owned(), |volume| format!("uuid:{volume}")),
            is_share: dice.one_in(12),
            is_disk_said: dice.one_in(4),
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
            let all: Vec<i64> = shelves.keys().copied().collect();
            places.entry(*file).or_insert_with(|| {
                let count = 1 + dice.below(4);
                (0..count)
                    .map(|_| Place::random(dice, *file, dice_volume(&all, count)))
                    .collect::<Vec<Place>>()
            });
        }
        // Every place is on a volume of its own more often than not.
        for places in places.values_mut() {
            for (at, place) in places.iter_mut().enumerate() {
                let at = i64::try_from(at).unwrap();
                let volume = if dice.one_in(5) { 1 } else { 1 + at };
                place.stood.volume = volume.min(i64::try_from(shelves.len()).unwrap());
            }
        }
        let max_age = dice
            .one_in(5)
            .then(|| Age(dice.pick(&[DAY, 10 * DAY, 30 * DAY])));
        Self {
            card,
            shelves,
            files,
            places,
            wanted: Wanted {
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
                    .map(|place| (&place.stood, PathBuf::new(), None, &place.sight))
                    .collect();
                counted(file, &at, &self.card, &self.shelves, self.wanted)
            });
            FileState {
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
            wanted: self.wanted,
            is_interrupted: self.is_interrupted,
            card: PathBuf::new(),
            label: String::new(),
            is_whole_volume: true,
            left_out: Vec::new(),
            shelves: BTreeMap::new(),
            how: None,
            mends: Vec::new(),
        }
    }
}

/// An image file on a volume. Two of its names are links to one file.
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

fn shelf(dice: &mut Dice, volume: i64) -> Shelf {
    let mut told = vec![dice.pick(&DISKS)];
    if dice.one_in(8) {
        told.push(dice.pick(&DISKS));
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
    Shelf {
        label: format!("SHELF-{volume}"),
        disks: Disks::new(told.iter().copied()),
        all_disks: Disks::new(told.iter().copied()),
        held_by: Vec::new(),
        is_share: told.iter().any(|told| told.starts_with("server:")) || dice.one_in(16),
        is_disk_said: told.iter().any(|told| told.starts_with("said:")),
        told: told.into_iter().map(str::to_owned).collect(),
        is_mounted: true,
        is_beside: dice.one_in(2),
        identity: format!("uuid:{volume}"),
        backing,
        cache: ShelfCache::None,
        mounted_with,
        replaced_by: dice.one_in(20).then(|| "NEW".to_owned()),
        formats: i64::from(dice.one_in(20)) + i64::from(dice.one_in(40)),
    }
}

/// What follows for image files on volumes that are there: an image on an image is on all that this one is on.
fn hold_images(shelves: &mut BTreeMap<i64, Shelf>) {
    for _ in 0..shelves.len() {
        let before = shelves.clone();
        for shelf in shelves.values_mut() {
            for holder in before.values() {
                if shelf.backing.is_held_by(&holder.identity) {
                    shelf.backing.is_memory |= holder.backing.is_memory;
                    shelf.backing.images.extend(holder.backing.images.clone());
                    shelf.backing.images.sort();
                    shelf.backing.images.dedup();
                }
            }
        }
    }
    let before = shelves.clone();
    for shelf in shelves.values_mut() {
        for holder in before.values() {
            if shelf.backing.is_held_by(&holder.identity) {
                shelf.held_by.push(holder.identity.clone());
                shelf.all_disks.extend(&holder.disks);
            }
        }
    }
}

fn dice_volume(all: &[i64], count: u64) -> i64 {
    all[usize::try_from(count).unwrap() % all.len()]
}

impl Place {
    /// A copy that is well, to which mishaps come.
    fn random(dice: &mut Dice, file: (Fingerprint, u64), volume: i64) -> Self {
        let mut claims = claims(dice, file);
        let listed = dice.one_in(2).then(|| ScannedFile {
            bytes: if dice.one_in(12) { 99 } else { 100 },
            modified: (SHOT + dice.pick(&[0, 0, 0, 0, 1, 3, DAY])) * NANOS,
            is_missing: dice.one_in(10),
        });
        let mut sight = seen(dice, file);
        change_later(dice, &mut claims, &mut sight);
        Self {
            stood: RecordedPath {
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
            sight,
        }
    }
}

/// What is recorded of a copy that is well, to which mishaps come.
fn claims(dice: &mut Dice, file: (Fingerprint, u64)) -> Vec<HashRecord> {
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
        how: Some(How::Bypassed),
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
            Some(How::Cached),
            Some(How::Remounted),
            Some(How::Dropped),
            None,
        ]);
    }
    let mut claims = Vec::new();
    if dice.one_in(6) {
        // Its hash in the catalogue.
        claims.push(HashRecord {
            content: if dice.one_in(3) { content(7) } else { file.0 },
            stamp: Some(stamp(100, dice.pick(&[0, 0, DAY]))),
            how: dice.pick(&[Some(How::Bypassed), Some(How::Cached), None]),
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
        // Another ingest's word about the same path.
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

/// Two files were not changed at the same moment; one that is seen twice was.
fn change_later(dice: &mut Dice, claims: &mut [HashRecord], sight: &mut Sight) {
    let later = dice.pick(&[0, 10, 20, 30, 40]) * NANOS;
    let stamps = claims.iter_mut().filter_map(|claim| claim.stamp.as_mut());
    let seen = match sight {
        Sight::File(stamp, _) | Sight::Read(_, stamp, ..) => Some(stamp),
        _ => None,
    };
    for stamp in stamps.chain(seen) {
        stamp.changed = stamp.changed.map(|changed| changed + later);
    }
}

/// What is seen where a file should be.
fn seen(dice: &mut Dice, file: (Fingerprint, u64)) -> Sight {
    match dice.below(12) {
        0 => Sight::Gone,
        1 => Sight::Unreadable("broken".to_owned()),
        2 => Sight::Read(content(9), stamp(100, 0), NOW, How::Bypassed),
        3 => Sight::Read(
            file.0,
            stamp(dice.pick(&[100, 99]), 0),
            NOW,
            dice.pick(&[How::Bypassed, How::Cached]),
        ),
        4..=6 => {
            let mut seen = stamp(dice.pick(&[100, 100, 100, 99]), 0);
            seen.modified += dice.pick(&[0, 0, 0, 2, 3, -DAY]) * NANOS;
            seen.changed = seen.changed.map(|at| at + dice.pick(&[0, 0, 0, 1, -NANOS]));
            Sight::File(seen, dice.one_in(2))
        }
        _ => Sight::Away,
    }
}

#[test]
fn it_says_what_the_model_says() {
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
    // Both answers are met often enough for their comparison to mean something.
    assert!(
        safe * 20 > states() && not_safe * 20 > states(),
        "{safe} {not_safe}"
    );
}

#[test]
fn whatever_is_taken_from_a_safe_card_makes_it_unsafe() {
    let mut tried = 0;
    for seed in 0..states() / 10 {
        let mut world = World::random(&mut Dice(seed));
        if !world.report().is_safe() {
            continue;
        }
        tried += 1;
        // One more disk than there are.
        let most = world.files.iter().flatten();
        let most = most.map(|file| model::disks(&world, *file)).max().unwrap();
        let wanted = world.wanted;
        world.wanted.copies = most + 1;
        assert!(!world.report().is_safe(), "seed {seed}");
        world.wanted = wanted;
        // A file that nobody copied.
        world.files.push(Some((content(99), 100)));
        world.places.insert((content(99), 100), Vec::new());
        assert!(!world.report().is_safe(), "seed {seed}");
        world.files.pop();
        // All copies are altered, or all disks are one.
        let places = world.places.clone();
        for place in world.places.values_mut().flatten() {
            place.sight = Sight::Read(content(98), stamp(100, 0), NOW, How::Bypassed);
        }
        assert!(!world.report().is_safe(), "seed {seed}");
        world.places = places;
        if world.wanted.copies > 1 {
            for shelf in world.shelves.values_mut() {
                shelf.disks = Disks::new(["one"]);
                shelf.all_disks = shelf.disks.clone();
            }
            assert!(!world.report().is_safe(), "seed {seed}");
        }
        world.files.clear();
        assert!(!world.report().is_safe(), "seed {seed}");
    }
    assert!(tried > 100, "{tried}");
}
