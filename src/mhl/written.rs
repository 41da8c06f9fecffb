//! A generation, written: the manifest first, then the chain that names it.
//!
//! Stopped at any point, the history is one that can be read: a manifest stands under its name when
//! all of it is on the disk; and until the chain names it, it counts for nothing, and its number is
//! not used again.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::Offset;

use super::chain::{self, Link};
use super::xml::escaped;
use super::{
    CHAIN, EXTENSION, Entry, FOLDER, Fault, Folder, FolderHash, Generation, History, is_xml,
};
use crate::checksum::{Checksum, HashKind, Hasher};
use crate::lock::Shared;
use crate::publish;

/// Writes a new generation of a folder that has no histories within, and returns the manifest.
///
/// `history` is what [`History::read`] returned of the same folder.
///
/// # Errors
/// When the generation says what a manifest cannot hold (nothing is written then), when another
/// program has added a generation meanwhile, or the system refuses.
pub fn write(
    root: &Path,
    history: Option<&History>,
    generation: &Generation,
) -> Result<PathBuf, Fault> {
    generation.check()?;
    let hashes = generation.folder_hashes();
    let mut part = Part::new(root, history);
    for file in &generation.files {
        part.add_file(file, &file.path, file.previous.as_deref());
    }
    for (path, folder) in folders(generation) {
        let previous = folder.and_then(|folder| folder.previous.as_deref());
        let place = Place { path, previous };
        part.add_folder(path, folder, &hashes, place);
    }
    part.write(generation, &generation.ignored, None)
        .map(|written| written.path)
}

/// The part of a generation that one history takes.
pub(super) struct Part<'a> {
    root: &'a Path,
    history: Option<&'a History>,
    files: Vec<(&'a Entry, Place<'a>)>,
    folders: Vec<(Option<&'a Folder>, Place<'a>, Vec<&'a FolderHash>)>,
    root_hash: Vec<&'a FolderHash>,
    /// Manifests that were written of histories below, relative to this history.
    pub(super) references: Vec<(String, Checksum)>,
}

/// Where something is, and where it was, relative to a history.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) path: &'a str,
    pub(super) previous: Option<&'a str>,
}

/// A manifest that was written.
pub(super) struct Written {
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) c4: Checksum,
}

/// All folders of a generation, also those not named, and the root as the empty path.
pub(super) fn folders(generation: &Generation) -> BTreeMap<&str, Option<&Folder>> {
    let mut all = BTreeMap::from([("", None)]);
    let files = generation.files.iter().map(|file| file.path.as_str());
    let named = generation.folders.iter().map(|folder| folder.path.as_str());
    for path in files.chain(named) {
        let mut path = path;
        while let Some((folder, _)) = path.rsplit_once('/') {
            if all.insert(folder, None).is_some() {
                break;
            }
            path = folder;
        }
    }
    for folder in &generation.folders {
        all.insert(&folder.path, Some(folder));
    }
    all
}

impl<'a> Part<'a> {
    pub(super) fn new(root: &'a Path, history: Option<&'a History>) -> Self {
        Self {
            root,
            history,
            files: Vec::new(),
            folders: Vec::new(),
            root_hash: Vec::new(),
            references: Vec::new(),
        }
    }

    pub(super) fn add_file(&mut self, file: &'a Entry, path: &'a str, previous: Option<&'a str>) {
        self.files.push((file, Place { path, previous }));
    }

    /// Adds a folder that is called `path` where hashes were made, and has another place here.
    pub(super) fn add_folder(
        &mut self,
        path: &str,
        folder: Option<&'a Folder>,
        hashes: &'a [BTreeMap<String, FolderHash>],
        place: Place<'a>,
    ) {
        let hashes = hashes.iter().filter_map(|kind| kind.get(path)).collect();
        if place.path.is_empty() {
            self.root_hash = hashes;
        } else {
            self.folders.push((folder, place, hashes));
        }
    }

    /// Writes the manifest, then the chain; `lock` is what keeps others from writing it meanwhile.
    pub(super) fn write(
        &self,
        generation: &Generation,
        ignored: &[String],
        lock: Option<&Shared>,
    ) -> Result<Written, Fault> {
        let folder = self.root.join(FOLDER);
        let chain_path = folder.join(CHAIN);
        let last = self.history.map_or(0, |history| history.last_number);
        let number = last
            .checked_add(1)
            .ok_or_else(|| Fault::unwritable(&last.to_string(), "the last number there is"))?;
        let name = file_name(self.root, number, generation.created);
        let path = folder.join(&name);
        let before = match self.history {
            Some(history) => history.chain.clone(),
            None => begun(&folder, &chain_path)?,
        };
        let _ = publish::sweep(&folder);
        let is_held = || lock.is_none_or(Shared::is_held);
        let mut hasher = Hasher::new(HashKind::C4);
        let write = |file: &mut fs::File| {
            let mut to = Hashed {
                to: io::BufWriter::with_capacity(1 << 16, file),
                hasher: &mut hasher,
            };
            self.write_to(generation, ignored, &mut to)?;
            to.to.flush()
        };
        match publish::new_while(&path, write, &is_held) {
            Err(_) if !is_held() => return Err(Fault::Overtaken { path: chain_path }),
            written => written.map_err(Fault::path(&path))?,
        }
        let c4 = hasher.finish();
        let mut links = self
            .history
            .map_or_else(Vec::new, |history| history.links.clone());
        links.push(Link {
            number,
            name: name.clone(),
            hash: c4.clone(),
        });
        let chain = chain::written(&links);
        let replaced = publish::instead_while(
            &chain_path,
            &before,
            |file| file.write_all(chain.as_bytes()),
            &is_held,
        );
        let link = &links[links.len() - 1];
        if let Err(fault) = replaced {
            if is_taken_in(&chain_path, link, is_held()) {
                return Ok(Written { path, name, c4 });
            }
            if fault.kind() == ErrorKind::AlreadyExists {
                return Err(Fault::Overtaken { path: chain_path });
            }
            return Err(Fault::path(&chain_path)(fault));
        }
        // Whoever knows nothing of locks may have replaced it at the same moment.
        if !chain::read(&chain_path)?.starts_with(&links)
            && !is_taken_in(&chain_path, link, is_held())
        {
            return Err(Fault::Overtaken { path: chain_path });
        }
        Ok(Written { path, name, c4 })
    }

    fn write_to(
        &self,
        generation: &Generation,
        ignored: &[String],
        to: &mut impl Write,
    ) -> io::Result<()> {
        let offset = generation.offset;
        to.write_all(
            b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
              <hashlist version=\"2.0\" xmlns=\"urn:ASC:MHL:v2.0\">\n",
        )?;
        write_creator(generation, to)?;
        writeln!(to, "  <processinfo>")?;
        writeln!(to, "    <process>{}</process>", generation.process.name())?;
        let made = date(generation.created, offset);
        if !self.root_hash.is_empty() {
            writeln!(to, "    <roothash>")?;
            write_folder_hashes(&self.root_hash, made.as_deref(), to)?;
            writeln!(to, "    </roothash>")?;
        }
        writeln!(to, "    <ignore>")?;
        for pattern in History::ignoring(self.history, ignored).patterns() {
            writeln!(to, "      <pattern>{}</pattern>", escaped(pattern))?;
        }
        writeln!(to, "    </ignore>\n  </processinfo>")?;
        let entries = self.ordered();
        // The schema wants no empty list.
        if !entries.is_empty() {
            writeln!(to, "  <hashes>")?;
            for entry in entries {
                match entry {
                    Ordered::File(file, place) => write_file(file, place, offset, to)?,
                    Ordered::Folder(folder, place, hashes) => {
                        let modified = folder.and_then(|folder| date(folder.modified?, offset));
                        let modified = attribute("lastmodificationdate", modified.as_deref());
                        writeln!(to, "    <directoryhash>")?;
                        writeln!(to, "      <path{modified}>{}</path>", escaped(place.path))?;
                        write_folder_hashes(hashes, made.as_deref(), to)?;
                        write_previous(place, to)?;
                        writeln!(to, "    </directoryhash>")?;
                    }
                }
            }
            writeln!(to, "  </hashes>")?;
        }
        if !self.references.is_empty() {
            writeln!(to, "  <references>")?;
            for (path, c4) in &self.references {
                let path = escaped(path);
                writeln!(to, "    <hashlistreference>\n      <path>{path}</path>")?;
                writeln!(to, "      <c4>{c4}</c4>\n    </hashlistreference>")?;
            }
            writeln!(to, "  </references>")?;
        }
        writeln!(to, "</hashlist>")
    }

    /// Files and folders in the order of the reference: what is in a folder before it, and folders
    /// before the files beside them.
    fn ordered(&self) -> Vec<Ordered<'_>> {
        let files = self.files.iter();
        let files = files.map(|(file, place)| Ordered::File(file, *place));
        let folders = self.folders.iter();
        let folders =
            folders.map(|(folder, place, hashes)| Ordered::Folder(*folder, *place, hashes));
        let mut all: Vec<_> = files.chain(folders).collect();
        all.sort_by(Ordered::order);
        all
    }
}

enum Ordered<'a> {
    File(&'a Entry, Place<'a>),
    Folder(Option<&'a Folder>, Place<'a>, &'a [&'a FolderHash]),
}

impl Ordered<'_> {
    fn order(&self, other: &Self) -> Ordering {
        let (mine, is_folder) = self.place();
        let (theirs, is_other_folder) = other.place();
        let (mut mine, mut theirs) = (mine.split('/').peekable(), theirs.split('/').peekable());
        loop {
            let (Some(left), Some(right)) = (mine.next(), theirs.next()) else {
                return Ordering::Equal;
            };
            let (has_more, has_other_more) = (mine.peek().is_some(), theirs.peek().is_some());
            if left != right {
                let is_file = !has_more && !is_folder;
                let is_other_file = !has_other_more && !is_other_folder;
                return (is_file, left).cmp(&(is_other_file, right));
            }
            if has_more != has_other_more {
                // The one that goes on is within the other.
                return has_other_more.cmp(&has_more);
            }
        }
    }

    fn place(&self) -> (&str, bool) {
        match self {
            Self::File(_, place) => (place.path, false),
            Self::Folder(_, place, _) => (place.path, true),
        }
    }
}

/// Whether a chain names a manifest that its writer could not enter: whoever holds the lock by now took it in. Else it is
/// removed, since the reference would take it for a generation; but not where another may be about to take it in.
fn is_taken_in(chain: &Path, link: &Link, is_held: bool) -> bool {
    let Ok(links) = chain::read(chain) else {
        return false;
    };
    let is_named = links.iter().any(|other| other.name == link.name);
    let is_used = links.last().is_some_and(|last| last.number >= link.number);
    if !is_named && (is_held || is_used) {
        let _ = fs::remove_file(chain.with_file_name(&link.name));
    }
    links.contains(link)
}

/// Makes the `ascmhl` folder with a chain of no generations, before there is a manifest in it: whoever is killed
/// in between leaves an empty folder, which the next run goes on with.
fn begun(folder: &Path, chain: &Path) -> Result<fs::Metadata, Fault> {
    make_folder(folder)?;
    let made = publish::new(chain, chain::written(&[]).as_bytes());
    let metadata = fs::symlink_metadata(chain).map_err(Fault::path(chain))?;
    match made {
        // Whoever made it lost the lock before there was a manifest.
        Err(_) if chain::read(chain).is_ok_and(|links| links.is_empty()) => Ok(metadata),
        made => made.map(|()| metadata).map_err(Fault::path(chain)),
    }
}

/// Makes the `ascmhl` folder, where it is not there yet.
pub(super) fn make_folder(folder: &Path) -> Result<(), Fault> {
    match fs::create_dir(folder) {
        Err(fault) if fault.kind() != ErrorKind::AlreadyExists => {
            return Err(Fault::path(folder)(fault));
        }
        _ => {}
    }
    if fs::symlink_metadata(folder).is_ok_and(|metadata| metadata.is_dir()) {
        Ok(())
    } else {
        Err(Fault::path(folder)(ErrorKind::NotADirectory.into()))
    }
}

/// `0001_A001R2EC_2026-05-02_163000Z.mhl`; all but the number is for people to read.
fn file_name(root: &Path, number: u32, created: Timestamp) -> String {
    /// Bytes of a name: what all filesystems take, less number, date and what a name that is
    /// not finished has more.
    const LONGEST: usize = 180;
    let whole = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let mut folder = String::new();
    for c in whole
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .chars()
    {
        // Drives go to systems that take fewer characters, and the reference knows a manifest by
        // its name being one line.
        let is_plain = is_xml(c) && !crate::error::is_unsafe(c) && !"\"*/:<>?\\|".contains(c);
        let c = if is_plain { c } else { '_' };
        if folder.len() + c.len_utf8() > LONGEST {
            break;
        }
        folder.push(c);
    }
    if !folder.is_empty() {
        folder.push('_');
    }
    let date = created.strftime("%Y-%m-%d_%H%M%S");
    format!("{number:04}_{folder}{date}Z.{EXTENSION}")
}

fn write_creator(generation: &Generation, to: &mut impl Write) -> io::Result<()> {
    let creator = &generation.creator;
    let made = date(generation.created, generation.offset).unwrap_or_default();
    writeln!(
        to,
        "  <creatorinfo>\n    <creationdate>{made}</creationdate>"
    )?;
    writeln!(to, "    <hostname>{}</hostname>", escaped(&creator.host))?;
    let version = attribute("version", Some(&creator.version));
    writeln!(to, "    <tool{version}>{}</tool>", escaped(&creator.tool))?;
    if let Some(author) = &creator.author {
        let role = attribute("role", author.role.as_deref());
        let email = attribute("email", author.email.as_deref());
        let phone = attribute("phone", author.phone.as_deref());
        let name = escaped(&author.name);
        writeln!(to, "    <author{role}{email}{phone}>{name}</author>")?;
    }
    let said = [
        ("location", &creator.location),
        ("comment", &creator.comment),
    ];
    for (tag, text) in said {
        if let Some(text) = text {
            writeln!(to, "    <{tag}>{}</{tag}>", escaped(text))?;
        }
    }
    writeln!(to, "  </creatorinfo>")
}

fn write_file(
    file: &Entry,
    place: Place<'_>,
    offset: Offset,
    to: &mut impl Write,
) -> io::Result<()> {
    let created = file.created.and_then(|time| date(time, offset));
    let modified = file.modified.and_then(|time| date(time, offset));
    writeln!(
        to,
        "    <hash>\n      <path size=\"{}\"{}{}>{}</path>",
        file.bytes,
        attribute("creationdate", created.as_deref()),
        attribute("lastmodificationdate", modified.as_deref()),
        escaped(place.path),
    )?;
    let mut hashes: Vec<_> = file.hashes.iter().collect();
    // The schema wants them in this order.
    hashes.sort_by_key(|hash| hash.checksum.kind().name());
    for hash in hashes {
        let (kind, action) = (hash.checksum.kind(), hash.action);
        let made = date(hash.made, offset);
        let made = attribute("hashdate", made.as_deref());
        let checksum = &hash.checksum;
        writeln!(
            to,
            "      <{kind} action=\"{action}\"{made}>{checksum}</{kind}>"
        )?;
    }
    write_previous(place, to)?;
    writeln!(to, "    </hash>")
}

fn write_previous(place: Place<'_>, to: &mut impl Write) -> io::Result<()> {
    let Some(previous) = place.previous else {
        return Ok(());
    };
    let previous = escaped(previous);
    writeln!(to, "      <previousPath>{previous}</previousPath>")
}

fn write_folder_hashes(
    hashes: &[&FolderHash],
    made: Option<&str>,
    to: &mut impl Write,
) -> io::Result<()> {
    type Which = fn(&FolderHash) -> &Checksum;
    let parts: [(&str, Which); 2] = [
        ("content", |hash| &hash.content),
        ("structure", |hash| &hash.structure),
    ];
    let made = attribute("hashdate", made);
    for (tag, which) in parts {
        writeln!(to, "      <{tag}>")?;
        for hash in hashes {
            let checksum = which(hash);
            let kind = checksum.kind();
            writeln!(to, "        <{kind}{made}>{checksum}</{kind}>")?;
        }
        writeln!(to, "      </{tag}>")?;
    }
    Ok(())
}

fn attribute(name: &str, value: Option<&str>) -> String {
    value.map_or_else(String::new, |value| {
        format!(" {name}=\"{}\"", escaped(value))
    })
}

/// A date as `xs:dateTime` has it, in whole seconds; none where its year has not four digits,
/// which only a damaged clock or filesystem says.
fn date(time: Timestamp, offset: Offset) -> Option<String> {
    let whole = Timestamp::from_second(time.as_second()).ok()?;
    let year = offset.to_datetime(whole).year();
    (1..=9999)
        .contains(&year)
        .then(|| whole.display_with_offset(offset).to_string())
}

/// What is written, hashed as it passes.
struct Hashed<'a, W> {
    to: W,
    hasher: &'a mut Hasher,
}

impl<W: Write> Write for Hashed<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.to.write(bytes)?;
        self.hasher.update(bytes.get(..length).unwrap_or(bytes));
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
