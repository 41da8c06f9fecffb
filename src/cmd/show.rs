//! `btsindex show`: prints all metadata of one clip.

use std::path::Path;

use btsindex::catalogue::Catalogue;
use btsindex::output::{PicturePaths, RowListing, clip_details_json, write_clip_details};

use super::stdio::{print, stdout};
use crate::cli::{self, Exit};

pub(crate) fn run(args: &cli::ShowArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(catalogue)?;
    let clip = catalogue.find(&args.clip)?;
    let pictures = PicturePaths::find(&clip, &catalogue.thumbnails());
    let listing = RowListing::of_object(
        clip,
        |clip| clip_details_json(clip, &pictures),
        |clip, out| write_clip_details(clip, &pictures, out),
    );
    print(listing, args.format.get(), &mut stdout())?;
    Ok(Exit::Done)
}
