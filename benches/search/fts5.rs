//! Writes the same clips to a database with SQLite's FTS5, set up as an expert would.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Statement, params};

use super::clips::{ClipGenerator, ClipTexts, SearchClip};

/// Number of clips to generate before they are written, so that the generation is not measured.
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

/// Durations of building the database, in seconds.
pub(crate) struct BuildTimes {
    /// FTS5 table: inserts in one transaction, `optimize`, and commit.
    pub(crate) words: f64,
    /// Ordinary tables with their indexes.
    pub(crate) tables: f64,
}

/// Builds the database from scratch.
pub(crate) fn build(path: &Path, generator: &ClipGenerator, clips: u64) -> BuildTimes {
    remove(path);
    let mut connection = open(path);
    connection
        .execute_batch(include_str!("schema.sql"))
        .unwrap();
    let (mut words, mut tables) = (Duration::ZERO, Duration::ZERO);
    let transaction = connection.transaction().unwrap();
    {
        let mut writer = ClipWriter::new(&transaction);
        for first in (0..clips).step_by(CHUNK as usize) {
            let numbers = first..(first + CHUNK).min(clips);
            let chunk: Vec<(SearchClip, ClipTexts)> = numbers
                .map(|number| generator.clip(number))
                .map(|clip| (clip.texts(), clip))
                .map(|(texts, clip)| (clip, texts))
                .collect();
            let start = Instant::now();
            for (clip, texts) in &chunk {
                writer.insert_row(clip, texts);
            }
            tables += start.elapsed();
            let start = Instant::now();
            for (clip, texts) in &chunk {
                writer.insert_words(clip.number, texts);
            }
            words += start.elapsed();
        }
    }
    let start = Instant::now();
    transaction
        .execute_batch("INSERT INTO words (words) VALUES ('optimize')")
        .unwrap();
    transaction.commit().unwrap();
    words += start.elapsed();
    let start = Instant::now();
    connection.execute_batch(INDEXES).unwrap();
    tables += start.elapsed();
    connection
        .execute_batch(
            "INSERT INTO listed SELECT term FROM vocabulary;
             PRAGMA optimize;
             PRAGMA wal_checkpoint(TRUNCATE);",
        )
        .unwrap();
    BuildTimes {
        words: words.as_secs_f64(),
        tables: tables.as_secs_f64(),
    }
}

/// Replaces the words and titles of changed clips, and returns the duration in milliseconds.
pub(crate) fn change(path: &Path, clips: &[SearchClip]) -> f64 {
    let mut connection = open(path);
    let texts: Vec<ClipTexts> = clips.iter().map(SearchClip::texts).collect();
    let start = Instant::now();
    let transaction = connection.transaction().unwrap();
    {
        let mut writer = ClipWriter::new(&transaction);
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
            writer.insert_words(clip.number, texts);
        }
    }
    transaction.commit().unwrap();
    start.elapsed().as_secs_f64() * 1000.0
}

/// Returns the size of the internal tables of FTS5 in bytes.
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

/// Removes a database and its write-ahead log.
pub(crate) fn remove(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{suffix}", path.display()));
    }
}

/// Opens a database for writing, with the durability of the catalogue: a write-ahead log, synced at
/// each commit.
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

/// Prepared statements that write clips, and the ids of cameras and tags.
struct ClipWriter<'c> {
    clip: Statement<'c>,
    words: Statement<'c>,
    camera: Statement<'c>,
    tag: Statement<'c>,
    clip_tag: Statement<'c>,
    cameras: HashMap<String, i64>,
    tags: HashMap<String, i64>,
}

impl<'c> ClipWriter<'c> {
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

    fn insert_row(&mut self, clip: &SearchClip, texts: &ClipTexts) {
        let id = id_of(clip.number);
        let facts = clip.merged();
        let model = texts.camera[..2].join(" ");
        let camera = id_for_name(&mut self.cameras, &mut self.camera, &model);
        let captured = facts.captured.unwrap().value.wall_seconds();
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
                facts.rate.unwrap().value.per_second(),
                i64::try_from(clip.base.bytes).unwrap(),
                facts.display_height.unwrap().value,
                i64::try_from(facts.duration.unwrap().value.as_micros()).unwrap(),
            ])
            .unwrap();
        for tag in &texts.tags {
            let tag = id_for_name(&mut self.tags, &mut self.tag, tag);
            self.clip_tag.execute([id, tag]).unwrap();
        }
    }

    fn insert_words(&mut self, number: u64, texts: &ClipTexts) {
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

/// Returns the id of a name; inserts the name if it is new.
fn id_for_name(known: &mut HashMap<String, i64>, insert: &mut Statement<'_>, name: &str) -> i64 {
    if let Some(&id) = known.get(name) {
        return id;
    }
    let id = insert.query_row([name], |row| row.get(0)).unwrap();
    known.insert(name.to_owned(), id);
    id
}
