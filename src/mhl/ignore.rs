//! What a history leaves out: patterns as `.gitignore` files have them, relative to its folder.

use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// What every history leaves out, as the reference writes it.
pub const DEFAULT: &[&str] = &[".DS_Store", "ascmhl", "ascmhl/"];

/// The patterns of a history, in their order; a later one may take back what an earlier one says.
#[derive(Debug, Clone)]
pub struct Ignored {
    patterns: Vec<String>,
    matcher: Gitignore,
}

/// What every history leaves out.
impl Default for Ignored {
    fn default() -> Self {
        Self::new(
            DEFAULT
                .iter()
                .map(|pattern| (*pattern).to_owned())
                .collect(),
        )
    }
}

impl Ignored {
    /// Of patterns that were read; those that make no sense match nothing, but are kept.
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

    /// The same patterns and more, none of them twice.
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

    /// As they are written.
    #[must_use]
    pub fn patterns(&self) -> &[String] {
        &self.patterns
    }

    /// Whether a path below the history's folder, parts separated by `/`, or a folder it is in, is
    /// left out.
    #[must_use]
    pub fn has(&self, path: &str, is_folder: bool) -> bool {
        // The matcher may not be asked for what is no path below.
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
    fn patterns_match_as_those_of_git() {
        let ignored = Ignored::default().with(&[
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
            assert_eq!(ignored.has(path, is_folder), is_ignored, "{path}");
        }
    }
}
