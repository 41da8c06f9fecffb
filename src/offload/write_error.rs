//! Kinds of write errors: of one file, or of the whole device.

use std::io::{self, ErrorKind};

/// Returns true if an error concerns the whole device, so that other files would fail, too.
pub(super) fn is_device_error(error: &io::Error) -> bool {
    /// `EIO`, `ENXIO`, `ENODEV`, `ENOTCONN`, `EHOSTDOWN`, `ESTALE` on Linux.
    const DEVICE_ERRORS: [i32; 6] = [5, 6, 19, 107, 112, 116];
    matches!(
        error.kind(),
        ErrorKind::StorageFull
            | ErrorKind::QuotaExceeded
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::StaleNetworkFileHandle
            | ErrorKind::NotConnected
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::TimedOut
    ) || error
        .raw_os_error()
        .is_some_and(|code| DEVICE_ERRORS.contains(&code))
}

/// Describes a write error, more clearly than the system's message where possible.
pub(super) fn describe_error(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::FileTooLarge => {
            "the file is too large for the destination's filesystem (FAT32: 4 GiB)".to_owned()
        }
        ErrorKind::InvalidInput | ErrorKind::InvalidFilename => {
            format!("the destination's filesystem does not accept the name: {error}")
        }
        ErrorKind::NotADirectory => "a file or link exists where the card has a folder".to_owned(),
        _ => error.to_string(),
    }
}
