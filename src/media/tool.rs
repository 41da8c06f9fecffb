//! Paths and versions of ffmpeg and ffprobe.

use std::env::consts::EXE_EXTENSION;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, UNIX_EPOCH};

use ffmpeg_sidecar::command::FfmpegCommand;
use ffmpeg_sidecar::ffprobe::ffprobe_path;
use ffmpeg_sidecar::paths::ffmpeg_path;

use super::probe_error::ProbeError;
use super::process::{self, ProcessLimits};
use crate::cancel::Cancel;
use crate::error::Error;

/// Time limit for a version request. A working tool responds much faster.
const VERSION_DEADLINE: Duration = Duration::from_secs(20);
/// Maximum length in bytes of the output of `-version`, which has about a kilobyte.
const MAX_OUTPUT: usize = 1024 * 1024;

/// External program, ffmpeg or ffprobe.
#[derive(Debug, Clone)]
pub struct Tool {
    /// Path or name of the executable.
    pub path: PathBuf,
    name: &'static str,
    /// Path, size and modification time of the executable: the key under which its version is
    /// cached.
    description: String,
    /// Version; `None` if a request failed, which is not repeated.
    version: Arc<OnceLock<Option<String>>>,
}

/// External programs that a scan needs.
#[derive(Debug, Clone)]
pub struct Tools {
    /// Reads headers that the built-in readers do not support.
    pub ffprobe: Tool,
    /// Decodes frames for thumbnails.
    pub ffmpeg: Tool,
}

impl Tools {
    /// Finds both tools by `BTSINDEX_FFMPEG` and `BTSINDEX_FFPROBE`, in this program's folder, or
    /// in `PATH`. `cached_version` returns the cached version for a tool's description.
    ///
    /// # Errors
    /// Returns [`Error::Tool`] if a tool cannot be run.
    pub fn find(cached_version: &dyn Fn(&str) -> Option<String>) -> Result<Self, Error> {
        Ok(Self {
            ffprobe: Tool::ffprobe(cached_version)?,
            ffmpeg: Tool::ffmpeg(cached_version)?,
        })
    }

    /// Returns true if one of the tools has this name and version. A tool that does not report its
    /// version never matches; the error is reported when the tool is used.
    #[must_use]
    pub fn has_version(&self, version: &str) -> bool {
        [&self.ffprobe, &self.ffmpeg].iter().any(|tool| {
            tool.version()
                .is_ok_and(|own_version| own_version == version)
        })
    }
}

impl Tool {
    /// Finds ffprobe.
    ///
    /// # Errors
    /// Returns [`Error::Tool`] if it cannot be run.
    pub fn ffprobe(cached_version: &dyn Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let configured = std::env::var_os("BTSINDEX_FFPROBE");
        Self::locate("ffprobe", configured, ffprobe_path(), cached_version)
    }

    /// Finds ffmpeg.
    ///
    /// # Errors
    /// Returns [`Error::Tool`] if it cannot be run.
    pub fn ffmpeg(cached_version: &dyn Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let configured = std::env::var_os("BTSINDEX_FFMPEG");
        Self::locate("ffmpeg", configured, ffmpeg_path(), cached_version)
    }

    fn locate(
        name: &'static str,
        configured: Option<OsString>,
        default: PathBuf,
        cached_version: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Error> {
        let path = configured.map_or(default, PathBuf::from);
        let description = describe(&path).map_err(|source| Error::Tool {
            tool: path.to_string_lossy().into_owned(),
            source,
        })?;
        let version =
            cached_version(&description).map_or_else(OnceLock::new, |version| Some(version).into());
        Ok(Self {
            path,
            name,
            description,
            version: Arc::new(version),
        })
    }

    /// Returns the name and version, such as `ffprobe 5.1.9-0+deb12u1`. The first call starts a
    /// process, and later calls return the stored result.
    ///
    /// # Errors
    /// Returns [`Error::Tool`] if the tool cannot be run or does not report its version.
    pub fn version(&self) -> Result<&str, Error> {
        let mut failure = None;
        let version = self.version.get_or_init(|| match self.query_version() {
            Ok(version) => Some(version),
            Err(error) => {
                failure = Some(error);
                None
            }
        });
        version.as_deref().ok_or_else(|| {
            failure.unwrap_or_else(|| Error::Tool {
                tool: self.path.to_string_lossy().into_owned(),
                source: io::Error::other("did not respond to `-version`"),
            })
        })
    }

    /// Returns the description and the version for the cache. `None` if the version was not queried
    /// or is unknown.
    #[must_use]
    pub fn cached_version(&self) -> Option<(&str, &str)> {
        Some((&self.description, self.version.get()?.as_deref()?))
    }

    fn query_version(&self) -> Result<String, Error> {
        let error = |source| Error::Tool {
            tool: self.path.to_string_lossy().into_owned(),
            source,
        };
        let mut command = FfmpegCommand::new_with_path(&self.path);
        let limits = ProcessLimits {
            deadline: VERSION_DEADLINE,
            cancel: Cancel::default(),
        };
        let output = match process::run(command.as_inner_mut().arg("-version"), MAX_OUTPUT, &limits)
        {
            Ok(output) => output,
            Err(ProbeError::Fatal(Error::Tool { source, .. })) => return Err(error(source)),
            Err(_) => return Err(error(io::Error::other("did not respond to `-version`"))),
        };
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() || !text.contains("version") {
            return Err(error(io::Error::other("did not report its version")));
        }
        // `ffprobe version 5.1.9-0+deb12u1 Copyright (c) …`
        let version = text
            .split_whitespace()
            .nth(2)
            .unwrap_or("(unknown version)");
        Ok(format!("{} {version}", self.name))
    }

    /// Returns the option that controls frame rate conversion. It is `-vsync` before version 5.1,
    /// and `-fps_mode` since; version 9 removes `-vsync`.
    ///
    /// # Errors
    /// Returns [`Error::Tool`] if the tool does not report its version.
    pub(super) fn fps_mode_option(&self) -> Result<&'static str, Error> {
        Ok(if Self::has_fps_mode(self.version()?) {
            "-fps_mode"
        } else {
            "-vsync"
        })
    }

    /// Returns true if this ffmpeg supports `-fps_mode`, which version 5.1 introduced in place of
    /// `-vsync`.
    fn has_fps_mode(version: &str) -> bool {
        let number = version.split(' ').nth(1).unwrap_or_default();
        let mut parts = number
            .split(|c: char| !c.is_ascii_digit())
            .map(str::parse::<u32>);
        match (parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (5, 1),
            (Some(Ok(major)), _) => major >= 6,
            // A version such as `N-12345-gabcdef` is a build of recent sources.
            _ => true,
        }
    }
}

/// Returns the path, size and modification time of a program. Like the system, it searches `PATH`
/// for a program without a folder.
fn describe(program: &Path) -> io::Result<String> {
    let executable = if program.components().count() > 1 {
        program.to_owned()
    } else {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&folders)
            .map(|folder| folder.join(program).with_extension(EXE_EXTENSION))
            .find(|path| path.is_file())
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?
    };
    let metadata = executable.metadata()?;
    let modified = metadata.modified()?.duration_since(UNIX_EPOCH);
    Ok(format!(
        "{} {} {}",
        executable.display(),
        metadata.len(),
        modified.map_or(0, |modified| modified.as_nanos())
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognizes_versions_with_fps_mode() {
        for (version, is_supported) in [
            ("ffmpeg 4.4.2-0ubuntu0.22.04.1", false),
            ("ffmpeg 5.0", false),
            ("ffmpeg 5.1.9-0+deb12u1", true),
            ("ffmpeg 7.1", true),
            ("ffmpeg 8", true),
            ("ffmpeg N-110000-gabc", true),
        ] {
            assert_eq!(Tool::has_fps_mode(version), is_supported, "{version}");
        }
    }
}
