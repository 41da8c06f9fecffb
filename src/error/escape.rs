//! Text from drives and people, made safe to show: in messages, tables, on the screen and on pages.

/// Makes text from a drive safe for a terminal: replaces every character that [`is_unsafe`] names by its number.
#[must_use]
pub fn escape(text: &str) -> String {
    escape_if(text, is_unsafe)
}

/// Makes prose safe for a page, where emoji and scripts that need joiners are drawn properly: as [`escape`], but
/// keeps joiners and emoji selectors. File names go through [`escape`]: two names must never look alike.
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

/// Whether a character could act on a terminal, or reorder or hide the text around it.
///
/// These are controls, line and paragraph separators, interlinear annotations, and everything that Unicode calls
/// default ignorable (`DerivedCoreProperties.txt`): bidirectional controls, joiners, soft hyphens, fillers,
/// invisible operators, variation selectors and tags, and the code points reserved for more of them.
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}')
        || is_default_ignorable(c)
}

/// The property `Default_Ignorable_Code_Point` of Unicode 16.
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
    fn names_cannot_write_to_the_terminal() {
        assert_eq!(
            escape("a\x1b[31m\nb\u{202e}c\u{7}"),
            "a\\u{1b}[31m\\nb\\u{202e}c\\u{7}"
        );
        assert_eq!(escape("Café 🎬"), "Café 🎬");
    }

    #[test]
    fn characters_that_nobody_sees_are_written_out() {
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
    fn letters_of_every_script_and_marks_on_them_stay() {
        let names =
            "Ünï e\u{301} 日本語 한국어 العربية עברית हिन्दी ไทย \u{a0}¡ 🎬 🏳 \u{fffd} \u{600}";
        assert_eq!(escape(names), names);
    }

    #[test]
    fn prose_keeps_emoji_and_joined_letters_and_nothing_that_hides() {
        let prose = "❤\u{fe0f} 👩\u{200d}🎤 می\u{200c}خواهم";
        assert_eq!(escape_prose(prose), prose);
        assert_eq!(escape("❤\u{fe0f}"), "❤\\u{fe0f}");
        assert_eq!(
            escape_prose("a\u{202e}b\u{ad}c\u{fe00}d\u{e0001}"),
            "a\\u{202e}b\\u{ad}c\\u{fe00}d\\u{e0001}"
        );
    }
}
