//! The parameter sets of an H.264 stream, as slices refer to them (ITU-T H.264, 7.3.2).

use super::bits::{Bits, unescape};
use super::h264::{Config, Sequence, sequence};

pub(super) const SLICE: u8 = 1;
pub(super) const IDR_SLICE: u8 = 5;
pub(super) const MESSAGES: u8 = 6;
const SEQUENCE_SET: u8 = 7;
const PICTURE_SET: u8 = 8;

/// A picture parameter set, as far as slice headers need it.
#[derive(Debug, Clone, Copy)]
pub(super) struct PictureSet {
    id: u32,
    sequence: u32,
    pub is_arithmetic: bool,
    pub has_order: bool,
    /// `None` where slice groups, which no camera uses, would change what follows.
    pub rest: Option<Rest>,
}

/// What stands further on in a picture parameter set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rest {
    pub has_deblocking: bool,
    pub has_redundancy: bool,
}

/// All sets that are in force.
#[derive(Debug)]
pub(super) struct Sets {
    sequences: Vec<Sequence>,
    pictures: Vec<PictureSet>,
}

impl Sets {
    /// Those of a configuration record; `None` when one is not understood.
    pub(super) fn of(config: &Config) -> Option<Self> {
        let sequences = config.sequence_sets.iter().map(|nal| sequence(nal));
        let pictures = config.picture_sets.iter().map(|nal| picture_set(nal));
        Some(Self {
            sequences: sequences.collect::<Option<_>>()?,
            pictures: pictures.collect::<Option<_>>()?,
        })
    }

    /// Takes a NAL unit of the stream, if it is a set: it replaces one of its number.
    pub(super) fn take(&mut self, nal: &[u8]) -> Option<()> {
        match nal.first()? & 31 {
            SEQUENCE_SET => self.sequences.push(sequence(nal)?),
            PICTURE_SET => self.pictures.push(picture_set(nal)?),
            _ => {}
        }
        Some(())
    }

    /// The sets that a slice with the picture set `id` goes by.
    pub(super) fn of_slice(&self, id: u32) -> Option<(&Sequence, &PictureSet)> {
        let picture = self.pictures.iter().rev().find(|set| set.id == id)?;
        let is_its = |set: &&Sequence| set.id == picture.sequence;
        let sequence = self.sequences.iter().rev().find(is_its)?;
        Some((sequence, picture))
    }
}

pub(super) fn picture_set(nal: &[u8]) -> Option<PictureSet> {
    let nal = unescape(nal);
    let mut bits = Bits::new(&nal);
    if bits.byte()? & 31 != PICTURE_SET {
        return None;
    }
    let (id, sequence) = (bits.ue_to(255)?, bits.ue_to(31)?);
    Some(PictureSet {
        id,
        sequence,
        is_arithmetic: bits.flag()?,
        has_order: bits.flag()?,
        rest: rest(&mut bits),
    })
}

fn rest(bits: &mut Bits<'_>) -> Option<Rest> {
    // Slice groups; how many pictures may be referred to; weights; quantiser offsets.
    bits.ue_to(0)?;
    bits.ue()?;
    bits.ue()?;
    bits.skip(3)?;
    for _ in 0..3 {
        bits.se()?;
    }
    let has_deblocking = bits.flag()?;
    bits.skip(1)?;
    Some(Rest {
        has_deblocking,
        has_redundancy: bits.flag()?,
    })
}
