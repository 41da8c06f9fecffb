//! What is no sidecar is refused with a reason, however it was made.

use proptest::prelude::*;

use super::shapes::{DARKTABLE, EXIFTOOL, LIGHTROOM, PREMIERE};
use super::*;

fn fault(bytes: &[u8]) -> String {
    match Packet::read(bytes) {
        Ok(packet) => panic!("{packet:?} of {}", String::from_utf8_lossy(bytes)),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_wrong_is_told() {
    for (text, reason) in [
        ("", "there is no `rdf:RDF` in it"),
        ("   ", "there is no `rdf:RDF` in it"),
        ("<a/>", "there is no `rdf:RDF` in it"),
        ("<rdf:RDF/>", "line 1: the prefix `rdf` stands for nothing"),
        (
            "<a>\n<b></a>",
            "line 2: ill-formed document: expected `</b>`, but `</a>` was found",
        ),
        ("<a>\n\n", "line 3: `a` is not closed"),
        (
            "<a/><b/>",
            "line 1: something stands beside the outermost element",
        ),
        (
            "text",
            "line 1: something stands beside the outermost element",
        ),
        ("<a>&nbsp;</a>", "line 1: `&nbsp;` is not known"),
        ("<a>&#1;</a>", "line 1: `&#1;` is not known"),
        ("<a b='&c;'/>", "line 1: `&c;` is not known"),
        ("<a b='' b=''/>", "line 1: the attribute `b` stands twice"),
        (
            "<a xmlns:p='x' xmlns:q='x' p:b='' q:b=''/>",
            "line 1: the attribute `q:b` stands twice",
        ),
        ("<a b=c/>", "line 1: the attribute `b` is not well-formed"),
        (
            "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
            "line 1: a DTD has no place in a sidecar",
        ),
        ("<a>\u{1}</a>", "line 1: U+0001 cannot stand in XML"),
        ("<?xml version='1.1'?><a/>", "line 1: XML 1.1 is not read"),
        (
            "<a/><?xml version='1.0'?>",
            "line 1: the XML declaration does not stand first",
        ),
        (
            "<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
            "line 1: it says `ISO-8859-1`, and is UTF-8",
        ),
        (
            "<?xml version='1.0' encoding='UTF-16'?><a/>",
            "line 1: it says `UTF-16`, and is UTF-8",
        ),
    ] {
        assert_eq!(fault(text.as_bytes()), reason, "{text}");
    }
    assert_eq!(fault(b"<a>\xff</a>"), "it is neither UTF-8 nor UTF-16");
    assert_eq!(fault(b"\xff\xfe<"), "it is neither UTF-8 nor UTF-16");
}

#[test]
fn size_and_depth_have_limits() {
    let blanks = " ".repeat(encoding::MOST_BYTES + 1);
    assert_eq!(fault(blanks.as_bytes()), "it is larger than 16777216 bytes");
    let deep = "<a>".repeat(65) + &"</a>".repeat(65);
    assert_eq!(
        fault(deep.as_bytes()),
        "line 1: elements stand more than 64 deep"
    );
    let deepest = "<a>".repeat(64) + &"</a>".repeat(64);
    assert_eq!(fault(deepest.as_bytes()), "there is no `rdf:RDF` in it");
    let many = format!("<a>{}</a>", "<b/>".repeat(500_000));
    assert_eq!(
        fault(many.as_bytes()),
        "line 1: it has more than 500000 parts"
    );
}

#[test]
fn every_encoding_is_kept() {
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
            Packet::read(&bytes).unwrap().title.as_deref(),
            Some("Zoë 🎬")
        );
        let same = merged(Some(&bytes), &Said::default()).unwrap();
        assert!(!same.is_changed && same.bytes == bytes);
        let more = merged(Some(&bytes), &everything()).unwrap();
        assert_eq!(more.bytes[..2], bytes[..2]);
        assert_eq!(
            Packet::read(&more.bytes).unwrap().tags,
            ["ad shoot", "interview"]
        );
    }
}

#[test]
fn every_letter_is_kept() {
    let odd = "<?xml  version='1.0'  ?>\r\n<!-- - --><r:RDF\txmlns:r = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#'\r\n>\
        <r:Description r:about=\"\" ></r:Description ><r:Description/><![CDATA[<&]]>&lt;&#x41;<?p q?> \u{85}\
        </r:RDF\n><?xpacket end='w'?>\n\n   ";
    for text in [odd, PREMIERE, LIGHTROOM, EXIFTOOL, DARKTABLE] {
        let same = merge(text, &Said::default());
        assert_eq!(String::from_utf8(same.bytes).unwrap(), text);
        assert!(!same.is_changed);
    }
}

/// A real packet with a few bytes changed, lost or doubled.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let whole = prop_oneof![
        Just(PREMIERE.as_bytes().to_vec()),
        Just(LIGHTROOM.as_bytes().to_vec()),
        Just(EXIFTOOL.as_bytes().to_vec()),
        Just(merged(None, &everything()).unwrap().bytes),
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

/// Whatever can be read can be added to, keeps what is there, and settles.
fn is_sound(bytes: &[u8]) {
    let Ok(before) = Packet::read(bytes) else {
        assert!(merged(Some(bytes), &everything()).is_err());
        return;
    };
    let Ok(once) = merged(Some(bytes), &everything()) else {
        return;
    };
    let again = merged(Some(&once.bytes), &everything()).unwrap();
    assert!(
        !again.is_changed,
        "{}",
        String::from_utf8_lossy(&once.bytes)
    );
    let after = Packet::read(&once.bytes).unwrap();
    assert_eq!(after.title, before.title);
    assert_eq!(after.reel, before.reel);
    assert_eq!(after.scene, before.scene);
}

proptest! {
    #![proptest_config(crate::random_tests::random(256))]

    #[test]
    fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        is_sound(&bytes);
    }

    #[test]
    fn no_text_does_harm(text in "[<>/a:='\" &;!\\[\\]?-]{0,60}") {
        is_sound(text.as_bytes());
    }

    #[test]
    fn no_broken_packet_does_harm(bytes in mutated()) {
        is_sound(&bytes);
    }
}
