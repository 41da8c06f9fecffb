-- Adds the versions of the readers that produced facts. The versions of existing facts are unknown,
-- so the next scans read them again. Existing posters follow the current rules.

ALTER TABLE dir ADD COLUMN rules INTEGER NOT NULL DEFAULT 0;
CREATE INDEX dir_rules ON dir (rules);

CREATE TABLE reader (
    id    INTEGER PRIMARY KEY,
    label TEXT NOT NULL UNIQUE
);

ALTER TABLE clip ADD COLUMN poster_version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE clip ADD COLUMN reader INTEGER NOT NULL DEFAULT 0;
CREATE INDEX clip_reader ON clip (reader) WHERE facts IS NOT NULL;
CREATE INDEX clip_poster_version ON clip (poster_version) WHERE has_poster;

ALTER TABLE file ADD COLUMN sidecar_reader INTEGER;
UPDATE file SET sidecar_reader = 0
WHERE id IN (SELECT original FROM file WHERE role = 3 AND original IS NOT NULL);
CREATE INDEX file_sidecar_reader ON file (sidecar_reader) WHERE sidecar_reader IS NOT NULL;
