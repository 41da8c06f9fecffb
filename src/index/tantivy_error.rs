//! Converts errors of tantivy to errors of this program.

use tantivy::TantivyError;

use crate::error::{EngineError, EngineErrorKind, Error};

impl From<TantivyError> for Error {
    fn from(cause: TantivyError) -> Self {
        Self::Index(EngineError::new(EngineErrorKind::Other, cause))
    }
}
