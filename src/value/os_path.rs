//! Conversion between file names and bytes: names on a drive need not be UTF-8.

use std::ffi::{OsStr, OsString};

/// Returns the bytes of a name as the system stores it (UTF-8 on Windows).
#[must_use]
pub fn to_bytes(name: &OsStr) -> Vec<u8> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        name.as_bytes().to_vec()
    }
    #[cfg(not(unix))]
    {
        name.to_string_lossy().into_owned().into_bytes()
    }
}

/// Converts bytes from [`to_bytes`] back to a name.
#[must_use]
pub fn from_bytes(bytes: Vec<u8>) -> OsString {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt;
        OsString::from_vec(bytes)
    }
    #[cfg(not(unix))]
    {
        String::from_utf8_lossy(&bytes).into_owned().into()
    }
}
