//! Configuration record of an H.264 stream (ISO/IEC 14496-15, 5.3.3.1).

use super::bits::split_length_prefixed;

/// Configuration record (`avcC`), with its parameter sets as NAL units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AvcConfig<'a> {
    /// Size in bytes of the length field before each NAL unit of a sample: 1, 2 or 4.
    pub nal_length_size: usize,
    pub sequence_parameter_sets: Vec<&'a [u8]>,
    pub picture_parameter_sets: Vec<&'a [u8]>,
}

/// Parses `avcC`; `None` if it is another record or truncated.
pub(super) fn parse_config(payload: &[u8]) -> Option<AvcConfig<'_>> {
    let (head, rest) = payload.split_at_checked(6)?;
    let &[1, _, _, _, length, sequences] = head else {
        return None;
    };
    let (sequence_parameter_sets, rest) = split_sets(rest, sequences & 31)?;
    let (&pictures, rest) = rest.split_first()?;
    let (picture_parameter_sets, _) = split_sets(rest, pictures)?;
    Some(AvcConfig {
        nal_length_size: usize::from(length & 3) + 1,
        sequence_parameter_sets,
        picture_parameter_sets,
    })
}

/// Splits off `count` parameter sets; returns them and the remaining bytes.
fn split_sets(mut bytes: &[u8], count: u8) -> Option<(Vec<&[u8]>, &[u8])> {
    let mut sets = Vec::new();
    for _ in 0..count {
        let (nal, rest) = split_length_prefixed(bytes, 2)?;
        sets.push(nal);
        bytes = rest;
    }
    Some((sets, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::bitstream::tests::bytes;

    #[test]
    fn rejects_truncated_records() {
        let record = bytes(
            "0142c00dffe100186742c00dd90141fb011000000300100000030320f142a48001000568cb83cb20",
        );
        for length in 0..record.len() {
            assert_eq!(parse_config(&record[..length]), None, "{length}");
        }
        assert_eq!(parse_config(&record).unwrap().nal_length_size, 4);
    }
}
