//! Naive evaluation of a query: each clip's line of JSON is read and checked against one filter
//! after the other, without index, columns or word lists.

use std::collections::BTreeSet;

use btsindex::catalogue::Catalogue;
use btsindex::clip::{Clip, FIELDS, Field, FieldFilter, FieldKind};
use btsindex::output::clip_json;
use btsindex::query::{ClipState, Filter, Query};
use btsindex::value::{NumberRange, Resolution, SearchWords};
use serde_json::Value;

use super::sample_catalogue::MOUNTED;
use super::text_match;

/// Every clip of a catalogue as `search --json` prints it.
pub(crate) struct Exported(Vec<(i64, Value)>);

impl Exported {
    pub(crate) fn from_catalogue(catalogue: &Catalogue) -> Self {
        let numbers = catalogue.all(usize::MAX).unwrap().into_iter();
        let line = |number| {
            let clip = catalogue.clip(number).unwrap().unwrap();
            let line = serde_json::from_str(&clip_json(&clip).to_string()).unwrap();
            (number, line)
        };
        Self(numbers.map(line).collect())
    }

    /// Returns the ids of the clips that match a query.
    pub(crate) fn matches(&self, query: &Query) -> BTreeSet<i64> {
        let found = self.0.iter().filter(|(_, clip)| matches_query(query, clip));
        found.map(|(number, _)| *number).collect()
    }
}

fn matches_query(query: &Query, clip: &Value) -> bool {
    match query {
        Query::All(all) => all.iter().all(|one| matches_query(one, clip)),
        Query::Any(any) => any.iter().any(|one| matches_query(one, clip)),
        Query::Not(inner) => !matches_query(inner, clip),
        Query::Words(words) => {
            let searched = FIELDS.iter().filter(|field| field.weight > 0.0);
            searched
                .into_iter()
                .any(|field| any_text_has(clip, field, words))
        }
        Query::Filter(filter) => matches_filter(filter, clip),
    }
}

fn matches_filter(filter: &Filter, clip: &Value) -> bool {
    match filter {
        Filter::Field {
            name,
            filter: expected,
        } => {
            let mut fields = Clip::fields_named(name);
            fields.any(|(_, field)| match expected {
                FieldFilter::Words(words) => any_text_has(clip, field, words),
                FieldFilter::Choice(choice) => match &clip[field.name] {
                    Value::Bool(is_so) => *choice == if *is_so { "yes" } else { "no" },
                    stored => stored == choice,
                },
                FieldFilter::Range(between) => {
                    number(clip, field).is_some_and(|number| is_in(number, *between))
                }
            })
        }
        Filter::Tag { words, meaning } => {
            let tags = clip["tags"].as_array().into_iter().flatten();
            let mut tags = tags.filter_map(Value::as_str);
            let is_match = |tag: &str| {
                meaning.tags.iter().any(|meant| {
                    let below = tag.strip_prefix(meant.as_str());
                    below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
                })
            };
            let mut fields = Clip::fields_named("tags");
            tags.any(is_match) || fields.any(|(_, field)| any_text_has(clip, field, words))
        }
        Filter::Has(name) => Clip::fields_named(name).any(|(_, field)| has(clip, field.name)),
        Filter::Is(state) => has_state(*state, clip),
        Filter::Resolution(resolution) => is_large(*resolution, clip),
        Filter::Time(between) => captured(clip).is_some_and(|seconds| {
            let clock = seconds.rem_euclid(86_400);
            if between.from <= between.to {
                is_in(clock, *between)
            } else {
                clock >= between.from || clock <= between.to
            }
        }),
        Filter::Timecode(between) => runs_through(clip, *between),
        Filter::Near(area) => is_near(&area.to_string(), clip),
    }
}

fn has(clip: &Value, field: &str) -> bool {
    !clip[field].is_null()
}

fn is_in(number: i64, between: NumberRange) -> bool {
    between.from <= number && number <= between.to
}

/// Returns true if one of the field's texts has these words.
fn any_text_has(clip: &Value, field: &Field, words: &SearchWords) -> bool {
    let texts = texts(clip, field.name);
    matches!(field.kind, FieldKind::Words)
        && texts
            .iter()
            .any(|text| text_match::has_words(text, words, field.prose))
}

fn texts(clip: &Value, field: &str) -> Vec<String> {
    let files = clip["files"].as_array().unwrap();
    match (field, &clip[field]) {
        ("path", _) => {
            let paths = files.iter().map(inside);
            let (folders, names): (Vec<_>, Vec<_>) = paths
                .map(|path| match path.rsplit_once('/') {
                    Some((folder, name)) => (folder.to_owned(), name.to_owned()),
                    None => (String::new(), path),
                })
                .unzip();
            // The best copy's name is the name of the clip.
            let others = names.iter().filter(|name| clip["name"] != **name).cloned();
            others.chain(folders).collect()
        }
        ("volume", _) => {
            let is_there = |file: &&Value| file["state"] != "missing";
            let there: Vec<&Value> = files.iter().filter(is_there).collect();
            let meant = if there.is_empty() {
                files.iter().collect()
            } else {
                there
            };
            meant.iter().map(|file| text(&file["volume"])).collect()
        }
        (_, Value::Null) => Vec::new(),
        (_, Value::Array(all)) => {
            let text = |one: &Value| one.get("text").map_or_else(|| text(one), text);
            all.iter().map(text).collect()
        }
        (_, one) => vec![text(one)],
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Path of a file below its volume.
fn inside(file: &Value) -> String {
    let path = text(&file["path"]);
    let root = match file["volume"].as_str().unwrap() {
        MOUNTED => "/".to_owned(),
        label => format!("/Volumes/{label}/"),
    };
    path.strip_prefix(&root).unwrap().to_owned()
}

/// Value by which a number field is compared.
fn number(clip: &Value, field: &Field) -> Option<i64> {
    let value = &clip[field.name];
    match (field.name, value) {
        (_, Value::Null) => None,
        ("duration", value) => {
            #[expect(clippy::cast_possible_truncation, reason = "clips are not so long")]
            let micros = (value.as_f64().unwrap() * 1e6).round() as i64;
            Some(micros)
        }
        ("rate", value) => {
            let rate = text(value);
            let (frames, seconds) = rate.split_once('/').unwrap_or((&rate, "1"));
            let (frames, seconds): (i64, i64) = (frames.parse().unwrap(), seconds.parse().unwrap());
            Some((frames * 1_000_000 + seconds / 2) / seconds)
        }
        ("captured" | "modified", value) => Some(wall_seconds(&text(value))),
        ("start_timecode" | "end_timecode", value) => Some(timecode(&text(value))),
        ("id", value) => i64::from_str_radix(&text(value)[..15], 16).ok(),
        (_, value) => value.as_i64(),
    }
}

fn captured(clip: &Value) -> Option<i64> {
    clip["captured"].as_str().map(wall_seconds)
}

/// Seconds since 1970 of the wall-clock time at the start of `text`, by the civil calendar:
/// <https://howardhinnant.github.io/date_algorithms.html#days_from_civil>.
fn wall_seconds(text: &str) -> i64 {
    let part = |from: usize, to: usize| text[from..to].parse::<i64>().unwrap();
    let (year, month, day) = (part(0, 4), part(5, 7), part(8, 10));
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    days * 86_400 + part(11, 13) * 3600 + part(14, 16) * 60 + part(17, 19)
}

fn timecode(text: &str) -> i64 {
    let parts: Vec<i64> = text
        .split([':', ';'])
        .map(|part| part.parse().unwrap())
        .collect();
    ((parts[0] * 60 + parts[1]) * 60 + parts[2]) * 1000 + parts[3]
}

/// Returns true if any frame address in the range belongs to the clip. Checks all addresses in
/// turn; the range may cross midnight.
fn runs_through(clip: &Value, between: NumberRange) -> bool {
    let Some(first) = clip["start_timecode"].as_str().map(timecode) else {
        return false;
    };
    let last = clip["end_timecode"].as_str().map_or(first, timecode);
    let is_met = |first: i64, last: i64| first.max(between.from) <= last.min(between.to);
    if first <= last {
        is_met(first, last)
    } else {
        is_met(first, 86_400_000) || is_met(0, last)
    }
}

/// Returns true if the clip is within the area, by the angle between two directions from the
/// Earth's centre.
fn is_near(area: &str, clip: &Value) -> bool {
    let Some(place) = clip["gps"].as_str() else {
        return false;
    };
    let numbers = |text: &str| -> Vec<f64> {
        let numbers = text.split(',').filter_map(|part| part.parse().ok());
        numbers.collect()
    };
    let direction = |place: &[f64]| {
        let (north, east) = (place[0].to_radians(), place[1].to_radians());
        [
            north.cos() * east.cos(),
            north.cos() * east.sin(),
            north.sin(),
        ]
    };
    let radius = area.rsplit(',').next().unwrap();
    let metres = match radius.strip_suffix("km") {
        Some(km) => km.parse::<f64>().unwrap() * 1000.0,
        None => radius.strip_suffix('m').unwrap().parse().unwrap(),
    };
    let (here, there) = (direction(&numbers(area)), direction(&numbers(place)));
    let apart: f64 = here.iter().zip(there).map(|(a, b)| (a - b).powi(2)).sum();
    2.0 * (apart.sqrt() / 2.0).min(1.0).asin() * 6_371_008.8 <= metres
}

fn is_large(resolution: Resolution, clip: &Value) -> bool {
    let side = |name: &str| clip[name].as_i64();
    let Some((width, height)) = side("display_width").zip(side("display_height")) else {
        let Resolution::Picture(wide, high) = resolution else {
            return false;
        };
        return side("width") == Some(wide.into()) && side("height") == Some(high.into());
    };
    let (short, long) = (width.min(height), width.max(height));
    match resolution {
        Resolution::Lines(between) => {
            // Wider than 19:10, it is a crop of 16:9.
            let lines = if long * 10 > short * 19 {
                (long * 9 + 8) / 16
            } else {
                short
            };
            is_in(lines, between)
        }
        Resolution::Thousands(between) => {
            let thousands = if (1920..2000).contains(&long) {
                1
            } else {
                long / 960
            };
            is_in(thousands, between)
        }
        Resolution::Picture(wide, high) => {
            let is_it = |width, height| width == Some(wide.into()) && height == Some(high.into());
            is_it(Some(width), Some(height)) || is_it(side("width"), side("height"))
        }
    }
}

fn has_state(state: ClipState, clip: &Value) -> bool {
    let files = clip["files"].as_array().unwrap();
    let there: Vec<&Value> = files
        .iter()
        .filter(|file| file["state"] != "missing")
        .collect();
    let is_online = there.iter().any(|file| file["mounted"] == true);
    let side = |name: &str| clip[name].as_i64();
    match state {
        ClipState::Vertical => {
            side("display_height") > side("display_width") && has(clip, "display_width")
        }
        ClipState::Hdr => has(clip, "hdr"),
        ClipState::Vfr => clip["is_vfr"] == true,
        ClipState::Interlaced => clip["scan_order"] == "tff" || clip["scan_order"] == "bff",
        ClipState::Vr => has(clip, "projection") || has(clip, "stereo"),
        ClipState::Audio => has(clip, "audio_codec") && !has(clip, "video_codec"),
        ClipState::Online => is_online,
        ClipState::Offline => !there.is_empty() && !is_online,
        ClipState::Missing => there.is_empty(),
        ClipState::Unreadable => files.iter().any(|file| file["state"] == "unreadable"),
        ClipState::Selected => clip["selection"] == "selected",
        ClipState::Rejected => clip["selection"] == "rejected",
        ClipState::Rated => has(clip, "rating"),
    }
}
