//! The `is:` filter: states of a clip and of its files.

use crate::value::Malformed;

/// Declares the states with their names in queries and their descriptions.
macro_rules! states {
    ($($variant:ident = $name:literal, $help:literal;)+) => {
        /// State of a clip or of its files.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ClipState {
            $(#[doc = $help] $variant,)+
        }

        impl ClipState {
            /// All states, in the order of the help texts.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// Names of the states, in the order of [`ClipState::ALL`].
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// Returns the name used in queries.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// Returns the description for help texts.
            #[must_use]
            pub fn help(self) -> &'static str {
                match self {
                    $(Self::$variant => $help,)+
                }
            }
        }
    };
}

states! {
    Vertical = "vertical", "displayed taller than wide";
    Hdr = "hdr", "high dynamic range";
    Vfr = "vfr", "variable frame rate";
    Interlaced = "interlaced", "two fields per frame";
    Vr = "vr", "spherical or stereo picture";
    Audio = "audio", "sound without picture";
    Online = "online", "a copy can be opened now";
    Offline = "offline", "every copy that is not missing is on an unmounted volume";
    Missing = "missing", "every copy was missing at the last scan";
    Unreadable = "unreadable", "a copy could not be read";
    Selected = "selected", "selected by an editor";
    Rejected = "rejected", "rejected by an editor";
    Rated = "rated", "has a star rating";
}

impl std::str::FromStr for ClipState {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let text = text.to_ascii_lowercase();
        let at = Self::NAMES.iter().position(|name| *name == text);
        at.map(|at| Self::ALL[at])
            .ok_or_else(|| Malformed::new(&text, "a state of a clip"))
    }
}
