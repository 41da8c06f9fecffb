PRAGMA application_id=1651798889;
PRAGMA user_version=1;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO meta VALUES('uuid','813ff77a129e11fcd0e64ba3fdfbc758');
CREATE TABLE volume (
    id        INTEGER PRIMARY KEY,
    identity  TEXT NOT NULL UNIQUE,
    label     TEXT NOT NULL,
    mount     BLOB NOT NULL,              -- where it was last mounted
    last_seen INTEGER NOT NULL            -- seconds since 1970 UTC
);
INSERT INTO volume VALUES(1,'label:system disk:270553174016:0','system disk',X'2f',1795383680);
CREATE TABLE dir (
    id     INTEGER PRIMARY KEY,
    volume INTEGER NOT NULL REFERENCES volume,
    path   BLOB NOT NULL,
    UNIQUE (volume, path)
);
INSERT INTO dir VALUES(1,1,X'7372762f73686f6f742f53747564696f2053657373696f6e202d204e69676874204f776c732f446179312f505249564154452f4d34524f4f542f434c4950');
INSERT INTO dir VALUES(2,1,X'7372762f73686f6f742f53747564696f2053657373696f6e202d204e69676874204f776c732f446179312f505249564154452f4d34524f4f542f535542');
INSERT INTO dir VALUES(3,1,X'7372762f73686f6f742f53747564696f2053657373696f6e202d204e69676874204f776c732f446179312f505249564154452f4d34524f4f542f54484d424e4c');
INSERT INTO dir VALUES(4,1,X'7372762f73686f6f742f53747564696f2053657373696f6e202d204e69676874204f776c732f44617932');
INSERT INTO dir VALUES(5,1,X'7372762f73686f6f742f53747564696f2053657373696f6e202d204e69676874204f776c732f446179322f536f756e64');
CREATE TABLE clip (
    id          INTEGER PRIMARY KEY,
    seq         INTEGER NOT NULL UNIQUE,  -- every change takes the next
    fingerprint BLOB UNIQUE,              -- NULL on a stub, and for empty files
    is_readable INTEGER NOT NULL DEFAULT 1,
    failed_with TEXT,                     -- tool that could not read it; another version tries again
    has_poster  INTEGER NOT NULL DEFAULT 0,
    facts       TEXT                      -- JSON: what the content says; NULL until read
);
INSERT INTO clip VALUES(1,6,X'd870e6e73b0b3e21488953cc825435e8',1,NULL,1,'{"container":["mp4","container"],"duration":[2.002,"container"],"video_codec":["h264","stream"],"profile":["High","stream"],"level":["3.1","stream"],"width":[640,"stream"],"height":[360,"stream"],"display_width":[640,"stream"],"display_height":[360,"stream"],"rate":["24000/1001","stream"],"is_vfr":[false,"stream"],"scan_order":["progressive","stream"],"pixel_format":["yuv420p","stream"],"bit_depth":[8,"stream"],"chroma_subsampling":["4:2:0","stream"],"primaries":["bt709","stream"],"transfer":["bt709","stream"],"matrix":["bt709","stream"],"range":["limited","stream"],"video_bitrate":[23864,"stream"],"audio_codec":["aac","stream"],"audio_tracks":[1,"stream"],"audio_channels":[1,"stream"],"audio_layout":["mono","stream"],"sample_rate":[48000,"stream"],"captured":["2026-05-11T17:02:11","container"],"software":["Lavc libx264","stream"]}');
INSERT INTO clip VALUES(2,5,X'816b9be15f8dba29a73902442ad81ee1',1,NULL,1,'{"container":["mp4","container"],"duration":[2.002,"container"],"video_codec":["h264","stream"],"profile":["High 4:2:2","stream"],"level":["3.1","stream"],"width":[640,"stream"],"height":[360,"stream"],"display_width":[640,"stream"],"display_height":[360,"stream"],"rate":["24000/1001","stream"],"is_vfr":[false,"stream"],"scan_order":["progressive","stream"],"pixel_format":["yuv422p10le","stream"],"bit_depth":[10,"stream"],"chroma_subsampling":["4:2:2","stream"],"primaries":["bt2020","stream"],"transfer":["arib-std-b67","stream"],"matrix":["bt2020nc","stream"],"range":["limited","stream"],"hdr":["hlg","stream"],"video_bitrate":[32467,"stream"],"audio_codec":["aac","stream"],"audio_tracks":[1,"stream"],"audio_channels":[1,"stream"],"audio_layout":["mono","stream"],"sample_rate":[48000,"stream"],"captured":["2026-05-11T17:19:47","container"],"software":["Lavc libx264","stream"]}');
INSERT INTO clip VALUES(3,8,X'07e6645804669e9d916fb3e66fba212c',1,NULL,1,'{"container":["mov","container"],"duration":[3.0,"container"],"video_codec":["h264","stream"],"profile":["High","stream"],"level":["3.1","stream"],"width":[640,"stream"],"height":[360,"stream"],"display_width":[640,"stream"],"display_height":[360,"stream"],"rate":["25","stream"],"is_vfr":[false,"stream"],"scan_order":["progressive","stream"],"pixel_format":["yuv420p","stream"],"bit_depth":[8,"stream"],"chroma_subsampling":["4:2:0","stream"],"primaries":["bt709","stream"],"transfer":["bt709","stream"],"matrix":["bt709","stream"],"range":["limited","stream"],"video_bitrate":[119669,"stream"],"audio_codec":["pcm_s16le","stream"],"audio_tracks":[3,"stream"],"audio_channels":[4,"stream"],"audio_layout":["mono","stream"],"sample_rate":[48000,"stream"],"captured":["2026-05-12T21:40:05","container"],"software":["Lavc libx264","stream"],"title":["Interview with the drummer","container"],"comment":["laughs at 00:02","container"]}');
INSERT INTO clip VALUES(4,7,X'2537ac43fe16a0957bc82c334bc9d231',1,NULL,0,'{"container":["wav","container"],"duration":[0.5,"container"],"audio_codec":["pcm_s24le","stream"],"audio_tracks":[1,"stream"],"audio_channels":[1,"stream"],"audio_layout":["mono","stream"],"sample_rate":[48000,"stream"],"captured":["2026-05-12T14:31:07","bwf"],"make":["MixPre-6 II","bwf"],"comment":["Night Owls, scene 1, take 3, room tone and snare","bwf"]}');
CREATE TABLE file (
    id        INTEGER PRIMARY KEY,
    dir       INTEGER NOT NULL REFERENCES dir,
    name      BLOB NOT NULL,
    bytes     INTEGER NOT NULL,
    modified  INTEGER NOT NULL,
    role      INTEGER NOT NULL,           -- 0 media, 1 proxy, 2 thumbnail, 3 sidecar, 4 not media
    state     INTEGER NOT NULL DEFAULT 0, -- 0 present, 1 unreadable, 2 missing
    is_unread INTEGER NOT NULL DEFAULT 0, -- waits to be read
    frames    TEXT,                       -- JSON: the frames of an image sequence
    clip      INTEGER REFERENCES clip,    -- media only
    original  INTEGER REFERENCES file,    -- companions only
    facts     TEXT,                       -- JSON: what its name, place and sidecars say
    read_bytes    INTEGER,                -- bytes and modified when it was read: those of its clip
    read_modified INTEGER,
    was       INTEGER NOT NULL DEFAULT 0  -- 1: stood here before another content took the place
);
INSERT INTO file VALUES(1,1,X'43303030312e4d5034',20949,1795383679929892570,0,0,0,NULL,1,NULL,'{"start_timecode":["10:02:11:08","sony-nrt-xml"],"captured":["2026-05-11T10:02:11-07:00","sony-nrt-xml"],"make":["Sony","sony-nrt-xml"],"model":["ILME-FX3","sony-nrt-xml"],"lens":["FE 24-70mm F2.8 GM II","sony-nrt-xml"],"tags":[[{"tag":"studio session","rule":"studio-session","evidence":"Studio Session"}],"rules"]}',20949,1795383679929892570,0);
INSERT INTO file VALUES(2,1,X'43303030322e4d5034',23167,1795383679930376909,0,0,0,NULL,2,NULL,'{"start_timecode":["10:19:47:20","sony-nrt-xml"],"captured":["2026-05-11T10:19:47-07:00","sony-nrt-xml"],"make":["Sony","sony-nrt-xml"],"model":["ILME-FX3","sony-nrt-xml"],"lens":["FE 24-70mm F2.8 GM II","sony-nrt-xml"],"tags":[[{"tag":"studio session","rule":"studio-session","evidence":"Studio Session"}],"rules"]}',23167,1795383679930376909,0);
INSERT INTO file VALUES(3,1,X'43303030314d30312e584d4c',1504,1795383679930148750,3,0,0,NULL,NULL,1,NULL,NULL,NULL,0);
INSERT INTO file VALUES(4,1,X'43303030324d30312e584d4c',1518,1795383679930493031,3,0,0,NULL,NULL,2,NULL,NULL,NULL,0);
INSERT INTO file VALUES(5,2,X'43303030315330332e4d5034',18034,1795383679930609304,1,0,0,NULL,NULL,1,NULL,NULL,NULL,0);
INSERT INTO file VALUES(6,3,X'43303030315430312e4a5047',777,1795383679930791004,2,0,0,NULL,NULL,1,NULL,NULL,NULL,0);
INSERT INTO file VALUES(7,4,X'425453496e746572766965775f4472756d6d65725f4c61756768696e672e6d6f76',376618,1795383679931062988,0,0,0,NULL,3,NULL,'{"tags":[[{"tag":"interview","rule":"interview","evidence":"Interview"},{"tag":"studio session","rule":"studio-session","evidence":"Studio Session"}],"rules"]}',376618,1795383679931062988,0);
INSERT INTO file VALUES(8,5,X'534330315430332e574156',72678,1795383679933168365,0,0,0,NULL,4,NULL,'{"tags":[[{"tag":"studio session","rule":"studio-session","evidence":"Studio Session"}],"rules"]}',72678,1795383679933168365,0);
CREATE UNIQUE INDEX file_place ON file (dir, name) WHERE NOT was;
CREATE INDEX file_clip ON file (clip) WHERE clip IS NOT NULL;
CREATE INDEX file_original ON file (original) WHERE original IS NOT NULL;
COMMIT;
