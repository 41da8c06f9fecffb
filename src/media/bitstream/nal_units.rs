//! NAL units of H.264 and HEVC: byte streams with start codes (annex B of both standards), and the
//! records and length-prefixed units that containers store instead.

/// Maximum number of picture parameter sets in a record.
const MAX_SETS: usize = 255;

/// Splits a byte stream into NAL units, without start codes and zero padding.
pub(in crate::media) fn split(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = after_start_code(stream);
    std::iter::from_fn(move || {
        let bytes = rest?;
        let end = memchr::memmem::find(bytes, &[0, 0, 1]).unwrap_or(bytes.len());
        rest = after_start_code(&bytes[end..]);
        let unit = &bytes[..end];
        let zeros = unit.iter().rev().take_while(|&&byte| byte == 0).count();
        Some(&unit[..unit.len() - zeros])
    })
    .filter(|unit| !unit.is_empty())
}

/// Returns everything after the first start code.
fn after_start_code(stream: &[u8]) -> Option<&[u8]> {
    let at = memchr::memmem::find(stream, &[0, 0, 1])?;
    Some(&stream[at + 3..])
}

/// Converts a byte stream into NAL units that are each preceded by a four-byte length.
pub(in crate::media) fn to_length_prefixed(stream: &[u8]) -> Vec<u8> {
    let mut prefixed = Vec::with_capacity(stream.len() + 64);
    for unit in split(stream) {
        let Ok(length) = u32::try_from(unit.len()) else {
            break;
        };
        prefixed.extend(length.to_be_bytes());
        prefixed.extend(unit);
    }
    prefixed
}

/// Builds the `avcC` record (ISO/IEC 14496-15, 5.3.3) from the parameter sets in a byte stream, for
/// four-byte lengths. `None` if sets are missing, or if there are too many.
pub(in crate::media) fn build_avcc(stream: &[u8]) -> Option<Vec<u8>> {
    let sets = |kind: u8| {
        let mut found: Vec<&[u8]> = Vec::new();
        for unit in split(stream).filter(|unit| unit[0] & 0x1f == kind) {
            if found.len() <= MAX_SETS && !found.contains(&unit) {
                found.push(unit);
            }
        }
        found
    };
    let (sequences, pictures) = (sets(7), sets(8));
    let &[profile, constraints, level] = sequences.first()?.get(1..4)? else {
        return None;
    };
    if sequences.len() > 31 || pictures.is_empty() || pictures.len() > MAX_SETS {
        return None;
    }
    let mut record = vec![1, profile, constraints, level, 0xff];
    record.push(0xe0 | u8::try_from(sequences.len()).ok()?);
    for (at, set) in sequences.iter().chain(&pictures).enumerate() {
        if at == sequences.len() {
            record.push(u8::try_from(pictures.len()).ok()?);
        }
        record.extend(u16::try_from(set.len()).ok()?.to_be_bytes());
        record.extend(*set);
    }
    Some(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_units_at_start_codes() {
        let stream = b"\0\0\0\x01\x09\xf0\0\0\x01\x67\x64\0\x28\xaa\0\0\0\x01\x68\xee\0\0\x01\x65\x88\x80\0\0\0";
        let found: Vec<&[u8]> = split(stream).collect();
        assert_eq!(
            found,
            [
                &b"\x09\xf0"[..],
                b"\x67\x64\0\x28\xaa",
                b"\x68\xee",
                b"\x65\x88\x80"
            ]
        );
        assert_eq!(to_length_prefixed(&stream[20..]), b"\0\0\0\x03\x65\x88\x80",);
        assert_eq!(
            build_avcc(stream).as_deref(),
            Some(&b"\x01\x64\0\x28\xff\xe1\0\x05\x67\x64\0\x28\xaa\x01\0\x02\x68\xee"[..])
        );
        assert_eq!(split(b"").count() + split(b"\0\0\x01").count(), 0);
        assert_eq!(build_avcc(b"\0\0\x01\x68\xee"), None);
    }
}
