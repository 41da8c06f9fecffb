//! Nothing is called copied, proved or verified that is not: what others attacked it with.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::card::{
    are_equal, command, fill, ingest, ingest_well, is_told, put, set_time, tree, verify,
};
use super::judges::reference_agrees;
use crate::shoot::disk::{Disk, ReadOnly};
use crate::shoot::{Answer, Shoot};

const UNFINISHED: &str = ".btsindex-abcdefghijkl.part";

#[test]
fn what_is_called_like_an_unfinished_copy_is_told_and_what_almost_is_stays() {
    let shoot = Shoot::new();
    let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
    put(&card, "Clips/a.bin", b"a clip");
    put(
        &card,
        "Clips/.btsindex-precious.part",
        b"a file of the card",
    );
    put(&raid, "Clips/.btsindex-mynotes.part", b"a file of the RAID");
    ingest_well(&shoot, &[&card], &[&raid]);
    assert_eq!(tree(&raid).len(), 4);
    // From a drive that another run was killed on.
    put(&card, format!("Clips/{UNFINISHED}"), b"half");
    let answer = ingest(&shoot, &[&card], &[&raid]);
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    is_told(&answer, UNFINISHED, "not copied");
    assert_eq!(answer.summary()["complete"], 0);
    assert_eq!(tree(&raid).len(), 4);
}

#[test]
fn a_card_is_no_copy_of_itself_wherever_it_is_mounted() {
    let shoot = Shoot::new();
    let (cards, raid) = (shoot.folder("cards"), shoot.folder("raid"));
    let (card, again) = (cards.join("A001"), shoot.folder("again"));
    fill(&card, 3, 500);
    let before = tree(&cards);
    let Some(_mounted) = ReadOnly::mount(&cards, &again) else {
        return;
    };
    for to in [
        again.join("{card}"),
        again.join("A001/{card}"),
        again.join("A001"),
    ] {
        let answer = ingest(&shoot, &[&card], &[&to]);
        assert_eq!(answer.code, 3, "{}", answer.stdout);
        is_told(&answer, "A001", "the destination is within the card");
    }
    let answer = ingest(&shoot, &[&again.join("A001")], &[&cards.join("{card}")]);
    is_told(&answer, "A001", "the destination is within the card");
    assert!(tree(&cards) == before);
    // Two places that are one.
    let same = shoot.folder("same");
    let Some(_mounted) = ReadOnly::mount(&raid, &same) else {
        return;
    };
    let answer = ingest(
        &shoot,
        &[&card],
        &[&raid.join("{card}"), &same.join("{card}")],
    );
    is_told(&answer, "A001", "two destinations overlap");
    assert!(tree(&raid).is_empty());
}

#[test]
fn a_hard_link_is_no_copy() {
    let shoot = Shoot::new();
    let (card, raid, backup) = (
        shoot.folder("A001"),
        shoot.folder("raid"),
        shoot.folder("backup"),
    );
    fill(&card, 2, 500);
    let (first, second) = ("Clips/00/D00000.bin", "Clips/00/D00001.bin");
    let linked = put(&raid, first, b"");
    fs::remove_file(&linked).unwrap();
    fs::hard_link(card.join(first), &linked).unwrap();
    // One file for two destinations.
    fs::copy(card.join(second), raid.join(second)).unwrap();
    put(&backup, second, b"");
    fs::remove_file(backup.join(second)).unwrap();
    fs::hard_link(raid.join(second), backup.join(second)).unwrap();
    let answer = ingest(&shoot, &[&card], &[&raid, &backup]);
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    for path in [raid.join(first), raid.join(second), backup.join(second)] {
        is_told(&answer, path.to_str().unwrap(), "it is a hard link to");
    }
    assert_eq!(answer.summary()["complete"], 0);
}

#[test]
fn what_is_no_manifest_in_a_folder_of_manifests_is_footage() {
    let shoot = Shoot::new();
    let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
    put(&card, "a.bin", b"a clip");
    put(&card, "ascmhl/b.bin", b"another clip");
    put(&card, "Reel/ascmhl/c.bin", b"a third clip");
    ingest_well(&shoot, &[&card], &[&raid]);
    assert_eq!(verify(&shoot, &raid).0, 0);
    for (name, bytes) in [
        ("ascmhl/b.bin", "other"),
        ("Reel/ascmhl/c.bin", "A THIRD CLIP"),
    ] {
        put(&raid, name, bytes.as_bytes());
        let (code, found) = verify(&shoot, &raid);
        assert_eq!((code, &found["altered"]), (4, &json!([name])), "{found}");
        fs::remove_file(raid.join(name)).unwrap();
        let (code, found) = verify(&shoot, &raid);
        assert_eq!((code, &found["missing"]), (4, &json!([name])), "{found}");
        put(&raid, name, b"other");
        let answer = ingest(&shoot, &[&card], &[&raid]);
        assert_eq!(answer.code, 3, "{}", answer.stdout);
        is_told(&answer, name, "a different file of that name exists");
        fs::remove_file(raid.join(name)).unwrap();
        ingest_well(&shoot, &[&card], &[&raid]);
        assert_eq!(verify(&shoot, &raid).0, 0);
    }
}

/// A card with a history of its own, of three files.
fn with_history(shoot: &Shoot) -> std::path::PathBuf {
    let card = shoot.folder("A001");
    fill(&card, 3, 500);
    let other = Shoot::new();
    let mut command = other.command();
    command.args(["verify", "--record"]).arg(&card);
    assert!(command.output().unwrap().status.success());
    card
}

#[test]
fn what_a_card_says_of_an_altered_file_is_told_each_time() {
    let shoot = Shoot::new();
    let (card, raid) = (with_history(&shoot), shoot.folder("raid"));
    put(&card, "Clips/00/D00001.bin", &[7; 500]);
    for round in 0..3 {
        let answer = ingest(&shoot, &[&card], &[&raid]);
        assert_eq!(answer.code, 3, "round {round}: {}", answer.stdout);
        is_told(
            &answer,
            "D00001.bin",
            "a manifest on the card has another hash",
        );
        let ingest = &shoot.run(&["ingests", "--json"]).json()[0];
        assert_eq!(ingest["state"], "with problems", "round {round}: {ingest}");
        let (code, found) = verify(&shoot, &raid);
        let altered = json!(["Clips/00/D00001.bin"]);
        assert_eq!((code, &found["altered"]), (4, &altered), "{found}");
    }
}

#[test]
fn a_card_that_has_a_history_is_whole_for_every_catalogue() {
    let shoot = Shoot::new();
    let (card, raid) = (with_history(&shoot), shoot.folder("raid"));
    ingest_well(&shoot, &[&card], &[&raid]);
    reference_agrees(&raid);
    // The chain has grown there; it is still the card's.
    let elsewhere = Shoot::new();
    for shoot in [&shoot, &elsewhere, &elsewhere] {
        let summary = ingest_well(shoot, &[&card], &[&raid]);
        assert_eq!(summary["complete"], 1, "{summary}");
        let ingest = &shoot.run(&["ingests", "--json"]).json()[0];
        assert_eq!(ingest["state"], "verified", "{ingest}");
    }
    // A chain that is another's is not.
    let chain = raid.join("ascmhl/ascmhl_chain.xml");
    let text = fs::read_to_string(&chain).unwrap();
    fs::write(
        &chain,
        text.replacen("sequencenr=\"1\"", "sequencenr=\"0\"", 1),
    )
    .unwrap();
    let answer = ingest(&Shoot::new(), &[&card], &[&raid]);
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    is_told(
        &answer,
        "ascmhl_chain.xml",
        "a different file of that name exists",
    );
}

#[test]
fn a_manifest_that_was_lost_is_written_anew_and_a_damaged_history_is_told() {
    let shoot = Shoot::new();
    let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
    fill(&card, 3, 500);
    ingest_well(&shoot, &[&card], &[&raid]);
    fs::remove_dir_all(raid.join("ascmhl")).unwrap();
    let summary = ingest_well(&shoot, &[&card], &[&raid]);
    assert_eq!(
        summary["manifests"].as_array().unwrap().len(),
        1,
        "{summary}"
    );
    reference_agrees(&raid);
    let manifest = summary["manifests"][0].as_str().unwrap();
    fs::remove_file(manifest).unwrap();
    let answer = ingest(&shoot, &[&card], &[&raid]);
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    is_told(&answer, "raid", "no new manifest");
}

#[test]
fn what_the_history_of_a_card_leaves_out_is_told() {
    let shoot = Shoot::new();
    let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
    fill(&card, 3, 500);
    if !super::judges::is_here("ascmhl") {
        return;
    }
    let mut create = std::process::Command::new("ascmhl");
    create.args(["create", "-h", "md5", "-i", "D0000*", "."]);
    create
        .env("https_proxy", "http://127.0.0.1:9")
        .current_dir(&card);
    assert!(create.output().unwrap().status.success());
    for _ in 0..2 {
        let answer = ingest(&shoot, &[&card], &[&raid]);
        assert_eq!(answer.code, 3, "{}", answer.stdout);
        is_told(&answer, "D00000.bin", "ignores this file and 2 more");
    }
    are_equal(&card, &raid);
    // The log knows them; another catalogue does not.
    assert_eq!(verify(&shoot, &raid).1["verified"], 3);
    let (code, found) = verify(&Shoot::new(), &raid);
    assert_eq!(code, 3, "{found}");
    assert_eq!(found["left_out"].as_array().unwrap().len(), 3, "{found}");
}

#[test]
fn nothing_compared_is_nothing_verified() {
    let shoot = Shoot::new();
    let empty = shoot.folder("empty");
    let (code, found) = verify(&shoot, &empty);
    assert_eq!(code, 3, "{found}");
    assert!(
        found["problems"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("no files"),
        "{found}"
    );
    let file = put(&empty, "a.bin", b"one");
    set_time(&file, 1_700_000_000);
    let answer = shoot.run(&["verify", file.to_str().unwrap()]);
    assert_eq!(answer.code, 1);
    assert!(
        answer.stderr.contains("not a directory"),
        "{}",
        answer.stderr
    );
}

#[cfg(unix)]
#[test]
fn what_cannot_be_listed_is_not_called_missing() {
    use std::os::unix::fs::PermissionsExt;
    let shoot = Shoot::new();
    let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
    fill(&card, 3, 500);
    ingest_well(&shoot, &[&card], &[&raid]);
    let folder = raid.join("Clips/00");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o000)).unwrap();
    // Root may read it all the same.
    if fs::read_dir(&folder).is_ok() {
        let (code, found) = verify(&shoot, &raid);
        assert_eq!((code, &found["verified"]), (0, &json!(3)), "{found}");
    } else {
        let (code, found) = verify(&shoot, &raid);
        assert_eq!((code, &found["missing"]), (3, &json!([])), "{found}");
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The text of the latest manifest of a folder.
fn latest_manifest(folder: &Path) -> String {
    let entries = fs::read_dir(folder.join("ascmhl")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let manifests = paths.filter(|path| path.extension().is_some_and(|kind| kind == "mhl"));
    fs::read_to_string(manifests.max().unwrap()).unwrap()
}

#[test]
fn what_was_proved_and_not_sealed_is_sealed_by_the_next_run() {
    let shoot = Shoot::new();
    let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
    fill(&card, 3, 500);
    ingest_well(&shoot, &[&card], &[&raid]);
    // More is shot; the run that takes it in comes to no manifest.
    put(&card, "Clips/00/E00001.bin", b"one more clip");
    let chain = raid.join("ascmhl/ascmhl_chain.xml");
    let whole = fs::read(&chain).unwrap();
    fs::write(&chain, b"<").unwrap();
    let answer = ingest(&shoot, &[&card], &[&raid]);
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    is_told(&answer, "raid", "no new manifest");
    fs::write(&chain, whole).unwrap();
    let summary = ingest_well(&shoot, &[&card], &[&raid]);
    assert_eq!(summary["manifests"].as_array().unwrap().len(), 1);
    assert!(latest_manifest(&raid).contains("E00001.bin"));
    reference_agrees(&raid);
    let summary = ingest_well(&shoot, &[&card], &[&raid]);
    assert_eq!(summary["manifests"], json!([]));
    assert_eq!(verify(&Shoot::new(), &raid).1["verified"], 4);
    // A generation of one more file says nothing of folders.
    put(&card, "Clips/00/E00002.bin", b"and another");
    ingest_well(&shoot, &[&card], &[&raid]);
    let manifest = latest_manifest(&raid);
    assert!(manifest.contains("E00002.bin"), "{manifest}");
    assert_eq!(manifest.matches("<xxh128").count(), 1, "{manifest}");
    reference_agrees(&raid);
}

#[test]
fn another_file_of_its_name_is_judged_by_what_it_was_itself() {
    for rewritten in [&b"version two"[..], b"a longer version two"] {
        let shoot = Shoot::new();
        let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
        fill(&card, 3, 500);
        let index = put(&card, "INDEX.DAT", b"version one");
        set_time(&index, 1_700_000_000);
        ingest_well(&shoot, &[&card], &[&raid]);
        put(&card, "INDEX.DAT", rewritten);
        let answer = ingest(&shoot, &[&card], &[&raid]);
        assert_eq!(answer.code, 3, "{}", answer.stdout);
        is_told(&answer, "INDEX.DAT", "a different file of that name exists");
        // What stands there is what its manifest says, and no copy of what is on the card.
        let (code, found) = verify(&shoot, &raid);
        assert_eq!((code, &found["verified"]), (0, &json!(4)), "{found}");
        let ingest = &shoot.run(&["ingests", "--json"]).json()[0];
        assert_eq!(ingest["places"][0]["verified"], 3, "{ingest}");
        assert_eq!(ingest["state"], "with problems", "{ingest}");
    }
}

#[test]
fn hashes_of_a_card_are_computed_again_where_no_manifest_has_them_yet() {
    if !super::judges::is_here("ascmhl") {
        return;
    }
    let shoot = Shoot::new();
    let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
    fill(&card, 3, 500);
    super::verified::create(&card);
    put(&card, "Clips/00/D00001.bin", &[7; 500]);
    // A file where the folder of manifests is to be: nothing can be sealed.
    put(&raid, "ascmhl", b"");
    let run = || {
        let mut command = command(&shoot, &[&card], &[&raid]);
        Answer::from_output(&command.args(["--hash", "xxh128"]).output().unwrap())
    };
    let answer = run();
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    fs::remove_file(raid.join("ascmhl")).unwrap();
    let answer = run();
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    is_told(
        &answer,
        "D00001.bin",
        "a manifest on the card has another hash",
    );
    let manifest = latest_manifest(&raid);
    assert_eq!(manifest.matches("<md5").count(), 3, "{manifest}");
}

#[test]
fn what_an_ingest_left_or_writes_is_in_no_manifest() {
    let shoot = Shoot::new();
    let folder = shoot.folder("raid");
    fill(&folder, 3, 500);
    put(&folder, UNFINISHED, b"half");
    let run = || shoot.run(&["verify", "--record", "--json", folder.to_str().unwrap()]);
    let answer = run();
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    assert!(!latest_manifest(&folder).contains(UNFINISHED));
    fs::remove_file(folder.join(UNFINISHED)).unwrap();
    assert_eq!(verify(&shoot, &folder).0, 0);
}

#[test]
fn a_folder_that_no_manifest_can_name_is_not_judged_by_those_above() {
    let shoot = Shoot::new();
    let folder = shoot.folder("raid");
    fill(&folder, 3, 500);
    put(&folder, "a.bin", b"one");
    put(&folder, "odd\u{1}/a.bin", b"two");
    let run = |folder: &Path| {
        let folder = folder.to_str().unwrap();
        shoot.run(&["verify", "--record", "--json", folder])
    };
    run(&folder);
    let (code, found) = verify(&shoot, &folder.join("odd\u{1}"));
    assert_eq!(code, 3, "{found}");
    assert_eq!(found["new"], json!(["a.bin"]), "{found}");
    assert_eq!(found["missing"], json!([]), "{found}");
}

#[test]
fn a_destination_that_is_gone_for_good_is_forgotten_and_stays_in_the_log() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    fill(&card, 3, 500);
    let at = shoot.folder("mounted");
    let Some(mut disk) = Disk::new(&shoot.folder(""), "DEAD", 90) else {
        return;
    };
    disk.mount(&at);
    let to = at.join("{card}");
    ingest_well(&shoot, &[&card], &[&to]);
    disk.unmount();
    let answer = ingest(&shoot, &[&card], &[&to]);
    is_told(&answer, "A001", "DEAD is not mounted");
    let answer = shoot.run(&["volumes", "forget", "DEAD", "--yes"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(!shoot.run(&["volumes"]).stdout.contains("DEAD"));
    let place = &shoot.run(&["ingests", "--json"]).json()[0]["places"][0];
    assert_eq!(
        (&place["verified"], &place["mounted"]),
        (&json!(3), &json!(false)),
        "{place}"
    );
    // Its mount point is a folder like others now; and the drive may come back.
    ingest_well(&shoot, &[&card], &[&to]);
    disk.mount(&at);
    assert_eq!(verify(&shoot, &at.join("A001")).0, 0);
}

#[test]
fn the_folder_of_a_drive_that_is_not_mounted_takes_copies_where_that_is_allowed() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    fill(&card, 3, 500);
    let at = shoot.folder("mounted");
    let Some(mut disk) = Disk::new(&shoot.folder(""), "AWAY", 90) else {
        return;
    };
    disk.mount(&at);
    let to = at.join("{card}");
    ingest_well(&shoot, &[&card], &[&to]);
    disk.unmount();
    is_told(
        &ingest(&shoot, &[&card], &[&to]),
        "A001",
        "AWAY is not mounted",
    );
    let mut allowed = command(&shoot, &[&card], &[&to]);
    let answer = Answer::from_output(&allowed.arg("--allow-system-disk").output().unwrap());
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    are_equal(&card, &at.join("A001"));
}
