//! A line of text as it is typed.

use unicode_width::UnicodeWidthStr;

/// The text, and where the next letter goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Line {
    text: String,
    /// A place between two letters, in bytes.
    at: usize,
}

impl Line {
    /// A text with the cursor behind it.
    pub(super) fn new(text: &str) -> Self {
        let mut line = Self::default();
        line.insert(text);
        line
    }

    /// What was typed.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Types text; line breaks and other controls become blanks, characters that nobody sees are left out.
    pub(super) fn insert(&mut self, text: &str) {
        for c in text.chars() {
            let c = match c {
                c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => ' ',
                c if crate::error::is_unsafe(c) => continue,
                c => c,
            };
            self.text.insert(self.at, c);
            self.at += c.len_utf8();
        }
    }

    /// Takes the letter before the cursor away.
    pub(super) fn delete_before(&mut self) {
        if let Some(c) = self.text[..self.at].chars().next_back() {
            self.at -= c.len_utf8();
            self.text.remove(self.at);
        }
    }

    /// Takes the letter at the cursor away.
    pub(super) fn delete(&mut self) {
        if self.at < self.text.len() {
            self.text.remove(self.at);
        }
    }

    /// Takes the word before the cursor away.
    pub(super) fn delete_word(&mut self) {
        let before = self.text[..self.at].trim_end();
        let start = before
            .char_indices()
            .rev()
            .find(|(_, c)| c.is_whitespace())
            .map_or(0, |(at, c)| at + c.len_utf8());
        self.text.replace_range(start..self.at, "");
        self.at = start;
    }

    /// Takes everything away.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn left(&mut self) {
        let before = self.text[..self.at].chars().next_back();
        self.at -= before.map_or(0, char::len_utf8);
    }

    pub(super) fn right(&mut self) {
        let after = self.text[self.at..].chars().next();
        self.at += after.map_or(0, char::len_utf8);
    }

    pub(super) fn home(&mut self) {
        self.at = 0;
    }

    pub(super) fn end(&mut self) {
        self.at = self.text.len();
    }

    /// The part that fits into so many columns, and the column of the cursor in it.
    pub(super) fn shown(&self, width: usize) -> (&str, usize) {
        let mut start = 0;
        while self.text[start..self.at].width() >= width.max(1) {
            let first = self.text[start..].chars().next();
            start += first.map_or(1, char::len_utf8);
        }
        (&self.text[start..], self.text[start..self.at].width())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_is_edited_where_the_cursor_is() {
        let mut line = Line::new("camera:fx3 drumer");
        line.left();
        line.left();
        line.insert("m");
        assert_eq!(line.text(), "camera:fx3 drummer");
        line.end();
        line.delete_word();
        assert_eq!(line.text(), "camera:fx3 ");
        line.delete_word();
        assert_eq!((line.text(), line.shown(10)), ("", ("", 0)));
        line.insert("日本\nx");
        line.left();
        line.delete_before();
        assert_eq!(line.text(), "日本x");
        assert_eq!(line.shown(80), ("日本x", 4));
        assert_eq!(line.shown(4), ("本x", 2));
        line.home();
        line.delete();
        assert_eq!(line.text(), "本x");
        line.clear();
        assert_eq!(line, Line::default());
    }

    proptest! {
        #![proptest_config(crate::random_tests::random(256))]

        #[test]
        fn whatever_is_typed_the_cursor_stands_between_letters(
            text in "\\PC{0,12}", steps in proptest::collection::vec(0..9u8, 0..40), width in 0usize..20,
        ) {
            let mut line = Line::new(&text);
            for step in steps {
                match step {
                    0 => line.insert("é"),
                    1 => line.delete_before(),
                    2 => line.delete(),
                    3 => line.delete_word(),
                    4 => line.left(),
                    5 => line.right(),
                    6 => line.home(),
                    7 => line.end(),
                    _ => line.insert(&text),
                }
                let (_, column) = line.shown(width);
                prop_assert!(column <= width);
            }
        }
    }
}
