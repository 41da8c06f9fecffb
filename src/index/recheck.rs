//! Checks the index files again when the user is not waiting: after a search has answered, or at
//! the end of a scan.

use tantivy::TantivyError;

use super::catch_panic::guarded;
use super::checksums;
use super::directory::IndexFolder;
use super::open::files;
use super::write_lock::lock_file;
use super::{Index, IndexNotice};
use crate::catalogue::Catalogue;
use crate::error::Error;
use crate::lock::{self, Attempt};

impl Index {
    /// Reads due files from the medium and checks them: at least one file, then until `max_bytes`
    /// bytes have been read. Rebuilds a damaged index at once. If another process is writing the
    /// index, the next search rebuilds it.
    pub(super) fn recheck(
        catalogue: &Catalogue,
        max_bytes: u64,
        on_notice: &mut dyn FnMut(&IndexNotice),
    ) -> Result<(), Error> {
        let folder = Self::folder(catalogue);
        let metas = guarded(|| {
            let directory = IndexFolder::open(&folder).map_err(TantivyError::from)?;
            Ok(tantivy::Index::open(directory)?.load_metas()?)
        });
        // Another process may be replacing the index.
        let Ok(metas) = metas else { return Ok(()) };
        let Err(file) = checksums::verify_due_files(&folder, &files(&metas), max_bytes) else {
            return Ok(());
        };
        on_notice(&IndexNotice::DamagedAfterSearch { file });
        match lock::attempt(&lock_file(catalogue), "check")? {
            Attempt::Busy(_) => Ok(()),
            Attempt::Held(held) => Self::bring_up_to_date(catalogue, &held, &mut |_| ()).map(drop),
        }
    }
}
