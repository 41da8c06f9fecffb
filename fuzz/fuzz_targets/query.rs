//! Parses any text as a query. The text form of a parsed query must parse to the same query, and
//! the search must neither fail nor take long (`-timeout=1`).

#![no_main]

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use btsindex::catalogue::{Catalogue, ReadOutcome, Reading};
use btsindex::clip::Clip;
use btsindex::footage::{FoundFile, Role};
use btsindex::volume::Volumes;
use btsindex::index::{Finder, IndexNotice, SortOrder};
use btsindex::query::{Context, TagMeaning, Date, Query};
use btsindex::value::Fingerprint;
use btsindex_fuzz::Scratch;
use libfuzzer_sys::fuzz_target;

const TODAY: Date = Date::constant(2026, 11, 26);
/// Number of clips in the index: enough for several posting lists per word.
const CLIPS: u64 = 300;

/// Words in the texts of clips: similar ones, and several scripts.
const WORDS: [&str; 16] = [
    "drummer",
    "drummers",
    "drumming",
    "laughing",
    "laughed",
    "interview",
    "BTSInterview",
    "AdShoot_ACME",
    "Day2",
    "C0001",
    "Été",
    "東京タワー",
    "人",
    "한국어",
    "happy",
    "happiness",
];

/// Lock file next to the catalogue, so that no other fuzzer uses the same folder.
static SCRATCH: LazyLock<Scratch> = LazyLock::new(|| Scratch::new("query"));

thread_local! {
    static FINDER: RefCell<Finder<'static>> = RefCell::new(finder());
}

fuzz_target!(
    // Before the first input, since the time limit applies to it as well.
    init: FINDER.with(|_| ()),
    |bytes: &[u8]| try_text(&String::from_utf8_lossy(bytes))
);

fn try_text(text: &str) {
    let saved = |name: &str| {
        Ok(match name {
            "selects" => Some(vec!["is:selected".to_owned(), "tag:ad shoot".to_owned()]),
            "twice" => Some(vec!["@selects OR @selects".to_owned()]),
            "circle" => Some(vec!["@circle @twice".to_owned()]),
            _ => None,
        })
    };
    let meanings = |word: &str| {
        let tags = match word {
            "shoot" => vec!["ad-shoot".to_owned(), "tv-set".to_owned()],
            "advert" | "commercial" => vec!["ad-shoot".to_owned()],
            _ => Vec::new(),
        };
        Ok(TagMeaning {
            tags,
            is_group: word == "shoot",
        })
    };
    let context = Context {
        today: Some(TODAY),
        saved: &saved,
        meanings: &meanings,
    };
    let as_argument = Query::parse(&[text], &context);
    for query in [as_argument, Query::parse_line(text, &context)] {
        // An invalid query only gives an error.
        if let Ok(query) = query {
            let text = query.to_string();
            let parsed = Query::parse_line(
                &text,
                &Context {
                    meanings: &meanings,
                    ..Context::plain(TODAY)
                },
            );
            assert_eq!(parsed.expect("the text form parses"), query, "{text}");
            FINDER.with_borrow_mut(|finder| search(&query, finder));
        }
    }
}

fn search(query: &Query, finder: &mut Finder<'static>) {
    // No query may be mistaken for damage, since the index would be rebuilt.
    let on_notice = &mut |note: &IndexNotice| panic!("{note}");
    let hits = finder.find(query, &SortOrder::default(), 20, on_notice);
    let hits = hits.expect("a parsed query can be searched");
    assert_eq!(finder.count(query, on_notice).expect("a count"), hits.total);
    if hits.total == 0 {
        finder.advise(query, on_notice).expect("suggestions");
    }
    for words in query.words() {
        for text in WORDS {
            // The match to highlight is inside the text.
            assert!(words.find_in(text).is_none_or(|at| text.get(at).is_some()));
        }
    }
}

/// Writes a small catalogue and opens its index.
fn finder() -> Finder<'static> {
    let folder = SCRATCH.write(&[]).with_extension("catalogue");
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("the folder of this fuzzer");
    }
    let catalogue = Catalogue::create(&folder).expect("a catalogue");
    let (volume, inside) = Volumes::mounted().locate(Path::new("/"));
    let volume = catalogue.record_volume(&volume).expect("a volume").id;
    for part in 0..3 {
        catalogue.begin().expect("a catalogue");
        let folder = inside.join(format!("BTS/Day_{part}"));
        let folder = catalogue.add_folder(volume, &folder).expect("a folder");
        for number in (0..CLIPS).filter(|number| number % 3 == part) {
            write(number, folder, &catalogue);
        }
        catalogue.commit().expect("a catalogue");
        // One segment per part.
        Finder::open(&catalogue, &mut |_| ()).expect("an index");
    }
    let catalogue = Box::leak(Box::new(catalogue));
    Finder::open(catalogue, &mut |note| panic!("{note}")).expect("an index")
}

fn write(number: u64, folder: i64, catalogue: &Catalogue) {
    let word = |by: u64| WORDS[usize::try_from(number / by % 16).expect("few")];
    let name = format!("{}_{number:04}.mov", word(7));
    let found = FoundFile {
        name: name.into(),
        bytes: number * 1_000_003,
        modified: 1_779_278_400_000_000_000,
        changed: None,
        inode: None,
        role: Role::Media,
        original: None,
        frames: None,
    };
    let file = catalogue.add_file(folder, &found, Role::Media, None);
    // Unique words, so that a prefix matches many.
    let unique = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let comment = format!("{} {} {unique:x} {:o}", word(1), word(3), unique >> 20);
    let facts = serde_json::json!({
        "comment": [comment, "container"],
        "title": [format!("{} {}", word(2), word(5)), "container"],
        "model": [word(11), "container"],
        "duration": [number, "container"],
        "rate": [format!("{}/1001", 24_000 * (1 + number % 3)), "stream"],
        "display_width": [1920 * (1 + number % 3), "stream"],
        "display_height": [1080 * (1 + number % 2), "stream"],
        "start_timecode": [format!("{:02}:59:{:02}:10", number % 24, number % 60), "stream"],
        "captured": [format!("2026-{:02}-{:02}T{:02}:00:00", 1 + number % 12, 1 + number % 28, number % 24), "container"],
        "gps": [format!("{}.5,{}", number % 90, number % 180), "container"],
    });
    let facts: Result<Clip, _> = serde_json::from_value(facts);
    let content = Fingerprint(u128::from(number + 1) << 64);
    let reading = Reading { sidecar_readers: None,
        file: file.expect("a file"),
        fingerprint: Some(content),
        file_facts: Clip::default(),
        outcome: ReadOutcome::Read { reader: btsindex::media::HeaderReader::IsoMedia.label(),
            facts: Box::new(facts.expect("facts")),
            pictures: None,
        },
    };
    catalogue.record(&reading).expect("a catalogue");
}
