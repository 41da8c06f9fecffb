//! Books of many clips: gathered and written piece by piece, ended at any point, and whole or not there at all.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use btsindex::catalogue::{Catalogue, ReadOutcome, Reading};
use btsindex::clip::{Clip, Fact, Source};
use btsindex::error::Error;
use btsindex::footage::{FoundFile, Role};
use btsindex::media::Cancel;
use btsindex::query::Date;
use btsindex::report::{
    self, RenderContext, ReportFormat, ReportRequest, ReportScope, SheetLayout, ShootReport, Sink,
};
use btsindex::value::Fingerprint;

const CLIPS: u32 = 300;

/// A catalogue of clips with these paths.
struct Shelf {
    folder: tempfile::TempDir,
    catalogue: Catalogue,
    clips: Vec<i64>,
}

impl Shelf {
    fn new(path: impl Fn(u32) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let catalogue = Catalogue::create(&folder.path().join("catalogue")).unwrap();
        let volume = catalogue.volumes().of(Path::new("/")).0.clone();
        let volume = catalogue.see_volume(&volume).unwrap().id;
        let mut folders = HashMap::new();
        catalogue.begin().unwrap();
        for number in 1..=CLIPS {
            let path = path(number);
            let inside = Path::new(&path);
            let place = inside.parent().unwrap().to_owned();
            let place = *folders
                .entry(place)
                .or_insert_with_key(|place| catalogue.add_folder(volume, place).unwrap());
            write(&catalogue, place, inside, number);
        }
        catalogue.commit().unwrap();
        Self {
            clips: catalogue.all(usize::MAX).unwrap(),
            catalogue,
            folder,
        }
    }

    fn gather(&self, each: &mut dyn FnMut(usize, usize) -> bool) -> Option<ShootReport> {
        let about = ReportScope::Query("all".to_owned());
        let made = Date::constant(2026, 5, 21);
        ShootReport::gather(about, &self.clips, made, &self.catalogue, each).unwrap()
    }

    /// What is there beside the catalogue.
    fn left(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name != "catalogue").collect()
    }
}

fn write(catalogue: &Catalogue, folder: i64, inside: &Path, number: u32) {
    let found = FoundFile {
        name: inside.file_name().unwrap().to_owned(),
        bytes: 1_000_000,
        modified: i64::from(number),
        changed: None,
        inode: None,
        role: Role::Media,
        original: None,
        frames: None,
    };
    let file = catalogue
        .add_file(folder, &found, Role::Media, None)
        .unwrap();
    let facts = Clip {
        video_codec: Some(Fact::new("h264".to_owned(), Source::STREAM)),
        clip_number: Some(Fact::new(number, Source::NAME)),
        ..Clip::default()
    };
    let reading = Reading {
        file,
        fingerprint: Some(Fingerprint(u128::from(number) << 64)),
        file_facts: Clip::default(),
        outcome: ReadOutcome::Read {
            facts: Box::new(facts),
            pictures: None,
        },
    };
    catalogue.record(&reading).unwrap();
}

#[test]
fn a_folder_is_read_once_however_many_series_it_holds() {
    let shelf = Shelf::new(|number| format!("A001/A001_{number:08}_C{number:03}.braw"));
    let mut asked = 0;
    let book = shelf.gather(&mut |_, _| {
        asked += 1;
        true
    });
    let book = book.unwrap();
    assert_eq!((book.shots.len(), book.series.len()), (300, 300));
    // Once for each clip, once for the only folder, once at the end.
    assert_eq!(asked, 302);
}

#[test]
fn folders_of_single_clips_are_one_series() {
    let shelf = Shelf::new(|number| {
        let clip = format!("A001_C{number:03}_0520AB");
        format!("RED/{clip}.RDC/{clip}_001.R3D")
    });
    let book = shelf.gather(&mut |_, _| true).unwrap();
    assert_eq!(book.series.len(), 1);
    assert_eq!(book.series[0].numbers.len(), 300);
}

#[test]
fn gathering_ends_when_it_is_told_to() {
    let shelf = Shelf::new(|number| format!("A001/C{number:04}.MP4"));
    for end in [0, 1, 150, 299, 300, 301] {
        let mut asked = 0;
        let book = shelf.gather(&mut |_, _| {
            asked += 1;
            asked <= end
        });
        assert!(book.is_none(), "{end}");
        assert_eq!(asked, end + 1);
    }
}

#[test]
fn a_book_that_is_ended_early_leaves_nothing() {
    let shelf = Shelf::new(|number| format!("A001/C{number:04}.MP4"));
    let book = shelf.gather(&mut |_, _| true).unwrap();
    let to = shelf.folder.path().join("day.html");
    for end in [0, 64, 192] {
        for (is_folder, sheet) in [(false, false), (true, false), (true, true)] {
            let wish = ReportRequest {
                to: to.clone(),
                sheet: sheet.then_some(SheetLayout {
                    columns: 4,
                    strips: false,
                }),
                is_folder,
            };
            let written = ended(&shelf, end, |making| report::write(&book, &wish, making));
            assert!(matches!(written, Err(Error::Interrupted)), "{end}");
            assert_eq!(shelf.left(), [""; 0], "{end} {is_folder} {sheet}");
        }
        for form in [ReportFormat::Json, ReportFormat::Csv] {
            let written = ended(&shelf, end, |making| {
                report::save(&to, form, |sink| data(form, &book, making, sink))
            });
            assert!(matches!(written, Err(Error::Interrupted)), "{end}");
            assert_eq!(shelf.left(), [""; 0], "{end} {form:?}");
        }
    }
}

#[test]
fn a_book_is_there_when_it_is_whole() {
    let shelf = Shelf::new(|number| format!("A001/C{number:04}.MP4"));
    let book = shelf.gather(&mut |_, _| true).unwrap();
    let wish = ReportRequest {
        to: shelf.folder.path().join("day.html"),
        sheet: None,
        is_folder: true,
    };
    let mut seen = Vec::new();
    let mut told = |done, all| {
        assert_eq!(all, 300);
        seen.push(done);
        assert!(!shelf.folder.path().join("day").exists());
    };
    let bytes = making(&shelf, &Cancel::default(), &mut told, |making| {
        report::write(&book, &wish, making)
    });
    let page = fs::read_to_string(shelf.folder.path().join("day/index.html")).unwrap();
    assert_eq!(bytes.unwrap(), page.len() as u64);
    assert_eq!(page.matches("<article").count(), 300);
    assert!(page.ends_with("</script></body></html>"));
    assert_eq!(seen, [0, 64, 128, 192, 256]);
    assert_eq!(shelf.left(), ["day"]);
}

fn data(
    form: ReportFormat,
    book: &ShootReport,
    making: &mut RenderContext<'_>,
    sink: &mut Sink<'_>,
) -> Result<(), Error> {
    match form {
        ReportFormat::Csv => report::write_csv(book, false, making, sink),
        _ => report::write_json(book, making, sink),
    }
}

fn making<T>(
    shelf: &Shelf,
    cancel: &Cancel,
    told: &mut dyn FnMut(usize, usize),
    write: impl FnOnce(&mut RenderContext<'_>) -> T,
) -> T {
    write(&mut RenderContext {
        catalogue: &shelf.catalogue,
        cancel,
        progress: told,
    })
}

/// Writes until so many clips are done, and then asks for the end.
fn ended<T>(shelf: &Shelf, end: usize, write: impl FnOnce(&mut RenderContext<'_>) -> T) -> T {
    let cancel = Cancel::default();
    let mut told = |done, _| {
        if done >= end {
            cancel.cancel();
        }
    };
    making(shelf, &cancel, &mut told, write)
}
