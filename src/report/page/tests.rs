//! Tests that pages escape all text and run only their own script.

use jiff::civil::Date;
use proptest::prelude::*;

use super::markup::{escape_text, lines};
use super::*;
use crate::clip::{Clip, Fact, Source};
use crate::report::clip_summary::{ClipSummary, TextInterner};
use crate::report::format::PAGE_PREFIX;
use crate::report::pictures::ClipPictures;
use crate::report::{ReportScope, Shot};
use crate::value::{Note, Notes, TagOrigin, Tagged, Tags};

/// Creates a report of one clip in which every text is `text`.
fn report_named(text: &str) -> (ShootReport, Clip) {
    let fact = || Some(Fact::new(text.to_owned(), Source::STREAM));
    let mut tags = Tags::default();
    tags.add(Tagged {
        tag: text.to_owned(),
        origin: TagOrigin::Person {
            person: text.to_owned(),
            at: String::new(),
        },
    });
    let note = Note {
        text: text.to_owned(),
        person: text.to_owned(),
        at: String::new(),
    };
    let clip = Clip {
        name: fact(),
        production: fact(),
        location: fact(),
        crew: fact(),
        reel: fact(),
        title: fact(),
        video_codec: fact(),
        transfer: fact(),
        problem: fact(),
        tags: Some(Fact::new(tags, Source::RULES)),
        notes: Some(Fact::new(Notes(vec![note]), Source::STREAM)),
        ..Clip::default()
    };
    let shot = Shot {
        summary: ClipSummary::from_clip(&clip, &mut TextInterner::default()),
        camera: text.into(),
        day: Some(text.into()),
        ..Shot::default()
    };
    let report = ShootReport {
        about: ReportScope::Query(text.to_owned()),
        shots: vec![shot],
        cards: Vec::new(),
        series: Vec::new(),
        created: Date::constant(2026, 5, 21),
    };
    (report, clip)
}

/// Writes the page of one clip without pictures.
fn page((report, clip): &(ShootReport, Clip)) -> String {
    let mut page = Vec::new();
    let mut next = || Ok((clip.clone(), ClipPictures::default()));
    let mut sink = Sink::new(&mut page, std::path::Path::new("page.html"));
    write_report(report, &mut next, true, &mut sink).unwrap();
    String::from_utf8(page).unwrap()
}

/// Returns the names of all elements in the body of a page.
fn elements(page: &str) -> Vec<&str> {
    let inside = |rest: &'static str, page: &str| page.find(rest).unwrap();
    // The page's own style and script may contain a `<`.
    let (from, to) = (inside("<body>", page), page.rfind("<script>").unwrap());
    let begins = page[from..to].split('<').skip(1);
    begins
        .map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '/');
            &rest[..end.unwrap_or(rest.len())]
        })
        .collect()
}

#[test]
fn a_clip_named_like_a_script_is_escaped() {
    let name = "<script>alert(1)</script>.mov";
    let (page, plain) = (page(&report_named(name)), page(&report_named("plain")));
    assert_eq!(page.matches("<script").count(), 1);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;.mov"));
    assert_eq!(elements(&page), elements(&plain));
}

#[test]
fn the_content_security_policy_permits_only_its_own_script_and_style() {
    let page = page(&report_named("plain"));
    let between = |from: &str, to: &str| {
        let begin = page.find(from).unwrap() + from.len();
        &page[begin..begin + page[begin..].find(to).unwrap()]
    };
    let policy = between("Content-Security-Policy\" content=\"", "\"");
    let policy = policy.replace("&#39;", "'");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let script = hash(between("<script>", "</script>"));
    let style = hash(between("<style>", "</style>"));
    assert!(policy.contains(&format!("script-src 'sha256-{script}'")));
    assert!(policy.contains(&format!("style-src 'sha256-{style}'")));
    assert!(!policy.contains("unsafe"));
    assert!(!page.contains(" style=") && !page.contains(" onclick="));
    assert!(page.starts_with(PAGE_PREFIX));
}

#[test]
fn long_texts_are_truncated_and_hidden_characters_are_written_out() {
    let report = report_named(&"x".repeat(10_000));
    assert!(page(&report).len() < 120_000);
    assert_eq!(escape_text("a\u{202e}b\u{200b}"), "a\\u{202e}b\\u{200b}");
    assert_eq!(
        lines("one\r\ntwo\u{202e}").into_string(),
        "one<br>two\\u{202e}"
    );
}

proptest! {
    #![proptest_config(crate::property_tests::random(256))]

    #[test]
    fn no_text_creates_an_element(text in "[<>&\"'/a-z =!\\-\u{0}\u{202e}é\n]{1,40}") {
        let (page, plain) = (page(&report_named(&text)), page(&report_named("plain")));
        // Blank texts are omitted, and lines are separated by `br`.
        let of = |page: &str| elements(page).into_iter().filter(|name| *name != "br").map(str::to_owned).collect::<Vec<_>>();
        prop_assert_eq!(of(&page), of(&plain));
    }
}
