//! What people said, put into a sidecar; what others wrote there stays.

use std::collections::HashSet;

use super::XmpError;
use super::clip_edits::{Said, Wanted, key, lines_of};
use super::document::Document;
use super::edit::Editor;
use super::element::Element;
use super::escape::unix_lines;
use super::last_synced::{Written, truth_text};
use super::names::{GOOD, LI, LOG_COMMENT, Name, RATING, SUBJECT, TRACKS, WRITTEN};
use super::packet::{rating, tags, truth};
use super::rdf::{Found, properties};
use super::tracks::{XmpMarker, is_ours, our_track, ours, taken_over};

/// A sidecar as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// What others wrote otherwise; theirs stays.
    pub conflicts: Vec<Conflict>,
    /// Whether the file is another one now; a new one that says nothing is not.
    pub is_changed: bool,
}

/// A property of which a sidecar says one thing and the catalogue another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The property, with its usual prefix: `xmp:Rating`.
    pub property: &'static str,
    /// What the sidecar says.
    pub theirs: String,
    /// What the catalogue says.
    pub ours: String,
}

/// A sidecar that says nothing yet, wrapped as a packet (XMP specification, part 1, 7.3).
const NEW: &str = "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>
<x:xmpmeta xmlns:x=\"adobe:ns:meta/\" x:xmptk=\"btsindex\">
 <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">
  <rdf:Description rdf:about=\"\"
    xmlns:dc=\"http://purl.org/dc/elements/1.1/\"
    xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\"
    xmlns:xmpDM=\"http://ns.adobe.com/xmp/1.0/DynamicMedia/\"
    xmlns:btsindex=\"urn:btsindex:xmp:1#\">
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end=\"w\"?>
";

/// Puts what people said into a sidecar, or into a new one.
///
/// The file depends on nothing but the two, and merging again changes nothing. What btsindex
/// wrote the last time and nobody says any more is taken out; of what others wrote only tags
/// that a person took away are.
///
/// # Errors
/// When the sidecar cannot be read, or a list in it is none.
pub fn merged(existing: Option<&[u8]>, said: &Said) -> Result<Merged, XmpError> {
    let before = existing.unwrap_or(NEW.as_bytes());
    let wanted = said.wanted();
    let mut document = Document::read(before)?;
    let (rdf, scope) = document.rdf_mut()?;
    let last = Written::read(rdf);
    let mut conflicts = Vec::new();
    let mut editor = Editor::new(rdf, scope);
    let written = Written {
        tags: put_tags(&mut editor, &wanted, &last)?,
        rating: put(
            &mut editor,
            &RATED,
            wanted.rating,
            last.rating,
            &mut conflicts,
        ),
        good: put(&mut editor, &KEEPER, wanted.good, last.good, &mut conflicts),
        notes: put_lines(&mut editor, &wanted, &last, &mut conflicts),
        markers: put_markers(&mut editor, wanted.markers)?,
    };
    if !written.is_kept_as(&last) {
        editor.replace(WRITTEN, |prefixes| written.property(prefixes));
    }
    let bytes = document.bytes();
    let is_changed = bytes != before;
    if is_changed {
        // What could not be read again must not be written.
        Document::read(&bytes)?;
    }
    Ok(Merged {
        bytes,
        conflicts,
        is_changed,
    })
}

/// Gives the tags that are btsindex's own.
fn put_tags(
    editor: &mut Editor<'_>,
    wanted: &Wanted,
    last: &Written,
) -> Result<Vec<String>, XmpError> {
    let said: HashSet<String> = wanted.tags.iter().map(|tag| key(tag)).collect();
    let last: HashSet<String> = last.tags.iter().map(|tag| key(tag)).collect();
    let is_kept = |tag: &str| {
        let key = key(tag);
        said.contains(&key) || !(last.contains(&key) || wanted.removed.contains(&key))
    };
    editor.retain(SUBJECT, |found| is_kept(&found.text()));
    let there: HashSet<String> = tags(editor.rdf(), SUBJECT)
        .iter()
        .map(|tag| key(tag))
        .collect();
    let (old, new): (Vec<&String>, Vec<&String>) = wanted
        .tags
        .iter()
        .partition(|tag| there.contains(&key(tag)));
    if !new.is_empty() {
        editor.add(SUBJECT, "dc:subject", |prefixes| {
            let item = |tag: &&String| Element::new(prefixes, LI).saying(tag);
            new.iter().map(item).collect()
        })?;
    }
    let is_own = |tag: &&String| last.contains(&key(tag)) || !old.contains(tag);
    Ok(wanted.tags.iter().filter(is_own).cloned().collect())
}

/// A property that says one thing.
struct Single<T> {
    name: Name,
    shown: &'static str,
    read: fn(&str) -> Option<T>,
    write: fn(T) -> String,
    /// What says as much as nothing.
    nothing: Option<T>,
}

const RATED: Single<i8> = Single {
    name: RATING,
    shown: "xmp:Rating",
    read: rating,
    write: |stars| stars.to_string(),
    // Bridge and darktable write it on what nobody has rated.
    nothing: Some(0),
};

const KEEPER: Single<bool> = Single {
    name: GOOD,
    shown: "xmpDM:good",
    read: truth,
    write: |is_good| truth_text(is_good).to_owned(),
    nothing: None,
};

/// Puts in one value; gives it where it is btsindex's own.
fn put<T: Copy + PartialEq>(
    editor: &mut Editor<'_>,
    single: &Single<T>,
    ours: Option<T>,
    last: Option<T>,
    conflicts: &mut Vec<Conflict>,
) -> Option<T> {
    let theirs = existing(editor.rdf(), single.name);
    let value = theirs.as_deref().and_then(single.read);
    let is_last = value.is_some() && value == last;
    let is_free = match &theirs {
        None => true,
        Some(_) => is_last || (value.is_some() && value == single.nothing),
    };
    match ours {
        None if is_last => editor.set(single.name, None),
        Some(ours) if value == Some(ours) => return last.filter(|_| is_last),
        Some(ours) if is_free => {
            editor.set(single.name, Some(&(single.write)(ours)));
            return Some(ours);
        }
        Some(ours) => conflicts.push(Conflict {
            property: single.shown,
            theirs: theirs.unwrap_or_default(),
            ours: (single.write)(ours),
        }),
        None => {}
    }
    None
}

/// What a property says; a mark of its own where that is no text.
fn existing(rdf: &Element, name: Name) -> Option<String> {
    let found = properties(rdf, name).next()?;
    if !found.is_plain() {
        return Some("(a structure)".to_owned());
    }
    let text = found.text();
    (!text.trim().is_empty()).then(|| text.trim().to_owned())
}

/// Gives the lines that are btsindex's own.
fn put_lines(
    editor: &mut Editor<'_>,
    wanted: &Wanted,
    last: &Written,
    conflicts: &mut Vec<Conflict>,
) -> Vec<String> {
    let found = properties(editor.rdf(), LOG_COMMENT).next();
    if found.as_ref().is_some_and(|found| !found.is_plain()) {
        if !wanted.lines.is_empty() {
            conflicts.push(Conflict {
                property: "xmpDM:logComment",
                theirs: "(a structure)".to_owned(),
                ours: wanted.lines.join("\n"),
            });
        }
        return Vec::new();
    }
    let text = found.map_or_else(String::new, |found| found.text());
    let line_end = if text.contains('\r') { "\r" } else { "\n" };
    let text = unix_lines(&text).into_owned();
    let trimmed = |lines: &[String]| -> HashSet<String> {
        lines.iter().map(|line| line.trim().to_owned()).collect()
    };
    let (said, last) = (trimmed(&wanted.lines), trimmed(&last.notes));
    let is_empty = text.trim().is_empty();
    let is_kept = |line: &str| said.contains(line.trim()) || !last.contains(line.trim());
    let kept = text.split('\n').filter(|line| !is_empty && is_kept(line));
    let there = trimmed(&lines_of(&text));
    let new = wanted
        .lines
        .iter()
        .filter(|line| !there.contains(line.trim()));
    let all: Vec<&str> = kept.chain(new.map(String::as_str)).collect();
    let is_gone = all.iter().all(|line| line.trim().is_empty());
    let joined = all.join("\n");
    if joined != text && !(is_gone && is_empty) {
        let joined = joined.replace('\n', line_end);
        editor.set(LOG_COMMENT, (!is_gone).then_some(&joined));
    }
    let is_own = |line: &&String| last.contains(line.trim()) || !there.contains(line.trim());
    wanted.lines.iter().filter(is_own).cloned().collect()
}

/// Puts in the track of btsindex, where it says something else; gives its markers.
fn put_markers(
    editor: &mut Editor<'_>,
    mut named: Vec<(XmpMarker, String)>,
) -> Result<Vec<XmpMarker>, XmpError> {
    let elsewhere: HashSet<String> = taken_over(editor.rdf()).into_iter().collect();
    named.retain(|(_, guid)| !elsewhere.contains(guid));
    let markers = named.iter().map(|(marker, _)| marker.clone()).collect();
    if ours(editor.rdf()) == markers {
        return Ok(markers);
    }
    editor.retain(TRACKS, |found| match found {
        Found::Text(_) => true,
        Found::Element(track) => !is_ours(track),
    });
    if !named.is_empty() {
        editor.add(TRACKS, "xmpDM:Tracks", |prefixes| {
            vec![our_track(&named, prefixes)]
        })?;
    }
    Ok(markers)
}
