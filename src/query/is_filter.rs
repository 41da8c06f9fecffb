//! What `is:` asks: how a clip is, or how it stands with its files.

use crate::value::Malformed;

/// Declares the states, what they are called, and what each means.
macro_rules! states {
    ($($variant:ident = $name:literal, $help:literal;)+) => {
        /// How a clip is, or how it stands with its files.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum State {
            $(#[doc = $help] $variant,)+
        }

        impl State {
            /// Every state.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// What they are called, in the same order.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// What it is called.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// What it means.
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
    Vertical = "vertical", "shown higher than wide";
    Hdr = "hdr", "a picture of high dynamic range";
    Vfr = "vfr", "frames unevenly spaced in time";
    Interlaced = "interlaced", "two fields a frame";
    Vr = "vr", "a spherical or stereo picture";
    Audio = "audio", "sound and no picture";
    Online = "online", "a file of it can be opened now";
    Offline = "offline", "files of it are on volumes that are not mounted, and on no other";
    Missing = "missing", "no file of it was there when it was last looked for";
    Unreadable = "unreadable", "a file of it could not be read";
    Selected = "selected", "somebody selected it";
    Rejected = "rejected", "somebody rejected it";
    Rated = "rated", "it has stars";
}

impl std::str::FromStr for State {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let text = text.to_ascii_lowercase();
        let at = Self::NAMES.iter().position(|name| *name == text);
        at.map(|at| Self::ALL[at])
            .ok_or_else(|| Malformed::new(&text, "something that a clip can be"))
    }
}
