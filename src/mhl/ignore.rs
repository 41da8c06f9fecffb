//! Ignore patterns of a history, in `.gitignore` syntax and relative to the history's folder.

use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// Default patterns of every history, the same as those of the reference implementation.
pub const DEFAULT: &[&str] = &[".DS_Store", "ascmhl", "ascmhl/"];

/// Patterns of a history, in order. A later pattern can include again a file that an earlier one
/// ignores.
#[derive(Debug, Clone)]
pub struct IgnorePatterns {
    patterns: Vec<String>,
    matcher: Gitignore,
}

impl Default for IgnorePatterns {
    fn default() -> Self {
        Self::new(
            DEFAULT
                .iter()
                .map(|pattern| (*pattern).to_owned())
                .collect(),
        )
    }
}

impl IgnorePatterns {
    /// Compiles patterns. An invalid pattern matches nothing, but remains in the list.
    #[must_use]
    pub fn new(patterns: Vec<String>) -> Self {
        let mut builder = GitignoreBuilder::new("");
        for pattern in &patterns {
            let _ = builder.add_line(None, pattern);
        }
        Self {
            patterns,
            matcher: builder.build().unwrap_or_else(|_| Gitignore::empty()),
        }
    }

    /// Returns these patterns followed by `more`, without duplicates.
    #[must_use]
    pub fn with(&self, more: &[String]) -> Self {
        let mut patterns = self.patterns.clone();
        for pattern in more {
            if !patterns.contains(pattern) {
                patterns.push(pattern.clone());
            }
        }
        Self::new(patterns)
    }

    /// Returns the patterns in their original spelling.
    #[must_use]
    pub fn patterns(&self) -> &[String] {
        &self.patterns
    }

    /// Returns true if a path, or one of its parent folders, is ignored. The path is relative to
    /// the history's folder and separated by `/`.
    #[must_use]
    pub fn is_match(&self, path: &str, is_folder: bool) -> bool {
        // The matcher panics on paths that are not below its root.
        !path.is_empty()
            && !path.starts_with('/')
            && self
                .matcher
                .matched_path_or_any_parents(path, is_folder)
                .is_ignore()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_like_git_patterns() {
        let ignored = IgnorePatterns::default().with(&[
            "*.tmp".to_owned(),
            "/Proxy/**".to_owned(),
            "Old Takes/".to_owned(),
            "!keep.tmp".to_owned(),
            "[".to_owned(),
            "ascmhl".to_owned(),
        ]);
        assert_eq!(ignored.patterns().len(), 8);
        for (path, is_folder, is_ignored) in [
            (".DS_Store", false, true),
            ("A001/.DS_Store", false, true),
            ("ascmhl", true, true),
            ("ascmhl/0001_A_2026-01-01_000000Z.mhl", false, true),
            ("A001/ascmhl/ascmhl_chain.xml", false, true),
            ("x.tmp", false, true),
            ("a/keep.tmp", false, false),
            ("Proxy/a.mov", false, true),
            ("A/Proxy/a.mov", false, false),
            ("Old Takes", true, true),
            ("Old Takes", false, false),
            ("A/Old Takes/a.mov", false, true),
            ("A001.mov", false, false),
            ("", true, false),
            ("/x.tmp", false, false),
        ] {
            assert_eq!(ignored.is_match(path, is_folder), is_ignored, "{path}");
        }
    }
}
