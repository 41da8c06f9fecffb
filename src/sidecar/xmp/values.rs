//! Values of single properties.

/// Parses a rating from -1 to 5 in whole stars; accepts `3.0`.
pub(super) fn parse_rating(text: &str) -> Option<i8> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    if !fraction.bytes().all(|digit| digit == b'0') {
        return None;
    }
    whole.parse().ok().filter(|stars| (-1..=5).contains(stars))
}

/// Parses `True` or `False`, ignoring case.
pub(super) fn parse_bool(text: &str) -> Option<bool> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_only_whole_stars() {
        for (text, stars) in [
            ("4", Some(4)),
            (" 3.0 ", Some(3)),
            ("-1", Some(-1)),
            ("-1.00", Some(-1)),
            ("0", Some(0)),
            ("+5", Some(5)),
            ("6", None),
            ("-2", None),
            ("3.5", None),
            ("five", None),
            ("", None),
            (".0", None),
            ("3.0e0", None),
            ("99999999999", None),
        ] {
            assert_eq!(parse_rating(text), stars, "{text}");
        }
    }
}
