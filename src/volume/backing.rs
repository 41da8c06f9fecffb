//! What a volume's files are kept on, where that is no disk of its own: memory, files of other filesystems, an
//! image file on another volume.
//!
//! Recorded with the volume when it is seen, because it stays true while the volume is away: what was in memory is
//! gone by then, and an image file is where its own volume is.

use std::fmt;

use super::{Volume, Volumes, filesystem_kind};

/// Image files on volumes that are image files themselves are not followed further.
const DEEPEST: usize = 8;

const MEMORY: &str = "memory";
const VIEW: &str = "view";
const DISK: &str = "disk";
const IMAGE: &str = "image:";

/// What a volume's files are kept on. The default is a disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backing {
    /// In memory, or in an image file that is: lost when it is unmounted.
    pub is_memory: bool,
    /// Files of other filesystems: an overlay, a union, a FUSE program's view.
    pub is_view: bool,
    /// The identities of the volumes that its image file is on, the innermost first.
    pub images: Vec<String>,
}

impl Backing {
    /// What [`fmt::Display`] writes. `None` for a volume that was recorded before this was.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let mut backing = Self::default();
        for line in text.lines() {
            match line.strip_prefix(IMAGE) {
                Some(volume) => backing.images.push(volume.to_owned()),
                None if line == MEMORY => backing.is_memory = true,
                None if line == VIEW => backing.is_view = true,
                None => {}
            }
        }
        Some(backing)
    }
}

/// A line for each thing that is known; never empty.
impl fmt::Display for Backing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(DISK)?;
        if self.is_memory {
            write!(f, "\n{MEMORY}")?;
        }
        if self.is_view {
            write!(f, "\n{VIEW}")?;
        }
        for volume in &self.images {
            write!(f, "\n{IMAGE}{}", volume.replace('\n', " "))?;
        }
        Ok(())
    }
}

impl Volumes {
    /// What a mounted volume's files are kept on.
    #[must_use]
    pub fn backing(&self, volume: &Volume) -> Backing {
        let mut backing = Backing {
            is_view: filesystem_kind::is_view(&volume.kind, &volume.source, &volume.number),
            ..Backing::default()
        };
        self.follow(volume, &mut backing);
        backing
    }

    /// Adds what the volume is on, and the volumes that its image files are on.
    fn follow(&self, volume: &Volume, backing: &mut Backing) {
        backing.is_memory |= volume.is_in_memory
            || filesystem_kind::is_memory(&volume.kind)
            || filesystem_kind::is_virtual(&volume.kind);
        for image in &volume.images {
            let (below, _) = self.of(image);
            let is_new = !backing.images.contains(&below.identity);
            if is_new && backing.images.len() < DEEPEST {
                backing.images.push(below.identity.clone());
                self.follow(&below, backing);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_down_is_read_back() {
        let image = Backing {
            is_memory: true,
            is_view: false,
            images: vec!["uuid:1".to_owned(), "label:/".to_owned()],
        };
        let view = Backing {
            is_view: true,
            ..Backing::default()
        };
        for backing in [Backing::default(), image, view] {
            let text = backing.to_string();
            assert_eq!(Backing::parse(&text), Some(backing), "{text}");
        }
        assert_eq!(Backing::parse(""), None);
    }
}
