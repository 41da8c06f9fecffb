//! Text as XML writes it, and as it is meant.

use std::borrow::Cow;

use quick_xml::escape::resolve_predefined_entity;

/// Whether XML 1.0 can hold a character, even as a reference.
pub(super) fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..)
}

/// A text that XML can hold, its lines ending as they do in memory.
///
/// Premiere ends lines by carriage returns, so what is read is no different from what is said.
pub(super) fn held(text: &str) -> String {
    unix_lines(text)
        .chars()
        .map(|c| {
            if is_xml(c) {
                c
            } else {
                char::REPLACEMENT_CHARACTER
            }
        })
        .collect()
}

/// A text whose lines end by line feeds, however they ended.
pub(super) fn unix_lines(text: &str) -> Cow<'_, str> {
    if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Writes an element's text.
pub(super) fn text(plain: &str) -> String {
    escaped(plain, false)
}

/// Writes an attribute's value, to stand between double quotes.
pub(super) fn value(plain: &str) -> String {
    escaped(plain, true)
}

fn escaped(plain: &str, is_value: bool) -> String {
    let mut written = String::with_capacity(plain.len());
    for c in plain.chars() {
        match c {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            // Parsers read a bare one as a line feed.
            '\r' => written.push_str("&#xD;"),
            '"' if is_value => written.push_str("&quot;"),
            // Parsers read a bare one in a value as a blank.
            '\n' if is_value => written.push_str("&#xA;"),
            '\t' if is_value => written.push_str("&#x9;"),
            c => written.push(c),
        }
    }
    written
}

/// What an element's text means.
pub(super) fn meant(written: &str) -> String {
    resolved(&unix_lines(written))
}

/// What an attribute's value means.
pub(super) fn meant_value(written: &str) -> String {
    // XML 1.0, 3.3.3: a bare blank of any kind is a blank.
    resolved(&unix_lines(written).replace(['\n', '\t'], " "))
}

fn resolved(written: &str) -> String {
    let mut meant = String::with_capacity(written.len());
    let mut rest = written;
    while let Some((before, after)) = rest.split_once('&') {
        meant.push_str(before);
        rest = after;
        if let Some((name, after)) = after.split_once(';')
            && let Some(c) = referred(name)
        {
            meant.push(c);
            rest = after;
        }
    }
    meant.push_str(rest);
    meant
}

/// The first reference in a text that refers to nothing known, or to what XML cannot hold.
pub(super) fn bad_reference(written: &str) -> Option<&str> {
    written.split('&').skip(1).find_map(|after| {
        let name = after.split_once(';').map(|(name, _)| name);
        let is_known = name.is_some_and(|name| referred(name).is_some());
        let shown = || name.unwrap_or(after);
        (!is_known).then(|| shown().get(..MOST_SHOWN).unwrap_or_else(shown))
    })
}

/// No entity's name that people use is longer.
const MOST_SHOWN: usize = 32;

/// The character that `amp`, `#38` or `#x26` stands for.
fn referred(name: &str) -> Option<char> {
    let Some(number) = name.strip_prefix('#') else {
        return resolve_predefined_entity(name)?.chars().next();
    };
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    // `from_str_radix` would take a sign.
    let is_number = digits.chars().all(|digit| digit.is_digit(radix));
    let code = u32::from_str_radix(digits, radix).ok()?;
    char::from_u32(code).filter(|&c| is_number && is_xml(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_means_what_was_said() {
        for plain in [
            "",
            "a < b & c > \"d\" 'e'",
            "two\nlines\tand a tab",
            "]]>",
            "&amp;",
            "🎬 שלום",
        ] {
            assert_eq!(meant(&text(plain)), plain);
            assert_eq!(meant_value(&value(plain)), plain);
        }
        assert_eq!(meant(&text("a\rb")), "a\rb");
    }

    #[test]
    fn bare_line_ends_are_read_as_xml_reads_them() {
        assert_eq!(meant("a\r\nb\rc"), "a\nb\nc");
        assert_eq!(meant_value("a\r\nb\tc&#xA;d"), "a b c\nd");
    }

    #[test]
    fn references_are_characters_that_xml_can_hold() {
        for (written, bad) in [
            ("&amp;&lt;&gt;&quot;&apos;&#65;&#x1F3AC;&#xD;", None),
            ("&nbsp;", Some("nbsp")),
            ("a & b", Some(" b")),
            ("&#0;", Some("#0")),
            ("&#xFFFE;", Some("#xFFFE")),
            ("&#xD800;", Some("#xD800")),
            ("&#+65;", Some("#+65")),
            ("&#;", Some("#")),
            ("&", Some("")),
        ] {
            assert_eq!(bad_reference(written), bad, "{written}");
        }
    }

    #[test]
    fn what_xml_cannot_hold_is_replaced() {
        assert_eq!(
            held("a\0b\u{1b}c\u{ffff}\r\nd"),
            "a\u{fffd}b\u{fffd}c\u{fffd}\nd"
        );
    }
}
