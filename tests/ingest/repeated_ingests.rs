//! Cards that are ingested again, cards that resemble others, and files that already exist at a
//! destination.

use std::fs;
use std::os::unix::fs::symlink;

use super::card::{
    assert_nothing_unfinished, assert_problem, assert_same_files, events, ingest, ingest_ok,
    random_bytes, read_tree, set_time, verify, write_card, write_file,
};
use super::changing_files::{alter_between_samples, modified};
use super::reference_tools::assert_reference_verifies;
use crate::shoot::Shoot;

#[test]
fn no_existing_file_is_overwritten() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    for name in [
        "longer.bin",
        "equal.bin",
        "link.bin",
        "folder.bin",
        "into/linked.bin",
        "under/file.bin",
        "free.bin",
        "same.bin",
    ] {
        write_file(&card, name, format!("the card's {name}").as_bytes());
    }
    let raid = shoot.folder("raid");
    let elsewhere = shoot.folder("elsewhere");
    write_file(&raid, "longer.bin", b"a longer file of another person");
    write_file(&raid, "equal.bin", b"the RAID's equal.bin");
    let same = write_file(&raid, "same.bin", b"the card's same.bin");
    write_file(&elsewhere, "target.bin", b"the card's link.bin");
    symlink(elsewhere.join("target.bin"), raid.join("link.bin")).unwrap();
    fs::create_dir(raid.join("folder.bin")).unwrap();
    symlink(&elsewhere, raid.join("into")).unwrap();
    write_file(&raid, "under", b"a file in a folder's place");
    let before = read_tree(&elsewhere);
    let answer = ingest(&shoot, &[&card], &[&raid]);
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    for name in ["longer.bin", "equal.bin", "link.bin", "folder.bin"] {
        assert_problem(
            &answer,
            &format!("raid/{name}"),
            "a different file of that name exists",
        );
    }
    assert_problem(
        &answer,
        "raid/under/file.bin",
        "a file or link exists where the card has a folder",
    );
    assert_problem(&answer, "raid/into/linked.bin", "a file or link exists");
    let bytes = |name: &str| fs::read(raid.join(name)).unwrap();
    assert_eq!(bytes("longer.bin"), b"a longer file of another person");
    assert_eq!(bytes("equal.bin"), b"the RAID's equal.bin");
    assert_eq!(bytes("under"), b"a file in a folder's place");
    assert_eq!(bytes("free.bin"), b"the card's free.bin");
    assert!(raid.join("link.bin").is_symlink() && raid.join("folder.bin").is_dir());
    assert!(before == read_tree(&elsewhere), "written through a link");
    assert_eq!(answer.summary()["already_there"], 1);
    // Once the existing files are moved away, the same command completes.
    for name in ["longer.bin", "equal.bin", "link.bin", "into", "under"] {
        fs::remove_file(raid.join(name)).unwrap();
    }
    fs::remove_dir(raid.join("folder.bin")).unwrap();
    ingest_ok(&shoot, &[&card], &[&raid]);
    // The existing file also keeps its time.
    let modified = card
        .join("same.bin")
        .metadata()
        .unwrap()
        .modified()
        .unwrap();
    let file = fs::File::options().write(true).open(&same).unwrap();
    assert_ne!(file.metadata().unwrap().modified().unwrap(), modified);
    file.set_modified(modified).unwrap();
    assert_same_files(&card, &raid);
    assert_nothing_unfinished(&raid);
    assert_reference_verifies(&raid);
}

#[test]
fn a_reformatted_card_gets_a_separate_folder() {
    let shoot = Shoot::new();
    let card = shoot.folder("UNTITLED");
    let raid = shoot.folder("raid");
    let to = raid.join("{card}");
    write_card(&card, 3, 5000);
    ingest_ok(&shoot, &[&card], &[&to]);
    let first = read_tree(&raid.join("UNTITLED"));
    fs::remove_dir_all(&card).unwrap();
    // The camera restarts its numbering: the same names with different content.
    for number in 0..3 {
        let path = write_file(
            &card,
            format!("Clips/00/D0000{number}.bin"),
            &random_bytes(90 + number, 5000),
        );
        set_time(&path, 1_790_000_000);
    }
    ingest_ok(&shoot, &[&card], &[&to]);
    assert_same_files(&card, &raid.join("UNTITLED-2"));
    assert!(first == read_tree(&raid.join("UNTITLED")));
    let known = ingest_ok(&shoot, &[&card], &[&to]);
    assert_eq!(known["known"], 1, "{known}");
    assert_eq!(shoot.run(&["ingests", "--json"]).json().len(), 2);
    for name in ["UNTITLED", "UNTITLED-2"] {
        assert_reference_verifies(&raid.join(name));
        assert_eq!(verify(&shoot, &raid.join(name)).0, 0);
    }
}

#[test]
fn new_clips_on_a_card_are_added_to_its_folder() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    let (raid, backup) = (shoot.folder("raid"), shoot.folder("backup"));
    let to = [raid.join("{card}"), backup.join("{card}")];
    write_card(&card, 5, 5000);
    ingest_ok(&shoot, &[&card], &[&to[0], &to[1]]);
    write_file(&card, "Clips/00/E00001.bin", &random_bytes(50, 7000));
    write_file(&card, "new/E00002.bin", &random_bytes(51, 100));
    let answer = ingest(&shoot, &[&card], &[&to[0], &to[1]]);
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    assert_eq!(events(&answer, "card")[0]["bytes_to_read"], 7100);
    let summary = answer.summary();
    assert_eq!(summary["copied"], 4, "{summary}");
    assert_eq!(shoot.run(&["ingests", "--json"]).json().len(), 1);
    for copy in [raid.join("A001"), backup.join("A001")] {
        assert_same_files(&card, &copy);
        let generations = fs::read_dir(copy.join("ascmhl")).unwrap().count();
        assert_eq!(generations, 3, "two generations and their chain");
        assert_reference_verifies(&copy);
        assert_eq!(verify(&shoot, &copy).0, 0);
    }
    // A third destination gets all files.
    let third = shoot.folder("third").join("{card}");
    let summary = ingest_ok(&shoot, &[&card], &[&to[0], &to[1], &third]);
    assert_eq!(summary["copied"], 7, "{summary}");
    assert_same_files(&card, &shoot.folder("third/A001"));
}

#[test]
fn a_deleted_copy_is_copied_again() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    let raid = shoot.folder("raid");
    write_card(&card, 5, 5000);
    ingest_ok(&shoot, &[&card], &[&raid]);
    fs::remove_file(raid.join("Clips/00/D00002.bin")).unwrap();
    let summary = ingest_ok(&shoot, &[&card], &[&raid]);
    assert_eq!(summary["copied"], 1, "{summary}");
    assert_same_files(&card, &raid);
    assert_reference_verifies(&raid);
}

#[test]
fn a_card_that_only_resembles_another_gets_a_separate_folder() {
    let shoot = Shoot::new();
    let (one, other) = (shoot.folder("one/Untitled"), shoot.folder("other/Untitled"));
    for (card, content) in [(&one, 1), (&other, 2)] {
        set_time(
            &write_file(card, "C0001.bin", &random_bytes(content, 5000)),
            1_777_000_000,
        );
    }
    let raid = shoot.folder("raid");
    let to = raid.join("{card}");
    ingest_ok(&shoot, &[&one], &[&to]);
    let summary = ingest_ok(&shoot, &[&other], &[&to]);
    assert_eq!(
        (&summary["known"], &summary["complete"]),
        (&0.into(), &1.into())
    );
    assert_same_files(&one, &raid.join("Untitled"));
    assert_same_files(&other, &raid.join("Untitled-2"));
    // The log of the first card is unchanged.
    assert_eq!(ingest_ok(&shoot, &[&one], &[&to])["known"], 1);
}

#[test]
fn two_cards_that_share_a_small_file_are_two_cards() {
    let shoot = Shoot::new();
    let cards = [shoot.folder("one/Untitled"), shoot.folder("other/Untitled")];
    for (card, content) in cards.iter().zip([1, 2]) {
        set_time(&write_file(card, "INDEX.DAT", b"index"), 1_777_000_000);
        write_file(
            card,
            "C0001.bin",
            &random_bytes(content, 5000 + usize::try_from(content).unwrap()),
        );
    }
    let raid = shoot.folder("raid");
    for card in &cards {
        ingest_ok(&shoot, &[card], &[&raid.join("{card}")]);
    }
    assert_same_files(&cards[0], &raid.join("Untitled"));
    assert_same_files(&cards[1], &raid.join("Untitled-2"));
}

#[test]
fn a_copy_that_changed_since_it_was_verified_is_read_again() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    for number in 0..4 {
        write_file(
            &card,
            format!("{number}.bin"),
            &random_bytes(number, 4_000_000),
        );
    }
    let raid = shoot.folder("raid");
    ingest_ok(&shoot, &[&card], &[&raid]);
    let copies = [0, 1, 2].map(|number| raid.join(format!("{number}.bin")));
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_500_000_000);
    alter_between_samples(&copies[0], old);
    alter_between_samples(&copies[1], modified(&copies[1]));
    // Only the time of this copy differs.
    let file = fs::File::options().write(true).open(&copies[2]).unwrap();
    file.set_modified(old).unwrap();
    for _ in 0..2 {
        let answer = ingest(&shoot, &[&card], &[&raid]);
        assert_eq!(answer.code, 3, "{}", answer.stdout);
        assert_problem(&answer, "0.bin", "a different file of that name exists");
        assert_problem(&answer, "1.bin", "a different file of that name exists");
        assert_eq!(answer.summary()["problems"].as_array().unwrap().len(), 2);
    }
    for copy in &copies[..2] {
        fs::remove_file(copy).unwrap();
    }
    assert_eq!(ingest_ok(&shoot, &[&card], &[&raid])["copied"], 2);
    assert_eq!(ingest_ok(&shoot, &[&card], &[&raid])["known"], 1);
}
