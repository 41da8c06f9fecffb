//! Tests of the built-in rules, of user rules, and of the vocabulary.

use super::*;
use crate::clip::FieldValue;
use crate::value::{Duration, GeoPoint, Orientation, Projection, Rate};

fn built_in() -> Rules {
    Rules::new(&UserRules::default()).unwrap()
}

fn with(rules: &str) -> Result<Rules, Error> {
    Rules::new(&UserRules {
        rules: Some(rules.to_owned()),
        ..UserRules::default()
    })
}

#[expect(clippy::unnecessary_wraps, reason = "fields of a clip are options")]
fn some<T: FieldValue>(value: T) -> Option<Fact<T>> {
    Some(Fact::new(value, Source::STREAM))
}

fn tags_of(rules: &Rules, path: &str, clip: &Clip) -> String {
    let path = Path::new(path);
    let folder = rules.folder_context(path.parent().unwrap(), "SHELF-07 Night Owls", &[]);
    let assigned = rules.apply(&folder, path, clip);
    assigned
        .tags
        .map_or_else(String::new, |tags| tags.value.to_string())
}

#[test]
fn names_get_their_tags_in_every_spelling() {
    let rules = built_in();
    for (path, expected) in [
        ("AdShoot_ACME/A001.mov", "ad-shoot"),
        ("ad-shoot/A001.mov", "ad-shoot"),
        ("ADSHOOT/A001.mov", "ad-shoot"),
        ("Ad Shoots/A001.mov", "ad-shoot"),
        (
            "Studio Session - Night Owls/Day1/C0001.MP4",
            "studio-session",
        ),
        (
            "tv_set/control room/B001.mov",
            "tv-set, tv-set/control-room",
        ),
        ("Music Video 03/clip.mov", "music-video"),
        ("shoot/BTSInterview_Drummer.mov", "interview"),
        ("Entrevista/C0001.MP4", "interview"),
        ("インタビュー/C0001.MP4", "interview"),
        ("Intreview/C0001.MP4", "interview"),
        (
            "Location Scout/drone/DJI_0042.MP4",
            "drone, pre-production/location-scout",
        ),
        ("x/DJI_0042.MP4", "drone"),
        ("Osmo Pocket/DJI_0042.MP4", "gimbal"),
    ] {
        assert_eq!(tags_of(&rules, path, &Clip::default()), expected, "{path}");
    }
}

#[test]
fn words_that_only_contain_a_phrase_do_not_match() {
    let rules = built_in();
    for path in [
        "roadshow/a.mov",
        "Brad Shooter/a.mov",
        "setting/a.mov",
        "tour2d/x.mov",
        "preview/a.mov",
        "Commercial Road/a.mov",
        "Wrap GmbH/a.mov",
        "no interview/a.mov",
        "Not an interview/a.mov",
        "onset/a.mov",
        "directory/a.mov",
    ] {
        let tags = tags_of(&rules, path, &Clip::default());
        let is_negated = path.contains("an interview");
        assert!(tags.is_empty() || is_negated, "{path}: {tags}");
    }
}

#[test]
fn a_tag_records_its_rule_evidence_and_confidence() {
    let rules = built_in();
    let origin = |path: &str| {
        let path = Path::new(path);
        let folder = rules.folder_context(path.parent().unwrap(), "", &[]);
        let tags = rules.apply(&folder, path, &Clip::default()).tags.unwrap();
        tags.value.iter().next().unwrap().origin.clone()
    };
    let rule = |rule: &str, evidence: &str, confidence| TagOrigin::Rule {
        rule: rule.to_owned(),
        evidence: evidence.to_owned(),
        confidence,
    };
    assert_eq!(
        origin("x/AdShoot_ACME/y.mov"),
        rule("ad-shoot", "AdShoot", 90)
    );
    // A misspelling lowers the confidence.
    assert_eq!(
        origin("Intreview/C1.mov"),
        rule("interview", "Intreview", 75)
    );
    // The file name is the most specific text.
    assert_eq!(
        origin("Interview/Vox Pop_2.mov"),
        rule("interview", "Vox Pop", 90)
    );
}

/// Creates a clip with a value for every kind of condition.
fn full_clip() -> Clip {
    Clip {
        rate: some(Rate::new(120, 1).unwrap()),
        duration: some(Duration::from_micros(90_000_000)),
        display_width: some(2160),
        display_height: some(3840),
        orientation: some(Orientation::Vertical),
        projection: some(Projection::Equirectangular),
        captured: some("2026-05-02T23:30:00".parse().unwrap()),
        gps: GeoPoint::from_degrees(51.5, -0.12).map(|point| Fact::new(point, Source::STREAM)),
        audio_tracks: some(4),
        model: some("ILME-FX3".to_owned()),
        make: some("Sony".to_owned()),
        title: some("The gaffer explains".to_owned()),
        transcript: some("and then the drummer laughs".to_owned()),
        reel: some("A001".to_owned()),
        ..Clip::default()
    }
}

#[test]
fn every_condition_matches_only_where_it_should() {
    for (condition, expected) in [
        ("path = \"alpha\"", true),
        ("path = \"omega\"", false),
        ("folder = \"alpha\"", true),
        ("folder = \"c0001\"", false),
        ("name = \"c0001\"", true),
        ("name = \"alpha\"", false),
        ("volume = \"night owls\"", true),
        ("volume = \"alpha\"", false),
        ("camera = \"fx3\"", true),
        ("camera = \"fx30\"", false),
        ("model = [\"alexa\", \"ilme-fx3\"]", true),
        ("text = \"drummer laughs\"", true),
        ("text = \"gaffer\"", true),
        ("text = \"singer\"", false),
        ("transcript = \"drummer\"", true),
        ("rate = \">=96\"", true),
        ("rate = 120", true),
        ("rate = \"..60\"", false),
        ("fps = \"100..\"", true),
        ("duration = \"1m..2m\"", true),
        ("duration = \"<5s\"", false),
        ("orientation = \"vertical\"", true),
        ("orientation = \"horizontal\"", false),
        ("projection = [\"cubemap\", \"equirectangular\"]", true),
        ("resolution = \"4k\"", true),
        ("resolution = \"..720p\"", false),
        ("time = \"22:00..04:00\"", true),
        ("time = \"08:00..12:00\"", false),
        ("weekday = [\"sat\", \"sunday\"]", true),
        ("weekday = \"monday\"", false),
        ("near = \"51.5,-0.12,2km\"", true),
        ("near = \"48.85,2.35,2km\"", false),
        ("audio_tracks = \">2\"", true),
        ("has = \"gps\"", true),
        ("has = \"lens\"", false),
        ("scheme = \"Sony\"", true),
        ("scheme = \"DJI\"", false),
        ("extension = \"mp4\"", true),
        ("extension = [\"mov\", \".MXF\"]", false),
        ("path = { pattern = 'C0+1$' }", true),
        ("path = { pattern = 'C0+2$' }", false),
        ("path = \"alph*\"", true),
        ("path = \"alpha\", rate = 120", true),
        ("path = \"alpha\", rate = 25", false),
        ("all = [{ path = \"alpha\" }, { rate = 120 }]", true),
        ("any = [{ path = \"omega\" }, { rate = 120 }]", true),
        ("any = [{ path = \"omega\" }, { rate = 25 }]", false),
        ("not = { path = \"omega\" }", true),
        (
            "not = { any = [{ path = \"omega\" }, { path = \"alpha\" }] }",
            false,
        ),
        ("path = \"@drone\"", false),
    ] {
        let rules =
            format!("[[rule]]\nname = \"t\"\nwhen = {{ {condition} }}\ntags = [\"found\"]\n");
        let rules = with(&rules).unwrap_or_else(|error| panic!("{condition}: {error}"));
        let tags = tags_of(&rules, "Alpha/Beta/C0001.MP4", &full_clip());
        assert_eq!(tags.contains("found"), expected, "{condition}: {tags}");
    }
}

#[test]
fn a_clip_is_not_its_own_neighbour() {
    let rules = with(
        "[[rule]]\nname = \"double-system\"\nwhen = { neighbour = { pattern = '(?i)\\.wav$' } }\ntags = [\"double-system\"]\n",
    )
    .unwrap();
    assert!(rules.use_neighbours() && !built_in().use_neighbours());
    let tags = |file_name: &str, names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let folder = rules.folder_context(Path::new("Day1"), "", &names);
        let assigned = rules.apply(
            &folder,
            &Path::new("Day1").join(file_name),
            &Clip::default(),
        );
        assigned
            .tags
            .map_or_else(String::new, |tags| tags.value.to_string())
    };
    assert_eq!(tags("A.mov", &["A.mov", "T01.WAV"]), "double-system");
    assert_eq!(tags("A.mov", &["A.mov"]), "");
    assert_eq!(tags("T01.WAV", &["A.mov", "T01.WAV"]), "");
    assert_eq!(tags("T01.WAV", &["T02.WAV", "T01.WAV"]), "double-system");
}

#[test]
fn rules_assign_facts_and_higher_priority_wins() {
    let rules = with(
        r#"
[[rule]]
name = "acme"
when = { path = "acme" }
production = "ACME Spring"
shoot_day = 3

[[rule]]
name = "acme-autumn"
priority = 10
when = { path = "acme autumn" }
production = "ACME Autumn"

[[rule]]
name = "slated"
when = { name = { pattern = '(?i)^acme_(?<scene>\d+[a-z])x(?<take>\d+)_(?<cam>[a-c])$' } }
scene = "$scene"
take = "$take"
camera_letter = "$cam"

[[rule]]
name = "no-ad"
priority = 5
when = { path = "charity" }
excludes = ["ad-shoot"]
"#,
    )
    .unwrap();
    let assigned = |path: &str| {
        let path = Path::new(path);
        let folder = rules.folder_context(path.parent().unwrap(), "", &[]);
        rules.apply(&folder, path, &Clip::default())
    };
    let clip = assigned("ACME/ACME_12bx3_a.mov");
    let text = |fact: &Option<Fact<String>>| {
        fact.as_ref()
            .map(|fact| format!("{} {}", fact.value, fact.source))
    };
    assert_eq!(
        text(&clip.production).as_deref(),
        Some("ACME Spring rule:acme")
    );
    assert_eq!(text(&clip.scene).as_deref(), Some("12B rule:slated"));
    assert_eq!(text(&clip.camera_letter).as_deref(), Some("A rule:slated"));
    assert_eq!(clip.take.unwrap().value, 3);
    assert_eq!(clip.shoot_day.unwrap().value, 3);
    assert_eq!(
        text(&assigned("ACME Autumn/x.mov").production).as_deref(),
        Some("ACME Autumn rule:acme-autumn")
    );
    assert!(assigned("Commercial/x.mov").tags.is_some());
    assert!(assigned("Charity Commercial/x.mov").tags.is_none());
    let path = Path::new("Charity Commercial/x.mov");
    let folder = rules.folder_context(path.parent().unwrap(), "", &[]);
    let matches = rules.matches(&folder, "x.mov", &Clip::default());
    let excluded: Vec<_> = matches
        .iter()
        .map(|rule| (rule.rule.as_str(), rule.excluded_by.as_deref()))
        .collect();
    assert_eq!(excluded, [("no-ad", None), ("ad-shoot", Some("no-ad"))]);
}

#[test]
fn a_user_rule_replaces_the_built_in_rule_of_the_same_name() {
    let user_rules = "[[rule]]\nname = \"drone\"\nwhen = { path = \"kite\" }\ntags = [\"kite\"]\n\n[[rule]]\nname = \"interview\"\noff = true\n";
    let rules = with(user_rules).unwrap();
    assert_eq!(tags_of(&rules, "Drone/a.mov", &Clip::default()), "");
    assert_eq!(tags_of(&rules, "Kite/a.mov", &Clip::default()), "kite");
    assert_eq!(tags_of(&rules, "Interview/a.mov", &Clip::default()), "");
}

/// Invalid rules, one case per line. The parts of a case: the rest of the rule after its name (`|`
/// is a line break), the line number of the error, part of the message, and part of the hint.
const INVALID_RULES: &str = r#"
when = { pat = "x" } ⇒ 4 ⇒ no condition `pat` ⇒ did you mean `path`?
when = { camara = "x" } ⇒ 4 ⇒ no condition `camara` ⇒ did you mean `camera`?
whem = { path = "x" } ⇒ 4 ⇒ no setting `whem` ⇒ did you mean `when`?
when = { path = "x" } ⇒ 2 ⇒ has no effect ⇒ tags =
tags = ["a"] ⇒ 2 ⇒ has no condition ⇒ when =
when = { path = [] } ⇒ 4 ⇒ the list is empty ⇒ ["interview"]
when = { path = "--" } ⇒ 4 ⇒ not a phrase ⇒ ad shoot
when = { path = "a b*" } ⇒ 4 ⇒ is too general ⇒ three letters
when = { path = "@intervew" } ⇒ 4 ⇒ no tag `intervew` ⇒ did you mean `@interview`?
when = { rate = "fast" } ⇒ 4 ⇒ `fast` is not ⇒ rate:
when = { orientation = "tall" } ⇒ 4 ⇒ `tall` is not ⇒ orientation:
when = { tags = "x" } ⇒ 4 ⇒ cannot depend on tags ⇒ excludes
when = { weekday = "caturday" } ⇒ 4 ⇒ not a day of the week ⇒ sat
when = { time = "noonish" } ⇒ 4 ⇒ `noonish` ⇒ docs/query.md
when = { near = "London" } ⇒ 4 ⇒ `London` ⇒ docs/query.md
when = { scheme = "Kodak" } ⇒ 4 ⇒ unknown naming scheme `Kodak` ⇒ GoPro
when = { path = { pattern = '(' } } ⇒ 4 ⇒ invalid pattern: unclosed group ⇒ single quotes
when = { path = { pattern = '(?<=x)a' } } ⇒ 4 ⇒ look-around ⇒ without look-around
when = { path = { pattern = '((a{100}){100}){100}' } } ⇒ 4 ⇒ the pattern is too large ⇒ `regex` crate
when = { all = [] } ⇒ 4 ⇒ `all` is empty ⇒ drone
when = { path = "x" }|tags = [""] ⇒ 5 ⇒ is not a tag ⇒ tv-set/rehearsal
when = { path = "x" }|take = "three" ⇒ 5 ⇒ `take` must be a number ⇒ take = 3
when = { path = "x" }|confidence = 300 ⇒ 5 ⇒ not a whole number from 1 to 100 ⇒ confidence = 100
when = { path = "x" }|excludes = ["intervew"] ⇒ 5 ⇒ no rule `intervew` ⇒ did you mean `interview`?
when = { path = "x" }|tags = ["a"]|[[rule]]|name = "t"|when = { path = "y" }|tags = ["b"] ⇒ 6 ⇒ two rules are named `t` ⇒ a different name
when = { path = x } ⇒ 4 ⇒ ⇒ quotes
"#;

/// Asserts that a rules file is rejected with this line, message and hint.
fn assert_rejected(text: &str, line: usize, reason: &str, hint: &str) {
    match with(text) {
        Err(Error::InvalidFile {
            file,
            line: at,
            message,
            hint: actual_hint,
        }) => {
            assert_eq!(
                (file.as_str(), at),
                ("rules.toml", Some(line)),
                "{text}{message}"
            );
            assert!(message.contains(reason), "{text}{message}");
            assert!(actual_hint.contains(hint), "{text}{message}: {actual_hint}");
        }
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn an_invalid_rule_is_rejected_with_its_line_a_reason_and_a_hint() {
    for case in INVALID_RULES.lines().filter(|case| !case.is_empty()) {
        let parts: Vec<&str> = case.split('⇒').map(str::trim).collect();
        let [rule, line, reason, hint] = parts.as_slice() else {
            panic!("{case}");
        };
        let is_complete =
            *reason == "has no effect" || rule.contains("tags =") || rule.contains("take =");
        let more = if is_complete { "" } else { "\ntags = [\"a\"]" };
        let rule = rule.replace('|', "\n");
        let text = format!("# mine\n[[rule]]\nname = \"t\"\n{rule}{more}\n");
        assert_rejected(&text, line.parse().unwrap(), reason, hint);
    }
    assert_rejected("when = 1\n", 1, "no setting `when`", "rule");
    let deep = format!(
        "{}path = \"x\"{}",
        "{ not = ".repeat(40) + "{ ",
        " }".repeat(41)
    );
    let deep = format!("[[rule]]\nname = \"t\"\nwhen = {deep}\ntags = [\"a\"]\n");
    assert_rejected(&deep, 3, "more than 16 deep", "two rules");
    assert!(with(&"#".repeat(1024 * 1024 + 1)).is_err());
    assert!(with("").is_ok());
}

#[test]
fn a_pattern_takes_linear_time() {
    let rules = with(
        "[[rule]]\nname = \"slow\"\nwhen = { path = { pattern = '^(a+)+$' } }\ntags = [\"slow\"]\n",
    )
    .unwrap();
    let name = format!("{}!.mov", "a".repeat(200_000));
    assert!(!tags_of(&rules, &format!("x/{name}"), &Clip::default()).contains("slow"));
}

#[test]
fn a_word_may_mean_one_tag_several_tags_or_a_group() {
    let vocabulary = Vocabulary::new(None, BTreeMap::new()).unwrap();
    let meanings = |word: &str| vocabulary.meanings(word).join(" ");
    assert_eq!(meanings("tv-set/rehearsal"), "tv-set/rehearsal");
    assert_eq!(
        meanings("rehearsal"),
        "studio-session/rehearsal tv-set/rehearsal"
    );
    assert_eq!(
        meanings("Rehearsals"),
        "studio-session/rehearsal tv-set/rehearsal"
    );
    assert_eq!(
        meanings("review"),
        "ad-shoot/client-monitor post-production/review"
    );
    assert_eq!(meanings("wrap"), "wrap picture-wrap");
    assert_eq!(meanings("TV commercials"), "ad-shoot");
    assert_eq!(meanings("entrevista"), "interview");
    assert_eq!(meanings("drums"), "");
    assert!(meanings("shoot").starts_with("studio-session tv-set ad-shoot film-set"));
    assert!(vocabulary.is_group("Shoot") && !vocabulary.is_group("drone"));
    assert_eq!(vocabulary.resolve("Ad Shoot").unwrap(), "ad-shoot");
    assert_eq!(vocabulary.resolve("advert").unwrap(), "ad-shoot");
    assert_eq!(vocabulary.resolve("wrap").unwrap(), "wrap");
    assert_eq!(vocabulary.resolve("Night Owls").unwrap(), "night-owls");
    let error = vocabulary.resolve("rehearsal").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`rehearsal` is ambiguous: `studio-session/rehearsal` or `tv-set/rehearsal`"
    );
    assert!(error.hint().is_some());
    assert_eq!(vocabulary.nearest("intervew"), Some("interview"));
}

#[test]
fn the_built_in_vocabulary_and_rules_are_consistent() {
    // Loads the built-in vocabulary as a user vocabulary, because only the words of the latter are
    // checked.
    let vocabulary = Vocabulary::new(Some(VOCABULARY), BTreeMap::new()).unwrap();
    let rules = built_in();
    for rule in &rules.ordered {
        for tag in &rule.tags {
            let is_known = vocabulary.tags().iter().any(|entry| entry.id == *tag);
            assert!(is_known, "{}", rule.name);
        }
    }
    for entry in vocabulary.tags() {
        assert!(!entry.help.is_empty(), "{}", entry.id);
        let is_assigned = rules
            .ordered
            .iter()
            .any(|rule| rule.tags.contains(&entry.id));
        assert!(is_assigned, "no rule assigns {}", entry.id);
    }
}

#[test]
fn a_renamed_tag_has_its_new_name_everywhere() {
    let renamed = BTreeMap::from([("tv-set".to_owned(), "television".to_owned())]);
    let user = UserRules {
        renamed,
        ..UserRules::default()
    };
    let rules = Rules::new(&user).unwrap();
    let tags = tags_of(&rules, "TV Studio/Control Room/x.mov", &Clip::default());
    assert_eq!(tags, "television, television/control-room");
    assert_eq!(rules.vocabulary().meanings("talk show"), ["television"]);
    assert_eq!(rules.vocabulary().resolve("tv set").unwrap(), "television");
}

#[test]
fn a_user_vocabulary_is_added_or_rejected_with_a_hint() {
    let parse = |text: &str| Vocabulary::new(Some(text), BTreeMap::new());
    let added = parse("[[tag]]\nid = \"interview\"\nsynonyms = [\"confessional\"]\n\n[[tag]]\nid = \"wedding\"\ngroup = \"shoot\"\nsynonyms = [\"hochzeit\"]\n\n[[tag]]\nid = \"wedding/vows\"\n").unwrap();
    assert_eq!(added.meanings("confessional"), ["interview"]);
    assert_eq!(added.meanings("vows"), ["wedding/vows"]);
    assert!(added.meanings("shoot").contains(&"wedding".to_owned()));
    for (text, line, reason, hint) in [
        ("[[tag]]\nid = \"a\"\n", 1, "has no group", "group ="),
        (
            "[[tag]]\nid = \"a\"\ngroup = \"momant\"\n",
            3,
            "no group `momant`",
            "did you mean `moment`?",
        ),
        (
            "[[tag]]\nid = \"a/b\"\n",
            1,
            "`a`, the parent of `a/b`, is not a tag",
            "before it",
        ),
        (
            "[[tag]]\nid = \"A Tag\"\ngroup = \"moment\"\n",
            1,
            "is not in canonical form",
            "a-tag",
        ),
        (
            "[[tag]]\nid = \"a\"\ngroup = \"moment\"\nsynonyms = [\"drone\"]\n",
            1,
            "`drone` already means `drone`",
            "among",
        ),
        (
            "\n[[tag]]\nid = \"a\"\ngroup = \"moment\"\nsynonyms = [\"b\"]\n\n[[tag]]\nid = \"b\"\ngroup = \"moment\"\nsynonyms = [\"a\"]\n",
            7,
            "each other's synonyms",
            "among",
        ),
        (
            "[[tag]]\nid = \"a\"\ngroup = \"moment\"\nsynonyms = [\"!\"]\n",
            4,
            "contains no letter",
            "interview",
        ),
        (
            "[[tag]]\nid = \"a\"\ngroup = \"moment\"\nsynonym = [\"x\"]\n",
            4,
            "no setting `synonym`",
            "did you mean `synonyms`?",
        ),
    ] {
        match parse(text) {
            Err(Error::InvalidFile {
                file,
                line: at,
                message,
                hint: actual_hint,
            }) => {
                assert_eq!(
                    (file.as_str(), at),
                    ("vocabulary.toml", Some(line)),
                    "{text}{message}"
                );
                assert!(
                    message.contains(reason) && actual_hint.contains(hint),
                    "{text}{message}: {actual_hint}"
                );
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

proptest::proptest! {
    #![proptest_config(crate::property_tests::random(256))]

    /// Checks that the rules terminate for arbitrary names and return the same result twice.
    #[test]
    fn tagging_is_deterministic_for_any_name(path in "[^/\0]{0,40}(/[^/\0]{0,40}){0,4}") {
        thread_local! {
            static RULES: Rules = built_in();
        }
        let path = Path::new("x").join(path.trim_start_matches('/')).join("y.mov");
        RULES.with(|rules| {
            let assigned = || {
                let folder = rules.folder_context(path.parent().unwrap(), "", &[]);
                rules.apply(&folder, &path, &Clip::default())
            };
            proptest::prop_assert_eq!(assigned(), assigned());
            Ok(())
        })?;
    }
}
