//! Reader of the older MHL 1.x format (<http://mediahashlist.org>): a single list file in the
//! folder that it describes.
//!
//! The format is read separately because a list has no generations and no chain, so changes to the
//! list cannot be detected. Programs such as Silverstack, `ShotPut` Pro, Hedge and `YoYotta` write
//! slightly different lists, so this reader is more tolerant.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::manifest_path::path_error;
use super::xml::{StartTag, XmlEvent, XmlReader};
use super::{EXTENSION, MhlError};
use crate::checksum::{Checksum, HashKind};

/// Contents of an MHL 1.x file.
#[derive(Debug, Clone)]
pub struct Mhl1List {
    /// Path of the list. The paths of listed files are relative to its folder.
    pub path: PathBuf,
    /// Name and version of the program that wrote the list; `None` if not stored.
    pub tool: Option<String>,
    /// Files in the order of the list. A path may occur twice.
    pub files: Vec<Mhl1File>,
}

/// File in an MHL 1.x list.
#[derive(Debug, Clone, Default)]
pub struct Mhl1File {
    /// Path relative to the folder of the list, separated by `/`.
    pub path: String,
    /// Size in bytes. The format requires it, but some lists omit it.
    pub bytes: Option<u64>,
    /// Modification time; `None` if it is not stored or invalid.
    pub modified: Option<Timestamp>,
    /// Hashes. The flag is true if the hash matches in either byte order. Empty if the list stores
    /// only the size (`<null>`).
    hashes: Vec<(Checksum, bool)>,
}

impl Mhl1File {
    /// Returns the kinds of the file's hashes.
    pub fn kinds(&self) -> impl Iterator<Item = HashKind> {
        self.hashes.iter().map(|(checksum, _)| checksum.kind())
    }

    /// Returns the file's hashes, in the usual byte order.
    pub fn hashes(&self) -> impl Iterator<Item = &Checksum> {
        self.hashes.iter().map(|(checksum, _)| checksum)
    }

    /// Returns true if a computed hash matches the listed ones of its kind; `None` if no hash of
    /// this kind is listed.
    ///
    /// `<xxhash64>` is little-endian, but some programs write it like `<xxhash64be>`, so both byte
    /// orders are accepted.
    #[must_use]
    pub fn matches(&self, found: &Checksum) -> Option<bool> {
        let mut matches = self
            .hashes
            .iter()
            .filter(|(listed, _)| listed.kind() == found.kind())
            .map(|(listed, is_either_order)| {
                let is_swapped = || listed.bytes().iter().rev().eq(found.bytes());
                listed == found || *is_either_order && is_swapped()
            })
            .peekable();
        matches.peek()?;
        Some(matches.all(|is_same| is_same))
    }
}

/// Finds the lists directly in a folder, sorted by path.
///
/// # Errors
/// Returns an error if the folder cannot be read.
pub fn find(root: &Path) -> Result<Vec<PathBuf>, MhlError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).map_err(MhlError::path(root))? {
        let path = entry.map_err(MhlError::path(root))?.path();
        let is_list = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case(EXTENSION));
        // macOS writes AppleDouble files (`._NAME`) on other filesystems; they are not lists.
        let is_apple_double = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"._"));
        if is_list && !is_apple_double && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Reads a list. Returns `None` for an ASC MHL v2 manifest, which is valid only as part of its
/// history.
///
/// # Errors
/// Returns an error if the file cannot be read, is not a list, or lists a path outside its folder.
pub fn read(path: &Path) -> Result<Option<Mhl1List>, MhlError> {
    let mut xml = XmlReader::open(path, &[])?;
    let mut list = Mhl1List {
        path: path.to_owned(),
        tool: None,
        files: Vec::new(),
    };
    let mut is_list = false;
    let mut open: Option<Mhl1File> = None;
    while let Some(event) = xml.next()? {
        match event {
            XmlEvent::Start(tag) if !is_list => {
                if !is_list_of_version_1(&tag).map_err(|reason| xml.malformed(reason))? {
                    return Ok(None);
                }
                is_list = true;
            }
            XmlEvent::Start(tag) => {
                if tag.name == "hash" {
                    open = Some(Mhl1File::default());
                }
            }
            XmlEvent::End { name, text } => match (&mut open, name.as_str()) {
                (None, "tool") => list.tool = Some(text.trim().to_owned()),
                (None, _) => {}
                (Some(_), "hash") => {
                    let file = open.take().unwrap_or_default();
                    if file.path.is_empty() {
                        return Err(xml.malformed("an entry without a file name"));
                    }
                    list.files.push(file);
                }
                (Some(file), "file") => {
                    file.path = normalize_path(&text).map_err(|reason| xml.malformed(reason))?;
                }
                (Some(file), "size") => {
                    let size = text.trim();
                    file.bytes = match size {
                        "" => None,
                        size => Some(
                            size.parse()
                                .map_err(|_| xml.malformed("invalid file size"))?,
                        ),
                    };
                }
                (Some(file), "lastmodificationdate") => file.modified = text.trim().parse().ok(),
                (Some(file), tag) => {
                    let hash =
                        parse_hash(tag, text.trim()).map_err(|reason| xml.malformed(reason))?;
                    file.hashes.extend(hash);
                }
            },
        }
    }
    Ok(Some(list))
}

fn is_list_of_version_1(tag: &StartTag) -> Result<bool, &'static str> {
    if tag.name != "hashlist" {
        return Err("not a media hash list");
    }
    match tag.attribute("version") {
        Some(version) if version.starts_with("2.") => Ok(false),
        Some(version) if !version.starts_with('1') => Err("not a version 1 media hash list"),
        _ => Ok(true),
    }
}

/// Normalizes the path of a listed file. Some programs write Windows separators or a leading `./`.
fn normalize_path(text: &str) -> Result<String, &'static str> {
    let path = if text.contains('/') {
        text.to_owned()
    } else {
        text.replace('\\', "/")
    };
    let path = path.strip_prefix("./").unwrap_or(&path);
    let is_drive = path.get(1..3) == Some(":/");
    match path_error(path) {
        Some(reason) => Err(reason),
        None if is_drive => Err("a path outside the folder"),
        None => Ok(path.to_owned()),
    }
}

/// Parses the hash in an element; `None` if the element is not a hash. The flag is true if the hash
/// matches in either byte order.
fn parse_hash(tag: &str, text: &str) -> Result<Option<(Checksum, bool)>, &'static str> {
    let (kind, is_swapped) = match tag {
        "md5" => (HashKind::Md5, false),
        "sha1" => (HashKind::Sha1, false),
        "c4" => (HashKind::C4, false),
        "xxhash" | "xxh32" | "xxhash32" => (HashKind::Xxh32, false),
        "xxhash64" => (HashKind::Xxh64, true),
        "xxhash64be" | "xxh64" | "xxh64be" => (HashKind::Xxh64, false),
        "xxh3" | "xxhash3" | "xxh3_64" | "xxhash3_64" => (HashKind::Xxh3, false),
        "xxh128" | "xxhash128" | "xxh3_128" | "xxhash3_128" => (HashKind::Xxh128, false),
        _ => return Ok(None),
    };
    // XXH32 is written as a decimal number of up to ten digits.
    let number = text.parse::<u32>().ok().filter(|_| kind == HashKind::Xxh32);
    let checksum = match number {
        Some(number) => Checksum::from_bytes(kind, &number.to_be_bytes()),
        // Some programs omit leading zeros of an XXH64 hash.
        None if kind == HashKind::Xxh64 && !text.is_empty() => {
            Checksum::parse(kind, &format!("{text:0>16}"))
        }
        None => Checksum::parse(kind, text),
    };
    let checksum = checksum.ok_or("invalid hash")?;
    if !is_swapped {
        return Ok(Some((checksum, false)));
    }
    let swapped: Vec<u8> = checksum.bytes().iter().rev().copied().collect();
    Ok(Checksum::from_bytes(kind, &swapped).map(|checksum| (checksum, true)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::hash_bytes;

    fn list(folder: &Path, text: &str) -> PathBuf {
        let path = folder.join("A001.mhl");
        fs::write(&path, text).unwrap();
        path
    }

    fn read_entry(hashes: &str) -> Result<Mhl1File, MhlError> {
        let folder = tempfile::tempdir().unwrap();
        let text =
            format!("<hashlist version=\"1.1\"><hash><file>a.mov</file>{hashes}</hash></hashlist>");
        read(&list(folder.path(), &text)).map(|list| list.unwrap().files[0].clone())
    }

    #[test]
    fn reads_lists_as_programs_write_them() {
        let folder = tempfile::tempdir().unwrap();
        // The list starts with a byte order mark, as written by programs on Windows.
        let path = list(
            folder.path(),
            "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r
<hashlist version=\"1.1\">\r
  <creatorinfo><name>Ana</name><tool>Silverstack 8.2</tool>\r
    <startdate>2026-05-02T16:30:00Z</startdate></creatorinfo>\r
  <hash>\r
    <file>A001/Clips/A001C001 &amp; more.mov</file>\r
    <size>1024</size>\r
    <lastmodificationdate>2026-05-02T16:30:00Z</lastmodificationdate>\r
    <md5>D41D8CD98F00B204E9800998ECF8427E</md5>\r
    <hashdate>2026-05-02T16:31:00Z</hashdate>\r
  </hash>\r
  <hash><file>A001\\Clips\\b.mov</file><size>0</size>\r
    <lastmodificationdate>2026-05-02 16:30</lastmodificationdate><null/></hash>\r
  <hash><file>./c.mov</file><sha1>da39a3ee5e6b4b0d3255bfef95601890afd80709</sha1></hash>\r
</hashlist>\r\n",
        );
        assert_eq!(find(folder.path()).unwrap(), [path.as_path()]);
        let list = read(&path).unwrap().unwrap();
        assert_eq!(list.tool.as_deref(), Some("Silverstack 8.2"));
        let paths: Vec<_> = list.files.iter().map(|file| file.path.as_str()).collect();
        let expected = [
            "A001/Clips/A001C001 & more.mov",
            "A001/Clips/b.mov",
            "c.mov",
        ];
        assert_eq!(paths, expected);
        let [first, second, third] = &list.files[..] else {
            panic!();
        };
        assert_eq!(first.bytes, Some(1024));
        assert_eq!(first.modified, "2026-05-02T16:30:00Z".parse().ok());
        assert_eq!(first.matches(&hash_bytes(HashKind::Md5, b"")), Some(true));
        assert_eq!(first.matches(&hash_bytes(HashKind::Md5, b"x")), Some(false));
        assert_eq!(first.matches(&hash_bytes(HashKind::Sha1, b"")), None);
        assert_eq!((second.bytes, second.modified), (Some(0), None));
        assert_eq!(second.kinds().count(), 0);
        assert_eq!(third.kinds().collect::<Vec<_>>(), [HashKind::Sha1]);
    }

    #[test]
    fn reads_all_spellings_of_xxhash() {
        let empty = |kind| hash_bytes(kind, b"");
        for (hashes, kind) in [
            // The decimal form of 02cc5d05.
            ("<xxhash>46947589</xxhash>", HashKind::Xxh32),
            ("<xxhash>02cc5d05</xxhash>", HashKind::Xxh32),
            ("<xxhash64be>EF46DB3751D8E999</xxhash64be>", HashKind::Xxh64),
            ("<xxhash64>99e9d85137db46ef</xxhash64>", HashKind::Xxh64),
            ("<xxhash64>ef46db3751d8e999</xxhash64>", HashKind::Xxh64),
            ("<xxh3_64>2d06800538d394c2</xxh3_64>", HashKind::Xxh3),
            (
                "<xxh128>99aa06d3014798d86001c324468d497f</xxh128>",
                HashKind::Xxh128,
            ),
        ] {
            let file = read_entry(hashes).unwrap();
            assert_eq!(file.matches(&empty(kind)), Some(true), "{hashes}");
            assert_eq!(
                file.matches(&hash_bytes(kind, b"x")),
                Some(false),
                "{hashes}"
            );
        }
        // The byte order of `<xxhash64be>` is never swapped.
        let file = read_entry("<xxhash64be>99e9d85137db46ef</xxhash64be>").unwrap();
        assert_eq!(file.matches(&empty(HashKind::Xxh64)), Some(false));
        let short = read_entry("<xxhash64be>1</xxhash64be>").unwrap();
        let one = Checksum::from_bytes(HashKind::Xxh64, &1_u64.to_be_bytes()).unwrap();
        assert_eq!(short.matches(&one), Some(true));
    }

    #[test]
    fn rejects_paths_outside_the_folder_and_files_that_are_not_lists() {
        let folder = tempfile::tempdir().unwrap();
        let hash = |file: &str| {
            format!("<hashlist version=\"1.1\"><hash><file>{file}</file></hash></hashlist>")
        };
        for text in [
            hash("/etc/passwd"),
            hash("../a"),
            hash("..\\a"),
            hash("C:\\a"),
            hash(""),
            hash("&a;"),
            "<hashlist version=\"1.1\"><hash></hash></hashlist>".to_owned(),
            "<hashlist version=\"3\"></hashlist>".to_owned(),
            "<html></html>".to_owned(),
            "a.mov 1234".to_owned(),
            "<!DOCTYPE a><hashlist version=\"1.1\"></hashlist>".to_owned(),
        ] {
            let path = list(folder.path(), &text);
            let error = read(&path).unwrap_err();
            assert!(
                matches!(error, MhlError::Malformed { .. }),
                "{text}: {error}"
            );
        }
        let stray = list(folder.path(), "<hashlist version=\"2.0\"></hashlist>");
        assert!(read(&stray).unwrap().is_none());
        for hashes in [
            "<md5>d41d8cd9</md5>",
            "<xxhash>4294967296</xxhash>",
            "<xxhash>-1</xxhash>",
            "<xxhash64>ef46db3751d8e99900</xxhash64>",
            "<sha1></sha1>",
            "<xxhash64/>",
            "<size>many</size>",
        ] {
            assert!(read_entry(hashes).is_err(), "{hashes}");
        }
    }

    #[test]
    fn finds_only_lists() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.MHL", "a.mhl", "._a.mhl", "a.txt"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::create_dir(folder.path().join("c.mhl")).unwrap();
        let found = find(folder.path()).unwrap();
        assert_eq!(
            found,
            ["a.mhl", "b.MHL"].map(|name| folder.path().join(name))
        );
        assert!(find(&folder.path().join("none")).is_err());
    }
}
