//! Tests of the query language: normal forms, errors, and properties of random queries.

use proptest::prelude::*;

use super::keys::names;
use super::*;
use crate::error::Error;

const TODAY: Date = Date::constant(2026, 11, 26);

fn parsed(arguments: &[&str]) -> Result<Query, Error> {
    in_context(|context| Query::parse(arguments, context))
}

fn parsed_line(line: &str) -> Result<Query, Error> {
    in_context(|context| Query::parse_line(line, context))
}

fn in_context<T>(parse: impl FnOnce(&Context<'_>) -> T) -> T {
    let saved = |name: &str| {
        Ok(match name {
            "selects" => Some(vec!["is:selected".to_owned(), "tag:interview".to_owned()]),
            "tuesday selects" => Some(vec!["saved:selects date:tuesday".to_owned()]),
            "circle" => Some(vec!["@circle".to_owned()]),
            "flood" => Some(vec!["@tide ".repeat(50)]),
            "tide" => Some(vec!["a ".repeat(50)]),
            _ => None,
        })
    };
    let meanings = |word: &str| {
        let tags: &[&str] = match word {
            "rehearsal" => &["studio-session/rehearsal", "tv-set/rehearsal"],
            "shoot" => &["ad-shoot", "tv-set"],
            _ => &[],
        };
        Ok(TagMeaning {
            tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
            is_group: word == "shoot",
        })
    };
    let context = Context {
        today: Some(TODAY),
        saved: &saved,
        meanings: &meanings,
    };
    parse(&context)
}

fn shown(arguments: &[&str]) -> String {
    parsed(arguments).unwrap().to_string()
}

#[test]
fn every_query_has_one_normal_form() {
    for (typed, normal) in [
        (&["drummer", "laughing"][..], "drummer laughing"),
        (&["drummer laughing"], "drummer laughing"),
        (&["drummer", "AND", "laughing"], "drummer laughing"),
        (&["\"drummer laughing\""], "\"drummer laughing\""),
        (&["exact:drummer-laughing"], "\"drummer laughing\""),
        (&["drum*"], "drum.."),
        (&["a", "b", "OR", "c"], "a any:b,c"),
        (&["a OR b OR tag:c"], "any:a,b,tags:c"),
        (&["(a b) OR c"], "((a b) OR c)"),
        (&["(a (b c))"], "a b c"),
        (&["any:a,b,not:c"], "any:a,b,not:c"),
        (&["any:a"], "a"),
        (&["-a"], "not:a"),
        (&["NOT", "NOT", "a"], "a"),
        (&["NOT (a b)"], "NOT (a b)"),
        (&["-(a OR b)"], "NOT any:a,b"),
        (&["not:a,b"], "NOT any:a,b"),
        (&["not:tag:a,b"], "NOT any:tags:a,tags:b"),
        (&["-tag:\"ad shoot\""], "NOT tags:\"ad shoot\""),
        (&["tag:ad shoot"], "tags:\"ad shoot\""),
        (&["tag:ad shoot -b"], "tags:ad shoot not:b"),
        (&["dur:..30s drummer"], "duration:..30s drummer"),
        (&["cam:fx3,fx6"], "any:camera:fx3,camera:fx6"),
        (&["codec:ProRes"], "codec:ProRes"),
        (
            &["res:4K", "fps:24000/1001", "size:>10GB"],
            "res:4k rate:23.976 bytes:10000000001..",
        ),
        (&["drum", "Drum", "drum", "(drum OR drum)"], "drum Drum"),
        (&["res:1080p..4k"], "res:1080p.. res:..4k"),
        (&["date:yesterday"], "captured:2026-11-25"),
        (&["date:>=tuesday"], "captured:2026-11-24.."),
        (&["time:22..2"], "time:22:00..02:59"),
        (&["tc:01:02:03;04"], "tc:01:02:03:04"),
        (&["near:51.5,-0.12"], "near:51.5,-0.12,1km"),
        (&["is:Vertical,hdr"], "any:is:vertical,is:hdr"),
        (&["notes:*"], "has:notes"),
        (&["-camera:*"], "not:has:camera"),
        (&["has:audio"], "has:audio_codec"),
        (&["hdr:HLG"], "hdr:hlg"),
        (&["volume:SHELF-07"], "volume:SHELF-07"),
        (&["path:day2/*"], "path:day2"),
        (&["saved:selects", "b"], "is:selected tags:interview b"),
        (
            &["@\"tuesday selects\""],
            "is:selected tags:interview captured:2026-11-24",
        ),
        (
            &["@tuesday selects"],
            "is:selected tags:interview captured:2026-11-24",
        ),
        (
            &["saved:tuesday selects", "-@selects"],
            "is:selected tags:interview captured:2026-11-24 NOT (is:selected tags:interview)",
        ),
        (&["-tag:ad shoot"], "NOT tags:\"ad shoot\""),
        (&["not:tag:ad shoot", "b"], "NOT tags:\"ad shoot\" b"),
        (&["not:ad shoot"], "not:ad shoot"),
        (
            &["12:30", "C0001: ", "clip(1).mov"],
            "12-30 C0001 clip-1-mov",
        ),
        (&[], ""),
        (&[" "], ""),
    ] {
        assert_eq!(shown(typed), normal, "{typed:?}");
        assert_eq!(
            Query::parse_line(normal, &Context::plain(TODAY)).unwrap(),
            parsed(typed).unwrap(),
            "{normal}"
        );
    }
}

/// Invalid queries, each with the start of its error message and of its hint.
const INVALID: &[(&str, &str, &str)] = &[
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
        "`width`: coded width in pixels; for example `width:10`",
    ),
    (
        "tag:",
        "`tag:` has no value",
        "add a value, such as `tag:VALUE`",
    ),
    (
        "is:vertcal",
        "`is:vertcal`: \"vertcal\" is not ",
        "did you mean `is:vertical`?",
    ),
    (
        "has:nots",
        "`has:nots`: \"nots\" is not a field",
        "did you mean `has:notes`?",
    ),
    (
        "dur:5m..1m",
        "`dur:5m..1m`: \"5m..1m\" is not a valid range: write the smaller end first",
        "`duration`: running time of the clip; for example `dur:1m30s`",
    ),
    (
        "res:big",
        "`res:big`: \"big\" is not a size such as `4k`, `1080p`, `1080p..4k` or `3840x2160`",
        "for example `res:1080p..`",
    ),
    (
        "OR a",
        "`OR` needs a term on both sides",
        "to search for the word itself, write it in lower case: `or`",
    ),
    (
        "a OR",
        "`OR` needs a term on both sides",
        "to search for the word itself, write it in lower case: `or`",
    ),
    (
        "NOT",
        "`NOT` needs a term after it",
        "to search for the word itself, write it in lower case: `not`",
    ),
    (
        "(a b",
        "unclosed `(`",
        "put text that contains brackets in quotes",
    ),
    (
        "a)",
        "unmatched `)`",
        "put text that contains brackets in quotes",
    ),
    (
        "---",
        "cannot search for \"-\"",
        "write a word of letters and digits",
    ),
    (
        "@nothing",
        "no saved search `nothing`",
        "`btsindex search --saved` lists them all",
    ),
    (
        "@circle",
        "the saved search `circle` refers to itself",
        "save it again without that reference",
    ),
    ("@flood", "the query has more than 500 words", ""),
    (
        "any:,",
        "`any:` has no value",
        "add a value, such as `any:drummer,singer`",
    ),
    (
        "gps:51",
        "`gps:51`: \"51\" is not searchable: positions are searched with `near:`",
        "for example `near:51.5,-0.12,2km`",
    ),
];

#[test]
fn an_invalid_query_is_rejected_with_a_hint() {
    for (typed, message, hint) in INVALID {
        let Err(Error::Query {
            message: actual,
            hint: actual_hint,
        }) = parsed(&[typed])
        else {
            panic!("{typed} was accepted");
        };
        assert!(
            actual.starts_with(message) && actual_hint.starts_with(hint),
            "{typed}: {actual} / {actual_hint}"
        );
    }
    let many = "a ".repeat(1001);
    assert!(parsed(&[&many]).is_err());
    assert!(parsed(&[&"(".repeat(100_000)]).is_err());
    assert!(parsed(&[&"-".repeat(100_000)]).is_err());
    assert!(parsed(&[&"not:".repeat(50_000)]).is_err());
}

#[test]
fn every_documented_form_is_valid() {
    for (form, also, _) in FORMS {
        for form in std::iter::once(*form).chain(also.split(", ").filter(|form| !form.is_empty())) {
            let parsed = Query::parse_line(
                form,
                &Context {
                    saved: &|_| Ok(Some(vec!["is:selected".to_owned()])),
                    ..Context::plain(TODAY)
                },
            );
            assert!(!parsed.unwrap().is_everything(), "{form}");
        }
    }
    let forms: Vec<&str> = FORMS.iter().map(|(form, ..)| *form).collect();
    let unsafe_forms = forms.iter().filter(|form| {
        form.contains([
            '<', '>', '"', '\'', '*', '?', '(', ')', '|', '&', ';', '$', '`', '!', '#', '{', '[',
            '@',
        ])
    });
    assert_eq!(unsafe_forms.count(), 0);
}

/// Generates queries as users might type them.
fn queries() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        "[a-z0-9é京]{1,6}",
        "[a-z]{1,3}[.]{2}",
        "[a-z]{1,4}[~*]",
        "\"[a-z ]{1,8}\"",
        "[0-9]{1,3}(GB|MB|s|m)?",
        "[0-9]{1,2}[.]{2}[0-9]{1,3}",
        "(>|<|>=|<=)[0-9]{1,4}",
        "[0-2][0-9]:[0-5][0-9](:[0-5][0-9]){0,2}([.]{2}[0-2][0-9]:[0-5][0-9]:[0-5][0-9]){0,1}",
        "20[0-9]{2}(-[01][0-9](-[0-2][0-9](T[01][0-9](:[0-5][0-9]){0,2}){0,1}){0,1}){0,1}([.]{2}){0,1}",
        "[0-9]{1,4}[pk]([.]{2}([0-9]{1,4}[pk]){0,1}){0,1}|[0-9]{1,4}x[0-9]{1,4}",
        "-?[0-9]{1,2}[.][0-9]{1,6},-?[0-9]{1,3}(,[0-9]{1,3}(m|km|mi)){0,1}",
        proptest::sample::select(ClipState::NAMES).prop_map(str::to_owned),
    ];
    let name = proptest::sample::select(names().collect::<Vec<_>>());
    let term = prop_oneof![
        value.clone(),
        (name, value).prop_map(|(name, value)| format!("{name}:{value}")),
        proptest::sample::select(
            FORMS
                .iter()
                .map(|(form, ..)| (*form).to_owned())
                .collect::<Vec<_>>()
        ),
    ];
    term.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..4)
                .prop_map(|all| format!("({})", all.join(" "))),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(|all| all.join(" OR ")),
            proptest::collection::vec(inner.clone(), 1..4)
                .prop_map(|any| format!("any:{}", any.join(","))),
            inner.clone().prop_map(|one| format!("NOT {one}")),
            inner.clone().prop_map(|one| format!("-{one}")),
            inner.prop_map(|one| format!("not:{one}")),
        ]
    })
}

proptest! {
    #![proptest_config(crate::property_tests::random(256))]

    #[test]
    fn a_printed_query_parses_back(typed in queries()) {
        if let Ok(query) = parsed(&[&typed]) {
            let printed = query.to_string();
            prop_assert_eq!(parsed_line(&printed).unwrap(), query, "{} -> {}", typed, printed);
        }
    }

    #[test]
    fn no_text_causes_a_panic_and_valid_queries_parse_back(text in "\\PC{0,40}|[ -~]{0,40}") {
        if let Ok(query) = parsed(&[&text]) {
            let printed = query.to_string();
            prop_assert_eq!(parsed_line(&printed).unwrap(), query, "{}", printed);
        }
    }
}

#[test]
fn a_tag_in_the_vocabulary_is_parsed_with_its_meaning() {
    let query = parsed(&[
        "tag:rehearsal,shoot",
        "-tag:rehearsal",
        "tag:drums",
        "tag:rehears..",
    ])
    .unwrap();
    assert_eq!(
        query.to_string(),
        "any:tags:rehearsal,tags:shoot not:tags:rehearsal tags:drums tags:rehears.."
    );
    let ambiguous = query.ambiguous_tags();
    assert_eq!(ambiguous.len(), 2);
    assert!(
        ambiguous
            .iter()
            .all(|(word, tags)| word.text == "rehearsal" && tags.len() == 2)
    );
    let tags = |query: &Query| matches!(query, Query::Filter(Filter::Tag { .. }));
    let terms = query.terms();
    assert!(matches!(&terms[0], Query::Any(any) if any.iter().all(tags)));
    assert!(!tags(&terms[2]) && !tags(&terms[3]));
}
