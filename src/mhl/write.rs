//! Writer of a generation. It writes the manifest first, then the chain that names it.
//!
//! An interruption at any point leaves a readable history. A manifest gets its final name only once
//! it is completely on disk. It becomes part of the history when the chain names it. Its number is
//! not reused.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::Offset;

use super::chain::{self, ChainLink};
use super::xml::{escape, is_xml};
use super::{
    CHAIN, EXTENSION, FOLDER, FileEntry, FolderEntry, FolderHash, Generation, History, MhlError,
};
use crate::atomic_file;
use crate::checksum::{Checksum, HashKind, Hasher};
use crate::lock::Shared;

/// Writes a new generation of a folder without inner histories. Returns the path of the manifest.
///
/// `history` is the result of [`History::read`] for the same folder.
///
/// # Errors
/// Returns an error if a manifest cannot represent the generation, in which case nothing is
/// written. Returns an error, too, if another program has added a generation since `history` was
/// read, or if an I/O operation fails.
pub fn write(
    root: &Path,
    history: Option<&History>,
    generation: &Generation,
) -> Result<PathBuf, MhlError> {
    generation.check()?;
    let hashes = generation.folder_hashes();
    let mut part = HistoryPart::new(root, history);
    for file in &generation.files {
        part.add_file(file, &file.path, file.previous.as_deref());
    }
    for (path, folder) in all_folders(generation) {
        let previous = folder.and_then(|folder| folder.previous.as_deref());
        let location = HistoryPath { path, previous };
        part.add_folder(path, folder, &hashes, location);
    }
    part.write(generation, &generation.ignored, None)
        .map(|written| written.path)
}

/// Part of a generation that belongs to one history.
pub(super) struct HistoryPart<'a> {
    root: &'a Path,
    history: Option<&'a History>,
    files: Vec<(&'a FileEntry, HistoryPath<'a>)>,
    folders: Vec<(
        Option<&'a FolderEntry>,
        HistoryPath<'a>,
        Vec<&'a FolderHash>,
    )>,
    root_hash: Vec<&'a FolderHash>,
    /// Paths and C4 hashes of the manifests written for inner histories. Paths are relative to this
    /// history.
    pub(super) references: Vec<(String, Checksum)>,
}

/// Current and previous path of a file or folder, relative to a history.
#[derive(Clone, Copy)]
pub(super) struct HistoryPath<'a> {
    pub(super) path: &'a str,
    pub(super) previous: Option<&'a str>,
}

/// Manifest that was written.
pub(super) struct WrittenManifest {
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) c4: Checksum,
}

/// Returns all folders of a generation by path: listed folders, parents of files and folders, and
/// the root, whose path is empty.
pub(super) fn all_folders(generation: &Generation) -> BTreeMap<&str, Option<&FolderEntry>> {
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

impl<'a> HistoryPart<'a> {
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

    pub(super) fn add_file(
        &mut self,
        file: &'a FileEntry,
        path: &'a str,
        previous: Option<&'a str>,
    ) {
        self.files.push((file, HistoryPath { path, previous }));
    }

    /// Adds a folder. `path` is its key in `hashes`; `location` is its path relative to this
    /// history.
    pub(super) fn add_folder(
        &mut self,
        path: &str,
        folder: Option<&'a FolderEntry>,
        hashes: &'a [BTreeMap<String, FolderHash>],
        location: HistoryPath<'a>,
    ) {
        let hashes = hashes.iter().filter_map(|kind| kind.get(path)).collect();
        if location.path.is_empty() {
            self.root_hash = hashes;
        } else {
            self.folders.push((folder, location, hashes));
        }
    }

    /// Writes the manifest, then the chain. While `lock` is held, no other process writes the
    /// chain.
    pub(super) fn write(
        &self,
        generation: &Generation,
        ignored: &[String],
        lock: Option<&Shared>,
    ) -> Result<WrittenManifest, MhlError> {
        let folder = self.root.join(FOLDER);
        let chain_path = folder.join(CHAIN);
        let last = self.history.map_or(0, |history| history.last_number);
        let number = last.checked_add(1).ok_or_else(|| {
            MhlError::unwritable(
                &last.to_string(),
                "the highest possible generation number, so no generation can be added",
            )
        })?;
        let name = file_name(self.root, number, generation.created);
        let path = folder.join(&name);
        let before = match self.history {
            Some(history) => history.chain.clone(),
            None => create_chain(&folder, &chain_path)?,
        };
        let _ = atomic_file::sweep(&folder);
        let is_held = || lock.is_none_or(Shared::is_held);
        let mut hasher = Hasher::new(HashKind::C4);
        let write = |file: &mut fs::File| {
            let mut to = HashingWriter {
                to: io::BufWriter::with_capacity(1 << 16, file),
                hasher: &mut hasher,
            };
            self.write_to(generation, ignored, &mut to)?;
            to.to.flush()
        };
        match atomic_file::create_if(&path, write, &is_held) {
            Err(_) if !is_held() => return Err(MhlError::Overtaken { path: chain_path }),
            written => written.map_err(MhlError::path(&path))?,
        }
        let c4 = hasher.finish();
        let mut links = self
            .history
            .map_or_else(Vec::new, |history| history.links.clone());
        links.push(ChainLink {
            number,
            name: name.clone(),
            hash: c4.clone(),
        });
        let chain = chain::to_xml(&links);
        let replaced = atomic_file::replace_if(
            &chain_path,
            &before,
            |file| file.write_all(chain.as_bytes()),
            &is_held,
        );
        let link = &links[links.len() - 1];
        if let Err(error) = replaced {
            if is_adopted(&chain_path, link, is_held()) {
                return Ok(WrittenManifest { path, name, c4 });
            }
            if error.kind() == ErrorKind::AlreadyExists {
                return Err(MhlError::Overtaken { path: chain_path });
            }
            return Err(MhlError::path(&chain_path)(error));
        }
        // A program that does not use locks may have replaced the chain at the same time.
        if !chain::read(&chain_path)?.starts_with(&links)
            && !is_adopted(&chain_path, link, is_held())
        {
            return Err(MhlError::Overtaken { path: chain_path });
        }
        Ok(WrittenManifest { path, name, c4 })
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
        let created = date(generation.created, offset);
        if !self.root_hash.is_empty() {
            writeln!(to, "    <roothash>")?;
            write_folder_hashes(&self.root_hash, created.as_deref(), to)?;
            writeln!(to, "    </roothash>")?;
        }
        writeln!(to, "    <ignore>")?;
        for pattern in History::ignored_with(self.history, ignored).patterns() {
            writeln!(to, "      <pattern>{}</pattern>", escape(pattern))?;
        }
        writeln!(to, "    </ignore>\n  </processinfo>")?;
        let entries = self.sorted_items();
        // The schema does not allow an empty `hashes` element.
        if !entries.is_empty() {
            writeln!(to, "  <hashes>")?;
            for entry in entries {
                match entry {
                    ManifestItem::File(file, location) => write_file(file, location, offset, to)?,
                    ManifestItem::Folder(folder, location, hashes) => {
                        let modified = folder.and_then(|folder| date(folder.modified?, offset));
                        let modified = attribute("lastmodificationdate", modified.as_deref());
                        writeln!(to, "    <directoryhash>")?;
                        writeln!(to, "      <path{modified}>{}</path>", escape(location.path))?;
                        write_folder_hashes(hashes, created.as_deref(), to)?;
                        write_previous(location, to)?;
                        writeln!(to, "    </directoryhash>")?;
                    }
                }
            }
            writeln!(to, "  </hashes>")?;
        }
        if !self.references.is_empty() {
            writeln!(to, "  <references>")?;
            for (path, c4) in &self.references {
                let path = escape(path);
                writeln!(to, "    <hashlistreference>\n      <path>{path}</path>")?;
                writeln!(to, "      <c4>{c4}</c4>\n    </hashlistreference>")?;
            }
            writeln!(to, "  </references>")?;
        }
        writeln!(to, "</hashlist>")
    }

    /// Returns files and folders in the order of the reference implementation: the contents of a
    /// folder before the folder itself, and folders before files with the same parent.
    fn sorted_items(&self) -> Vec<ManifestItem<'_>> {
        let files = self.files.iter();
        let files = files.map(|(file, location)| ManifestItem::File(file, *location));
        let folders = self.folders.iter();
        let folders = folders
            .map(|(folder, location, hashes)| ManifestItem::Folder(*folder, *location, hashes));
        let mut all: Vec<_> = files.chain(folders).collect();
        all.sort_by(ManifestItem::compare);
        all
    }
}

enum ManifestItem<'a> {
    File(&'a FileEntry, HistoryPath<'a>),
    Folder(
        Option<&'a FolderEntry>,
        HistoryPath<'a>,
        &'a [&'a FolderHash],
    ),
}

impl ManifestItem<'_> {
    fn compare(&self, other: &Self) -> Ordering {
        let (mine, is_folder) = self.path_and_kind();
        let (theirs, is_other_folder) = other.path_and_kind();
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
                // The longer path is inside the other one.
                return has_other_more.cmp(&has_more);
            }
        }
    }

    /// Returns the item's path, and true if the item is a folder.
    fn path_and_kind(&self) -> (&str, bool) {
        match self {
            Self::File(_, location) => (location.path, false),
            Self::Folder(_, location, _) => (location.path, true),
        }
    }
}

/// Returns true if another lock holder has added the manifest to the chain. Otherwise, the manifest
/// is removed, since the reference implementation would count it as a generation. It is not removed
/// while another process may still add it.
fn is_adopted(chain: &Path, link: &ChainLink, is_held: bool) -> bool {
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

/// Creates the `ascmhl` folder with an empty chain, before the first manifest is written. If the
/// process is killed afterwards, the next run continues with this folder.
fn create_chain(folder: &Path, chain: &Path) -> Result<fs::Metadata, MhlError> {
    create_folder(folder)?;
    let created = atomic_file::create(chain, chain::to_xml(&[]).as_bytes());
    let metadata = fs::symlink_metadata(chain).map_err(MhlError::path(chain))?;
    match created {
        // Another process created the chain, but lost its lock before it wrote a manifest.
        Err(_) if chain::read(chain).is_ok_and(|links| links.is_empty()) => Ok(metadata),
        created => created.map(|()| metadata).map_err(MhlError::path(chain)),
    }
}

/// Creates the `ascmhl` folder if it does not exist.
pub(super) fn create_folder(folder: &Path) -> Result<(), MhlError> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(MhlError::path(folder)(error));
        }
        _ => {}
    }
    if fs::symlink_metadata(folder).is_ok_and(|metadata| metadata.is_dir()) {
        Ok(())
    } else {
        Err(MhlError::path(folder)(ErrorKind::NotADirectory.into()))
    }
}

/// Returns the file name of a manifest, such as `0001_A001R2EC_2026-05-02_163000Z.mhl`. Programs
/// use only the number; the rest is for human readers.
fn file_name(root: &Path, number: u32, created: Timestamp) -> String {
    /// Maximum length of the folder name in bytes: the smallest limit of all filesystems, minus the
    /// number, the date and the suffix of temporary files.
    const MAX_BYTES: usize = 180;
    let whole = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let mut folder = String::new();
    for c in whole
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .chars()
    {
        // Drives move between systems, some of which allow fewer characters. The reference
        // implementation recognizes a manifest only if its name is one line.
        let is_plain = is_xml(c) && !crate::error::is_unsafe(c) && !"\"*/:<>?\\|".contains(c);
        let c = if is_plain { c } else { '_' };
        if folder.len() + c.len_utf8() > MAX_BYTES {
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
    let created = date(generation.created, generation.offset).unwrap_or_default();
    writeln!(
        to,
        "  <creatorinfo>\n    <creationdate>{created}</creationdate>"
    )?;
    writeln!(to, "    <hostname>{}</hostname>", escape(&creator.host))?;
    let version = attribute("version", Some(&creator.version));
    writeln!(to, "    <tool{version}>{}</tool>", escape(&creator.tool))?;
    if let Some(author) = &creator.author {
        let role = attribute("role", author.role.as_deref());
        let email = attribute("email", author.email.as_deref());
        let phone = attribute("phone", author.phone.as_deref());
        let name = escape(&author.name);
        writeln!(to, "    <author{role}{email}{phone}>{name}</author>")?;
    }
    let texts = [
        ("location", &creator.location),
        ("comment", &creator.comment),
    ];
    for (tag, text) in texts {
        if let Some(text) = text {
            writeln!(to, "    <{tag}>{}</{tag}>", escape(text))?;
        }
    }
    writeln!(to, "  </creatorinfo>")
}

fn write_file(
    file: &FileEntry,
    location: HistoryPath<'_>,
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
        escape(location.path),
    )?;
    let mut hashes: Vec<_> = file.hashes.iter().collect();
    // The schema requires this order.
    hashes.sort_by_key(|hash| hash.checksum.kind().name());
    for hash in hashes {
        let (kind, action) = (hash.checksum.kind(), hash.action);
        let date = date(hash.computed_at, offset);
        let date = attribute("hashdate", date.as_deref());
        let checksum = &hash.checksum;
        writeln!(
            to,
            "      <{kind} action=\"{action}\"{date}>{checksum}</{kind}>"
        )?;
    }
    write_previous(location, to)?;
    writeln!(to, "    </hash>")
}

fn write_previous(location: HistoryPath<'_>, to: &mut impl Write) -> io::Result<()> {
    let Some(previous) = location.previous else {
        return Ok(());
    };
    let previous = escape(previous);
    writeln!(to, "      <previousPath>{previous}</previousPath>")
}

fn write_folder_hashes(
    hashes: &[&FolderHash],
    date: Option<&str>,
    to: &mut impl Write,
) -> io::Result<()> {
    type Part = fn(&FolderHash) -> &Checksum;
    let parts: [(&str, Part); 2] = [
        ("content", |hash| &hash.content),
        ("structure", |hash| &hash.structure),
    ];
    let date = attribute("hashdate", date);
    for (tag, part) in parts {
        writeln!(to, "      <{tag}>")?;
        for hash in hashes {
            let checksum = part(hash);
            let kind = checksum.kind();
            writeln!(to, "        <{kind}{date}>{checksum}</{kind}>")?;
        }
        writeln!(to, "      </{tag}>")?;
    }
    Ok(())
}

fn attribute(name: &str, value: Option<&str>) -> String {
    value.map_or_else(String::new, |value| {
        format!(" {name}=\"{}\"", escape(value))
    })
}

/// Formats a time as `xs:dateTime` in whole seconds. Returns `None` if the year is not between 1
/// and 9999, which only a faulty clock or filesystem reports.
fn date(time: Timestamp, offset: Offset) -> Option<String> {
    let whole = Timestamp::from_second(time.as_second()).ok()?;
    let year = offset.to_datetime(whole).year();
    (1..=9999)
        .contains(&year)
        .then(|| whole.display_with_offset(offset).to_string())
}

/// Writer that passes bytes to another writer and hashes them.
struct HashingWriter<'a, W> {
    to: W,
    hasher: &'a mut Hasher,
}

impl<W: Write> Write for HashingWriter<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.to.write(bytes)?;
        self.hasher.update(bytes.get(..length).unwrap_or(bytes));
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
