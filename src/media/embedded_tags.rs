//! Tags that programs and devices write into a file: device, time, location and title.
//!
//! This module is separate from `header_facts`, since tags are less reliable. Each container names them
//! differently, editing programs copy them, and they are often wrong.

use super::header::{MediaHeader, TagMap};
use crate::clip::{Clip, Fact, FieldValue, Source};
use crate::value::{GeoPoint, Timecode, WallTime};

/// Version of these facts. Increase it when the same tags give other facts.
pub(super) const VERSION: u32 = 1;

/// Tags of the whole file and of its streams.
struct EmbeddedTags<'a> {
    format: &'a TagMap,
    streams: Vec<&'a TagMap>,
}

/// Sets the clip's fields from its tags.
pub(super) fn read(clip: &mut Clip, header: &MediaHeader) {
    let tags = EmbeddedTags {
        format: &header.format.tags,
        streams: header.streams.iter().map(|stream| &stream.tags).collect(),
    };
    set_device(clip, &tags);
    clip.title = tags.file_tag(&[
        "com.apple.quicktime.title",
        "com.apple.quicktime.displayname",
        "title",
    ]);
    clip.comment = tags.file_tag(&[
        "com.apple.quicktime.comment",
        "comment",
        "com.apple.quicktime.description",
        "description",
    ]);
    clip.gps = tags
        .any_tag(&[
            "com.apple.quicktime.location.iso6709",
            "location",
            "location-eng",
        ])
        .and_then(|location| {
            Some(Fact::new(
                GeoPoint::from_iso6709(&location.value)?,
                location.source,
            ))
        });
    if is_broadcast_wave(header) {
        set_broadcast_wave(clip, &tags);
    } else {
        clip.captured = capture_time(&tags);
    }
    set_recorder(clip, header);
    set_xmp(clip, &header.format.tags);
}

impl EmbeddedTags<'_> {
    /// Returns the first of `keys` that the tags of the whole file contain. Stream tags are
    /// ignored, since the title of a track is not the title of the clip.
    fn file_tag(&self, keys: &[&str]) -> Option<Fact<String>> {
        keys.iter().find_map(|key| {
            let source = if key.starts_with("com.apple.") {
                Source::QUICKTIME
            } else {
                Source::CONTAINER
            };
            Some(Fact::new(self.format.get(*key)?.clone(), source))
        })
    }

    /// Returns the first of `keys` that the tags of the whole file contain, otherwise the first
    /// that the tags of any stream contain.
    fn any_tag(&self, keys: &[&str]) -> Option<Fact<String>> {
        self.file_tag(keys).or_else(|| {
            let find_in_streams = |key: &&str| self.streams.iter().find_map(|tags| tags.get(*key));
            keys.iter()
                .find_map(find_in_streams)
                .map(|value| Fact::new(value.clone(), Source::STREAM))
        })
    }
}

fn container_fact<T: FieldValue>(value: Option<T>) -> Option<Fact<T>> {
    value.map(|value| Fact::new(value, Source::CONTAINER))
}

/// Sets make, model, lens, reel and software.
fn set_device(clip: &mut Clip, tags: &EmbeddedTags<'_>) {
    clip.make = tags.any_tag(&[
        "com.apple.quicktime.make",
        "make",
        "com.android.manufacturer",
        "manufacturer",
    ]);
    clip.model = tags.any_tag(&["com.apple.quicktime.model", "model", "com.android.model"]);
    clip.lens = tags.any_tag(&[
        "com.apple.quicktime.camera.lens_model",
        "lens_model",
        "lens",
    ]);
    clip.reel = tags.any_tag(&["reel_name", "com.apple.proapps.reel", "reel"]);
    clip.software = tags
        .any_tag(&[
            "com.apple.quicktime.software",
            "firmware",
            "software",
            "encoder",
        ])
        .or_else(|| container_fact(product_name(tags.format)));
    if clip.make.is_some() {
        return;
    }
    let firmware = tags.any_tag(&["firmware"]);
    if let Some(model) = firmware.and_then(|firmware| gopro_model(&firmware.value)) {
        clip.make = container_fact(Some("GoPro".to_owned()));
        clip.model = clip
            .model
            .take()
            .or_else(|| container_fact(Some(model.to_owned())));
    } else if let Some(handler) = tags.any_tag(&["handler_name"]) {
        let makes = ["GoPro", "DJI", "Insta360"].into_iter();
        let make = makes.into_iter().find(|make| handler.value.contains(make));
        clip.make = make.map(|make| Fact::new(make.to_owned(), handler.source));
    }
}

/// Returns the start timecode that a tag contains.
pub(super) fn timecode(tags: &TagMap) -> Option<Timecode> {
    tags.get("timecode")?.parse().ok()
}

/// Returns the company, product and version of the program that wrote an MXF file, separated by
/// spaces.
fn product_name(tags: &TagMap) -> Option<String> {
    let parts: Vec<&str> = ["company_name", "product_name", "product_version"]
        .iter()
        .filter_map(|key| tags.get(*key).map(String::as_str))
        .collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// Returns the GoPro model for a firmware name, which begins with the number of the model (see
/// GoPro's release notes).
fn gopro_model(firmware: &str) -> Option<&'static str> {
    const MODELS: [(&str, &str); 13] = [
        ("HD4.", "HERO4"),
        ("HD5.", "HERO5 Black"),
        ("HD6.", "HERO6 Black"),
        ("HD7.", "HERO7 Black"),
        ("HD8.", "HERO8 Black"),
        ("HD9.", "HERO9 Black"),
        ("H18.", "HERO (2018)"),
        ("H19.", "MAX"),
        ("H21.", "HERO10 Black"),
        ("H22.03", "HERO11 Black Mini"),
        ("H22.", "HERO11 Black"),
        ("H23.", "HERO12 Black"),
        ("H24.", "HERO13 Black"),
    ];
    MODELS
        .iter()
        .find(|(prefix, _)| firmware.starts_with(prefix))
        .map(|&(_, model)| model)
}

/// Returns true for a WAV file with a `bext` chunk (EBU Tech 3285), which is recognized by the tags
/// that ffprobe reports for it.
fn is_broadcast_wave(header: &MediaHeader) -> bool {
    const BEXT: [&str; 4] = [
        "time_reference",
        "originator_reference",
        "umid",
        "coding_history",
    ];
    matches!(header.format.container.as_str(), "wav" | "w64")
        && BEXT.iter().any(|key| header.format.tags.contains_key(*key))
}

/// Reads the `bext` tags: description, originator, and date and time as separate values.
fn set_broadcast_wave(clip: &mut Clip, tags: &EmbeddedTags<'_>) {
    let bwf = |text: Option<&String>| text.map(|text| Fact::new(text.clone(), Source::BWF));
    clip.comment = bwf(tags.format.get("comment"));
    clip.make = clip
        .make
        .take()
        .or_else(|| bwf(tags.format.get("encoded_by")));
    let text = |key: &str| tags.format.get(key).map_or("", String::as_str);
    let time = WallTime::from_camera(&format!("{} {}", text("date"), text("creation_time")));
    let time = time.or_else(|| WallTime::from_camera(text("creation_time")));
    clip.captured = time.map(|time| Fact::new(time, Source::BWF));
}

/// Sets fields that are still empty from the iXML of an audio recorder. The `wav` module stores
/// iXML under separate tag names.
fn set_recorder(clip: &mut Clip, header: &MediaHeader) {
    let tag_fact = |key: &str| {
        let text = header.format.tags.get(key)?;
        Some(Fact::new(text.clone(), Source::IXML))
    };
    clip.reel = clip.reel.take().or_else(|| tag_fact("ixml_tape"));
    clip.comment = clip.comment.take().or_else(|| tag_fact("ixml_note"));
    clip.scene = tag_fact("ixml_scene");
    clip.take = tag_fact("ixml_take")
        .and_then(|take| Some(Fact::new(take.value.parse().ok()?, take.source)));
    clip.start_timecode = clip.start_timecode.take().or_else(|| {
        let timecode = header.format.recorder_timecode?;
        Some(Fact::new(timecode, Source::IXML))
    });
}

/// Sets fields that are still empty from XMP. The `mp4` module stores XMP under separate tag names.
fn set_xmp(clip: &mut Clip, tags: &TagMap) {
    let tag_fact = |key: &str| Some(Fact::new(tags.get(key)?.clone(), Source::XMP));
    for (fact, key) in [
        (&mut clip.make, "xmp_make"),
        (&mut clip.model, "xmp_model"),
        (&mut clip.lens, "xmp_lens"),
        (&mut clip.software, "xmp_software"),
        (&mut clip.title, "xmp_title"),
        (&mut clip.comment, "xmp_description"),
        (&mut clip.reel, "xmp_reel"),
    ] {
        *fact = fact.take().or_else(|| tag_fact(key));
    }
    clip.captured = clip.captured.take().or_else(|| {
        ["xmp_date", "xmp_created"].iter().find_map(|key| {
            let date = tag_fact(key)?;
            Some(Fact::new(WallTime::from_camera(&date.value)?, date.source))
        })
    });
}

/// Returns the best capture time: the one that is stored with an offset if there is one, otherwise
/// that of the container.
///
/// ffprobe adds `Z` to every container time. The standards require UTC, but cameras write the time
/// that their clock shows, so the offset is unknown.
fn capture_time(tags: &EmbeddedTags<'_>) -> Option<Fact<WallTime>> {
    let with_offset = tags.file_tag(&["com.apple.quicktime.creationdate"]);
    let time =
        |fact: Fact<String>| Some(Fact::new(WallTime::from_camera(&fact.value)?, fact.source));
    with_offset.and_then(time).or_else(|| {
        ["creation_time", "date_recorded", "date"]
            .iter()
            .find_map(|key| tags.any_tag(&[key]).and_then(time))
            .map(|fact| Fact::new(fact.value.without_offset(), fact.source))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::ffprobe_json;

    fn clip(format: &str, tags: &str, stream_tags: &str) -> Clip {
        let text = format!(
            r#"{{"format":{{"format_name":"{format}","tags":{{{tags}}}}},
                "streams":[{{"codec_type":"audio","tags":{{{stream_tags}}}}}]}}"#
        );
        let mut clip = Clip::default();
        read(&mut clip, &ffprobe_json::parse(text.as_bytes()).unwrap());
        clip
    }

    #[test]
    fn prefers_the_time_with_an_offset_and_assumes_no_offset_otherwise() {
        let captured = |tags: &str| {
            let capture_time = clip("mov,mp4", tags, "").captured;
            capture_time.map(|fact| format!("{} {}", fact.value, fact.source))
        };
        let with_offset = r#""com.apple.quicktime.creationdate":"2019-11-29T07:58:04+0100","#;
        let container = r#""creation_time":"2019-11-29T14:35:11.000000Z""#;
        assert_eq!(
            captured(&format!("{with_offset}{container}")).as_deref(),
            Some("2019-11-29T07:58:04+01:00 quicktime-keys")
        );
        assert_eq!(
            captured(container).as_deref(),
            Some("2019-11-29T14:35:11 container")
        );
        assert_eq!(
            captured(r#""creation_time":"1904-01-01T00:00:00.000000Z""#),
            None
        );
    }

    #[test]
    fn ignores_track_titles_and_the_case_of_tag_names() {
        let read = clip(
            "matroska",
            r#""TITLE":"Day two""#,
            r#""title":"Boom mic","REEL_NAME":"A001""#,
        );
        assert_eq!(read.title.unwrap().value, "Day two");
        assert_eq!(
            read.reel.unwrap(),
            Fact::new("A001".to_owned(), Source::STREAM)
        );
        assert_eq!(clip("matroska", "", r#""title":"Boom mic""#).title, None);
    }

    #[test]
    fn joins_the_separate_date_and_time_of_a_recorder() {
        let bext = r#""umid":"0x1","encoded_by":"MixPre-6 II","comment":"wild track","#;
        let recorded = clip(
            "wav",
            &format!(r#"{bext}"date":"2026-05-12","creation_time":"14:31:07""#),
            "",
        );
        assert_eq!(
            recorded.captured.unwrap().value.to_string(),
            "2026-05-12T14:31:07"
        );
        assert_eq!(recorded.make.unwrap().source, Source::BWF);
        let recorded = clip(
            "wav",
            &format!(r#"{bext}"creation_time":"2026-05-12T14:31:07""#),
            "",
        );
        assert_eq!(
            recorded.captured.unwrap().value.to_string(),
            "2026-05-12T14:31:07"
        );
    }
}
