-- The catalogue, version 2. Paths are bytes, relative to their volume; times are
-- nanoseconds since 1970 UTC unless said otherwise.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE volume (
    id        INTEGER PRIMARY KEY,
    identity  TEXT NOT NULL UNIQUE,
    label     TEXT NOT NULL,
    mount     BLOB NOT NULL,              -- where it was last mounted
    last_seen INTEGER NOT NULL            -- seconds since 1970 UTC
);

CREATE TABLE dir (
    id     INTEGER PRIMARY KEY,
    volume INTEGER NOT NULL REFERENCES volume,
    path   BLOB NOT NULL,
    UNIQUE (volume, path)
);

-- Content. A row without files is a tombstone: views learn of it by its seq, and what
-- was found out is there should the content come back.
CREATE TABLE clip (
    id          INTEGER PRIMARY KEY,
    seq         INTEGER NOT NULL UNIQUE,  -- every change takes the next
    fingerprint BLOB UNIQUE,              -- NULL on a stub, and for empty files
    is_readable INTEGER NOT NULL DEFAULT 1,
    failed_with TEXT,                     -- tool that could not read it; another version tries again
    has_poster  INTEGER NOT NULL DEFAULT 0,
    facts       TEXT,                     -- JSON: what the content says; NULL until read
    strip       INTEGER                   -- pictures in its strip; NULL until one was tried
);

CREATE TABLE file (
    id        INTEGER PRIMARY KEY,
    dir       INTEGER NOT NULL REFERENCES dir,
    name      BLOB NOT NULL,
    bytes     INTEGER NOT NULL,
    modified  INTEGER NOT NULL,
    role      INTEGER NOT NULL,           -- 0 media, 1 proxy, 2 thumbnail, 3 sidecar, 4 not media
    state     INTEGER NOT NULL DEFAULT 0, -- 0 present, 1 unreadable, 2 missing
    is_unread INTEGER NOT NULL DEFAULT 0, -- waits to be read
    frames    TEXT,                       -- JSON: the frames of an image sequence
    clip      INTEGER REFERENCES clip,    -- media only
    original  INTEGER REFERENCES file,    -- companions only
    facts     TEXT,                       -- JSON: what its name, place and sidecars say
    read_bytes    INTEGER,                -- bytes and modified when it was read: those of its clip
    read_modified INTEGER,
    was       INTEGER NOT NULL DEFAULT 0  -- 1: stood here before another content took the place
);

CREATE UNIQUE INDEX file_place ON file (dir, name) WHERE NOT was;

CREATE INDEX file_clip ON file (clip) WHERE clip IS NOT NULL;
CREATE INDEX file_original ON file (original) WHERE original IS NOT NULL;

-- Pictures that wait to be made: a row a clip, gone when all are.
CREATE TABLE picture (
    clip   INTEGER PRIMARY KEY REFERENCES clip,
    work   INTEGER NOT NULL,              -- 0 the poster, 1 the strip
    recipe INTEGER,                       -- equal ones share a decoder; NULL: ffmpeg opens the file
    plan   TEXT NOT NULL,                 -- JSON: what making them takes
    failed_with TEXT                      -- tool that could not make a strip; another version tries again
);
