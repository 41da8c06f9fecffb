//! Numbers in messages, tables and JSON.

use std::time::Duration;

/// Formats a number with thousands separators: `4,812`.
#[must_use]
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a count with its noun in singular or plural: `1 clip`, `4,812 clips`.
#[must_use]
pub fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

/// Returns a duration in seconds, rounded to milliseconds.
#[must_use]
pub fn rounded_seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_thousands_and_uses_the_singular_for_one() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(counted(4_812, "clip"), "4,812 clips");
        assert_eq!(counted(1_000_000, "clip"), "1,000,000 clips");
        assert_eq!(counted(1, "clip"), "1 clip");
    }
}
