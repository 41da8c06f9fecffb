//! Method by which a file was read, and how certain it is that the bytes came from the medium.

/// Read method, ordered from the least to the most certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReadMethod {
    /// The bytes may come from memory, since this system or filesystem has no other method.
    Cached,
    /// The volume was unmounted and mounted again, which emptied the only cache that could have
    /// served the read.
    Remounted,
    /// The system dropped the file's cached pages, and no page was left in memory.
    Dropped,
    /// The bytes were read with direct I/O, which bypassed all caches of this machine.
    Bypassed,
}

impl ReadMethod {
    /// Returns the name, as printed and stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cached => "cached",
            Self::Remounted => "remounted",
            Self::Dropped => "cache-dropped",
            Self::Bypassed => "cache-bypassed",
        }
    }

    /// Returns true if the bytes certainly came from the medium.
    #[must_use]
    pub fn is_from_medium(self) -> bool {
        self > Self::Cached
    }

    /// Parses a name that [`ReadMethod::name`] returned.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Cached, Self::Remounted, Self::Dropped, Self::Bypassed]
            .into_iter()
            .find(|how| how.name() == name)
    }
}
