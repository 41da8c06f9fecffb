//! Conversion of values to parts of file names that are valid on every filesystem.
//!
//! A value is arbitrary text, such as the name of a production or the label of a card. As part of a
//! path, it must never lead to another folder or be rejected by a drive during copying.

use unicode_normalization::UnicodeNormalization;

/// Maximum number of characters of a value.
const MAX_CHARS: usize = 100;
/// Maximum number of bytes of a value. Most filesystems allow 255 bytes per path component, and a
/// template may add text.
const MAX_BYTES: usize = 200;
/// Characters with a special meaning in paths on any system.
/// <https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file>
const RESERVED: [char; 9] = ['/', '\\', ':', '*', '?', '"', '<', '>', '|'];
/// Characters removed at both ends. Windows drops trailing dots and spaces, a leading dot hides a
/// file, and a leading dash looks like an option.
const TRIMMED: [char; 3] = [' ', '.', '-'];
/// Device names of Windows, except `COM` and `LPT`, which are followed by a digit from 1 to 9 or by
/// `¹`, `²` or `³`.
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

/// Converts a value to a path component or a part of one. Each run of reserved characters becomes
/// one dash, each run of white space one space; invisible characters are removed.
///
/// The result is never `.` or `..`. It contains no path separators, no characters reserved on
/// Windows, and no control, direction or invisible characters. It is in composed form (NFC), with up
/// to 100 characters and 200 bytes. It is empty if no valid characters remain.
#[must_use]
pub fn sanitize_file_name(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut was_reserved = false;
    for c in text.chars() {
        if c.is_whitespace() {
            if !cleaned.ends_with(' ') {
                cleaned.push(' ');
            }
        } else if RESERVED.contains(&c) || c.is_control() {
            if !was_reserved {
                cleaned.push('-');
            }
            was_reserved = true;
            continue;
        } else if is_invisible(c) {
            continue;
        } else {
            cleaned.push(c);
        }
        was_reserved = false;
    }
    let composed: String = cleaned.nfc().collect();
    let safe = escape_device_name(composed.trim_matches(TRIMMED).to_owned());
    let chars = safe.char_indices().map(|(at, c)| at + c.len_utf8());
    let end = chars
        .take(MAX_CHARS)
        .take_while(|&end| end <= MAX_BYTES)
        .last()
        .unwrap_or(0);
    safe[..end].trim_end_matches(TRIMMED).to_owned()
}

/// Inserts `_` after the stem of a Windows device name, whatever its extension: `nul_.mov`.
pub(super) fn escape_device_name(mut name: String) -> String {
    let end = name.find('.').unwrap_or(name.len());
    let stem = name[..end].trim_end();
    let upper = stem.to_uppercase();
    let mut chars = upper.chars();
    let last = chars.next_back();
    let is_numbered = matches!(chars.as_str(), "COM" | "LPT")
        && last.is_some_and(|last| "123456789¹²³".contains(last));
    if is_numbered || DEVICES.contains(&upper.as_str()) {
        name.insert(stem.len(), '_');
    }
    name
}

/// Returns true for invisible characters: general category Cf, control characters, and line and
/// paragraph separators. The list must not change, since the names of existing folders depend on it.
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
    fn converts_values_to_portable_names() {
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
            assert_eq!(sanitize_file_name(text), name, "{text:?}");
        }
        assert_eq!(sanitize_file_name(&"x".repeat(300)).len(), 100);
        assert_eq!(sanitize_file_name(&"京".repeat(300)).chars().count(), 66);
        assert_eq!(sanitize_file_name(&"\u{1F980}".repeat(300)).len(), 200);
    }

    proptest! {
        #![proptest_config(crate::property_tests::random(256))]

        #[test]
        fn every_value_becomes_a_safe_name(
            text in "\\PC{0,150}|(?s).{0,60}|[.A-C/ \\\\:\u{301}\u{200d}-]{0,40}|(con|nul|com1)[ .]{0,3}.{0,120}"
        ) {
            let name = sanitize_file_name(&text);
            prop_assert!(name.len() <= 200 && name.chars().count() <= 100);
            prop_assert!(!name.contains(|c: char| c.is_control() || RESERVED.contains(&c)));
            prop_assert!(!name.starts_with(TRIMMED) && !name.ends_with(TRIMMED));
            prop_assert_eq!(sanitize_file_name(&name), name.as_str(), "again");
            prop_assert_eq!(escape_device_name(name.clone()), name);
        }
    }
}
