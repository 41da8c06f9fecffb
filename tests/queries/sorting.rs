//! Sort order of matches over several segments of the index, and their facets.

use std::collections::BTreeMap;

use btsindex::clip::facet;
use btsindex::index::{Finder, SortOrder};
use btsindex::query::{Context, Query};

use super::sample_catalogue::fail_on_notice;
use super::{TODAY, clips};

fn query(typed: &str) -> Query {
    Query::parse_line(typed, &Context::plain(TODAY)).unwrap()
}

/// Names of the matches, in order.
fn sorted_names(
    typed: &str,
    order: &str,
    limit: usize,
    finder: &mut Finder<'_>,
    names: &BTreeMap<i64, &str>,
) -> String {
    let order = order.parse::<SortOrder>().unwrap();
    let hits = finder
        .find(&query(typed), &order, limit, &mut fail_on_notice)
        .unwrap();
    let found: Vec<&str> = hits.clips.iter().map(|clip| names[clip]).collect();
    found.join(" ")
}

/// A query, a sort order, and the sorted matches.
const ORDERS: &[(&str, &str, &str)] = &[
    (
        "tag:ad-shoot",
        "captured",
        "laugh slate crane makeup gaffer",
    ),
    (
        "tag:ad-shoot",
        "-captured",
        "gaffer makeup crane slate laugh",
    ),
    ("tag:ad-shoot", "bytes", "gaffer makeup laugh slate crane"),
    (
        "any:tag:drone,tag:slate",
        "-size,name",
        "slate geysir fall pole pole2",
    ),
    (
        "cam:fx3",
        "-duration",
        "drums1 seoul beijing laugh vocal bass wrap party makeup gaffer",
    ),
    (
        "cam:fx3",
        "duration,name",
        "gaffer makeup party wrap bass vocal laugh beijing seoul drums1",
    ),
    (
        "any:is:rated,is:vr",
        "rating,captured",
        "makeup party geysir laugh vocal crane fall vr stereo",
    ),
    (
        "any:is:rated,is:vr",
        "-rating,captured",
        "vocal crane fall laugh party geysir makeup vr stereo",
    ),
    (
        "any:is:rated,is:vr",
        "-rating,-captured",
        "fall crane vocal laugh geysir party makeup stereo vr",
    ),
    (
        "path:words",
        "name",
        "cliphead bff order wide die die2 square",
    ),
    (
        "path:words",
        "-name",
        "square die2 die wide order bff cliphead",
    ),
    (
        "path:owls",
        "name,captured",
        "drums1 drums2 bass vocal drop night sound1 sound2",
    ),
    (
        "path:owls",
        "camera,-captured",
        "night drop drums2 vocal bass drums1 sound2 sound1",
    ),
    (
        "path:owls",
        "-camera,captured",
        "sound1 sound2 drums1 bass vocal drums2 drop night",
    ),
    (
        "has:gps",
        "folder,name",
        "laugh vert fiji samoa fall pole pole2 geysir tower",
    ),
    (
        "has:gps",
        "day,-name",
        "fiji samoa tower laugh vert fall geysir pole2 pole",
    ),
    (
        "has:gps",
        "-day,name",
        "pole pole2 geysir fall laugh vert tower fiji samoa",
    ),
    (
        "has:gps",
        "volume,camera,-duration,name",
        "tower vert geysir laugh samoa fiji fall pole2 pole",
    ),
    (
        "date:2023",
        "captured",
        "half csv escape strasse apart order cliphead die die2 wide square bff",
    ),
    ("any:c0001,c0002,c0010", "name", "drums1 drums2 bass vocal"),
    ("any:wrap-party,gaffer", "name", "gaffer wrap party"),
    ("res:..720p", "fps,name", "bff night"),
    (
        "any:has:problem,is:missing,is:vr",
        "captured,name",
        "wrap vr stereo gone torn",
    ),
    (
        "any:has:problem,is:missing,is:vr",
        "-captured,name",
        "stereo vr wrap gone torn",
    ),
    ("tag:party", "copies,stars", "wrap party"),
    ("drummer", "relevance", "laugh apart drop bass drums1"),
    ("drummer", "-relevance", "drums1 bass drop apart laugh"),
    (
        "ad-shoot",
        "relevance",
        "laugh crane slate gaffer party wrap vert makeup",
    ),
    (
        "any:happy,happiness",
        "relevance,name",
        "square wrap makeup",
    ),
    (
        "has:timecode",
        "start_timecode",
        "drop laugh slate crane sound1 bass vocal drums1 night",
    ),
];

#[test]
fn matches_are_sorted_in_the_requested_order() {
    let (set, names) = clips::set();
    let mut finder = set.finder();
    for (typed, order, expected) in ORDERS {
        let all = sorted_names(typed, order, usize::MAX, &mut finder, &names);
        assert_eq!(all, *expected, "{typed} by {order}");
        // A limited search returns the first of all matches.
        for limit in [1, 3] {
            let first = sorted_names(typed, order, limit, &mut finder, &names);
            let expected: Vec<&str> = all.split(' ').take(limit).collect();
            assert_eq!(first, expected.join(" "), "{typed} by {order}");
        }
    }
}

/// A limited search examines only clips that may be among the first.
#[test]
fn the_top_matches_are_the_same_for_every_limit() {
    let (set, _) = clips::set();
    let mut finder = set.finder();
    let everything = Query::default();
    let mut first = |order: &SortOrder, limit| {
        finder
            .find(&everything, order, limit, &mut fail_on_notice)
            .unwrap()
    };
    for name in SortOrder::names() {
        for order in [
            name.to_owned(),
            format!("-{name}"),
            format!("-{name},-captured"),
        ] {
            let order = order.parse::<SortOrder>().unwrap();
            let all = first(&order, usize::MAX);
            assert_eq!(all.clips.len(), all.total);
            for limit in [1, 2, 5, 9, 20] {
                let few = first(&order, limit);
                assert_eq!(few.clips, all.clips[..limit], "{limit} by {order:?}");
                assert_eq!(few.total, all.total);
            }
        }
    }
}

/// A query, a facet, each value with its number of clips, and the number of clips without a value.
const FACETS: &[(&str, &str, &str)] = &[
    (
        "",
        "tag",
        "ad-shoot 5, drone 4, studio-session 4, drums 2, party 2, sound 2, crane 1, drummer 1, happiness 1, interview 1, lighting 1, makeup 1, slate 1, vertical-cut 1, 夜景 1, none 25",
    ),
    (
        "",
        "camera",
        "Sony ILME-FX3 10, Canon XH A1 4, DJI FC3582 4, Apple iPhone 15 Pro 3, ARRI ALEXA Mini LF 2, Canon EOS C70 2, GoPro HERO12 Black 2, Sound Devices MixPre-6 II 2, Insta360 X4 1, none 15",
    ),
    ("", "volume", "RAID-A 34, Vault 3 9, SHELF-07 7, none 0"),
    ("tag:ad-shoot", "day", "2026-05-02 3, 2026-05-03 2, none 0"),
    (
        "",
        "folder",
        "words 7, 2026-05-02_AdShoot_ACME/Day2 4, 東京 4, 2026-05-02_AdShoot_ACME/Day1 3, Iceland 2026/drone 3, Studio Session - Night Owls/cam a 3, Fiji 2, Iceland 2026/360 2, Studio Session - Night Owls/cam c 2, Studio Session - Night Owls/sound 2, broken 2, hostile 2, 2026-05-02_AdShoot_ACME/phones 1, Straße 1, Studio Session - Night Owls/cam b 1, apart 1, selects 1, spare 1, 京都 1, 北京 1, 서울 1, none 0",
    ),
    (
        "has:gps",
        "rate",
        "60000/1001 5, 30 2, 120 1, 24000/1001 1, none 0",
    ),
    ("", "stars", "5 3, 3 2, 1 1, 4 1, none 38"),
    ("", "hdr", "hlg 4, dolby-vision 3, hdr10 1, none 37"),
    ("is:online", "copies", "1 30, 2 2, 3 1, none 0"),
    ("path:owls", "format", "mp4 3, wav 2, mpegts 1, none 2"),
    ("zzz", "tag", "none 0"),
];

#[test]
fn facets_are_counted_exactly() {
    let (set, names) = clips::set();
    let mut finder = set.finder();
    for (typed, name, expected) in FACETS {
        let facet = [facet(name).unwrap()];
        let tallies = finder
            .tally(&query(typed), &facet, true, &mut fail_on_notice)
            .unwrap();
        let [tally] = tallies.facets.as_slice() else {
            panic!("a facet was requested");
        };
        let rows = tally
            .rows
            .iter()
            .map(|(value, sum)| format!("{value} {}", sum.clips));
        let none = format!("none {}", tally.without.clips);
        let rows: Vec<String> = rows.chain(std::iter::once(none)).collect();
        assert_eq!(rows.join(", "), *expected, "{typed} by {name}");
    }
    let whole = finder
        .tally(&Query::default(), &[], true, &mut fail_on_notice)
        .unwrap()
        .total;
    assert_eq!(whole.clips, names.len() as u64);
}
