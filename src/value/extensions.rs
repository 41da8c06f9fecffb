//! Extensions of files that cameras and recorders write, in lower case and sorted.

/// Extensions of footage and sound only.
pub const MEDIA: &[&str] = &[
    "264", "265", "360", "3g2", "3gp", "aac", "ac3", "aif", "aifc", "aiff", "amr", "asf", "avc",
    "avi", "braw", "bwf", "caf", "cine", "crm", "divx", "dv", "f4v", "flac", "flv", "gxf", "h264",
    "h265", "hevc", "insv", "ivf", "lrf", "lrv", "m1v", "m2t", "m2ts", "m2v", "m4a", "m4v", "mj2",
    "mka", "mkv", "mlv", "mov", "mp2", "mp3", "mp4", "mpeg", "mpg", "mxf", "nev", "nut", "oga",
    "ogg", "ogv", "opus", "qt", "r3d", "rf64", "rm", "rmf", "rmvb", "vob", "w64", "wav", "webm",
    "wma", "wmv", "y4m",
];

/// Extensions of transport streams that are also used for source code.
pub const MEDIA_OR_TEXT: &[&str] = &["mts", "ts"];

/// Extensions of single frames.
pub const FRAMES: &[&str] = &["ari", "arx", "cin", "dng", "dpx", "exr", "j2c"];

/// Extensions of the other files that cameras and recorders write: photographs, metadata, and sound
/// or video that a scan recognises by its content.
pub const CAMERA_FILES: &[&str] = &[
    "ale", "ape", "arri", "arw", "avchd", "avif", "bmp", "cpi", "cr2", "cr3", "crw", "cube", "dav",
    "dcp", "dsf", "dvr", "edl", "eip", "erf", "fcpxml", "fff", "ffv1", "glv", "gpr", "gpx", "heic",
    "heif", "hif", "iiq", "insp", "jp2", "jpeg", "jpg", "jpm", "jxl", "k25", "kdc", "mcraw",
    "mjpeg", "mjpg", "mod", "mos", "mpe", "mpo", "mrw", "nef", "nrw", "ocf", "orf", "osv", "ove",
    "pcm", "pef", "png", "pxn", "raf", "raw", "rdc", "rmd", "rsv", "rw2", "rwl", "rwz", "sidx",
    "sqv", "sr2", "srf", "srt", "srw", "tga", "thm", "tif", "tiff", "tod", "vrw", "webp", "x3f",
    "xavc", "xml", "xmp", "yuv",
];

/// Returns true if a camera or recorder may have written a file with this extension, in any case.
/// No operating system writes such files into its own folders.
#[must_use]
pub fn is_from_camera(extension: &str) -> bool {
    let extension = extension.to_ascii_lowercase();
    [MEDIA, MEDIA_OR_TEXT, FRAMES, CAMERA_FILES]
        .iter()
        .any(|list| list.binary_search(&extension.as_str()).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_and_do_not_overlap() {
        let lists = [MEDIA, MEDIA_OR_TEXT, FRAMES, CAMERA_FILES];
        assert!(lists.iter().all(|list| list.is_sorted()));
        let mut all = lists.concat();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(
            all.iter()
                .all(|extension| is_from_camera(&extension.to_uppercase()))
        );
        assert!(!is_from_camera("log") && !is_from_camera(""));
    }
}
