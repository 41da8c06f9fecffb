//! `ingest --watch`: cards that appear below a watched folder.

use std::fs;
use std::io::Write;

use super::card::{
    RunningCommand, assert_same_files, events, ingest_command, random_bytes, write_card, write_file,
};
use super::reference_tools::assert_reference_verifies;
use crate::shoot::Shoot;

#[test]
fn cards_are_ingested_as_they_appear() {
    let shoot = Shoot::new();
    let (media, raid) = (shoot.folder("media"), shoot.folder("raid"));
    let mut watch = ingest_command(&shoot, &[], &[&raid.join("{card}")]);
    watch.arg("--watch").arg(&media).args(["--quiet", "1"]);
    let mut running = RunningCommand::start(watch);
    running.wait_for("watching");
    let card = media.join("A001");
    write_card(&card, 5, 1000);
    let summary = running.wait_for("summary");
    assert_eq!(summary["complete"], 1, "{summary}");
    assert_same_files(&card, &raid.join("A001"));
    running.wait_for("watching");
    // An empty mount point is not a card; a second card is ingested separately.
    fs::create_dir(media.join("EMPTY")).unwrap();
    let second = media.join("B001");
    write_card(&second, 3, 2000);
    let summary = running.wait_for("summary");
    assert_eq!(
        (&summary["complete"], &summary["cards"]),
        (&1.into(), &1.into())
    );
    assert_same_files(&second, &raid.join("B001"));
    running.wait_for("watching");
    // Files added to a card are copied as well.
    write_file(&second, "Clips/00/more.bin", &random_bytes(7, 300));
    let summary = running.wait_for("summary");
    assert_eq!(summary["copied"], 1, "{summary}");
    assert_same_files(&second, &raid.join("B001"));
    running.wait_for("watching");
    running.signal("-INT");
    let answer = running.finish();
    assert_eq!(answer.code, 0, "{}", answer.stdout);
    assert_eq!(events(&answer, "summary").len(), 3);
    assert!(!raid.join("EMPTY").exists());
    assert_reference_verifies(&raid.join("B001"));
    assert_eq!(shoot.run(&["ingests", "--json"]).json().len(), 2);
}

#[test]
fn a_growing_card_is_ingested_once_it_stops_growing() {
    let shoot = Shoot::new();
    let (media, raid) = (shoot.folder("media"), shoot.folder("raid"));
    let card = media.join("A001");
    let path = write_file(&card, "growing.bin", b"");
    let mut watch = ingest_command(&shoot, &[], &[&raid.join("{card}")]);
    watch.arg("--watch").arg(&media).args(["--quiet", "4"]);
    let mut running = RunningCommand::start(watch);
    running.wait_for("watching");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut file = fs::File::options().append(true).open(&path).unwrap();
            for number in 0..30 {
                file.write_all(&random_bytes(number, 1000)).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
        });
        // The first summary covers the whole file.
        let summary = running.wait_for("summary");
        assert_eq!(summary["complete"], 1, "{summary}");
        assert_eq!(summary["bytes"], 30_000, "{summary}");
    });
    assert_same_files(&card, &raid.join("A001"));
    running.signal("-INT");
    let answer = running.finish();
    assert_eq!(answer.code, 0, "{}", answer.stdout);
    assert_eq!(events(&answer, "problem").len(), 0);
}
