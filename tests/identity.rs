//! Identity of clips: same content, similar content, and files that are absent for now. Edits stay
//! with content, and only full hashes prove a copy.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::shoot::{Answer, Shoot, copy, find_program, fixtures};
use crate::skipped_tests::or_skip;
use serde_json::Value;

const CLIP: &str = "Studio Session - Night Owls/Day1/PRIVATE/M4ROOT/CLIP/C0001.MP4";
const PHONE: &str = "Location Scout/IMG_1234.MOV";

fn scan(shoot: &Shoot, arguments: &[&str]) -> Value {
    shoot.scan_counts(&[&["--no-pictures"], arguments].concat())
}

fn counts(summary: &Value, names: &[&str]) -> Vec<u64> {
    let number = |name: &&str| summary[name].as_u64().unwrap();
    names.iter().map(number).collect()
}

/// Changes a file's bytes and restores its modification time.
fn rewrite_keeping_times(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let written = path.metadata().unwrap().modified().unwrap();
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(written).unwrap();
}

#[test]
fn edits_of_a_rewritten_file_are_adopted_once() {
    let shoot = Shoot::new();
    let boxed = shoot.add(CLIP, "boxed.MP4");
    let tagged = shoot.add(PHONE, "tagged.MOV");
    let silent = shoot.add("Location Scout/old_tape.avi", "silent.avi");
    scan(&shoot, &[]);
    for arguments in [
        &["tag", "add", "drums", "boxed.MP4"][..],
        &["note", "keep", "boxed.MP4"],
        &["stars", "4", "boxed.MP4"],
        &["stars", "2", "boxed.MP4"],
        &["note", "taken back", "boxed.MP4"],
        &["undo"],
        &["mark", "0.5s", "here", "tagged.MOV"],
        &["select", "tagged.MOV"],
    ] {
        assert_eq!(shoot.run(arguments).code, 0, "{arguments:?}");
    }
    let (boxed_id, tagged_id) = (
        shoot.clip("boxed.MP4")["id"].clone(),
        shoot.clip("tagged.MOV")["id"].clone(),
    );
    // Like programs that write metadata into a file: one more box, or a complete rewrite.
    let mut file = File::options().append(true).open(&boxed).unwrap();
    file.write_all(b"\0\0\0\x10free8 bytes.").unwrap();
    drop(file);
    let graded = shoot.folder("aside").join("graded.MOV");
    let ffmpeg = std::process::Command::new(find_program("ffmpeg"))
        .args(["-v", "error", "-i"])
        .arg(&tagged)
        .args(["-map", "0", "-c", "copy", "-metadata", "comment=graded"])
        .arg(&graded)
        .status()
        .unwrap();
    assert!(ffmpeg.success());
    fs::copy(&graded, &tagged).unwrap();
    fs::write(
        &silent,
        fs::read(fixtures().join("Location Scout/anamorphic_wide.mkv")).unwrap(),
    )
    .unwrap();
    let summary = scan(&shoot, &[]);
    assert_eq!(
        counts(&summary, &["changed", "adoptable", "missing"]),
        [3, 2, 0],
        "{summary}"
    );
    let here = |name: &str| {
        let clips = shoot.clips();
        let is = |clip: &&Value| clip["name"] == name && clip["files"][0]["state"] == "present";
        clips.iter().find(is).unwrap().clone()
    };
    assert_ne!(here("boxed.MP4")["id"], boxed_id);
    assert!(here("boxed.MP4")["notes"].is_null());
    // Nothing is lost meanwhile: the former content is still listed as missing, with its edits.
    let former = shoot
        .run(&["show", "--json", boxed_id.as_str().unwrap()])
        .stdout;
    assert!(former.contains("keep"), "{former}");
    let listed = shoot.run(&["edits", "adopt"]);
    assert!(
        listed.stdout.contains("same duration and codec as before"),
        "{}",
        listed.stdout
    );
    assert!(!listed.stdout.contains("taken back") && !listed.stdout.contains("silent.avi"));

    let adopt = |arguments: &[&str]| shoot.run(&[&["edits", "adopt"], arguments].concat());
    let answer = adopt(&[boxed.to_str().unwrap()]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(
        answer.stdout.contains("adopted for 1 clip"),
        "{}",
        answer.stdout
    );
    assert_eq!(adopt(&[boxed.to_str().unwrap()]).code, 4, "once");
    let now = here("boxed.MP4");
    assert_eq!(
        (&now["rating"], &now["notes"][0]["text"]),
        (&2.into(), &"keep".into())
    );
    assert!(now["tags"].to_string().contains("drums"));
    assert_eq!(shoot.run(&["search", "notes:keep"]).code, 0);
    assert_eq!(scan(&shoot, &[])["adoptable"], 1);
    assert_eq!(adopt(&["--all", "--yes"]).code, 0);
    let now = here("tagged.MOV");
    assert_eq!(
        (&now["selection"], &now["markers"][0]["text"]),
        (&"selected".into(), &"here".into())
    );
    assert_ne!(now["id"], tagged_id);
    assert_eq!(adopt(&["--all", "--yes"]).code, 4, "once");
    assert_eq!(scan(&shoot, &[])["adoptable"], 0);
    // It is one command, so one undo reverts it; edits of the former content remain.
    assert_eq!(shoot.run(&["undo"]).code, 0);
    assert!(here("tagged.MOV")["markers"].is_null() && here("tagged.MOV")["selection"].is_null());
    assert_eq!(here("boxed.MP4")["rating"], 2);
    shoot.assert_consistent("adopted");
}

#[cfg(unix)]
#[test]
fn changed_content_with_the_same_size_and_time_is_found() {
    use std::os::unix::fs::MetadataExt;
    let shoot = Shoot::new();
    let path = shoot.add("Location Scout/old_tape.avi", "a.avi");
    shoot.add(PHONE, "b.MOV");
    scan(&shoot, &[]);
    assert_eq!(shoot.run(&["note", "the first", "a.avi"]).code, 0);
    // The changed ctime reveals it.
    rewrite_keeping_times(&path, |bytes| *bytes.last_mut().unwrap() ^= 1);
    let summary = scan(&shoot, &[]);
    assert_eq!(
        counts(&summary, &["changed", "unchanged", "adoptable"]),
        [1, 1, 1],
        "{summary}"
    );
    assert_eq!(shoot.clips().len(), 3);
    // No metadata reveals it.
    rewrite_keeping_times(&path, |bytes| *bytes.last_mut().unwrap() ^= 3);
    let metadata = path.metadata().unwrap();
    let changed = metadata.ctime() * 1_000_000_000 + metadata.ctime_nsec();
    rusqlite::Connection::open(shoot.catalogue().join("catalogue.sqlite"))
        .unwrap()
        .execute(
            "UPDATE file SET changed = ?1, inode = ?2 WHERE name = CAST('a.avi' AS BLOB) AND NOT was",
            rusqlite::params![changed, i64::try_from(metadata.ino()).unwrap()],
        )
        .unwrap();
    let summary = scan(&shoot, &[]);
    assert_eq!(
        counts(&summary, &["unchanged", "read"]),
        [2, 0],
        "{summary}"
    );
    let summary = scan(&shoot, &["--recheck"]);
    assert_eq!(
        counts(&summary, &["read", "recognised"]),
        [2, 1],
        "{summary}"
    );
    assert_eq!(shoot.clips().len(), 4, "one clip for each content");
    let first = shoot
        .clips()
        .into_iter()
        .find(|clip| !clip["notes"].is_null())
        .unwrap();
    assert_eq!(first["files"][0]["state"], "missing");
    shoot.assert_consistent("rechecked");
    let summary = scan(&shoot, &["--recheck"]);
    assert_eq!(
        counts(&summary, &["read", "recognised"]),
        [2, 2],
        "{summary}"
    );
}

/// Writes a sound recording of 2 MB with this byte at offset 200,000, between two samples of the
/// fingerprint.
fn write_recording(path: &Path, byte: u8) {
    let data = 2_000_000_u32;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((data + 36).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\xbb\0\0\0\x77\x01\0\x02\0\x10\0data");
    bytes.extend(data.to_le_bytes());
    bytes.extend((0..data).map(|at| u8::try_from((at / 7) % 251).unwrap()));
    bytes[200_000] = byte;
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
    crate::shoot::set_modified(path, 1_779_278_400);
}

#[test]
fn full_hashes_distinguish_files_with_the_same_fingerprint() {
    let shoot = Shoot::new();
    write_recording(&shoot.footage().join("card/take.wav"), 1);
    write_recording(&shoot.footage().join("copy/take.wav"), 2);
    write_recording(&shoot.footage().join("good/take.wav"), 1);
    let summary = scan(&shoot, &[]);
    assert_eq!(summary["new"], 3, "{summary}");
    assert_eq!(shoot.clips().len(), 1, "their fingerprints are equal");
    let before = shoot.run(&["duplicates"]);
    assert_eq!(before.code, 0, "{}", before.stderr);
    assert!(!before.stdout.contains("DIFFER"), "{}", before.stdout);
    let after = shoot.run(&["duplicates", "--verify"]);
    assert!(
        after.stdout.contains("DIFFER"),
        "{}{}",
        after.stdout,
        after.stderr
    );
    let copies = shoot.run(&["copies"]);
    assert!(copies.stdout.contains("DIFFER"), "{}", copies.stdout);
    let line = &shoot.run(&["copies", "--json"]).json()[0];
    assert_eq!(line["differ"], true);
    let digest = |place: &str| {
        let files = line["files"].as_array().unwrap().iter();
        let mut of = files.filter(|file| file["path"].as_str().unwrap().contains(place));
        of.next().unwrap()["xxh128"].clone()
    };
    assert_eq!(digest("/card/"), digest("/good/"));
    assert_ne!(digest("/card/"), digest("/copy/"));
    // A hash describes the file when it was read: after a change it proves nothing.
    rewrite_keeping_times(&shoot.footage().join("copy/take.wav"), |bytes| {
        bytes[200_000] = 1;
    });
    crate::shoot::set_modified(&shoot.footage().join("copy/take.wav"), 1_779_278_500);
    scan(&shoot, &[]);
    let again = shoot.run(&["copies", "--verify"]);
    assert!(!again.stdout.contains("DIFFER"), "{}", again.stdout);
}

#[cfg(target_os = "linux")]
#[test]
fn a_differing_file_on_another_volume_is_not_a_copy() {
    use crate::shoot::disk::Disk;
    let shoot = Shoot::new();
    let folder = shoot.folder("disks");
    let mut shelf = or_skip!(Disk::new(&folder, "SHELF", 24));
    let mut raid = Disk::new(&folder, "RAID", 24).unwrap();
    let (one, two) = (folder.join("one"), folder.join("two"));
    shelf.mount(&one);
    raid.mount(&two);
    write_recording(&one.join("take.wav"), 1);
    write_recording(&two.join("take.wav"), 2);
    for at in [&one, &two] {
        let mut command = shoot.command();
        command.args(["scan", "--json"]).arg(at);
        assert_eq!(Answer::from_output(&command.output().unwrap()).code, 0);
    }
    assert_eq!(shoot.run(&["copies", "--fewer-than", "2"]).code, 4);
    let doubt = shoot.run(&["volumes", "forget", "SHELF"]);
    assert!(
        doubt.stderr.contains("1  also on another volume"),
        "{}",
        doubt.stderr
    );
    let verified = shoot.run(&["copies", "--verify"]);
    assert!(verified.stdout.contains("DIFFER"), "{}", verified.stdout);
    assert_eq!(shoot.run(&["copies", "--fewer-than", "2"]).code, 0);
    assert_eq!(
        shoot.run(&["copies", "--proved", "--fewer-than", "2"]).code,
        0
    );
    for label in ["SHELF", "RAID"] {
        let loss = shoot.run(&["volumes", "forget", label]);
        assert_eq!(loss.code, 1, "no terminal to ask for confirmation");
        assert!(
            loss.stderr.contains("1  on no other volume"),
            "{}",
            loss.stderr
        );
    }
    // A true copy resolves it.
    write_recording(&two.join("true.wav"), 1);
    let mut command = shoot.command();
    command.args(["scan", "--json"]).arg(&two);
    command.output().unwrap();
    shoot.run(&["copies", "--verify"]);
    assert_eq!(shoot.run(&["copies", "--fewer-than", "2"]).code, 4);
    let loss = shoot.run(&["volumes", "forget", "SHELF"]);
    assert!(!loss.stderr.contains("no other volume"), "{}", loss.stderr);
}

#[cfg(unix)]
#[test]
fn one_file_with_many_paths_is_one_clip() {
    let shoot = Shoot::new();
    let path = shoot.add(PHONE, "a/one.MOV");
    fs::create_dir(shoot.footage().join("b")).unwrap();
    fs::hard_link(&path, shoot.footage().join("b/linked.MOV")).unwrap();
    std::os::unix::fs::symlink(shoot.footage().join("a"), shoot.footage().join("c")).unwrap();
    let summary = scan(&shoot, &["--follow-links"]);
    assert!(counts(&summary, &["found"])[0] >= 2, "{summary}");
    assert_eq!(shoot.clips().len(), 1);
    assert_eq!(shoot.run(&["note", "once", "one.MOV"]).code, 0);
    let before = shoot.clips();
    let footage = shoot.footage();
    for paths in [
        vec![footage.clone(), footage.join("a")],
        vec![footage.join("c"), footage.join("b")],
        vec![footage.join("a/../b/linked.MOV"), footage.join("c/one.MOV")],
    ] {
        let mut command = shoot.command();
        command
            .args(["scan", "--json", "--no-pictures", "--follow-links"])
            .args(paths);
        let summary = Answer::from_output(&command.output().unwrap()).summary();
        assert_eq!(
            counts(&summary, &["new", "missing", "doubted"]),
            [0, 0, 0],
            "{summary}"
        );
    }
    assert_eq!(shoot.clips(), before);
    let copies = &shoot.run(&["copies", "--json"]).json()[0];
    assert_eq!(
        (&copies["volumes"], &copies["differ"]),
        (&1.into(), &false.into())
    );
    fs::remove_file(&path).unwrap();
    scan(&shoot, &["--follow-links"]);
    assert_eq!(shoot.clips().len(), 1);
    assert_eq!(shoot.search_names(&["notes:once"]), ["linked.MOV"]);
    shoot.assert_consistent("linked");
}

#[test]
fn growing_files_are_deferred_and_finished_ones_are_read() {
    let shoot = Shoot::new();
    let bytes = fs::read(fixtures().join("Location Scout/old_tape.avi")).unwrap();
    let growing = shoot.footage().join("growing.avi");
    fs::write(&growing, &bytes[..40_000]).unwrap();
    let is_done = AtomicBool::new(false);
    let summary = thread::scope(|scope| {
        scope.spawn(|| {
            let mut file = File::options().append(true).open(&growing).unwrap();
            let mut rest = bytes[40_000..].chunks(64).cycle();
            while !is_done.load(Ordering::Relaxed) {
                file.write_all(rest.next().unwrap()).unwrap();
                thread::sleep(Duration::from_millis(40));
            }
        });
        fs::write(shoot.footage().join("still.avi"), &bytes).unwrap();
        let summary = scan(&shoot, &[]);
        is_done.store(true, Ordering::Relaxed);
        summary
    });
    assert_eq!(
        counts(&summary, &["found", "read", "moving"]),
        [2, 1, 1],
        "{summary}"
    );
    assert_eq!(shoot.clip("still.avi")["video_codec"], "mpeg4");
    // Meanwhile it is known by name only, without facts of the incomplete content.
    assert!(shoot.clip("growing.avi")["id"].is_null());
    fs::write(&growing, [&bytes[..], b"whole"].concat()).unwrap();
    let earlier = SystemTime::now() - Duration::from_secs(60);
    File::options()
        .write(true)
        .open(&growing)
        .unwrap()
        .set_modified(earlier)
        .unwrap();
    let summary = scan(&shoot, &[]);
    assert_eq!(
        counts(&summary, &["read", "moving", "unreadable"]),
        [1, 0, 0],
        "{summary}"
    );
    assert_eq!(shoot.clip("growing.avi")["video_codec"], "mpeg4");
}

#[test]
fn absent_files_are_marked_missing_on_request_and_come_back() {
    let shoot = Shoot::new();
    for number in 0..4 {
        let path = shoot.add(PHONE, format!("day/C{number}.MOV"));
        let bytes = [fs::read(&path).unwrap(), vec![number]].concat();
        fs::write(&path, bytes).unwrap();
        crate::shoot::set_modified(&path, 1_779_278_400);
    }
    scan(&shoot, &[]);
    assert_eq!(shoot.run(&["note", "back again", "C1.MOV"]).code, 0);
    let before = shoot.clips();
    let day = shoot.footage().join("day");
    let aside = shoot.folder("aside").join("day");
    let scan_day = |arguments: &[&str]| {
        let mut command = shoot.command();
        command
            .args(["scan", "--json", "--no-pictures"])
            .args(arguments)
            .arg(&day);
        Answer::from_output(&command.output().unwrap())
    };
    let states = || {
        let clips = shoot.clips();
        let states = clips
            .iter()
            .map(|clip| clip["files"][0]["state"].as_str().unwrap().to_owned());
        states.collect::<Vec<_>>()
    };
    let (all_present, all_missing) = (vec!["present"; 4], vec!["missing"; 4]);

    // Removed file.
    fs::rename(&day, &aside).unwrap();
    let answer = scan_day(&[]);
    assert_ne!(answer.code, 0, "{}", answer.stdout);
    assert_eq!(states(), all_present, "{}", answer.stdout);
    // Empty folder, like a mount point.
    fs::create_dir(&day).unwrap();
    assert_eq!(
        counts(&scan_day(&[]).summary(), &["missing", "doubted"]),
        [0, 4]
    );
    assert_eq!(states(), all_present);
    // File in place of the folder.
    fs::remove_dir(&day).unwrap();
    fs::write(&day, "no folder").unwrap();
    scan_day(&[]);
    assert_eq!(states(), all_present);
    fs::remove_file(&day).unwrap();
    // Marked as missing, and still known.
    fs::create_dir(&day).unwrap();
    assert_eq!(
        counts(
            &scan_day(&["--accept-missing"]).summary(),
            &["missing", "doubted"]
        ),
        [4, 0]
    );
    assert_eq!(states(), all_missing);
    assert_eq!(shoot.search_names(&["notes:back"]), ["C1.MOV"]);
    assert_eq!(shoot.clips().len(), 4);
    shoot.assert_consistent("missing");
    // Restored.
    fs::remove_dir(&day).unwrap();
    fs::rename(&aside, &day).unwrap();
    assert_eq!(
        counts(&scan_day(&[]).summary(), &["new", "missing"]),
        [0, 0]
    );
    assert_eq!(shoot.clips(), before);
    shoot.assert_consistent("back");
}

#[cfg(unix)]
#[test]
fn an_unreadable_folder_is_not_treated_as_empty() {
    use crate::shoot::unprivileged::without_privileges;
    use std::os::unix::fs::PermissionsExt;
    let shoot = Shoot::new();
    copy(
        &fixtures().join("Location Scout"),
        &shoot.footage().join("day"),
    );
    scan(&shoot, &[]);
    let day: PathBuf = shoot.footage().join("day");
    let allow = |mode| fs::set_permissions(&day, fs::Permissions::from_mode(mode)).unwrap();
    for arguments in [&[][..], &["--accept-missing"]] {
        let mut command = shoot.command();
        command
            .args(["scan", "--json", "--no-pictures"])
            .args(arguments)
            .arg(shoot.footage());
        let mut command = or_skip!(without_privileges(&shoot, &command));
        allow(0o000);
        let summary = Answer::from_output(&command.output().unwrap()).summary();
        assert_eq!(summary["unchanged"], 0, "the folder is readable: {summary}");
        assert_eq!(summary["missing"], 0, "{summary}");
    }
    allow(0o755);
    assert_eq!(counts(&scan(&shoot, &[]), &["new", "missing"]), [0, 0]);
}
