-- What version 5 added, in a new catalogue and in an older one alike.

-- Every disk that a volume was ever seen on, a line each: serials as in `hardware`, `server:` and a machine, `said:` and
-- what a person calls its disk.
ALTER TABLE volume ADD COLUMN disks TEXT NOT NULL DEFAULT '';
UPDATE volume SET disks = hardware WHERE hardware IS NOT NULL;

-- What a copy looked like when it was last read, nanoseconds since 1970 UTC; and how a whole file was read.
ALTER TABLE ingest_copy ADD COLUMN modified INTEGER;
ALTER TABLE ingest_copy ADD COLUMN changed INTEGER;
ALTER TABLE hash ADD COLUMN how TEXT;
ALTER TABLE hash ADD COLUMN changed INTEGER;

-- Where a content is, by its full hash.
CREATE INDEX ingest_file_content ON ingest_file (xxh128) WHERE xxh128 IS NOT NULL;
CREATE INDEX hash_digest ON hash (digest);
