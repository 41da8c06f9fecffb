//! What becomes of what stands there already, and of cards that come again.

use std::fs;
use std::os::unix::fs::symlink;

use super::card::{
    are_equal, fill, ingest, ingest_well, is_told, noise, nothing_is_left_over, put, set_time,
    told, tree, verify,
};
use super::judges::reference_agrees;
use crate::shoot::Shoot;
use crate::shoot::disk::run;

#[test]
fn nothing_that_stands_there_is_overwritten() {
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
        put(&card, name, format!("the card's {name}").as_bytes());
    }
    let raid = shoot.folder("raid");
    let elsewhere = shoot.folder("elsewhere");
    put(&raid, "longer.bin", b"somebody else's, which is longer");
    put(&raid, "equal.bin", b"the RAID's equal.bin");
    let same = put(&raid, "same.bin", b"the card's same.bin");
    put(&elsewhere, "target.bin", b"the card's link.bin");
    symlink(elsewhere.join("target.bin"), raid.join("link.bin")).unwrap();
    fs::create_dir(raid.join("folder.bin")).unwrap();
    symlink(&elsewhere, raid.join("into")).unwrap();
    put(&raid, "under", b"a file in a folder's place");
    let before = tree(&elsewhere);
    let answer = ingest(&shoot, &[&card], &[&raid]);
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    for name in ["longer.bin", "equal.bin", "link.bin", "folder.bin"] {
        is_told(
            &answer,
            &format!("raid/{name}"),
            "a different file of that name exists",
        );
    }
    is_told(
        &answer,
        "raid/under/file.bin",
        "a file or link exists where the card has a folder",
    );
    is_told(&answer, "raid/into/linked.bin", "a file or link exists");
    let bytes = |name: &str| fs::read(raid.join(name)).unwrap();
    assert_eq!(bytes("longer.bin"), b"somebody else's, which is longer");
    assert_eq!(bytes("equal.bin"), b"the RAID's equal.bin");
    assert_eq!(bytes("under"), b"a file in a folder's place");
    assert_eq!(bytes("free.bin"), b"the card's free.bin");
    assert!(raid.join("link.bin").is_symlink() && raid.join("folder.bin").is_dir());
    assert!(before == tree(&elsewhere), "it was written through a link");
    assert_eq!(answer.summary()["already_there"], 1);
    // Once all of that is out of the way, the same command completes.
    for name in ["longer.bin", "equal.bin", "link.bin", "into", "under"] {
        fs::remove_file(raid.join(name)).unwrap();
    }
    fs::remove_dir(raid.join("folder.bin")).unwrap();
    ingest_well(&shoot, &[&card], &[&raid]);
    // What was there keeps its time, too.
    let modified = card
        .join("same.bin")
        .metadata()
        .unwrap()
        .modified()
        .unwrap();
    let file = fs::File::options().write(true).open(&same).unwrap();
    assert_ne!(file.metadata().unwrap().modified().unwrap(), modified);
    file.set_modified(modified).unwrap();
    are_equal(&card, &raid);
    nothing_is_left_over(&raid);
    reference_agrees(&raid);
}

#[test]
fn a_card_that_was_formatted_gets_a_folder_of_its_own() {
    let shoot = Shoot::new();
    let card = shoot.folder("UNTITLED");
    let raid = shoot.folder("raid");
    let to = raid.join("{card}");
    fill(&card, 3, 5000);
    ingest_well(&shoot, &[&card], &[&to]);
    let first = tree(&raid.join("UNTITLED"));
    fs::remove_dir_all(&card).unwrap();
    // The camera begins to count again: the same names, other content.
    for number in 0..3 {
        let path = put(
            &card,
            format!("Clips/00/D0000{number}.bin"),
            &noise(90 + number, 5000),
        );
        set_time(&path, 1_790_000_000);
    }
    ingest_well(&shoot, &[&card], &[&to]);
    are_equal(&card, &raid.join("UNTITLED-2"));
    assert!(first == tree(&raid.join("UNTITLED")));
    let known = ingest_well(&shoot, &[&card], &[&to]);
    assert_eq!(known["known"], 1, "{known}");
    assert_eq!(shoot.run(&["ingests", "--json"]).json().len(), 2);
    for name in ["UNTITLED", "UNTITLED-2"] {
        reference_agrees(&raid.join(name));
        assert_eq!(verify(&shoot, &raid.join(name)).0, 0);
    }
}

#[test]
fn a_card_that_was_shot_on_goes_on_in_its_folder() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    let (raid, backup) = (shoot.folder("raid"), shoot.folder("backup"));
    let to = [raid.join("{card}"), backup.join("{card}")];
    fill(&card, 5, 5000);
    ingest_well(&shoot, &[&card], &[&to[0], &to[1]]);
    put(&card, "Clips/00/E00001.bin", &noise(50, 7000));
    put(&card, "new/E00002.bin", &noise(51, 100));
    let answer = ingest(&shoot, &[&card], &[&to[0], &to[1]]);
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    assert_eq!(told(&answer, "card")[0]["bytes_to_read"], 7100);
    let summary = answer.summary();
    assert_eq!(summary["copied"], 4, "{summary}");
    assert_eq!(shoot.run(&["ingests", "--json"]).json().len(), 1);
    for copy in [raid.join("A001"), backup.join("A001")] {
        are_equal(&card, &copy);
        let generations = fs::read_dir(copy.join("ascmhl")).unwrap().count();
        assert_eq!(generations, 3, "two generations and their chain");
        reference_agrees(&copy);
        assert_eq!(verify(&shoot, &copy).0, 0);
    }
    // A third place is given what the other two have.
    let third = shoot.folder("third").join("{card}");
    let summary = ingest_well(&shoot, &[&card], &[&to[0], &to[1], &third]);
    assert_eq!(summary["copied"], 7, "{summary}");
    are_equal(&card, &shoot.folder("third/A001"));
}

#[test]
fn a_copy_that_was_lost_is_made_again() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    let raid = shoot.folder("raid");
    fill(&card, 5, 5000);
    ingest_well(&shoot, &[&card], &[&raid]);
    fs::remove_file(raid.join("Clips/00/D00002.bin")).unwrap();
    let summary = ingest_well(&shoot, &[&card], &[&raid]);
    assert_eq!(summary["copied"], 1, "{summary}");
    are_equal(&card, &raid);
    reference_agrees(&raid);
}

#[test]
fn what_is_no_file_is_told_and_what_systems_keep_is_left() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    let elsewhere = shoot.folder("elsewhere");
    put(&elsewhere, "secret.bin", b"not on the card");
    put(&card, "a.bin", b"on the card");
    put(&card, ".Spotlight-V100/Store-V2/x", b"the system's");
    put(&card, "System Volume Information/x", b"the system's");
    put(&card, ".Trashes/501/a.bin", b"thrown away");
    symlink(&elsewhere, card.join("linked")).unwrap();
    symlink(elsewhere.join("secret.bin"), card.join("secret.bin")).unwrap();
    symlink("nowhere", card.join("dangling")).unwrap();
    assert!(run("mkfifo", &[card.join("pipe").to_str().unwrap()]));
    let raid = shoot.folder("raid");
    let answer = ingest(&shoot, &[&card], &[&raid]);
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    for name in ["linked", "secret.bin", "dangling"] {
        is_told(&answer, &format!("A001/{name}"), "a link: its target");
    }
    is_told(&answer, "A001/pipe", "a pipe or a device");
    let names: Vec<String> = tree(&raid)
        .into_keys()
        .map(|path| path.to_string_lossy().into_owned())
        .collect();
    assert_eq!(
        names,
        [".Trashes", ".Trashes/501", ".Trashes/501/a.bin", "a.bin"]
    );
    reference_agrees(&raid);
}

#[test]
fn a_card_that_only_looks_like_another_gets_a_folder_of_its_own() {
    let shoot = Shoot::new();
    let (one, other) = (shoot.folder("one/Untitled"), shoot.folder("other/Untitled"));
    for (card, content) in [(&one, 1), (&other, 2)] {
        set_time(
            &put(card, "C0001.bin", &noise(content, 5000)),
            1_777_000_000,
        );
    }
    let raid = shoot.folder("raid");
    let to = raid.join("{card}");
    ingest_well(&shoot, &[&one], &[&to]);
    let summary = ingest_well(&shoot, &[&other], &[&to]);
    assert_eq!(
        (&summary["known"], &summary["complete"]),
        (&0.into(), &1.into())
    );
    are_equal(&one, &raid.join("Untitled"));
    are_equal(&other, &raid.join("Untitled-2"));
    // The first one's log is as it was.
    assert_eq!(ingest_well(&shoot, &[&one], &[&to])["known"], 1);
}

#[test]
fn a_small_file_that_is_the_same_on_two_cards_does_not_make_them_one() {
    let shoot = Shoot::new();
    let cards = [shoot.folder("one/Untitled"), shoot.folder("other/Untitled")];
    for (card, content) in cards.iter().zip([1, 2]) {
        set_time(&put(card, "INDEX.DAT", b"index"), 1_777_000_000);
        put(
            card,
            "C0001.bin",
            &noise(content, 5000 + usize::try_from(content).unwrap()),
        );
    }
    let raid = shoot.folder("raid");
    for card in &cards {
        ingest_well(&shoot, &[card], &[&raid.join("{card}")]);
    }
    are_equal(&cards[0], &raid.join("Untitled"));
    are_equal(&cards[1], &raid.join("Untitled-2"));
}
