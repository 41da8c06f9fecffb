//! Parser of the names that crews give to the folders of a shoot day: `Day 02`, `SD03`, `A_CAM`,
//! `CARD_A01`, `260502`.

use jiff::civil::{Date, Time};

use crate::value::WallTime;
use crate::value::words::{composed, fold, parts, runs};

/// Facts that one name states.
#[derive(Debug, Default, PartialEq)]
pub(super) struct NameFacts {
    pub(super) camera: Option<String>,
    pub(super) reel: Option<String>,
    pub(super) scene: Option<String>,
    pub(super) take: Option<u32>,
    pub(super) day: Option<u32>,
    pub(super) date: Option<WallTime>,
}

/// Part of a name.
struct NamePart {
    /// Text in lower case without accents.
    text: String,
    /// True if the part follows the previous one without a separator.
    is_joined: bool,
    /// True if the part is written in capitals.
    is_capital: bool,
}

/// Words for a shoot day, before or after its number.
const DAYS: [&str; 19] = [
    "day",
    "tag",
    "drehtag",
    "jour",
    "dia",
    "jornada",
    "giorno",
    "dag",
    "draaidag",
    "optagedag",
    "gun",
    "dzien",
    "diaria",
    "日目",
    "天",
    "회차",
    "shootday",
    "din",
    "dt",
];
/// Abbreviations of a shoot day, directly followed by the number.
const SHORT_DAYS: [&str; 3] = ["sd", "d", "j"];
/// Words for a camera or unit, before or after its letter.
const CAMERAS: [&str; 8] = [
    "cam",
    "camera",
    "kamera",
    "kam",
    "camara",
    "telecamera",
    "cams",
    "unit",
];
/// Words for a card, roll or magazine, before its letter and number.
const CARDS: [&str; 9] = [
    "card", "roll", "reel", "mag", "karte", "carte", "tarjeta", "cartao", "disk",
];

/// Parses the name of a folder, or the stem of a file.
pub(super) fn parse(name: &str, is_folder: bool) -> NameFacts {
    let name = composed(name);
    let mut all = Vec::new();
    for run in runs(&name) {
        for (at, part) in parts(run).into_iter().enumerate() {
            all.push(NamePart {
                text: fold(part),
                is_joined: at > 0,
                is_capital: part.chars().all(char::is_uppercase),
            });
        }
    }
    let reel = if is_folder {
        parse_card(&all).or_else(|| parse_roll(&name))
    } else {
        None
    };
    let card_letter = reel.as_ref().and_then(|reel| reel.get(..1));
    NameFacts {
        camera: parse_camera(&all).or_else(|| card_letter.map(str::to_owned)),
        scene: parse_scene(&all),
        take: parse_take(&all),
        day: parse_day(&all),
        date: parse_date(&all, &name, is_folder),
        reel,
    }
}

/// Parses a number of at most `digits` digits.
fn number(part: &NamePart, digits: usize) -> Option<u32> {
    (part.text.len() <= digits)
        .then(|| part.text.parse().ok())
        .flatten()
}

fn parse_day(all: &[NamePart]) -> Option<u32> {
    let is_day = |number: &u32| (1..=365).contains(number);
    all.windows(2).enumerate().find_map(|(at, pair)| {
        let [first, second] = pair else { return None };
        let is_word = DAYS.contains(&first.text.as_str())
            || SHORT_DAYS.contains(&first.text.as_str()) && second.is_joined && !first.is_joined;
        if is_word {
            return number(second, 3).filter(is_day);
        }
        // Accepts `2. Tag`, `3rd day` and `2e jour`. In `2026-05-02 Tag`, the number belongs to the
        // date.
        let is_ordinal =
            ["st", "nd", "rd", "th", "e", "er", "eme", "a"].contains(&second.text.as_str());
        let after_ordinal = if is_ordinal {
            all.get(at + 2)
        } else {
            Some(second)
        };
        let is_first = at == 0 || number(&all[at - 1], 4).is_none();
        let is_day_word = after_ordinal.is_some_and(|part| DAYS.contains(&part.text.as_str()));
        let is_last_number = all
            .get(at + 2 + usize::from(is_ordinal))
            .is_none_or(|next| number(next, 3).is_none());
        (is_day_word && is_first && is_last_number)
            .then(|| number(first, 2).filter(is_day))
            .flatten()
    })
}

fn letter(text: &str) -> Option<String> {
    matches!(text, "a" | "b" | "c" | "d" | "e" | "f" | "g" | "h").then(|| text.to_uppercase())
}

fn parse_camera(all: &[NamePart]) -> Option<String> {
    let pairs = all.windows(2).enumerate().find_map(|(at, pair)| {
        let [first, second] = pair else { return None };
        let is_camera = |part: &NamePart| CAMERAS.contains(&part.text.as_str());
        // Accepts `Camera B` and `CamB`, but not `camera a bit soft`.
        if is_camera(first) && (second.is_capital || second.text != "a" || at + 2 == all.len()) {
            return letter(&second.text);
        }
        // Accepts `A_CAM` and `B Camera`, but not `a camera test`.
        let is_article = first.text == "a" && second.text != "cam" && at + 2 < all.len();
        if is_camera(second) && !is_article {
            return letter(&first.text);
        }
        None
    });
    pairs.or_else(|| {
        all.iter().find_map(|part| {
            let before = part.text.strip_suffix("cam").and_then(letter);
            before.or_else(|| part.text.strip_prefix("cam").and_then(letter))
        })
    })
}

/// Parses `CARD_A01` and `Roll B 2`.
fn parse_card(all: &[NamePart]) -> Option<String> {
    all.windows(3).find_map(|three| {
        let [card, letter_part, number_part] = three else {
            return None;
        };
        let is_card = CARDS.contains(&card.text.as_str());
        let letter = letter(&letter_part.text).filter(|_| is_card)?;
        number(number_part, 4)?;
        Some(format!("{letter}{}", number_part.text))
    })
}

/// Parses `A001`, `A001_1AB2`, and RED's `A001.RDM`.
fn parse_roll(name: &str) -> Option<String> {
    let upper = name.to_uppercase();
    let plain = upper.strip_suffix(".RDM").unwrap_or(&upper);
    let (reel, rest) = plain.split_at_checked(4)?;
    let (first, digits) = reel.split_at_checked(1)?;
    let is_reel =
        letter(&first.to_lowercase()).is_some() && digits.bytes().all(|b| b.is_ascii_digit());
    let is_known_suffix = rest.is_empty()
        || rest.len() == 5
            && rest.starts_with('_')
            && rest.bytes().skip(1).all(|b| b.is_ascii_alphanumeric());
    (is_reel && is_known_suffix).then(|| reel.to_owned())
}

/// Parses `prise 4`, `tk3`, `Take 9` and `MC_021_T004`.
fn parse_take(all: &[NamePart]) -> Option<u32> {
    all.windows(2).find_map(|pair| {
        let [first, second] = pair else { return None };
        let is_take = matches!(
            first.text.as_str(),
            "take" | "tk" | "prise" | "toma" | "ciak"
        );
        let is_short =
            first.text == "t" && second.is_joined && !first.is_joined && second.text.len() == 3;
        (is_take || is_short)
            .then(|| number(second, 3).filter(|take| *take > 0))
            .flatten()
    })
}

/// Parses `Scene 12A` and `Sc_04`.
fn parse_scene(all: &[NamePart]) -> Option<String> {
    let is_word = |part: &NamePart| {
        matches!(
            part.text.as_str(),
            "scene" | "sc" | "szene" | "scena" | "escena" | "cena" | "seq" | "sequence"
        )
    };
    let is_scene = |pair: &[NamePart]| is_word(&pair[0]) && number(&pair[1], 3).is_some();
    let at = all.windows(2).position(is_scene)?;
    let number_part = all.get(at + 1)?;
    number(number_part, 3)?;
    let letters = all.get(at + 2).filter(|part| {
        part.is_joined && part.text.len() <= 2 && part.text.bytes().all(|b| b.is_ascii_lowercase())
    });
    let number = number_part.text.trim_start_matches('0');
    let letters = letters.map_or_else(String::new, |part| part.text.to_uppercase());
    Some(format!("{number}{letters}"))
}

/// Abbreviated names of the months in several languages, without accents.
const MONTHS: [&[&str]; 12] = [
    &["jan", "ene", "gen", "janv"],
    &["feb", "fev", "fevr"],
    &["mar", "mars", "mrz", "maerz", "marz", "maart"],
    &["apr", "avr", "avril", "abr"],
    &["may", "mai", "mei", "mag", "maj"],
    &["jun", "juin", "giu", "june"],
    &["jul", "juil", "lug", "july"],
    &["aug", "aout", "ago"],
    &["sep", "sept", "set"],
    &["oct", "okt", "ott", "out"],
    &["nov"],
    &["dec", "dez", "dic"],
];

fn month(text: &str) -> Option<u32> {
    const LONG: [&[&str]; 12] = [
        &[
            "january", "januar", "janvier", "enero", "gennaio", "janeiro", "januari",
        ],
        &[
            "february",
            "februar",
            "fevrier",
            "febrero",
            "febbraio",
            "fevereiro",
            "februari",
        ],
        &["march", "marzo", "marco"],
        &["april", "aprile", "abril"],
        &["mayo", "maggio", "maio"],
        &["juni", "junio", "giugno", "junho"],
        &["juli", "juillet", "julio", "luglio", "julho"],
        &["august", "agosto", "augustus"],
        &[
            "september",
            "septembre",
            "septiembre",
            "settembre",
            "setembro",
        ],
        &[
            "october", "oktober", "octobre", "octubre", "ottobre", "outubro",
        ],
        &["november", "novembre", "noviembre", "novembro"],
        &[
            "december",
            "dezember",
            "decembre",
            "diciembre",
            "dicembre",
            "dezembro",
        ],
    ];
    let at = |months: &[&[&str]; 12]| months.iter().position(|names| names.contains(&text));
    let at = at(&MONTHS).or_else(|| at(&LONG))?;
    u32::try_from(at + 1).ok()
}

/// Parses unambiguous dates: `02.05.2026`, `2 May 2026`, `May 2nd, 2026`, and for folders also
/// `260502`.
fn parse_date(all: &[NamePart], name: &str, is_folder: bool) -> Option<WallTime> {
    let civil = |year: u32, month: u32, day: u32| {
        let text = format!("{year:04}{month:02}{day:02}");
        let date = Date::strptime("%Y%m%d", text).ok()?;
        let is_likely = (1990..2100).contains(&date.year());
        is_likely
            .then(|| WallTime::new(date.to_datetime(Time::midnight()), None))
            .flatten()
    };
    let year = |part: &NamePart| number(part, 4).filter(|year| (1990..2100).contains(year));
    let run_together = || {
        let part = all.iter().find(|part| part.text.len() == 8)?;
        let number: u32 = part.text.parse().ok()?;
        // Reads eight digits as day-month-year, unless they are also a date as year-month-day.
        civil(number / 10_000, number / 100 % 100, number % 100)
            .is_none()
            .then(|| civil(number % 10_000, number / 10_000 % 100, number / 1_000_000))
            .flatten()
    };
    let separated = (0..all.len()).find_map(|at| {
        let rest: Vec<&NamePart> = all[at..]
            .iter()
            .filter(|part| !matches!(part.text.as_str(), "st" | "nd" | "rd" | "th" | "de" | "of"))
            .take(3)
            .collect();
        let [first, second, third] = rest.as_slice() else {
            return None;
        };
        if let (Some(day), Some(month), Some(year)) =
            (number(first, 2), month(&second.text), year(third))
        {
            return civil(year, month, day);
        }
        if let (Some(month), Some(day), Some(year)) =
            (month(&first.text), number(second, 2), year(third))
        {
            return civil(year, month, day);
        }
        if let (Some(year), Some(month), Some(day)) =
            (year(first), month(&second.text), number(third, 2))
        {
            return civil(year, month, day);
        }
        let (day, month, year) = (number(first, 2)?, number(second, 2)?, year(third)?);
        let is_dotted = name.contains(&format!("{}.{}.", first.text, second.text));
        match (day > 12, month > 12) {
            // The month comes first, as in the United States.
            (false, true) => civil(year, day, month),
            _ if is_dotted || day > 12 || day == month => civil(year, month, day),
            _ => None,
        }
    });
    separated.or_else(run_together).or_else(|| {
        let part = all.iter().find(|part| part.text.len() == 6 && is_folder)?;
        let number: u32 = part.text.parse().ok()?;
        let year = 2000 + number / 10_000;
        (2005..2040)
            .contains(&year)
            .then(|| civil(year, number / 100 % 100, number % 100))
            .flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_parsed_in_every_form() {
        for (name, day) in [
            ("Day 02", Some(2)),
            ("DAY2", Some(2)),
            ("ShootDay3", Some(3)),
            ("SD03", Some(3)),
            ("shoot_day_12", Some(12)),
            ("Drehtag 4", Some(4)),
            ("DT05", Some(5)),
            ("Jour 1", Some(1)),
            ("Día 7", Some(7)),
            ("D2", Some(2)),
            ("D02_Stage", Some(2)),
            ("3rd day", Some(3)),
            ("2. Tag", Some(2)),
            ("3日目", Some(3)),
            ("Day 2 of 5", Some(2)),
            ("holiday 3", None),
            ("Day", None),
            ("Day 2026", None),
            ("3D 2", None),
            ("Day 0", None),
            ("HD1080", None),
            ("D 2", None),
            ("2026-05-02 Tag 3", Some(3)),
        ] {
            assert_eq!(parse(name, true).day, day, "{name}");
        }
    }

    #[test]
    fn cameras_cards_and_scenes_are_parsed_from_folders() {
        let parsed = |name: &str| {
            let facts = parse(name, true);
            [facts.camera, facts.reel, facts.scene]
                .map(Option::unwrap_or_default)
                .join("|")
        };
        for (name, expected) in [
            ("A_CAM", "A||"),
            ("B-Cam", "B||"),
            ("CamC", "C||"),
            ("acam", "A||"),
            ("Camera B", "B||"),
            ("A Camera", "A||"),
            ("A Camera Test", "||"),
            ("camera a bit soft", "||"),
            ("CAM_1", "||"),
            ("CARD_A01", "A|A01|"),
            ("Roll B002", "B|B002|"),
            ("A001", "A|A001|"),
            ("A001.RDM", "A|A001|"),
            ("A001_1AB2", "A|A001|"),
            ("A0012", "||"),
            ("Z001", "||"),
            ("card 2", "||"),
            ("Scene 12A", "||12A"),
            ("SC_04", "||4"),
            ("Webcam", "||"),
        ] {
            assert_eq!(parsed(name), expected, "{name}");
        }
    }

    #[test]
    fn dates_are_parsed_only_if_unambiguous() {
        for (name, date) in [
            ("02.05.2026", Some("2026-05-02")),
            ("2.5.2026 Studio", Some("2026-05-02")),
            ("260502", Some("2026-05-02")),
            ("260502_ACME", Some("2026-05-02")),
            ("2 May 2026", Some("2026-05-02")),
            ("May 2nd, 2026", Some("2026-05-02")),
            ("2026 Mai 02", Some("2026-05-02")),
            ("31-12-2025", Some("2025-12-31")),
            ("12-31-2025", Some("2025-12-31")),
            ("03-04-2026", None),
            ("03-04-26", None),
            ("123456", None),
            ("990101", None),
            ("31.02.2026", None),
            ("2 of 5", None),
        ] {
            let found = parse(name, true)
                .date
                .map(|date| date.civil().date().to_string());
            assert_eq!(found.as_deref(), date, "{name}");
        }
        assert_eq!(parse("260502", false).date, None);
    }
}
