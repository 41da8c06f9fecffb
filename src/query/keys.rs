//! Names that may precede a colon in a query, and suggestions for unknown names.

use crate::clip::Clip;
use crate::error::closest;

/// Meaning of a name before a colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QueryKey {
    /// A field, or an alias of several.
    Field(&'static str),
    Not,
    Any,
    Exact,
    Is,
    Has,
    Resolution,
    Time,
    Timecode,
    Near,
    Saved,
}

/// Names that are not fields.
const OPERATORS: &[(&str, QueryKey)] = &[
    ("not", QueryKey::Not),
    ("any", QueryKey::Any),
    ("exact", QueryKey::Exact),
    ("is", QueryKey::Is),
    ("has", QueryKey::Has),
    ("res", QueryKey::Resolution),
    ("resolution", QueryKey::Resolution),
    ("time", QueryKey::Time),
    ("tc", QueryKey::Timecode),
    ("timecode", QueryKey::Timecode),
    ("near", QueryKey::Near),
    ("saved", QueryKey::Saved),
];

/// Iterates over all names that may precede a colon.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    OPERATORS
        .iter()
        .map(|(name, _)| *name)
        .chain(Clip::field_names())
}

/// Returns the meaning of a name; `None` if it is unknown.
pub(super) fn resolve(name: &str) -> Option<QueryKey> {
    let name = name.to_ascii_lowercase();
    if let Some((_, key)) = OPERATORS.iter().find(|(known, _)| *known == name) {
        return Some(*key);
    }
    Clip::field_names()
        .find(|field| *field == name)
        .map(|name| QueryKey::Field(canonical(name)))
}

/// Returns the canonical name: the field if only one has this name or alias, otherwise the first of
/// all names for the same fields.
fn canonical(name: &'static str) -> &'static str {
    let have_same_fields = |a: &str, b: &str| {
        let indices = |name| Clip::fields_named(name).map(|(at, _)| at);
        indices(a).eq(indices(b))
    };
    let mut fields = Clip::fields_named(name);
    match (fields.next(), fields.next()) {
        (Some((_, field)), None) => field.name,
        _ => Clip::field_names()
            .find(|other| have_same_fields(other, name))
            .unwrap_or(name),
    }
}

/// Returns the known name most similar to an unknown one.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let all: Vec<&str> = names().collect();
    let nearest = closest(&name.to_ascii_lowercase(), &all)?;
    names().find(|name| *name == nearest)
}

/// Splits `name:value` at the colon if the name consists of letters and underscores, or `rating>=3`
/// before the comparison if the name is known.
pub(super) fn split(term: &str) -> Option<(&str, &str)> {
    let at = term.find([':', '<', '>', '='])?;
    let (name, value) = term.split_at(at);
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
    if let Some(value) = value.strip_prefix(':') {
        return is_name.then_some((name, value));
    }
    let is_compared = matches!(
        resolve(name),
        Some(QueryKey::Field(_) | QueryKey::Resolution | QueryKey::Time | QueryKey::Timecode)
    );
    is_compared.then(|| (name, value.strip_prefix('=').unwrap_or(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_operator_shares_a_name_with_a_field() {
        for (name, _) in OPERATORS {
            assert!(Clip::field_names().all(|field| field != *name), "{name}");
        }
    }
}
