//! Drives where names that differ by case are the same: a result for one spelling of a path applies
//! to every spelling.

use std::fs;

use super::setup::Offload;
use crate::ingest::card::{ingest_ok, verify};
use crate::shoot::disk::Disk;
use crate::skipped_tests::or_skip;

#[test]
fn an_altered_copy_found_under_another_spelling_is_not_counted() {
    let mut offload = or_skip!(Offload::new());
    offload.is_card_disk_given = true;
    let mut camera = or_skip!(Disk::camera(&offload.shoot.folder("more"), "SHELF", 100));
    let at = offload.shoot.folder("shelf");
    camera.mount(&at);
    let [typed, other] = ["Day", "DAY"].map(|name| at.join(name));
    fs::create_dir(&typed).unwrap();
    ingest_ok(&offload.shoot, &[&offload.card], &[&typed]);
    let path = typed.join(super::CLIP);
    let mut bytes = fs::read(&path).unwrap();
    bytes[1000] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert_eq!(verify(&offload.shoot, &other).0, 4);
    offload.set_disk("SHELF", "WD-3");
    offload.assert_not_safe(&["--copies", "1"], "altered: the content is different");
    camera.unmount();
    offload.assert_not_safe(&["--copies", "1"], "altered: the content is different");
}
