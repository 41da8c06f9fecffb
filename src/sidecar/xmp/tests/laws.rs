//! Laws: what was said is read back, merging settles, and what is taken back is gone.

use proptest::prelude::*;

use super::shapes::{DARKTABLE, EXIFTOOL, LIGHTROOM, PREMIERE};
use super::*;

/// Text that people can type: markup, quotes, line ends, any script, emoji.
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

fn anything() -> impl Strategy<Value = Said> {
    let selection = prop::option::of(prop_oneof![
        Just(Selection::Selected),
        Just(Selection::Rejected),
    ]);
    let marker = (any::<u64>(), text()).prop_map(|(micros, text)| marker(micros, &text));
    let markers = prop::collection::vec(marker, 0..4);
    let stars = prop::option::of(0..7_u8);
    (words(), words(), stars, selection, words(), markers).prop_map(
        |(tags, removed, stars, selection, notes, markers)| Said {
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

/// Tags as they are compared, each once.
fn alike(tags: &[String]) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for key in tags.iter().map(|tag| clip_edits::key(tag)) {
        if !key.is_empty() && !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

proptest! {
    #![proptest_config(crate::random_tests::random(256))]

    #[test]
    fn what_was_said_is_read_back(said in anything()) {
        let new = merged(None, &said).unwrap();
        prop_assert_eq!(&new.conflicts, &[]);
        let packet = Packet::read(&new.bytes).unwrap();
        prop_assert_eq!(alike(&packet.tags), alike(&said.tags));
        prop_assert_eq!(&packet.tags, &packet.written.tags);
        let stars = said.stars.filter(|stars| (1..=5).contains(stars)).and_then(|stars| i8::try_from(stars).ok());
        let is_rejected = said.selection == Some(Selection::Rejected);
        prop_assert_eq!(packet.rating, if is_rejected { Some(-1) } else { stars });
        prop_assert_eq!(packet.good, (said.selection == Some(Selection::Selected)).then_some(true));
        let log = packet.log_comment.unwrap_or_default();
        let mut lines: Vec<&str> = Vec::new();
        for line in said.notes.iter().flat_map(|note| note.split('\n')) {
            if !line.trim().is_empty() && !lines.iter().any(|known| known.trim() == line.trim()) {
                lines.push(line);
            }
        }
        prop_assert_eq!(log, lines.join("\n"));
        let markers: Vec<(u64, &str)> = said.markers.iter().map(|one| (one.micros, one.text.as_str())).collect();
        let read: Vec<(u64, &str)> = packet.markers.iter().map(|one| (one.micros, one.text.as_str())).collect();
        prop_assert_eq!(read, markers);
    }

    #[test]
    fn merging_settles(existing in existing(), first in anything(), second in anything()) {
        let once = merged(existing.as_deref(), &first).unwrap();
        let again = merged(Some(&once.bytes), &first).unwrap();
        prop_assert!(!again.is_changed);
        prop_assert_eq!(&again.bytes, &once.bytes);
        let other = merged(Some(&once.bytes), &second).unwrap();
        let again = merged(Some(&other.bytes), &second).unwrap();
        prop_assert!(!again.is_changed);
    }

    #[test]
    fn what_is_taken_back_is_gone(existing in existing(), mut said in anything()) {
        said.removed.clear();
        let before = match &existing {
            Some(bytes) => Packet::read(bytes).unwrap(),
            None => Packet::default(),
        };
        let once = merged(existing.as_deref(), &said).unwrap();
        let back = merged(Some(&once.bytes), &Said::default()).unwrap();
        let mut after = Packet::read(&back.bytes).unwrap();
        // A rating of nothing was written over; it is not put back.
        after.rating = after.rating.or(before.rating.filter(|stars| *stars == 0));
        prop_assert_eq!(after, before);
    }

    #[test]
    fn a_tag_stays_while_somebody_says_it(first in anything(), second in anything()) {
        let once = merged(Some(LIGHTROOM.as_bytes()), &first).unwrap();
        let other = merged(Some(&once.bytes), &second).unwrap();
        let tags = Packet::read(&other.bytes).unwrap().tags;
        let keys = alike(&tags);
        for tag in alike(&second.tags) {
            prop_assert!(keys.contains(&tag));
        }
        for theirs in ["b roll", "interview"] {
            let gone = |said: &Said| alike(&said.removed).iter().any(|tag| tag == theirs)
                && !alike(&said.tags).iter().any(|tag| tag == theirs);
            if !gone(&first) && !gone(&second) {
                prop_assert!(keys.iter().any(|tag| tag == theirs));
            }
        }
    }

    #[test]
    fn what_xml_cannot_hold_is_replaced(text in any::<String>()) {
        let said = Said { markers: vec![marker(1, &text)], notes: vec![text.clone()], tags: vec![text], ..Said::default() };
        let once = merged(None, &said).unwrap();
        prop_assert!(!merged(Some(&once.bytes), &said).unwrap().is_changed);
        let held = escape::held(&said.tags[0]);
        let packet = Packet::read(&once.bytes).unwrap();
        prop_assert_eq!(&packet.markers[0].text, &held);
    }
}

/// Elements of the names that are looked for, in any order and nesting, with others between.
fn tree() -> impl Strategy<Value = String> {
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
    let said = prop::sample::select(vec![
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
    let attribute = prop::option::of((attribute, said.clone()))
        .prop_map(|one| one.map_or_else(String::new, |(name, said)| format!(" {name}=\"{said}\"")));
    let text = prop_oneof![
        said.prop_map(str::to_owned),
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
    #![proptest_config(crate::random_tests::random(256))]

    #[test]
    fn any_shape_settles_and_keeps_what_others_wrote(trees in prop::collection::vec(tree(), 0..4), said in anything()) {
        let text = packet("", &trees.concat());
        let Ok(once) = merged(Some(text.as_bytes()), &said) else {
            return Ok(());
        };
        let again = merged(Some(&once.bytes), &said).unwrap();
        prop_assert!(!again.is_changed, "{}\n{}", String::from_utf8_lossy(&once.bytes), String::from_utf8_lossy(&again.bytes));
        let packet = Packet::read(&once.bytes).unwrap();
        let keys = alike(&packet.tags);
        for tag in alike(&said.tags) {
            prop_assert!(keys.contains(&tag));
        }
        prop_assert_eq!(packet.written.markers.len(), said.markers.len());
        prop_assert_eq!(&packet.title, &read(&text).title);
        let after = String::from_utf8(once.bytes).unwrap();
        let others = |text: &str| text.matches("lr:other").count();
        if !text.contains("b:written") && said.removed.is_empty() {
            prop_assert_eq!(others(&after), others(&text), "{}", after);
        }
    }
}
