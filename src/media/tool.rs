//! ffmpeg and ffprobe: where they are, which version.

use std::env::consts::EXE_EXTENSION;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, UNIX_EPOCH};

use ffmpeg_sidecar::command::FfmpegCommand;
use ffmpeg_sidecar::ffprobe::ffprobe_path;
use ffmpeg_sidecar::paths::ffmpeg_path;

use super::Unread;
use super::process::{self, Cancel, Limits};
use crate::error::Error;

/// A tool that is whole says its version in much less.
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);
/// `-version` prints about a kilobyte.
const MOST_OUTPUT: usize = 1024 * 1024;

/// One program.
#[derive(Debug, Clone)]
pub struct Tool {
    /// What is run.
    pub path: PathBuf,
    name: &'static str,
    /// The file that runs, its size and age: while these are the same, so is the version.
    description: String,
    /// `None`: it does not answer, and is not asked again.
    version: Arc<OnceLock<Option<String>>>,
}

/// The programs a scan needs.
#[derive(Debug, Clone)]
pub struct Tools {
    /// Reads headers.
    pub ffprobe: Tool,
    /// Decodes pictures.
    pub ffmpeg: Tool,
}

impl Tools {
    /// Finds both: `BTSINDEX_FFMPEG` and `BTSINDEX_FFPROBE`, beside this program, or on the
    /// path. A tool whose description has a `known` version is not asked.
    ///
    /// # Errors
    /// [`Error::Tool`] when one cannot be run.
    pub fn find(known: &dyn Fn(&str) -> Option<String>) -> Result<Self, Error> {
        Ok(Self {
            ffprobe: Tool::ffprobe(known)?,
            ffmpeg: Tool::ffmpeg(known)?,
        })
    }

    /// Whether one of them is of that name and version. One that does not answer is of none:
    /// that shows when it is used.
    #[must_use]
    pub fn have(&self, version: &str) -> bool {
        [&self.ffprobe, &self.ffmpeg]
            .iter()
            .any(|tool| tool.version().is_ok_and(|own| own == version))
    }
}

impl Tool {
    /// Finds ffprobe.
    ///
    /// # Errors
    /// [`Error::Tool`] when it cannot be run.
    pub fn ffprobe(known: &dyn Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let chosen = std::env::var_os("BTSINDEX_FFPROBE");
        Self::at("ffprobe", chosen, ffprobe_path(), known)
    }

    /// Finds ffmpeg.
    ///
    /// # Errors
    /// [`Error::Tool`] when it cannot be run.
    pub fn ffmpeg(known: &dyn Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let chosen = std::env::var_os("BTSINDEX_FFMPEG");
        Self::at("ffmpeg", chosen, ffmpeg_path(), known)
    }

    fn at(
        name: &'static str,
        chosen: Option<OsString>,
        found: PathBuf,
        known: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Error> {
        let path = chosen.map_or(found, PathBuf::from);
        let description = describe(&path).map_err(|source| Error::Tool {
            tool: path.to_string_lossy().into_owned(),
            source,
        })?;
        let version =
            known(&description).map_or_else(OnceLock::new, |version| Some(version).into());
        Ok(Self {
            path,
            name,
            description,
            version: Arc::new(version),
        })
    }

    /// Its name and version, `ffprobe 5.1.9-0+deb12u1`. Asking costs a process, so a tool is
    /// asked once, when somebody wants to know.
    ///
    /// # Errors
    /// [`Error::Tool`] when it cannot be run or does not answer.
    pub fn version(&self) -> Result<&str, Error> {
        let mut fault = None;
        let version = self.version.get_or_init(|| match self.ask() {
            Ok(version) => Some(version),
            Err(error) => {
                fault = Some(error);
                None
            }
        });
        version.as_deref().ok_or_else(|| {
            fault.unwrap_or_else(|| Error::Tool {
                tool: self.path.to_string_lossy().into_owned(),
                source: io::Error::other("it does not answer to `-version`"),
            })
        })
    }

    /// What this tool is known by, and its version where that was asked or known.
    #[must_use]
    pub fn known(&self) -> Option<(&str, &str)> {
        Some((&self.description, self.version.get()?.as_deref()?))
    }

    fn ask(&self) -> Result<String, Error> {
        let fault = |source| Error::Tool {
            tool: self.path.to_string_lossy().into_owned(),
            source,
        };
        let mut command = FfmpegCommand::new_with_path(&self.path);
        let limits = Limits {
            deadline: ANSWERS_WITHIN,
            cancel: Cancel::default(),
        };
        let output =
            match process::run(command.as_inner_mut().arg("-version"), MOST_OUTPUT, &limits) {
                Ok(output) => output,
                Err(Unread::Fatal(Error::Tool { source, .. })) => return Err(fault(source)),
                Err(_) => return Err(fault(io::Error::other("it does not answer to `-version`"))),
            };
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() || !text.contains("version") {
            return Err(fault(io::Error::other("it does not tell its version")));
        }
        // `ffprobe version 5.1.9-0+deb12u1 Copyright (c) …`
        let version = text
            .split_whitespace()
            .nth(2)
            .unwrap_or("of unknown version");
        Ok(format!("{} {version}", self.name))
    }

    /// The option that hands frames on as they are: `-vsync` before 5.1, gone in 9.
    ///
    /// # Errors
    /// [`Error::Tool`] when it does not tell its version.
    pub(super) fn passthrough(&self) -> Result<&'static str, Error> {
        Ok(if Self::has_fps_mode(self.version()?) {
            "-fps_mode"
        } else {
            "-vsync"
        })
    }

    /// Whether this ffmpeg knows `-fps_mode`, as all do since 5.1; `-vsync` was its name before.
    fn has_fps_mode(version: &str) -> bool {
        let number = version.split(' ').nth(1).unwrap_or_default();
        let mut parts = number
            .split(|c: char| !c.is_ascii_digit())
            .map(str::parse::<u32>);
        match (parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (5, 1),
            (Some(Ok(major)), _) => major >= 6,
            // `N-12345-gabcdef`: built from recent sources.
            _ => true,
        }
    }
}

/// Path, size and age of a program, found on the path as the system would.
fn describe(program: &Path) -> io::Result<String> {
    let found = if program.components().count() > 1 {
        program.to_owned()
    } else {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&folders)
            .map(|folder| folder.join(program).with_extension(EXE_EXTENSION))
            .find(|path| path.is_file())
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?
    };
    let metadata = found.metadata()?;
    let age = metadata.modified()?.duration_since(UNIX_EPOCH);
    Ok(format!(
        "{} {} {}",
        found.display(),
        metadata.len(),
        age.map_or(0, |age| age.as_nanos())
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_tell_what_a_tool_knows() {
        for (version, knows) in [
            ("ffmpeg 4.4.2-0ubuntu0.22.04.1", false),
            ("ffmpeg 5.0", false),
            ("ffmpeg 5.1.9-0+deb12u1", true),
            ("ffmpeg 7.1", true),
            ("ffmpeg 8", true),
            ("ffmpeg N-110000-gabc", true),
        ] {
            assert_eq!(Tool::has_fps_mode(version), knows, "{version}");
        }
    }
}
