//! What was written into a file's tags (RFC 9559, 5.1.8), by ffprobe's names for them.

use std::collections::BTreeMap;

use super::ebml::{Element, elements};
use super::id;
use crate::media::header::{Tags, add_tag};

/// Tags of a file that are read.
const MOST: usize = 1000;
/// Bytes of a tag's name.
const LONGEST_NAME: usize = 500;
/// Tags inside tags, how deep.
const DEEPEST: usize = 4;
/// Seconds from 1970 to 2001, from which dates count.
const EPOCH: i64 = 978_307_200;

/// The tags of a file and of its tracks; of two with one name the later is believed.
#[derive(Debug, Default)]
pub(super) struct Written {
    file: BTreeMap<String, String>,
    tracks: BTreeMap<u64, BTreeMap<String, String>>,
    /// How many there were.
    count: usize,
}

impl Written {
    /// Adds what a `Tags` element holds; `None` when it is unclear.
    pub(super) fn read(&mut self, body: &[u8]) -> Option<()> {
        for tag in elements(body)?.iter().filter(|it| it.id == id::TAG) {
            let parts = elements(tag.body)?;
            let mut target = Target::default();
            for part in parts.iter().filter(|it| it.id == id::TARGETS) {
                target.read(part)?;
            }
            let into = match target {
                // Of a chapter or an attachment, which are no clips.
                Target { is_inner: true, .. } => continue,
                Target { track: 0, .. } => &mut self.file,
                Target { track, .. } => self.tracks.entry(track).or_default(),
            };
            let prefix = target.kind.filter(|_| target.track == 0);
            for part in parts.iter().filter(|it| it.id == id::SIMPLE_TAG) {
                add(into, part, prefix.as_deref(), DEEPEST, &mut self.count)?;
            }
        }
        Some(())
    }

    /// The file's tags, over those that stand in its header.
    pub(super) fn of_file(&self, header: &[(&str, Option<String>)]) -> Tags {
        let mut tags = Tags::new();
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

    /// The tags of a track by its unique number.
    pub(super) fn of_track(&self, uid: u64) -> Tags {
        let mut tags = Tags::new();
        for (name, text) in self.tracks.get(&uid).into_iter().flatten() {
            add_tag(&mut tags, name, text);
        }
        tags
    }
}

/// What a list of tags is about.
#[derive(Debug, Default)]
struct Target {
    track: u64,
    is_inner: bool,
    kind: Option<String>,
}

impl Target {
    fn read(&mut self, element: &Element<'_>) -> Option<()> {
        for element in elements(element.body)? {
            match element.id {
                id::TAG_TRACK_UID => self.track = element.unsigned()?,
                id::TAG_CHAPTER_UID | id::TAG_ATTACHMENT_UID => {
                    self.is_inner |= element.unsigned()? != 0;
                }
                id::TARGET_TYPE => self.kind = Some(element.text()?),
                _ => {}
            }
        }
        Some(())
    }
}

/// Adds a tag and those inside it, at most `deep` more; `None` when there are too many.
fn add(
    into: &mut BTreeMap<String, String>,
    tag: &Element<'_>,
    prefix: Option<&str>,
    deep: usize,
    count: &mut usize,
) -> Option<()> {
    *count += 1;
    (*count <= MOST).then_some(())?;
    let (mut name, mut text, mut language, mut is_default) = (None, None, None, true);
    let mut inner = Vec::new();
    for element in elements(tag.body)? {
        match element.id {
            id::TAG_NAME => name = Some(element.text()?),
            id::TAG_STRING => text = Some(element.text()?),
            id::TAG_LANGUAGE => language = Some(element.text()?),
            id::TAG_DEFAULT => is_default = element.unsigned()? != 0,
            id::SIMPLE_TAG => inner.push(element),
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
    if names.iter().any(|name| name.len() > LONGEST_NAME) {
        return None;
    }
    for name in names {
        for tag in &inner {
            add(into, tag, Some(&name), deep.checked_sub(1)?, count)?;
        }
        match &text {
            Some(text) => into.insert(name, text.clone()),
            None => into.remove(&name),
        };
    }
    Some(())
}

/// `2026-05-02T10:00:00.000000Z` of nanoseconds since 2001, as ffprobe writes it.
pub(super) fn creation_time(body: &[u8]) -> Option<String> {
    let micros = i64::from_be_bytes(body.try_into().ok()?) / 1000;
    let micros = EPOCH.checked_mul(1_000_000)?.checked_add(micros)?;
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

    fn told(tags: &Tags) -> Vec<String> {
        tags.iter().map(|(k, v)| format!("{k}={v}")).collect()
    }

    #[test]
    fn tags_belong_to_the_file_or_to_a_track() {
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
        let mut written = Written::default();
        written.read(&body).unwrap();
        let header = [
            ("title", Some("Day one".to_owned())),
            ("encoder", Some("Lavf".to_owned())),
        ];
        assert_eq!(
            told(&written.of_file(&header)),
            [
                "artist=A",
                "artist/role=B",
                "comment=wild",
                "comment-eng=wild",
                "encoder=Lavf",
                "title=Day two",
            ]
        );
        assert_eq!(told(&written.of_track(7)), ["encoder=x"]);
        assert!(written.of_track(8).is_empty());
    }

    #[test]
    fn tags_inside_tags_end_somewhere() {
        let many = element(b"\x73\x73", &simple(b"A", b"b", b"")).repeat(MOST + 1);
        assert!(Written::default().read(&many).is_none());
        let mut tag = simple(b"A", b"b", b"");
        for _ in 0..6 {
            tag = simple(b"A", b"b", &tag);
        }
        assert!(
            Written::default()
                .read(&element(b"\x73\x73", &tag))
                .is_none()
        );
    }

    #[test]
    fn times_count_from_2001() {
        let told = |nanos: i64| creation_time(&nanos.to_be_bytes());
        assert_eq!(told(0).as_deref(), Some("2001-01-01T00:00:00.000000Z"));
        assert_eq!(
            told(-1_500_000_000).as_deref(),
            Some("2000-12-31T23:59:58.500000Z")
        );
        assert_eq!(creation_time(b"\0"), None);
    }
}
