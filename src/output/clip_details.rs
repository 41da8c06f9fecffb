//! Details of one clip: all facts with their sources, all tags with their reasons, and all files.

use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::{Map, Value};

use super::clip_rows;
use crate::catalogue::Thumbnails;
use crate::clip::{Clip, FIELDS, FileCopy};
use crate::error::escape;
use crate::value::{Bytes, TagOrigin, format_unix_nanos};

/// Paths of a clip's poster and filmstrip; `None` if the file does not exist.
#[derive(Debug, Clone, Default)]
pub struct PicturePaths {
    /// Poster frame of the clip.
    pub poster: Option<PathBuf>,
    /// Filmstrip: several frames in one image. Its index has the same name, but ends in `.json`.
    pub strip: Option<PathBuf>,
}

impl PicturePaths {
    /// Finds the pictures of a clip in the catalogue's folders.
    #[must_use]
    pub fn find(clip: &Clip, thumbnails: &Thumbnails) -> Self {
        let id = clip.id.as_ref().map(|id| id.value);
        Self {
            poster: id.and_then(|id| thumbnails.posters.find(id)),
            strip: id.and_then(|id| thumbnails.strips.find(id)),
        }
    }
}

/// Writes all facts, tags and files of a clip, and the paths of its pictures.
///
/// # Errors
/// Returns an error if `out` cannot be written.
pub fn write_clip_details(
    clip: &Clip,
    pictures: &PicturePaths,
    out: &mut dyn Write,
) -> io::Result<()> {
    let name_width = FIELDS
        .iter()
        .map(|field| field.name.len())
        .max()
        .unwrap_or(0);
    let rows: Vec<(&str, String, String)> = FIELDS
        .iter()
        .filter(|field| field.name != "tags")
        .filter_map(|field| {
            let source = (field.source)(clip)
                .map(ToString::to_string)
                .unwrap_or_default();
            Some((field.name, escape(&(field.text)(clip)?), source))
        })
        .collect();
    let text_width = rows
        .iter()
        .map(|(_, text, _)| text.chars().count())
        .filter(|&n| n <= 48)
        .max()
        .unwrap_or(0);
    for (name, text, source) in rows {
        writeln!(
            out,
            "{name:name_width$}  {text:text_width$}  {}",
            escape(&source)
        )?;
    }
    if let Some(tags) = &clip.tags {
        for tagged in tags.value.iter() {
            let tag = escape(&tagged.tag);
            let why = match &tagged.origin {
                TagOrigin::Rule {
                    rule,
                    evidence,
                    confidence,
                } => format!("rule:{rule}, {confidence}%, matched \"{evidence}\""),
                TagOrigin::Person { person, at } => format!("person:{person}, {at}"),
                TagOrigin::Ingest { ingest } => format!("ingest:{ingest}"),
            };
            writeln!(
                out,
                "{:name_width$}  {tag:text_width$}  {}",
                "tag",
                escape(&why)
            )?;
        }
    }
    writeln!(out)?;
    for copy in &clip.files {
        write_file(copy, out)?;
    }
    match &pictures.poster {
        Some(path) => writeln!(out, "poster {}", escape(&path.to_string_lossy()))?,
        None => writeln!(out, "no poster")?,
    }
    match &pictures.strip {
        Some(path) => writeln!(out, "strip  {}", escape(&path.to_string_lossy())),
        None => Ok(()),
    }
}

fn write_file(copy: &FileCopy, out: &mut dyn Write) -> io::Result<()> {
    let state = copy.status();
    let path = escape(&copy.path.to_string_lossy());
    let size = Bytes(copy.bytes);
    let modified = format_unix_nanos(copy.modified).unwrap_or_default();
    writeln!(out, "file   {path}")?;
    writeln!(
        out,
        "       on {}, {state}, {size}, written {modified}",
        escape(&copy.volume)
    )?;
    for companion in &copy.companions {
        writeln!(out, "       with {}", escape(&companion.to_string_lossy()))?;
    }
    Ok(())
}

/// Returns a clip as JSON: the fields of [`clip_json`](super::clip_json), plus the source of each
/// value and the reason of each tag.
#[must_use]
pub fn clip_details_json(clip: &Clip, pictures: &PicturePaths) -> Value {
    let mut object = clip_rows::clip_json(clip);
    let sources: Map<String, Value> = FIELDS
        .iter()
        .filter_map(|field| {
            Some((
                field.name.to_owned(),
                Value::String((field.source)(clip)?.to_string()),
            ))
        })
        .collect();
    let reasons = clip
        .tags
        .as_ref()
        .and_then(|fact| serde_json::to_value(&fact.value).ok());
    if let Value::Object(fields) = &mut object {
        fields.insert("sources".to_owned(), Value::Object(sources));
        fields.extend(reasons.map(|reasons| ("tag_reasons".to_owned(), reasons)));
        for (name, path) in [("poster", &pictures.poster), ("strip", &pictures.strip)] {
            let path = path.as_ref().map(|path| path.to_string_lossy().into());
            fields.extend(path.map(|path| (name.to_owned(), path)));
        }
    }
    object
}
