//! Tags with explanations, through the program: active rules, edits of people, sidecars.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shoot::{Answer, Shoot};
use crate::skipped_tests::{find_installed, or_skip};
use serde_json::{Value, json};

const LAUGH: &str = "BTSInterview_Drummer_Laughing.mov";

fn fixtures() -> Shoot {
    let shoot = Shoot::with_fixtures();
    shoot.scan_facts();
    shoot
}

fn tags(shoot: &Shoot, clip: &str) -> Vec<String> {
    let clip = shoot.run(&["show", "--json", clip]).json().remove(0);
    let tags = clip["tags"].as_array().cloned().unwrap_or_default();
    tags.iter()
        .map(|tag| tag.as_str().unwrap().to_owned())
        .collect()
}

fn rules(shoot: &Shoot, text: &str) {
    fs::write(shoot.catalogue().join("rules.toml"), text).unwrap();
}

const DRUMS: &str = "[[rule]]\nname = \"drums\"\nwhen = { name = \"drummer\" }\ntags = [\"drums\"]\nproduction = \"Night Owls\"\n";

#[test]
fn rules_can_be_tested_before_they_are_applied_without_the_drive() {
    let shoot = fixtures();
    rules(&shoot, DRUMS);
    let file = shoot.catalogue().join("rules.toml");
    let file = file.to_str().unwrap();
    let tried = shoot.run(&["tags", "test", file]);
    assert_eq!(tried.code, 0);
    assert!(
        tried.stdout.contains("+ drums  1 clip\n"),
        "{}",
        tried.stdout
    );
    assert!(
        tried.stdout.contains("+ production Night Owls  1 clip\n"),
        "{}",
        tried.stdout
    );
    assert!(
        tried
            .stdout
            .ends_with("1 clip would change: 2 gained, 0 lost\n"),
        "{}",
        tried.stdout
    );
    assert!(!tags(&shoot, LAUGH).contains(&"drums".to_owned()));
    let others = shoot.run(&["tags", "test", file, "camera:fx3"]);
    assert_eq!(others.stdout, "no changes\n");
    // The drive is offline.
    let away = shoot.footage().with_extension("away");
    fs::rename(shoot.footage(), &away).unwrap();
    let applied = shoot.run(&["tags", "apply"]);
    assert!(
        applied.stdout.starts_with("1 clip changed in "),
        "{}",
        applied.stdout
    );
    assert!(tags(&shoot, LAUGH).contains(&"drums".to_owned()));
    let found = shoot.run(&[
        "search",
        "tag:drums",
        "production:\"night owls\"",
        "--paths",
    ]);
    assert_eq!(found.stdout.lines().count(), 1, "{}", found.stderr);
    let again = shoot.run(&["tags", "apply", "--json"]).json().remove(0);
    assert_eq!(again["changed"], 0);
    fs::rename(&away, shoot.footage()).unwrap();
    // An empty file leaves the built-in rules; a missing file leaves the active ones.
    fs::remove_file(shoot.catalogue().join("rules.toml")).unwrap();
    assert!(
        shoot
            .run(&["tags", "apply"])
            .stderr
            .contains("keeping the active version")
    );
    assert!(tags(&shoot, LAUGH).contains(&"drums".to_owned()));
    assert_eq!(shoot.run(&["tags", "rules", "--own"]).stdout, DRUMS);
    rules(&shoot, "");
    shoot.run(&["tags", "apply"]);
    assert!(!tags(&shoot, LAUGH).contains(&"drums".to_owned()));
    shoot.assert_consistent("after the rules changed");
}

#[test]
fn invalid_rules_leave_the_active_ones_unchanged() {
    let shoot = fixtures();
    rules(&shoot, DRUMS);
    shoot.run(&["tags", "apply"]);
    rules(
        &shoot,
        &DRUMS.replace("name = \"drummer\"", "nam = \"drummer\""),
    );
    let refused = shoot.run(&["tags", "apply"]);
    assert_eq!(refused.code, 1);
    let stderr = refused.stderr;
    assert!(
        stderr.contains("rules.toml:3: no condition `nam`"),
        "{stderr}"
    );
    assert!(stderr.contains("hint: did you mean `name`?"), "{stderr}");
    let file = shoot.catalogue().join("rules.toml");
    assert_eq!(shoot.run(&["tags", "test", file.to_str().unwrap()]).code, 1);
    shoot.add("Location Scout/IMG_1234.MOV", "Scout/Drummer.MOV");
    shoot.scan_facts();
    assert!(tags(&shoot, LAUGH).contains(&"drums".to_owned()));
    assert!(tags(&shoot, "Drummer.MOV").contains(&"drums".to_owned()));
}

#[test]
fn explain_reports_why_a_tag_is_set() {
    let shoot = fixtures();
    shoot.run(&["tag", "remove", "interview", LAUGH, "--author", "anna"]);
    shoot.run(&["tag", "add", "night owls", LAUGH, "--author", "anna"]);
    let clip = shoot.run(&["tags", "explain", LAUGH]).stdout;
    for line in [
        "interview  ",
        "rule interview, matched \"Interview\"",
        "95%  rule studio-session, matched \"Studio Session\"",
        "shoot_day 2",
        "removed by anna",
        "night-owls  ",
    ] {
        assert!(clip.contains(line), "{line}: {clip}");
    }
    let clip = shoot
        .run(&["tags", "explain", LAUGH, "--json"])
        .json()
        .remove(0);
    let fired = clip["files"][0]["fired"].as_array().unwrap();
    let rules: Vec<&Value> = fired.iter().map(|fired| &fired["rule"]).collect();
    assert_eq!(rules, ["studio-session", "interview"]);
    assert_eq!(
        clip["people"][0],
        json!({"tag": "interview", "added": false, "person": "anna", "at": clip["people"][0]["at"]})
    );
}

#[test]
fn words_of_the_vocabulary_find_their_tags() {
    let shoot = fixtures();
    let count = |query: &str| {
        let answer = shoot.run(&["search", query, "--count"]);
        (answer.stdout.trim().to_owned(), answer.stderr)
    };
    assert_eq!(count("tag:shoot").0, "9");
    assert_eq!(count("tag:advert").0, "3");
    assert_eq!(count("tag:tv-set").0, "2");
    assert_eq!(count("tag:control-room").0, "1");
    assert_eq!(count("tag:phase").0, "4");
    let (none, stderr) = count("tag:rehearsal");
    assert_eq!(none, "0");
    assert!(
        stderr
            .contains("`rehearsal` is ambiguous (`studio-session/rehearsal`, `tv-set/rehearsal`)"),
        "{stderr}"
    );
    let refused = shoot.run(&["tag", "add", "rehearsal", LAUGH]);
    assert_eq!(refused.code, 1);
    let added = shoot.run(&["tag", "add", "tv rehearsal,intervew", LAUGH]);
    assert!(
        added
            .stderr
            .contains("using `tv-set/rehearsal` for `tv-rehearsal`"),
        "{}",
        added.stderr
    );
    assert!(
        added.stderr.contains("did you mean `interview`?"),
        "{}",
        added.stderr
    );
    assert_eq!(count("tag:rehearsal").0, "1");
    let tree = shoot.run(&["tags", "--json"]).json();
    let of = |key: &str, id: &str| {
        tree.iter()
            .find(|row| row[key] == id)
            .map(|row| row["clips"].clone())
    };
    assert_eq!(of("group", "shoot"), Some(json!(9)));
    // One clip has two tags below it, and counts once.
    assert_eq!(of("tag", "tv-set"), Some(json!(3)));
    assert_eq!(of("tag", "tv-set/rehearsal"), Some(json!(1)));
    assert_eq!(of("tag", "intervew"), Some(json!(1)));
    assert_eq!(of("tag", "gimbal"), None);
}

#[test]
fn a_renamed_tag_is_renamed_for_people_and_rules() {
    let shoot = fixtures();
    shoot.run(&["tag", "add", "loud", LAUGH]);
    shoot.run(&["tag", "remove", "studio-session", "C0001.MP4"]);
    let misspelt = shoot.run(&["tags", "rename", "lowd", "loud", "-y"]);
    assert!(
        misspelt.stderr.contains("no clip has the tag `lowd`"),
        "{}",
        misspelt.stderr
    );
    // There is no terminal to ask for confirmation.
    assert_ne!(shoot.run(&["tags", "rename", "loud", "noisy"]).code, 0);
    assert_eq!(
        shoot.run(&["tags", "rename", "loud", "noisy", "-y"]).code,
        0
    );
    let renamed = shoot.run(&["tags", "rename", "studio session", "Studio", "-y"]);
    assert_eq!(renamed.code, 0, "{}", renamed.stderr);
    assert_eq!(tags(&shoot, LAUGH), ["interview", "noisy", "studio"]);
    // A tag removed under the old name stays removed under the new one.
    assert!(tags(&shoot, "C0001.MP4").is_empty());
    assert_eq!(tags(&shoot, "C0002.MP4"), ["studio"]);
    shoot.add("Location Scout/IMG_1234.MOV", "Studio Session 2/IMG_9.MOV");
    shoot.scan_facts();
    assert!(tags(&shoot, "IMG_9.MOV").contains(&"studio".to_owned()));
    assert_eq!(
        shoot
            .run(&["search", "tag:studio-session", "--count"])
            .stdout
            .trim(),
        "4"
    );
    let merged = shoot.run(&[
        "tags",
        "merge",
        "noisy",
        "interview",
        "--into",
        "talk",
        "-y",
    ]);
    assert_eq!(merged.code, 0, "{}", merged.stderr);
    assert_eq!(tags(&shoot, LAUGH), ["studio", "talk"]);
    assert_eq!(
        shoot
            .run(&["tags", "rename", "studio", "studio/x", "-y"])
            .code,
        2
    );
    // Renamed back.
    shoot.run(&["tags", "rename", "studio", "studio-session", "-y"]);
    assert_eq!(tags(&shoot, "C0002.MP4"), ["studio-session"]);
    assert!(tags(&shoot, "C0001.MP4").is_empty());
    shoot.assert_consistent("after the renames");
}

#[test]
fn rules_can_match_files_next_to_a_clip() {
    let shoot = fixtures();
    rules(
        &shoot,
        "[[rule]]\nname = \"double-system\"\nwhen = { neighbour = { pattern = '(?i)[.]wav$' } }\ntags = [\"double-system\"]\n",
    );
    shoot.run(&["tags", "apply"]);
    assert!(!tags(&shoot, "C0001.MP4").contains(&"double-system".to_owned()));
    let folder = "Studio Session - Night Owls/Day1/PRIVATE/M4ROOT/CLIP";
    shoot.add(
        "Studio Session - Night Owls/Day2/Sound/SC01T03.WAV",
        format!("{folder}/T001.WAV"),
    );
    shoot.scan_facts();
    assert!(tags(&shoot, "C0001.MP4").contains(&"double-system".to_owned()));
    fs::remove_file(shoot.footage().join(folder).join("T001.WAV")).unwrap();
    shoot.scan_facts();
    assert!(!tags(&shoot, "C0001.MP4").contains(&"double-system".to_owned()));
}

#[test]
fn subtitles_next_to_a_clip_are_searched_and_matched_by_rules() {
    let shoot = fixtures();
    let folder = shoot.footage().join("Studio Session - Night Owls/Day2");
    let subtitles = "1\n00:00:00,000 --> 00:00:02,000\nThat snare was <i>enormous</i>\n";
    fs::write(folder.join("BTSInterview_Drummer_Laughing.srt"), subtitles).unwrap();
    shoot.scan_facts();
    let found = shoot.run(&["search", "enormous snare", "--paths"]);
    assert!(found.stdout.contains(LAUGH), "{}", found.stderr);
    rules(
        &shoot,
        "[[rule]]\nname = \"snare\"\nwhen = { text = \"snare\" }\ntags = [\"snare\"]\n",
    );
    shoot.run(&["tags", "apply"]);
    assert!(tags(&shoot, LAUGH).contains(&"snare".to_owned()));
}

fn xmp(shoot: &Shoot, clip: &str) -> PathBuf {
    let clip = shoot.run(&["show", "--json", clip]).json().remove(0);
    PathBuf::from(clip["path"].as_str().unwrap()).with_extension("xmp")
}

/// Runs the program with another catalogue.
fn run_with_catalogue(shoot: &Shoot, catalogue: &Path, arguments: &[&str]) -> Answer {
    let mut command = shoot.command();
    command.env("BTSINDEX_CATALOGUE", catalogue).args(arguments);
    Answer::from_output(&command.output().unwrap())
}

#[test]
fn edits_travel_in_sidecars_next_to_the_footage() {
    let shoot = fixtures();
    for words in [
        &["tag", "add", "drums,tv-set/rehearsal", LAUGH][..],
        &["tag", "remove", "interview", LAUGH],
        &["note", "first <take> & \"best\"", LAUGH],
        &["stars", "4", LAUGH],
        &["select", LAUGH],
        &["mark", "1.5s", "stick drops", LAUGH],
        &["reject", "C0001.MP4"],
    ] {
        assert_eq!(shoot.run(words).code, 0);
    }
    assert_eq!(shoot.run(&["sidecar", "write"]).code, 1);
    assert!(
        !xmp(&shoot, LAUGH).exists(),
        "nothing is written without confirmation"
    );
    let written = shoot.run(&["sidecar", "write", "-y"]);
    assert_eq!(written.code, 0, "{}", written.stderr);
    assert!(
        written
            .stdout
            .starts_with("2 sidecars written, 0 up to date"),
        "{}",
        written.stdout
    );
    let again = shoot.run(&["sidecar", "write", "-y"]);
    assert!(
        again.stdout.starts_with("0 sidecars written, 2 up to date"),
        "{}",
        again.stdout
    );
    // A scan reports it neither as new nor as changed.
    let scanned = shoot.scan_counts(&[]);
    assert_eq!(
        (&scanned["new"], &scanned["changed"]),
        (&json!(0), &json!(0)),
        "{scanned}"
    );
    let there = shoot.folder("other");
    run_with_catalogue(&shoot, &there, &["scan", shoot.footage().to_str().unwrap()]);
    let read = run_with_catalogue(&shoot, &there, &["sidecar", "read", "--author", "ben"]);
    assert_eq!(read.code, 0, "{}", read.stderr);
    let clip = run_with_catalogue(&shoot, &there, &["show", "--json", LAUGH])
        .json()
        .remove(0);
    assert_eq!(
        clip["tags"],
        json!(["drums", "interview", "studio-session", "tv-set/rehearsal"])
    );
    assert_eq!(
        (&clip["rating"], &clip["selection"]),
        (&json!(4), &json!("selected"))
    );
    assert_eq!(clip["notes"][0]["text"], "first <take> & \"best\"");
    assert_eq!(clip["markers"][0]["text"], "stick drops");
    let here = shoot.run(&["show", "--json", LAUGH]).json().remove(0);
    assert_eq!(clip["markers"], here["markers"]);
    let rejected = run_with_catalogue(&shoot, &there, &["show", "--json", "C0001.MP4"])
        .json()
        .remove(0);
    assert_eq!(rejected["selection"], "rejected");
    // Reading again finds nothing new.
    let again = run_with_catalogue(&shoot, &there, &["sidecar", "read"]);
    assert!(
        again.stdout.contains("0 edits imported"),
        "{}",
        again.stdout
    );
    // An edit undone here is removed there.
    shoot.run(&["tag", "remove", "drums", LAUGH]);
    shoot.run(&["sidecar", "write", "-y"]);
    let text = fs::read_to_string(xmp(&shoot, LAUGH)).unwrap();
    assert!(
        !text.contains("drums") && text.contains("tv-set/rehearsal"),
        "{text}"
    );
    shoot.assert_consistent("after sidecars");
}

#[test]
fn sidecars_that_cannot_be_written_are_reported_and_the_others_written() {
    let shoot = fixtures();
    let folder = shoot
        .footage()
        .join("Studio Session - Night Owls/Day1/PRIVATE/M4ROOT/CLIP");
    shoot.add(
        "Studio Session - Night Owls/Day2/Sound/SC01T03.WAV",
        "Studio Session - Night Owls/Day1/PRIVATE/M4ROOT/CLIP/C0001.WAV",
    );
    shoot.scan_facts();
    for clip in ["C0001.MP4", "C0002.MP4", LAUGH] {
        shoot.run(&["stars", "3", clip]);
    }
    fs::write(folder.join("C0002.xmp"), "no XML at all").unwrap();
    let written = shoot.run(&["sidecar", "write", "-y"]);
    assert_eq!(written.code, 3, "{}", written.stdout);
    assert!(
        written.stderr.contains(
            "C0001.MP4.xmp: other programs may read C0001.xmp as the sidecar of C0001.WAV"
        ),
        "{}",
        written.stderr
    );
    assert!(
        written.stdout.starts_with("2 sidecars written"),
        "{}",
        written.stdout
    );
    assert!(!folder.join("C0001.xmp").exists() && folder.join("C0001.MP4.xmp").exists());
    assert_eq!(
        fs::read_to_string(folder.join("C0002.xmp")).unwrap(),
        "no XML at all"
    );
    assert!(xmp(&shoot, LAUGH).exists());
    let read = shoot.run(&["sidecar", "read"]);
    assert_eq!(read.code, 3);
    assert!(read.stderr.contains("C0002.xmp"), "{}", read.stderr);
}

#[test]
fn the_catalogue_wins_over_the_sidecar_unless_requested() {
    let shoot = fixtures();
    let packet = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmp:Rating="2">
<dc:subject><rdf:Bag><rdf:li>Advert</rdf:li><rdf:li>loud</rdf:li></rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"#;
    fs::write(xmp(&shoot, LAUGH), packet).unwrap();
    shoot.run(&["stars", "5", LAUGH]);
    shoot.run(&["tag", "add", "loud", LAUGH]);
    shoot.run(&["tag", "remove", "loud", LAUGH]);
    let read = shoot.run(&["sidecar", "read"]);
    assert!(
        read.stderr
            .contains("tag `loud` was removed in the catalogue and was not added again"),
        "{}",
        read.stderr
    );
    assert!(
        read.stderr
            .contains("5 stars in the catalogue, 2 in the sidecar"),
        "{}",
        read.stderr
    );
    // A synonym is imported as its tag.
    assert_eq!(
        tags(&shoot, LAUGH),
        ["ad-shoot", "interview", "studio-session"]
    );
    let written = shoot.run(&["sidecar", "write", "-y"]);
    assert!(
        written
            .stderr
            .contains("Rating is 2 in the sidecar and 5 in the catalogue: not overwritten"),
        "{}",
        written.stderr
    );
    shoot.run(&["sidecar", "read", "--prefer-xmp"]);
    let clip = shoot.run(&["show", "--json", LAUGH]).json().remove(0);
    assert_eq!(clip["rating"], 2);
}

#[test]
fn exiftool_reads_our_sidecars_and_its_own_are_read() {
    or_skip!(find_installed("exiftool"));
    let shoot = fixtures();
    shoot.run(&["tag", "add", "drums,ad-shoot", LAUGH]);
    shoot.run(&["stars", "4", LAUGH]);
    shoot.run(&["reject", "C0001.MP4"]);
    shoot.run(&["sidecar", "write", "-y"]);
    let exiftool = |arguments: &[&str], path: &PathBuf| {
        let output = Command::new("exiftool")
            .args(arguments)
            .arg(path)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        output.stdout
    };
    let read = |path: &PathBuf| -> Value {
        let clip: Value = serde_json::from_slice(&exiftool(&["-j", "-struct"], path)).unwrap();
        clip[0].clone()
    };
    let path = xmp(&shoot, LAUGH);
    let clip = read(&path);
    assert_eq!(
        (&clip["Subject"], &clip["Rating"]),
        (&json!(["ad-shoot", "drums"]), &json!(4))
    );
    assert_eq!(read(&xmp(&shoot, "C0001.MP4"))["Rating"], -1);
    exiftool(
        &[
            "-overwrite_original",
            "-XMP-dc:Subject+=Night Owls",
            "-XMP-dc:Title=Owls",
        ],
        &path,
    );
    shoot.scan_facts();
    shoot.run(&["sidecar", "read"]);
    assert!(tags(&shoot, LAUGH).contains(&"night-owls".to_owned()));
    let shown = shoot.run(&["show", "--json", LAUGH]).json().remove(0);
    assert_eq!(shown["title"], "Owls");
    shoot.run(&["tag", "remove", "drums", LAUGH]);
    shoot.run(&["sidecar", "write", "-y"]);
    let clip = read(&path);
    assert_eq!(
        (&clip["Subject"], &clip["Title"]),
        (&json!(["ad-shoot", "Night Owls"]), &json!("Owls"))
    );
}

#[test]
fn invalid_tag_names_are_rejected_and_lose_nothing() {
    let shoot = fixtures();
    shoot.run(&["tag", "add", "acme,beta", LAUGH]);
    for (words, reason) in [
        (
            &["tags", "rename", "acme", "acme", "-y"][..],
            "already called `acme`",
        ),
        (
            &["tags", "rename", "acme", "shoot", "-y"],
            "`shoot` is a group of tags",
        ),
        (
            &["tags", "merge", "acme", "--into", "acme", "-y"],
            "already called `acme`",
        ),
    ] {
        let refused = shoot.run(words);
        assert_eq!(refused.code, 2, "{words:?}");
        assert!(
            refused.stderr.contains(reason) && refused.stderr.contains("hint: "),
            "{}",
            refused.stderr
        );
    }
    // Into one of the source tags.
    assert_eq!(
        shoot
            .run(&["tags", "merge", "acme", "beta", "--into", "acme", "-y"])
            .code,
        0
    );
    assert_eq!(tags(&shoot, LAUGH), ["acme", "interview", "studio-session"]);
    // A name that rules use is not given to another tag.
    assert_eq!(shoot.run(&["tags", "rename", "drone", "air", "-y"]).code, 0);
    let refused = shoot.run(&["tags", "rename", "vertical", "drone", "-y"]);
    assert_eq!(refused.code, 2);
    assert!(
        refused
            .stderr
            .contains("`drone` is the former name of `air`"),
        "{}",
        refused.stderr
    );
    shoot.assert_consistent("after rejected names");
}

#[test]
fn merged_tags_stay_on_clips_that_had_one_of_them() {
    for sources in [["talk", "chat"], ["chat", "talk"]] {
        let shoot = fixtures();
        shoot.run(&["tag", "add", "talk", "C0001.MP4"]);
        shoot.run(&["tag", "remove", "chat", "C0001.MP4"]);
        shoot.run(&["tag", "add", "talk,chat", LAUGH]);
        shoot.run(&["tag", "remove", "talk", LAUGH]);
        let merged = shoot.run(&[
            "tags", "merge", sources[0], sources[1], "--into", "vox", "-y",
        ]);
        assert_eq!(merged.code, 0, "{}", merged.stderr);
        assert!(
            tags(&shoot, "C0001.MP4").contains(&"vox".to_owned()),
            "{sources:?}"
        );
        assert!(
            tags(&shoot, LAUGH).contains(&"vox".to_owned()),
            "{sources:?}"
        );
    }
}

#[test]
fn imported_tags_get_their_current_names() {
    let shoot = fixtures();
    shoot.run(&["tag", "add", "drone", "C0001.MP4"]);
    shoot.run(&["tag", "remove", "drone", "DJI_0042.MP4"]);
    let journal = shoot.folder("elsewhere").join("edits.jsonl");
    let journal = journal.to_str().unwrap();
    shoot.run(&["edits", "export", journal]);
    let there = shoot.folder("other");
    run_with_catalogue(&shoot, &there, &["scan", shoot.footage().to_str().unwrap()]);
    run_with_catalogue(&shoot, &there, &["tags", "rename", "drone", "air", "-y"]);
    run_with_catalogue(&shoot, &there, &["edits", "import", journal]);
    let tags = |clip: &str| {
        run_with_catalogue(&shoot, &there, &["show", "--json", clip])
            .json()
            .remove(0)["tags"]
            .to_string()
    };
    assert!(
        tags("C0001.MP4").contains("\"air\""),
        "{}",
        tags("C0001.MP4")
    );
    assert!(
        !tags("DJI_0042.MP4").contains("air"),
        "{}",
        tags("DJI_0042.MP4")
    );
    // Undoing a rename restores the name, and removed tags stay removed.
    shoot.run(&["tags", "rename", "drone", "air", "-y"]);
    shoot.run(&["undo"]);
    let tree = shoot.run(&["tags", "--json"]).json();
    assert!(tree.iter().all(|row| row["tag"] != "drone"));
    assert!(!self::tags(&shoot, "DJI_0042.MP4").contains(&"air".to_owned()));
}

#[cfg(unix)]
#[test]
fn rules_are_read_from_files_only() {
    let shoot = fixtures();
    let path = shoot.catalogue().join("rules.toml");
    for target in ["/dev/zero", "nowhere"] {
        std::os::unix::fs::symlink(target, &path).unwrap();
        let refused = shoot.run(&["tags", "apply"]);
        assert_eq!(refused.code, 1, "{target}: {}", refused.stdout);
        assert!(refused.stderr.contains("rules.toml"), "{}", refused.stderr);
        fs::remove_file(&path).unwrap();
    }
    fs::write(&path, b"\xff\xfe[").unwrap();
    assert!(
        shoot
            .run(&["tags", "apply"])
            .stderr
            .contains("not UTF-8 text")
    );
}

#[test]
fn a_tag_known_only_to_rules_can_be_removed() {
    let shoot = fixtures();
    rules(
        &shoot,
        "[[rule]]\nname = \"odd\"\nwhen = { name = \"drummer\" }\ntags = [\"rehearsal\", \"advert\"]\n",
    );
    shoot.run(&["tags", "apply"]);
    assert_eq!(
        shoot
            .run(&["tag", "remove", "rehearsal,advert", LAUGH])
            .code,
        0
    );
    assert_eq!(tags(&shoot, LAUGH), ["interview", "studio-session"]);
}

#[test]
fn sidecar_extensions_match_in_any_case() {
    let shoot = fixtures();
    let upper = xmp(&shoot, LAUGH).with_extension("XMP");
    shoot.run(&["stars", "3", LAUGH]);
    shoot.run(&["sidecar", "write", "-y"]);
    fs::rename(xmp(&shoot, LAUGH), &upper).unwrap();
    shoot.run(&["stars", "4", LAUGH]);
    let written = shoot.run(&["sidecar", "write", "-y"]);
    assert!(
        written.stdout.starts_with("1 sidecar written"),
        "{}",
        written.stdout
    );
    assert!(upper.exists() && !xmp(&shoot, LAUGH).exists());
}
