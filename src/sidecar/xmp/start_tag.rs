//! Lossless parser of start tags.

use super::attribute::Attribute;
use super::escape::bad_reference;

/// Start tag, split into parts of the source text.
pub(super) struct RawStartTag<'a> {
    /// Qualified name.
    pub name: &'a str,
    /// Attributes, each with the blanks before it.
    pub attributes: Vec<Attribute>,
    /// Blanks after the last attribute.
    pub tail: &'a str,
}

impl<'a> RawStartTag<'a> {
    /// Parses the text between `<` and `>` (or `/>`).
    ///
    /// # Errors
    /// Returns a description of the syntax error.
    pub(super) fn parse(written: &'a str) -> Result<Self, String> {
        let end = written.find(is_blank).unwrap_or(written.len());
        let (name, mut rest) = written.split_at(end);
        if !is_name(name) {
            return Err(format!("invalid name `{}`", short(name)));
        }
        let mut attributes = Vec::new();
        loop {
            let trimmed = rest.trim_start_matches(is_blank);
            if trimmed.is_empty() {
                return Ok(Self {
                    name,
                    attributes,
                    tail: rest,
                });
            }
            let (attribute, after) = parse_attribute(rest, rest.len() - trimmed.len())?;
            attributes.push(attribute);
            rest = after;
        }
    }
}

/// Parses the attribute that follows the first `blanks` bytes of a text. Also returns the rest of
/// the text.
fn parse_attribute(written: &str, blanks: usize) -> Result<(Attribute, &str), String> {
    let name = &written[blanks..];
    let name = &name[..name.find(|c| is_blank(c) || c == '=').unwrap_or(name.len())];
    let name_end = blanks + name.len();
    let malformed = || format!("malformed attribute `{}`", short(name));
    if blanks == 0 || !is_name(name) {
        return Err(malformed());
    }
    let after_name = written[name_end..].trim_start_matches(is_blank);
    let after_equals = after_name.strip_prefix('=').ok_or_else(malformed)?;
    let quoted = after_equals.trim_start_matches(is_blank);
    let quote = quoted.chars().next().filter(|c| matches!(c, '"' | '\''));
    let value = &quoted[quote.ok_or_else(malformed)?.len_utf8()..];
    let start = written.len() - value.len();
    let length = value
        .find(quote.ok_or_else(malformed)?)
        .ok_or_else(malformed)?;
    let value = &value[..length];
    if value.contains('<') {
        return Err(malformed());
    }
    if let Some(name) = bad_reference(value) {
        return Err(format!("invalid reference `&{name};`"));
    }
    let end = start + length;
    let attribute = Attribute::from_source(&written[..=end], blanks..name_end, start..end);
    Ok((attribute, &written[end + 1..]))
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// Returns true if a text is a valid XML name with at most one prefix.
pub(super) fn is_name(text: &str) -> bool {
    let is_part = |part: &str| {
        let has_valid_start =
            part.starts_with(|c: char| c.is_alphabetic() || c == '_' || !c.is_ascii());
        has_valid_start && !part.contains(|c: char| c.is_ascii() && !is_ascii_name(c))
    };
    match text.split_once(':') {
        Some((prefix, local)) => is_part(prefix) && is_part(local),
        None => is_part(text),
    }
}

fn is_ascii_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// Shortens untrusted text for use in a message.
pub(super) fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_attributes() {
        let tag = RawStartTag::parse("a:b \n c = 'd\"&lt;' e=\"f'\" ").unwrap();
        assert_eq!((tag.name, tag.tail), ("a:b", " "));
        let read: Vec<(&str, String)> = tag
            .attributes
            .iter()
            .map(|attribute| (attribute.name(), attribute.value()))
            .collect();
        assert_eq!(read, [("c", "d\"<".to_owned()), ("e", "f'".to_owned())]);
    }

    #[test]
    fn rejects_malformed_tags() {
        for written in [
            "",
            "1a",
            "a:b:c",
            ":a",
            "a:",
            "a b",
            "a b=",
            "a b=c",
            "a b='c",
            "a b='<'",
            "a b='c'd='e'",
            "a ='b'",
            "a b='&nbsp;'",
            "a b='&'",
            "a<b",
            "a/b",
        ] {
            assert!(RawStartTag::parse(written).is_err(), "{written}");
        }
    }
}
