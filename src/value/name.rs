//! Names that users choose for themselves and for volumes, machines and the like.

use super::Malformed;

/// Maximum length of a name in characters. Names are printed in table columns.
const MAX_CHARS: usize = 100;

/// Trims a name and checks that it fits on one line.
///
/// # Errors
/// Fails if the name is empty, longer than 100 characters, or contains a control character.
pub fn parse_name(text: &str) -> Result<&str, Malformed> {
    let name = text.trim();
    let is_valid =
        (1..=MAX_CHARS).contains(&name.chars().count()) && !name.contains(|c: char| c.is_control());
    is_valid
        .then_some(name)
        .ok_or_else(|| Malformed::new(text, "a name of 1 to 100 characters on one line"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_in_a_column() {
        assert_eq!(
            parse_name(" Zoë de Vries, B-cam "),
            Ok("Zoë de Vries, B-cam")
        );
        for bad in ["", "  ", "a\nb", "a\x1b[31m", &"a".repeat(101)] {
            assert!(parse_name(bad).is_err(), "{bad}");
        }
        let wrong = parse_name(&"a".repeat(1_000_000)).unwrap_err().to_string();
        assert!(wrong.len() < 200, "{} bytes", wrong.len());
    }
}
