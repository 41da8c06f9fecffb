//! Copies that are not on a separate disk: in memory, in image files, and on filesystems that show
//! files of other filesystems.

use std::fs;

use super::setup::Offload;
use crate::ingest::card::ingest_ok;
use crate::shoot::disk::Disk;
use crate::shoot::mounts::Mount;
use crate::skipped_tests::or_skip;

#[test]
fn copies_in_memory_never_count() {
    let mut offload = or_skip!(Offload::new());
    offload.ingest(&[0]);
    offload.set_disk("SHUTTLE", "WD-1");
    let at = offload.shoot.folder("ram");
    let ram = Mount::new(&["-t", "tmpfs", "-o", "size=300m", "ram"], &at);
    ingest_ok(&offload.shoot, &[&offload.card], &[&offload.copy(0), &at]);
    offload.assert_not_safe(&[], "in memory: lost when it is unmounted");
    let answer = offload.shoot.run(&["volumes", "disk", "ram", "WD-2"]);
    assert_eq!(answer.code, 1);
    assert!(
        answer
            .stderr
            .contains("ram is not on a disk: it is in memory"),
        "{}",
        answer.stderr
    );
    // A disk that was given before the program rejected it.
    let sql = "UPDATE volume SET disks = 'said:WD-2' WHERE label = 'ram'";
    assert_eq!(offload.database().execute(sql, []).unwrap(), 1);
    offload.assert_not_safe(&[], "in memory: lost when it is unmounted");
    ram.unmount();
    offload.is_card_disk_given = true;
    offload.assert_not_safe(&[], "in memory: lost when it is unmounted");
}

#[test]
fn an_image_file_is_on_the_disk_of_its_volume() {
    let mut offload = or_skip!(Offload::ingested());
    offload.is_card_disk_given = true;
    // In memory.
    let at = offload.shoot.folder("ram");
    let ram = Mount::new(&["-t", "tmpfs", "-o", "size=400m", "ram"], &at);
    let mut inner = or_skip!(Disk::new(&at, "INNER", 100));
    let inside = offload.shoot.folder("inner");
    inner.mount(&inside);
    ingest_ok(
        &offload.shoot,
        &[&offload.card],
        &[&offload.copy(0), &inside],
    );
    let answer = offload.shoot.run(&["volumes", "disk", "INNER", "WD-3"]);
    assert!(answer.stderr.contains("in memory"), "{}", answer.stderr);
    inner.unmount();
    ram.unmount();
    offload.assert_not_safe(&["--copies", "3"], "in memory: lost when it is unmounted");
    // On a drive that has copies too: the same disk, despite another disk name.
    let mut image = or_skip!(Disk::new(&offload.drives[1], "IMAGE", 100));
    image.mount(&inside);
    ingest_ok(&offload.shoot, &[&offload.card], &[&inside]);
    offload.set_disk("IMAGE", "WD-4");
    offload.assert_safe(&[]);
    offload.assert_not_safe(&["--copies", "3"], "6 of 6 files not on 3 disks");
    image.unmount();
    offload.disks[1].unmount();
    offload.assert_not_safe(&["--copies", "3"], "6 of 6 files not on 3 disks");
    offload.assert_safe(&[]);
}

#[test]
fn a_passthrough_filesystem_is_not_accepted_as_a_card() {
    let offload = or_skip!(Offload::ingested());
    let view = offload.shoot.folder("view");
    let other = offload.shoot.folder("other");
    let bind = Mount::bindfs(&offload.copy(0), &view);
    offload.assert_folder_not_safe(&view, "shows files of other filesystems");
    bind.unmount();
    let options = {
        let folder = |name: &str| offload.drives[1].join(name);
        for name in ["upper", "work"] {
            fs::create_dir(folder(name)).unwrap();
        }
        let (upper, work) = (folder("upper"), folder("work"));
        format!(
            "lowerdir={},upperdir={},workdir={}",
            offload.copy(1).display(),
            upper.display(),
            work.display()
        )
    };
    let overlay = Mount::new(&["-t", "overlay", "-o", &options, "overlay"], &other);
    offload.assert_folder_not_safe(&other, "shows files of other filesystems");
    overlay.unmount();
}

#[test]
fn a_passthrough_view_of_a_copy_is_not_another_copy() {
    let offload = or_skip!(Offload::ingested());
    let view = offload.shoot.folder("view");
    let bind = Mount::bindfs(&offload.copy(0), &view);
    ingest_ok(&offload.shoot, &[&offload.card], &[&view]);
    let answer = offload.shoot.run(&["volumes", "disk", "view", "WD-3"]);
    assert!(
        answer.stderr.contains("view is not on a disk"),
        "{}",
        answer.stderr
    );
    offload.assert_safe(&[]);
    offload.assert_not_safe(&["--copies", "3"], "6 of 6 files not on 3 disks");
    bind.unmount();
    offload.assert_not_safe(&["--copies", "3"], "6 of 6 files not on 3 disks");
}

#[test]
fn a_folder_named_like_a_disk_is_not_that_disk() {
    let offload = or_skip!(Offload::new());
    let disk = fs::read_dir("/sys/class/block").unwrap().flatten();
    let name = disk.map(|entry| entry.file_name()).max().unwrap();
    let at = offload.shoot.folder("ram");
    let _ram = Mount::new(&["-t", "tmpfs", "-o", "size=300m", "ram"], &at);
    let folder = at.join(name);
    fs::create_dir(&folder).unwrap();
    let view = offload.shoot.folder("view");
    let _bind = Mount::bindfs(&folder, &view);
    ingest_ok(&offload.shoot, &[&offload.card], &[&view]);
    offload.assert_not_safe(&["--copies", "1"], "shows files of other filesystems");
    let volumes = offload.shoot.run(&["volumes", "--json"]).json();
    let volume = volumes
        .iter()
        .find(|volume| volume["volume"] == "view")
        .unwrap();
    assert_eq!(volume["disks"], serde_json::json!([]));
}
