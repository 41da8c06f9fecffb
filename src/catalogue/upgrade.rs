//! Migrates catalogues of older versions: integrity check, backup, then one transaction.

use std::io;

use rusqlite::params;

use super::open::BACKUPS;
use super::{Catalogue, FILE, VERSION, number};
use crate::error::Error;

impl Catalogue {
    /// Migrates an older catalogue in one transaction, after an integrity check and a backup.
    pub(super) fn upgrade(&mut self, found: u32) -> Result<(), Error> {
        let path = self.folder.join(FILE);
        if self.connection.is_readonly("main").unwrap_or(true) {
            return Err(Error::OlderCatalogue { path, found });
        }
        self.check_integrity()?;
        self.back_up_version(found)?;
        self.write_transaction(|| {
            // Another process may have migrated it in the meantime.
            let version = self.check(|connection| number(connection, "user_version"))?;
            if version < 2 {
                self.check(|connection| connection.execute_batch(include_str!("upgrade-2.sql")))?;
            }
            if version < 3 {
                self.check(|connection| {
                    connection.execute_batch(include_str!("upgrade-3.sql"))?;
                    connection.execute_batch(include_str!("schema-3.sql"))
                })?;
                self.compress_all("clip")?;
                self.compress_all("file")?;
            }
            if version < 4 {
                self.check(|connection| connection.execute_batch(include_str!("schema-4.sql")))?;
            }
            if version < 5 {
                self.check(|connection| connection.execute_batch(include_str!("schema-5.sql")))?;
            }
            if version < 6 {
                self.check(|connection| connection.execute_batch(include_str!("schema-6.sql")))?;
            }
            self.check(|connection| connection.pragma_update(None, "user_version", VERSION))
        })?;
        self.reconcile_volumes(true)?;
        self.note_mounts()
    }

    /// Backs up the catalogue before a migration, under a new name next to earlier backups.
    fn back_up_version(&self, version: u32) -> Result<(), Error> {
        let folder = self.folder.join(BACKUPS);
        let mut number = 1;
        loop {
            let name = match number {
                1 => format!("version-{version}.sqlite"),
                more => format!("version-{version}-{more}.sqlite"),
            };
            match self.backup(&folder.join(name)) {
                Err(Error::Path { source, .. })
                    if source.kind() == io::ErrorKind::AlreadyExists =>
                {
                    number += 1;
                }
                made => return made,
            }
        }
    }

    /// Compresses the documents of a table, which were plain JSON before version 3.
    fn compress_all(&self, table: &str) -> Result<(), Error> {
        let select = format!(
            "SELECT id, facts FROM {table} WHERE id > ?1 AND facts IS NOT NULL ORDER BY id LIMIT 1000"
        );
        let update = format!("UPDATE {table} SET facts = ?2 WHERE id = ?1");
        let mut last = i64::MIN;
        loop {
            let page: Vec<(i64, String)> = self.check(|connection| {
                let mut statement = connection.prepare_cached(&select)?;
                let rows = statement.query_map([last], |row| Ok((row.get(0)?, row.get(1)?)))?;
                rows.collect()
            })?;
            let Some((end, _)) = page.last() else {
                return Ok(());
            };
            last = *end;
            for (id, json) in &page {
                let packed = self.packer.borrow_mut().pack(json);
                let packed = packed.map_err(Error::path(self.folder.join(FILE)))?;
                self.check(|connection| {
                    connection
                        .prepare_cached(&update)?
                        .execute(params![id, packed])
                })?;
            }
        }
    }
}
