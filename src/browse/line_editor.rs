//! Single-line text editor.

use unicode_width::UnicodeWidthStr;

/// Text with a cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LineEditor {
    text: String,
    /// Byte offset of the cursor, on a character boundary.
    at: usize,
}

impl LineEditor {
    /// Creates a line with the cursor at the end of the text.
    pub(super) fn new(text: &str) -> Self {
        let mut line = Self::default();
        line.insert(text);
        line
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Inserts text at the cursor. Line breaks and control characters become
    /// spaces; invisible characters are dropped.
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

    /// Deletes the character before the cursor.
    pub(super) fn delete_before(&mut self) {
        if let Some(c) = self.text[..self.at].chars().next_back() {
            self.at -= c.len_utf8();
            self.text.remove(self.at);
        }
    }

    /// Deletes the character at the cursor.
    pub(super) fn delete(&mut self) {
        if self.at < self.text.len() {
            self.text.remove(self.at);
        }
    }

    /// Deletes the word before the cursor.
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

    /// Deletes all text.
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

    /// Returns the part of the text that is visible in `width` columns, and the cursor's column in
    /// it.
    pub(super) fn visible(&self, width: usize) -> (&str, usize) {
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
    fn edits_at_the_cursor() {
        let mut line = LineEditor::new("camera:fx3 drumer");
        line.left();
        line.left();
        line.insert("m");
        assert_eq!(line.text(), "camera:fx3 drummer");
        line.end();
        line.delete_word();
        assert_eq!(line.text(), "camera:fx3 ");
        line.delete_word();
        assert_eq!((line.text(), line.visible(10)), ("", ("", 0)));
        line.insert("日本\nx");
        line.left();
        line.delete_before();
        assert_eq!(line.text(), "日本x");
        assert_eq!(line.visible(80), ("日本x", 4));
        assert_eq!(line.visible(4), ("本x", 2));
        line.home();
        line.delete();
        assert_eq!(line.text(), "本x");
        line.clear();
        assert_eq!(line, LineEditor::default());
    }

    proptest! {
        #![proptest_config(crate::property_tests::random(256))]

        #[test]
        fn any_input_leaves_the_cursor_between_characters(
            text in "\\PC{0,12}", steps in proptest::collection::vec(0..9u8, 0..40), width in 0usize..20,
        ) {
            let mut line = LineEditor::new(&text);
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
                let (_, column) = line.visible(width);
                prop_assert!(column <= width);
            }
        }
    }
}
