//! Where a content was ever proved to be, with everything else that is known of those places: what decides
//! whether a card may be formatted.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension, Row, params};

use super::Catalogue;
use super::files::{loaded, stored};
use super::ingests::{CopyState, stamp_of};
use super::volumes::FORGOTTEN;
use crate::checksum::{Checksum, HashKind};
use crate::error::Error;
use crate::offload::How;
use crate::source_file::Stamp;
use crate::value::{Fingerprint, from_bytes, to_bytes};

/// A path at which a content was once found by its full hash.
#[derive(Debug, Clone)]
pub struct Stood {
    /// The volume's number.
    pub volume: i64,
    /// Below the volume's root.
    pub path: PathBuf,
    /// The folder that a card was copied to, which it is in.
    pub root: Option<PathBuf>,
    /// Whatever full hashes ever told of the path, of any content.
    pub claims: Vec<Claim>,
    /// How a scan saw the file last.
    pub listed: Option<Listed>,
}

/// What a full hash told of a path.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The xxh128 of the content.
    pub content: Fingerprint,
    /// Its bytes.
    pub bytes: u64,
    /// What the file looks like if nobody touched it since; `None` where that was not written down.
    pub stamp: Option<Stamp>,
    /// What was found.
    pub state: CopyState,
    /// When, seconds since 1970 UTC.
    pub at: i64,
    /// By which hash.
    pub by: HashKind,
    /// How the file was read.
    pub how: Option<How>,
    /// Number of the mount in which the file was first seen as it was then.
    pub session: Option<i64>,
    /// Set of the volumes that were mounted meanwhile; `None` where it was not recorded.
    pub mounted_set: Option<i64>,
    /// How often the volume had been formatted by then.
    pub formats: i64,
    /// Where the log of ingests has it. `None`: it is the hash of a file of the catalogue.
    pub logged: Option<Logged>,
}

/// What a file looked like when it was read, and in which mount that was first so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EarlierRead {
    /// Number of the mount.
    pub session: i64,
    /// What it looked like.
    pub stamp: Stamp,
}

impl EarlierRead {
    /// Whether a file that looks so now was read before a mount of that number, and not written since.
    fn is_before(&self, session: i64, stamp: &Stamp) -> bool {
        self.session < session && self.stamp == *stamp
    }
}

/// Returns how a file was read, by what is known of earlier reads. What a cache of the filesystem's own may have answered was
/// read from the medium if the file was the same in an earlier mount. `session`: the number of the mount, where unmounting
/// empties the only such cache.
pub fn how_read(
    how: How,
    stamp: &Stamp,
    session: Option<i64>,
    earlier: impl IntoIterator<Item = EarlierRead>,
) -> How {
    let is_before = |session| {
        let mut earlier = earlier.into_iter();
        earlier.any(|earlier: EarlierRead| earlier.is_before(session, stamp))
    };
    if how == How::Cached && session.is_some_and(is_before) {
        How::Remounted
    } else {
        how
    }
}

/// A copy, as the log of ingests names it.
#[derive(Debug, Clone)]
pub struct Logged {
    /// The file's number.
    pub file: i64,
    /// The place's.
    pub place: usize,
    /// The file's digest, of the ingest's kind.
    pub digest: Option<Checksum>,
    /// What is told of it although it is proved.
    pub problem: Option<String>,
}

impl Claim {
    /// What the file looked like, and in which mount it was first read so.
    #[must_use]
    pub fn earlier(&self) -> Option<EarlierRead> {
        let (session, stamp) = self.session.zip(self.stamp)?;
        Some(EarlierRead { session, stamp })
    }
}

/// A file, as a scan saw it last.
#[derive(Debug, Clone, Copy)]
pub struct Listed {
    /// Bytes.
    pub bytes: u64,
    /// Modification time, nanoseconds since 1970 UTC.
    pub modified: i64,
    /// Whether it was not there any more.
    pub is_missing: bool,
}

/// Places of ingests on a volume: ingest, place, path.
type Places = Vec<(i64, usize, PathBuf)>;

impl Catalogue {
    /// For each of these contents, given with their sizes, every path at which it was found by its full hash: all of
    /// one moment. Volumes that were forgotten are left out.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn stood(
        &self,
        contents: &BTreeSet<(Fingerprint, u64)>,
    ) -> Result<BTreeMap<(Fingerprint, u64), Vec<Stood>>, Error> {
        self.read_snapshot(|| {
            let mut places = HashMap::new();
            let mut all = BTreeMap::new();
            for content in contents {
                let mut paths: BTreeSet<(i64, PathBuf)> = BTreeSet::new();
                self.copied_to(*content, &mut paths)?;
                self.hashed_at(*content, &mut paths)?;
                let stood = paths
                    .into_iter()
                    .map(|(volume, path)| self.told_of(volume, path, &mut places));
                all.insert(*content, stood.collect::<Result<_, Error>>()?);
            }
            Ok(all)
        })
    }

    /// The ingests of a card, given by what its volume is known by and its root there, the latest last.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn ingests_of_card(&self, volume: &str, inside: &Path) -> Result<Vec<i64>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT id FROM ingest WHERE volume = ?1 AND inside = ?2 AND NOT in_place ORDER BY id",
                )?
                .query_map(params![volume, to_bytes(inside.as_os_str())], |row| {
                    row.get(0)
                })?
                .collect()
        })
    }

    /// Where ingests copied it to, whatever became of it.
    fn copied_to(
        &self,
        (content, bytes): (Fingerprint, u64),
        paths: &mut BTreeSet<(i64, PathBuf)>,
    ) -> Result<(), Error> {
        self.check(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT p.volume, p.path, f.path FROM ingest_file f
                 JOIN ingest_copy c ON c.file = f.id AND c.state <> ?3
                 JOIN ingest_place p ON p.ingest = f.ingest AND p.place = c.place
                 JOIN volume v ON v.id = p.volume
                 WHERE f.xxh128 = ?1 AND f.bytes = ?2 AND substr(v.identity, 1, length(?4)) <> ?4",
            )?;
            let not_copied = CopyState::NotCopied.number();
            let mut rows = statement.query(params![
                content.to_bytes(),
                stored(bytes),
                not_copied,
                FORGOTTEN
            ])?;
            while let Some(row) = rows.next()? {
                let root = PathBuf::from(from_bytes(row.get(1)?));
                let inside = PathBuf::from(from_bytes(row.get(2)?));
                paths.insert((row.get(0)?, root.join(inside)));
            }
            Ok(())
        })
    }

    /// Where files of the catalogue have that hash.
    fn hashed_at(
        &self,
        (content, bytes): (Fingerprint, u64),
        paths: &mut BTreeSet<(i64, PathBuf)>,
    ) -> Result<(), Error> {
        self.check(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT d.volume, d.path, f.name FROM hash h JOIN file f ON f.id = h.file JOIN dir d ON d.id = f.dir
                 WHERE h.digest = ?1 AND h.kind = 'xxh128' AND h.bytes = ?2 AND h.bytes = f.bytes
                       AND h.modified = f.modified AND NOT f.was AND f.frames IS NULL",
            )?;
            let mut rows = statement.query(params![content.to_bytes(), stored(bytes)])?;
            while let Some(row) = rows.next()? {
                let folder = PathBuf::from(from_bytes(row.get(1)?));
                paths.insert((row.get(0)?, folder.join(from_bytes(row.get(2)?))));
            }
            Ok(())
        })
    }

    /// Everything that is known of a path.
    fn told_of(
        &self,
        volume: i64,
        path: PathBuf,
        places: &mut HashMap<i64, Places>,
    ) -> Result<Stood, Error> {
        let places = match places.entry(volume) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(self.ingests_on(volume)?),
        };
        let mut stood = Stood {
            volume,
            root: None,
            claims: Vec::new(),
            listed: None,
            path,
        };
        for (ingest, place, root) in places.iter() {
            if let Ok(inside) = stood.path.strip_prefix(root)
                && let Some(claim) = self.claim_of_log(*ingest, *place, inside)?
            {
                stood.claims.push(claim);
                stood.root = Some(root.clone());
            }
        }
        self.told_by_scans(&mut stood)?;
        Ok(stood)
    }

    fn claim_of_log(
        &self,
        ingest: i64,
        place: usize,
        inside: &Path,
    ) -> Result<Option<Claim>, Error> {
        let number = i64::try_from(place).unwrap_or(i64::MAX);
        self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT f.id, f.digest, f.xxh128, i.hash, c.state, c.how, c.at, c.problem, f.bytes, c.modified,
                            c.changed, c.session, c.mounted_set, c.formats
                     FROM ingest_file f JOIN ingest i ON i.id = f.ingest
                          JOIN ingest_copy c ON c.file = f.id AND c.place = ?3
                     WHERE f.ingest = ?1 AND f.path = ?2 AND f.xxh128 IS NOT NULL",
                )?
                .query_row(
                    params![ingest, to_bytes(inside.as_os_str()), number],
                    |row| claim_row(row, place),
                )
                .optional()
        })
    }

    /// Adds how a scan saw the file, and the hash that was computed of it then.
    fn told_by_scans(&self, stood: &mut Stood) -> Result<(), Error> {
        let (Some(folder), Some(name)) = (stood.path.parent(), stood.path.file_name()) else {
            return Ok(());
        };
        let Some(folder) = self.find_folder(stood.volume, folder)? else {
            return Ok(());
        };
        let told = self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT f.bytes, f.modified, f.state = 2, h.digest, h.at, h.how, h.changed, h.session,
                            h.mounted_set, h.formats
                     FROM file f LEFT JOIN hash h ON h.file = f.id AND h.kind = 'xxh128'
                          AND h.bytes = f.bytes AND h.modified = f.modified
                          AND NOT f.is_unread AND f.frames IS NULL
                     WHERE f.dir = ?1 AND f.name = ?2 AND NOT f.was",
                )?
                .query_row(params![folder, to_bytes(name)], |row| {
                    let listed = Listed {
                        bytes: loaded(row.get(0)?),
                        modified: row.get(1)?,
                        is_missing: row.get(2)?,
                    };
                    let digest: Option<[u8; 16]> = row.get(3)?;
                    let digest = digest.map(Fingerprint::from_bytes);
                    let claim = digest.map(|digest| hash_row(row, digest, listed));
                    Ok((listed, claim.transpose()?))
                })
                .optional()
        })?;
        let Some((listed, hash)) = told else {
            return Ok(());
        };
        stood.listed = Some(listed);
        stood.claims.extend(hash);
        Ok(())
    }
}

/// What the hash of a file of the catalogue tells.
fn hash_row(row: &Row<'_>, content: Fingerprint, listed: Listed) -> rusqlite::Result<Claim> {
    let how: Option<String> = row.get(5)?;
    Ok(Claim {
        content,
        bytes: listed.bytes,
        stamp: Some(Stamp {
            bytes: listed.bytes,
            modified: listed.modified,
            changed: row.get(6)?,
        }),
        state: CopyState::Verified,
        at: row.get(4)?,
        by: HashKind::Xxh128,
        how: how.and_then(|name| How::from_name(&name)),
        session: row.get(7)?,
        mounted_set: row.get(8)?,
        formats: row.get(9)?,
        logged: None,
    })
}

fn claim_row(row: &Row<'_>, place: usize) -> rusqlite::Result<Claim> {
    let by: String = row.get(3)?;
    let by = HashKind::from_name(&by).unwrap_or(HashKind::Xxh128);
    let digest: Option<Vec<u8>> = row.get(1)?;
    let how: Option<String> = row.get(5)?;
    Ok(Claim {
        content: Fingerprint::from_bytes(row.get(2)?),
        bytes: loaded(row.get(8)?),
        stamp: stamp_of(row, 8)?,
        state: CopyState::from_number(row.get(4)?),
        at: row.get(6)?,
        by,
        how: how.and_then(|name| How::from_name(&name)),
        session: row.get(11)?,
        mounted_set: row.get(12)?,
        formats: row.get(13)?,
        logged: Some(Logged {
            file: row.get(0)?,
            place,
            digest: digest.and_then(|bytes| Checksum::from_bytes(by, &bytes)),
            problem: row.get(7)?,
        }),
    })
}
