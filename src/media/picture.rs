//! Decoding of posters and filmstrips, which may be damaged or replaced by other files.

use std::io::{BufReader, Read};
use std::path::Path;

use image::{DynamicImage, ImageFormat, ImageReader, Limits};

use crate::source_file;

/// Maximum file size of a picture.
const MAX_BYTES: u64 = 16 << 20;
/// Maximum width and height of a picture, in pixels.
const MAX_PIXELS: u32 = 8192;
/// Maximum memory used to decode a picture.
const MAX_MEMORY: u64 = 64 << 20;

/// Decodes a JPEG or WebP file. `None` if it is another format, damaged, or exceeds the limits.
#[must_use]
pub fn decode_picture(path: &Path) -> Option<DynamicImage> {
    let file = source_file::open(path).ok()?;
    let mut bytes = Vec::new();
    let mut limited = BufReader::new(file).take(MAX_BYTES);
    limited.read_to_end(&mut bytes).ok()?;
    let mut reader = ImageReader::new(std::io::Cursor::new(bytes))
        .with_guessed_format()
        .ok()?;
    if !matches!(reader.format()?, ImageFormat::Jpeg | ImageFormat::WebP) {
        return None;
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_PIXELS);
    limits.max_image_height = Some(MAX_PIXELS);
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    let image = reader.decode().ok()?;
    (image.width() > 0 && image.height() > 0).then_some(image)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn skips_a_pipe_without_blocking() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("a.jpg");
        let status = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(status.unwrap().success());
        assert!(decode_picture(&pipe).is_none());
    }
}
