//! Snapshot of the mount table that a catalogue uses, and its replacement by a newer one.
//!
//! Only the catalogue can identify mounted volumes completely, because clones are distinguished by
//! their records. A refresh needs the catalogue exclusively, so no result of an older snapshot is
//! in use.

use super::open::{file_id, is_restored};
use super::{Catalogue, FILE, VERSION, number};
use crate::error::Error;
use crate::volume::Volumes;

impl Catalogue {
    /// Returns the volumes that were mounted at the last [`Self::refresh_mounts`], or when the
    /// catalogue was opened.
    #[must_use]
    pub fn volumes(&self) -> &Volumes {
        &self.volumes
    }

    /// Reads the mount table again and records the changes, as opening does. Opens the catalogue
    /// again only if its file was replaced or upgraded in the meantime, or could not be written.
    ///
    /// # Errors
    /// As for [`Catalogue::open`].
    pub fn refresh_mounts(&mut self) -> Result<(), Error> {
        if self.is_outdated()? {
            let folder = self.folder.clone();
            *self = Self::open(&folder)?;
            return Ok(());
        }
        self.use_mounts(Volumes::mounted())
    }

    /// Replaces the snapshot of the mount table and records the changes.
    fn use_mounts(&mut self, volumes: Volumes) -> Result<(), Error> {
        self.volumes = volumes;
        self.reconcile_volumes(true)?;
        self.record_mounts()
    }

    fn is_outdated(&self) -> Result<bool, Error> {
        let path = self.folder.join(FILE);
        Ok(self.read_only_reason.is_some()
            || file_id(&path) != self.database_id
            || is_restored(&path)
            || self.check(|connection| number(connection, "user_version"))? != VERSION)
    }

    /// Distinguishes mounted clones by their volume records. Updates the identities of volumes that
    /// were identified by label until their uuid could be read.
    pub(super) fn reconcile_volumes(&mut self, is_writable: bool) -> Result<(), Error> {
        let mut known = self.known_volumes()?;
        self.volumes.distinguish_clones(&known);
        self.begin_mounted_set();
        let by_label = |identity: &str| identity.starts_with("label:");
        if !is_writable || !known.iter().any(|known| by_label(&known.identity)) {
            return Ok(());
        }
        let mut is_changed = false;
        for volume in self.volumes.all() {
            let is_known = known.iter().any(|known| known.identity == volume.identity);
            let former = volume.identity_by_label().filter(|_| !is_known);
            let former =
                former.filter(|former| known.iter().any(|known| known.identity == *former));
            if let Some(former) = former {
                // If the catalogue cannot be written now, the next command tries again.
                is_changed |= self.change_identity(&former, &volume.identity).is_ok();
            }
        }
        if is_changed {
            known = self.known_volumes()?;
            self.volumes.distinguish_clones(&known);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::volume::Volume;

    const SHELF: &str = "uuid:5e1f";
    const RAID: &str = "uuid:4a1d";

    fn mounted(identities: &[&str]) -> Volumes {
        let volume = |identity: &&str| Volume::fake(identity, &format!("/mnt/{identity}"));
        Volumes::of(identities.iter().map(volume).collect())
    }

    fn catalogue_with(folder: &Path, identities: &[&str]) -> Catalogue {
        let mut catalogue = Catalogue::create(folder).unwrap();
        catalogue.use_mounts(mounted(identities)).unwrap();
        catalogue.begin().unwrap();
        for volume in mounted(identities).all() {
            catalogue.record_volume(volume).unwrap();
        }
        catalogue.commit().unwrap();
        // A temporary table disappears with its connection.
        catalogue
            .check(|connection| connection.execute_batch("CREATE TEMP TABLE opened_once (x)"))
            .unwrap();
        catalogue
    }

    fn is_opened_once(catalogue: &Catalogue) -> bool {
        let sql = "SELECT count(*) FROM opened_once";
        let counted =
            catalogue.check(|connection| connection.query_row(sql, [], |row| row.get::<_, i64>(0)));
        counted.is_ok()
    }

    fn mount_of(catalogue: &Catalogue, identity: &str) -> Option<String> {
        let row = catalogue.find_volume(identity).unwrap();
        Some(row.mounted?.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_new_snapshot_needs_no_new_connection() {
        let folder = tempfile::tempdir().unwrap();
        let mut catalogue = catalogue_with(folder.path(), &[SHELF, RAID]);
        assert_eq!(
            mount_of(&catalogue, SHELF).as_deref(),
            Some("/mnt/uuid:5e1f")
        );
        catalogue.use_mounts(mounted(&[RAID])).unwrap();
        assert_eq!(mount_of(&catalogue, SHELF), None);
        assert_eq!(catalogue.mounted().unwrap().len(), 1);
        catalogue.use_mounts(mounted(&[RAID, SHELF])).unwrap();
        assert_eq!(
            mount_of(&catalogue, SHELF).as_deref(),
            Some("/mnt/uuid:5e1f")
        );
        // The volumes of the test are not mounted.
        catalogue.refresh_mounts().unwrap();
        assert_eq!(catalogue.mounted().unwrap(), [0; 0]);
        assert!(is_opened_once(&catalogue));
    }

    #[test]
    fn each_new_snapshot_is_recorded_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut catalogue = catalogue_with(folder.path(), &[SHELF, RAID]);
        let sightings = |catalogue: &Catalogue| {
            let sql = "SELECT sighting FROM volume WHERE identity = ?1";
            [SHELF, RAID].map(|identity| {
                catalogue
                    .check(|connection| {
                        connection.query_row(sql, [identity], |row| row.get::<_, i64>(0))
                    })
                    .unwrap()
            })
        };
        let [shelf, raid] = sightings(&catalogue);
        assert_eq!(shelf, raid);
        catalogue.use_mounts(mounted(&[RAID])).unwrap();
        let now = sightings(&catalogue);
        assert_eq!(now, [shelf, raid + 1]);
        catalogue.use_mounts(mounted(&[RAID])).unwrap();
        assert_eq!(sightings(&catalogue), now);
        catalogue.use_mounts(mounted(&[SHELF])).unwrap();
        assert_eq!(sightings(&catalogue), [raid + 2, raid + 1]);
        // Another process sees the same records.
        let other = Catalogue::open(folder.path()).unwrap();
        assert_eq!(sightings(&other), [raid + 2, raid + 1]);
    }

    #[cfg(unix)]
    #[test]
    fn a_replaced_or_upgraded_catalogue_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut catalogue = catalogue_with(folder.path(), &[SHELF]);
        let copy = folder.path().join("copy.sqlite");
        catalogue.backup(&copy).unwrap();
        let uuid = catalogue.uuid().unwrap();
        catalogue.refresh_mounts().unwrap();
        assert!(is_opened_once(&catalogue));
        std::fs::rename(&copy, folder.path().join(FILE)).unwrap();
        catalogue.refresh_mounts().unwrap();
        assert!(!is_opened_once(&catalogue));
        assert_ne!(catalogue.uuid().unwrap(), uuid);
        catalogue
            .check(|connection| connection.pragma_update(None, "user_version", VERSION + 1))
            .unwrap();
        assert!(matches!(
            catalogue.refresh_mounts(),
            Err(Error::NewerCatalogue { .. })
        ));
    }
}
