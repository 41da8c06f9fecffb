//! Comparison of batch decoding with decoding of the same frames from their files.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::*;
use crate::cancel::Cancel;
use crate::media::single_decode::{self, Input, SeekPosition};
use crate::media::tests::{sample, shared_footage};
use crate::media::{ProbeResult, Tools, read_header};
use crate::skipped_tests::or_skip;

fn tools() -> (Tools, ProcessLimits) {
    let limits = ProcessLimits {
        deadline: Duration::from_secs(60),
        cancel: Cancel::default(),
    };
    (Tools::find(&|_| None).unwrap(), limits)
}

fn ffmpeg(arguments: &str, output: &Path) {
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-y"])
        .args(arguments.split_whitespace())
        .arg(output)
        .status()
        .unwrap();
    assert!(status.success(), "{arguments}");
}

fn header(path: &Path) -> Option<ProbeResult> {
    read_header(&mut Original::open(path).unwrap()).unwrap()
}

/// Returns the peak signal-to-noise ratio in decibels; infinite for equal pictures.
fn psnr(a: &[u8], b: &[u8]) -> f64 {
    let squares: f64 = a
        .iter()
        .zip(b)
        .map(|(&a, &b)| f64::from(a.abs_diff(b)).powi(2))
        .sum();
    #[expect(clippy::cast_precision_loss, reason = "bytes of a thumbnail")]
    let mean = squares / a.len() as f64;
    10.0 * (255.0 * 255.0 / mean).log10()
}

/// Decodes at most `max` keyframes of a file, in shuffled order, and compares each with the frame
/// that ffmpeg decodes when it opens the file. Returns the number of comparisons and the
/// differences.
fn compare(path: &Path, max: usize) -> (usize, Vec<String>) {
    let (tools, limits) = tools();
    let probed = header(path).unwrap();
    let keyframes = probed.keyframes.unwrap();
    let mut raster = Raster::new(&probed.facts, 480).unwrap();
    // Compare frames before tone mapping.
    raster.curve = None;
    let mut keys = keyframes.for_strip(max);
    keys.sort_by_key(|key| key.micros * 7919 % 1_000_003);
    let file = FileKeyframes {
        path: path.to_owned(),
        read_limiter: ReadLimiter::new(1),
        storage: keyframes.stored,
        keys: keys.clone(),
    };
    let mut pictures = vec![None; keys.len()];
    let decoder = &keyframes.decoder;
    let mut on_decoded = |decoded: DecodedKeyframe| {
        keys[decoded.key].micros = decoded.micros;
        pictures[decoded.key] = Some(decoded.pixels);
    };
    decode(
        decoder,
        &raster,
        &[file],
        &tools.ffmpeg,
        &limits,
        &mut on_decoded,
    )
    .unwrap();
    let input = Input {
        path: path.to_owned(),
        is_described: false,
    };
    let (mut compared, mut differences) = (0, Vec::new());
    for (key, picture) in keys.iter().zip(&pictures) {
        #[expect(clippy::cast_precision_loss, reason = "a duration")]
        let second = (key.micros as f64 / 1e6 - 0.004).max(0.0);
        let mut position = SeekPosition::Exact(second);
        if let KeyframeStorage::Transport { .. } = keyframes.stored {
            // Not every search range contains a keyframe, and ffmpeg cannot seek precisely.
            if picture.is_none() {
                continue;
            }
            let rate = probed.facts.rate.as_ref().unwrap().value.per_second();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "small and positive"
            )]
            let number = ((second + 0.005) * rate) as u32;
            position = SeekPosition::FrameNumber(number);
        }
        let expected =
            single_decode::decode_frame(&input, position, &raster, &tools.ffmpeg, &limits);
        // Frames that ffmpeg cannot decode from the file are not counted.
        let Ok(expected) = expected else { continue };
        compared += 1;
        let verdict = match picture.as_ref().map(|picture| psnr(picture, &expected)) {
            None => "is missing".to_owned(),
            Some(psnr) if psnr <= 40.0 => format!("has {psnr:.1} dB"),
            Some(_) => continue,
        };
        differences.push(format!("{}: {key:?} {verdict}", path.display()));
    }
    (compared, differences)
}

const SOURCE: &str = "-f lavfi -i testsrc2=size=320x180:rate=25:duration=4";

#[test]
fn keyframes_of_every_kind_decode_as_in_their_file() {
    let folder = tempfile::tempdir().unwrap();
    for (name, options) in [
        ("closed.mp4", "-c:v libx264 -g 12 -bf 2 -pix_fmt yuv420p"),
        (
            "open.mov",
            "-c:v libx264 -x264-params open-gop=1:keyint=12:bframes=3:b-pyramid=normal -pix_fmt yuv420p",
        ),
        (
            "interlaced.mp4",
            "-c:v libx264 -flags +ilme+ildct -x264-params tff=1:keyint=12 -pix_fmt yuv420p",
        ),
        (
            "intra.mov",
            "-c:v libx264 -g 1 -profile:v high422 -pix_fmt yuv422p10le",
        ),
        (
            "rotated.mov",
            "-c:v libx264 -g 12 -pix_fmt yuv420p -metadata:s:v rotate=90",
        ),
        (
            "anamorphic.mp4",
            "-c:v libx264 -g 12 -pix_fmt yuv420p -vf setsar=4/3",
        ),
        (
            "fragmented.mp4",
            "-c:v libx264 -g 12 -pix_fmt yuv420p -movflags frag_keyframe+empty_moov",
        ),
        (
            "open-hevc.mp4",
            "-c:v libx265 -x265-params open-gop=1:keyint=12:min-keyint=12:bframes=4:log-level=none -tag:v hvc1 -pix_fmt yuv420p",
        ),
        (
            "hlg.mov",
            "-c:v libx265 -x265-params keyint=12:log-level=none -tag:v hvc1 -pix_fmt yuv420p10le -color_primaries bt2020 -color_trc arib-std-b67 -colorspace bt2020nc",
        ),
        (
            "prores.mov",
            "-c:v prores_ks -profile:v hq -pix_fmt yuv422p10le",
        ),
        ("broadcast.mov", "-c:v mpeg2video -g 12 -bf 2 -q:v 2"),
        ("motion.mov", "-c:v mjpeg -q:v 3 -pix_fmt yuvj422p"),
        ("vp9.mp4", "-c:v libvpx-vp9 -deadline realtime -g 12"),
        ("closed.ts", "-c:v libx264 -g 12 -bf 2 -pix_fmt yuv420p"),
        (
            "open.m2ts",
            "-c:v libx264 -x264-params open-gop=1:keyint=12:bframes=3 -pix_fmt yuv420p -mpegts_m2ts_mode 1",
        ),
        (
            "interlaced.mts",
            "-c:v libx264 -flags +ilme+ildct -x264-params tff=1:open-gop=1:keyint=12 -pix_fmt yuv420p -mpegts_m2ts_mode 1",
        ),
    ] {
        let path = folder.path().join(name);
        ffmpeg(&format!("{SOURCE} {options}"), &path);
        let (compared, differences) = compare(&path, 5);
        assert_eq!(differences, [""; 0]);
        assert!(compared >= 3, "{name}: only {compared} keys");
    }
}

#[test]
fn keyframes_of_mxf_files_with_sound_decode_as_in_their_file() {
    let source = "-f lavfi -i testsrc2=size=320x180:rate=25:duration=2";
    let sound = "-f lavfi -i sine=sample_rate=48000:duration=2";
    let folder = tempfile::tempdir().unwrap();
    let kinds = [
        ("long.mxf", "-c:v mpeg2video -g 12 -bf 2"),
        (
            "intra.mxf",
            "-c:v libx264 -g 1 -profile:v high422 -pix_fmt yuv422p10le",
        ),
        ("vc3.mxf", "-c:v dnxhd -profile:v dnxhr_lb -pix_fmt yuv422p"),
        (
            "tape.mxf",
            "-vf scale=720:576 -c:v dvvideo -pix_fmt yuv420p",
        ),
    ];
    kinds.par_iter().for_each(|(name, options)| {
        let path = folder.path().join(name);
        ffmpeg(&format!("{source} {sound} {options}"), &path);
        let (compared, differences) = compare(&path, 2);
        assert_eq!(differences, [""; 0]);
        assert_eq!(compared, 2, "{name}");
    });
}

#[test]
fn keyframes_of_matroska_and_avi_files_decode_as_in_their_file() {
    let folder = tempfile::tempdir().unwrap();
    let source = "-f lavfi -i testsrc2=size=320x180:rate=25:duration=2";
    for (name, options) in [
        (
            "audio.mkv",
            "-f lavfi -i sine=duration=2 -c:a pcm_s16le -c:v libx264 -g 12 -bf 2 -pix_fmt yuv420p",
        ),
        (
            "delayed.mkv",
            "-c:v libx264 -g 12 -pix_fmt yuv420p -output_ts_offset 5.12",
        ),
        (
            "closed.webm",
            "-c:v libvpx -deadline realtime -cpu-used 8 -g 12 -b:v 4M",
        ),
        (
            "chunks.avi",
            "-f lavfi -i sine=duration=2 -c:a pcm_s16le -c:v mjpeg -q:v 3 -pix_fmt yuvj422p",
        ),
    ] {
        let path = folder.path().join(name);
        ffmpeg(&format!("{source} {options}"), &path);
        let (compared, differences) = compare(&path, 3);
        assert_eq!(differences, [""; 0]);
        assert!(compared >= 3, "{name}: only {compared} keys");
    }
}

#[test]
fn a_lost_frame_does_not_shift_frames_to_another_clip() {
    let folder = tempfile::tempdir().unwrap();
    let (tools, limits) = tools();
    let mut files = Vec::new();
    let mut probed = None;
    // Each clip has its own colour. The frames of the second and third clips are overwritten.
    for (number, colour) in ["red", "lime", "blue", "white", "yellow"]
        .iter()
        .enumerate()
    {
        let path = folder.path().join(format!("{colour}.mp4"));
        let source = format!("-f lavfi -i color={colour}:size=64x64:rate=25:duration=1");
        ffmpeg(&format!("{source} -c:v libx264 -pix_fmt yuv420p"), &path);
        let header = header(&path).unwrap();
        let key = header.keyframes.as_ref().unwrap().keys[0];
        if matches!(number, 1 | 2) {
            let mut bytes = fs::read(&path).unwrap();
            let at = usize::try_from(key.offset).unwrap();
            bytes[at..at + key.bytes as usize].fill(0xff);
            fs::write(&path, bytes).unwrap();
        }
        files.push(FileKeyframes {
            path,
            read_limiter: ReadLimiter::new(1),
            storage: KeyframeStorage::Whole,
            keys: vec![key],
        });
        probed = Some(header);
    }
    let probed = probed.unwrap();
    let raster = Raster::new(&probed.facts, 480).unwrap();
    let decoder = probed.keyframes.unwrap().decoder;
    let mut decoded_files = Vec::new();
    decode(
        &decoder,
        &raster,
        &files,
        &tools.ffmpeg,
        &limits,
        &mut |decoded| {
            let middle = decoded.pixels.len() / 2 / 3 * 3;
            let is_bright = |at: usize| decoded.pixels[middle + at] > 127;
            decoded_files.push((decoded.file, [is_bright(0), is_bright(1), is_bright(2)]));
        },
    )
    .unwrap();
    assert_eq!(
        decoded_files,
        [
            (0, [true, false, false]),
            (3, [true, true, true]),
            (4, [true, true, false])
        ]
    );
}

#[test]
fn missing_slices_are_not_filled_from_another_clip() {
    let folder = tempfile::tempdir().unwrap();
    let (tools, limits) = tools();
    let mut files = Vec::new();
    let mut probed = None;
    for (number, colour) in ["red", "red", "red", "red", "blue"].iter().enumerate() {
        let path = folder.path().join(format!("{number}.mp4"));
        let source = format!("-f lavfi -i color={colour}:size=320x192:rate=25:duration=0.2");
        let coding = "-c:v libx265 -x265-params slices=3:ctu=16:log-level=none -pix_fmt yuv420p";
        ffmpeg(&format!("{source} {coding}"), &path);
        let header = header(&path).unwrap();
        let key = header.keyframes.as_ref().unwrap().keys[0];
        if *colour == "blue" {
            let mut bytes = fs::read(&path).unwrap();
            let begin = usize::try_from(key.offset).unwrap();
            assert_eq!(
                replace_slices(&mut bytes[begin..begin + key.bytes as usize]),
                2
            );
            fs::write(&path, bytes).unwrap();
        }
        files.push(FileKeyframes {
            path,
            read_limiter: ReadLimiter::new(1),
            storage: KeyframeStorage::Whole,
            keys: vec![key],
        });
        probed = Some(header);
    }
    let probed = probed.unwrap();
    let raster = Raster::new(&probed.facts, 320).unwrap();
    let decoder = probed.keyframes.unwrap().decoder;
    let mut red = vec![None; files.len()];
    let mut on_decoded = |decoded: DecodedKeyframe| {
        let pixels = decoded.pixels.as_chunks::<3>().0;
        let count = pixels
            .iter()
            .filter(|pixel| pixel[0] > 127 && pixel[1] < 127);
        red[decoded.file] = Some(count.count() * 100 / pixels.len());
    };
    decode(
        &decoder,
        &raster,
        &files,
        &tools.ffmpeg,
        &limits,
        &mut on_decoded,
    )
    .unwrap();
    assert_eq!(red[..4], [Some(100); 4]);
    assert!(red[4].is_none_or(|red| red == 0), "{red:?}");
}

/// Changes all slices of an HEVC picture except the first to filler data, which decoders ignore.
/// Returns the number of changed slices.
fn replace_slices(mut frame: &mut [u8]) -> usize {
    let (mut slices, mut replaced) = (0, 0);
    while let Some((length, rest)) = frame.split_first_chunk_mut::<4>() {
        let (unit, next) = rest.split_at_mut(u32::from_be_bytes(*length) as usize);
        if unit[0] >> 1 < 32 {
            slices += 1;
            if slices > 1 {
                // Filler data unit.
                unit[0] = 38 << 1;
                replaced += 1;
            }
        }
        frame = next;
    }
    replaced
}

#[test]
fn a_damaged_keyframe_is_not_filled_from_another_clip() {
    let folder = tempfile::tempdir().unwrap();
    let (tools, limits) = tools();
    for (kind, options) in [
        ("mp4", "-c:v libx264 -g 5 -pix_fmt yuv420p"),
        ("mov", "-c:v prores_ks -pix_fmt yuv422p10le"),
        ("mov", "-c:v mjpeg -q:v 3 -pix_fmt yuvj422p"),
    ] {
        let mut files = Vec::new();
        let mut probed = None;
        for number in 0..6 {
            let path = folder.path().join(format!("{number}.{kind}"));
            let source = format!(
                "-f lavfi -i testsrc2=size=320x180:rate=5:duration=1,hue=h={}",
                number * 60
            );
            ffmpeg(&format!("{source} {options}"), &path);
            let header = header(&path).unwrap();
            let key = header.keyframes.as_ref().unwrap().keys[0];
            // Overwrite the end of the keyframe in every second clip.
            if number % 2 == 1 {
                let mut bytes = fs::read(&path).unwrap();
                let at = usize::try_from(key.offset).unwrap();
                let length = key.bytes as usize;
                bytes[at + length / 3..at + length].fill(0x55);
                fs::write(&path, bytes).unwrap();
            }
            files.push(FileKeyframes {
                path,
                read_limiter: ReadLimiter::new(1),
                storage: KeyframeStorage::Whole,
                keys: vec![key],
            });
            probed = Some(header);
        }
        let probed = probed.unwrap();
        let raster = Raster::new(&probed.facts, 480).unwrap();
        let decoder = probed.keyframes.unwrap().decoder;
        let mut pictures = vec![None; files.len()];
        let mut on_decoded =
            |decoded: DecodedKeyframe| pictures[decoded.file] = Some(decoded.pixels);
        decode(
            &decoder,
            &raster,
            &files,
            &tools.ffmpeg,
            &limits,
            &mut on_decoded,
        )
        .unwrap();
        for at in (0..files.len()).step_by(2) {
            let intact = pictures[at].as_ref().unwrap();
            let Some(damaged) = &pictures[at + 1] else {
                continue;
            };
            let lower = intact.len() * 3 / 4;
            let similarity = psnr(&intact[lower..], &damaged[lower..]);
            assert!(
                similarity < 25.0,
                "{options}: {at} is visible in the next clip: {similarity:.1} dB"
            );
        }
    }
}

#[test]
fn keyframes_of_real_files_decode_as_in_their_file() {
    let mut paths = or_skip!(shared_footage());
    paths.retain(|path| {
        header(path).is_some_and(|probed| {
            let is_decodable = |frames: &crate::media::Keyframes| can_decode(&frames.decoder);
            probed.keyframes.as_ref().is_some_and(is_decodable)
                && Raster::new(&probed.facts, 480).is_some()
        })
    });
    let paths = sample(paths);
    let compared: Vec<(usize, Vec<String>)> =
        paths.par_iter().map(|path| compare(path, 1)).collect();
    let count = compared.iter().filter(|(keys, _)| *keys > 0).count();
    let all: Vec<String> = compared
        .into_iter()
        .flat_map(|(_, differences)| differences)
        .collect();
    assert!(all.is_empty(), "of {count} files:\n{}", all.join("\n"));
    assert!(count > 40 / 3, "only {count} files");
}
