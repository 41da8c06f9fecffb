//! A shoot day with everything that reports contain: two cameras, an action camera, sound, ingested
//! cards, edits, and many irregular or malicious values.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::shoot::{Answer, Shoot};

/// Date of the shoot day.
pub(crate) const DAY: &str = "2026-05-20";
/// User text that must not run as a script.
pub(crate) const HARM: &str = "</script><script>alert(1)</script><img src=x onerror=alert(2)>";

/// Clip to be generated.
struct Film {
    name: &'static str,
    rate: &'static str,
    size: &'static str,
    seconds: &'static str,
    has_sound: bool,
    time: &'static str,
    camera: (&'static str, &'static str),
    colours: (&'static str, &'static str),
}

const FX3: (&str, &str) = ("Sony", "ILME-FX3");
const C70: (&str, &str) = ("Canon", "EOS C70");
const HERO: (&str, &str) = ("GoPro", "HERO12 Black");
const PHONE: (&str, &str) = ("Apple", "iPhone 15 Pro");

const fn film(
    name: &'static str,
    time: &'static str,
    seconds: &'static str,
    camera: (&'static str, &'static str),
    colours: (&'static str, &'static str),
) -> Film {
    Film {
        name,
        rate: "25",
        size: "640x360",
        seconds,
        has_sound: true,
        time,
        camera,
        colours,
    }
}

/// The cards, one folder each.
fn films() -> Vec<Film> {
    let (dusk, stage) = (("0x1b2a49", "0xe07a5f"), ("0x2b193d", "0x6fb1c8"));
    let (green, warm) = (("0x12372a", "0xc8d96f"), ("0x5c2a18", "0xf2cc8f"));
    vec![
        film("A001/CLIP/C0001.MP4", "09:12:40", "4", FX3, dusk),
        film("A001/CLIP/C0002.MP4", "09:31:05", "3", FX3, dusk),
        film("A001/CLIP/C0003.MP4", "10:04:51", "5", FX3, warm),
        Film {
            rate: "24000/1001",
            ..film("A001/CLIP/C0004.MP4", "10:40:12", "3", FX3, warm)
        },
        film("A001/CLIP/C0006.MP4", "11:22:18", "4", FX3, stage),
        Film {
            has_sound: false,
            ..film("A001/CLIP/C0007.MP4", "13:48:00", "3", FX3, stage)
        },
        film("A001/CLIP/C0008.MP4", "16:02:37", "5", FX3, stage),
        film(
            "B001/B001C001_260520_CANON.MOV",
            "09:15:22",
            "3",
            C70,
            green,
        ),
        film(
            "B001/B001C002_260520_CANON.MOV",
            "10:05:03",
            "4",
            C70,
            green,
        ),
        film("B001/B001C003_260520_CANON.MOV", "14:11:40", "3", C70, warm),
        film(
            "B001/B001C004_260520_CANON.MOV",
            "16:03:09",
            "4",
            C70,
            stage,
        ),
        Film {
            rate: "100",
            ..film(
                "HERO/DCIM/100GOPRO/GX010042.MP4",
                "12:30:00",
                "3",
                HERO,
                green,
            )
        },
        Film {
            rate: "100",
            ..film(
                "HERO/DCIM/100GOPRO/GX010043.MP4",
                "15:20:45",
                "2",
                HERO,
                dusk,
            )
        },
        Film {
            size: "360x640",
            ..film(
                "phone/<img src=x onerror=alert(3)>.mov",
                "17:45:10",
                "3",
                PHONE,
                warm,
            )
        },
        film(
            "phone/\u{202e}gnp.exe\u{202c} 日本語 العربية.mov",
            "17:51:30",
            "2",
            PHONE,
            dusk,
        ),
    ]
}

/// An ingested shoot day with its catalogue.
pub(crate) struct IngestedDay {
    pub(crate) shoot: Shoot,
}

/// The shoot day, created once for all tests.
pub(crate) fn ingested_day() -> &'static IngestedDay {
    static INGESTED_DAY: OnceLock<IngestedDay> = OnceLock::new();
    INGESTED_DAY.get_or_init(ingest_day)
}

fn ingest_day() -> IngestedDay {
    let shoot = Shoot::new();
    let media = shoot.folder("media");
    record(&media);
    for place in ["raid", "backup"] {
        shoot.folder(place);
    }
    let day = shoot.folder("").join("day.toml");
    fs::write(&day, SHOOT_DAY_FILE).unwrap();
    let answer = shoot.run(&["ingest", day.to_str().unwrap()]);
    assert!(
        answer.code == 0 || answer.code == 3,
        "{}{}",
        answer.stdout,
        answer.stderr
    );
    add_edits(&shoot);
    IngestedDay { shoot }
}

/// Text of the shoot-day file.
const SHOOT_DAY_FILE: &str = r#"
[day]
production = "ACME Spring Campaign BTS"
date = 2026-05-20
number = 3
kind = "ad shoot"
location = "Stage 4"
crew = { director = "Anna Kim", camera = ["Ben Ruiz", "Cleo Baum"] }

[[card]]
path = "media/A001"
camera = "A"

[[card]]
path = "media/B001"
camera = "B"

[[card]]
path = "media/HERO"

[[card]]
path = "media/SOUND"

[[card]]
path = "media/phone"
location = "Backstage"

[to]
folders = ["raid/{production}/{date}/{card}", "backup/{production}/{date}/{card}"]
"#;

fn add_edits(shoot: &Shoot) {
    let (first, second, third) = ("C0001.MP4", "C0002.MP4", "C0003.MP4");
    let laugh = "The laugh at the end.\nBest take of the morning.";
    for arguments in [
        &[
            "tag",
            "add",
            "drummer",
            first,
            third,
            "B001C002_260520_CANON.MOV",
        ][..],
        &["tag", "add", "café", second],
        &["stars", "5", third],
        &["select", third, "C0008.MP4"],
        &["note", laugh, third],
        &["note", HARM, second],
        &["mark", "1.5s", "laughs", third],
    ] {
        let answer = shoot.run(&[arguments, &["-y", "--author", "robin"]].concat());
        assert_eq!(answer.code, 0, "{arguments:?} {}", answer.stderr);
    }
}

/// Generates all clips of the day on its cards, several at a time.
fn record(media: &Path) {
    let films = films();
    std::thread::scope(|scope| {
        for each in films.chunks(films.len().div_ceil(4)) {
            scope.spawn(move || {
                for (at, film) in each.iter().enumerate() {
                    shoot_one(media, film, at);
                }
            });
        }
    });
    let sound = media.join("SOUND");
    fs::create_dir_all(&sound).unwrap();
    for (name, time) in [("SC01T01.WAV", "09:12:38"), ("SC01T02.WAV", "10:04:49")] {
        ffmpeg(
            &[
                "-f",
                "lavfi",
                "-i",
                "sine=f=220:d=3:r=48000",
                "-c:a",
                "pcm_s24le",
            ],
            &[
                "-write_bext",
                "1",
                "-metadata",
                &format!("origination_time={time}"),
                "-metadata",
                &format!("origination_date={DAY}"),
            ],
            &sound.join(name),
        );
    }
    fs::write(media.join("A001/CLIP/C0009.MP4"), "this was a clip once").unwrap();
}

fn shoot_one(media: &Path, film: &Film, at: usize) {
    let path = media.join(film.name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let (from, to) = film.colours;
    let picture = format!(
        "gradients=s={}:r={}:d={}:c0={from}:c1={to}:n=2:speed=0.03:seed={},vignette=angle=0.6",
        film.size,
        film.rate,
        film.seconds,
        at + film.name.len()
    );
    let sound = format!("sine=f=330:d={}", film.seconds);
    let mut arguments = vec!["-f", "lavfi", "-i", picture.as_str()];
    if film.has_sound {
        arguments.extend(["-f", "lavfi", "-i", sound.as_str()]);
    }
    arguments.extend([
        "-c:v",
        "libx264",
        "-pix_fmt",
        "yuv420p",
        "-preset",
        "ultrafast",
        "-g",
        "12",
    ]);
    if film.has_sound {
        arguments.extend(["-c:a", "aac", "-ar", "48000"]);
    }
    let timecode = format!("{}:00", film.time);
    let creation = format!("com.apple.quicktime.creationdate={DAY}T{}+0200", film.time);
    let date = format!("creation_time={DAY}T{}Z", film.time);
    let make = format!("com.apple.quicktime.make={}", film.camera.0);
    let model = format!("com.apple.quicktime.model={}", film.camera.1);
    let mut metadata = vec!["-metadata", &date];
    metadata.extend([
        "-movflags",
        "use_metadata_tags",
        "-metadata",
        &creation,
        "-metadata",
        &make,
        "-metadata",
        &model,
        "-f",
        "mov",
    ]);
    if film.rate != "100" {
        metadata.extend(["-timecode", &timecode]);
    }
    ffmpeg(&arguments, &metadata, &path);
}

fn ffmpeg(input: &[&str], output: &[&str], path: &Path) {
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-y"])
        .args(input)
        .args(output)
        .arg(format!("file:{}", path.to_str().unwrap()))
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{}", path.display());
}

impl IngestedDay {
    /// Creates a report or a contact sheet in a separate folder, and returns its path.
    pub(crate) fn create(&self, name: &str, arguments: &[&str]) -> PathBuf {
        let path = self.shoot.folder("reports").join(name);
        let output = path.to_str().unwrap();
        let answer = self.run(&[arguments, &["-o", output]].concat());
        assert_eq!(answer.code, 0, "{arguments:?} {}", answer.stderr);
        path
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Answer {
        self.shoot.run(arguments)
    }
}
