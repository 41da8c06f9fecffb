//! File kinds by extension.

use crate::value::extensions::{FRAMES, MEDIA, MEDIA_OR_TEXT};

/// Kind of a file by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameKind {
    /// Footage or sound. Content of another kind is reported as a problem.
    Media,
    /// Frame of an image sequence, if other frames differ only in their number.
    Frame,
    /// Not footage; opened only if it is very large.
    Other,
    /// Footage unless it contains text: `.ts` and `.mts` are also source code.
    MediaOrText,
    /// Unknown: the content decides. Content that is not media is not reported.
    Unsure,
}

/// Common extensions of files that are never footage.
const OTHER: &[&str] = &[
    "3dl", "7z", "aaf", "aep", "ai", "ale", "app", "ass", "avb", "avp", "bat", "bdm", "bdmv",
    "bim", "bmp", "bz2", "c", "c4", "cfa", "cfg", "cpf", "cpi", "cpp", "cr2", "cr3", "crw", "cs",
    "css", "csv", "cube", "db", "dll", "dmg", "doc", "docx", "drp", "drx", "dylib", "edl", "eps",
    "exe", "fcpxml", "gif", "go", "gpx", "gz", "h", "heic", "heif", "hpp", "htm", "html", "ico",
    "ini", "inx", "iso", "itl", "jar", "java", "jpeg", "jpg", "js", "json", "jsonl", "jsx", "key",
    "kml", "less", "lnk", "lock", "log", "look", "lua", "lut", "m3u", "m3u8", "map", "md", "md5",
    "mhl", "mpl", "mpls", "nef", "numbers", "o", "odt", "orf", "otf", "otio", "pages", "pdf",
    "pek", "php", "pkf", "pkg", "pl", "plist", "png", "ppt", "pptx", "prproj", "ps", "psb", "psd",
    "py", "raf", "rar", "rb", "reapeaks", "rs", "rtf", "rw2", "rw3", "scss", "sfk", "sfv", "sh",
    "sha1", "sha256", "so", "sql", "sqlite", "srt", "ssa", "sub", "svg", "swift", "tar", "tga",
    "thm", "tif", "tiff", "toml", "torrent", "tsv", "tsx", "ttf", "txt", "url", "vtt", "vue",
    "wasm", "webloc", "webp", "woff", "woff2", "xls", "xlsx", "xml", "xmp", "xxh128", "xz", "yaml",
    "yml", "zip",
];

/// Returns the kind of a file by its extension.
#[must_use]
pub fn kind_of_name(name: &str) -> NameKind {
    let Some((_, extension)) = name.rsplit_once('.') else {
        return NameKind::Unsure;
    };
    let extension = extension.to_ascii_lowercase();
    let is_in = |list: &[&str]| list.binary_search(&extension.as_str()).is_ok();
    if is_in(MEDIA) {
        NameKind::Media
    } else if is_in(FRAMES) {
        NameKind::Frame
    } else if is_in(MEDIA_OR_TEXT) {
        NameKind::MediaOrText
    } else if is_in(OTHER) {
        NameKind::Other
    } else {
        NameKind::Unsure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_and_do_not_overlap() {
        let mut all = Vec::new();
        for list in [MEDIA, MEDIA_OR_TEXT, FRAMES, OTHER] {
            let mut sorted = list.to_vec();
            sorted.sort_unstable();
            assert_eq!(list, sorted);
            all.extend(sorted);
        }
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn extensions_map_to_kinds() {
        for (name, kind) in [
            ("A001.MOV", NameKind::Media),
            ("shot.0001.dpx", NameKind::Frame),
            ("callsheet.pdf", NameKind::Other),
            ("index.ts", NameKind::MediaOrText),
            ("00001.MTS", NameKind::MediaOrText),
            ("README", NameKind::Unsure),
        ] {
            assert_eq!(kind_of_name(name), kind, "{name}");
        }
    }
}
