//! Element ids of Matroska (RFC 9559, section 5), including marker bits.

pub(in crate::media) const EBML: u32 = 0x1A45_DFA3;
pub(in crate::media) const EBML_READ_VERSION: u32 = 0x42F7;
pub(in crate::media) const EBML_MAX_ID_LENGTH: u32 = 0x42F2;
pub(in crate::media) const EBML_MAX_SIZE_LENGTH: u32 = 0x42F3;
pub(in crate::media) const DOC_TYPE: u32 = 0x4282;
pub(in crate::media) const DOC_TYPE_VERSION: u32 = 0x4287;
pub(in crate::media) const DOC_TYPE_READ_VERSION: u32 = 0x4285;

pub(in crate::media) const SEGMENT: u32 = 0x1853_8067;
pub(in crate::media) const SEEK_HEAD: u32 = 0x114D_9B74;
pub(in crate::media) const SEEK: u32 = 0x4DBB;
pub(in crate::media) const SEEK_ID: u32 = 0x53AB;
pub(in crate::media) const SEEK_POSITION: u32 = 0x53AC;

pub(in crate::media) const INFO: u32 = 0x1549_A966;
pub(in crate::media) const TIMESTAMP_SCALE: u32 = 0x2A_D7B1;
pub(in crate::media) const DURATION: u32 = 0x4489;
pub(in crate::media) const DATE_UTC: u32 = 0x4461;
pub(in crate::media) const TITLE: u32 = 0x7BA9;
pub(in crate::media) const MUXING_APP: u32 = 0x4D80;

pub(in crate::media) const TRACKS: u32 = 0x1654_AE6B;
pub(in crate::media) const TRACK_ENTRY: u32 = 0xAE;
pub(in crate::media) const TRACK_NUMBER: u32 = 0xD7;
pub(in crate::media) const TRACK_UID: u32 = 0x73C5;
pub(in crate::media) const TRACK_TYPE: u32 = 0x83;
pub(in crate::media) const TRACK_TIMESTAMP_SCALE: u32 = 0x23_314F;
pub(in crate::media) const TRACK_OPERATION: u32 = 0xE2;
pub(in crate::media) const DEFAULT_DURATION: u32 = 0x23_E383;
pub(in crate::media) const CODEC_ID: u32 = 0x86;
pub(in crate::media) const CODEC_PRIVATE: u32 = 0x63A2;
pub(in crate::media) const BLOCK_ADDITION_MAPPING: u32 = 0x41E4;
pub(in crate::media) const BLOCK_ADD_ID_TYPE: u32 = 0x41E7;
pub(in crate::media) const BLOCK_ADD_ID_EXTRA_DATA: u32 = 0x41ED;

pub(in crate::media) const VIDEO: u32 = 0xE0;
pub(in crate::media) const FLAG_INTERLACED: u32 = 0x9A;
pub(in crate::media) const FIELD_ORDER: u32 = 0x9D;
pub(in crate::media) const STEREO_MODE: u32 = 0x53B8;
pub(in crate::media) const PIXEL_WIDTH: u32 = 0xB0;
pub(in crate::media) const PIXEL_HEIGHT: u32 = 0xBA;
pub(in crate::media) const PIXEL_CROPS: [u32; 4] = [0x54AA, 0x54BB, 0x54CC, 0x54DD];
pub(in crate::media) const DISPLAY_WIDTH: u32 = 0x54B0;
pub(in crate::media) const DISPLAY_HEIGHT: u32 = 0x54BA;
pub(in crate::media) const DISPLAY_UNIT: u32 = 0x54B2;
pub(in crate::media) const FRAME_RATE: u32 = 0x23_83E3;
pub(in crate::media) const COLOUR: u32 = 0x55B0;
pub(in crate::media) const MATRIX_COEFFICIENTS: u32 = 0x55B1;
pub(in crate::media) const RANGE: u32 = 0x55B9;
pub(in crate::media) const TRANSFER_CHARACTERISTICS: u32 = 0x55BA;
pub(in crate::media) const PRIMARIES: u32 = 0x55BB;
pub(in crate::media) const PROJECTION: u32 = 0x7670;
pub(in crate::media) const PROJECTION_TYPE: u32 = 0x7671;
pub(in crate::media) const PROJECTION_PRIVATE: u32 = 0x7672;
pub(in crate::media) const PROJECTION_POSES: [u32; 3] = [0x7673, 0x7674, 0x7675];

pub(in crate::media) const AUDIO: u32 = 0xE1;
pub(in crate::media) const SAMPLING_FREQUENCY: u32 = 0xB5;
pub(in crate::media) const OUTPUT_SAMPLING_FREQUENCY: u32 = 0x78B5;
pub(in crate::media) const CHANNELS: u32 = 0x9F;
pub(in crate::media) const BIT_DEPTH: u32 = 0x6264;

pub(in crate::media) const CONTENT_ENCODINGS: u32 = 0x6D80;
pub(in crate::media) const CONTENT_ENCODING: u32 = 0x6240;
pub(in crate::media) const CONTENT_ENCODING_SCOPE: u32 = 0x5032;
pub(in crate::media) const CONTENT_ENCODING_TYPE: u32 = 0x5033;
pub(in crate::media) const CONTENT_COMPRESSION: u32 = 0x5034;
pub(in crate::media) const CONTENT_COMPRESSION_ALGORITHM: u32 = 0x4254;
pub(in crate::media) const CONTENT_COMPRESSION_SETTINGS: u32 = 0x4255;

pub(in crate::media) const CLUSTER: u32 = 0x1F43_B675;
pub(in crate::media) const TIMESTAMP: u32 = 0xE7;
pub(in crate::media) const SIMPLE_BLOCK: u32 = 0xA3;
pub(in crate::media) const BLOCK_GROUP: u32 = 0xA0;
pub(in crate::media) const BLOCK: u32 = 0xA1;
pub(in crate::media) const REFERENCE_BLOCK: u32 = 0xFB;

pub(in crate::media) const CUES: u32 = 0x1C53_BB6B;
pub(in crate::media) const CUE_POINT: u32 = 0xBB;
pub(in crate::media) const CUE_TIME: u32 = 0xB3;
pub(in crate::media) const CUE_TRACK_POSITIONS: u32 = 0xB7;
pub(in crate::media) const CUE_TRACK: u32 = 0xF7;
pub(in crate::media) const CUE_CLUSTER_POSITION: u32 = 0xF1;
pub(in crate::media) const CUE_RELATIVE_POSITION: u32 = 0xF0;

pub(in crate::media) const TAGS: u32 = 0x1254_C367;
pub(in crate::media) const TAG: u32 = 0x7373;
pub(in crate::media) const TARGETS: u32 = 0x63C0;
pub(in crate::media) const TARGET_TYPE: u32 = 0x63CA;
pub(in crate::media) const TAG_TRACK_UID: u32 = 0x63C5;
pub(in crate::media) const TAG_CHAPTER_UID: u32 = 0x63C4;
pub(in crate::media) const TAG_ATTACHMENT_UID: u32 = 0x63C6;
pub(in crate::media) const SIMPLE_TAG: u32 = 0x67C8;
pub(in crate::media) const TAG_NAME: u32 = 0x45A3;
pub(in crate::media) const TAG_STRING: u32 = 0x4487;
pub(in crate::media) const TAG_LANGUAGE: u32 = 0x447A;
pub(in crate::media) const TAG_DEFAULT: u32 = 0x4484;
