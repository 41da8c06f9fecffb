//! Base folders of relative paths.

use std::path::{Path, PathBuf};

use super::template_error::TemplateError;

/// Base folders of the relative paths in a day file.
pub(super) struct PathBase {
    pub(super) folder: PathBuf,
    pub(super) home: Option<PathBuf>,
}

impl PathBase {
    pub(super) fn home(&self) -> Result<&Path, TemplateError> {
        self.home.as_deref().ok_or_else(|| {
            TemplateError::new(
                "`~/` is the home folder, which is unknown",
                "use an absolute path, or set HOME",
            )
        })
    }

    pub(super) fn resolve(&self, path: &str) -> Result<PathBuf, TemplateError> {
        match path.strip_prefix("~/") {
            Some(rest) => Ok(self.home()?.join(rest.trim_start_matches('/'))),
            // Removes `./` and other redundant components.
            None => Ok(self.folder.join(path).components().collect()),
        }
    }
}
