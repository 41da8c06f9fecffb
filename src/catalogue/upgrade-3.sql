-- From version 2 to 3: documents are packed, files know ctime and inode, people's edits have
-- a journal. Documents are packed before this runs, into the columns it takes over.
ALTER TABLE volume ADD COLUMN name TEXT;
ALTER TABLE volume ADD COLUMN bytes INTEGER;
ALTER TABLE volume ADD COLUMN hardware TEXT;

ALTER TABLE clip ADD COLUMN algorithm INTEGER NOT NULL DEFAULT 1;
ALTER TABLE clip ADD COLUMN duration INTEGER;
UPDATE clip SET duration = CAST(1000000 * (facts ->> '$.duration[0]') + 0.5 AS INTEGER);

ALTER TABLE file ADD COLUMN changed INTEGER;
ALTER TABLE file ADD COLUMN inode INTEGER;
ALTER TABLE file ADD COLUMN former INTEGER REFERENCES clip;
ALTER TABLE file ADD COLUMN since INTEGER NOT NULL DEFAULT 0;

-- The fingerprint of small files is another now; they are read again when they are next seen.
UPDATE clip SET algorithm = 0 WHERE id IN
    (SELECT clip FROM file WHERE frames IS NOT NULL OR coalesce(read_bytes, bytes) < 65536);
UPDATE file SET is_unread = 1
    WHERE role = 0 AND NOT was AND clip IN (SELECT id FROM clip WHERE algorithm = 0);

DROP INDEX file_place;
