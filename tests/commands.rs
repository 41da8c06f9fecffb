//! Every command on the fixtures, with its whole output as a snapshot.
//!
//! `cargo insta review`, or `INSTA_UPDATE=always cargo test`, accepts a changed output.

use crate::shoot::{Answer, Shoot};

/// Output without the parts that differ between machines and runs.
fn normalized(shoot: &Shoot, text: &str) -> String {
    let folder = shoot.footage();
    let volume = shoot
        .clips()
        .first()
        .and_then(|clip| clip["volume"].as_str().map(str::to_owned));
    let mut text = text
        .replace(&folder.to_string_lossy().into_owned(), "[FOOTAGE]")
        .replace(
            &shoot.catalogue().to_string_lossy().into_owned(),
            "[CATALOGUE]",
        );
    if let Some(volume) = volume {
        text = text.replace(&volume, "[VOLUME]");
    }
    text
}

fn normalized_output(shoot: &Shoot, answer: &Answer) -> String {
    let (stdout, stderr) = (
        normalized(shoot, &answer.stdout),
        with_sorted_warnings(&normalized(shoot, &answer.stderr)),
    );
    format!(
        "exit {}\n--- stdout\n{stdout}--- stderr\n{stderr}",
        answer.code
    )
}

/// Sorts consecutive warnings: files are read in parallel, so their order varies.
fn with_sorted_warnings(stderr: &str) -> String {
    let is_warning = |line: &&str| line.starts_with("warning: ");
    let mut lines: Vec<&str> = stderr.split_inclusive('\n').collect();
    for run in lines.chunk_by_mut(|one, next| is_warning(one) && is_warning(next)) {
        run.sort_unstable();
    }
    lines.concat()
}

/// Compares the whole output of a command with a snapshot.
macro_rules! assert_output {
    ($shoot:expr, $answer:expr) => {
        insta::with_settings!({filters => vec![
            (r"in \d+\.\d s", "in [TIME]"),
            // Columns are as wide as the volume's label.
            (r"\[VOLUME\]  +", "[VOLUME]  "),
            (r#""seconds":\d+(\.\d+)?"#, r#""seconds":"[TIME]""#),
            (r"ff(mpeg|probe) \d\S*", "ff$1 [VERSION]"),
            (r"at \S*ff(mpeg|probe)\b", "at [PATH]/ff$1"),
            (r"\d+(\.\d)? [GT]B free at .*", "[SPACE] free at [CATALOGUE]"),
        ]}, {
            insta::assert_snapshot!(normalized_output(&$shoot, &$answer));
        });
    };
}

#[test]
fn two_scans_in_a_row() {
    let shoot = Shoot::with_fixtures();
    let first = shoot.scan();
    assert_output!(shoot, first);
    let second = shoot.scan();
    assert_output!(shoot, second);
}

#[test]
fn searches_find_clips_by_remembered_details() {
    let shoot = Shoot::with_fixtures();
    shoot.scan_facts();
    assert_output!(shoot, shoot.run(&["search"]));
    assert_output!(shoot, shoot.run(&["search", "drummer", "laughing"]));
    assert_output!(
        shoot,
        shoot.run(&["search", "tag:ad shoot", "--limit", "2"])
    );
    assert_output!(shoot, shoot.run(&["search", "no such thing"]));
    for (words, names) in [
        (&["A001_C003"][..], &["A001_C003_0512AB.mov"][..]),
        (&["a001c003"], &["A001_C003_0512AB.mov"]),
        (
            &["bts", "interview"],
            &["BTSInterview_Drummer_Laughing.mov"],
        ),
        (&["BTSInterview"], &["BTSInterview_Drummer_Laughing.mov"]),
        (
            &["day 2", "drummer"],
            &["BTSInterview_Drummer_Laughing.mov"],
        ),
        (
            &["Day2"],
            &["BTSInterview_Drummer_Laughing.mov", "SC01T03.WAV"],
        ),
        (
            &["night", "owls", "INTERVIEW"],
            &["BTSInterview_Drummer_Laughing.mov"],
        ),
        (&["camera:fx3"], &["C0001.MP4", "C0002.MP4"]),
        (&["camera:gopro"], &["GX010042.MP4"]),
        (&["codec:prores"], &["A001_C003_0512AB.mov"]),
        (&["codec:pcm_s24le"], &["SC01T03.WAV"]),
        (&[r#"tag:"location scout" drone"#], &["DJI_0042.MP4"]),
        (&["hdr:hlg"], &["C0002.MP4"]),
        (&["rate:59.94"], &["GX010042.MP4"]),
        (&["rotation:90"], &["IMG_1234.MOV"]),
        (&["captured:2026-05-14", "rate:29.97"], &["DJI_0042.MP4"]),
        (&["tc:01:00:00;02"], &["B001C002_260513_R2XY.mov"]),
        (&["hero_bottle"], &["hero_bottle.[0001-0008].dpx"]),
        (&["problem:text"], &["notes.mov"]),
    ] {
        assert_eq!(shoot.search_names(words), names, "{words:?}");
    }
}

#[test]
fn skipped_files_are_not_found() {
    let shoot = Shoot::with_fixtures();
    shoot.scan_facts();
    for word in [
        "render",
        "scratch",
        "callsheet",
        "C0001S03",
        "GL010042",
        "C0001T01",
        "lrf",
        "xml",
    ] {
        assert_eq!(shoot.run(&["search", word]).code, 4, "{word}");
    }
}

#[test]
fn a_clip_as_json_has_every_fact() {
    let shoot = Shoot::with_fixtures();
    shoot.scan_facts();
    for name in ["C0002", "IMG_1234", "SC01T03"] {
        let answer = shoot.run(&["search", "--json", name]);
        let pretty = serde_json::to_string_pretty(&answer.json()[0]).unwrap() + "\n";
        insta::assert_snapshot!(normalized(&shoot, &pretty));
    }
}

#[test]
fn paths_are_printed_for_other_programs() {
    let shoot = Shoot::with_fixtures();
    shoot.add("Location Scout/IMG_1234.MOV", "copy/IMG_1234 (2).MOV");
    shoot.scan_facts();
    assert_output!(shoot, shoot.run(&["search", "--paths", "img_1234"]));
    assert_output!(
        shoot,
        shoot.run(&["search", "--paths", "--all-files", "img_1234"])
    );
    let ended_by_zero = shoot.run(&["search", "-0", "img_1234"]).stdout;
    assert!(
        ended_by_zero.ends_with("IMG_1234.MOV\0"),
        "{ended_by_zero:?}"
    );
}

#[test]
fn show_prints_every_fact_with_its_source() {
    let shoot = Shoot::with_fixtures();
    shoot.scan();
    for name in [
        "C0001.MP4",
        "IMG_1234.MOV",
        "truncated.mp4",
        "hero_bottle.0001.dpx",
    ] {
        assert_output!(shoot, shoot.run(&["show", name]));
    }
    let id = shoot.clip("C0001.MP4")["id"].as_str().unwrap().to_owned();
    let by_name = shoot.run(&["show", "C0001.MP4"]).stdout;
    assert_eq!(shoot.run(&["show", &id[..8]]).stdout, by_name);
    let path = shoot.clip("C0001.MP4")["path"].as_str().unwrap().to_owned();
    assert_eq!(shoot.run(&["show", &path]).stdout, by_name);
    let proxy = path.replace("CLIP/C0001.MP4", "SUB/C0001S03.MP4");
    assert_eq!(shoot.run(&["show", &proxy]).stdout, by_name);
    assert_output!(shoot, shoot.run(&["show", "--json", "C0001.MP4"]));
}

#[test]
fn fields_lists_every_query_field() {
    let shoot = Shoot::new();
    assert_output!(
        shoot,
        Answer {
            code: 0,
            ..shoot.run(&["fields"])
        }
    );
}

#[test]
fn doctor_runs_every_check() {
    let shoot = Shoot::with_fixtures();
    assert_output!(shoot, shoot.run(&["doctor"]));
    shoot.scan_facts();
    assert_output!(shoot, shoot.run(&["doctor"]));
    let missing = shoot
        .command()
        .arg("doctor")
        .env("BTSINDEX_FFMPEG", "/nowhere/ffmpeg")
        .output()
        .unwrap();
    assert_output!(shoot, Answer::from_output(&missing));
}

#[test]
fn usage_errors_come_with_a_hint() {
    let shoot = Shoot::with_fixtures();
    assert_output!(shoot, shoot.run(&["search", "drummer"]));
    assert_output!(shoot, shoot.run(&["scan", "/nowhere/at/all"]));
    shoot.scan_facts();
    for arguments in [
        &["search", "camara:fx3"][..],
        &["search", "hdr:hdr1"],
        &["search", "width:wide"],
        &["show", "nothing.mov"],
        &["scan", ".", "--exclude", "a[b"],
    ] {
        assert_output!(shoot, shoot.run(arguments));
    }
}

#[test]
fn help_pages_are_unchanged() {
    let shoot = Shoot::new();
    for arguments in [
        &["--help"][..],
        &["scan", "--help"],
        &["search", "--help"],
        &["browse", "--help"],
        &["report", "--help"],
        &["sheet", "--help"],
    ] {
        assert_output!(shoot, shoot.run(arguments));
    }
    assert_eq!(
        shoot.run(&["--version"]).stdout,
        format!("btsindex {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn completions_are_generated_for_each_shell() {
    let shoot = Shoot::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = shoot.run(&["completions", shell]).stdout;
        assert!(
            script.contains("btsindex") && script.contains("accept-missing"),
            "{shell}"
        );
    }
}
