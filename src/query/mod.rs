//! What an editor asks for, as a tree; nothing here knows how it is answered.

use crate::clip::{Clip, Wanted};
use crate::error::{Error, closest};

/// A query: every term must match. No terms: every clip.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// What is asked for.
    pub terms: Vec<Term>,
}

/// One thing asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// A word, or a quoted phrase, anywhere that plain words look.
    Words(String),
    /// `field:value`. The name may stand for several fields; one must match.
    Field {
        /// Places in the field table, each with what is wanted of it.
        any_of: Vec<(usize, Wanted)>,
    },
}

impl Query {
    /// Parses the words of a command line.
    ///
    /// A shell takes quotes away: `tag:"ad shoot"` arrives as one argument with a blank in
    /// it. So in an argument that begins with a field's name and holds no quotes and no
    /// further field, the rest is that field's value.
    ///
    /// # Errors
    /// [`Error::Query`] for an unknown field or a value that its field cannot have.
    pub fn parse<S: AsRef<str>>(arguments: &[S]) -> Result<Self, Error> {
        let mut terms = Vec::new();
        for argument in arguments {
            let argument = argument.as_ref();
            let tokens = tokens(argument);
            let is_one_field = !argument.contains('"')
                && tokens.first().is_some_and(|first| names_field(first))
                && !tokens.iter().skip(1).any(|token| names_field(token));
            if is_one_field {
                terms.extend(term(argument.trim())?);
            } else {
                for token in &tokens {
                    terms.extend(term(token)?);
                }
            }
        }
        Ok(Self { terms })
    }
}

/// Cuts at blanks, but not inside quotes.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut token = String::new();
    let mut is_quoted = false;
    for c in text.chars() {
        if c == '"' {
            is_quoted = !is_quoted;
        }
        if c.is_whitespace() && !is_quoted {
            tokens.push(std::mem::take(&mut token));
        } else {
            token.push(c);
        }
    }
    tokens.push(token);
    tokens.retain(|token| !token.is_empty());
    tokens
}

/// Whether a token is `name:…` with a name that could be a field's.
fn split_field(token: &str) -> Option<(&str, &str)> {
    let (name, value) = token.split_once(':')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
    is_name.then_some((name, value))
}

fn names_field(token: &str) -> bool {
    split_field(token).is_some_and(|(name, _)| Clip::fields_named(name).next().is_some())
}

fn term(token: &str) -> Result<Option<Term>, Error> {
    let Some((name, value)) = split_field(token) else {
        let words = token.replace('"', " ");
        let is_empty = words.trim().is_empty();
        return Ok((!is_empty).then_some(Term::Words(words)));
    };
    let value = value.replace('"', " ");
    let value = value.trim();
    let mut any_of = Vec::new();
    let mut malformed = None;
    let mut is_known = false;
    for (at, field) in Clip::fields_named(name) {
        is_known = true;
        match (field.wanted)(value) {
            Ok(wanted) => any_of.push((at, wanted)),
            Err(wrong) => malformed = Some((field, wrong)),
        }
    }
    if !is_known {
        return Err(unknown(name));
    }
    if value.is_empty() {
        return Err(Error::Query {
            message: format!("`{name}:` asks for nothing"),
            hint: format!("write a value after it, such as `{name}:{}`", example(name)),
        });
    }
    match malformed {
        Some((field, wrong)) if any_of.is_empty() => Err(Error::Query {
            message: format!(
                "`{name}:{}`: {value:?} is not {}",
                wrong.text, wrong.expected
            ),
            hint: match closest(value, choices(field.kind)) {
                Some(choice) => format!("did you mean `{name}:{choice}`?"),
                None => format!("`{}` is {}", field.name, field.help),
            },
        }),
        _ => Ok(Some(Term::Field { any_of })),
    }
}

fn choices(kind: crate::clip::Kind) -> &'static [&'static str] {
    match kind {
        crate::clip::Kind::Choice(all) => all,
        _ => &[],
    }
}

fn example(name: &str) -> &'static str {
    let kind = Clip::fields_named(name).next().map(|(_, field)| field.kind);
    match kind {
        Some(crate::clip::Kind::Choice(all)) => all.first().copied().unwrap_or("VALUE"),
        _ => "VALUE",
    }
}

fn unknown(name: &str) -> Error {
    let hint = match closest(&name.to_ascii_lowercase(), &Clip::field_names().collect::<Vec<_>>()) {
        Some(field) => format!("did you mean `{field}`? `btsindex fields` lists them all"),
        None => "`btsindex fields` lists them all; to search for the words themselves, leave a blank after the colon".to_owned(),
    };
    Error::Query {
        message: format!("no field `{name}`"),
        hint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(arguments: &[&str]) -> String {
        let query = Query::parse(arguments).unwrap();
        let terms = query.terms.iter().map(|term| match term {
            Term::Words(words) => words.trim().to_owned(),
            Term::Field { any_of } => any_of
                .iter()
                .map(|(at, wanted)| format!("{}={wanted:?}", crate::clip::FIELDS[*at].name))
                .collect::<Vec<_>>()
                .join("|"),
        });
        terms.collect::<Vec<_>>().join(" & ")
    }

    #[test]
    fn shells_take_quotes_away_and_queries_still_mean_the_same() {
        let asked = r#"tags=Words("ad shoot")"#;
        assert_eq!(shown(&["tag:ad shoot"]), asked);
        assert_eq!(shown(&[r#"tag:"ad shoot""#]), asked);
        assert_eq!(
            shown(&[r#"tag:"ad shoot" drummer"#]),
            format!("{asked} & drummer")
        );
        assert_eq!(shown(&["drummer laughing"]), "drummer & laughing");
        assert_eq!(shown(&[r#""drummer laughing""#]), "drummer laughing");
        assert_eq!(
            shown(&["camera:fx3 codec:h264"]),
            r#"make=Words("fx3")|model=Words("fx3") & video_codec=Words("h264")|audio_codec=Words("h264")"#
        );
        assert_eq!(shown(&["12:30", "C0001: ", "-", ""]), "12:30 & C0001: & -");
    }

    #[test]
    fn a_wrong_field_or_value_says_what_would_be_right() {
        for (argument, message, hint) in [
            (
                "camara:fx3",
                "no field `camara`",
                "did you mean `camera`? `btsindex fields` lists them all",
            ),
            (
                "hdr:hdr1",
                "`hdr:hdr1`: \"hdr1\" is not `hdr10`, `hlg` or `dolby-vision`",
                "did you mean `hdr:hdr10`?",
            ),
            (
                "width:wide",
                "`width:wide`: \"wide\" is not a whole number",
                "`width` is coded width in pixels",
            ),
            (
                "tag:",
                "`tag:` asks for nothing",
                "write a value after it, such as `tag:VALUE`",
            ),
        ] {
            let Err(Error::Query {
                message: said,
                hint: hinted,
            }) = Query::parse(&[argument])
            else {
                panic!("{argument} was understood");
            };
            assert_eq!((said.as_str(), hinted.trim()), (message, hint));
        }
    }

    proptest! {
        #[test]
        fn no_words_make_it_panic(words in proptest::collection::vec("\\PC*", 0..4)) {
            let _ = Query::parse(&words);
        }
    }
}
