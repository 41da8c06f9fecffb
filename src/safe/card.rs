//! A card as it is: what is listed of it, what that hashes to, and whether it stood still meanwhile.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::thread;

use super::independence::change_of;
use super::verdict::{Counted, OfCard, Wanted};
use super::{Event, FileState, Report, Request};
use crate::catalogue::{Catalogue, DISK_NAME_PREFIX, Disks, Ingested};
use crate::checksum::{Checksum, HashKind};
use crate::error::{Error, Problem, escape};
use crate::media::Cancel;
use crate::offload::{Credible, Heard, How, Item, Lane, Listing, hash_files, list_but, sample};
use crate::source_file::{self, Stamp};
use crate::value::Fingerprint;
use crate::volume::{Backing, Drive, Volume, Volumes};

const UNFINISHED: &str = "it is called as unfinished copies are, and was not looked at";

const NESTED: &str = "something is mounted there, which hides what is on the card";

/// A card, while it is looked at.
pub(super) struct Card {
    root: PathBuf,
    volume: Volume,
    /// Its root below its volume.
    inside: PathBuf,
    /// Everything mounted when it was listed.
    volumes: Volumes,
    listing: Listing,
    /// Of each listed file, what it hashes to, or why that is not known.
    contents: Vec<Result<Fingerprint, String>>,
    is_trusted: Vec<bool>,
    how: Option<How>,
    doubts: Vec<Problem>,
    /// How many things could not be listed.
    problems: usize,
    /// When anything of each file was last changed.
    changed: Vec<Option<i64>>,
    /// Which disk it is on, as a person says.
    said: Option<String>,
}

impl Card {
    pub(super) fn listed(request: &Request, catalogue: &Catalogue) -> Self {
        let volumes = Volumes::mounted();
        let (root, fault) = match source_file::canonical(&request.card) {
            Ok(root) => (root, None),
            Err(error) => (request.card.clone(), Some(error.to_string())),
        };
        let (volume, inside) = catalogue.volumes().of(&root);
        let mut card = Self {
            listing: Listing::default(),
            contents: Vec::new(),
            is_trusted: Vec::new(),
            how: None,
            doubts: Vec::new(),
            problems: 0,
            changed: Vec::new(),
            said: request
                .disk
                .as_ref()
                .map(|disk| format!("{DISK_NAME_PREFIX}{disk}")),
            volume,
            inside,
            volumes,
            root,
        };
        match fault.map_or_else(|| card.list(&request.cancel), Err) {
            Ok(listing) => card.listing = listing,
            Err(reason) => card.doubt(reason),
        }
        card.problems = card.listing.problems.len();
        card.changed = card.changes();
        card.doubts.append(&mut card.listing.problems);
        card.doubt_emptiness(catalogue);
        card.doubt_filesystem(catalogue);
        card.contents = vec![Err("it was not read".to_owned()); card.listing.files.len()];
        card.is_trusted = vec![false; card.listing.files.len()];
        card
    }

    fn list(&self, cancel: &Cancel) -> Result<Listing, String> {
        if self.root.is_file() {
            return Err("it is a file, not a card or a folder".to_owned());
        }
        // A filesystem of the kernel's own may have files that are read for ever.
        let nested = self.volumes.under(&self.root).into_iter().skip(1);
        let nested: Vec<_> = nested.map(|(nested, _)| (nested.mount, NESTED)).collect();
        let listed = list_but(&self.root, &nested, &|| !cancel.is_cancelled());
        let mut listing = listed.map_err(|error| error.to_string())?;
        listing.doubt_unreadable();
        listing.leave_out_unfinished(&self.root, UNFINISHED);
        Ok(listing)
    }

    /// When anything of each listed file was last changed: whoever puts a time back changes that.
    fn changes(&self) -> Vec<Option<i64>> {
        let files = self.listing.files.iter();
        let changed = files.map(|item| {
            let now = self.root.join(&item.inside).symlink_metadata().ok()?;
            Stamp::of(&now).changed
        });
        changed.collect()
    }

    /// When anything of its files was last changed, where that is not only the modification time.
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

    fn doubt_emptiness(&mut self, catalogue: &Catalogue) {
        if !self.listing.files.is_empty() || !self.doubts.is_empty() || self.listing.is_cut {
            return;
        }
        let away = catalogue.away_from(&self.root).ok();
        let reason = match away.and_then(|away| away.into_iter().next()) {
            Some(away) => format!(
                "there is no file on it: {} was mounted at {} and is not",
                escape(&away.label),
                escape(&away.mount.to_string_lossy())
            ),
            None => "there is no file on it: is the card mounted there?".to_owned(),
        };
        self.doubt(reason);
    }

    /// What is read through a filesystem that shows files of others may be a copy, not the card.
    fn doubt_filesystem(&mut self, catalogue: &Catalogue) {
        let kind = &self.volume.kind;
        if catalogue.volumes().backing(&self.volume).is_view {
            self.doubt(format!(
                "it is mounted through {kind}, which shows files of other filesystems: they may be the copies themselves; \
                 mount the card itself"
            ));
        } else if self.volume.is_share() && self.said.is_none() {
            let told = self.volume.hardware.as_deref();
            if !Disks::new(told).are_known() {
                self.doubt(format!(
                    "it is on a share ({kind}), and which machine's disk that is on is not known: mount the card itself, or \
                     say which disk it is on with --card-disk"
                ));
            }
        }
    }

    /// Takes the hashes that ingests of this card recorded, for files whose size, time and sample are those recorded with
    /// them. A file is read where two ingests recorded different hashes, where no sample was recorded, and where its time
    /// tells nothing.
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
        let credible = Credible::of(&self.listing);
        for (at, item) in self.listing.files.iter().enumerate() {
            if cancel.is_cancelled() {
                break;
            }
            let logged = known.get(&item.inside).into_iter().flatten();
            let mut logged = logged
                .filter(|file| (file.bytes, file.modified) == (item.bytes, item.modified))
                .map(|file| {
                    // What reads otherwise than it was copied is to be read again.
                    let hash = file.xxh128.as_ref().filter(|_| file.problem.is_none());
                    let has_sample = file.sample.is_some() || file.bytes == 0;
                    Some((hash?.fingerprint().filter(|_| has_sample)?, file.sample))
                });
            let Some(Some((hash, sampled))) = logged.next() else {
                continue;
            };
            let is_one = logged.all(|other| other == Some((hash, sampled)));
            if is_one && credible.has_time(item) {
                let now = sample(&self.root.join(&item.inside));
                if now.is_ok_and(|now| now == sampled) {
                    self.contents[at] = Ok(hash);
                    self.is_trusted[at] = true;
                }
            }
        }
        Ok(())
    }

    /// Reads what is not known yet.
    pub(super) fn hash(&mut self, cancel: &Cancel, report: &mut dyn FnMut(Event)) {
        let files = self.listing.files.iter().enumerate();
        let open: Vec<(usize, &Item)> = files.filter(|(at, _)| !self.is_trusted[*at]).collect();
        report(Event::Begins {
            files: open.len(),
            bytes: open.iter().map(|(_, item)| item.bytes).sum(),
        });
        let jobs = thread::available_parallelism().map_or(1, usize::from);
        let wanted = open.iter().map(|(_, item)| {
            let path = self.root.join(&item.inside);
            (path, *item, vec![HashKind::Xxh128])
        });
        let lane = Lane {
            readers: self.volume.drive.kind.readers(jobs),
            files: wanted.collect(),
        };
        let go_on = || !cancel.is_cancelled();
        let (contents, how) = (&mut self.contents, &mut self.how);
        hash_files(&[lane], &go_on, &mut |heard| match heard {
            Heard::Reading(_, at) => report(Event::Reading(open[at].1.inside.clone())),
            Heard::Read(bytes) => report(Event::Read(bytes)),
            Heard::Hashed(_, at, outcome) => {
                contents[open[at].0] = match outcome {
                    Ok(read) => {
                        *how = Some(how.map_or(read.how, |before| before.min(read.how)));
                        let hash = read.hashes.first().and_then(Checksum::fingerprint);
                        hash.ok_or_else(|| "it was not hashed".to_owned())
                    }
                    Err(error) => Err(error.to_string()),
                };
            }
        });
    }

    /// What is on it, each content once with its bytes.
    pub(super) fn contents(&self) -> impl Iterator<Item = (Fingerprint, u64)> {
        let files = self.contents.iter().zip(&self.listing.files);
        files.filter_map(|(content, item)| Some((*content.as_ref().ok()?, item.bytes)))
    }

    /// The device it is on.
    pub(super) fn drive(&self) -> &Drive {
        &self.volume.drive
    }

    /// Its volume and disks.
    pub(super) fn of_card(&self, catalogue: &Catalogue) -> Result<OfCard, Error> {
        let volume = catalogue.volume_id(&self.volume.identity)?;
        let rows = catalogue.seen_volumes()?;
        let known = rows.iter().find(|row| Some(row.id) == volume);
        let recorded = known.into_iter().flat_map(|row| &row.disks);
        let told = recorded.chain(&self.volume.hardware).chain(&self.said);
        let disks = Disks::new(told.map(String::as_str));
        let backing = catalogue.volumes().backing(&self.volume);
        let held_by = holders(&backing, catalogue.volumes());
        let mut all_disks = disks.clone();
        for holder in &held_by {
            let recorded = rows.iter().filter(|row| row.identity == *holder);
            let recorded = recorded.flat_map(|row| &row.disks);
            let mut mounted = catalogue.volumes().all().iter();
            let mounted = mounted.find(|volume| volume.identity == *holder);
            let told = recorded.chain(mounted.and_then(|volume| volume.hardware.as_ref()));
            all_disks.extend(&Disks::new(told.map(String::as_str)));
        }
        Ok(OfCard {
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
            is_disk_said: self.said.is_some()
                || known.is_some_and(|row| {
                    row.disks
                        .iter()
                        .any(|disk| disk.starts_with(DISK_NAME_PREFIX))
                }),
        })
    }

    /// Whether it is as it was listed: the same files on the same volume.
    pub(super) fn look_again(&mut self, cancel: &Cancel) {
        if !self.volumes.are_same_under(&Volumes::mounted(), &self.root) {
            self.doubt("another volume is mounted there by now");
        }
        if cancel.is_cancelled() || self.listing.files.is_empty() {
            return;
        }
        match self.list(cancel) {
            Ok(now) if now.is_cut => {}
            Ok(now) => {
                let is_same = now.files == self.listing.files
                    && now.folders == self.listing.folders
                    && now.left_out == self.listing.left_out
                    && now.problems.len() == self.problems
                    && self.changes() == self.changed;
                if !is_same {
                    self.doubt("it changed while it was read");
                }
            }
            Err(reason) => self.doubt(reason),
        }
    }

    pub(super) fn into_report(self, counts: &BTreeMap<(Fingerprint, u64), Counted>) -> Report {
        let files = self.listing.files.into_iter().zip(self.contents);
        let files = files.zip(self.is_trusted);
        let files = files.map(|((item, content), is_trusted)| {
            let counted = content.as_ref().ok();
            let counted = counted.and_then(|content| counts.get(&(*content, item.bytes)));
            FileState {
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
            is_interrupted: self.listing.is_cut,
            card: self.root,
            wanted: Wanted {
                copies: 0,
                max_age: None,
                now: 0,
            },
            shelves: BTreeMap::new(),
            mends: Vec::new(),
        }
    }
}

/// Volumes that hold image files, the system disk left out: an image there is on the disk that a person says.
fn holders(backing: &Backing, volumes: &Volumes) -> Vec<String> {
    let is_system = |holder: &str| volumes.mount_of(holder).as_deref() == Some(Path::new("/"));
    let holders = backing.images.iter().map(|image| image.volume.clone());
    holders.filter(|holder| !is_system(holder)).collect()
}
