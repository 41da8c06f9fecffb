//! Output formats: one file per format.
//!
//! A command describes its rows once, as a [`RowListing`], and every format can write it. The table in
//! this file declares each format; the options of the command line, their help and their error
//! messages come from it. A new format needs one file and one row.

mod csv;
mod device;
mod json;
mod listing;
mod paths;
mod table;

use std::io::{self, Write};

pub use device::OutputDevice;
pub use json::json_line;
pub use listing::{RowColumn, RowListing};

/// Part of a listing that a format prints. Formats for [`FormatNeeds::Rows`] suit every listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FormatNeeds {
    /// Any rows, also single objects without columns.
    Rows,
    /// Values in columns.
    Columns,
    /// Paths of files.
    Paths,
}

/// Option that selects a format, besides `--format`.
#[derive(Debug, Clone, Copy)]
pub struct ShortForm {
    /// Name after two dashes.
    pub long: &'static str,
    /// Letter after one dash.
    pub letter: Option<char>,
}

/// Optional settings of a row.
struct FormatOptions {
    long: Option<&'static str>,
    letter: Option<char>,
    needs: FormatNeeds,
}

const DEFAULTS: FormatOptions = FormatOptions {
    long: None,
    letter: None,
    needs: FormatNeeds::Rows,
};

macro_rules! formats {
    ($(#[doc = $help:literal] $format:ident: $name:literal = $write:path { $($option:ident: $value:expr),* };)+) => {
        /// Format in which a command prints its rows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum OutputFormat {
            $(#[doc = $help]
            $format,)+
        }

        impl OutputFormat {
            /// All formats, in the order of the help.
            pub const ALL: &[Self] = &[$(Self::$format,)+];

            /// Returns the name for `--format`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$format => $name,)+
                }
            }

            /// Returns the description, without a verb.
            #[must_use]
            pub fn help(self) -> &'static str {
                match self {
                    $(Self::$format => $help.trim_ascii(),)+
                }
            }

            #[allow(clippy::needless_update, reason = "some rows set every option")]
            fn options(self) -> FormatOptions {
                match self {
                    $(Self::$format => FormatOptions { $($option: $value,)* ..DEFAULTS },)+
                }
            }
        }

        /// Writes a listing.
        ///
        /// # Errors
        /// If a row cannot be read or `out` cannot be written. An error of the catalogue is the inner
        /// error.
        pub fn write_listing<R>(
            listing: RowListing<'_, R>,
            format: OutputFormat,
            device: OutputDevice,
            out: &mut dyn Write,
        ) -> io::Result<()> {
            match format {
                $(OutputFormat::$format => $write(listing, device, out),)+
            }
        }
    };
}

formats! {
    /// text for people
    Table: "table" = table::write {};
    /// one JSON object per line
    Json: "json" = json::write { long: Some("json") };
    /// CSV (RFC 4180) with a header; values that a spreadsheet would run as a formula are prefixed with '
    Csv: "csv" = csv::write { long: Some("csv"), needs: FormatNeeds::Columns };
    /// paths, one per line
    Paths: "paths" = paths::write { long: Some("paths"), needs: FormatNeeds::Paths };
    /// paths separated by NUL, for xargs -0
    NulPaths: "paths0" = paths::write_with_nul { long: Some("null"), letter: Some('0'), needs: FormatNeeds::Paths };
}

impl OutputFormat {
    /// Returns the option that selects the format, besides `--format`.
    #[must_use]
    pub fn short_form(self) -> Option<ShortForm> {
        let FormatOptions { long, letter, .. } = self.options();
        long.map(|long| ShortForm { long, letter })
    }

    /// Returns the part of a listing that the format prints.
    #[must_use]
    pub fn needs(self) -> FormatNeeds {
        self.options().needs
    }

    /// Returns true for formats that other programs read.
    #[must_use]
    pub fn is_for_programs(self) -> bool {
        self != Self::Table
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use serde_json::json;
    use std::path::PathBuf;

    struct Reel {
        name: &'static str,
        clips: Option<u32>,
    }

    fn printed(format: OutputFormat, device: OutputDevice) -> String {
        let reels = [("A001", Some(1200)), ("=B\u{1b}", None)];
        let reels = reels.map(|(name, clips)| Ok(Reel { name, clips }));
        let columns =
            vec![
                RowColumn::new("reel", |reel: &Reel| json!(reel.name))
                    .shown("reel", |reel| reel.name.to_owned()),
                RowColumn::optional("clips", |reel: &Reel| reel.clips.map(|clips| json!(clips)))
                    .shown("clips", |reel| {
                        reel.clips
                            .map_or_else(String::new, |clips| format!("{clips} clips"))
                    }),
                RowColumn::new("cards", |_: &Reel| json!([{ "id": 1 }])).cell(|_| "one".to_owned()),
            ];
        let listing = RowListing::new(columns, reels)
            .paths(|reel| vec![PathBuf::from(reel.name), PathBuf::from("a\nb")]);
        let mut out = Vec::new();
        write_listing(listing, format, device, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_format_writes_the_same_rows() {
        let pipe = OutputDevice::default();
        for (format, expected) in [
            (
                OutputFormat::Table,
                "reel      clips\nA001      1200 clips\n=B\\u{1b}\n",
            ),
            (
                OutputFormat::Json,
                "{\"reel\":\"A001\",\"clips\":1200,\"cards\":[{\"id\":1}]}\n\
                 {\"reel\":\"=B\\u001b\",\"cards\":[{\"id\":1}]}\n",
            ),
            (
                OutputFormat::Csv,
                "reel,clips,cards\nA001,1200,one\n'=B\u{1b},,one\n",
            ),
            (OutputFormat::Paths, "A001\na\\nb\n=B\u{1b}\na\\nb\n"),
            (OutputFormat::NulPaths, "A001\0a\nb\0=B\u{1b}\0a\nb\0"),
        ] {
            assert_eq!(printed(format, pipe), expected, "{format:?}");
        }
    }

    #[test]
    fn no_format_sends_control_characters_to_a_terminal() {
        let terminal = OutputDevice {
            is_terminal: true,
            width: Some(80),
        };
        for &format in OutputFormat::ALL
            .iter()
            .filter(|format| **format != OutputFormat::NulPaths)
        {
            let printed = printed(format, terminal);
            assert!(!printed.contains('\u{1b}'), "{format:?}: {printed:?}");
        }
    }

    #[test]
    fn an_error_of_a_row_is_the_inner_error() {
        for &format in OutputFormat::ALL {
            let columns =
                vec![RowColumn::new("a", |(): &()| json!(1)).shown("a", |()| String::new())];
            let listing =
                RowListing::new(columns, [Err(Error::Interrupted)]).paths(|()| Vec::new());
            let result = write_listing(listing, format, OutputDevice::default(), &mut Vec::new());
            let inner = result.unwrap_err().downcast::<Error>();
            assert!(matches!(inner, Ok(Error::Interrupted)), "{format:?}");
        }
    }

    #[test]
    fn names_and_options_of_formats_are_distinct() {
        for (at, format) in OutputFormat::ALL.iter().enumerate() {
            for other in &OutputFormat::ALL[at + 1..] {
                assert_ne!(format.name(), other.name());
                let (one, two) = (format.short_form(), other.short_form());
                if let (Some(one), Some(two)) = (one, two) {
                    assert_ne!(one.long, two.long);
                    assert!(one.letter.is_none() || one.letter != two.letter);
                }
            }
        }
    }
}
