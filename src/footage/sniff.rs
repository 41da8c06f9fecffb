//! Detects media by the first bytes of a file.

/// Number of bytes needed by [`sniff`].
pub const HEAD: usize = 4096;

/// Kind of content by the first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadKind {
    /// Empty file.
    Empty,
    /// Known media signature.
    Media,
    /// Plain text.
    Text,
    /// No known signature; the name decides whether it is media.
    Unknown,
}

/// Classifies a file by its first [`HEAD`] bytes.
#[must_use]
pub fn sniff(head: &[u8]) -> HeadKind {
    if head.is_empty() {
        HeadKind::Empty
    } else if is_media(head) {
        HeadKind::Media
    } else if is_text(head) {
        HeadKind::Text
    } else {
        HeadKind::Unknown
    }
}

/// Signatures at offset 0.
const SIGNATURES: &[&[u8]] = &[
    b"\x1a\x45\xdf\xa3", // Matroska, WebM: EBML
    b"OggS",
    b"fLaC",
    b"FLV\x01",
    b"caff\0",
    b".RMF",
    b"DKIF\0\0", // IVF
    b"nut/multimedia container\0",
    b"#!AMR",
    b"YUV4MPEG2 ",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", // ASF
    b"riff\x2e\x91\xcf\x11",             // Wave64
    b"\0\0\x01\xba",                     // MPEG program stream
    b"\0\0\x01\xb3",                     // MPEG video sequence
    b"\0\0\0\0\x01\xbc\0\0",             // GXF
    b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01", // MXF partition pack
    b"\0\0\0\x01\x67",                   // H.264 sequence parameter set
    b"\0\0\0\x01\x40\x01",               // HEVC video parameter set
    b"ARRI\x12\x34\x56\x78",
    b"ARRI\x78\x56\x34\x12",
    b"MLVI",
];

fn is_media(head: &[u8]) -> bool {
    SIGNATURES
        .iter()
        .any(|signature| head.starts_with(signature))
        || is_iso_media(head)
        || is_riff_or_iff(head)
        || is_transport_stream(head)
        || is_red(head)
        || head.starts_with(b"\x1f\x07\0\x3f")
        || head.starts_with(b"\x1f\x07\0\xbf")
        || head.starts_with(b"ID3\x03")
        || head.starts_with(b"ID3\x04")
}

/// Detects ISO 14496-12 and `QuickTime` by their first box; excludes still picture formats.
fn is_iso_media(head: &[u8]) -> bool {
    match head.get(4..8) {
        Some(b"ftyp") => {
            let brand = head.get(8..12).unwrap_or_default();
            let stills: [&[u8]; 8] = [
                b"heic", b"heix", b"mif1", b"msf1", b"avif", b"crx ", b"jp2 ", b"jpx ",
            ];
            !stills.contains(&brand)
        }
        Some(b"moov" | b"mdat" | b"wide" | b"pnot" | b"styp" | b"moof") => true,
        Some(b"free" | b"skip") => {
            matches!(
                head.get(12..16),
                Some(b"moov" | b"mdat" | b"wide" | b"ftyp")
            )
        }
        _ => false,
    }
}

fn is_riff_or_iff(head: &[u8]) -> bool {
    let form = head.get(8..12).unwrap_or_default();
    match head.get(..4) {
        Some(b"RIFF" | b"RF64" | b"BW64" | b"RIFX") => matches!(form, b"AVI " | b"WAVE" | b"AVIX"),
        Some(b"FORM") => matches!(form, b"AIFF" | b"AIFC"),
        _ => false,
    }
}

/// Detects MPEG-TS by sync bytes 188 bytes apart, or 192 with the time stamps of AVCHD.
fn is_transport_stream(head: &[u8]) -> bool {
    [(0, 188), (4, 192)]
        .iter()
        .any(|&(first, packet)| (0..4).all(|n| head.get(first + n * packet) == Some(&0x47)))
}

/// Detects REDCODE: a block length, then `RED1` or `RED2`.
fn is_red(head: &[u8]) -> bool {
    matches!(head.get(4..8), Some(b"RED1" | b"RED2"))
}

/// Detects UTF-8 without unusual control characters, or UTF-16 with a byte order mark.
fn is_text(head: &[u8]) -> bool {
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return true;
    }
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The last character may be incomplete.
        Err(error) if head.len() - error.valid_up_to() < 4 && error.valid_up_to() > 0 => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !valid.is_empty()
        && valid
            .chars()
            .all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\x0c' | '\x1b'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_distinguish_media_and_text() {
        let mut stream = vec![0_u8; 800];
        for packet in 0..4 {
            stream[packet * 188] = 0x47;
        }
        let cases: [(&[u8], HeadKind); 9] = [
            (b"\0\0\0\x18ftypqt  ", HeadKind::Media),
            (b"\0\0\0\x18ftypheic", HeadKind::Unknown),
            (b"RIFF\x10\0\0\0WAVE", HeadKind::Media),
            (b"RIFF\x10\0\0\0WEBP", HeadKind::Unknown),
            (b"\0\0\0\0RED2", HeadKind::Media),
            ("Notes für Tag 2\n".as_bytes(), HeadKind::Text),
            (b"", HeadKind::Empty),
            (b"\x00\x01\x02", HeadKind::Unknown),
            (&stream, HeadKind::Media),
        ];
        for (head, content) in cases {
            assert_eq!(sniff(head), content, "{head:?}");
        }
    }

    #[test]
    fn text_may_be_cut_inside_a_character() {
        assert_eq!(sniff(&"für".as_bytes()[..2]), HeadKind::Text);
        assert_eq!(sniff(&[0xc3]), HeadKind::Unknown);
    }
}
