//! The same clips in SQLite's FTS5, as someone who knows it would set it up.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Statement, params};

use super::clips::{Dressed, Texts, World};

/// Clips that are invented before they are written, so that inventing is not measured.
const CHUNK: u64 = 10_000;

const INDEXES: &str = "
    CREATE INDEX clip_captured ON clip (captured);
    CREATE INDEX clip_day ON clip (day);
    CREATE INDEX clip_camera ON clip (camera);
    CREATE INDEX clip_rate ON clip (rate);
    CREATE INDEX clip_bytes ON clip (bytes);
    CREATE INDEX clip_height ON clip (height);
    CREATE INDEX clip_duration ON clip (duration);
    CREATE INDEX clip_tag_tag ON clip_tag (tag, clip);
    ANALYZE;";

/// How long making it took.
pub(crate) struct Made {
    /// The words: inserted in one transaction, then `optimize`.
    pub(crate) words: f64,
    /// The ordinary tables and their indexes.
    pub(crate) tables: f64,
}

/// Makes the database anew.
pub(crate) fn make(path: &Path, world: &World, clips: u64) -> Made {
    remove(path);
    let mut connection = open(path);
    connection
        .execute_batch(include_str!("schema.sql"))
        .unwrap();
    let (mut words, mut tables) = (Duration::ZERO, Duration::ZERO);
    let transaction = connection.transaction().unwrap();
    {
        let mut writer = Writer::new(&transaction);
        for first in (0..clips).step_by(CHUNK as usize) {
            let numbers = first..(first + CHUNK).min(clips);
            let chunk: Vec<(Dressed, Texts)> = numbers
                .map(|number| world.clip(number))
                .map(|clip| (clip.texts(), clip))
                .map(|(texts, clip)| (clip, texts))
                .collect();
            let begun = Instant::now();
            for (clip, texts) in &chunk {
                writer.row(clip, texts);
            }
            tables += begun.elapsed();
            let begun = Instant::now();
            for (clip, texts) in &chunk {
                writer.words(clip.number, texts);
            }
            words += begun.elapsed();
        }
    }
    let begun = Instant::now();
    transaction
        .execute_batch("INSERT INTO words (words) VALUES ('optimize')")
        .unwrap();
    transaction.commit().unwrap();
    words += begun.elapsed();
    let begun = Instant::now();
    connection.execute_batch(INDEXES).unwrap();
    tables += begun.elapsed();
    connection
        .execute_batch(
            "INSERT INTO listed SELECT term FROM vocabulary;
             PRAGMA optimize;
             PRAGMA wal_checkpoint(TRUNCATE);",
        )
        .unwrap();
    Made {
        words: words.as_secs_f64(),
        tables: tables.as_secs_f64(),
    }
}

/// Replaces the words and the title of clips that changed; how many milliseconds it took.
pub(crate) fn change(path: &Path, clips: &[Dressed]) -> f64 {
    let mut connection = open(path);
    let texts: Vec<Texts> = clips.iter().map(Dressed::texts).collect();
    let begun = Instant::now();
    let transaction = connection.transaction().unwrap();
    {
        let mut writer = Writer::new(&transaction);
        let mut delete = transaction
            .prepare("DELETE FROM words WHERE rowid = ?1")
            .unwrap();
        let mut update = transaction
            .prepare("UPDATE clip SET title = ?2 WHERE id = ?1")
            .unwrap();
        for (clip, texts) in clips.iter().zip(&texts) {
            let id = id_of(clip.number);
            delete.execute([id]).unwrap();
            update.execute(params![id, texts.title]).unwrap();
            writer.words(clip.number, texts);
        }
    }
    transaction.commit().unwrap();
    begun.elapsed().as_secs_f64() * 1000.0
}

/// Bytes of the tables that FTS5 keeps for itself.
pub(crate) fn index_bytes(path: &Path) -> u64 {
    let bytes: i64 = open(path)
        .query_row(
            "SELECT sum(pgsize) FROM dbstat WHERE aggregate = 1 AND name LIKE 'words\\_%' ESCAPE '\\'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    u64::try_from(bytes).unwrap()
}

/// Removes a database and its log.
pub(crate) fn remove(path: &Path) {
    for ending in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{ending}", path.display()));
    }
}

/// Opened to write, as safe as the catalogue: log written ahead, synced at each commit.
fn open(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA cache_size = -262144;",
        )
        .unwrap();
    connection
}

fn id_of(number: u64) -> i64 {
    i64::try_from(number + 1).unwrap()
}

/// Statements that write clips, and the names that were given numbers.
struct Writer<'c> {
    clip: Statement<'c>,
    words: Statement<'c>,
    camera: Statement<'c>,
    tag: Statement<'c>,
    clip_tag: Statement<'c>,
    cameras: HashMap<String, i64>,
    tags: HashMap<String, i64>,
}

impl<'c> Writer<'c> {
    fn new(connection: &'c Connection) -> Self {
        let prepare = |sql| connection.prepare(sql).unwrap();
        Self {
            clip: prepare("INSERT INTO clip VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)"),
            words: prepare(
                "INSERT INTO words (rowid, name, folder, tags, camera, title, comment)
                 VALUES (?1,?2,?3,?4,?5,?6,?7)",
            ),
            camera: prepare("INSERT INTO camera (name) VALUES (?1) RETURNING id"),
            tag: prepare("INSERT INTO tag (name) VALUES (?1) RETURNING id"),
            clip_tag: prepare("INSERT INTO clip_tag VALUES (?1, ?2)"),
            cameras: HashMap::new(),
            tags: HashMap::new(),
        }
    }

    fn row(&mut self, dressed: &Dressed, texts: &Texts) {
        let clip = dressed.merged();
        let id = id_of(dressed.number);
        let model = texts.camera[..2].join(" ");
        let camera = numbered(&mut self.cameras, &mut self.camera, &model);
        let captured = clip.captured.unwrap().value.wall_seconds();
        self.clip
            .execute(params![
                id,
                texts.name,
                texts.folder,
                texts.tags.join(", "),
                texts.title,
                camera,
                captured,
                captured.div_euclid(86_400),
                clip.rate.unwrap().value.per_second(),
                i64::try_from(dressed.invented.bytes).unwrap(),
                clip.display_height.unwrap().value,
                i64::try_from(clip.duration.unwrap().value.as_micros()).unwrap(),
            ])
            .unwrap();
        for tag in &texts.tags {
            let tag = numbered(&mut self.tags, &mut self.tag, tag);
            self.clip_tag.execute([id, tag]).unwrap();
        }
    }

    fn words(&mut self, number: u64, texts: &Texts) {
        self.words
            .execute(params![
                id_of(number),
                texts.name,
                texts.folder,
                texts.tags.join(", "),
                texts.camera.join(" "),
                texts.title,
                texts.comment,
            ])
            .unwrap();
    }
}

/// The number of a name, given to it if it has none.
fn numbered(known: &mut HashMap<String, i64>, insert: &mut Statement<'_>, name: &str) -> i64 {
    if let Some(&number) = known.get(name) {
        return number;
    }
    let number = insert.query_row([name], |row| row.get(0)).unwrap();
    known.insert(name.to_owned(), number);
    number
}
