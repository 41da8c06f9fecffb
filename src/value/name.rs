//! Names that people give: to themselves, and to what they own.

use super::Malformed;

/// A name is shown in a column.
const MOST_LETTERS: usize = 100;

/// A name as it is kept: on one line, with no blanks around it.
///
/// # Errors
/// When nothing is left of it, it is longer than 100 characters, or holds a control character.
pub fn parse_name(text: &str) -> Result<&str, Malformed> {
    let name = text.trim();
    let is_well = (1..=MOST_LETTERS).contains(&name.chars().count())
        && !name.contains(|c: char| c.is_control());
    is_well
        .then_some(name)
        .ok_or_else(|| Malformed::new(text, "a name of 1 to 100 letters on one line"))
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
