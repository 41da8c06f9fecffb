-- What version 4 added, in a new catalogue and in an older one alike.

-- Cards that were taken in, and footage in place of which a day's facts were told.
CREATE TABLE ingest (
    id       INTEGER PRIMARY KEY,
    day      TEXT NOT NULL,               -- what its facts are said to come from: `2026-05-02`
    card     TEXT NOT NULL,               -- what the card is called where it was copied to
    source   BLOB NOT NULL,               -- where it was, or is
    volume   TEXT NOT NULL,               -- what the card's volume is known by
    inside   BLOB NOT NULL,               -- the card's root below its volume
    in_place INTEGER NOT NULL,            -- 1: nothing was copied
    hash     TEXT NOT NULL,               -- kind of hash that copies are proved by
    author   TEXT NOT NULL,
    begun    INTEGER NOT NULL,            -- seconds since 1970 UTC: when it was first run
    ended    INTEGER,                     -- … and when it last came to its end; NULL while it has not
    problems TEXT,                        -- JSON: what went wrong, as path and reason
    facts    BLOB NOT NULL                -- document: what the day says of every clip of it
);

-- The places that a card was copied to.
CREATE TABLE ingest_place (
    ingest   INTEGER NOT NULL REFERENCES ingest ON DELETE CASCADE,
    place    INTEGER NOT NULL,            -- from 0
    volume   INTEGER NOT NULL REFERENCES volume,
    path     BLOB NOT NULL,               -- below its volume
    manifest BLOB,                        -- the last generation of its media hash list, below `path`
    problem  TEXT,                        -- why it takes nothing more, or has no manifest
    PRIMARY KEY (ingest, place)
) WITHOUT ROWID;

CREATE INDEX ingest_place_path ON ingest_place (volume, path);

-- Every file of a card, whatever it is, as it was there.
CREATE TABLE ingest_file (
    id       INTEGER PRIMARY KEY,
    ingest   INTEGER NOT NULL REFERENCES ingest ON DELETE CASCADE,
    path     BLOB NOT NULL,               -- below the card's root
    bytes    INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    digest   BLOB,                        -- of the ingest's kind; NULL until it was read whole
    xxh128   BLOB,
    problem  TEXT,                        -- why it could not be read
    UNIQUE (ingest, path)
);

-- What is known of each copy of it.
CREATE TABLE ingest_copy (
    file    INTEGER NOT NULL REFERENCES ingest_file ON DELETE CASCADE,
    place   INTEGER NOT NULL,
    state   INTEGER NOT NULL,             -- 0 verified, 1 altered, 2 missing, 3 not copied
    how     TEXT,                         -- how it was read: `cache-bypassed`, `cache-dropped`, `cached`
    at      INTEGER NOT NULL,             -- seconds since 1970 UTC: when that was found
    problem TEXT,
    PRIMARY KEY (file, place)
) WITHOUT ROWID;

-- Contents that were shot on an ingest's day.
CREATE TABLE shot (
    content BLOB NOT NULL,                -- fingerprint
    ingest  INTEGER NOT NULL REFERENCES ingest ON DELETE CASCADE,
    PRIMARY KEY (content, ingest)
) WITHOUT ROWID;

CREATE INDEX shot_ingest ON shot (ingest);
