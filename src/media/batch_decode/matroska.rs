//! Just enough Matroska (RFC 9559) to hand frames to ffmpeg and to take pictures back.
//!
//! It is what keeps a harvest honest: each frame goes in with a number as its time stamp,
//! and the picture that comes out bears the same. A frame that is lost or doubled in the
//! decoder cannot shift those after it to another clip. It also takes each codec as its
//! own container stored it, so that nothing has to be rewritten.

use std::io::{self, Read, Write};

use super::super::keyframes::Decoder;
use super::super::matroska::id;

/// Milliseconds between two numbers: more than any reordering could confuse.
const STEP: u64 = 1000;

/// How Matroska names a codec and configures it; `None` for one that cannot be fed so.
pub(super) fn codec(decoder: &Decoder) -> Option<(&'static str, Vec<u8>)> {
    let configured = || decoder.configuration.clone();
    Some(match decoder.codec.as_str() {
        "h264" if !decoder.configuration.is_empty() => ("V_MPEG4/ISO/AVC", configured()),
        "hevc" if !decoder.configuration.is_empty() => ("V_MPEGH/ISO/HEVC", configured()),
        "av1" => ("V_AV1", configured()),
        "vp9" => ("V_VP9", Vec::new()),
        "vp8" => ("V_VP8", Vec::new()),
        "prores" => ("V_PRORES", decoder.kind.to_vec()),
        "mjpeg" => ("V_MJPEG", Vec::new()),
        "mpeg2video" => ("V_MPEG2", configured()),
        "dvvideo" => ("V_MS/VFW/FOURCC", bitmap_header(decoder, *b"dvsd")),
        "dnxhd" => ("V_MS/VFW/FOURCC", bitmap_header(decoder, *b"AVdn")),
        _ => return None,
    })
}

/// A `BITMAPINFOHEADER`, which is how Matroska holds codecs without a name of its own.
fn bitmap_header(decoder: &Decoder, kind: [u8; 4]) -> Vec<u8> {
    let mut header = Vec::with_capacity(40);
    header.extend(40_u32.to_le_bytes());
    header.extend(decoder.width.to_le_bytes());
    header.extend(decoder.height.to_le_bytes());
    header.extend(1_u16.to_le_bytes());
    header.extend(24_u16.to_le_bytes());
    header.extend(kind);
    header.resize(40, 0);
    header
}

/// Writes what stands before the first frame.
pub(super) fn begin(
    into: &mut dyn Write,
    decoder: &Decoder,
    (name, private): (&str, &[u8]),
) -> io::Result<()> {
    let number = |value: u32| value.to_be_bytes();
    let video = [
        element(id::PIXEL_WIDTH, &number(decoder.width)),
        element(id::PIXEL_HEIGHT, &number(decoder.height)),
    ]
    .concat();
    let mut track = [
        element(id::TRACK_NUMBER, &[1]),
        element(id::TRACK_UID, &[1]),
        element(id::TRACK_TYPE, &[1]),
        element(id::CODEC_ID, name.as_bytes()),
        element(id::VIDEO, &video),
    ]
    .concat();
    if !private.is_empty() {
        track.extend(element(id::CODEC_PRIVATE, private));
    }
    let head = [
        element(id::DOC_TYPE, b"matroska"),
        element(id::DOC_TYPE_VERSION, &[4]),
        element(id::DOC_TYPE_READ_VERSION, &[2]),
    ]
    .concat();
    into.write_all(&element(id::EBML, &head))?;
    into.write_all(&id::SEGMENT.to_be_bytes())?;
    // Of unknown length.
    into.write_all(&[0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])?;
    let scale = element(id::TIMESTAMP_SCALE, &number(1_000_000));
    into.write_all(&element(id::INFO, &scale))?;
    into.write_all(&element(id::TRACKS, &element(id::TRACK_ENTRY, &track)))
}

/// Writes one frame under a number.
pub(super) fn frame(into: &mut dyn Write, number: u64, frame: &[u8]) -> io::Result<()> {
    let timestamp = element(id::TIMESTAMP, &(number * STEP).to_be_bytes());
    // Track 1, no offset in time, a keyframe.
    let block = [0x81, 0, 0, 0x80];
    let length = (block.len() + frame.len()) as u64;
    let block_head = [id_bytes(id::SIMPLE_BLOCK), size_bytes(length)].concat();
    let body = timestamp.len() as u64 + block_head.len() as u64 + length;
    into.write_all(&id_bytes(id::CLUSTER))?;
    into.write_all(&size_bytes(body))?;
    into.write_all(&timestamp)?;
    into.write_all(&block_head)?;
    into.write_all(&block)?;
    into.write_all(frame)
}

fn element(id: u32, body: &[u8]) -> Vec<u8> {
    [id_bytes(id), size_bytes(body.len() as u64), body.to_vec()].concat()
}

fn id_bytes(id: u32) -> Vec<u8> {
    let zeros = (id.leading_zeros() / 8) as usize;
    id.to_be_bytes()[zeros..].to_vec()
}

/// Always eight bytes, which any size fits.
fn size_bytes(size: u64) -> Vec<u8> {
    ((1 << 56) | size).to_be_bytes().to_vec()
}

/// A picture that came back.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Numbered {
    /// Under which its frame went in.
    pub number: u64,
    pub pixels: Vec<u8>,
}

/// Reads pictures of `bytes` each until the stream ends or `give` has enough.
///
/// # Errors
/// When the stream ends inside a picture or is none.
pub(super) fn pictures(
    from: &mut dyn Read,
    bytes: usize,
    give: &mut dyn FnMut(Numbered) -> bool,
) -> io::Result<()> {
    let mut cluster = 0_u64;
    while let Some(id) = read_id(from)? {
        let size = read_size(from)?;
        match id {
            // What they hold is read as if it stood outside.
            id::SEGMENT | id::CLUSTER | id::BLOCK_GROUP => {}
            id::TIMESTAMP => {
                cluster = read_body(from, size, 8)?
                    .iter()
                    .fold(0, |sum, &byte| (sum << 8) | u64::from(byte));
            }
            id::SIMPLE_BLOCK | id::BLOCK => {
                let mut body = read_body(from, size, bytes as u64 + 16)?;
                let (Some(&[_, high, low, _]), true) =
                    (body.first_chunk(), body.len() == bytes + 4)
                else {
                    return Err(io::ErrorKind::InvalidData.into());
                };
                let offset = i16::from_be_bytes([high, low]);
                let time = cluster.saturating_add_signed(i64::from(offset));
                body.drain(..4);
                let numbered = Numbered {
                    // The muxer may begin at the first frame's time or shift it by a little.
                    number: time.saturating_add(STEP / 2) / STEP,
                    pixels: body,
                };
                if !give(numbered) {
                    return Ok(());
                }
            }
            _ => {
                io::copy(&mut from.take(size), &mut io::sink())?;
            }
        }
    }
    Ok(())
}

/// The next element's id; `None` at the end.
fn read_id(from: &mut dyn Read) -> io::Result<Option<u32>> {
    let mut first = [0];
    if from.read(&mut first)? == 0 {
        return Ok(None);
    }
    let more = first[0].leading_zeros() as usize;
    if more > 3 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut rest = [0; 3];
    from.read_exact(&mut rest[..more])?;
    let id = rest[..more]
        .iter()
        .fold(u32::from(first[0]), |id, &byte| (id << 8) | u32::from(byte));
    Ok(Some(id))
}

/// An element's size; all ones, of unknown size, come out as very many bytes.
fn read_size(from: &mut dyn Read) -> io::Result<u64> {
    let mut first = [0];
    from.read_exact(&mut first)?;
    let more = first[0].leading_zeros() as usize;
    if more > 7 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut rest = [0; 7];
    from.read_exact(&mut rest[..more])?;
    let own = u64::from(first[0]) & ((1 << (7 - more)) - 1);
    Ok(rest[..more]
        .iter()
        .fold(own, |size, &byte| (size << 8) | u64::from(byte)))
}

fn read_body(from: &mut dyn Read, size: u64, most: u64) -> io::Result<Vec<u8>> {
    if size > most {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut body = Vec::new();
    if from.take(size).read_to_end(&mut body)? as u64 != size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoder() -> Decoder {
        Decoder {
            codec: "prores".to_owned(),
            kind: *b"apch",
            configuration: Vec::new(),
            width: 1920,
            height: 1080,
        }
    }

    #[test]
    fn what_is_written_is_read_back_under_its_number() {
        let decoder = decoder();
        let (name, private) = codec(&decoder).unwrap();
        let mut stream = Vec::new();
        begin(&mut stream, &decoder, (name, &private)).unwrap();
        for number in [0, 7, 300] {
            frame(
                &mut stream,
                number,
                &[u8::try_from(number % 256).unwrap(); 6],
            )
            .unwrap();
        }
        let mut seen = Vec::new();
        pictures(&mut stream.as_slice(), 6, &mut |picture| {
            seen.push((picture.number, picture.pixels[0]));
            true
        })
        .unwrap();
        assert_eq!(seen, [(0, 0), (7, 7), (300, 44)]);
    }

    #[test]
    fn half_a_picture_or_one_of_another_size_is_none() {
        let mut stream = Vec::new();
        begin(&mut stream, &decoder(), ("V_PRORES", b"apch")).unwrap();
        frame(&mut stream, 1, &[1; 6]).unwrap();
        let read = |stream: &[u8], bytes| {
            let mut count = 0;
            let end = pictures(&mut &stream[..], bytes, &mut |_| {
                count += 1;
                true
            });
            (count, end.is_ok())
        };
        assert_eq!(read(&stream, 6), (1, true));
        assert_eq!(read(&stream, 8), (0, false));
        assert_eq!(read(&stream[..stream.len() - 1], 6), (0, false));
        assert_eq!(read(b"\0\0\0", 6), (0, false));
        // The latest time there is, and a picture without a byte.
        let latest = b"\xe7\x88\xff\xff\xff\xff\xff\xff\xff\xff\xa3\x84\x81\0\0\x80";
        assert_eq!(read(latest, 0), (1, true));
    }
}
