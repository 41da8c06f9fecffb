//! Opens a clip's file in its default program, or shows it in the file manager. Programs are
//! started with argument vectors, never through a shell.

use std::io;
use std::path::Path;
#[cfg(not(windows))]
use std::process::{Command, Stdio};

use crate::clip::{Clip, FileState};
use crate::error::Error;

/// Returns the best available file of a clip.
///
/// # Errors
/// [`Error::Offline`] if a volume must be mounted first, [`Error::MissingClip`] if all files are
/// missing.
pub fn available_file(clip: &Clip) -> Result<&Path, Error> {
    let available = clip
        .files
        .iter()
        .find(|copy| copy.is_mounted && copy.state != FileState::Missing && copy.path.exists());
    if let Some(copy) = available {
        return Ok(&copy.path);
    }
    let name = clip.shown_name();
    let mut offline = clip
        .files
        .iter()
        .filter(|copy| !copy.is_mounted && copy.state != FileState::Missing)
        .peekable();
    match offline.peek() {
        Some(best) => {
            let path = best.path.clone();
            let mut volumes: Vec<String> = offline.map(|copy| copy.volume.clone()).collect();
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

/// Opens a file in its default program, which continues to run after this one exits.
///
/// # Errors
/// [`Error::Desktop`] if no program could be started, or if it failed immediately.
pub fn open(path: &Path) -> Result<(), Error> {
    open::that_detached(path).map_err(desktop_error(path))
}

/// Shows a file in the file manager, selected in its folder. Opens only the folder if the desktop
/// cannot select files.
///
/// # Errors
/// [`Error::Desktop`], as for [`open()`].
pub fn reveal(path: &Path) -> Result<(), Error> {
    if select(path) {
        return Ok(());
    }
    open::that_detached(path.parent().unwrap_or(path)).map_err(desktop_error(path))
}

fn desktop_error(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| {
        // `NotFound` means that the program is missing, not the clip.
        let source = match source.kind() {
            io::ErrorKind::NotFound => {
                io::Error::other("this desktop has no program that opens files (`xdg-open`)")
            }
            _ => source,
        };
        Error::Desktop { path, source }
    }
}

/// Selects a file in the file manager. Returns false if that is not possible.
#[cfg(target_os = "macos")]
fn select(path: &Path) -> bool {
    run_quietly(Command::new("/usr/bin/open").arg("-R").arg(path))
}

/// Selects a file through the D-Bus interface of file managers:
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
    run_quietly(&mut send)
}

/// Selects a file in Explorer, which expects quotes around the path only. Windows paths cannot
/// contain quotes.
#[cfg(windows)]
fn select(path: &Path) -> bool {
    use std::os::windows::process::CommandExt;
    let mut argument = std::ffi::OsString::from("/select,\"");
    argument.push(path);
    argument.push("\"");
    // The exit code of Explorer is meaningless.
    std::process::Command::new("explorer.exe")
        .raw_arg(argument)
        .spawn()
        .is_ok()
}

#[cfg(not(windows))]
fn run_quietly(command: &mut Command) -> bool {
    let quiet = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Converts a path to a file URI (RFC 8089). Everything except letters, digits and `/-._~` is
/// escaped as `%XX`, including commas, which separate items for `dbus-send`.
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
    fn returns_the_best_available_file_or_the_reason_for_none() {
        let folder = tempfile::tempdir().unwrap();
        let present = folder.path().join("C0001.MP4");
        std::fs::write(&present, "x").unwrap();
        let missing_path = folder.path().join("C0002.MP4");
        let away = Path::new("/Volumes/SHELF-07/C0001.MP4");

        let several = clip(vec![
            copy("RAID-A", &missing_path, true, FileState::Present),
            copy("SHELF-07", away, false, FileState::Present),
            copy("RAID-A", &present, true, FileState::Unreadable),
        ]);
        assert_eq!(available_file(&several).unwrap(), present);

        let offline = clip(vec![
            copy("SHELF-07", away, false, FileState::Present),
            copy("SHELF-08", away, false, FileState::Present),
            copy("SHELF-09", away, false, FileState::Missing),
        ]);
        let error = available_file(&offline).unwrap_err();
        assert_eq!(
            error.to_string(),
            "C0001.MP4 is on `SHELF-07` and `SHELF-08` (not mounted)"
        );
        assert!(
            error
                .hint()
                .unwrap()
                .contains("/Volumes/SHELF-07/C0001.MP4")
        );

        let missing = clip(vec![copy(
            "RAID-A",
            &missing_path,
            true,
            FileState::Missing,
        )]);
        assert!(matches!(
            available_file(&missing),
            Err(Error::MissingClip { .. })
        ));
        assert!(matches!(
            available_file(&clip(Vec::new())),
            Err(Error::MissingClip { .. })
        ));
    }

    #[cfg(all(unix, not(target_os = "macos")))]
    #[test]
    fn escapes_all_special_characters_of_a_path() {
        assert_eq!(
            file_uri(Path::new("/a b/Été,1%.mov")),
            "file:///a%20b/%C3%89t%C3%A9%2C1%25.mov"
        );
    }
}
