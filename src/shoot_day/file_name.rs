//! A value as part of a file's name, on any file system that footage is copied to.
//!
//! A value is data (what a person called a production, what a card is labelled), so it may hold
//! anything; as part of a path it must never lead elsewhere, nor be refused by a drive later.

use unicode_normalization::UnicodeNormalization;

/// Letters of a value.
const MOST_LETTERS: usize = 100;
/// Bytes of a value: a component of a path has 255 on most file systems, and text stands beside it.
const MOST_BYTES: usize = 200;
/// What has a meaning in paths, on this system or another.
/// <https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file>
const RESERVED: [char; 9] = ['/', '\\', ':', '*', '?', '"', '<', '>', '|'];
/// What no name begins or ends with: dots and blanks are lost or hide it, a dash looks like an option.
const BARE: [char; 3] = [' ', '.', '-'];
/// Devices of Windows; what ends in a digit has 1 to 9, and those written above the line.
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

/// A value as a component of a path, or a part of one: never `.` or `..`, without separators and
/// what Windows does not take, without control, direction and invisible characters, composed (NFC),
/// in up to 100 letters and 200 bytes. Empty when nothing is left.
///
/// What cannot stand in a name becomes a dash, a run of it one; blanks become one blank.
#[must_use]
pub fn sanitised(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut was_reserved = false;
    for c in text.chars() {
        if c.is_whitespace() {
            if !plain.ends_with(' ') {
                plain.push(' ');
            }
        } else if RESERVED.contains(&c) || c.is_control() {
            if !was_reserved {
                plain.push('-');
            }
            was_reserved = true;
            continue;
        } else if is_invisible(c) {
            continue;
        } else {
            plain.push(c);
        }
        was_reserved = false;
    }
    let composed: String = plain.nfc().collect();
    let safe = no_device(composed.trim_matches(BARE).to_owned());
    let letters = safe.char_indices().map(|(at, c)| at + c.len_utf8());
    let end = letters
        .take(MOST_LETTERS)
        .take_while(|&end| end <= MOST_BYTES)
        .last()
        .unwrap_or(0);
    safe[..end].trim_end_matches(BARE).to_owned()
}

/// A name with `_` behind its stem where that is a device on Windows, whatever its extension.
pub(super) fn no_device(mut name: String) -> String {
    let end = name.find('.').unwrap_or(name.len());
    let stem = name[..end].trim_end();
    let upper = stem.to_uppercase();
    let mut letters = upper.chars();
    let last = letters.next_back();
    let is_numbered = matches!(letters.as_str(), "COM" | "LPT")
        && last.is_some_and(|last| "123456789¹²³".contains(last));
    if is_numbered || DEVICES.contains(&upper.as_str()) {
        name.insert(stem.len(), '_');
    }
    name
}

/// Characters that act upon others and show nothing of their own (general category Cf, controls, and line and
/// paragraph separators). The list stays as it is: a folder that was named by it is found again by it.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
        || matches!(c, '\u{ad}' | '\u{600}'..='\u{605}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
            | '\u{8e2}' | '\u{180e}' | '\u{200c}' | '\u{200d}' | '\u{206a}'..='\u{206f}'
            | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_value_is_one_name_that_every_drive_takes() {
        for (text, name) in [
            ("ACME Spring Campaign BTS", "ACME Spring Campaign BTS"),
            ("AC/DC: live", "AC-DC- live"),
            ("a//\\b", "a-b"),
            ("  Stage\t\n 4  ", "Stage 4"),
            ("../../etc/passwd", "etc-passwd"),
            (".", ""),
            ("..", ""),
            ("...hidden...", "hidden"),
            ("who?", "who"),
            ("-rf", "rf"),
            ("CON", "CON_"),
            ("nul.mov", "nul_.mov"),
            ("com¹ .x", "com¹_ .x"),
            ("Con..x", "Con_..x"),
            ("COM10", "COM10"),
            ("CONTROL", "CONTROL"),
            ("e\u{301}te\u{301}", "été"),
            ("a\u{202e}gpj\u{200b}\u{200d}", "agpj"),
            ("a\u{0}b\u{1b}[31m", "a-b-[31m"),
            ("東京", "東京"),
            ("???", ""),
            ("", ""),
        ] {
            assert_eq!(sanitised(text), name, "{text:?}");
        }
        assert_eq!(sanitised(&"x".repeat(300)).len(), 100);
        assert_eq!(sanitised(&"京".repeat(300)).chars().count(), 66);
        assert_eq!(sanitised(&"\u{1F980}".repeat(300)).len(), 200);
    }

    proptest! {
        #![proptest_config(crate::random_tests::random(256))]

        #[test]
        fn whatever_the_value_the_name_is_safe(
            text in "\\PC{0,150}|(?s).{0,60}|[.A-C/ \\\\:\u{301}\u{200d}-]{0,40}|(con|nul|com1)[ .]{0,3}.{0,120}"
        ) {
            let name = sanitised(&text);
            prop_assert!(name.len() <= 200 && name.chars().count() <= 100);
            prop_assert!(!name.contains(|c: char| c.is_control() || RESERVED.contains(&c)));
            prop_assert!(!name.starts_with(BARE) && !name.ends_with(BARE));
            prop_assert_eq!(sanitised(&name), name.as_str(), "again");
            prop_assert_eq!(no_device(name.clone()), name);
        }
    }
}
