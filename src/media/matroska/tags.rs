//! Parser for Matroska tags (RFC 9559, 5.1.8), which are stored with ffprobe's names.

use std::collections::BTreeMap;

use super::ebml::{EbmlElement, parse_elements};
use super::id;
use crate::media::header::{TagMap, add_tag};

/// Maximum number of tags in a file.
const MAX_TAGS: usize = 1000;
/// Maximum length of a tag name in bytes.
const MAX_NAME_BYTES: usize = 500;
/// Maximum number of levels of nested tags.
const MAX_DEPTH: usize = 4;
/// Seconds from 1970 to 2001, the epoch of Matroska dates.
const EPOCH_2001: i64 = 978_307_200;

/// Tags of a file and of its tracks. A later tag replaces an earlier one with the same name.
#[derive(Debug, Default)]
pub(super) struct MatroskaTags {
    file: BTreeMap<String, String>,
    tracks: BTreeMap<u64, BTreeMap<String, String>>,
    /// Number of tags read so far.
    count: usize,
}

impl MatroskaTags {
    /// Adds the contents of a `Tags` element; `None` if it is malformed or exceeds a limit.
    pub(super) fn read(&mut self, body: &[u8]) -> Option<()> {
        for tag in parse_elements(body)?
            .iter()
            .filter(|element| element.id == id::TAG)
        {
            let parts = parse_elements(tag.body)?;
            let mut target = TagTarget::default();
            for part in parts.iter().filter(|element| element.id == id::TARGETS) {
                target.read(part)?;
            }
            let target_tags = match target {
                // Tags of a chapter or an attachment do not describe the clip.
                TagTarget {
                    is_of_chapter_or_attachment: true,
                    ..
                } => continue,
                TagTarget { track: 0, .. } => &mut self.file,
                TagTarget { track, .. } => self.tracks.entry(track).or_default(),
            };
            let prefix = target.kind.filter(|_| target.track == 0);
            for part in parts.iter().filter(|element| element.id == id::SIMPLE_TAG) {
                add_simple_tag(
                    target_tags,
                    part,
                    prefix.as_deref(),
                    MAX_DEPTH,
                    &mut self.count,
                )?;
            }
        }
        Some(())
    }

    /// Returns the file's tags. They take precedence over the values in `header`, which are those
    /// of the `Info` element.
    pub(super) fn file_tags(&self, header: &[(&str, Option<String>)]) -> TagMap {
        let mut tags = TagMap::new();
        for (name, text) in &self.file {
            add_tag(&mut tags, name, text);
        }
        for (name, text) in header {
            if let Some(text) = text.as_ref().filter(|_| !self.file.contains_key(*name)) {
                add_tag(&mut tags, name, text);
            }
        }
        tags
    }

    /// Returns the tags of a track, given its UID.
    pub(super) fn track_tags(&self, uid: u64) -> TagMap {
        let mut tags = TagMap::new();
        for (name, text) in self.tracks.get(&uid).into_iter().flatten() {
            add_tag(&mut tags, name, text);
        }
        tags
    }
}

/// Target of a group of tags.
#[derive(Debug, Default)]
struct TagTarget {
    track: u64,
    is_of_chapter_or_attachment: bool,
    kind: Option<String>,
}

impl TagTarget {
    fn read(&mut self, element: &EbmlElement<'_>) -> Option<()> {
        for element in parse_elements(element.body)? {
            match element.id {
                id::TAG_TRACK_UID => self.track = element.unsigned()?,
                id::TAG_CHAPTER_UID | id::TAG_ATTACHMENT_UID => {
                    self.is_of_chapter_or_attachment |= element.unsigned()? != 0;
                }
                id::TARGET_TYPE => self.kind = Some(element.text()?),
                _ => {}
            }
        }
        Some(())
    }
}

/// Adds a tag and its nested tags, down to `depth` more levels. `None` if there are too many tags
/// or levels.
fn add_simple_tag(
    target_tags: &mut BTreeMap<String, String>,
    tag: &EbmlElement<'_>,
    prefix: Option<&str>,
    depth: usize,
    count: &mut usize,
) -> Option<()> {
    *count += 1;
    (*count <= MAX_TAGS).then_some(())?;
    let (mut name, mut text, mut language, mut is_default) = (None, None, None, true);
    let mut nested = Vec::new();
    for element in parse_elements(tag.body)? {
        match element.id {
            id::TAG_NAME => name = Some(element.text()?),
            id::TAG_STRING => text = Some(element.text()?),
            id::TAG_LANGUAGE => language = Some(element.text()?),
            id::TAG_DEFAULT => is_default = element.unsigned()? != 0,
            id::SIMPLE_TAG => nested.push(element),
            _ => {}
        }
    }
    let Some(name) = name else { return Some(()) };
    let name = match prefix {
        Some(prefix) => format!("{prefix}/{name}"),
        None => name,
    };
    let language = language.filter(|language| language != "und");
    let mut names = Vec::new();
    if is_default || language.is_none() {
        names.push(name.to_lowercase());
    }
    names.extend(language.map(|language| format!("{name}-{language}").to_lowercase()));
    if names.iter().any(|name| name.len() > MAX_NAME_BYTES) {
        return None;
    }
    for name in names {
        for tag in &nested {
            add_simple_tag(target_tags, tag, Some(&name), depth.checked_sub(1)?, count)?;
        }
        match &text {
            Some(text) => target_tags.insert(name, text.clone()),
            None => target_tags.remove(&name),
        };
    }
    Some(())
}

/// Formats nanoseconds since 2001 as ffprobe does: `2026-05-02T10:00:00.000000Z`.
pub(super) fn format_creation_time(body: &[u8]) -> Option<String> {
    let micros = i64::from_be_bytes(body.try_into().ok()?) / 1000;
    let micros = EPOCH_2001.checked_mul(1_000_000)?.checked_add(micros)?;
    let time = jiff::Timestamp::from_microsecond(micros).ok()?;
    Some(time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(name: &[u8], body: &[u8]) -> Vec<u8> {
        let size = u8::try_from(body.len()).unwrap() | 0x80;
        [name, &[size], body].concat()
    }

    fn simple(name: &[u8], text: &[u8], more: &[u8]) -> Vec<u8> {
        let body = [
            element(b"\x45\xa3", name),
            element(b"\x44\x87", text),
            more.to_vec(),
        ];
        element(b"\x67\xc8", &body.concat())
    }

    fn lines(tags: &TagMap) -> Vec<String> {
        tags.iter().map(|(k, v)| format!("{k}={v}")).collect()
    }

    #[test]
    fn separates_tags_of_the_file_from_tags_of_tracks() {
        let of_file = [
            simple(b"TITLE", b"Day two", b""),
            simple(b"COMMENT", b"wild", b"\x44\x7a\x83eng"),
            simple(b"ARTIST", b"A", &simple(b"ROLE", b"B", b"")),
        ];
        let of_track = [
            element(b"\x63\xc0", b"\x63\xc5\x81\x07"),
            simple(b"ENCODER", b"x", b""),
        ];
        let of_chapter = [
            element(b"\x63\xc0", b"\x63\xc4\x81\x07"),
            simple(b"TITLE", b"1", b""),
        ];
        let body: Vec<u8> = [of_file.concat(), of_track.concat(), of_chapter.concat()]
            .iter()
            .flat_map(|tag| element(b"\x73\x73", tag))
            .collect();
        let mut tag_lists = MatroskaTags::default();
        tag_lists.read(&body).unwrap();
        let header = [
            ("title", Some("Day one".to_owned())),
            ("encoder", Some("Lavf".to_owned())),
        ];
        assert_eq!(
            lines(&tag_lists.file_tags(&header)),
            [
                "artist=A",
                "artist/role=B",
                "comment=wild",
                "comment-eng=wild",
                "encoder=Lavf",
                "title=Day two",
            ]
        );
        assert_eq!(lines(&tag_lists.track_tags(7)), ["encoder=x"]);
        assert!(tag_lists.track_tags(8).is_empty());
    }

    #[test]
    fn limits_the_number_and_depth_of_tags() {
        let many = element(b"\x73\x73", &simple(b"A", b"b", b"")).repeat(MAX_TAGS + 1);
        assert!(MatroskaTags::default().read(&many).is_none());
        let mut tag = simple(b"A", b"b", b"");
        for _ in 0..6 {
            tag = simple(b"A", b"b", &tag);
        }
        assert!(
            MatroskaTags::default()
                .read(&element(b"\x73\x73", &tag))
                .is_none()
        );
    }

    #[test]
    fn formats_times_since_2001() {
        let format = |nanos: i64| format_creation_time(&nanos.to_be_bytes());
        assert_eq!(format(0).as_deref(), Some("2001-01-01T00:00:00.000000Z"));
        assert_eq!(
            format(-1_500_000_000).as_deref(),
            Some("2000-12-31T23:59:58.500000Z")
        );
        assert_eq!(format_creation_time(b"\0"), None);
    }
}
