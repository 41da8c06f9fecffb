//! Quoting of paths and names in commands that the user can paste into a shell.

use std::path::Path;

use crate::error::is_unsafe;

/// Quotes a path or name for a shell. Characters that terminals do not show are written as escaped
/// bytes.
pub(super) fn shell_quoted(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+,:@%".contains(c);
    match path.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(is_plain) => text.to_owned(),
        Some(text) if !text.contains(is_unsafe) => format!("'{}'", text.replace('\'', r"'\''")),
        _ => {
            let bytes = path.as_os_str().as_encoded_bytes().iter();
            let all = bytes.map(|byte| match byte {
                b'/' | b'.' | b'_' | b'-' | b' ' => char::from(*byte).to_string(),
                byte if byte.is_ascii_alphanumeric() => char::from(*byte).to_string(),
                byte => format!("\\x{byte:02x}"),
            });
            format!("$'{}'", all.collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_a_shell_would_interpret() {
        for (path, quoted) in [
            ("/mnt/card-1/A_001.MOV", "/mnt/card-1/A_001.MOV"),
            ("/mnt/Größe", "/mnt/Größe"),
            ("/mnt/my card", "'/mnt/my card'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
            ("a$b", "'a$b'"),
            ("a\nb c", r"$'a\x0ab c'"),
        ] {
            assert_eq!(shell_quoted(path), quoted);
        }
    }

    #[cfg(unix)]
    #[test]
    fn writes_bytes_that_are_not_text_as_escapes() {
        use std::os::unix::ffi::OsStrExt;
        let path = std::ffi::OsStr::from_bytes(b"/mnt/\xff'");
        assert_eq!(shell_quoted(path), r"$'/mnt/\xff\x27'");
    }
}
