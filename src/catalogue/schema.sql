-- The catalogue, version 3. Paths are bytes, relative to their volume; times are
-- nanoseconds since 1970 UTC unless said otherwise.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE volume (
    id        INTEGER PRIMARY KEY,
    identity  TEXT NOT NULL UNIQUE,
    label     TEXT NOT NULL,              -- what it calls itself, or where it was first mounted
    mount     BLOB NOT NULL,              -- where it was last mounted
    last_seen INTEGER NOT NULL,           -- seconds since 1970 UTC
    name      TEXT,                       -- what a person calls it
    bytes     INTEGER,                    -- how large it is
    hardware  TEXT                        -- serial of the disk it is on, or server of the share
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
    algorithm   INTEGER NOT NULL DEFAULT 1, -- version of the fingerprint: docs/identity.md
    is_readable INTEGER NOT NULL DEFAULT 1,
    failed_with TEXT,                     -- tool that could not read it; another version tries again
    has_poster  INTEGER NOT NULL DEFAULT 0,
    strip       INTEGER,                  -- pictures in its strip; NULL until one was tried
    duration    INTEGER,                  -- microseconds: facts' duration, to be added up
    facts       BLOB                      -- document: what the content says; NULL until read
);

CREATE TABLE file (
    id        INTEGER PRIMARY KEY,
    dir       INTEGER NOT NULL REFERENCES dir,
    name      BLOB NOT NULL,
    bytes     INTEGER NOT NULL,
    modified  INTEGER NOT NULL,
    changed   INTEGER,                    -- ctime; NULL where not known
    inode     INTEGER,                    -- NULL where not known, or not kept by the filesystem
    role      INTEGER NOT NULL,           -- 0 media, 1 proxy, 2 thumbnail, 3 sidecar, 4 not media
    state     INTEGER NOT NULL DEFAULT 0, -- 0 present, 1 unreadable, 2 missing
    is_unread INTEGER NOT NULL DEFAULT 0, -- waits to be read
    frames    TEXT,                       -- JSON: the frames of an image sequence
    clip      INTEGER REFERENCES clip,    -- media only
    original  INTEGER REFERENCES file,    -- companions only
    read_bytes    INTEGER,                -- bytes and modified when it was read: those of its clip
    read_modified INTEGER,
    was       INTEGER NOT NULL DEFAULT 0, -- 1: stood here before another content took the place
    former    INTEGER REFERENCES clip,    -- content that stood here before
    since     INTEGER NOT NULL DEFAULT 0, -- seconds since 1970 UTC: when this content was first seen here
    facts     BLOB                        -- document: what its name, place and sidecars say
);

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
