//! Files that cameras write beside a shot: proxies, thumbnails, metadata.
//!
//! They belong to their original and never show as shots of their own. A proxy
//! whose original is not there is all that is left of a shot, so it stays one.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::{Named, Role, named};
use crate::xmp_owner::{Owners, is_still};

/// Returns what XMP sidecars in a folder with these names may belong to.
#[must_use]
pub(crate) fn xmp_owners(folder: &Path, names: &[OsString]) -> Owners {
    Neighbours::new(folder, names.iter()).owners().clone()
}

/// Reads which extension an XMP sidecar says that it is for.
pub type DeclaredExtension = fn(&Path) -> Option<String>;

/// The names in one folder, found whatever their case.
pub(super) struct Neighbours<'a> {
    folder: &'a Path,
    names: HashMap<String, &'a OsStr>,
    /// All of them, and what XMP sidecars among them belong to: looked at where there is one.
    all: Vec<&'a OsStr>,
    owners: OnceCell<Owners>,
    declared: Option<DeclaredExtension>,
}

/// What a camera's or a recorder's original can be called.
const ORIGINALS: &[&str] = &[
    "mp4", "mov", "mxf", "avi", "insv", "m4v", "mts", "360", "braw", "r3d", "ari", "crm", "m2ts",
    "mkv", "mpg", "wav",
];

impl<'a> Neighbours<'a> {
    /// The names of `folder`.
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

    /// Where names do not tell whose an XMP sidecar is, has it say so itself.
    pub(super) fn declaring(mut self, declared: Option<DeclaredExtension>) -> Self {
        self.declared = declared;
        self
    }

    /// Returns what XMP sidecars in this folder may belong to: photographs, and media but for their companions.
    pub(super) fn owners(&self) -> &Owners {
        self.owners.get_or_init(|| {
            let mut owners = Owners::default();
            for name in &self.all {
                let text = name.to_string_lossy();
                let kind = named(&text);
                let is_media = matches!(kind, Named::Media | Named::Frame | Named::MediaOrText);
                if (is_media || is_still(name)) && self.original_of(&text).is_none() {
                    owners.add(name);
                }
            }
            owners
        })
    }

    /// The footage that an XMP sidecar belongs to. A single frame has none of its own here.
    fn owner_of(&self, sidecar: &str) -> Option<PathBuf> {
        let declared = || self.declared?(&self.folder.join(sidecar));
        let owner = self.owners().owner_of(sidecar, &declared)?;
        let is_frame = named(&owner.to_string_lossy()) == Named::Frame;
        (!is_still(owner) && !is_frame).then(|| self.folder.join(owner))
    }

    /// What `name` is to which original, if it is a companion and the original is there.
    pub(super) fn original_of(&self, name: &str) -> Option<(Role, PathBuf)> {
        let (stem, extension) = name.rsplit_once('.')?;
        let extension = extension.to_ascii_lowercase();
        let here = |stems: Vec<String>| stems.iter().find_map(|stem| self.here(stem));
        match extension.as_str() {
            "lrv" => here(gopro_stems(stem)).map(|path| (Role::Proxy, path)),
            "lrf" => here(vec![stem.to_owned()]).map(|path| (Role::Proxy, path)),
            "thm" => here(gopro_stems(stem)).map(|path| (Role::Thumbnail, path)),
            "srt" | "vtt" | "txt" => here(vec![stem.to_owned()]).map(|path| (Role::Sidecar, path)),
            "xmp" => self.owner_of(name).map(|path| (Role::Sidecar, path)),
            "xml" => {
                let stem = without_number(stem, 'M')?;
                here(vec![stem.to_owned()]).map(|path| (Role::Sidecar, path))
            }
            "mp4" => {
                let stem = without_number(stem, 'S')?;
                self.beside("sub", stem).map(|path| (Role::Proxy, path))
            }
            "jpg" => {
                let stem = without_number(stem, 'T')?;
                self.beside("thmbnl", stem)
                    .map(|path| (Role::Thumbnail, path))
            }
            _ => None,
        }
    }

    /// An original called `stem` in this folder.
    fn here(&self, stem: &str) -> Option<PathBuf> {
        let stem = stem.to_lowercase();
        ORIGINALS
            .iter()
            .find_map(|extension| self.names.get(&format!("{stem}.{extension}")))
            .map(|name| self.folder.join(name))
    }

    /// Sony cards keep originals in `CLIP`, proxies in `SUB`, thumbnails in `THMBNL`.
    fn beside(&self, own_folder: &str, stem: &str) -> Option<PathBuf> {
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

/// GoPro names proxies `GL010042.LRV` for `GX010042.MP4`; Insta360 `LRV_…` for `VID_…`.
fn gopro_stems(stem: &str) -> Vec<String> {
    let mut stems = vec![stem.to_owned()];
    let upper = stem.to_ascii_uppercase();
    if let Some(number) = upper.strip_prefix("GL") {
        stems.extend(["GX", "GH", "GP", "GS"].map(|prefix| format!("{prefix}{number}")));
    }
    if let Some(rest) = upper.strip_prefix("LRV_") {
        // LRV_20260502_143000_01_001 goes with VID_20260502_143000_00_001.
        stems.push(format!("VID_{rest}"));
        stems.push(format!("VID_{}", rest.replacen("_01_", "_00_", 1)));
        stems.push(format!("VID_{}", rest.replacen("_11_", "_10_", 1)));
    }
    stems
}

/// `C0001M01` without `M01`, `C0001S03` without `S03`.
fn without_number(stem: &str, letter: char) -> Option<&str> {
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
        let neighbours = Neighbours::new(folder, names.iter());
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
                neighbours.original_of(name),
                Some((role, folder.join(original))),
                "{name}"
            );
        }
        for name in [
            // The video of the same stem is not meant.
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
            assert_eq!(neighbours.original_of(name), None, "{name}");
        }
    }
}
