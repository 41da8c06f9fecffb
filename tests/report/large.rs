//! Reports of many clips: gathered and written piece by piece, cancellable at any point, and
//! complete or absent.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use btsindex::cancel::Cancel;
use btsindex::catalogue::{Catalogue, ReadOutcome, Reading};
use btsindex::clip::{Clip, Fact, Source};
use btsindex::error::Error;
use btsindex::footage::{FoundFile, Role};
use btsindex::output::{OutputDevice, OutputFormat};
use btsindex::query::Date;
use btsindex::report::{
    self, RenderContext, ReportFormat, ReportRequest, ReportScope, SheetLayout, ShootReport, Sink,
};
use btsindex::value::Fingerprint;

const CLIPS: u32 = 300;

/// Catalogue of clips with the given paths.
struct LargeCatalogue {
    folder: tempfile::TempDir,
    catalogue: Catalogue,
    clips: Vec<i64>,
}

impl LargeCatalogue {
    fn new(path: impl Fn(u32) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let catalogue = Catalogue::create(&folder.path().join("catalogue")).unwrap();
        let volume = catalogue.volumes().locate(Path::new("/")).0.clone();
        let volume = catalogue.record_volume(&volume).unwrap().id;
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

    /// Files next to the catalogue.
    fn files_left(&self) -> Vec<String> {
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
        sidecar_readers: None,
        file,
        fingerprint: Some(Fingerprint(u128::from(number) << 64)),
        file_facts: Clip::default(),
        outcome: ReadOutcome::Read {
            reader: btsindex::media::HeaderReader::IsoMedia.label(),
            facts: Box::new(facts),
            pictures: None,
        },
    };
    catalogue.record(&reading).unwrap();
}

#[test]
fn a_folder_with_many_series_is_read_once() {
    let large = LargeCatalogue::new(|number| format!("A001/A001_{number:08}_C{number:03}.braw"));
    let mut calls = 0;
    let book = large.gather(&mut |_, _| {
        calls += 1;
        true
    });
    let book = book.unwrap();
    assert_eq!((book.shots.len(), book.series.len()), (300, 300));
    // Once for each clip, once for the only folder, once at the end.
    assert_eq!(calls, 302);
}

#[test]
fn folders_of_single_clips_are_one_series() {
    let large = LargeCatalogue::new(|number| {
        let clip = format!("A001_C{number:03}_0520AB");
        format!("RED/{clip}.RDC/{clip}_001.R3D")
    });
    let book = large.gather(&mut |_, _| true).unwrap();
    assert_eq!(book.series.len(), 1);
    assert_eq!(book.series[0].numbers.len(), 300);
}

#[test]
fn gathering_a_report_can_be_cancelled() {
    let large = LargeCatalogue::new(|number| format!("A001/C{number:04}.MP4"));
    for end in [0, 1, 150, 299, 300, 301] {
        let mut calls = 0;
        let book = large.gather(&mut |_, _| {
            calls += 1;
            calls <= end
        });
        assert!(book.is_none(), "{end}");
        assert_eq!(calls, end + 1);
    }
}

#[test]
fn a_cancelled_report_leaves_no_file() {
    let large = LargeCatalogue::new(|number| format!("A001/C{number:04}.MP4"));
    let book = large.gather(&mut |_, _| true).unwrap();
    let to = large.folder.path().join("day.html");
    for end in [0, 64, 192] {
        for (is_folder, sheet) in [(false, false), (true, false), (true, true)] {
            let request = ReportRequest {
                to: to.clone(),
                sheet: sheet.then_some(SheetLayout {
                    columns: 4,
                    strips: false,
                }),
                is_folder,
            };
            let written = render_until(&large, end, |context| {
                report::write(&book, &request, context)
            });
            assert!(matches!(written, Err(Error::Interrupted)), "{end}");
            assert_eq!(large.files_left(), [""; 0], "{end} {is_folder} {sheet}");
        }
        for format in [OutputFormat::Json, OutputFormat::Csv] {
            let written = render_until(&large, end, |context| {
                report::save(&to, ReportFormat::Data(format), |sink| {
                    data(format, &book, context, sink)
                })
            });
            assert!(matches!(written, Err(Error::Interrupted)), "{end}");
            assert_eq!(large.files_left(), [""; 0], "{end} {format:?}");
        }
    }
}

#[test]
fn a_report_appears_once_it_is_complete() {
    let large = LargeCatalogue::new(|number| format!("A001/C{number:04}.MP4"));
    let book = large.gather(&mut |_, _| true).unwrap();
    let request = ReportRequest {
        to: large.folder.path().join("day.html"),
        sheet: None,
        is_folder: true,
    };
    let mut seen = Vec::new();
    let mut progress = |done, all| {
        assert_eq!(all, 300);
        seen.push(done);
        assert!(!large.folder.path().join("day").exists());
    };
    let bytes = render_with(&large, &Cancel::default(), &mut progress, |context| {
        report::write(&book, &request, context)
    });
    let page = fs::read_to_string(large.folder.path().join("day/index.html")).unwrap();
    assert_eq!(bytes.unwrap(), page.len() as u64);
    assert_eq!(page.matches("<article").count(), 300);
    assert!(page.ends_with("</script></body></html>"));
    assert_eq!(seen, [0, 64, 128, 192, 256]);
    assert_eq!(large.files_left(), ["day"]);
}

fn data(
    format: OutputFormat,
    book: &ShootReport,
    context: &mut RenderContext<'_>,
    sink: &mut Sink<'_>,
) -> Result<(), Error> {
    report::write_data(book, format, OutputDevice::default(), context, sink)
}

fn render_with<T>(
    large: &LargeCatalogue,
    cancel: &Cancel,
    progress: &mut dyn FnMut(usize, usize),
    write: impl FnOnce(&mut RenderContext<'_>) -> T,
) -> T {
    write(&mut RenderContext {
        catalogue: &large.catalogue,
        cancel,
        progress,
    })
}

/// Writes until `end` clips are done, then cancels.
fn render_until<T>(
    large: &LargeCatalogue,
    end: usize,
    write: impl FnOnce(&mut RenderContext<'_>) -> T,
) -> T {
    let cancel = Cancel::default();
    let mut progress = |done, _| {
        if done >= end {
            cancel.cancel();
        }
    };
    render_with(large, &cancel, &mut progress, write)
}
