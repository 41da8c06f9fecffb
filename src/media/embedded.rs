//! What people and devices wrote into a file's tags: what made it, when, where, and a title.
//!
//! Apart from `facts` because tags are claims: they are called differently in each
//! container, copied by editors, and often wrong.

use super::header::{Header, Tags};
use crate::clip::{Clip, Fact, FieldValue, Source};
use crate::value::{GeoPoint, WallTime};

/// The tags of the whole file, and of its streams.
struct Written<'a> {
    format: &'a Tags,
    streams: Vec<&'a Tags>,
}

/// Adds to a clip what its tags say.
pub(super) fn read(clip: &mut Clip, answer: &Header) {
    let written = Written {
        format: &answer.format.tags,
        streams: answer.streams.iter().map(|stream| &stream.tags).collect(),
    };
    device(clip, &written);
    clip.title = written.of_file(&[
        "com.apple.quicktime.title",
        "com.apple.quicktime.displayname",
        "title",
    ]);
    clip.comment = written.of_file(&[
        "com.apple.quicktime.comment",
        "comment",
        "com.apple.quicktime.description",
        "description",
    ]);
    clip.gps = written
        .anywhere(&[
            "com.apple.quicktime.location.iso6709",
            "location",
            "location-eng",
        ])
        .and_then(|place| {
            Some(Fact::new(
                GeoPoint::from_iso6709(&place.value)?,
                place.source,
            ))
        });
    if is_broadcast_wave(answer) {
        broadcast_wave(clip, &written);
    } else {
        clip.captured = captured(&written);
    }
    recorder(clip, answer);
    xmp(clip, &answer.format.tags);
}

impl Written<'_> {
    /// The first of `keys` that the file as a whole bears. A track's title is not the clip's.
    fn of_file(&self, keys: &[&str]) -> Option<Fact<String>> {
        keys.iter().find_map(|key| {
            let source = if key.starts_with("com.apple.") {
                Source::QUICKTIME
            } else {
                Source::CONTAINER
            };
            Some(Fact::new(self.format.get(*key)?.clone(), source))
        })
    }

    /// The first of `keys` that the file or, after it, any stream bears.
    fn anywhere(&self, keys: &[&str]) -> Option<Fact<String>> {
        self.of_file(keys).or_else(|| {
            let of_stream = |key: &&str| self.streams.iter().find_map(|tags| tags.get(*key));
            keys.iter()
                .find_map(of_stream)
                .map(|value| Fact::new(value.clone(), Source::STREAM))
        })
    }
}

fn container<T: FieldValue>(value: Option<T>) -> Option<Fact<T>> {
    value.map(|value| Fact::new(value, Source::CONTAINER))
}

/// What made the file: camera, lens, firmware, reel.
fn device(clip: &mut Clip, written: &Written<'_>) {
    clip.make = written.anywhere(&[
        "com.apple.quicktime.make",
        "make",
        "com.android.manufacturer",
        "manufacturer",
    ]);
    clip.model = written.anywhere(&["com.apple.quicktime.model", "model", "com.android.model"]);
    clip.lens = written.anywhere(&[
        "com.apple.quicktime.camera.lens_model",
        "lens_model",
        "lens",
    ]);
    clip.reel = written.anywhere(&["reel_name", "com.apple.proapps.reel", "reel"]);
    clip.software = written
        .anywhere(&[
            "com.apple.quicktime.software",
            "firmware",
            "software",
            "encoder",
        ])
        .or_else(|| container(product(written.format)));
    if clip.make.is_some() {
        return;
    }
    let firmware = written.anywhere(&["firmware"]);
    if let Some(model) = firmware.and_then(|firmware| gopro_model(&firmware.value)) {
        clip.make = container(Some("GoPro".to_owned()));
        clip.model = clip
            .model
            .take()
            .or_else(|| container(Some(model.to_owned())));
    } else if let Some(handler) = written.anywhere(&["handler_name"]) {
        let makes = ["GoPro", "DJI", "Insta360"].into_iter();
        let make = makes.into_iter().find(|make| handler.value.contains(make));
        clip.make = make.map(|make| Fact::new(make.to_owned(), handler.source));
    }
}

/// What an MXF says of the program that wrote it.
fn product(tags: &Tags) -> Option<String> {
    let parts: Vec<&str> = ["company_name", "product_name", "product_version"]
        .iter()
        .filter_map(|key| tags.get(*key).map(String::as_str))
        .collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// GoPro's firmware names begin with the model's number (as GoPro's release notes list them).
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

/// A WAV file with a `bext` chunk (EBU Tech 3285), of which ffprobe shows these.
fn is_broadcast_wave(answer: &Header) -> bool {
    const BEXT: [&str; 4] = [
        "time_reference",
        "originator_reference",
        "umid",
        "coding_history",
    ];
    matches!(answer.format.name.as_str(), "wav" | "w64")
        && BEXT.iter().any(|key| answer.format.tags.contains_key(*key))
}

/// `bext` holds a description, who originated it, and date and time apart.
fn broadcast_wave(clip: &mut Clip, written: &Written<'_>) {
    let bwf = |text: Option<&String>| text.map(|text| Fact::new(text.clone(), Source::BWF));
    clip.comment = bwf(written.format.get("comment"));
    clip.make = clip
        .make
        .take()
        .or_else(|| bwf(written.format.get("encoded_by")));
    let text = |key: &str| written.format.get(key).map_or("", String::as_str);
    let time = WallTime::from_camera(&format!("{} {}", text("date"), text("creation_time")));
    let time = time.or_else(|| WallTime::from_camera(text("creation_time")));
    clip.captured = time.map(|time| Fact::new(time, Source::BWF));
}

/// What a sound recorder's iXML adds where nothing else tells (`wave` gives it tags of its own).
fn recorder(clip: &mut Clip, answer: &Header) {
    let told = |key: &str| {
        let text = answer.format.tags.get(key)?;
        Some(Fact::new(text.clone(), Source::IXML))
    };
    clip.reel = clip.reel.take().or_else(|| told("ixml_tape"));
    clip.comment = clip.comment.take().or_else(|| told("ixml_note"));
    clip.scene = told("ixml_scene");
    clip.take =
        told("ixml_take").and_then(|take| Some(Fact::new(take.value.parse().ok()?, take.source)));
    clip.start_timecode = clip.start_timecode.take().or_else(|| {
        let timecode = told("ixml_timecode")?;
        Some(Fact::new(timecode.value.parse().ok()?, timecode.source))
    });
}

/// What XMP adds where nothing else tells (`iso` gives it tags of its own).
fn xmp(clip: &mut Clip, tags: &Tags) {
    let told = |key: &str| Some(Fact::new(tags.get(key)?.clone(), Source::XMP));
    for (fact, key) in [
        (&mut clip.make, "xmp_make"),
        (&mut clip.model, "xmp_model"),
        (&mut clip.lens, "xmp_lens"),
        (&mut clip.software, "xmp_software"),
        (&mut clip.title, "xmp_title"),
        (&mut clip.comment, "xmp_description"),
        (&mut clip.reel, "xmp_reel"),
    ] {
        *fact = fact.take().or_else(|| told(key));
    }
    clip.captured = clip.captured.take().or_else(|| {
        ["xmp_date", "xmp_created"].iter().find_map(|key| {
            let date = told(key)?;
            Some(Fact::new(WallTime::from_camera(&date.value)?, date.source))
        })
    });
}

/// The best date: with its own offset, then the container's.
///
/// ffprobe marks every container's time `Z`. The standards say UTC; cameras write what
/// their clock shows. So that offset is not known.
fn captured(written: &Written<'_>) -> Option<Fact<WallTime>> {
    let own = written.of_file(&["com.apple.quicktime.creationdate"]);
    let time =
        |fact: Fact<String>| Some(Fact::new(WallTime::from_camera(&fact.value)?, fact.source));
    own.and_then(time).or_else(|| {
        ["creation_time", "date_recorded", "date"]
            .iter()
            .find_map(|key| written.anywhere(&[key]).and_then(time))
            .map(|fact| Fact::new(fact.value.without_offset(), fact.source))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(format: &str, tags: &str, stream_tags: &str) -> Clip {
        let text = format!(
            r#"{{"format":{{"format_name":"{format}","tags":{{{tags}}}}},
                "streams":[{{"codec_type":"audio","tags":{{{stream_tags}}}}}]}}"#
        );
        let mut clip = Clip::default();
        read(&mut clip, &serde_json::from_str(&text).unwrap());
        clip
    }

    #[test]
    fn the_cameras_own_time_is_preferred_and_offsets_are_not_assumed() {
        let with = |tags: &str| {
            let captured = clip("mov,mp4", tags, "").captured;
            captured.map(|fact| format!("{} {}", fact.value, fact.source))
        };
        let own = r#""com.apple.quicktime.creationdate":"2019-11-29T07:58:04+0100","#;
        let container = r#""creation_time":"2019-11-29T14:35:11.000000Z""#;
        assert_eq!(
            with(&format!("{own}{container}")).as_deref(),
            Some("2019-11-29T07:58:04+01:00 quicktime-keys")
        );
        assert_eq!(
            with(container).as_deref(),
            Some("2019-11-29T14:35:11 container")
        );
        assert_eq!(
            with(r#""creation_time":"1904-01-01T00:00:00.000000Z""#),
            None
        );
    }

    #[test]
    fn a_tracks_title_is_not_the_clips_and_case_does_not_matter() {
        let told = clip(
            "matroska",
            r#""TITLE":"Day two""#,
            r#""title":"Boom mic","REEL_NAME":"A001""#,
        );
        assert_eq!(told.title.unwrap().value, "Day two");
        assert_eq!(
            told.reel.unwrap(),
            Fact::new("A001".to_owned(), Source::STREAM)
        );
        assert_eq!(clip("matroska", "", r#""title":"Boom mic""#).title, None);
    }

    #[test]
    fn a_recorders_date_and_time_stand_apart() {
        let bext = r#""umid":"0x1","encoded_by":"MixPre-6 II","comment":"wild track","#;
        let told = clip(
            "wav",
            &format!(r#"{bext}"date":"2026-05-12","creation_time":"14:31:07""#),
            "",
        );
        assert_eq!(
            told.captured.unwrap().value.to_string(),
            "2026-05-12T14:31:07"
        );
        assert_eq!(told.make.unwrap().source, Source::BWF);
        let told = clip(
            "wav",
            &format!(r#"{bext}"creation_time":"2026-05-12T14:31:07""#),
            "",
        );
        assert_eq!(
            told.captured.unwrap().value.to_string(),
            "2026-05-12T14:31:07"
        );
    }
}
