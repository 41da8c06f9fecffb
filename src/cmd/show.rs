//! `btsindex show`: prints all metadata of one clip.

use std::io::Write;
use std::path::Path;

use btsindex::catalogue::Catalogue;
use btsindex::output::{PicturePaths, clip_details_json, json_line, write_clip_details};

use super::stdio::stdout;
use crate::cli::{self, Exit};

pub(crate) fn run(args: &cli::ShowArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(catalogue)?;
    let clip = catalogue.find(&args.clip)?;
    let pictures = PicturePaths::find(&clip, &catalogue.thumbnails());
    let mut out = stdout();
    if args.json {
        writeln!(out, "{}", json_line(&clip_details_json(&clip, &pictures)))?;
    } else {
        write_clip_details(&clip, &pictures, &mut out)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}
