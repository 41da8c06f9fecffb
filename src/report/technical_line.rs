//! Technical line of a clip: picture, rate, codec, colour, sound.

use super::anomalies::format_rate;
use crate::clip::Clip;
use crate::value::ScanOrder;

/// Returns the parts of the line that are known: `3840×2160`, `25 fps`, `H.264 10-bit 4:2:2`,
/// `HLG`, `2 ch 48 kHz PCM 16-bit`.
pub(super) fn line(clip: &Clip) -> Vec<String> {
    let mut parts = Vec::new();
    let size = clip
        .display_width
        .as_ref()
        .zip(clip.display_height.as_ref());
    parts.extend(size.map(|(width, height)| format!("{}×{}", width.value, height.value)));
    parts.extend(clip.rate.as_ref().map(|rate| {
        let is_variable = clip.is_vfr.as_ref().is_some_and(|it| it.value);
        let is_interlaced = clip
            .scan_order
            .as_ref()
            .is_some_and(|it| it.value != ScanOrder::Progressive);
        let what = match (is_variable, is_interlaced) {
            (true, _) => " fps, variable",
            (false, true) => " fps, interlaced",
            (false, false) => " fps",
        };
        format!("{}{what}", format_rate(rate.value))
    }));
    parts.extend(picture(clip));
    parts.extend(colour(clip));
    parts.extend(sound(clip));
    parts
}

fn picture(clip: &Clip) -> Option<String> {
    let codec = clip.video_codec.as_ref()?;
    let bits = clip.bit_depth.as_ref();
    let chroma = clip.chroma_subsampling.as_ref();
    let parts = [
        Some(codec_name(&codec.value)),
        bits.map(|bits| format!("{}-bit", bits.value)),
        chroma.map(|chroma| chroma.value.clone()),
    ];
    Some(join_parts(parts))
}

/// Returns the HDR format or transfer function, unless it is Rec. 709 or similar.
fn colour(clip: &Clip) -> Option<String> {
    if let Some(hdr) = &clip.hdr {
        return Some(hdr.value.to_string().to_uppercase());
    }
    let transfer = clip.transfer.as_ref()?.value.as_str();
    let is_plain = matches!(
        transfer,
        "bt709" | "smpte170m" | "unknown" | "iec61966-2-1" | "bt470bg"
    );
    (!is_plain).then(|| transfer.to_owned())
}

fn sound(clip: &Clip) -> Option<String> {
    let codec = clip.audio_codec.as_ref()?;
    let channels = clip.audio_channels.as_ref();
    let rate = clip.sample_rate.as_ref();
    let parts = [
        channels.map(|channels| format!("{} ch", channels.value)),
        rate.map(|rate| format!("{} kHz", f64::from(rate.value) / 1000.0)),
        Some(codec_name(&codec.value)),
    ];
    Some(join_parts(parts))
}

fn join_parts(parts: [Option<String>; 3]) -> String {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join(" ")
}

/// Returns the usual spelling of a codec name.
fn codec_name(codec: &str) -> String {
    let known = [
        ("h264", "H.264"),
        ("hevc", "HEVC"),
        ("prores", "ProRes"),
        ("dnxhd", "DNxHD"),
        ("mpeg2video", "MPEG-2"),
        ("mpeg4", "MPEG-4"),
        ("mjpeg", "MJPEG"),
        ("dvvideo", "DV"),
        ("av1", "AV1"),
        ("vp8", "VP8"),
        ("vp9", "VP9"),
        ("aac", "AAC"),
        ("mp3", "MP3"),
        ("ac3", "AC-3"),
        ("opus", "Opus"),
    ];
    if let Some((_, name)) = known.iter().find(|(name, _)| *name == codec) {
        return (*name).to_owned();
    }
    let bits: String = codec.strip_prefix("pcm_").map_or_else(String::new, |rest| {
        rest.chars().filter(char::is_ascii_digit).collect()
    });
    if bits.is_empty() {
        codec.to_owned()
    } else {
        format!("PCM {bits}-bit")
    }
}
