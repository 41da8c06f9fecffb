//! Tests of merging: edits are written, and values of other programs are kept.

use super::reading::{DARKTABLE, EXIFTOOL, LIGHTROOM, PREMIERE};
use super::*;

#[test]
fn writes_a_new_sidecar_as_a_complete_packet() {
    let new = merge(None, &everything()).unwrap();
    assert!(new.is_changed && new.conflicts.is_empty());
    insta::assert_snapshot!(String::from_utf8(new.bytes).unwrap());
}

/// Merges the same edits into a file in the compact form in which Adobe's toolkit and Exiv2 rewrite
/// it.
#[test]
fn recognizes_its_values_after_other_programs_rewrote_the_file() {
    let rewritten = packet(
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
    assert_eq!(read(&rewritten).last_synced.rating, Some(4));
    let once = merge_text(&rewritten, &everything());
    assert!(!once.is_changed && once.conflicts.is_empty());
    let nested = rewritten.replace(
        r#"<b:written b:rating="4" b:good="True"/>"#,
        r#"<b:written><rdf:Description b:rating="4" b:good="True"><b:tags><rdf:Bag><rdf:li>interview</rdf:li>
           </rdf:Bag></b:tags><b:log><rdf:Seq><rdf:li>laughs</rdf:li></rdf:Seq></b:log></rdf:Description></b:written>"#,
    );
    assert!(!merge_text(&nested, &everything()).is_changed);
    let remaining = read(&merge_twice(&nested, &ClipEdits::default()));
    assert_eq!((remaining.rating, remaining.good), (None, None));
    assert_eq!(remaining.tags, ["ad shoot"]);
    assert_eq!(
        remaining.log_comment.as_deref(),
        Some("good sound\nat the end")
    );
    assert_eq!(
        (remaining.markers, remaining.last_synced),
        (vec![], LastSynced::default())
    );
}

#[test]
fn empty_edits_write_nothing() {
    let nothing = merge(None, &ClipEdits::default()).unwrap();
    assert!(!nothing.is_changed);
    assert_eq!(Packet::parse(&nothing.bytes).unwrap(), Packet::default());
}

#[test]
fn keeps_the_text_of_other_programs() {
    for text in [PREMIERE, LIGHTROOM, EXIFTOOL, DARKTABLE] {
        let after = merge_twice(text, &everything());
        let mut rest = after.as_str();
        // All original lines must remain in order, except those that the edits change.
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
fn keeps_spelling_and_order_of_tags() {
    let text = merge_twice(
        LIGHTROOM,
        &edits_with_tags(&["interview", "b_roll", "rain"]),
    );
    let packet = read(&text);
    assert_eq!(packet.tags, ["B-Roll", "Interview", "rain"]);
    assert_eq!(packet.last_synced.tags, ["rain"]);
    // Only the tag that the first merge added is removed.
    assert_eq!(
        read(&merge_twice(&text, &edits_with_tags(&[]))).tags,
        ["B-Roll", "Interview"]
    );
    assert_eq!(
        read(&merge_twice(&text, &edits_with_tags(&["snow"]))).tags,
        ["B-Roll", "Interview", "snow"]
    );
    assert_eq!(
        read(&merge_twice(&text, &edits_with_tags(&["Rain"]))).tags,
        ["B-Roll", "Interview", "rain"]
    );
}

#[test]
fn removes_a_tag_that_the_user_removed() {
    let removing = ClipEdits {
        removed: owned(&["b roll", "INTERVIEW"]),
        ..ClipEdits::default()
    };
    let text = merge_twice(LIGHTROOM, &removing);
    assert_eq!(read(&text).tags, [""; 0]);
    assert!(
        !text.contains("dc:subject>") && text.contains("kind|B-Roll"),
        "{text}"
    );
    let both = ClipEdits {
        removed: owned(&["b roll"]),
        ..edits_with_tags(&["b-roll"])
    };
    assert!(!merge_text(LIGHTROOM, &both).is_changed);
}

#[test]
fn adds_tags_to_every_form_of_list() {
    for (attributes, elements, list_name) in [
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
        let text = merge_twice(&packet(attributes, elements), &edits_with_tags(&["snow"]));
        assert_eq!(read(&text).tags, ["rain", "snow"], "{text}");
        assert!(
            text.contains(&format!("</{list_name}></dc:subject>"))
                || text.contains(&format!("</{list_name}>\n")),
            "{text}"
        );
    }
    let empty = packet("", "<dc:subject><rdf:Bag/></dc:subject>");
    assert_eq!(
        read(&merge_twice(&empty, &edits_with_tags(&["snow"]))).tags,
        ["snow"]
    );
    let structure = packet("", "<dc:subject><lr:what/></dc:subject>");
    let error = merge(Some(structure.as_bytes()), &edits_with_tags(&["snow"])).unwrap_err();
    assert_eq!(error.to_string(), "`dc:subject` is not a list");
}

#[test]
fn binds_missing_prefixes() {
    let bare =
        "<r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns:dc='urn:other'/>";
    let text = merge_twice(bare, &everything());
    let packet = read(&text);
    assert_eq!(packet.tags, ["ad shoot", "interview"]);
    assert_eq!(packet.rating, Some(4));
    assert_eq!(packet.markers.len(), 2);
    assert!(text.contains("<dc1:subject xmlns:dc1="), "{text}");
}

#[test]
fn keeps_and_reports_ratings_of_other_programs() {
    let stars = |stars| ClipEdits {
        stars: Some(stars),
        ..ClipEdits::default()
    };
    let rejected = ClipEdits {
        selection: Some(Selection::Rejected),
        ..stars(5)
    };
    for text in [
        LIGHTROOM.to_owned(),
        packet("", "<xmp:Rating>3</xmp:Rating>"),
    ] {
        assert!(!merge_text(&text, &stars(3)).is_changed);
        assert!(!merge_text(&text, &ClipEdits::default()).is_changed);
        let other = merge_text(&text, &stars(4));
        assert!(!other.is_changed);
        let conflict = Conflict {
            property: "xmp:Rating",
            theirs: "3".to_owned(),
            ours: "4".to_owned(),
        };
        assert_eq!(other.conflicts, [conflict]);
        assert_eq!(merge_text(&text, &rejected).conflicts[0].ours, "-1");
    }
    // A value that btsindex wrote can be changed and removed.
    for text in [DARKTABLE.to_owned(), packet("", "")] {
        let four = merge_twice(&text, &stars(4));
        assert_eq!(read(&four).rating, Some(4));
        assert_eq!(read(&four).last_synced.rating, Some(4));
        let none = merge_twice(&four, &rejected);
        assert_eq!(read(&none).rating, Some(-1));
        assert_eq!(
            read(&merge_twice(&none, &ClipEdits::default())).rating,
            None
        );
        // Simulates another program that changed the value in the meantime.
        let changed = four.replace("xmp:Rating=\"4\"", "xmp:Rating=\"2\"");
        let changed = changed.replace("<xmp:Rating>4<", "<xmp:Rating>2<");
        assert_eq!(merge_text(&changed, &stars(5)).conflicts.len(), 1);
        assert_eq!(read(&merge_twice(&changed, &stars(5))).rating, Some(2));
        assert_eq!(
            read(&merge_twice(&changed, &ClipEdits::default())).rating,
            Some(2)
        );
    }
}

#[test]
fn keeps_values_of_unexpected_form() {
    let odd = packet(
        "",
        "<xmp:Rating><lr:a/></xmp:Rating><xmpDM:good>perhaps</xmpDM:good><xmpDM:logComment><lr:a/></xmpDM:logComment>",
    );
    let odd = merge_text(&odd, &everything());
    let reported: Vec<(&str, &str)> = odd
        .conflicts
        .iter()
        .map(|conflict| (conflict.property, conflict.theirs.as_str()))
        .collect();
    assert_eq!(
        reported,
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
    let text = merge_twice(&qualified, &everything());
    assert!(
        text.contains("<rdf:value>4</rdf:value><lr:by>me</lr:by>"),
        "{text}"
    );
}

#[test]
fn writes_selected_clips_as_good() {
    let text = merge_twice(EXIFTOOL, &everything());
    assert_eq!(read(&text).good, Some(true));
    assert_eq!(read(&merge_twice(&text, &ClipEdits::default())).good, None);
    let theirs = packet(r#"xmpDM:good="False""#, "");
    assert_eq!(
        merge_text(&theirs, &everything()).conflicts[0].property,
        "xmpDM:good"
    );
    assert_eq!(read(&merge_twice(&theirs, &everything())).good, Some(false));
}

#[test]
fn writes_notes_as_lines_of_the_log_comment() {
    let noted = |notes: &[&str]| ClipEdits {
        notes: owned(notes),
        ..ClipEdits::default()
    };
    let text = merge_twice(PREMIERE, &noted(&["second", "third\n\nfourth", "third"]));
    let log = |text: &str| read(text).log_comment;
    assert_eq!(
        log(&text).as_deref(),
        Some("first line\nsecond\nthird\nfourth")
    );
    assert_eq!(read(&text).last_synced.notes, ["third", "fourth"]);
    assert!(text.contains("first line&#xD;second&#xD;third"), "{text}");
    assert_eq!(
        log(&merge_twice(&text, &noted(&["fourth"]))).as_deref(),
        Some("first line\nsecond\nfourth")
    );
    assert_eq!(
        log(&merge_twice(&text, &noted(&[]))).as_deref(),
        Some("first line\nsecond")
    );
    let new = merge_twice(&packet(r#"xmpDM:logComment="""#, ""), &noted(&["a", "b"]));
    assert!(new.contains("xmpDM:logComment=\"a&#xA;b\""), "{new}");
    assert_eq!(log(&merge_twice(&new, &noted(&[]))), None);
}

#[test]
fn writes_markers_to_a_separate_track() {
    let marked = |markers: Vec<Marker>| ClipEdits {
        markers,
        ..ClipEdits::default()
    };
    let theirs = read(PREMIERE).markers;
    let text = merge_twice(PREMIERE, &marked(vec![marker(1, "one"), marker(2, "two")]));
    let all = read(&text);
    assert_eq!(all.markers[..4], theirs);
    assert_eq!(
        all.markers[4..],
        [xmp_marker(1, 0, "one"), xmp_marker(2, 0, "two")]
    );
    assert_eq!(all.last_synced.markers, all.markers[4..]);
    let text = merge_twice(&text, &marked(vec![marker(3, "three")]));
    assert_eq!(read(&text).markers[4..], [xmp_marker(3, 0, "three")]);
    assert_eq!(merge_twice(&text, &ClipEdits::default()), PREMIERE);
    let new = merge_twice(EXIFTOOL, &marked(vec![marker(1, "one")]));
    assert!(!merge_twice(&new, &ClipEdits::default()).contains("xmpDM:Tracks"));
}

#[test]
fn does_not_repeat_markers_that_premiere_moved() {
    let marked = ClipEdits {
        markers: vec![marker(1_000_010, "one"), marker(2_000_000, "two")],
        ..ClipEdits::default()
    };
    let ours = merge_twice(&packet("", ""), &marked);
    let moved = ours
        .replace(">btsindex<", ">Comment<")
        .replace(">254018540160<", ">254016000000<");
    let both = [
        xmp_marker(1_000_000, 0, "one"),
        xmp_marker(2_000_000, 0, "two"),
    ];
    assert_eq!(read(&moved).markers, both);
    assert!(!merge_text(&moved, &marked).is_changed);
    let third = ClipEdits {
        markers: [marked.markers, vec![marker(3, "three")]].concat(),
        ..ClipEdits::default()
    };
    assert_eq!(read(&merge_twice(&moved, &third)).markers.len(), 3);
}
