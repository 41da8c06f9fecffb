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

/// Decodes special bytes of the system's tables: `\040` (mark `\`, radix 8, three digits) or `\x20`
/// (mark `\x`, radix 16, two digits).
#[must_use]
pub fn unescape(text: &[u8], mark: &[u8], radix: u32) -> OsString {
    let digits = if radix == 8 { 3 } else { 2 };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        let code = rest.strip_prefix(mark).and_then(|code| {
            let code = std::str::from_utf8(code.get(..digits)?).ok()?;
            u8::from_str_radix(code, radix).ok()
        });
        if let Some(code) = code {
            bytes.push(code);
            rest = rest.get(mark.len() + digits..).unwrap_or_default();
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_special_bytes_in_the_mount_table() {
        assert_eq!(
            unescape(b"/media/SHELF\\04007", b"\\", 8),
            "/media/SHELF 07"
        );
        assert_eq!(unescape(b"SHELF\\x2007", b"\\x", 16), "SHELF 07");
        assert_eq!(
            unescape("back\\slash\\é".as_bytes(), b"\\", 8),
            "back\\slash\\é"
        );
    }
}
