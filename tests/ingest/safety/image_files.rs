//! Copies in image files: several filesystems in one file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::setup::Offload;
use crate::ingest::card::ingest_ok;
use crate::shoot::disk::{Disk, run};
use crate::shoot::mounts::Mount;
use crate::skipped_tests::{Skipped, or_skip};

const PART: u64 = 100 * 1024 * 1024;

/// Doubles the size of an image file and creates a filesystem in the second half.
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

/// Creates an offload whose card is the first half of an image file. Returns the mount of the card
/// and the image file, whose second half is not mounted.
fn card_with_another_part() -> Result<(Offload, Mount, PathBuf), Skipped> {
    let mut offload = Offload::new()?;
    offload.is_card_disk_given = true;
    let image = offload.card_disk.image().to_owned();
    offload.card_disk.unmount();
    add_part(&image, "PART");
    let card = mount_part(&image, 0, &offload.card);
    Ok((offload, card, image))
}

#[test]
fn the_other_partition_of_the_image_of_the_card_is_on_the_same_disk() {
    let (offload, _card, image) = or_skip!(card_with_another_part());
    let at = offload.shoot.folder("part");
    let one = ["--copies", "1"];
    let part = mount_part(&image, 1, &at);
    ingest_ok(&offload.shoot, &[&offload.card], &[&at]);
    offload.set_disk("PART", "WD-3");
    offload.assert_not_safe(&one, "on the card's own disk");
    part.unmount();
    offload.assert_not_safe(&one, "on the card's own disk");
    offload.ingest(&[0]);
    offload.set_disk("SHUTTLE", "WD-1");
    offload.assert_safe(&one);
    offload.assert_not_safe(&[], "6 of 6 files not on 2 disks");
}

#[test]
fn the_image_of_the_card_is_recognised_by_another_name_and_at_another_mount_point() {
    let (offload, _card, image) = or_skip!(card_with_another_part());
    let at = offload.shoot.folder("part");
    let one = ["--copies", "1"];
    let link = image.with_file_name("LINK.img");
    fs::hard_link(&image, &link).unwrap();
    let part = mount_part(&link, 1, &at);
    ingest_ok(&offload.shoot, &[&offload.card], &[&at]);
    offload.set_disk("PART", "WD-3");
    offload.assert_not_safe(&one, "on the card's own disk");
    part.unmount();
    let bound = offload.shoot.folder("bound");
    let folder = image.parent().unwrap().to_str().unwrap();
    let _bind = Mount::new(&["--bind", folder], &bound);
    let part = mount_part(&bound.join("CARD.img"), 1, &at);
    offload.assert_not_safe(&one, "on the card's own disk");
    part.unmount();
    offload.assert_not_safe(&one, "on the card's own disk");
}

#[test]
fn two_copies_in_one_image_file_are_on_one_disk_despite_other_disk_names() {
    let mut offload = or_skip!(Offload::new());
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
    offload.assert_safe(&["--copies", "1"]);
    offload.assert_not_safe(&[], "6 of 6 files not on 2 disks");
    first.unmount();
    second.unmount();
    offload.assert_not_safe(&[], "6 of 6 files not on 2 disks");
    offload.ingest(&[1]);
    offload.set_disk("RAID", "WD-3");
    offload.assert_safe(&[]);
}

#[test]
fn an_image_file_on_a_passthrough_filesystem_is_on_no_known_disk() {
    let mut offload = or_skip!(Offload::new());
    offload.is_card_disk_given = true;
    let image = offload.disks[0].image().to_owned();
    offload.disks[0].unmount();
    let view = offload.shoot.folder("view");
    let _bind = Mount::bindfs(image.parent().unwrap(), &view);
    let shown = view.join(image.file_name().unwrap());
    let disk = Mount::new(&["-o", "loop", shown.to_str().unwrap()], &offload.drives[0]);
    offload.ingest(&[0]);
    offload.assert_not_safe(&["--copies", "1"], "shows files of other filesystems");
    disk.unmount();
    offload.assert_not_safe(&["--copies", "1"], "shows files of other filesystems");
}

/// Creates an offload whose second copies are in an image file on a separate drive. Returns the
/// disk that contains the image file, and the image.
fn offload_with_image() -> Result<(Offload, Disk, Disk), Skipped> {
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
    offload.assert_safe(&[]);
    Ok((offload, holder, image))
}

/// Reason for copies in an image file that is missing or was replaced.
const MISSING_IMAGE: &str = "its disk was later seen with no image file or a different one";

#[test]
fn copies_in_a_missing_image_file_count_again_once_it_is_seen_again() {
    let (offload, mut holder, mut image) = or_skip!(offload_with_image());
    let (at, moved) = (
        offload.shoot.folder("holder"),
        offload.shoot.folder("holder").join("aside"),
    );
    let path = image.image().to_owned();
    // Moved away; its volume unmounted; moved back.
    fs::rename(&path, &moved).unwrap();
    offload.assert_not_safe(&[], MISSING_IMAGE);
    holder.unmount();
    offload.assert_not_safe(&[], MISSING_IMAGE);
    holder.mount(&at);
    fs::rename(&moved, &path).unwrap();
    offload.assert_not_safe(&[], MISSING_IMAGE);
    let image_mount = offload.shoot.folder("image");
    image.mount(&image_mount);
    offload.assert_safe(&[]);
    image.unmount();
    offload.assert_safe(&[]);
    holder.unmount();
    offload.assert_safe(&[]);
    // Deleted while its volume is mounted elsewhere.
    holder.mount(&offload.shoot.folder("elsewhere"));
    fs::remove_file(offload.shoot.folder("elsewhere").join("IMAGE.img")).unwrap();
    holder.unmount();
    offload.assert_safe(&[]);
    holder.mount(&at);
    offload.assert_not_safe(&[], MISSING_IMAGE);
    holder.unmount();
    offload.assert_not_safe(&[], MISSING_IMAGE);
}

#[test]
fn another_file_with_the_name_of_an_image_does_not_count() {
    for is_larger in [true, false] {
        let (offload, _holder, image) = or_skip!(offload_with_image());
        let path = image.image().to_owned();
        let length = path.metadata().unwrap().len();
        let file = if is_larger {
            File::options().write(true).open(&path).unwrap()
        } else {
            // The renamed file keeps its inode number, so the new file gets another one.
            fs::rename(&path, path.with_extension("old")).unwrap();
            File::create(&path).unwrap()
        };
        file.set_len(length + u64::from(is_larger) * 4096).unwrap();
        offload.assert_not_safe(&[], MISSING_IMAGE);
    }
}

#[test]
fn an_image_file_deleted_from_the_system_disk_does_not_count() {
    let mut offload = or_skip!(Offload::ingested());
    offload.disks[1].unmount();
    offload.assert_safe(&[]);
    fs::remove_file(offload.disks[1].image()).unwrap();
    offload.assert_not_safe(&[], MISSING_IMAGE);
}
