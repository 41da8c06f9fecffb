use jiff::civil::Date;
use proptest::prelude::*;

use super::*;
use crate::clip::{Clip, Fact, Source};
use crate::report::clip_summary::{Gist, Texts};
use crate::report::{About, Shot};
use crate::value::{Note, Notes, TagOrigin, Tagged, Tags};

/// A book of one clip in which everything that can be called something is called so.
fn named(text: &str) -> (Book, Clip) {
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
        gist: Gist::of(&clip, &mut Texts::default()),
        camera: text.into(),
        day: Some(text.into()),
        ..Shot::default()
    };
    let book = Book {
        about: About::Query(text.to_owned()),
        shots: vec![shot],
        cards: Vec::new(),
        series: Vec::new(),
        made: Date::constant(2026, 5, 21),
    };
    (book, clip)
}

/// The page of one clip without pictures.
fn page((book, clip): &(Book, Clip)) -> String {
    let mut page = Vec::new();
    let mut next = || Ok((clip.clone(), Pictures::default()));
    let mut sink = Sink::new(&mut page, std::path::Path::new("page.html"));
    report(book, &mut next, true, &mut sink).unwrap();
    String::from_utf8(page).unwrap()
}

/// The names of all elements of a page, and its text without their insides.
fn elements(page: &str) -> Vec<&str> {
    let inside = |rest: &'static str, page: &str| page.find(rest).unwrap();
    // What the page itself is made of may hold a `<`.
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
fn a_clip_that_is_called_like_a_script_is_only_called_so() {
    let name = "<script>alert(1)</script>.mov";
    let (page, plain) = (page(&named(name)), page(&named("plain")));
    assert_eq!(page.matches("<script").count(), 1);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;.mov"));
    assert_eq!(elements(&page), elements(&plain));
}

#[test]
fn the_page_says_itself_what_may_run() {
    let page = page(&named("plain"));
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
    assert!(page.starts_with(MARK));
}

#[test]
fn long_texts_are_cut_and_what_hides_is_written_out() {
    let book = named(&"x".repeat(10_000));
    assert!(page(&book).len() < 120_000);
    assert_eq!(shown("a\u{202e}b\u{200b}"), "a\\u{202e}b\\u{200b}");
    assert_eq!(
        lines("one\r\ntwo\u{202e}").into_string(),
        "one<br>two\\u{202e}"
    );
}

proptest! {
    #![proptest_config(crate::random_tests::random(256))]

    #[test]
    fn whatever_is_written_makes_no_element(text in "[<>&\"'/a-z =!\\-\u{0}\u{202e}é\n]{1,40}") {
        let (page, plain) = (page(&named(&text)), page(&named("plain")));
        // Blank texts are left out, several lines are parted.
        let of = |page: &str| elements(page).into_iter().filter(|name| *name != "br").map(str::to_owned).collect::<Vec<_>>();
        prop_assert_eq!(of(&page), of(&plain));
    }
}
