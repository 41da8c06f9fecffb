//! HFS+, used by drives from a Mac. It stores eight bytes, from which all systems derive a uuid
//! with MD5.

use std::io::{Read, Seek};

use super::fields::{FilesystemNames, bytes, dashed};

/// Namespace of Apple's uuids for HFS volumes.
const NAMESPACE: [u8; 16] = [
    0xb3, 0xe2, 0x0f, 0x39, 0xf2, 0x92, 0x11, 0xd6, 0x97, 0xa4, 0x00, 0x30, 0x65, 0x43, 0xec, 0xac,
];

/// Parses the volume header at offset 1024. Apple, TN1150. The label is a key of the catalogue file
/// and is not read.
pub(super) fn read<R: Read + Seek>(device: &mut R) -> Option<FilesystemNames> {
    let header = bytes(device, 1024, 112)?;
    matches!(header.get(..2)?, b"H+" | b"HX").then_some(())?;
    let id: [u8; 8] = header.get(104..112)?.try_into().ok()?;
    Some(FilesystemNames {
        uuid: (id != [0; 8]).then(|| uuid(id)).and_then(|id| dashed(&id)),
        label: None,
    })
}

/// Computes the version 3 uuid (RFC 9562) of a volume id.
fn uuid(id: [u8; 8]) -> [u8; 16] {
    let mut name = [0; 24];
    name[..16].copy_from_slice(&NAMESPACE);
    name[16..].copy_from_slice(&id);
    let mut uuid = md5(name);
    uuid[6] = uuid[6] & 0x0f | 0x30;
    uuid[8] = uuid[8] & 0x3f | 0x80;
    uuid
}

/// Computes MD5 of a message that fits in one block. RFC 1321.
fn md5(message: [u8; 24]) -> [u8; 16] {
    const TURNS: [[u32; 4]; 4] = [
        [7, 12, 17, 22],
        [5, 9, 14, 20],
        [4, 11, 16, 23],
        [6, 10, 15, 21],
    ];
    let mut block = [0; 64];
    block[..24].copy_from_slice(&message);
    block[24] = 0x80;
    block[56..].copy_from_slice(&(24 * 8_u64).to_le_bytes());
    let mut words = [0; 16];
    for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
        *word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    let begin = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    let [mut a, mut b, mut c, mut d] = begin;
    for step in 0..64 {
        let (mix, word) = match step / 16 {
            0 => (b & c | !b & d, step),
            1 => (d & b | !d & c, 5 * step + 1),
            2 => (b ^ c ^ d, 3 * step + 5),
            _ => (c ^ (b | !d), 7 * step),
        };
        let sum = a
            .wrapping_add(mix)
            .wrapping_add(SINES[step])
            .wrapping_add(words[word % 16]);
        let turned = sum.rotate_left(TURNS[step / 16][step % 4]);
        (a, d, c, b) = (d, c, b, b.wrapping_add(turned));
    }
    let mut digest = [0; 16];
    for ((bytes, begin), end) in digest.chunks_exact_mut(4).zip(begin).zip([a, b, c, d]) {
        bytes.copy_from_slice(&begin.wrapping_add(end).to_le_bytes());
    }
    digest
}

/// Constants of the MD5 steps: 2³² times the absolute value of the sine (RFC 1321).
const SINES: [u32; 64] = [
    0xd76a_a478,
    0xe8c7_b756,
    0x2420_70db,
    0xc1bd_ceee,
    0xf57c_0faf,
    0x4787_c62a,
    0xa830_4613,
    0xfd46_9501,
    0x6980_98d8,
    0x8b44_f7af,
    0xffff_5bb1,
    0x895c_d7be,
    0x6b90_1122,
    0xfd98_7193,
    0xa679_438e,
    0x49b4_0821,
    0xf61e_2562,
    0xc040_b340,
    0x265e_5a51,
    0xe9b6_c7aa,
    0xd62f_105d,
    0x0244_1453,
    0xd8a1_e681,
    0xe7d3_fbc8,
    0x21e1_cde6,
    0xc337_07d6,
    0xf4d5_0d87,
    0x455a_14ed,
    0xa9e3_e905,
    0xfcef_a3f8,
    0x676f_02d9,
    0x8d2a_4c8a,
    0xfffa_3942,
    0x8771_f681,
    0x6d9d_6122,
    0xfde5_380c,
    0xa4be_ea44,
    0x4bde_cfa9,
    0xf6bb_4b60,
    0xbebf_bc70,
    0x289b_7ec6,
    0xeaa1_27fa,
    0xd4ef_3085,
    0x0488_1d05,
    0xd9d4_d039,
    0xe6db_99e5,
    0x1fa2_7cf8,
    0xc4ac_5665,
    0xf429_2244,
    0x432a_ff97,
    0xab94_23a7,
    0xfc93_a039,
    0x655b_59c3,
    0x8f0c_cc92,
    0xffef_f47d,
    0x8584_5dd1,
    0x6fa8_7e4f,
    0xfe2c_e6e0,
    0xa301_4314,
    0x4e08_11a1,
    0xf753_7e82,
    0xbd3a_f235,
    0x2ad7_d2bb,
    0xeb86_d391,
];
