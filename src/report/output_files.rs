//! Output of a report: a file, or a folder that also contains the pictures. The output is written
//! completely or not at all. It replaces an earlier report, but never another file of the same
//! name.

use std::fs::{self, File, Metadata};
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::Path;

use super::format::{PAGE_PREFIX, ReportFormat};
use super::pictures::PICTURES;
use super::sink::Sink;
use crate::atomic_file;
use crate::error::Error;

/// Maximum number of clips in a single file.
pub(super) const MAX_IN_ONE_FILE: usize = 2000;
/// Name of the page in a report folder.
pub(super) const INDEX: &str = "index.html";

/// Writes a file or replaces an earlier report of the same format. Returns its size in bytes. If
/// `write` fails, an existing file is left unchanged.
///
/// # Errors
/// [`Error::NotAReport`] if another file has this name, [`Error::NoOutputFolder`] if the parent
/// folder does not exist, [`Error::Path`] for system errors, and the errors of `write`.
pub fn save(
    path: &Path,
    form: ReportFormat,
    write: impl FnOnce(&mut Sink<'_>) -> Result<(), Error>,
) -> Result<u64, Error> {
    let before = existing_report(path, form)?;
    let mut outcome = Ok(0);
    let fill = |file: &mut File| {
        outcome = fill_file(file, path, write);
        match &outcome {
            Ok(_) => Ok(()),
            Err(_) => Err(io::Error::other("not written")),
        }
    };
    let published = match before {
        None => atomic_file::create_with(path, fill),
        Some(metadata) => atomic_file::replace_with(path, &metadata, fill),
    };
    let bytes = outcome?;
    published.map_err(Error::path(path))?;
    Ok(bytes)
}

/// Writes the content of a file and returns its size in bytes.
pub(super) fn fill_file(
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

/// Returns the metadata of an earlier report, or `None` if the path does not exist. Refuses any
/// other file.
///
/// # Errors
/// See [`save`].
pub(super) fn existing_report(path: &Path, form: ReportFormat) -> Result<Option<Metadata>, Error> {
    match existing_metadata(path)? {
        None => Ok(None),
        Some(metadata) => {
            let is_report = match form.prefix() {
                Some(prefix) if metadata.is_file() => {
                    starts_with(path, prefix).map_err(Error::path(path))?
                }
                _ => false,
            };
            is_report
                .then_some(Some(metadata))
                .ok_or_else(|| not_a_report(path))
        }
    }
}

/// Returns the metadata of a path, or `None` if it does not exist. Refuses a path whose parent
/// folder does not exist.
fn existing_metadata(path: &Path) -> Result<Option<Metadata>, Error> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::path(path)(error)),
        Err(_) if parent_folder(path).is_dir() => Ok(None),
        Err(_) => Err(Error::NoOutputFolder {
            path: path.to_owned(),
        }),
    }
}

/// Returns the parent folder of a path.
fn parent_folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

fn not_a_report(path: &Path) -> Error {
    Error::NotAReport {
        path: path.to_owned(),
    }
}

fn starts_with(path: &Path, prefix: &[u8]) -> io::Result<bool> {
    let mut begin = Vec::new();
    File::open(path)?
        .take(prefix.len() as u64)
        .read_to_end(&mut begin)?;
    Ok(begin == prefix)
}

/// Creates a folder under a temporary name in the target's parent, and renames it after `fill` has
/// written its content. Replaces an earlier report of that name. Returns the result of `fill`.
///
/// # Errors
/// [`Error::NotAReport`] if another file or folder has this name, [`Error::NoOutputFolder`] if the
/// parent folder does not exist, [`Error::Path`] for system errors, and the errors of
/// `fill`. An error leaves nothing behind.
pub(super) fn save_folder<T>(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<T, Error>,
) -> Result<T, Error> {
    let path_error = || Error::path(path);
    check_replaceable_folder(path)?;
    let parent_folder = parent_folder(path);
    let mut builder = tempfile::Builder::new();
    builder.prefix(".btsindex-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Readable by all users, because the recipient of a removable disk has a different user id.
        builder.permissions(fs::Permissions::from_mode(0o777));
    }
    let folder = builder.tempdir_in(parent_folder).map_err(path_error())?;
    fs::create_dir(folder.path().join(PICTURES)).map_err(path_error())?;
    let result = fill(folder.path())?;
    check_replaceable_folder(path)?;
    let previous = builder.tempdir_in(parent_folder).map_err(path_error())?;
    let previous_path = previous.path().join("previous");
    let has_previous = match fs::rename(path, &previous_path) {
        Ok(()) => true,
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => return Err(path_error()(error)),
    };
    let complete_folder = folder.keep();
    if let Err(error) = fs::rename(&complete_folder, path) {
        if has_previous {
            // Restores the earlier report. If that fails too, the first error is more useful.
            let _ = fs::rename(&previous_path, path);
        }
        let _ = fs::remove_dir_all(&complete_folder);
        return Err(path_error()(error));
    }
    let _ = atomic_file::sync_folder(parent_folder);
    Ok(result)
}

/// Refuses a path unless it does not exist or is the folder of an earlier report. Such a folder
/// contains only a page that starts with the prefix, and pictures named like those of a report.
pub(super) fn check_replaceable_folder(path: &Path) -> Result<(), Error> {
    let is_report = match existing_metadata(path)? {
        None => return Ok(()),
        Some(metadata) => metadata.is_dir() && contains_only_report_files(path).unwrap_or(false),
    };
    if is_report {
        Ok(())
    } else {
        Err(not_a_report(path))
    }
}

fn contains_only_report_files(path: &Path) -> io::Result<bool> {
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
        let is_report = digits.is_some_and(|digits| {
            digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        if !is_report || !entry.file_type()?.is_file() {
            return Ok(false);
        }
    }
    starts_with(&path.join(INDEX), PAGE_PREFIX.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Vec<u8> {
        format!("{PAGE_PREFIX}0\">{text}").into_bytes()
    }

    #[test]
    fn only_an_earlier_report_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("day.html");
        let save = |path: &Path, text: &str| {
            let text = String::from_utf8(page(text)).unwrap();
            save(path, ReportFormat::Page, |sink| sink.put(&text))
        };
        save(&path, "one").unwrap();
        assert_eq!(save(&path, "two").unwrap(), page("two").len() as u64);
        assert_eq!(fs::read(&path).unwrap(), page("two"));
        let stopped = super::save(&path, ReportFormat::Page, |sink| {
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
    fn a_folder_appears_when_complete_and_replaces_only_an_earlier_report() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("day");
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
        save_folder(&path, fill("one")).unwrap();
        save_folder(&path, fill("two")).unwrap();
        assert_eq!(fs::read(path.join(INDEX)).unwrap(), page("two"));
        assert!(save_folder(&path, fill("stopped")).is_err());
        assert_eq!(fs::read(path.join(INDEX)).unwrap(), page("two"));
        fs::write(path.join(PICTURES).join("A001.mov"), "precious").unwrap();
        assert!(matches!(
            save_folder(&path, fill("three")),
            Err(Error::NotAReport { .. })
        ));
        assert_eq!(
            fs::read(path.join(PICTURES).join("A001.mov")).unwrap(),
            b"precious"
        );
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    }
}
