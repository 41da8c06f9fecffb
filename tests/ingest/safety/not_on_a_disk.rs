//! What is not on a disk of its own: memory, image files, and filesystems that show the files of others.

use std::fs;

use super::offload::Offload;
use crate::ingest::card::ingest_ok;
use crate::shoot::disk::Disk;
use crate::shoot::mounts::Mount;

#[test]
fn memory_is_no_disk_whoever_says_so_and_wherever_it_went() {
    let Some(offload) = Offload::new() else {
        return;
    };
    offload.ingest(&[0]);
    offload.set_disk("SHUTTLE", "WD-1");
    let at = offload.shoot.folder("ram");
    let ram = Mount::new(&["-t", "tmpfs", "-o", "size=300m", "ram"], &at);
    ingest_ok(&offload.shoot, &[&offload.card], &[&offload.copy(0), &at]);
    offload.is_not_safe(&[], "in memory: lost when it is unmounted");
    let said = offload.shoot.run(&["volumes", "disk", "ram", "WD-2"]);
    assert_eq!(said.code, 1);
    assert!(
        said.stderr
            .contains("ram is not on a disk: it is in memory"),
        "{}",
        said.stderr
    );
    // Said before that was recorded.
    let sql = "UPDATE volume SET disks = 'said:WD-2' WHERE label = 'ram'";
    assert_eq!(offload.database().execute(sql, []).unwrap(), 1);
    offload.is_not_safe(&[], "in memory: lost when it is unmounted");
    ram.unmount();
    let mut offload = offload;
    offload.is_card_disk_given = true;
    offload.is_not_safe(&[], "in memory: lost when it is unmounted");
}

#[test]
fn an_image_file_is_where_its_volume_is() {
    let Some(mut offload) = Offload::ingested() else {
        return;
    };
    offload.is_card_disk_given = true;
    // In memory.
    let at = offload.shoot.folder("ram");
    let ram = Mount::new(&["-t", "tmpfs", "-o", "size=400m", "ram"], &at);
    let Some(mut inner) = Disk::new(&at, "INNER", 100) else {
        return;
    };
    let inside = offload.shoot.folder("inner");
    inner.mount(&inside);
    ingest_ok(
        &offload.shoot,
        &[&offload.card],
        &[&offload.copy(0), &inside],
    );
    let said = offload.shoot.run(&["volumes", "disk", "INNER", "WD-3"]);
    assert!(said.stderr.contains("in memory"), "{}", said.stderr);
    inner.unmount();
    ram.unmount();
    offload.is_not_safe(&["--copies", "3"], "in memory: lost when it is unmounted");
    // On a drive that has a copy of its own: one disk with it, whatever is said.
    let Some(mut image) = Disk::new(&offload.drives[1], "IMAGE", 100) else {
        return;
    };
    image.mount(&inside);
    ingest_ok(&offload.shoot, &[&offload.card], &[&inside]);
    offload.set_disk("IMAGE", "WD-4");
    offload.is_safe(&[]);
    offload.is_not_safe(&["--copies", "3"], "6 of 6 files not on 3 disks");
    image.unmount();
    offload.disks[1].unmount();
    offload.is_not_safe(&["--copies", "3"], "6 of 6 files not on 3 disks");
    offload.is_safe(&[]);
}

#[test]
fn a_view_of_the_copies_is_no_card() {
    let Some(offload) = Offload::ingested() else {
        return;
    };
    let view = offload.shoot.folder("view");
    let other = offload.shoot.folder("other");
    let bind = Mount::bindfs(&offload.copy(0), &view);
    offload.is_not_deletable(&view, "shows files of other filesystems");
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
    offload.is_not_deletable(&other, "shows files of other filesystems");
    overlay.unmount();
}

#[test]
fn a_view_of_a_copy_is_no_copy_more() {
    let Some(offload) = Offload::ingested() else {
        return;
    };
    let view = offload.shoot.folder("view");
    let bind = Mount::bindfs(&offload.copy(0), &view);
    ingest_ok(&offload.shoot, &[&offload.card], &[&view]);
    let said = offload.shoot.run(&["volumes", "disk", "view", "WD-3"]);
    assert!(
        said.stderr.contains("view is not on a disk"),
        "{}",
        said.stderr
    );
    offload.is_safe(&[]);
    offload.is_not_safe(&["--copies", "3"], "6 of 6 files not on 3 disks");
    bind.unmount();
    offload.is_not_safe(&["--copies", "3"], "6 of 6 files not on 3 disks");
}

#[test]
fn a_folder_called_like_a_disk_is_not_that_disk() {
    let Some(offload) = Offload::new() else {
        return;
    };
    let disk = fs::read_dir("/sys/class/block").unwrap().flatten();
    let name = disk.map(|entry| entry.file_name()).max().unwrap();
    let at = offload.shoot.folder("ram");
    let _ram = Mount::new(&["-t", "tmpfs", "-o", "size=300m", "ram"], &at);
    let folder = at.join(name);
    fs::create_dir(&folder).unwrap();
    let view = offload.shoot.folder("view");
    let _bind = Mount::bindfs(&folder, &view);
    ingest_ok(&offload.shoot, &[&offload.card], &[&view]);
    offload.is_not_safe(&["--copies", "1"], "shows files of other filesystems");
    let volumes = offload.shoot.run(&["volumes", "--json"]).json();
    let volume = volumes
        .iter()
        .find(|volume| volume["volume"] == "view")
        .unwrap();
    assert_eq!(volume["disks"], serde_json::json!([]));
}
