//! Opening a clip's file as the desktop would: in its default player, or shown in the file
//! manager. Programs get argument vectors, never a line for a shell.

use std::io;
use std::path::Path;
#[cfg(not(windows))]
use std::process::{Command, Stdio};

use crate::clip::{Clip, FileState};
use crate::error::Error;

/// The file of a clip that can be opened now: the best of those that are there.
///
/// # Errors
/// [`Error::Offline`] when a drive has to be mounted first, [`Error::MissingClip`] when no file is left.
pub fn file_at_hand(clip: &Clip) -> Result<&Path, Error> {
    let there = clip
        .files
        .iter()
        .find(|copy| copy.is_mounted && copy.state != FileState::Missing && copy.path.exists());
    if let Some(copy) = there {
        return Ok(&copy.path);
    }
    let name = clip.shown_name();
    let is_away = |state, is_mounted: bool| !is_mounted && state != FileState::Missing;
    let mut away = clip
        .files
        .iter()
        .filter(|copy| is_away(copy.state, copy.is_mounted))
        .peekable();
    match away.peek() {
        Some(best) => {
            let path = best.path.clone();
            let mut volumes: Vec<String> = away.map(|copy| copy.volume.clone()).collect();
            volumes.dedup();
            Err(Error::Offline {
                name,
                volumes,
                path,
            })
        }
        None => Err(Error::MissingClip {
            name,
            path: clip
                .files
                .first()
                .map(|copy| copy.path.clone())
                .unwrap_or_default(),
        }),
    }
}

/// Opens a file in its default program, which outlives this one.
///
/// # Errors
/// [`Error::Desktop`] when no program could be started, or it ended with a failure at once.
pub fn open(path: &Path) -> Result<(), Error> {
    open::that_detached(path).map_err(failed(path))
}

/// Shows a file in the file manager: selected in its folder, or only the folder where the
/// desktop cannot do that.
///
/// # Errors
/// [`Error::Desktop`], as [`open()`].
pub fn reveal(path: &Path) -> Result<(), Error> {
    if select(path) {
        return Ok(());
    }
    open::that_detached(path.parent().unwrap_or(path)).map_err(failed(path))
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| {
        // It is the program that is not there, not the file.
        let source = match source.kind() {
            io::ErrorKind::NotFound => {
                io::Error::other("this desktop has no program that opens files (`xdg-open`)")
            }
            _ => source,
        };
        Error::Desktop { path, source }
    }
}

/// Has the file manager select a file; `false` when there is none that does.
#[cfg(target_os = "macos")]
fn select(path: &Path) -> bool {
    quietly(Command::new("/usr/bin/open").arg("-R").arg(path))
}

/// The file manager is told as the desktop's own programs tell it:
/// <https://www.freedesktop.org/wiki/Specifications/file-manager-interface/>.
#[cfg(all(unix, not(target_os = "macos")))]
fn select(path: &Path) -> bool {
    let mut send = Command::new("dbus-send");
    send.args([
        "--session",
        "--print-reply",
        "--reply-timeout=2000",
        "--dest=org.freedesktop.FileManager1",
        "/org/freedesktop/FileManager1",
        "org.freedesktop.FileManager1.ShowItems",
    ]);
    send.arg(format!("array:string:{}", file_uri(path)))
        .arg("string:");
    quietly(&mut send)
}

/// Explorer wants quotes around the path alone; no path on Windows holds a quote.
#[cfg(windows)]
fn select(path: &Path) -> bool {
    use std::os::windows::process::CommandExt;
    let mut argument = std::ffi::OsString::from("/select,\"");
    argument.push(path);
    argument.push("\"");
    // Its exit code says nothing.
    std::process::Command::new("explorer.exe")
        .raw_arg(argument)
        .spawn()
        .is_ok()
}

#[cfg(not(windows))]
fn quietly(command: &mut Command) -> bool {
    let quiet = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// RFC 8089; everything but letters, digits and `/-._~` as `%XX`, so that a comma, which ends
/// an item for `dbus-send`, does not.
#[cfg(all(unix, not(target_os = "macos")))]
fn file_uri(path: &Path) -> String {
    use std::fmt::Write;
    let mut uri = "file://".to_owned();
    for byte in crate::value::to_bytes(path.as_os_str()) {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::{Fact, FileCopy, Source};
    use std::path::PathBuf;

    fn copy(volume: &str, path: &Path, is_mounted: bool, state: FileState) -> FileCopy {
        FileCopy {
            volume: volume.to_owned(),
            volume_number: 1,
            is_mounted,
            path: path.to_owned(),
            inside: PathBuf::new(),
            bytes: 1,
            modified: 0,
            frames: None,
            state,
            companions: Vec::new(),
        }
    }

    fn clip(files: Vec<FileCopy>) -> Clip {
        Clip {
            name: Some(Fact::new("C0001.MP4".to_owned(), Source::DISK)),
            files,
            ..Clip::default()
        }
    }

    #[test]
    fn the_best_file_that_is_there_is_opened_and_else_it_is_said_why_none_is() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("C0001.MP4");
        std::fs::write(&there, "x").unwrap();
        let gone = folder.path().join("C0002.MP4");
        let away = Path::new("/Volumes/SHELF-07/C0001.MP4");

        let several = clip(vec![
            copy("RAID-A", &gone, true, FileState::Present),
            copy("SHELF-07", away, false, FileState::Present),
            copy("RAID-A", &there, true, FileState::Unreadable),
        ]);
        assert_eq!(file_at_hand(&several).unwrap(), there);

        let offline = clip(vec![
            copy("SHELF-07", away, false, FileState::Present),
            copy("SHELF-08", away, false, FileState::Present),
            copy("SHELF-09", away, false, FileState::Missing),
        ]);
        let error = file_at_hand(&offline).unwrap_err();
        assert_eq!(
            error.to_string(),
            "C0001.MP4 is on `SHELF-07` and `SHELF-08`, not mounted now"
        );
        assert!(
            error
                .hint()
                .unwrap()
                .contains("/Volumes/SHELF-07/C0001.MP4")
        );

        let missing = clip(vec![copy("RAID-A", &gone, true, FileState::Missing)]);
        assert!(matches!(
            file_at_hand(&missing),
            Err(Error::MissingClip { .. })
        ));
        assert!(matches!(
            file_at_hand(&clip(Vec::new())),
            Err(Error::MissingClip { .. })
        ));
    }

    #[cfg(all(unix, not(target_os = "macos")))]
    #[test]
    fn a_path_is_one_item_whatever_is_in_it() {
        assert_eq!(
            file_uri(Path::new("/a b/Été,1%.mov")),
            "file:///a%20b/%C3%89t%C3%A9%2C1%25.mov"
        );
    }
}
