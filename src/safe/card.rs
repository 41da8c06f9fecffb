//! Reads and hashes the files of a card, and checks that the card did not change in the meantime.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::thread;

use super::check_run::{CheckRun, Event};
use super::independence::change_of;
use super::report::{CheckedFile, Report};
use super::request::Request;
use super::verdict::{CardLocation, CountedCopies, Requirements};
use crate::cancel::Cancel;
use crate::catalogue::{Catalogue, DISK_NAME_PREFIX, Disks, Ingested};
use crate::checksum::{Checksum, HashKind};
use crate::error::{Error, Problem};
use crate::offload::{
    EMPTY_CARD, Item, Lane, Listing, ReadMethod, ReliableTimes, list_except, sample,
};
use crate::source_file::{self, Stamp};
use crate::value::Fingerprint;
use crate::volume::{Backing, Drive, Volume, Volumes};

const UNFINISHED: &str = "named like an unfinished copy, so it was not read";

const NESTED: &str = "another volume is mounted here and hides files of the card";

/// Card during a check.
pub(super) struct CardCheck {
    root: PathBuf,
    volume: Volume,
    /// Root of the card, relative to the root of its volume.
    inside: PathBuf,
    /// Mounted volumes when the card was listed.
    volumes: Volumes,
    listing: Listing,
    /// Hash of each listed file, or the reason why it could not be hashed.
    contents: Vec<Result<Fingerprint, String>>,
    is_trusted: Vec<bool>,
    how: Option<ReadMethod>,
    doubts: Vec<Problem>,
    /// Number of entries that could not be listed.
    problems: usize,
    /// Time of the last change (ctime) of each listed file.
    changed: Vec<Option<i64>>,
    /// Disk of the card as named by the user, with the prefix that marks such names.
    named_disk: Option<String>,
}

impl CardCheck {
    pub(super) fn open(request: &Request, catalogue: &Catalogue) -> Self {
        let volumes = Volumes::mounted();
        let (root, fault) = match source_file::canonical(&request.card) {
            Ok(root) => (root, None),
            Err(error) => (request.card.clone(), Some(error.to_string())),
        };
        let (volume, inside) = catalogue.volumes().locate(&root);
        let mut card = Self {
            listing: Listing::default(),
            contents: Vec::new(),
            is_trusted: Vec::new(),
            how: None,
            doubts: Vec::new(),
            problems: 0,
            changed: Vec::new(),
            named_disk: request
                .disk
                .as_ref()
                .map(|disk| format!("{DISK_NAME_PREFIX}{disk}")),
            volume,
            inside,
            volumes,
            root,
        };
        match fault.map_or_else(|| card.list_files(&request.cancel), Err) {
            Ok(listing) => card.listing = listing,
            Err(reason) => card.doubt(reason),
        }
        card.problems = card.listing.problems.len();
        card.changed = card.changes();
        card.doubts.append(&mut card.listing.problems);
        card.doubt_if_empty(catalogue);
        card.check_filesystem(catalogue);
        card.contents = vec![Err("not read".to_owned()); card.listing.files.len()];
        card.is_trusted = vec![false; card.listing.files.len()];
        card
    }

    fn list_files(&self, cancel: &Cancel) -> Result<Listing, String> {
        if self.root.is_file() {
            return Err("a file, not a card or a folder".to_owned());
        }
        // Files of kernel filesystems can be endless.
        let nested = self.volumes.under(&self.root).into_iter().skip(1);
        let nested: Vec<_> = nested.map(|(nested, _)| (nested.mount, NESTED)).collect();
        let listed = list_except(&self.root, &nested, &|| cancel.is_cancelled());
        let mut listing = listed.map_err(|error| error.to_string())?;
        listing.report_unreadable();
        listing.leave_out_unfinished(&self.root, UNFINISHED);
        Ok(listing)
    }

    /// Returns the ctime of each listed file. Restoring a modification time changes the ctime.
    fn changes(&self) -> Vec<Option<i64>> {
        let files = self.listing.files.iter();
        let changed = files.map(|item| {
            let now = self.root.join(&item.inside).symlink_metadata().ok()?;
            Stamp::from_metadata(&now).changed
        });
        changed.collect()
    }

    /// Returns the ctimes of the files, sorted, without those that only repeat the modification
    /// time.
    fn changes_of_files(&self) -> Vec<i64> {
        let files = self.listing.files.iter().zip(&self.changed);
        let changes = files.filter_map(|(item, changed)| {
            change_of(&Stamp {
                bytes: item.bytes,
                modified: item.modified,
                changed: *changed,
            })
        });
        let mut changes: Vec<i64> = changes.collect();
        changes.sort_unstable();
        changes
    }

    fn doubt(&mut self, reason: impl Into<String>) {
        self.doubts.push(Problem::new(self.root.clone(), reason));
    }

    fn doubt_if_empty(&mut self, catalogue: &Catalogue) {
        if !self.listing.files.is_empty() || !self.doubts.is_empty() || self.listing.is_interrupted
        {
            return;
        }
        let unmounted = catalogue.unmounted_volumes_at(&self.root).ok();
        let reason = match unmounted.and_then(|unmounted| unmounted.into_iter().next()) {
            Some(unmounted) => format!("no files: {}", unmounted.describe_unmounted()),
            None => EMPTY_CARD.to_owned(),
        };
        self.doubt(reason);
    }

    /// Rejects filesystems that show files of other filesystems: the files read may be copies, not the card.
    fn check_filesystem(&mut self, catalogue: &Catalogue) {
        let kind = &self.volume.kind;
        if catalogue.volumes().backing(&self.volume).is_view {
            self.doubt(format!(
                "mounted through {kind}, which shows files of other filesystems: these may be the copies; \
                 mount the card itself"
            ));
        } else if self.volume.is_share() && self.named_disk.is_none() {
            let hardware = self.volume.hardware.as_deref();
            if !Disks::new(hardware).are_known() {
                self.doubt(format!(
                    "on a share ({kind}) whose disk is unknown: mount the card itself, or name its disk \
                     with --card-disk"
                ));
            }
        }
    }

    /// Reuses hashes recorded by earlier ingests of this card, for files with the same size, time
    /// and sample. A file is read anyway if two ingests recorded different hashes, if no sample was
    /// recorded, or if its time is not credible.
    pub(super) fn trust_ingests(
        &mut self,
        catalogue: &Catalogue,
        cancel: &Cancel,
    ) -> Result<(), Error> {
        let mut known: HashMap<PathBuf, Vec<Ingested>> = HashMap::new();
        for ingest in catalogue.ingests_of_card(&self.volume.identity, &self.inside)? {
            for file in catalogue.ingested(ingest)? {
                known.entry(file.inside.clone()).or_default().push(file);
            }
        }
        let credible = ReliableTimes::from_listing(&self.listing);
        for (at, item) in self.listing.files.iter().enumerate() {
            if cancel.is_cancelled() {
                break;
            }
            let logged = known.get(&item.inside).into_iter().flatten();
            let mut logged = logged
                .filter(|file| (file.bytes, file.modified) == (item.bytes, item.modified))
                .map(|file| {
                    // A file that returned different data while it was copied has to be read again.
                    let hash = file.xxh128.as_ref().filter(|_| file.problem.is_none());
                    let has_sample = file.sample.is_some() || file.bytes == 0;
                    Some((hash?.fingerprint().filter(|_| has_sample)?, file.sample))
                });
            let Some(Some((hash, sampled))) = logged.next() else {
                continue;
            };
            let is_one = logged.all(|other| other == Some((hash, sampled)));
            if is_one && credible.has_reliable_time(item) {
                let now = sample(&self.root.join(&item.inside));
                if now.is_ok_and(|now| now == sampled) {
                    self.contents[at] = Ok(hash);
                    self.is_trusted[at] = true;
                }
            }
        }
        Ok(())
    }

    /// Hashes the files whose hash is not known yet.
    pub(super) fn hash(&mut self, run: &mut CheckRun<'_>) {
        let files = self.listing.files.iter().enumerate();
        let open: Vec<(usize, &Item)> = files.filter(|(at, _)| !self.is_trusted[*at]).collect();
        run.report(Event::CardStarted {
            files: open.len(),
            bytes: open.iter().map(|(_, item)| item.bytes).sum(),
        });
        let jobs = thread::available_parallelism().map_or(1, usize::from);
        let to_hash = open.iter().map(|(_, item)| {
            let path = self.root.join(&item.inside);
            (path, *item, vec![HashKind::Xxh128])
        });
        let lane = Lane {
            readers: self.volume.drive.kind.readers(jobs),
            files: to_hash.collect(),
        };
        let (contents, how) = (&mut self.contents, &mut self.how);
        let name = |_, at: usize| open[at].1.inside.clone();
        run.hash_files(&[lane], &name, &mut |_, at, outcome| {
            contents[open[at].0] = match outcome {
                Ok(read) => {
                    *how = Some(how.map_or(read.how, |before| before.min(read.how)));
                    let hash = read.hashes.first().and_then(Checksum::fingerprint);
                    hash.ok_or_else(|| "not hashed".to_owned())
                }
                Err(error) => Err(error.to_string()),
            };
        });
    }

    /// Returns the hash and size of each hashed file.
    pub(super) fn contents(&self) -> impl Iterator<Item = (Fingerprint, u64)> {
        let files = self.contents.iter().zip(&self.listing.files);
        files.filter_map(|(content, item)| Some((*content.as_ref().ok()?, item.bytes)))
    }

    /// Returns the device that the card is on.
    pub(super) fn drive(&self) -> &Drive {
        &self.volume.drive
    }

    /// Returns the volume and the disks of the card.
    pub(super) fn location(&self, catalogue: &Catalogue) -> Result<CardLocation, Error> {
        let volume = catalogue.volume_id(&self.volume.identity)?;
        let rows = catalogue.seen_volumes()?;
        let known = rows.iter().find(|row| Some(row.id) == volume);
        let recorded = known.into_iter().flat_map(|row| &row.disks);
        let names = recorded
            .chain(&self.volume.hardware)
            .chain(&self.named_disk);
        let disks = Disks::new(names.map(String::as_str));
        let backing = catalogue.volumes().backing(&self.volume);
        let held_by = holders(&backing, catalogue.volumes());
        let mut all_disks = disks.clone();
        for holder in &held_by {
            let recorded = rows.iter().filter(|row| row.identity == *holder);
            let recorded = recorded.flat_map(|row| &row.disks);
            let mut mounted = catalogue.volumes().all().iter();
            let mounted = mounted.find(|volume| volume.identity == *holder);
            let names = recorded.chain(mounted.and_then(|volume| volume.hardware.as_ref()));
            all_disks.extend(&Disks::new(names.map(String::as_str)));
        }
        Ok(CardLocation {
            volume,
            inside: self.inside.clone(),
            disks,
            all_disks,
            identity: self.volume.identity.clone(),
            backing,
            held_by,
            is_system_disk: self.volume.mount == Path::new("/"),
            is_share: self.volume.is_share(),
            changes: self.changes_of_files(),
            is_disk_named_by_user: self.named_disk.is_some()
                || known.is_some_and(|row| {
                    row.disks
                        .iter()
                        .any(|disk| disk.starts_with(DISK_NAME_PREFIX))
                }),
        })
    }

    /// Adds a doubt if files or mounts changed since the card was listed.
    pub(super) fn recheck(&mut self, cancel: &Cancel) {
        if !self.volumes.are_same_under(&Volumes::mounted(), &self.root) {
            self.doubt("another volume is mounted here now");
        }
        if cancel.is_cancelled() || self.listing.files.is_empty() {
            return;
        }
        match self.list_files(cancel) {
            Ok(now) if now.is_interrupted => {}
            Ok(now) => {
                let is_same = now.files == self.listing.files
                    && now.folders == self.listing.folders
                    && now.left_out == self.listing.left_out
                    && now.problems.len() == self.problems
                    && self.changes() == self.changed;
                if !is_same {
                    self.doubt("changed while it was read");
                }
            }
            Err(reason) => self.doubt(reason),
        }
    }

    pub(super) fn into_report(
        self,
        counts: &BTreeMap<(Fingerprint, u64), CountedCopies>,
    ) -> Report {
        let files = self.listing.files.into_iter().zip(self.contents);
        let files = files.zip(self.is_trusted);
        let files = files.map(|((item, content), is_trusted)| {
            let counted = content.as_ref().ok();
            let counted = counted.and_then(|content| counts.get(&(*content, item.bytes)));
            CheckedFile {
                counted: counted.cloned().unwrap_or_default(),
                inside: item.inside,
                bytes: item.bytes,
                content,
                is_trusted,
            }
        });
        Report {
            is_whole_volume: self.inside.as_os_str().is_empty() && self.volume.mount == self.root,
            label: self.volume.label,
            files: files.collect(),
            doubts: self.doubts,
            left_out: self.listing.left_out,
            how: self.how,
            is_interrupted: self.listing.is_interrupted,
            card: self.root,
            requirements: Requirements {
                copies: 0,
                max_age: None,
                now: 0,
            },
            copy_volumes: BTreeMap::new(),
            remedies: Vec::new(),
        }
    }
}

/// Returns the volumes that hold the image files. The system disk is left out, because the user
/// names the disk of images there.
fn holders(backing: &Backing, volumes: &Volumes) -> Vec<String> {
    let is_system = |holder: &str| volumes.mount_of(holder).as_deref() == Some(Path::new("/"));
    let holders = backing.images.iter().map(|image| image.volume.clone());
    holders.filter(|holder| !is_system(holder)).collect()
}
