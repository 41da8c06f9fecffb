//! Companion files that cameras write with a clip: proxies, thumbnails, metadata.
//!
//! They belong to their original and are not listed as clips. A proxy without an original is listed
//! as a clip.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::{NameKind, Role, kind_of_name};
use crate::xmp_owner::{Owners, is_still};

/// Returns the possible owners of XMP sidecars in a folder with these file names.
#[must_use]
pub(crate) fn xmp_owners(folder: &Path, names: &[OsString]) -> Owners {
    FolderNames::new(folder, names.iter()).owners().clone()
}

/// Function that reads the file extension of the owner from an XMP sidecar.
pub type DeclaredExtension = fn(&Path) -> Option<String>;

/// File names of one folder, for case-insensitive lookup.
pub(super) struct FolderNames<'a> {
    folder: &'a Path,
    names: HashMap<String, &'a OsStr>,
    /// All file names, as stored on disk.
    all: Vec<&'a OsStr>,
    /// Computed only if the folder contains an XMP sidecar.
    owners: OnceCell<Owners>,
    declared: Option<DeclaredExtension>,
}

/// Extensions of originals from cameras and recorders.
const ORIGINALS: &[&str] = &[
    "mp4", "mov", "mxf", "avi", "insv", "m4v", "mts", "360", "braw", "r3d", "ari", "crm", "m2ts",
    "mkv", "mpg", "wav",
];

impl<'a> FolderNames<'a> {
    /// Indexes the file names of `folder`.
    pub(super) fn new(folder: &'a Path, names: impl Iterator<Item = &'a OsString>) -> Self {
        let all: Vec<&OsStr> = names.map(OsString::as_os_str).collect();
        let names = all.iter();
        let names = names.map(|name| (name.to_string_lossy().to_lowercase(), *name));
        Self {
            folder,
            names: names.collect(),
            all,
            owners: OnceCell::new(),
            declared: None,
        }
    }

    /// Sets the function that reads the owner's extension from an XMP sidecar if the names are
    /// ambiguous.
    pub(super) fn with_declared_extension(mut self, declared: Option<DeclaredExtension>) -> Self {
        self.declared = declared;
        self
    }

    /// Returns the possible owners of XMP sidecars: photographs and media, without companions.
    pub(super) fn owners(&self) -> &Owners {
        self.owners.get_or_init(|| {
            let mut owners = Owners::default();
            for name in &self.all {
                let text = name.to_string_lossy();
                let kind = kind_of_name(&text);
                let is_media = matches!(
                    kind,
                    NameKind::Media | NameKind::Frame | NameKind::MediaOrText
                );
                if (is_media || is_still(name)) && self.original_of(&text).is_none() {
                    owners.add(name);
                }
            }
            owners
        })
    }

    /// Returns the clip that an XMP sidecar belongs to. Sidecars of single frames are ignored.
    fn owner_of(&self, sidecar: &str) -> Option<PathBuf> {
        let declared = || self.declared?(&self.folder.join(sidecar));
        let owner = self.owners().owner_of(sidecar, &declared)?;
        let is_frame = kind_of_name(&owner.to_string_lossy()) == NameKind::Frame;
        (!is_still(owner) && !is_frame).then(|| self.folder.join(owner))
    }

    /// Returns the role and the original of `name` if it is a companion and the original exists.
    pub(super) fn original_of(&self, name: &str) -> Option<(Role, PathBuf)> {
        let (stem, extension) = name.rsplit_once('.')?;
        let extension = extension.to_ascii_lowercase();
        let first_original =
            |stems: Vec<String>| stems.iter().find_map(|stem| self.original_with_stem(stem));
        match extension.as_str() {
            "lrv" => first_original(gopro_stems(stem)).map(|path| (Role::Proxy, path)),
            "lrf" => first_original(vec![stem.to_owned()]).map(|path| (Role::Proxy, path)),
            "thm" => first_original(gopro_stems(stem)).map(|path| (Role::Thumbnail, path)),
            "srt" | "vtt" | "txt" => {
                first_original(vec![stem.to_owned()]).map(|path| (Role::Sidecar, path))
            }
            "xmp" => self.owner_of(name).map(|path| (Role::Sidecar, path)),
            "xml" => {
                let stem = without_numbered_suffix(stem, 'M')?;
                first_original(vec![stem.to_owned()]).map(|path| (Role::Sidecar, path))
            }
            "mp4" => {
                let stem = without_numbered_suffix(stem, 'S')?;
                self.sony_original("sub", stem)
                    .map(|path| (Role::Proxy, path))
            }
            "jpg" => {
                let stem = without_numbered_suffix(stem, 'T')?;
                self.sony_original("thmbnl", stem)
                    .map(|path| (Role::Thumbnail, path))
            }
            _ => None,
        }
    }

    /// Finds an original with this stem in the folder.
    fn original_with_stem(&self, stem: &str) -> Option<PathBuf> {
        let stem = stem.to_lowercase();
        ORIGINALS
            .iter()
            .find_map(|extension| self.names.get(&format!("{stem}.{extension}")))
            .map(|name| self.folder.join(name))
    }

    /// Finds the original in `CLIP` for a file in `SUB` (proxies) or `THMBNL` (thumbnails) of a
    /// Sony card.
    fn sony_original(&self, own_folder: &str, stem: &str) -> Option<PathBuf> {
        let folder = self.folder.file_name()?.to_str()?;
        if !folder.eq_ignore_ascii_case(own_folder) {
            return None;
        }
        let card = self.folder.parent()?;
        ["CLIP", "Clip"].iter().find_map(|clips| {
            ["MP4", "MXF", "mp4", "mxf"]
                .iter()
                .map(|extension| card.join(clips).join(format!("{stem}.{extension}")))
                .find(|path| path.is_file())
        })
    }
}

/// Returns the possible file stems of a proxy's original. GoPro: `GL010042.LRV` for `GX010042.MP4`;
/// Insta360: `LRV_…` for `VID_…`.
fn gopro_stems(stem: &str) -> Vec<String> {
    let mut stems = vec![stem.to_owned()];
    let upper = stem.to_ascii_uppercase();
    if let Some(number) = upper.strip_prefix("GL") {
        stems.extend(["GX", "GH", "GP", "GS"].map(|prefix| format!("{prefix}{number}")));
    }
    if let Some(rest) = upper.strip_prefix("LRV_") {
        // LRV_20260502_143000_01_001 belongs to VID_20260502_143000_00_001.
        stems.push(format!("VID_{rest}"));
        stems.push(format!("VID_{}", rest.replacen("_01_", "_00_", 1)));
        stems.push(format!("VID_{}", rest.replacen("_11_", "_10_", 1)));
    }
    stems
}

/// Removes the suffix of a companion: `M01` from `C0001M01`, `S03` from `C0001S03`.
fn without_numbered_suffix(stem: &str, letter: char) -> Option<&str> {
    let at = stem.len().checked_sub(3)?;
    let (rest, tail) = stem.split_at_checked(at)?;
    let digits = tail.strip_prefix([letter, letter.to_ascii_lowercase()])?;
    (!rest.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn companions_find_their_originals() {
        let names: Vec<OsString> = [
            "GX010042.MP4",
            "GL010042.LRV",
            "GX010042.THM",
            "DJI_0042.MP4",
            "DJI_0042.SRT",
            "C0001.MP4",
            "C0001M01.XML",
            "MVI_0001.MOV",
            "mvi_0001.thm",
            "VID_20260502_143000_00_001.insv",
            "LRV_20260502_143000_01_001.lrv",
            "ZOOM0001.WAV",
            "IMG_0001.HEIC",
            "IMG_0001.MOV",
        ]
        .map(OsString::from)
        .to_vec();
        let folder = Path::new("/card");
        let names_in_folder = FolderNames::new(folder, names.iter());
        for (name, role, original) in [
            ("GL010042.LRV", Role::Proxy, "GX010042.MP4"),
            ("GX010042.THM", Role::Thumbnail, "GX010042.MP4"),
            ("DJI_0042.SRT", Role::Sidecar, "DJI_0042.MP4"),
            ("C0001M01.XML", Role::Sidecar, "C0001.MP4"),
            ("mvi_0001.thm", Role::Thumbnail, "MVI_0001.MOV"),
            ("C0001.xmp", Role::Sidecar, "C0001.MP4"),
            ("c0001.mp4.XMP", Role::Sidecar, "C0001.MP4"),
            ("ZOOM0001.xmp", Role::Sidecar, "ZOOM0001.WAV"),
            ("C0001.vtt", Role::Sidecar, "C0001.MP4"),
            ("C0001.txt", Role::Sidecar, "C0001.MP4"),
            ("MVI_0001.xmp", Role::Sidecar, "MVI_0001.MOV"),
            (
                "LRV_20260502_143000_01_001.lrv",
                Role::Proxy,
                "VID_20260502_143000_00_001.insv",
            ),
        ] {
            assert_eq!(
                names_in_folder.original_of(name),
                Some((role, folder.join(original))),
                "{name}"
            );
        }
        for name in [
            // Belongs to the photograph with that stem, not to the video.
            "IMG_0001.xmp",
            "GL010099.LRV",
            "C0001.MP4",
            "notes.xml",
            "notes.txt",
            "C0002.xmp",
            "C0001M01.XML.xmp",
            "M01.xml",
            "DJI_0042.MP4",
        ] {
            assert_eq!(names_in_folder.original_of(name), None, "{name}");
        }
    }
}
