//! Paths in manifests: relative to the history's folder, with `/` on every system.

use std::ffi::OsStr;
use std::path::{Component, Path};

use super::xml::is_xml;

/// Returns true if a manifest can represent a file name: it must be UTF-8 without characters that
/// XML 1.0 excludes (controls except tab and line ends, U+FFFE, U+FFFF).
///
/// Line ends are written as character references, which the reference implementation reads
/// correctly. When it writes such a name itself, it replaces line ends, U+0085, U+2028 and U+2029
/// with blanks.
#[must_use]
pub fn can_represent(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.chars().all(is_xml))
}

/// Converts a path below a history's folder to the form used in manifests; `None` if they cannot
/// represent it.
#[must_use]
pub fn manifest_path(inside: &Path) -> Option<String> {
    let parts = inside
        .iter()
        .map(|part| part.to_str().filter(|_| can_represent(part)));
    let parts: Vec<&str> = parts.collect::<Option<_>>()?;
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// Returns the reason why a path is not a valid path below a history's folder; `None` if it is
/// valid.
pub(super) fn path_error(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("an empty path");
    }
    let mut parts = path.split('/');
    if !parts.all(|part| !matches!(part, "" | "." | "..")) {
        return Some("not a plain relative path");
    }
    // On Windows, a path with `\` or `C:` could also lead out of the folder.
    let is_below = Path::new(path)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    (!is_below).then_some("a path outside the folder")
}
