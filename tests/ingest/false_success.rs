//! Situations in which a careless program would report files as copied or verified that are not.

use std::fs;

use serde_json::json;

use super::card::{
    assert_problem, ingest, ingest_ok, read_tree, set_time, verify, write_card, write_file,
};
use crate::shoot::Shoot;
use crate::shoot::disk::ReadOnly;
use crate::skipped_tests::or_skip;

/// Name of an unfinished copy.
pub(super) const UNFINISHED: &str = ".btsindex-abcdefghijkl.part";

#[test]
fn a_file_named_like_an_unfinished_copy_is_reported_and_similar_names_are_copied() {
    let shoot = Shoot::new();
    let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
    write_file(&card, "Clips/a.bin", b"a clip");
    write_file(
        &card,
        "Clips/.btsindex-precious.part",
        b"a file of the card",
    );
    write_file(&raid, "Clips/.btsindex-mynotes.part", b"a file of the RAID");
    ingest_ok(&shoot, &[&card], &[&raid]);
    assert_eq!(read_tree(&raid).len(), 4);
    // Left on the drive by another run that was killed.
    write_file(&card, format!("Clips/{UNFINISHED}"), b"half");
    let answer = ingest(&shoot, &[&card], &[&raid]);
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    assert_problem(&answer, UNFINISHED, "not copied");
    assert_eq!(answer.summary()["complete"], 0);
    assert_eq!(read_tree(&raid).len(), 4);
}

#[test]
fn a_card_is_not_copied_into_itself_through_another_mount_point() {
    let shoot = Shoot::new();
    let (cards, raid) = (shoot.folder("cards"), shoot.folder("raid"));
    let (card, again) = (cards.join("A001"), shoot.folder("again"));
    write_card(&card, 3, 500);
    let before = read_tree(&cards);
    let _mounted = or_skip!(ReadOnly::mount(&cards, &again));
    for to in [
        again.join("{card}"),
        again.join("A001/{card}"),
        again.join("A001"),
    ] {
        let answer = ingest(&shoot, &[&card], &[&to]);
        assert_eq!(answer.code, 3, "{}", answer.stdout);
        assert_problem(&answer, "A001", "the destination overlaps with the card");
    }
    let answer = ingest(&shoot, &[&again.join("A001")], &[&cards.join("{card}")]);
    assert_problem(&answer, "A001", "the destination overlaps with the card");
    assert!(read_tree(&cards) == before);
    // Two destinations that are the same folder.
    let same = shoot.folder("same");
    let _mounted = or_skip!(ReadOnly::mount(&raid, &same));
    let answer = ingest(
        &shoot,
        &[&card],
        &[&raid.join("{card}"), &same.join("{card}")],
    );
    assert_problem(&answer, "A001", "two destinations overlap");
    assert!(read_tree(&raid).is_empty());
}

#[test]
fn a_hard_link_does_not_count_as_a_copy() {
    let shoot = Shoot::new();
    let (card, raid, backup) = (
        shoot.folder("A001"),
        shoot.folder("raid"),
        shoot.folder("backup"),
    );
    write_card(&card, 2, 500);
    let (first, second) = ("Clips/00/D00000.bin", "Clips/00/D00001.bin");
    let linked = write_file(&raid, first, b"");
    fs::remove_file(&linked).unwrap();
    fs::hard_link(card.join(first), &linked).unwrap();
    // One file for two destinations.
    fs::copy(card.join(second), raid.join(second)).unwrap();
    write_file(&backup, second, b"");
    fs::remove_file(backup.join(second)).unwrap();
    fs::hard_link(raid.join(second), backup.join(second)).unwrap();
    let answer = ingest(&shoot, &[&card], &[&raid, &backup]);
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    for path in [raid.join(first), raid.join(second), backup.join(second)] {
        assert_problem(&answer, path.to_str().unwrap(), "it is a hard link to");
    }
    assert_eq!(answer.summary()["complete"], 0);
}

#[test]
fn an_empty_folder_is_not_reported_as_verified() {
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
    let file = write_file(&empty, "a.bin", b"one");
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
fn files_of_an_unreadable_folder_are_not_reported_as_missing() {
    use std::os::unix::fs::PermissionsExt;
    let shoot = Shoot::new();
    let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
    write_card(&card, 3, 500);
    ingest_ok(&shoot, &[&card], &[&raid]);
    let folder = raid.join("Clips/00");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o000)).unwrap();
    // Root can read it anyway.
    if fs::read_dir(&folder).is_ok() {
        let (code, found) = verify(&shoot, &raid);
        assert_eq!((code, &found["verified"]), (0, &json!(3)), "{found}");
    } else {
        let (code, found) = verify(&shoot, &raid);
        assert_eq!((code, &found["missing"]), (3, &json!([])), "{found}");
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn an_existing_file_of_the_same_name_is_verified_against_its_own_hash() {
    for rewritten in [&b"version two"[..], b"a longer version two"] {
        let shoot = Shoot::new();
        let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
        write_card(&card, 3, 500);
        let index = write_file(&card, "INDEX.DAT", b"version one");
        set_time(&index, 1_700_000_000);
        ingest_ok(&shoot, &[&card], &[&raid]);
        write_file(&card, "INDEX.DAT", rewritten);
        let answer = ingest(&shoot, &[&card], &[&raid]);
        assert_eq!(answer.code, 3, "{}", answer.stdout);
        assert_problem(&answer, "INDEX.DAT", "a different file of that name exists");
        // The existing file matches its manifest, and is not a copy of the file on the card.
        let (code, found) = verify(&shoot, &raid);
        assert_eq!((code, &found["verified"]), (0, &json!(4)), "{found}");
        let ingest = &shoot.run(&["ingests", "--json"]).json()[0];
        assert_eq!(ingest["places"][0]["verified"], 3, "{ingest}");
        assert_eq!(ingest["state"], "with problems", "{ingest}");
    }
}
