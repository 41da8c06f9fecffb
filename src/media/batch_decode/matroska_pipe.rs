//! Minimal Matroska (RFC 9559) writer and reader for the pipes to and from ffmpeg.
//!
//! Matroska keeps frames and clips matched. Each frame is written with its number as its timestamp,
//! and the decoded picture carries the same timestamp. A frame that the decoder drops or duplicates
//! therefore cannot shift later frames to another clip. Matroska also accepts each codec in the
//! form in which the original container stores it, so nothing is rewritten.

use std::io::{self, Read, Write};

use super::super::keyframes::Decoder;
use super::super::matroska::id;

/// Milliseconds between the timestamps of consecutive numbers. The interval is large enough that
/// reordering and small shifts do not change a number.
const NUMBER_INTERVAL: u64 = 1000;

/// Returns the codec id and private data for Matroska; `None` for an unsupported codec.
pub(super) fn codec(decoder: &Decoder) -> Option<(&'static str, Vec<u8>)> {
    let configuration = || decoder.configuration.clone();
    Some(match decoder.codec.as_str() {
        "h264" if !decoder.configuration.is_empty() => ("V_MPEG4/ISO/AVC", configuration()),
        "hevc" if !decoder.configuration.is_empty() => ("V_MPEGH/ISO/HEVC", configuration()),
        "av1" => ("V_AV1", configuration()),
        "vp9" => ("V_VP9", Vec::new()),
        "vp8" => ("V_VP8", Vec::new()),
        "prores" => ("V_PRORES", decoder.kind.to_vec()),
        "mjpeg" => ("V_MJPEG", Vec::new()),
        "mpeg2video" => ("V_MPEG2", configuration()),
        "dvvideo" => ("V_MS/VFW/FOURCC", bitmap_header(decoder, *b"dvsd")),
        "dnxhd" => ("V_MS/VFW/FOURCC", bitmap_header(decoder, *b"AVdn")),
        _ => return None,
    })
}

/// Builds a `BITMAPINFOHEADER`, which Matroska stores for codecs without their own codec id.
fn bitmap_header(decoder: &Decoder, fourcc: [u8; 4]) -> Vec<u8> {
    let mut header = Vec::with_capacity(40);
    header.extend(40_u32.to_le_bytes());
    header.extend(decoder.width.to_le_bytes());
    header.extend(decoder.height.to_le_bytes());
    header.extend(1_u16.to_le_bytes());
    header.extend(24_u16.to_le_bytes());
    header.extend(fourcc);
    header.resize(40, 0);
    header
}

/// Writes the stream up to the first frame.
pub(super) fn write_header(
    output: &mut dyn Write,
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
    output.write_all(&element(id::EBML, &head))?;
    output.write_all(&id::SEGMENT.to_be_bytes())?;
    // The length of the segment is unknown.
    output.write_all(&[0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])?;
    let scale = element(id::TIMESTAMP_SCALE, &number(1_000_000));
    output.write_all(&element(id::INFO, &scale))?;
    output.write_all(&element(id::TRACKS, &element(id::TRACK_ENTRY, &track)))
}

/// Writes a frame with its number.
pub(super) fn write_frame(output: &mut dyn Write, number: u64, frame: &[u8]) -> io::Result<()> {
    let timestamp = element(id::TIMESTAMP, &(number * NUMBER_INTERVAL).to_be_bytes());
    // Track 1, time offset 0, keyframe.
    let block = [0x81, 0, 0, 0x80];
    let length = (block.len() + frame.len()) as u64;
    let block_head = [id_bytes(id::SIMPLE_BLOCK), size_bytes(length)].concat();
    let body = timestamp.len() as u64 + block_head.len() as u64 + length;
    output.write_all(&id_bytes(id::CLUSTER))?;
    output.write_all(&size_bytes(body))?;
    output.write_all(&timestamp)?;
    output.write_all(&block_head)?;
    output.write_all(&block)?;
    output.write_all(frame)
}

fn element(id: u32, body: &[u8]) -> Vec<u8> {
    [id_bytes(id), size_bytes(body.len() as u64), body.to_vec()].concat()
}

fn id_bytes(id: u32) -> Vec<u8> {
    let zeros = (id.leading_zeros() / 8) as usize;
    id.to_be_bytes()[zeros..].to_vec()
}

/// Encodes a size in eight bytes, which are sufficient for any size.
fn size_bytes(size: u64) -> Vec<u8> {
    ((1 << 56) | size).to_be_bytes().to_vec()
}

/// Decoded picture with the number of its frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NumberedPicture {
    /// Number passed to [`write_frame`].
    pub number: u64,
    pub pixels: Vec<u8>,
}

/// Reads pictures of `bytes` bytes each until the stream ends or `on_picture` returns false.
///
/// # Errors
/// Fails if the stream is not Matroska or ends within a picture.
pub(super) fn read_pictures(
    input: &mut dyn Read,
    bytes: usize,
    on_picture: &mut dyn FnMut(NumberedPicture) -> bool,
) -> io::Result<()> {
    let mut cluster = 0_u64;
    while let Some(id) = read_id(input)? {
        let size = read_size(input)?;
        match id {
            // The children of these elements are read like top-level elements.
            id::SEGMENT | id::CLUSTER | id::BLOCK_GROUP => {}
            id::TIMESTAMP => {
                cluster = read_body(input, size, 8)?
                    .iter()
                    .fold(0, |sum, &byte| (sum << 8) | u64::from(byte));
            }
            id::SIMPLE_BLOCK | id::BLOCK => {
                let mut body = read_body(input, size, bytes as u64 + 16)?;
                let (Some(&[_, high, low, _]), true) =
                    (body.first_chunk(), body.len() == bytes + 4)
                else {
                    return Err(io::ErrorKind::InvalidData.into());
                };
                let offset = i16::from_be_bytes([high, low]);
                let time = cluster.saturating_add_signed(i64::from(offset));
                body.drain(..4);
                let picture = NumberedPicture {
                    // The muxer may shift all times slightly, so the number is rounded.
                    number: time.saturating_add(NUMBER_INTERVAL / 2) / NUMBER_INTERVAL,
                    pixels: body,
                };
                if !on_picture(picture) {
                    return Ok(());
                }
            }
            _ => {
                io::copy(&mut input.take(size), &mut io::sink())?;
            }
        }
    }
    Ok(())
}

/// Reads the id of the next element; `None` at the end of the stream.
fn read_id(input: &mut dyn Read) -> io::Result<Option<u32>> {
    let mut first = [0];
    if input.read(&mut first)? == 0 {
        return Ok(None);
    }
    let extra = first[0].leading_zeros() as usize;
    if extra > 3 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut rest = [0; 3];
    input.read_exact(&mut rest[..extra])?;
    let id = rest[..extra]
        .iter()
        .fold(u32::from(first[0]), |id, &byte| (id << 8) | u32::from(byte));
    Ok(Some(id))
}

/// Reads the size of an element. An unknown size (all ones) becomes a very large number.
fn read_size(input: &mut dyn Read) -> io::Result<u64> {
    let mut first = [0];
    input.read_exact(&mut first)?;
    let extra = first[0].leading_zeros() as usize;
    if extra > 7 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut rest = [0; 7];
    input.read_exact(&mut rest[..extra])?;
    let first_bits = u64::from(first[0]) & ((1 << (7 - extra)) - 1);
    Ok(rest[..extra]
        .iter()
        .fold(first_bits, |size, &byte| (size << 8) | u64::from(byte)))
}

fn read_body(input: &mut dyn Read, size: u64, max_bytes: u64) -> io::Result<Vec<u8>> {
    if size > max_bytes {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut body = Vec::new();
    if input.take(size).read_to_end(&mut body)? as u64 != size {
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
    fn reads_back_frames_with_their_numbers() {
        let decoder = decoder();
        let (name, private) = codec(&decoder).unwrap();
        let mut stream = Vec::new();
        write_header(&mut stream, &decoder, (name, &private)).unwrap();
        for number in [0, 7, 300] {
            write_frame(
                &mut stream,
                number,
                &[u8::try_from(number % 256).unwrap(); 6],
            )
            .unwrap();
        }
        let mut pictures = Vec::new();
        read_pictures(&mut stream.as_slice(), 6, &mut |picture| {
            pictures.push((picture.number, picture.pixels[0]));
            true
        })
        .unwrap();
        assert_eq!(pictures, [(0, 0), (7, 7), (300, 44)]);
    }

    #[test]
    fn rejects_truncated_pictures_and_other_sizes() {
        let mut stream = Vec::new();
        write_header(&mut stream, &decoder(), ("V_PRORES", b"apch")).unwrap();
        write_frame(&mut stream, 1, &[1; 6]).unwrap();
        let read = |stream: &[u8], bytes| {
            let mut count = 0;
            let end = read_pictures(&mut &stream[..], bytes, &mut |_| {
                count += 1;
                true
            });
            (count, end.is_ok())
        };
        assert_eq!(read(&stream, 6), (1, true));
        assert_eq!(read(&stream, 8), (0, false));
        assert_eq!(read(&stream[..stream.len() - 1], 6), (0, false));
        assert_eq!(read(b"\0\0\0", 6), (0, false));
        // The highest possible time with a picture of zero bytes.
        let latest = b"\xe7\x88\xff\xff\xff\xff\xff\xff\xff\xff\xa3\x84\x81\0\0\x80";
        assert_eq!(read(latest, 0), (1, true));
    }
}
