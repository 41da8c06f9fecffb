//! Drives on which small and capital letters are one: a folder has several paths, and what is found there is found everywhere.

use std::fs;

use super::day::Day;
use crate::ingest::card::{ingest_well, verify};
use crate::shoot::disk::Disk;

#[test]
fn what_is_found_by_another_spelling_counts() {
    let Some(mut day) = Day::new() else { return };
    day.is_card_said = true;
    let Some(mut camera) = Disk::camera(&day.shoot.folder("more"), "SHELF", 100) else {
        return;
    };
    let at = day.shoot.folder("shelf");
    camera.mount(&at);
    let [typed, other] = ["Day", "DAY"].map(|name| at.join(name));
    fs::create_dir(&typed).unwrap();
    ingest_well(&day.shoot, &[&day.card], &[&typed]);
    let path = typed.join(super::CLIP);
    let mut bytes = fs::read(&path).unwrap();
    bytes[1000] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert_eq!(verify(&day.shoot, &other).0, 4);
    day.say_disk("SHELF", "WD-3");
    day.is_not_safe(&["--copies", "1"], "altered: the content is different");
    camera.unmount();
    day.is_not_safe(&["--copies", "1"], "altered: the content is different");
}
