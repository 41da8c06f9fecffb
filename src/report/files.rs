//! Where a book goes: one file, or a folder with its pictures beside it; whole or not at all. Only what
//! is an earlier book is ever replaced, never anything else that has the name.

use std::fs::{self, File, Metadata};
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::Path;

use super::page::MARK;
use crate::atomic_file;
use crate::error::Error;

/// Clips that one file has room for.
pub(super) const MOST_IN_ONE: usize = 2000;
/// The folder of pictures in the folder of a book.
pub(super) const PICTURES: &str = "pictures";
/// The page in the folder of a book.
pub(super) const INDEX: &str = "index.html";

/// What a book is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A page.
    Html,
    /// One object.
    Json,
    /// A row a clip.
    Csv,
}

impl Form {
    /// What a file of ours begins with.
    fn mark(self) -> &'static [u8] {
        match self {
            Self::Html => MARK.as_bytes(),
            Self::Json => super::write::JSON_MARK,
            Self::Csv => super::write::CSV_MARK,
        }
    }
}

/// Where the text of a book goes, and how much of it there was.
pub struct Sink<'a> {
    out: &'a mut dyn Write,
    /// What complaints name.
    path: &'a Path,
    bytes: u64,
}

impl<'a> Sink<'a> {
    /// Writes to `out`, which is the file at `path`.
    pub fn new(out: &'a mut dyn Write, path: &'a Path) -> Self {
        Self {
            out,
            path,
            bytes: 0,
        }
    }

    /// Writes some text.
    ///
    /// # Errors
    /// What the system says, with the path.
    pub fn put(&mut self, text: &str) -> Result<(), Error> {
        self.write_all(text.as_bytes())
            .map_err(Error::path(self.path))
    }

    /// Bytes that were written.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes a file, also in the place of an earlier one of its form; returns its bytes. Nothing is there when `write`
/// fails.
///
/// # Errors
/// [`Error::NotAReport`] when something else has that name, [`Error::NoOutputFolder`] when there is no folder for it,
/// [`Error::Path`] for what the system says; else those of `write`.
pub fn save(
    path: &Path,
    form: Form,
    write: impl FnOnce(&mut Sink<'_>) -> Result<(), Error>,
) -> Result<u64, Error> {
    let before = earlier(path, form)?;
    let mut outcome = Ok(0);
    let fill = |file: &mut File| {
        outcome = filled(file, path, write);
        match &outcome {
            Ok(_) => Ok(()),
            Err(_) => Err(io::Error::other("not written")),
        }
    };
    let published = match before {
        None => atomic_file::new_with(path, fill),
        Some(metadata) => atomic_file::instead_with(path, &metadata, fill),
    };
    let bytes = outcome?;
    published.map_err(Error::path(path))?;
    Ok(bytes)
}

/// Fills a file piece by piece; returns its bytes.
pub(super) fn filled(
    file: &mut File,
    path: &Path,
    write: impl FnOnce(&mut Sink<'_>) -> Result<(), Error>,
) -> Result<u64, Error> {
    let mut buffered = BufWriter::with_capacity(1 << 20, file);
    let mut sink = Sink::new(&mut buffered, path);
    write(&mut sink)?;
    let bytes = sink.bytes();
    buffered.flush().map_err(Error::path(path))?;
    Ok(bytes)
}

/// What an earlier file of ours looks like that has the name; refuses a name that something else has.
///
/// # Errors
/// See [`save`].
pub(super) fn earlier(path: &Path, form: Form) -> Result<Option<Metadata>, Error> {
    match at(path)? {
        None => Ok(None),
        Some(metadata)
            if metadata.is_file()
                && begins_with(path, form.mark()).map_err(Error::path(path))? =>
        {
            Ok(Some(metadata))
        }
        Some(_) => Err(not_ours(path)),
    }
}

/// What has a name, if anything has it; refuses one in a folder that is not there.
fn at(path: &Path) -> Result<Option<Metadata>, Error> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::path(path)(error)),
        Err(_) if beside(path).is_dir() => Ok(None),
        Err(_) => Err(Error::NoOutputFolder {
            path: path.to_owned(),
        }),
    }
}

/// The folder that something is in.
fn beside(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

fn not_ours(path: &Path) -> Error {
    Error::NotAReport {
        path: path.to_owned(),
    }
}

fn begins_with(path: &Path, mark: &[u8]) -> io::Result<bool> {
    let mut begin = Vec::new();
    File::open(path)?
        .take(mark.len() as u64)
        .read_to_end(&mut begin)?;
    Ok(begin == mark)
}

/// Creates a folder under a temporary name in the target's parent, and renames it once `fill` has filled it. Replaces an
/// earlier book of that name. Returns what `fill` returns.
///
/// # Errors
/// [`Error::NotAReport`] when something else has that name, [`Error::NoOutputFolder`] when there is no folder for it,
/// [`Error::Path`] for what the system says; else those of `fill`. Nothing is left then.
pub(super) fn folder<T>(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<T, Error>,
) -> Result<T, Error> {
    let fault = || Error::path(path);
    refuse_folder(path)?;
    let beside = beside(path);
    let mut builder = tempfile::Builder::new();
    builder.prefix(".btsindex-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Who gets it on a stick is somebody else here.
        builder.permissions(fs::Permissions::from_mode(0o777));
    }
    let made = builder.tempdir_in(beside).map_err(fault())?;
    fs::create_dir(made.path().join(PICTURES)).map_err(fault())?;
    let filled = fill(made.path())?;
    refuse_folder(path)?;
    let former = builder.tempdir_in(beside).map_err(fault())?;
    let way = former.path().join("former");
    let has_former = match fs::rename(path, &way) {
        Ok(()) => true,
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => return Err(fault()(error)),
    };
    let whole = made.keep();
    if let Err(error) = fs::rename(&whole, path) {
        if has_former {
            // As it was; if even that fails, the first fault is the one to tell.
            let _ = fs::rename(&way, path);
        }
        let _ = fs::remove_dir_all(&whole);
        return Err(fault()(error));
    }
    let _ = atomic_file::sync_folder(beside);
    Ok(filled)
}

/// Refuses a name that anything but a folder of ours has: a page that begins like ours, and pictures
/// that are named as ours are.
pub(super) fn refuse_folder(path: &Path) -> Result<(), Error> {
    let is_ours = match at(path)? {
        None => return Ok(()),
        Some(metadata) => metadata.is_dir() && holds_ours_only(path).unwrap_or(false),
    };
    if is_ours { Ok(()) } else { Err(not_ours(path)) }
}

fn holds_ours_only(path: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        if name != INDEX && name != PICTURES {
            return Ok(false);
        }
    }
    for entry in fs::read_dir(path.join(PICTURES))? {
        let entry = entry?;
        let name = entry.file_name();
        let stem = name.to_str().and_then(|name| name.strip_suffix(".webp"));
        let digits = stem.map(|stem| stem.strip_suffix("-strip").unwrap_or(stem));
        let is_ours = digits.is_some_and(|digits| {
            digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        if !is_ours || !entry.file_type()?.is_file() {
            return Ok(false);
        }
    }
    begins_with(&path.join(INDEX), MARK.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Vec<u8> {
        format!("{MARK}0\">{text}").into_bytes()
    }

    #[test]
    fn an_earlier_report_is_replaced_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("day.html");
        let save = |path: &Path, text: &str| {
            let text = String::from_utf8(page(text)).unwrap();
            save(path, Form::Html, |sink| sink.put(&text))
        };
        save(&path, "one").unwrap();
        assert_eq!(save(&path, "two").unwrap(), page("two").len() as u64);
        assert_eq!(fs::read(&path).unwrap(), page("two"));
        let stopped = super::save(&path, Form::Html, |sink| {
            sink.put("half a page")?;
            Err(Error::Interrupted)
        });
        assert!(matches!(stopped, Err(Error::Interrupted)));
        assert_eq!(fs::read(&path).unwrap(), page("two"));
        for other in [&b"<html>of others"[..], b"", b"\0\0\0\x18ftypqt  "] {
            fs::write(&path, other).unwrap();
            let error = save(&path, "three").unwrap_err();
            assert!(matches!(error, Error::NotAReport { .. }), "{error}");
            assert_eq!(fs::read(&path).unwrap(), other);
        }
        assert!(matches!(
            save(folder.path(), ""),
            Err(Error::NotAReport { .. })
        ));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_is_there_when_it_is_whole_and_takes_the_place_of_an_earlier_one_only() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("day");
        let fill = |text: &'static str| {
            move |folder: &Path| {
                fs::write(folder.join(INDEX), page(text)).unwrap();
                let picture = folder
                    .join(PICTURES)
                    .join(format!("{}.webp", "0a".repeat(16)));
                fs::write(picture, "RIFF").unwrap();
                if text == "stopped" {
                    return Err(Error::Interrupted);
                }
                Ok(())
            }
        };
        folder(&path, fill("one")).unwrap();
        folder(&path, fill("two")).unwrap();
        assert_eq!(fs::read(path.join(INDEX)).unwrap(), page("two"));
        assert!(folder(&path, fill("stopped")).is_err());
        assert_eq!(fs::read(path.join(INDEX)).unwrap(), page("two"));
        fs::write(path.join(PICTURES).join("A001.mov"), "precious").unwrap();
        assert!(matches!(
            folder(&path, fill("three")),
            Err(Error::NotAReport { .. })
        ));
        assert_eq!(
            fs::read(path.join(PICTURES).join("A001.mov")).unwrap(),
            b"precious"
        );
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }
}
