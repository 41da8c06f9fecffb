//! Escapes text from drives and users for messages, tables, terminals and web pages.

/// Escapes text for a terminal: replaces every [unsafe](is_unsafe) character by its code point.
#[must_use]
pub fn escape(text: &str) -> String {
    escape_if(text, is_unsafe)
}

/// Escapes prose for a web page: like [`escape`], but keeps joiners and emoji selectors, which some
/// scripts and emoji need.
///
/// Use [`escape`] for file names: two different names must never look alike.
#[must_use]
pub fn escape_prose(text: &str) -> String {
    let is_joiner = |c| matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe0e}' | '\u{fe0f}');
    escape_if(text, |c| is_unsafe(c) && !is_joiner(c))
}

fn escape_if(text: &str, is_escaped: impl Fn(char) -> bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            c if is_escaped(c) => safe.extend(c.escape_unicode()),
            c => safe.push(c),
        }
    }
    safe
}

/// Returns true if a character could control a terminal, or reorder or hide the text around it.
///
/// These are control characters, line and paragraph separators, interlinear annotations, and the
/// default ignorable characters of Unicode (`DerivedCoreProperties.txt`). The latter include
/// bidirectional controls, joiners, soft hyphens, fillers, invisible operators, variation selectors
/// and tags, and the code points reserved for more of them.
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}')
        || is_default_ignorable(c)
}

/// Returns the value of the Unicode 16 property `Default_Ignorable_Code_Point`.
fn is_default_ignorable(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_terminal_controls_in_names() {
        assert_eq!(
            escape("a\x1b[31m\nb\u{202e}c\u{7}"),
            "a\\u{1b}[31m\\nb\\u{202e}c\\u{7}"
        );
        assert_eq!(escape("Café 🎬"), "Café 🎬");
    }

    #[test]
    fn escapes_invisible_characters() {
        for c in [
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{17b4}',
            '\u{180b}',
            '\u{180e}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{2028}',
            '\u{2029}',
            '\u{202e}',
            '\u{2060}',
            '\u{2062}',
            '\u{2065}',
            '\u{206f}',
            '\u{3164}',
            '\u{fe00}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fff0}',
            '\u{fff9}',
            '\u{fffb}',
            '\u{1bca0}',
            '\u{1d173}',
            '\u{e0000}',
            '\u{e0001}',
            '\u{e007f}',
            '\u{e0100}',
            '\u{e0fff}',
            '\u{7f}',
            '\u{9b}',
        ] {
            let hidden = escape(&format!("C0001{c}.MP4"));
            assert_eq!(hidden, format!("C0001{}.MP4", c.escape_unicode()));
        }
    }

    #[test]
    fn keeps_letters_and_marks_of_all_scripts() {
        let names =
            "Ünï e\u{301} 日本語 한국어 العربية עברית हिन्दी ไทย \u{a0}¡ 🎬 🏳 \u{fffd} \u{600}";
        assert_eq!(escape(names), names);
    }

    #[test]
    fn prose_keeps_emoji_and_joiners_but_no_other_invisible_characters() {
        let prose = "❤\u{fe0f} 👩\u{200d}🎤 می\u{200c}خواهم";
        assert_eq!(escape_prose(prose), prose);
        assert_eq!(escape("❤\u{fe0f}"), "❤\\u{fe0f}");
        assert_eq!(
            escape_prose("a\u{202e}b\u{ad}c\u{fe00}d\u{e0001}"),
            "a\\u{202e}b\\u{ad}c\\u{fe00}d\\u{e0001}"
        );
    }
}
