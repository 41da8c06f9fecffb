//! What people said is put in; what others wrote stays.

use super::shapes::{DARKTABLE, EXIFTOOL, LIGHTROOM, PREMIERE};
use super::*;

/// The merged text again, with other things said.
fn then(text: &str, said: &Said) -> String {
    settled(text, said)
}

#[test]
fn a_new_sidecar_is_a_whole_packet() {
    let new = merged(None, &everything()).unwrap();
    assert!(new.is_changed && new.conflicts.is_empty());
    insta::assert_snapshot!(String::from_utf8(new.bytes).unwrap());
}

/// What was said, in the compact shape that Adobe's toolkit and Exiv2 write it again in.
#[test]
fn a_sidecar_written_again_by_others_says_the_same() {
    let again = packet(
        r#"xmpDM:good="True" xmpDM:logComment="good sound&#xA;laughs&#xA;at the end" xmp:Rating="4""#,
        r#"<xmpDM:Tracks><rdf:Bag><rdf:li><rdf:Description xmpDM:trackName="btsindex"
            xmpDM:trackType="Comment" xmpDM:frameRate="f254016000000"><xmpDM:markers><rdf:Seq>
             <rdf:li xmpDM:startTime="0" xmpDM:duration="0" xmpDM:comment="slate"/>
             <rdf:li><rdf:Description xmpDM:startTime="3175200254016"
              xmpDM:comment="looks &lt;up&gt; &amp; &quot;smiles&quot;"/></rdf:li>
            </rdf:Seq></xmpDM:markers></rdf:Description></rdf:li></rdf:Bag></xmpDM:Tracks>
           <dc:subject><rdf:Bag><rdf:li>ad shoot</rdf:li><rdf:li>interview</rdf:li></rdf:Bag></dc:subject>
           <b:written b:rating="4" b:good="True"/>"#,
    );
    assert_eq!(read(&again).written.rating, Some(4));
    let once = merge(&again, &everything());
    assert!(!once.is_changed && once.conflicts.is_empty());
    let nested = again.replace(
        r#"<b:written b:rating="4" b:good="True"/>"#,
        r#"<b:written><rdf:Description b:rating="4" b:good="True"><b:tags><rdf:Bag><rdf:li>interview</rdf:li>
           </rdf:Bag></b:tags><b:log><rdf:Seq><rdf:li>laughs</rdf:li></rdf:Seq></b:log></rdf:Description></b:written>"#,
    );
    assert!(!merge(&nested, &everything()).is_changed);
    let left = read(&settled(&nested, &Said::default()));
    assert_eq!((left.rating, left.good), (None, None));
    assert_eq!(left.tags, ["ad shoot"]);
    assert_eq!(left.log_comment.as_deref(), Some("good sound\nat the end"));
    assert_eq!((left.markers, left.written), (vec![], Written::default()));
}

#[test]
fn nothing_said_is_nothing_written() {
    let nothing = merged(None, &Said::default()).unwrap();
    assert!(!nothing.is_changed);
    assert_eq!(Packet::read(&nothing.bytes).unwrap(), Packet::default());
}

#[test]
fn what_others_wrote_stays_letter_by_letter() {
    for text in [PREMIERE, LIGHTROOM, EXIFTOOL, DARKTABLE] {
        let after = settled(text, &everything());
        let mut rest = after.as_str();
        // Whole lines of theirs are there, in their order; all but those that say otherwise now.
        for line in text.lines() {
            let is_ours = ["B-Roll</rdf:li>", "xmp:Rating=\"0\"", "logComment"]
                .iter()
                .any(|part| line.contains(part));
            if !is_ours {
                let at = rest
                    .find(line)
                    .unwrap_or_else(|| panic!("{line} of {after}"));
                rest = &rest[at + line.len()..];
            }
        }
    }
}

#[test]
fn tags_keep_their_spelling_and_order() {
    let text = settled(LIGHTROOM, &said(&["interview", "b_roll", "rain"]));
    let packet = read(&text);
    assert_eq!(packet.tags, ["B-Roll", "Interview", "rain"]);
    assert_eq!(packet.written.tags, ["rain"]);
    // Back in the catalogue's own words: only what was added goes.
    assert_eq!(read(&then(&text, &said(&[]))).tags, ["B-Roll", "Interview"]);
    assert_eq!(
        read(&then(&text, &said(&["snow"]))).tags,
        ["B-Roll", "Interview", "snow"]
    );
    assert_eq!(
        read(&then(&text, &said(&["Rain"]))).tags,
        ["B-Roll", "Interview", "rain"]
    );
}

#[test]
fn a_tag_that_a_person_removed_goes_whoever_wrote_it() {
    let removing = Said {
        removed: owned(&["b roll", "INTERVIEW"]),
        ..Said::default()
    };
    let text = settled(LIGHTROOM, &removing);
    assert_eq!(read(&text).tags, [""; 0]);
    assert!(
        !text.contains("dc:subject>") && text.contains("kind|B-Roll"),
        "{text}"
    );
    let both = Said {
        removed: owned(&["b roll"]),
        ..said(&["b-roll"])
    };
    assert!(!merge(LIGHTROOM, &both).is_changed);
}

#[test]
fn tags_are_put_into_any_shape() {
    for (attributes, elements, shape) in [
        (r#"dc:subject="rain""#, "", "rdf:Bag"),
        ("", "<dc:subject>rain</dc:subject>", "rdf:Bag"),
        (
            "",
            "<dc:subject><rdf:Seq><rdf:li>rain</rdf:li></rdf:Seq></dc:subject>",
            "rdf:Seq",
        ),
        (
            "",
            "<dc:subject><r:Bag xmlns:r=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><r:li>rain</r:li>\
             </r:Bag></dc:subject>",
            "r:Bag",
        ),
        (
            "",
            "<dc:subject><Bag xmlns=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><li>rain</li></Bag>\
             </dc:subject>",
            "Bag",
        ),
    ] {
        let text = settled(&packet(attributes, elements), &said(&["snow"]));
        assert_eq!(read(&text).tags, ["rain", "snow"], "{text}");
        assert!(
            text.contains(&format!("</{shape}></dc:subject>"))
                || text.contains(&format!("</{shape}>\n")),
            "{text}"
        );
    }
    let empty = packet("", "<dc:subject><rdf:Bag/></dc:subject>");
    assert_eq!(read(&settled(&empty, &said(&["snow"]))).tags, ["snow"]);
    let structure = packet("", "<dc:subject><lr:what/></dc:subject>");
    let fault = merged(Some(structure.as_bytes()), &said(&["snow"])).unwrap_err();
    assert_eq!(fault.to_string(), "its `dc:subject` is not a list");
}

#[test]
fn prefixes_are_bound_where_they_are_missing() {
    let bare =
        "<r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns:dc='urn:other'/>";
    let text = settled(bare, &everything());
    let packet = read(&text);
    assert_eq!(packet.tags, ["ad shoot", "interview"]);
    assert_eq!(packet.rating, Some(4));
    assert_eq!(packet.markers.len(), 2);
    assert!(text.contains("<dc1:subject xmlns:dc1="), "{text}");
}

#[test]
fn ratings_of_others_are_kept_and_told() {
    let stars = |stars| Said {
        stars: Some(stars),
        ..Said::default()
    };
    let rejected = Said {
        selection: Some(Selection::Rejected),
        ..stars(5)
    };
    for text in [
        LIGHTROOM.to_owned(),
        packet("", "<xmp:Rating>3</xmp:Rating>"),
    ] {
        assert!(!merge(&text, &stars(3)).is_changed);
        assert!(!merge(&text, &Said::default()).is_changed);
        let other = merge(&text, &stars(4));
        assert!(!other.is_changed);
        let conflict = Conflict {
            property: "xmp:Rating",
            theirs: "3".to_owned(),
            ours: "4".to_owned(),
        };
        assert_eq!(other.conflicts, [conflict]);
        assert_eq!(merge(&text, &rejected).conflicts[0].ours, "-1");
    }
    // What btsindex wrote it changes, and takes back.
    for text in [DARKTABLE.to_owned(), packet("", "")] {
        let four = settled(&text, &stars(4));
        assert_eq!(read(&four).rating, Some(4));
        assert_eq!(read(&four).written.rating, Some(4));
        let none = settled(&four, &rejected);
        assert_eq!(read(&none).rating, Some(-1));
        assert_eq!(read(&settled(&none, &Said::default())).rating, None);
        // Somebody else changed it since.
        let changed = four.replace("xmp:Rating=\"4\"", "xmp:Rating=\"2\"");
        let changed = changed.replace("<xmp:Rating>4<", "<xmp:Rating>2<");
        assert_eq!(merge(&changed, &stars(5)).conflicts.len(), 1);
        assert_eq!(read(&settled(&changed, &stars(5))).rating, Some(2));
        assert_eq!(read(&settled(&changed, &Said::default())).rating, Some(2));
    }
}

#[test]
fn a_value_in_an_odd_shape_is_no_ones_to_write_over() {
    let odd = packet(
        "",
        "<xmp:Rating><lr:a/></xmp:Rating><xmpDM:good>perhaps</xmpDM:good><xmpDM:logComment><lr:a/></xmpDM:logComment>",
    );
    let odd = merge(&odd, &everything());
    let told: Vec<(&str, &str)> = odd
        .conflicts
        .iter()
        .map(|one| (one.property, one.theirs.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("xmp:Rating", "(a structure)"),
            ("xmpDM:good", "perhaps"),
            ("xmpDM:logComment", "(a structure)"),
        ]
    );
    let qualified = packet(
        "",
        "<xmp:Rating rdf:parseType='Resource'><rdf:value>0</rdf:value><lr:by>me</lr:by></xmp:Rating>",
    );
    let text = settled(&qualified, &everything());
    assert!(
        text.contains("<rdf:value>4</rdf:value><lr:by>me</lr:by>"),
        "{text}"
    );
}

#[test]
fn a_keeper_is_good() {
    let text = settled(EXIFTOOL, &everything());
    assert_eq!(read(&text).good, Some(true));
    assert_eq!(read(&settled(&text, &Said::default())).good, None);
    let theirs = packet(r#"xmpDM:good="False""#, "");
    assert_eq!(
        merge(&theirs, &everything()).conflicts[0].property,
        "xmpDM:good"
    );
    assert_eq!(read(&settled(&theirs, &everything())).good, Some(false));
}

#[test]
fn notes_are_lines_of_the_log() {
    let noted = |notes: &[&str]| Said {
        notes: owned(notes),
        ..Said::default()
    };
    let text = settled(PREMIERE, &noted(&["second", "third\n\nfourth", "third"]));
    let log = |text: &str| read(text).log_comment;
    assert_eq!(
        log(&text).as_deref(),
        Some("first line\nsecond\nthird\nfourth")
    );
    assert_eq!(read(&text).written.notes, ["third", "fourth"]);
    assert!(text.contains("first line&#xD;second&#xD;third"), "{text}");
    assert_eq!(
        log(&settled(&text, &noted(&["fourth"]))).as_deref(),
        Some("first line\nsecond\nfourth")
    );
    assert_eq!(
        log(&settled(&text, &noted(&[]))).as_deref(),
        Some("first line\nsecond")
    );
    let new = settled(&packet(r#"xmpDM:logComment="""#, ""), &noted(&["a", "b"]));
    assert!(new.contains("xmpDM:logComment=\"a&#xA;b\""), "{new}");
    assert_eq!(log(&settled(&new, &noted(&[]))), None);
}

#[test]
fn markers_have_a_track_of_their_own() {
    let marked = |markers: Vec<Marker>| Said {
        markers,
        ..Said::default()
    };
    let theirs = read(PREMIERE).markers;
    let text = settled(PREMIERE, &marked(vec![marker(1, "one"), marker(2, "two")]));
    let all = read(&text);
    assert_eq!(all.markers[..4], theirs);
    assert_eq!(
        all.markers[4..],
        [xmp_marker(1, 0, "one"), xmp_marker(2, 0, "two")]
    );
    assert_eq!(all.written.markers, all.markers[4..]);
    let text = settled(&text, &marked(vec![marker(3, "three")]));
    assert_eq!(read(&text).markers[4..], [xmp_marker(3, 0, "three")]);
    assert_eq!(settled(&text, &Said::default()), PREMIERE);
    let new = settled(EXIFTOOL, &marked(vec![marker(1, "one")]));
    assert!(!settled(&new, &Said::default()).contains("xmpDM:Tracks"));
}

#[test]
fn a_marker_that_premiere_took_over_is_not_written_twice() {
    let marked = Said {
        markers: vec![marker(1_000_010, "one"), marker(2_000_000, "two")],
        ..Said::default()
    };
    let ours = settled(&packet("", ""), &marked);
    let taken = ours
        .replace(">btsindex<", ">Comment<")
        .replace(">254018540160<", ">254016000000<");
    let both = [
        xmp_marker(1_000_000, 0, "one"),
        xmp_marker(2_000_000, 0, "two"),
    ];
    assert_eq!(read(&taken).markers, both);
    assert!(!merge(&taken, &marked).is_changed);
    let third = Said {
        markers: [marked.markers, vec![marker(3, "three")]].concat(),
        ..Said::default()
    };
    assert_eq!(read(&settled(&taken, &third)).markers.len(), 3);
}
