//! Tests with invalid and malicious sidecars.

use proptest::prelude::*;

use super::reading::{DARKTABLE, EXIFTOOL, LIGHTROOM, PREMIERE};
use super::*;

fn parse_error(bytes: &[u8]) -> String {
    match Packet::parse(bytes) {
        Ok(packet) => panic!("{packet:?} of {}", String::from_utf8_lossy(bytes)),
        Err(error) => error.to_string(),
    }
}

#[test]
fn reports_syntax_errors_with_their_line() {
    for (text, reason) in [
        ("", "no `rdf:RDF` element"),
        ("   ", "no `rdf:RDF` element"),
        ("<a/>", "no `rdf:RDF` element"),
        ("<rdf:RDF/>", "line 1: undeclared prefix `rdf`"),
        (
            "<a>\n<b></a>",
            "line 2: ill-formed document: expected `</b>`, but `</a>` was found",
        ),
        ("<a>\n\n", "line 3: `a` is not closed"),
        ("<a/><b/>", "line 1: content outside the root element"),
        ("text", "line 1: content outside the root element"),
        ("<a>&nbsp;</a>", "line 1: invalid reference `&nbsp;`"),
        ("<a>&#1;</a>", "line 1: invalid reference `&#1;`"),
        ("<a b='&c;'/>", "line 1: invalid reference `&c;`"),
        ("<a b='' b=''/>", "line 1: duplicate attribute `b`"),
        (
            "<a xmlns:p='x' xmlns:q='x' p:b='' q:b=''/>",
            "line 1: duplicate attribute `q:b`",
        ),
        ("<a b=c/>", "line 1: malformed attribute `b`"),
        (
            "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
            "line 1: a DTD is not allowed in a sidecar",
        ),
        ("<a>\u{1}</a>", "line 1: U+0001 is not allowed in XML"),
        (
            "<?xml version='1.1'?><a/>",
            "line 1: XML 1.1 is not supported",
        ),
        (
            "<a/><?xml version='1.0'?>",
            "line 1: the XML declaration is not at the start",
        ),
        (
            "<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
            "line 1: the declared encoding is `ISO-8859-1`, but the file is UTF-8",
        ),
        (
            "<?xml version='1.0' encoding='UTF-16'?><a/>",
            "line 1: the declared encoding is `UTF-16`, but the file is UTF-8",
        ),
    ] {
        assert_eq!(parse_error(text.as_bytes()), reason, "{text}");
    }
    assert_eq!(parse_error(b"<a>\xff</a>"), "neither UTF-8 nor UTF-16");
    assert_eq!(parse_error(b"\xff\xfe<"), "neither UTF-8 nor UTF-16");
}

#[test]
fn limits_size_and_depth() {
    let blanks = " ".repeat(encoding::MAX_BYTES + 1);
    assert_eq!(parse_error(blanks.as_bytes()), "larger than 16777216 bytes");
    let deep = "<a>".repeat(65) + &"</a>".repeat(65);
    assert_eq!(
        parse_error(deep.as_bytes()),
        "line 1: elements are nested more than 64 deep"
    );
    let deepest = "<a>".repeat(64) + &"</a>".repeat(64);
    assert_eq!(parse_error(deepest.as_bytes()), "no `rdf:RDF` element");
    let many = format!("<a>{}</a>", "<b/>".repeat(500_000));
    assert_eq!(
        parse_error(many.as_bytes()),
        "line 1: more than 500000 nodes"
    );
}

#[test]
fn keeps_the_encoding() {
    let text = packet(r#"dc:title="Zoë 🎬""#, "");
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [
        [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        [b"\xff\xfe", little.as_slice()].concat(),
        [b"\xfe\xff", big.as_slice()].concat(),
        little.clone(),
        big,
    ] {
        assert_eq!(
            Packet::parse(&bytes).unwrap().title.as_deref(),
            Some("Zoë 🎬")
        );
        let same = merge(Some(&bytes), &ClipEdits::default()).unwrap();
        assert!(!same.is_changed && same.bytes == bytes);
        let more = merge(Some(&bytes), &everything()).unwrap();
        assert_eq!(more.bytes[..2], bytes[..2]);
        assert_eq!(
            Packet::parse(&more.bytes).unwrap().tags,
            ["ad shoot", "interview"]
        );
    }
}

#[test]
fn keeps_every_byte_of_an_unchanged_sidecar() {
    let odd = "<?xml  version='1.0'  ?>\r\n<!-- - --><r:RDF\txmlns:r = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#'\r\n>\
        <r:Description r:about=\"\" ></r:Description ><r:Description/><![CDATA[<&]]>&lt;&#x41;<?p q?> \u{85}\
        </r:RDF\n><?xpacket end='w'?>\n\n   ";
    for text in [odd, PREMIERE, LIGHTROOM, EXIFTOOL, DARKTABLE] {
        let same = merge_text(text, &ClipEdits::default());
        assert_eq!(String::from_utf8(same.bytes).unwrap(), text);
        assert!(!same.is_changed);
    }
}

/// Generates a realistic packet with a few ranges of bytes replaced, removed or inserted.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let whole = prop_oneof![
        Just(PREMIERE.as_bytes().to_vec()),
        Just(LIGHTROOM.as_bytes().to_vec()),
        Just(EXIFTOOL.as_bytes().to_vec()),
        Just(merge(None, &everything()).unwrap().bytes),
    ];
    let change = (
        any::<prop::sample::Index>(),
        0..40_usize,
        "[<>&;/?!'\"= :a-z\u{0}-\u{ff}]{0,6}",
    );
    (whole, prop::collection::vec(change, 0..6)).prop_map(|(mut bytes, changes)| {
        for (at, length, text) in changes {
            let at = at.index(bytes.len() + 1);
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, text.into_bytes());
        }
        bytes
    })
}

/// Checks that a merge keeps the values of a readable file, and that a second merge changes
/// nothing. An unreadable file must not be merged.
fn check_merge(bytes: &[u8]) {
    match (Packet::parse(bytes), merge(Some(bytes), &everything())) {
        (Ok(before), Ok(once)) => check_second_merge(&before, &once),
        (Err(_), Ok(_)) => panic!("an unreadable file was merged"),
        (_, Err(_)) => {}
    }
}

fn check_second_merge(before: &Packet, once: &Merged) {
    let again = merge(Some(&once.bytes), &everything()).unwrap();
    assert!(
        !again.is_changed,
        "{}",
        String::from_utf8_lossy(&once.bytes)
    );
    let after = Packet::parse(&once.bytes).unwrap();
    assert_eq!(after.title, before.title);
    assert_eq!(after.reel, before.reel);
    assert_eq!(after.scene, before.scene);
}

proptest! {
    #![proptest_config(crate::property_tests::random(256))]

    #[test]
    fn arbitrary_bytes_are_safe(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        check_merge(&bytes);
    }

    #[test]
    fn arbitrary_markup_is_safe(text in "[<>/a:='\" &;!\\[\\]?-]{0,60}") {
        check_merge(text.as_bytes());
    }

    #[test]
    fn damaged_packets_are_safe(bytes in mutated()) {
        check_merge(&bytes);
    }
}
