//! Paths as bytes and back: a name on a drive need not be UTF-8.

use std::ffi::{OsStr, OsString};

/// The bytes of a name as the system gave them (on Windows, UTF-8).
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

/// The name that [`to_bytes`] was given.
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
