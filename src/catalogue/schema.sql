-- Schema of the catalogue, version 7. Versions 1 to 5 were never released and are not supported.
--
-- Paths are bytes, relative to the root of their volume unless stated otherwise. Modification and
-- change times are in nanoseconds since 1970 UTC; other times are in seconds unless stated
-- otherwise. Fingerprints and xxh128 hashes are 16 bytes, most significant first. Documents are
-- compressed JSON (document_codec.rs). Companions are proxies, thumbnails and sidecars of a media
-- file.

-- Small values, such as the id of the catalogue, versions of tools, and the state of the last scan.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,               -- such as `uuid`, `checked`, `tool:PATH SIZE TIME`
    value TEXT NOT NULL                   -- the value as text
) WITHOUT ROWID;

-- Every volume that was ever seen: disks, partitions and network shares.
CREATE TABLE volume (
    id          INTEGER PRIMARY KEY,
    identity    TEXT NOT NULL UNIQUE,     -- `uuid:…`, `share:…`, …: docs/identity.md
    label       TEXT NOT NULL,            -- label of the filesystem, or its first mount point
    mount       BLOB NOT NULL,            -- last mount point, an absolute path
    last_seen   INTEGER NOT NULL,         -- time of the last scan that saw it, seconds
    name        TEXT,                     -- name given by the user; replaces the label
    bytes       INTEGER,                  -- size of the filesystem
    hardware    TEXT,                     -- serial of its disk, or server of the share
    disks       TEXT NOT NULL DEFAULT '', -- all disks it was ever on, one per line: a serial as in
                                          -- `hardware`, `server:HOST`, `said:` with the user's name
    backing     TEXT NOT NULL DEFAULT '', -- storage other than its own disk, such as memory or an
                                          -- image file: see `volume::Backing`
    sighting    INTEGER NOT NULL DEFAULT 0, -- number of the last snapshot of the mount table that
                                          -- has it; a count, because clocks go backwards
    replaced_by TEXT,                     -- label of the volume found in its place on its disk
    made        TEXT,                     -- `SIZE:TIME`: bytes and creation time of the filesystem
    formats     INTEGER NOT NULL DEFAULT 0, -- number of times that `made` changed: it was formatted
    extent      TEXT,                     -- `SECTOR+COUNT`: start and length of its partition
    session     INTEGER NOT NULL DEFAULT 0, -- number of its mounts so far
    mount_key   TEXT                      -- distinguishes that mount from others
);

-- Folders that contain recorded files.
CREATE TABLE dir (
    id     INTEGER PRIMARY KEY,
    volume INTEGER NOT NULL REFERENCES volume, -- volume of the folder
    path   BLOB NOT NULL,                 -- path of the folder
    rules  INTEGER NOT NULL DEFAULT 0,    -- `reader.id`: rules that were last applied to its files
    UNIQUE (volume, path)
);

CREATE INDEX dir_rules ON dir (rules);

-- Readers that produced facts, each version once. A scan reads facts of older versions again. No
-- row has the id 0, which stands for a reader of unknown version.
CREATE TABLE reader (
    id    INTEGER PRIMARY KEY,
    label TEXT NOT NULL UNIQUE            -- names and versions, such as `iso header 2`
);

-- Clips, one per content. A row without files is a tombstone: it reports the removal to the index,
-- which follows `seq`, and keeps the facts in case the content returns.
CREATE TABLE clip (
    id          INTEGER PRIMARY KEY,
    seq         INTEGER NOT NULL UNIQUE,  -- number of its last change; each change gets the next one
    fingerprint BLOB UNIQUE,              -- NULL if it is not read yet or the file is empty
    algorithm   INTEGER NOT NULL DEFAULT 1, -- version of the fingerprint: docs/identity.md
    is_readable INTEGER NOT NULL DEFAULT 1, -- 0: no tool could parse it
    failed_with TEXT,                     -- tool that failed; a scan with another version tries again
    has_poster  INTEGER NOT NULL DEFAULT 0, -- 1: it has or should have a poster frame
    strip       INTEGER,                  -- frames in its filmstrip; NULL before the first attempt
    poster_version INTEGER NOT NULL DEFAULT 1, -- version of the rules that chose its poster frame
    reader      INTEGER NOT NULL DEFAULT 0, -- `reader.id`: reader that produced `facts`
    duration    INTEGER,                  -- duration of `facts` in microseconds, for sums
    facts       BLOB                      -- document: facts of the content; NULL if it is not read yet
);

-- Clips that a scan has to check although no file changed.
CREATE INDEX clip_odd ON clip (id) WHERE failed_with IS NOT NULL OR NOT is_readable;
CREATE INDEX clip_pictured ON clip (fingerprint, strip) WHERE has_poster;
CREATE INDEX clip_reader ON clip (reader) WHERE facts IS NOT NULL;
CREATE INDEX clip_poster_version ON clip (poster_version) WHERE has_poster;

-- Files, and former contents of files (`was`).
CREATE TABLE file (
    id            INTEGER PRIMARY KEY,
    dir           INTEGER NOT NULL REFERENCES dir, -- folder of the file
    name          BLOB NOT NULL,          -- file name
    bytes         INTEGER NOT NULL,       -- size
    modified      INTEGER NOT NULL,       -- modification time, nanoseconds
    changed       INTEGER,                -- change time (ctime); NULL if unknown
    inode         INTEGER,                -- NULL if unknown or not stable on the filesystem
    role          INTEGER NOT NULL,       -- 0 media, 1 proxy, 2 thumbnail, 3 sidecar, 4 not media
    state         INTEGER NOT NULL DEFAULT 0, -- 0 present, 1 unreadable, 2 missing
    is_unread     INTEGER NOT NULL DEFAULT 0, -- 1: queued for reading
    frames        TEXT,                   -- JSON: frame run of an image sequence
    clip          INTEGER REFERENCES clip, -- content; media only
    original      INTEGER REFERENCES file, -- media file of a companion
    read_bytes    INTEGER,                -- `bytes` when its content was read
    read_modified INTEGER,                -- `modified` when its content was read
    was           INTEGER NOT NULL DEFAULT 0, -- 1: former content of a file, which was replaced
    former        INTEGER REFERENCES clip, -- previous content of this file
    since         INTEGER NOT NULL DEFAULT 0, -- time when this content was first seen here, seconds
    sidecar_reader INTEGER,               -- `reader.id`: readers of its sidecars; NULL if it has none
    facts         BLOB                    -- document: facts from its name, folder and sidecars
);

CREATE INDEX file_clip ON file (clip) WHERE clip IS NOT NULL;
CREATE INDEX file_original ON file (original) WHERE original IS NOT NULL;
-- Covering index for unchanged files, so that a scan needs one search per folder and no rows.
CREATE INDEX file_place ON file
    (dir, name, bytes, modified, changed, inode, role, state, is_unread, frames, clip, original)
    WHERE NOT was;
CREATE INDEX file_former ON file (former) WHERE former IS NOT NULL;
CREATE INDEX file_sidecar_reader ON file (sidecar_reader) WHERE sidecar_reader IS NOT NULL;

-- Queue of pictures to create. A clip has one row, which is deleted when all its pictures exist.
CREATE TABLE picture (
    clip        INTEGER PRIMARY KEY REFERENCES clip, -- content of the pictures
    work        INTEGER NOT NULL,         -- next picture: 0 poster, 1 filmstrip
    recipe      INTEGER,                  -- clips with equal ones can be decoded together; NULL: ffmpeg opens the file
    plan        TEXT NOT NULL,            -- JSON: how to create them
    failed_with TEXT                      -- tool that failed on the filmstrip; see `clip`
);

-- Sets of volumes that were mounted at the same time. Times cannot show this, because clocks can go
-- backwards.
CREATE TABLE mounted_set (
    id      INTEGER PRIMARY KEY,
    volumes TEXT NOT NULL UNIQUE          -- identities, one per line; not all are in the catalogue
);

-- Full hashes of files. A hash is valid only while the file has this size and modification time.
CREATE TABLE hash (
    file        INTEGER NOT NULL REFERENCES file ON DELETE CASCADE, -- hashed file
    kind        TEXT NOT NULL,            -- `xxh128`
    digest      BLOB NOT NULL,            -- the hash
    bytes       INTEGER NOT NULL,         -- size of the file when it was hashed
    modified    INTEGER NOT NULL,         -- modification time of the file when it was hashed
    at          INTEGER NOT NULL,         -- time of hashing, seconds
    how         TEXT,                     -- read method: `cache-bypassed`, `cache-dropped`, `cached`
    changed     INTEGER,                  -- change time (ctime) of the file when it was hashed
    session     INTEGER,                  -- `volume.session` at that time
    mounted_set INTEGER REFERENCES mounted_set, -- volumes mounted then; NULL if no share was
    formats     INTEGER NOT NULL DEFAULT 0, -- `volume.formats` at that time
    PRIMARY KEY (file, kind)
) WITHOUT ROWID;

CREATE INDEX hash_digest ON hash (digest);

-- Journal of edits by people. Rows are appended and never changed: docs/edits.md.
CREATE TABLE edit (
    number INTEGER PRIMARY KEY,           -- order of arrival in this catalogue
    id     BLOB NOT NULL UNIQUE,          -- hash of all following columns
    clip   BLOB NOT NULL,                 -- fingerprint of the clip
    clock  INTEGER NOT NULL,              -- logical time, microseconds; orders all edits
    at     INTEGER NOT NULL,              -- time by the machine's own clock, microseconds
    author TEXT NOT NULL,                 -- name of the author
    batch  BLOB NOT NULL,                 -- id shared by all edits of one command
    action TEXT NOT NULL                  -- JSON: `clip::Action`
);

CREATE INDEX edit_clip ON edit (clip, clock);
CREATE INDEX edit_clock ON edit (clock);

-- Ingested cards, and footage whose shoot day was recorded in place.
CREATE TABLE ingest (
    id       INTEGER PRIMARY KEY,
    day      TEXT NOT NULL,               -- shoot day, the source of its facts: `2026-05-02`
    card     TEXT NOT NULL,               -- name of the card's folder at the destinations
    source   BLOB NOT NULL,               -- absolute path of the card when it was ingested
    volume   TEXT NOT NULL,               -- identity of the card's volume
    inside   BLOB NOT NULL,               -- root of the card on its volume
    in_place INTEGER NOT NULL,            -- 1: nothing was copied
    hash     TEXT NOT NULL,               -- kind of the hash that verifies copies: `xxh128`, …
    author   TEXT NOT NULL,               -- name of the person who ingested it
    begun    INTEGER NOT NULL,            -- start of the first run, seconds
    ended    INTEGER,                     -- end of the last run, seconds; NULL before it ended
    problems TEXT,                        -- JSON: paths with the reasons of their problems
    facts    BLOB NOT NULL                -- document: facts of the day about each of its clips
);

-- Destinations of a card.
CREATE TABLE ingest_place (
    ingest   INTEGER NOT NULL REFERENCES ingest ON DELETE CASCADE,
    place    INTEGER NOT NULL,            -- number of the destination, from 0
    volume   INTEGER NOT NULL REFERENCES volume, -- volume of the destination
    path     BLOB NOT NULL,               -- folder of the card at the destination
    manifest BLOB,                        -- latest generation of its media hash list, below `path`
    problem  TEXT,                        -- reason why it was given up or has no manifest
    PRIMARY KEY (ingest, place)
) WITHOUT ROWID;

CREATE INDEX ingest_place_path ON ingest_place (volume, path);

-- All files of a card, media or not.
CREATE TABLE ingest_file (
    id       INTEGER PRIMARY KEY,
    ingest   INTEGER NOT NULL REFERENCES ingest ON DELETE CASCADE,
    path     BLOB NOT NULL,               -- path below the root of the card
    bytes    INTEGER NOT NULL,            -- size
    modified INTEGER NOT NULL,            -- modification time, nanoseconds
    digest   BLOB,                        -- hash of kind `ingest.hash`; NULL before it is known
    xxh128   BLOB,                        -- full hash of kind `xxh128`
    problem  TEXT,                        -- reason why it could not be read
    sample   BLOB,                        -- fingerprint; NULL if it was not sampled
    UNIQUE (ingest, path)
);

-- Finds files by their full hash.
CREATE INDEX ingest_file_content ON ingest_file (xxh128) WHERE xxh128 IS NOT NULL;

-- Copies of a card's files, one per destination.
CREATE TABLE ingest_copy (
    file        INTEGER NOT NULL REFERENCES ingest_file ON DELETE CASCADE,
    place       INTEGER NOT NULL,         -- `ingest_place.place`
    state       INTEGER NOT NULL,         -- 0 verified, 1 altered, 2 missing, 3 not copied,
                                          -- 4 unreadable
    how         TEXT,                     -- read method: `cache-bypassed`, `cache-dropped`, `cached`
    at          INTEGER NOT NULL,         -- time when the state was found, seconds
    problem     TEXT,                     -- reason of a state other than verified
    modified    INTEGER,                  -- modification time of the copy when it was last read
    changed     INTEGER,                  -- change time (ctime) of the copy when it was last read
    session     INTEGER,                  -- `volume.session` at that time
    mounted_set INTEGER REFERENCES mounted_set, -- volumes mounted then; NULL if no share was
    formats     INTEGER NOT NULL DEFAULT 0, -- `volume.formats` at that time
    PRIMARY KEY (file, place)
) WITHOUT ROWID;

-- Fingerprints of the clips to which an ingest attached its shoot-day facts.
CREATE TABLE shot (
    content BLOB NOT NULL,                -- fingerprint
    ingest  INTEGER NOT NULL REFERENCES ingest ON DELETE CASCADE,
    PRIMARY KEY (content, ingest)
) WITHOUT ROWID;

CREATE INDEX shot_ingest ON shot (ingest);
