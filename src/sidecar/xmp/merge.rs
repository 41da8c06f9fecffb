//! Merges the catalogue's edits into a sidecar and keeps the values of other programs.

use std::collections::HashSet;

use super::XmpError;
use super::clip_edits::{ClipEdits, XmpValues, non_blank_lines, tag_key};
use super::document::Document;
use super::edit::Editor;
use super::element::XmlElement;
use super::escape::unix_lines;
use super::last_synced::{LastSynced, bool_text};
use super::names::{GOOD, LI, LOG_COMMENT, RATING, SUBJECT, TRACKS, WRITTEN, XmlName};
use super::packet::list_texts;
use super::rdf::{RdfProperty, properties};
use super::tracks::{XmpMarker, adopted_guids, is_ours, our_markers, our_track};
use super::values::{parse_bool, parse_rating};

/// Result of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// Content of the whole file.
    pub bytes: Vec<u8>,
    /// Properties for which another program wrote a different value. Its value was kept.
    pub conflicts: Vec<Conflict>,
    /// True if the content differs from the existing file; false for a new sidecar without values.
    pub is_changed: bool,
}

/// Property whose values in the sidecar and in the catalogue differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Name of the property with its usual prefix: `xmp:Rating`.
    pub property: &'static str,
    /// Value in the sidecar.
    pub theirs: String,
    /// Value in the catalogue.
    pub ours: String,
}

/// Empty sidecar, wrapped as a packet (XMP specification, part 1, 7.3).
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

/// Merges edits into an existing sidecar, or into a new one.
///
/// The result depends only on the two arguments, and a repeated merge changes nothing. Removes the
/// values that btsindex wrote last time if the edits no longer contain them. From the values of
/// other programs, removes only tags that the user removed.
///
/// # Errors
/// Returns an error if the sidecar cannot be parsed, or a property to extend is not a list.
pub fn merge(existing: Option<&[u8]>, edits: &ClipEdits) -> Result<Merged, XmpError> {
    let before = existing.unwrap_or(NEW.as_bytes());
    let values = edits.to_xmp_values();
    let mut document = Document::parse(before)?;
    let (rdf, scope) = document.rdf_mut()?;
    let last = LastSynced::from_rdf(rdf);
    let mut conflicts = Vec::new();
    let mut editor = Editor::new(rdf, scope);
    let written = LastSynced {
        tags: merge_tags(&mut editor, &values, &last)?,
        rating: merge_value(
            &mut editor,
            &STARS,
            values.rating,
            last.rating,
            &mut conflicts,
        ),
        good: merge_value(
            &mut editor,
            &GOOD_SHOT,
            values.good,
            last.good,
            &mut conflicts,
        ),
        notes: merge_lines(&mut editor, &values, &last, &mut conflicts),
        markers: merge_markers(&mut editor, values.markers)?,
    };
    if !written.has_same_property(&last) {
        editor.replace(WRITTEN, |prefixes| written.property(prefixes));
    }
    let bytes = document.bytes();
    let is_changed = bytes != before;
    if is_changed {
        // Verifies that the new content can be parsed again before it is written.
        Document::parse(&bytes)?;
    }
    Ok(Merged {
        bytes,
        conflicts,
        is_changed,
    })
}

/// Merges the tags. Returns the tags that btsindex wrote.
fn merge_tags(
    editor: &mut Editor<'_>,
    values: &XmpValues,
    last: &LastSynced,
) -> Result<Vec<String>, XmpError> {
    let keys: HashSet<String> = values.tags.iter().map(|tag| tag_key(tag)).collect();
    let last: HashSet<String> = last.tags.iter().map(|tag| tag_key(tag)).collect();
    let is_kept = |tag: &str| {
        let key = tag_key(tag);
        keys.contains(&key) || !(last.contains(&key) || values.removed.contains(&key))
    };
    editor.retain(SUBJECT, |found| is_kept(&found.text()));
    let present: HashSet<String> = list_texts(editor.rdf(), SUBJECT)
        .iter()
        .map(|tag| tag_key(tag))
        .collect();
    let (old, new): (Vec<&String>, Vec<&String>) = values
        .tags
        .iter()
        .partition(|tag| present.contains(&tag_key(tag)));
    if !new.is_empty() {
        editor.add(SUBJECT, "dc:subject", |prefixes| {
            let item = |tag: &&String| XmlElement::new(prefixes, LI).with_text(tag);
            new.iter().map(item).collect()
        })?;
    }
    let is_ours = |tag: &&String| last.contains(&tag_key(tag)) || !old.contains(tag);
    Ok(values.tags.iter().filter(is_ours).cloned().collect())
}

/// Property with a single value.
struct SingleValue<T> {
    name: XmlName,
    property: &'static str,
    read: fn(&str) -> Option<T>,
    write: fn(T) -> String,
    /// Value that means the same as a missing property.
    neutral: Option<T>,
}

const STARS: SingleValue<i8> = SingleValue {
    name: RATING,
    property: "xmp:Rating",
    read: parse_rating,
    write: |stars| stars.to_string(),
    // Bridge and darktable write a zero for clips without a rating.
    neutral: Some(0),
};

const GOOD_SHOT: SingleValue<bool> = SingleValue {
    name: GOOD,
    property: "xmpDM:good",
    read: parse_bool,
    write: |is_good| bool_text(is_good).to_owned(),
    neutral: None,
};

/// Merges a single value. Returns the value if btsindex wrote it.
fn merge_value<T: Copy + PartialEq>(
    editor: &mut Editor<'_>,
    single: &SingleValue<T>,
    ours: Option<T>,
    last: Option<T>,
    conflicts: &mut Vec<Conflict>,
) -> Option<T> {
    let theirs = existing(editor.rdf(), single.name);
    let value = theirs.as_deref().and_then(single.read);
    let is_last = value.is_some() && value == last;
    let is_writable = match &theirs {
        None => true,
        Some(_) => is_last || (value.is_some() && value == single.neutral),
    };
    match ours {
        None if is_last => editor.set(single.name, None),
        Some(ours) if value == Some(ours) => return last.filter(|_| is_last),
        Some(ours) if is_writable => {
            editor.set(single.name, Some(&(single.write)(ours)));
            return Some(ours);
        }
        Some(ours) => conflicts.push(Conflict {
            property: single.property,
            theirs: theirs.unwrap_or_default(),
            ours: (single.write)(ours),
        }),
        None => {}
    }
    None
}

/// Returns the text of a property, or a placeholder if it is a structure.
fn existing(rdf: &XmlElement, name: XmlName) -> Option<String> {
    let found = properties(rdf, name).next()?;
    if !found.is_plain() {
        return Some("(a structure)".to_owned());
    }
    let text = found.text();
    (!text.trim().is_empty()).then(|| text.trim().to_owned())
}

/// Merges the lines of the log comment. Returns the lines that btsindex wrote.
fn merge_lines(
    editor: &mut Editor<'_>,
    values: &XmpValues,
    last: &LastSynced,
    conflicts: &mut Vec<Conflict>,
) -> Vec<String> {
    let found = properties(editor.rdf(), LOG_COMMENT).next();
    if found.as_ref().is_some_and(|found| !found.is_plain()) {
        if !values.lines.is_empty() {
            conflicts.push(Conflict {
                property: "xmpDM:logComment",
                theirs: "(a structure)".to_owned(),
                ours: values.lines.join("\n"),
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
    let (current, last) = (trimmed(&values.lines), trimmed(&last.notes));
    let is_empty = text.trim().is_empty();
    let is_kept = |line: &str| current.contains(line.trim()) || !last.contains(line.trim());
    let kept = text.split('\n').filter(|line| !is_empty && is_kept(line));
    let present = trimmed(&non_blank_lines(&text));
    let new = values
        .lines
        .iter()
        .filter(|line| !present.contains(line.trim()));
    let all: Vec<&str> = kept.chain(new.map(String::as_str)).collect();
    let is_cleared = all.iter().all(|line| line.trim().is_empty());
    let joined = all.join("\n");
    if joined != text && !(is_cleared && is_empty) {
        let joined = joined.replace('\n', line_end);
        editor.set(LOG_COMMENT, (!is_cleared).then_some(&joined));
    }
    let is_ours = |line: &&String| last.contains(line.trim()) || !present.contains(line.trim());
    values.lines.iter().filter(is_ours).cloned().collect()
}

/// Replaces the btsindex track if its markers changed. Returns its markers.
fn merge_markers(
    editor: &mut Editor<'_>,
    mut with_guids: Vec<(XmpMarker, String)>,
) -> Result<Vec<XmpMarker>, XmpError> {
    let adopted: HashSet<String> = adopted_guids(editor.rdf()).into_iter().collect();
    with_guids.retain(|(_, guid)| !adopted.contains(guid));
    let markers = with_guids
        .iter()
        .map(|(marker, _)| marker.clone())
        .collect();
    if our_markers(editor.rdf()) == markers {
        return Ok(markers);
    }
    editor.retain(TRACKS, |found| match found {
        RdfProperty::Text(_) => true,
        RdfProperty::Element(track) => !is_ours(track),
    });
    if !with_guids.is_empty() {
        editor.add(TRACKS, "xmpDM:Tracks", |prefixes| {
            vec![our_track(&with_guids, prefixes)]
        })?;
    }
    Ok(markers)
}
