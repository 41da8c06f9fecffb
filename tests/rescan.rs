//! Scanning again: known facts are kept, whatever happened in between.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

#[cfg(unix)]
use crate::shoot::kill::KillableCommand;
use crate::shoot::{
    Shoot, find_program, fixtures, number, set_modified, wait_until, write_program,
};
use serde_json::Value;

/// Content of the catalogue, without anything that depends on the folder of the test.
fn content(shoot: &Shoot) -> Vec<String> {
    let folder = shoot.footage().to_string_lossy().into_owned();
    shoot
        .clips()
        .iter()
        .map(|clip| clip.to_string().replace(&folder, ""))
        .collect()
}

/// Matches in the index for each of many words; a clean scan must give the same.
fn finds(shoot: &Shoot) -> Vec<Vec<String>> {
    [
        "drummer",
        "tag:interview",
        "c0001",
        "dpx",
        "apple",
        "codec:h264",
        "broken",
        "problem:moov",
    ]
    .iter()
    .map(|word| shoot.search_names(&[word]))
    .collect()
}

#[test]
fn a_second_scan_does_no_work() {
    let shoot = Shoot::with_fixtures();
    shoot.scan();
    let before = content(&shoot);
    let counts = shoot.scan_counts(&[]);
    assert_eq!(
        (&counts["read"], &counts["new"], &counts["changed"]),
        (&0.into(), &0.into(), &0.into())
    );
    assert_eq!(counts["unchanged"], counts["found"]);
    assert_eq!(content(&shoot), before);
}

#[test]
fn no_file_is_probed_twice() {
    let shoot = Shoot::with_fixtures();
    shoot.scan();
    let footage = shoot.footage();
    fs::rename(
        footage.join("AdShoot_ACME"),
        footage.join("Renamed Campaign"),
    )
    .unwrap();
    crate::shoot::copy(
        &footage.join("TV Set - Late Kitchen"),
        &footage.join("backup"),
    );
    let summary = shoot.scan_without_tools(&footage);
    assert_eq!(
        (&summary["read"], &summary["recognised"]),
        (&5.into(), &5.into()),
        "{summary}"
    );
    // Facts and posters exist, tags follow the new names, and copies are one clip.
    let clip = shoot.clip("A001_C003_0512AB.mov");
    assert_eq!(clip["video_codec"], "prores");
    let copied = shoot.clip("GX010042.MP4");
    assert_eq!(copied["files"].as_array().unwrap().len(), 2);
    assert_eq!(
        shoot.search_names(&["backup"]),
        ["B001C002_260513_R2XY.mov", "GX010042.MP4"]
    );
}

#[test]
fn a_changed_file_is_read_again_and_a_touched_one_keeps_its_facts() {
    let shoot = Shoot::new();
    let path = shoot.add("Location Scout/old_tape.avi", "a.avi");
    let kept = shoot.add("Location Scout/anamorphic_wide.mkv", "b.mkv");
    shoot.scan();
    fs::copy(fixtures().join("Location Scout/IMG_1234.MOV"), &path).unwrap();
    set_modified(&kept, 1_779_000_000);
    let counts = shoot.scan_counts(&[]);
    assert_eq!(
        (&counts["changed"], &counts["recognised"]),
        (&2.into(), &1.into()),
        "{counts}"
    );
    assert_eq!(shoot.search_names(&["codec:h264", "a.avi"]), ["a.avi"]);
    assert_eq!(shoot.clip("b.mkv")["modified"], "2026-05-17T06:40:00Z");
    assert_eq!(
        shoot.clips().len(),
        3,
        "the former a.avi is kept as a missing clip"
    );
}

#[test]
fn a_reused_card_keeps_the_edits_of_its_former_clips() {
    let shoot = Shoot::new();
    shoot.add("Location Scout/old_tape.avi", "CARD/C0001.avi");
    shoot.scan_facts();
    let monday = shoot.clip("C0001.avi");
    let before = content(&shoot);
    for _ in 0..2 {
        fs::remove_file(shoot.footage().join("CARD/C0001.avi")).unwrap();
        shoot.add("Location Scout/IMG_1234.MOV", "CARD/C0001.avi");
        shoot.scan_facts();
        let states = |codec: &str| {
            let clips = shoot
                .run(&["search", "--json", &format!("codec:{codec}")])
                .json();
            clips
                .iter()
                .map(|clip| clip["files"][0]["state"].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            (states("mpeg4"), states("h264")),
            (vec!["missing".into()], vec!["present".into()])
        );
        let id = monday["id"].as_str().unwrap();
        let kept: Value = serde_json::from_str(&shoot.run(&["show", "--json", id]).stdout).unwrap();
        assert_eq!(
            (&kept["bytes"], &kept["duration"]),
            (&monday["bytes"], &monday["duration"])
        );
        // The first content returns.
        shoot.add("Location Scout/old_tape.avi", "CARD/C0001.avi");
        shoot.scan_facts();
        assert_eq!(
            (states("mpeg4"), states("h264")),
            (vec!["present".into()], vec!["missing".into()])
        );
    }
    assert_eq!(
        content(&shoot)
            .iter()
            .filter(|clip| before.contains(clip))
            .count(),
        1
    );
}

#[test]
fn a_sidecar_added_later_is_read() {
    let shoot = Shoot::new();
    let card = "Studio Session - Night Owls/Day1/PRIVATE/M4ROOT/CLIP";
    shoot.add(&format!("{card}/C0001.MP4"), "C0001.MP4");
    shoot.scan_facts();
    assert!(shoot.clip("C0001.MP4")["model"].is_null());
    shoot.add(&format!("{card}/C0001M01.XML"), "C0001M01.XML");
    shoot.scan_facts();
    assert_eq!(shoot.clip("C0001.MP4")["model"], "ILME-FX3");
    assert_eq!(shoot.search_names(&["camera:fx3"]), ["C0001.MP4"]);
}

#[test]
fn a_proxy_belongs_to_its_original_and_replaces_it_when_missing() {
    let shoot = Shoot::new();
    let card = "TV Set - Late Kitchen/DCIM/100GOPRO";
    shoot.add(&format!("{card}/GL010042.LRV"), "GL010042.LRV");
    shoot.scan_facts();
    assert_eq!(shoot.search_names(&[]), ["GL010042.LRV"]);
    shoot.add(&format!("{card}/GX010042.MP4"), "GX010042.MP4");
    shoot.scan_facts();
    assert_eq!(shoot.search_names(&[]), ["GX010042.MP4"]);
    fs::remove_file(shoot.footage().join("GX010042.MP4")).unwrap();
    shoot.scan_counts(&["--no-pictures", "--accept-missing"]);
    assert_eq!(shoot.search_names(&[]), ["GL010042.LRV", "GX010042.MP4"]);
}

#[test]
fn removing_a_sidecar_removes_its_facts() {
    let shoot = Shoot::new();
    let card = "Studio Session - Night Owls/Day1/PRIVATE/M4ROOT/CLIP";
    shoot.add(&format!("{card}/C0001.MP4"), "C0001.MP4");
    let sidecar = shoot.add(&format!("{card}/C0001M01.XML"), "C0001M01.XML");
    shoot.scan_facts();
    let with = content(&shoot);
    fs::remove_file(&sidecar).unwrap();
    shoot.scan_facts();
    assert!(shoot.clip("C0001.MP4")["model"].is_null());
    shoot.add(&format!("{card}/C0001M01.XML"), "C0001M01.XML");
    shoot.scan_facts();
    assert_eq!(content(&shoot), with);
}

#[test]
fn renaming_a_large_folder_is_a_move() {
    let shoot = Shoot::with_fixtures();
    shoot.scan_facts();
    let footage = shoot.footage();
    let week = footage.join("Week 20");
    fs::create_dir(&week).unwrap();
    for entry in fs::read_dir(&footage).unwrap() {
        let path = entry.unwrap().path();
        if path != week {
            fs::rename(&path, week.join(path.file_name().unwrap())).unwrap();
        }
    }
    let counts = shoot.scan_counts(&["--no-pictures"]);
    // All but the empty file, which has no content to identify it.
    assert_eq!(
        (&counts["recognised"], &counts["moved"]),
        (&16.into(), &16.into()),
        "{counts}"
    );
    assert_eq!(
        (&counts["missing"], &counts["doubted"]),
        (&1.into(), &0.into()),
        "{counts}"
    );
    let paths = shoot.run(&["search", "--paths", "interview"]).stdout;
    assert!(paths.contains("Week 20"), "{paths}");
}

#[test]
fn image_sequences_follow_their_frames() {
    let shoot = Shoot::new();
    let scans = shoot.footage().join("Scans");
    crate::shoot::copy(&fixtures().join("AdShoot_ACME/Scans"), &scans);
    shoot.scan();
    // Same size and an older time: only the frame itself reveals the change.
    set_modified(&scans.join("hero_bottle.0005.dpx"), 1_700_000_000);
    assert_eq!(shoot.scan_counts(&[])["changed"], 1);
    for frame in 5..=8 {
        fs::remove_file(scans.join(format!("hero_bottle.000{frame}.dpx"))).unwrap();
    }
    shoot.scan();
    assert_eq!(shoot.clip("hero_bottle.[0001-0004].dpx")["frames"], 4);
    assert_eq!(shoot.run(&["show", "hero_bottle.[0001-0004].dpx"]).code, 0);
    fs::remove_file(scans.join("hero_bottle.0001.dpx")).unwrap();
    shoot.scan_counts(&["--accept-missing"]);
    assert_eq!(
        shoot.clip("hero_bottle.[0002-0004].dpx")["files"][0]["state"],
        "present"
    );
    assert_eq!(
        shoot.clip("hero_bottle.[0001-0004].dpx")["files"][0]["state"],
        "missing"
    );
}

#[test]
fn single_files_are_scanned_with_their_companions() {
    let shoot = Shoot::with_fixtures();
    let card = shoot.footage().join("TV Set - Late Kitchen/DCIM/100GOPRO");
    let scans = shoot.footage().join("AdShoot_ACME/Scans");
    let mut command = shoot.command();
    command
        .arg("scan")
        .args(["GX010042.MP4", "GL010042.LRV"].map(|name| card.join(name)));
    command.arg(scans.join("hero_bottle.0003.dpx"));
    assert_eq!(command.output().unwrap().status.code(), Some(0));
    assert_eq!(
        shoot.search_names(&[]),
        ["GX010042.MP4", "hero_bottle.[0001-0008].dpx"]
    );
}

#[test]
fn timed_out_files_are_retried_and_keep_their_facts() {
    let shoot = Shoot::new();
    shoot.add("Location Scout/old_tape.avi", "a.avi");
    shoot.add("Location Scout/anamorphic_wide.mkv", "b.mkv");
    let stuck = hanging_tools(&shoot);
    let scan_stuck = || {
        let mut command = shoot.command();
        command
            .args(["scan", "--deadline", "1"])
            .arg(shoot.footage());
        command
            .env("BTSINDEX_FFPROBE", stuck.join("ffprobe"))
            .env("BTSINDEX_FFMPEG", stuck.join("ffmpeg"));
        assert_eq!(command.output().unwrap().status.code(), Some(3));
    };
    scan_stuck();
    assert!(
        shoot.clip("a.avi")["problem"]
            .as_str()
            .unwrap()
            .contains("timed out")
    );
    assert_eq!(
        shoot.scan_counts(&[])["unreadable"],
        0,
        "the same version is retried"
    );
    let facts = content(&shoot);
    fs::remove_dir_all(shoot.catalogue().join("posters")).unwrap();
    scan_stuck();
    assert_eq!(
        shoot.clip("a.avi")["video_codec"],
        "mpeg4",
        "facts are kept"
    );
    shoot.scan();
    assert_eq!(content(&shoot), facts);
}

#[test]
fn a_folder_that_only_resembles_the_index_is_left_alone() {
    let shoot = Shoot::new();
    let catalogue = shoot.footage();
    shoot.add("Location Scout/old_tape.avi", "index/precious.avi");
    for arguments in [&["scan"][..], &["doctor"], &["search", "precious"]] {
        let mut command = shoot.command();
        command.arg("--catalogue").arg(&catalogue).args(arguments);
        if arguments == ["scan"] {
            command.arg(&catalogue);
        }
        command.output().unwrap();
        assert!(
            catalogue.join("index/precious.avi").exists(),
            "{arguments:?}"
        );
    }
}

#[test]
fn missing_files_are_marked_and_never_deleted() {
    let shoot = Shoot::with_fixtures();
    shoot.scan_facts();
    let gone = shoot.footage().join("Location Scout/IMG_1234.MOV");
    let aside = shoot.folder("aside").join("IMG_1234.MOV");
    fs::rename(&gone, &aside).unwrap();
    let counts = shoot.scan_counts(&["--no-pictures"]);
    assert_eq!(counts["missing"], 1);
    assert_eq!(shoot.clip("IMG_1234.MOV")["files"][0]["state"], "missing");
    assert_eq!(shoot.search_names(&["apple"]), ["IMG_1234.MOV"]);
    fs::rename(&aside, &gone).unwrap();
    // A moved file may be a different one: it is read, and recognized.
    let counts = shoot.scan_counts(&["--no-pictures"]);
    assert_eq!(
        (&counts["missing"], &counts["read"], &counts["recognised"]),
        (&0.into(), &1.into(), &1.into())
    );
    assert_eq!(shoot.clip("IMG_1234.MOV")["files"][0]["state"], "present");
}

#[test]
fn a_suddenly_empty_root_changes_nothing() {
    let shoot = Shoot::with_fixtures();
    shoot.scan_facts();
    let before = content(&shoot);
    let aside = shoot.folder("aside").join("all");
    fs::rename(shoot.footage(), &aside).unwrap();
    let answer = shoot.run(&["scan", "footage"]);
    assert_eq!(
        answer.code, 1,
        "an unmounted root is an error: {}",
        answer.stderr
    );
    let counts = shoot.scan_counts(&["--no-pictures"]);
    assert_eq!(
        (&counts["missing"], &counts["doubted"]),
        (&0.into(), &17.into()),
        "{counts}"
    );
    assert_eq!(content(&shoot), before);
    let counts = shoot.scan_counts(&["--no-pictures", "--accept-missing"]);
    assert_eq!(counts["missing"], 17);
    assert_eq!(content(&shoot).len(), before.len());
    fs::remove_dir(shoot.footage()).unwrap();
    fs::rename(&aside, shoot.footage()).unwrap();
    shoot.scan_facts();
    assert_eq!(content(&shoot), before);
}

#[test]
fn excluded_files_are_not_marked_missing() {
    let shoot = Shoot::with_fixtures();
    shoot.scan_facts();
    let counts = shoot.scan_counts(&["--no-pictures", "--exclude", "*.mov", "--exclude", "DCIM"]);
    assert_eq!(
        (&counts["missing"], &counts["doubted"]),
        (&0.into(), &0.into()),
        "{counts}"
    );
}

#[test]
fn deleted_posters_and_indexes_are_recreated() {
    let shoot = Shoot::with_fixtures();
    shoot.scan();
    let before = finds(&shoot);
    let posters = || {
        let folders = fs::read_dir(shoot.catalogue().join("posters"))
            .into_iter()
            .flatten()
            .flatten();
        folders
            .map(|folder| fs::read_dir(folder.path()).unwrap().count())
            .sum::<usize>()
    };
    let made = posters();
    assert_eq!(made, 13, "every clip with a picture has one");
    fs::remove_dir_all(shoot.catalogue().join("posters")).unwrap();
    fs::remove_dir_all(shoot.catalogue().join("index")).unwrap();
    assert_eq!(finds(&shoot), before);
    shoot.scan();
    assert_eq!(posters(), made);
}

#[test]
fn a_damaged_index_is_rebuilt() {
    let shoot = Shoot::with_fixtures();
    shoot.scan_facts();
    let before = finds(&shoot);
    let index = shoot.catalogue().join("index");
    for damage in ["meta.json", ".managed.json"] {
        fs::write(index.join(damage), b"{ other data").unwrap();
        assert_eq!(finds(&shoot), before, "{damage}");
    }
    for entry in fs::read_dir(&index).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "term")
        {
            fs::write(path, b"").unwrap();
        }
    }
    assert_eq!(finds(&shoot), before, "a truncated segment");
}

fn scan_command(shoot: &Shoot) -> Command {
    let mut command = shoot.command();
    command.arg("scan").arg(shoot.footage());
    command
}

/// Starts a scan and discards its output.
fn start_scan(shoot: &Shoot) -> Child {
    let mut command = scan_command(shoot);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Kills a scan once it has written `bytes` bytes. Returns false if it ended before.
#[cfg(unix)]
fn kill_scan(shoot: &Shoot, bytes: u64) -> bool {
    let running = KillableCommand::start(shoot, scan_command(shoot));
    running.kill_after_writing(bytes).1
}

#[cfg(unix)]
#[test]
fn a_scan_killed_at_any_point_resumes_to_the_same_result() {
    let clean = Shoot::with_fixtures();
    let (_, whole) = KillableCommand::start(&clean, scan_command(&clean)).measure();
    let (expected, expected_finds) = (content(&clean), finds(&clean));

    // One catalogue, killed several times, each time later.
    let killed_often = Shoot::with_fixtures();
    let kills = number("BTSINDEX_ROUNDS", 5);
    for part in 1..=kills {
        kill_scan(&killed_often, whole * part / (kills + 1));
    }
    killed_often.scan();
    assert_eq!(content(&killed_often), expected);
    assert_eq!(finds(&killed_often), expected_finds);

    // New catalogues, each killed once.
    for part in [2, 5, 8] {
        let shoot = Shoot::with_fixtures();
        assert!(kill_scan(&shoot, whole * part / 10), "it ended before");
        shoot.scan();
        assert_eq!(content(&shoot), expected, "killed after {part} tenths");
        assert_eq!(finds(&shoot), expected_finds);
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_scan_cleanly_and_the_next_one_resumes() {
    let shoot = Shoot::with_fixtures();
    let slow = shoot.folder("slow-tools");
    for tool in ["ffprobe", "ffmpeg"] {
        let path = find_program(tool);
        write_program(
            &slow.join(tool),
            &format!(
                "#!/bin/sh\n[ \"$1\" = -version ] || [ \"$3\" = -version ] || sleep 0.4\nexec {path} \"$@\"\n"
            ),
        );
    }
    let mut scan = shoot
        .command()
        .args(["scan", "--json", "--jobs", "1"])
        .arg(shoot.footage())
        .env("BTSINDEX_FFPROBE", slow.join("ffprobe"))
        .env("BTSINDEX_FFMPEG", slow.join("ffmpeg"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(scan.stdout.take().unwrap()).lines();
    let is_read = |line: &String| line.contains(r#""event":"read""#);
    assert_eq!(
        lines
            .by_ref()
            .map(Result::unwrap)
            .filter(is_read)
            .take(3)
            .count(),
        3
    );
    let killed = Command::new("sh")
        .args(["-c", &format!("kill -INT {}", scan.id())])
        .status()
        .unwrap();
    assert!(killed.success());
    let last = lines.map(Result::unwrap).last().unwrap();
    assert_eq!(scan.wait().unwrap().code(), Some(130));
    let summary: Value = serde_json::from_str(&last).unwrap();
    let read = summary["read"].as_u64().unwrap();
    assert!(
        (1..17).contains(&read),
        "only some files were read: {summary}"
    );
    let rest = shoot.scan_counts(&[]);
    assert_eq!(rest["read"].as_u64().unwrap(), 17 - read, "{rest}");
}

#[test]
fn two_concurrent_scans_give_the_result_of_one() {
    let shoot = Shoot::with_fixtures();
    let scans: Vec<Child> = (0..3).map(|_| start_scan(&shoot)).collect();
    for mut scan in scans {
        assert_eq!(scan.wait().unwrap().code(), Some(3));
    }
    let clean = Shoot::with_fixtures();
    clean.scan();
    assert_eq!(content(&shoot), content(&clean));
}

#[test]
fn file_names_are_searchable_before_any_file_is_read() {
    let shoot = Shoot::with_fixtures();
    let stuck = hanging_tools(&shoot);
    let mut scan = shoot
        .command()
        .arg("scan")
        .arg(shoot.footage())
        .env("BTSINDEX_FFPROBE", stuck.join("ffprobe"))
        .env("BTSINDEX_FFMPEG", stuck.join("ffmpeg"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("the stub is searchable", || {
        shoot.run(&["search", "drummer"]).code == 0
    });
    let stub = &shoot.run(&["search", "--json", "drummer"]).json()[0];
    assert!(stub["id"].is_null() && stub["duration"].is_null(), "{stub}");
    scan.kill().unwrap();
    scan.wait().unwrap();
}

/// Tools that print their version and hang afterwards.
fn hanging_tools(shoot: &Shoot) -> std::path::PathBuf {
    let folder = shoot.folder("stuck-tools");
    for tool in ["ffprobe", "ffmpeg"] {
        let path = find_program(tool);
        let script =
            format!("#!/bin/sh\n[ \"$3\" = -version ] && exec {path} -version\nexec sleep 600\n");
        write_program(&folder.join(tool), &script);
    }
    folder
}
