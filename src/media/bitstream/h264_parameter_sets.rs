//! Parameter sets of an H.264 stream, looked up by the ids in slice headers (ITU-T H.264, 7.3.2).

use super::bits::{BitReader, unescape};
use super::h264_config::AvcConfig;
use super::h264_sequence::{H264Sps, read_sps};

pub(super) const SLICE: u8 = 1;
pub(super) const IDR_SLICE: u8 = 5;
pub(super) const SEI: u8 = 6;
const SEQUENCE_PARAMETER_SET: u8 = 7;
const PICTURE_PARAMETER_SET: u8 = 8;

/// Values of a picture parameter set that affect the syntax of slice headers.
#[derive(Debug, Clone, Copy)]
pub(super) struct H264Pps {
    id: u32,
    sequence: u32,
    pub uses_cabac: bool,
    pub has_bottom_field_order: bool,
    /// `None` if slice groups, which no camera uses, change the syntax that follows.
    pub tail: Option<PpsTail>,
}

/// Last part of a picture parameter set.
#[derive(Debug, Clone, Copy)]
pub(super) struct PpsTail {
    pub has_deblocking_control: bool,
    pub has_redundant_count: bool,
}

/// Active parameter sets.
#[derive(Debug)]
pub(super) struct ParameterSets {
    sequences: Vec<H264Sps>,
    pictures: Vec<H264Pps>,
}

impl ParameterSets {
    /// Parses the sets of a configuration record; `None` if one cannot be parsed.
    pub(super) fn from_config(config: &AvcConfig) -> Option<Self> {
        let sequences = config
            .sequence_parameter_sets
            .iter()
            .map(|nal| read_sps(nal));
        let pictures = config
            .picture_parameter_sets
            .iter()
            .map(|nal| read_pps(nal));
        Some(Self {
            sequences: sequences.collect::<Option<_>>()?,
            pictures: pictures.collect::<Option<_>>()?,
        })
    }

    /// Adds a NAL unit if it is a parameter set. A later set replaces an earlier one with the same
    /// id.
    pub(super) fn update(&mut self, nal: &[u8]) -> Option<()> {
        match nal.first()? & 31 {
            SEQUENCE_PARAMETER_SET => self.sequences.push(read_sps(nal)?),
            PICTURE_PARAMETER_SET => self.pictures.push(read_pps(nal)?),
            _ => {}
        }
        Some(())
    }

    /// Returns the parameter sets of a slice that refers to the picture parameter set `id`.
    pub(super) fn for_slice(&self, id: u32) -> Option<(&H264Sps, &H264Pps)> {
        let picture = self.pictures.iter().rev().find(|set| set.id == id)?;
        let is_referenced = |set: &&H264Sps| set.id == picture.sequence;
        let sequence = self.sequences.iter().rev().find(is_referenced)?;
        Some((sequence, picture))
    }
}

pub(super) fn read_pps(nal: &[u8]) -> Option<H264Pps> {
    let nal = unescape(nal);
    let mut bits = BitReader::new(&nal);
    if bits.byte()? & 31 != PICTURE_PARAMETER_SET {
        return None;
    }
    let (id, sequence) = (bits.ue_at_most(255)?, bits.ue_at_most(31)?);
    Some(H264Pps {
        id,
        sequence,
        uses_cabac: bits.flag()?,
        has_bottom_field_order: bits.flag()?,
        tail: parse_tail(&mut bits),
    })
}

fn parse_tail(bits: &mut BitReader<'_>) -> Option<PpsTail> {
    // Slice groups (none), default reference counts, weighted prediction and quantiser offsets.
    bits.ue_at_most(0)?;
    bits.ue()?;
    bits.ue()?;
    bits.skip(3)?;
    for _ in 0..3 {
        bits.se()?;
    }
    let has_deblocking_control = bits.flag()?;
    bits.skip(1)?;
    Some(PpsTail {
        has_deblocking_control,
        has_redundant_count: bits.flag()?,
    })
}
