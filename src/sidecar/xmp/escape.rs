//! Escaping and unescaping of XML text.

use std::borrow::Cow;

use quick_xml::escape::resolve_predefined_entity;

/// Returns true if XML 1.0 allows a character, literally or as a reference.
pub(super) fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..)
}

/// Replaces characters that XML does not allow, and normalizes line ends.
///
/// Premiere ends lines with carriage returns. Normalized text compares equal after a round trip
/// through Premiere.
pub(super) fn to_xml_chars(text: &str) -> String {
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

/// Converts all line ends to line feeds.
pub(super) fn unix_lines(text: &str) -> Cow<'_, str> {
    if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Escapes the text of an element.
pub(super) fn escape_text(plain: &str) -> String {
    escape(plain, false)
}

/// Escapes the value of an attribute in double quotes.
pub(super) fn escape_attribute(plain: &str) -> String {
    escape(plain, true)
}

fn escape(plain: &str, is_value: bool) -> String {
    let mut written = String::with_capacity(plain.len());
    for c in plain.chars() {
        match c {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            // Parsers read an unescaped carriage return as a line feed.
            '\r' => written.push_str("&#xD;"),
            '"' if is_value => written.push_str("&quot;"),
            // Parsers read an unescaped line feed or tab in an attribute as a blank.
            '\n' if is_value => written.push_str("&#xA;"),
            '\t' if is_value => written.push_str("&#x9;"),
            c => written.push(c),
        }
    }
    written
}

/// Unescapes the text of an element.
pub(super) fn unescape_text(written: &str) -> String {
    resolve_references(&unix_lines(written))
}

/// Unescapes the value of an attribute.
pub(super) fn unescape_attribute(written: &str) -> String {
    // XML 1.0, 3.3.3: every unescaped blank is read as a space.
    resolve_references(&unix_lines(written).replace(['\n', '\t'], " "))
}

fn resolve_references(written: &str) -> String {
    let mut plain = String::with_capacity(written.len());
    let mut rest = written;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        rest = after;
        if let Some((name, after)) = after.split_once(';')
            && let Some(c) = resolve_reference(name)
        {
            plain.push(c);
            rest = after;
        }
    }
    plain.push_str(rest);
    plain
}

/// Returns the first reference that is unknown or refers to a character that XML does not allow.
pub(super) fn bad_reference(written: &str) -> Option<&str> {
    written.split('&').skip(1).find_map(|after| {
        let name = after.split_once(';').map(|(name, _)| name);
        let is_known = name.is_some_and(|name| resolve_reference(name).is_some());
        let displayed = || name.unwrap_or(after);
        (!is_known).then(|| displayed().get(..MAX_NAME_BYTES).unwrap_or_else(displayed))
    })
}

/// Maximum length of a reference in a message, in bytes. No common entity has a longer name.
const MAX_NAME_BYTES: usize = 32;

/// Returns the character for the name of a reference, such as `amp`, `#38` or `#x26`.
fn resolve_reference(name: &str) -> Option<char> {
    let Some(number) = name.strip_prefix('#') else {
        return resolve_predefined_entity(name)?.chars().next();
    };
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    // Checked separately, because `from_str_radix` accepts a sign.
    let is_number = digits.chars().all(|digit| digit.is_digit(radix));
    let code = u32::from_str_radix(digits, radix).ok()?;
    char::from_u32(code).filter(|&c| is_number && is_xml(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unescaping_reverses_escaping() {
        for plain in [
            "",
            "a < b & c > \"d\" 'e'",
            "two\nlines\tand a tab",
            "]]>",
            "&amp;",
            "🎬 שלום",
        ] {
            assert_eq!(unescape_text(&escape_text(plain)), plain);
            assert_eq!(unescape_attribute(&escape_attribute(plain)), plain);
        }
        assert_eq!(unescape_text(&escape_text("a\rb")), "a\rb");
    }

    #[test]
    fn normalizes_unescaped_line_ends() {
        assert_eq!(unescape_text("a\r\nb\rc"), "a\nb\nc");
        assert_eq!(unescape_attribute("a\r\nb\tc&#xA;d"), "a b c\nd");
    }

    #[test]
    fn rejects_references_that_xml_does_not_allow() {
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
    fn replaces_characters_that_xml_does_not_allow() {
        assert_eq!(
            to_xml_chars("a\0b\u{1b}c\u{ffff}\r\nd"),
            "a\u{fffd}b\u{fffd}c\u{fffd}\nd"
        );
    }
}
