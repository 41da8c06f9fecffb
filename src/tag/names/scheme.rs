//! Table of the naming schemes of cameras and recorders. A scheme must match the whole name:
//! `A001C003_220512_R1AB` matches, `XA001C003_220512_R1AB` does not.

use std::sync::OnceLock;

use jiff::civil::{Date, Time};
use regex::{Captures, Regex, RegexSet};

use crate::value::WallTime;

/// Naming scheme of one manufacturer.
struct Scheme {
    /// Manufacturer, or kind of device.
    maker: &'static str,
    /// Case-insensitive pattern of the stem.
    ///
    /// The group names are: `camera` and `roll` (together the reel), `clip`, `chapter`, `scene`,
    /// `take`, a date as `ymd` (`20260502`) or `short` (`260502`), and the time of day as `hms`.
    pattern: &'static str,
    /// Example stems.
    examples: &'static [&'static str],
}

/// Suffixes that programs append to a camera's file name, such as a copy number.
const TAIL: &str = r"(?:[ _-]?\([0-9]\)|[ _-](?:copy|kopie|copie|copia|proxy|[0-9]{1,2}))?";

macro_rules! scheme {
    ($maker:literal, $pattern:expr, $($example:literal),+) => {
        Scheme { maker: $maker, pattern: $pattern, examples: &[$($example),+] }
    };
}

/// All schemes; the first match wins.
const SCHEMES: &[Scheme] = &[
    scheme!(
        "ARRI",
        r"(?<camera>[A-Z])(?<roll>[0-9]{3})C(?<clip>[0-9]{3})_(?<short>[0-9]{6})_R[0-9A-Z]{3}(?:\.[0-9]{7})?",
        "A001C003_220512_R1AB",
        "B012C014_230901_R3KQ",
        "C003C001_240229_R0ZZ",
        "A104C022_191130_RNZX",
        "a001c003_220512_r1ab",
        "A001C003_220512_R1AB.0123456"
    ),
    scheme!(
        "ARRI",
        r"(?<camera>[A-Z])(?<roll>_[0-9]{4})C(?<clip>[0-9]{3})_(?<short>[0-9]{6})_(?<hms>[0-9]{6})_[0-9A-Z]{5}(?:\.[0-9]{7})?",
        "A_0001C004_220601_165534_a12XY",
        "B_0014C011_230314_090001_hAB12",
        "C_0102C001_240705_235959_p0001",
        "A_0003C010_250115_120000_aQQQQ",
        "D_0001C001_260502_143000_c1D2E"
    ),
    scheme!(
        "RED",
        r"(?<camera>[A-Z])(?<roll>[0-9]{3})_C(?<clip>[0-9]{3})_[0-9]{4}[0-9A-Z]{2}(?:_[0-9]{3})?",
        "A001_C003_0512AB",
        "B014_C022_1103XY_001",
        "A002_C001_0101ZZ_002",
        "C101_C045_0930K9",
        "D001_C007_0615QW_014"
    ),
    scheme!(
        "Blackmagic",
        r"(?<camera>[A-Z])(?<roll>[0-9]{3})_[0-9]{8}_C(?<clip>[0-9]{3})(?:_S[0-9]{3})?",
        "A001_05121430_C003",
        "A014_11030915_C122",
        "B002_01011200_C001",
        "C009_12312359_C045",
        "A001_06151545_C001_S000"
    ),
    scheme!(
        "Canon",
        r"(?<camera>[A-Z])(?<roll>[0-9]{3})C(?<clip>[0-9]{3})_(?<short>[0-9]{6})(?:[0-9A-Z]{2})?_CANON(?:_[0-9]{2})?",
        "A001C001_220512_CANON",
        "A014C001_210320BZ_CANON",
        "B002C045_230714HQ_CANON",
        "A001C012_240101X1_CANON_02",
        "C101C003_251224_CANON"
    ),
    scheme!(
        "Sony",
        r"(?<camera>[A-Z])(?<roll>[0-9]{3})C(?<clip>[0-9]{3})_(?<short>[0-9]{6})[0-9A-Z]{1,2}(?:_[0-9]{3})?",
        "A001C001_2205120A",
        "B003C017_230911ZX",
        "A022C104_2401281F",
        "C001C002_260502QA",
        "A001C001_2205120A_001"
    ),
    scheme!(
        "Sony",
        r"(?<camera>[A-Z])(?<roll>[0-9]{3})C(?<clip>[0-9]{3,4})_(?<ymd>[0-9]{8})(?<hms>[0-9]{6})_[0-9]{4}",
        "A001C0003_20240131221533_0001",
        "B012C0104_20260502143000_0001",
        "A003C001_20250817093011_0002",
        "C001C0012_20231224180000_0001",
        "A101C0007_20240229120000_0003"
    ),
    scheme!(
        "Sony",
        r"(?<camera>[A-Z])(?<roll>[0-9]{3})C(?<clip>[0-9]{3,4})",
        "A001C001",
        "B004C0021",
        "C012C104",
        "A002C0001",
        "D001C002"
    ),
    scheme!(
        "Panasonic",
        r"(?<camera>[A-Z])(?<roll>[0-9]{3})C(?<clip>[0-9]{3})_(?<short>[0-9]{6})_[0-9A-Z]{4}",
        "A001C002_220512_A1B2",
        "B007C031_231005_X0Y1",
        "A012C001_240630_ZZ99",
        "C002C100_250222_Q7W8",
        "A003C009_260502_0A0B"
    ),
    scheme!(
        "Sony",
        r"(?:(?<ymd>[0-9]{8})_)?C(?<clip>[0-9]{4})(?:[MST][0-9]{2})?",
        "C0001",
        "C0147",
        "20260502_C0003",
        "C9999",
        "C0012S03"
    ),
    scheme!(
        "Canon",
        r"(?:MVI_|_MG_|DSC_|_DSC|DSCF|DSCN|DSC0)(?<clip>[0-9]{4})",
        "MVI_1234",
        "MVI_0001",
        "MVI_0456",
        "_MG_7788",
        "DSC_0912",
        "DSC01234"
    ),
    scheme!(
        "Panasonic",
        r"P1[0-9]{2}(?<clip>[0-9]{4})",
        "P1000123",
        "P1010456",
        "P1200001",
        "P1039999",
        "P1450777"
    ),
    scheme!(
        "Panasonic",
        r"(?<clip>0[0-9]{3})[A-Z][0-9A-Z]",
        "0001EF",
        "0029Z8",
        "0412KX",
        "0123A0",
        "0999QQ"
    ),
    scheme!(
        "AVCHD",
        r"(?<clip>0[0-9]{4})",
        "00000",
        "00012",
        "00123",
        "01999",
        "00007"
    ),
    scheme!(
        "GoPro",
        r"G[HXLSP](?<chapter>[0-9]{2})(?<clip>[0-9]{4})",
        "GX010042",
        "GH020042",
        "GS011234",
        "GX039999",
        "GP010077"
    ),
    scheme!(
        "GoPro",
        r"GOPR(?<clip>[0-9]{4})",
        "GOPR0042",
        "GOPR0001",
        "GOPR9876",
        "GOPR1234",
        "gopr0101"
    ),
    scheme!(
        "DJI",
        r"DJI_(?<ymd>[0-9]{8})_?(?<hms>[0-9]{6})_(?<clip>[0-9]{1,4})(?:_[A-Z](?:_[0-9A-Za-z_]{1,12})?|_video)?",
        "DJI_20260502143000_0001_D",
        "DJI_20230714_101530_42_video",
        "DJI_20241101083015_0123_D",
        "DJI_20250606060606_0009_W",
        "DJI_20260502143000_0001_D_A01"
    ),
    scheme!(
        "DJI",
        r"DJI_(?<clip>[0-9]{4})",
        "DJI_0042",
        "DJI_0001",
        "DJI_0999",
        "DJI_1234",
        "dji_0007"
    ),
    scheme!(
        "Insta360",
        r"(?:PRO_)?(?:VID|LRV)_(?<ymd>[0-9]{8})_(?<hms>[0-9]{6})_[0-9]{2}_(?<clip>[0-9]{3})",
        "VID_20260502_143000_00_001",
        "VID_20230101_000001_10_014",
        "PRO_VID_20241224_180000_00_002",
        "LRV_20260502_143000_01_001",
        "VID_20250817_093011_00_123"
    ),
    // A phone numbers photos and videos together, so the number is not a clip number.
    scheme!(
        "iPhone",
        r"IMG_E?[0-9]{4}",
        "IMG_1234",
        "IMG_E1234",
        "IMG_0001",
        "img_0420",
        "IMG_9999"
    ),
    scheme!(
        "Android",
        r"PXL_(?<ymd>[0-9]{8})_(?<hms>[0-9]{6})[0-9]{0,3}(?:[.~_][0-9A-Za-z_]{1,12}){0,3}",
        "PXL_20260502_143000123",
        "PXL_20230911_081500001.TS",
        "PXL_20240101_000000999.LS",
        "PXL_20251212_121212",
        "PXL_20260502_143000123~2"
    ),
    scheme!(
        "Android",
        r"(?:VID_)?(?<ymd>[0-9]{8})_(?<hms>[0-9]{6})(?:_[0-9]{1,3})?",
        "VID_20260502_143000",
        "20260502_143000",
        "VID_20230911_235959_001",
        "20240101_101010",
        "VID_20251031_200000"
    ),
    scheme!(
        "Android",
        r"VID-(?<ymd>[0-9]{8})-WA[0-9]{4}",
        "VID-20260502-WA0001",
        "VID-20230101-WA0042",
        "VID-20241224-WA0003",
        "VID-20250606-WA1234",
        "VID-20260314-WA0010"
    ),
    scheme!(
        "Zoom",
        r"ZOOM[0-9]{4}(?:_(?:LR|TR[0-9]{1,2}|TR[0-9]-[0-9]|MS|XY))?",
        "ZOOM0001",
        "ZOOM0042_LR",
        "ZOOM0003_TR1",
        "ZOOM0107_TR1-2",
        "zoom0009"
    ),
    scheme!(
        "Zoom",
        r"(?:STE|MONO|4CH)-[0-9]{3}",
        "STE-000",
        "STE-012",
        "MONO-003",
        "4CH-001",
        "STE-120"
    ),
    scheme!(
        "recorder",
        r"(?:.*[ _-])?(?:SC(?:ENE)?|SZ(?:ENE)?|S)[ _-]?0{0,2}(?<scene>\d{1,3}[A-Z]{0,2})[ _-]*T(?:K|AKE)?[ _-]?(?<take>\d{1,3})(?:[ _-](?<camera>[A-D]))?(?:[ _-].*)?",
        "SC01T03",
        "Sc12A_Tk3",
        "SCENE 4 TAKE 2",
        "S12-T07",
        "ACME_SC101B_T12_MIX"
    ),
    scheme!(
        "recorder",
        r"0{0,2}(?<scene>\d{1,3}(?:[A-Z]{1,2}[ _-]*|[ _-]+))T(?:K|AKE)?[ _-]?(?<take>\d{1,3})(?:[ _-](?<camera>[A-D]))?(?:[ _-].*)?",
        "12A-T03",
        "12AT003",
        "101B_T2",
        "7C TK4",
        "12A_T03_2"
    ),
    scheme!(
        "recorder",
        r"T(?<take>\d{3})(?:_(?:TR)?\d{1,2})?",
        "T003",
        "T012",
        "T101",
        "T001_2",
        "t045"
    ),
    scheme!(
        "slate",
        r"(?:.*[ _])?0{0,2}(?<scene>[0-9]{1,3}[A-Z]{1,2})-(?<take>[0-9]{1,2})(?:[ _-](?<camera>[A-D]))?(?:[ _].*)?",
        "12A-3",
        "101B-12",
        "ACME_7C-2",
        "12A-3_A",
        "4AA-10 mos"
    ),
];

/// Combinations of digit and letter that are not scenes: picture sizes and camera models.
const NOT_SCENES: [&str; 9] = ["2K", "3D", "4K", "5D", "5K", "6D", "6K", "7D", "8K"];

/// Facts that a stem states.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct SchemeFacts {
    pub(super) camera: Option<String>,
    pub(super) reel: Option<String>,
    pub(super) clip: Option<u32>,
    pub(super) chapter: Option<u32>,
    pub(super) scene: Option<String>,
    pub(super) take: Option<u32>,
    pub(super) captured: Option<WallTime>,
}

/// Compiled patterns, as a set and individually.
struct CompiledSchemes {
    set: RegexSet,
    each: Vec<Regex>,
}

fn table() -> Option<&'static CompiledSchemes> {
    static TABLE: OnceLock<Option<CompiledSchemes>> = OnceLock::new();
    let compiled = TABLE.get_or_init(|| {
        let anchored = |scheme: &Scheme| format!("(?i)^(?:{}){TAIL}$", scheme.pattern);
        let patterns: Vec<String> = SCHEMES.iter().map(anchored).collect();
        let each: Result<Vec<Regex>, regex::Error> =
            patterns.iter().map(|pattern| Regex::new(pattern)).collect();
        // A test verifies that all patterns compile.
        let (set, each) = RegexSet::new(&patterns).ok().zip(each.ok())?;
        Some(CompiledSchemes { set, each })
    });
    compiled.as_ref()
}

/// Finds the first scheme that a stem follows.
fn find_scheme(stem: &str) -> Option<(&'static Scheme, Captures<'_>)> {
    let table = table()?;
    let at = table.set.matches(stem).iter().find(|&at| {
        let scene = table.each[at].captures(stem);
        let scene = scene.and_then(|found| Some(found.name("scene")?.as_str().to_uppercase()));
        scene.is_none_or(|scene| !NOT_SCENES.contains(&scene.as_str()))
    })?;
    Some((&SCHEMES[at], table.each[at].captures(stem)?))
}

/// Returns the manufacturer whose naming scheme a stem follows.
pub(in crate::tag) fn maker(stem: &str) -> Option<&'static str> {
    find_scheme(stem).map(|(scheme, _)| scheme.maker)
}

/// Iterates over all naming schemes: manufacturer and example stems.
pub fn schemes() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    SCHEMES.iter().map(|scheme| (scheme.maker, scheme.examples))
}

/// Iterates over the manufacturers of all naming schemes, with repeats.
pub(in crate::tag) fn makers() -> impl Iterator<Item = &'static str> {
    SCHEMES.iter().map(|scheme| scheme.maker)
}

/// Parses a stem. Returns `None` if it does not follow any naming scheme.
pub(super) fn parse(stem: &str) -> Option<SchemeFacts> {
    let (_, found) = find_scheme(stem)?;
    let text = |name: &str| found.name(name).map(|part| part.as_str());
    let number = |name: &str| text(name)?.parse().ok();
    let camera = text("camera").map(str::to_uppercase);
    let roll = text("roll").zip(camera.as_ref());
    Some(SchemeFacts {
        reel: roll.map(|(roll, camera)| format!("{camera}{roll}")),
        clip: number("clip"),
        chapter: number("chapter"),
        scene: text("scene").map(|scene| scene.trim_end_matches([' ', '_', '-']).to_uppercase()),
        take: number("take"),
        captured: parse_captured(text("ymd"), text("short"), text("hms")),
        camera,
    })
}

fn parse_captured(ymd: Option<&str>, short: Option<&str>, hms: Option<&str>) -> Option<WallTime> {
    let long = ymd
        .map(str::to_owned)
        .or_else(|| short.map(|short| format!("20{short}")))?;
    let date = Date::strptime("%Y%m%d", long).ok()?;
    let time = hms.and_then(|hms| Time::strptime("%H%M%S", hms).ok());
    WallTime::new(date.to_datetime(time.unwrap_or(Time::midnight())), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_matches_its_examples() {
        let table = table().unwrap();
        for (at, scheme) in SCHEMES.iter().enumerate() {
            assert!(scheme.examples.len() >= 5, "{}", scheme.pattern);
            for example in scheme.examples {
                assert!(
                    table.each[at].is_match(example),
                    "{} {example}",
                    scheme.pattern
                );
                assert!(parse(example).is_some(), "{example}");
            }
        }
    }

    #[test]
    fn near_misses_of_camera_names_do_not_match() {
        let matching: Vec<&str> = [
            "XA001C003_220512_R1AB",
            "A01C003_220512_R1AB",
            "A001C003_220512_R1A",
            "A001C003_22051_R1AB",
            "A_001C004_220601_165534_a12XY",
            "A_0001C004_220601_16553_a12XY",
            "A_0001C004_220601_165534_a12X",
            "A001-C003-0512AB",
            "A001_C03_0512AB",
            "A001_C003_0512A",
            "AA01_C003_0512AB",
            "A001_0512143_C003",
            "A001_05121430_003",
            "A001_05121430_C03",
            "A001C001_220512_CANONX",
            "A001C001_220512B_CANON",
            "A001C001_22051_CANON",
            "A001C001_220512",
            "A001C001_2205120AB",
            "A001C01_2205120A",
            "A001C002_220512_A1B",
            "A001C002_220512_A1B2C",
            "A001C002_22051_A1B2",
            "C001",
            "C00012",
            "XC0001",
            "MVI_123",
            "MVI_12345",
            "MVIX_1234",
            "P2000123",
            "P100123",
            "P10001234",
            "1001EF",
            "0001E",
            "0001EFG",
            "0001-EF",
            "1234",
            "000001",
            "10000",
            "GX01042",
            "GZ010042",
            "GX0100422",
            "GOPR042",
            "GOPRO0042",
            "GOPR00421",
            "DJI_2026050214300_0001_D",
            "DJI_20260502143000",
            "DJI-20260502143000_0001_D",
            "DJI_042",
            "DJI_00421",
            "DJIX_0042",
            "VID_20260502_1430_00_001",
            "VID_20260502_143000_0_0_001",
            "VID_20260502-143000_00_001",
            "IMG_123",
            "IMG_F1234",
            "IMGX1234",
            "PXL_2026052_143000",
            "PXL-20260502_143000",
            "PXL_20260502_1430",
            "VID_2026050_143000",
            "2026050_143000",
            "20260502_14300",
            "VID-20260502-WA001",
            "VID-20260502-XX0001",
            "VID-2026502-WA0001",
            "ZOOM001",
            "ZOOM00012",
            "ZOMM0001",
            "STE-0000",
            "STE_000",
            "STEREO-000",
            "SCT03",
            "SC01",
            "SC01X03",
            "SEASON1TAKE",
            "12_X03",
            "12ABCT003",
            "AT003",
            "T03",
            "T0034",
            "TX003",
            "12-3",
            "A-3",
            "12ABC-3",
            "4K-2",
            "3D-1",
            "1080P-25",
        ]
        .into_iter()
        .filter(|stem| parse(stem).is_some())
        .collect();
        assert_eq!(matching, [""; 0]);
    }

    #[test]
    fn facts_are_parsed_from_camera_names() {
        let parsed = |stem: &str| {
            let named = parse(stem).unwrap();
            let mut facts: Vec<String> = Vec::new();
            facts.extend(named.camera.map(|camera| format!("camera {camera}")));
            facts.extend(named.reel.map(|reel| format!("reel {reel}")));
            facts.extend(named.clip.map(|clip| format!("clip {clip}")));
            facts.extend(named.chapter.map(|chapter| format!("chapter {chapter}")));
            facts.extend(named.scene.map(|scene| format!("scene {scene}")));
            facts.extend(named.take.map(|take| format!("take {take}")));
            facts.extend(named.captured.map(|time| time.to_string()));
            facts.join(", ")
        };
        for (stem, expected) in [
            (
                "A001C003_220512_R1AB",
                "camera A, reel A001, clip 3, 2022-05-12T00:00:00",
            ),
            (
                "A_0001C004_220601_165534_a12XY",
                "camera A, reel A_0001, clip 4, 2022-06-01T16:55:34",
            ),
            ("A001_C003_0512AB", "camera A, reel A001, clip 3"),
            ("A001_05121430_C003", "camera A, reel A001, clip 3"),
            (
                "A001C001_2205120A",
                "camera A, reel A001, clip 1, 2022-05-12T00:00:00",
            ),
            (
                "A014C001_210320BZ_CANON",
                "camera A, reel A014, clip 1, 2021-03-20T00:00:00",
            ),
            ("C0147", "clip 147"),
            ("20260502_C0003", "clip 3, 2026-05-02T00:00:00"),
            ("MVI_1234", "clip 1234"),
            ("GX020042", "clip 42, chapter 2"),
            ("DJI_20260502143000_0001_D", "clip 1, 2026-05-02T14:30:00"),
            ("VID_20260502_143000_00_001", "clip 1, 2026-05-02T14:30:00"),
            ("PXL_20260502_143000123", "2026-05-02T14:30:00"),
            ("VID_20260502_143000", "2026-05-02T14:30:00"),
            ("SC01T03", "scene 1, take 3"),
            ("Sc12a_Tk3", "scene 12A, take 3"),
            ("T003", "take 3"),
            ("ZOOM0042_LR", ""),
            ("IMG_1234", ""),
            ("12A-3", "scene 12A, take 3"),
            ("C0001 (2)", "clip 1"),
            // An invalid date is ignored; the other facts are kept.
            ("A001C003_229912_R1AB", "camera A, reel A001, clip 3"),
        ] {
            assert_eq!(parsed(stem), expected, "{stem}");
        }
    }
}
