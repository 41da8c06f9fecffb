-- What version 6 added, in a new catalogue and in an older one alike.

-- What a volume is on, where that is no disk of its own: see `footage::volume::Backing`.
ALTER TABLE volume ADD COLUMN backing TEXT NOT NULL DEFAULT '';
-- The last look at the mount table in which it was mounted; looks are counted, since clocks go back.
ALTER TABLE volume ADD COLUMN sighting INTEGER NOT NULL DEFAULT 0;
-- Label of what was found on its disk in its place; NULL while nothing was.
ALTER TABLE volume ADD COLUMN replaced_by TEXT;
-- Size and creation time of the filesystem, and how often it was found to have others: it was formatted.
ALTER TABLE volume ADD COLUMN made TEXT;
ALTER TABLE volume ADD COLUMN formats INTEGER NOT NULL DEFAULT 0;
-- First sector and number of sectors of its partition.
ALTER TABLE volume ADD COLUMN extent TEXT;
-- Number of the mount, counted up each time it is mounted; and what tells that mount from others.
ALTER TABLE volume ADD COLUMN session INTEGER NOT NULL DEFAULT 0;
ALTER TABLE volume ADD COLUMN mount_key TEXT;

-- Sets of volumes that were mounted at the same time. No time of a clock says that: clocks go back.
CREATE TABLE mounted_set (
    id      INTEGER PRIMARY KEY,
    volumes TEXT NOT NULL UNIQUE          -- identities, a line each; they need not be in the catalogue
);

-- Number of the mount in which a copy was last read, or a whole file hashed.
ALTER TABLE ingest_copy ADD COLUMN session INTEGER;
ALTER TABLE hash ADD COLUMN session INTEGER;

-- What was mounted while a copy was read, or a whole file hashed; NULL where no share was. And how often its volume had been
-- formatted by then.
ALTER TABLE ingest_copy ADD COLUMN mounted_set INTEGER REFERENCES mounted_set;
ALTER TABLE ingest_copy ADD COLUMN formats INTEGER NOT NULL DEFAULT 0;
ALTER TABLE hash ADD COLUMN mounted_set INTEGER REFERENCES mounted_set;
ALTER TABLE hash ADD COLUMN formats INTEGER NOT NULL DEFAULT 0;

-- Fingerprint of a card's file, which samples it; NULL where none was taken.
ALTER TABLE ingest_file ADD COLUMN sample BLOB;
