//! About fifty clips from years of shoots: an ad, a studio session, a drone day in Iceland, a
//! concert in Tokyo, phones, sound rolls, and damaged files.

use std::collections::BTreeMap;

use super::sample_catalogue::{Set, Shot};

/// Name of a clip in tests, locations of its files, their facts, and edits.
type Row = (&'static str, &'static str, &'static str, &'static str);

const FX3: &str = "make: Sony; model: ILME-FX3; lens: FE 24-70mm F2.8 GM II; container: mp4; video_codec: h264; profile: High 4:2:2 Intra; bit_depth: 10; pixel_format: yuv422p10le; chroma_subsampling: 4:2:2; width: 3840; height: 2160; display_width: 3840; display_height: 2160; scan_order: progressive; audio_codec: pcm_s16be; audio_tracks: 1; audio_channels: 2; sample_rate: 48000; transfer: bt709";
const ALEXA: &str = "make: ARRI; model: ALEXA Mini LF; lens: Signature Prime 35; container: mov; video_codec: prores; profile: 4444; bit_depth: 12; chroma_subsampling: 4:4:4; width: 4448; height: 3096; display_width: 4448; display_height: 3096; scan_order: progressive; audio_codec: pcm_s24le; audio_tracks: 2; audio_channels: 4; rate: 24";
const PHONE: &str = "make: Apple; model: iPhone 15 Pro; container: mov; video_codec: hevc; bit_depth: 10; width: 1920; height: 1080; display_width: 1080; display_height: 1920; rotation: 90; is_vfr: yes; hdr: dolby-vision; transfer: arib-std-b67; audio_codec: aac; audio_tracks: 1; audio_channels: 2; rate: 30";
const DRONE: &str = "make: DJI; model: FC3582; container: mp4; video_codec: hevc; bit_depth: 10; width: 3840; height: 2160; display_width: 3840; display_height: 2160; rate: 60000/1001; hdr: hlg; transfer: arib-std-b67; scan_order: progressive";
const HDV: &str = "make: Canon; model: XH A1; container: mpegts; video_codec: mpeg2video; bit_depth: 8; width: 1440; height: 1080; display_width: 1920; display_height: 1080; rate: 25; scan_order: tff; audio_codec: mp2; audio_tracks: 1; audio_channels: 2";
const SOUND: &str = "make: Sound Devices; model: MixPre-6 II; container: wav; audio_codec: pcm_s24le; audio_tracks: 1; audio_channels: 6; sample_rate: 96000";

const AD: &[Row] = &[
    (
        "laugh",
        "RAID-A:2026-05-02_AdShoot_ACME/Day1/BTSInterview_Drummer_Laughing.mov|SHELF-07:backup/ACME/BTSInterview_Drummer_Laughing.mov",
        "{FX3}; rate: 24000/1001; duration: 95.5; size: 2500000000; captured: 2026-05-02T14:05:10+02:00; start_timecode: 01:02:03:04; gps: 51.500700,-0.124600; tags: interview,ad-shoot",
        "tag: drummer; note: He laughs about the broken stick; stars: 4; select: selected",
    ),
    (
        "slate",
        "RAID-A:2026-05-02_AdShoot_ACME/Day1/A001_C003_0512AB.mov|Vault 3:2026/A001_C003_0512AB.mov|SHELF-07:A001_C003_0512AB.mov",
        "{ALEXA}; duration: 12; size: 12000000000; captured: 2026-05-02T15:29:59; reel: A001R1AB; start_timecode: 15:29:50:00; tags: slate,ad-shoot",
        "mark: clapper falls twice",
    ),
    (
        "crane",
        "RAID-A:2026-05-02_AdShoot_ACME/Day1/A001_C004_0512AB.mov",
        "{ALEXA}; duration: 300; size: 31000000000; captured: 2026-05-02T15:31:00; reel: A001R1AB; start_timecode: 15:31:00:00; tags: crane,ad-shoot",
        "stars: 5",
    ),
    (
        "makeup",
        "RAID-A:2026-05-02_AdShoot_ACME/Day2/Day2_Makeup_Room.mp4",
        "{FX3}; rate: 50; duration: 30; size: 800000000; captured: 2026-05-03T09:00:00; comment: happiness in the makeup chair; tags: makeup,ad-shoot",
        "select: rejected; stars: 1",
    ),
    (
        "gaffer",
        "SHELF-07:2026-05-02_AdShoot_ACME/Day2/Gaffer_Lights_10.mp4",
        "{FX3}; rate: 24000/1001; duration: 29.4; size: 799000000; captured: 2026-05-03T10:15:00; title: Lighting the set, the gaffer explains; tags: lighting,ad-shoot",
        "",
    ),
    (
        "wrap",
        "!RAID-A:2026-05-02_AdShoot_ACME/Day2/Wrap_Party_02.mp4",
        "{FX3}; rate: 24000/1001; duration: 61; size: 900000000; captured: 2026-05-03T23:40:00; tags: party",
        "note: happy faces, die-hard fans dancing",
    ),
    (
        "party",
        "RAID-A:2026-05-02_AdShoot_ACME/Day2/Wrap_Party_10.mp4",
        "{FX3}; rate: 60; duration: 59.9; size: 850000000; captured: 2026-05-04T01:10:00; tags: party",
        "stars: 3",
    ),
    (
        "vert",
        "RAID-A:2026-05-02_AdShoot_ACME/phones/IMG_0042.MOV",
        "{PHONE}; duration: 15; size: 90000000; captured: 2026-05-03T11:00:00+02:00; gps: 51.508100,-0.076000; title: Behind the scenes",
        "tag: vertical-cut",
    ),
];

const SESSION: &[Row] = &[
    (
        "drums1",
        "RAID-A:Studio Session - Night Owls/cam a/C0001.MP4",
        "{FX3}; rate: 25; duration: 3605; size: 64000000000; captured: 2025-11-24T19:00:00; start_timecode: 23:59:30:00; comment: drummers warming up; tags: studio-session",
        "tag: drums",
    ),
    (
        "drums2",
        "RAID-A:Studio Session - Night Owls/cam b/C0001.MP4",
        "{HDV}; duration: 3600; size: 11000000000; captured: 2025-11-24T19:00:02; tags: studio-session",
        "tag: drums",
    ),
    (
        "bass",
        "RAID-A:Studio Session - Night Owls/cam a/C0002.MP4",
        "{FX3}; rate: 25; duration: 90; size: 1500000000; captured: 2025-11-24T20:30:00; start_timecode: 20:30:00:00; tags: studio-session",
        "note: Bassist tunes, then the drummer laughs",
    ),
    (
        "vocal",
        "RAID-A:Studio Session - Night Owls/cam a/C0010.MP4",
        "{FX3}; rate: 25; duration: 90.4; size: 1500000001; captured: 2025-11-24T21:00:00; start_timecode: 21:00:00:00; tags: studio-session",
        "stars: 5; note: singing, best take",
    ),
    (
        "sound1",
        "RAID-A:Studio Session - Night Owls/sound/NightOwls-T01.WAV",
        "{SOUND}; duration: 3700; size: 6400000000; captured: 2025-11-24T18:59:00; start_timecode: 18:59:00:00; comment: drum overheads; tags: sound",
        "",
    ),
    (
        "sound2",
        "Vault 3:Studio Session - Night Owls/sound/NightOwls-T02.WAV",
        "{SOUND}; duration: 120; size: 200000000; captured: 2025-11-24T22:00:00; tags: sound",
        "",
    ),
    (
        "drop",
        "RAID-A:Studio Session - Night Owls/cam c/MVI_0007.MOV",
        "make: Canon; model: EOS C70; video_codec: h264; width: 1920; height: 1080; display_width: 1920; display_height: 1080; rate: 30000/1001; duration: 60.1; size: 400000000; captured: 2025-11-24T22:30:00; start_timecode: 00:00:59;00",
        "note: Drummers' break",
    ),
    (
        "night",
        "RAID-A:Studio Session - Night Owls/cam c/MVI_0008.MOV",
        "make: Canon; model: EOS C70; video_codec: h264; width: 1280; height: 720; display_width: 1280; display_height: 720; rate: 30000/1001; duration: 30; size: 200000000; captured: 2025-11-25T01:59:59; start_timecode: 23:59:45;00",
        "",
    ),
];

const ICELAND: &[Row] = &[
    (
        "fall",
        "Vault 3:Iceland 2026/drone/DJI_0042.MP4",
        "{DRONE}; duration: 45; size: 5000000000; captured: 2026-06-21T23:30:00; gps: 64.327100,-20.119900; comment: waterfall from above; tags: drone",
        "stars: 5; select: selected",
    ),
    (
        "geysir",
        "Vault 3:Iceland 2026/drone/DJI_0043.MP4|RAID-A:selects/DJI_0043.MP4",
        "{DRONE}; duration: 62; size: 7000000000; captured: 2026-06-22T00:10:00; gps: 64.310300,-20.302400; tags: drone",
        "stars: 3",
    ),
    (
        "pole",
        "Vault 3:Iceland 2026/drone/DJI_0100.MP4",
        "{DRONE}; duration: 20; size: 2000000000; captured: 2026-06-25T12:00:00; gps: 89.990000,10.000000; tags: drone",
        "",
    ),
    (
        "pole2",
        "Vault 3:Iceland 2026/drone/DJI_0101.MP4",
        "{DRONE}; duration: 21; size: 2000000000; captured: 2026-06-25T12:10:00; gps: 89.990000,-170.000000; tags: drone",
        "",
    ),
    (
        "fiji",
        "SHELF-07:Fiji/GX010042.MP4",
        "make: GoPro; model: HERO12 Black; video_codec: hevc; width: 5312; height: 2988; display_width: 5312; display_height: 2988; rate: 60000/1001; duration: 33; size: 500000000; captured: 2024-02-29T08:00:00; gps: -17.000000,179.990000",
        "",
    ),
    (
        "samoa",
        "SHELF-07:Fiji/GX010043.MP4",
        "make: GoPro; model: HERO12 Black; video_codec: hevc; width: 2704; height: 2028; display_width: 2704; display_height: 2028; rate: 120; duration: 34; size: 500000000; captured: 2024-03-01T08:00:00; gps: -17.000000,-179.990000",
        "",
    ),
    (
        "vr",
        "Vault 3:Iceland 2026/360/VID_20260622_101500_00_007.mp4",
        "make: Insta360; model: X4; video_codec: h264; width: 7680; height: 3840; display_width: 7680; display_height: 3840; rate: 30000/1001; duration: 70; size: 9000000000; captured: 2026-06-22T10:15:00; projection: equirectangular",
        "",
    ),
    (
        "stereo",
        "Vault 3:Iceland 2026/360/Spatial_01.mov",
        "video_codec: hevc; width: 2200; height: 2200; display_width: 2200; display_height: 2200; rate: 30; duration: 10; size: 100000000; captured: 2026-06-22T11:00:00; stereo: side-by-side",
        "",
    ),
];

const TOKYO: &[Row] = &[
    (
        "tower",
        "RAID-A:東京/東京タワー_夜景.mov",
        "{PHONE}; duration: 25; size: 150000000; captured: 2026-03-14T22:00:00; gps: 35.658600,139.745400; tags: 夜景",
        "",
    ),
    (
        "kyoto",
        "RAID-A:京都/Kyoto Temple Été.mov",
        "{PHONE}; duration: 26; size: 160000000; captured: 2026-03-15T08:00:00",
        "note: 京都の寺、朝",
    ),
    (
        "beijing",
        "RAID-A:北京/北京采访01.mp4",
        "{FX3}; rate: 25; duration: 400; size: 8000000000; captured: 2026-03-18T10:00:00; title: 采访鼓手",
        "",
    ),
    (
        "seoul",
        "RAID-A:서울/인터뷰를_촬영.mp4",
        "{FX3}; rate: 25; duration: 401; size: 8000000000; captured: 2026-03-20T10:00:00; comment: 드러머가 웃는다",
        "",
    ),
    (
        "mixed",
        "RAID-A:東京/ABCスタジオ2.mov",
        "{HDV}; duration: 50; size: 700000000; captured: 2026-03-14T12:00:00",
        "",
    ),
    (
        "gas",
        "RAID-A:東京/ガス灯.mov",
        "{HDV}; duration: 51; size: 700000000; captured: 2026-03-14T13:00:00",
        "",
    ),
    (
        "cas",
        "RAID-A:東京/カスタム.mov",
        "{HDV}; duration: 52; size: 700000000; captured: 2026-03-14T14:00:00",
        "",
    ),
];

const ODD: &[Row] = &[
    (
        "torn",
        "?RAID-A:broken/torn.mov",
        "problem: moov atom not found; size: 5; written: 0",
        "",
    ),
    (
        "gone",
        "!SHELF-07:broken/gone.mov|!Vault 3:old/gone copy.mov",
        "video_codec: h264; size: 6; written: 0; duration: 0",
        "",
    ),
    (
        "half",
        "!RAID-A:broken/half.mov|SHELF-07:spare/half.mov",
        "video_codec: h264; size: 7; captured: 2023-01-01T00:00:00; duration: 1",
        "",
    ),
    (
        "csv",
        "RAID-A:hostile/=HYPERLINK(\"x\"), \"quoted\".mov",
        "size: 8; captured: 2023-01-02T00:00:00; comment: semi;colon, comma and \"quote\"",
        "note: line one\nline two",
    ),
    (
        "escape",
        "RAID-A:hostile/red\u{1b}[31m\u{202e}gpj.mov",
        "size: 9; captured: 2023-01-03T00:00:00",
        "",
    ),
    (
        "strasse",
        "RAID-A:Straße/Øst_Łódź_naïve.mov",
        "size: 10; captured: 2023-01-04T00:00:00; title: Weiße Nächte",
        "",
    ),
    (
        "apart",
        "RAID-A:apart/E\u{301}te\u{301}_Drummer.mov",
        "size: 11; captured: 2023-01-05T00:00:00",
        "",
    ),
    (
        "order",
        "RAID-A:words/or and not.mov",
        "size: 12; captured: 2023-01-06T00:00:00; comment: to be or not to be, AND more",
        "",
    ),
    (
        "cliphead",
        "RAID-A:words/clip(1).mov",
        "size: 13; captured: 2023-01-07T12:30:00; comment: 7\" single at 12:30",
        "",
    ),
    (
        "die",
        "RAID-A:words/skies.mov",
        "size: 14; captured: 2023-01-08T00:00:00; comment: dying lying skies; title: generously abilities",
        "",
    ),
    (
        "die2",
        "RAID-A:words/sky.mov",
        "size: 15; captured: 2023-01-09T00:00:00; comment: died lies sky; title: generous ability",
        "",
    ),
    (
        "wide",
        "RAID-A:words/scope.mov",
        "width: 2048; height: 858; display_width: 2048; display_height: 858; video_bitrate: 50000000; size: 16; captured: 2023-01-10T00:00:00; rate: 48",
        "",
    ),
    (
        "square",
        "RAID-A:words/square.mov",
        "width: 1080; height: 1080; display_width: 1080; display_height: 1080; size: 17; captured: 2023-01-11T00:00:00; range: full; hdr: hdr10",
        "tag: happiness",
    ),
    (
        "bff",
        "RAID-A:words/dv.avi",
        "width: 720; height: 576; display_width: 768; display_height: 576; scan_order: bff; rate: 25; size: 18; captured: 2023-01-12T00:00:00; audio_layout: stereo; software: btsindex test",
        "tag: drum kit; untag: drum kit",
    ),
];

/// Creates the catalogue in several segments; returns it with the test name of each clip.
pub(crate) fn set() -> (Set, BTreeMap<i64, &'static str>) {
    let mut set = Set::new();
    let mut names = BTreeMap::new();
    for rows in [AD, SESSION, ICELAND, TOKYO, ODD] {
        let shots: Vec<Shot> = rows.iter().map(shot).collect();
        for (number, (name, ..)) in set.add(&shots).into_iter().zip(rows) {
            names.insert(number, *name);
        }
        set.update_index();
    }
    (set, names)
}

fn shot((_, at, facts, people): &Row) -> Shot {
    let kinds = [
        ("{FX3}", FX3),
        ("{ALEXA}", ALEXA),
        ("{PHONE}", PHONE),
        ("{DRONE}", DRONE),
        ("{HDV}", HDV),
        ("{SOUND}", SOUND),
    ];
    let facts = kinds
        .iter()
        .fold((*facts).to_owned(), |facts, (name, kind)| {
            facts.replace(name, kind)
        });
    Shot::read(at, &facts, people)
}
