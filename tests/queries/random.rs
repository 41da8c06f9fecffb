//! Random catalogues and random queries of every form: the index and the naive filter find the same
//! clips. `PROPTEST_CASES` sets the number of catalogues.

use btsindex::clip::{Clip, FIELDS, FieldKind};
use btsindex::index::SortOrder;
use btsindex::query::{ClipState, Context, FORMS, Query};
use proptest::prelude::*;
use proptest::sample::select;

use super::TODAY;
use super::naive_filter::Exported;
use super::sample_catalogue::{MOUNTED, Set, Shot, fail_on_notice};

/// Queries per catalogue.
const QUERIES: usize = 150;

/// Few words, so that they coincide: similar, with the same stem, with accents, in several scripts.
const WORDS: [&str; 34] = [
    "drum",
    "drums",
    "drummer",
    "drumming",
    "DrumKit",
    "day2",
    "Day_2",
    "Day 20",
    "A001C003",
    "BTSInterview",
    "interview",
    "interviews",
    "happy",
    "happiness",
    "die",
    "dying",
    "skies",
    "sky",
    "Été",
    "ete",
    "Straße",
    "東京",
    "東京タワー",
    "京",
    "人2",
    "한국어",
    "ガス",
    "カ",
    "京都",
    "カメラ",
    "東2",
    "都drum",
    "x-ray",
    "C0001",
];

fn word() -> impl Strategy<Value = String> {
    select(&WORDS).prop_map(str::to_owned)
}

fn prose(max: usize) -> impl Strategy<Value = String> {
    let words = proptest::collection::vec(word(), 1..=max);
    (words, select(&[" ", "_", ", ", "-"])).prop_map(|(words, between)| words.join(between))
}

/// A fact, or an empty one.
fn fact() -> impl Strategy<Value = (String, String)> {
    let text = select(&[
        "title",
        "comment",
        "make",
        "model",
        "lens",
        "reel",
        "container",
        "video_codec",
        "audio_codec",
        "profile",
        "software",
        "problem",
    ]);
    let whole = select(&[
        "width",
        "height",
        "display_width",
        "display_height",
        "rotation",
        "bit_depth",
        "video_bitrate",
        "audio_tracks",
        "audio_channels",
        "sample_rate",
    ]);
    let sides = select(&[
        "480", "720", "1080", "1440", "1920", "2048", "2160", "3840", "7680",
    ]);
    let choices: Vec<(&str, &[&str])> = FIELDS
        .iter()
        .filter(|field| !matches!(field.name, "orientation" | "selection"))
        .filter_map(|field| match field.kind {
            FieldKind::Choice(all) => Some((field.name, all)),
            _ => None,
        })
        .collect();
    let own = |name: &'static str, value: String| (name.to_owned(), value);
    prop_oneof![
        4 => (text, prose(3)).prop_map(move |(name, value)| own(name, value)),
        3 => (whole, sides).prop_map(move |(name, value)| own(name, value.to_owned())),
        2 => select(choices).prop_flat_map(|(name, all)| (Just(name), select(all)))
            .prop_map(move |(name, value)| own(name, value.to_owned())),
        2 => (0_u32..400_000).prop_map(move |cents| own("duration", format!("{}", f64::from(cents) / 100.0))),
        1 => (0_u64..20_000_000_000).prop_map(move |bytes| own("size", bytes.to_string())),
        2 => select(&["24000/1001", "24", "25", "30000/1001", "50", "60"])
            .prop_map(move |rate| own("rate", rate.to_owned())),
        2 => moment().prop_map(move |time| own("captured", time)),
        2 => address().prop_map(move |address| own("start_timecode", address)),
        2 => place().prop_map(move |place| own("gps", place)),
        1 => (prose(1), prose(2)).prop_map(move |(one, other)| own("tags", format!("{one},{other}").to_lowercase())),
        1 => Just(own("written", "0".to_owned())),
    ]
}

fn moment() -> impl Strategy<Value = String> {
    (
        select(&["2025-11", "2026-05", "2024-02"]),
        1..29,
        0..24,
        0..60,
        0..60,
    )
        .prop_map(|(month, day, hour, minute, second)| {
            format!("{month}-{day:02}T{hour:02}:{minute:02}:{second:02}")
        })
}

fn address() -> impl Strategy<Value = String> {
    let hours = select(&[0, 1, 10, 22, 23]);
    (hours, 2..60, 0..60, 2..24, select(&[":", ";"]))
        .prop_map(|(h, m, s, f, sep)| format!("{h:02}:{m:02}:{s:02}{sep}{f:02}"))
}

fn place() -> impl Strategy<Value = String> {
    let near = (
        select(&[51.5, -17.0, 89.99, 0.0]),
        select(&[-0.12, 179.99, -179.99, 10.0]),
    );
    (near, -50..50, -50..50).prop_map(|((north, east), a, b)| {
        let north: f64 = north + f64::from(a) / 10_000.0;
        let east: f64 = east + f64::from(b) / 10_000.0;
        format!("{:.6},{:.6}", north.min(90.0), east.clamp(-180.0, 180.0))
    })
}

/// Edit by a person.
fn edit() -> impl Strategy<Value = (String, String)> {
    let own = |name: &str, value: String| (name.to_owned(), value);
    prop_oneof![
        prose(2).prop_map(move |tag| own("tag", tag.to_lowercase().replace(',', ""))),
        word().prop_map(move |tag| own("untag", tag.to_lowercase())),
        prose(3).prop_map(move |note| own("note", note)),
        prose(2).prop_map(move |note| own("mark", note)),
        (0..6_u8).prop_map(move |stars| own("stars", stars.to_string())),
        select(&["selected", "rejected"]).prop_map(move |how| own("select", how.to_owned())),
    ]
}

const VOLUMES: [&str; 3] = [MOUNTED, "SHELF-07", "Vault 3"];

/// A clip without the number in its path that makes its name unique.
fn shot() -> impl Strategy<Value = Shot> {
    let at = (
        select(&["", "", "", "!", "?"]),
        select(&VOLUMES),
        prose(2),
        word(),
    );
    let facts = proptest::collection::vec(fact(), 0..8);
    let people = proptest::collection::vec(edit(), 0..3);
    (proptest::collection::vec(at, 1..4), facts, people).prop_map(|(at, mut facts, people)| {
        facts.sort();
        facts.dedup_by(|a, b| a.0 == b.0);
        let at = at
            .into_iter()
            .map(|(state, volume, folder, name)| format!("{state}{volume}:BTS/{folder}/{name}"));
        Shot {
            at: at.collect(),
            facts,
            edits: people,
        }
    })
}

/// Clips that are written in batches, so that the index has several segments.
fn catalogue() -> impl Strategy<Value = Vec<Vec<Shot>>> {
    let piece = proptest::collection::vec(shot(), 3..14);
    proptest::collection::vec(piece, 2..5)
}

fn write(pieces: &[Vec<Shot>]) -> Set {
    let mut set = Set::new();
    let mut count = 0;
    let mut numbers = Vec::new();
    for piece in pieces {
        let mut piece = piece.clone();
        for (copy, at) in piece
            .iter_mut()
            .flat_map(|shot| shot.at.iter_mut().enumerate())
        {
            count += 1;
            *at = format!("{at}_{count}.mov");
            // Only the first of several copies can be unreadable.
            if copy > 0 {
                *at = at.replace('?', "");
            }
        }
        numbers.push(set.add(&piece));
        set.update_index();
    }
    // One clip of each batch is edited, one is missing, and one volume is forgotten.
    for (numbers, piece) in numbers.iter().zip(pieces.iter().rev()) {
        set.add_edits(numbers[0], &piece[0].edits);
    }
    if count % 3 == 0 {
        set.forget("Vault 3");
    }
    set
}

/// Values that may follow any field name, valid or not.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => text(),
        2 => (1..2200_u16).prop_map(|number| number.to_string()),
        2 => (select(&["", "<", ">", "<=", ">="]), select(&["1080", "3840", "24", "25", "90s", "1m", "5GB", "2026-05-10", "4"]))
            .prop_map(|(sign, value)| format!("{sign}{value}")),
        2 => (select(&["", "1", "720", "10s", "1GB", "2025-11-10", "00:10:00:00"]), select(&["", "5", "1920", "10m", "9GB", "2026-05-10", "23:00:00:00"]))
            .prop_map(|(from, to)| format!("{from}..{to}")),
        1 => Just("*".to_owned()),
    ]
}

/// Words in any form of query syntax.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        5 => word().prop_map(|word| word.replace(' ', "-")),
        1 => prose(3).prop_map(|words| format!("\"{words}\"")),
        1 => (word(), word()).prop_map(|(one, other)| format!("{one}-{other}").replace(' ', "-")),
        2 => (word(), 1_usize..6, select(&["..", "*"])).prop_map(|(word, length, end)| {
            let begun: String = word.replace(' ', "-").chars().take(length).collect();
            format!("{begun}{end}")
        }),
        2 => select(&["drumer~", "drumm~", "intrview~", "happines~", "skys~", "sky~", "dyi~", "drumms~"])
            .prop_map(str::to_owned),
        2 => select(&["*rum*", "*m", "d*y*", "*view*", "A*3", "*00*", "b*/d*", "day*2", "*タ*", "東*", "*-*drum*", "c*1", "BTS*/*/drum*"])
            .prop_map(str::to_owned),
    ]
}

fn term() -> impl Strategy<Value = String> {
    let field = select(Clip::field_names().collect::<Vec<_>>());
    let choice: Vec<String> = FIELDS
        .iter()
        .flat_map(|field| match field.kind {
            FieldKind::Choice(all) => all
                .iter()
                .map(|one| format!("{}:{one}", field.name))
                .collect(),
            _ => Vec::new(),
        })
        .collect();
    let form = |form: &str| form.to_owned();
    let forms = FORMS.iter().filter(|(form, ..)| !form.starts_with("saved"));
    let forms: Vec<String> = forms
        .flat_map(|(form, also, _)| std::iter::once(*form).chain(also.split(", ")))
        .filter(|form| !form.is_empty())
        .map(str::to_owned)
        .collect();
    let res = [
        "4k",
        "1080p",
        "..720p",
        "2k..",
        "1080p..4k",
        "1920x1080",
        "sd",
        "uhd",
        ">1080p",
    ];
    prop_oneof![
        6 => text(),
        6 => (field.clone(), value()).prop_map(|(field, value)| format!("{field}:{value}")),
        3 => (select(&["tag", "title", "comment", "name", "path", "volume", "note", "marker", "camera", "codec"]), text())
            .prop_map(|(field, value)| format!("{field}:{value}")),
        2 => field.prop_map(|field| format!("has:{field}")),
        2 => select(choice),
        3 => select(ClipState::NAMES).prop_map(|state| format!("is:{state}")),
        2 => select(res.to_vec()).prop_map(|res| format!("res:{res}")),
        2 => select(forms),
        1 => (moment(), select(&["", "..", ">", "<"])).prop_map(|(time, sign)| match sign {
            ".." => format!("date:{}..", &time[..10]),
            sign => format!("date:{sign}{}", &time[..7]),
        }),
        2 => (0..24, 0..24).prop_map(|(from, to)| format!("time:{from}..{to}")),
        1 => (0..24, 0..60, select(&["", "..", ">"])).prop_map(|(hour, minute, sign)| match sign {
            ">" => format!("time:>{hour}:{minute:02}"),
            sign => format!("time:{hour}:{minute:02}{sign}"),
        }),
        2 => (address(), select(&["", "..", "<"])).prop_map(|(at, sign)| match sign {
            "<" => format!("tc:<{at}"),
            sign => format!("tc:{at}{sign}"),
        }),
        2 => (place(), select(&["", ",100m", ",1km", ",2km", ",500km", ",12000km"]))
            .prop_map(|(place, radius)| format!("near:{place}{radius}")),
        1 => Just(form("volume:SHELF-07,Vault")),
    ]
}

fn query() -> impl Strategy<Value = String> {
    let bracketed = |inner: Vec<String>, between: &str| format!("({})", inner.join(between));
    term().prop_recursive(3, 12, 3, move |inner| {
        let several = || proptest::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            several().prop_map(move |all| bracketed(all, " ")),
            several().prop_map(move |any| bracketed(any, " OR ")),
            inner.clone().prop_map(|one| format!("NOT {one}")),
            inner.clone().prop_map(|one| format!("-{one}")),
            inner.clone().prop_map(|one| format!("not:{one}")),
            (several()).prop_map(|any| format!("any:{}", any.join(","))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, ..crate::property_tests::random(8) })]

    #[test]
    fn the_index_and_the_naive_filter_find_the_same_clips(
        pieces in catalogue(),
        queries in proptest::collection::vec(query(), QUERIES),
    ) {
        let set = write(&pieces);
        let exported = Exported::from_catalogue(&set.catalogue);
        let mut finder = set.finder();
        for typed in &queries {
            // Invalid queries are rejected; another test covers them.
            let Ok(query) = Query::parse_line(typed, &Context::plain(TODAY)) else { continue };
            let hits = finder.find(&query, &SortOrder::default(), usize::MAX, &mut fail_on_notice).unwrap();
            let found = hits.clips.iter().copied().collect();
            prop_assert_eq!(exported.matches(&query), found, "{} as {}", typed, query);
            prop_assert_eq!(finder.count(&query, &mut fail_on_notice).unwrap(), hits.clips.len(), "{}", typed);
            let printed = query.to_string();
            let again = Query::parse_line(&printed, &Context::plain(TODAY)).unwrap();
            prop_assert_eq!(again, query, "{}", printed);
        }
    }
}
