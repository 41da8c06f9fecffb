-- What version 3 added, in a new catalogue and in an older one alike.

-- What a scan has to look at again although no file changed, found without the rows.
CREATE INDEX clip_odd ON clip (id) WHERE failed_with IS NOT NULL OR NOT is_readable;
CREATE INDEX clip_pictured ON clip (fingerprint, strip) WHERE has_poster;

-- All that a scan asks of a file that is as it was: one look a folder, without the rows.
CREATE INDEX file_place ON file
    (dir, name, bytes, modified, changed, inode, role, state, is_unread, frames, clip, original)
    WHERE NOT was;

CREATE INDEX file_former ON file (former) WHERE former IS NOT NULL;

-- Hashes of whole files, where one was ever computed; of the content that had this size and time.
CREATE TABLE hash (
    file     INTEGER NOT NULL REFERENCES file ON DELETE CASCADE,
    kind     TEXT NOT NULL,               -- `xxh128`
    digest   BLOB NOT NULL,
    bytes    INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    at       INTEGER NOT NULL,            -- seconds since 1970 UTC: when it was computed
    PRIMARY KEY (file, kind)
) WITHOUT ROWID;

-- What people said, appended and never changed: docs/edits.md.
CREATE TABLE edit (
    number INTEGER PRIMARY KEY,
    id     BLOB NOT NULL UNIQUE,          -- hash of all that follows
    clip   BLOB NOT NULL,                 -- fingerprint
    clock  INTEGER NOT NULL,              -- microseconds; later edits have a later one, on every machine
    at     INTEGER NOT NULL,              -- microseconds since 1970 UTC, by the machine's own clock
    author TEXT NOT NULL,
    batch  BLOB NOT NULL,                 -- edits of one command have one
    action TEXT NOT NULL                  -- JSON
);

CREATE INDEX edit_clip ON edit (clip, clock);
CREATE INDEX edit_clock ON edit (clock);
