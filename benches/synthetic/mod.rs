//! Synthetic clips, as a catalogue of several years of shoots contains them. The same number always
//! gives the same clip. All benchmarks that need large catalogues use them.

use std::path::PathBuf;

use btsindex::footage::{FoundFile, Role};
use btsindex::value::Fingerprint;

/// File with the facts that a scan would find.
pub(crate) struct SyntheticClip {
    /// Folder, relative to the root of the volume.
    pub(crate) folder: PathBuf,
    pub(crate) name: String,
    pub(crate) bytes: u64,
    /// Modification time in nanoseconds since 1970.
    pub(crate) modified: i64,
    /// Facts of the content, as JSON.
    pub(crate) facts: String,
    /// Facts from name, folder and sidecars, as JSON.
    pub(crate) file_facts: String,
}

/// Deterministic random number generator (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut n = self.0;
        n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        n ^ (n >> 31)
    }

    /// Returns a number from 0 to `limit` - 1.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Picks an element; the first ones are picked most often.
    pub(crate) fn pick_skewed<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        let (a, b) = (self.below(list.len() as u64), self.below(list.len() as u64));
        &list[usize::try_from(a.min(b)).unwrap_or(0)]
    }
}

/// Camera model, with its naming and coding of clips.
struct Camera {
    make: &'static str,
    model: &'static str,
    lens: &'static str,
    container: &'static str,
    codec: &'static str,
    profile: &'static str,
    size: (u32, u32),
    rate: &'static str,
    pixel: (&'static str, u32, &'static str),
    colour: (&'static str, &'static str, &'static str),
    sound: (&'static str, u32),
    mbit: u64,
    reader: &'static str,
    card: &'static str,
}

const CAMERAS: &[Camera] = &[
    Camera {
        make: "Sony",
        model: "ILME-FX3",
        lens: "FE 24-70mm F2.8 GM II",
        container: "mp4",
        codec: "h264",
        profile: "High 4:2:2 Intra",
        size: (3840, 2160),
        rate: "24000/1001",
        pixel: ("yuv422p10le", 10, "4:2:2"),
        colour: ("bt709", "bt709", "limited"),
        sound: ("pcm_s16be", 2),
        mbit: 240,
        reader: "iso header",
        card: "PRIVATE/M4ROOT/CLIP",
    },
    Camera {
        make: "Sony",
        model: "ILME-FX6V",
        lens: "FE PZ 28-135mm F4 G OSS",
        container: "mxf",
        codec: "h264",
        profile: "High 4:2:2 Intra",
        size: (3840, 2160),
        rate: "25",
        pixel: ("yuv422p10le", 10, "4:2:2"),
        colour: ("bt709", "bt709", "limited"),
        sound: ("pcm_s24le", 4),
        mbit: 250,
        reader: "mxf header",
        card: "XDROOT/Clip",
    },
    Camera {
        make: "ARRI",
        model: "ALEXA Mini LF",
        lens: "Signature Prime 35",
        container: "mov",
        codec: "prores",
        profile: "4444",
        size: (4448, 3096),
        rate: "24",
        pixel: ("yuv444p12le", 12, "4:4:4"),
        colour: ("bt709", "bt709", "limited"),
        sound: ("pcm_s24le", 2),
        mbit: 1100,
        reader: "iso header",
        card: "A001R1AB",
    },
    Camera {
        make: "Canon",
        model: "EOS C70",
        lens: "RF24-105mm F4 L IS USM",
        container: "mp4",
        codec: "hevc",
        profile: "Rext",
        size: (4096, 2160),
        rate: "25",
        pixel: ("yuv422p10le", 10, "4:2:2"),
        colour: ("bt2020", "smpte2084", "limited"),
        sound: ("aac", 2),
        mbit: 225,
        reader: "iso header",
        card: "DCIM/100EOS",
    },
    Camera {
        make: "Blackmagic Design",
        model: "Pocket Cinema Camera 6K Pro",
        lens: "",
        container: "mov",
        codec: "prores",
        profile: "HQ",
        size: (6144, 3456),
        rate: "24000/1001",
        pixel: ("yuv422p10le", 10, "4:2:2"),
        colour: ("bt709", "bt709", "limited"),
        sound: ("pcm_s24le", 2),
        mbit: 900,
        reader: "iso header",
        card: "A001",
    },
    Camera {
        make: "GoPro",
        model: "HERO12 Black",
        lens: "",
        container: "mp4",
        codec: "hevc",
        profile: "Main 10",
        size: (5312, 2988),
        rate: "60000/1001",
        pixel: ("yuv420p10le", 10, "4:2:0"),
        colour: ("bt709", "bt709", "full"),
        sound: ("aac", 2),
        mbit: 120,
        reader: "iso header",
        card: "DCIM/100GOPRO",
    },
    Camera {
        make: "DJI",
        model: "Mavic 3 Cine",
        lens: "",
        container: "mp4",
        codec: "h264",
        profile: "High",
        size: (3840, 2160),
        rate: "30000/1001",
        pixel: ("yuv420p", 8, "4:2:0"),
        colour: ("bt709", "bt709", "limited"),
        sound: ("", 0),
        mbit: 150,
        reader: "iso header",
        card: "DCIM/DJI_001",
    },
    Camera {
        make: "Apple",
        model: "iPhone 15 Pro",
        lens: "iPhone 15 Pro back triple camera 6.765mm f/1.78",
        container: "mov",
        codec: "hevc",
        profile: "Main 10",
        size: (1920, 1080),
        rate: "30",
        pixel: ("yuv420p10le", 10, "4:2:0"),
        colour: ("bt2020", "arib-std-b67", "limited"),
        sound: ("aac", 1),
        mbit: 12,
        reader: "iso header",
        card: "iPhone",
    },
    Camera {
        make: "Panasonic",
        model: "DC-GH6",
        lens: "LEICA DG 12-60/F2.8-4.0",
        container: "mov",
        codec: "hevc",
        profile: "Rext",
        size: (3840, 2160),
        rate: "50",
        pixel: ("yuv422p10le", 10, "4:2:2"),
        colour: ("bt709", "bt709", "limited"),
        sound: ("pcm_s16le", 2),
        mbit: 200,
        reader: "iso header",
        card: "DCIM/100_PANA",
    },
];

/// Kinds of shoot: tag, rule, and names of folders.
const SHOOTS: &[(&str, &str, &[&str])] = &[
    (
        "studio session",
        "studio-session",
        &["Studio Session", "StudioSession", "studio-session"],
    ),
    ("ad shoot", "ad-shoot", &["AdShoot", "Ad Shoot", "ad-shoot"]),
    ("tv set", "tv-set", &["TV Set", "TVSet", "tv_set"]),
    ("music video", "music-video", &["Music Video", "MusicVideo"]),
    ("film set", "film-set", &["Film Set", "Feature Film"]),
    ("live show", "live-show", &["Live Show", "Concert"]),
    (
        "location scout",
        "location-scout",
        &["Location Scout", "Recce"],
    ),
];

const PRODUCTIONS: &[&str] = &[
    "ACME",
    "Night Owls",
    "Late Kitchen",
    "Blue Hour",
    "Harbour",
    "Northbound",
    "Marigold",
    "Velvet Room",
    "Paper Moon",
    "Salt & Iron",
    "Kestrel",
    "Second Wind",
    "Lanterns",
    "Otis",
    "The Long Table",
];
const MOMENTS: &[(&str, &str)] = &[
    ("interview", "Interview"),
    ("b-roll", "B-Roll"),
    ("slate", "Slate"),
    ("make-up", "Makeup"),
    ("drone", "Drone"),
    ("time-lapse", "Timelapse"),
    ("slow motion", "SlowMo"),
    ("rehearsal", "Rehearsal"),
    ("wrap", "Wrap"),
];

/// Returns the clip with a number.
pub(crate) fn clip(number: u64) -> SyntheticClip {
    // The clips of a card share shoot, day and camera.
    let mut card = Random(number / 60);
    let mut random = Random(number ^ 0x5eed_0000_0000);
    let (tag, rule, names) = card.pick_skewed(SHOOTS);
    let camera = card.pick_skewed(CAMERAS);
    let production = card.pick_skewed(PRODUCTIONS);
    let kind = card.pick_skewed(names);
    let (year, month, day) = (2019 + card.below(8), 1 + card.below(12), 1 + card.below(28));
    let letter = char::from(b'A' + u8::try_from(card.below(3)).unwrap_or(0));
    let reel = format!("{letter}{:03}", 1 + card.below(40));
    let moment = (random.below(5) == 0).then(|| random.pick_skewed(MOMENTS));
    let folder = format!(
        "{kind} - {production}/{year}-{month:02}-{day:02}/{letter}_CAM/{reel}/{}",
        camera.card
    );
    let clip_number = number % 60 + 1;
    let stem = match camera.make {
        "Sony" => format!("C{clip_number:04}"),
        "GoPro" => format!("GX01{clip_number:04}"),
        "DJI" => format!("DJI_{clip_number:04}"),
        "Apple" => format!("IMG_{:04}", 1000 + random.below(9000)),
        "Canon" => format!("MVI_{clip_number:04}"),
        _ => format!(
            "{reel}C{clip_number:03}_{:02}{month:02}{day:02}_R1AB",
            year % 100
        ),
    };
    let name = match moment {
        Some((_, word)) => format!("{stem}_{word}.{}", camera.container),
        None => format!("{stem}.{}", camera.container),
    };
    let seconds = 4 + random.below(50) * random.below(12);
    let micros = random.below(1000);
    let bytes = camera.mbit * 125_000 * seconds + random.below(100_000);
    let time = format!(
        "{:02}:{:02}:{:02}",
        8 + random.below(12),
        random.below(60),
        random.below(60)
    );
    let captured = format!("{year}-{month:02}-{day:02}T{time}");
    let Camera {
        make,
        model,
        lens,
        container,
        codec,
        profile,
        size: (width, height),
        rate,
        pixel: (pixel, bits, chroma),
        colour: (primaries, transfer, range),
        sound: (sound, channels),
        reader,
        ..
    } = camera;
    let mut facts = format!(
        r#"{{"container":["{container}","container"],"duration":[{seconds}.{micros:03},"container"],"video_codec":["{codec}","stream"],"profile":["{profile}","stream"],"width":[{width},"stream"],"height":[{height},"stream"],"display_width":[{width},"stream"],"display_height":[{height},"stream"],"rate":["{rate}","stream"],"is_vfr":[false,"stream"],"scan_order":["progressive","stream"],"pixel_format":["{pixel}","stream"],"bit_depth":[{bits},"stream"],"chroma_subsampling":["{chroma}","stream"],"primaries":["{primaries}","stream"],"transfer":["{transfer}","stream"],"matrix":["{primaries}","stream"],"range":["{range}","stream"],"video_bitrate":[{},"stream"]"#,
        camera.mbit * 1_000_000 + random.below(500_000),
    );
    if *channels > 0 {
        facts.push_str(&format!(r#","audio_codec":["{sound}","stream"],"audio_tracks":[1,"stream"],"audio_channels":[{channels},"stream"],"audio_layout":["{}","stream"],"sample_rate":[48000,"stream"]"#, if *channels == 1 { "mono" } else { "stereo" }));
    }
    if *make != "GoPro" {
        facts.push_str(&format!(
            r#","start_timecode":["{time}:{:02}","stream"],"reel":["{reel}","stream"]"#,
            random.below(24)
        ));
    }
    facts.push_str(&format!(r#","captured":["{captured}","container"],"make":["{make}","quicktime-keys"],"model":["{model}","quicktime-keys"],"reader":["{reader}","container"]}}"#));
    let mut tags = vec![format!(
        r#"{{"tag":"{tag}","rule":"{rule}","evidence":"{kind}"}}"#
    )];
    if let Some((tag, word)) = moment {
        tags.push(format!(
            r#"{{"tag":"{tag}","rule":"{tag}","evidence":"{word}"}}"#
        ));
    }
    tags.sort();
    let mut file_facts = String::from("{");
    if *make == "Sony" {
        file_facts.push_str(&format!(r#""captured":["{captured}+02:00","sony-nrt-xml"],"make":["Sony","sony-nrt-xml"],"model":["{model}","sony-nrt-xml"],"lens":["{lens}","sony-nrt-xml"],"#));
    } else {
        file_facts.push_str(&format!(
            r#""captured":["{year}-{month:02}-{day:02}T00:00:00","name"],"#
        ));
    }
    file_facts.push_str(&format!(r#""tags":[[{}],"rules"]}}"#, tags.join(",")));
    SyntheticClip {
        folder: folder.into(),
        name,
        bytes,
        modified: 1_700_000_000_000_000_000 + i64::try_from(number).unwrap_or(0) * 1_000_000_000,
        facts,
        file_facts,
    }
}

/// Returns the clip as the walk of a drive would find it.
pub(crate) fn found_file(clip: &SyntheticClip) -> FoundFile {
    FoundFile {
        name: clip.name.clone().into(),
        bytes: clip.bytes,
        modified: clip.modified,
        changed: Some(clip.modified),
        inode: Some(clip.modified / 1000),
        role: Role::Media,
        original: None,
        frames: None,
    }
}

/// Returns the fingerprint of the clip with a number.
pub(crate) fn fingerprint(number: u64) -> Fingerprint {
    Fingerprint(u128::from(number + 1) << 64 | u128::from(!number))
}
