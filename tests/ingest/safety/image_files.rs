//! Copies in image files: several filesystems in one file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::offload::Offload;
use crate::ingest::card::ingest_ok;
use crate::shoot::disk::{Disk, run};
use crate::shoot::mounts::Mount;

const PART: u64 = 100 * 1024 * 1024;

/// Makes a filesystem in the second half of an image file, which grows to hold it.
fn add_part(image: &Path, label: &str) {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(image)
        .unwrap();
    file.set_len(2 * PART).unwrap();
    let offset = format!("offset={PART}");
    let image = image.to_str().unwrap();
    let options = ["-q", "-F", "-L", label, "-E", &offset, image, "100M"];
    assert!(run("mkfs.ext4", &options), "{options:?}");
}

/// Mounts one half of an image file.
fn mount_part(image: &Path, part: u64, at: &Path) -> Mount {
    let options = format!("loop,offset={},sizelimit={PART}", part * PART);
    Mount::new(&["-o", &options, image.to_str().unwrap()], at)
}

/// A day whose card is the first half of its image file; the other half is returned, not mounted yet.
fn card_with_another_part() -> Option<(Offload, Mount, PathBuf)> {
    let mut offload = Offload::new()?;
    offload.is_card_disk_given = true;
    let image = offload.card_disk.image().to_owned();
    offload.card_disk.unmount();
    add_part(&image, "PART");
    let card = mount_part(&image, 0, &offload.card);
    Some((offload, card, image))
}

#[test]
fn another_part_of_the_image_of_the_card_holds_no_copy_whatever_a_person_says() {
    let Some((offload, _card, image)) = card_with_another_part() else {
        return;
    };
    let at = offload.shoot.folder("part");
    let one = ["--copies", "1"];
    let part = mount_part(&image, 1, &at);
    ingest_ok(&offload.shoot, &[&offload.card], &[&at]);
    offload.set_disk("PART", "WD-3");
    offload.is_not_safe(&one, "on the card's own disk");
    part.unmount();
    offload.is_not_safe(&one, "on the card's own disk");
    offload.ingest(&[0]);
    offload.set_disk("SHUTTLE", "WD-1");
    offload.is_safe(&one);
    offload.is_not_safe(&[], "6 of 6 files not on 2 disks");
}

#[test]
fn the_image_of_the_card_is_the_same_file_by_another_name_and_at_another_mount() {
    let Some((offload, _card, image)) = card_with_another_part() else {
        return;
    };
    let at = offload.shoot.folder("part");
    let one = ["--copies", "1"];
    let link = image.with_file_name("LINK.img");
    fs::hard_link(&image, &link).unwrap();
    let part = mount_part(&link, 1, &at);
    ingest_ok(&offload.shoot, &[&offload.card], &[&at]);
    offload.set_disk("PART", "WD-3");
    offload.is_not_safe(&one, "on the card's own disk");
    part.unmount();
    let bound = offload.shoot.folder("bound");
    let folder = image.parent().unwrap().to_str().unwrap();
    let _bind = Mount::new(&["--bind", folder], &bound);
    let part = mount_part(&bound.join("CARD.img"), 1, &at);
    offload.is_not_safe(&one, "on the card's own disk");
    part.unmount();
    offload.is_not_safe(&one, "on the card's own disk");
}

#[test]
fn two_copies_in_one_image_file_are_on_one_disk_whatever_a_person_says() {
    let Some(offload) = Offload::new() else {
        return;
    };
    let mut offload = offload;
    offload.is_card_disk_given = true;
    let image = offload.disks[0].image().to_owned();
    offload.disks[0].unmount();
    add_part(&image, "PART");
    let at = offload.shoot.folder("part");
    let first = mount_part(&image, 0, &offload.drives[0]);
    let second = mount_part(&image, 1, &at);
    ingest_ok(&offload.shoot, &[&offload.card], &[&offload.copy(0), &at]);
    offload.set_disk("SHUTTLE", "WD-1");
    offload.set_disk("PART", "WD-2");
    offload.is_safe(&["--copies", "1"]);
    offload.is_not_safe(&[], "6 of 6 files not on 2 disks");
    first.unmount();
    second.unmount();
    offload.is_not_safe(&[], "6 of 6 files not on 2 disks");
    offload.ingest(&[1]);
    offload.set_disk("RAID", "WD-3");
    offload.is_safe(&[]);
}

#[test]
fn an_image_file_that_another_filesystem_shows_is_on_no_disk_of_its_own() {
    let Some(mut offload) = Offload::new() else {
        return;
    };
    offload.is_card_disk_given = true;
    let image = offload.disks[0].image().to_owned();
    offload.disks[0].unmount();
    let view = offload.shoot.folder("view");
    let _bind = Mount::bindfs(image.parent().unwrap(), &view);
    let shown = view.join(image.file_name().unwrap());
    let disk = Mount::new(&["-o", "loop", shown.to_str().unwrap()], &offload.drives[0]);
    offload.ingest(&[0]);
    offload.is_not_safe(&["--copies", "1"], "shows files of other filesystems");
    disk.unmount();
    offload.is_not_safe(&["--copies", "1"], "shows files of other filesystems");
}

/// A day whose second copies are in an image file on a drive of its own.
fn day_with_image() -> Option<(Offload, Disk, Disk)> {
    let mut offload = Offload::new()?;
    offload.is_card_disk_given = true;
    let images = offload.shoot.folder("images");
    let mut holder = Disk::new(&images, "HOLDER", 150)?;
    holder.mount(&offload.shoot.folder("holder"));
    let mut image = Disk::new(&offload.shoot.folder("holder"), "IMAGE", 100)?;
    let at = offload.shoot.folder("image");
    image.mount(&at);
    ingest_ok(&offload.shoot, &[&offload.card], &[&offload.copy(0), &at]);
    offload.set_disk("SHUTTLE", "WD-1");
    offload.set_disk("IMAGE", "WD-2");
    image.unmount();
    offload.is_safe(&[]);
    Some((offload, holder, image))
}

const GONE: &str = "its disk was later seen with no image file or a different one";

#[test]
fn an_image_file_that_is_not_on_its_volume_holds_no_copy_until_it_is_seen_again() {
    let Some((offload, mut holder, mut image)) = day_with_image() else {
        return;
    };
    let (at, aside) = (
        offload.shoot.folder("holder"),
        offload.shoot.folder("holder").join("aside"),
    );
    let path = image.image().to_owned();
    // Where it should be, away with its volume, and moved back.
    fs::rename(&path, &aside).unwrap();
    offload.is_not_safe(&[], GONE);
    holder.unmount();
    offload.is_not_safe(&[], GONE);
    holder.mount(&at);
    fs::rename(&aside, &path).unwrap();
    offload.is_not_safe(&[], GONE);
    let there = offload.shoot.folder("image");
    image.mount(&there);
    offload.is_safe(&[]);
    image.unmount();
    offload.is_safe(&[]);
    holder.unmount();
    offload.is_safe(&[]);
    // Deleted while nobody looked.
    holder.mount(&offload.shoot.folder("elsewhere"));
    fs::remove_file(offload.shoot.folder("elsewhere").join("IMAGE.img")).unwrap();
    holder.unmount();
    offload.is_safe(&[]);
    holder.mount(&at);
    offload.is_not_safe(&[], GONE);
    holder.unmount();
    offload.is_not_safe(&[], GONE);
}

#[test]
fn another_file_under_the_name_of_an_image_holds_no_copy() {
    for is_larger in [true, false] {
        let Some((offload, _holder, image)) = day_with_image() else {
            return;
        };
        let path = image.image().to_owned();
        let length = path.metadata().unwrap().len();
        let file = if is_larger {
            File::options().write(true).open(&path).unwrap()
        } else {
            // The old file keeps its inode number while its other name is there.
            fs::rename(&path, path.with_extension("old")).unwrap();
            File::create(&path).unwrap()
        };
        file.set_len(length + u64::from(is_larger) * 4096).unwrap();
        offload.is_not_safe(&[], GONE);
    }
}

#[test]
fn an_image_file_that_is_deleted_from_the_system_disk_holds_no_copy() {
    let Some(mut offload) = Offload::ingested() else {
        return;
    };
    offload.disks[1].unmount();
    offload.is_safe(&[]);
    fs::remove_file(offload.disks[1].image()).unwrap();
    offload.is_not_safe(&[], GONE);
}
