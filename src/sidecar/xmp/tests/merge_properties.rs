//! Property tests of merging: merged edits can be read back, a second merge changes nothing, and
//! removed edits disappear.

use proptest::prelude::*;

use super::reading::{DARKTABLE, EXIFTOOL, LIGHTROOM, PREMIERE};
use super::*;

/// Generates text that users can type: markup, quotes, line ends, any script, emoji.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,30}",
        "[<>&\"' \n\t;#x-]{0,12}",
        "[א-ת ]{1,6}",
        "[🎬👩‍🚀é\u{301}]{1,4}",
    ]
}

fn words() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(
        prop_oneof!["[a-cA-C _-]{1,3}".boxed(), text().boxed()],
        0..5,
    )
}

fn any_edits() -> impl Strategy<Value = ClipEdits> {
    let selection = prop::option::of(prop_oneof![
        Just(Selection::Selected),
        Just(Selection::Rejected),
    ]);
    let marker = (any::<u64>(), text()).prop_map(|(micros, text)| marker(micros, &text));
    let markers = prop::collection::vec(marker, 0..4);
    let stars = prop::option::of(0..7_u8);
    (words(), words(), stars, selection, words(), markers).prop_map(
        |(tags, removed, stars, selection, notes, markers)| ClipEdits {
            tags,
            removed,
            stars,
            selection,
            notes,
            markers,
        },
    )
}

fn existing() -> impl Strategy<Value = Option<Vec<u8>>> {
    prop_oneof![
        Just(None),
        prop::sample::select(vec![PREMIERE, LIGHTROOM, EXIFTOOL, DARKTABLE])
            .prop_map(|text| Some(text.as_bytes().to_vec())),
    ]
}

/// Returns the keys of tags without duplicates.
fn unique_keys(tags: &[String]) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for key in tags.iter().map(|tag| clip_edits::tag_key(tag)) {
        if !key.is_empty() && !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

proptest! {
    #![proptest_config(crate::property_tests::random(256))]

    #[test]
    fn reads_back_merged_edits(edits in any_edits()) {
        let new = merge(None, &edits).unwrap();
        prop_assert_eq!(&new.conflicts, &[]);
        let packet = Packet::parse(&new.bytes).unwrap();
        prop_assert_eq!(unique_keys(&packet.tags), unique_keys(&edits.tags));
        prop_assert_eq!(&packet.tags, &packet.last_synced.tags);
        let stars = edits.stars.filter(|stars| (1..=5).contains(stars)).and_then(|stars| i8::try_from(stars).ok());
        let is_rejected = edits.selection == Some(Selection::Rejected);
        prop_assert_eq!(packet.rating, if is_rejected { Some(-1) } else { stars });
        prop_assert_eq!(packet.good, (edits.selection == Some(Selection::Selected)).then_some(true));
        let log = packet.log_comment.unwrap_or_default();
        let mut lines: Vec<&str> = Vec::new();
        for line in edits.notes.iter().flat_map(|note| note.split('\n')) {
            if !line.trim().is_empty() && !lines.iter().any(|known| known.trim() == line.trim()) {
                lines.push(line);
            }
        }
        prop_assert_eq!(log, lines.join("\n"));
        let markers: Vec<(u64, &str)> = edits.markers.iter().map(|marker| (marker.micros, marker.text.as_str())).collect();
        let read: Vec<(u64, &str)> = packet.markers.iter().map(|marker| (marker.micros, marker.text.as_str())).collect();
        prop_assert_eq!(read, markers);
    }

    #[test]
    fn a_second_merge_changes_nothing(existing in existing(), first in any_edits(), second in any_edits()) {
        let once = merge(existing.as_deref(), &first).unwrap();
        let again = merge(Some(&once.bytes), &first).unwrap();
        prop_assert!(!again.is_changed);
        prop_assert_eq!(&again.bytes, &once.bytes);
        let other = merge(Some(&once.bytes), &second).unwrap();
        let again = merge(Some(&other.bytes), &second).unwrap();
        prop_assert!(!again.is_changed);
    }

    #[test]
    fn removed_edits_disappear(existing in existing(), mut edits in any_edits()) {
        edits.removed.clear();
        let before = match &existing {
            Some(bytes) => Packet::parse(bytes).unwrap(),
            None => Packet::default(),
        };
        let once = merge(existing.as_deref(), &edits).unwrap();
        let back = merge(Some(&once.bytes), &ClipEdits::default()).unwrap();
        let mut after = Packet::parse(&back.bytes).unwrap();
        // A rating of zero is overwritten and not restored.
        after.rating = after.rating.or(before.rating.filter(|stars| *stars == 0));
        prop_assert_eq!(after, before);
    }

    #[test]
    fn keeps_tags_until_they_are_removed(first in any_edits(), second in any_edits()) {
        let once = merge(Some(LIGHTROOM.as_bytes()), &first).unwrap();
        let other = merge(Some(&once.bytes), &second).unwrap();
        let tags = Packet::parse(&other.bytes).unwrap().tags;
        let keys = unique_keys(&tags);
        for tag in unique_keys(&second.tags) {
            prop_assert!(keys.contains(&tag));
        }
        for theirs in ["b roll", "interview"] {
            let is_removed = |edits: &ClipEdits| unique_keys(&edits.removed).iter().any(|tag| tag == theirs)
                && !unique_keys(&edits.tags).iter().any(|tag| tag == theirs);
            if !is_removed(&first) && !is_removed(&second) {
                prop_assert!(keys.iter().any(|tag| tag == theirs));
            }
        }
    }

    #[test]
    fn replaces_characters_that_xml_does_not_allow(text in any::<String>()) {
        let edits = ClipEdits { markers: vec![marker(1, &text)], notes: vec![text.clone()], tags: vec![text], ..ClipEdits::default() };
        let once = merge(None, &edits).unwrap();
        prop_assert!(!merge(Some(&once.bytes), &edits).unwrap().is_changed);
        let replaced = escape::to_xml_chars(&edits.tags[0]);
        let packet = Packet::parse(&once.bytes).unwrap();
        prop_assert_eq!(&packet.markers[0].text, &replaced);
    }
}

/// Generates known elements in any order and nesting, mixed with unknown ones.
fn any_tree() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "dc:subject",
        "xmp:Rating",
        "xmpDM:good",
        "xmpDM:logComment",
        "xmpDM:Tracks",
        "xmpDM:markers",
        "xmpDM:trackName",
        "dc:title",
        "rdf:Bag",
        "rdf:Seq",
        "rdf:Alt",
        "rdf:li",
        "rdf:li",
        "rdf:value",
        "rdf:Description",
        "lr:other",
        "b:written",
        "b:rating",
        "b:tags",
    ]);
    let values = prop::sample::select(vec![
        "",
        " ",
        "0",
        "4",
        "True",
        "rain",
        "Interview",
        "a\nb",
        "&amp;",
    ]);
    let attribute = prop::sample::select(vec![
        "dc:subject",
        "xmp:Rating",
        "xmpDM:good",
        "xmpDM:logComment",
        "xml:lang",
        "rdf:value",
        "rdf:resource",
        "rdf:parseType",
        "lr:other",
    ]);
    let attribute = prop::option::of((attribute, values.clone())).prop_map(|attribute| {
        attribute.map_or_else(String::new, |(name, value)| format!(" {name}=\"{value}\""))
    });
    let text = prop_oneof![
        values.prop_map(str::to_owned),
        Just("\n  ".to_owned()),
        Just("<!--lr:other-->".to_owned())
    ];
    text.prop_recursive(5, 40, 5, move |inner| {
        (
            name.clone(),
            attribute.clone(),
            prop::collection::vec(inner, 0..5),
        )
            .prop_map(|(name, attribute, inner)| {
                format!("<{name}{attribute}>{}</{name}>", inner.concat())
            })
    })
}

proptest! {
    #![proptest_config(crate::property_tests::random(256))]

    #[test]
    fn merges_any_form_without_losing_foreign_elements(trees in prop::collection::vec(any_tree(), 0..4), edits in any_edits()) {
        let text = packet("", &trees.concat());
        let Ok(once) = merge(Some(text.as_bytes()), &edits) else {
            return Ok(());
        };
        let again = merge(Some(&once.bytes), &edits).unwrap();
        prop_assert!(!again.is_changed, "{}\n{}", String::from_utf8_lossy(&once.bytes), String::from_utf8_lossy(&again.bytes));
        let packet = Packet::parse(&once.bytes).unwrap();
        let keys = unique_keys(&packet.tags);
        for tag in unique_keys(&edits.tags) {
            prop_assert!(keys.contains(&tag));
        }
        prop_assert_eq!(packet.last_synced.markers.len(), edits.markers.len());
        prop_assert_eq!(&packet.title, &read(&text).title);
        let after = String::from_utf8(once.bytes).unwrap();
        let others = |text: &str| text.matches("lr:other").count();
        if !text.contains("b:written") && edits.removed.is_empty() {
            prop_assert_eq!(others(&after), others(&text), "{}", after);
        }
    }
}
