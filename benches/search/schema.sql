-- Schema for FTS5: the words in six columns without a copy of the text (`contentless_delete`), and
-- ordinary tables for the columns that are shown, counted or sorted by.

CREATE TABLE camera (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE tag (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

CREATE TABLE clip (
    id       INTEGER PRIMARY KEY,
    name     TEXT NOT NULL,
    folder   TEXT NOT NULL,
    tags     TEXT NOT NULL,
    title    TEXT NOT NULL,
    camera   INTEGER NOT NULL REFERENCES camera,
    captured INTEGER NOT NULL,             -- seconds
    day      INTEGER NOT NULL,
    rate     REAL NOT NULL,
    bytes    INTEGER NOT NULL,
    height   INTEGER NOT NULL,
    duration INTEGER NOT NULL              -- microseconds
);

CREATE TABLE clip_tag (
    clip INTEGER NOT NULL REFERENCES clip,
    tag  INTEGER NOT NULL REFERENCES tag,
    PRIMARY KEY (clip, tag)
) WITHOUT ROWID;

CREATE VIRTUAL TABLE words USING fts5 (
    name, folder, tags, camera, title, comment,
    content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
);
INSERT INTO words (words, rank) VALUES ('rank', 'bm25(4.0, 1.5, 4.0, 2.0, 3.0, 1.5)');
CREATE VIRTUAL TABLE vocabulary USING fts5vocab (words, row);
-- List of the distinct words, as is usual with FTS5 for spelling correction.
CREATE TABLE listed (word TEXT PRIMARY KEY) WITHOUT ROWID;
