PRAGMA application_id=1651798889;
PRAGMA user_version=2;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE clip (
    id          INTEGER PRIMARY KEY,
    seq         INTEGER NOT NULL UNIQUE,  -- every change takes the next
    fingerprint BLOB UNIQUE,              -- NULL on a stub, and for empty files
    is_readable INTEGER NOT NULL DEFAULT 1,
    failed_with TEXT,                     -- tool that could not read it; another version tries again
    has_poster  INTEGER NOT NULL DEFAULT 0,
    facts       TEXT,                     -- JSON: what the content says; NULL until read
    strip       INTEGER                   -- pictures in its strip; NULL until one was tried
);
INSERT INTO "clip" VALUES(1,5,X'D870E6E73B0B3E21488953CC825435E8',1,NULL,1,'{"container":["mp4","container"],"duration":[2.002,"container"],"video_codec":["h264","stream"],"profile":["High","stream"],"level":["3.1","stream"],"width":[640,"stream"],"height":[360,"stream"],"display_width":[640,"stream"],"display_height":[360,"stream"],"rate":["24000/1001","stream"],"is_vfr":[false,"stream"],"scan_order":["progressive","stream"],"pixel_format":["yuv420p","stream"],"bit_depth":[8,"stream"],"chroma_subsampling":["4:2:0","stream"],"primaries":["bt709","stream"],"transfer":["bt709","stream"],"matrix":["bt709","stream"],"range":["limited","stream"],"video_bitrate":[23864,"stream"],"audio_codec":["aac","stream"],"audio_tracks":[1,"stream"],"audio_channels":[1,"stream"],"audio_layout":["mono","stream"],"sample_rate":[48000,"stream"],"captured":["2026-05-11T17:02:11","container"],"software":["Lavc libx264","stream"],"reader":["iso header","disk"]}',1);
INSERT INTO "clip" VALUES(2,6,X'816B9BE15F8DBA29A73902442AD81EE1',1,NULL,1,'{"container":["mp4","container"],"duration":[2.002,"container"],"video_codec":["h264","stream"],"profile":["High 4:2:2","stream"],"level":["3.1","stream"],"width":[640,"stream"],"height":[360,"stream"],"display_width":[640,"stream"],"display_height":[360,"stream"],"rate":["24000/1001","stream"],"is_vfr":[false,"stream"],"scan_order":["progressive","stream"],"pixel_format":["yuv422p10le","stream"],"bit_depth":[10,"stream"],"chroma_subsampling":["4:2:2","stream"],"primaries":["bt2020","stream"],"transfer":["arib-std-b67","stream"],"matrix":["bt2020nc","stream"],"range":["limited","stream"],"hdr":["hlg","stream"],"video_bitrate":[32467,"stream"],"audio_codec":["aac","stream"],"audio_tracks":[1,"stream"],"audio_channels":[1,"stream"],"audio_layout":["mono","stream"],"sample_rate":[48000,"stream"],"captured":["2026-05-11T17:19:47","container"],"software":["Lavc libx264","stream"],"reader":["iso header","disk"]}',1);
INSERT INTO "clip" VALUES(3,7,X'07E6645804669E9D916FB3E66FBA212C',1,NULL,1,'{"container":["mov","container"],"duration":[3.0,"container"],"video_codec":["h264","stream"],"profile":["High","stream"],"level":["3.1","stream"],"width":[640,"stream"],"height":[360,"stream"],"display_width":[640,"stream"],"display_height":[360,"stream"],"rate":["25","stream"],"is_vfr":[false,"stream"],"scan_order":["progressive","stream"],"pixel_format":["yuv420p","stream"],"bit_depth":[8,"stream"],"chroma_subsampling":["4:2:0","stream"],"primaries":["bt709","stream"],"transfer":["bt709","stream"],"matrix":["bt709","stream"],"range":["limited","stream"],"video_bitrate":[119669,"stream"],"audio_codec":["pcm_s16le","stream"],"audio_tracks":[3,"stream"],"audio_channels":[4,"stream"],"audio_layout":["mono","stream"],"sample_rate":[48000,"stream"],"captured":["2026-05-12T21:40:05","container"],"software":["Lavc libx264","stream"],"title":["Interview with the drummer","container"],"comment":["laughs at 00:02","container"],"reader":["iso header","disk"]}',1);
INSERT INTO "clip" VALUES(4,8,X'2537AC43FE16A0957BC82C334BC9D231',1,NULL,0,'{"container":["wav","container"],"duration":[0.5,"container"],"audio_codec":["pcm_s24le","stream"],"audio_tracks":[1,"stream"],"audio_channels":[1,"stream"],"audio_layout":["mono","stream"],"sample_rate":[48000,"stream"],"captured":["2026-05-12T14:31:07","bwf"],"make":["MixPre-6 II","bwf"],"comment":["Night Owls, scene 1, take 3, room tone and snare","bwf"],"reader":["wave header","disk"]}',NULL);
INSERT INTO "clip" VALUES(5,19,X'332957C62EDCE2C5D4C96D339C139B8A',1,NULL,0,'{"container":["mov","container"],"duration":[2.0,"container"],"video_codec":["h264","stream"],"profile":["High","stream"],"level":["2.1","stream"],"width":[320,"stream"],"height":[180,"stream"],"display_width":[180,"stream"],"display_height":[320,"stream"],"rotation":[90,"stream"],"rate":["30","stream"],"is_vfr":[false,"stream"],"scan_order":["progressive","stream"],"pixel_format":["yuv420p","stream"],"bit_depth":[8,"stream"],"chroma_subsampling":["4:2:0","stream"],"primaries":["bt709","stream"],"transfer":["bt709","stream"],"matrix":["bt709","stream"],"range":["limited","stream"],"video_bitrate":[97356,"stream"],"audio_codec":["aac","stream"],"audio_tracks":[1,"stream"],"audio_channels":[1,"stream"],"audio_layout":["mono","stream"],"sample_rate":[48000,"stream"],"captured":["2026-05-14T18:05:33+02:00","quicktime-keys"],"make":["Apple","quicktime-keys"],"model":["iPhone 15 Pro","quicktime-keys"],"software":["18.4.1","quicktime-keys"],"gps":["51.500700,-0.124600","quicktime-keys"],"reader":["iso header","disk"]}',NULL);
INSERT INTO "clip" VALUES(6,14,X'42FAD757D4728A345957B309158E99EC',1,NULL,0,'{"container":["matroska","container"],"duration":[2.0,"container"],"video_codec":["h264","stream"],"profile":["High","stream"],"level":["3.1","stream"],"width":[480,"stream"],"height":[270,"stream"],"display_width":[640,"stream"],"display_height":[270,"stream"],"rate":["24","stream"],"is_vfr":[false,"stream"],"scan_order":["progressive","stream"],"pixel_format":["yuv420p","stream"],"bit_depth":[8,"stream"],"chroma_subsampling":["4:2:0","stream"],"primaries":["bt709","stream"],"transfer":["bt709","stream"],"matrix":["bt709","stream"],"range":["limited","stream"],"captured":["2026-05-14T15:02:00","container"],"software":["Lavf","container"],"reader":["matroska header","disk"]}',NULL);
INSERT INTO "clip" VALUES(7,21,X'D9D77F53BA5362623FABD8B6F48D6626',1,NULL,0,'{"container":["avi","container"],"duration":[2.016,"container"],"video_codec":["mpeg4","stream"],"profile":["Simple Profile","stream"],"level":["1","stream"],"width":[384,"stream"],"height":[288,"stream"],"display_width":[384,"stream"],"display_height":[288,"stream"],"rate":["25","stream"],"is_vfr":[false,"stream"],"pixel_format":["yuv420p","stream"],"bit_depth":[8,"stream"],"chroma_subsampling":["4:2:0","stream"],"audio_codec":["mp2","stream"],"audio_tracks":[1,"stream"],"audio_channels":[1,"stream"],"audio_layout":["mono","stream"],"sample_rate":[48000,"stream"],"reader":["ffprobe 5.1.9-0+deb12u1","disk"]}',NULL);
INSERT INTO "clip" VALUES(8,15,X'8E80B850F45A6B6B69AD757041A0550F',1,NULL,0,'{"container":["mp4","container"],"duration":[2.002,"container"],"video_codec":["h264","stream"],"profile":["High","stream"],"level":["3.1","stream"],"width":[640,"stream"],"height":[360,"stream"],"display_width":[640,"stream"],"display_height":[360,"stream"],"rate":["30000/1001","stream"],"is_vfr":[false,"stream"],"scan_order":["progressive","stream"],"pixel_format":["yuv420p","stream"],"bit_depth":[8,"stream"],"chroma_subsampling":["4:2:0","stream"],"primaries":["bt709","stream"],"transfer":["bt709","stream"],"matrix":["bt709","stream"],"range":["limited","stream"],"video_bitrate":[426393,"stream"],"captured":["2026-05-14T10:20:05","container"],"software":["Lavc libx264","stream"],"reader":["iso header","disk"]}',NULL);
INSERT INTO "clip" VALUES(9,20,X'6C569A1FF317E84C010F9D81D07F89E4',1,NULL,0,'{"container":["mov","container"],"duration":[0.5,"container"],"video_codec":["prores","stream"],"profile":["HQ","stream"],"width":[160,"stream"],"height":[90,"stream"],"display_width":[160,"stream"],"display_height":[90,"stream"],"rate":["24","stream"],"is_vfr":[false,"stream"],"scan_order":["progressive","stream"],"pixel_format":["yuv422p10le","stream"],"bit_depth":[10,"stream"],"chroma_subsampling":["4:2:2","stream"],"primaries":["bt709","stream"],"transfer":["bt709","stream"],"matrix":["bt709","stream"],"range":["limited","stream"],"video_bitrate":[1539696,"stream"],"start_timecode":["14:22:10:00","stream"],"captured":["2026-05-12T13:22:10","container"],"software":["Lavc prores_ks","stream"],"reader":["iso header","disk"]}',NULL);
CREATE TABLE dir (
    id     INTEGER PRIMARY KEY,
    volume INTEGER NOT NULL REFERENCES volume,
    path   BLOB NOT NULL,
    UNIQUE (volume, path)
);
INSERT INTO "dir" VALUES(1,1,X'7372762F73686F6F742F53747564696F2053657373696F6E202D204E69676874204F776C732F446179312F505249564154452F4D34524F4F542F434C4950');
INSERT INTO "dir" VALUES(2,1,X'7372762F73686F6F742F53747564696F2053657373696F6E202D204E69676874204F776C732F446179312F505249564154452F4D34524F4F542F535542');
INSERT INTO "dir" VALUES(3,1,X'7372762F73686F6F742F53747564696F2053657373696F6E202D204E69676874204F776C732F446179312F505249564154452F4D34524F4F542F54484D424E4C');
INSERT INTO "dir" VALUES(4,1,X'7372762F73686F6F742F53747564696F2053657373696F6E202D204E69676874204F776C732F44617932');
INSERT INTO "dir" VALUES(5,1,X'7372762F73686F6F742F53747564696F2053657373696F6E202D204E69676874204F776C732F446179322F536F756E64');
INSERT INTO "dir" VALUES(6,1,X'7372762F73686F6F742F4C6F636174696F6E2053636F7574');
INSERT INTO "dir" VALUES(7,1,X'7372762F73686F6F742F4C6F636174696F6E2053636F75742F64726F6E65');
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
INSERT INTO "file" VALUES(1,1,X'43303030312E4D5034',20949,1779278400000000000,0,0,0,NULL,1,NULL,'{"start_timecode":["10:02:11:08","sony-nrt-xml"],"captured":["2026-05-11T10:02:11-07:00","sony-nrt-xml"],"make":["Sony","sony-nrt-xml"],"model":["ILME-FX3","sony-nrt-xml"],"lens":["FE 24-70mm F2.8 GM II","sony-nrt-xml"],"tags":[[{"tag":"studio session","rule":"studio-session","evidence":"Studio Session"}],"rules"]}',20949,1779278400000000000,0);
INSERT INTO "file" VALUES(2,1,X'43303030322E4D5034',23167,1779278400000000000,0,0,0,NULL,2,NULL,'{"start_timecode":["10:19:47:20","sony-nrt-xml"],"captured":["2026-05-11T10:19:47-07:00","sony-nrt-xml"],"make":["Sony","sony-nrt-xml"],"model":["ILME-FX3","sony-nrt-xml"],"lens":["FE 24-70mm F2.8 GM II","sony-nrt-xml"],"tags":[[{"tag":"studio session","rule":"studio-session","evidence":"Studio Session"}],"rules"]}',23167,1779278400000000000,0);
INSERT INTO "file" VALUES(3,1,X'43303030314D30312E584D4C',1504,1779278400000000000,3,0,0,NULL,NULL,1,NULL,NULL,NULL,0);
INSERT INTO "file" VALUES(4,1,X'43303030324D30312E584D4C',1518,1779278400000000000,3,0,0,NULL,NULL,2,NULL,NULL,NULL,0);
INSERT INTO "file" VALUES(5,2,X'43303030315330332E4D5034',18034,1779278400000000000,1,0,0,NULL,NULL,1,NULL,NULL,NULL,0);
INSERT INTO "file" VALUES(6,3,X'43303030315430312E4A5047',777,1779278400000000000,2,0,0,NULL,NULL,1,NULL,NULL,NULL,0);
INSERT INTO "file" VALUES(7,4,X'425453496E746572766965775F4472756D6D65725F4C61756768696E672E6D6F76',376618,1779278400000000000,0,0,0,NULL,3,NULL,'{"tags":[[{"tag":"interview","rule":"interview","evidence":"Interview"},{"tag":"studio session","rule":"studio-session","evidence":"Studio Session"}],"rules"]}',376618,1779278400000000000,0);
INSERT INTO "file" VALUES(8,5,X'534330315430332E574156',72678,1779278400000000000,0,0,0,NULL,4,NULL,'{"tags":[[{"tag":"studio session","rule":"studio-session","evidence":"Studio Session"}],"rules"]}',72678,1779278400000000000,0);
INSERT INTO "file" VALUES(9,6,X'494D475F313233342E4D4F56',97624,1795693000302248255,0,0,0,NULL,9,NULL,'{"tags":[[{"tag":"location scout","rule":"location-scout","evidence":"Location Scout"}],"rules"]}',97624,1795693000302248255,0);
INSERT INTO "file" VALUES(10,6,X'616E616D6F72706869635F776964652E6D6B76',8578,1779278400000000000,0,0,0,NULL,6,NULL,'{"tags":[[{"tag":"location scout","rule":"location-scout","evidence":"Location Scout"}],"rules"]}',8578,1779278400000000000,0);
INSERT INTO "file" VALUES(11,6,X'6F6C645F746170652E617669',66302,1779278400000000000,0,2,0,NULL,7,NULL,'{"tags":[[{"tag":"location scout","rule":"location-scout","evidence":"Location Scout"}],"rules"]}',66302,1779278400000000000,0);
INSERT INTO "file" VALUES(12,7,X'444A495F303034322E4D5034',108071,1779278400000000000,0,0,0,NULL,8,NULL,'{"captured":["2026-05-14T11:20:05","dji-srt"],"gps":["51.501000,-0.124000","dji-srt"],"tags":[[{"tag":"drone","rule":"drone","evidence":"DJI"},{"tag":"location scout","rule":"location-scout","evidence":"Location Scout"}],"rules"]}',108071,1779278400000000000,0);
INSERT INTO "file" VALUES(13,7,X'444A495F303034322E4C5246',17525,1779278400000000000,1,0,0,NULL,NULL,12,NULL,NULL,NULL,0);
INSERT INTO "file" VALUES(14,7,X'444A495F303034322E535254',19662,1779278400000000000,3,0,0,NULL,NULL,12,NULL,NULL,NULL,0);
INSERT INTO "file" VALUES(15,6,X'494D475F313233342E4D4F56',40743,1779278400000000000,0,2,0,NULL,5,NULL,'{"tags":[[{"tag":"location scout","rule":"location-scout","evidence":"Location Scout"}],"rules"]}',NULL,NULL,1);
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "meta" VALUES('tool:/usr/bin/ffprobe 187336 1778678620000000000','ffprobe 5.1.9-0+deb12u1');
INSERT INTO "meta" VALUES('uuid','240dfec2e588e894e83f7ee364b8bfaa');
CREATE TABLE picture (
    clip   INTEGER PRIMARY KEY REFERENCES clip,
    work   INTEGER NOT NULL,              -- 0 the poster, 1 the strip
    recipe INTEGER,                       -- equal ones share a decoder; NULL: ffmpeg opens the file
    plan   TEXT NOT NULL,                 -- JSON: what making them takes
    failed_with TEXT                      -- tool that could not make a strip; another version tries again
);
INSERT INTO "picture" VALUES(5,0,76003765579473778,'{"version":1,"poster":{"width":480,"height":270,"rotation":90,"is_enlarged":true,"curve":null,"matrix":"bt709","is_full_range":false},"tile":{"width":240,"height":135,"rotation":90,"is_enlarged":false,"curve":null,"matrix":"bt709","is_full_range":false},"keyed":{"decoder":{"codec":"h264","kind":[97,118,99,49],"configuration":[1,100,0,21,255,225,0,30,103,100,0,21,172,114,4,65,65,159,159,1,106,2,2,2,128,0,0,3,0,128,0,0,30,7,139,22,194,48,1,0,7,104,232,67,132,75,34,192,253,248,248,0],"width":320,"height":180},"stored":"Whole","poster":[{"offset":36,"bytes":3066,"micros":0}],"strip":[{"offset":36,"bytes":3066,"micros":0}]},"micros":2000000,"is_described":true,"strip":8,"is_poor":false}',NULL);
INSERT INTO "picture" VALUES(6,0,-7179104572920279158,'{"version":1,"poster":{"width":480,"height":203,"rotation":0,"is_enlarged":false,"curve":null,"matrix":"bt709","is_full_range":false},"tile":{"width":240,"height":101,"rotation":0,"is_enlarged":false,"curve":null,"matrix":"bt709","is_full_range":false},"keyed":{"decoder":{"codec":"h264","kind":[97,118,99,49],"configuration":[1,100,0,31,255,225,0,30,103,100,0,31,172,114,4,65,224,143,235,14,106,2,2,2,128,0,0,3,0,128,0,0,24,7,140,24,194,48,1,0,7,104,232,67,132,75,34,192,253,248,248,0],"width":480,"height":270},"stored":{"Cluster":{"track":1,"scale":1000000,"begin":0}},"poster":[{"offset":535,"bytes":8043,"micros":0}],"strip":[{"offset":535,"bytes":8043,"micros":0}]},"micros":2000000,"is_described":true,"strip":8,"is_poor":false}',NULL);
INSERT INTO "picture" VALUES(7,0,NULL,'{"version":1,"poster":{"width":480,"height":360,"rotation":0,"is_enlarged":true,"curve":null,"matrix":null,"is_full_range":null},"tile":{"width":240,"height":180,"rotation":0,"is_enlarged":false,"curve":null,"matrix":null,"is_full_range":null},"keyed":null,"micros":2016000,"is_described":false,"strip":8,"is_poor":false}',NULL);
INSERT INTO "picture" VALUES(8,0,8647662488042711492,'{"version":1,"poster":{"width":480,"height":270,"rotation":0,"is_enlarged":false,"curve":null,"matrix":"bt709","is_full_range":false},"tile":{"width":240,"height":135,"rotation":0,"is_enlarged":false,"curve":null,"matrix":"bt709","is_full_range":false},"keyed":{"decoder":{"codec":"h264","kind":[97,118,99,49],"configuration":[1,100,0,31,255,225,0,29,103,100,0,31,172,114,4,64,160,47,249,112,22,160,32,32,40,0,0,31,72,0,7,83,0,120,193,140,35,1,0,7,104,232,67,132,75,34,192,253,248,248,0],"width":640,"height":360},"stored":"Whole","poster":[{"offset":48,"bytes":11511,"micros":0}],"strip":[{"offset":48,"bytes":11511,"micros":0}]},"micros":2002000,"is_described":true,"strip":8,"is_poor":false}',NULL);
INSERT INTO "picture" VALUES(9,0,5224949408031033523,'{"version":1,"poster":{"width":480,"height":270,"rotation":0,"is_enlarged":true,"curve":null,"matrix":"bt709","is_full_range":false},"tile":{"width":240,"height":135,"rotation":0,"is_enlarged":true,"curve":null,"matrix":"bt709","is_full_range":false},"keyed":{"decoder":{"codec":"prores","kind":[97,112,99,104],"configuration":[],"width":160,"height":90},"stored":"Whole","poster":[{"offset":32096,"bytes":8014,"micros":166666},{"offset":56138,"bytes":8014,"micros":291666},{"offset":72166,"bytes":8014,"micros":375000},{"offset":16068,"bytes":8014,"micros":83333}],"strip":[{"offset":8054,"bytes":8014,"micros":41666},{"offset":16068,"bytes":8014,"micros":83333},{"offset":24082,"bytes":8014,"micros":125000},{"offset":40110,"bytes":8014,"micros":208333},{"offset":48124,"bytes":8014,"micros":250000},{"offset":64152,"bytes":8014,"micros":333333},{"offset":72166,"bytes":8014,"micros":375000},{"offset":80180,"bytes":8014,"micros":416666}]},"micros":500000,"is_described":true,"strip":8,"is_poor":false}',NULL);
CREATE TABLE volume (
    id        INTEGER PRIMARY KEY,
    identity  TEXT NOT NULL UNIQUE,
    label     TEXT NOT NULL,
    mount     BLOB NOT NULL,              -- where it was last mounted
    last_seen INTEGER NOT NULL            -- seconds since 1970 UTC
);
INSERT INTO "volume" VALUES(1,'label:system disk:270553174016:0','system disk',X'2F',1795693000);
CREATE UNIQUE INDEX file_place ON file (dir, name) WHERE NOT was;
CREATE INDEX file_clip ON file (clip) WHERE clip IS NOT NULL;
CREATE INDEX file_original ON file (original) WHERE original IS NOT NULL;
COMMIT;
