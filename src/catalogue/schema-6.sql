-- What version 6 added, in a new catalogue and in an older one alike.

-- What a volume is on, where that is no disk of its own: see `footage::volume::Backing`.
ALTER TABLE volume ADD COLUMN backing TEXT NOT NULL DEFAULT '';
-- The last look at the mount table in which it was mounted; looks are counted, since clocks go back.
ALTER TABLE volume ADD COLUMN sighting INTEGER NOT NULL DEFAULT 0;
-- Label of what was found on its disk in its place; NULL while nothing was.
ALTER TABLE volume ADD COLUMN replaced_by TEXT;
-- Size and creation time of the filesystem, and when it was last found to have others (seconds since 1970 UTC).
ALTER TABLE volume ADD COLUMN made TEXT;
ALTER TABLE volume ADD COLUMN made_again INTEGER;
-- First sector and number of sectors of its partition.
ALTER TABLE volume ADD COLUMN extent TEXT;
-- Number of the mount, counted up each time it is mounted; and what tells that mount from others.
ALTER TABLE volume ADD COLUMN session INTEGER NOT NULL DEFAULT 0;
ALTER TABLE volume ADD COLUMN mount_key TEXT;

-- Spans of time in which a share and a disk were both mounted, seconds since 1970 UTC.
CREATE TABLE mounted_together (
    share INTEGER NOT NULL REFERENCES volume ON DELETE CASCADE,
    disk  TEXT NOT NULL,                  -- identity of the other volume, which need not be in the catalogue
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (share, disk, since)
) WITHOUT ROWID;

-- Number of the mount in which a copy was last read, or a whole file hashed.
ALTER TABLE ingest_copy ADD COLUMN session INTEGER;
ALTER TABLE hash ADD COLUMN session INTEGER;

-- Fingerprint of a card's file, which samples it; NULL where none was taken.
ALTER TABLE ingest_file ADD COLUMN sample BLOB;
