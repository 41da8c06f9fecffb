//! Assignment of XMP sidecars to media files. `IMG_0001.xmp` may belong to `IMG_0001.MOV` or to the
//! photo `IMG_0001.HEIC`. All code that reads or writes sidecars uses this module, so that the
//! values of one file never end up in the sidecar of another.
//!
//! `IMG_0001.MOV.xmp` belongs to `IMG_0001.MOV`. `IMG_0001.xmp` belongs to the only file with that
//! stem, or to the one that its `photoshop:SidecarForExtension` declares. Without a declaration, it
//! belongs to the photo with that stem. If there is no photo, it belongs to the only video, even if
//! a sound file or proxy has the same stem. If there are several videos, the owner is unknown.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};

/// Extensions of photos for which programs write XMP sidecars.
const STILLS: [&str; 42] = [
    "3fr", "arw", "avif", "bmp", "cr2", "cr3", "crw", "dcr", "dng", "erf", "fff", "gif", "gpr",
    "heic", "heif", "hif", "iiq", "insp", "jp2", "jpe", "jpeg", "jpg", "jxl", "kdc", "mef", "mos",
    "mrw", "nef", "nrw", "orf", "pef", "png", "psd", "raf", "raw", "rw2", "rwl", "sr2", "srf",
    "srw", "tif", "tiff",
];

/// Files of one folder that may own a sidecar, by lower-case stem.
#[derive(Debug, Clone, Default)]
pub(crate) struct Owners(HashMap<String, Vec<OsString>>);

impl Owners {
    /// Adds a file if it is not in the list yet.
    pub(crate) fn add(&mut self, name: &OsStr) {
        if let Some((stem, _)) = split_extension(&name.to_string_lossy()) {
            let files = self.0.entry(stem.to_lowercase()).or_default();
            if !files.iter().any(|existing| existing == name) {
                files.push(name.to_owned());
            }
        }
    }

    /// Returns the owner of a sidecar; `None` if there is no candidate or several remain. Calls
    /// `declared`, which reads the sidecar's `SidecarForExtension`, only if the names are
    /// ambiguous. Otherwise, the caller must still check [`is_for`].
    #[must_use]
    pub(crate) fn owner_of(
        &self,
        sidecar: &str,
        declared: &dyn Fn() -> Option<String>,
    ) -> Option<&OsStr> {
        let (stem, _) =
            split_extension(sidecar).filter(|(_, end)| end.eq_ignore_ascii_case("xmp"))?;
        let is_named =
            |file: &&OsString| file.to_string_lossy().to_lowercase() == stem.to_lowercase();
        let by_full_name = split_extension(stem)
            .and_then(|(shorter, _)| self.0.get(&shorter.to_lowercase()))
            .map(|files| files.iter().filter(is_named).collect::<Vec<_>>());
        let files = match by_full_name {
            Some(files) if !files.is_empty() => prefer_same_case(files, |file| file == stem),
            _ => {
                let files: Vec<&OsString> = self.0.get(&stem.to_lowercase())?.iter().collect();
                // Keeps names that differ in case, because programs and drives disagree on whether
                // `IMG_1.xmp` belongs to `img_1.jpg`.
                if files.iter().any(|file| is_still(file)) {
                    files
                } else {
                    prefer_same_case(files, |file| {
                        split_extension(file).is_some_and(|(file_stem, _)| file_stem == stem)
                    })
                }
            }
        };
        if let [only] = files.as_slice() {
            return Some(only);
        }
        let candidates: Vec<&OsString> = match declared() {
            Some(extension) => {
                let is_declared = |file: &&OsString| is_for(Some(&extension), file);
                files.into_iter().filter(is_declared).collect()
            }
            None if files.iter().any(|file| is_still(file)) => {
                files.into_iter().filter(|file| is_still(file)).collect()
            }
            None => files
                .into_iter()
                .filter(|file| !is_attached(file))
                .collect(),
        };
        match candidates.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Returns the other files with the same stem, sorted by name.
    #[must_use]
    pub(crate) fn others_with_stem(&self, file: &OsStr) -> Vec<String> {
        let name = file.to_string_lossy();
        let files = split_extension(&name).and_then(|(stem, _)| self.0.get(&stem.to_lowercase()));
        let others = files.into_iter().flatten().filter(|other| *other != file);
        let mut others: Vec<String> = others
            .map(|other| other.to_string_lossy().into_owned())
            .collect();
        others.sort();
        others
    }
}

/// Returns the files whose case matches, or all files if none does. A folder may contain both
/// `img_1.mov` and `IMG_1.MOV`.
fn prefer_same_case(files: Vec<&OsString>, has_same_case: impl Fn(&str) -> bool) -> Vec<&OsString> {
    let is_exact = |file: &&&OsString| has_same_case(&file.to_string_lossy());
    let matching: Vec<&OsString> = files.iter().filter(is_exact).copied().collect();
    if matching.is_empty() { files } else { matching }
}

/// Returns true if a sidecar with this `SidecarForExtension` may belong to the file. A sidecar
/// without a declaration may belong to any file.
#[must_use]
pub(crate) fn is_for(declared: Option<&str>, file: &OsStr) -> bool {
    let Some(declared) = declared.map(|text| text.trim().trim_start_matches('.')) else {
        return true;
    };
    let name = file.to_string_lossy();
    declared.is_empty()
        || split_extension(&name)
            .is_some_and(|(_, extension)| extension.eq_ignore_ascii_case(declared))
}

/// Returns true if the file is a sound file or a proxy. Such a file does not own the sidecar of a
/// video with the same stem.
fn is_attached(name: &OsStr) -> bool {
    const ATTACHED: [&str; 10] = [
        "aac", "aif", "aiff", "bwf", "lrf", "lrv", "m4a", "mp3", "thm", "wav",
    ];
    let name = name.to_string_lossy();
    split_extension(&name).is_some_and(|(_, extension)| {
        ATTACHED
            .binary_search(&extension.to_ascii_lowercase().as_str())
            .is_ok()
    })
}

/// Returns true if the file is a photo.
#[must_use]
pub(crate) fn is_still(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    split_extension(&name).is_some_and(|(_, extension)| {
        STILLS
            .binary_search(&extension.to_ascii_lowercase().as_str())
            .is_ok()
    })
}

fn split_extension(name: &str) -> Option<(&str, &str)> {
    name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(names: &[&str], sidecar: &str, declared: Option<&str>) -> String {
        let mut owners = Owners::default();
        for name in names {
            owners.add(OsStr::new(name));
        }
        let owner = owners.owner_of(sidecar, &|| declared.map(str::to_owned));
        owner.filter(|owner| is_for(declared, owner)).map_or_else(
            || "-".to_owned(),
            |owner| owner.to_string_lossy().into_owned(),
        )
    }

    #[test]
    fn a_sidecar_belongs_to_the_only_file_with_its_stem() {
        for (sidecar, declared, expected) in [
            ("C0001.xmp", None, "C0001.MP4"),
            ("c0001.XMP", None, "C0001.MP4"),
            ("C0001.xmp", Some("mp4"), "C0001.MP4"),
            ("C0001.xmp", Some(".MP4 "), "C0001.MP4"),
            ("C0001.xmp", Some("HEIC"), "-"),
            ("C0001.xmp", Some("../../MP4"), "-"),
            ("C0001.xmp", Some("MP4\0"), "-"),
            ("C0001.xmp", Some(""), "C0001.MP4"),
            ("C0001.MP4.xmp", None, "C0001.MP4"),
            ("c0001.mp4.xmp", None, "C0001.MP4"),
            ("C0001.MP4.xmp", Some("JPG"), "-"),
            ("C0001.MOV.xmp", None, "-"),
            ("C0002.xmp", None, "-"),
            ("C0001.xml", None, "-"),
            (".xmp", None, "-"),
        ] {
            assert_eq!(
                owner(&["C0001.MP4"], sidecar, declared),
                expected,
                "{sidecar} {declared:?}"
            );
        }
    }

    #[test]
    fn prefers_a_photo_unless_the_sidecar_declares_another_file() {
        let live = ["IMG_0001.HEIC", "IMG_0001.MOV"];
        assert_eq!(owner(&live, "IMG_0001.xmp", None), "IMG_0001.HEIC");
        assert_eq!(owner(&live, "IMG_0001.xmp", Some("HEIC")), "IMG_0001.HEIC");
        assert_eq!(owner(&live, "IMG_0001.xmp", Some("mov")), "IMG_0001.MOV");
        assert_eq!(owner(&live, "IMG_0001.xmp", Some("CR3")), "-");
        assert_eq!(owner(&live, "IMG_0001.MOV.xmp", None), "IMG_0001.MOV");
        let raw = ["IMG_0001.CR3", "IMG_0001.JPG", "IMG_0001.MOV"];
        assert_eq!(owner(&raw, "IMG_0001.xmp", None), "-");
        assert_eq!(owner(&raw, "IMG_0001.xmp", Some("CR3")), "IMG_0001.CR3");
        assert_eq!(owner(&raw, "IMG_0001.xmp", Some("MOV")), "IMG_0001.MOV");
        let cases = ["img_0001.jpg", "IMG_0001.MOV"];
        assert_eq!(owner(&cases, "IMG_0001.xmp", None), "img_0001.jpg");
    }

    #[test]
    fn the_owner_among_two_videos_is_unknown() {
        let both = ["C0001.MOV", "C0001.MP4"];
        assert_eq!(owner(&both, "C0001.xmp", None), "-");
        assert_eq!(owner(&both, "C0001.xmp", Some("MOV")), "C0001.MOV");
        assert_eq!(owner(&both, "C0001.MP4.xmp", None), "C0001.MP4");
        let cases = ["IMG_1.MOV", "img_1.mov"];
        assert_eq!(owner(&cases, "img_1.xmp", None), "img_1.mov");
        assert_eq!(owner(&cases, "IMG_1.MOV.xmp", None), "IMG_1.MOV");
        assert_eq!(owner(&cases, "Img_1.xmp", None), "-");
    }

    #[test]
    fn sound_and_proxies_do_not_own_the_sidecar_of_a_video() {
        for attached in ["C0001.WAV", "C0001.LRV", "C0001.THM"] {
            let names = ["C0001.MP4", attached];
            assert_eq!(owner(&names, "C0001.xmp", None), "C0001.MP4", "{attached}");
        }
        let sounds = ["T01.WAV", "T01.MP3"];
        assert_eq!(owner(&sounds, "T01.xmp", None), "-");
    }

    #[test]
    fn the_list_of_stills_is_sorted() {
        assert!(STILLS.is_sorted());
    }
}
