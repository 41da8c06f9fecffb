//! Storage of a volume that is not on a physical disk: memory, files of other filesystems, or an
//! image file on another volume.
//!
//! Recorded when the volume is seen, because it still matters after the volume is unmounted: files
//! in memory are then lost, and an image file depends on the volume that contains it.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{Volume, Volumes, filesystem_kind};
use crate::value::{from_bytes, to_bytes};

/// Maximum nesting of image files.
const MAX_DEPTH: usize = 8;

const MEMORY: &str = "memory";
const VIEW: &str = "view";
const DISK: &str = "disk";
const IMAGE: &str = "image:";

/// Storage of a volume's files. The default is a disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backing {
    /// True if it is in memory, or in an image file in memory. Such files are lost on unmounting.
    pub is_memory: bool,
    /// True for a view of files of other filesystems: an overlay, a union or a FUSE view.
    pub is_view: bool,
    /// Image file of the volume, and the image files of the volumes that contain it, innermost
    /// first.
    pub images: Vec<Image>,
}

/// Image file: a file that serves as the disk of a volume.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Image {
    /// Identity of the volume that contains the file.
    pub volume: String,
    /// Path relative to the root of that volume.
    pub file: PathBuf,
    /// Size in bytes; `None` if unknown.
    pub bytes: Option<u64>,
    /// Inode number; `None` if the filesystem may change it during the lifetime of the file.
    pub inode: Option<u64>,
}

impl Image {
    /// Returns true if both are the same file, by path or by inode number.
    #[must_use]
    pub fn is_same_file(&self, other: &Self) -> bool {
        let is_inode = self.inode.is_some() && self.inode == other.inode;
        self.volume == other.volume && (self.file == other.file || is_inode)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let (volume, file) = (decoded(parts.next()?)?, decoded(parts.next()?)?);
        let mut number = || parts.next().and_then(|number| number.parse().ok());
        Some(Self {
            volume: String::from_utf8(volume).ok()?,
            file: PathBuf::from(from_bytes(file)),
            bytes: number(),
            inode: number(),
        })
    }
}

/// Formats `VOLUME FILE BYTES INODE`; an unknown number is `-`.
impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |number: Option<u64>| {
            number.map_or_else(|| "-".to_owned(), |number| number.to_string())
        };
        let (volume, file) = (self.volume.as_bytes(), to_bytes(self.file.as_os_str()));
        let (volume, file) = (encoded(volume), encoded(&file));
        let (bytes, inode) = (shown(self.bytes), shown(self.inode));
        write!(f, "{volume} {file} {bytes} {inode}")
    }
}

/// Encodes bytes as text without spaces. All bytes except printable ASCII become escapes such as
/// `%20`.
fn encoded(bytes: &[u8]) -> String {
    let shown = bytes.iter().map(|byte| match byte {
        b'%' => "%25".to_owned(),
        byte if byte.is_ascii_graphic() => char::from(*byte).to_string(),
        byte => format!("%{byte:02x}"),
    });
    shown.collect()
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend(rest.as_bytes());
    }
    Some(bytes)
}

impl Backing {
    /// Parses the output of [`fmt::Display`]. Returns `None` if the text is empty or malformed.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let mut backing = Self::default();
        for line in text.lines() {
            match line.strip_prefix(IMAGE) {
                Some(image) => backing.images.extend(Image::parse(image)),
                None if line == MEMORY => backing.is_memory = true,
                None if line == VIEW => backing.is_view = true,
                None => {}
            }
        }
        Some(backing)
    }

    /// Returns true if the volume with that identity contains one of the image files.
    #[must_use]
    pub fn is_held_by(&self, volume: &str) -> bool {
        self.images.iter().any(|image| image.volume == volume)
    }

    /// Returns true if both use the same image file, possibly different parts of it.
    #[must_use]
    pub fn shares_image(&self, other: &Self) -> bool {
        let mut images = self.images.iter();
        images.any(|image| other.images.iter().any(|other| image.is_same_file(other)))
    }
}

/// Formats one line per property; never empty.
impl fmt::Display for Backing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(DISK)?;
        if self.is_memory {
            write!(f, "\n{MEMORY}")?;
        }
        if self.is_view {
            write!(f, "\n{VIEW}")?;
        }
        for image in &self.images {
            write!(f, "\n{IMAGE}{image}")?;
        }
        Ok(())
    }
}

impl Volumes {
    /// Returns true if an image file is missing or was replaced: its volume is mounted but has no
    /// file of that size and inode number at the path. Shares are checked only with `may_wait`,
    /// because the server may not answer.
    #[must_use]
    pub fn is_image_gone(&self, image: &Image, may_wait: bool) -> bool {
        let holder = self.all.iter().find(|it| it.identity == image.volume);
        let Some(holder) = holder.filter(|holder| may_wait || !holder.is_share()) else {
            return false;
        };
        let Some(path) = self.path(&image.volume, &image.file) else {
            return false;
        };
        match path.symlink_metadata() {
            Ok(metadata) => {
                let found = inode(&metadata).filter(|_| holder.has_stable_inodes());
                let is_other_inode =
                    image.inode.is_some() && found.is_some() && image.inode != found;
                let is_other_size = image.bytes.is_some_and(|bytes| bytes != metadata.len());
                !metadata.is_file() || is_other_size || is_other_inode
            }
            Err(error) => matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
        }
    }

    /// Returns the storage of a mounted volume.
    #[must_use]
    pub fn backing(&self, volume: &Volume) -> Backing {
        let mut backing = Backing {
            is_view: volume.is_view(),
            ..Backing::default()
        };
        self.follow(volume, &mut backing, MAX_DEPTH);
        backing
    }

    /// Returns the mount of the whole filesystem. A mount of one of its folders has a different
    /// identity if there is no uuid.
    fn whole<'a>(&'a self, volume: &'a Volume) -> &'a Volume {
        let is_whole =
            |other: &&Volume| other.number == volume.number && other.root.as_os_str().is_empty();
        self.all.iter().rfind(is_whole).unwrap_or(volume)
    }

    /// Adds the storage of the volume, and of the volumes that contain its image files.
    fn follow(&self, volume: &Volume, backing: &mut Backing, depth: usize) {
        backing.is_memory |= volume.is_in_memory
            || filesystem_kind::is_memory(&volume.kind)
            || filesystem_kind::is_virtual(&volume.kind);
        for path in &volume.images {
            let (below, file) = self.locate(path);
            let image = image(path, self.whole(&below), file);
            if depth == 0 || backing.images.contains(&image) {
                continue;
            }
            // The file may be on a disk that is already counted. The root of a container is an
            // exception: it is a view of the system's disk.
            backing.is_view |= below.is_view() && below.mount != Path::new("/");
            backing.images.push(image);
            self.follow(&below, backing, depth - 1);
        }
    }
}

fn image(path: &Path, holder: &Volume, file: PathBuf) -> Image {
    let metadata = path.metadata().ok();
    let inode = metadata.as_ref().and_then(inode);
    Image {
        volume: holder.identity.clone(),
        file,
        bytes: metadata.map(|metadata| metadata.len()),
        inode: inode.filter(|_| holder.has_stable_inodes()),
    }
}

#[cfg(unix)]
#[expect(
    clippy::unnecessary_wraps,
    reason = "other systems report no inode number"
)]
fn inode(metadata: &std::fs::Metadata) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    Some(metadata.ino())
}

#[cfg(not(unix))]
fn inode(_metadata: &std::fs::Metadata) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(volume: &str, file: &str, inode: Option<u64>) -> Image {
        Image {
            volume: volume.to_owned(),
            file: PathBuf::from(file),
            bytes: Some(1 << 30),
            inode,
        }
    }

    #[test]
    fn parses_a_formatted_backing() {
        let images = Backing {
            is_memory: true,
            is_view: false,
            images: vec![
                image("uuid:1", "SHELF 7/50%.img", Some(7)),
                image("label:\u{e9} x:5:6", "a\nb\u{e9}.img", None),
            ],
        };
        let view = Backing {
            is_view: true,
            ..Backing::default()
        };
        for backing in [Backing::default(), images, view] {
            let text = backing.to_string();
            assert_eq!(Backing::parse(&text), Some(backing), "{text}");
        }
        assert_eq!(Backing::parse(""), None);
    }

    #[cfg(unix)]
    #[test]
    fn the_path_of_an_image_is_preserved_byte_for_byte() {
        let unusual = Image {
            file: PathBuf::from(from_bytes(vec![b'a', 0xff, b'%', 0x0a])),
            ..image("uuid:1", "", None)
        };
        assert_eq!(Image::parse(&unusual.to_string()), Some(unusual));
        for broken in ["uuid:1", "uuid:1 a%4", "uuid:1 a%zz 1 -"] {
            assert_eq!(Image::parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn image_files_are_the_same_by_path_or_by_inode_on_one_volume() {
        let on = |image: &Image| Backing {
            images: vec![image.clone()],
            ..Backing::default()
        };
        let first = image("uuid:1", "a.img", Some(7));
        for (other, is_same) in [
            (image("uuid:1", "a.img", None), true),
            (image("uuid:1", "b.img", Some(7)), true),
            (image("uuid:1", "b.img", Some(8)), false),
            (image("uuid:1", "b.img", None), false),
            (image("uuid:2", "a.img", Some(7)), false),
        ] {
            assert_eq!(on(&first).shares_image(&on(&other)), is_same, "{other}");
        }
        assert!(!Backing::default().shares_image(&Backing::default()));
    }
}
