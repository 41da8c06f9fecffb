-- From version 1 to 2: pictures are made after all headers were read.
ALTER TABLE clip ADD COLUMN strip INTEGER;
CREATE TABLE picture (
    clip   INTEGER PRIMARY KEY REFERENCES clip,
    work   INTEGER NOT NULL,
    recipe INTEGER,
    plan   TEXT NOT NULL,
    failed_with TEXT
);
