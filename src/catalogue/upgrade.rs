//! Migrates catalogues of older versions: integrity check, backup, then one transaction.

use std::io;

use super::open::BACKUPS;
use super::{Catalogue, FILE, number};
use crate::error::Error;

/// Migration by one version.
struct Migration {
    /// Version after the step; the step starts from the version before it.
    to: u32,
    /// Changes tables and rows. All steps run in one transaction.
    run: fn(&Catalogue) -> Result<(), Error>,
}

/// All steps, oldest first.
const MIGRATIONS: &[Migration] = &[Migration {
    to: 7,
    run: |catalogue| {
        catalogue.check(|connection| connection.execute_batch(include_str!("upgrade-7.sql")))
    },
}];

impl Catalogue {
    /// Migrates an older catalogue in one transaction, after an integrity check and a backup.
    pub(super) fn upgrade(&mut self, found: u32) -> Result<(), Error> {
        self.migrate(found, MIGRATIONS)?;
        self.reconcile_volumes(true)?;
        self.record_mounts()
    }

    fn migrate(&self, found: u32, migrations: &[Migration]) -> Result<(), Error> {
        if self.connection.is_readonly("main").unwrap_or(true) {
            let path = self.folder.join(FILE);
            return Err(Error::OlderCatalogue { path, found });
        }
        self.check_integrity()?;
        self.back_up_version(found)?;
        self.write_transaction(|| {
            // Another process may have migrated it in the meantime.
            let version = self.check(|connection| number(connection, "user_version"))?;
            for migration in migrations.iter().filter(|step| step.to > version) {
                (migration.run)(self)?;
                self.check(|connection| {
                    connection.pragma_update(None, "user_version", migration.to)
                })?;
            }
            Ok(())
        })
    }

    /// Backs up the catalogue before a migration, under a name that no earlier backup has.
    fn back_up_version(&self, version: u32) -> Result<(), Error> {
        let folder = self.folder.join(BACKUPS);
        let mut number = 1;
        loop {
            let name = match number {
                1 => format!("version-{version}.sqlite"),
                number => format!("version-{version}-{number}.sqlite"),
            };
            match self.backup(&folder.join(name)) {
                Err(Error::Path { source, .. })
                    if source.kind() == io::ErrorKind::AlreadyExists =>
                {
                    number += 1;
                }
                result => return result,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::{Seek, SeekFrom, Write};

    use rusqlite::Connection;
    use rusqlite::types::Value;
    use tempfile::TempDir;

    use super::*;

    /// Two migration steps: add a column, then create a table and fill it from the column.
    const STEPS: &[Migration] = &[
        Migration {
            to: 8,
            run: |catalogue| {
                catalogue.check(|connection| {
                    connection.execute_batch("ALTER TABLE clip ADD COLUMN mood TEXT DEFAULT 'calm'")
                })
            },
        },
        Migration {
            to: 9,
            run: |catalogue| {
                catalogue.check(|connection| {
                    connection.execute_batch(
                        "CREATE TABLE mood (clip INTEGER PRIMARY KEY, text TEXT NOT NULL);
                         INSERT INTO mood SELECT id, mood FROM clip;",
                    )
                })
            },
        },
    ];

    /// Two migration steps, of which the second fails after its first change.
    const FAILING: &[Migration] = &[
        Migration {
            to: 8,
            run: STEPS[0].run,
        },
        Migration {
            to: 9,
            run: |catalogue| {
                catalogue.check(|connection| {
                    connection
                        .execute_batch("DELETE FROM edit; INSERT INTO no_such_table VALUES (1)")
                })
            },
        },
    ];

    /// Opens a copy of the stored catalogue of version 6, migrated to the current version.
    fn frozen() -> (TempDir, Catalogue) {
        let folder = tempfile::tempdir().unwrap();
        let database = Connection::open(folder.path().join(FILE)).unwrap();
        let sql = include_str!("../../tests/old/catalogue-6.sql");
        database.execute_batch(sql).unwrap();
        database.pragma_update(None, "journal_mode", "WAL").unwrap();
        drop(database);
        let catalogue = Catalogue::open(folder.path()).unwrap();
        fs::remove_dir_all(folder.path().join(BACKUPS)).unwrap();
        (folder, catalogue)
    }

    /// Returns the columns of all tables, and the indexes.
    fn schema(connection: &Connection) -> [Vec<Vec<Value>>; 2] {
        [
            rows(
                connection,
                "SELECT t.name, c.name, c.type, c.\"notnull\", c.dflt_value, c.pk
                 FROM sqlite_master t, pragma_table_info(t.name) c
                 WHERE t.type = 'table' ORDER BY t.name, c.name",
            ),
            rows(
                connection,
                "SELECT name, sql FROM sqlite_master WHERE type = 'index' ORDER BY name",
            ),
        ]
    }

    #[test]
    fn a_migrated_catalogue_has_the_schema_of_a_new_one() {
        let (_folder, migrated) = frozen();
        let folder = tempfile::tempdir().unwrap();
        let new = Catalogue::create(folder.path()).unwrap();
        assert_eq!(schema(&migrated.connection), schema(&new.connection));
    }

    #[test]
    fn all_facts_of_a_migrated_catalogue_are_stale() {
        let (_folder, catalogue) = frozen();
        let read = rows(
            &catalogue.connection,
            "SELECT count(DISTINCT c.id) FROM clip c JOIN file f ON f.clip = c.id
             WHERE c.facts IS NOT NULL AND f.role = 0 AND NOT f.was AND f.state <> 2",
        );
        let stale = catalogue.stale_facts().unwrap();
        assert!(stale.clips > 0);
        assert_eq!(
            read,
            [[Value::Integer(i64::try_from(stale.clips).unwrap())]]
        );
    }

    fn rows(connection: &Connection, query: &str) -> Vec<Vec<Value>> {
        let mut statement = connection.prepare(query).unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|at| row.get(at)).collect());
        rows.unwrap().map(Result::unwrap).collect()
    }

    /// Returns the edits and the clips, with the columns of version 6.
    fn content(connection: &Connection) -> [Vec<Vec<Value>>; 2] {
        [
            rows(connection, "SELECT * FROM edit ORDER BY number"),
            rows(
                connection,
                "SELECT id, seq, fingerprint, algorithm, is_readable, failed_with, has_poster, strip,
                        duration, facts FROM clip ORDER BY id",
            ),
        ]
    }

    /// Returns all rows of all tables, followed by the schema.
    fn dump(connection: &Connection) -> Vec<Vec<Vec<Value>>> {
        let schema = rows(
            connection,
            "SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name",
        );
        let mut all = Vec::new();
        for table in &schema {
            let Value::Text(name) = &table[0] else {
                unreachable!("names are text");
            };
            all.push(rows(
                connection,
                &format!("SELECT * FROM {name} ORDER BY 1, 2"),
            ));
        }
        all.push(schema);
        all
    }

    fn version(connection: &Connection) -> u32 {
        number(connection, "user_version").unwrap()
    }

    #[test]
    fn a_migration_keeps_edits_and_clips_and_makes_a_backup() {
        let (folder, catalogue) = frozen();
        let before = dump(&catalogue.connection);
        let [edits, clips] = content(&catalogue.connection);
        assert_eq!((edits.len(), clips.len()), (15, 10));
        catalogue.migrate(7, STEPS).unwrap();
        assert_eq!(version(&catalogue.connection), 9);
        assert_eq!(
            content(&catalogue.connection),
            [edits.clone(), clips.clone()]
        );
        assert_eq!(
            rows(&catalogue.connection, "SELECT DISTINCT text FROM mood"),
            [[Value::Text("calm".to_owned())]]
        );
        assert_eq!(catalogue.damage().unwrap(), None);

        let backup = Connection::open(folder.path().join("backups/version-7.sqlite")).unwrap();
        assert_eq!(version(&backup), 7);
        assert_eq!(content(&backup), [edits, clips]);
        // Only the id of the catalogue differs.
        let uuid =
            |connection: &Connection| rows(connection, "SELECT value FROM meta WHERE key = 'uuid'");
        let original = uuid(&catalogue.connection);
        assert_ne!(uuid(&backup), original);
        backup
            .execute(
                "UPDATE meta SET value = ?1 WHERE key = 'uuid'",
                [&original[0][0]],
            )
            .unwrap();
        assert_eq!(dump(&backup), before);
    }

    #[test]
    fn a_failing_step_leaves_the_catalogue_unchanged() {
        let (folder, catalogue) = frozen();
        let before = dump(&catalogue.connection);
        assert!(matches!(
            catalogue.migrate(7, FAILING),
            Err(Error::Catalogue { .. })
        ));
        assert_eq!(version(&catalogue.connection), 7);
        assert!(dump(&catalogue.connection) == before);
        // The next attempt does not overwrite the first backup.
        catalogue.migrate(7, STEPS).unwrap();
        assert_eq!(version(&catalogue.connection), 9);
        for name in ["version-7.sqlite", "version-7-2.sqlite"] {
            assert!(folder.path().join(BACKUPS).join(name).exists(), "{name}");
        }
    }

    #[test]
    fn a_catalogue_that_another_process_migrated_is_not_migrated_twice() {
        let (folder, catalogue) = frozen();
        let other = Catalogue::open(folder.path()).unwrap();
        other.migrate(7, STEPS).unwrap();
        let before = dump(&catalogue.connection);
        catalogue.migrate(7, STEPS).unwrap();
        assert!(dump(&catalogue.connection) == before);
    }

    #[test]
    fn a_damaged_catalogue_is_not_migrated() {
        let (folder, catalogue) = frozen();
        catalogue
            .check(|connection| connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)"))
            .unwrap();
        drop(catalogue);
        let path = folder.path().join(FILE);
        let index: u64 = {
            let database = Connection::open(&path).unwrap();
            let page: u32 = database
                .query_row(
                    "SELECT rootpage FROM sqlite_master WHERE name = 'hash_digest'",
                    [],
                    |row| row.get(0),
                )
                .unwrap();
            u64::from(page - 1) * 4096
        };
        let mut file = File::options().write(true).open(&path).unwrap();
        file.seek(SeekFrom::Start(index)).unwrap();
        file.write_all(&[0x7f; 64]).unwrap();
        drop(file);
        let catalogue = Catalogue::open(folder.path()).unwrap();
        assert!(matches!(
            catalogue.migrate(7, STEPS),
            Err(Error::DamagedCatalogue { .. })
        ));
        assert_eq!(version(&catalogue.connection), 7);
        assert!(fs::metadata(folder.path().join(BACKUPS)).is_err());
    }
}
