//! The names that may stand before a colon, and what was meant by one that may not.

use crate::clip::Clip;
use crate::error::closest;

/// What a name before a colon means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    /// A field, or several under one alias.
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

/// Names that are no field's.
const OWN: &[(&str, Name)] = &[
    ("not", Name::Not),
    ("any", Name::Any),
    ("exact", Name::Exact),
    ("is", Name::Is),
    ("has", Name::Has),
    ("res", Name::Resolution),
    ("resolution", Name::Resolution),
    ("time", Name::Time),
    ("tc", Name::Timecode),
    ("timecode", Name::Timecode),
    ("near", Name::Near),
    ("saved", Name::Saved),
];

/// Every name that may stand before a colon.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    OWN.iter().map(|(name, _)| *name).chain(Clip::field_names())
}

/// What is meant by a name; `None` for one that means nothing.
pub(super) fn meaning(name: &str) -> Option<Name> {
    let name = name.to_ascii_lowercase();
    if let Some((_, meaning)) = OWN.iter().find(|(own, _)| *own == name) {
        return Some(*meaning);
    }
    Clip::field_names()
        .find(|field| *field == name)
        .map(|name| Name::Field(settled(name)))
}

/// An alias of one field is that field; of several names for the same fields, it is the first.
fn settled(name: &'static str) -> &'static str {
    let same = |a: &str, b: &str| {
        let places = |name| Clip::fields_named(name).map(|(at, _)| at);
        places(a).eq(places(b))
    };
    let mut fields = Clip::fields_named(name);
    match (fields.next(), fields.next()) {
        (Some((_, field)), None) => field.name,
        _ => Clip::field_names()
            .find(|other| same(other, name))
            .unwrap_or(name),
    }
}

/// The name that is most like one that means nothing.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let all: Vec<&str> = names().collect();
    let nearest = closest(&name.to_ascii_lowercase(), &all)?;
    names().find(|name| *name == nearest)
}

/// `name:rest`, where the name could be one: letters alone; or `rating>=3`, where it is one.
pub(super) fn split(term: &str) -> Option<(&str, &str)> {
    let at = term.find([':', '<', '>', '='])?;
    let (name, value) = term.split_at(at);
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
    if let Some(value) = value.strip_prefix(':') {
        return is_name.then_some((name, value));
    }
    let is_compared = matches!(
        meaning(name),
        Some(Name::Field(_) | Name::Resolution | Name::Time | Name::Timecode)
    );
    is_compared.then(|| (name, value.strip_prefix('=').unwrap_or(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_means_two_things() {
        for (name, _) in OWN {
            assert!(Clip::field_names().all(|field| field != *name), "{name}");
        }
    }
}
