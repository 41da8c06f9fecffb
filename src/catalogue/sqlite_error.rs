//! Converts errors of `SQLite` to errors of this program.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::error::{EngineError, EngineErrorKind, Error};

/// Returns a closure for `map_err` that adds the path of the database.
pub(super) fn in_database(path: &Path) -> impl FnOnce(rusqlite::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Catalogue {
        path,
        source: EngineError::new(kind(&source), source),
    }
}

fn kind(error: &rusqlite::Error) -> EngineErrorKind {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => EngineErrorKind::DiskFull,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => EngineErrorKind::Damaged,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => EngineErrorKind::Busy,
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            EngineErrorKind::NotWritable
        }
        Some(ErrorCode::SystemIoFailure) => EngineErrorKind::Io,
        _ => EngineErrorKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_stays_and_the_kind_decides_the_hint() {
        let error = |code| {
            let text = Some("as SQLite says".to_owned());
            let error = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), text);
            in_database(Path::new("c.sqlite"))(error)
        };
        for (code, hint) in [
            (rusqlite::ffi::SQLITE_FULL, Some("the disk is full")),
            (
                rusqlite::ffi::SQLITE_CORRUPT,
                Some("the catalogue is damaged"),
            ),
            (
                rusqlite::ffi::SQLITE_NOTADB,
                Some("the catalogue is damaged"),
            ),
            (rusqlite::ffi::SQLITE_BUSY, Some("another btsindex process")),
            (
                rusqlite::ffi::SQLITE_LOCKED,
                Some("another btsindex process"),
            ),
            (rusqlite::ffi::SQLITE_READONLY, Some("a scan must be able")),
            (rusqlite::ffi::SQLITE_CANTOPEN, Some("a scan must be able")),
            (rusqlite::ffi::SQLITE_PERM, Some("a scan must be able")),
            (rusqlite::ffi::SQLITE_IOERR, None),
            (rusqlite::ffi::SQLITE_CONSTRAINT, None),
        ] {
            let error = error(code);
            assert_eq!(error.to_string(), "catalogue c.sqlite: as SQLite says");
            let found = error.hint();
            match hint {
                Some(hint) => assert!(found.is_some_and(|found| found.starts_with(hint)), "{code}"),
                None => assert_eq!(found, None, "{code}"),
            }
        }
    }
}
