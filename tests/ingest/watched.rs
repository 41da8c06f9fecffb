//! A folder in which cards are mounted, watched.

use std::fs;
use std::io::Write;

use super::card::{Working, are_equal, command, fill, noise, put, told};
use super::judges::reference_agrees;
use crate::shoot::Shoot;

#[test]
fn cards_are_taken_in_as_they_come() {
    let shoot = Shoot::new();
    let (media, raid) = (shoot.folder("media"), shoot.folder("raid"));
    let mut watch = command(&shoot, &[], &[&raid.join("{card}")]);
    watch.arg("--watch").arg(&media).args(["--quiet", "1"]);
    let mut working = Working::start(watch);
    working.until("watching");
    let card = media.join("A001");
    fill(&card, 5, 1000);
    let summary = working.until("summary");
    assert_eq!(summary["complete"], 1, "{summary}");
    are_equal(&card, &raid.join("A001"));
    working.until("watching");
    // An empty mount point is no card, and a second card is another.
    fs::create_dir(media.join("EMPTY")).unwrap();
    let second = media.join("B001");
    fill(&second, 3, 2000);
    let summary = working.until("summary");
    assert_eq!(
        (&summary["complete"], &summary["cards"]),
        (&1.into(), &1.into())
    );
    are_equal(&second, &raid.join("B001"));
    working.until("watching");
    // What is added to a card follows.
    put(&second, "Clips/00/more.bin", &noise(7, 300));
    let summary = working.until("summary");
    assert_eq!(summary["copied"], 1, "{summary}");
    are_equal(&second, &raid.join("B001"));
    working.until("watching");
    working.signal("-INT");
    let answer = working.end();
    assert_eq!(answer.code, 0, "{}", answer.stdout);
    assert_eq!(told(&answer, "summary").len(), 3);
    assert!(!raid.join("EMPTY").exists());
    reference_agrees(&raid.join("B001"));
    assert_eq!(shoot.run(&["ingests", "--json"]).json().len(), 2);
}

#[test]
fn a_card_that_grows_is_waited_for() {
    let shoot = Shoot::new();
    let (media, raid) = (shoot.folder("media"), shoot.folder("raid"));
    let card = media.join("A001");
    let path = put(&card, "growing.bin", b"");
    let mut watch = command(&shoot, &[], &[&raid.join("{card}")]);
    watch.arg("--watch").arg(&media).args(["--quiet", "4"]);
    let mut working = Working::start(watch);
    working.until("watching");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut file = fs::File::options().append(true).open(&path).unwrap();
            for number in 0..30 {
                file.write_all(&noise(number, 1000)).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
        });
        // What is heard first is that all of it was taken in.
        let summary = working.until("summary");
        assert_eq!(summary["complete"], 1, "{summary}");
        assert_eq!(summary["bytes"], 30_000, "{summary}");
    });
    are_equal(&card, &raid.join("A001"));
    working.signal("-INT");
    let answer = working.end();
    assert_eq!(answer.code, 0, "{}", answer.stdout);
    assert_eq!(told(&answer, "problem").len(), 0);
}
